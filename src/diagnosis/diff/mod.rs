//! The difference of two states of an object, field by field, as a person would tell it.
//!
//! In: two full bodies. Out: [`FieldChange`]s in the order of the new object, then removals. Always true: an object differs from
//! itself nowhere; a path is a JSON pointer that resolves in the new object, or for a removal in the old one; what the API
//! server and controllers write on their own (see [`is_noise`]) is left out. Does not judge which change matters.

mod lists;

pub(crate) use lists::{find_keyed, merge_keys, pairs};

use serde_json::{Map, Value};

use crate::model::report::FieldChange;

/// Fields that differ between `old` and `new`.
///
/// Lists of named things (containers, env, ports, volumes, tolerations ...) are matched by name, so that inserting one element
/// is one change. A missing side is `null`; an explicit `null`, an empty list and a missing one are the same.
#[must_use]
pub fn diff(old: &Value, new: &Value) -> Vec<FieldChange> {
    let mut walk = Walk::default();
    walk.values(old, new);
    walk.out
}

/// Whether the field at `path` is written by machines on the way and never by the change itself: versions, bookkeeping of
/// clients and controllers, and the status.
#[must_use]
pub fn is_noise(path: &str) -> bool {
    const ROOTS: [&str; 3] = ["/status", "/apiVersion", "/metadata/managedFields"];
    const BOOKKEEPING: [&str; 6] = [
        "resourceVersion",
        "generation",
        "uid",
        "selfLink",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ];
    const ANNOTATIONS: [&str; 6] = [
        "kubectl.kubernetes.io~1last-applied-configuration",
        "deployment.kubernetes.io~1revision",
        "deployment.kubernetes.io~1revision-history",
        "deployment.kubernetes.io~1desired-replicas",
        "deployment.kubernetes.io~1max-replicas",
        "deprecated.daemonset.template.generation",
    ];
    let below = |root: &str| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if ROOTS.iter().any(|root| below(root)) || path.ends_with("/metadata/creationTimestamp") {
        return true;
    }
    let bookkeeping = path
        .strip_prefix("/metadata/")
        .is_some_and(|field| BOOKKEEPING.contains(&field));
    let annotation = path
        .strip_prefix("/metadata/annotations/")
        .is_some_and(|name| ANNOTATIONS.contains(&name));
    bookkeeping || annotation
}

/// A member's name as a step of a JSON pointer (RFC 6901).
#[must_use]
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The two bodies side by side, each with its own path, since an element may have moved.
#[derive(Default)]
struct Walk {
    old_path: String,
    new_path: String,
    out: Vec<FieldChange>,
}

impl Walk {
    fn values(&mut self, old: &Value, new: &Value) {
        if old == new || is_noise(&self.new_path) {
            return;
        }
        // One label of a first label is a change of that label, and one annotation may be noise: never the map as a whole.
        let of_names = ["/metadata", "/annotations", "/labels"]
            .iter()
            .any(|map| self.new_path.ends_with(map));
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => self.objects(old, new),
            (Value::Object(old), Value::Null) if of_names => self.objects(old, &Map::new()),
            (Value::Null, Value::Object(new)) if of_names => self.objects(&Map::new(), new),
            _ if is_missing(old) && is_missing(new) => {}
            (Value::Array(old), Value::Array(new)) if !old.is_empty() && !new.is_empty() => {
                self.lists(old, new);
            }
            (old, new) if is_missing(new) => self.note(self.old_path.clone(), old, new),
            (old, new) => self.note(self.new_path.clone(), old, new),
        }
    }

    fn objects(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        let removed = old.iter().filter(|(name, _)| !new.contains_key(*name));
        for (name, value) in new {
            let step = escaped(name);
            self.step(&step, &step, |walk| {
                walk.values(old.get(name).unwrap_or(&Value::Null), value);
            });
        }
        for (name, value) in removed {
            let step = escaped(name);
            self.step(&step, &step, |walk| walk.values(value, &Value::Null));
        }
    }

    fn lists(&mut self, old: &[Value], new: &[Value]) {
        fn element(list: &[Value], i: Option<usize>) -> &Value {
            i.and_then(|i| list.get(i)).unwrap_or(&Value::Null)
        }
        let field = self
            .new_path
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let mut matched = pairs(&field, old, new);
        matched.sort_by_key(|(i, j)| (j.is_none(), *j, *i));
        for (i, j) in matched {
            let place = |i: Option<usize>| i.unwrap_or_default().to_string();
            self.step(&place(i), &place(j), |walk| {
                walk.values(element(old, i), element(new, j));
            });
        }
    }

    fn step(&mut self, old: &str, new: &str, inside: impl FnOnce(&mut Self)) {
        let lengths = (self.old_path.len(), self.new_path.len());
        for (path, step) in [(&mut self.old_path, old), (&mut self.new_path, new)] {
            path.push('/');
            path.push_str(step);
        }
        inside(self);
        self.old_path.truncate(lengths.0);
        self.new_path.truncate(lengths.1);
    }

    fn note(&mut self, path: String, old: &Value, new: &Value) {
        self.out.push(FieldChange {
            path,
            old: old.clone(),
            new: new.clone(),
        });
    }
}

fn is_missing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use serde_json::json;

    fn check(old: &Value, new: &Value, expected: &Expect) {
        let lines: Vec<String> = diff(old, new)
            .iter()
            .map(|c| format!("{}: {} -> {}\n", c.path, c.old, c.new))
            .collect();
        expected.assert_eq(&lines.concat());
    }

    #[test]
    fn an_inserted_variable_is_one_change_at_its_new_place() {
        let old =
            json!({"spec": {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}});
        let new = json!({"spec": {"env": [{"name": "X", "value": "0"}, {"name": "A", "value": "1"}, {"name": "B", "value": "3"}]}});
        check(
            &old,
            &new,
            &expect![[r#"
            /spec/env/0: null -> {"name":"X","value":"0"}
            /spec/env/2/value: "2" -> "3"
        "#]],
        );
    }

    #[test]
    fn a_removal_is_named_by_its_old_place() {
        let old = json!({"spec": {"env": [{"name": "A"}, {"name": "B"}, {"name": "C"}], "nodeSelector": {"disk": "ssd"}}});
        let new = json!({"spec": {"env": [{"name": "C"}, {"name": "A"}]}});
        check(
            &old,
            &new,
            &expect![[r#"
            /spec/env/1: {"name":"B"} -> null
            /spec/nodeSelector: {"disk":"ssd"} -> null
        "#]],
        );
    }

    #[test]
    fn what_machines_write_on_the_way_is_left_out() {
        let old = json!({"metadata": {"resourceVersion": "1", "generation": 3, "annotations": {"deployment.kubernetes.io/revision": "3"}}, "status": {"replicas": 1}, "spec": {"taints": []}});
        let new = json!({"metadata": {"resourceVersion": "2", "generation": 4, "annotations": {"deployment.kubernetes.io/revision": "4", "a/b": "x"}}, "spec": {"taints": null}});
        check(
            &old,
            &new,
            &expect![[r#"
            /metadata/annotations/a~1b: null -> "x"
        "#]],
        );
    }
}
