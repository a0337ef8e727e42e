//! Key fields: what stood at the variable positions of a shape.
//!
//! In: the values of some lines of one shape. Out: [`KeyField`]s with distinct counts and top values. Exact up to [`TRACKED`]
//! different values per field and object; beyond it the distinct count stays there and values never seen before are not counted, and of values
//! that occur once few are handed on. Adding up what objects hand on does not depend on their order. What a position means is for `role`.

mod role;

use xxhash_rust::xxh3::xxh3_64;

use crate::model::{
    Level,
    shapes::{FieldRole, KeyField},
};

pub use role::{key_before, role_of, role_of_name};

/// Different values a field is followed for within one object.
pub const TRACKED: usize = 64;
/// Values that an object hands on per field.
pub const TOP_OF_OBJECT: usize = 16;
/// Of a field with more values than are followed, or whose values are of no interest one by one, so many of those that occur once are handed
/// on: as an example, not as a count.
const SINGLES: usize = 2;
/// The same of any other number or id in harmless lines, which are most of a day.
const HARMLESS_SINGLES: usize = 4;
/// Values that a day keeps per field.
pub const TOP_OF_DAY: usize = 10;
/// Longest value that is kept; what is longer is cut.
const VALUE_BYTES: usize = 200;

/// Follows the values of one field.
#[derive(Debug, Clone)]
pub struct Tracker {
    pub name: String,
    pub role: FieldRole,
    /// With the hash of each: few enough that looking through numbers which lie side by side beats a table.
    values: Vec<(u64, Box<str>, u32)>,
}

impl Tracker {
    pub fn new(name: impl Into<String>, role: FieldRole) -> Self {
        Self {
            name: name.into(),
            role,
            values: Vec::new(),
        }
    }

    pub fn add(&mut self, value: &str) {
        let value = &value[..value.floor_char_boundary(VALUE_BYTES)];
        if value.is_empty() {
            return;
        }
        let hash = xxh3_64(value.as_bytes());
        let mut known = self.values.iter_mut();
        if let Some((.., n)) = known.find(|(h, v, _)| *h == hash && **v == *value) {
            *n += 1;
        } else if self.values.len() < TRACKED {
            self.values.push((hash, value.into(), 1));
        }
    }

    /// `None` when no value was seen. Of the values that occur once in lines of this level, those that come first are handed on: the same
    /// ones by every object.
    #[must_use]
    pub fn finish(self, level: Level) -> Option<KeyField> {
        let distinct = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        let full = self.values.len() == TRACKED;
        let mut top = top(
            self.values.into_iter().map(|(_, v, n)| (v, n)),
            TOP_OF_OBJECT,
        );
        let singles = if full {
            SINGLES
        } else {
            singles(self.role, level)
        };
        let often = top.partition_point(|(_, n)| *n > 1);
        top.truncate(often.max(singles));
        (distinct > 0).then_some(KeyField {
            name: self.name,
            role: self.role,
            distinct,
            top,
            new: Vec::new(),
        })
    }
}

/// How many values that occur once are handed on: a day has a million instants, and nobody asks which was the most frequent.
const fn singles(role: FieldRole, level: Level) -> usize {
    match (role, level) {
        (FieldRole::Time | FieldRole::TraceId | FieldRole::Duration, _) => SINGLES,
        (FieldRole::BusinessId | FieldRole::Other, Level::Debug | Level::Info) => HARMLESS_SINGLES,
        _ => TOP_OF_OBJECT,
    }
}

/// The fields of one template, collected over objects. Sorted lists: a day has a hundred thousand of them with a few values each, and the nodes
/// of a tree would take four times the room.
#[derive(Debug, Clone, Default)]
pub struct Merged(Vec<MergedField>);

#[derive(Debug, Clone)]
struct MergedField {
    name: Box<str>,
    role: FieldRole,
    distinct: u32,
    /// The first [`settled`](Self::settled) by hash, then value: looking one up compares numbers that lie side by side. Behind them what
    /// came since, perhaps more than once: putting each in its place would move all behind it.
    values: Vec<(u64, Box<str>, u32)>,
    settled: usize,
}

impl MergedField {
    /// Values that may wait behind the settled ones, however few these are.
    const WAITING: usize = 32;

    fn add(&mut self, value: &str, n: u32) {
        let hash = xxh3_64(value.as_bytes());
        let settled = &mut self.values[..self.settled];
        match settled.binary_search_by(|(h, v, _)| h.cmp(&hash).then_with(|| (**v).cmp(value))) {
            Ok(at) => settled[at].2 += n,
            Err(_) => self.values.push((hash, value.into(), n)),
        }
        if self.values.len() > Self::WAITING + 2 * self.settled {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.values
            .sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        self.values.dedup_by(|later, first| {
            let same = (later.0, &later.1) == (first.0, &first.1);
            if same {
                first.2 += later.2;
            }
            same
        });
        self.settled = self.values.len();
    }
}

impl Merged {
    pub fn add(&mut self, field: &KeyField) {
        self.add_as(&field.name, field);
    }

    /// Adds `field` under another name, as when the n-th placeholder of a shape is the m-th of its template.
    pub fn add_as(&mut self, name: &str, field: &KeyField) {
        let at = match self.0.binary_search_by(|f| (*f.name).cmp(name)) {
            Ok(at) => at,
            Err(at) => {
                let new = MergedField {
                    name: name.into(),
                    role: field.role,
                    distinct: 0,
                    values: Vec::new(),
                    settled: 0,
                };
                self.0.insert(at, new);
                at
            }
        };
        let merged = &mut self.0[at];
        merged.role = merged.role.min(field.role);
        merged.distinct = merged.distinct.max(field.distinct);
        for (value, n) in &field.top {
            merged.add(value, *n);
        }
    }

    #[must_use]
    pub fn finish(self) -> Vec<KeyField> {
        self.0
            .into_iter()
            .map(|mut field| {
                field.settle();
                let distinct = u32::try_from(field.values.len()).unwrap_or(u32::MAX);
                KeyField {
                    name: field.name.into(),
                    role: field.role,
                    distinct: field.distinct.max(distinct),
                    top: top(field.values.into_iter().map(|(_, v, n)| (v, n)), TOP_OF_DAY),
                    new: Vec::new(),
                }
            })
            .collect()
    }
}

/// The most frequent values; equal counts in the order of the values, so that the result is the same each time.
fn top(values: impl Iterator<Item = (Box<str>, u32)>, most: usize) -> Vec<(String, u32)> {
    let mut values: Vec<(Box<str>, u32)> = values.collect();
    values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    values.truncate(most);
    let owned = values
        .into_iter()
        .map(|(value, n)| (value.into_string(), n));
    owned.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_with_too_many_values_stays_bounded() {
        let mut tracker = Tracker::new("user", FieldRole::BusinessId);
        for i in 0..1000 {
            tracker.add(&format!("u{}", i % 500));
        }
        let field = tracker.finish(Level::Error).expect("values");
        assert_eq!(
            (field.distinct as usize, field.top.len()),
            (TRACKED, TOP_OF_OBJECT)
        );
    }
}
