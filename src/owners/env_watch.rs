//! Watches the `.env` file and tells [`Owners`] when its key has changed.
//!
//! In: a path. Out: each [`EnvironmentChange`]. Always true: the file is read by its path each time, and its directory is watched, so
//! that a rename over it is seen; a look every two seconds covers file systems that send no events. What a text means is decided in
//! [`super::env_sync`].

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Owners,
    env_sync::{Known, Names, Seen, Settle},
    environment::{EnvironmentChange, Trouble},
};
use crate::model::Lang;

/// Mounted and networked file systems send no events; two seconds is within the patience of `switch_owner_keys`.
const POLL: Duration = Duration::from_secs(2);
/// A `.env` of more bytes than this is not one.
const MOST_BYTES: u64 = 1 << 20;

/// Follows the file until `stop`; what changed goes to `changes`, whose reader starts the round of a new owner.
pub async fn follow(
    owners: Owners,
    file: PathBuf,
    names: Names,
    changes: mpsc::Sender<EnvironmentChange>,
    stop: CancellationToken,
) {
    let stirred = std::sync::Arc::new(tokio::sync::Notify::new());
    let _watcher = watch_directory(&file, stirred.clone());
    let mut watched = Watched::new(owners.clone(), file, names);
    loop {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        if let Some(change) = watched.look(now_ms).await {
            // The reader has gone: the program is ending.
            drop(changes.send(change).await);
        }
        let again = watched
            .settle
            .look_again_in_ms(now_ms)
            .and_then(|ms| u64::try_from(ms).ok());
        let pause = again.map_or(POLL, Duration::from_millis).min(POLL);
        tokio::select! {
            () = stop.cancelled() => return,
            () = stirred.notified() => {}
            () = owners.0.look.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// The file between two looks. The clock is the looker's.
#[derive(Debug)]
pub struct Watched {
    owners: Owners,
    file: PathBuf,
    names: Names,
    settle: Settle,
}

impl Watched {
    /// Begins with the key that is in force at the start.
    #[must_use]
    pub fn new(owners: Owners, file: PathBuf, names: Names) -> Self {
        // A start may fall into a rewrite: a secret that differs from the stored one has yet to stand still.
        let current = owners.0.settings.key.clone();
        let current = current.filter(|key| owners.recognise(key) != Known::Corrected);
        Self {
            settle: Settle::from(current),
            owners,
            file,
            names,
        }
    }

    /// Looks at the file, and takes over its key when that has changed and settled.
    pub async fn look(&mut self, now_ms: i64) -> Option<EnvironmentChange> {
        let text = read(&self.file).await;
        let recognise = |key: &_| self.owners.recognise(key);
        let seen = self
            .settle
            .observe(text.as_deref(), now_ms, &self.names, recognise);
        let read = match seen {
            Seen::New(read) => read,
            other => {
                match other {
                    Seen::Stuck => self.owners.note_trouble(Some(Trouble::NoWholeKey)),
                    Seen::NoKey | Seen::InForce => self.owners.note_trouble(None),
                    Seen::Waiting | Seen::New(_) => {}
                }
                return self.owners.entered_otherwise(now_ms);
            }
        };
        let owners = self.owners.clone();
        let key = read.key.clone();
        let taken = tokio::task::spawn_blocking(move || {
            let places = text.and_then(|text| owners.0.settings.places_in.of(&text));
            owners.environment_changed_to(&read.key, read.owner.as_ref(), places, now_ms)
        })
        .await;
        match taken {
            Ok(Ok(change)) => {
                self.settle.accept(key);
                self.owners.note_trouble(None);
                Some(change)
            }
            // The next look tries again.
            Ok(Err(error)) => {
                let said = error.sentence(Lang::En);
                self.owners.note_trouble(Some(Trouble::NotTaken(said)));
                None
            }
            // Else the runtime is ending.
            Err(error) => {
                if error.is_panic() {
                    tracing::error!(%error, "cannot take over the key in the environment file");
                }
                None
            }
        }
    }
}

async fn read(file: &Path) -> Option<Vec<u8>> {
    let size = tokio::fs::metadata(file).await.ok()?.len();
    if size > MOST_BYTES {
        return None;
    }
    tokio::fs::read(file).await.ok()
}

/// Watching is a convenience: without it the file is still looked at every [`POLL`].
fn watch_directory(
    file: &Path,
    stirred: std::sync::Arc<tokio::sync::Notify>,
) -> Option<RecommendedWatcher> {
    let parent = file.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = parent.unwrap_or(Path::new("."));
    let watcher =
        notify::recommended_watcher(move |_| stirred.notify_one()).and_then(|mut watcher| {
            watcher.watch(dir, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
    match watcher {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(dir = %dir.display(), %error, "cannot watch the directory, looking every two seconds");
            None
        }
    }
}
