//! Applies the body of a request to the state it met, for when the API server's answer was not logged.
//!
//! In: a state and a patch. Out: the state after. Always true: a patch that does not fit leaves no half-applied state. Does not
//! add the defaults that the API server fills in.

use serde_json::{Map, Value};

use crate::diagnosis::diff::{find_keyed, merge_keys};

/// `state` after `patch`.
///
/// The kind of patch is told by its shape, since audit records do not carry its content type: a list is a JSON patch (RFC 6902),
/// an object a strategic merge patch when `strategic` (kinds of Kubernetes itself), else a merge patch (RFC 7396). `None` when
/// a JSON patch does not fit the state.
#[must_use]
pub(super) fn patched(state: &Value, patch: &Value, strategic: bool) -> Option<Value> {
    let mut state = state.clone();
    match patch {
        Value::Array(_) => {
            let patch: json_patch::Patch = serde_json::from_value(patch.clone()).ok()?;
            json_patch::patch(&mut state, &patch).ok()?;
        }
        Value::Object(members) if strategic => merge_objects(&mut state, members),
        Value::Object(_) => json_patch::merge(&mut state, patch),
        _ => return None,
    }
    Some(state)
}

/// Strategic merge, as `k8s.io/apimachinery/pkg/util/strategicpatch` does it: lists with a merge key are merged element by
/// element, others replaced; `$patch: delete|replace|merge` and `$deleteFromPrimitiveList/<field>` are obeyed.
fn merge_objects(state: &mut Value, patch: &Map<String, Value>) {
    if patch.get("$patch").and_then(Value::as_str) == Some("replace") {
        *state = without_directives(patch);
        return;
    }
    if !state.is_object() {
        *state = Value::Object(Map::new());
    }
    let Value::Object(members) = state else {
        return;
    };
    for (name, wanted) in patch {
        if let Some(field) = name.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(have)), Value::Array(gone)) = (members.get_mut(field), wanted)
            {
                have.retain(|v| !gone.contains(v));
            }
            continue;
        }
        if name.starts_with('$') {
            continue;
        }
        match wanted {
            Value::Null => {
                members.remove(name);
            }
            Value::Object(wanted)
                if wanted.get("$patch").and_then(Value::as_str) == Some("delete") =>
            {
                members.remove(name);
            }
            Value::Object(wanted) => {
                merge_objects(members.entry(name.clone()).or_insert(Value::Null), wanted);
            }
            Value::Array(wanted) => {
                let have = members
                    .entry(name.clone())
                    .or_insert_with(|| Value::Array(Vec::new()));
                merge_lists(name, have, wanted);
            }
            scalar => {
                members.insert(name.clone(), scalar.clone());
            }
        }
    }
}

fn merge_lists(field: &str, have: &mut Value, wanted: &[Value]) {
    let replaces = |v: &Value| v.get("$patch").and_then(Value::as_str) == Some("replace");
    let merges = !merge_keys(field).is_empty() || field == "finalizers";
    let Value::Array(list) = have else {
        *have = Value::Array(wanted.to_vec());
        return;
    };
    if !merges || wanted.iter().any(replaces) {
        *list = wanted.iter().filter(|v| !replaces(v)).cloned().collect();
        return;
    }
    for element in wanted {
        let Value::Object(members) = element else {
            if !list.contains(element) {
                list.push(element.clone());
            }
            continue;
        };
        let place = find_keyed(field, list, element);
        let deletes = members.get("$patch").and_then(Value::as_str) == Some("delete");
        match place {
            Some(i) if deletes => {
                list.remove(i);
            }
            Some(i) => merge_objects(&mut list[i], members),
            None if deletes => {}
            None => list.push(without_directives(members)),
        }
    }
}

fn without_directives(members: &Map<String, Value>) -> Value {
    let kept = members.iter().filter(|(name, _)| !name.starts_with('$'));
    Value::Object(kept.map(|(name, v)| (name.clone(), v.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_strategic_patch_merges_containers_by_name() {
        let state = json!({"spec": {"replicas": 2, "containers": [
            {"name": "app", "image": "a:1", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]},
            {"name": "side", "image": "s:1"}], "tolerations": [{"key": "a"}]}});
        let patch = json!({"spec": {"$setElementOrder/containers": [{"name": "app"}], "containers": [
            {"name": "app", "image": "a:2", "env": [{"name": "X", "$patch": "delete"}, {"name": "Z", "value": "3"}]}],
            "tolerations": [{"key": "b"}]}});
        assert_eq!(
            patched(&state, &patch, true),
            Some(json!({"spec": {"replicas": 2, "containers": [
                {"name": "app", "image": "a:2", "env": [{"name": "Y", "value": "2"}, {"name": "Z", "value": "3"}]},
                {"name": "side", "image": "s:1"}], "tolerations": [{"key": "b"}]}}))
        );
    }

    #[test]
    fn a_merge_patch_replaces_lists_and_null_removes() {
        let state = json!({"spec": {"rules": [{"name": "a"}, {"name": "b"}], "x": 1}});
        let patch = json!({"spec": {"rules": [{"name": "c"}], "x": null}});
        assert_eq!(
            patched(&state, &patch, false),
            Some(json!({"spec": {"rules": [{"name": "c"}]}}))
        );
    }

    #[test]
    fn a_json_patch_fits_or_does_nothing() {
        let state = json!({"spec": {"replicas": 2}});
        let fits = json!([{"op": "replace", "path": "/spec/replicas", "value": 0}]);
        assert_eq!(
            patched(&state, &fits, true),
            Some(json!({"spec": {"replicas": 0}}))
        );
        let does_not = json!([{"op": "test", "path": "/spec/replicas", "value": 9}, {"op": "remove", "path": "/spec"}]);
        assert_eq!(patched(&state, &does_not, true), None);
    }
}
