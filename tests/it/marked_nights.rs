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

/// Lines of one service on a day, at these minutes of it.
fn put_lines(bucket: &Path, date: &str, lines: impl Iterator<Item = (i64, String)>) {
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let midnight = day(date).range(&zone).start_ms;
    let mut hours: Vec<Vec<Value>> = vec![Vec::new(); 24];
    for (second, text) in lines {
        let hour = usize::try_from(second / 3600).expect("hour");
        hours[hour].push(json!({
            "__TIMESTAMP__": midnight + second * 1000, "__SOURCE__": "10.0.3.16", "__HOSTNAME__": "10.0.3.16",
            "__FILENAME__": "/var/log/pods/shop_order-7d9c5b6f84-x8k2v_f3bf923e/order/0.log", "__CONTENT__": text,
        }));
    }
    for (hour, records) in hours.iter().enumerate() {
        let folder = format!("business/{}/{hour:02}", date.replace('-', "/"));
        ship(&bucket.join(folder), "lines.gz", records);
    }
}

#[tokio::test]
async fn a_burst_of_three_minutes_that_was_normal_does_not_hide_a_whole_day_of_it() {
    let dir = TempDir::new().expect("folder");
    let bucket = dir.path().join("other/bucket");
    let minutes = || (0..24 * 60).filter(|m| m % 60 < 58);
    let quiet = || minutes().map(|m| (m * 60 + 1, format!("INFO order {m} created")));
    let refused = |n: i64| format!("ERROR ledger snapshot lock refused after {n} tries");
    put_lines(&bucket, EXPIRED, quiet());
    let burst = (0..45).map(|n| (3 * 3600 + n * 4, refused(n)));
    put_lines(&bucket, AS_OFTEN, quiet().chain(burst));
    let each = minutes().map(|m| (m * 60 + 5, refused(m)));
    let again = minutes()
        .filter(|m| m % 60 < 25)
        .map(|m| (m * 60 + 9, refused(m)));
    put_lines(&bucket, MORE_OFTEN, quiet().chain(each).chain(again));

    let manner = Manner {
        apart: true,
        baseline_days: 7,
        ..Manner::default()
    };
    let server = over_bucket::serve(dir.path(), manner).await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let to_other = json!({ "owner": "other", "code": "芝麻开门" });
    said(&client, "switch_owner_keys", to_other).await;
    let first = night(&server, AS_OFTEN).await;
    let marked = of(&first, "order").expect("the incident");
    let mark = json!({ "incident": marked.id, "date": AS_OFTEN, "as": "normal" });
    said(&client, "mark_incident", mark).await;
    // Silent on its own day, unless it is asked for: then with what was said of it.
    let told = said(&client, "summarize_day", json!({ "date": AS_OFTEN })).await;
    assert!(told.contains("marked_not_told=1"), "{told}");
    for (tool, asked) in [
        (
            "analyze_business",
            json!({ "date": AS_OFTEN, "service": "order" }),
        ),
        (
            "trace_cause",
            json!({ "date": AS_OFTEN, "incident": marked.id }),
        ),
    ] {
        let told = said(&client, tool, asked).await;
        assert!(spoken(&told).contains("这个你标过正常。"), "{tool}: {told}");
    }

    let second = night(&server, MORE_OFTEN).await;
    let more = of(&second, "order").expect("still there");
    assert_eq!(more.identity, marked.identity);
    let told = said(&client, "summarize_day", json!({ "date": MORE_OFTEN })).await;
    assert!(!told.contains("marked_not_told"), "{told}");
    assert!(spoken(&told).contains("order"), "{told}");
    let told = said(
        &client,
        "trace_cause",
        json!({ "date": MORE_OFTEN, "incident": more.id }),
    )
    .await;
    assert!(!spoken(&told).contains("你标过"), "{told}");
    client.cancel().await.expect("end");
    server.stop().await;
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
