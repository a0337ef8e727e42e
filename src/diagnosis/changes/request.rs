//! What a request alone says of the change it asks for, for when the state before was never seen.
//!
//! In: a write. Out: the fields that its body names. Always true: the old side is `null` unless the answer tells it. Does not
//! invent values that the body does not hold.

use std::{fmt::Write as _, sync::Arc};

use serde_json::{Value, json};

use super::apply;
use crate::{
    diagnosis::diff,
    model::{record::AuditWrite, report::FieldChange},
};

/// The leaves of its patch, with an unknown old side.
pub(super) fn named(write: &AuditWrite, after: Option<&Value>) -> Vec<FieldChange> {
    let unknown = |path: String, new: Value| FieldChange {
        path,
        old: Value::Null,
        new,
    };
    if write.subresource == "scale" {
        let observed = write
            .response
            .as_ref()
            .and_then(|r| r.pointer("/status/replicas"));
        return scaled_to(write)
            .map(|new| FieldChange {
                path: "/spec/replicas".to_owned(),
                // The server answers with the count it still observes, which is the one before the scaling.
                old: observed
                    .filter(|old| *old != new)
                    .cloned()
                    .unwrap_or(Value::Null),
                new: new.clone(),
            })
            .into_iter()
            .collect();
    }
    let Some(request) = write.request.as_deref().filter(|_| write.verb == "patch") else {
        return Vec::new();
    };
    if let Value::Array(steps) = request {
        return steps
            .iter()
            .filter(|step| step.get("op").and_then(Value::as_str) != Some("test"))
            .filter_map(|step| {
                let path = step.get("path")?.as_str()?.to_owned();
                Some(unknown(
                    path,
                    step.get("value").cloned().unwrap_or(Value::Null),
                ))
            })
            .filter(|change| !diff::is_noise(&change.path))
            .collect();
    }
    // Against an empty object the patch itself is what is new; with the answer at hand its lists get their real places.
    let bare = apply::patched(&json!({}), request, true).unwrap_or_default();
    let mut named = Vec::new();
    leaves(&bare, after, &mut String::new(), &mut named);
    named.retain(|change| !diff::is_noise(&change.path));
    named
}

fn leaves(patch: &Value, after: Option<&Value>, pointer: &mut String, out: &mut Vec<FieldChange>) {
    let length = pointer.len();
    match patch {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                pointer.push('/');
                pointer.push_str(&diff::escaped(name));
                leaves(value, after.and_then(|a| a.get(name)), pointer, out);
                pointer.truncate(length);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            let field = pointer.rsplit('/').next().unwrap_or_default().to_owned();
            let real = after
                .and_then(Value::as_array)
                .map(Vec::as_slice)
                .unwrap_or_default();
            for (i, element) in list.iter().enumerate() {
                let place = diff::find_keyed(&field, real, element).unwrap_or(i);
                let _ = write!(pointer, "/{place}");
                leaves(element, real.get(place), pointer, out);
                pointer.truncate(length);
            }
        }
        leaf => {
            let is_key = pointer.rsplit('/').nth(2).is_some_and(|field| {
                diff::merge_keys(field).contains(&pointer.rsplit('/').next().unwrap_or_default())
            });
            if !is_key {
                out.push(FieldChange {
                    path: pointer.clone(),
                    old: Value::Null,
                    new: leaf.clone(),
                });
            }
        }
    }
}

/// The replicas that a write of the `scale` subresource asks for.
pub(super) fn scaled_to(write: &AuditWrite) -> Option<&Value> {
    let of = |body: &'_ Option<Arc<Value>>| {
        body.as_ref()
            .and_then(|b| b.pointer("/spec/replicas"))
            .is_some()
    };
    let body = if of(&write.request) {
        &write.request
    } else {
        &write.response
    };
    body.as_ref()?.pointer("/spec/replicas")
}
