//! Warning events and refused requests against earlier days.
//!
//! An event tells its own age: its first timestamp and its cumulative count say what was there before the day, even to an owner
//! without any history.

use std::collections::BTreeMap;

use super::{
    Days, Deviation, Expected, FALSE_DISCOVERIES, FEW, Subject, TIMES, What, event_key,
    lasting::{self, Past},
    refusal_key,
};
use crate::{
    mining::rate,
    model::{
        DayRange, Severity,
        shapes::{CallKey, Cells, DayCounts, DayShapes, EventKey},
    },
};

const DAY_MS: f64 = 86_400_000.0;
/// A silence before the first or after the last one that is likelier than this means nothing.
const BY_CHANCE: f64 = 0.01;

/// One kind of thing that happened, with all its subjects.
#[derive(Default)]
struct Group {
    subjects: Vec<Subject>,
    observed: u64,
    earlier: Vec<f64>,
    /// Occurrences a day before this one, by the events' own counts.
    own_rate: f64,
    from_ms: i64,
    to_ms: i64,
    /// Refusals that clients expect in their normal work.
    harmless: bool,
    cells: Cells,
    /// It began within the earlier days and has gone on since.
    lasting: bool,
}

/// Warning events.
pub(super) fn warnings(shapes: &DayShapes, days: &Days<'_>, range: &DayRange) -> Vec<Deviation> {
    let mut events: BTreeMap<EventKey, Group> = BTreeMap::new();
    for (i, series) in shapes.events.iter().enumerate().filter(|(_, s)| s.warning) {
        let group = events.entry(event_key(series)).or_default();
        group.add(
            Subject::Event(i),
            series.count(),
            series.first_ms,
            series.last_ms,
        );
        let age = (range.start_ms - series.born_ms) as f64 / DAY_MS;
        group.own_rate += series.before as f64 / age.max(0.05);
        group.cells.merge(&series.cells);
    }
    for (key, group) in &mut events {
        let count = |d: &DayCounts| d.events.get(key).map_or(0.0, |n| *n as f64);
        group.earlier = days.alike.iter().map(|d| count(d)).collect();
        let past = days.all.iter().map(|d| Past {
            count: count(d),
            begun: d.begun.events.contains(key),
        });
        group.lasting = lasting::is(past, &group.cells);
    }
    judge(events.into_values().collect())
}

/// Refused requests.
pub(super) fn refusals(shapes: &DayShapes, days: &Days<'_>, range: &DayRange) -> Vec<Deviation> {
    let mut refusals: BTreeMap<CallKey, Group> = BTreeMap::new();
    for (i, call) in shapes
        .calls
        .iter()
        .enumerate()
        .filter(|(_, c)| c.key.code >= 400)
    {
        let key = refusal_key(&call.key);
        let harmless = matches!(key.code, 404 | 409 | 410);
        let group = refusals.entry(key).or_default();
        group.add(
            Subject::Call(i),
            call.cells.total(),
            call.first_ms,
            call.last_ms,
        );
        group.harmless = harmless;
        group.cells.merge(&call.cells);
    }
    for (key, group) in &mut refusals {
        let count = |d: &DayCounts| d.refusals.get(key).map_or(0.0, |n| *n as f64);
        group.earlier = days.alike.iter().map(|d| count(d)).collect();
        let past = days.all.iter().map(|d| Past {
            count: count(d),
            begun: d.begun.refusals.contains(key),
        });
        group.lasting = lasting::is(past, &group.cells);
        if days.all.is_empty() {
            group.assume_usual(range);
        }
    }
    judge(refusals.into_values().collect())
}

impl Group {
    fn add(&mut self, subject: Subject, observed: u64, first_ms: i64, last_ms: i64) {
        self.from_ms = if self.subjects.is_empty() {
            first_ms
        } else {
            self.from_ms.min(first_ms)
        };
        self.to_ms = self.to_ms.max(last_ms);
        self.observed += observed;
        self.subjects.push(subject);
    }

    /// Without any history, what neither begins nor ends within the day counts as being so on every day.
    fn assume_usual(&mut self, range: &DayRange) {
        // A storm is one trouble however many requests it holds: a cell counts once.
        let n = i32::try_from(self.cells.iter().count()).unwrap_or(i32::MAX);
        let day = (range.end_ms - range.start_ms).max(1) as f64;
        let chance = |silent_ms: i64| (1.0 - silent_ms as f64 / day).powi(n);
        let before = chance(self.from_ms - range.start_ms);
        let after = chance(range.end_ms - self.to_ms);
        if before.min(after) > BY_CHANCE {
            self.own_rate = self.observed as f64;
        }
    }

    fn deviation(self, what: What, expected: f64) -> impl Iterator<Item = Deviation> {
        let severity = if matches!(what, What::Chronic) || self.harmless || self.observed < FEW {
            Severity::Info
        } else {
            Severity::Warning
        };
        self.subjects.into_iter().map(move |subject| Deviation {
            subject,
            what,
            expected,
            observed: self.observed,
            from_ms: self.from_ms,
            to_ms: self.to_ms,
            severity,
        })
    }
}

fn judge(groups: Vec<Group>) -> Vec<Deviation> {
    let expected: Vec<Expected> = groups
        .iter()
        .map(|g| {
            let seen = g.earlier.iter().any(|n| *n > 0.0);
            if seen {
                Expected::of(&g.earlier)
            } else {
                Expected::of(&[g.own_rate])
            }
        })
        .collect();
    let tails: Vec<f64> = groups
        .iter()
        .zip(&expected)
        .map(|(g, e)| rate::upper_tail(g.observed, e.mean, e.spread))
        .collect();
    let limit = rate::discovery_limit(&tails, FALSE_DISCOVERIES);
    let mut found = Vec::new();
    for ((group, expected), p) in groups.into_iter().zip(expected).zip(tails) {
        let times = group.observed as f64 / expected.mean.max(0.5);
        if expected.mean == 0.0 {
            found.extend(group.deviation(What::New, 0.0));
        } else if p <= limit && times >= TIMES && group.observed >= FEW {
            found.extend(group.deviation(What::Times(times), expected.mean));
        } else if group.lasting {
            found.extend(group.deviation(What::Lasting, 0.0));
        } else {
            found.extend(group.deviation(What::Chronic, expected.mean));
        }
    }
    found
}
