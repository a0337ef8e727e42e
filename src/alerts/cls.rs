//! Alarms of CLS, in the form of the template that `gengfu doctor` prints.

use serde_json::Value;

use super::{
    alarm::{Alarm, Source, State},
    loose::{first, region, text, time},
    tcop,
};

/// Matched log lines that are kept with the alarm; CLS attaches ten at most.
const LINES: usize = 10;

pub(super) fn read(body: &Value, received_ms: i64) -> Option<Alarm> {
    let ours = text(body, "/kind") == "cls_alarm";
    let theirs = body.get("alarmId").is_some() && body.get("topicId").is_some();
    if !ours && !theirs {
        return None;
    }
    let state = if text(body, "/notifyType") == "2" {
        State::Recovered
    } else {
        State::Firing
    };
    let notified = time(&first(body, &["/notify", "/notifyTime"]));
    // A list of logs for each query, or one list of logs.
    let logs: Vec<&Value> = body
        .get("queryLog")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .flat_map(|entry| match entry {
            Value::Array(logs) => logs.iter().collect(),
            log => vec![log],
        })
        .collect();
    let lines: Vec<String> = logs.iter().take(LINES).map(|log| line(log)).collect();
    let mut alarm = Alarm {
        state,
        name: text(body, "/alarm"),
        policy: first(body, &["/alarmId", "/alarm"]),
        account: text(body, "/uin"),
        region: region(&text(body, "/region")),
        level: text(body, "/level"),
        first_ms: time(&text(body, "/start"))
            .or(notified)
            .unwrap_or(received_ms),
        recovered_ms: (state == State::Recovered).then_some(notified.unwrap_or(received_ms)),
        text: first(body, &["/message", "/condition", "/params"]),
        ..Alarm::blank(Source::Cls, received_ms)
    };
    // The first line that names its pod tells the object; all lines of an alarm come from one query.
    let tags = logs
        .iter()
        .find_map(|l| l.pointer("/content/__TAG__"))
        .and_then(Value::as_object);
    let mut dimensions: std::collections::BTreeMap<String, String> = tags
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    let topic = text(body, "/topicId");
    dimensions.insert("topicId".into(), topic.clone());
    tcop::place(&mut alarm, dimensions);
    // Which pod happened to come first is no part of the alarm's identity, and a recovery comes without any.
    alarm.identity.insert("topicId".into(), topic);
    alarm.lines = lines;
    Some(alarm)
}

/// What a person reads of an attached log.
fn line(log: &Value) -> String {
    match log.pointer("/content/__CONTENT__").and_then(Value::as_str) {
        Some(content) => content.to_owned(),
        None => log.get("content").unwrap_or(log).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::ObjectRef;

    #[test]
    fn our_template_gives_the_object_of_its_first_line() {
        let alarm = read(&json!({"kind": "cls_alarm", "uin": "100000000001", "region": "ap-guangzhou", "alarm": "支付报错", "alarmId": "alarm-1",
            "notifyType": 1, "topicId": "t-1", "start": 1_795_309_920, "notify": 1_795_309_980, "condition": "$1.count > 10",
            "queryLog": [{"content": {"__CONTENT__": "ERROR pool exhausted", "__TAG__": {"cluster_id": "cls-7a1b2c3d", "namespace": "pay", "pod_name": "billing-6f7c9d8b5d-x2k8q"}}}]}), 7)
            .expect("known form");
        assert_eq!(
            alarm.object,
            Some(ObjectRef::new("Deployment", "pay", "billing"))
        );
        assert_eq!(
            (alarm.first_ms, alarm.lines),
            (1_795_309_920_000, vec!["ERROR pool exhausted".to_owned()])
        );
    }
}
