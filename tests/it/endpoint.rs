//! The robot's side of an MCP endpoint: a hub that we dial out to, as `mcp-endpoint-server` and xiaozhi.me behave.

use std::collections::BTreeSet;

use futures::{FutureExt as _, SinkExt, StreamExt};
use gengfu::mcp::{Access, Endpoint, serve_endpoint};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, accept_async,
    tungstenite::{
        Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};
use tokio_util::sync::CancellationToken;

use crate::{running::Running, stored_day::owner};

struct Hub {
    listener: TcpListener,
    stop: CancellationToken,
    dialling: tokio::task::JoinHandle<()>,
}

impl Hub {
    async fn called_by(server: &Running, access: Access) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        let stop = CancellationToken::new();
        let endpoint = Endpoint {
            name: "table".to_owned(),
            url: format!("ws://{address}/mcp_endpoint/mcp/?token=not%2Ffor%2Flogs").into(),
            access,
        };
        let dialling = tokio::spawn(serve_endpoint(server.desk.clone(), endpoint, stop.clone()));
        Self {
            listener,
            stop,
            dialling,
        }
    }

    async fn robot(&self) -> Robot {
        let (stream, _) = self.listener.accept().await.expect("dialled");
        Robot(accept_async(stream).await.expect("handshake"))
    }
}

struct Robot(WebSocketStream<TcpStream>);

impl Robot {
    async fn say(&mut self, frame: &Value) {
        self.0
            .send(Message::text(frame.to_string()))
            .await
            .expect("send");
    }

    async fn hear(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.0.next().await.expect("open").expect("frame") {
                return serde_json::from_str(&text).expect("json");
            }
        }
    }

    async fn ask(&mut self, id: Value, method: &str, params: Value) -> Value {
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
        let answer = self.hear().await;
        assert_eq!(answer["id"], id);
        answer["result"].clone()
    }
}

/// The hub's ids: its own, with the robot's at the end.
fn hub_id(session: usize, id: usize) -> Value {
    format!("0f8fad5b-d9cb-469f-a165-{session:012}_n_{id}").into()
}

#[tokio::test]
async fn a_thousand_voice_sessions_go_over_one_socket() {
    let server = Running::start().await;
    let hub = Hub::called_by(&server, Access::All).await;
    let mut robot = hub.robot().await;
    for session in 0..1000 {
        // The server asks for the list without waiting for the answer to its greeting.
        let greeting = json!({"protocolVersion": "2024-11-05", "capabilities": {"roots": {"listChanged": true}, "sampling": {}},
            "clientInfo": {"name": "XiaozhiMCPEndpointClient", "version": "1.0.0"}});
        robot.say(&json!({"jsonrpc": "2.0", "id": hub_id(session, 1), "method": "initialize", "params": greeting})).await;
        robot
            .say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        robot
            .say(&json!({"jsonrpc": "2.0", "id": hub_id(session, 2), "method": "tools/list"}))
            .await;
        let (about, tools) = (robot.hear().await, robot.hear().await);
        assert_eq!(about["id"], hub_id(session, 1));
        assert_eq!(about["result"]["protocolVersion"], "2024-11-05");
        assert_eq!(tools["id"], hub_id(session, 2));
        assert!(
            !tools["result"]["tools"]
                .as_array()
                .expect("tools")
                .is_empty()
        );
    }
    let params = json!({"name": "summarize_day", "arguments": {}, "serialNumber": null});
    let told = robot.ask(hub_id(1000, 1), "tools/call", params).await;
    let text = told["content"][0]["text"].as_str().expect("text");
    assert!(text.contains("checkout"), "{text}");
    hub.stop.cancel();
    hub.dialling.await.expect("ends");
}

#[tokio::test]
async fn calls_answer_side_by_side_and_a_failure_is_a_sentence() {
    let server = Running::start().await;
    let hub = Hub::called_by(&server, Access::All).await;
    let mut robot = hub.robot().await;
    let asked = [
        ("search_events", json!({"date": "第三十三日"})),
        ("trace_cause", json!({})),
        ("task_status", json!({"task": "t999"})),
        ("fetch_logs", json!({})),
    ];
    for (id, (name, arguments)) in asked.iter().enumerate() {
        let params = json!({"name": name, "arguments": arguments});
        robot
            .say(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}))
            .await;
    }
    let mut answered = BTreeSet::new();
    for _ in &asked {
        let answer = robot.hear().await;
        assert!(
            answer["error"].is_null() && answer["result"]["isError"].is_null(),
            "{answer}"
        );
        assert!(answer.to_string().len() <= gengfu::mcp::ENDPOINT_BYTES + 512);
        answered.insert(answer["id"].as_u64().expect("id"));
    }
    assert_eq!(answered.len(), asked.len());
    hub.stop.cancel();
    hub.dialling.await.expect("ends");
}

#[tokio::test]
async fn an_endpoint_of_one_owner_tells_of_that_owner_only() {
    let server = Running::start().await;
    let hub = Hub::called_by(&server, Access::Only(vec![owner("other")])).await;
    let mut robot = hub.robot().await;
    let params = json!({"name": "summarize_day", "arguments": {"date": "2026-11-21"}});
    let told = robot.ask(json!(1), "tools/call", params).await;
    let text = told["content"][0]["text"].as_str().expect("text");
    assert!(
        text.contains("owner=other") && !text.contains("checkout"),
        "{text}"
    );
    hub.stop.cancel();
    hub.dialling.await.expect("ends");
}

#[tokio::test]
async fn a_closed_socket_is_dialled_again() {
    let server = Running::start().await;
    let hub = Hub::called_by(&server, Access::All).await;
    let mut first = hub.robot().await;
    let close = CloseFrame {
        code: CloseCode::from(4004),
        reason: "Internal server error".into(),
    };
    let close = Message::Close(Some(close));
    first.0.send(close).await.expect("close");
    drop(first);
    let mut second = hub.robot().await;
    let listed = second.ask(json!(0), "tools/list", json!({})).await;
    assert!(!listed["tools"].is_null());
    hub.stop.cancel();
    hub.dialling.await.expect("ends");
}

#[tokio::test]
async fn who_is_replaced_does_not_fight_for_the_endpoint() {
    let server = Running::start().await;
    let hub = Hub::called_by(&server, Access::All).await;
    let mut robot = hub.robot().await;
    let close = CloseFrame {
        code: CloseCode::Normal,
        reason: "新连接替换".into(),
    };
    let close = Message::Close(Some(close));
    robot.0.send(close).await.expect("close");
    // Until our side has closed, too.
    while let Some(Ok(_)) = robot.0.next().await {}
    // It waits for minutes before it tries again, and stops at once when it is told to.
    hub.stop.cancel();
    hub.dialling.await.expect("ends");
    assert!(hub.listener.accept().now_or_never().is_none());
}
