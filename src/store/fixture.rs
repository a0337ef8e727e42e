//! Small values for the tests of this room.

use std::path::Path;

use jiff::tz::TimeZone;

use super::{ObjectMeta, Store};
use crate::model::{
    Day, EvidenceId, LogKind, Origin,
    record::Kept,
    shapes::{LineCounts, ObjectDigest},
};

pub(super) fn day(text: &str) -> Day {
    text.parse().expect("day")
}

pub(super) fn zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").expect("zone")
}

pub(super) fn open(dir: &Path) -> Store {
    Store::open(dir, &"demo".parse().expect("alias")).expect("store opens")
}

pub(super) fn meta(key: &str) -> ObjectMeta {
    ObjectMeta {
        key: key.to_owned(),
        etag: "e1".to_owned(),
        size: 10,
    }
}

pub(super) fn kept(kind: LogKind, hash: u64, key: &str, text: &str) -> Kept {
    Kept {
        id: EvidenceId { kind, hash },
        ts_ms: 1_795_190_400_000 + i64::try_from(hash).expect("small") * 1000,
        origin: Origin::Bucket {
            key: key.to_owned(),
            line: hash,
        },
        sha256: format!("{hash:064x}"),
        namespace: "shop".to_owned(),
        object: "checkout-1".to_owned(),
        text: text.to_owned(),
        line: format!("{{\"log\":\"{text}\"}}"),
    }
}

/// A digest that counts the given identities and keeps each as a line.
pub(super) fn digest(kind: LogKind, key: &str, identities: &[u64]) -> ObjectDigest {
    let n = identities.len() as u64;
    ObjectDigest {
        counts: LineCounts {
            lines: n,
            records: n,
            ..LineCounts::default()
        },
        identities: identities.to_vec(),
        kept: identities
            .iter()
            .map(|h| kept(kind, *h, key, &format!("镜像拉取失败 number {h}")))
            .collect(),
        span: Some((1, 2)),
        ..ObjectDigest::default()
    }
}
