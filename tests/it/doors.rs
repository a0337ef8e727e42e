//! Who gets in, who is told to go and why, and how the house is closed.

use gengfu::{
    http::FailedNight,
    mcp::{
        Change,
        sessions::{Limits, QUIET},
    },
};
use serde_json::{Value, json};

use crate::{
    running::{Era, OTHER, ROBOT, Running, STRANGER, TEN_O_CLOCK, http_client, initialize},
    stored_day::owner,
};

/// The id of a new session, and what was answered.
pub(crate) async fn opened_session(server: &Running, token: &str) -> (String, String) {
    let answer = server
        .post(token, None, &initialize())
        .send()
        .await
        .expect("initialize");
    let id = answer.headers()["mcp-session-id"]
        .to_str()
        .expect("id")
        .to_owned();
    let body = answer.text().await.expect("body");
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let accepted = server
        .post(token, Some(&id), &ready)
        .send()
        .await
        .expect("initialized");
    assert_eq!(accepted.status(), 202);
    (id, body)
}

fn ping() -> Value {
    json!({"jsonrpc": "2.0", "id": 7, "method": "ping"})
}

#[tokio::test]
async fn both_eras_are_served_on_one_address() {
    let server = Running::start().await;
    for era in [Era::Handshake, Era::Sessionless] {
        let client = server.client(ROBOT, era).await;
        let info = client.peer_info().expect("info");
        assert!(info.capabilities.resources.is_some(), "{era:?}");
        client.cancel().await.expect("close");
    }
    assert_eq!(server.stop().await, 0);
}

#[tokio::test]
async fn a_stranger_is_told_what_to_send() {
    let server = Running::start().await;
    let answer = server
        .post("wrong", None, &initialize())
        .send()
        .await
        .expect("post");
    assert_eq!(answer.status(), 401);
    assert!(answer.headers().contains_key("www-authenticate"));
    assert!(answer.text().await.expect("text").contains("GENGFU_TOKENS"));
}

#[tokio::test]
async fn another_name_and_a_foreign_page_are_refused_by_name() {
    let server = Running::start().await;
    for (header, value) in [("host", "evil.example"), ("origin", "https://evil.example")] {
        let answer = server
            .post(ROBOT, None, &initialize())
            .header(header, value)
            .send()
            .await
            .expect("post");
        assert_eq!(answer.status(), 403, "{header}");
        let text = answer.text().await.expect("text");
        assert!(
            text.contains("evil.example") && text.contains("GENGFU_ALLOWED_HOSTS"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn no_priming_event_disturbs_an_old_client() {
    let server = Running::start().await;
    let (id, body) = opened_session(&server, ROBOT).await;
    let pong = server
        .post(ROBOT, Some(&id), &ping())
        .send()
        .await
        .expect("ping")
        .text()
        .await
        .expect("text");
    for stream in [body, pong] {
        let data: Vec<&str> = stream
            .lines()
            .filter_map(|l| l.strip_prefix("data:"))
            .collect();
        assert_eq!(data.len(), 1, "{stream}");
        serde_json::from_str::<Value>(data[0]).expect("every data line is JSON");
    }
}

/// What Python's httpx_sse makes of a stream: an event at each empty line that follows any field, where `id` once seen is never
/// forgotten. Counts the comments, and gives back the data of each event.
fn as_python_reads(stream: &str) -> (Vec<&str>, usize) {
    let (mut events, mut comments) = (Vec::new(), 0);
    let (mut data, mut numbered) = (None, false);
    for line in stream.lines() {
        match line.split_once(':') {
            Some(("data", text)) => data = Some(text.trim_start()),
            Some(("id", _)) => numbered = true,
            Some(("", _)) => comments += 1,
            _ if line.is_empty() && (numbered || data.is_some()) => {
                events.push(data.take().unwrap_or_default());
            }
            _ => {}
        }
    }
    (events, comments)
}

#[tokio::test]
async fn a_ping_is_no_message() {
    let server = Running::start().await;
    let (id, body) = opened_session(&server, ROBOT).await;
    let pong = server.post(ROBOT, Some(&id), &ping()).send().await;
    let pong = pong.expect("ping").text().await.expect("text");
    let mut listening = http_client()
        .get(server.url("/mcp"))
        .bearer_auth(ROBOT)
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &id)
        .send()
        .await
        .expect("get");
    let day = "2026-11-20".parse().expect("day");
    let news = Change::NewDay(owner("demo"), day);
    server.desk.changes.announce(news);
    // The clock runs to the next ping whenever everybody waits.
    tokio::time::pause();
    let mut heard = String::new();
    while as_python_reads(&heard).1 < 3 {
        let chunk = listening.chunk().await.expect("read").expect("open");
        heard.push_str(std::str::from_utf8(&chunk).expect("text"));
    }
    assert!(heard.contains("list_changed"), "{heard}");
    for stream in [body, pong, heard] {
        let (events, _) = as_python_reads(&stream);
        assert_eq!(events.len(), 1, "{stream}");
        serde_json::from_str::<Value>(events[0]).expect("every event is JSON");
        assert!(!stream.lines().any(|l| l.starts_with("id")), "{stream}");
    }
}

#[tokio::test]
async fn a_session_exists_only_for_the_caller_that_opened_it() {
    let server = Running::start().await;
    let (id, _) = opened_session(&server, ROBOT).await;
    let used = server
        .post(OTHER, Some(&id), &ping())
        .send()
        .await
        .expect("post");
    assert_eq!(used.status(), 404);
    let url = server.url("/mcp");
    let delete = |token: &'static str| {
        http_client()
            .delete(&url)
            .bearer_auth(token)
            .header("mcp-session-id", &id)
            .send()
    };
    assert_eq!(delete(OTHER).await.expect("delete").status(), 404);
    assert_eq!(
        server
            .post(ROBOT, Some(&id), &ping())
            .send()
            .await
            .expect("ping")
            .status(),
        200
    );
    assert_eq!(delete(ROBOT).await.expect("delete").status(), 204);
    assert_eq!(
        server
            .post(ROBOT, Some(&id), &ping())
            .send()
            .await
            .expect("ping")
            .status(),
        404
    );
}

#[tokio::test]
async fn the_quietest_session_makes_room_and_comes_back_when_used() {
    let server = Running::with(Limits {
        live: 2,
        remembered: 100,
    })
    .await;
    let (first, _) = opened_session(&server, ROBOT).await;
    for _ in 0..4 {
        opened_session(&server, ROBOT).await;
    }
    let pong = server
        .post(ROBOT, Some(&first), &ping())
        .send()
        .await
        .expect("ping");
    assert_eq!(pong.status(), 200);
    assert!(pong.text().await.expect("text").contains(r#""id":7"#));
}

#[tokio::test]
async fn a_session_without_a_listener_is_let_go_and_one_with_a_listener_stays() {
    let server = Running::start().await;
    let (heard, _) = opened_session(&server, ROBOT).await;
    let (left, _) = opened_session(&server, ROBOT).await;
    let mut listening = http_client()
        .get(server.url("/mcp"))
        .bearer_auth(ROBOT)
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &heard)
        .send()
        .await
        .expect("get");
    tokio::time::pause();
    tokio::time::advance(QUIET * 2).await;
    // The sweep has passed when the next ping of the stream is heard.
    listening.chunk().await.expect("read").expect("still open");
    tokio::time::resume();
    server.desk.changes.announce(Change::NewDay(
        owner("demo"),
        "2026-11-20".parse().expect("day"),
    ));
    let mut text = String::new();
    while !text.contains("list_changed") {
        let chunk = listening.chunk().await.expect("read").expect("open");
        text.push_str(std::str::from_utf8(&chunk).expect("text"));
    }
    // The other one comes back by itself.
    let pong = server.post(ROBOT, Some(&left), &ping()).send().await;
    assert_eq!(pong.expect("ping").status(), 200);
}

#[tokio::test]
async fn a_client_of_the_old_transport_learns_what_to_write() {
    let server = Running::start().await;
    let answer = http_client()
        .get(server.url("/mcp"))
        .bearer_auth(ROBOT)
        .header("accept", "text/event-stream")
        .send()
        .await
        .expect("get");
    assert_eq!(answer.status(), 405);
    let text = answer.text().await.expect("text");
    assert!(text.contains(r#""transport": "streamable-http""#), "{text}");
}

#[tokio::test]
async fn machines_need_no_token_to_ask_for_health() {
    let server = Running::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = http_client()
            .get(server.url(path))
            .header("host", "10.0.0.9")
            .send()
            .await
            .expect("get");
        assert_eq!(answer.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_failed_night_is_told_to_machines_without_the_name_and_to_its_owner_with_the_reason() {
    let server = Running::start().await;
    let night = |why: &str| FailedNight {
        day: "2026-11-21".parse().expect("day"),
        at_ms: TEN_O_CLOCK,
        why: why.to_owned(),
        again_ms: Some(TEN_O_CLOCK + 60_000),
    };
    let get = async |path: &str, token: &str| {
        let asked = http_client().get(server.url(path)).bearer_auth(token);
        let answer = asked.send().await.expect("get");
        let status = answer.status().as_u16();
        (status, answer.text().await.expect("text"))
    };
    let failed = Some(night("there is no bucket <logs-125>"));
    let nights = [(owner("demo"), failed), (owner("other"), None)];
    server.ready.nights(nights.into());
    let (status, said) = get("/readyz", "").await;
    assert_eq!(status, 503, "{said}");
    assert!(said.contains("1 of 2 owners"), "{said}");
    assert!(!said.contains("demo") && !said.contains("bucket"), "{said}");
    let (_, page) = get("/", ROBOT).await;
    for shown in ["there is no bucket &lt;logs-125&gt;", "11-22 10:01"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let (_, foreign) = get("/", STRANGER).await;
    assert!(!foreign.contains("logs-125"), "{foreign}");

    let nights = [(owner("demo"), None), (owner("other"), None)];
    server.ready.nights(nights.into());
    assert_eq!(get("/readyz", "").await.0, 200);
    assert!(!get("/", ROBOT).await.1.contains("logs-125"));
}

#[tokio::test]
async fn an_oversized_body_is_refused() {
    let server = Running::start().await;
    let huge = json!({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": "x".repeat(2_000_000)}});
    let answer = server.post(ROBOT, None, &huge).send().await.expect("post");
    assert_eq!(answer.status(), 413);
}

#[tokio::test]
async fn newcomers_are_refused_while_the_house_closes() {
    let server = Running::start().await;
    let call = server.desk.stop.at_work();
    let stop = server.desk.stop.clone();
    let closing = tokio::spawn(async move { stop.drain(std::time::Duration::from_secs(10)).await });
    while !server.desk.stop.is_draining() {
        tokio::task::yield_now().await;
    }
    let answer = server
        .post(ROBOT, None, &initialize())
        .send()
        .await
        .expect("post");
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "5");
    drop(call);
    assert_eq!(closing.await.expect("drain"), 0);
}

#[tokio::test]
async fn a_waking_robot_is_offered_the_report_once_unless_it_wants_quiet() {
    let server = Running::start().await;
    let wake = async |device: &str| {
        let answer = http_client()
            .get(server.url("/xiaozhi/context"))
            .bearer_auth(ROBOT)
            .header("device-id", device)
            .send()
            .await
            .expect("answer");
        assert_eq!(answer.status(), 200);
        let body: Value = answer.json().await.expect("json");
        assert_eq!(body["code"], 0);
        body["data"].as_object().expect("data").clone()
    };
    let first = wake("AA:BB:CC:00:11:22").await;
    let line = first["K8s集群日报"].as_str().expect("line");
    assert!(
        line.starts_with("今日日报已备好") && line.ends_with("问要不要开始播报"),
        "{line}"
    );
    assert!(wake("AA:BB:CC:00:11:22").await.is_empty());

    let client = server.client(ROBOT, Era::Handshake).await;
    let quiet = json!({ "quiet": true, "device_id": "aa:bb:cc:00:11:33" });
    crate::running::told(&client, "summarize_day", quiet).await;
    assert!(wake("AA:BB:CC:00:11:33").await.is_empty());

    let stranger = http_client()
        .get(server.url("/xiaozhi/context"))
        .send()
        .await;
    assert_eq!(stranger.expect("answer").status(), 401);
}
