//! The history of alarms that Tencent Cloud Observability Platform keeps: `monitor:DescribeAlarmHistories`.
//!
//! In: the last day's entries. Out: bodies for the inbox, each state of an alarm once. Always true: an entry is the same alarm as the
//! callback that was sent for it, where its dimensions say so. Source: <https://cloud.tencent.com/document/api/248/51277>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Error, FRESH_MS, Place, ROOM, news};
use crate::{
    alerts::{
        alarm::{Alarm, Condition, Source, State},
        inbox,
        loose::{first, number, region, text, time},
        spoken, tcop,
    },
    intake::tc3::{self, Api, Service},
    store::Store,
};

/// The end of an alarm is found by when it began: this far back.
const BACK_MS: i64 = 24 * 3600 * 1000;
/// Entries on a page, the service's limit, and pages that are read.
const PAGE: usize = 100;
const PAGES: u32 = 10;

/// Fetches what is new; returns how many alarms are news.
pub async fn histories(api: &Api, store: &Store, now_ms: i64) -> Result<usize, Error> {
    let name = "history";
    let mut place: Place = store.fact(ROOM, name.to_owned()).await?.unwrap_or_default();
    let mut entries = Vec::new();
    for page in 1..=PAGES {
        // The ends of the span are not part of it.
        let body = json!({"Module": "monitor", "PageNumber": page, "PageSize": PAGE, "Order": "DESC",
            "StartTime": (now_ms - BACK_MS) / 1000, "EndTime": now_ms / 1000 + 1});
        let answer = api
            .call(Service::Monitor, "DescribeAlarmHistories", &body)
            .await?;
        let found = answer.get("Histories").and_then(Value::as_array);
        let found = found.map_or(&[][..], Vec::as_slice);
        entries.extend(found.iter().cloned());
        if found.len() < PAGE {
            break;
        }
    }
    let mut deliveries = Vec::new();
    // Oldest first: a recovery comes after what it ends.
    let said = entries.iter().rev();
    for entry in said.filter(|entry| state(entry).is_some()) {
        let began_ms = time(&text(entry, "/FirstOccurTime")).unwrap_or(now_ms);
        let is_news = !place.is_first() || began_ms > now_ms - FRESH_MS;
        let mark = format!(
            "{} {}",
            text(entry, "/AlarmId"),
            text(entry, "/AlarmStatus")
        );
        if place.add(mark, began_ms) && is_news {
            let body = entry.to_string();
            deliveries.extend(inbox::receive(store, body.as_bytes(), Source::Tcop, now_ms).await?);
        }
    }
    place.until_ms = now_ms;
    place.forget(now_ms - 2 * BACK_MS);
    store.put_fact(ROOM, name.to_owned(), &place).await?;
    Ok(news(&deliveries))
}

/// `NO_CONF` (its policy is gone) and `NO_DATA` say nothing of what is watched.
fn state(entry: &Value) -> Option<State> {
    match text(entry, "/AlarmStatus").to_uppercase().as_str() {
        "ALARM" => Some(State::Firing),
        "OK" => Some(State::Recovered),
        _ => None,
    }
}

/// Whether this key may fetch at all: one entry is asked for.
pub async fn may_be_fetched(api: &Api, now_ms: i64) -> Result<(), tc3::Error> {
    let body = json!({"Module": "monitor", "PageNumber": 1, "PageSize": 1,
        "StartTime": (now_ms - BACK_MS) / 1000, "EndTime": now_ms / 1000 + 1});
    let asked = api.call(Service::Monitor, "DescribeAlarmHistories", &body);
    asked.await.map(drop)
}

/// An entry of the history as an alarm.
pub(in crate::alerts) fn read(entry: &Value, received_ms: i64) -> Option<Alarm> {
    entry.get("AlarmObject").or_else(|| entry.get("Content"))?;
    entry.get("AlarmId")?;
    let state = state(entry)?;
    let at = |name: &str| text(entry, name);
    let is_event = at("/AlarmType").eq_ignore_ascii_case("EVENT");
    let metric = at("/MetricsInfo/0/MetricName");
    let mut condition = spoken::compare(&at("/Content")).unwrap_or_default();
    condition.value = number(&at("/MetricsInfo/0/Value")).or(condition.value);
    let shown = at("/MetricsInfo/0/Description");
    if !shown.is_empty() {
        condition.shown = shown;
    } else if condition.shown.is_empty() {
        condition.shown.clone_from(&metric);
    }
    condition.metric = metric;
    let known = condition != Condition::default() && !is_event;
    let last_ms = time(&at("/LastOccurTime"));
    let mut alarm = Alarm {
        state,
        name: first(entry, &["/PolicyName", "/Content"]),
        policy: first(entry, &["/PolicyId", "/PolicyName"]),
        region: region(&at("/Region")),
        event: if is_event {
            first(entry, &["/MetricsInfo/0/MetricName", "/Content"])
        } else {
            String::new()
        },
        condition: known.then_some(condition),
        level: at("/AlarmLevel"),
        first_ms: time(&at("/FirstOccurTime")).unwrap_or(received_ms),
        recovered_ms: (state == State::Recovered).then(|| last_ms.unwrap_or(received_ms)),
        text: first(entry, &["/Content", "/AlarmObject"]),
        ..Alarm::blank(Source::Tcop, received_ms)
    };
    let mut dimensions = dimensions(&at("/Dimensions"));
    if dimensions.is_empty() {
        dimensions.insert("objName".to_owned(), at("/AlarmObject"));
    }
    tcop::place(&mut alarm, dimensions);
    Some(alarm)
}

/// JSON in a text: an object, or a list of names and values. Anything else is left out.
fn dimensions(text: &str) -> BTreeMap<String, String> {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    match &value {
        Value::Object(_) => tcop::flatten(Some(&value)),
        Value::Array(list) => {
            let one = |item: &Value| {
                let name = first(item, &["/Key", "/Name", "/key", "/name"]);
                let value = first(item, &["/Value", "/value"]);
                (!name.is_empty()).then_some((name, value))
            };
            list.iter().filter_map(one).collect()
        }
        _ => BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectRef;

    #[test]
    fn an_entry_is_the_alarm_of_its_callback() {
        let entry = json!({"AlarmId": "a-1", "MonitorType": "MT_QCE", "Namespace": "qce/tke2", "AlarmObject": "cls-7a1b2c3d(prod)|shop|checkout",
            "Content": "Pod 内存利用率 > 90%", "FirstOccurTime": 1_795_309_920, "LastOccurTime": 1_795_310_820, "AlarmStatus": "OK",
            "PolicyId": "policy-n4exeh88", "PolicyName": "pod 内存利用率", "Region": "gz", "AlarmType": "METRIC", "AlarmLevel": "Serious",
            "MetricsInfo": [{"QceNamespace": "qce/tke2", "MetricName": "K8sPodRateMemNoCacheLimit", "Period": 60, "Value": "97.2", "Description": "Pod 内存利用率"}],
            "Dimensions": "{\"tke_cluster_instance_id\":\"cls-7a1b2c3d\",\"namespace\":\"shop\",\"workload_kind\":\"Deployment\",\"workload_name\":\"checkout\"}"});
        let alarm = read(&entry, 7).expect("known form");
        assert_eq!(
            alarm.object,
            Some(ObjectRef::new("Deployment", "shop", "checkout"))
        );
        assert_eq!(
            (alarm.state, alarm.first_ms, alarm.recovered_ms),
            (State::Recovered, 1_795_309_920_000, Some(1_795_310_820_000))
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
        let callback = json!({"alarmStatus": "1", "alarmObjInfo": {"region": "gz", "dimensions": {"tke_cluster_instance_id": "cls-7a1b2c3d",
            "namespace": "shop", "workload_kind": "Deployment", "workload_name": "checkout"}}, "alarmPolicyInfo": {"policyId": "policy-n4exeh88",
            "policyName": "pod 内存利用率", "conditions": {"metricName": "K8sPodRateMemNoCacheLimit"}}, "firstOccurTime": "2026-11-22 09:12:00"});
        let callback = crate::alerts::read(callback.to_string().as_bytes(), 7);
        assert_eq!(alarm.kin(), callback.kin());
        let listed = json!([{"Key": "namespace", "Value": "shop"}]).to_string();
        assert_eq!(
            dimensions(&listed).get("namespace").map(String::as_str),
            Some("shop")
        );
        assert!(dimensions("ins-1").is_empty());
    }
}
