//! One line of the event log to an [`EventRecord`].
//!
//! In: a JSON line as TKE's event persistence ships it. Out: the Event in one shape, whatever API version and wrapping it had.
//! Always true: the identity is that of `metadata.uid`, `count` and `lastTimestamp`; the message holds no secret. Does not fold
//! the records of one Event: their counts are cumulative, and only the day knows where it begins.
//!
//! Wrappings (facts: the nesting under `event` is documented, its siblings are not): an object in `event`, the same as an escaped
//! string, flat `event.x` keys, or the record itself. Names of core/v1 and events.k8s.io/v1 are both read.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    identity,
    json::{self, Node},
    redact,
};
use crate::model::{
    EvidenceId, LogKind, ObjectRef,
    record::{EventRecord, Rejection},
};

/// Reads one line.
pub fn read(line: &[u8]) -> Result<EventRecord, Rejection> {
    let mut ts_ms = None;
    let mut cluster = String::new();
    let mut event = Map::new();
    let mut wrapped = false;
    json::for_each_field(line, |key, node| match key.as_ref() {
        "__TIMESTAMP__" => ts_ms = node.as_time(),
        "clusterId" | "cluster_id" | "__TAG__.cluster_id" => cluster = node.text().into_owned(),
        "__TAG__" => {
            if let Some(Value::String(id)) = object(&node).get_mut("cluster_id").map(Value::take) {
                cluster = id;
            }
        }
        "event" => {
            event = object(&node);
            wrapped = true;
        }
        "old_event" => {}
        key => match key.strip_prefix("event.") {
            Some(path) => {
                insert(&mut event, path, value(&node));
                wrapped = true;
            }
            None if !wrapped => {
                event.insert(key.to_owned(), value(&node));
            }
            None => {}
        },
    })?;
    let ts_ms = ts_ms.ok_or(Rejection::NoTimestamp)?;
    record(ts_ms, cluster, &event).ok_or(Rejection::WrongKind)
}

fn record(ts_ms: i64, cluster: String, event: &Map<String, Value>) -> Option<EventRecord> {
    let event = Fields(event);
    let object = event
        .object("involvedObject")
        .or_else(|| event.object("regarding"))?;
    let metadata = event.object("metadata").unwrap_or_default();
    let series = event.object("series").unwrap_or_default();
    let source = event
        .object("source")
        .or_else(|| event.object("deprecatedSource"))
        .unwrap_or_default();
    let (metadata, object, series, source) = (
        Fields(&metadata),
        Fields(&object),
        Fields(&series),
        Fields(&source),
    );
    let name = object.text(&["name"]);
    let reason = event.text(&["reason"]);
    if name.is_empty() && reason.is_empty() {
        return None;
    }
    let count = [
        event.number("count"),
        event.number("deprecatedCount"),
        series.number("count"),
    ]
    .into_iter()
    .flatten()
    .max()
    .unwrap_or(1)
    .max(1);
    let last_text = [
        event.text(&["lastTimestamp", "deprecatedLastTimestamp"]),
        series.text(&["lastObservedTime"]),
        event.text(&["eventTime"]),
    ]
    .into_iter()
    .find(|t| !t.is_empty())
    .unwrap_or_default();
    let first_text = event.text(&["firstTimestamp", "deprecatedFirstTimestamp", "eventTime"]);
    let last_ms = time(&last_text).unwrap_or(ts_ms);
    let first_ms = time(&first_text).unwrap_or(last_ms).min(last_ms);
    let uid = match metadata.text(&["uid"]) {
        uid if uid.is_empty() => {
            format!(
                "{}/{}",
                metadata.text(&["namespace"]),
                metadata.text(&["name"])
            )
        }
        uid => uid,
    };
    let message = event.text(&["message", "note"]);
    let hash = identity::of_parts([uid.as_str(), &count.to_string(), &last_text]);
    Some(EventRecord {
        id: EvidenceId {
            kind: LogKind::Event,
            hash,
        },
        ts_ms,
        cluster,
        uid,
        object: ObjectRef::new(object.text(&["kind"]), object.text(&["namespace"]), name),
        object_uid: object.text(&["uid"]),
        container: container(&object.text(&["fieldPath"])),
        reason,
        message: redact::text(&message).into_owned(),
        warning: event.text(&["type"]) == "Warning",
        component: match source.text(&["component"]) {
            c if c.is_empty() => event.text(&["reportingComponent", "reportingController"]),
            c => c,
        },
        host: match source.text(&["host"]) {
            h if h.is_empty() => event.text(&["reportingInstance"]),
            h => h,
        },
        first_ms,
        last_ms,
        count,
    })
}

/// The container in `spec.containers{checkout}`, the kubelet's way to say which one it means.
fn container(field_path: &str) -> String {
    field_path
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map_or_else(String::new, |(name, _)| name.to_owned())
}

fn time(text: &str) -> Option<i64> {
    text.parse::<Timestamp>()
        .ok()
        .map(Timestamp::as_millisecond)
}

/// Fields of an object, forgiving about types.
struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    /// The first of these fields that holds text or a number.
    fn text(&self, names: &[&str]) -> String {
        names
            .iter()
            .find_map(|name| match self.0.get(*name)? {
                Value::String(s) if !s.is_empty() => Some(s.clone()),
                Value::Number(n) => Some(n.to_string()),
                _ => None,
            })
            .unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<u64> {
        match self.0.get(name)? {
            Value::String(s) => s.trim().parse().ok(),
            n => n.as_u64(),
        }
    }

    /// An object, be it structured or an escaped string.
    fn object(&self, name: &str) -> Option<Map<String, Value>> {
        match self.0.get(name)? {
            Value::Object(map) => Some(map.clone()),
            Value::String(s) => serde_json::from_str(s).ok(),
            _ => None,
        }
    }
}

fn object(node: &Node<'_>) -> Map<String, Value> {
    node.nested()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

fn value(node: &Node<'_>) -> Value {
    serde_json::from_str(node.raw()).unwrap_or(Value::Null)
}

/// Puts a value where a dotted path says, as in `involvedObject.name`.
fn insert(map: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((head, rest)) = path.split_once('.') else {
        map.insert(path.to_owned(), value);
        return;
    };
    let child = map.entry(head).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(child) = child {
        insert(child, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: &str = r#"{"metadata":{"name":"checkout-6f7c9d8b5d-x2k8q.187a3f0b2c9d1e44","namespace":"shop","uid":"5f3d2d1c"},"involvedObject":{"kind":"Pod","namespace":"shop","name":"checkout-6f7c9d8b5d-x2k8q","uid":"1f0c0d3e","fieldPath":"spec.containers{checkout}"},"reason":"BackOff","message":"Back-off pulling image \"x\"","source":{"component":"kubelet","host":"10.0.3.17"},"firstTimestamp":"2026-11-21T15:58:03Z","lastTimestamp":"2026-11-21T16:10:12Z","count":9,"type":"Warning","eventTime":null,"reportingComponent":"kubelet","reportingInstance":""}"#;

    fn line(extra: &str) -> String {
        format!(
            r#"{{"__TIMESTAMP__":1795277412000,"__SOURCE__":"172.16.0.9","clusterId":"cls-7a1b2c3d","verb":"UPDATED",{extra}}}"#
        )
    }

    #[test]
    fn every_wrapping_gives_the_same_record() {
        let plain = read(line(&format!(r#""event":{CORE}"#)).as_bytes()).expect("object");
        let escaped = serde_json::to_string(CORE).expect("escape");
        let inner = &CORE[1..CORE.len() - 1];
        let flat = line(
            r#""event.metadata.uid":"5f3d2d1c","event.involvedObject.kind":"Pod","event.involvedObject.namespace":"shop","event.involvedObject.name":"checkout-6f7c9d8b5d-x2k8q","event.involvedObject.uid":"1f0c0d3e","event.involvedObject.fieldPath":"spec.containers{checkout}","event.reason":"BackOff","event.message":"Back-off pulling image \"x\"","event.source":"{\"component\":\"kubelet\",\"host\":\"10.0.3.17\"}","event.firstTimestamp":"2026-11-21T15:58:03Z","event.lastTimestamp":"2026-11-21T16:10:12Z","event.count":"9","event.type":"Warning""#,
        );
        for (name, other) in [
            ("escaped", line(&format!(r#""event":{escaped}"#))),
            ("itself", line(inner)),
            ("flat", flat),
        ] {
            assert_eq!(read(other.as_bytes()).as_ref(), Ok(&plain), "{name}");
        }
        assert_eq!(
            plain.object,
            ObjectRef::new("Pod", "shop", "checkout-6f7c9d8b5d-x2k8q")
        );
        assert_eq!(
            (
                plain.container.as_str(),
                plain.count,
                plain.warning,
                plain.host.as_str()
            ),
            ("checkout", 9, true, "10.0.3.17")
        );
        assert_eq!((plain.last_ms - plain.first_ms) / 1000, 729);
    }

    #[test]
    fn names_of_the_newer_api_are_read() {
        let line = line(
            r#""event":{"metadata":{"uid":"u1"},"regarding":{"kind":"Pod","namespace":"shop","name":"a-0"},"reason":"FailedScheduling","note":"0/6 nodes","type":"Warning","eventTime":"2026-11-21T15:58:03.123456Z","deprecatedCount":3,"series":{"count":12,"lastObservedTime":"2026-11-21T16:10:12.000000Z"},"reportingController":"default-scheduler","reportingInstance":"s-1"}"#,
        );
        let record = read(line.as_bytes()).expect("record");
        assert_eq!(
            (
                record.count,
                record.message.as_str(),
                record.component.as_str()
            ),
            (12, "0/6 nodes", "default-scheduler")
        );
        assert_eq!(
            (record.first_ms, record.last_ms),
            (1_795_276_683_123, 1_795_277_412_000)
        );
    }

    #[test]
    fn a_record_of_another_kind_is_named_so() {
        assert_eq!(
            read(br#"{"__TIMESTAMP__":1795277412000,"__CONTENT__":"x"}"#),
            Err(Rejection::WrongKind)
        );
        assert_eq!(read(br#"{"event":{}}"#), Err(Rejection::NoTimestamp));
    }
}
