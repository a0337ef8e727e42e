//! Which bucket object counts a record that lies in several: always the one with the smallest key, whatever the order of reading.
//!
//! In: objects by key, each with the identities it counts. Out: whether an object may count an identity, and which objects have
//! lost one to an earlier key and must be digested again. A day read in any order, in any number of runs, so ends in the same
//! counts, samples and origins as a day read once in the order of keys.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{BuildHasherDefault, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Who counts what, within one kind of log of one day. Cheap to clone; clones decide together, so objects may be digested side by side.
#[derive(Debug, Clone, Default)]
pub struct Claims(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    keys: Vec<String>,
    numbers: HashMap<String, u32>,
    holder: HashMap<u64, u32, BuildHasherDefault<Identity>>,
    stale: BTreeSet<String>,
    /// Whoever claims first keeps what it has.
    first_keeps: bool,
}

impl Claims {
    /// Claims that nobody loses again, where it makes no difference which object counts a record and each is read once.
    #[must_use]
    pub fn as_they_come() -> Self {
        Self(Arc::new(Mutex::new(Book {
            first_keeps: true,
            ..Book::default()
        })))
    }

    /// Adds what an object read earlier counts (`Store::identities`).
    pub fn add(&self, key: &str, identities: &[u64]) {
        let object = self.object(key);
        let mut book = self.book();
        book.holder.reserve(identities.len());
        for identity in identities {
            book.claim(object.number, *identity);
        }
    }

    /// The side of one object: give its `claim` to the digest. An object that is read again starts anew.
    ///
    /// An object whose bytes were replaced may no longer hold what it counted, and another that was refused it is not told: with a
    /// replaced object, read those again that were refused anything.
    #[must_use]
    pub fn object(&self, key: &str) -> Object {
        let mut book = self.book();
        book.stale.remove(key);
        let number = if let Some(&number) = book.numbers.get(key) {
            book.holder.retain(|_, holder| *holder != number);
            number
        } else {
            let number = u32::try_from(book.keys.len()).unwrap_or(u32::MAX);
            book.keys.push(key.to_owned());
            book.numbers.insert(key.to_owned(), number);
            number
        };
        Object {
            number,
            claims: self.clone(),
        }
    }

    /// Keys of objects that count a record which an earlier key holds too: read and put them again, in the order given. Empty
    /// when every key was read in order.
    #[must_use]
    pub fn stale(&self) -> Vec<String> {
        self.book().stale.iter().cloned().collect()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn claim(&mut self, number: u32, identity: u64) -> bool {
        let Self {
            keys,
            holder,
            stale,
            first_keeps,
            ..
        } = self;
        let key = |n: u32| &keys[n as usize];
        match holder.get_mut(&identity) {
            None => {
                holder.insert(identity, number);
                true
            }
            Some(other) if !*first_keeps && key(number) < key(*other) => {
                stale.insert(key(*other).clone());
                *other = number;
                true
            }
            Some(_) => false,
        }
    }
}

/// One object's view of the claims.
#[derive(Debug)]
pub struct Object {
    number: u32,
    claims: Claims,
}

impl Object {
    /// Whether this object counts the record: no object with a smaller key does, and it was not seen before in this one.
    pub fn claim(&self, identity: u64) -> bool {
        self.claims.book().claim(self.number, identity)
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

    #[test]
    fn who_claims_first_keeps_it_where_nothing_is_read_again() {
        let claims = Claims::as_they_come();
        assert!(claims.object("b").claim(7));
        assert!(!claims.object("a").claim(7) && claims.object("a").claim(8));
        assert!(claims.stale().is_empty());
    }

    /// Reads objects in the given order, and again as long as any is stale; who counts what at the end.
    fn settle(objects: &[(String, Vec<u64>)], order: &[usize]) -> BTreeSet<(u64, String)> {
        let claims = Claims::default();
        let mut counted: HashMap<&str, Vec<u64>> = HashMap::new();
        let mut next: Vec<usize> = order.to_vec();
        while let Some(i) = next.pop() {
            let (key, records) = &objects[i];
            let object = claims.object(key);
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
