//! One connection to an endpoint, from the handshake to its end.
//!
//! In: an address and the desk. Out: [`Ended`], why it is over. Always true: calls run side by side and each answers when it is done;
//! a socket that is silent although it was pinged is given up; one over which nothing was asked for [`DEAF`] is closed in form; stopping
//! lets running calls answer first. Says nothing of the address in any error, since that holds the token.

use std::{sync::Arc, time::Duration};

use futures::{
    SinkExt, StreamExt,
    stream::{FuturesUnordered, SplitSink, SplitStream},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    time::{Instant, MissedTickBehavior},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Error, Message,
        error::TlsError,
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};
use tokio_util::sync::CancellationToken;

use super::frame::{self, Asked, Call};
use crate::mcp::{Caller, Desk, Origin, Wire, call::call};

/// A handshake that takes longer will not come.
const CONNECT: Duration = Duration::from_secs(15);
const PING: Duration = Duration::from_secs(30);
/// Nothing came, not even an answer to pings.
const DEAD: Duration = Duration::from_secs(90);
/// Robots that are used at all ask within this; a hub that has forgotten us answers pings for ever and asks nothing.
const DEAF: Duration = Duration::from_hours(6);
/// How long the other side is waited for after we said goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// A question is short; whatever is longer is none.
const LONGEST_FRAME: usize = 1 << 20;
/// Calls at once over one socket: a robot's household, not a flood.
const CALLS: usize = 64;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why a connection is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// We were told to stop.
    Stopped,
    /// Another program connected to the same endpoint.
    Replaced,
    /// Nothing was asked for [`DEAF`].
    Deaf,
    /// In form: the other side knows.
    Closed(&'static str),
    /// Without a goodbye: the other side may not know yet.
    Broken(&'static str),
    NotConnected(&'static str),
}

/// Connects and answers until the connection is over. `connected` is called once it stands.
pub(super) async fn serve(
    desk: &Arc<Desk>,
    caller: &Caller,
    url: &SecretString,
    stop: &CancellationToken,
    connected: impl Fn(),
) -> Ended {
    let socket = match dial(url, stop).await {
        Ok(socket) => socket,
        Err(ended) => return ended,
    };
    connected();
    tracing::info!(caller = %caller.name, "connected to an endpoint");
    let (mut write, mut read) = socket.split();
    let mut running = FuturesUnordered::new();
    let mut pings = tokio::time::interval_at(Instant::now() + PING, PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut heard, mut asked) = (Instant::now(), Instant::now());
    let mut stopping = false;
    let ended = loop {
        if stopping && running.is_empty() {
            break Ended::Stopped;
        }
        if asked.elapsed() > DEAF && running.is_empty() {
            break Ended::Deaf;
        }
        let reply = tokio::select! {
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                continue;
            }
            Some(reply) = running.next() => reply,
            message = read.next(), if running.len() < CALLS && !stopping => {
                heard = Instant::now();
                match message {
                    None => return Ended::Broken("the connection broke"),
                    Some(Err(error)) => return Ended::Broken(in_words(&error)),
                    Some(Ok(Message::Close(frame))) => return closed(frame.as_ref()),
                    Some(Ok(Message::Text(text))) => match frame::read(&text) {
                        Asked::Nothing => continue,
                        Asked::Reply(reply) => {
                            asked = heard;
                            reply
                        }
                        Asked::Call(call) => {
                            asked = heard;
                            running.push(answer(desk, caller, *call));
                            continue;
                        }
                    },
                    // Pings are answered by the library.
                    Some(Ok(_)) => continue,
                }
            }
            _ = pings.tick() => {
                if heard.elapsed() > DEAD {
                    return Ended::Broken("silent for too long");
                }
                if write.send(Message::Ping(Vec::new().into())).await.is_err() {
                    return Ended::Broken("the connection broke");
                }
                continue;
            }
        };
        if write.send(Message::text(reply)).await.is_err() {
            return Ended::Broken("the connection broke");
        }
    };
    goodbye(&mut write, &mut read).await;
    ended
}

/// Connects and goes at once.
pub(super) async fn knock(url: &SecretString, stop: &CancellationToken) {
    if let Ok(socket) = dial(url, stop).await {
        let (mut write, mut read) = socket.split();
        goodbye(&mut write, &mut read).await;
    }
}

async fn dial(url: &SecretString, stop: &CancellationToken) -> Result<Socket, Ended> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(LONGEST_FRAME))
        .max_frame_size(Some(LONGEST_FRAME));
    let connecting = connect_async_with_config(url.expose_secret(), Some(config), true);
    tokio::select! {
        () = stop.cancelled() => Err(Ended::Stopped),
        outcome = tokio::time::timeout(CONNECT, connecting) => match outcome {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(error)) => Err(Ended::NotConnected(in_words(&error))),
            Err(_) => Err(Ended::NotConnected("no answer to the handshake")),
        },
    }
}

/// The hub forgets a socket soon only when it was closed in form.
async fn goodbye(write: &mut SplitSink<Socket, Message>, read: &mut SplitStream<Socket>) {
    let frame = CloseFrame {
        code: CloseCode::Normal,
        reason: "".into(),
    };
    let _ = tokio::time::timeout(GOODBYE, async {
        if write.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = read.next().await {}
        }
    })
    .await;
}

async fn answer(desk: &Arc<Desk>, caller: &Caller, asked: Call) -> String {
    let Call {
        id,
        name,
        arguments,
        meta,
    } = asked;
    let claimed = |name: &str| meta.get(name).and_then(Value::as_str).map(str::to_owned);
    let origin = Origin {
        caller: caller.clone(),
        session: None,
        device: claimed("device_id"),
        speaker: claimed("speaker"),
        client: None,
        wire: Wire::Endpoint,
    };
    match call(desk, origin, &name, arguments).await {
        Some(answer) => frame::told(&id, &answer.text(Wire::Endpoint, desk.lang)),
        None => frame::refused(&id, -32602, "unknown tool; list the tools again"),
    }
}

fn closed(frame: Option<&CloseFrame>) -> Ended {
    match frame {
        Some(f) if f.code == CloseCode::Normal && f.reason.contains("新连接替换") => {
            Ended::Replaced
        }
        Some(f) if u16::from(f.code) == 4004 => Ended::Closed("closed while idle"),
        Some(f) if f.code == CloseCode::Policy => Ended::Closed("the token was refused"),
        _ => Ended::Closed("closed by the other side"),
    }
}

/// The library's own words may hold the address.
fn in_words(error: &Error) -> &'static str {
    match error {
        Error::Http(response) => match response.status().as_u16() {
            401 | 403 => "the token was refused",
            404 => "no endpoint at this address",
            500..=599 => "the server of the endpoint is out of order",
            _ => "the address answered, but not as an endpoint",
        },
        Error::Tls(TlsError::Rustls(_) | TlsError::InvalidDnsName) => "its certificate was refused",
        Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "connection refused"
        }
        Error::Io(_) => "the network failed",
        Error::Url(_) | Error::HttpFormat(_) => "the address is wrong",
        Error::Capacity(_) => "a message was too long",
        Error::ConnectionClosed | Error::AlreadyClosed => "the connection broke",
        _ => "it does not speak as an endpoint",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn being_replaced_is_told_from_being_idle() {
        let closed_with = |code: u16, reason: &str| {
            closed(Some(&CloseFrame {
                code: CloseCode::from(code),
                reason: reason.into(),
            }))
        };
        assert_eq!(closed_with(1000, "新连接替换"), Ended::Replaced);
        assert_eq!(
            closed_with(4004, "Internal server error"),
            Ended::Closed("closed while idle")
        );
        assert_eq!(
            closed_with(1008, "invalid token"),
            Ended::Closed("the token was refused")
        );
    }
}
