//! How far a fault reaches: from the object to the pods that share it, from there up the calls to everybody who waits for an answer.

use std::collections::HashSet;

use super::{Root, Search, callees, window};
use crate::{
    diagnosis::{
        faults::{CallMode, Sign},
        symptoms::{Symptom, What},
    },
    model::{LogKind, ObjectRef},
};

/// At least this share of a symptom must lie in the window of a root that explains it.
const INSIDE: f64 = 0.2;

/// So many occurrences are more than a touch, whatever share of a day full of failures they are.
const PLENTY: f64 = 8.0;

/// Of the failures of somebody in front, this share must fall into the minutes in which those behind fail.
const TOGETHER: f64 = 0.8;

/// Pods of a lost node are gone, evicted and made anew within this time.
const AT_ONCE_MS: i64 = 30 * 60_000;

/// Adds to `root` every symptom that follows from it.
pub(super) fn grow(search: Search<'_>, root: &mut Root) {
    let direct = direct(search, root);
    let mut hit = Hit {
        direct: direct.iter().cloned().collect(),
        ..Hit::default()
    };
    for object in direct.iter().chain(&root.at.reach) {
        hit.goes_down(search, object);
    }
    for object in direct {
        if !root.affected.contains(&object) {
            root.affected.push(object);
        }
    }
    for index in &root.at.own {
        hit.fails(search, &search.symptoms[*index].object);
    }
    let (from, to) = window(search, &root.at);
    let inside = |s: &Symptom| {
        let inside = s.during(search.range, from, to) as f64;
        inside >= (s.count as f64 * INSIDE).clamp(1.0, PLENTY)
    };
    loop {
        let next = search.symptoms.iter().enumerate().find(|(index, symptom)| {
            (!symptom.chronic || symptom.presumed && symptom.from_ms >= from)
                && !root.explains.contains(index)
                && inside(symptom)
                && (follows(search, root, symptom, &hit) || echoes(search, root, symptom))
        });
        let Some((index, symptom)) = next else {
            return;
        };
        root.explains.insert(index);
        if !root.affected.contains(&symptom.object) {
            root.affected.push(symptom.object.clone());
        }
        if symptom.kind == LogKind::Event {
            hit.goes_down(search, &symptom.object);
        }
        hit.fails(search, &symptom.object);
    }
}

/// Who is hit, and how.
#[derive(Debug, Default)]
struct Hit {
    /// Shares the broken object.
    direct: HashSet<ObjectRef>,
    /// Does not accept connections.
    down: HashSet<ObjectRef>,
    /// Answers late or with errors.
    failing: HashSet<ObjectRef>,
}

impl Hit {
    fn goes_down(&mut self, search: Search<'_>, object: &ObjectRef) {
        self.down.extend(search.scene.objects.services_of(object));
        self.down
            .extend(search.scene.objects.workloads_behind(object));
        self.down.insert(object.clone());
    }

    fn fails(&mut self, search: Search<'_>, object: &ObjectRef) {
        self.failing
            .extend(search.scene.objects.services_of(object));
        self.failing.insert(object.clone());
    }

    fn is_down(&self, object: &ObjectRef) -> bool {
        self.down.contains(object)
    }

    fn is_hit(&self, object: &ObjectRef) -> bool {
        self.down.contains(object) || self.failing.contains(object)
    }
}

/// Whether a symptom follows from who is hit.
fn follows(search: Search<'_>, root: &Root, symptom: &Symptom, hit: &Hit) -> bool {
    let mut definitive = symptom.faults.iter().filter(|s| s.sign == Sign::Definitive);
    let names_fault = definitive.clone().next().is_some();
    let strict = definitive.any(|s| !search.catalogue.faults()[s.fault].follows);
    let objects = search.scene.objects;
    let root_code = search.catalogue.faults()[root.at.fault].coarse();
    let is_under = symptom.faults.iter().any(|s| {
        let under = &search.catalogue.faults()[s.fault].under;
        under.iter().any(|code| code == root_code)
    });
    if hit.direct.contains(&symptom.object) && is_under {
        return true;
    }
    if hit.direct.contains(&symptom.object) {
        let is_node = root.at.object.kind == "Node";
        let by_itself = strict && symptom.kind == LogKind::Business;
        let own_story = is_node && names_fault && (by_itself || is_later(search, root, symptom));
        return !own_story && !is_refused_elsewhere(search, symptom, hit);
    }
    if let What::Call { mode, to, .. } = &symptom.what {
        // Whoever only waits for somebody else still accepts connections and has a name.
        let must_be_down = matches!(mode, CallMode::Refused | CallMode::Dns | CallMode::NoName);
        let suffers = |o: &ObjectRef| {
            if must_be_down {
                hit.is_down(o)
            } else {
                hit.is_hit(o)
            }
        };
        return to
            .iter()
            .any(|s| suffers(s) || objects.workloads_behind(s).iter().any(suffers));
    }
    if strict || matches!(symptom.what, What::Refused { .. }) {
        return false;
    }
    let mut calls = objects.calls_from(&symptom.object);
    hit.is_hit(&symptom.object)
        || calls.any(|c| hit.is_hit(&c.to) || c.workloads.iter().any(|w| hit.is_hit(w)))
}

/// Whether a symptom begins long after the node broke, and long after the node was last seen to trouble the same object: a node
/// explains what happens to its pods at that time, not what goes wrong with one of them hours later.
fn is_later(search: Search<'_>, root: &Root, symptom: &Symptom) -> bool {
    let troubled = root
        .at
        .own
        .iter()
        .map(|i| &search.symptoms[*i])
        .filter(|own| own.object == symptom.object && own.from_ms <= symptom.from_ms)
        .map(|own| own.from_ms);
    let since = troubled.max().unwrap_or(i64::MIN).max(root.at.from_ms);
    symptom.from_ms - since > AT_ONCE_MS
}

/// Whether somebody who is not hit turns the calls of the broken object away: that is the other's trouble, however sick the caller.
fn is_refused_elsewhere(search: Search<'_>, symptom: &Symptom, hit: &Hit) -> bool {
    let What::Call {
        mode: CallMode::Refused,
        to,
        sure: true,
        outside: None,
    } = &symptom.what
    else {
        return false;
    };
    let objects = search.scene.objects;
    let is_down = |callee: &ObjectRef| {
        hit.is_down(callee)
            || objects
                .workloads_behind(callee)
                .iter()
                .any(|w| hit.is_down(w))
    };
    !to.is_empty() && !to.iter().any(is_down)
}

/// Whether somebody in front, whose lines do not say whom it waited for, fails in the same minutes as those whom the root hit.
fn echoes(search: Search<'_>, root: &Root, symptom: &Symptom) -> bool {
    let What::Call {
        mode: CallMode::Http5xx | CallMode::Timeout,
        sure: false,
        outside: None,
        ..
    } = &symptom.what
    else {
        return false;
    };
    let objects = search.scene.objects;
    let knows_nobody = objects.calls_from(&symptom.object).next().is_none();
    let in_front = objects.calls_to(&symptom.object).next().is_none();
    if !knows_nobody || !in_front {
        return false;
    }
    let theirs: HashSet<u16> = root
        .explains
        .iter()
        .map(|i| &search.symptoms[*i])
        .filter(|s| s.kind == LogKind::Business && s.object != symptom.object)
        .flat_map(|s| s.cells.iter().map(|c| c.0))
        .flat_map(|cell| cell.saturating_sub(1)..=cell + 1)
        .collect();
    let (from, to) = window(search, &root.at);
    let (from, to) = (search.range.cell(from), search.range.cell(to));
    let inside = symptom.cells.iter().filter(|c| (from..=to).contains(&c.0));
    let (mut all, mut together) = (0, 0);
    for (cell, n) in inside {
        all += n;
        together += if theirs.contains(&cell) { n } else { 0 };
    }
    f64::from(together) >= f64::from(all) * TOGETHER
}

/// Objects that suffer because they are, hold or run on the root.
pub(super) fn direct(search: Search<'_>, root: &Root) -> Vec<ObjectRef> {
    let objects = search.scene.objects;
    let mut out = vec![root.at.object.clone()];
    for index in &root.at.own {
        let symptom = &search.symptoms[*index];
        // Callers suffer from calls; they are not what is broken.
        if callees(symptom).is_none() && symptom.blamed.is_none()
            || root.at.object == symptom.object
        {
            out.push(symptom.object.clone());
        }
    }
    match root.at.object.kind.as_str() {
        "Service" => out.extend(objects.workloads_behind(&root.at.object)),
        "Node" => out.extend(
            objects
                .pods_on(&root.at.object.name)
                .filter_map(|(ns, pod)| objects.workload_of_pod(ns, pod))
                .chain(told_with(search, root)),
        ),
        "PersistentVolumeClaim" | "ServiceAccount" => {
            out.extend(objects.users_of(&root.at.object).cloned());
        }
        "HorizontalPodAutoscaler" => out.extend(objects.hpa_target(&root.at.object)),
        _ => out.extend(objects.hpas_of(&root.at.object)),
    }
    let mut seen = HashSet::new();
    out.retain(|o| seen.insert(o.clone()));
    out
}

/// Workloads whose pods the cluster declared lost with a node: which node a pod was on may never have been said.
fn told_with<'a>(search: Search<'a>, root: &Root) -> impl Iterator<Item = ObjectRef> + 'a {
    let faults = search.catalogue.faults();
    let code = faults[root.at.fault].coarse();
    let (from, to) = window(search, &root.at);
    let is_effect = move |s: &&Symptom| {
        s.kind == LogKind::Event
            && (from..=to).contains(&s.from_ms)
            && s.faults
                .iter()
                .any(|f| f.sign == Sign::Effect && faults[f.fault].coarse() == code)
    };
    let lost = search.symptoms.iter().filter(is_effect);
    lost.map(|s| s.object.clone())
}
