//! Whom a change of what lies between services cuts off: callers of a Service, pods that a policy selects, backends of a route.
//!
//! In: a change, the object model. Out: Services and workloads, and which calls of and to them can fail. Always true: what the bodies
//! of the change say decides; where none is known, everything of its namespace may be meant.

use serde_json::Value;

use super::Search;
use crate::{
    diagnosis::{changes::Change, objects::pod_spec},
    model::ObjectRef,
};

/// Which calls a change can cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Those to what was changed.
    Callers,
    /// Those to the pods of a policy, and those of theirs that name nobody.
    Around,
    /// Those to the pods of a policy, and all that they make.
    Calls,
    /// Those that come in over a route.
    Edge,
}

impl Cut {
    pub(super) fn of(change: &Change<'_>) -> Self {
        match change.object.kind.as_str() {
            "NetworkPolicy" if shuts_in(change) => Self::Calls,
            "NetworkPolicy" => Self::Around,
            kind if is_route(kind) => Self::Edge,
            _ => Self::Callers,
        }
    }
}

/// Whether a policy says what its pods may call.
fn shuts_in(change: &Change<'_>) -> bool {
    let body = change.after.as_deref().or(change.before.as_deref());
    let types = body.and_then(|b| b.pointer("/spec/policyTypes")?.as_array());
    types.is_some_and(|types| types.iter().any(|t| t == "Egress"))
}

fn is_route(kind: &str) -> bool {
    matches!(
        kind,
        "Ingress" | "HTTPRoute" | "GRPCRoute" | "Gateway" | "VirtualService" | "DestinationRule"
    )
}

/// Services and workloads that cannot be reached any more once `change` is made.
pub(super) fn of(search: Search<'_>, change: &Change<'_>) -> Vec<ObjectRef> {
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
        _ if is_route(&object.kind) => out.extend(backends(change)),
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

/// Services that a route leads to, before and after the change.
fn backends(change: &Change<'_>) -> Vec<ObjectRef> {
    let mut out = Vec::new();
    for body in [&change.before, &change.after].into_iter().flatten() {
        walk(body, &mut |field, value| {
            // Ingress (`service.name`, `serviceName`), Gateway API (`backendRefs[].name`), Istio (`destination.host`).
            let name = match field {
                "service" | "backendRefs" => value.get("name"),
                "serviceName" => Some(value),
                "destination" => value.get("host"),
                _ => None,
            };
            let Some(name) = name.and_then(Value::as_str) else {
                return;
            };
            let mut parts = name.split('.');
            let name = parts.next().unwrap_or(name);
            let namespace = parts.next().unwrap_or(&change.object.namespace);
            out.push(ObjectRef::new("Service", namespace, name));
        });
    }
    out
}

/// Calls `found` for every member; for those of a list with the name of the list.
fn walk(value: &Value, found: &mut impl FnMut(&str, &Value)) {
    let Value::Object(members) = value else {
        return;
    };
    for (field, member) in members {
        match member {
            Value::Array(list) => {
                for item in list {
                    found(field, item);
                    walk(item, found);
                }
            }
            other => {
                found(field, other);
                walk(other, found);
            }
        }
    }
}
