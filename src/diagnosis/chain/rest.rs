//! What no fault of the catalogue and no change explains: failed calls lead to who does not answer, errors to who writes them.
//!
//! In: symptoms that no chosen root explains. Out: the next [`Candidate`], the deepest first. Always true: it rests on enough lines; a
//! consequence that names itself (slow statements, lost packets) gives the name where there is no better one.

use std::collections::BTreeMap;

use super::{BEFORE_MS, Candidate, Root, Search, Tier, callees, is_explained, names};
use crate::{
    diagnosis::{
        faults::CallMode,
        symptoms::{Symptom, What},
    },
    model::{LogKind, ObjectRef},
};

/// Failed calls that make an incident by themselves, without any other evidence.
const ENOUGH_CALLS: u64 = 10;
/// Unknown errors that do.
const ENOUGH_ERRORS: u64 = 12;
/// Events that name a consequence do, when they go on for so long and nothing explains them.
const ENOUGH_EVENTS: u64 = 3;
const LASTS_MS: i64 = 15 * 60_000;

/// An object, and the domain when it lies outside the cluster.
type Place = (ObjectRef, Option<String>);

/// Of what no chosen root explains: whoever does not answer and waits for nobody else, or whoever reports errors.
pub(super) fn deepest_unexplained(search: Search<'_>, chosen: &[Root]) -> Option<Candidate> {
    let left: Vec<usize> = (0..search.symptoms.len())
        .filter(|i| search.symptoms[*i].counts() && !is_explained(search, chosen, *i))
        .filter(|i| !chosen.iter().any(|r| r.at.own.contains(i)))
        .collect();
    let groups = groups(search, &left);
    let candidate = |((object, host), own): (&Place, &Vec<usize>)| {
        let symptoms = || own.iter().map(|i| &search.symptoms[*i]);
        let count: u64 = symptoms().map(|s| s.count).sum();
        let only_errors = symptoms().all(|s| s.what == What::Error);
        let told = symptoms().any(|s| s.what == What::Fault || s.kind == LogKind::Event);
        let enough = match (told, only_errors) {
            (true, _) => ENOUGH_EVENTS,
            (_, true) => ENOUGH_ERRORS,
            _ => ENOUGH_CALLS,
        };
        let first = symptoms().min_by_key(|s| s.from_ms)?;
        let code = if host.is_some() {
            "app.upstream_down"
        } else {
            "unknown"
        };
        let waits = left.iter().any(|i| {
            let s = &search.symptoms[*i];
            s.object == *object && callees(s).is_some() && !own.contains(i)
        });
        let only_5xx = symptoms().all(|s| {
            matches!(
                s.what,
                What::Call {
                    mode: CallMode::Http5xx,
                    ..
                }
            )
        });
        (count >= enough).then(|| {
            let object = if host.is_some() {
                first.object.clone()
            } else {
                object.clone()
            };
            let named = consequence(search, chosen, &object, own).filter(|_| host.is_none());
            let known = search.catalogue.index(code);
            let unknown = || search.catalogue.index("unknown");
            let candidate = Candidate {
                carried: None,
                fault: named
                    .map(|(fault, _)| fault)
                    .or(known)
                    .or_else(unknown)
                    .unwrap_or(0),
                reach: vec![object.clone()],
                object,
                cause: None,
                tier: if named.is_some() {
                    Tier::Hinted
                } else {
                    Tier::Unknown
                },
                weight: 0,
                from_ms: first.from_ms,
                to_ms: symptoms().map(|s| s.to_ms).max().unwrap_or(first.to_ms),
                own: own
                    .iter()
                    .copied()
                    .chain(named.map(|(_, i)| i).filter(|i| !own.contains(i)))
                    .collect(),
            };
            ((waits, only_5xx, first.from_ms), candidate)
        })
    };
    groups
        .iter()
        .filter_map(candidate)
        .min_by_key(|(rank, c)| (*rank, c.object.clone()))
        .map(|(_, c)| c)
}

/// What is left, by who does not answer or who writes it; a host outside the cluster by who owns it.
fn groups(search: Search<'_>, left: &[usize]) -> BTreeMap<Place, Vec<usize>> {
    let mut groups: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    for &i in left {
        let s = &search.symptoms[i];
        match &s.what {
            What::Call {
                outside: Some(host),
                ..
            } => {
                let owner = names::domain(host);
                let place = ObjectRef::new("", "", owner);
                let group = groups.entry((place, Some(owner.to_owned())));
                group.or_default().push(i);
            }
            What::Call { to, sure: true, .. } => {
                for callee in to {
                    let behind = search.scene.objects.workloads_behind(callee);
                    let place = behind.into_iter().next().unwrap_or_else(|| callee.clone());
                    groups.entry((place, None)).or_default().push(i);
                }
            }
            What::Fault if !lasts(search, s) => {}
            What::Error if s.kind == LogKind::Event && !lasts(search, s) => {}
            What::Call { .. } | What::Error | What::Fault => {
                groups.entry((s.object.clone(), None)).or_default().push(i);
            }
            _ => {}
        }
    }
    groups
}

/// Whether events go on for long, or still did when the log ended.
fn lasts(search: Search<'_>, s: &Symptom) -> bool {
    let messenger = !s.faults.is_empty()
        && s.faults
            .iter()
            .all(|f| search.catalogue.faults()[f.fault].messenger);
    let still_so = s.to_ms + LASTS_MS > search.seen_until_ms;
    s.kind == LogKind::Event && !messenger && (s.to_ms - s.from_ms > LASTS_MS || still_so)
}

/// A consequence that names itself on an object whose fault nothing else tells, while `own` goes on: the loudest, with its symptom.
fn consequence(
    search: Search<'_>,
    chosen: &[Root],
    object: &ObjectRef,
    own: &[usize],
) -> Option<(usize, usize)> {
    let times = || own.iter().map(|i| &search.symptoms[*i]);
    let from = times().map(|s| s.from_ms).min()? - BEFORE_MS;
    let to = times().map(|s| s.to_ms).max()?;
    let faults = search.catalogue.faults();
    let tells = |(index, s): (usize, &Symptom)| {
        let suspect = s.faults.iter().find(|f| !faults[f.fault].messenger)?;
        let fits = s.object == *object
            && !s.chronic
            && !s.minor
            && s.from_ms <= to
            && s.to_ms >= from
            && !is_explained(search, chosen, index);
        fits.then_some((s.count, suspect.fault, index))
    };
    let loudest = search.symptoms.iter().enumerate().filter_map(tells).max();
    loudest.map(|(_, fault, index)| (fault, index))
}
