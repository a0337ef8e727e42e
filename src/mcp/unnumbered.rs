//! Sessions whose events carry no numbers.
//!
//! In: rmcp's own sessions. Out: the same, without the `id:` line of each event. Always true: what a client of the handshake era reads
//! between two events is comments only. The reason: after an `id:` Python's httpx_sse, which is what the xiaozhi server reads with,
//! makes an event without data of every comment, so that each keep-alive ping is logged as a message that is not JSON. Numbers serve
//! to resume a broken stream, which the protocol leaves to the server; a client of ours asks again instead.

use std::sync::Arc;

use futures::{Stream, StreamExt};
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::streamable_http_server::{
        RestoreOutcome, SessionId, SessionManager,
        session::{ServerSseMessage, local::LocalSessionManager},
    },
};

type Error = <LocalSessionManager as SessionManager>::Error;

/// [`LocalSessionManager`], shared with the ledger that counts its sessions.
#[derive(Debug)]
pub struct Unnumbered(pub(super) Arc<LocalSessionManager>);

fn unnumbered(
    events: impl Stream<Item = ServerSseMessage> + Send + Sync + 'static,
) -> impl Stream<Item = ServerSseMessage> + Send + Sync + 'static {
    events.map(|mut event| {
        event.event_id = None;
        event
    })
}

impl SessionManager for Unnumbered {
    type Error = Error;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Error> {
        self.0.create_session().await
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Error> {
        self.0.initialize_session(id, message).await
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Error> {
        self.0.has_session(id).await
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Error> {
        self.0.close_session(id).await
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Error> {
        Ok(unnumbered(self.0.create_stream(id, message).await?))
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), Error> {
        self.0.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Error> {
        Ok(unnumbered(self.0.create_standalone_stream(id).await?))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Error> {
        Ok(unnumbered(self.0.resume(id, last_event_id).await?))
    }

    async fn restore_session(
        &self,
        id: SessionId,
    ) -> Result<RestoreOutcome<Self::Transport>, Error> {
        self.0.restore_session(id).await
    }
}
