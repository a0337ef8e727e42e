//! Shapes to causes: findings, changes, incidents with minimal roots, and how to undo what set them off.
//!
//! In: an [`Input`], whatever of a day has been read so far. Out: a [`Diagnosis`]. Always true: a pure function of its input, without
//! clock, store or model; what cannot be seen is never taken as absent; every finding names records that exist. Does not put
//! anything into spoken words.

pub mod actors;
mod carried;
mod causes;
mod chain;
pub mod changes;
pub mod diff;
pub mod faults;
pub mod objects;
pub mod retell;
pub mod rollback;
pub mod symptoms;
mod tell;
pub mod trace;

pub(crate) use tell::essence::of as essence;

use crate::{
    mining::baseline::{Deviation, holding},
    model::{
        Day, DayRange, Lang, LogKind,
        report::{Chronic, Finding, Incident, Report, Verdict},
        shapes::{Baseline, DayShapes, States},
    },
};
use faults::Catalogue;

/// Everything that a diagnosis rests on.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub range: &'a DayRange,
    pub shapes: &'a DayShapes,
    /// Last known bodies of objects before the day.
    pub states: &'a States,
    pub baseline: &'a Baseline,
    /// Of the shapes against the baseline; see [`crate::mining::baseline::compare`].
    pub deviations: &'a [Deviation],
    pub catalogue: &'a Catalogue,
    /// Incidents of earlier days, in any order.
    pub earlier: &'a [Earlier],
    /// The report of the day before, when there is one.
    pub before: Option<&'a Report>,
    pub lang: Lang,
}

/// An incident of an earlier day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    pub date: Day,
    /// Its id in that day's report.
    pub id: String,
    /// [`Incident::identity`].
    pub identity: String,
}

/// What is wrong with a day, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    pub verdict: Verdict,
    /// Most important first; ids count up in this order.
    pub findings: Vec<Finding>,
    /// Most important first.
    pub incidents: Vec<Incident>,
    /// Wrong every day at the same rate, worst first.
    pub chronic: Vec<Chronic>,
}

/// Diagnoses a day.
#[must_use]
pub fn diagnose(input: &Input<'_>) -> Diagnosis {
    let changes = changes::changes(&input.shapes.writes, input.states);
    let objects = objects::Objects::build(input.shapes, input.states, &changes);
    let deviations = input.deviations.iter().map(|d| (&d.subject, d)).collect();
    let view = symptoms::View {
        shapes: input.shapes,
        changes: &changes,
        range: input.range,
        objects: &objects,
        catalogue: input.catalogue,
        deviations: &deviations,
        event_days: holding(input.baseline, LogKind::Event).count(),
        business_days: holding(input.baseline, LogKind::Business).count(),
        seen_until_ms: seen_until(input),
    };
    let mut symptoms = symptoms::gather(&view);
    let carried = carried::go_on(input, &mut symptoms);
    let search = chain::Search {
        scene: causes::Scene {
            changes: &changes,
            objects: &objects,
        },
        catalogue: input.catalogue,
        range: input.range,
        symptoms: &symptoms,
        carried: &carried,
        seen_until_ms: view.seen_until_ms,
    };
    let roots = chain::roots(search);
    tell::tell(input, search, &roots)
}

/// The last instant of the day that any record tells of.
fn seen_until(input: &Input<'_>) -> i64 {
    let shapes = input.shapes;
    let templates = shapes.templates.iter().map(|t| t.last_ms);
    let events = shapes.events.iter().map(|e| e.last_ms);
    let calls = shapes.calls.iter().map(|c| c.last_ms);
    let last = templates.chain(events).chain(calls).max();
    last.unwrap_or(input.range.start_ms)
}

/// Whether anything at all was read of a kind.
fn is_seen(input: &Input<'_>, kind: LogKind) -> bool {
    input
        .shapes
        .read
        .get(&kind)
        .is_some_and(|r| r.counts.records > 0)
}

#[cfg(test)]
mod tests;
