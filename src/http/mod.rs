//! The doors of the server: one router for MCP, probes, the page, and what other rooms hang in.
//!
//! In: [`Parts`]. Out: an axum [`Router`], and [`serve()`] that runs it. Always true: whatever tells about logs stands behind a token
//! and a listed host name; every refusal logs what to change. Does not know what the answers say.
//!
//! - [`alerts`]: alarms from outside; `context`: what a robot is told when it wakes; `page`: the operator's page;
//! - [`auth`], [`token_file`]: bearer tokens; `hosts`, `cors`: names and origins; `slow`: bodies; `probes`: health, readiness, metrics;
//!   `serve`: listening and stopping.

mod alarm_body;
pub mod alerts;
pub mod auth;
mod context;
mod cors;
mod hosts;
mod page;
mod probes;
mod rate;
mod serve;
mod slow;
pub mod token_file;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use hyper::ext::ReasonPhrase;
use metrics_exporter_prometheus::PrometheusHandle;

pub use self::{
    auth::Tokens,
    hosts::Hosts,
    probes::{FailedNight, Ready},
    serve::serve,
};
use crate::mcp::{self, Desk, sessions};

/// Largest body of a request: an alarm with its samples is some KB, a tool call less.
const BODY_BYTES: usize = 1024 * 1024;

/// What the router is made of.
#[derive(Debug)]
pub struct Parts {
    pub desk: Arc<Desk>,
    pub tokens: Tokens,
    pub hosts: Hosts,
    pub limits: sessions::Limits,
    pub ready: Ready,
    pub metrics: Option<PrometheusHandle>,
    /// Routes of other rooms behind a token and a listed host.
    pub guarded: Router,
    /// Routes that check their callers themselves: [`alerts::Webhooks::routes`].
    pub open: Router,
}

/// All routes. The desk's `stop` ends sessions and streams.
pub fn router(parts: Parts) -> Router {
    let stop = parts.desk.stop.clone();
    let page = page::routes(
        parts.desk.clone(),
        parts.tokens.clone(),
        parts.ready.clone(),
    );
    let context = context::routes(&parts.desk);
    let clock = parts.desk.clock;
    let (service, ledger) = mcp::service(parts.desk, parts.limits, BODY_BYTES);
    let mcp = Router::new()
        // Not `nest_service`: that would also answer below /mcp.
        .route_service("/mcp", service)
        .layer(middleware::from_fn_with_state(
            ledger.clone(),
            sessions::guard,
        ))
        .layer(middleware::from_fn(explain_legacy_sse));
    let guarded = Router::new()
        .merge(mcp)
        .merge(context)
        .merge(
            parts
                .metrics
                .map(|m| probes::metrics(m, ledger))
                .unwrap_or_default(),
        )
        .merge(parts.guarded)
        .layer(middleware::from_fn(slow::whole_body))
        .layer(middleware::from_fn_with_state(
            (parts.tokens, clock),
            auth::require,
        ))
        .layer(middleware::from_fn_with_state(
            parts.hosts.clone(),
            cors::allow,
        ))
        // Asks for tokens itself; without one it shows how to connect, and nothing else.
        .merge(page.layer(middleware::from_fn(slow::whole_body)))
        .layer(middleware::from_fn_with_state(parts.hosts, hosts::require));
    Router::new()
        .merge(guarded)
        .merge(probes::health(parts.ready))
        .merge(parts.open)
        .layer(middleware::from_fn_with_state(stop, serve::gate))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
}

/// A client of the transport of 2024 opens with a bare GET. The xiaozhi server does so when its entry has no `transport`, and logs
/// only the status line of our answer: so the status line says what to write.
async fn explain_legacy_sse(req: Request, next: Next) -> Response {
    let bare = req.method() == Method::GET && !req.headers().contains_key(sessions::SESSION_ID);
    if !bare {
        return next.run(req).await;
    }
    tracing::warn!(
        r#"a client speaks legacy SSE: write "transport": "streamable-http" in its entry for this server"#
    );
    let advice = "This is MCP over streamable HTTP; the old SSE transport is not served.\n\
        xiaozhi server: in data/.mcp_server_settings.json add \"transport\": \"streamable-http\" beside the \"url\".\n\
        小智服务端:在 data/.mcp_server_settings.json 里这个服务器的 \"url\" 旁加上 \"transport\": \"streamable-http\"。\n";
    let mut answer = (
        StatusCode::METHOD_NOT_ALLOWED,
        [(header::ALLOW, "POST")],
        advice,
    )
        .into_response();
    answer.extensions_mut().insert(ReasonPhrase::from_static(
        b"Method Not Allowed: write \"transport\": \"streamable-http\" beside the \"url\"",
    ));
    answer
}
