//! Which change brought a symptom about.
//!
//! In: a fault that a symptom may show, with the changes that the catalogue says can cause it. Out: the change that fits best, and
//! where the root then lies. Always true: a cause is a person's or a pipeline's act, precedes the symptom, and touches the
//! object that suffers or one that it depends on. Does not weigh faults against each other.

use serde_json::Value;

use super::{
    changes::{Change, ChangeClass, Changes},
    faults::{ChangePattern, Fault, Quantity, Relation, RootIs},
    objects::Objects,
    symptoms::{Symptom, What, memory_bytes},
};
use crate::model::{ObjectRef, report::ActorKind};

/// Events are stamped in whole seconds, so one may seem to lie before the change that caused it.
const STAMP_SLACK_MS: i64 = 3_000;
/// A change of the suffering object shows at once; half an hour covers a slow rollout.
const OWN_WITHIN_MS: i64 = 45 * 60_000;
/// A change of something else waits for the next restart or the next new pod.
const OTHER_WITHIN_MS: i64 = 6 * 3_600_000;
/// An update whose difference is not known must show within minutes.
const UNSEEN_WITHIN_MS: i64 = 10 * 60_000;
/// How much nearer in time a change must be to win over one that the catalogue names first.
const ORDER_WORTH_MS: i64 = 20 * 60_000;
/// Changes of one person to several nodes this close together are one act.
const ONE_ACT_MS: i64 = 60_000;

/// A change that explains a symptom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    /// Index into [`Changes::all`].
    pub(super) change: usize,
    pub(super) root: ObjectRef,
    /// From the change to the symptom.
    pub(super) gap_ms: i64,
}

/// What causes are looked for in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) changes: &'a Changes<'a>,
    pub(super) objects: &'a Objects<'a>,
}

/// The change that best explains `symptom` as `fault`.
///
/// A `sure` symptom names its fault; others need a change that took effect shortly before.
pub(super) fn cause_of(
    scene: Scene<'_>,
    fault: &Fault,
    symptom: &Symptom,
    sure: bool,
) -> Option<Cause> {
    let mut best: Option<(i64, Cause)> = None;
    for (order, pattern) in fault.causes.iter().enumerate() {
        if pattern.of == Relation::Service {
            continue;
        }
        for (index, change) in scene.changes.roots() {
            let gap_ms = symptom.from_ms - change.at_ms;
            if gap_ms < -STAMP_SLACK_MS || !pattern.strong && gap_ms > window(pattern.of) {
                continue;
            }
            let late = pattern.of == Relation::Config && gap_ms > OWN_WITHIN_MS;
            if late && !sure && !pattern.strong && !took_effect(scene, change, symptom) {
                continue;
            }
            let fits = is_of(pattern, change) || sure && may_be_of(pattern, change, gap_ms);
            if !fits || !is_related(scene, pattern, change, symptom) {
                continue;
            }
            let root = match pattern.root {
                RootIs::Change => change.object.clone(),
                RootIs::Symptom => symptom.suffers().clone(),
            };
            let order = i64::try_from(order).unwrap_or(i64::MAX / ORDER_WORTH_MS);
            let cost = if pattern.strong { 0 } else { gap_ms } + order * ORDER_WORTH_MS;
            // Of several equally good ones the latest is what was in force.
            if best
                .as_ref()
                .is_none_or(|(least, found)| (cost, gap_ms) < (*least, found.gap_ms))
            {
                best = Some((
                    cost,
                    Cause {
                        change: index,
                        root,
                        gap_ms,
                    },
                ));
            }
        }
    }
    best.map(|(_, cause)| first_of_act(scene.changes, cause))
}

/// Whether pods were made anew between a change and the symptom, shortly before the latter: a setting is read at the start.
fn took_effect(scene: Scene<'_>, change: &Change<'_>, symptom: &Symptom) -> bool {
    scene.changes.of(&symptom.object).any(|(_, other)| {
        let shortly = (0..=OWN_WITHIN_MS).contains(&(symptom.from_ms - other.at_ms));
        other.at_ms >= change.at_ms && shortly && other.classes.iter().any(|c| c.replaces_pods())
    })
}

const fn window(of: Relation) -> i64 {
    match of {
        Relation::Own => OWN_WITHIN_MS,
        _ => OTHER_WITHIN_MS,
    }
}

/// Whether the change is of the kind that the pattern means.
pub(super) fn is_of(pattern: &ChangePattern, change: &Change<'_>) -> bool {
    if !matches!(change.actor, ActorKind::Human | ActorKind::Pipeline) {
        return false;
    }
    let whole = matches!(change.what, ChangeClass::Create | ChangeClass::Delete);
    let class = pattern.classes.iter().any(|c| change.touches(*c));
    let kind = pattern.kinds.is_empty() || pattern.kinds.contains(&change.object.kind);
    let name = pattern
        .name
        .as_ref()
        .is_none_or(|n| n.is_match(&change.object.name));
    let value = pattern.value.as_ref().is_none_or(|v| {
        change
            .diff
            .iter()
            .any(|d| v.is_match(&plain(&d.new)) || v.is_match(&plain(&d.old)) && d.new.is_null())
    });
    let field = pattern
        .field
        .as_ref()
        .is_none_or(|f| change.diff.iter().any(|d| f.is_match(&d.path)));
    class
        && kind
        && name
        && field
        && (value || whole)
        && pattern.lowered.is_none_or(|q| lowers(change, q))
}

/// Whether an update whose former state was never seen may be of the kind that the pattern means: what it wrote is all that the
/// log shows, so only a message that names the fault right afterwards makes it one.
fn may_be_of(pattern: &ChangePattern, change: &Change<'_>, gap_ms: i64) -> bool {
    let people = matches!(change.actor, ActorKind::Human | ActorKind::Pipeline);
    people
        && change.before_unknown()
        && pattern.of == Relation::Own
        && gap_ms <= UNSEEN_WITHIN_MS
        && (pattern.kinds.is_empty() || pattern.kinds.contains(&change.object.kind))
        && pattern.name.is_none()
        && pattern.value.is_none()
        && pattern.lowered.is_none()
        && pattern.classes.iter().any(|c| c.replaces_pods())
}

/// A value as it would be typed.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether a request or limit of this quantity became smaller. Little CPU is only felt as a limit.
fn lowers(change: &Change<'_>, quantity: Quantity) -> bool {
    let name = match quantity {
        Quantity::Cpu => "cpu",
        Quantity::Memory => "memory",
        Quantity::Replicas => return has_fewer(change),
    };
    let amount = |v: &Value| match v {
        Value::String(s) => memory_bytes(s),
        Value::Number(n) => n.as_f64(),
        Value::Object(o) => o.get(name).and_then(Value::as_str).and_then(memory_bytes),
        _ => None,
    };
    change
        .diff
        .iter()
        .filter(|d| d.path.contains("/resources"))
        .any(|d| {
            let nested = |v: &Value| amount(v.get("limits").unwrap_or(v));
            let about = d.path.ends_with(&format!("/{name}"))
                || d.path.ends_with("/limits")
                || d.path.ends_with("/resources");
            let felt = quantity == Quantity::Memory || !d.path.contains("/requests");
            match (nested(&d.old), nested(&d.new)) {
                (Some(old), Some(new)) => about && felt && new < old,
                // A limit where there was none is lower than none.
                (None, Some(_)) => about && d.path.contains("/limits"),
                _ => false,
            }
        })
}

/// Whether there are fewer pods than before, or may be, but not none: that is a fault of its own.
fn has_fewer(change: &Change<'_>) -> bool {
    let counts = |path: &str| path == "/spec/replicas" || path == "/spec/maxReplicas";
    let mut fields = change.diff.iter().filter(|d| counts(&d.path));
    fields.any(|d| matches!((d.old.as_u64(), d.new.as_u64()), (Some(old), Some(new)) if 0 < new && new < old))
}

fn is_related(
    scene: Scene<'_>,
    pattern: &ChangePattern,
    change: &Change<'_>,
    symptom: &Symptom,
) -> bool {
    let changed = &change.object;
    let suffers = symptom.suffers();
    let named = || {
        symptom.named.iter().any(|n| {
            n.name == changed.name
                && (n.kind == changed.kind || n.kind.is_empty())
                && (n.namespace == changed.namespace || changed.namespace.is_empty())
        })
    };
    match pattern.of {
        Relation::Own => {
            changed == suffers
                || scene.objects.workload_of(changed).as_ref() == Some(suffers)
                || scene.objects.hpa_target(suffers).as_ref() == Some(changed)
                || pattern.lowered == Some(Quantity::Replicas)
                    && scene.objects.hpa_target(changed).as_ref() == Some(suffers)
        }
        Relation::Config | Relation::PullSecret => {
            named() || scene.objects.users_of(changed).any(|user| user == suffers)
        }
        Relation::Namespace => {
            let place = match changed.kind.as_str() {
                "Namespace" => &changed.name,
                _ => &changed.namespace,
            };
            *place == suffers.namespace || calls_into(place, symptom)
        }
        Relation::Node => changed.kind == "Node",
        Relation::Named => named(),
        Relation::Cluster => changed.namespace.is_empty() && speaks_of(change, symptom),
        Relation::Component => true,
        Relation::Subject => grants(change, symptom),
        Relation::Service => false,
    }
}

/// Whether a failed call was meant for somebody in a namespace.
fn calls_into(namespace: &str, symptom: &Symptom) -> bool {
    let What::Call { to, sure: true, .. } = &symptom.what else {
        return false;
    };
    to.iter().any(|callee| callee.namespace == namespace)
}

/// Whether the body of a cluster-wide object and the symptom's message name the same thing; true when the body is not known.
fn speaks_of(change: &Change<'_>, symptom: &Symptom) -> bool {
    let Some(body) = change.after.as_deref().or(change.before.as_deref()) else {
        return true;
    };
    if symptom.text.contains(&change.object.name) {
        return true;
    }
    let hooks = body.get("webhooks").and_then(Value::as_array);
    let named = |h: &Value| {
        h.get("name")
            .and_then(Value::as_str)
            .is_some_and(|n| symptom.text.contains(n))
    };
    hooks.is_none_or(|hooks| hooks.iter().any(named))
}

/// Whether a role or binding concerns the account that was refused.
fn grants(change: &Change<'_>, symptom: &Symptom) -> bool {
    let What::Refused { user } = &symptom.what else {
        // Errors in the program's own log: its namespace is all that relates it.
        return change.object.namespace == symptom.object.namespace
            || change.object.namespace.is_empty() && change.object.name == symptom.object.name;
    };
    let Some((namespace, name)) = super::actors::service_account(user) else {
        return false;
    };
    let of_account = |body: &Value| {
        let subjects = body.get("subjects").and_then(Value::as_array)?;
        Some(subjects.iter().any(|s| {
            let text = |key: &str| s.get(key).and_then(Value::as_str).unwrap_or_default();
            text("name") == name && (text("namespace").is_empty() || text("namespace") == namespace)
                || text("kind") == "Group" && text("name").starts_with("system:serviceaccounts")
        }))
    };
    let bodies = [change.before.as_deref(), change.after.as_deref()];
    let told = bodies
        .iter()
        .flatten()
        .filter_map(|b| of_account(b))
        .reduce(|a, b| a || b);
    told.unwrap_or_else(|| {
        let place = change.object.namespace.is_empty()
            || change.object.namespace == namespace
            || symptom
                .key_fields
                .iter()
                .any(|k| k.name == "namespace" && k.value == change.object.namespace);
        place
            && (change.object.name.contains(name) || symptom.from_ms - change.at_ms < OWN_WITHIN_MS)
    })
}

/// The same person changed several nodes in a row: the first is where it began.
fn first_of_act(changes: &Changes<'_>, mut cause: Cause) -> Cause {
    let chosen = &changes.all[cause.change];
    if chosen.object.kind != "Node" {
        return cause;
    }
    let (mut earliest, latest) = (chosen.at_ms, cause.change);
    for (index, other) in changes.roots().rev().filter(|(i, _)| *i < latest) {
        if earliest - other.at_ms > ONE_ACT_MS {
            break;
        }
        if other.object.kind == "Node"
            && other.what == chosen.what
            && other.write.actor.user == chosen.write.actor.user
        {
            earliest = other.at_ms;
            if cause.root == changes.all[cause.change].object {
                cause.root = other.object.clone();
            }
            cause.gap_ms += changes.all[cause.change].at_ms - other.at_ms;
            cause.change = index;
        }
    }
    cause
}
