//! A stand-in of the MQTT gateway: states of a robot, refused dates, and what may have been spoken.

use proptest::prelude::*;
use wiremock::{
    Mock, MockServer, Request, Respond, ResponseTemplate,
    matchers::{method, path},
};

use super::*;
use crate::model::sample::moment;

const KEY: &str = "Sign4tureKey!";
const MAC: &str = "AA:BB:CC:00:11:22";
const ID: &str = "GID_default@@@aa_bb_cc_00_11_22@@@aa_bb_cc_00_11_22";

/// Behaves as the gateway does: refuses tokens of another day.
struct OfDay(&'static str, u16, Value);

impl Respond for OfDay {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let right = format!(
            "Bearer {}",
            hex::encode(Sha256::digest(format!("{}{KEY}", self.0)))
        );
        let given = request
            .headers
            .get("authorization")
            .and_then(|v| v.to_str().ok());
        if given == Some(right.as_str()) {
            ResponseTemplate::new(self.1).set_body_json(&self.2)
        } else {
            ResponseTemplate::new(401).set_body_json(json!({ "error": "无效的授权令牌" }))
        }
    }
}

struct Stand {
    server: MockServer,
    gateway: Gateway,
}

async fn stand(day: &'static str, state: Value, status: u16, answer: Value) -> Stand {
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/devices/status"))
        .respond_with(OfDay(day, 200, json!({ ID: state })))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path(format!("/api/commands/{ID}")))
        .respond_with(OfDay(day, status, answer))
        .mount(&server)
        .await;
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("client");
    let gateway = Gateway::new(
        http,
        server.uri().parse().expect("url"),
        SecretString::from(KEY),
        TimeZone::get("Asia/Shanghai").expect("zone"),
    );
    Stand { server, gateway }
}

fn idle() -> Value {
    json!({ "exists": true, "isAlive": false })
}

fn said() -> Value {
    json!({ "success": true, "data": { "content": [{ "type": "text", "text": "true" }], "isError": false } })
}

impl Stand {
    async fn wake(&self) -> Outcome {
        // 07:00 in Shanghai is still the day before in UTC.
        self.gateway
            .wake(
                MAC,
                "支付服务报错,要听吗?",
                moment("2026-11-22T07:00:00").ms,
            )
            .await
    }

    async fn commands(&self) -> Vec<Value> {
        let all = self.server.received_requests().await.expect("recorded");
        all.iter()
            .filter(|r| r.url.path().starts_with("/api/commands"))
            .filter(|r| r.headers.contains_key("authorization"))
            .map(|r| r.body_json().expect("json"))
            .collect()
    }
}

#[tokio::test]
async fn an_idle_robot_speaks_the_text_word_for_word() {
    let stand = stand("2026-11-22", idle(), 200, said()).await;
    assert_eq!(stand.wake().await, Outcome::Said);
    let commands = stand.commands().await;
    let [command] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert_eq!(command["type"], "mcp");
    assert_eq!(command["payload"]["params"]["name"], "self.remote_wakeup");
    assert_eq!(
        command["payload"]["params"]["arguments"]["reason"],
        "[device_call]支付服务报错,要听吗?"
    );
}

#[tokio::test]
async fn a_gateway_whose_clock_runs_on_utc_is_found_by_its_date() {
    for day in ["2026-11-21", "2026-11-20"] {
        let stand = stand(day, idle(), 200, said()).await;
        assert_eq!(stand.wake().await, Outcome::Said, "{day}");
    }
    let other = stand("2026-11-30", idle(), 200, said()).await;
    assert_eq!(other.wake().await, Outcome::Failed);
    assert!(other.commands().await.is_empty());
}

#[tokio::test]
async fn a_robot_that_talks_or_is_away_is_left_alone() {
    for (state, outcome) in [
        (json!({ "exists": true, "isAlive": true }), Outcome::Busy),
        (
            json!({ "exists": false, "isAlive": false }),
            Outcome::Offline,
        ),
        (json!(null), Outcome::Offline),
    ] {
        let stand = stand("2026-11-22", state, 200, said()).await;
        assert_eq!(stand.wake().await, outcome);
        assert!(stand.commands().await.is_empty());
    }
}

#[tokio::test]
async fn what_may_have_been_spoken_is_told_apart_from_what_was_not() {
    for (status, answer, outcome) in [
        (
            500,
            json!({ "success": false, "error": "timeout" }),
            Outcome::Unsure,
        ),
        (
            500,
            json!({ "success": false, "error": "设备未连接" }),
            Outcome::Offline,
        ),
        (
            500,
            json!({ "success": false, "error": "Unknown tool: self.remote_wakeup" }),
            Outcome::Failed,
        ),
        (
            504,
            json!({ "success": false, "code": "COMMAND_TIMEOUT", "dispatchAttempted": true }),
            Outcome::Unsure,
        ),
        (
            404,
            json!({ "success": false, "code": "DEVICE_OFFLINE", "dispatchAttempted": false }),
            Outcome::Offline,
        ),
        (
            200,
            json!({ "success": true, "data": { "content": [{ "type": "text", "text": "false" }] } }),
            Outcome::Busy,
        ),
    ] {
        let stand = stand("2026-11-22", idle(), status, answer.clone()).await;
        assert_eq!(stand.wake().await, outcome, "{answer}");
        assert_eq!(stand.commands().await.len(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_gateway_that_is_not_there_has_said_nothing() {
    let stand = stand("2026-11-22", idle(), 200, said()).await;
    let mut gateway = stand.gateway.clone();
    gateway.url = "http://127.0.0.1:1/".parse().expect("url");
    assert_eq!(gateway.wake(MAC, "x", 0).await, Outcome::Failed);
}

#[test]
fn a_client_id_is_taken_as_given() {
    assert_eq!(client_id("GID_test@@@a@@@b"), "GID_test@@@a@@@b");
    assert_eq!(client_id(MAC), ID);
}

proptest! {
    #[test]
    fn no_text_can_break_out_of_the_firmware_s_json(text in "\\PC{0,300}|[\"\\\\\n\r\t{}a]{0,300}") {
        let reason = reason(&text);
        prop_assert!(reason.chars().count() <= LONGEST_REASON);
        prop_assert!(reason.starts_with(VERBATIM));
        let frame = format!("{{\"text\":\"{reason}\"}}");
        let back: Value = serde_json::from_str(&frame).expect("still JSON");
        prop_assert_eq!(back["text"].as_str(), Some(reason.as_str()));
    }
}
