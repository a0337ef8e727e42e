//! Which roots explain the day: the smallest set of independent incidents behind all symptoms.
//!
//! In: symptoms, changes, the object model. Out: [`Root`]s with the symptoms that each explains. Always true: a root is chosen for
//! something that no earlier chosen root explains; what only follows (callers of a broken service, probes of a starved pod) makes no
//! root of its own; a symptom counts as explained only for the time in which its root was at work.

mod address;
mod broken;
mod candidates;
mod names;
mod reach;
mod rest;
mod spread;

use std::collections::BTreeSet;

use super::{
    carried::Carried,
    causes::{Cause, Scene},
    faults::Catalogue,
    symptoms::{Symptom, What},
};
use crate::model::{DayRange, ObjectRef};

pub(super) use candidates::candidates;

/// How sure a candidate is by its making, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// The message names the fault, and a change fits.
    NamedAndChanged,
    /// A change fits what followed it.
    Changed,
    /// The message names the fault.
    Named,
    /// Signs point at a fault.
    Hinted,
    /// Something is wrong.
    Unknown,
}

/// What may be a root.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// Index into the catalogue.
    pub(super) fault: usize,
    pub(super) object: ObjectRef,
    pub(super) cause: Option<Cause>,
    pub(super) tier: Tier,
    pub(super) weight: u32,
    /// Symptoms that it rests on.
    pub(super) own: Vec<usize>,
    /// Index of the incident of the day before that goes on.
    pub(super) carried: Option<usize>,
    /// Services and workloads whose callers suffer, beyond those of `object`.
    pub(super) reach: Vec<ObjectRef>,
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
}

/// A chosen root.
#[derive(Debug, Clone)]
pub(super) struct Root {
    pub(super) at: Candidate,
    /// Everything that it explains, its own symptoms included.
    pub(super) explains: BTreeSet<usize>,
    /// Objects that are hit: the root's own first, then callers, in order of discovery.
    pub(super) affected: Vec<ObjectRef>,
    /// Candidates that were given up for this root.
    pub(super) instead_of: Vec<Candidate>,
}

/// What the search looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) scene: Scene<'a>,
    pub(super) catalogue: &'a Catalogue,
    pub(super) range: &'a DayRange,
    pub(super) symptoms: &'a [Symptom],
    /// What goes on from the day before.
    pub(super) carried: &'a [Carried<'a>],
    pub(super) seen_until_ms: i64,
}

/// Effects begin a little before the first sign of their cause is written down.
const BEFORE_MS: i64 = 3 * 60_000;
/// Effects go on while queues drain and back-off ends.
const AFTER_MS: i64 = 20 * 60_000;
/// What begins longer than this after (or before) a root, but soon after another one, is the other's.
const SETTLED_MS: i64 = 30 * 60_000;
/// Occurrences outside the windows of its roots that a symptom may have and still count as explained.
const STRAY: u64 = 3;

/// Chooses the roots, by time.
pub(super) fn roots(search: Search<'_>) -> Vec<Root> {
    let mut chosen: Vec<Root> = Vec::new();
    let mut waiting = candidates(search);
    waiting.sort_by_key(|c| order(search, c));
    for candidate in waiting {
        take(search, &mut chosen, candidate);
    }
    // What is left has no fault of its own: failed calls lead to who does not answer, errors to who writes them.
    while let Some(candidate) = rest::deepest_unexplained(search, &chosen) {
        take(search, &mut chosen, candidate);
    }
    chosen.sort_by_key(|r| (r.at.from_ms, r.at.object.clone()));
    settle(search, &mut chosen);
    chosen
}

/// Leaves what several roots explain to the one that it began with, and which covers all of it.
fn settle(search: Search<'_>, chosen: &mut [Root]) {
    for (index, symptom) in search.symptoms.iter().enumerate() {
        let age = |r: &Root| symptom.from_ms - r.at.from_ms;
        let covers = |r: &Root| {
            let (from, to) = window(search, &r.at);
            symptom.during(search.range, from, to) == symptom.count
        };
        let youngest = chosen
            .iter()
            .filter(|r| r.explains.contains(&index) && covers(r))
            .map(age)
            .min();
        let Some(youngest) = youngest.filter(|age| *age < SETTLED_MS) else {
            continue;
        };
        for root in chosen.iter_mut() {
            let apart = age(root) - youngest > SETTLED_MS || age(root) < -SETTLED_MS;
            if apart && !root.at.own.contains(&index) {
                root.explains.remove(&index);
            }
        }
    }
    for root in chosen {
        let mut hit = spread::direct(search, root);
        hit.extend(
            root.explains
                .iter()
                .map(|i| search.symptoms[*i].object.clone()),
        );
        root.affected.retain(|o| hit.contains(o));
    }
}

fn order(search: Search<'_>, c: &Candidate) -> impl Ord + use<> {
    const BUCKET_MS: i64 = 10 * 60_000;
    let sign = c
        .own
        .iter()
        .flat_map(|i| &search.symptoms[*i].faults)
        .filter(|s| s.fault == c.fault)
        .map(|s| s.sign)
        .max();
    let gap = c.cause.as_ref().map_or(0, |cause| cause.gap_ms);
    let depth = search.catalogue.faults()[c.fault].code.matches('.').count();
    (
        c.carried.is_none(),
        c.tier,
        search.catalogue.faults()[c.fault].over.is_empty(),
        c.from_ms / BUCKET_MS,
        std::cmp::Reverse(sign),
        gap,
        std::cmp::Reverse((c.weight, depth)),
        c.fault,
        c.object.clone(),
    )
}

/// Adds a candidate to the chosen, to one of them, or to the alternatives of the one that explains it.
fn take(search: Search<'_>, chosen: &mut Vec<Root>, candidate: Candidate) {
    if let Some(same) = chosen.iter_mut().find(|r| is_same(search, r, &candidate)) {
        same.at.own.extend(
            candidate
                .own
                .iter()
                .copied()
                .filter(|i| !same.at.own.contains(i))
                .collect::<Vec<_>>(),
        );
        same.at.reach.extend(candidate.reach);
        same.at.from_ms = same.at.from_ms.min(candidate.from_ms);
        same.at.to_ms = same.at.to_ms.max(candidate.to_ms);
        spread::grow(search, same);
        return;
    }
    let unexplained = candidate
        .own
        .iter()
        .any(|&i| !is_explained(search, chosen, i));
    if !unexplained {
        if let Some(by) = chosen
            .iter_mut()
            .find(|r| candidate.own.iter().any(|i| r.explains.contains(i)))
        {
            by.instead_of.push(candidate);
        }
        return;
    }
    let mut root = Root {
        affected: vec![candidate.object.clone()],
        explains: candidate.own.iter().copied().collect(),
        instead_of: Vec::new(),
        at: candidate,
    };
    spread::grow(search, &mut root);
    chosen.push(root);
}

/// Whether a candidate is the incident that is already told: one change, or one fault of one object.
fn is_same(search: Search<'_>, root: &Root, candidate: &Candidate) -> bool {
    let change = |c: &Candidate| c.cause.as_ref().map(|cause| cause.change);
    let coarse = |c: &Candidate| search.catalogue.faults()[c.fault].coarse().to_owned();
    if candidate.tier >= Tier::Hinted && is_more_of(search, root, candidate) {
        return true;
    }
    match (change(&root.at), change(candidate)) {
        (Some(a), Some(b)) if a == b => return true,
        // Somebody changed the same thing again while it was broken: still one incident, which began with the first change.
        (Some(a), Some(b)) if of_one_object(search, a, b) => {
            let goes_on = candidate.from_ms <= root.at.to_ms + AFTER_MS
                && candidate.from_ms >= root.at.from_ms;
            return goes_on
                && root.at.object == candidate.object
                && coarse(&root.at) == coarse(candidate);
        }
        (Some(_), Some(_)) => return false,
        _ => {}
    }
    root.at.object == candidate.object && coarse(&root.at) == coarse(candidate)
}

fn of_one_object(search: Search<'_>, a: usize, b: usize) -> bool {
    let changes = &search.scene.changes.all;
    changes[a].object == changes[b].object
}

/// Whether what has no name of its own is more of a trouble of the same object: whoever runs dry is slow before he says why.
fn is_more_of(search: Search<'_>, root: &Root, candidate: &Candidate) -> bool {
    let rest = candidate.cause.is_none() && candidate.weight == 0;
    let change = root
        .at
        .cause
        .as_ref()
        .map(|c| search.scene.changes.all[c.change].at_ms);
    let since = change.map_or(root.at.from_ms - SETTLED_MS, |at_ms| at_ms - BEFORE_MS);
    rest && root.at.object == candidate.object
        && candidate.from_ms >= since
        && candidate.from_ms <= root.at.to_ms + AFTER_MS
}

/// Whether the chosen roots account for nearly all occurrences of a symptom.
pub(super) fn is_explained(search: Search<'_>, chosen: &[Root], symptom: usize) -> bool {
    let s = &search.symptoms[symptom];
    let mut left = s.count;
    let mut covered: Vec<(u16, u16)> = Vec::new();
    for root in chosen.iter().filter(|r| r.explains.contains(&symptom)) {
        let window = window(search, &root.at);
        covered.push((search.range.cell(window.0), search.range.cell(window.1)));
    }
    if covered.is_empty() {
        return false;
    }
    for (cell, n) in s.cells.iter() {
        if covered
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&cell))
        {
            left = left.saturating_sub(u64::from(n));
        }
    }
    // The background goes on beside every incident.
    left as f64 <= STRAY.max(s.count / 5) as f64 + s.baseline
}

/// When effects of a candidate may show.
pub(super) fn window(search: Search<'_>, c: &Candidate) -> (i64, i64) {
    let lasts = c.to_ms + AFTER_MS >= search.seen_until_ms;
    let to = if lasts {
        search.range.end_ms - 1
    } else {
        c.to_ms + AFTER_MS
    };
    (c.from_ms - BEFORE_MS, to)
}

/// The call symptom's callees; `None` for other symptoms.
fn callees(symptom: &Symptom) -> Option<(&[ObjectRef], bool)> {
    match &symptom.what {
        What::Call { to, sure, .. } => Some((to, *sure)),
        _ => None,
    }
}
