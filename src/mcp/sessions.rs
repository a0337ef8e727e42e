//! Sessions of the handshake era (2025-11-25 and older): what rmcp leaves to its user.
//!
//! In: requests behind authentication. Out: the same requests, or 404. Always true:
//! - a session answers only the caller that opened it; to anyone else it does not exist;
//! - at most [`Limits::live`] sessions are alive: a new one closes the one that was quiet longest, which comes back by itself when it
//!   is used again, since its `initialize` and what it follows are remembered (for [`Limits::remembered`] sessions, and rmcp also forgets
//!   idle ones);
//! - one that was quiet for [`QUIET`] and on which nobody listens is closed, too: clients that went away without a word cost nothing for long;
//! - nothing that matters lives only in a session.
//!
//! Does not authenticate, and knows nothing of the sessionless era.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::{StreamExt as _, stream};
use rmcp::transport::streamable_http_server::session::{
    SessionManager, SessionState, SessionStore, SessionStoreError, local::LocalSessionManager,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Caller, follow::Followed};

/// Header that names the session.
pub const SESSION_ID: &str = "mcp-session-id";

/// A tool call is answered within eight seconds; a session without one and without a listener is of no use to anybody.
pub const QUIET: Duration = Duration::from_mins(2);
const SWEEP: Duration = Duration::from_secs(30);

/// How many sessions there may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A live session costs about 57 KB.
    pub live: usize,
    /// A remembered one costs its `initialize` parameters, about 1 KB.
    pub remembered: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            live: 1000,
            remembered: 20_000,
        }
    }
}

/// Which sessions there are, whose they are, and how to bring them back.
#[derive(Debug)]
pub struct Sessions {
    limits: Limits,
    live: Arc<LocalSessionManager>,
    known: Mutex<HashMap<String, Known>>,
    /// One clone for each request that may open a session.
    opening: Arc<()>,
}

#[derive(Debug)]
struct Known {
    seen: Instant,
    owner: Option<Caller>,
    initialize: Option<SessionState>,
    followed: Followed,
    /// One clone for each event stream that is open.
    streams: Arc<()>,
}

impl Known {
    fn is_heard(&self) -> bool {
        Arc::strong_count(&self.streams) > 1
    }
}

impl Sessions {
    #[must_use]
    pub fn new(limits: Limits, live: Arc<LocalSessionManager>) -> Self {
        Self {
            limits,
            live,
            known: Mutex::default(),
            opening: Arc::default(),
        }
    }

    /// How many sessions are alive now.
    pub async fn live(&self) -> usize {
        self.live.sessions.read().await.len()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_foreign(&self, id: &str, caller: Option<&Caller>) -> bool {
        self.known().get_mut(id).is_some_and(|known| {
            let foreign = known.owner.as_ref() != caller;
            if !foreign {
                known.seen = Instant::now();
            }
            foreign
        })
    }

    fn note(&self, id: &str, write: impl FnOnce(&mut Known)) {
        let mut known = self.known();
        if !known.contains_key(id) && known.len() >= self.limits.remembered {
            let oldest = known.iter().min_by_key(|(_, k)| k.seen);
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                known.remove(&id);
            }
        }
        let entry = known.entry(id.to_owned()).or_insert_with(|| Known {
            seen: Instant::now(),
            owner: None,
            initialize: None,
            followed: Followed::default(),
            streams: Arc::default(),
        });
        entry.seen = Instant::now();
        write(entry);
    }

    /// What a session follows, whether it was closed meanwhile or not.
    pub(super) fn followed(&self, id: &str) -> Followed {
        let mut followed = Followed::default();
        self.note(id, |known| followed = known.followed.clone());
        followed
    }

    /// Closes what nobody uses, now and then, until `stop`.
    pub(super) async fn sweep(self: Arc<Self>, stop: CancellationToken) {
        let mut clock = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = clock.tick() => self.close_unused().await,
            }
        }
    }

    async fn close_unused(&self) {
        let alive: Vec<_> = self.live.sessions.read().await.keys().cloned().collect();
        let is_unused = |id: &&Arc<str>| {
            let seen = self.known().get(id.as_ref()).map(|k| {
                let quiet = k.seen.elapsed() >= QUIET;
                quiet && !k.is_heard()
            });
            if seen.is_none() {
                // It is just being opened; if nobody does it to the end, it goes like the others.
                self.note(id, |_| {});
            }
            seen == Some(true)
        };
        let unused: Vec<_> = alive.iter().filter(is_unused).cloned().collect();
        self.close(unused).await;
    }

    async fn close(&self, ids: Vec<Arc<str>>) {
        for id in ids {
            if let Err(error) = self.live.close_session(&id).await {
                tracing::warn!(%error, "could not close a quiet session");
            }
        }
    }

    /// Closes the quietest sessions until those that are being opened fit; those that somebody listens to come last, and one that is
    /// being opened is not closed.
    async fn make_room(&self) {
        let alive: Vec<_> = self.live.sessions.read().await.keys().cloned().collect();
        let opening = Arc::strong_count(&self.opening) - 1;
        let surplus = (alive.len() + opening).saturating_sub(self.limits.live);
        if surplus == 0 {
            return;
        }
        let mut by_age: Vec<_> = {
            let known = self.known();
            let age = |id: Arc<str>| {
                let known = known.get(id.as_ref())?;
                Some(((known.is_heard(), known.seen), id))
            };
            alive.into_iter().filter_map(age).collect()
        };
        by_age.sort();
        let quietest = by_age.into_iter().take(surplus).map(|(_, id)| id);
        self.close(quietest.collect()).await;
    }

    /// Keeps the session while this answer is read.
    fn listen(&self, id: &str, answer: Response) -> Response {
        let Some(listener) = self.known().get(id).map(|k| k.streams.clone()) else {
            return answer;
        };
        let (head, body) = answer.into_parts();
        let body = body
            .into_data_stream()
            .zip(stream::repeat(listener))
            .map(|(chunk, _)| chunk);
        Response::from_parts(head, Body::from_stream(body))
    }
}

#[async_trait::async_trait]
impl SessionStore for Sessions {
    async fn load(&self, id: &str) -> Result<Option<SessionState>, SessionStoreError> {
        Ok(self.known().get(id).and_then(|k| k.initialize.clone()))
    }

    async fn store(&self, id: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        self.note(id, |known| known.initialize = Some(state.clone()));
        Ok(())
    }

    async fn delete(&self, id: &str) -> Result<(), SessionStoreError> {
        self.known().remove(id);
        Ok(())
    }
}

/// Stands between authentication and rmcp.
pub async fn guard(State(sessions): State<Arc<Sessions>>, req: Request, next: Next) -> Response {
    let caller = req.extensions().get::<Caller>().cloned();
    let named = req
        .headers()
        .get(SESSION_ID)
        .and_then(|v| v.to_str().ok())
        .map(str::to_owned);
    let opens = match &named {
        // Said like an unknown session, so that the client starts one of its own.
        Some(id) if sessions.is_foreign(id, caller.as_ref()) => {
            return (StatusCode::NOT_FOUND, "Not Found: Session not found").into_response();
        }
        Some(_) => false,
        // The sessionless era names its version in a header; an `initialize` comes without.
        None => req.method() == Method::POST && !req.headers().contains_key("mcp-method"),
    };
    let opening = opens.then(|| sessions.opening.clone());
    if opens {
        sessions.make_room().await;
    }
    let ends = req.method() == Method::DELETE;
    let listens = req.method() == Method::GET;
    let mut answer = next.run(req).await;
    drop(opening);
    let opened = answer
        .headers()
        .get(SESSION_ID)
        .and_then(|v| v.to_str().ok());
    if let (None, Some(id)) = (&named, opened) {
        sessions.note(id, |known| known.owner = caller);
    }
    if ends && answer.status() == StatusCode::ACCEPTED {
        // Python's mcp 1.x prints a warning for the 202 that rmcp answers.
        *answer.status_mut() = StatusCode::NO_CONTENT;
    }
    match named.filter(|_| listens && answer.status().is_success()) {
        Some(id) => sessions.listen(&id, answer),
        None => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_quiet_session_goes_unless_somebody_listens() {
        let manager = Arc::new(LocalSessionManager::default());
        let sessions = Sessions::new(Limits::default(), manager.clone());
        let (quiet, _kept_open) = manager.create_session().await.expect("session");
        let (heard, _kept_too) = manager.create_session().await.expect("session");
        for id in [&quiet, &heard] {
            sessions.note(id, |_| {});
        }
        let answer = sessions.listen(&heard, Response::default());
        sessions.close_unused().await;
        assert_eq!(sessions.live().await, 2);
        tokio::time::advance(QUIET).await;
        sessions.close_unused().await;
        assert_eq!(sessions.live().await, 1);
        assert!(manager.sessions.read().await.contains_key(&heard));
        drop(answer);
        sessions.close_unused().await;
        assert_eq!(sessions.live().await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn room_is_made_by_the_quietest_and_never_by_one_that_is_being_opened() {
        let manager = Arc::new(LocalSessionManager::default());
        let limits = Limits {
            live: 2,
            ..Limits::default()
        };
        let sessions = Sessions::new(limits, manager.clone());
        let (old, _a) = manager.create_session().await.expect("session");
        sessions.note(&old, |_| {});
        tokio::time::advance(SWEEP).await;
        let (young, _b) = manager.create_session().await.expect("session");
        sessions.note(&young, |_| {});
        let (opening, _c) = manager.create_session().await.expect("session");
        let _request = sessions.opening.clone();
        sessions.make_room().await;
        let alive = manager.sessions.read().await;
        assert!(alive.contains_key(&opening));
        assert!(!alive.contains_key(&old));
        drop(alive);
        // Whoever never finishes goes like the others.
        sessions.close_unused().await;
        tokio::time::advance(QUIET).await;
        sessions.close_unused().await;
        assert_eq!(sessions.live().await, 0);
    }
}
