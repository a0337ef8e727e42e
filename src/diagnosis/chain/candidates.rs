//! Everything that may be a root: symptoms that name a fault, with the change behind them, and changes that callers suffered from.

use std::collections::BTreeSet;

use super::{Candidate, Search, Tier, address, broken, names};
use crate::{
    diagnosis::{
        causes::{self, Cause},
        faults::{Sign, Where},
        symptoms::{Suspect, Symptom, What},
    },
    model::ObjectRef,
};

/// A container that runs half an hour before it is killed again fills up slowly.
const SLOW_MS: i64 = 25 * 60_000;
/// Errors after a release must be this many before the release is blamed.
const RELEASE_ERRORS: u64 = 6;

/// What passed by itself is blamed on a change only when it came right after it.
const MINOR_WITHIN_MS: i64 = 5 * 60_000;

/// All candidates, in no order.
pub(in crate::diagnosis) fn candidates(search: Search<'_>) -> Vec<Candidate> {
    let mut out = Vec::new();
    for (index, symptom) in search.symptoms.iter().enumerate() {
        if symptom.chronic || symptom.what == What::Warning {
            continue;
        }
        let mut fitting: Vec<Candidate> = symptom
            .faults
            .iter()
            .filter_map(|suspect| of_suspect(search, index, symptom, suspect))
            .collect();
        prefer_own_change(search, symptom, &mut fitting);
        out.extend(fitting);
        out.extend(address::wrong_address(search, index, symptom));
        out.extend(bad_release(search, index, symptom));
    }
    share(search, &mut out);
    let nodes: Vec<Candidate> = out
        .iter()
        .filter(|c| c.object.kind == "Node")
        .cloned()
        .collect();
    out.retain(|c| !nodes.iter().any(|node| is_under(search, c, node)));
    out.extend((0..search.carried.len()).filter_map(|n| carried(search, n)));
    out.extend(broken::by_change(search));
    out.extend(names::unresolved(search));
    out
}

/// Whether a candidate is what a node's trouble looks like to a pod on it: the pod's disk is full because the node's is.
fn is_under(search: Search<'_>, candidate: &Candidate, node: &Candidate) -> bool {
    let faults = search.catalogue.faults();
    let under = &faults[candidate.fault].under;
    let at_once =
        candidate.from_ms <= node.to_ms + SLOW_MS && candidate.to_ms >= node.from_ms - SLOW_MS;
    let on_node = |symptom: &Symptom| {
        let mut pods = symptom.key_fields.iter().filter(|k| k.name == "pod");
        pods.all(|pod| {
            let place = search
                .scene
                .objects
                .node_of(&symptom.object.namespace, &pod.value);
            place.is_none_or(|name| name == node.object.name)
        })
    };
    candidate.cause.is_none()
        && under.iter().any(|code| code == faults[node.fault].coarse())
        && at_once
        && candidate.own.iter().all(|i| on_node(&search.symptoms[*i]))
}

/// Makes one candidate of those of a fault that shows on several objects at once and that no change explains: it is then the fault of
/// what they share.
fn share(search: Search<'_>, all: &mut Vec<Candidate>) {
    for (fault_index, fault) in search.catalogue.faults().iter().enumerate() {
        let Some((kind, namespace, name)) = &fault.shared else {
            continue;
        };
        let alone = |c: &Candidate| c.fault == fault_index && c.cause.is_none();
        let (from_ms, to_ms) = (
            all.iter().filter(|c| alone(c)).map(|c| c.from_ms).max(),
            all.iter().filter(|c| alone(c)).map(|c| c.to_ms).min(),
        );
        let objects: BTreeSet<&ObjectRef> =
            all.iter().filter(|c| alone(c)).map(|c| &c.object).collect();
        if objects.len() < 2 || from_ms >= to_ms {
            continue;
        }
        let (mut shared, rest): (Vec<_>, Vec<_>) = std::mem::take(all).into_iter().partition(alone);
        *all = rest;
        let Some(mut one) = shared.pop() else {
            continue;
        };
        for other in shared {
            one.own.extend(other.own);
            one.reach.push(other.object);
            one.from_ms = one.from_ms.min(other.from_ms);
            one.to_ms = one.to_ms.max(other.to_ms);
        }
        let component = ObjectRef::new(kind.as_str(), namespace.as_str(), name.as_str());
        one.reach
            .push(std::mem::replace(&mut one.object, component));
        all.push(one);
    }
}

/// An incident of the day before that goes on: its root is known, and its change lies in no record of today.
fn carried(search: Search<'_>, index: usize) -> Option<Candidate> {
    let carried = &search.carried[index];
    let root = &carried.incident.root;
    if root.cause == "unknown" {
        // Today may know better.
        return None;
    }
    let code = root.detail.as_ref().unwrap_or(&root.cause);
    let symptoms = || carried.symptoms.iter().map(|i| &search.symptoms[*i]);
    Some(Candidate {
        fault: search.catalogue.index(code)?,
        object: root.object.clone(),
        cause: None,
        tier: Tier::Named,
        weight: 1,
        own: carried.symptoms.clone(),
        carried: Some(index),
        reach: Vec::new(),
        from_ms: symptoms().map(|s| s.from_ms).min()?,
        to_ms: symptoms().map(Symptom::until_ms).max()?,
    })
}

fn of_suspect(
    search: Search<'_>,
    index: usize,
    symptom: &Symptom,
    suspect: &Suspect,
) -> Option<Candidate> {
    let mut fault_index = suspect.fault;
    let fault = &search.catalogue.faults()[fault_index];
    if suspect.sign == Sign::Effect {
        return None;
    }
    if fault.slow && !is_slow(symptom) {
        return None;
    }
    let must = !fault.causes.is_empty() && fault.causes.iter().all(|c| c.must);
    let cause = causes::cause_of(
        search.scene,
        fault,
        symptom,
        suspect.sign == Sign::Definitive,
    );
    if cause.is_none() && must || symptom.minor && !is_told_at_once(suspect, cause.as_ref()) {
        return None;
    }
    if let Some(job) = fault.job.as_deref().filter(|_| is_job(&symptom.object)) {
        fault_index = search.catalogue.index(job).unwrap_or(fault_index);
    }
    let slow_and_named = search.catalogue.faults()[suspect.fault].slow;
    let tier = match (suspect.sign, &cause) {
        (Sign::Definitive, Some(_)) => Tier::NamedAndChanged,
        (_, Some(_)) => Tier::Changed,
        (Sign::Definitive, None) => Tier::Named,
        // Slowness was looked at: that is as good as a message.
        (Sign::Hint, None) if slow_and_named => Tier::Named,
        (_, None) => Tier::Hinted,
    };
    let object = match &cause {
        Some(cause) => cause.root.clone(),
        None => accused(search, symptom, suspect).unwrap_or_else(|| symptom.suffers().clone()),
    };
    // A state holds until something says that it ended.
    let holds =
        !search.catalogue.faults()[fault_index].ends.is_empty() && symptom.over_ms.is_none();
    let to_ms = if holds {
        search.seen_until_ms.max(symptom.to_ms)
    } else {
        symptom.until_ms()
    };
    Some(Candidate {
        carried: None,
        fault: fault_index,
        object,
        from_ms: symptom.from_ms,
        to_ms,
        cause,
        tier,
        weight: suspect.weight + u32::from(slow_and_named),
        own: vec![index],
        reach: Vec::new(),
    })
}

/// Whether something that passed by itself still tells of an incident: it names its fault, right after the change that brings it about.
fn is_told_at_once(suspect: &Suspect, cause: Option<&Cause>) -> bool {
    suspect.sign == Sign::Definitive && cause.is_some_and(|c| c.gap_ms <= MINOR_WITHIN_MS)
}

/// Of several changes that one symptom may follow from, a later one of the suffering object itself outweighs those of nodes: a
/// message about scheduling counts every node's reason, also of the nodes that were closed long before.
fn prefer_own_change(search: Search<'_>, symptom: &Symptom, fitting: &mut Vec<Candidate>) {
    let changed = |c: &Cause| &search.scene.changes.all[c.change].object;
    let own = fitting
        .iter()
        .filter_map(|c| c.cause.as_ref())
        .filter(|cause| changed(cause) == symptom.suffers())
        .map(|cause| cause.gap_ms)
        .min();
    let Some(own) = own else { return };
    fitting.retain(|candidate| {
        let cause = candidate.cause.as_ref();
        !cause.is_some_and(|c| changed(c).kind == "Node" && c.gap_ms > own)
    });
}

/// The object that the message names, where the fault is that object's.
fn accused(search: Search<'_>, symptom: &Symptom, suspect: &Suspect) -> Option<ObjectRef> {
    let named = symptom.named.iter().find(|n| !n.kind.is_empty());
    let named = named.filter(|_| suspect.place == Where::Named)?;
    Some(match named.kind.as_str() {
        "Webhook" => search.scene.objects.holder_of_hook(&named.name),
        _ => named.clone(),
    })
}

fn is_job(object: &ObjectRef) -> bool {
    matches!(object.kind.as_str(), "CronJob" | "Job")
}

/// Whether what repeats does so at long intervals on each object it happens to.
fn is_slow(symptom: &Symptom) -> bool {
    if symptom.kind == crate::model::LogKind::Business {
        return true;
    }
    let per_object =
        i64::try_from(symptom.count).unwrap_or(i64::MAX) / i64::from(symptom.objects.max(1));
    per_object >= 2 && (symptom.to_ms - symptom.from_ms) / (per_object - 1).max(1) >= SLOW_MS
}

/// New errors of a workload that just got another image.
fn bad_release(search: Search<'_>, index: usize, symptom: &Symptom) -> Option<Candidate> {
    if symptom.what != What::Error || symptom.count < RELEASE_ERRORS || symptom.minor {
        return None;
    }
    let fault = search.catalogue.index("workload.bad_release")?;
    let cause = causes::cause_of(
        search.scene,
        &search.catalogue.faults()[fault],
        symptom,
        false,
    )?;
    Some(Candidate {
        carried: None,
        fault,
        object: cause.root.clone(),
        cause: Some(cause),
        tier: Tier::Changed,
        weight: 0,
        own: vec![index],
        reach: Vec::new(),
        from_ms: symptom.from_ms,
        to_ms: symptom.to_ms,
    })
}
