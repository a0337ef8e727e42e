//! `/healthz`, `/readyz`, `/metrics`: what machines ask.
//!
//! In: problems that other rooms report by name. Out: short texts. Always true: `/healthz` answers as long as the process can answer
//! at all; `/readyz` is 503 with one line a problem. Does not look for problems itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::mcp::sessions::Sessions;

/// What stands in the way of working, by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Ready(Arc<Mutex<BTreeMap<&'static str, String>>>);

impl Ready {
    /// Reports or replaces the problem called `name`; `what` is a sentence that says what to do. True when it is new.
    pub fn problem(&self, name: &'static str, what: impl Into<String>) -> bool {
        self.problems_mut(|p| p.insert(name, what.into())).is_none()
    }

    pub fn solved(&self, name: &'static str) {
        self.problems_mut(|p| p.remove(name));
    }

    /// All problems, one line each; empty when ready.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.problems_mut(|p| {
            p.iter()
                .map(|(name, what)| format!("{name}: {what}"))
                .collect()
        })
    }

    fn problems_mut<T>(&self, f: impl FnOnce(&mut BTreeMap<&'static str, String>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Routes that need no token: they say nothing about any log.
pub(super) fn health(ready: Ready) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .with_state(ready)
}

async fn readyz(State(ready): State<Ready>) -> Response {
    let problems = ready.problems();
    if problems.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, problems.join("\n") + "\n").into_response()
}

/// The route for Prometheus; names of owners may stand in it, so it belongs behind a token.
pub(super) fn metrics(recorder: PrometheusHandle, sessions: Arc<Sessions>) -> Router {
    let text = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    let answer = async move || {
        let live = sessions.live().await;
        metrics::gauge!("gengfu_sessions").set(live as f64);
        (text, recorder.render())
    };
    Router::new().route("/metrics", get(answer))
}
