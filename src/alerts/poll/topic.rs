//! Alarms that Tencent Cloud writes into a CLS topic: a notification template may push there (`CLSNotices`), where no address is public.
//!
//! In: a topic. Out: each log of it as the body of an alarm, once. Always true: a log of any form is kept. Looks a little back each
//! time, since logs are searchable up to a minute after they came.

use serde_json::Value;

use super::{Error, FRESH_MS, Place, ROOM, news};
use crate::{
    alerts::{Source, inbox},
    intake::cls::{Cls, Found, Meta, Query},
    model::Origin,
    store::Store,
};

/// A log may become searchable this much after its time.
const LATE_MS: i64 = 5 * 60 * 1000;
/// Alarms fetched in one look; the rest comes with the next.
const MOST: usize = 1000;

/// Fetches what is new; returns how many alarms are news.
pub async fn topic(cls: &Cls, topic: &str, store: &Store, now_ms: i64) -> Result<usize, Error> {
    let name = format!("topic {topic}");
    let mut place: Place = store.fact(ROOM, name.clone()).await?.unwrap_or_default();
    let from_ms = if place.is_first() {
        now_ms - FRESH_MS
    } else {
        place.until_ms - LATE_MS
    };
    let query = Query {
        topic: topic.to_owned(),
        from_ms,
        to_ms: now_ms,
        text: "*".to_owned(),
        limit: MOST,
        meta: Meta::default(),
    };
    let page = cls.search(&query).await?;
    let mut deliveries = Vec::new();
    let mut until_ms = now_ms;
    for found in &page.found {
        let at_ms = found.origin.cls_time();
        if page.cut {
            until_ms = at_ms;
        }
        if place.add(mark(found), at_ms) {
            let body = body(&found.line);
            deliveries.extend(inbox::receive(store, body.as_bytes(), Source::Tcop, now_ms).await?);
        }
    }
    place.until_ms = until_ms;
    place.forget(until_ms - 2 * LATE_MS);
    store.put_fact(ROOM, name, &place).await?;
    Ok(news(&deliveries))
}

/// What names a log in its topic.
fn mark(found: &Found) -> String {
    match &found.origin {
        Origin::Cls {
            pkg_id,
            pkg_log_id,
            time,
            ..
        } => format!("{pkg_id} {pkg_log_id} {time}"),
        Origin::Bucket { key, line } => format!("{key} {line}"),
    }
}

/// The alarm in a log: its only text, or its fields.
fn body(line: &str) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::from_str(line) else {
        return line.to_owned();
    };
    if let Some(Value::String(content)) = fields.get("__CONTENT__") {
        return content.clone();
    }
    fields.retain(|name, _| !name.starts_with("__"));
    let mut values = fields.values();
    if let (Some(Value::String(one)), None) = (values.next(), values.next()) {
        return one.clone();
    }
    // Fields that hold JSON come as text when the topic has no structure.
    for value in fields.values_mut() {
        let nested = value
            .as_str()
            .filter(|s| s.starts_with('{'))
            .and_then(|s| serde_json::from_str(s).ok());
        if let Some(nested) = nested {
            *value = nested;
        }
    }
    Value::Object(fields).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::alerts::read;

    #[test]
    fn a_log_is_a_body_in_one_text_in_fields_or_in_plain_words() {
        let callback = json!({"alarmStatus": "1", "alarmObjInfo": {"region": "gz", "dimensions": {"namespace": "shop", "workload_name": "checkout"}},
            "alarmPolicyInfo": {"policyId": "p-1", "policyName": "mem", "conditions": {"metricName": "m"}}, "firstOccurTime": "2026-11-22 09:12:00"});
        let flat = json!({"__TIMESTAMP__": 7, "alarmStatus": "1", "alarmObjInfo": callback["alarmObjInfo"].to_string(),
            "alarmPolicyInfo": callback["alarmPolicyInfo"].to_string(), "firstOccurTime": "2026-11-22 09:12:00"});
        let wanted = read(callback.to_string().as_bytes(), 7);
        for line in [
            json!({"__CONTENT__": callback.to_string(), "__TIMESTAMP__": 7}),
            json!({"message": callback.to_string(), "__SOURCE__": "1.2.3.4"}),
            flat,
        ] {
            assert_eq!(
                read(body(&line.to_string()).as_bytes(), 7),
                wanted,
                "{line}"
            );
        }
        assert_eq!(body("disk is full"), "disk is full");
    }
}
