//! Serves a router until it is told to stop.
//!
//! In: a bound listener, a router, a [`Stop`]. Out: returns when every connection is gone, or [`GRACE`] after the end was called.
//! Always true: `TCP_NODELAY` is set (rmcp's event streams take 44 ms an answer without it). Does not listen to signals.

use std::{io, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    serve::ListenerExt,
};
use tokio::net::TcpListener;

use crate::mcp::Stop;

/// hyper waits for open connections; a client that never closes must not hold the process.
const GRACE: Duration = Duration::from_secs(2);

/// Runs until [`Stop::drain`] has ended.
pub async fn serve(listener: TcpListener, router: Router, stop: &Stop) -> io::Result<()> {
    let listener = listener.tap_io(|tcp| {
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
    });
    let serving = axum::serve(listener, router)
        .with_graceful_shutdown(stop.ended().clone().cancelled_owned());
    let deadline = async {
        stop.ended().cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        done = serving => done,
        () = deadline => {
            tracing::warn!("some connections were still open at the end and were dropped");
            Ok(())
        }
    }
}

/// Keeps newcomers out while running calls finish.
pub(super) async fn gate(State(stop): State<Stop>, req: Request, next: Next) -> Response {
    if stop.is_draining() && req.method() == Method::POST {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            [(header::RETRY_AFTER, "5")],
            "shutting down\n",
        )
            .into_response();
    }
    next.run(req).await
}
