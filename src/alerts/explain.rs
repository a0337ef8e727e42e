//! Which incidents of a day explain an alarm: the same object, workload, node or namespace, at the same time.
//!
//! In: a report and an alarm. Out: incidents, the best first. Always true: what is nearer crowds out what is farther - an incident of
//! the very object leaves no room for one that merely shares its namespace.

use super::{Alarm, around::window, signs::concerns};
use crate::model::{
    ObjectRef,
    report::{Incident, Report},
};

const MOST: usize = 3;

/// How near an incident is to an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    Namespace,
    /// What the metric measures is what the incident is about.
    Subject,
    /// A key field of a finding names it.
    Named,
    Affected,
    Root,
}

/// Words in metric and event names, and the families of faults that they measure.
const SUBJECTS: [(&[&str], &[&str]); 8] = [
    (
        &["内存", "memory", "mem", "oom"],
        &[
            "container.oom",
            "app.memory",
            "node.memory",
            "schedule.insufficient_memory",
        ],
    ),
    (
        &["cpu"],
        &[
            "schedule.insufficient_cpu",
            "scaling.max_reached",
            "scaling.node_group_max",
        ],
    ),
    (
        &["磁盘", "disk", "存储", "pvc", "volume"],
        &["node.disk", "app.disk", "storage."],
    ),
    (
        &["重启", "restart", "crash"],
        &["container.", "probe.", "config.", "app."],
    ),
    (&["镜像", "image"], &["image."]),
    (
        &["pending", "调度", "unschedulable"],
        &["schedule.", "storage.unbound", "scaling.node_group"],
    ),
    (
        &[
            "不可用",
            "副本",
            "replicas",
            "unavailable",
            "not ready",
            "notready",
            "未就绪",
        ],
        &[
            "image.",
            "probe.",
            "container.",
            "schedule.",
            "config.",
            "workload.",
            "node.not_ready",
        ],
    ),
    (
        &["不可达", "unreachable", "ping", "节点异常", "node"],
        &["node."],
    ),
];

/// Incidents that explain the alarm; none when none does.
pub(super) fn explaining(report: &Report, alarm: &Alarm) -> Vec<Incident> {
    let (from_ms, to_ms) = window(alarm);
    let at_the_time =
        |i: &&Incident| i.start.ms < to_ms && i.end.is_none_or(|end| end.ms >= from_ms);
    let mut near: Vec<(Nearness, &Incident)> = report
        .incidents
        .iter()
        .filter(at_the_time)
        .filter_map(|i| Some((nearness(report, i, alarm)?, i)))
        .collect();
    // Stable: among equals, the report's order stands.
    near.sort_by_key(|(nearness, _)| std::cmp::Reverse(*nearness));
    let nearest = near.first().map(|(nearness, _)| *nearness);
    near.into_iter()
        .filter(|(nearness, _)| Some(*nearness) == nearest || *nearness >= Nearness::Affected)
        .take(MOST)
        .map(|(_, incident)| incident.clone())
        .collect()
}

fn nearness(report: &Report, incident: &Incident, alarm: &Alarm) -> Option<Nearness> {
    let is_about_one = alarm.object.is_some() || !alarm.node.is_empty();
    let is_it = |object: &ObjectRef| is_about_one && concerns(alarm, object, "");
    let findings = || {
        report
            .findings
            .iter()
            .filter(|f| incident.findings.contains(&f.id))
    };
    if is_it(&incident.root.object) {
        return Some(Nearness::Root);
    }
    if incident.affected.iter().any(is_it) || findings().any(|f| is_it(&f.object)) {
        return Some(Nearness::Affected);
    }
    let names_it = |value: &str| {
        !alarm.node.is_empty() && value == alarm.node
            || alarm.object.as_ref().is_some_and(|o| value == o.name)
    };
    if findings()
        .flat_map(|f| &f.key_fields)
        .any(|k| names_it(&k.value))
    {
        return Some(Nearness::Named);
    }
    let within = alarm
        .object
        .as_ref()
        .map(|o| o.namespace.as_str())
        .or_else(|| alarm.dimensions.get("namespace").map(String::as_str))
        .unwrap_or_default();
    let same_namespace = !within.is_empty() && incident.root.object.namespace == within;
    let subject = measures_it(alarm, &incident.root.cause);
    if is_about_one {
        // An alarm about one object is explained by nothing that does not touch it.
        return None;
    }
    // A whole cluster or namespace: what is measured must be what is wrong.
    match (same_namespace, subject) {
        (true, true) => Some(Nearness::Subject),
        (false, true) => within.is_empty().then_some(Nearness::Subject),
        (true, false) => Some(Nearness::Namespace),
        (false, false) => None,
    }
}

fn measures_it(alarm: &Alarm, cause: &str) -> bool {
    let condition = alarm.condition.as_ref();
    let metric = condition.map_or("", |c| c.metric.as_str());
    let shown = condition.map_or("", |c| c.shown.as_str());
    let said = format!("{metric} {shown} {} {}", alarm.event, alarm.name).to_lowercase();
    SUBJECTS.iter().any(|(words, causes)| {
        words.iter().any(|w| said.contains(w)) && causes.iter().any(|c| cause.starts_with(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    const ALARM: &str = r#"{"alarmStatus":"1","alarmType":"metric","alarmObjInfo":{"region":"gz","dimensions":DIMENSIONS},"alarmPolicyInfo":
        {"policyName":"p","conditions":{"metricName":"METRIC","calcType":">","calcValue":"1","currentValue":"2"}},"firstOccurTime":"AT","recoverTime":"0"}"#;

    /// Roots of the sample day's incidents that explain an alarm with these dimensions.
    fn check(metric: &str, dimensions: &str, at: &str, expected: &[&str]) {
        let body = ALARM
            .replace("DIMENSIONS", dimensions)
            .replace("METRIC", metric)
            .replace("AT", at);
        let alarm = crate::alerts::read(body.as_bytes(), 0);
        let found = explaining(&sample::report(), &alarm);
        let names: Vec<&str> = found.iter().map(|i| i.root.object.name.as_str()).collect();
        assert_eq!(names, expected, "{metric} {dimensions} {at}");
    }

    #[test]
    fn the_same_object_at_the_same_time_explains_an_alarm() {
        let checkout = r#"{"namespace":"shop","pod_name":"checkout-6f7c9d8b5d-x2k8q"}"#;
        check(
            "K8sWorkloadReplicaUnavailable",
            checkout,
            "2026-11-21 10:30:00",
            &["checkout"],
        );
        check(
            "K8sWorkloadReplicaUnavailable",
            checkout,
            "2026-11-20 10:30:00",
            &[],
        );
        let stranger = r#"{"namespace":"shop","workload_name":"catalog"}"#;
        check("cpu", stranger, "2026-11-21 10:30:00", &[]);
    }

    #[test]
    fn a_cluster_alarm_is_explained_by_what_it_measures() {
        let cluster = r#"{"tke_cluster_instance_id":"cls-7a1b2c3d"}"#;
        check("集群内存利用率", cluster, "2026-11-21 10:30:00", &["mysql"]);
        check("网络出带宽", cluster, "2026-11-21 10:30:00", &[]);
    }
}
