//! Roots that show only in how calls fail: a Service that selects nobody, a policy that blocks, a workload that is gone, names that
//! do not resolve, an address that was mistyped.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Candidate, Root, Search, Tier, callees, is_explained};
use crate::{
    diagnosis::{
        causes::{self, Cause},
        changes::Change,
        faults::{CallMode, ChangePattern, Fault, Relation},
        objects::pod_spec,
        symptoms::{Symptom, What},
    },
    model::{ObjectRef, report::ActorKind},
};

/// Callers notice at their next call; thin traffic makes that an hour at most.
const NOTICED_WITHIN_MS: i64 = 60 * 60_000;
/// Stamps of different machines differ.
const SKEW_MS: i64 = 3_000;
/// Failed calls that make an incident by themselves, without any other evidence.
const ENOUGH_CALLS: u64 = 10;
/// Unknown errors that do.
const ENOUGH_ERRORS: u64 = 12;

/// Changes whose targets could no longer be called afterwards.
pub(super) fn broken_by_change(search: Search<'_>) -> Vec<Candidate> {
    let mut out = Vec::new();
    for (index, change) in search.scene.changes.roots() {
        if !matches!(change.actor, ActorKind::Human | ActorKind::Pipeline) {
            continue;
        }
        for (fault_index, fault) in search.catalogue.faults().iter().enumerate() {
            let mut fitting = fault.causes.iter().filter(|p| causes::is_of(p, change));
            if let Some(pattern) = fitting.next().filter(|_| !fault.calls.is_empty()) {
                out.extend(broken(search, index, change, fault_index, fault, pattern));
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
    fault: &Fault,
    pattern: &ChangePattern,
) -> Option<Candidate> {
    let reach = match pattern.of {
        Relation::Service => reach(search, change),
        _ => return None,
    };
    let hit = |s: &Symptom| {
        let What::Call { mode, to, sure, .. } = &s.what else {
            return false;
        };
        let cut_off = change.object.kind == "NetworkPolicy" && reach.contains(&s.object);
        let called = *sure && to.iter().any(|t| reach.contains(t));
        s.counts()
            && fault.calls.contains(mode)
            && (called || cut_off && to.is_empty() || cut_off && !*sure)
            && follows_in_time(search, change.at_ms, s)
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

/// Services and workloads that cannot be reached any more once `change` is made.
fn reach(search: Search<'_>, change: &Change<'_>) -> Vec<ObjectRef> {
    let objects = search.scene.objects;
    let object = &change.object;
    let mut out = vec![object.clone()];
    match object.kind.as_str() {
        "NetworkPolicy" => out.extend(selected(search, change)),
        "Namespace" => out.extend(
            objects
                .workloads()
                .filter(|w| w.namespace == object.name)
                .cloned(),
        ),
        _ => {}
    }
    let services: Vec<ObjectRef> = out.iter().flat_map(|w| objects.services_of(w)).collect();
    out.extend(services);
    if object.kind == "Service" {
        return out;
    }
    let named: Vec<ObjectRef> = out
        .iter()
        .filter(|o| o.kind != "Service")
        .map(|o| ObjectRef::new("Service", o.namespace.clone(), o.name.clone()))
        .collect();
    out.extend(named);
    out.sort();
    out.dedup();
    out
}

/// Workloads whose pods a NetworkPolicy selects; all of its namespace when its body is not known.
fn selected(search: Search<'_>, change: &Change<'_>) -> Vec<ObjectRef> {
    let objects = search.scene.objects;
    let body = change.after.as_deref().or(change.before.as_deref());
    let wanted = body
        .and_then(|b| b.pointer("/spec/podSelector/matchLabels"))
        .and_then(Value::as_object);
    let fits = |workload: &&ObjectRef| {
        let Some(wanted) = wanted else {
            return true;
        };
        let labels = objects
            .spec_of(workload, change.at_ms)
            .and_then(template_labels);
        labels.is_none_or(|labels| {
            wanted
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value))
        })
    };
    objects
        .workloads()
        .filter(|w| w.namespace == change.object.namespace)
        .filter(fits)
        .cloned()
        .collect()
}

fn template_labels(body: &Value) -> Option<&Value> {
    pod_spec(body)?;
    body.pointer("/spec/template/metadata/labels")
        .or_else(|| body.pointer("/spec/jobTemplate/spec/template/metadata/labels"))
}

/// A workload whose own calls fail since one of its settings changed.
pub(super) fn wrong_address(
    search: Search<'_>,
    index: usize,
    symptom: &Symptom,
) -> Option<Candidate> {
    let What::Call {
        mode,
        to,
        outside,
        sure,
    } = &symptom.what
    else {
        return None;
    };
    if !symptom.counts() {
        return None;
    }
    for (fault_index, fault) in search.catalogue.faults().iter().enumerate() {
        if !fault.makes.contains(mode) || fault.causes.is_empty() {
            continue;
        }
        let Some(cause) = causes::cause_of(search.scene, fault, symptom, false) else {
            continue;
        };
        let change = &search.scene.changes.all[cause.change];
        let told = change
            .diff
            .iter()
            .any(|d| names_target(&d.new, &symptom.text));
        // A hidden body can only be suspected: when nobody else has the same trouble, and the target is somewhere new.
        let alone = !search
            .symptoms
            .iter()
            .any(|other| other.object != symptom.object && shares_target(other, symptom));
        let new_target = outside.is_some()
            || !*sure
            || to
                .iter()
                .all(|t| !is_known_callee(search, &symptom.object, t));
        let soon = cause.gap_ms <= NOTICED_WITHIN_MS;
        let suspected = change.body_hidden() && alone && new_target && soon;
        if !(told || suspected) {
            continue;
        }
        return Some(Candidate {
            carried: None,
            fault: fault_index,
            object: cause.root.clone(),
            from_ms: symptom.from_ms,
            to_ms: symptom.to_ms,
            cause: Some(cause),
            tier: Tier::Changed,
            weight: u32::from(told),
            own: vec![index],
            reach: vec![symptom.object.clone()],
        });
    }
    None
}

/// Whether an address inside a new value stands in the failing line.
fn names_target(value: &Value, text: &str) -> bool {
    match value {
        Value::String(s) => {
            s.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':')))
                .flat_map(|word| {
                    [
                        word,
                        word.rsplit_once(':').map_or("", |(host, _)| host),
                        word.split('.').next().unwrap_or_default(),
                    ]
                })
                .any(|word| {
                    word.len() >= 4 && word.chars().any(char::is_alphabetic) && text.contains(word)
                        || word.len() >= 7 && word.contains('.') && text.contains(word)
                })
                || s.rsplit_once(':').is_some_and(|(_, port)| {
                    port.len() >= 2
                        && port.parse::<u16>().is_ok()
                        && text.contains(&format!(":{port}"))
                })
        }
        Value::Object(o) => o.values().any(|v| names_target(v, text)),
        Value::Array(a) => a.iter().any(|v| names_target(v, text)),
        _ => false,
    }
}

fn shares_target(other: &Symptom, symptom: &Symptom) -> bool {
    match (&other.what, &symptom.what) {
        (
            What::Call {
                to: a, outside: x, ..
            },
            What::Call {
                to: b, outside: y, ..
            },
        ) => x.is_some() && x == y || a.iter().any(|t| b.contains(t)),
        _ => false,
    }
}

fn is_known_callee(search: Search<'_>, from: &ObjectRef, service: &ObjectRef) -> bool {
    search
        .scene
        .objects
        .calls_from(from)
        .any(|c| c.to == *service && c.evidence.is_none())
}

/// Names that several services fail to resolve at once.
pub(super) fn names_unresolved(search: Search<'_>) -> Option<Candidate> {
    let own: Vec<usize> = (0..search.symptoms.len())
        .filter(|i| {
            let s = &search.symptoms[*i];
            s.counts()
                && matches!(
                    s.what,
                    What::Call {
                        mode: CallMode::Dns,
                        ..
                    }
                )
        })
        .collect();
    let callers: BTreeSet<&ObjectRef> = own.iter().map(|i| &search.symptoms[*i].object).collect();
    let targets: BTreeSet<String> = own.iter().map(|i| target(&search.symptoms[*i])).collect();
    if callers.len() < 2 || targets.len() < 2 {
        return None;
    }
    let fault_index = search.catalogue.index("dns.down")?;
    let first = own
        .iter()
        .map(|i| &search.symptoms[*i])
        .min_by_key(|s| s.from_ms)?;
    let cause = causes::cause_of(
        search.scene,
        &search.catalogue.faults()[fault_index],
        first,
        false,
    );
    let is_dns = |w: &&ObjectRef| {
        w.namespace == "kube-system" && w.name.contains("dns") && w.kind != "DaemonSet"
    };
    let server = search.scene.objects.workloads().find(is_dns).cloned();
    let server = server.unwrap_or_else(|| ObjectRef::new("Deployment", "kube-system", "coredns"));
    Some(Candidate {
        carried: None,
        fault: fault_index,
        object: cause
            .as_ref()
            .map_or_else(|| server.clone(), |c| c.root.clone()),
        tier: if cause.is_some() {
            Tier::NamedAndChanged
        } else {
            Tier::Named
        },
        cause,
        weight: 1,
        from_ms: first.from_ms,
        to_ms: own.iter().map(|i| search.symptoms[*i].to_ms).max()?,
        reach: own
            .iter()
            .filter_map(|i| callees(&search.symptoms[*i]))
            .filter(|c| c.1)
            .flat_map(|c| c.0.iter().cloned())
            .chain([server])
            .collect(),
        own,
    })
}

fn target(s: &Symptom) -> String {
    match &s.what {
        What::Call {
            outside: Some(host),
            ..
        } => host.clone(),
        What::Call { to, .. } => to
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" "),
        _ => String::new(),
    }
}

/// Of what no chosen root explains: whoever does not answer and waits for nobody else, or whoever reports errors.
pub(super) fn deepest_unexplained(search: Search<'_>, chosen: &[Root]) -> Option<Candidate> {
    let left: Vec<usize> = (0..search.symptoms.len())
        .filter(|i| search.symptoms[*i].counts() && !is_explained(search, chosen, *i))
        .filter(|i| !chosen.iter().any(|r| r.at.own.contains(i)))
        .collect();
    let mut groups: BTreeMap<(ObjectRef, Option<String>), Vec<usize>> = BTreeMap::new();
    for &i in &left {
        let s = &search.symptoms[i];
        match &s.what {
            What::Call {
                outside: Some(host),
                ..
            } => groups
                .entry((ObjectRef::new("", "", host.clone()), Some(host.clone())))
                .or_default()
                .push(i),
            What::Call { to, sure: true, .. } => {
                for callee in to {
                    let behind = search.scene.objects.workloads_behind(callee);
                    let place = behind.into_iter().next().unwrap_or_else(|| callee.clone());
                    groups.entry((place, None)).or_default().push(i);
                }
            }
            What::Call { .. } | What::Error => {
                groups.entry((s.object.clone(), None)).or_default().push(i);
            }
            _ => {}
        }
    }
    let candidate = |((object, host), own): (&(ObjectRef, Option<String>), &Vec<usize>)| {
        let symptoms = || own.iter().map(|i| &search.symptoms[*i]);
        let count: u64 = symptoms().map(|s| s.count).sum();
        let only_errors = symptoms().all(|s| s.what == What::Error);
        let enough = if only_errors {
            ENOUGH_ERRORS
        } else {
            ENOUGH_CALLS
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
            let candidate = Candidate {
                carried: None,
                fault: search
                    .catalogue
                    .index(code)
                    .or_else(|| search.catalogue.index("unknown"))
                    .unwrap_or(0),
                reach: vec![object.clone()],
                object,
                cause: None,
                tier: Tier::Unknown,
                weight: 0,
                from_ms: first.from_ms,
                to_ms: symptoms().map(|s| s.to_ms).max().unwrap_or(first.to_ms),
                own: own.clone(),
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
