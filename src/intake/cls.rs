//! Live logs of a CLS topic: the minutes that are not yet shipped, and what stands [`beside`] a line of them.
//!
//! In: topic, window, query. Out: [`Found`] lines in the very form in which CLS ships them to COS (`LogJson` with `__TIMESTAMP__`,
//! `__SOURCE__`, `__FILENAME__` and `__HOSTNAME__` added), so that the readers of [`crate::intake`] and the identities they give are shared. Always true:
//! at most [`MOST_QUERIES`] queries run on a topic at once; what was cut is said. Does not read or redact a record.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{Timestamp, tz::Offset};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::tc3::{Api, Error, Service};
use crate::model::Origin;

pub mod beside;

/// Queries on one topic at once; the service refuses a sixteenth.
pub const MOST_QUERIES: usize = 15;
/// Logs in one answer, the service's limit.
const PAGE: usize = 1000;
/// Logs that can be paged through with one `Context`.
const MOST_BY_CONTEXT: usize = 10_000;

/// The topics of one key. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cls {
    api: Api,
    turns: Turns,
}

/// Who may query a topic now: at most [`MOST_QUERIES`] at once. Whoever asks in one process shares it. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Turns(Arc<Mutex<HashMap<String, Arc<Semaphore>>>>);

impl Turns {
    /// Waits until fewer than [`MOST_QUERIES`] queries run on this topic. `None` cannot happen: the semaphores are never closed.
    async fn of(&self, topic: &str) -> Option<OwnedSemaphorePermit> {
        let semaphore = {
            let mut queries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Semaphore::new(MOST_QUERIES));
            queries.entry(topic.to_owned()).or_insert_with(new).clone()
        };
        semaphore.acquire_owned().await.ok()
    }
}

/// Which of the fields that CLS keeps beside a log its shipping task writes: a record is the same in both places by what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// `__SOURCE__`, `__FILENAME__`, `__HOSTNAME__`; `None`: all of them.
    pub fields: Option<Vec<String>>,
    pub tags: bool,
}

impl Default for Meta {
    fn default() -> Self {
        Self {
            fields: None,
            tags: true,
        }
    }
}

impl Meta {
    fn has(&self, field: &str) -> bool {
        let listed = |fields: &Vec<String>| fields.iter().any(|f| f == field);
        self.fields.as_ref().is_none_or(listed)
    }
}

/// What to look for. `from_ms <= time < to_ms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub topic: String,
    pub from_ms: i64,
    pub to_ms: i64,
    /// CQL; `*` for everything.
    pub text: String,
    pub limit: usize,
    pub meta: Meta,
}

/// One log, as if it had been shipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub origin: Origin,
    pub line: String,
}

/// The logs of a window, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    pub found: Vec<Found>,
    /// There are more than these.
    pub cut: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SearchLog {
    #[serde(default)]
    context: String,
    #[serde(default)]
    list_over: bool,
    #[serde(default)]
    results: Vec<LogInfo>,
}

/// A log of `SearchLog`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LogInfo {
    #[serde(default)]
    time: Value,
    #[serde(default)]
    topic_id: String,
    #[serde(default)]
    source: String,
    #[serde(default, alias = "Filename")]
    file_name: String,
    #[serde(default)]
    host_name: String,
    #[serde(default)]
    pkg_id: String,
    #[serde(default)]
    pkg_log_id: Value,
    #[serde(default)]
    log_json: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Histogram {
    #[serde(default)]
    histogram_infos: Vec<Bar>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Bar {
    count: u64,
    b_time: i64,
}

impl Cls {
    #[must_use]
    pub fn new(api: Api, turns: Turns) -> Self {
        Self { api, turns }
    }

    /// The logs of a window, page by page. Windows with more than 10 000 logs are gone through in further rounds, each beginning at
    /// the last instant of the one before.
    pub async fn search(&self, query: &Query) -> Result<Page, Error> {
        let mut page = Page::default();
        let mut from_ms = query.from_ms;
        loop {
            let rest = Query {
                from_ms,
                ..query.clone()
            };
            let (over, read) = self.search_by_context(&rest, &mut page.found).await?;
            if page.found.len() >= query.limit {
                page.cut = !over || page.found.len() > query.limit;
                page.found.truncate(query.limit);
                return Ok(page);
            }
            let last_ms = page
                .found
                .last()
                .map_or(query.to_ms, |f| f.origin.cls_time());
            // More logs in one millisecond than a context can hold cannot be told apart; the rest of it is left out and said.
            if over || read == 0 || last_ms <= from_ms {
                page.cut = !over && read > 0;
                return Ok(page);
            }
            page.found.retain(|f| f.origin.cls_time() < last_ms);
            from_ms = last_ms;
        }
    }

    /// One round of at most [`MOST_BY_CONTEXT`] logs. Returns whether the list is over, and how many were read.
    async fn search_by_context(
        &self,
        query: &Query,
        found: &mut Vec<Found>,
    ) -> Result<(bool, usize), Error> {
        let (mut context, mut read) = (String::new(), 0);
        loop {
            let wanted = (query.limit + 1).saturating_sub(found.len()).min(PAGE);
            let mut body = json!({
                "TopicId": query.topic, "From": query.from_ms, "To": query.to_ms, "QueryString": query.text, "QuerySyntax": 1,
                "Limit": wanted, "Sort": "asc", "UseNewAnalysis": true,
            });
            if !context.is_empty() {
                body["Context"] = context.into();
            }
            let permit = self.turns.of(&query.topic).await;
            let answer = self.api.call(Service::Cls, "SearchLog", &body).await?;
            drop(permit);
            let answer: SearchLog = self.read("SearchLog", answer)?;
            read += answer.results.len();
            let none = answer.results.is_empty();
            found.extend(
                answer
                    .results
                    .into_iter()
                    .map(|log| log.into_found(&query.topic, &query.meta)),
            );
            if answer.list_over || none {
                return Ok((true, read));
            }
            if found.len() > query.limit || read >= MOST_BY_CONTEXT || answer.context.is_empty() {
                return Ok((false, read));
            }
            context = answer.context;
        }
    }

    /// How many logs of each interval fit, as `(start in ms, count)`. At most 200 intervals, the service's limit.
    pub async fn histogram(
        &self,
        query: &Query,
        interval_ms: i64,
    ) -> Result<Vec<(i64, u64)>, Error> {
        let least = (query.to_ms - query.from_ms).div_euclid(200) + 1;
        let body = json!({
            "TopicId": query.topic, "From": query.from_ms, "To": query.to_ms, "Query": query.text, "SyntaxRule": 1,
            "Interval": interval_ms.max(least),
        });
        let _permit = self.turns.of(&query.topic).await;
        let answer = self
            .api
            .call(Service::Cls, "DescribeLogHistogram", &body)
            .await?;
        let answer: Histogram = self.read("DescribeLogHistogram", answer)?;
        Ok(answer
            .histogram_infos
            .into_iter()
            .map(|bar| (bar.b_time, bar.count))
            .collect())
    }

    fn read<T: for<'de> Deserialize<'de>>(&self, action: &str, answer: Value) -> Result<T, Error> {
        serde_json::from_value(answer).map_err(|_| Error::NotAnAnswer {
            host: format!("cls:{action} ({})", self.api.region()),
        })
    }
}

impl LogInfo {
    fn into_found(self, topic: &str, meta: &Meta) -> Found {
        let time = millis(&self.time);
        let mut record = match serde_json::from_str(&self.log_json) {
            Ok(Value::Object(fields)) => fields,
            // A log without index is plain text.
            _ => Map::from_iter([("__CONTENT__".to_owned(), Value::String(self.log_json))]),
        };
        if !meta.tags {
            record.retain(|name, _| !name.starts_with("__TAG__"));
        }
        let mut add = |name: &str, value: Value| {
            let shipped = name == "__TIMESTAMP__" || meta.has(name);
            if shipped && value != "" && !record.contains_key(name) {
                record.insert(name.to_owned(), value);
            }
        };
        add("__TIMESTAMP__", time.into());
        add("__SOURCE__", self.source.into());
        add("__FILENAME__", self.file_name.into());
        add("__HOSTNAME__", self.host_name.into());
        Found {
            origin: Origin::Cls {
                topic: if self.topic_id.is_empty() {
                    topic.to_owned()
                } else {
                    self.topic_id
                },
                pkg_id: self.pkg_id,
                pkg_log_id: match self.pkg_log_id {
                    Value::String(text) => text,
                    other => other.to_string(),
                },
                time,
            },
            line: Value::Object(record).to_string(),
        }
    }
}

/// Milliseconds, as a number or as `YYYY-mm-dd HH:MM:SS.FFF` in UTC+8.
fn millis(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_default();
    let civil = || {
        text.parse::<jiff::civil::DateTime>()
            .ok()
            .and_then(|t| UTC8.to_timestamp(t).ok())
    };
    let number = value.as_i64().or_else(|| text.parse().ok());
    number
        .or_else(|| civil().map(Timestamp::as_millisecond))
        .unwrap_or_default()
}

const UTC8: Offset = Offset::constant(8);

#[cfg(test)]
mod tests;
