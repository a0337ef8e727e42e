//! Whose data a call sees, after a switch by name and with a token of some owners.

use gengfu::model::report::Stage;
use serde_json::json;

use crate::{
    asking::{said, spoken},
    running::{Era, ROBOT, Running, STRANGER, told},
    stored_day::{self, owner},
};

#[tokio::test]
async fn a_token_sees_only_its_owners() {
    let server = Running::start().await;
    let client = server.client(STRANGER, Era::Handshake).await;
    let text = said(&client, "summarize_day", json!({})).await;
    assert!(
        text.contains("owner=other") && !text.contains("checkout"),
        "{text}"
    );
}

#[tokio::test]
async fn an_owner_is_switched_to_by_name_and_code_for_one_robot_only() {
    let server = Running::start().await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let robot = |name: &str, code: &str| json!({ "owner": name, "code": code, "run": "never", "device_id": "r1" });
    for (name, code, hint) in [
        ("王五", "", "known="),
        ("李四", "", "口令"),
        ("李四", "芝麻关门", "tries_left=4"),
    ] {
        let (text, failed) = told(&client, "switch_owner_keys", robot(name, code)).await;
        assert!(failed && text.contains(hint), "{text}");
        assert!(!text.contains("AKID") && !text.contains("secret"), "{text}");
    }
    let switched = said(&client, "switch_owner_keys", robot("李四", "芝麻开门")).await;
    assert!(
        spoken(&switched).starts_with("已经换成李四的日志") && switched.contains("owner=other"),
        "{switched}"
    );
    let (mine, _) = told(&client, "search_events", json!({ "device_id": "r1" })).await;
    assert!(!mine.contains("owner=demo"), "{mine}");
    let others = said(&client, "summarize_day", json!({ "device_id": "r2" })).await;
    assert!(others.contains("owner=demo"), "{others}");
}

#[tokio::test]
async fn what_a_question_pulled_of_yesterday_is_no_report_to_switch_to() {
    for (stage, starts) in [
        (Stage::Events, true),
        (Stage::Windows, true),
        (Stage::Day, false),
        (Stage::Complete, false),
    ] {
        let server = Running::start().await;
        let store = server.desk.stores.of(&owner("other")).await.expect("store");
        let mut report = stored_day::report();
        (report.owner, report.stage) = (owner("other"), stage);
        store.put_revision(report).await.expect("revision");
        let client = server.client(ROBOT, Era::Handshake).await;
        let ask = json!({ "owner": "李四", "code": "芝麻开门" });
        let text = said(&client, "switch_owner_keys", ask).await;
        assert_eq!(text.contains("task="), starts, "{stage:?}: {text}");
    }
}
