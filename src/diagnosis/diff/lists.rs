//! Which elements of two Kubernetes lists are the same thing.
//!
//! In: the name of the list field and two lists. Out: pairs of indices. Always true: every index of either list occurs exactly
//! once. Keys are the `patchMergeKey`/`listMapKey` markers of `k8s.io/api`, and, for lists the API calls atomic, whatever names
//! their elements to a reader. Does not look at what the elements contain beyond the key.

use std::collections::HashMap;

use serde_json::Value;

/// The merge keys of a list by the name of its field, as strategic merge patches use them; empty for atomic lists, which a
/// patch replaces as a whole.
///
/// Source: `patchStrategy=merge` tags in `k8s.io/api` (core/v1, apps/v1, admissionregistration/v1). `ports` is keyed by
/// `containerPort` in a container and by `port` in a Service; the first key that the element has decides.
#[must_use]
pub(crate) fn merge_keys(field: &str) -> &'static [&'static str] {
    match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "secrets"
        | "webhooks"
        | "resourceClaims" => &["name"],
        "ports" => &["containerPort", "port"],
        "volumeMounts" => &["mountPath"],
        "volumeDevices" => &["devicePath"],
        "hostAliases" => &["ip"],
        "topologySpreadConstraints" => &["topologyKey"],
        "conditions" | "addresses" => &["type"],
        "ownerReferences" => &["uid"],
        _ => &[],
    }
}

/// What tells the elements of an atomic list apart for a reader.
const NAMES: [&str; 6] = ["name", "key", "host", "path", "type", "ip"];
/// What tells elements of one key apart: two ports of one number, two taints of one key, two subjects of one name.
const SECOND_NAMES: [&str; 5] = [
    "protocol",
    "effect",
    "kind",
    "namespace",
    "whenUnsatisfiable",
];

/// Pairs the elements of `old` and `new`: `(Some, Some)` the same thing, `(Some, None)` removed, `(None, Some)` added.
///
/// Elements of atomic lists that are left over at the same place are paired, so that a changed scalar or an unnamed rule reads
/// as one change and not as two.
#[must_use]
pub(crate) fn pairs(
    field: &str,
    old: &[Value],
    new: &[Value],
) -> Vec<(Option<usize>, Option<usize>)> {
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (j, value) in new.iter().enumerate().rev() {
        places.entry(identity(field, value)).or_default().push(j);
    }
    let mut partner: Vec<Option<usize>> = old
        .iter()
        .map(|value| places.get_mut(&identity(field, value))?.pop())
        .collect();
    let mut taken = vec![false; new.len()];
    for &j in partner.iter().flatten() {
        taken[j] = true;
    }
    if merge_keys(field).is_empty() {
        for (i, slot) in partner.iter_mut().enumerate() {
            if slot.is_none() && taken.get(i) == Some(&false) {
                *slot = Some(i);
                taken[i] = true;
            }
        }
    }
    let kept = partner.into_iter().enumerate().map(|(i, j)| (Some(i), j));
    let added = (0..new.len())
        .filter(|&j| !taken[j])
        .map(|j| (None, Some(j)));
    kept.chain(added).collect()
}

/// The element of `list` that `wanted` is about, by the field's merge key.
#[must_use]
pub(crate) fn find_keyed(field: &str, list: &[Value], wanted: &Value) -> Option<usize> {
    let key = merge_keys(field)
        .iter()
        .find(|k| wanted.get(**k).is_some())?;
    let protocol = |v: &Value| {
        v.get("protocol")
            .and_then(Value::as_str)
            .unwrap_or("TCP")
            .to_owned()
    };
    list.iter().position(|have| {
        have.get(*key) == wanted.get(*key)
            && (field != "ports" || protocol(have) == protocol(wanted))
    })
}

fn identity(field: &str, value: &Value) -> String {
    let named = |key: &&&str| {
        value
            .get(**key)
            .is_some_and(|v| v.is_string() || v.is_number())
    };
    let Some(key) = merge_keys(field).iter().chain(&NAMES).find(named) else {
        return value.to_string();
    };
    let mut text = format!("{key}\0{}", value[*key]);
    for second in SECOND_NAMES {
        match value.get(second).and_then(Value::as_str) {
            // The default, often left out.
            Some("TCP") | None => {}
            Some(more) => text.extend(["\0", more]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paired(field: &str, old: &Value, new: &Value) -> Vec<(Option<usize>, Option<usize>)> {
        let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
        pairs(field, &list(old), &list(new))
    }

    #[test]
    fn elements_are_matched_by_key_and_not_by_place() {
        let old = json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]);
        let new = json!([{"name": "B", "value": "3"}, {"name": "C", "value": "1"}]);
        assert_eq!(
            paired("env", &old, &new),
            [(Some(0), None), (Some(1), Some(0)), (None, Some(1))]
        );
    }

    #[test]
    fn a_changed_scalar_is_one_change() {
        assert_eq!(
            paired("args", &json!(["-v", "-x"]), &json!(["-v", "-y", "-z"])),
            [(Some(0), Some(0)), (Some(1), Some(1)), (None, Some(2))]
        );
    }

    #[test]
    fn ports_of_one_number_differ_by_protocol() {
        let old = json!([{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]);
        let new = json!([{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]);
        assert_eq!(
            paired("ports", &old, &new),
            [(Some(0), Some(1)), (Some(1), Some(0))]
        );
    }
}
