//! The JSON patch (RFC 6902) that takes an object back.
//!
//! In: the state after a change and the state before it. Out: steps for `kubectl patch --type=json`. Always true: applied to
//! `after` they give `before` but for noise (`proptest: undoing_gives_the_state_before`), or there are none. Each step that
//! replaces or removes is guarded by a `test` of what it expects, so that it fails on an object that has changed since.

use serde_json::{Map, Value, json};

use crate::diagnosis::diff::{escaped, is_noise, pairs};

/// Steps from `after` back to `before`. `None` when no patch gives exactly that; empty when nothing but noise differs.
#[must_use]
pub(super) fn reverse(after: &Value, before: &Value) -> Option<Vec<Value>> {
    let mut steps = Vec::new();
    undo(after, before, "", &mut steps);
    gives(after, &steps, before).then_some(steps)
}

/// Whether the steps, applied to `after`, give `before` but for noise.
fn gives(after: &Value, steps: &[Value], before: &Value) -> bool {
    let Ok(patch) = serde_json::from_value::<json_patch::Patch>(Value::Array(steps.to_vec()))
    else {
        return false;
    };
    let mut undone = after.clone();
    json_patch::patch(&mut undone, &patch).is_ok() && same_but_noise(&undone, before)
}

/// Whether two states differ in nothing but what machines write on their own.
#[must_use]
pub(super) fn same_but_noise(a: &Value, b: &Value) -> bool {
    let mut steps = Vec::new();
    undo(a, b, "", &mut steps);
    steps.is_empty()
}

fn undo(after: &Value, before: &Value, path: &str, steps: &mut Vec<Value>) {
    if after == before || is_noise(path) {
        return;
    }
    match (after, before) {
        (Value::Object(after), Value::Object(before)) => undo_members(after, before, path, steps),
        (Value::Array(after), Value::Array(before)) => undo_elements(after, before, path, steps),
        _ => {
            steps.push(json!({"op": "test", "path": path, "value": after}));
            steps.push(json!({"op": "replace", "path": path, "value": before}));
        }
    }
}

fn undo_members(
    after: &Map<String, Value>,
    before: &Map<String, Value>,
    path: &str,
    steps: &mut Vec<Value>,
) {
    for (name, value) in after {
        let at = format!("{path}/{}", escaped(name));
        match before.get(name) {
            Some(wanted) => undo(value, wanted, &at, steps),
            // The map stays, if only for the noise in it.
            None if is_noise_within(value, &at) => {}
            None if holds_noise(&at) => undo(value, &json!({}), &at, steps),
            None => {
                steps.push(json!({"op": "test", "path": at, "value": value}));
                steps.push(json!({"op": "remove", "path": at}));
            }
        }
    }
    for (name, value) in before.iter().filter(|(name, _)| !after.contains_key(*name)) {
        let at = format!("{path}/{}", escaped(name));
        if let Some(value) = without_noise(value, &at) {
            steps.push(json!({"op": "add", "path": at, "value": value}));
        }
    }
}

/// Removes what came (from the end, so that places stay right), puts back what went (from the start), then mends what stayed.
/// A list whose common elements changed their order is replaced as a whole.
fn undo_elements(after: &[Value], before: &[Value], path: &str, steps: &mut Vec<Value>) {
    let field = path.rsplit('/').next().unwrap_or_default();
    let matched = pairs(field, after, before);
    let both: Vec<(usize, usize)> = matched
        .iter()
        .filter_map(|(i, j)| Some(((*i)?, (*j)?)))
        .collect();
    let in_order = both.windows(2).all(|w| w[0].1 < w[1].1);
    if !in_order || after.iter().chain(before).any(|v| !v.is_object()) {
        steps.push(json!({"op": "test", "path": path, "value": after}));
        steps.push(json!({"op": "replace", "path": path, "value": before}));
        return;
    }
    for i in matched
        .iter()
        .filter(|(_, j)| j.is_none())
        .filter_map(|(i, _)| *i)
        .rev()
    {
        steps.push(json!({"op": "test", "path": format!("{path}/{i}"), "value": after[i]}));
        steps.push(json!({"op": "remove", "path": format!("{path}/{i}")}));
    }
    for j in matched
        .iter()
        .filter(|(i, _)| i.is_none())
        .filter_map(|(_, j)| *j)
    {
        steps.push(json!({"op": "add", "path": format!("{path}/{j}"), "value": before[j]}));
    }
    for (i, j) in both {
        let at = format!("{path}/{j}");
        let known = steps.len();
        undo(&after[i], &before[j], &at, steps);
        // Who is meant is tested before anything in it is touched: a place in a list is not a name.
        let name = after[i].get("name").filter(|_| steps.len() > known);
        if let Some(name) = name.filter(|name| Some(*name) == before[j].get("name")) {
            steps.insert(
                known,
                json!({"op": "test", "path": format!("{at}/name"), "value": name}),
            );
        }
    }
}

fn holds_noise(path: &str) -> bool {
    matches!(path, "/metadata" | "/metadata/annotations")
}

fn is_noise_within(value: &Value, path: &str) -> bool {
    without_noise(value, path).is_none()
}

/// The value without its noise; `None` when nothing is left.
fn without_noise(value: &Value, path: &str) -> Option<Value> {
    if is_noise(path) {
        return None;
    }
    let Value::Object(members) = value else {
        return Some(value.clone());
    };
    let kept: Map<String, Value> = members
        .iter()
        .filter_map(|(name, v)| {
            Some((
                name.clone(),
                without_noise(v, &format!("{path}/{}", escaped(name)))?,
            ))
        })
        .collect();
    (!kept.is_empty() || members.is_empty()).then_some(Value::Object(kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    fn check(after: &Value, before: &Value, expected: &Expect) {
        let steps = reverse(after, before).expect("a patch");
        let lines: Vec<String> = steps.iter().map(|s| format!("{s}\n")).collect();
        expected.assert_eq(&lines.concat());
    }

    #[test]
    fn one_image_is_put_back_where_its_container_stands() {
        let after = json!({"metadata": {"generation": 2}, "spec": {"containers": [{"name": "a", "image": "i:1"}, {"name": "b", "image": "i:2"}]}});
        let before = json!({"metadata": {"generation": 1}, "spec": {"containers": [{"name": "a", "image": "i:1"}, {"name": "b", "image": "i:1"}]}});
        check(
            &after,
            &before,
            &expect![[r#"
            {"op":"test","path":"/spec/containers/1/name","value":"b"}
            {"op":"test","path":"/spec/containers/1/image","value":"i:2"}
            {"op":"replace","path":"/spec/containers/1/image","value":"i:1"}
        "#]],
        );
    }

    #[test]
    fn what_came_goes_and_what_went_comes_back() {
        let after = json!({"spec": {"env": [{"name": "A"}, {"name": "NEW"}, {"name": "C"}], "nodeSelector": {"disk": "sdd"}}});
        let before = json!({"spec": {"env": [{"name": "A"}, {"name": "B"}, {"name": "C"}]}});
        check(
            &after,
            &before,
            &expect![[r#"
            {"op":"test","path":"/spec/env/1","value":{"name":"NEW"}}
            {"op":"remove","path":"/spec/env/1"}
            {"op":"add","path":"/spec/env/1","value":{"name":"B"}}
            {"op":"test","path":"/spec/nodeSelector","value":{"disk":"sdd"}}
            {"op":"remove","path":"/spec/nodeSelector"}
        "#]],
        );
    }

    /// Objects that look like a workload's: maps, lists of named things, plain lists, noise.
    fn object() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Value::from),
            (0..3u8).prop_map(Value::from),
            "[ab/~]{0,2}".prop_map(Value::from)
        ];
        let element = prop_oneof![
            3 => ("[abc]", 0..3u8).prop_map(|(name, v)| json!({"name": name, "value": v})),
            1 => (0..3u16, "[abc]").prop_map(|(port, name)| json!({"containerPort": port, "name": name})),
            1 => "[xyz]".prop_map(Value::from),
        ];
        let tree = scalar.prop_recursive(4, 32, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(element.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-d/~]{1,2}", inner, 0..4)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        });
        (tree.clone(), tree.clone(), tree, 0..5u8, prop::option::of("[uv]")).prop_map(|(containers, data, annotations, generation, revision)| {
            let mut body = json!({"metadata": {"generation": generation, "annotations": annotations}, "spec": {"containers": containers, "env": data}, "status": {"n": generation}});
            if let (Some(revision), Some(map)) = (revision, body["metadata"]["annotations"].as_object_mut()) {
                map.insert("deployment.kubernetes.io/revision".to_owned(), revision.into());
            }
            body
        })
    }

    /// The independent statement of "but for noise": both sides with every noisy field and every emptied annotation map removed.
    fn bare(value: &Value) -> Value {
        let mut value = value.clone();
        let members = value.as_object_mut().expect("object");
        members.remove("status");
        let metadata = members["metadata"].as_object_mut().expect("metadata");
        metadata.remove("generation");
        if let Some(map) = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
        {
            map.remove("deployment.kubernetes.io/revision");
        }
        value
    }

    proptest! {
        #[test]
        fn undoing_gives_the_state_before(after in object(), before in object()) {
            let steps = reverse(&after, &before).expect("a patch");
            let patch: json_patch::Patch = serde_json::from_value(Value::Array(steps)).expect("valid");
            let mut undone = after;
            json_patch::patch(&mut undone, &patch).expect("fits");
            prop_assert_eq!(bare(&undone), bare(&before));
        }

        #[test]
        fn undoing_nothing_takes_no_step(body in object()) {
            prop_assert_eq!(reverse(&body, &body), Some(Vec::new()));
        }
    }
}
