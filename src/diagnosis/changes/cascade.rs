//! Folds what controllers and nodes wrote under the action that set it off.
//!
//! In: changes by time. Out: their `set_off_by` and `cascade`. Always true: a person's or pipeline's change is never folded; the
//! one that set off is earlier; folding is one level deep (a pod's creation names the Deployment's change, not the
//! ReplicaSet's). Only owners, the object itself and its namespace connect; does not guess by time alone.

use std::collections::HashMap;

use serde_json::Value;

use super::{Change, ChangeClass};
use crate::{
    diagnosis::actors,
    model::{ObjectRef, report::ActorKind},
};

/// How long after the last step of a rollout another step still belongs to it: a Deployment that makes no progress for
/// `progressDeadlineSeconds` (600 by default) is given up.
const QUIET_MS: i64 = 600_000;

pub(super) fn fold(all: &mut [Change<'_>]) {
    // The open action on each object: its index, and when its last step was.
    let mut open: HashMap<ObjectRef, (usize, i64)> = HashMap::new();
    for i in 0..all.len() {
        let by_itself = matches!(all[i].actor, ActorKind::Human | ActorKind::Pipeline)
            || actors::is_autoscaler(&all[i].write.actor);
        let at = all[i].at_ms;
        let found = if by_itself {
            None
        } else {
            setter(&all[i], &open, at)
        };
        let root = found.unwrap_or(i);
        if found.is_some() {
            all[i].set_off_by = found;
            all[root].cascade.push(i);
        }
        if all[i].what.has_effect() || found.is_some() {
            open.insert(all[i].object.clone(), (root, at));
            open.insert(all[root].object.clone(), (root, at));
        }
    }
}

/// The action that a controller's write continues.
fn setter(change: &Change<'_>, open: &HashMap<ObjectRef, (usize, i64)>, at: i64) -> Option<usize> {
    let cluster = change.object.cluster.as_str();
    let namespace =
        ObjectRef::new("Namespace", "", change.object.namespace.as_str()).in_cluster(cluster);
    let mut parents = owners(change);
    // A ReplicaSet or Job that was made before the log begins is named after its owner.
    let made_by: Vec<_> = parents
        .iter()
        .chain([&change.object])
        .filter_map(maker)
        .collect();
    parents.extend(made_by);
    parents.push(change.object.clone());
    if change.what == ChangeClass::Delete {
        parents.push(namespace);
    }
    parents
        .iter()
        .filter_map(|parent| open.get(parent))
        .filter(|(_, last)| at - last <= QUIET_MS)
        .max_by_key(|(_, last)| *last)
        .map(|(root, _)| *root)
}

/// The Deployment of a ReplicaSet and the CronJob of a Job, by the form of the name.
fn maker(object: &ObjectRef) -> Option<ObjectRef> {
    let kind = match object.kind.as_str() {
        "ReplicaSet" => "Deployment",
        "Job" => "CronJob",
        _ => return None,
    };
    let (name, _) = object.name.rsplit_once('-')?;
    let made_by = ObjectRef::new(kind, object.namespace.as_str(), name);
    Some(made_by.in_cluster(object.cluster.as_str()))
}

/// Owners by the body's `ownerReferences`, the controlling one first.
fn owners(change: &Change<'_>) -> Vec<ObjectRef> {
    let body = change.after.as_deref().or(change.before.as_deref());
    let references = body
        .and_then(|b| b.pointer("/metadata/ownerReferences"))
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let text = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut named: Vec<_> = references
        .iter()
        .filter_map(|r| {
            Some((
                r.get("controller") != Some(&Value::Bool(true)),
                text(r, "kind")?,
                text(r, "name")?,
            ))
        })
        .collect();
    named.sort();
    named
        .into_iter()
        .map(|(_, kind, name)| {
            ObjectRef::new(kind, change.object.namespace.as_str(), name)
                .in_cluster(change.object.cluster.as_str())
        })
        .collect()
}
