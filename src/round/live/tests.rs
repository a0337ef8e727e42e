//! What is asked, and when; what is answered is tested from outside (`tests/it/live.rs`).

use serde_json::json;
use wiremock::{Mock, MockServer, Request};

use super::*;
use crate::intake::tc3::tests::{response, signed, stand_in};

const NOW_MS: i64 = 1_795_276_800_000;

#[test]
fn parts_are_the_whole_window_once() {
    for (from_ms, to_ms) in [
        (0, 1_800_000),
        (5, 59_000),
        (0, 61_000),
        (7, 7),
        (0, 123_457),
    ] {
        let parts: Vec<_> = parts(from_ms, to_ms).collect();
        assert!(parts.len() <= usize::try_from(PARTS).expect("small"));
        assert_eq!((parts[0].0, parts[parts.len() - 1].1), (from_ms, to_ms));
        assert!(parts.windows(2).all(|two| two[0].1 == two[1].0));
    }
}

#[test]
fn words_cannot_leave_their_quotes() {
    let check = |words: &[&str], expected: &str| {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        assert_eq!(quoted(&words), expected);
    };
    check(&["pool", "exhausted"], r#""pool" AND "exhausted""#);
    check(&[r#"x" OR *"#, "\\", ""], r#""x  OR""#);
    check(&["a|b", "c"], r#"("a" OR "b") AND "c""#);
    check(&["||"], "");
    check(&[], "");
}

/// A topic whose shipping is asked how far it is: `tasks` is what the service answers.
async fn live(tasks: serde_json::Value) -> (MockServer, Live) {
    let (server, api) = stand_in().await;
    let answer = move |request: &Request| match request.headers["x-tc-action"].to_str() {
        Ok("DescribeShippers") => response(&json!({"TotalCount": 1, "Shippers": [
            {"ShipperId": "s-1", "TopicId": "t-1", "Content": {"Format": "json", "Json": {"EnableTag": true, "MetaFields": ["__TIMESTAMP__", "__SOURCE__"]}}}]})),
        _ => response(&tasks),
    };
    Mock::given(signed)
        .respond_with(answer)
        .mount(&server)
        .await;
    let topics = [(LogKind::Event, vec!["t-1;cluster=cls-1".to_owned()])];
    let live = Live::new(api, &topics.into(), Shared::default()).expect("a topic");
    (server, live)
}

#[tokio::test]
async fn what_is_not_shipped_is_known_from_the_tasks_and_asked_once_a_minute() {
    let end = NOW_MS - 600_000;
    let task =
        json!({"Tasks": [{"RangeStart": end - 300_000, "RangeEnd": end, "Status": "success"}]});
    let (server, live) = live(task).await;
    for later_ms in [0, FRESH_MS - 1] {
        let from_ms = live.unshipped_from(LogKind::Event, NOW_MS + later_ms).await;
        assert_eq!(from_ms, end - OVERLAP_MS);
    }
    let asked = server.received_requests().await.expect("recorded").len();
    assert_eq!(asked, 2, "the shipping task and its runs");
    live.unshipped_from(LogKind::Event, NOW_MS + FRESH_MS).await;
    let asked = server.received_requests().await.expect("recorded").len();
    assert_eq!(asked, 4);
    // A kind without a topic has nothing to ask for.
    assert_eq!(live.unshipped_from(LogKind::Audit, NOW_MS).await, NOW_MS);
    assert!(live.has(LogKind::Event) && !live.has(LogKind::Audit));
    let meta = live.meta(&"t-1".to_owned()).await;
    assert_eq!(meta.fields.map(|fields| fields.len()), Some(2));
    assert!(meta.tags);
}

#[tokio::test]
async fn who_may_not_ask_takes_half_an_hour_for_not_shipped() {
    let refused = json!({"Error": {"Code": "UnauthorizedOperation", "Message": "no"}});
    let (_server, live) = live(refused).await;
    let from_ms = live.unshipped_from(LogKind::Event, NOW_MS).await;
    assert_eq!(from_ms, NOW_MS - LATE_MS);
}
