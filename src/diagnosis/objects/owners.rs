//! Which workload a pod belongs to, and which node it runs on.
//!
//! In: bodies with owner references, controllers' events, the pods that business lines and events name. Out: lookups by name.
//! Always true: a reference or an event that names the owner beats the form of a name. Does not follow owners that nobody saw.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::{Bodies, pod_spec};
use crate::{
    diagnosis::changes::Changes,
    model::{ObjectRef, shapes::DayShapes, workload_name},
};

/// Kinds that run pods, the likelier owner of a name first.
const WORKLOADS: [&str; 6] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "CronJob",
    "Job",
    "ReplicaSet",
];

#[derive(Debug, Default)]
pub(super) struct Owners {
    /// The next owner up: Pod to ReplicaSet, ReplicaSet to Deployment, Job to CronJob ...
    above: HashMap<ObjectRef, ObjectRef>,
    workloads: BTreeSet<ObjectRef>,
    by_name: HashMap<(String, String), Vec<ObjectRef>>,
    pods: BTreeMap<ObjectRef, BTreeSet<String>>,
    nodes: BTreeMap<(String, String), String>,
}

impl Owners {
    pub(super) fn learn(shapes: &DayShapes, changes: &Changes<'_>, bodies: &Bodies<'_>) -> Self {
        let mut owners = Self::default();
        let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
        for object in bodies.objects() {
            let Some(body) = bodies.last(object) else {
                continue;
            };
            if let Some(owner) = owner_in(object, body) {
                owners.above.insert(object.clone(), owner);
            } else if object.kind != "Pod"
                && (is_workload(&object.kind) || pod_spec(body).is_some())
            {
                owners.workloads.insert(object.clone());
            }
            if object.kind == "Pod" {
                seen.insert((object.namespace.clone(), object.name.clone()));
                let node = body.pointer("/spec/nodeName").and_then(Value::as_str);
                owners.bind(&object.namespace, &object.name, node.unwrap_or_default());
            }
        }
        for change in changes
            .all
            .iter()
            .filter(|c| c.write.subresource == "binding")
        {
            let target = change
                .write
                .request
                .as_ref()
                .and_then(|r| r.pointer("/target/name"));
            let node = target.and_then(Value::as_str).unwrap_or_default();
            owners.bind(&change.object.namespace, &change.object.name, node);
        }
        for event in &shapes.events {
            let object = &event.object;
            if object.kind == "Pod" {
                seen.insert((object.namespace.clone(), object.name.clone()));
                let node = event
                    .message
                    .rsplit_once(" to ")
                    .filter(|_| event.reason == "Scheduled");
                let host = if event.component == "kubelet" {
                    event.host.as_str()
                } else {
                    ""
                };
                owners.bind(
                    &object.namespace,
                    &object.name,
                    node.map_or(host, |(_, node)| node),
                );
            } else if let Some(made) = made_in(&event.reason, &event.message) {
                let made = ObjectRef::new(made.0, object.namespace.as_str(), made.1);
                if made.kind == "Pod" {
                    seen.insert((made.namespace.clone(), made.name.clone()));
                }
                owners.above.entry(made).or_insert_with(|| object.clone());
            }
            if is_workload(&object.kind) && object.kind != "ReplicaSet" && object.kind != "Job" {
                owners.workloads.insert(object.clone());
            }
        }
        for template in &shapes.templates {
            let pods = template
                .samples
                .iter()
                .map(|s| &s.pod)
                .filter(|pod| !pod.is_empty());
            seen.extend(pods.map(|pod| (template.service.namespace.clone(), pod.clone())));
        }
        owners.workloads.retain(|w| !owners.above.contains_key(w));
        owners.index();
        owners.assign(seen);
        owners
    }

    fn bind(&mut self, namespace: &str, pod: &str, node: &str) {
        let node = node.trim();
        if !node.is_empty() && !node.contains(' ') {
            self.nodes
                .insert((namespace.to_owned(), pod.to_owned()), node.to_owned());
        }
    }

    fn index(&mut self) {
        self.by_name.clear();
        for workload in &self.workloads {
            let key = (workload.namespace.clone(), workload.name.clone());
            self.by_name.entry(key).or_default().push(workload.clone());
        }
        for list in self.by_name.values_mut() {
            list.sort_by_key(|w| {
                WORKLOADS
                    .iter()
                    .position(|k| *k == w.kind)
                    .unwrap_or(WORKLOADS.len())
            });
        }
    }

    /// Gives every pod to its workload; a workload that only its pods' names tell of becomes known.
    fn assign(&mut self, seen: BTreeSet<(String, String)>) {
        for (namespace, pod) in seen {
            if let Some(workload) = self.workload_of_pod(&namespace, &pod) {
                self.workloads.insert(workload.clone());
                self.pods.entry(workload).or_default().insert(pod);
            }
        }
        self.index();
    }

    pub(super) fn workload_of_pod(&self, namespace: &str, pod: &str) -> Option<ObjectRef> {
        let mut object = ObjectRef::new("Pod", namespace, pod);
        if let Some(above) = self.above.get(&object) {
            object = above.clone();
            return self.top_of(&object);
        }
        let name = workload_name(pod);
        if let Some(known) = self.named(namespace, name) {
            return Some(known);
        }
        let suffix = pod.strip_prefix(name)?.strip_prefix('-')?;
        Some(ObjectRef::new(kind_by_suffix(suffix), namespace, name))
    }

    /// The topmost owner of an object: the Deployment of a ReplicaSet, the CronJob of a Job, else the object when it is a workload.
    pub(super) fn top_of(&self, object: &ObjectRef) -> Option<ObjectRef> {
        let mut top = object.clone();
        // Owners nest three deep (Pod, Job, CronJob); the bound only keeps a forged circle from turning for ever.
        for _ in 0..8 {
            match self.above.get(&top) {
                Some(above) => top = above.clone(),
                None => break,
            }
        }
        if self.workloads.contains(&top) {
            return Some(top);
        }
        // An owner nobody described: its name is the workload's and the hash of a template, or a time.
        let parent = match top.kind.as_str() {
            "ReplicaSet" => "Deployment",
            "Job" => "CronJob",
            _ => return is_workload(&top.kind).then_some(top),
        };
        match top.name.rsplit_once('-') {
            Some((name, suffix)) if parent == "Deployment" || is_number(suffix) => {
                Some(ObjectRef::new(parent, top.namespace.as_str(), name))
            }
            _ => Some(top),
        }
    }

    pub(super) fn named(&self, namespace: &str, name: &str) -> Option<ObjectRef> {
        let key = (namespace.to_owned(), name.to_owned());
        self.by_name.get(&key)?.first().cloned()
    }

    pub(super) fn has_workload(&self, object: &ObjectRef) -> bool {
        self.workloads.contains(object)
    }

    pub(super) fn workloads(&self) -> impl Iterator<Item = &ObjectRef> {
        self.workloads.iter()
    }

    pub(super) fn pods_of(&self, workload: &ObjectRef) -> impl Iterator<Item = &str> {
        self.pods
            .get(workload)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    pub(super) fn node_of(&self, namespace: &str, pod: &str) -> Option<&str> {
        let key = (namespace.to_owned(), pod.to_owned());
        self.nodes.get(&key).map(String::as_str)
    }

    pub(super) fn pods_on(&self, node: &str) -> impl Iterator<Item = (&str, &str)> {
        let here = self.nodes.iter().filter(move |(_, on)| *on == node);
        here.map(|((namespace, pod), _)| (namespace.as_str(), pod.as_str()))
    }
}

fn is_workload(kind: &str) -> bool {
    WORKLOADS.contains(&kind)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The controlling owner named by a body.
fn owner_in(object: &ObjectRef, body: &Value) -> Option<ObjectRef> {
    let references = body.pointer("/metadata/ownerReferences")?.as_array()?;
    let controls = |r: &&Value| r.get("controller") == Some(&Value::Bool(true));
    let owner = references
        .iter()
        .find(controls)
        .or_else(|| references.first())?;
    let text = |key: &str| owner.get(key).and_then(Value::as_str);
    Some(ObjectRef::new(
        text("kind")?,
        object.namespace.as_str(),
        text("name")?,
    ))
}

/// What a controller says it made: kind and name, from the fixed texts of `kube-controller-manager`.
fn made_in<'t>(reason: &str, message: &'t str) -> Option<(&'static str, &'t str)> {
    let word_after = |text: &str| {
        let rest = message.split_once(text)?.1.trim_start();
        rest.split([' ', ',']).next().filter(|w| !w.is_empty())
    };
    match reason {
        "SuccessfulCreate" => word_after("Created pod: ")
            .or_else(|| word_after("create Pod "))
            .map(|pod| ("Pod", pod))
            .or_else(|| word_after("Created job ").map(|job| ("Job", job))),
        "SuccessfulDelete" => word_after("Deleted pod: ")
            .or_else(|| word_after("delete Pod "))
            .map(|pod| ("Pod", pod)),
        "ScalingReplicaSet" => word_after(" replica set ").map(|set| ("ReplicaSet", set)),
        _ => None,
    }
}

/// The kind of workload by what it appends to its pods' names.
fn kind_by_suffix(suffix: &str) -> &'static str {
    match suffix.split_once('-') {
        Some((middle, _)) if is_number(middle) && middle.len() >= 8 => "CronJob",
        Some(_) => "Deployment",
        None if is_number(suffix) && suffix.len() <= 3 => "StatefulSet",
        None => "DaemonSet",
    }
}
