//! The objects of the cluster as audit and events show them: who owns whom, what runs where, who uses what, who calls whom.
//!
//! In: a day's shapes, the states before it, its [`Changes`]. Out: [`Objects`], which answers questions and is built once per
//! diagnosis. Always true: nothing is asked of the cluster; an answer rests on a body, an event or, as the last resort, on how
//! Kubernetes forms names; relations that held at any time of the day are known. Does not say what is wrong.

mod bodies;
mod calls;
mod hosts;
mod owners;
mod uses;

pub use bodies::pod_spec;
pub use calls::{Call, Via};

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::changes::Changes;
use crate::model::{
    ObjectRef, Service,
    shapes::{DayShapes, States},
};
use bodies::Bodies;
use owners::Owners;
use uses::Uses;

/// The object model of a day.
#[derive(Debug, Default)]
pub struct Objects<'a> {
    bodies: Bodies<'a>,
    owners: Owners,
    uses: Uses,
    /// Workloads behind each Service, at any time of the day.
    behind: HashMap<ObjectRef, BTreeSet<ObjectRef>>,
    /// What can be an address in a line.
    names: hosts::Names,
    calls: Vec<Call>,
}

impl<'a> Objects<'a> {
    #[must_use]
    pub fn build(shapes: &'a DayShapes, states: &'a States, changes: &'a Changes<'_>) -> Self {
        let bodies = Bodies::gather(states, changes);
        let owners = Owners::learn(shapes, changes, &bodies);
        let uses = Uses::read(&bodies, &owners);
        let behind = uses::workloads_behind(&bodies, &owners);
        let mut objects = Self {
            bodies,
            owners,
            uses,
            behind,
            names: hosts::Names::default(),
            calls: Vec::new(),
        };
        objects.names = calls::names(shapes, &objects);
        objects.calls = calls::learn(shapes, &objects);
        objects
    }

    /// The body of an object as it stood at `at_ms`, as far as it was ever seen. `None` after it was deleted.
    #[must_use]
    pub fn spec_of(&self, object: &ObjectRef, at_ms: i64) -> Option<&'a Value> {
        self.bodies.at(object, at_ms)
    }

    /// Whether audit, events or business logs named the object, or a state of it is known.
    #[must_use]
    pub fn knows(&self, object: &ObjectRef) -> bool {
        self.bodies.has(object) || self.owners.has_workload(object)
    }

    /// The workload that a pod belongs to: by owner references and controllers' events, else by the form of its name.
    #[must_use]
    pub fn workload_of_pod(&self, namespace: &str, pod: &str) -> Option<ObjectRef> {
        self.owners.workload_of_pod(namespace, pod)
    }

    /// The workload that an object stands for: of a pod, ReplicaSet or Job its owner, of a workload itself.
    #[must_use]
    pub fn workload_of(&self, object: &ObjectRef) -> Option<ObjectRef> {
        match object.kind.as_str() {
            "Pod" => self.workload_of_pod(&object.namespace, &object.name),
            _ => self.owners.top_of(object),
        }
    }

    /// The workload of this name, a Deployment before a StatefulSet before a DaemonSet before a job.
    #[must_use]
    pub fn workload_named(&self, namespace: &str, name: &str) -> Option<ObjectRef> {
        self.owners.named(namespace, name)
    }

    /// The workload that writes the lines of a business service.
    #[must_use]
    pub fn workload_of_service(&self, service: &Service) -> Option<ObjectRef> {
        self.workload_named(&service.namespace, &service.name)
    }

    /// Objects of a kind whose body was seen, in no order.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &ObjectRef> {
        self.bodies.of_kind(kind)
    }

    /// Workloads that were seen, in order.
    pub fn workloads(&self) -> impl Iterator<Item = &ObjectRef> {
        self.owners.workloads()
    }

    /// Pods of a workload that were seen this day, alive or not, in order.
    pub fn pods_of(&self, workload: &ObjectRef) -> impl Iterator<Item = &str> {
        self.owners.pods_of(workload)
    }

    /// The node that a pod was bound to.
    #[must_use]
    pub fn node_of(&self, namespace: &str, pod: &str) -> Option<&str> {
        self.owners.node_of(namespace, pod)
    }

    /// Pods that were bound to a node, as (namespace, pod), in order.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = (&str, &str)> {
        self.owners.pods_on(node)
    }

    /// Services that selected the workload's pods at any time of the day; where none was ever seen, the one of its name.
    #[must_use]
    pub fn services_of(&self, workload: &ObjectRef) -> Vec<ObjectRef> {
        let mut services: Vec<_> = self
            .behind
            .iter()
            .filter(|(_, workloads)| workloads.contains(workload))
            .map(|(service, _)| service.clone())
            .collect();
        services.sort();
        let by_name = ObjectRef::new(
            "Service",
            workload.namespace.as_str(),
            workload.name.as_str(),
        );
        if services.is_empty() && !self.bodies.has(&by_name) {
            services.push(by_name);
        }
        services
    }

    /// Services whose selector matches the workload's pods at `at_ms`.
    #[must_use]
    pub fn services_selecting(&self, workload: &ObjectRef, at_ms: i64) -> Vec<ObjectRef> {
        let labels = self
            .spec_of(workload, at_ms)
            .map(uses::pod_labels)
            .unwrap_or_default();
        let mut services: Vec<_> = self
            .bodies
            .of_kind("Service")
            .filter(|service| service.namespace == workload.namespace)
            .filter(|service| {
                self.spec_of(service, at_ms)
                    .is_some_and(|body| uses::selects(body, &labels))
            })
            .cloned()
            .collect();
        services.sort();
        services
    }

    /// Workloads that a Service selected at any time of the day; by name where the Service was never seen.
    #[must_use]
    pub fn workloads_behind(&self, service: &ObjectRef) -> Vec<ObjectRef> {
        match self.behind.get(service) {
            Some(workloads) if !workloads.is_empty() => workloads.iter().cloned().collect(),
            _ => self
                .workload_named(&service.namespace, &service.name)
                .into_iter()
                .collect(),
        }
    }

    /// What a HorizontalPodAutoscaler scales.
    #[must_use]
    pub fn hpa_target(&self, hpa: &ObjectRef) -> Option<ObjectRef> {
        let target = self.bodies.last(hpa)?.pointer("/spec/scaleTargetRef")?;
        let text = |key: &str| target.get(key).and_then(Value::as_str);
        Some(ObjectRef::new(
            text("kind")?,
            hpa.namespace.as_str(),
            text("name")?,
        ))
    }

    /// The configuration that holds an admission webhook of this name; under the hook's own name when none is known.
    #[must_use]
    pub fn holder_of_hook(&self, hook: &str) -> ObjectRef {
        const KINDS: [&str; 2] = [
            "ValidatingWebhookConfiguration",
            "MutatingWebhookConfiguration",
        ];
        let holds = |object: &&ObjectRef| {
            let body = self.bodies.last(object);
            let hooks = body.and_then(|b| b.get("webhooks")?.as_array());
            let mut names = hooks.into_iter().flatten().filter_map(|h| h.get("name"));
            names.any(|name| name == hook)
        };
        let mut known = KINDS.into_iter().flat_map(|kind| self.bodies.of_kind(kind));
        let holder = known.find(holds).cloned();
        holder.unwrap_or_else(|| ObjectRef::new(KINDS[0], "", hook))
    }

    /// HorizontalPodAutoscalers that scale a workload.
    #[must_use]
    pub fn hpas_of(&self, workload: &ObjectRef) -> Vec<ObjectRef> {
        let mut hpas: Vec<_> = self
            .bodies
            .of_kind("HorizontalPodAutoscaler")
            .filter(|hpa| self.hpa_target(hpa).as_ref() == Some(workload))
            .cloned()
            .collect();
        hpas.sort();
        hpas
    }

    /// Workloads whose pods read a ConfigMap, Secret, claim or service account (environment, volumes, pull secrets), in order.
    pub fn users_of(&self, object: &ObjectRef) -> impl Iterator<Item = &ObjectRef> {
        self.uses.users_of(object)
    }

    /// As [`Self::users_of`], by kind (`ConfigMap`, `Secret`, ...), namespace and name.
    #[must_use]
    pub fn users_of_config(&self, kind: &str, namespace: &str, name: &str) -> Vec<ObjectRef> {
        self.users_of(&ObjectRef::new(kind, namespace, name))
            .cloned()
            .collect()
    }

    /// ConfigMaps, Secrets, claims and service accounts that a workload's pods use, in order.
    pub fn used_by(&self, workload: &ObjectRef) -> impl Iterator<Item = &ObjectRef> {
        self.uses.used_by(workload)
    }

    /// PersistentVolumeClaims of a workload, those of `volumeClaimTemplates` included.
    #[must_use]
    pub fn claims_of(&self, workload: &ObjectRef) -> Vec<ObjectRef> {
        self.used_by(workload)
            .filter(|used| used.kind == "PersistentVolumeClaim")
            .cloned()
            .collect()
    }

    /// Services that a text names, read as somebody in the namespace `home` writes them, with the port where it says one. Beside an
    /// address, bare names do not count: the one that was meant may not be the one that was called.
    pub fn services_in(&self, text: &str, home: &str) -> Vec<(ObjectRef, Option<u16>)> {
        let mut hosts = hosts::hosts_in(text, home, &self.names);
        if hosts.iter().any(|h| !h.bare) {
            hosts.retain(|h| !h.bare);
        }
        hosts.into_iter().map(|h| (h.service, h.port)).collect()
    }

    /// Every call between services that was learned, by caller, then callee.
    #[must_use]
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Calls that a workload makes.
    pub fn calls_from(&self, workload: &ObjectRef) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |call| call.from == *workload)
    }

    /// Calls that reach a workload or a Service.
    pub fn calls_to(&self, object: &ObjectRef) -> impl Iterator<Item = &Call> {
        self.calls
            .iter()
            .filter(move |call| call.to == *object || call.workloads.contains(object))
    }
}

#[cfg(test)]
mod tests;
