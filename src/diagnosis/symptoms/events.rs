//! Symptoms from Kubernetes Events.
//!
//! Series of one object, fault and stretch of time become one symptom: forty pods that cannot pull one image are one thing. A warning
//! that the catalogue does not know goes by its reason and is an error without a name: it is never left out.

use std::collections::BTreeMap;

use super::{Suspect, Symptom, View, What, claims, is_usual, key, memory};
use crate::{
    diagnosis::faults::{EventMatch, Sign, Where},
    mining::baseline::{Subject, What as Deviates},
    model::{
        EvidenceId, LogKind, ObjectRef,
        shapes::{Cells, EventSeries},
    },
};

/// Series of the same fault further apart than this are two stretches. Back-off of retries ends at ten minutes, of the
/// cluster autoscaler at fifteen.
const APART_MS: i64 = 30 * 60_000;
/// What ends within three minutes is how Kubernetes works: a probe before the start is over, a pod that waits for a node.
const PASSING_MS: i64 = 3 * 60_000;
/// More occurrences than this in a short time are no passing matter.
const PASSING_COUNT: u64 = 12;
/// An event born this long before the day and still repeated is a state the owner lives with.
const LONG_STANDING_MS: i64 = 36 * 3_600_000;

/// What series of one symptom have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shows<'a> {
    /// Index into the catalogue.
    Fault(usize),
    /// A reason that the catalogue does not know.
    Unknown(&'a str),
}

pub(super) fn symptoms(view: &View<'_>) -> Vec<Symptom> {
    let mut groups: BTreeMap<(ObjectRef, Shows<'_>), Vec<Seen<'_>>> = BTreeMap::new();
    for (index, series) in view.shapes.events.iter().enumerate() {
        let mut found = view
            .catalogue
            .of_event(&series.object, &series.reason, &series.message);
        if found.iter().any(|m| !m.pinned) && is_made_for_one_node(view, series) {
            found.retain(|m| !m.pinned);
        }
        refine_claim(view, series, &mut found);
        let (shows, at) = match found.first() {
            Some(first) => (Shows::Fault(first.fault), first.object),
            None if series.warning => (Shows::Unknown(&series.reason), Where::Workload),
            None => continue,
        };
        let object = place(view, series, at);
        let unheard = matches!(shows, Shows::Unknown(_)) && view.event_days == 0;
        let seen = Seen {
            // Without earlier days nobody can say that it is not there every day.
            chronic: unheard || is_chronic(view, index, series),
            baseline: expected(view, index),
            series,
            suspects: suspects(&found),
            named: named(series, &found),
        };
        groups.entry((object, shows)).or_default().push(seen);
    }
    let mut out = Vec::new();
    for ((object, shows), mut all) in groups {
        all.sort_by_key(|s| (s.series.first_ms, s.series.uid.clone()));
        // What is so every day must not lend its length to what is new.
        let (usual, new): (Vec<_>, Vec<_>) = all.into_iter().partition(|s| s.chronic);
        for part in [usual, new] {
            for stretch in stretches(part) {
                out.push(symptom(view, object.clone(), shows, &stretch));
            }
        }
    }
    out
}

/// Gives the event of a claim that finds no volume the reason that the known volumes tell.
fn refine_claim(view: &View<'_>, series: &EventSeries, found: &mut [EventMatch]) {
    const VAGUE: [&str; 2] = ["storage.unbound", "storage.class_missing"];
    let faults = view.catalogue.faults();
    let Some(first) = found
        .first_mut()
        .filter(|m| VAGUE.contains(&faults[m.fault].code.as_str()))
    else {
        return;
    };
    let finer = claims::mismatch(view, &series.object, series.last_ms);
    if let Some(fault) = finer.and_then(|code| view.catalogue.index(code)) {
        first.fault = fault;
    }
}

/// A DaemonSet makes each pod for one node by its affinity, so the scheduler always counts all others as not matching.
fn is_made_for_one_node(view: &View<'_>, series: &EventSeries) -> bool {
    let workload = view.objects.workload_of(&series.object);
    workload.is_some_and(|workload| workload.kind == "DaemonSet")
}

/// A series with what it shows.
struct Seen<'a> {
    series: &'a EventSeries,
    chronic: bool,
    baseline: f64,
    suspects: Vec<Suspect>,
    named: Vec<ObjectRef>,
}

fn stretches(all: Vec<Seen<'_>>) -> Vec<Vec<Seen<'_>>> {
    let mut out: Vec<Vec<Seen<'_>>> = Vec::new();
    let mut until = i64::MIN;
    for seen in all {
        let last = seen.series.last_ms;
        match out.last_mut() {
            Some(open) if seen.series.first_ms <= until.saturating_add(APART_MS) => open.push(seen),
            _ => out.push(vec![seen]),
        }
        until = until.max(last);
    }
    out
}

fn symptom(view: &View<'_>, object: ObjectRef, shows: Shows<'_>, seen: &[Seen<'_>]) -> Symptom {
    let series = || seen.iter().map(|s| s.series);
    let from_ms = series().map(|s| s.first_ms).min().unwrap_or_default();
    let to_ms = series().map(|s| s.last_ms).max().unwrap_or_default();
    let mut cells = Cells::default();
    for one in series() {
        cells.merge(&one.cells);
    }
    let count = cells.total();
    let head = series()
        .max_by_key(|s| (s.warning, s.count()))
        .unwrap_or(seen[0].series);
    let mut suspects: Vec<Suspect> = Vec::new();
    for one in seen.iter().flat_map(|s| &s.suspects) {
        match suspects.iter_mut().find(|s| s.fault == one.fault) {
            Some(known) => {
                known.weight = known.weight.max(one.weight);
                known.sign = known.sign.max(one.sign);
            }
            None => suspects.push(*one),
        }
    }
    suspects.sort_by_key(|s| std::cmp::Reverse(s.sign));
    let over = suspects.first().and_then(|s| {
        end_of(
            view,
            &head.object,
            &view.catalogue.faults()[s.fault].ends,
            to_ms,
        )
    });
    let passing = to_ms - from_ms < PASSING_MS && count <= PASSING_COUNT;
    let still_so = to_ms + PASSING_MS > view.seen_until_ms;
    let names_itself = head.object.kind == "Node" || head.reason == "Evicted";
    let mut named: Vec<ObjectRef> = seen.iter().flat_map(|s| s.named.clone()).collect();
    named.sort();
    named.dedup();
    let told_over = over.and_then(|(_, id)| id);
    // Second: a report names a few of them, and when it ended is told.
    let mut evidence: Vec<_> = series()
        .flat_map(|s| s.evidence.iter().copied())
        .take(12)
        .collect();
    evidence.splice(evidence.len().min(1)..evidence.len().min(1), told_over);
    let first = head.evidence.first().copied();
    let mut key_fields = vec![key("reason", &head.reason, first)];
    let mut pods: Vec<(&str, _)> = series()
        .filter(|s| s.object.kind == "Pod")
        .map(|s| (s.object.name.as_str(), s.evidence.first().copied()))
        .collect();
    pods.dedup_by_key(|p| p.0);
    key_fields.extend(pods.iter().take(3).map(|(pod, id)| key("pod", *pod, *id)));
    if !head.host.is_empty() {
        key_fields.push(key("node", &head.host, first));
    }
    key_fields.extend(
        named
            .iter()
            .map(|n| key(&n.kind.to_lowercase(), &n.name, first)),
    );
    let mut about: Vec<&ObjectRef> = series().map(|s| &s.object).collect();
    about.sort();
    about.dedup();
    Symptom {
        kind: LogKind::Event,
        what: match shows {
            Shows::Fault(_) => What::Fault,
            Shows::Unknown(_) => What::Error,
        },
        object,
        blamed: None,
        named,
        faults: suspects,
        from_ms,
        to_ms,
        over_ms: over.map(|(ms, _)| ms),
        count,
        cells,
        baseline: seen.iter().map(|s| s.baseline).sum(),
        chronic: seen.iter().all(|s| s.chronic),
        presumed: view.event_days == 0 && matches!(shows, Shows::Unknown(_)),
        minor: passing && !still_so && !names_itself,
        objects: u32::try_from(about.len()).unwrap_or(u32::MAX),
        evidence,
        key_fields,
        text: head.message.clone(),
    }
}

/// The first event after `since_ms` that says that `object` is well again, with its record where it was kept.
fn end_of(
    view: &View<'_>,
    object: &ObjectRef,
    ends: &[String],
    since_ms: i64,
) -> Option<(i64, Option<EvidenceId>)> {
    let of_object = |e: &&EventSeries| e.object == *object && ends.contains(&e.reason);
    let after = |e: &EventSeries| {
        [e.first_ms, e.last_ms]
            .into_iter()
            .find(|ms| *ms > since_ms)
            .map(|ms| {
                let record = if ms == e.first_ms {
                    e.evidence.first()
                } else {
                    e.evidence.last()
                };
                (ms, record.copied())
            })
    };
    let told = view.shapes.events.iter().filter(of_object);
    told.filter_map(after).min()
}

/// The object that an event is a symptom of.
fn place(view: &View<'_>, series: &EventSeries, place: Where) -> ObjectRef {
    let object = &series.object;
    let workload = || {
        view.objects
            .workload_of(object)
            .unwrap_or_else(|| object.clone())
    };
    match place {
        Where::Workload | Where::Named => workload(),
        Where::Own => object.clone(),
        Where::Host => {
            let node = view.objects.node_of(&object.namespace, &object.name);
            let node = node.or(Some(series.host.as_str()).filter(|h| !h.is_empty()));
            node.map_or_else(workload, |node| ObjectRef::new("Node", "", node))
        }
        Where::Oom => memory::killed(view, series).unwrap_or_else(workload),
    }
}

fn is_chronic(view: &View<'_>, index: usize, series: &EventSeries) -> bool {
    let long_standing =
        series.before > 0 && series.born_ms < view.range.start_ms - LONG_STANDING_MS;
    if !series.warning || view.event_days == 0 {
        return long_standing;
    }
    match view.deviation(&Subject::Event(index)).map(|d| d.what) {
        Some(Deviates::Chronic) => true,
        Some(Deviates::Times(_) | Deviates::Burst | Deviates::Lasting) => false,
        Some(Deviates::New) => long_standing,
        Some(Deviates::Gone) | None => expected(view, index) > 0.0 || long_standing,
    }
}

fn expected(view: &View<'_>, index: usize) -> f64 {
    view.deviation(&Subject::Event(index))
        .filter(|d| d.what != Deviates::New || is_usual(Some(d)))
        .map_or(0.0, |d| d.expected)
}

/// Every fault that the message shows, scheduling reasons weighed by how many nodes they rule out.
fn suspects(found: &[EventMatch]) -> Vec<Suspect> {
    let suspect = |m: &EventMatch| Suspect {
        fault: m.fault,
        sign: m.sign,
        weight: m.nodes.max(1),
        place: m.object,
    };
    found.iter().map(suspect).collect()
}

fn named(series: &EventSeries, found: &[EventMatch]) -> Vec<ObjectRef> {
    let definite = |m: &&EventMatch| m.sign > Sign::Effect;
    let mut out: Vec<ObjectRef> = Vec::new();
    for (kind, name) in found
        .iter()
        .filter(definite)
        .filter_map(|m| m.named.as_ref())
    {
        let object = ObjectRef::new(kind.clone(), series.object.namespace.clone(), name.clone());
        if !out.contains(&object) {
            out.push(object);
        }
    }
    out
}
