//! Compares a day with earlier ones: what is new, more, bursting, gone, and what is wrong every day.
//!
//! In: [`DayShapes`] and a [`Baseline`] of any number of earlier days, none included. Out: [`Deviation`]s that point into the shapes.
//! Traffic differs from day to day, errors of the background often do not: a count is expected to follow the larger of its absolute
//! number and its share of the service's harmless lines, so that neither a busy day nor a thinned history makes an alarm.
//!
//! # Invariants
//! - A subject has at most one deviation, the one that says most.
//! - Harmless lines (below a warning) never deviate by more than [`Severity::Info`].

mod bursts;
mod events;
mod lasting;
mod lines;

use std::collections::BTreeMap;

use jiff::civil::Weekday;

use crate::{
    mining::{mask, templates},
    model::{
        Day, DayRange, Level, LogKind, Severity,
        shapes::{Baseline, CallKey, Cells, DayCounts, DayShapes, EventKey, EventSeries},
        workload_name,
    },
};

/// What deviates; numbers are indices into the [`DayShapes`] that were compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    Template(usize),
    Event(usize),
    Call(usize),
    /// All harmless lines of a service, by `namespace/name`.
    Service(String),
}

/// How it deviates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    /// Never seen in the earlier days.
    New,
    /// So many times the expected count.
    Times(f64),
    /// About as many as expected over the day, but packed into a short time; or, without earlier days, packed at all.
    Burst,
    /// Fell silent and stayed so.
    Gone,
    /// Began within the earlier days and has gone on since: no habit, however many days it fills.
    Lasting,
    /// As on earlier days, or, without earlier days, spread evenly over the day.
    Chronic,
}

/// One thing that is not as on earlier days, or is wrong just as on them.
#[derive(Debug, Clone, PartialEq)]
pub struct Deviation {
    pub subject: Subject,
    pub what: What,
    /// Occurrences expected in the whole day, or in the window of a burst.
    pub expected: f64,
    pub observed: u64,
    /// When it happened.
    pub from_ms: i64,
    pub to_ms: i64,
    pub severity: Severity,
}

/// Share of false alarms among the alarms that is put up with.
const FALSE_DISCOVERIES: f64 = 0.01;
/// Fewer occurrences than this are an anecdote.
const FEW: u64 = 3;
/// Less than this many times the expectation is not worth telling even when it is certain.
const TIMES: f64 = 2.5;
/// So many earlier days of the same weekday stand for themselves.
const SAME_WEEKDAYS: usize = 3;

/// Reduces the day of `range` to what later days are compared with. `business_share` is the share of business objects that was read.
#[must_use]
pub fn counts_of(shapes: &DayShapes, range: &DayRange, business_share: f64) -> DayCounts {
    let mut counts = DayCounts {
        day: Day::of(range.start_ms, &range.zone),
        business_share,
        lines: BTreeMap::new(),
        templates: BTreeMap::new(),
        events: BTreeMap::new(),
        refusals: BTreeMap::new(),
        records: shapes
            .read
            .iter()
            .map(|(kind, read)| (*kind, read.counts.records))
            .collect(),
        begun: lasting::begun(shapes),
        cells: cells(shapes, range),
        errors: Cells::default(),
        failing: BTreeMap::new(),
        unfinished: false,
    };
    for template in &shapes.templates {
        let service = template.service.to_string();
        // Errors are no measure of traffic: an incident would excuse itself.
        let lines = counts.lines.entry(service.clone()).or_default();
        if template.level < Level::Warn {
            *lines += template.count();
        } else {
            counts.errors.merge(&template.cells);
            let key = (service.clone(), template.id);
            let failing = counts.failing.entry(key).or_default();
            failing.merge(&template.cells);
        }
        *counts.templates.entry((service, template.id)).or_default() += template.count();
    }
    for series in shapes.events.iter().filter(|e| e.warning) {
        *counts.events.entry(event_key(series)).or_default() += series.count();
    }
    for call in shapes.calls.iter().filter(|c| c.key.code >= 400) {
        *counts.refusals.entry(refusal_key(&call.key)).or_default() += call.cells.total();
    }
    counts
}

/// Records per five minutes, of each kind that was read.
fn cells(shapes: &DayShapes, range: &DayRange) -> BTreeMap<LogKind, Cells> {
    let mut cells: BTreeMap<LogKind, Cells> = BTreeMap::new();
    let mut add = |kind, more: &Cells| cells.entry(kind).or_default().merge(more);
    for template in &shapes.templates {
        add(LogKind::Business, &template.cells);
    }
    for series in &shapes.events {
        add(LogKind::Event, &series.cells);
    }
    for call in &shapes.calls {
        add(LogKind::Audit, &call.cells);
    }
    let mut writes = Cells::default();
    for write in &shapes.writes {
        writes.add(range.cell(write.ts_ms), 1);
    }
    add(LogKind::Audit, &writes);
    cells
}

/// What makes this event the same as one of another day.
#[must_use]
pub fn event_key(series: &EventSeries) -> EventKey {
    let mut masked = mask::Masked::default();
    mask::mask(&series.message, &mut masked);
    let name = match series.object.kind.as_str() {
        "Pod" | "Job" | "ReplicaSet" => workload_name(&series.object.name),
        _ => &series.object.name,
    };
    EventKey {
        kind: series.object.kind.clone(),
        namespace: series.object.namespace.clone(),
        name: name.to_owned(),
        reason: series.reason.clone(),
        message: templates::signature(&masked.text),
        cluster: String::new(),
    }
}

/// A refusal without the version of the client.
fn refusal_key(key: &CallKey) -> CallKey {
    let agent = key.agent.split(['/', ' ']).next().unwrap_or_default();
    CallKey {
        agent: agent.to_owned(),
        ..key.clone()
    }
}

/// Compares a day with the earlier days of `baseline`.
#[must_use]
pub fn compare(shapes: &DayShapes, baseline: &Baseline, range: &DayRange) -> Vec<Deviation> {
    let days = |kind| Days {
        alike: comparable(baseline, kind, range),
        all: holding(baseline, kind).collect(),
    };
    let mut found = lines::compare(shapes, &days(LogKind::Business), range);
    found.extend(events::warnings(shapes, &days(LogKind::Event), range));
    found.extend(events::refusals(shapes, &days(LogKind::Audit), range));
    found.sort_by(|a, b| a.subject.cmp(&b.subject));
    found
}

/// What a kind is compared with.
struct Days<'a> {
    /// Those whose counts today's are held against.
    alike: Vec<&'a DayCounts>,
    /// All of them, one after the other.
    all: Vec<&'a DayCounts>,
}

/// The earlier days that hold anything of a kind, oldest first.
pub fn holding(baseline: &Baseline, kind: LogKind) -> impl Iterator<Item = &DayCounts> {
    baseline.days.iter().filter(move |day| day.holds(kind))
}

/// The days of the same weekday when there are enough of them, else all; none that hold nothing of the kind.
fn comparable<'a>(baseline: &'a Baseline, kind: LogKind, range: &DayRange) -> Vec<&'a DayCounts> {
    let weekday = |day: Day| -> Weekday { day.date().weekday() };
    let today = weekday(Day::of(range.start_ms, &range.zone));
    let same: Vec<&DayCounts> = holding(baseline, kind)
        .filter(|d| weekday(d.day) == today)
        .collect();
    if same.len() >= SAME_WEEKDAYS {
        same
    } else {
        holding(baseline, kind).collect()
    }
}

/// A count held against earlier ones.
struct Expected {
    mean: f64,
    /// Of the negative binomial; see [`super::rate`].
    spread: f64,
}

impl Expected {
    /// From the counts of `n` earlier days. What they vary among themselves widens the spread, and few days make the mean doubtful.
    fn of(counts: &[f64]) -> Self {
        let n = counts.len().max(1) as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        let own = if mean > 0.0 {
            ((variance - mean) / (mean * mean)).clamp(0.0, 4.0)
        } else {
            0.0
        };
        let doubt = 1.0 / (n * mean.max(1.0)) + super::rate::SPREAD / n;
        Self {
            mean,
            spread: super::rate::SPREAD + own + doubt,
        }
    }

    /// The same with the mean raised to `mean`, when that is larger.
    fn at_least(mut self, mean: f64) -> Self {
        self.mean = self.mean.max(mean);
        self
    }
}

#[cfg(test)]
mod tests;
