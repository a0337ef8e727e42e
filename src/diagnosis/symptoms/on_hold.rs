//! Releases that wait because somebody paused the workload and never let it go on.
//!
//! In: the day's changes. Out: symptoms whose evidence is the change that waits. Always true: the body of the change says that the
//! workload is paused, and no later change of the day lets it go on. Silence of anybody is never taken for a sign.

use super::{Suspect, Symptom, View, What, key};
use crate::{
    diagnosis::{
        changes::Change,
        faults::{Sign, Where},
    },
    model::{LogKind, report::ActorKind, shapes::Cells},
};

/// Who pauses to look at the first new pods lets go on within this time.
const LOOKING_MS: i64 = 30 * 60_000;

pub(super) fn symptoms(view: &View<'_>) -> Vec<Symptom> {
    let Some(fault) = view.catalogue.index("workload.paused") else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for change in &view.changes.all {
        let people = matches!(change.actor, ActorKind::Human | ActorKind::Pipeline);
        let released = change.classes.iter().any(|c| c.replaces_pods());
        if !people || !released || change.object.kind != "Deployment" || !is_paused(change) {
            continue;
        }
        let later = view.changes.of(&change.object).map(|(_, c)| c);
        let goes_on = later
            .filter(|c| c.at_ms > change.at_ms)
            .any(|c| c.after.is_none() || !is_paused(c));
        if !goes_on && view.seen_until_ms - change.at_ms >= LOOKING_MS {
            out.push(symptom(view, fault, change));
        }
    }
    out
}

fn is_paused(change: &Change<'_>) -> bool {
    let after = change.after.as_deref();
    after.and_then(|b| b.pointer("/spec/paused")?.as_bool()) == Some(true)
}

fn symptom(view: &View<'_>, fault: usize, change: &Change<'_>) -> Symptom {
    let mut cells = Cells::default();
    cells.add(view.range.cell(change.at_ms), 1);
    Symptom {
        kind: LogKind::Audit,
        what: What::Fault,
        object: change.object.clone(),
        blamed: None,
        named: Vec::new(),
        faults: vec![Suspect {
            fault,
            sign: Sign::Hint,
            weight: 1,
            place: Where::Own,
        }],
        from_ms: change.at_ms,
        to_ms: view.seen_until_ms,
        over_ms: None,
        count: 1,
        cells,
        baseline: 0.0,
        chronic: false,
        presumed: false,
        minor: false,
        objects: 1,
        evidence: vec![change.id()],
        key_fields: vec![key("user", &change.write.actor.user, Some(change.id()))],
        text: String::new(),
    }
}
