//! Finds lines in one object, as they may be shown.
//!
//! In: the object's bytes, and a [`Search`] that says which records are wanted. Out: those, redacted, with where they lie. Always true: a
//! record has the identity and the origin that its digest gives it. Counts nothing.

use std::{borrow::Cow, fmt::Write as _};

use super::keep::{self, Place};
use crate::{
    intake::{self, decode},
    model::{
        EvidenceId, Lang, LogKind,
        record::{AuditRecord, Kept, Rejection},
        shapes::ObjectProblem,
    },
};

/// A record, before anybody has decided to show it. Redacted.
#[derive(Debug)]
pub struct Seen<'a> {
    pub id: EvidenceId,
    pub ts_ms: i64,
    pub namespace: &'a str,
    /// Name of the pod, of the event's object or of the written object.
    pub object: &'a str,
    pub text: Cow<'a, str>,
}

/// Who looks for lines.
pub trait Search {
    fn wants(&mut self, seen: &Seen<'_>) -> bool;
    /// Takes a record that was wanted just now.
    fn take(&mut self, kept: Kept);
}

/// Shows every record to `search`, in the order of the object.
pub fn lines(
    kind: LogKind,
    key: &str,
    bytes: &[u8],
    search: &mut dyn Search,
) -> Option<ObjectProblem> {
    let mut reader = intake::business::Reader::default();
    let problem = decode::for_each_line(bytes, &decode::Limits::default(), |line, text| {
        let place = Place {
            key,
            line,
            raw: text.raw,
        };
        // A line that is no record is counted by the digest; there is nothing to show of it.
        let _rejected = text
            .json
            .and_then(|json| one(kind, json, &mut reader, &place, search));
    });
    problem.map(|problem| ObjectProblem {
        key: key.to_owned(),
        reason: problem.sentence(Lang::Zh).to_owned(),
    })
}

fn one(
    kind: LogKind,
    json: &[u8],
    reader: &mut intake::business::Reader,
    place: &Place<'_>,
    search: &mut dyn Search,
) -> Result<(), Rejection> {
    let mut offer = |seen: &Seen<'_>| {
        if search.wants(seen) {
            search.take(place.keep(seen.id, seen.ts_ms, seen.namespace, seen.object, &seen.text));
        }
    };
    match kind {
        LogKind::Business => {
            let record = reader.read(json)?;
            let mut text = record.text;
            if let Some(level) = record.level {
                let _never_fails = write!(text.to_mut(), " level={}", level.as_str());
            }
            for (name, value) in record.fields.iter() {
                let _never_fails = write!(text.to_mut(), " {name}={value}");
            }
            offer(&Seen {
                id: super::evidence_id(kind, record.identity),
                ts_ms: record.ts_ms,
                namespace: &record.source.namespace,
                object: &record.source.pod,
                text,
            });
        }
        LogKind::Event => {
            let record = intake::event::read(json)?;
            offer(&Seen {
                id: record.id,
                ts_ms: record.ts_ms,
                namespace: &record.object.namespace,
                object: &record.object.name,
                text: keep::event_text(&record).into(),
            });
        }
        LogKind::Audit => match intake::audit::read(json)? {
            AuditRecord::Write(write) => offer(&Seen {
                id: write.id,
                ts_ms: write.ts_ms,
                namespace: &write.object.namespace,
                object: &write.object.name,
                text: keep::write_text(&write).into(),
            }),
            AuditRecord::Call(call) => offer(&Seen {
                id: call.id,
                ts_ms: call.ts_ms,
                namespace: &call.namespace,
                object: &call.name,
                text: keep::call_text(&call).into(),
            }),
        },
    }
    Ok(())
}
