//! The request and response bodies of a write: what is kept of them.
//!
//! In: the JSON text of a body. Out: a value without `managedFields`, without the values of Secrets and ConfigMaps, without
//! secrets, and small where a controller made the object. Always true: which keys of a Secret or ConfigMap changed stays visible.

use serde_json::{Map, Value};

use crate::intake::redact;

/// Reads a body; `None` when it is no JSON, which a cut body is not.
pub(super) fn read(text: &str, resource: &str, light: bool) -> Option<Value> {
    let mut body: Value = serde_json::from_str(text).ok()?;
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    if light {
        lighten(&mut body);
    }
    redact::body(&mut body, resource);
    Some(body)
}

/// The kind a body names, unless it is the server's `Status` or the options of a request.
pub(super) fn kind(body: &Value) -> Option<String> {
    let kind = body.get("kind")?.as_str()?;
    let names_the_object = kind != "Status" && !kind.ends_with("Options");
    names_the_object.then(|| kind.to_owned())
}

/// Whether the body is an object of this kind with what it is to be.
pub(super) fn is_whole(body: &Value, of: &str) -> bool {
    kind(body).is_some_and(|kind| kind == of) && body.get("spec").is_some()
}

pub(super) fn name(body: &Value) -> Option<String> {
    let metadata = body.get("metadata")?;
    let name = metadata
        .get("name")
        .or_else(|| metadata.get("generateName"))?;
    name.as_str().map(str::to_owned)
}

/// Keeps who owns the object, its labels, and what its containers run with.
fn lighten(body: &mut Value) {
    let Some(Value::Object(spec)) = body.get_mut("spec") else {
        return;
    };
    keep(
        spec,
        &["replicas", "selector", "nodeName", "template", "containers"],
    );
    let pod = match spec.get_mut("template") {
        Some(template) => template.get_mut("spec").and_then(Value::as_object_mut),
        None => Some(spec),
    };
    if let Some(pod) = pod {
        if !pod.contains_key("replicas") {
            keep(pod, &["nodeName", "containers"]);
        }
        let containers = pod.get_mut("containers").and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            if let Value::Object(container) = container {
                keep(container, &["name", "image", "resources"]);
            }
        }
    }
    if let Value::Object(body) = body {
        body.remove("status");
    }
}

fn keep(map: &mut Map<String, Value>, names: &[&str]) {
    map.retain(|key, _| names.contains(&key.as_str()));
}
