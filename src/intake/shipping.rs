//! How far CLS has come with writing a topic's logs to COS.
//!
//! In: an [`Api`], a topic or a shipping task, a day or an instant. Out: whether the day is written ([`Shipped`]), or up to which
//! log time everything is ([`until`]). Always true: nothing is taken for written that a task still has to write or failed to write;
//! what the service no longer knows (it keeps three days of tasks) is unknown, not whole. Starts and repairs no task.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    discover::{Shipper, list_of, shippers},
    tc3::{Api, Error, Service},
};
use crate::model::DayRange;

const HOUR_MS: i64 = 3_600_000;
/// Tasks are asked for by when they ran; a day's last ones run in the first hours of the next.
const AFTER_MS: i64 = 6 * HOUR_MS;
/// How far back the newest tasks of a topic are looked for: they run every five to fifteen minutes.
const BACK_MS: i64 = 6 * HOUR_MS;
/// Values in one filter, the service's limit.
const TOPICS_AT_ONCE: usize = 10;

/// Whether a day of one shipping task lies in the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shipped {
    Whole,
    /// A task of the day has not run to its end yet.
    Pending,
    /// A task of the day failed: what it should have written is missing until somebody has it tried again.
    Failed,
    /// The service does not know any more.
    Unknown,
}

/// One run of a shipping task.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Task {
    /// Log times, Unix milliseconds.
    range_start: i64,
    range_end: i64,
    status: String,
}

impl Task {
    fn succeeded(&self) -> bool {
        self.status == "success"
    }
}

/// The shipping tasks of topics.
pub async fn of_topics(api: &Api, topics: &[String]) -> Result<Vec<Shipper>, Error> {
    let mut found = Vec::new();
    for some in topics.chunks(TOPICS_AT_ONCE) {
        let filter = json!({"Filters": [{"Key": "topicId", "Values": some}]});
        let listed = shippers(api, &filter).await?;
        // A stand-in or a later version may not know the filter.
        found.extend(listed.into_iter().filter(|s| topics.contains(&s.topic_id)));
    }
    found.dedup();
    Ok(found)
}

/// Whether all logs of a day have been written to COS by this task.
pub async fn of_day(api: &Api, shipper_id: &str, day: &DayRange) -> Result<Shipped, Error> {
    let tasks = tasks(api, shipper_id, day.start_ms, day.end_ms + AFTER_MS).await?;
    if tasks.is_empty() {
        return Ok(Shipped::Unknown);
    }
    let of_the_day = |t: &&Task| t.range_start < day.end_ms && t.range_end > day.start_ms;
    let open: Vec<&Task> = tasks
        .iter()
        .filter(of_the_day)
        .filter(|t| !t.succeeded())
        .collect();
    // A task that was tried again succeeded for the same span.
    let mended = |open: &Task| {
        let covers = |t: &&Task| {
            t.succeeded() && t.range_start <= open.range_start && t.range_end >= open.range_end
        };
        tasks.iter().any(|t| covers(&t))
    };
    let open: Vec<&Task> = open.into_iter().filter(|t| !mended(t)).collect();
    if open.iter().any(|t| t.status == "failed") {
        return Ok(Shipped::Failed);
    }
    let past_the_end = tasks
        .iter()
        .any(|t| t.succeeded() && t.range_end >= day.end_ms);
    Ok(if open.is_empty() && past_the_end {
        Shipped::Whole
    } else {
        Shipped::Pending
    })
}

/// The log time up to which a topic's logs lie in COS; `None` when it is not shipped at all.
pub async fn until(api: &Api, topic: &str, now_ms: i64) -> Result<Option<i64>, Error> {
    let topics = [topic.to_owned()];
    let mut until = None;
    for shipper in of_topics(api, &topics).await? {
        let tasks = tasks(api, &shipper.shipper_id, now_ms - BACK_MS, now_ms).await?;
        let written = tasks.iter().filter(|t| t.succeeded()).map(|t| t.range_end);
        let missing = tasks
            .iter()
            .filter(|t| !t.succeeded())
            .map(|t| t.range_start);
        // A task that ran last before that may have left everything since.
        let end = written.max().unwrap_or(now_ms - BACK_MS);
        let end = missing.min().map_or(end, |start| end.min(start));
        until = Some(until.map_or(end, |earliest: i64| earliest.min(end)));
    }
    Ok(until)
}

async fn tasks(api: &Api, shipper_id: &str, from_ms: i64, to_ms: i64) -> Result<Vec<Task>, Error> {
    let body = json!({"ShipperId": shipper_id, "StartTime": from_ms, "EndTime": to_ms});
    let answer: Value = api
        .call(Service::Cls, "DescribeShipperTasks", &body)
        .await?;
    Ok(list_of(&answer, "Tasks"))
}

#[cfg(test)]
mod tests {
    use wiremock::{Mock, Request};

    use super::*;
    use crate::{
        intake::tc3::tests::{response, signed, stand_in},
        model::Day,
    };

    const MINUTE: i64 = 60_000;

    fn day() -> DayRange {
        let zone = jiff::tz::TimeZone::get("Asia/Shanghai").expect("zone");
        "2026-11-21".parse::<Day>().expect("day").range(&zone)
    }

    /// A task over the five minutes up to `end` minutes after the day.
    fn task(end: i64, status: &str) -> Value {
        let end_ms = day().end_ms + end * MINUTE;
        json!({"RangeStart": end_ms - 5 * MINUTE, "RangeEnd": end_ms, "Status": status})
    }

    /// An account whose topic `t-1` has one shipping task with these runs.
    async fn account(tasks: Vec<Value>) -> (wiremock::MockServer, Api) {
        let (server, api) = stand_in().await;
        let answer = move |request: &Request| match request.headers["x-tc-action"].to_str() {
            Ok("DescribeShippers") => response(&json!({"TotalCount": 2, "Shippers": [
                {"ShipperId": "s-1", "TopicId": "t-1"}, {"ShipperId": "s-2", "TopicId": "t-2"}]})),
            _ => response(&json!({ "Tasks": tasks })),
        };
        Mock::given(signed)
            .respond_with(answer)
            .mount(&server)
            .await;
        (server, api)
    }

    #[tokio::test]
    async fn a_day_is_shipped_when_every_task_up_to_its_end_has_succeeded() {
        let cases = [
            (vec![], Shipped::Unknown),
            (vec![task(-5, "success")], Shipped::Pending),
            (
                vec![task(-5, "success"), task(0, "running")],
                Shipped::Pending,
            ),
            (
                vec![task(-5, "failed"), task(5, "success")],
                Shipped::Failed,
            ),
            (
                vec![task(-5, "failed"), task(-5, "success"), task(5, "success")],
                Shipped::Whole,
            ),
            (
                vec![task(0, "success"), task(10, "running")],
                Shipped::Whole,
            ),
        ];
        for (tasks, expected) in cases {
            let shown = format!("{tasks:?}");
            let (_server, api) = account(tasks).await;
            assert_eq!(of_day(&api, "s-1", &day()).await, Ok(expected), "{shown}");
        }
    }

    #[tokio::test]
    async fn a_topic_is_written_up_to_what_is_still_to_be_written() {
        let now_ms = day().end_ms + 20 * MINUTE;
        let cases = [
            (vec![task(5, "success"), task(10, "success")], 10),
            (vec![task(10, "success"), task(15, "running")], 10),
            // What failed begins five minutes before its end.
            (vec![task(5, "failed"), task(10, "success")], 0),
            (vec![], 20 - 360),
        ];
        for (tasks, minutes) in cases {
            let (_server, api) = account(tasks).await;
            let found = until(&api, "t-1", now_ms).await;
            assert_eq!(found, Ok(Some(day().end_ms + minutes * MINUTE)));
        }
        let (_server, api) = account(vec![task(10, "success")]).await;
        assert_eq!(until(&api, "t-9", now_ms).await, Ok(None));
    }
}
