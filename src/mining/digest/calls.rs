//! Counts audit records that change nothing: reads, leases, status, reviews, and requests that were refused.
//!
//! Of refused requests the first, the middle and the last of an object are kept; of those that succeeded the first, since every object
//! of a day adds its own and leases alone are a fifth of an audit log. A call like one seen before costs a hash and a look-up; nothing is
//! allocated for it.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{
    mining::{
        mask::{self, Masked},
        templates,
    },
    model::{
        DayRange,
        record::{AuditCall, Kept},
        shapes::{CallCount, CallKey, Cells},
    },
};

use super::keep::{self, Place};

#[derive(Debug, Default)]
pub(super) struct Calls {
    /// By the hash of the key; the key itself decides.
    index: HashMap<u64, Vec<u32>>,
    found: Vec<(CallKey, Count)>,
    masked: Masked,
}

#[derive(Debug)]
struct Count {
    cells: Cells,
    first_ms: i64,
    last_ms: i64,
    n: u64,
    kept: Vec<Kept>,
}

impl Calls {
    pub(super) fn add(&mut self, call: &AuditCall, place: &Place<'_>, range: &DayRange) {
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
        match count.kept.len() {
            0 => count.kept.push(keep::call(call, place)),
            1 | 2 if refused => count.kept.push(keep::call(call, place)),
            // The middle moves on each time the count doubles, so it is never far from the middle.
            3 if refused => {
                if count.n.is_power_of_two() {
                    count.kept.swap(1, 2);
                }
                count.kept[2] = keep::call(call, place);
            }
            _ => {}
        }
    }

    /// Where calls like this one are counted.
    fn index_of(&mut self, call: &AuditCall, message: String) -> usize {
        let hash = parts(call, &message)
            .into_iter()
            .fold(u64::from(call.code), |seed, part| {
                xxh3_64_with_seed(part.as_bytes(), seed)
            });
        let same = self.index.entry(hash).or_default();
        let found = same.iter().copied().find(|i| {
            let key = &self.found[*i as usize].0;
            let known = [
                &key.user,
                &key.verb,
                &key.resource,
                &key.namespace,
                &key.reason,
                &key.agent,
                &key.message,
            ];
            key.code == call.code && known.into_iter().eq(parts(call, &message))
        });
        if let Some(found) = found {
            return found as usize;
        }
        let key = CallKey {
            user: call.user.clone(),
            verb: call.verb.clone(),
            resource: call.resource.clone(),
            namespace: call.namespace.clone(),
            code: call.code,
            reason: call.reason.clone(),
            message,
            agent: call.agent.clone(),
            cluster: String::new(),
        };
        let count = Count {
            cells: Cells::default(),
            first_ms: call.ts_ms,
            last_ms: call.ts_ms,
            n: 0,
            kept: Vec::new(),
        };
        same.push(u32::try_from(self.found.len()).unwrap_or(u32::MAX));
        self.found.push((key, count));
        self.found.len() - 1
    }

    /// The counts in the order of their keys; what they keep goes to `kept`.
    pub(super) fn finish(self, kept: &mut Vec<Kept>) -> Vec<CallCount> {
        let mut counts = self.found;
        counts.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        counts
            .into_iter()
            .map(|(key, mut count)| {
                count.kept.sort_by_key(|k| (k.ts_ms, k.id));
                let samples = count.kept.iter().map(|k| k.id).collect();
                kept.append(&mut count.kept);
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
fn parts<'c>(call: &'c AuditCall, message: &'c String) -> [&'c String; 7] {
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
