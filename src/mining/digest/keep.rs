//! Makes the kept form of a line: redacted, with where it lies and the hash of what lies there.
//!
//! In: a record and the bytes of its line. Out: [`Kept`], whose text is safe to show. Only kept lines are hashed and redacted as a whole;
//! it is most of what keeping costs.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::{
    intake::{clean, redact},
    model::{
        EvidenceId, Origin,
        record::{AuditCall, AuditWrite, EventRecord, Kept},
    },
};

/// Where a line lies, and its bytes.
pub(super) struct Place<'a> {
    pub key: &'a str,
    pub line: u64,
    pub raw: &'a [u8],
}

impl Place<'_> {
    /// The line, kept. The hash is over the raw bytes, before redaction.
    pub(super) fn keep(
        &self,
        id: EvidenceId,
        ts_ms: i64,
        namespace: &str,
        object: &str,
        text: &str,
    ) -> Kept {
        Kept {
            id,
            ts_ms,
            origin: Origin::Bucket {
                key: self.key.to_owned(),
                line: self.line,
            },
            sha256: hex::encode(Sha256::digest(self.raw)),
            namespace: namespace.to_owned(),
            object: object.to_owned(),
            text: clean::shown(text).into_owned(),
            line: redact::line(self.raw),
        }
    }
}

pub(super) fn event(record: &EventRecord, place: &Place<'_>) -> Kept {
    place.keep(
        record.id,
        record.ts_ms,
        &record.object.namespace,
        &record.object.name,
        &event_text(record),
    )
}

pub(super) fn event_text(record: &EventRecord) -> String {
    format!("{} {}: {}", record.reason, record.object, record.message)
}

pub(super) fn write(record: &AuditWrite, place: &Place<'_>) -> Kept {
    place.keep(
        record.id,
        record.ts_ms,
        &record.object.namespace,
        &record.object.name,
        &write_text(record),
    )
}

pub(super) fn write_text(record: &AuditWrite) -> String {
    let mut text = format!("{} {} {}", record.actor.user, record.verb, record.object);
    if !record.subresource.is_empty() {
        text.push('/');
        text.push_str(&record.subresource);
    }
    if !record.allowed() {
        let _ = write!(
            text,
            ": {} {} {}",
            record.code, record.reason, record.message
        );
    }
    text
}

pub(super) fn call(record: &AuditCall<'_>, place: &Place<'_>) -> Kept {
    place.keep(
        record.id,
        record.ts_ms,
        &record.namespace,
        &record.name,
        &call_text(record),
    )
}

pub(super) fn call_text(record: &AuditCall<'_>) -> String {
    let mut text = format!(
        "{} {} {} {}",
        record.user, record.verb, record.resource, record.name
    );
    if record.code >= 400 {
        let _ = write!(
            text,
            ": {} {} {}",
            record.code, record.reason, record.message
        );
    }
    text
}
