//! Changes whose targets could no longer be called afterwards: a Service that selects nobody, a policy that blocks, a route that leads
//! nowhere, a workload that is gone.
//!
//! In: changes of people and pipelines, symptoms of calls. Out: [`Candidate`]s that rest on the calls that fail since. Always true:
//! the calls fail in a way that the fault says they do, and began, or grew by much, within an hour of the change; within six where the
//! catalogue says that the object tells the cause, not the clock.

use super::{Candidate, Search, Tier, reach};
use crate::{
    diagnosis::{
        causes::{self, Cause},
        changes::Change,
        faults::{ChangePattern, Relation},
        symptoms::{Symptom, What},
    },
    model::{ObjectRef, report::ActorKind},
};

/// Callers notice at their next call; thin traffic makes that an hour at most.
const NOTICED_WITHIN_MS: i64 = 60 * 60_000;
/// A thing that is gone stays gone: whoever seldom calls it notices hours later, unless somebody touched it again before.
const GONE_WITHIN_MS: i64 = 6 * 60 * 60_000;
/// Stamps of different machines differ.
const SKEW_MS: i64 = 3_000;

/// Changes whose targets could no longer be called afterwards.
pub(super) fn by_change(search: Search<'_>) -> Vec<Candidate> {
    let mut out = Vec::new();
    for (index, change) in search.scene.changes.roots() {
        if !matches!(change.actor, ActorKind::Human | ActorKind::Pipeline) {
            continue;
        }
        for (fault_index, fault) in search.catalogue.faults().iter().enumerate() {
            let brings = |p: &&ChangePattern| p.of == Relation::Service && causes::is_of(p, change);
            if fault.calls.is_empty() {
                continue;
            }
            if let Some(pattern) = fault.causes.iter().find(brings) {
                out.extend(broken(search, index, change, fault_index, pattern));
            }
        }
    }
    out
}

fn broken(
    search: Search<'_>,
    index: usize,
    change: &Change<'_>,
    fault_index: usize,
    pattern: &ChangePattern,
) -> Option<Candidate> {
    let fault = &search.catalogue.faults()[fault_index];
    let touched = search.scene.changes.of(&change.object);
    let touched = touched.map(|(_, c)| c).filter(|c| c.what.has_effect());
    let stands_until = touched
        .map(|c| c.at_ms)
        .filter(|ms| *ms > change.at_ms)
        .min();
    let reach = reach::of(search, change);
    let cuts = reach::Cut::of(change);
    let hit = |s: &Symptom| {
        let What::Call { mode, to, sure, .. } = &s.what else {
            return false;
        };
        let called = *sure && to.iter().any(|t| reach.contains(t));
        let hit = match cuts {
            reach::Cut::Callers => called,
            // Lines of whoever is shut in may name nobody.
            reach::Cut::Around => called || reach.contains(&s.object) && (to.is_empty() || !*sure),
            reach::Cut::Calls => called || reach.contains(&s.object),
            reach::Cut::Edge => called || !*sure && is_edge(search, &s.object),
        };
        let late = pattern.strong
            && called
            && (0..GONE_WITHIN_MS).contains(&(s.from_ms - change.at_ms))
            && stands_until.is_none_or(|ms| s.from_ms < ms);
        let in_time = late || follows_in_time(search, change.at_ms, s);
        s.counts() && fault.calls.contains(mode) && hit && in_time
    };
    let own: Vec<usize> = (0..search.symptoms.len())
        .filter(|i| hit(&search.symptoms[*i]))
        .collect();
    let first = own
        .iter()
        .map(|i| search.symptoms[*i].from_ms.max(change.at_ms))
        .min()?;
    Some(Candidate {
        carried: None,
        fault: fault_index,
        object: change.object.clone(),
        cause: Some(Cause {
            change: index,
            root: change.object.clone(),
            gap_ms: (first - change.at_ms).max(0),
        }),
        tier: Tier::Changed,
        weight: 1,
        from_ms: change.at_ms,
        to_ms: own.iter().map(|i| search.symptoms[*i].to_ms).max()?,
        own,
        reach,
    })
}

/// Whether a symptom begins, or grows by much, once something was changed.
fn follows_in_time(search: Search<'_>, at_ms: i64, s: &Symptom) -> bool {
    if s.to_ms < at_ms - SKEW_MS || s.from_ms > at_ms + NOTICED_WITHIN_MS {
        return false;
    }
    if s.from_ms >= at_ms - SKEW_MS {
        return true;
    }
    // The cell of the change itself belongs to both sides.
    let cell = crate::model::CELL_MS;
    let before = s.during(search.range, at_ms - NOTICED_WITHIN_MS, at_ms - cell);
    let after = s.during(search.range, at_ms, at_ms + NOTICED_WITHIN_MS);
    after >= 3 && before * 4 <= after
}

/// Whether nobody in the cluster calls a workload: what comes from outside comes there first.
fn is_edge(search: Search<'_>, object: &ObjectRef) -> bool {
    search.scene.objects.calls_to(object).next().is_none()
}
