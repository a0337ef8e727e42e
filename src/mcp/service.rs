//! rmcp's transport with the settings that suit this server.
//!
//! In: the [`Desk`] and limits. Out: the tower service for `/mcp` and the ledger for [`sessions::guard`](super::sessions::guard).
//! Each setting that differs from rmcp's default says why. Does not check hosts, origins or tokens: the HTTP room has done so.

use std::{sync::Arc, time::Duration};

use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService,
    session::local::{LocalSessionManager, SessionConfig},
};

use super::{
    Desk,
    server::Server,
    sessions::{Limits, Sessions},
    unnumbered::Unnumbered,
};

/// An idle session is dropped after this; it must be longer than any tool call, which is silent while it works. A dropped session
/// comes back from the ledger when its client returns.
const IDLE: Duration = Duration::from_mins(30);

/// Proxies close streams that are silent for a minute or so.
const PING: Duration = Duration::from_secs(15);

/// The service for `/mcp`, and who its sessions belong to.
pub fn service(
    desk: Arc<Desk>,
    limits: Limits,
    body_bytes: usize,
) -> (StreamableHttpService<Server, Unnumbered>, Arc<Sessions>) {
    let mut manager = LocalSessionManager::default();
    let mut session = SessionConfig::default();
    session.keep_alive = Some(IDLE);
    // A priming event has an empty `data:`; mcp 1.22, xiaozhi's client, logs a parse error for each. There are two places.
    session.sse_retry = None;
    manager.session_config = session;
    let manager = Arc::new(manager);
    let ledger = Arc::new(Sessions::new(limits, manager.clone()));
    tokio::spawn(ledger.clone().sweep(desk.stop.ended().clone()));

    let mut config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(true)
        // A client of the sessionless era gets a single answer as plain JSON.
        .with_json_response(true)
        .with_sse_retry(None)
        .with_sse_keep_alive(Some(PING))
        // `http::hosts` has checked both, for all routes and with a log line that names our settings.
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_max_request_body_bytes(body_bytes)
        .with_cancellation_token(desk.stop.ended().child_token());
    config.session_store = Some(ledger.clone());
    let sessions = Arc::new(Unnumbered(manager));
    let known = ledger.clone();
    let server = move || Ok(Server::new(desk.clone(), known.clone()));
    let service = StreamableHttpService::new(server, sessions, config);
    (service, ledger)
}
