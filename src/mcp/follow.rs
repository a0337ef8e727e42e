//! Brings changes to subscribers: one task a session in the handshake era, one long request in the sessionless one.
//!
//! In: the change hub. Out: `notifications/resources/updated` and `.../list_changed`. Always true: a subscriber hears only of owners
//! that its caller may open; a reader that fell behind is told to read the list and everything it follows again, since nobody knows any more
//! what it missed. Does not decide what changed.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use rmcp::{
    ErrorData, Peer, RoleServer,
    model::{ProgressNotificationParam, ProgressToken, ResourceUpdatedNotificationParam},
    service::{SubscriptionContext, SubscriptionSendError},
};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Access, Address, Change, Desk, uri};
use crate::model::OwnerAlias;

/// Addresses that one session may follow: the lists of some owners and the files of some days.
pub(super) const MOST_FOLLOWED: usize = 64;

/// The addresses that a session follows. Clones share them, so that a session that comes back has them still.
#[derive(Debug, Clone, Default)]
pub(super) struct Followed(Arc<Mutex<BTreeSet<String>>>);

impl Followed {
    /// False when there are too many already.
    pub(super) fn add(&self, uri: String) -> bool {
        let mut uris = self.uris();
        let fits = uris.len() < MOST_FOLLOWED || uris.contains(&uri);
        if fits {
            uris.insert(uri);
        }
        fits
    }

    pub(super) fn remove(&self, uri: &str) {
        self.uris().remove(uri);
    }

    fn wants(&self, uri: &str) -> bool {
        self.uris().contains(uri)
    }

    pub(super) fn all(&self) -> Vec<String> {
        self.uris().iter().cloned().collect()
    }

    fn uris(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Brings one session of the handshake era what it follows. Dropping it ends its task.
#[derive(Debug)]
pub(super) struct Following {
    started: OnceLock<()>,
    ended: CancellationToken,
    _end: DropGuard,
}

impl Default for Following {
    fn default() -> Self {
        let ended = CancellationToken::new();
        Self {
            started: OnceLock::new(),
            _end: ended.clone().drop_guard(),
            ended,
        }
    }
}

impl Following {
    /// Starts forwarding to `peer`; once per session, later calls do nothing. A session that `is_back` is told of all it follows:
    /// nobody knows any more what it missed.
    pub(super) fn forward(
        &self,
        desk: &Desk,
        access: Access,
        followed: Followed,
        peer: Peer<RoleServer>,
        is_back: bool,
    ) {
        if self.started.set(()).is_err() {
            return;
        }
        let mut changes = desk.changes.listen();
        let ended = self.ended.clone();
        tokio::spawn(async move {
            if is_back && !announce_all(&followed, &peer).await {
                return;
            }
            loop {
                let change = tokio::select! {
                    () = ended.cancelled() => return,
                    change = changes.recv() => change,
                };
                let alive = match change {
                    Ok(change) if !access.allows(change.owner()) => true,
                    Ok(change) => announce(&followed, &peer, &change).await,
                    Err(RecvError::Lagged(_)) => announce_all(&followed, &peer).await,
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
async fn announce(followed: &Followed, peer: &Peer<RoleServer>, change: &Change) -> bool {
    if matches!(change, Change::NewDay(..)) && peer.notify_resource_list_changed().await.is_err() {
        return false;
    }
    let touched = uri::touched_by(change).into_iter();
    updated(peer, touched.filter(|uri| followed.wants(uri))).await
}

/// Whatever was missed, an alarm perhaps, is found by reading again. False when the session is gone.
async fn announce_all(followed: &Followed, peer: &Peer<RoleServer>) -> bool {
    peer.notify_resource_list_changed().await.is_ok() && updated(peer, followed.all()).await
}

async fn updated(peer: &Peer<RoleServer>, uris: impl IntoIterator<Item = String>) -> bool {
    for uri in uris {
        let updated = ResourceUpdatedNotificationParam::new(uri);
        if peer.notify_resource_updated(updated).await.is_err() {
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

/// Whether this is an address that the caller may open. A foreign owner's is as unknown as one that never was.
pub(super) fn may_open(access: &Access, uri: &str) -> bool {
    let address: Result<Address, _> = uri.parse();
    address.is_ok_and(|a| a.owner().is_none_or(|owner| access.allows(owner)))
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
            Err(RecvError::Lagged(_)) => {
                sent.push(sink.notify_resource_list_changed().await);
                let followed = context.accepted().resource_subscriptions.iter().flatten();
                for uri in followed.filter(|uri| may_open(access, uri)) {
                    sent.push(sink.notify_resource_updated(uri.clone()).await);
                }
            }
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
