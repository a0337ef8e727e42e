//! Why a claim finds no volume, where its event only says that it finds none: the claim held against the volumes that are known.
//!
//! In: a claim, the object model. Out: the code of the finer fault, when every volume that comes into question fails for a reason.
//! Always true: without the bodies of the claim and of a volume nothing is said. Does not know what a provisioner could make.

use serde_json::Value;

use super::{View, memory_bytes};
use crate::model::ObjectRef;

/// What the nearest volume fails for.
pub(super) fn mismatch(view: &View<'_>, claim: &ObjectRef, at_ms: i64) -> Option<&'static str> {
    let body = view.objects.spec_of(claim, at_ms)?;
    let wanted = Wanted::of(body)?;
    let provided = ObjectRef::new("StorageClass", "", wanted.class);
    if !wanted.class.is_empty() && view.objects.knows(&provided) {
        return None;
    }
    let mut volumes: Vec<&ObjectRef> = view.objects.of_kind("PersistentVolume").collect();
    volumes.sort();
    let bodies = volumes.into_iter();
    let bodies = bodies.filter_map(|v| Some((v, view.objects.spec_of(v, at_ms)?)));
    bodies
        .filter(|(volume, _)| wanted.volume.is_none_or(|name| name == volume.name))
        .map(|(_, body)| wanted.fails_for(claim, body))
        // Volumes that a provisioner made for others were never meant for this claim.
        .filter(|fails| {
            wanted.volume.is_some()
                || fails[..] != ["storage.unbound.class", "storage.unbound.taken"]
        })
        .min_by_key(Vec::len)?
        .first()
        .copied()
}

/// What a claim asks for.
struct Wanted<'a> {
    class: &'a str,
    volume: Option<&'a str>,
    modes: Vec<&'a str>,
    bytes: f64,
    selector: Vec<(&'a str, &'a str)>,
}

impl<'a> Wanted<'a> {
    fn of(claim: &'a Value) -> Option<Self> {
        let spec = claim.get("spec")?;
        let labels = spec
            .pointer("/selector/matchLabels")
            .and_then(Value::as_object);
        let selector = labels.into_iter().flatten();
        Some(Self {
            class: text(spec, "/storageClassName").unwrap_or_default(),
            volume: text(spec, "/volumeName").filter(|name| !name.is_empty()),
            modes: modes(spec),
            bytes: text(spec, "/resources/requests/storage")
                .and_then(memory_bytes)
                .unwrap_or(0.0),
            selector: selector
                .filter_map(|(k, v)| Some((k.as_str(), v.as_str()?)))
                .collect(),
        })
    }

    /// Codes of what does not fit, the telling one first.
    fn fails_for(&self, claim: &ObjectRef, volume: &Value) -> Vec<&'static str> {
        let mut out = Vec::new();
        let Some(spec) = volume.get("spec") else {
            return out;
        };
        let bound = text(spec, "/claimRef/name").is_some_and(|name| {
            name != claim.name || text(spec, "/claimRef/namespace") != Some(&claim.namespace)
        });
        let label = |name: &str| {
            volume
                .pointer("/metadata/labels")
                .and_then(|l| l.get(name)?.as_str())
        };
        let offered = modes(spec);
        if self
            .selector
            .iter()
            .any(|(name, value)| label(name) != Some(value))
        {
            out.push("storage.unbound.selector");
        }
        if self.modes.iter().any(|mode| !offered.contains(mode)) {
            out.push("storage.unbound.access_mode");
        }
        let capacity = text(spec, "/capacity/storage").and_then(memory_bytes);
        if capacity.is_some_and(|bytes| bytes < self.bytes) {
            out.push("storage.unbound.capacity");
        }
        if text(spec, "/storageClassName").unwrap_or_default() != self.class {
            out.push("storage.unbound.class");
        }
        if bound {
            out.push("storage.unbound.taken");
        }
        out
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer)?.as_str()
}

fn modes(spec: &Value) -> Vec<&str> {
    let list = spec.get("accessModes").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}
