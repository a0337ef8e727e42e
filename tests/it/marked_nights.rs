//! What a user called normal stays silent in the nights that follow, as long as it happens as often and to the same object; over the real
//! engine, from the lines of a bucket to what is told.

use std::path::Path;

use gengfu::{
    demo,
    model::{
        Day,
        report::{Incident, Report},
    },
    round::tasks::Ended,
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    asking::{said, spoken},
    over_bucket::{self, Manner},
    running::{Era, ROBOT, Running},
    shipped::{at_ms, later, records, ship},
    stored_day::owner,
};

/// On which a partner's certificate expires at eight in the evening, and the nights after it.
const EXPIRED: &str = "2026-11-19";
const AS_OFTEN: &str = "2026-11-20";
const MORE_OFTEN: &str = "2026-11-21";

const HOUR_MS: i64 = 3_600_000;
/// The service that calls the partner, and one that begins to.
const CALLER: &str = "orders";
const OTHER: &str = "parcels";

fn day(date: &str) -> Day {
    date.parse().expect("day")
}

/// What was written in the last four hours of the first day.
fn evening(bucket: &Path) -> Vec<Value> {
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let midnight = day(EXPIRED).range(&zone).end_ms;
    let hours = ["19/20", "19/21", "19/22", "19/23", "20/00"];
    let all = hours
        .iter()
        .flat_map(|hour| records(&bucket.join("business/2026/11").join(hour)));
    all.filter(|r| (midnight - 4 * HOUR_MS..midnight).contains(&at_ms(r)))
        .collect()
}

fn fails(record: &Value) -> bool {
    record.to_string().contains("CertificateExpired")
}

/// Ships lines of the evening so that they come all day long, so many days later.
fn all_day(bucket: &Path, days: i64, lines: &[Value]) {
    for part in 0..6 {
        let by_ms = (days - 1) * 24 * HOUR_MS + 4 * HOUR_MS * (part + 1);
        let moved: Vec<Value> = lines.iter().map(|r| later(r.clone(), by_ms)).collect();
        let folder = format!("business/2026/11/{}/{:02}", 19 + days, 4 * part + 3);
        ship(&bucket.join(folder), &format!("part{part}.gz"), &moved);
    }
}

async fn night(server: &Running, date: &str) -> Report {
    let other = owner("other");
    let (round, _) = server.desk.rounds.start(&other, day(date));
    assert_eq!(round.wait().await, Ended::Done);
    let store = server.desk.stores.of(&other).await.expect("store");
    let report = store.report(day(date)).await.expect("read");
    report.expect("a report")
}

fn of<'r>(report: &'r Report, service: &str) -> Option<&'r Incident> {
    let mut incidents = report.incidents.iter();
    incidents.find(|i| i.root.object.name == service)
}

#[tokio::test]
async fn what_is_normal_stays_silent_until_it_comes_more_often_or_elsewhere() {
    let dir = TempDir::new().expect("folder");
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let bucket = dir.path().join("other/bucket");
    demo::lay(&bucket, day(EXPIRED), &zone).expect("lay");
    let lines = evening(&bucket);
    let failures: Vec<Value> = lines.iter().filter(|r| fails(r)).cloned().collect();
    assert!(failures.len() > 50 && failures.len() < lines.len());
    // As often as before; and in the evening the same of a service that did not fail before.
    all_day(&bucket, 1, &lines);
    let elsewhere = failures.iter().map(|r| {
        let text = r.to_string().replace(CALLER, OTHER);
        later(serde_json::from_str(&text).expect("json"), 24 * HOUR_MS)
    });
    let elsewhere: Vec<Value> = elsewhere.collect();
    ship(
        &bucket.join("business/2026/11/20/23"),
        "elsewhere.gz",
        &elsewhere,
    );
    let again = |ms: i64| failures.iter().map(move |r| later(r.clone(), ms));
    let more_often: Vec<Value> = (lines.iter().cloned())
        .chain(again(20_000))
        .chain(again(40_000))
        .collect();
    all_day(&bucket, 2, &more_often);

    let manner = Manner {
        apart: true,
        baseline_days: 7,
        ..Manner::default()
    };
    let server = over_bucket::serve(dir.path(), manner).await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let to_other = json!({ "owner": "other", "code": "芝麻开门" });
    said(&client, "switch_owner_keys", to_other).await;

    let first = night(&server, EXPIRED).await;
    let marked = of(&first, CALLER).expect("the incident");
    let mark = json!({ "incident": marked.id, "date": EXPIRED, "as": "normal" });
    said(&client, "mark_incident", mark).await;

    let second = night(&server, AS_OFTEN).await;
    assert_eq!(
        of(&second, CALLER).expect("still there").identity,
        marked.identity
    );
    let told = said(&client, "summarize_day", json!({ "date": AS_OFTEN })).await;
    assert!(told.contains("marked_not_told=1"), "{told}");
    assert!(
        !spoken(&told).contains(CALLER) && spoken(&told).contains(OTHER),
        "{told}"
    );

    let third = night(&server, MORE_OFTEN).await;
    let more = of(&third, CALLER).expect("still there");
    assert_eq!(more.identity, marked.identity);
    let told = said(&client, "summarize_day", json!({ "date": MORE_OFTEN })).await;
    assert!(
        spoken(&told).contains(CALLER) && !told.contains("marked_not_told"),
        "{told}"
    );

    // And what was wrong of it is written down for whoever improves the diagnosis.
    let wrong =
        json!({ "incident": more.id, "date": MORE_OFTEN, "as": "说错了", "note": "是网络" });
    said(&client, "mark_incident", wrong).await;
    let store = server.desk.stores.of(&owner("other")).await.expect("store");
    let file = store.folder().join("evaluation.jsonl");
    let text = std::fs::read_to_string(file).expect("the evaluation file");
    let line: Value = serde_json::from_str(text.trim_end()).expect("one line");
    assert_eq!(line["judgement"], "wrong");
    assert_eq!(
        (&line["date"], &line["note"]),
        (&json!(MORE_OFTEN), &json!("是网络"))
    );
    assert_eq!(line["incident"]["identity"], json!(marked.identity));
    let told = said(&client, "summarize_day", json!({ "date": MORE_OFTEN })).await;
    assert!(told.contains("marked_not_told=1"), "{told}");
    client.cancel().await.expect("end");
    server.stop().await;
}
