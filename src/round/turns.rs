//! Whose turn it is: people before the night, and only a few nights at a time.
//!
//! In: pieces of work, each either somebody's wish or the timer's. Out: when one may begin, and when it must wait. Always true: work
//! that a person waits for never waits for the night's; of the night's work at most [`AT_NIGHT`] pieces are under way, so that fifty
//! owners need no more memory than two. Does not know what the work is.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// Nightly work at a time: while one waits for the bucket, the other keeps the cores busy.
const AT_NIGHT: usize = 2;

/// Who wants a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The timer: gives way to people.
    Nightly,
    /// Somebody waits for the answer.
    Waiting,
}

/// Shared by all work of the process. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    people: Arc<watch::Sender<usize>>,
    nights: Arc<Semaphore>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            people: Arc::new(watch::Sender::new(0)),
            nights: Arc::new(Semaphore::new(AT_NIGHT)),
        }
    }

    /// Waits until work may begin; the night's holds its place until the permit is dropped. A person's begins at once, and so does the
    /// night's when somebody begins to wait for it, or when the program stops, which the work itself will notice.
    pub(super) async fn begin(
        &self,
        urgency: &watch::Receiver<Urgency>,
        stop: &CancellationToken,
    ) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            () = promoted(urgency.clone()) => None,
            () = stop.cancelled() => None,
            permit = self.nights.clone().acquire_owned() => permit.ok(),
        }
    }

    /// Counts a waiting person from the moment that somebody waits for `work` until its end.
    pub(super) async fn while_somebody_waits<T>(
        &self,
        urgency: &watch::Receiver<Urgency>,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = std::pin::pin!(work);
        let _person = tokio::select! {
            biased;
            () = promoted(urgency.clone()) => Person::new(&self.people),
            done = &mut work => return done,
        };
        work.await
    }

    /// Waits as long as somebody waits for other work than this.
    pub(super) async fn give_way(
        &self,
        urgency: &watch::Receiver<Urgency>,
        stop: &CancellationToken,
    ) {
        let mut people = self.people.subscribe();
        let free = async {
            // An error means that the sender is gone: nobody can be waiting any more.
            let _ = people.wait_for(|n| *n == 0).await;
        };
        tokio::select! {
            () = free => {}
            () = promoted(urgency.clone()) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Until somebody waits for the work.
async fn promoted(mut urgency: watch::Receiver<Urgency>) {
    if urgency.wait_for(|u| *u == Urgency::Waiting).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Counts for as long as it lives.
#[derive(Debug)]
struct Person(Arc<watch::Sender<usize>>);

impl Person {
    fn new(count: &Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|n| *n += 1);
        Self(count.clone())
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_third_night_waits_unless_somebody_waits_for_it() {
        let (turns, stop) = (Turns::new(), CancellationToken::new());
        let night = watch::Sender::new(Urgency::Nightly);
        let seen = night.subscribe();
        let first = turns.begin(&seen, &stop).await;
        let second = turns.begin(&seen, &stop).await;
        assert!(first.is_some() && second.is_some());
        assert!(turns.begin(&seen, &stop).now_or_never().is_none());
        drop(first);
        let third = turns.begin(&seen, &stop).await;
        assert!(third.is_some());
        night.send_replace(Urgency::Waiting);
        assert!(turns.begin(&seen, &stop).await.is_none());
    }

    #[tokio::test]
    async fn a_night_that_somebody_begins_to_wait_for_makes_the_others_give_way() {
        let (turns, stop) = (Turns::new(), CancellationToken::new());
        let (mine, other) = (
            watch::Sender::new(Urgency::Nightly),
            watch::Sender::new(Urgency::Nightly),
        );
        let (mine_seen, other_seen) = (mine.subscribe(), other.subscribe());
        assert!(turns.give_way(&other_seen, &stop).now_or_never().is_some());
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let work = turns.while_somebody_waits(&mine_seen, ended);
        let mut work = std::pin::pin!(work);
        assert!(work.as_mut().now_or_never().is_none());
        mine.send_replace(Urgency::Waiting);
        assert!(work.as_mut().now_or_never().is_none());
        assert!(turns.give_way(&other_seen, &stop).now_or_never().is_none());
        assert!(turns.give_way(&mine_seen, &stop).now_or_never().is_some());
        drop(end);
        assert!(work.await.is_err());
        assert!(turns.give_way(&other_seen, &stop).now_or_never().is_some());
    }
}
