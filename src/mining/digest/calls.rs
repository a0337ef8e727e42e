//! Counts audit records that change nothing: reads, leases, status, reviews, and requests that were refused.
//!
//! Of refused requests the first, the middle and the last of an object are kept; of those that succeeded the first, since every object
//! of a day adds its own and leases alone are a fifth of an audit log.

use std::collections::HashMap;

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
    counts: HashMap<CallKey, Count>,
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
        mask::mask(&call.message, &mut self.masked);
        let key = CallKey {
            user: call.user.clone(),
            verb: call.verb.clone(),
            resource: call.resource.clone(),
            namespace: call.namespace.clone(),
            code: call.code,
            reason: call.reason.clone(),
            message: templates::signature(&self.masked.text),
            agent: call.agent.clone(),
        };
        let count = self.counts.entry(key).or_insert_with(|| Count {
            cells: Cells::default(),
            first_ms: call.ts_ms,
            last_ms: call.ts_ms,
            n: 0,
            kept: Vec::new(),
        });
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

    /// The counts in the order of their keys; what they keep goes to `kept`.
    pub(super) fn finish(self, kept: &mut Vec<Kept>) -> Vec<CallCount> {
        let mut counts: Vec<_> = self.counts.into_iter().collect();
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
