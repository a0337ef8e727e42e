//! Notifications of alarms in many orders.

use super::*;
use crate::store::fixture::open;

const MINUTE: i64 = 60_000;
const FLAPPING: i64 = 30 * MINUTE;

fn alarm(first_min: i64, recovered_min: Option<i64>) -> NewAlarm {
    NewAlarm {
        source: "tcop".to_owned(),
        kin: "ab12".to_owned(),
        policy: "cpu".to_owned(),
        object: "cls-7a1b2c3d".to_owned(),
        severity: String::new(),
        first_ms: first_min * MINUTE,
        last_ms: recovered_min.unwrap_or(first_min) * MINUTE,
        recovered_ms: recovered_min.map(|m| m * MINUTE),
        alarm: Value::Null,
        raw: Vec::new(),
    }
}

/// Stores notifications in turn; each is (first, recovered) in minutes.
async fn check(notifications: &[(i64, Option<i64>)], expected: &[(i64, Arrival)]) {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let mut found = Vec::new();
    for (first, recovered) in notifications {
        let put = store.put_alarm(alarm(*first, *recovered), FLAPPING).await;
        let put = put.expect("put");
        found.push((put.id, put.arrival));
    }
    assert_eq!(found, expected, "{notifications:?}");
    let rows = store.alarms_of_kin("ab12".to_owned(), 9).await;
    let rows = rows.expect("kin");
    let times: u32 = rows.iter().map(|r| r.times).sum();
    assert_eq!(times as usize, notifications.len());
    assert!(rows.iter().all(|r| r.what.kin == "ab12"));
}

#[tokio::test]
async fn notifications_of_one_alarm_are_one_row() {
    use Arrival::{Again, Flapping, New, Recovery};
    check(
        &[(10, None), (10, None), (10, Some(15))],
        &[(1, New), (1, Again), (1, Recovery)],
    )
    .await;
    check(
        &[(10, None), (20, None), (25, Some(26)), (200, None)],
        &[(1, New), (1, Flapping), (1, Recovery), (2, New)],
    )
    .await;
    // A recovery whose first occurrence is told differently still ends what is open, however old.
    check(&[(10, None), (500, Some(501))], &[(1, New), (1, Recovery)]).await;
    // What comes and goes without end is news again after a day.
    let mut day: Vec<(i64, Option<i64>)> = (0..73).map(|n| (10 + n * 20, None)).collect();
    day.push((10 + 73 * 20, Some(10 + 73 * 20)));
    let mut expected = vec![(1, Flapping); 72];
    expected[0] = (1, New);
    expected.extend([(2, New), (2, Recovery)]);
    check(&day, &expected).await;
    // One of long ago, told late, does not pull today's back.
    check(&[(5000, None), (10, None)], &[(1, New), (2, New)]).await;
    // A recovery that nobody waited for is kept.
    check(&[(10, Some(12))], &[(1, New)]).await;
}

#[tokio::test]
async fn an_alarm_that_fires_again_has_not_recovered_but_an_overtaken_one_has() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let row = async || store.alarm(1).await.expect("ask").expect("row").what;
    for (notification, recovered_min) in [
        (alarm(10, None), None),
        (alarm(10, Some(12)), Some(12)),
        (alarm(10, None), Some(12)),
        (alarm(14, None), None),
    ] {
        store.put_alarm(notification, FLAPPING).await.expect("put");
        assert_eq!(row().await.recovered_ms, recovered_min.map(|m| m * MINUTE));
    }
    assert_eq!(row().await.first_ms, 10 * MINUTE);
    assert_eq!(store.alarm(2).await.expect("ask"), None);
}

#[tokio::test]
async fn what_was_found_out_about_another_object_is_forgotten() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let put = async |alarm: NewAlarm| {
        store.put_alarm(alarm, FLAPPING).await.expect("put");
        store.alarm(1).await.expect("ask").expect("row")
    };
    put(alarm(10, None)).await;
    let known = store.put_analysis(1, serde_json::json!({"known": 1}));
    known.await.expect("put");
    assert!(put(alarm(10, None)).await.analysis.is_some());
    let other = || "Deployment shop/orders".to_owned();
    let ended = NewAlarm {
        object: other(),
        ..alarm(10, Some(12))
    };
    assert!(put(ended).await.analysis.is_some());
    let moved = NewAlarm {
        object: other(),
        ..alarm(14, None)
    };
    let row = put(moved).await;
    assert_eq!((row.analysis, row.what.object), (None, other()));
}
