//! How far a round is, for whoever looks: the progress bar, `task_status`, the status page.
//!
//! In: steps reported by the round. Out: a [`Snapshot`] at any moment, by value. Always true: reporting never waits for a reader.
//! Does not draw anything.

use std::{sync::Arc, time::Instant};

use tokio::sync::watch;

use crate::model::report::Stage;

/// The state of a round at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    pub phase: Phase,
    /// Objects of the phase that are read, and all of them.
    pub objects: (u64, u64),
    /// Compressed bytes of the phase that are read, and all of them.
    pub bytes: (u64, u64),
    /// The newest revision of the report that exists.
    pub revision: Option<(u32, Stage)>,
    pub elapsed_ms: u64,
}

impl Snapshot {
    /// Share of the phase's bytes that is read, in percent.
    pub fn percent(&self) -> u64 {
        (self.bytes.0 * 100)
            .checked_div(self.bytes.1)
            .unwrap_or(0)
            .min(100)
    }
}

/// What a round is busy with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// Waiting for a core or a connection.
    #[default]
    Queued,
    Listing,
    Events,
    Rest,
    Diagnosing,
    EarlierDays,
    Writing,
    Done,
    Failed,
}

/// The writing end. Cloned into every stage of a round.
#[derive(Debug, Clone)]
pub struct Progress {
    state: Arc<watch::Sender<Snapshot>>,
    started: Instant,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            state: Arc::new(watch::Sender::new(Snapshot::default())),
            started: Instant::now(),
        }
    }
}

impl Progress {
    /// Starts a phase with so many objects and bytes to read.
    pub fn begin(&self, phase: Phase, objects: u64, bytes: u64) {
        self.change(|s| {
            s.phase = phase;
            s.objects = (0, objects);
            s.bytes = (0, bytes);
        });
    }

    /// One more object of the phase is done.
    pub fn object_done(&self, bytes: u64) {
        self.change(|s| {
            s.objects.0 += 1;
            s.bytes.0 += bytes;
        });
    }

    pub fn revision(&self, revision: u32, stage: Stage) {
        self.change(|s| s.revision = Some((revision, stage)));
    }

    pub fn snapshot(&self) -> Snapshot {
        self.state.borrow().clone()
    }

    /// Follows every change; several changes may be seen as one.
    pub fn watch(&self) -> watch::Receiver<Snapshot> {
        self.state.subscribe()
    }

    fn change(&self, f: impl FnOnce(&mut Snapshot)) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.state.send_modify(|s| {
            f(s);
            s.elapsed_ms = elapsed;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_counts_its_own_objects() {
        let progress = Progress::default();
        progress.begin(Phase::Events, 2, 100);
        progress.object_done(40);
        assert_eq!(
            (progress.snapshot().objects, progress.snapshot().percent()),
            ((1, 2), 40)
        );
        progress.begin(Phase::Rest, 5, 0);
        assert_eq!(
            (progress.snapshot().objects, progress.snapshot().percent()),
            ((0, 5), 0)
        );
    }
}
