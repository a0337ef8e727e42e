//! Alarms of Prometheus Alertmanager, version 4 of its webhook: <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>.
//!
//! Each alert of a group is an alarm of its own: what joins a group that was told is news, and one may end while another still fires. What
//! the group's alerts have in common fills in what an alert leaves open.

use serde_json::{Map, Value, json};

use super::{
    alarm::{Alarm, Source, State},
    loose::{first, text, time},
    tcop,
};

/// What of a group is kept with each of its alerts, and how long it may be: a group of thousands repeats it as often.
const SHARED: [&str; 5] = [
    "version",
    "groupKey",
    "groupLabels",
    "commonLabels",
    "commonAnnotations",
];
const SHARED_CHARS: usize = 4096;

/// The same body once for each of its alerts; empty where it has fewer than two.
pub(super) fn apart(body: &Value) -> Vec<Value> {
    let alerts = body.get("alerts").and_then(Value::as_array);
    let Some(alerts) = alerts.filter(|a| a.len() > 1) else {
        return Vec::new();
    };
    let mut shared = Map::new();
    for name in SHARED {
        if let Some(value) = body.get(name)
            && value.to_string().len() <= SHARED_CHARS
        {
            shared.insert(name.to_owned(), value.clone());
        }
    }
    // A form is known by it, however long it was.
    shared.entry("groupLabels").or_insert_with(|| json!({}));
    let one = |alert: &Value| {
        let mut one = shared.clone();
        let status = match text(alert, "/status") {
            own if own.is_empty() => text(body, "/status"),
            own => own,
        };
        one.insert("status".to_owned(), json!(status));
        one.insert("alerts".to_owned(), json!([alert]));
        Value::Object(one)
    };
    alerts.iter().map(one).collect()
}

/// The alert of a body; of several, one that fires.
pub(super) fn read(body: &Value, received_ms: i64) -> Option<Alarm> {
    let alerts = body.get("alerts")?.as_array()?;
    body.get("groupLabels")
        .or_else(|| body.get("commonLabels"))?;
    let fires = |alert: &&Value| text(alert, "/status") != "resolved";
    let alert = alerts.iter().find(fires).or(alerts.first());
    let is_over = text(body, "/status") == "resolved" || alert.is_some_and(|a| !fires(&a));
    let state = if is_over {
        State::Recovered
    } else {
        State::Firing
    };
    let own = tcop::flatten(alert.and_then(|a| a.get("labels")));
    let grouped = tcop::flatten(body.get("groupLabels"));
    let mut labels = tcop::flatten(body.get("commonLabels"));
    labels.extend(grouped.clone());
    labels.extend(own.clone());
    // What all have in common changes as they come and go, and is no part of what one is known by.
    let mut identity = if own.is_empty() {
        labels.clone()
    } else {
        grouped
    };
    identity.extend(own);
    let at = |name: &str| alert.and_then(|a| time(&text(a, name)));
    let (starts, ends) = (at("/startsAt"), at("/endsAt"));
    let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
    let mut alarm = Alarm {
        state,
        name: label("alertname"),
        policy: label("alertname"),
        level: label("severity"),
        first_ms: starts.unwrap_or(received_ms),
        recovered_ms: (state == State::Recovered).then_some(ends.unwrap_or(received_ms)),
        text: [alert, Some(body)]
            .into_iter()
            .flatten()
            .map(|of| {
                first(
                    of,
                    &[
                        "/annotations/summary",
                        "/annotations/description",
                        "/commonAnnotations/summary",
                        "/commonAnnotations/description",
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
    alarm.identity = identity;
    Some(alarm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectRef;

    #[test]
    fn an_alert_is_an_alarm_about_its_workload() {
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
