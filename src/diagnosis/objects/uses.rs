//! What workloads use, and what Services select.
//!
//! In: bodies of workloads and Services. Out: both directions of each relation. Always true: a relation that held in any state of
//! the day is known, since a change may be what ended it. Does not read Secrets or ConfigMaps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::{Bodies, Owners, pod_spec};
use crate::model::ObjectRef;

#[derive(Debug, Default)]
pub(super) struct Uses {
    users: BTreeMap<ObjectRef, BTreeSet<ObjectRef>>,
    used: BTreeMap<ObjectRef, BTreeSet<ObjectRef>>,
}

impl Uses {
    pub(super) fn read(bodies: &Bodies<'_>, owners: &Owners) -> Self {
        let mut uses = Self::default();
        for workload in owners.workloads() {
            let names = owners
                .pods_of(workload)
                .map(str::to_owned)
                .collect::<Vec<_>>();
            for body in bodies.all(workload) {
                let references = pod_spec(body).map(references).unwrap_or_default();
                for (kind, name) in references {
                    uses.note(workload, kind, &name);
                }
                for claim in claim_templates(body) {
                    for pod in &names {
                        uses.note(workload, "PersistentVolumeClaim", &format!("{claim}-{pod}"));
                    }
                }
            }
        }
        for account in bodies.of_kind("ServiceAccount") {
            let ours = uses.users.get(account).cloned().unwrap_or_default();
            for secret in bodies.all(account).flat_map(pull_secrets) {
                for workload in &ours {
                    uses.note(workload, "Secret", &secret);
                }
            }
        }
        uses
    }

    fn note(&mut self, workload: &ObjectRef, kind: &str, name: &str) {
        let object = ObjectRef::new(kind, workload.namespace.as_str(), name);
        self.used
            .entry(workload.clone())
            .or_default()
            .insert(object.clone());
        self.users
            .entry(object)
            .or_default()
            .insert(workload.clone());
    }

    pub(super) fn users_of(&self, object: &ObjectRef) -> impl Iterator<Item = &ObjectRef> {
        self.users.get(object).into_iter().flatten()
    }

    pub(super) fn used_by(&self, workload: &ObjectRef) -> impl Iterator<Item = &ObjectRef> {
        self.used.get(workload).into_iter().flatten()
    }
}

/// Kind and name of everything that a pod spec refers to by name, each once.
fn references(spec: &Value) -> BTreeSet<(&'static str, String)> {
    let mut found = BTreeSet::new();
    walk(spec, &mut |field, value| {
        let (kind, key) = match field {
            "configMapKeyRef" | "configMapRef" | "configMap" => ("ConfigMap", "name"),
            "secret" if value.get("secretName").is_some() => ("Secret", "secretName"),
            "secretKeyRef" | "secretRef" | "secret" => ("Secret", "name"),
            "persistentVolumeClaim" => ("PersistentVolumeClaim", "claimName"),
            _ => return,
        };
        if let Some(name) = value.get(key).and_then(Value::as_str) {
            found.insert((kind, name.to_owned()));
        }
    });
    found.extend(pull_secrets(spec).map(|name| ("Secret", name)));
    let account = spec.get("serviceAccountName").and_then(Value::as_str);
    found.insert(("ServiceAccount", account.unwrap_or("default").to_owned()));
    found
}

fn pull_secrets(body: &Value) -> impl Iterator<Item = String> + use<> {
    let list = body.get("imagePullSecrets").and_then(Value::as_array);
    let names = list
        .into_iter()
        .flatten()
        .filter_map(|s| s.get("name")?.as_str());
    names.map(str::to_owned).collect::<Vec<_>>().into_iter()
}

fn walk(value: &Value, found: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => {
            for (field, member) in members {
                found(field, member);
                walk(member, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|v| walk(v, found)),
        _ => {}
    }
}

fn claim_templates(body: &Value) -> impl Iterator<Item = &str> {
    let list = body
        .pointer("/spec/volumeClaimTemplates")
        .and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|t| t.pointer("/metadata/name")?.as_str())
}

/// For each Service the workloads that any of its selectors matched in any of their states.
pub(super) fn workloads_behind(
    bodies: &Bodies<'_>,
    owners: &Owners,
) -> HashMap<ObjectRef, BTreeSet<ObjectRef>> {
    type Labelled<'b> = Vec<(&'b ObjectRef, Vec<(&'b str, &'b str)>)>;
    let mut labelled: HashMap<&str, Labelled<'_>> = HashMap::new();
    for workload in owners.workloads() {
        for body in bodies.all(workload) {
            let labels = pod_labels(body);
            let list = labelled.entry(workload.namespace.as_str()).or_default();
            if !list
                .iter()
                .any(|(w, have)| *w == workload && *have == labels)
            {
                list.push((workload, labels));
            }
        }
    }
    let mut behind: HashMap<ObjectRef, BTreeSet<ObjectRef>> = HashMap::new();
    for service in bodies.of_kind("Service") {
        let workloads = behind.entry(service.clone()).or_default();
        for body in bodies.all(service) {
            let near = labelled
                .get(service.namespace.as_str())
                .into_iter()
                .flatten();
            workloads.extend(
                near.filter(|(_, labels)| selects(body, labels))
                    .map(|(w, _)| (*w).clone()),
            );
        }
    }
    behind
}

/// Labels that a workload gives its pods.
pub(super) fn pod_labels(body: &Value) -> Vec<(&str, &str)> {
    let at = [
        "/spec/template/metadata/labels",
        "/spec/jobTemplate/spec/template/metadata/labels",
    ];
    let labels = at.iter().find_map(|at| body.pointer(at)?.as_object());
    labels.into_iter().flat_map(pairs_of).collect()
}

/// Whether a Service with this body selects pods with these labels. A Service without a selector selects nothing.
pub(super) fn selects(service: &Value, labels: &[(&str, &str)]) -> bool {
    let selector = service.pointer("/spec/selector").and_then(Value::as_object);
    selector.is_some_and(|s| !s.is_empty() && pairs_of(s).all(|wanted| labels.contains(&wanted)))
}

fn pairs_of(labels: &Map<String, Value>) -> impl Iterator<Item = (&str, &str)> {
    labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
}
