//! Alarms fetched from Tencent Cloud where none can be pushed: each once, recoveries matched, and what is old told to nobody.

use gengfu::{
    alerts::{inbox, poll},
    intake::cls::{Cls, Turns},
    store::Store,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    cloud::{Cloud, Log},
    stored_day::owner,
};

const NOW: i64 = 1_795_312_800_000;
const MINUTE: i64 = 60_000;

fn store(dir: &TempDir) -> Store {
    Store::open(dir.path(), &owner("demo")).expect("store")
}

fn entry(id: usize, status: &str, began_ms: i64) -> Value {
    json!({"AlarmId": format!("a-{id}"), "MonitorType": "MT_QCE", "Namespace": "qce/tke2", "AlarmObject": format!("shop|service-{id}"),
        "Content": "Pod 内存利用率 > 90%", "FirstOccurTime": began_ms / 1000, "LastOccurTime": began_ms / 1000 + 60, "AlarmStatus": status,
        "PolicyId": "policy-1", "PolicyName": "内存", "Region": "gz", "AlarmType": "METRIC", "AlarmLevel": "Serious",
        "MetricsInfo": [{"MetricName": "mem", "Value": "97.2", "Description": "Pod 内存利用率"}],
        "Dimensions": json!({"namespace": "shop", "workload_kind": "Deployment", "workload_name": format!("service-{id}")}).to_string()})
}

async fn unread(store: &Store, now_ms: i64) -> usize {
    inbox::unread(store, now_ms).await.expect("unread").len()
}

#[tokio::test]
async fn the_history_is_fetched_once_page_by_page_and_its_past_is_past() {
    let (cloud, dir) = (Cloud::start().await, TempDir::new().expect("folder"));
    let first = store(&dir);
    // More than two pages from before this program was started, and one of ten minutes ago.
    let old = |n: usize| {
        entry(
            n,
            "ALARM",
            NOW - 60 * MINUTE - i64::try_from(n).expect("small") * 1000,
        )
    };
    let mut all = vec![entry(1000, "ALARM", NOW - 10 * MINUTE)];
    all.extend((0..230).map(old));
    cloud.remember(all.clone());
    let fetch = async |store: &Store, now_ms| poll::histories(&cloud.api(), store, now_ms).await;
    assert_eq!(fetch(&first, NOW).await.expect("fetched"), 1);
    assert_eq!(cloud.times("DescribeAlarmHistories"), 3);
    assert_eq!(fetch(&first, NOW + MINUTE).await.expect("fetched"), 0);
    drop(first);
    // A restart does not begin anew.
    let again = store(&dir);
    assert_eq!(fetch(&again, NOW + 2 * MINUTE).await.expect("fetched"), 0);
    // One recovers, another begins.
    all[0] = entry(1000, "OK", NOW - 10 * MINUTE);
    all.insert(0, entry(1001, "ALARM", NOW + 2 * MINUTE));
    cloud.remember(all);
    assert_eq!(fetch(&again, NOW + 3 * MINUTE).await.expect("fetched"), 1);
    let rows = inbox::unread(&again, NOW + 3 * MINUTE)
        .await
        .expect("unread");
    assert_eq!(rows.len(), 2);
    let recovered = rows.iter().find(|r| r.what.object.contains("service-1000"));
    let recovered = recovered.expect("the one that recovered");
    assert!(recovered.what.recovered_ms.is_some() && recovered.times == 2);
    // A policy that is gone and a metric without data are no alarms.
    let rest = ["NO_CONF", "NO_DATA"].into_iter().enumerate();
    cloud.remember(
        rest.map(|(n, status)| entry(2000 + n, status, NOW + 3 * MINUTE))
            .collect(),
    );
    assert_eq!(fetch(&again, NOW + 4 * MINUTE).await.expect("fetched"), 0);
    assert_eq!(unread(&again, NOW + 4 * MINUTE).await, 2);
    assert_eq!(cloud.forged(), 0);
}

#[tokio::test]
async fn a_topic_is_fetched_once_whatever_form_its_logs_have() {
    let (cloud, dir) = (Cloud::start().await, TempDir::new().expect("folder"));
    let store = store(&dir);
    let callback = |n: i64| {
        json!({"alarmStatus": "1", "alarmObjInfo": {"region": "gz", "dimensions": {"namespace": "shop", "workload_name": format!("service-{n}")}},
            "alarmPolicyInfo": {"policyId": "p-1", "policyName": "mem", "conditions": {"metricName": "m"}}, "firstOccurTime": (NOW / 1000 - 60).to_string()})
    };
    let log = |ms: i64, fields: Value| Log {
        ms,
        fields,
        ..Log::default()
    };
    cloud.write(
        "alarms",
        vec![
            log(
                NOW - 3 * 60 * MINUTE,
                json!({"__CONTENT__": callback(9).to_string()}),
            ),
            log(
                NOW - 2 * MINUTE,
                json!({"__CONTENT__": callback(1).to_string()}),
            ),
            log(NOW - MINUTE, callback(2)),
        ],
    );
    let cls = Cls::new(cloud.api(), Turns::default());
    let fetch = async |now_ms| {
        poll::topic(&cls, "alarms", &store, now_ms)
            .await
            .expect("fetched")
    };
    assert_eq!(fetch(NOW).await, 2);
    assert_eq!(fetch(NOW + MINUTE).await, 0);
    // Searchable only now, though it is older than the last look.
    cloud.write(
        "alarms",
        vec![log(
            NOW - MINUTE / 2,
            json!({"message": "disk of the node is full"}),
        )],
    );
    assert_eq!(fetch(NOW + 2 * MINUTE).await, 1);
    assert_eq!(fetch(NOW + 3 * MINUTE).await, 0);
    assert_eq!(unread(&store, NOW + 3 * MINUTE).await, 3);
    assert_eq!(cloud.forged(), 0);
}
