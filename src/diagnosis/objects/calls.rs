//! Who calls whom, learned from the addresses in business lines and in the settings of pods.
//!
//! In: business templates with samples and key fields, pod specs. Out: [`Call`]s by caller and callee. Always true: a call names
//! the record or the setting that told of it; no service calls itself. Does not know whether a call succeeded.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Objects,
    hosts::{self, Host, Names},
    pod_spec,
};
use crate::model::{
    EvidenceId, ObjectRef,
    shapes::{DayShapes, FieldRole},
};

/// One service calls another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The workload that calls.
    pub from: ObjectRef,
    /// The Service that is called.
    pub to: ObjectRef,
    /// Workloads behind that Service.
    pub workloads: Vec<ObjectRef>,
    pub port: Option<u16>,
    pub via: Via,
    /// The line that names the callee; `None` when a setting does.
    pub evidence: Option<EvidenceId>,
}

/// How a call became known, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Via {
    /// The address stands in a line that the caller wrote.
    Line,
    /// The address stands in the environment or arguments of the caller's containers.
    Setting,
    /// A line names the callee, but not as an address.
    Name,
}

pub(super) fn learn(shapes: &DayShapes, objects: &Objects<'_>) -> Vec<Call> {
    // The surest way in which each call is known, a way that tells the port before one that does not.
    type Known = (Via, Option<u16>, Option<EvidenceId>);
    let names = &objects.names;
    let mut best: BTreeMap<(ObjectRef, ObjectRef), Known> = BTreeMap::new();
    let mut note = |from: &ObjectRef, host: Host, via: Via, evidence: Option<EvidenceId>| {
        let via = if host.bare { Via::Name } else { via };
        let found = (via, host.port, evidence);
        let slot = best.entry((from.clone(), host.service)).or_insert(found);
        if (found.0, found.1.is_none()) < (slot.0, slot.1.is_none()) {
            *slot = found;
        }
    };
    for workload in objects.workloads() {
        for body in objects.bodies.all(workload) {
            for setting in pod_spec(body).into_iter().flat_map(settings) {
                for host in hosts::hosts_in(setting, &workload.namespace, names) {
                    note(
                        workload,
                        Host {
                            bare: false,
                            ..host
                        },
                        Via::Setting,
                        None,
                    );
                }
            }
        }
    }
    for template in &shapes.templates {
        let Some(from) = objects.workload_of_service(&template.service) else {
            continue;
        };
        // A name server writes down what it is asked for; it calls none of them.
        if is_name_server(&from) {
            continue;
        }
        let home = &template.service.namespace;
        for sample in &template.samples {
            for host in hosts::hosts_in(&sample.text, home, names) {
                note(&from, host, Via::Line, Some(sample.id));
            }
        }
        let addresses = template
            .fields
            .iter()
            .filter(|f| f.role == FieldRole::Endpoint);
        for (value, _) in addresses.flat_map(|field| &field.top) {
            for host in hosts::hosts_in(value, home, names) {
                note(
                    &from,
                    host,
                    Via::Line,
                    template.samples.first().map(|s| s.id),
                );
            }
        }
    }
    best.into_iter()
        .map(|((from, to), (via, port, evidence))| {
            let workloads = objects.workloads_behind(&to);
            Call {
                from,
                to,
                workloads,
                port,
                via,
                evidence,
            }
        })
        .filter(|call| {
            !call.workloads.contains(&call.from)
                && (call.to.namespace.as_str(), &call.to.name)
                    != (&call.from.namespace, &call.from.name)
        })
        .collect()
}

fn is_name_server(workload: &ObjectRef) -> bool {
    workload.namespace == "kube-system" && workload.name.contains("dns")
}

pub(super) fn names(shapes: &DayShapes, objects: &Objects<'_>) -> Names {
    let mut names = Names::default();
    for service in objects.bodies.of_kind("Service") {
        let key = (service.namespace.clone(), service.name.clone());
        for body in objects.bodies.all(service) {
            let one = body.pointer("/spec/clusterIP").into_iter();
            let more = body.pointer("/spec/clusterIPs").and_then(Value::as_array);
            for ip in one
                .chain(more.into_iter().flatten())
                .filter_map(Value::as_str)
            {
                if ip != "None" && !ip.is_empty() {
                    names.addresses.insert(ip.to_owned(), key.clone());
                }
            }
        }
        names.add(&key.0, &key.1);
    }
    for workload in objects.workloads() {
        names.add(&workload.namespace, &workload.name);
    }
    for template in &shapes.templates {
        let service = &template.service;
        names.add(&service.namespace, &service.name);
    }
    names
}

/// Texts of a pod spec in which addresses stand: values of variables, commands, arguments.
fn settings(spec: &Value) -> Vec<&str> {
    let containers = ["containers", "initContainers"]
        .iter()
        .filter_map(|k| spec.get(*k)?.as_array());
    let mut out = Vec::new();
    for container in containers.flatten() {
        let list = |key: &str| {
            container
                .get(key)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
        };
        out.extend(list("env").filter_map(|e| e.get("value")?.as_str()));
        out.extend(
            list("command")
                .chain(list("args"))
                .filter_map(Value::as_str),
        );
    }
    out
}
