//! Alarms of Prometheus Alertmanager, version 4 of its webhook: <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>.
//!
//! A group of alerts is one alarm, named by what it is grouped by: what its members share changes as they come and go. The labels of
//! the first one that still fires fill in what the group leaves open.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    alarm::{Alarm, Source, State},
    loose::{first, text, time},
    tcop,
};

pub(super) fn read(body: &Value, received_ms: i64) -> Option<Alarm> {
    let alerts = body.get("alerts")?.as_array()?;
    body.get("groupLabels")
        .or_else(|| body.get("commonLabels"))?;
    let state = if text(body, "/status") == "resolved" {
        State::Recovered
    } else {
        State::Firing
    };
    let fires = |alert: &&Value| text(alert, "/status") != "resolved";
    let first_firing = alerts.iter().find(fires).or(alerts.first());
    let mut labels = BTreeMap::new();
    for source in [
        first_firing.and_then(|a| a.get("labels")),
        body.get("commonLabels"),
        body.get("groupLabels"),
    ] {
        for (name, value) in source.and_then(Value::as_object).into_iter().flatten() {
            if let Some(value) = value.as_str() {
                labels.insert(name.clone(), value.to_owned());
            }
        }
    }
    let starts = alerts
        .iter()
        .filter_map(|a| time(&text(a, "/startsAt")))
        .min();
    let ends = alerts
        .iter()
        .filter_map(|a| time(&text(a, "/endsAt")))
        .max();
    let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
    let mut alarm = Alarm {
        state,
        name: label("alertname"),
        policy: label("alertname"),
        level: label("severity"),
        first_ms: starts.unwrap_or(received_ms),
        recovered_ms: (state == State::Recovered).then_some(ends.unwrap_or(received_ms)),
        text: [Some(body), first_firing]
            .into_iter()
            .flatten()
            .map(|of| {
                first(
                    of,
                    &[
                        "/commonAnnotations/summary",
                        "/commonAnnotations/description",
                        "/annotations/summary",
                        "/annotations/description",
                    ],
                )
            })
            .find(|text| !text.is_empty())
            .unwrap_or_default(),
        ..Alarm::blank(Source::Alertmanager, received_ms)
    };
    // kube-state-metrics names workloads by label: `deployment="checkout"`.
    for (name, kind) in [
        ("deployment", "Deployment"),
        ("statefulset", "StatefulSet"),
        ("daemonset", "DaemonSet"),
        ("cronjob", "CronJob"),
    ] {
        if let Some(workload) = labels.get(name).cloned() {
            labels.insert("workload_kind".into(), kind.into());
            labels.insert("workload_name".into(), workload);
        }
    }
    tcop::place(&mut alarm, labels);
    alarm.identity = tcop::flatten(body.get("groupLabels"));
    let key = text(body, "/groupKey");
    if !key.is_empty() {
        alarm.identity.insert("groupKey".into(), key);
    }
    Some(alarm)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::ObjectRef;

    #[test]
    fn a_group_is_one_alarm_about_its_workload() {
        let alarm = read(&json!({"version": "4", "status": "resolved", "groupLabels": {"alertname": "KubeDeploymentReplicasMismatch"},
            "commonLabels": {"namespace": "shop", "deployment": "checkout", "severity": "warning", "cluster": "cls-7a1b2c3d"},
            "commonAnnotations": {"summary": "Deployment has not matched the expected number of replicas"},
            "alerts": [{"status": "resolved", "labels": {}, "startsAt": "2026-11-22T01:12:00Z", "endsAt": "2026-11-22T01:27:00Z"}]}), 7).expect("known form");
        assert_eq!(
            alarm.object,
            Some(ObjectRef::new("Deployment", "shop", "checkout"))
        );
        assert_eq!(
            (alarm.state, alarm.first_ms, alarm.recovered_ms),
            (State::Recovered, 1_795_309_920_000, Some(1_795_310_820_000))
        );
    }
}
