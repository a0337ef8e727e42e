//! Every state of every object over the day.
//!
//! In: the states before the day and its changes. Out: the body of an object at an instant. Always true: versions lie in the
//! order of time; the state before the day counts from the beginning of time. Does not copy bodies.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    diagnosis::changes::{ChangeClass, Changes},
    model::{ObjectRef, shapes::States},
};

#[derive(Debug, Default)]
pub(super) struct Bodies<'a> {
    /// By time; `None`: deleted.
    versions: HashMap<ObjectRef, Vec<(i64, Option<&'a Value>)>>,
}

impl<'a> Bodies<'a> {
    pub(super) fn gather(states: &'a States, changes: &'a Changes<'_>) -> Self {
        let mut versions: HashMap<ObjectRef, Vec<_>> = HashMap::new();
        for (object, state) in states {
            versions.insert(object.clone(), vec![(i64::MIN, Some(&*state.body))]);
        }
        for change in &changes.all {
            let list = versions.entry(change.object.clone()).or_default();
            // An object that is first seen on its way out, or whose delete answered with its body.
            if let (true, Some(before)) = (list.is_empty(), &change.before) {
                list.push((i64::MIN, Some(&**before)));
            }
            match &change.after {
                Some(after) => list.push((change.at_ms, Some(&**after))),
                None if change.what == ChangeClass::Delete => list.push((change.at_ms, None)),
                None => {}
            }
        }
        versions.retain(|_, list| !list.is_empty());
        Self { versions }
    }

    pub(super) fn has(&self, object: &ObjectRef) -> bool {
        self.versions.contains_key(object)
    }

    pub(super) fn at(&self, object: &ObjectRef, at_ms: i64) -> Option<&'a Value> {
        let list = self.versions.get(object)?;
        list.iter().rev().find(|(since, _)| *since <= at_ms)?.1
    }

    /// The last body that was seen, even of an object that was deleted afterwards.
    pub(super) fn last(&self, object: &ObjectRef) -> Option<&'a Value> {
        self.all(object).last()
    }

    /// Every body of an object, by time.
    pub(super) fn all(&self, object: &ObjectRef) -> impl Iterator<Item = &'a Value> + use<'_, 'a> {
        let list = self
            .versions
            .get(object)
            .map(Vec::as_slice)
            .unwrap_or_default();
        list.iter().filter_map(|(_, body)| *body)
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = &ObjectRef> {
        self.versions.keys()
    }

    pub(super) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &ObjectRef> {
        self.objects().filter(move |object| object.kind == kind)
    }
}

/// The pod spec inside a body: of a workload's template, of a CronJob's job template, or of a pod itself.
#[must_use]
pub fn pod_spec(body: &Value) -> Option<&Value> {
    [
        "/spec/template/spec",
        "/spec/jobTemplate/spec/template/spec",
        "/spec",
    ]
    .iter()
    .find_map(|at| {
        body.pointer(at)
            .filter(|spec| spec.get("containers").is_some())
    })
}
