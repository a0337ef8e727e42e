//! Where the records of a day lie, as small as a day with a hundred thousand of them needs.
//!
//! In: [`Evidence`], one record after the other. Out: the same, by id. Always true: what comes out equals what went in; the key of an object
//! is kept once for all its lines, and a hash as its bytes. What is no line of an object, or has no SHA-256, is kept as it came.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{Evidence, EvidenceId, Origin};

/// Evidence by id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Evidence>", into = "Vec<Evidence>")]
pub struct Origins {
    keys: Vec<String>,
    numbers: HashMap<String, u32>,
    lines: BTreeMap<EvidenceId, Place>,
    others: BTreeMap<EvidenceId, Evidence>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    key: u32,
    line: u32,
    sha256: [u8; 32],
}

impl Origins {
    /// Adds a record; one of the same id is replaced.
    pub fn insert(&mut self, id: EvidenceId, origin: &Origin, sha256: &str) {
        if let Some(place) = self.place(origin, sha256) {
            self.lines.insert(id, place);
            self.others.remove(&id);
        } else {
            let (origin, sha256) = (origin.clone(), sha256.to_owned());
            let evidence = Evidence { id, origin, sha256 };
            self.others.insert(id, evidence);
            self.lines.remove(&id);
        }
    }

    /// A record by its id.
    #[must_use]
    pub fn get(&self, id: &EvidenceId) -> Option<Evidence> {
        let Some(place) = self.lines.get(id) else {
            return self.others.get(id).cloned();
        };
        Some(Evidence {
            id: *id,
            origin: Origin::Bucket {
                key: self.keys.get(place.key as usize)?.clone(),
                line: place.line.into(),
            },
            sha256: hex::encode(place.sha256),
        })
    }

    #[must_use]
    pub fn contains(&self, id: &EvidenceId) -> bool {
        self.lines.contains_key(id) || self.others.contains_key(id)
    }

    /// Those of `ids` that are known. The same ids in the same order give the same, whatever was added when.
    #[must_use]
    pub fn only(&self, ids: impl IntoIterator<Item = EvidenceId>) -> Self {
        let mut part = Self::default();
        for id in ids {
            if let Some(place) = self.lines.get(&id)
                && let Some(key) = self.keys.get(place.key as usize)
            {
                let key = part.number(key);
                part.lines.insert(id, Place { key, ..*place });
            } else if let Some(other) = self.others.get(&id) {
                part.others.insert(id, other.clone());
            }
        }
        part
    }

    fn place(&mut self, origin: &Origin, sha256: &str) -> Option<Place> {
        let Origin::Bucket { key, line } = origin else {
            return None;
        };
        let mut bytes = [0; 32];
        hex::decode_to_slice(sha256, &mut bytes).ok()?;
        Some(Place {
            line: u32::try_from(*line).ok()?,
            key: self.number(key),
            sha256: bytes,
        })
    }

    fn number(&mut self, key: &str) -> u32 {
        if let Some(number) = self.numbers.get(key) {
            return *number;
        }
        let number = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.keys.push(key.to_owned());
        self.numbers.insert(key.to_owned(), number);
        number
    }
}

impl From<Vec<Evidence>> for Origins {
    fn from(all: Vec<Evidence>) -> Self {
        all.iter().collect()
    }
}

impl From<Origins> for Vec<Evidence> {
    fn from(origins: Origins) -> Self {
        let ids = origins.lines.keys().chain(origins.others.keys());
        ids.filter_map(|id| origins.get(id)).collect()
    }
}

impl<'e> FromIterator<&'e Evidence> for Origins {
    fn from_iter<I: IntoIterator<Item = &'e Evidence>>(all: I) -> Self {
        let mut origins = Self::default();
        for e in all {
            origins.insert(e.id, &e.origin, &e.sha256);
        }
        origins
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LogKind;

    fn id(hash: u64) -> EvidenceId {
        EvidenceId {
            kind: LogKind::Event,
            hash,
        }
    }

    fn evidence(hash: u64, origin: Origin, sha256: &str) -> Evidence {
        let (id, sha256) = (id(hash), sha256.to_owned());
        Evidence { id, origin, sha256 }
    }

    #[test]
    fn what_comes_out_is_what_went_in() {
        let sha = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        let bucket = |key: &str, line| Origin::Bucket {
            key: key.to_owned(),
            line,
        };
        let cls = Origin::Cls {
            topic: "t".into(),
            pkg_id: "p".into(),
            pkg_log_id: "1".into(),
            time: 7,
        };
        let all = [
            evidence(1, bucket("event/a.gz", 18), sha),
            evidence(2, bucket("event/a.gz", 19), sha),
            evidence(3, bucket("event/b.gz", u64::from(u32::MAX) + 1), sha),
            evidence(4, bucket("event/b.gz", 1), "no hash"),
            evidence(5, cls, sha),
        ];
        let origins: Origins = all.iter().collect();
        for one in &all {
            assert_eq!(origins.get(&one.id).as_ref(), Some(one));
        }
        assert_eq!(origins.keys, ["event/a.gz"]);
        assert!(!origins.contains(&id(6)));

        let backwards: Origins = all.iter().rev().collect();
        let ids = [1, 2, 4, 5, 9].map(id);
        assert_eq!(origins.only(ids), backwards.only(ids));
        let stored = serde_json::to_string(&origins).expect("json");
        let back: Origins = serde_json::from_str(&stored).expect("origins");
        assert_eq!(back, origins);
    }
}
