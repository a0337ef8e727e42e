//! A question about a day that was never run reads only what it needs, from a bucket with all three kinds in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use gengfu::{
    demo,
    model::{
        Day, LogKind,
        report::{Report, Stage, Verdict},
    },
    round::{progress::Progress, tasks::Work},
    store::Store,
};
use jiff::tz::TimeZone;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    over_bucket::{self, Manner},
    running::{Era, ROBOT, Running, SCREEN, told},
    stored_day::owner,
};

/// The day before the stored one.
const DAY: &str = "2026-11-20";

/// A server over the sample bucket.
async fn serve() -> (Running, TempDir) {
    let dir = TempDir::new().expect("folder");
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    demo::lay(&dir.path().join("bucket"), DAY.parse().expect("day"), &zone).expect("lay");
    let manner = Manner {
        baseline_days: 2,
        ..Manner::default()
    };
    (over_bucket::serve(dir.path(), manner).await, dir)
}

/// The hours of the objects that were read, by kind.
async fn hours(server: &Running) -> BTreeMap<LogKind, BTreeSet<String>> {
    let store = server.desk.stores.of(&owner("demo")).await.expect("store");
    let manifest = store.manifest(DAY.parse().expect("day")).await;
    let mut hours: BTreeMap<LogKind, BTreeSet<String>> = BTreeMap::new();
    for row in manifest.expect("manifest") {
        let (folder, _) = row.object.key.rsplit_once('/').expect("folder");
        hours.entry(row.kind).or_default().insert(folder.to_owned());
    }
    hours
}

fn lines_in(folder: &Path) -> usize {
    use std::io::Read as _;
    let mut all = 0;
    for entry in std::fs::read_dir(folder).expect("list") {
        let file = std::fs::File::open(entry.expect("entry").path()).expect("open");
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(file)
            .read_to_string(&mut text)
            .expect("gzip");
        all += text.lines().count();
    }
    all
}

#[tokio::test]
async fn who_changed_it_reads_the_audit_log_alone_and_a_window_of_events_its_hours() {
    let (server, _dir) = serve().await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let ask = json!({ "date": DAY, "object": "billing" });
    let (text, failed) = told(&client, "search_audit", ask.clone()).await;
    assert!(
        !failed && text.contains("update Deployment pay/billing"),
        "{text}"
    );
    let read = hours(&server).await;
    assert_eq!(read.keys().collect::<Vec<_>>(), [&LogKind::Audit]);

    let window = json!({ "date": DAY, "start": "13:00", "end": "14:00", "limit": 50 });
    let (text, failed) = told(&client, "search_events", window).await;
    assert!(!failed && text.contains("10.20.0.14"), "{text}");
    let read = hours(&server).await;
    assert!(!read.contains_key(&LogKind::Business), "{read:?}");
    let events = &read[&LogKind::Event];
    assert!(events.contains("event/2026/11/20/13"), "{events:?}");
    // The window, and two hours in which its last lines may have been shipped.
    let first = events.first().expect("one").as_str();
    let last = events.last().expect("one").as_str();
    assert!(first >= "event/2026/11/20/13" && last <= "event/2026/11/20/15");
    // It is still no day that could be broadcast.
    let store = server.desk.stores.of(&owner("demo")).await.expect("store");
    let report = store.report(DAY.parse().expect("day")).await;
    assert!(report.expect("report").is_none());
}

#[tokio::test]
async fn a_business_error_leads_to_the_hours_of_its_cause_and_a_round_reads_the_rest() {
    let (server, _dir) = serve().await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let ask = json!({ "date": DAY, "service": "orders" });
    let mut text = told(&client, "analyze_business", ask.clone()).await.0;
    // A busy machine may need longer than a robot waits: the same question goes on with the same task.
    while text.contains("task=") {
        assert!(text.contains("analyze_business{"), "{text}");
        text = told(&client, "analyze_business", ask.clone()).await.0;
    }
    assert!(text.contains("cause=image.not_found"), "{text}");
    assert!(text.contains("object=Deployment pay/billing"), "{text}");
    // What the business log shows until midnight is looked at until midnight: no end is made up.
    assert!(!text.contains("end="), "{text}");
    let read = hours(&server).await;
    assert!(read[&LogKind::Business].len() >= 24, "{read:?}");
    for kind in [LogKind::Event, LogKind::Audit] {
        let hours = &read[&kind];
        assert!(
            hours.contains(&format!("{kind}/2026/11/20/10")),
            "{hours:?}"
        );
        assert!(
            !hours.contains(&format!("{kind}/2026/11/20/05")),
            "{hours:?}"
        );
    }
    let store = server.desk.stores.of(&owner("demo")).await.expect("store");
    let day: Day = DAY.parse().expect("day");
    let report = store.report(day).await.expect("report").expect("interim");
    assert_eq!(report.stage, Stage::Windows);
    assert!(report.coverage[&LogKind::Business].complete);
    assert!(!report.coverage[&LogKind::Event].complete && report.coverage[&LogKind::Event].shipped);

    // A broadcast needs the day; what was read is not read again.
    let before = store.manifest(day).await.expect("manifest");
    let (text, _) = told(&client, "summarize_day", json!({ "date": DAY })).await;
    assert!(text.contains("task="), "{text}");
    let task = server.desk.rounds.running(&owner("demo"), day);
    if let Some(task) = task {
        task.wait().await;
    }
    let report = store.report(day).await.expect("report").expect("whole");
    assert_eq!(report.stage, Stage::Complete);
    let after = store.manifest(day).await.expect("manifest");
    assert!(after.len() > before.len());
    assert!(before.iter().all(|row| after.contains(row)));
}

#[tokio::test]
async fn lines_are_the_buckets_and_expired_objects_are_named() {
    let (server, dir) = serve().await;
    let client = server.client(SCREEN, Era::Handshake).await;
    let hour = dir.path().join("bucket/audit/2026/11/20/10");
    let kept =
        json!({ "kind": "audit", "date": DAY, "start": "09:45", "end": "10:45", "limit": 5 });
    let (text, failed) = told(&client, "fetch_logs", kept.clone()).await;
    let total = lines_in(&hour);
    // Objects of 10:00 to 10:45 hold the lines from 09:45 on.
    assert!(!failed && text.contains("lines_from=bucket"), "{text}");
    assert!(text.contains(&format!("total={total};")), "{total}: {text}");
    assert!(hours(&server).await.is_empty(), "lines are not kept");

    told(&client, "search_audit", json!({ "date": DAY })).await;
    std::fs::remove_dir_all(&hour).expect("expire");
    let (text, _) = told(&client, "fetch_logs", kept).await;
    assert!(
        text.contains("expired_objects=audit/2026/11/20/10/"),
        "{text}"
    );
}

#[tokio::test]
async fn a_day_that_left_nothing_is_not_compared_with_others() {
    let (_server, dir) = serve().await;
    let nobody = owner("nobody");
    let store = Store::open(dir.path(), &nobody).expect("store");
    let round = over_bucket::round(dir.path(), &nobody, store.clone(), 2);
    let after = DAY.parse::<Day>().expect("day").plus(2);
    let work = Work::alone(Progress::default());
    let report = round.run(after, &work).await.expect("round");
    assert_eq!(report.verdict, Verdict::Unknown);
    assert!(store.counted_days().await.expect("days").is_empty());
}

#[tokio::test]
async fn the_report_of_a_day_outlives_its_lines() {
    let (_server, dir) = serve().await;
    let nobody = owner("nobody");
    let store = Store::open(dir.path(), &nobody).expect("store");
    let round = over_bucket::round(dir.path(), &nobody, store.clone(), 0);
    let day: Day = DAY.parse().expect("day");
    let work = || Work::alone(Progress::default());
    let whole = round.run(day, &work()).await.expect("round");
    assert!(!whole.incidents.is_empty());
    store.retire_day(day).await.expect("retire");

    let roots = |r: &Report| {
        r.incidents
            .iter()
            .map(|i| i.root.clone())
            .collect::<Vec<_>>()
    };
    let again = round.run(day, &work()).await.expect("round");
    assert_eq!(again.revision, whole.revision);
    assert_eq!(roots(&again), roots(&whole));

    // With something new in the bucket all is read once more.
    let late = dir.path().join("bucket/event/2026/11/20/23/late.json");
    std::fs::write(&late, "not a record\n").expect("write");
    let more = round.run(day, &work()).await.expect("round");
    assert_eq!(more.coverage[&LogKind::Event].rejected, 1);
    assert_eq!(roots(&more), roots(&whole));
}

#[tokio::test]
async fn a_round_reads_the_hours_of_trouble_before_the_rest() {
    let (_server, dir) = serve().await;
    let nobody = owner("nobody");
    let store = Store::open(dir.path(), &nobody).expect("store");
    let round = over_bucket::round(dir.path(), &nobody, store.clone(), 2);
    let day: Day = DAY.parse().expect("day");
    let work = Work::alone(Progress::default());
    let last = round.run(day, &work).await.expect("round");
    let mut revisions = Vec::new();
    for n in 1..=last.revision {
        let revision = store.revision(day, n).await.expect("revision");
        revisions.push(revision.expect("kept"));
    }
    let stages: Vec<Stage> = revisions.iter().map(|r| r.stage).collect();
    let expected = [
        Stage::Events,
        Stage::Windows,
        Stage::Day,
        Stage::Day,
        Stage::Day,
        Stage::Complete,
    ];
    assert_eq!(stages, expected);
    // Compared with nothing, then with the events of the earlier days and what audit is needed, then with the newest one's lines, then with
    // all of them; each says so.
    let baselines: Vec<(u32, bool)> = revisions
        .iter()
        .map(|r| (r.baseline.days, r.baseline.partial))
        .collect();
    assert_eq!(
        baselines[2..],
        [(0, true), (2, true), (2, true), (2, false)]
    );
    // The first trouble of the sample day is at ten: the night before it is read later.
    let hours = &revisions[1].coverage[&LogKind::Audit];
    assert!(hours.objects > 0 && hours.objects < last.coverage[&LogKind::Audit].objects);
    assert!(!hours.complete && last.coverage[&LogKind::Audit].complete);
    // Who changed the image is known from these hours already.
    let causes = |r: &Report| {
        r.incidents
            .iter()
            .map(|i| i.root.cause.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(causes(&revisions[1])[0], causes(&last)[0]);
}

#[tokio::test]
async fn a_replaced_object_leaves_its_records_to_the_twin_that_was_refused_them() {
    let dir = TempDir::new().expect("folder");
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let day: Day = DAY.parse().expect("day");
    demo::lay(&dir.path().join("bucket"), day, &zone).expect("lay");
    let nobody = owner("nobody");
    let store = Store::open(dir.path(), &nobody).expect("store");
    let round = over_bucket::round(dir.path(), &nobody, store, 0);
    let business = async || {
        let work = Work::alone(Progress::default());
        let report = round.run(day, &work).await.expect("round");
        report.coverage[&LogKind::Business].clone()
    };

    let folder = dir.path().join("bucket/business/2026/11/20/10");
    let entry = std::fs::read_dir(&folder).expect("list").next();
    let original = entry.expect("an object").expect("entry").path();
    let before = business().await;
    // Behind the original in the order of keys, so that all its records are refused.
    let name = original.file_name().expect("name").to_string_lossy();
    std::fs::copy(&original, folder.join(format!("{name}.twin"))).expect("copy");
    let twice = business().await;
    assert_eq!(twice.records, before.records);
    assert!(twice.duplicates > before.duplicates);

    std::fs::write(&original, "not a record\n").expect("write");
    let replaced = business().await;
    assert_eq!(replaced.records, before.records);
    assert_eq!(replaced.duplicates, before.duplicates);
}

#[tokio::test]
async fn a_day_that_is_not_over_is_never_complete() {
    let (_server, dir) = serve().await;
    let nobody = owner("nobody");
    let store = Store::open(dir.path(), &nobody).expect("store");
    let day: Day = DAY.parse().expect("day");
    let mut round = over_bucket::round(dir.path(), &nobody, store, 0);
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    round.now_ms = day.range(&zone).end_ms - 1;
    let early = round.run(day, &Work::alone(Progress::default())).await;
    assert_eq!(early.expect("round").stage, Stage::Day);
    round.now_ms += 1;
    let whole = round.run(day, &Work::alone(Progress::default())).await;
    assert_eq!(whole.expect("round").stage, Stage::Complete);
}
