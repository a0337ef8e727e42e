//! Follows the key in `.env` while serving: whoever it names next gets yesterday analysed at once.
//!
//! In: changes of the file. Out: rounds begun, and the mirror for older readers handed over (at a start, tidied). Always true: the mirror
//! is handed over before the round that fills it begins.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    mcp::{Rounds, Stores},
    model::Day,
    owners::{EnvironmentChange, env_sync::Names, env_watch},
};

/// Changes that wait while one is handled; voiceprint recognition rewrites the file a few times a minute at most.
const WAITING: usize = 16;

pub(super) async fn follow(app: App, stores: Arc<Stores>, rounds: Rounds, stop: CancellationToken) {
    let file = &app.config.env_file;
    let names = Names {
        id: file.id_names.clone(),
        key: file.key_names.clone(),
    };
    let (tell, mut hear) = mpsc::channel(WAITING);
    let watching = tokio::spawn(env_watch::follow(
        app.owners.clone(),
        file.path.clone(),
        names,
        tell,
        stop,
    ));
    let yesterday = || Day::of(jiff::Timestamp::now().as_millisecond(), app.config.zone()).plus(-1);
    if let Err(error) = app.tidy_mirror(yesterday()) {
        tracing::warn!(%error, "could not put the active owner's files where older readers look");
    }
    while let Some(EnvironmentChange { owner, .. }) = hear.recv().await {
        let yesterday = yesterday();
        // Before the round, which puts its own files there.
        if let Err(error) = app.hand_over(&owner, yesterday) {
            tracing::warn!(%owner, %error, "could not put the new owner's files where older readers look");
        }
        rounds.begin_unless_told(&stores, &owner, yesterday).await;
    }
    // The watcher ends with the token or with its reader; there is nothing to report.
    let _ = watching.await;
}
