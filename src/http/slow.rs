//! Reads a request's body whole before anybody works on it, within a size and a time.
//!
//! In: a request. Out: the same with its body in memory, or 408, 413. Always true: whoever drips its body holds a connection for
//! [`WAIT`] and no session, no tool, no database.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::BODY_BYTES;

/// A megabyte over a very slow line.
const WAIT: Duration = Duration::from_secs(15);

pub(super) async fn whole_body(req: Request, next: Next) -> Response {
    if says_more_than(req.headers(), BODY_BYTES) {
        return refused(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let (parts, body) = req.into_parts();
    match tokio::time::timeout(WAIT, to_bytes(body, BODY_BYTES)).await {
        Ok(Ok(bytes)) => {
            next.run(Request::from_parts(parts, Body::from(bytes)))
                .await
        }
        // Too long, or a connection that broke off; only the first still reads an answer.
        Ok(Err(_)) => refused(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => {
            tracing::warn!(
                path = parts.uri.path(),
                "refused a request: its body came too slowly"
            );
            refused(StatusCode::REQUEST_TIMEOUT)
        }
    }
}

fn says_more_than(headers: &HeaderMap, most: usize) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|l| l.to_str().ok()?.parse::<usize>().ok());
    length.is_some_and(|length| length > most)
}

/// The rest of the body is not wanted: the connection ends.
fn refused(status: StatusCode) -> Response {
    let text = format!(
        "{status}: at most {BODY_BYTES} bytes within {} s\n",
        WAIT.as_secs()
    );
    (status, [(header::CONNECTION, "close")], text).into_response()
}
