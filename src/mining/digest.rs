//! Reads one bucket object to an [`ObjectDigest`]: counts, shapes, events, writes, and the lines worth keeping.
//!
//! In: the object's bytes, the kind it was shipped as, the day, and a callback that claims identities. Out: a value that adds up with
//! those of other objects in any order. Never fails: what cannot be read is counted with its reason.
//!
//! Tests of a line, in this order: rejected, outside the day, duplicate, else a record.
//!
//! # Invariants
//! - `lines = records + rejected + duplicates + outside_day`, and the counts of shapes, events, writes and calls add up to `records`.
//! - The same bytes, day and answers of the callback give the same digest.

mod blueprint;
mod business;
mod calls;
mod keep;
pub mod lines;

use crate::{
    intake::{self, decode},
    model::{
        DayRange, EvidenceId, Lang, LogKind,
        record::{AuditRecord, Rejection},
        shapes::{ObjectDigest, ObjectProblem},
    },
};

use keep::Place;

/// Reads objects one after the other, and remembers how it took things apart. What it remembers makes it faster and changes no result.
#[derive(Debug, Default)]
pub struct Worker {
    room: decode::Room,
    reader: intake::business::Reader,
    blueprints: blueprint::Blueprints,
}

/// Reads the object `key` as [`Worker::digest`] does.
pub fn digest(
    kind: LogKind,
    key: &str,
    bytes: &[u8],
    range: &DayRange,
    claim: &mut dyn FnMut(u64) -> bool,
) -> ObjectDigest {
    Worker::default().digest(kind, key, bytes, range, claim)
}

impl Worker {
    /// Reads the object `key`. `claim` says whether an identity is seen for the first time this day.
    pub fn digest(
        &mut self,
        kind: LogKind,
        key: &str,
        bytes: &[u8],
        range: &DayRange,
        claim: &mut dyn FnMut(u64) -> bool,
    ) -> ObjectDigest {
        let mut out = ObjectDigest::default();
        let Self {
            room,
            reader,
            blueprints,
        } = self;
        let mut business = business::Shapes::new(blueprints);
        let mut calls = calls::Calls::default();
        let problem =
            decode::for_each_line_in(room, bytes, &decode::Limits::default(), |line, text| {
                out.counts.lines += 1;
                out.counts.bytes += text.raw.len() as u64 + 1;
                let place = Place {
                    key,
                    line,
                    raw: text.raw,
                };
                let read = text.json.and_then(|json| match kind {
                    LogKind::Business => {
                        let record = reader.read(json)?;
                        if admit(&mut out, range, record.ts_ms, record.identity, claim) {
                            business.add(&record, &place, range, &mut out.kept);
                        }
                        Ok(())
                    }
                    LogKind::Event => {
                        let record = intake::event::read(json)?;
                        if admit(&mut out, range, record.ts_ms, record.id.hash, claim) {
                            out.kept.push(keep::event(&record, &place));
                            out.events.push(record);
                        }
                        Ok(())
                    }
                    LogKind::Audit => {
                        match intake::audit::read(json)? {
                            AuditRecord::Write(write) => {
                                if admit(&mut out, range, write.ts_ms, write.id.hash, claim) {
                                    out.kept.push(keep::write(&write, &place));
                                    out.writes.push(*write);
                                }
                            }
                            AuditRecord::Call(call) => {
                                if admit(&mut out, range, call.ts_ms, call.id.hash, claim) {
                                    calls.add(&call, &place, range);
                                }
                            }
                        }
                        Ok(())
                    }
                });
                if let Err(reason) = read {
                    reject(&mut out, reason);
                }
            });
        (out.services, out.business) = business.finish();
        out.calls = calls.finish(key, &mut out.kept);
        out.problem = problem.map(|problem| ObjectProblem {
            key: key.to_owned(),
            reason: problem.sentence(Lang::Zh).to_owned(),
        });
        out
    }
}

/// Counts a readable line, and says whether it is a record of this day that was not seen before.
fn admit(
    out: &mut ObjectDigest,
    range: &DayRange,
    ts_ms: i64,
    identity: u64,
    claim: &mut dyn FnMut(u64) -> bool,
) -> bool {
    out.span = Some(
        out.span
            .map_or((ts_ms, ts_ms), |(a, b)| (a.min(ts_ms), b.max(ts_ms))),
    );
    if !range.contains(ts_ms) {
        out.counts.outside_day += 1;
    } else if !claim(identity) {
        out.counts.duplicates += 1;
    } else {
        out.counts.records += 1;
        out.identities.push(identity);
        return true;
    }
    false
}

fn reject(out: &mut ObjectDigest, reason: Rejection) {
    out.counts.rejected += 1;
    *out.rejections.entry(reason).or_default() += 1;
}

const fn evidence_id(kind: LogKind, hash: u64) -> EvidenceId {
    EvidenceId { kind, hash }
}

#[cfg(test)]
mod tests;
