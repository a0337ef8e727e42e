//! Several clusters of one owner: each is judged by itself, and every object of the result says where it lives.
//!
//! In: what is known of a day. Out: the same per cluster, and the diagnoses put together again. Always true: with one cluster nothing is
//! changed and nothing is named; a change in one cluster never explains trouble in another, though both have a `shop/checkout`.
//! Inside a part objects have no cluster, so that whoever judges it need not know of others. Judges nothing itself.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::judge::Evidence;
use crate::{
    diagnosis::{Diagnosis, Earlier},
    model::{
        Lang, ObjectRef,
        report::{ChangeNote, Incident, Report, Status, Verdict},
        shapes::{Baseline, CallKey, DayCounts, DayShapes, States},
    },
};

/// The clusters that a day's records name, when they are several; and the empty name, when some records name none.
#[must_use]
pub(super) fn of(shapes: &DayShapes) -> Option<Vec<String>> {
    let services = shapes.templates.iter().map(|t| &t.service.cluster);
    let events = shapes.events.iter().map(|e| &e.cluster);
    let writes = shapes.writes.iter().map(|w| &w.cluster);
    let calls = shapes.calls.iter().map(|c| &c.key.cluster);
    let found: BTreeSet<&String> = services.chain(events).chain(writes).chain(calls).collect();
    let several = found.iter().filter(|c| !c.is_empty()).count() > 1;
    several.then(|| found.into_iter().cloned().collect())
}

/// Writes the cluster into every object of events and writes.
pub fn name_objects(shapes: &mut DayShapes) {
    if of(shapes).is_none() {
        return;
    }
    for event in &mut shapes.events {
        event.object.cluster.clone_from(&event.cluster);
    }
    for write in &mut shapes.writes {
        write.object.cluster.clone_from(&write.cluster);
    }
}

/// What is known of one of several clusters.
#[must_use]
pub(super) fn part(evidence: &Evidence, cluster: &str) -> Evidence {
    let days = evidence.baseline.days.iter();
    Evidence {
        shapes: part_of_shapes(&evidence.shapes, cluster),
        states: part_of_states(&evidence.states, cluster),
        baseline: Baseline {
            days: days.map(|day| part_of_counts(day, cluster)).collect(),
            ..evidence.baseline.clone()
        },
        earlier: evidence
            .earlier
            .iter()
            .filter_map(|past| {
                let identity = bare_identity(&past.identity, cluster)?.to_owned();
                Some(Earlier {
                    identity,
                    ..past.clone()
                })
            })
            .collect(),
        before: evidence.before.as_ref().map(|r| part_of_report(r, cluster)),
    }
}

/// What of a day's shapes belongs to a cluster. How much was read is not known per cluster.
fn part_of_shapes(shapes: &DayShapes, cluster: &str) -> DayShapes {
    fn only<T: Clone>(all: &[T], cluster: &str, of: impl Fn(&T) -> &String) -> Vec<T> {
        all.iter().filter(|t| of(t) == cluster).cloned().collect()
    }
    let mut part = DayShapes {
        templates: only(&shapes.templates, cluster, |t| &t.service.cluster),
        events: only(&shapes.events, cluster, |e| &e.cluster),
        writes: only(&shapes.writes, cluster, |w| &w.cluster),
        calls: only(&shapes.calls, cluster, |c| &c.key.cluster),
        read: shapes.read.clone(),
        origins: shapes.origins.clone(),
    };
    let bare = |object: &mut ObjectRef| object.cluster.clear();
    part.events.iter_mut().for_each(|e| bare(&mut e.object));
    part.writes.iter_mut().for_each(|w| bare(&mut w.object));
    part
}

/// States without a cluster are of a time when there was one: each may be this one's.
fn part_of_states(states: &States, cluster: &str) -> States {
    let of = |wanted: &str| -> States {
        let fits = |(object, _): &(&ObjectRef, _)| object.cluster == wanted;
        let bare = |object: &ObjectRef| ObjectRef {
            cluster: String::new(),
            ..object.clone()
        };
        let found = states.iter().filter(fits);
        found.map(|(o, s)| (bare(o), s.clone())).collect()
    };
    let mut part = of("");
    part.extend(of(cluster));
    part
}

/// A day's counts with the cluster in the keys.
#[must_use]
fn named_counts(parts: Vec<(String, DayCounts)>) -> Option<DayCounts> {
    let mut whole: Option<DayCounts> = None;
    for (cluster, mut part) in parts {
        rename(&mut part, |key| {
            Some(if cluster.is_empty() {
                key
            } else {
                format!("{cluster} {key}")
            })
        });
        part.events = rekeyed(part.events, |mut key| {
            key.cluster.clone_from(&cluster);
            key
        });
        let begun = std::mem::take(&mut part.begun.events);
        part.begun.events = begun
            .into_iter()
            .map(|mut key| {
                key.cluster.clone_from(&cluster);
                key
            })
            .collect();
        match &mut whole {
            None => whole = Some(part),
            Some(whole) => {
                whole.lines.extend(part.lines);
                whole.templates.extend(part.templates);
                whole.failing.extend(part.failing);
                whole.events.extend(part.events);
                whole.refusals.extend(part.refusals);
                whole.begun.templates.extend(part.begun.templates);
                whole.begun.events.extend(part.begun.events);
                whole.begun.refusals.extend(part.begun.refusals);
                whole.errors.merge(&part.errors);
                for (kind, cells) in part.cells {
                    whole.cells.entry(kind).or_default().merge(&cells);
                }
            }
        }
    }
    whole
}

/// The counts of each cluster of a day put together; those of a day with one cluster as they are.
#[must_use]
pub(super) fn counts_of(shapes: &DayShapes, counts: impl Fn(&DayShapes) -> DayCounts) -> DayCounts {
    let Some(clusters) = of(shapes) else {
        return counts(shapes);
    };
    let parts = clusters.into_iter().map(|cluster| {
        let part = counts(&part_of_shapes(shapes, &cluster));
        (cluster, part)
    });
    named_counts(parts.collect()).unwrap_or_else(|| counts(shapes))
}

/// What a day counted of one cluster. A day on which nothing named a cluster had one: it may be this one.
fn part_of_counts(day: &DayCounts, cluster: &str) -> DayCounts {
    let mut part = day.clone();
    let named = day.lines.keys().any(|key| key.contains(' '))
        || day.events.keys().any(|key| !key.cluster.is_empty())
        || day.refusals.keys().any(|key| !key.cluster.is_empty());
    if !named {
        let mine = |mut key: CallKey| {
            cluster.clone_into(&mut key.cluster);
            key
        };
        part.refusals = rekeyed(part.refusals, mine);
        let begun = std::mem::take(&mut part.begun.refusals);
        part.begun.refusals = begun.into_iter().map(mine).collect();
        return part;
    }
    rename(&mut part, |key| match key.split_once(' ') {
        Some((of, rest)) => (of == cluster).then(|| rest.to_owned()),
        None => cluster.is_empty().then_some(key),
    });
    part.events.retain(|key, _| key.cluster == cluster);
    part.events = rekeyed(part.events, |mut key| {
        key.cluster.clear();
        key
    });
    part.refusals.retain(|key, _| key.cluster == cluster);
    part.begun.refusals.retain(|key| key.cluster == cluster);
    let begun = std::mem::take(&mut part.begun.events);
    part.begun.events = begun
        .into_iter()
        .filter(|key| key.cluster == cluster)
        .map(|mut key| {
            key.cluster.clear();
            key
        })
        .collect();
    part
}

/// Gives the services in the keys another name; those without one go.
fn rename(counts: &mut DayCounts, name: impl Fn(String) -> Option<String>) {
    let lines = std::mem::take(&mut counts.lines).into_iter();
    counts.lines = lines.filter_map(|(k, n)| Some((name(k)?, n))).collect();
    let templates = std::mem::take(&mut counts.templates).into_iter();
    counts.templates = templates
        .filter_map(|((k, id), n)| Some(((name(k)?, id), n)))
        .collect();
    let failing = std::mem::take(&mut counts.failing).into_iter();
    counts.failing = failing
        .filter_map(|((k, id), cells)| Some(((name(k)?, id), cells)))
        .collect();
    let begun = std::mem::take(&mut counts.begun.templates).into_iter();
    counts.begun.templates = begun.filter_map(|(k, id)| Some((name(k)?, id))).collect();
}

fn rekeyed<K: Ord>(counts: BTreeMap<K, u64>, key: impl Fn(K) -> K) -> BTreeMap<K, u64> {
    counts.into_iter().map(|(k, n)| (key(k), n)).collect()
}

fn part_of_report(report: &Report, cluster: &str) -> Report {
    let mut part = report.clone();
    let here = |object: &ObjectRef| object.cluster == cluster || object.cluster.is_empty();
    part.findings.retain(|f| here(&f.object));
    part.incidents.retain(|i| here(&i.root.object));
    part.chronic.retain(|c| here(&c.object));
    for incident in &mut part.incidents {
        if let Some(identity) = bare_identity(&incident.identity, cluster) {
            incident.identity = identity.to_owned();
        }
    }
    let mut bare = |object: &mut ObjectRef| object.cluster.clear();
    each_object(&mut part.findings, &mut part.incidents, &mut bare);
    part.chronic.iter_mut().for_each(|c| bare(&mut c.object));
    part
}

/// The diagnoses of several clusters as one: the most important first, each object with its cluster.
#[must_use]
pub(super) fn together(parts: Vec<(String, Diagnosis)>, lang: Lang) -> Diagnosis {
    let mut whole = Diagnosis {
        verdict: Verdict::Unknown,
        findings: Vec::new(),
        incidents: Vec::new(),
        chronic: Vec::new(),
    };
    let mut verdicts = Vec::new();
    for (cluster, mut part) in parts {
        verdicts.push(part.verdict);
        let mut name = |object: &mut ObjectRef| object.cluster.clone_from(&cluster);
        each_object(&mut part.findings, &mut part.incidents, &mut name);
        part.chronic.iter_mut().for_each(|c| name(&mut c.object));
        let titles = part.findings.iter_mut().map(|f| &mut f.title);
        let titles = titles.chain(part.incidents.iter_mut().map(|i| &mut i.title));
        let titles = titles.chain(part.chronic.iter_mut().map(|c| &mut c.title));
        titles.for_each(|title| *title = titled(title, &cluster, lang));
        for finding in &mut part.findings {
            finding.id = within(&finding.id, &cluster);
        }
        for incident in &mut part.incidents {
            incident.identity = named_identity(&incident.identity, &cluster);
            let ids = incident.findings.iter_mut();
            ids.chain(incident.chain.iter_mut().map(|link| &mut link.finding))
                .for_each(|id| *id = within(id, &cluster));
        }
        whole.findings.append(&mut part.findings);
        whole.incidents.append(&mut part.incidents);
        whole.chronic.append(&mut part.chronic);
    }
    whole.verdict = if verdicts.contains(&Verdict::Incidents) {
        Verdict::Incidents
    } else if verdicts.contains(&Verdict::Healthy) {
        Verdict::Healthy
    } else {
        Verdict::Unknown
    };
    // Sorted as the parts are; what weighs the same stays in the order of the clusters.
    whole.incidents.sort_by_key(weight);
    whole.findings.sort_by_key(|f| Reverse(f.severity));
    whole.chronic.sort_by_key(|c| Reverse(c.count));
    number(&mut whole);
    whole
}

fn weight(incident: &Incident) -> (Reverse<crate::model::Severity>, bool, bool, i64) {
    (
        Reverse(incident.severity),
        incident.status == Status::Recovered,
        incident.root.cause == "unknown",
        incident.start.ms,
    )
}

/// Numbers findings and incidents in their order.
fn number(whole: &mut Diagnosis) {
    let mut numbers = BTreeMap::new();
    for (n, finding) in whole.findings.iter_mut().enumerate() {
        let id = format!("f{}", n + 1);
        numbers.insert(std::mem::replace(&mut finding.id, id.clone()), id);
    }
    for (n, incident) in whole.incidents.iter_mut().enumerate() {
        incident.id = format!("i{}", n + 1);
        let ids = incident.findings.iter_mut();
        for id in ids.chain(incident.chain.iter_mut().map(|link| &mut link.finding)) {
            if let Some(new) = numbers.get(id) {
                id.clone_from(new);
            }
        }
    }
}

fn each_object(
    findings: &mut [crate::model::report::Finding],
    incidents: &mut [Incident],
    f: &mut impl FnMut(&mut ObjectRef),
) {
    for finding in findings {
        f(&mut finding.object);
    }
    for incident in incidents {
        f(&mut incident.root.object);
        incident.affected.iter_mut().for_each(&mut *f);
        let others = incident.alternatives.iter_mut();
        others.filter_map(|a| a.object.as_mut()).for_each(&mut *f);
        let notes: [&mut Option<ChangeNote>; 2] =
            [&mut incident.change, &mut incident.recovered_by];
        for note in notes.into_iter().flatten() {
            f(&mut note.object);
        }
    }
}

fn titled(title: &str, cluster: &str, lang: Lang) -> String {
    if cluster.is_empty() {
        return title.to_owned();
    }
    lang.pick(
        format!("集群 {cluster} 的 {title}"),
        format!("{cluster}: {title}"),
    )
}

fn within(id: &str, cluster: &str) -> String {
    format!("{cluster} {id}")
}

/// An incident is the same as on another day in the same cluster only.
fn named_identity(identity: &str, cluster: &str) -> String {
    if cluster.is_empty() {
        identity.to_owned()
    } else {
        format!("{cluster}/{identity}")
    }
}

fn bare_identity<'i>(identity: &'i str, cluster: &str) -> Option<&'i str> {
    match identity.split_once('/') {
        Some((of, rest)) => (of == cluster).then_some(rest),
        None => Some(identity),
    }
}

/// The states that a day leaves of each cluster.
#[must_use]
pub(super) fn states_after(
    shapes: &DayShapes,
    before: &States,
    after: impl Fn(&DayShapes, &States) -> States,
) -> States {
    let Some(clusters) = of(shapes) else {
        return after(shapes, before);
    };
    let mut whole = States::new();
    for cluster in clusters {
        let (shapes, before) = (
            part_of_shapes(shapes, &cluster),
            part_of_states(before, &cluster),
        );
        for (object, state) in after(&shapes, &before) {
            let object = ObjectRef {
                cluster: cluster.clone(),
                ..object
            };
            whole.insert(object, state);
        }
    }
    whole
}

#[cfg(test)]
mod tests;
