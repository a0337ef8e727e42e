//! Counts audit records that change nothing: reads, leases, status, reviews, and requests that were refused.
//!
//! Of refused requests the first, the middle and the last of an object are kept; of those that succeeded the first, since every object
//! of a day adds its own and leases alone are a fifth of an audit log. A call like one seen before costs a hash and a look-up; nothing is
//! allocated for it.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{
    intake::audit,
    mining::{
        mask::{self, Masked},
        templates,
    },
    model::{
        DayRange,
        record::{AuditCall, AuditRecord, Kept},
        shapes::{CallCount, CallKey, Cells},
    },
};

use super::keep::{self, Place};

#[derive(Debug, Default)]
pub(super) struct Calls {
    /// By the hash of the key; the key itself decides.
    index: HashMap<u64, Vec<u32>, FxBuildHasher>,
    found: Vec<(CallKey, Count)>,
    masked: Masked,
}

#[derive(Debug)]
struct Count {
    cells: Cells,
    first_ms: i64,
    last_ms: i64,
    n: u64,
    first: Option<Kept>,
    middle: Waiting,
    last: Waiting,
}

/// A line that is kept if no later one takes its place: keeping hashes and redacts it, remembering only copies it.
#[derive(Debug, Default)]
struct Waiting {
    line: u64,
    raw: Vec<u8>,
}

impl Waiting {
    fn set(&mut self, place: &Place<'_>) {
        self.line = place.line;
        self.raw.clear();
        self.raw.extend_from_slice(place.raw);
    }

    fn keep(&self, key: &str) -> Option<Kept> {
        let place = Place {
            key,
            line: self.line,
            raw: &self.raw,
        };
        // It was read before; nothing to keep is what never was set.
        match audit::read(&self.raw) {
            Ok(AuditRecord::Call(call)) => Some(keep::call(&call, &place)),
            Ok(AuditRecord::Write(_)) | Err(_) => None,
        }
    }
}

impl Calls {
    pub(super) fn add(&mut self, call: &AuditCall<'_>, place: &Place<'_>, range: &DayRange) {
        let refused = call.code >= 400;
        let message = if call.message.is_empty() {
            String::new()
        } else {
            mask::mask(&call.message, &mut self.masked);
            templates::signature(&self.masked.text)
        };
        let index = self.index_of(call, message);
        let count = &mut self.found[index].1;
        count.cells.add(range.cell(call.ts_ms), 1);
        count.first_ms = count.first_ms.min(call.ts_ms);
        count.last_ms = count.last_ms.max(call.ts_ms);
        count.n += 1;
        if count.n == 1 {
            count.first = Some(keep::call(call, place));
        } else if refused {
            // The middle moves on each time the count doubles, so it is never far from the middle.
            if count.n.is_power_of_two() {
                std::mem::swap(&mut count.middle, &mut count.last);
            }
            count.last.set(place);
        }
    }

    /// Where calls like this one are counted.
    fn index_of(&mut self, call: &AuditCall<'_>, message: String) -> usize {
        let hash = parts(call, &message)
            .into_iter()
            .fold(u64::from(call.code), |seed, part| {
                xxh3_64_with_seed(part.as_bytes(), seed)
            });
        let same = self.index.entry(hash).or_default();
        let found = same.iter().copied().find(|i| {
            let key = &self.found[*i as usize].0;
            let known: [&str; 7] = [
                &key.user,
                &key.verb,
                &key.resource,
                &key.namespace,
                &key.reason,
                &key.agent,
                &key.message,
            ];
            key.code == call.code && known == parts(call, &message)
        });
        if let Some(found) = found {
            return found as usize;
        }
        let [user, verb, resource, namespace, reason, agent, _] =
            parts(call, &message).map(str::to_owned);
        let key = CallKey {
            user,
            verb,
            resource,
            namespace,
            code: call.code,
            reason,
            message,
            agent,
            cluster: String::new(),
        };
        let count = Count {
            cells: Cells::default(),
            first_ms: call.ts_ms,
            last_ms: call.ts_ms,
            n: 0,
            first: None,
            middle: Waiting::default(),
            last: Waiting::default(),
        };
        same.push(u32::try_from(self.found.len()).unwrap_or(u32::MAX));
        self.found.push((key, count));
        self.found.len() - 1
    }

    /// The counts in the order of their keys; what they keep goes to `kept`.
    pub(super) fn finish(self, object: &str, kept: &mut Vec<Kept>) -> Vec<CallCount> {
        let mut counts = self.found;
        counts.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        counts
            .into_iter()
            .map(|(key, count)| {
                let waiting = [count.middle.keep(object), count.last.keep(object)];
                let mut own: Vec<Kept> = count
                    .first
                    .into_iter()
                    .chain(waiting.into_iter().flatten())
                    .collect();
                own.sort_by_key(|k| (k.ts_ms, k.id));
                let samples = own.iter().map(|k| k.id).collect();
                kept.append(&mut own);
                CallCount {
                    key,
                    cells: count.cells,
                    first_ms: count.first_ms,
                    last_ms: count.last_ms,
                    samples,
                }
            })
            .collect()
    }
}

/// What a call is counted by, save its code.
fn parts<'c>(call: &'c AuditCall<'_>, message: &'c str) -> [&'c str; 7] {
    [
        &call.user,
        &call.verb,
        &call.resource,
        &call.namespace,
        &call.reason,
        &call.agent,
        message,
    ]
}
