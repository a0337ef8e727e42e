//! Has the alarms of every owner worked on: at once when the bell rings, and once a minute in any case.
//!
//! In: an [`Ear`], a [`Teller`], a way to open stores. Out: nothing but what the teller does. Always true: of one owner one piece of work
//! runs at a time, and a ring that comes meanwhile is followed by another; whoever rings waits for nobody else, and of those who did not
//! only a few are looked at at a time, since each keeps a store open; stopping lets nothing begin. Decides nothing about alarms.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Ear, Teller};
use crate::{
    model::OwnerAlias,
    store::{self, Store},
};

/// How often a robot that was busy or away is tried again, and lost rings are found.
const TICK: Duration = Duration::from_mins(1);

/// Owners that are looked at side by side when nobody rang.
const AT_ONCE: usize = 4;

/// A gateway answers within eight seconds or not at all.
const LAST_WORDS: Duration = Duration::from_secs(9);

/// Opens an owner's store.
pub type OpenStore =
    dyn Fn(OwnerAlias) -> BoxFuture<'static, Result<Store, store::Error>> + Send + Sync;

/// Tends owners until stopped. `owners`: who there is; `changed`: called for an owner whose alarms changed.
pub async fn watch(
    teller: Teller,
    mut ear: Ear,
    open: Arc<OpenStore>,
    owners: impl Fn() -> Vec<OwnerAlias> + Send,
    now_ms: impl Fn() -> i64 + Send + Sync + 'static,
    changed: impl Fn(OwnerAlias) + Send,
    stop: CancellationToken,
) {
    let now_ms: Arc<dyn Fn() -> i64 + Send + Sync> = Arc::new(now_ms);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut working = JoinSet::new();
    // Whose work runs, and whether it must be done once more after that.
    let mut again: HashMap<OwnerAlias, bool> = HashMap::new();
    let mut unasked: VecDeque<OwnerAlias> = VecDeque::new();
    loop {
        let due: Vec<OwnerAlias> = tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = working.join_next(), if !working.is_empty() => {
                let Ok((owner, tended)) = ended else {
                    // A panic was told by its hook; whose it was is found at the next tick.
                    again.clear();
                    continue;
                };
                match tended {
                    Ok(true) => changed(OwnerAlias::clone(&owner)),
                    Ok(false) => {}
                    Err(error) => {
                        let error: store::Error = error;
                        tracing::error!(owner = %owner, %error, "could not work on alarms; trying again in a minute");
                    }
                }
                if again.remove(&owner) == Some(true) { vec![owner] } else { Vec::new() }
            }
            Some(owner) = ear.next() => vec![owner],
            _ = tick.tick() => {
                unasked = owners().into();
                Vec::new()
            }
        };
        for owner in due {
            if let Some(once_more) = again.get_mut(&owner) {
                *once_more = true;
                continue;
            }
            again.insert(owner.clone(), false);
            working.spawn(one(teller.clone(), open.clone(), owner, now_ms.clone()));
        }
        while working.len() < AT_ONCE
            && let Some(owner) = unasked.pop_front()
        {
            if !again.contains_key(&owner) {
                again.insert(owner.clone(), false);
                working.spawn(one(teller.clone(), open.clone(), owner, now_ms.clone()));
            }
        }
    }
    // What is about to be said is said; an analysis that still waits for logs is done at the next start.
    let ending = async { while working.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_WORDS, ending).await.is_err() {
        tracing::info!("alarms wait for the next start");
    }
}

async fn one(
    teller: Teller,
    open: Arc<OpenStore>,
    owner: OwnerAlias,
    now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
) -> (OwnerAlias, Result<bool, store::Error>) {
    let tended = match open(owner.clone()).await {
        Ok(store) if store.is_writer() => teller.tend(&store, &*now_ms).await,
        // Another process writes this owner's data, and tells its alarms.
        Ok(_) => Ok(false),
        Err(error) => Err(error),
    };
    (owner, tended)
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
