//! Lets the web pages that the configuration names call `/mcp` from a browser.
//!
//! In: requests whose host and origin were checked. Out: the same, with the headers that a browser asks for; a preflight is answered here,
//! since it carries no token. Always true: only origins of `GENGFU_ALLOWED_ORIGINS` are let in, and never with cookies.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::Hosts;

const METHODS: &str = "GET, POST, DELETE";
const HEADERS: &str = "authorization, content-type, accept, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, last-event-id";
const EXPOSED: &str = "mcp-session-id, www-authenticate, retry-after";
/// A browser may remember the permission for an hour.
const REMEMBERED: &str = "3600";

/// Answers preflights, and tells the browser that the page may read the answer.
pub(super) async fn allow(State(hosts): State<Hosts>, req: Request, next: Next) -> Response {
    let origin = req.headers().get(header::ORIGIN).cloned();
    let Some(origin) = origin.filter(|o| o.to_str().is_ok_and(|o| hosts.shares_with(o))) else {
        return next.run(req).await;
    };
    let asks_first = req.method() == Method::OPTIONS
        && req
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut answer = if asks_first {
        (StatusCode::NO_CONTENT, preflight()).into_response()
    } else {
        next.run(req).await
    };
    let headers = answer.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    answer
}

fn preflight() -> HeaderMap {
    HeaderMap::from_iter([
        (
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static(METHODS),
        ),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(HEADERS),
        ),
        (
            header::ACCESS_CONTROL_MAX_AGE,
            HeaderValue::from_static(REMEMBERED),
        ),
    ])
}
