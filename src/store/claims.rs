//! Which bucket object counts a record that lies in several: always the one with the smallest key, whatever the order of reading.
//!
//! In: objects by key, each with the identities it counts. Out: whether an object may count an identity, and which objects have
//! lost one to an earlier key and must be digested again. A day read in any order, in any number of runs, so ends in the same
//! counts, samples and origins as a day read once in the order of keys.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{BuildHasherDefault, Hasher},
};

/// Who counts what, within one kind of log of one day.
#[derive(Debug, Default)]
pub struct Claims {
    keys: Vec<String>,
    holder: HashMap<u64, u32, BuildHasherDefault<Identity>>,
    stale: BTreeSet<String>,
}

impl Claims {
    /// Adds what an object read earlier counts (`Store::identities`).
    pub fn add(&mut self, key: &str, identities: &[u64]) {
        self.holder.reserve(identities.len());
        let mut object = self.object(key);
        for identity in identities {
            object.claim(*identity);
        }
    }

    /// The side of one object: give its `claim` to the digest. An object that is read again starts anew.
    ///
    /// An object whose bytes were replaced may no longer hold what it counted, and another that was refused it is not told: with a
    /// replaced object, read those again that were refused anything.
    pub fn object(&mut self, key: &str) -> Object<'_> {
        self.stale.remove(key);
        let known = self.keys.iter().position(|k| k == key);
        let number = u32::try_from(known.unwrap_or(self.keys.len())).unwrap_or(u32::MAX);
        if known.is_some() {
            self.holder.retain(|_, holder| *holder != number);
        } else {
            self.keys.push(key.to_owned());
        }
        Object {
            number,
            claims: self,
        }
    }

    /// Keys of objects that count a record which an earlier key holds too: read and put them again, in the order given. Empty
    /// when every key was read in order.
    #[must_use]
    pub fn stale(&self) -> Vec<String> {
        self.stale.iter().cloned().collect()
    }
}

/// One object's view of the claims.
#[derive(Debug)]
pub struct Object<'a> {
    number: u32,
    claims: &'a mut Claims,
}

impl Object<'_> {
    /// Whether this object counts the record: no object with a smaller key does, and it was not seen before in this one.
    pub fn claim(&mut self, identity: u64) -> bool {
        let Claims {
            keys,
            holder,
            stale,
        } = self.claims;
        let key = |n: u32| &keys[n as usize];
        match holder.get_mut(&identity) {
            None => {
                holder.insert(identity, self.number);
                true
            }
            Some(other) if key(self.number) < key(*other) => {
                stale.insert(key(*other).clone());
                *other = self.number;
                true
            }
            Some(_) => false,
        }
    }
}

/// An identity is a hash already.
#[derive(Debug, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*b);
        }
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads objects in the given order, and again as long as any is stale; who counts what at the end.
    fn settle(objects: &[(String, Vec<u64>)], order: &[usize]) -> BTreeSet<(u64, String)> {
        let mut claims = Claims::default();
        let mut counted: HashMap<&str, Vec<u64>> = HashMap::new();
        let mut next: Vec<usize> = order.to_vec();
        while let Some(i) = next.pop() {
            let (key, records) = &objects[i];
            let mut object = claims.object(key);
            let own = records.iter().copied().filter(|r| object.claim(*r));
            counted.insert(key, own.collect());
            if next.is_empty() {
                let stale = claims.stale();
                next.extend((0..objects.len()).filter(|i| stale.contains(&objects[*i].0)));
            }
        }
        let each = counted.into_iter();
        each.flat_map(|(key, ids)| ids.into_iter().map(move |id| (id, key.to_owned())))
            .collect()
    }

    proptest! {
        #[test]
        fn the_order_of_reading_does_not_matter(
            records in proptest::collection::vec(proptest::collection::btree_set(0_u64..12, 0..6), 1..5),
            order in Just((0..5_usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let objects: Vec<(String, Vec<u64>)> = records
                .into_iter()
                .enumerate()
                .map(|(i, r)| (format!("k{i}"), r.into_iter().collect()))
                .collect();
            let order: Vec<usize> = order.into_iter().filter(|i| *i < objects.len()).collect();
            let in_order: Vec<usize> = (0..objects.len()).rev().collect();
            prop_assert_eq!(settle(&objects, &order), settle(&objects, &in_order));
        }
    }
}
