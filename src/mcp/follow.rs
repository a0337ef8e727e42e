//! Brings changes to subscribers: one task a session in the handshake era, one long request in the sessionless one.
//!
//! In: the change hub. Out: `notifications/resources/updated` and `.../list_changed`. Always true: a subscriber hears only of owners
//! that its caller may open; a reader that fell behind is told to read the list again. Does not decide what changed.

use std::{
    collections::HashSet,
    convert::Infallible,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use rmcp::{
    ErrorData, Peer, RoleServer,
    model::{ProgressNotificationParam, ProgressToken, ResourceUpdatedNotificationParam},
    service::{SubscriptionContext, SubscriptionSendError},
};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Access, Change, Desk, uri};
use crate::model::OwnerAlias;

/// What one session of the handshake era follows. Dropping it ends its task.
#[derive(Debug)]
pub(super) struct Following {
    uris: Mutex<HashSet<String>>,
    started: OnceLock<()>,
    ended: CancellationToken,
    _end: DropGuard,
}

impl Default for Following {
    fn default() -> Self {
        let ended = CancellationToken::new();
        Self {
            uris: Mutex::default(),
            started: OnceLock::new(),
            _end: ended.clone().drop_guard(),
            ended,
        }
    }
}

impl Following {
    pub(super) fn add(&self, uri: String) {
        self.uris
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(uri);
    }

    pub(super) fn remove(&self, uri: &str) {
        self.uris
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(uri);
    }

    fn wants(&self, uri: &str) -> bool {
        self.uris
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(uri)
    }

    /// Starts forwarding to `peer`; once per session, later calls do nothing.
    pub(super) fn forward(self: &Arc<Self>, desk: &Desk, access: Access, peer: Peer<RoleServer>) {
        if self.started.set(()).is_err() {
            return;
        }
        let mut changes = desk.changes.listen();
        let ended = self.ended.clone();
        // Weak: this task must not keep the session alive.
        let following = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                let change = tokio::select! {
                    () = ended.cancelled() => return,
                    change = changes.recv() => change,
                };
                let Some(following) = following.upgrade() else {
                    return;
                };
                let alive = match change {
                    Ok(change) if !access.allows(change.owner()) => true,
                    Ok(change) => announce(&following, &peer, &change).await,
                    Err(RecvError::Lagged(_)) => peer.notify_resource_list_changed().await.is_ok(),
                    Err(RecvError::Closed) => false,
                };
                if !alive {
                    return;
                }
            }
        });
    }
}

/// False when the session is gone.
async fn announce(following: &Following, peer: &Peer<RoleServer>, change: &Change) -> bool {
    if matches!(change, Change::NewDay(..)) && peer.notify_resource_list_changed().await.is_err() {
        return false;
    }
    for uri in uri::touched_by(change) {
        if following.wants(&uri)
            && peer
                .notify_resource_updated(ResourceUpdatedNotificationParam::new(uri))
                .await
                .is_err()
        {
            return false;
        }
    }
    true
}

/// Tells a caller that waits for an answer how far the owner's newest task is, for as long as it waits.
pub(super) async fn progress(
    desk: &Desk,
    owner: Option<OwnerAlias>,
    peer: &Peer<RoleServer>,
    token: ProgressToken,
) -> Infallible {
    let mut changes = desk.changes.listen();
    let mut said = 0;
    while let (Some(owner), Ok(change)) = (&owner, changes.recv().await) {
        let newest = desk.rounds.tasks.newest(owner);
        let Some(task) = newest.filter(|_| change == Change::Tasks(owner.clone())) else {
            continue;
        };
        let now = task.progress.snapshot();
        // The protocol wants a number that only grows.
        if now.overall() <= said {
            continue;
        }
        said = now.overall();
        let progress = ProgressNotificationParam::new(token.clone(), said as f64)
            .with_total(100.0)
            .with_message(format!("{} {}", task.key.day, now.phase.as_str()));
        if peer.notify_progress(progress).await.is_err() {
            break;
        }
    }
    std::future::pending().await
}

/// Serves one `subscriptions/listen` until its client or the server ends it.
pub(super) async fn listen(
    desk: &Desk,
    access: &Access,
    context: &SubscriptionContext,
) -> Result<(), ErrorData> {
    let mut changes = desk.changes.listen();
    let sink = context.sink();
    loop {
        let change = tokio::select! {
            () = context.cancelled() => return Ok(()),
            () = desk.stop.ended().cancelled() => return Ok(()),
            change = changes.recv() => change,
        };
        let mut sent = Vec::new();
        match change {
            Ok(change) if !access.allows(change.owner()) => {}
            Ok(change) => {
                if matches!(change, Change::NewDay(..)) {
                    sent.push(sink.notify_resource_list_changed().await);
                }
                for uri in uri::touched_by(&change) {
                    sent.push(sink.notify_resource_updated(uri).await);
                }
            }
            Err(RecvError::Lagged(_)) => sent.push(sink.notify_resource_list_changed().await),
            Err(RecvError::Closed) => return Ok(()),
        }
        // The sink refuses what the client did not ask for; only a closed one is an end.
        if sent
            .iter()
            .any(|s| matches!(s, Err(SubscriptionSendError::SubscriptionClosed)))
        {
            return Ok(());
        }
    }
}
