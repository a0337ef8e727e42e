//! What stands beside a log in the file it was collected from: `DescribeLogContext`.
//!
//! In: where a log lies in its topic. Out: the logs before and after it, oldest first, in the form of [`Found`]. Always true: the log
//! itself is among neither; it takes its turn with the searches of the topic, and what is asked too often is asked again
//! ([`crate::intake::tc3`]; the service allows twenty in a second). Source: <https://cloud.tencent.com/document/api/614/56448>.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Cls, Found, LogInfo, Meta, UTC8, millis};
use crate::{
    intake::tc3::{Error, Service},
    model::Origin,
};

/// Logs on one side, the service's limit.
const MOST: usize = 100;

/// One log of a topic, as `SearchLog` named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub topic: String,
    /// Of the package in which it was sent.
    pub pkg_id: String,
    /// Its number in the package, from 0.
    pub pkg_log_id: i64,
    /// Unix milliseconds.
    pub time_ms: i64,
}

impl Place {
    /// `None` for a line of an object, and where the service gave no number.
    #[must_use]
    pub fn of(origin: &Origin) -> Option<Self> {
        match origin {
            Origin::Bucket { .. } => None,
            Origin::Cls {
                topic,
                pkg_id,
                pkg_log_id,
                time,
            } => Some(Self {
                topic: topic.clone(),
                pkg_id: pkg_id.clone(),
                pkg_log_id: pkg_log_id.parse().ok()?,
                time_ms: *time,
            }),
        }
    }

    fn is(&self, log: &LogContextInfo) -> bool {
        (&log.pkg_id, log.pkg_log_id) == (&self.pkg_id, self.pkg_log_id)
    }

    /// Whether a log comes after this one, where this one is not in the answer.
    fn is_before(&self, log: &LogContextInfo) -> bool {
        if log.pkg_id == self.pkg_id {
            log.pkg_log_id > self.pkg_log_id
        } else {
            millis(&log.b_time) > self.time_ms
        }
    }
}

/// The logs on both sides of one, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    pub before: Vec<Found>,
    pub after: Vec<Found>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LogContext {
    #[serde(default)]
    log_context_infos: Vec<LogContextInfo>,
}

/// A log of `DescribeLogContext`: what `SearchLog` gives under other names, and no topic.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LogContextInfo {
    #[serde(default)]
    source: String,
    #[serde(default)]
    filename: String,
    #[serde(default)]
    host_name: String,
    #[serde(default)]
    content: String,
    pkg_id: String,
    pkg_log_id: i64,
    #[serde(default)]
    b_time: Value,
}

impl LogContextInfo {
    fn into_found(self, topic: &str, meta: &Meta) -> Found {
        let log = LogInfo {
            time: self.b_time,
            topic_id: topic.to_owned(),
            source: self.source,
            file_name: self.filename,
            host_name: self.host_name,
            pkg_id: self.pkg_id,
            pkg_log_id: self.pkg_log_id.into(),
            log_json: self.content,
        };
        log.into_found(topic, meta)
    }
}

impl Cls {
    /// Up to `each` logs on each side of one.
    pub async fn beside(&self, place: &Place, each: usize, meta: &Meta) -> Result<Beside, Error> {
        let each = each.min(MOST);
        let body = json!({
            "TopicId": place.topic, "BTime": in_utc8(place.time_ms), "PkgId": place.pkg_id, "PkgLogId": place.pkg_log_id,
            "PrevLogs": each, "NextLogs": each,
        });
        let permit = self.turns.of(&place.topic).await;
        let action = "DescribeLogContext";
        let answer = self.api.call(Service::Cls, action, &body).await?;
        drop(permit);
        let mut logs = self.read::<LogContext>(action, answer)?.log_context_infos;
        let itself = logs.iter().position(|log| place.is(log));
        let later = || logs.iter().position(|log| place.is_before(log));
        let mut after = logs.split_off(itself.or_else(later).unwrap_or(logs.len()));
        after.retain(|log| !place.is(log));
        let found = |logs: Vec<LogContextInfo>| {
            let found = logs.into_iter().map(|l| l.into_found(&place.topic, meta));
            found.collect()
        };
        Ok(Beside {
            before: found(logs),
            after: found(after),
        })
    }
}

/// A time as the service asks for it.
fn in_utc8(time_ms: i64) -> String {
    let time = Timestamp::from_millisecond(time_ms).unwrap_or_default();
    let civil = UTC8.to_datetime(time);
    civil.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

#[cfg(test)]
mod tests {
    use wiremock::{Mock, Request};

    use super::*;
    use crate::intake::{
        cls::Turns,
        tc3::tests::{response, signed, stand_in},
    };

    const START: i64 = 1_795_190_400_000;

    fn place() -> Place {
        Place {
            topic: "t-1".to_owned(),
            pkg_id: "9A-5".to_owned(),
            pkg_log_id: 0,
            time_ms: START + 7,
        }
    }

    /// A log as the service writes it here: other names than in a search, and numbers where that has texts.
    fn log(pkg: &str, number: i64, ms: i64) -> Value {
        json!({"Source": "10.0.0.1", "Filename": "/var/log/a.log", "HostName": "node-1", "PkgId": pkg, "PkgLogId": number, "BTime": ms,
            "Content": json!({"__CONTENT__": format!("{pkg} {number}"), "__TAG__": {"pod_name": "p"}}).to_string()})
    }

    async fn asked(logs: Vec<Value>) -> (Vec<String>, Vec<String>, Beside) {
        let (server, api) = stand_in().await;
        let answer = move |request: &Request| {
            assert_eq!(request.headers["x-tc-action"], "DescribeLogContext");
            let body: Value = serde_json::from_slice(&request.body).expect("json");
            let expected = json!({"TopicId": "t-1", "BTime": "2026-11-21 00:00:00.007", "PkgId": "9A-5", "PkgLogId": 0, "PrevLogs": 10, "NextLogs": 10});
            assert_eq!(body, expected);
            response(&json!({"PrevOver": true, "NextOver": true, "LogContextInfos": logs}))
        };
        Mock::given(signed)
            .respond_with(answer)
            .mount(&server)
            .await;
        let cls = Cls::new(api, Turns::default());
        let beside = cls.beside(&place(), 10, &Meta::default()).await;
        let beside = beside.expect("answer");
        let texts = |found: &[Found]| {
            let of = |f: &Found| {
                let line: Value = serde_json::from_str(&f.line).expect("json");
                line["__CONTENT__"].as_str().expect("text").to_owned()
            };
            found.iter().map(of).collect()
        };
        (texts(&beside.before), texts(&beside.after), beside)
    }

    #[tokio::test]
    async fn the_logs_on_both_sides_are_told_apart_with_and_without_the_log_itself() {
        let [first, before, itself, after, last] = [
            log("9A-4", 65_536, START),
            log("9A-4", 131_072, START + 7),
            log("9A-5", 0, START + 7),
            log("9A-5", 65_536, START + 7),
            log("9A-6", 0, START + 9),
        ];
        let expected = [["9A-4 65536", "9A-4 131072"], ["9A-5 65536", "9A-6 0"]];
        let with = vec![
            first.clone(),
            before.clone(),
            itself,
            after.clone(),
            last.clone(),
        ];
        for logs in [with, vec![first, before, after, last]] {
            let (before, after, beside) = asked(logs).await;
            assert_eq!([&before[..], &after[..]], expected);
            let origin = Origin::Cls {
                topic: "t-1".to_owned(),
                pkg_id: "9A-5".to_owned(),
                pkg_log_id: "65536".to_owned(),
                time: START + 7,
            };
            assert_eq!(beside.after[0].origin, origin);
        }
        let (before, after, _) = asked(Vec::new()).await;
        assert!(before.is_empty() && after.is_empty());
    }

    #[tokio::test]
    async fn a_log_beside_looks_as_if_it_had_been_shipped() {
        let (_, _, beside) = asked(vec![log("9A-4", 1, START)]).await;
        let record = crate::intake::business::read(beside.before[0].line.as_bytes());
        let shipped = format!(
            r#"{{"__TIMESTAMP__":{START},"__SOURCE__":"10.0.0.1","__FILENAME__":"/var/log/a.log","__HOSTNAME__":"node-1","__CONTENT__":"9A-4 1","__TAG__.pod_name":"p"}}"#
        );
        let shipped = crate::intake::business::read(shipped.as_bytes());
        assert_eq!(
            record.expect("record").identity,
            shipped.expect("record").identity
        );
    }

    #[test]
    fn only_a_log_of_a_topic_with_a_number_has_a_place() {
        let cls = |number: &str| Origin::Cls {
            topic: "t-1".to_owned(),
            pkg_id: "9A-5".to_owned(),
            pkg_log_id: number.to_owned(),
            time: START + 7,
        };
        assert_eq!(Place::of(&cls("0")), Some(place()));
        assert_eq!(Place::of(&cls("")), None);
        let line = Origin::Bucket {
            key: "business/a.gz".to_owned(),
            line: 1,
        };
        assert_eq!(Place::of(&line), None);
    }
}
