//! Somebody who asks while the round still runs hears what the events alone show, and is told so.

use std::sync::Arc;

use gengfu::{demo, mcp::MARK, model::report::Stage, round::tasks::Ended};
use jiff::tz::TimeZone;
use rmcp::model::ReadResourceRequestParams;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Barrier;

use crate::{
    over_bucket::{self, Manner},
    running::{Client, Era, ROBOT, told},
    stored_day::owner,
};

/// A day without a report.
const DAY: &str = "2026-11-20";

/// What only an early answer says.
const EARLY: &str = "目前只看完事件日志";

async fn report(client: &Client) -> Value {
    let uri = format!("gengfu://demo/{DAY}/report.json");
    let read = client
        .read_resource(ReadResourceRequestParams::new(uri))
        .await
        .expect("report");
    let content = serde_json::to_value(&read.contents[0]).expect("json");
    serde_json::from_str(content["text"].as_str().expect("text")).expect("report")
}

#[tokio::test]
async fn between_two_revisions_the_first_is_told_and_said_to_be_early() {
    let dir = TempDir::new().expect("folder");
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    demo::lay(&dir.path().join("bucket"), DAY.parse().expect("day"), &zone).expect("lay");
    let meet = Arc::new(Barrier::new(2));
    let manner = Manner {
        stops: Some(meet.clone()),
        ..Manner::default()
    };
    let server = over_bucket::serve(dir.path(), manner).await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let ask = json!({ "date": DAY });
    let (begun, _) = told(&client, "summarize_day", ask.clone()).await;
    assert!(begun.contains("task=t1"), "{begun}");
    let task = server
        .desk
        .rounds
        .running(&owner("demo"), DAY.parse().expect("day"));

    meet.wait().await;
    let (early, failed) = told(&client, "summarize_day", ask.clone()).await;
    let heard = early.split(MARK).next().unwrap_or_default();
    assert!(!failed && early.contains("revision=1"), "{early}");
    assert!(heard.contains(EARLY), "{early}");
    // What a user waits for is in it: the worst, and that the round goes on.
    assert!(
        heard.contains("billing") && early.contains("running_task=t1"),
        "{early}"
    );
    let first = report(&client).await;
    assert_eq!(
        (&first["revision"], &first["stage"]),
        (&json!(1), &json!(Stage::Events))
    );

    meet.wait().await;
    assert_eq!(task.expect("a round that ran").wait().await, Ended::Done);
    let whole = report(&client).await;
    // One more lies between them: after the hours of trouble.
    assert_eq!(
        (&whole["revision"], &whole["stage"]),
        (&json!(3), &json!(Stage::Complete))
    );
    let (late, _) = told(&client, "summarize_day", ask).await;
    assert!(
        late.contains("revision=3") && !late.contains(EARLY),
        "{late}"
    );
    assert!(!late.contains("running_task"), "{late}");
}
