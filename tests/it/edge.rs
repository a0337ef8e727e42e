//! What strangers try at the doors: the list of attacks. `doors.rs` says who gets in; this file says what does not work; texts that want
//! to become a part of the page are `hostile_page.rs`'s.
//!
//! Each attack is made from outside, over a socket, against the real router.

use std::time::Duration;

use gengfu::mcp::{Change, sessions::Limits};
use rmcp::model::ReadResourceRequestParams;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    running::{Era, RARE, ROBOT, Running, STRANGER, http_client, initialize},
    stored_day::owner,
};

#[tokio::test]
async fn a_foreign_session_is_no_session() {
    let server = Running::start().await;
    let ping = json!({"jsonrpc": "2.0", "id": 7, "method": "ping"});
    for made_up in [
        "00000000-0000-0000-0000-000000000000",
        "../../etc/passwd",
        "a b",
        "%00",
        &"x".repeat(4000),
    ] {
        let answer = server
            .post(ROBOT, Some(made_up), &ping)
            .send()
            .await
            .expect("post");
        assert!(
            [400, 404].contains(&answer.status().as_u16()),
            "{made_up}: {}",
            answer.status()
        );
    }
}

#[tokio::test]
async fn a_token_of_one_owner_opens_nothing_of_another() {
    let server = Running::start().await;
    let client = server.client(STRANGER, Era::Sessionless).await;
    for file in [
        "days",
        "alerts",
        "tasks",
        "2026-11-21/report.json",
        "2026-11-21/llm_summary.txt",
    ] {
        let uri = format!("gengfu://demo/{file}");
        assert!(
            client
                .read_resource(ReadResourceRequestParams::new(&uri))
                .await
                .is_err(),
            "{uri}"
        );
    }
    for path in [
        "/o/demo",
        "/o/demo/round",
        "/o/demo/alarms",
        "/o/demo/marks",
        "/o/demo/2026-11-21",
        "/o/demo/2026-11-21/i1",
        "/o/demo/2026-11-21/search?q=x",
        "/o/demo/2026-11-21/line/event:0000000000000001",
    ] {
        let theirs = http_client()
            .get(server.url(path))
            .bearer_auth(STRANGER)
            .send()
            .await
            .expect("get");
        let nobodys = http_client()
            .get(server.url(&path.replace("demo", "nobody")))
            .bearer_auth(STRANGER)
            .send()
            .await
            .expect("get");
        assert_eq!(
            (theirs.status(), nobodys.status()),
            (404.try_into().expect("code"), 404.try_into().expect("code")),
            "{path}"
        );
        // A page says which address it is.
        let theirs = theirs.text().await.expect("text");
        assert_eq!(
            theirs.replace("demo", "nobody"),
            nobodys.text().await.expect("text"),
            "{path}"
        );
    }
    let home = http_client()
        .get(server.url("/"))
        .bearer_auth(STRANGER)
        .send()
        .await
        .expect("get")
        .text()
        .await
        .expect("text");
    assert!(!home.contains("/o/demo"), "{home}");
}

#[tokio::test]
async fn no_name_of_another_host_reaches_any_door() {
    let server = Running::start().await;
    for path in [
        "/",
        "/mcp",
        "/xiaozhi/context",
        "/o/demo/2026-11-21",
        "/page/login",
        "/page/style.css",
    ] {
        for host in [
            "evil.example",
            "127.0.0.1.evil.example:80",
            "localhost.evil.example",
            "[::1].evil.example",
            "evil@localhost",
            "",
        ] {
            let answer = http_client()
                .get(server.url(path))
                .bearer_auth(ROBOT)
                .header("host", host)
                .send()
                .await
                .expect("get");
            assert!(
                [400, 403].contains(&answer.status().as_u16()),
                "{path} {host}: {}",
                answer.status()
            );
        }
    }
}

#[tokio::test]
async fn a_token_that_asks_too_often_waits_and_others_do_not() {
    let server = Running::start().await;
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(
            server
                .post(RARE, None, &initialize())
                .send()
                .await
                .expect("post")
                .status()
                .as_u16(),
        );
    }
    assert_eq!(seen, [200, 200, 200, 429, 429]);
    assert_eq!(
        server
            .post(ROBOT, None, &initialize())
            .send()
            .await
            .expect("post")
            .status(),
        200
    );
}

#[tokio::test]
async fn no_address_of_a_resource_leaves_the_data() {
    let server = Running::start().await;
    let client = server.client(ROBOT, Era::Sessionless).await;
    for bad in [
        "gengfu://demo/2026-11-21/../../owner.db",
        "gengfu://demo/2026-11-21/%2e%2e%2fowner.db",
        "gengfu://../demo/2026-11-21/report.json",
        "gengfu://demo%2f..%2f..%2fetc/days",
        "gengfu://demo\u{0}/days",
        "gengfu://demo/2026-11-21/report.json%00.txt",
        "gengfu://demo/2026-11-21/report.json/",
        "gengfu://DEMO/2026-11-21/report.json?x=/etc/passwd",
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "",
    ] {
        assert!(
            client
                .read_resource(ReadResourceRequestParams::new(bad))
                .await
                .is_err(),
            "{bad:?}"
        );
    }
    for path in [
        "/o/..%2f..%2fetc/2026-11-21",
        "/o/demo/..%2f..%2fvault.json",
        "/o/demo/2026-11-21/..%2freport",
        "/o/demo/2026-11-21/line/..%2f..%2fx",
        "/page/..%2f..%2fCargo.toml",
        "/o/%00/2026-11-21",
    ] {
        let answer = http_client()
            .get(server.url(path))
            .bearer_auth(ROBOT)
            .send()
            .await
            .expect("get");
        assert_eq!(answer.status(), 404, "{path}");
    }
}

/// Sends bytes as they are, and reads until the server hangs up or has answered.
async fn raw(server: &Running, bytes: &[u8]) -> String {
    let mut tcp = TcpStream::connect(server.addr).await.expect("connect");
    // The server may hang up before it has taken everything.
    let _ = tcp.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = tcp.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let server = Running::start().await;
    let many: Vec<String> = (0..500).map(|n| format!("x-{n}: y\r\n")).collect();
    let many = many.concat();
    let answer = raw(
        &server,
        format!("GET / HTTP/1.1\r\nhost: localhost\r\n{many}\r\n").as_bytes(),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let long = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "y".repeat(300_000)
    );
    let answer = raw(&server, long.as_bytes()).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    let long = format!(
        "GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "y".repeat(300_000)
    );
    let answer = raw(&server, long.as_bytes()).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_body_that_says_it_is_huge_is_not_waited_for() {
    let server = Running::start().await;
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ROBOT}\r\ncontent-type: application/json\r\ncontent-length: 99999999999\r\n\r\n"
    );
    let answer = raw(&server, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    // One that does not say so is cut where the limit is.
    let chunk = format!("{:x}\r\n{}\r\n", 65_536, "x".repeat(65_536)).repeat(20);
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ROBOT}\r\ntransfer-encoding: chunked\r\n\r\n{chunk}"
    );
    let answer = raw(&server, head.as_bytes()).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 413"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_body_or_a_head_that_drips_is_not_waited_for() {
    let server = Running::start().await;
    let mut body = TcpStream::connect(server.addr).await.expect("connect");
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ROBOT}\r\ncontent-length: 100\r\n\r\n{{"
    );
    body.write_all(head.as_bytes()).await.expect("head");
    let mut line = TcpStream::connect(server.addr).await.expect("connect");
    line.write_all(b"GET / HTTP/1.1\r\nhost: loc")
        .await
        .expect("half a head");
    // The server has both before time runs.
    assert_eq!(
        server
            .post(ROBOT, None, &initialize())
            .send()
            .await
            .expect("post")
            .status(),
        200
    );
    tokio::time::pause();
    let mut answer = Vec::new();
    body.read_to_end(&mut answer).await.expect("read");
    assert!(
        answer.starts_with(b"HTTP/1.1 408"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    answer.clear();
    line.read_to_end(&mut answer).await.expect("read");
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test]
async fn a_reader_that_stalls_holds_nobody_up() {
    let server = Running::with(Limits {
        live: 4,
        remembered: 100,
    })
    .await;
    let opened = server
        .post(ROBOT, None, &initialize())
        .send()
        .await
        .expect("initialize");
    let id = opened.headers()["mcp-session-id"]
        .to_str()
        .expect("id")
        .to_owned();
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    server
        .post(ROBOT, Some(&id), &ready)
        .send()
        .await
        .expect("initialized");
    let mut stalled = TcpStream::connect(server.addr).await.expect("connect");
    let head = format!(
        "GET /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ROBOT}\r\naccept: text/event-stream\r\nmcp-session-id: {id}\r\n\r\n"
    );
    stalled.write_all(head.as_bytes()).await.expect("head");
    let mut first = [0u8; 12];
    stalled
        .read_exact(&mut first)
        .await
        .expect("the stream is open");
    // It reads no further, and is told of ten thousand changes; whoever else asks is answered meanwhile.
    for n in 0..10_000 {
        server.desk.changes.announce(Change::NewDay(
            owner("demo"),
            "2026-11-20".parse().expect("day"),
        ));
        if n % 1000 == 0 {
            let asked = tokio::time::timeout(
                Duration::from_secs(5),
                server
                    .post(
                        ROBOT,
                        Some(&id),
                        &json!({"jsonrpc": "2.0", "id": n, "method": "ping"}),
                    )
                    .send(),
            );
            assert_eq!(asked.await.expect("in time").expect("post").status(), 200);
        }
    }
    assert_eq!(server.stop().await, 0, "and the house closes all the same");
}
