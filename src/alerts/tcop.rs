//! Alarms of the Tencent Cloud Observability Platform (云监控): metric and event callbacks, and the flat body of custom templates.
//!
//! The callback's form: <https://cloud.tencent.com/document/product/248/50409>. Scalars change their type between products, so
//! every one is read as text first.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    alarm::{Alarm, Condition, Source, State},
    loose::{first, number, region, text, time, unit},
    spoken,
};
use crate::model::{ObjectRef, workload_name};

pub(super) fn read(body: &Value, received_ms: i64) -> Option<Alarm> {
    if body.get("alarmPolicyInfo").is_some() || body.get("alarmObjInfo").is_some() {
        Some(callback(body, received_ms))
    } else if body.get("policy_name").is_some()
        && (body.get("trigger_time").is_some() || body.get("first_trigger_time").is_some())
    {
        Some(template(body, received_ms))
    } else {
        None
    }
}

fn callback(body: &Value, received_ms: i64) -> Alarm {
    let at = |p: &str| text(body, p);
    let dimensions = body.pointer("/alarmObjInfo/dimensions");
    let written: Option<Value> = dimensions
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str(text).ok());
    let dimensions = flatten(written.as_ref().or(dimensions));
    let recovered_ms = time(&at("/recoverTime"));
    // 1 and "ALARM" fire; 0 and "OK" recover; a recovery time says it for those that send neither.
    let state = match at("/alarmStatus").to_uppercase().as_str() {
        "0" | "OK" | "RECOVERED" => State::Recovered,
        _ if recovered_ms.is_some() => State::Recovered,
        _ => State::Firing,
    };
    let conditions = "/alarmPolicyInfo/conditions";
    let condition = |name: &str| at(&format!("{conditions}/{name}"));
    let metric = condition("metricName");
    let shown = condition("metricShowName");
    let mut alarm = Alarm {
        state,
        name: first(
            body,
            &[
                "/alarmPolicyInfo/policyName",
                "/alarmPolicyInfo/conditions/eventShowName",
                "/alarmPolicyInfo/policyTypeCName",
            ],
        ),
        policy: first(
            body,
            &["/alarmPolicyInfo/policyId", "/alarmPolicyInfo/policyName"],
        ),
        account: at("/alarmObjInfo/uin"),
        app_id: at("/alarmObjInfo/appId"),
        region: region(&first(
            body,
            &["/alarmObjInfo/region", "/alarmObjInfo/dimensions/region"],
        )),
        event: first(
            body,
            &[
                "/alarmPolicyInfo/conditions/eventName",
                "/alarmPolicyInfo/conditions/eventShowName",
            ],
        ),
        condition: (!metric.is_empty() || !shown.is_empty()).then(|| Condition {
            shown: if shown.is_empty() {
                metric.clone()
            } else {
                shown
            },
            metric,
            comparator: condition("calcType"),
            threshold: number(&condition("calcValue")),
            value: number(&condition("currentValue")),
            unit: first(
                body,
                &[
                    "/alarmPolicyInfo/conditions/unit",
                    "/alarmPolicyInfo/conditions/calcUnit",
                ],
            ),
        }),
        first_ms: time(&at("/firstOccurTime")).unwrap_or(received_ms),
        recovered_ms: ended(state, recovered_ms, received_ms),
        text: first(
            body,
            &[
                "/alarmObjInfo/summary",
                "/alarmObjInfo/content",
                "/alarmPolicyInfo/conditions/eventShowName",
            ],
        ),
        ..Alarm::blank(Source::Tcop, received_ms)
    };
    place(&mut alarm, dimensions);
    alarm
}

/// A recovery that says no time is one that has just been.
fn ended(state: State, said_ms: Option<i64>, received_ms: i64) -> Option<i64> {
    said_ms.or((state == State::Recovered).then_some(received_ms))
}

/// The flat body that a custom notification template renders.
fn template(body: &Value, received_ms: i64) -> Alarm {
    let at = |p: &str| text(body, p);
    let recovered_ms = time(&at("/recovery_time"));
    let state = if at("/status").eq_ignore_ascii_case("recovery") || recovered_ms.is_some() {
        State::Recovered
    } else {
        State::Firing
    };
    let mut alarm = Alarm {
        state,
        name: at("/policy_name"),
        policy: first(body, &["/policy_id", "/policy_name"]),
        app_id: at("/app_id"),
        text: at("/content"),
        first_ms: time(&first(body, &["/first_trigger_time", "/trigger_time"]))
            .unwrap_or(received_ms),
        recovered_ms: ended(state, recovered_ms, received_ms),
        ..Alarm::blank(Source::Tcop, received_ms)
    };
    let value = at("/current_value");
    let compared = spoken::compare(&alarm.text);
    if compared.is_some() || !value.is_empty() {
        let compared = compared.unwrap_or_else(|| Condition {
            shown: alarm.text.clone(),
            unit: unit(&value),
            ..Condition::default()
        });
        alarm.condition = Some(Condition {
            value: number(&value),
            ..compared
        });
    }
    let pairs = at("/object");
    let dimensions = pairs
        .split('|')
        .filter_map(|p| p.split_once(':'))
        .map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned()));
    place(&mut alarm, dimensions.collect());
    alarm
}

/// Nested dimensions (`objDetail`) become dotted names.
pub(super) fn flatten(value: Option<&Value>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut waiting = vec![(String::new(), value)];
    while let Some((prefix, value)) = waiting.pop() {
        match value {
            Some(Value::Object(fields)) => {
                for (name, value) in fields {
                    let path = if prefix.is_empty() {
                        name.clone()
                    } else {
                        format!("{prefix}.{name}")
                    };
                    waiting.push((path, Some(value)));
                }
            }
            Some(Value::String(s)) => drop(out.insert(prefix, s.clone())),
            Some(Value::Number(n)) => drop(out.insert(prefix, n.to_string())),
            _ => {}
        }
    }
    out
}

/// Finds cluster, node and object among the dimensions.
pub(super) fn place(alarm: &mut Alarm, dimensions: BTreeMap<String, String>) {
    let one = |names: &[&str]| {
        names
            .iter()
            .find_map(|n| dimensions.get(*n))
            .filter(|v| !v.is_empty())
            .cloned()
    };
    alarm.cluster = one(&[
        "tke_cluster_instance_id",
        "cluster_id",
        "clusterId",
        "cluster",
    ])
    .or_else(|| dimensions.values().find_map(|v| cluster_id(v)))
    .unwrap_or_default();
    let namespace = one(&["namespace"]).unwrap_or_default();
    let pod = one(&["pod_name", "pod"]);
    // Prometheus calls what it scraped an instance: with a port, or beside a workload, that is an exporter and no node.
    let instance = one(&["instance"])
        .filter(|i| !i.contains(':') && pod.is_none() && one(&["workload_name"]).is_none());
    alarm.node = one(&["node", "objDetail.deviceLanIp", "node_name"])
        .or(instance)
        .unwrap_or_default();
    alarm.object = match (one(&["workload_kind"]), one(&["workload_name"]), pod) {
        (Some(kind), Some(name), _) => Some(ObjectRef::new(kind, namespace, name)),
        (None, Some(name), _) => Some(ObjectRef::new("Deployment", namespace, name)),
        (_, None, Some(pod)) if workload_name(&pod) == pod => {
            Some(ObjectRef::new("Pod", namespace, pod))
        }
        (kind, None, Some(pod)) => Some(ObjectRef::new(
            kind.unwrap_or_else(|| "Deployment".into()),
            namespace,
            workload_name(&pod),
        )),
        _ => None,
    };
    alarm.dimensions = dimensions;
}

/// `cls-` followed by eight letters or digits, anywhere in a text.
pub(super) fn cluster_id(text: &str) -> Option<String> {
    text.match_indices("cls-").find_map(|(i, _)| {
        let id: String = text[i..].chars().take(12).collect();
        let rest = text[i..].chars().nth(12);
        let whole = id.len() == 12
            && id[4..].bytes().all(|b| b.is_ascii_alphanumeric())
            && !rest.is_some_and(|c| c.is_ascii_alphanumeric());
        whole.then_some(id)
    })
}

/// The account in a text that is no JSON any more: `"appId":"1250000000"`.
pub(super) fn app_id(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("\"appId\"")?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    let rest = rest.strip_prefix('"').unwrap_or(rest);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_body_that_broke_off_account_and_cluster_are_known() {
        use crate::alerts::Broken;
        let text = format!(
            "{{\"alarmObjInfo\":{},\"alarmPo",
            pod_alarm()["alarmObjInfo"]
        );
        let alarm = Alarm::broken(&text, Broken::TooSlow, 7);
        assert_eq!(
            (alarm.cluster.as_str(), alarm.app_id.as_str()),
            ("cls-7a1b2c3d", "1250000000")
        );
        assert_eq!(
            app_id(r#"{"appId": 1250000000,"#).as_deref(),
            Some("1250000000")
        );
        assert_eq!(app_id(r#"{"appId":"x"}"#), None);
    }

    fn pod_alarm() -> Value {
        json!({"sessionId": "U4Lk", "alarmStatus": "1", "alarmType": "metric",
            "alarmObjInfo": {"region": "gz", "namespace": "qce/tke2", "appId": "1250000000", "uin": "100000000001",
                "dimensions": {"tke_cluster_instance_id": "cls-7a1b2c3d", "namespace": "shop", "workload_kind": "Deployment",
                    "workload_name": "checkout", "pod_name": "checkout-6f7c9d8b5d-x2k8q", "node": "10.0.3.17"}},
            "alarmPolicyInfo": {"policyId": "policy-n4exeh88", "policyName": "pod 内存利用率",
                "conditions": {"metricName": "K8sPodRateMemNoCacheLimit", "metricShowName": "Pod 内存利用率", "calcType": ">",
                    "calcValue": "90", "calcUnit": "%", "currentValue": "97.2", "unit": "%"}},
            "firstOccurTime": "2026-11-22 09:12:00", "durationTime": 180, "recoverTime": "0"})
    }

    #[test]
    fn a_metric_callback_gives_its_object_condition_and_time() {
        let alarm = read(&pod_alarm(), 7).expect("known form");
        assert_eq!(
            alarm.object,
            Some(ObjectRef::new("Deployment", "shop", "checkout"))
        );
        assert_eq!(
            (
                alarm.cluster.as_str(),
                alarm.region.as_str(),
                alarm.node.as_str()
            ),
            ("cls-7a1b2c3d", "ap-guangzhou", "10.0.3.17")
        );
        let condition = alarm.condition.as_ref().expect("condition");
        assert_eq!(
            (
                condition.comparator.as_str(),
                condition.threshold,
                condition.value
            ),
            (">", Some(90.0), Some(97.2))
        );
        assert_eq!(
            (alarm.state, alarm.first_ms),
            (State::Firing, 1_795_309_920_000)
        );
    }

    #[test]
    fn a_recovery_is_the_same_alarm_whatever_types_its_scalars_have() {
        let firing = read(&pod_alarm(), 7).expect("known form");
        let mut body = pod_alarm();
        body["sessionId"] = json!("another");
        body["alarmStatus"] = json!(0);
        body["durationTime"] = json!("900");
        body["recoverTime"] = json!("2026-11-22 09:27:00");
        body["alarmPolicyInfo"]["conditions"]["currentValue"] = json!(41.5);
        let recovered = read(&body, 9).expect("known form");
        assert_eq!(recovered.state, State::Recovered);
        assert_eq!(
            (recovered.kin(), recovered.first_ms),
            (firing.kin(), firing.first_ms)
        );
    }

    #[test]
    fn an_event_callback_names_its_event_and_node() {
        let alarm = read(&json!({"alarmStatus": "1", "alarmType": "event",
            "alarmObjInfo": {"region": "gz", "dimensions": {"unInstanceId": "ins-o9p3rg3m", "deviceName": "tke_cls-7a1b2c3d_worker3",
                "objDetail": {"deviceLanIp": "10.0.3.17"}}},
            "alarmPolicyInfo": {"policyName": "node events", "conditions": {"eventName": "ping_unreachable", "eventShowName": "ping 不可达"}},
            "firstOccurTime": "2026-11-22 09:12:00", "recoverTime": ""}), 7).expect("known form");
        assert_eq!(
            (
                alarm.event.as_str(),
                alarm.node.as_str(),
                alarm.cluster.as_str()
            ),
            ("ping_unreachable", "10.0.3.17", "cls-7a1b2c3d")
        );
        assert_eq!(alarm.condition, None);
    }

    #[test]
    fn the_flat_body_of_a_custom_template_is_read() {
        let alarm = read(&json!({"app_id": 1_250_000_000, "policy_name": "cpu", "object": "AppId:125|cluster:cls-7a1b2c3d", "content": "CPU 利用率 > 80%",
            "current_value": "93%", "status": "Recovery", "trigger_time": "2025-07-29 12:17:00 (UTC+08:00)"}), 7).expect("known form");
        assert_eq!(
            (alarm.state, alarm.cluster.as_str(), alarm.first_ms),
            (State::Recovered, "cls-7a1b2c3d", 1_753_762_620_000)
        );
    }
}
