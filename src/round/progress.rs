//! How far a round is, for whoever looks: the progress bar, `task_status`, the status page.
//!
//! In: steps reported by the round. Out: a [`Snapshot`] at any moment, by value. Always true: reporting never waits for a reader.
//! Does not draw anything.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::sync::watch;

use crate::model::{LogKind, report::Stage, shapes::LineCounts};

/// The state of a round at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    pub phase: Phase,
    /// Objects of the phase that are read, and all of them.
    pub objects: (u64, u64),
    /// Compressed bytes of the phase that are read, and all of them.
    pub bytes: (u64, u64),
    /// Compressed bytes of the whole round that are read, and all of them; none before they are known.
    pub whole: (u64, u64),
    /// When [`Self::whole`] was known.
    known_ms: u64,
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

    /// How long the reading will still take, by its pace so far; `None` before a tenth of it is done, and when nothing is left.
    pub fn seconds_left(&self) -> Option<u64> {
        let (done, all) = self.whole;
        let spent_ms = self.elapsed_ms.saturating_sub(self.known_ms);
        let enough = done < all && done.saturating_mul(10) >= all;
        enough
            .then(|| (u128::from(spent_ms) * u128::from(all - done)) / u128::from(done) / 1000)?
            .try_into()
            .ok()
    }
}

impl Snapshot {
    /// How far the whole round is, in percent, by what each phase usually takes; never less than in the phase before.
    #[must_use]
    pub fn overall(&self) -> u64 {
        let (from, to) = match self.phase {
            Phase::Queued => (0, 0),
            Phase::Listing => (1, 3),
            Phase::Events => (3, 15),
            Phase::Rest => (15, 80),
            Phase::Diagnosing => (80, 84),
            Phase::EarlierDays => (84, 94),
            Phase::Writing => (94, 99),
            Phase::Done | Phase::Failed => (100, 100),
        };
        from + (to - from) * self.percent() / 100
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

impl Phase {
    /// In which objects of a kind are read: events come first.
    pub(super) const fn of(kind: crate::model::LogKind) -> Self {
        use crate::model::LogKind::{Audit, Business, Event};
        match kind {
            Event => Self::Events,
            Business | Audit => Self::Rest,
        }
    }

    /// Its name for programs and pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Listing => "listing",
            Self::Events => "events",
            Self::Rest => "rest",
            Self::Diagnosing => "diagnosing",
            Self::EarlierDays => "earlier",
            Self::Writing => "writing",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// The writing end. Cloned into every stage of a round.
#[derive(Debug, Clone)]
pub struct Progress {
    state: Arc<watch::Sender<Snapshot>>,
    /// What was read that no round had read before.
    read: Arc<Mutex<BTreeMap<LogKind, LineCounts>>>,
    started: Instant,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            state: Arc::new(watch::Sender::new(Snapshot::default())),
            read: Arc::default(),
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

    /// The whole round will read so many bytes, in whatever phases.
    pub fn plan(&self, bytes: u64) {
        let now_ms = self.elapsed_ms();
        self.change(|s| {
            s.whole = (0, bytes);
            s.known_ms = now_ms;
        });
    }

    /// One more object of the phase is done.
    pub fn object_done(&self, bytes: u64) {
        self.change(|s| {
            s.objects.0 += 1;
            s.bytes.0 += bytes;
            s.whole.0 += bytes;
        });
    }

    /// An object of a kind was read and stored for the first time.
    pub fn read(&self, kind: LogKind, counts: &LineCounts) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(kind).or_default().add(counts);
    }

    /// What was read by this round and by none before it.
    #[must_use]
    pub fn newly_read(&self) -> BTreeMap<LogKind, LineCounts> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.clone()
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
        let elapsed = self.elapsed_ms();
        self.state.send_modify(|s| {
            f(s);
            s.elapsed_ms = elapsed;
        });
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
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

    #[test]
    fn what_is_left_goes_by_the_pace_of_the_whole_round() {
        let now = |whole, known_ms, elapsed_ms| Snapshot {
            whole,
            known_ms,
            elapsed_ms,
            ..Snapshot::default()
        };
        assert_eq!(now((0, 0), 0, 9_000).seconds_left(), None);
        assert_eq!(now((9, 100), 1_000, 9_000).seconds_left(), None);
        assert_eq!(now((25, 100), 1_000, 9_000).seconds_left(), Some(24));
        assert_eq!(now((100, 100), 1_000, 9_000).seconds_left(), None);
    }
}
