//! Still true at ten? What the events of the new day say of yesterday's problems is told, and written, with the time of the look.

use std::path::Path;

use gengfu::{
    demo,
    model::{
        Day, LogKind,
        report::{Incident, Report, Stage, Status},
    },
    round::{
        pull::Want,
        tasks::{Ended, TaskKey, Urgency},
    },
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    cloud::{Cloud, as_log},
    over_bucket::{self, Manner},
    running::{Era, ROBOT, Running, told},
    shipped::{at_ms, later, records, ship},
    stored_day::owner,
};

/// The day before [`crate::running::TEN_O_CLOCK`], and that day.
const DAY: &str = "2026-11-21";
const TODAY: &str = "2026-11-22";
const NINE_FIFTY: &str = "2026-11-22T09:50:00+08:00";

/// All event records of yesterday's bucket.
fn events(bucket: &Path) -> Vec<Value> {
    let days = ["event/2026/11/21", "event/2026/11/22"];
    days.iter()
        .flat_map(|day| records(&bucket.join(day)))
        .collect()
}

async fn look(server: &Running) -> Report {
    let today: Day = TODAY.parse().expect("day");
    let key = TaskKey {
        want: Want::Still,
        ..TaskKey::round(owner("other"), today)
    };
    let (task, _) = server.desk.rounds.start_as(key, Urgency::Nightly);
    assert_eq!(task.wait().await, Ended::Done);
    newest(server).await
}

async fn newest(server: &Running) -> Report {
    let store = server.desk.stores.of(&owner("other")).await.expect("store");
    let report = store.report(DAY.parse().expect("day")).await.expect("read");
    report.expect("a report")
}

fn shows_in_events(report: &Report, incident: &Incident) -> bool {
    let mut own = report
        .findings
        .iter()
        .filter(|f| incident.findings.contains(&f.id));
    own.any(|f| f.kind == LogKind::Event)
}

/// What yesterday's events ended with, on and on until ten to ten.
fn going_on(bucket: &Path) -> (Vec<Value>, i64) {
    let until = NINE_FIFTY.parse::<Timestamp>().expect("time");
    let until = until.as_millisecond();
    let yesterday = events(bucket);
    let last = yesterday.iter().map(at_ms).max().expect("events");
    let moved = yesterday.into_iter().map(|r| later(r, until - last));
    (moved.collect(), until)
}

#[tokio::test]
async fn minutes_that_are_not_shipped_yet_are_asked_of_cls() {
    let dir = TempDir::new().expect("folder");
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let day: Day = DAY.parse().expect("day");
    let bucket = dir.path().join("other/bucket");
    demo::lay(&bucket, day, &zone).expect("lay");
    let (moved, nine_fifty) = going_on(&bucket);
    let cloud = Cloud::start().await;
    for record in &moved {
        cloud.put(LogKind::Event, vec![as_log(record)]);
    }
    let today: Day = TODAY.parse().expect("day");
    cloud.ship_until(today.range(&zone).start_ms);
    let manner = Manner {
        apart: true,
        live: Some((cloud.live(), nine_fifty + 600_000)),
        ..Manner::default()
    };
    let server = over_bucket::serve(dir.path(), manner).await;
    let (round, _) = server.desk.rounds.start(&owner("other"), day);
    assert_eq!(round.wait().await, Ended::Done);
    let checked = look(&server).await;
    let open = |i: &&Incident| i.checked_at.is_some_and(|at| at.ms == nine_fifty);
    let open: Vec<_> = checked.incidents.iter().filter(open).collect();
    assert!(!open.is_empty(), "{:?}", checked.incidents);
    assert!(open.iter().any(|i| i.status == Status::Ongoing));
    server.stop().await;
}

#[tokio::test]
async fn every_problem_is_told_as_it_stands_in_the_morning() {
    let dir = TempDir::new().expect("folder");
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let day: Day = DAY.parse().expect("day");
    let bucket = dir.path().join("other/bucket");
    demo::lay(&bucket, day, &zone).expect("lay");
    let manner = Manner {
        apart: true,
        ..Manner::default()
    };
    let server = over_bucket::serve(dir.path(), manner).await;
    let (round, _) = server.desk.rounds.start(&owner("other"), day);
    assert_eq!(round.wait().await, Ended::Done);
    let midnight = newest(&server).await;
    let was_open =
        |report: &Report, i: &Incident| i.status != Status::Recovered && shows_in_events(report, i);
    let open: Vec<&Incident> = midnight
        .incidents
        .iter()
        .filter(|i| was_open(&midnight, i))
        .collect();
    assert!(!open.is_empty(), "{:?}", midnight.incidents);

    let (moved, nine_fifty) = going_on(&bucket);
    let hour = |hour: &str| bucket.join("event/2026/11/22").join(hour);
    ship(&hour("09"), "morning.gz", &moved);
    let checked = look(&server).await;
    assert_eq!(checked.stage, Stage::Checked);
    assert!(checked.revision > midnight.revision);
    for before in &open {
        let now = checked
            .incidents
            .iter()
            .find(|i| i.id == before.id)
            .expect("kept");
        let at = now.checked_at.expect("looked at");
        assert_ne!(now.status, Status::Recovered, "{}", now.title);
        assert_eq!(at.ms, nine_fifty, "{}", now.title);
    }
    let client = server.client(ROBOT, Era::Handshake).await;
    told(
        &client,
        "switch_owner_keys",
        json!({ "owner": "other", "code": "芝麻开门" }),
    )
    .await;
    let (text, _) = told(&client, "summarize_day", json!({})).await;
    assert!(text.contains("今天上午9点50分左右仍在发生"), "{text}");
    let before_ten = std::fs::read_to_string(&checked.files.summary).expect("the file");
    // Looked at again without anything new, it is the same revision.
    assert_eq!(look(&server).await.revision, checked.revision);

    // Nothing more of it, while other things go on: that is its end.
    let calm = later(
        moved[0].clone(),
        40 * 60_000 + nine_fifty - at_ms(&moved[0]),
    );
    let calm = json!({"__TIMESTAMP__": at_ms(&calm), "clusterId": calm["clusterId"], "event": {
        "metadata": {"name": "calm.1", "namespace": "quiet", "uid": "calm-1"}, "reason": "Started", "type": "Normal", "count": 1,
        "involvedObject": {"kind": "Pod", "namespace": "quiet", "name": "calm-0", "uid": "calm-0"}, "message": "Started container calm",
        "firstTimestamp": "2026-11-22T02:30:00Z", "lastTimestamp": "2026-11-22T02:30:00Z", "source": {"component": "kubelet"}}});
    ship(&hour("10"), "morning.gz", &[calm]);
    let over = look(&server).await;
    for before in &open {
        let now = over
            .incidents
            .iter()
            .find(|i| i.id == before.id)
            .expect("kept");
        assert_eq!(now.status, Status::Recovered, "{}", now.title);
        assert!(
            now.end.is_some_and(|end| end.ms <= nine_fifty),
            "{}",
            now.title
        );
    }
    let summary = std::fs::read_to_string(&over.files.summary).expect("the file");
    let open_in = |text: &str| text.matches("仍在发生").count();
    assert!(open_in(&summary) < open_in(&before_ten), "{summary}");
    assert!(summary.contains("已恢复"), "{summary}");

    // A round of the same day judges it by itself, as if nobody had looked.
    let store = server.desk.stores.of(&owner("other")).await.expect("store");
    let judged = store.judged(day).await.expect("read").expect("a report");
    assert_eq!(judged.incidents, midnight.incidents);
    client.cancel().await.expect("end");
    server.stop().await;
}
