//! Stopping in two phases, so that no answer is lost.
//!
//! First newcomers are refused while running calls finish; then streams and sessions end. rmcp ends running calls at once when its
//! token is cancelled, therefore its token is [`Stop::ended`], never [`Stop::draining`]. Does not listen to signals.

use std::time::Duration;

use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// A result travels on after its handler: session worker, SSE body, socket.
const TRAVEL: Duration = Duration::from_millis(300);

/// The two moments of stopping, and who is still at work. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    draining: CancellationToken,
    ended: CancellationToken,
    running: TaskTracker,
}

impl Stop {
    /// Held by a call for as long as its answer is in the making.
    pub fn at_work(&self) -> TaskTrackerToken {
        self.running.token()
    }

    /// New requests are refused from here on.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Cancelled when streams and sessions must end.
    #[must_use]
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Waits for running calls, at most `limit`, then ends everything. Returns how many were left behind.
    pub async fn drain(&self, limit: Duration) -> usize {
        self.draining.cancel();
        self.running.close();
        let left = match tokio::time::timeout(limit, self.running.wait()).await {
            Ok(()) => 0,
            Err(_) => self.running.len(),
        };
        tokio::time::sleep(TRAVEL).await;
        self.ended.cancel();
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_running_call_is_waited_for_and_a_stuck_one_is_left_behind() {
        let stop = Stop::default();
        let call = stop.at_work();
        let waiting = tokio::spawn({
            let stop = stop.clone();
            async move { stop.drain(Duration::from_secs(10)).await }
        });
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(stop.is_draining() && !stop.ended().is_cancelled());
        drop(call);
        assert_eq!(waiting.await.expect("drain"), 0);
        assert!(stop.ended().is_cancelled());

        let stuck = Stop::default();
        let _call = stuck.at_work();
        assert_eq!(stuck.drain(Duration::from_secs(10)).await, 1);
    }
}
