//! The logs around an alarm: of the bucket what was shipped, of CLS the rest, no more than is sensible, and the cause that they show.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::FutureExt as _;
use gengfu::{
    alerts::{self, Analysis, Conclusion, LogSource, Look},
    demo,
    diagnosis::faults::Catalogue,
    model::{Day, Lang, ObjectRef, report::Incident},
    round::{
        Round,
        around::{MOST_RAW, ReadAround, Window},
        progress::Progress,
        pull::Want,
        tasks::{TaskKey, Work},
    },
    store::Store,
    voice,
};
use jiff::tz::TimeZone;
use serde_json::json;
use tempfile::TempDir;

use crate::{cloud::Cloud, live::ship_until, over_bucket, stored_day::owner};

const TODAY: &str = "2026-11-22";
const MINUTE: i64 = 60_000;

fn today() -> Day {
    TODAY.parse().expect("day")
}

fn zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").expect("zone")
}

/// A bucket with the sample day in it.
fn bucket() -> TempDir {
    let dir = TempDir::new().expect("folder");
    demo::lay(&dir.path().join("bucket"), today(), &zone()).expect("lay");
    dir
}

fn round(dir: &Path) -> Round {
    let alias = owner("demo");
    let store = Store::open(dir, &alias).expect("store");
    over_bucket::round(dir, &alias, store, 0)
}

/// What a round finds that reads the whole day.
async fn known() -> Vec<Incident> {
    let dir = bucket();
    let work = Work::alone(Progress::default());
    let report = round(dir.path()).run(today(), &work).await.expect("round");
    report.incidents
}

/// Reads as the server does; notes the windows that were asked for.
fn reader(round: &Round, asked: &Arc<Mutex<Vec<Window>>>) -> Arc<ReadAround> {
    let (round, asked) = (round.clone(), asked.clone());
    Arc::new(move |alias, window: Window| {
        let round = round.clone();
        asked.lock().expect("asked").push(window.clone());
        async move {
            for day in window.days(&zone()) {
                let key = TaskKey {
                    want: Want::Around {
                        from_ms: window.from_ms,
                        to_ms: window.to_ms,
                    },
                    ..TaskKey::round(alias.clone(), day)
                };
                let work = Work::alone(Progress::default());
                let pulled = round.carry_out(&key, &work).await;
                pulled.map_err(|e| e.to_string())?;
            }
            round.around(&window).await.map_err(|e| e.to_string())
        }
        .boxed()
    })
}

/// An alarm about an object, as Cloud Monitor sends it.
fn alarm(object: &ObjectRef, at_ms: i64) -> alerts::Alarm {
    let dimensions = if object.kind == "Node" {
        json!({"node": object.name})
    } else {
        json!({"namespace": object.namespace, "workload_kind": object.kind, "workload_name": object.name})
    };
    let body = json!({"alarmStatus": "1", "alarmObjInfo": {"region": "gz", "dimensions": dimensions},
        "alarmPolicyInfo": {"policyId": "p-1", "policyName": "异常", "conditions": {"metricName": "unavailable", "metricShowName": "不可用副本数",
            "calcType": ">", "calcValue": "0", "currentValue": "1"}}, "firstOccurTime": at_ms / 1000, "recoverTime": "0"});
    alerts::read(body.to_string().as_bytes(), at_ms)
}

async fn analysed(round: &Round, alarms: &[alerts::Alarm], read: Arc<ReadAround>) -> Vec<Analysis> {
    let look = Look {
        read: Some(read),
        patience: Duration::from_mins(10),
        zone: zone(),
        lang: Lang::Zh,
    };
    let looked = look.at_all(&round.store, alarms).await.expect("looked");
    let catalogue = Catalogue::builtin().expect("catalogue");
    let analyse = |(alarm, looked): (&alerts::Alarm, alerts::Looked)| {
        assert!(!looked.is_late);
        alerts::analyse(alarm, &looked.around, &catalogue, Lang::Zh)
    };
    alarms.iter().zip(looked).map(analyse).collect()
}

#[tokio::test]
async fn the_cause_of_an_alarm_of_now_is_found_in_what_was_shipped_and_what_was_not() {
    let range = today().range(&zone());
    let all = known().await;
    let dir = bucket();
    let cloud = Cloud::start().await;
    ship_until(&dir.path().join("bucket"), &cloud, 12, &range);
    // The lost node and the memory are after noon, and so only in CLS; the tag that does not exist was shipped.
    let mut checked = 0;
    for incident in &all {
        let began = incident.start.ms;
        if began > range.start_ms + 17 * 60 * MINUTE {
            continue;
        }
        let round = Round {
            live: Some(cloud.live()),
            now_ms: began + 14 * MINUTE,
            ..round(dir.path())
        };
        let asked = Arc::default();
        let alarm = alarm(&incident.root.object, began + 10 * MINUTE);
        let found = analysed(&round, &[alarm], reader(&round, &asked)).await;
        let analysis = &found[0];
        let object = &incident.root.object;
        assert_eq!(
            analysis.conclusion,
            Conclusion::Incident,
            "{object} {analysis:?}"
        );
        assert_eq!(
            analysis.incidents[0].root.cause, incident.root.cause,
            "{object}"
        );
        assert_eq!(
            analysis.incidents[0].change.as_ref().map(|c| &c.audit_id),
            incident.change.as_ref().map(|c| &c.audit_id),
            "{object}"
        );
        let is_shipped = began < range.start_ms + 11 * 60 * MINUTE;
        let source = if is_shipped {
            LogSource::Store
        } else {
            LogSource::Live
        };
        assert_eq!(analysis.logs.source, source, "{object}");
        assert!(
            analysis.logs.lines > 0 && analysis.logs.notes.is_empty(),
            "{object} {:?}",
            analysis.logs
        );
        // Whoever asks "why" or "roll it back" next finds the incident that was told.
        let (day, revision) = analysis.report.expect("a report");
        let kept = round
            .store
            .revision(day, revision)
            .await
            .expect("ask")
            .expect("kept");
        assert!(
            kept.incidents
                .iter()
                .any(|i| i.id == analysis.incidents[0].id)
        );
        assert!(!kept.tells_the_day());
        let files = std::fs::read_dir(dir.path().join(format!("analysis_results/demo/{day}")));
        assert_eq!(files.expect("folder").count(), 3);
        checked += 1;
        drop(round);
    }
    assert!(checked >= 3, "{checked}");
    assert_eq!(cloud.forged(), 0);
}

#[tokio::test]
async fn only_the_quarter_hours_are_read_and_neighbours_share_them() {
    let range = today().range(&zone());
    let dir = bucket();
    let round = round(dir.path());
    let asked: Arc<Mutex<Vec<Window>>> = Arc::default();
    let at = |minute: i64| range.start_ms + (10 * 60 + minute) * MINUTE;
    let all = known().await;
    let is_image = |i: &&Incident| i.root.cause == "image.not_found";
    let broken = all
        .iter()
        .find(is_image)
        .expect("a tag that does not exist");
    let broken = broken.root.object.clone();
    let healthy = ObjectRef::new("Deployment", &broken.namespace, "another");
    let alarms = [
        alarm(&broken, at(10)),
        alarm(&healthy, at(25)),
        // A condition that always holds needs no log.
        alerts::read(
            "集群ID cls-l9taan9w, CPU总配置 > 0核, 当前数值 3.859核(CPU总配置), 触发时间 2026-11-22 15:00:00".as_bytes(),
            0,
        ),
    ];
    let found = analysed(&round, &alarms, reader(&round, &asked)).await;
    assert_eq!(found[0].incidents[0].root.cause, "image.not_found");
    assert_eq!(found[2].conclusion, Conclusion::Policy);
    let windows = asked.lock().expect("asked").clone();
    let [window] = &windows[..] else {
        panic!("{windows:?}")
    };
    assert_eq!((window.from_ms, window.to_ms), (at(-5), at(40)));
    assert_eq!(window.names, ["another", broken.name.as_str()]);
    let manifest = round.store.manifest(today()).await.expect("manifest");
    let spans = manifest.iter().filter_map(|row| row.span);
    assert!(spans.clone().count() > 0);
    // An object may hold an hour, and comes half an hour late at most.
    for (first, last) in spans {
        assert!(
            last >= at(-65) && first <= at(100),
            "an object of another hour"
        );
    }
    let raw: u64 = manifest.iter().map(|row| row.counts.bytes).sum();
    assert!(raw < MOST_RAW);
    // A day that a round has read is not read again for an alarm.
    let work = Work::alone(Progress::default());
    round.run(today(), &work).await.expect("round");
    let found = analysed(&round, &alarms, reader(&round, &asked)).await;
    assert_eq!(found[0].incidents[0].root.cause, "image.not_found");
    assert_eq!(asked.lock().expect("asked").len(), 1);
}

#[tokio::test]
async fn a_quiet_quarter_hour_is_told_from_one_that_nobody_has_read() {
    let range = today().range(&zone());
    let at = |hour: i64| range.start_ms + hour * 60 * MINUTE;
    let dir = bucket();
    let bucket = dir.path().join("bucket");
    // Nothing of the afternoon was shipped.
    let cloud = Cloud::start().await;
    ship_until(&bucket, &cloud, 14, &range);
    let round = Round {
        now_ms: at(23),
        ..round(dir.path())
    };
    let quiet = ObjectRef::new("Deployment", "elsewhere", "no-such-service");
    let look = async |hour: i64| {
        let read = reader(&round, &Arc::default());
        analysed(&round, &[alarm(&quiet, at(hour))], read)
            .await
            .remove(0)
    };
    let spoken = |a: &Analysis| {
        a.spoken(&voice::Ask::new(
            gengfu::model::Moment::new(at(23), &zone()),
            Lang::Zh,
        ))
    };
    let morning = look(10).await;
    assert_eq!(morning.conclusion, Conclusion::Nothing, "{morning:?}");
    assert!(spoken(&morning).contains("日志没有异常"));
    // That the morning was read says nothing of the evening.
    let evening = look(20).await;
    assert_eq!(evening.logs.source, LogSource::None, "{evening:?}");
    assert_eq!(evening.conclusion, Conclusion::Unseen);
    assert!(!spoken(&evening).contains("没有异常"));
    // A bucket that is gone: of the evening nothing is known, the morning was read before but not to its end.
    std::fs::rename(&bucket, dir.path().join("elsewhere")).expect("rename");
    let evening = look(20).await;
    assert_eq!(evening.conclusion, Conclusion::Unseen, "{evening:?}");
    assert!(!evening.logs.notes.is_empty());
    let morning = look(10).await;
    assert_eq!(morning.conclusion, Conclusion::Nothing);
    let told = spoken(&morning);
    assert!(told.contains("没看全"), "{told}");
}
