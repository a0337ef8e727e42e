//! Where a record lies in the world, so that every sentence can be traced back to a line.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::LogKind;

/// Identity of a record: its kind and 64 bits of hash over what makes it itself.
///
/// The same record has the same id whether it was read from COS or from CLS. Written as `event:9c1f2a77d01b4e02`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EvidenceId {
    pub kind: LogKind,
    pub hash: u64,
}

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:016x}", self.kind, self.hash)
    }
}

/// The text is not `<kind>:<16 hex digits>`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not an evidence id such as event:9c1f2a77d01b4e02")]
pub struct InvalidEvidenceId(String);

impl FromStr for EvidenceId {
    type Err = InvalidEvidenceId;

    fn from_str(s: &str) -> Result<Self, InvalidEvidenceId> {
        let bad = || InvalidEvidenceId(s.to_owned());
        let (kind, hex) = s.trim().split_once(':').ok_or_else(bad)?;
        let kind = LogKind::ALL
            .into_iter()
            .find(|k| k.as_str() == kind)
            .ok_or_else(bad)?;
        if hex.len() != 16 {
            return Err(bad());
        }
        Ok(Self {
            kind,
            hash: u64::from_str_radix(hex, 16).map_err(|_| bad())?,
        })
    }
}

impl Serialize for EvidenceId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EvidenceId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Where the raw line can be read again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Origin {
    /// A line of a bucket object; `line` counts from 1.
    Bucket { key: String, line: u64 },
    /// A log of a CLS topic; `time` in ms.
    Cls {
        topic: String,
        pkg_id: String,
        pkg_log_id: String,
        time: i64,
    },
}

impl Origin {
    /// When a log of a topic was written, Unix milliseconds; 0 for a line of an object.
    #[must_use]
    pub const fn cls_time(&self) -> i64 {
        match self {
            Self::Cls { time, .. } => *time,
            Self::Bucket { .. } => 0,
        }
    }
}

/// A record that a sentence rests on. `sha256` is over the raw line without its newline, before redaction, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub id: EvidenceId,
    #[serde(flatten)]
    pub origin: Origin,
    pub sha256: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_as_it_is_written() {
        let id = EvidenceId {
            kind: LogKind::Audit,
            hash: 0x77ab,
        };
        assert_eq!(id.to_string(), "audit:00000000000077ab");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in [
            "audit",
            "audit:77ab",
            "audits:00000000000077ab",
            "audit:000000000000zzzz",
        ] {
            assert!(bad.parse::<EvidenceId>().is_err(), "{bad}");
        }
    }
}
