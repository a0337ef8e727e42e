//! Serves a router until it is told to stop.
//!
//! In: a bound listener, a router, a [`Stop`]. Out: returns when every connection is gone, or [`GRACE`] after the end was called.
//! Always true: `TCP_NODELAY` is set (rmcp's event streams take 44 ms an answer without it); a client that is slow to send its headers, sends
//! too many, or does not read its answer loses its connection, and there are at most [`CONNECTIONS`]. Does not listen to signals.

use std::{io, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_io_timeout::TimeoutStream;

use crate::mcp::Stop;

/// hyper waits for open connections; a client that never closes must not hold the process.
const GRACE: Duration = Duration::from_secs(2);
/// The first line and the headers of a request come within this, also on a connection that is used again.
const HEADER_WAIT: Duration = Duration::from_secs(30);
/// A browser sends some twenty.
const HEADERS: usize = 64;
const HEADER_BYTES: usize = 64 * 1024;
/// Somebody who takes nothing of an answer for so long is gone.
const READ_WAIT: Duration = Duration::from_mins(1);
/// Two for each session, and some; beyond, a newcomer is hung up on.
const CONNECTIONS: usize = 4096;
/// Pause when the system has no more descriptors.
const OUT_OF_FILES: Duration = Duration::from_millis(100);

/// Runs until [`Stop::drain`] has ended.
pub async fn serve(listener: TcpListener, router: Router, stop: &Stop) -> io::Result<()> {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.ended().cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let tcp = match accepted {
            Ok((tcp, _)) => tcp,
            Err(error) => {
                tracing::debug!(%error, "could not accept a connection");
                tokio::time::sleep(OUT_OF_FILES).await;
                continue;
            }
        };
        let Ok(slot) = slots.clone().try_acquire_owned() else {
            tracing::warn!("hung up on a newcomer: too many connections");
            continue;
        };
        let connection = graceful.watch(connection(tcp, router.clone()));
        tokio::spawn(async move {
            let _slot = slot;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(GRACE) => {
            tracing::warn!("some connections were still open at the end and were dropped");
        }
    }
    Ok(())
}

type Patient = TokioIo<std::pin::Pin<Box<TimeoutStream<TcpStream>>>>;

fn connection(
    tcp: TcpStream,
    router: Router,
) -> http1::Connection<Patient, TowerToHyperService<Router>> {
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "could not set TCP_NODELAY");
    }
    let mut patient = TimeoutStream::new(tcp);
    patient.set_write_timeout(Some(READ_WAIT));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WAIT)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(
            TokioIo::new(Box::pin(patient)),
            TowerToHyperService::new(router),
        )
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

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use bytes::Bytes;
    use futures::{StreamExt as _, stream};
    use tokio::{io::AsyncWriteExt as _, sync::mpsc};

    use super::*;

    /// Says when it is dropped.
    struct Bell(mpsc::UnboundedSender<&'static str>);

    impl Drop for Bell {
        fn drop(&mut self) {
            // Nobody listens any more, then.
            let _ = self.0.send("dropped");
        }
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_of_its_answer_is_hung_up_on() {
        let (tell, mut told) = mpsc::unbounded_channel();
        let endless = get(move || {
            let bell = Arc::new(Bell(tell.clone()));
            async move {
                let _ = bell.0.send("began");
                let chunk = Bytes::from(vec![b'x'; 65_536]);
                let chunks = stream::repeat(chunk).zip(stream::repeat(bell));
                let chunks = chunks.map(|(chunk, _)| Ok::<_, io::Error>(chunk));
                Body::from_stream(chunks)
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        let router = Router::new().route("/", endless);
        tokio::spawn(async move { serve(listener, router, &Stop::default()).await });
        let mut client = TcpStream::connect(address).await.expect("connect");
        let ask = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
        client.write_all(ask).await.expect("ask");
        assert_eq!(told.recv().await, Some("began"));
        // From here on the clock runs whenever everybody waits.
        tokio::time::pause();
        assert_eq!(told.recv().await, Some("dropped"));
    }
}
