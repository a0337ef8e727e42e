//! `/healthz`, `/readyz`, `/metrics`: what machines ask.
//!
//! In: problems that other rooms report by name, and the nights that failed. Out: short texts. Always true: `/healthz` answers as long as
//! the process can answer at all; `/readyz` is 503 with one line a problem, and tells whoever has no token how many owners' nights failed,
//! never whose or why. Does not look for problems itself.

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

use crate::{
    mcp::sessions::Sessions,
    model::{Day, OwnerAlias},
};

/// What stands in the way of working, by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Ready(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    problems: BTreeMap<&'static str, String>,
    /// Of every owner that is looked after, the night that failed and was not made up for.
    nights: BTreeMap<OwnerAlias, Option<FailedNight>>,
}

/// A night that brought its owner no report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedNight {
    pub day: Day,
    /// When it was last tried.
    pub at_ms: i64,
    /// A sentence for the owner.
    pub why: String,
    /// When it is tried again by itself; `None` when that was given up.
    pub again_ms: Option<i64>,
}

impl Ready {
    /// Reports or replaces the problem called `name`; `what` is a sentence that says what to do. True when it is new.
    pub fn problem(&self, name: &'static str, what: impl Into<String>) -> bool {
        self.known(|s| s.problems.insert(name, what.into()))
            .is_none()
    }

    pub fn solved(&self, name: &'static str) {
        self.known(|s| s.problems.remove(name));
    }

    /// All problems that are not one owner's, one line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.known(|s| {
            s.problems
                .iter()
                .map(|(name, what)| format!("{name}: {what}"))
                .collect()
        })
    }

    /// Replaces what is known of the owners' nights; an owner whose night went well is named with `None`.
    pub fn nights(&self, nights: BTreeMap<OwnerAlias, Option<FailedNight>>) {
        self.known(|s| s.nights = nights);
    }

    #[must_use]
    pub fn failed_night(&self, owner: &OwnerAlias) -> Option<FailedNight> {
        self.known(|s| s.nights.get(owner).cloned().flatten())
    }

    /// For whoever has no token.
    fn failed_nights(&self) -> Option<String> {
        let (failed, all) = self.known(|s| (s.nights.values().flatten().count(), s.nights.len()));
        (failed > 0).then(|| {
            format!(
                "nights: {failed} of {all} owners: last night could not be read; see the page / \
                 {all} 个主人中有 {failed} 个昨夜没读成，原因在网页上"
            )
        })
    }

    fn known<T>(&self, f: impl FnOnce(&mut Known) -> T) -> T {
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
    let mut problems = ready.problems();
    problems.extend(ready.failed_nights());
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
