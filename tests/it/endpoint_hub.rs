//! An endpoint hub with the habits of `mcp-endpoint-server`: a new socket replaces the old one, whose end then makes the hub forget the new
//! one; a socket that broke is registered until its ping stays without answer. Whoever dials it must be reachable all the same.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{SinkExt as _, StreamExt as _};
use gengfu::mcp::{Access, Endpoint, serve_endpoint};
use serde_json::{Value, json};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc, watch},
    time::Instant,
};
use tokio_tungstenite::{
    accept_async, connect_async,
    tungstenite::{
        Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};
use tokio_util::sync::CancellationToken;

use crate::running::Running;

/// uvicorn's `ws_ping_interval` and `ws_ping_timeout`.
const PING: Duration = Duration::from_secs(20);

#[derive(Clone)]
struct Hub {
    address: SocketAddr,
    /// The one socket that the hub knows.
    tool: Arc<Mutex<Option<mpsc::UnboundedSender<Message>>>>,
    answers: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Value>>>,
    /// How many sockets there were.
    sockets: watch::Receiver<usize>,
}

impl Hub {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let (answered, answers) = mpsc::unbounded_channel();
        let (counted, sockets) = watch::channel(0);
        let hub = Self {
            address: listener.local_addr().expect("address"),
            tool: Arc::default(),
            answers: Arc::new(tokio::sync::Mutex::new(answers)),
            sockets,
        };
        let its = hub.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (hub, answered, counted) = (its.clone(), answered.clone(), counted.clone());
                tokio::spawn(async move { hub.serve(stream, answered, counted).await });
            }
        });
        hub
    }

    fn registered(&self) -> std::sync::MutexGuard<'_, Option<mpsc::UnboundedSender<Message>>> {
        self.tool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(
        &self,
        stream: TcpStream,
        answered: mpsc::UnboundedSender<Value>,
        counted: watch::Sender<usize>,
    ) {
        let mut socket = accept_async(stream).await.expect("handshake");
        let (own, mut orders) = mpsc::unbounded_channel();
        if let Some(old) = self.registered().replace(own) {
            let frame = CloseFrame {
                code: CloseCode::Normal,
                reason: "新连接替换".into(),
            };
            let _ = old.send(Message::Close(Some(frame)));
        }
        counted.send_modify(|n| *n += 1);
        let mut pings = tokio::time::interval(PING);
        let mut heard = Instant::now();
        let mut is_known = true;
        loop {
            tokio::select! {
                order = orders.recv(), if is_known => match order {
                    Some(Message::Close(frame)) => {
                        let _ = socket.send(Message::Close(frame)).await;
                        break;
                    }
                    Some(message) => drop(socket.send(message).await),
                    // The hub has forgotten this one; it stays open.
                    None => is_known = false,
                },
                message = socket.next() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => {
                            let _ = answered.send(serde_json::from_str(&text).expect("json"));
                        }
                        Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                        Some(Ok(_)) => {}
                    }
                }
                _ = pings.tick() => {
                    // Neither the last ping was answered nor the one before.
                    if heard.elapsed() > PING * 3 / 2 {
                        break;
                    }
                    let _ = socket.send(Message::Ping(Vec::new().into())).await;
                }
            }
        }
        // `finally`, without asking which one is registered.
        *self.registered() = None;
    }

    /// The n-th socket is there.
    async fn socket(&self, n: usize) {
        let mut sockets = self.sockets.clone();
        sockets.wait_for(|count| *count >= n).await.expect("hub");
    }

    /// What a robot gets.
    async fn ask(&self, method: &str) -> Result<Value, &'static str> {
        let asked = json!({"jsonrpc": "2.0", "id": "0f8fad5b_n_1", "method": method});
        let tool = self.registered().clone().ok_or("工具端未连接")?;
        let sent = tool.send(Message::text(asked.to_string()));
        sent.map_err(|_| "工具端未连接")?;
        let answer = self.answers.lock().await.recv().await;
        Ok(answer.expect("hub")["result"].clone())
    }
}

/// Between the hub and us: a network that can break so that only one side notices.
async fn network(to: SocketAddr) -> (SocketAddr, Arc<Notify>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("address");
    let breaks = Arc::new(Notify::new());
    let broken = breaks.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let broken = broken.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.expect("hub");
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    () = broken.notified() => {
                        drop(near);
                        // The hub's side stays as it is.
                        std::future::pending::<()>().await;
                    }
                }
            });
        }
    });
    (address, breaks)
}

struct Dialling {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Dialling {
    fn begin(server: &Running, address: SocketAddr) -> Self {
        let stop = CancellationToken::new();
        let endpoint = Endpoint {
            name: "table".to_owned(),
            url: format!("ws://{address}/mcp_endpoint/mcp/?token=t").into(),
            access: Access::All,
        };
        let task = tokio::spawn(serve_endpoint(server.desk.clone(), endpoint, stop.clone()));
        Self { stop, task }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("ends");
    }
}

fn has_tools(list: &Value) -> bool {
    list["tools"].as_array().is_some_and(|t| !t.is_empty())
}

#[tokio::test]
async fn after_a_broken_connection_the_hub_is_given_time_to_notice() {
    let server = Running::start().await;
    let hub = Hub::start().await;
    let (address, breaks) = network(hub.address).await;
    let dialling = Dialling::begin(&server, address);
    hub.socket(1).await;
    assert!(has_tools(&hub.ask("tools/list").await.expect("reachable")));
    tokio::time::pause();
    breaks.notify_waiters();
    hub.socket(2).await;
    assert!(has_tools(&hub.ask("tools/list").await.expect("reachable")));
    dialling.end().await;
}

#[tokio::test]
async fn who_comes_back_after_a_conflict_is_reachable() {
    let server = Running::start().await;
    let hub = Hub::start().await;
    let dialling = Dialling::begin(&server, hub.address);
    hub.socket(1).await;
    tokio::time::pause();
    let other = connect_async(format!("ws://{}/mcp_endpoint/mcp/", hub.address)).await;
    let (mut other, _) = other.expect("another program");
    hub.socket(2).await;
    // It stays, and answers nothing but pings.
    tokio::spawn(async move { while let Some(Ok(_)) = other.next().await {} });
    // A knock, and the connection.
    hub.socket(4).await;
    assert!(has_tools(&hub.ask("tools/list").await.expect("reachable")));
    dialling.end().await;
}

#[tokio::test]
async fn a_hub_that_has_forgotten_us_is_dialled_anew_within_hours() {
    let server = Running::start().await;
    let hub = Hub::start().await;
    let dialling = Dialling::begin(&server, hub.address);
    hub.socket(1).await;
    *hub.registered() = None;
    assert_eq!(hub.ask("tools/list").await, Err("工具端未连接"));
    tokio::time::pause();
    let began = Instant::now();
    hub.socket(2).await;
    assert!(began.elapsed() > Duration::from_hours(5));
    assert!(has_tools(&hub.ask("tools/list").await.expect("reachable")));
    dialling.end().await;
}
