//! JSON values: what a name says about its value, and texts inside.
//!
//! In: a value, changed in place. Out: whether anything was changed. Always true: the shape stays, only scalars are replaced, a
//! number by a string where it has to go. Values of Secrets and ConfigMaps become `sha256:` and twelve hex digits: equal values
//! stay equal, so that one sees which key changed.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{SECRET, names, rules};

/// Redacts a value.
#[must_use = "whether the value still is what it was"]
pub fn value(value: &mut Value) -> bool {
    under("", value)
}

/// Redacts the body of a request about `resource` (the plural, `secrets`), which may be an object, a list, or a patch without a kind.
pub fn body(body: &mut Value, resource: &str) {
    if matches!(resource, "secrets" | "configmaps") {
        hash_data(body);
    }
    under("", body);
}

fn under(name: &str, value: &mut Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(n) => {
            let text = n.to_string();
            let redacted = match names::kind(name) {
                Some(names::Kind::Password) => SECRET.into(),
                // A number of tokens, a limit of cookies.
                Some(_) => return false,
                None => super::field(name, text.as_str().into()),
            };
            let changed = redacted != text;
            if changed {
                *value = Value::String(redacted.into_owned());
            }
            changed
        }
        Value::String(s) => string(name, s),
        Value::Array(items) => {
            let mut changed = false;
            let mut flag = String::new();
            for item in items {
                // `["--password", "hunter2"]`: the value of a flag is the next argument.
                let name = if flag.is_empty() { name } else { flag.as_str() };
                changed |= under(name, item);
                flag = match item {
                    Value::String(s) if s.starts_with("--") && names::is_secret(s) => s.clone(),
                    _ => String::new(),
                };
            }
            changed
        }
        Value::Object(map) => object(map),
    }
}

fn object(map: &mut Map<String, Value>) -> bool {
    let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default();
    let mut changed = match kind {
        "Secret" | "ConfigMap" => hash_fields(map),
        // An audit record about them: its bodies may be patches, which do not say what they patch.
        "Event" => hash_bodies(map),
        _ => false,
    };
    changed |= environment_variable(map);
    for (name, item) in map.iter_mut() {
        changed |= under(name, item);
    }
    changed
}

fn string(name: &str, text: &mut String) -> bool {
    let nested = text
        .starts_with(['{', '['])
        .then(|| serde_json::from_str::<Value>(text));
    if let Some(Ok(mut tree @ (Value::Object(_) | Value::Array(_)))) = nested {
        let changed = value(&mut tree);
        if changed {
            *text = tree.to_string();
        }
        return changed;
    }
    let redacted = super::field(name, text.as_str().into());
    if redacted == text.as_str() {
        return false;
    }
    *text = redacted.into_owned();
    true
}

/// `{"name":"DB_PASSWORD","value":"..."}`.
fn environment_variable(map: &mut Map<String, Value>) -> bool {
    let Some(name) = map.get("name").and_then(Value::as_str) else {
        return false;
    };
    if !names::is_secret(name) {
        return false;
    }
    let name = name.to_owned();
    match map.get_mut("value") {
        Some(Value::String(value)) if !rules::is_harmless(&name, value) => {
            SECRET.clone_into(value);
            true
        }
        _ => false,
    }
}

fn hash_bodies(map: &mut Map<String, Value>) -> bool {
    let resource = match map.get("objectRef") {
        Some(Value::Object(object)) => object
            .get("resource")
            .and_then(Value::as_str)
            .map(str::to_owned),
        Some(Value::String(text)) => serde_json::from_str::<Value>(text)
            .ok()
            .and_then(|object| Some(object.get("resource")?.as_str()?.to_owned())),
        _ => None,
    };
    if !matches!(resource.as_deref(), Some("secrets" | "configmaps")) {
        return false;
    }
    let mut changed = false;
    for name in ["requestObject", "responseObject"] {
        let Some(body) = map.get_mut(name) else {
            continue;
        };
        if let Value::String(text) = body {
            *body = serde_json::from_str(text).unwrap_or_else(|_| Value::String(SECRET.to_owned()));
        }
        hash_data(body);
        changed = true;
    }
    changed
}

/// Hashes the data of an object, of the items of a list, or of the operations of a JSON patch.
fn hash_data(body: &mut Value) {
    match body {
        Value::Object(map) => {
            hash_fields(map);
            if let Some(Value::Array(items)) = map.get_mut("items") {
                items.iter_mut().for_each(hash_data);
            }
        }
        Value::Array(operations) => {
            for operation in operations {
                let path = operation
                    .get("path")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let in_data = DATA
                    .iter()
                    .any(|field| path.strip_prefix('/').is_some_and(|p| p.starts_with(field)));
                let is_annotation = path.ends_with("last-applied-configuration");
                if let Some(value) = operation
                    .get_mut("value")
                    .filter(|_| in_data || is_annotation)
                {
                    hash_leaves(value);
                }
            }
        }
        _ => {}
    }
}

/// The fields of Secrets and ConfigMaps that hold what users put there.
const DATA: &[&str] = &["data", "stringData", "binaryData"];

fn hash_fields(map: &mut Map<String, Value>) -> bool {
    let mut changed = false;
    for field in DATA {
        if let Some(data) = map.get_mut(*field) {
            hash_leaves(data);
            changed = true;
        }
    }
    // kubectl keeps the whole object there, data included.
    let applied = map
        .get_mut("metadata")
        .and_then(|m| m.get_mut("annotations"))
        .and_then(|a| a.get_mut("kubectl.kubernetes.io/last-applied-configuration"));
    if let Some(applied) = applied {
        hash_leaves(applied);
        changed = true;
    }
    changed
}

fn hash_leaves(value: &mut Value) {
    match value {
        Value::Null => {}
        Value::Object(map) => map.values_mut().for_each(hash_leaves),
        Value::Array(items) => items.iter_mut().for_each(hash_leaves),
        // Hashing twice would hide that two records agree.
        Value::String(s) if is_hash(s) => {}
        Value::String(s) => *s = hash(s.as_bytes()),
        other => *other = Value::String(hash(other.to_string().as_bytes())),
    }
}

fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    format!("{HASH}{}", hex::encode(&digest[..6]))
}

const HASH: &str = "sha256:";

fn is_hash(text: &str) -> bool {
    text.strip_prefix(HASH)
        .is_some_and(|hex| hex.len() == 12 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}
