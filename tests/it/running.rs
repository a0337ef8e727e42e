//! A server in this process, on a port of its own, over a stored day, and clients for it.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use gengfu::{
    http::{
        self, Hosts, Parts, Ready, Tokens,
        auth::{Token, sha256},
    },
    mcp::{
        Access, Caller, Calls, Changes, Chat, Clock, ClusterDays, Desk, Rounds, Stop, Stores,
        sessions,
    },
    model::{Credentials, Endpoints, Lang, Places},
    owners::{NewOwner, Owner, Owners, PlacesIn, Settings},
    round::{
        pull::Want,
        tasks::{Tasks, Work},
    },
    voice::Detail,
};
use jiff::tz::TimeZone;
use rmcp::{
    ClientLifecycleMode, ClientServiceExt, RoleClient, ServiceExt,
    model::{CallToolRequestParams, CallToolResult, ClientConfig, ProtocolVersion},
    service::RunningService,
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::stored_day::{self, owner};

/// 2026-11-22 10:00 in Shanghai.
pub(crate) const TEN_O_CLOCK: i64 = 1_795_312_800_000;

/// May open every owner.
pub(crate) const ROBOT: &str = "robot-token";
pub(crate) const OTHER: &str = "other-token";
/// May open `other` only.
pub(crate) const STRANGER: &str = "stranger-token";
/// Gets full answers.
pub(crate) const SCREEN: &str = "screen-token";

/// May ask three times a minute, by a clock that stands still.
pub(crate) const RARE: &str = "rare-token";
/// A web page that may call from a browser.
pub(crate) const APP: &str = "https://app.example.com";

/// The eras of the protocol, as a client chooses them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Era {
    Handshake,
    Sessionless,
}

pub(crate) const ERAS: [Era; 2] = [Era::Handshake, Era::Sessionless];

pub(crate) type Client = RunningService<RoleClient, ClientConfig>;

pub(crate) struct Running {
    pub(crate) addr: SocketAddr,
    pub(crate) desk: Arc<Desk>,
    /// Stands at [`TEN_O_CLOCK`] until it is moved.
    pub(crate) clock: &'static AtomicI64,
    pub(crate) data: TempDir,
    pub(crate) ready: Ready,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::with(sessions::Limits::default()).await
    }

    pub(crate) async fn with(limits: sessions::Limits) -> Self {
        Self::over(limits, |tasks, _| {
            Rounds::new(tasks, Arc::new(|key, work| never_ends(key.want, work)))
        })
        .await
    }

    /// With rounds of its own.
    pub(crate) async fn over(
        limits: sessions::Limits,
        rounds: impl FnOnce(Tasks, Arc<Stores>) -> Rounds,
    ) -> Self {
        let data = TempDir::new().expect("folder");
        let stores = Arc::new(Stores::new(data.path()));
        stored_day::lay(
            data.path(),
            &stores.of(&owner("demo")).await.expect("store"),
        )
        .await;
        let stop = Stop::default();
        let clock: &'static AtomicI64 = Box::leak(Box::new(AtomicI64::new(TEN_O_CLOCK)));
        let desk = Arc::new(Desk {
            clock: Clock::Hand(clock),
            zone: TimeZone::get("Asia/Shanghai").expect("zone"),
            lang: Lang::Zh,
            stores: stores.clone(),
            owners: owners(data.path()),
            rounds: rounds(Tasks::new(stop.ended().clone()), stores),
            chat: Chat::default(),
            changes: Changes::default(),
            stop: stop.clone(),
            calls: Calls::default(),
            days: ClusterDays::default(),
        });
        let caller = |name: &str| Caller {
            name: name.into(),
            access: Access::All,
            detail: Detail::Normal,
        };
        let stranger = Caller {
            access: Access::Only(vec![owner("other")]),
            ..caller("stranger")
        };
        let screen = Caller {
            detail: Detail::Full,
            ..caller("screen")
        };
        let tokens = Tokens::default()
            .with(ROBOT, caller("robot"))
            .with(OTHER, caller("other"))
            .with(STRANGER, stranger)
            .with(SCREEN, screen)
            .with_token(Token::new(sha256(RARE), caller("rare")).per_minute(3));
        let ready = Ready::default();
        let router = http::router(Parts {
            desk: desk.clone(),
            tokens,
            hosts: Hosts::default().with_origins([APP]),
            limits,
            ready: ready.clone(),
            metrics: None,
            guarded: axum::Router::new(),
            open: axum::Router::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let addr = listener.local_addr().expect("addr");
        let serving = tokio::spawn(async move { http::serve(listener, router, &stop).await });
        Self {
            addr,
            desk,
            clock,
            data,
            ready,
            serving,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) fn transport(&self, token: &str) -> StreamableHttpClientTransport<reqwest::Client> {
        let config =
            StreamableHttpClientTransportConfig::with_uri(self.url("/mcp")).auth_header(token);
        StreamableHttpClientTransport::with_client(http_client(), config)
    }

    pub(crate) async fn client(&self, token: &str, era: Era) -> Client {
        let transport = self.transport(token);
        match era {
            Era::Handshake => ClientConfig::default()
                .serve(transport)
                .await
                .expect("initialize"),
            Era::Sessionless => {
                let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
                let mode = ClientLifecycleMode::Discover { preferred_versions };
                ClientConfig::default()
                    .serve_with_lifecycle(transport, mode)
                    .await
                    .expect("discover")
            }
        }
    }

    /// One JSON-RPC message as xiaozhi's client would post it.
    pub(crate) fn post(
        &self,
        token: &str,
        session: Option<&str>,
        body: &Value,
    ) -> reqwest::RequestBuilder {
        let mut request = http_client()
            .post(self.url("/mcp"))
            .bearer_auth(token)
            .header("accept", "application/json, text/event-stream")
            .json(body);
        if let Some(session) = session {
            request = request
                .header("mcp-session-id", session)
                .header("mcp-protocol-version", "2025-06-18");
        }
        request
    }

    /// Drains, and says how many calls were left behind.
    pub(crate) async fn stop(self) -> usize {
        let left = self.desk.stop.drain(Duration::from_secs(10)).await;
        self.serving.await.expect("join").expect("serve");
        left
    }
}

/// A round that nobody lives to see; a part of a day has no bucket to be read from.
fn never_ends(want: Want, work: Work) -> BoxFuture<'static, Result<(), String>> {
    async move {
        if want == Want::Day {
            work.cancelled.cancelled().await;
        }
        Err("stopped".to_owned())
    }
    .boxed()
}

/// Two registered owners; `demo` is in use, `other` has a spoken code.
fn owners(data_dir: &Path) -> Owners {
    let settings = Settings {
        data_dir: data_dir.to_owned(),
        master_key: None,
        master_key_file: data_dir.join("master.key"),
        key: None,
        key_owner: None,
        keyless: owner("default"),
        region: "ap-nanjing".to_owned(),
        places_in: PlacesIn::default(),
        places: Places::default(),
        endpoints: Endpoints::default(),
        zone: "Asia/Shanghai".parse().expect("zone"),
    };
    let owners = Owners::open(settings).expect("owners");
    for (alias, spoken, code) in [("demo", "演示", None), ("other", "李四", Some("芝麻开门"))]
    {
        let about = Owner {
            spoken: vec![spoken.to_owned()],
            ..Owner::default()
        };
        let key = Credentials::new(format!("AKIDtest{alias}"), format!("secret-of-{alias}"));
        let code = code.map(|c| c.to_owned().into());
        owners
            .add(NewOwner {
                alias: owner(alias),
                key,
                code,
                about,
            })
            .expect("add");
    }
    owners.use_always("demo").expect("use");
    owners
}

/// Calls a tool: the text of its only item, and whether it failed.
pub(crate) async fn told(client: &Client, tool: &'static str, arguments: Value) -> (String, bool) {
    let arguments = arguments
        .as_object()
        .cloned()
        .expect("arguments are an object");
    let request = CallToolRequestParams::new(tool).with_arguments(arguments);
    let result: CallToolResult = client
        .call_tool(request)
        .await
        .expect("never a protocol error");
    assert_eq!(result.content.len(), 1, "one text item");
    assert!(result.structured_content.is_none());
    let text = result.content[0].as_text().expect("text").text.clone();
    (text, result.is_error == Some(true))
}

pub(crate) fn http_client() -> reqwest::Client {
    // Whoever comes first installs it; the others find it there.
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("client")
}

pub(crate) fn initialize() -> Value {
    serde_json::json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "mcp", "version": "0.1.0"}}})
}
