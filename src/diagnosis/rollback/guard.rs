//! Keeps what intake took out of bodies out of patches, and every step of a patch guarded.
//!
//! In: the steps of a reverse patch over redacted bodies. Out: steps that hold no mark of redaction. Always true: each step that
//! replaces or removes comes after a `test` of the same field, or of the name of the list element that it lies in, with no step in
//! between that moves elements of that list (`proptest: no_step_goes_unguarded`). Does not make steps of its own.

use serde_json::{Value, json};

/// The steps without redacted values. A test of a redacted element becomes a test of its name. `None` when a redacted value would be
/// written, or when a step would stay without a guard.
pub(super) fn without_secrets(steps: Vec<Value>) -> Option<Vec<Value>> {
    let mut out = Vec::with_capacity(steps.len());
    for step in steps {
        if !is_redacted(&step) {
            out.push(step);
            continue;
        }
        if op(&step) != "test" {
            return None;
        }
        let name = step
            .pointer("/value/name")
            .filter(|name| !is_redacted(name));
        if let Some(name) = name {
            let at = format!("{}/name", path(&step));
            out.push(json!({"op": "test", "path": at, "value": name}));
        }
    }
    (0..out.len()).all(|at| is_guarded(&out, at)).then_some(out)
}

/// Whether the step at this place takes nothing away that was not tested before.
fn is_guarded(steps: &[Value], at: usize) -> bool {
    if !matches!(op(&steps[at]), "replace" | "remove") {
        return true;
    }
    let target = path(&steps[at]);
    for step in steps[..at].iter().rev() {
        let tested = path(step);
        if op(step) == "test" && (tested == target || names(tested, target)) {
            return true;
        }
        if moves(step, target) {
            return false;
        }
    }
    false
}

/// Whether the field at `tested` is the name of the list element that `target` is, or lies in.
fn names(tested: &str, target: &str) -> bool {
    let Some(element) = tested.strip_suffix("/name") else {
        return false;
    };
    let is_element = element.rsplit('/').next().is_some_and(is_place);
    let rest = target.strip_prefix(element);
    is_element && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a step changes the places in a list that `target` leads through.
fn moves(step: &Value, target: &str) -> bool {
    let Some((list, place)) = path(step).rsplit_once('/') else {
        return false;
    };
    let within = target
        .strip_prefix(list)
        .is_some_and(|rest| rest.starts_with('/'));
    matches!(op(step), "add" | "remove") && is_place(place) && within
}

fn is_place(step: &str) -> bool {
    !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit())
}

fn op(step: &Value) -> &str {
    step.get("op").and_then(Value::as_str).unwrap_or_default()
}

fn path(step: &Value) -> &str {
    step.get("path").and_then(Value::as_str).unwrap_or_default()
}

/// Whether intake took something out of the value, so that it must not be written back.
pub(super) fn is_redacted(value: &Value) -> bool {
    match value {
        Value::String(text) => is_placeholder(text),
        Value::Array(list) => list.iter().any(is_redacted),
        Value::Object(members) => members.values().any(is_redacted),
        _ => false,
    }
}

/// The marks that [`crate::intake::redact`] leaves.
fn is_placeholder(text: &str) -> bool {
    ["<secret>", "<phone>", "<id-card>", "<bank-card>"]
        .iter()
        .any(|mark| text.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::rollback::patch;
    use proptest::prelude::*;

    fn env(variables: &Value) -> Value {
        json!({"spec": {"env": variables}})
    }

    #[test]
    fn a_new_secret_variable_is_known_by_its_name_before_it_is_removed() {
        let before = env(&json!([{"name": "A", "value": "1"}]));
        let after =
            env(&json!([{"name": "PASSWORD", "value": "<secret>"}, {"name": "A", "value": "1"}]));
        let steps = patch::reverse(&after, &before).expect("a patch");
        assert_eq!(
            without_secrets(steps),
            Some(vec![
                json!({"op": "test", "path": "/spec/env/0/name", "value": "PASSWORD"}),
                json!({"op": "remove", "path": "/spec/env/0"}),
            ])
        );
    }

    #[test]
    fn what_is_secret_and_has_no_name_is_left_to_hands() {
        for (after, before) in [
            (
                json!({"spec": {"args": ["--key=<secret>"]}}),
                json!({"spec": {"args": ["--key-file=/k"]}}),
            ),
            (json!({"spec": {"token": "<secret>"}}), json!({"spec": {}})),
            (
                env(&json!([{"name": "A", "value": "1"}])),
                env(&json!([{"name": "A", "value": "<secret>"}])),
            ),
        ] {
            let steps = patch::reverse(&after, &before).expect("a patch");
            assert_eq!(without_secrets(steps), None, "{after} {before}");
        }
    }

    /// Lists of named and unnamed things, some of them secret.
    fn body() -> impl Strategy<Value = Value> {
        let value = || prop_oneof![Just("<secret>"), Just("1"), Just("2")];
        let element = prop_oneof![
            3 => ("[abcd]", value()).prop_map(|(name, value)| json!({"name": name, "value": value})),
            1 => (0..3u16, value()).prop_map(|(port, value)| json!({"containerPort": port, "value": value})),
            1 => value().prop_map(Value::from),
        ];
        let list = || prop::collection::vec(element.clone(), 0..5);
        (list(), list(), prop::collection::btree_map("[xyz]", value(), 0..3))
            .prop_map(|(env, args, labels)| json!({"spec": {"env": env, "args": args}, "metadata": {"labels": labels}}))
    }

    proptest! {
        /// Stated anew: whatever is taken away, the patch refuses an object in which another element stands at that place.
        #[test]
        fn no_step_goes_unguarded(after in body(), before in body()) {
            let steps = patch::reverse(&after, &before).expect("a patch");
            let Some(steps) = without_secrets(steps) else { return Ok(()) };
            prop_assert!(!steps.iter().any(is_redacted));
            for (at, step) in steps.iter().enumerate() {
                let target = step["path"].as_str().expect("a path");
                if !matches!(step["op"].as_str(), Some("remove" | "replace")) {
                    continue;
                }
                let guards = steps[..at].iter().filter(|s| s["op"] == "test").any(|s| {
                    let tested = s["path"].as_str().expect("a path");
                    tested == target || tested.strip_suffix("/name").is_some_and(|element| target == element || target.starts_with(&format!("{element}/")))
                });
                prop_assert!(guards, "{step} in {steps:?}");
            }
            let patch: json_patch::Patch = serde_json::from_value(Value::Array(steps)).expect("valid");
            let mut undone = after;
            json_patch::patch(&mut undone, &patch).expect("fits");
            prop_assert!(patch::same_but_noise(&undone, &before));
        }
    }
}
