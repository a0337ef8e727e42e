//! Rounds that run in the background, joined by whoever asks for the same again.
//!
//! In: a key and the work. Out: a [`Task`] whose progress and end can be followed by many. Always true: a second request for the
//! same gets the same task; of one owner's day one task works at a time, in the order of asking; whose turn it is among owners,
//! `turns` says. Does not know what a round does.

use std::{
    collections::HashMap,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use futures::FutureExt as _;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    progress::{Phase, Progress},
    pull::Want,
    turns::Turns,
};
use crate::model::{Day, OwnerAlias};

pub use super::turns::Urgency;

/// Finished tasks are remembered for `task_status`; this many are enough for a morning of one robot and fifty owners.
const REMEMBERED: usize = 256;

/// What a task is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TaskKey {
    pub owner: OwnerAlias,
    pub day: Day,
    pub want: Want,
}

impl TaskKey {
    /// The round of a day.
    #[must_use]
    pub const fn round(owner: OwnerAlias, day: Day) -> Self {
        Self {
            owner,
            day,
            want: Want::Day,
        }
    }

    fn same_day(&self, other: &Self) -> bool {
        self.owner == other.owner && self.day == other.day
    }
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Done,
    /// A sentence for the owner.
    Failed(String),
    /// The program is stopping, or somebody did not want it any more; the next start goes on with it.
    Stopped,
}

/// A running or finished round. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Task {
    /// Names it in `task_status`: `t1`, `t2`, ...
    pub id: String,
    pub key: TaskKey,
    pub progress: Progress,
    urgency: Arc<watch::Sender<Urgency>>,
    ended: watch::Receiver<Option<Ended>>,
    cancelled: CancellationToken,
}

impl Task {
    pub fn ended(&self) -> Option<Ended> {
        self.ended.borrow().clone()
    }

    /// Somebody waits for it now: a nightly task moves to the front.
    pub fn hurry(&self) {
        self.urgency.send_replace(Urgency::Waiting);
    }

    /// Asks it to stop; what was read stays read.
    pub fn cancel(&self) {
        self.cancelled.cancel();
    }

    /// Waits for the end.
    pub async fn wait(&self) -> Ended {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(end) => end.clone().unwrap_or(Ended::Stopped),
            Err(_) => Ended::Stopped,
        }
    }
}

/// What the work itself is given.
#[derive(Debug, Clone)]
pub struct Work {
    pub progress: Progress,
    pub cancelled: CancellationToken,
    urgency: watch::Receiver<Urgency>,
    turns: Turns,
}

impl Work {
    /// For a command that runs one round and nothing else.
    pub fn alone(progress: Progress) -> Self {
        Self {
            progress,
            cancelled: CancellationToken::new(),
            urgency: watch::Sender::new(Urgency::Waiting).subscribe(),
            turns: Turns::new(),
        }
    }

    /// Called between two objects: nightly work waits here while somebody waits for another round.
    pub async fn give_way(&self) {
        self.turns.give_way(&self.urgency, &self.cancelled).await;
    }

    /// Whether somebody waits for it.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        *self.urgency.borrow()
    }
}

/// All tasks of the process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tasks {
    state: Arc<Mutex<State>>,
    tracker: TaskTracker,
    stop: CancellationToken,
    turns: Turns,
}

#[derive(Debug, Default)]
struct State {
    started: u64,
    by_key: HashMap<TaskKey, Task>,
    order: Vec<Task>,
}

impl Tasks {
    pub fn new(stop: CancellationToken) -> Self {
        Self {
            state: Arc::default(),
            tracker: TaskTracker::new(),
            stop,
            turns: Turns::new(),
        }
    }

    /// Starts `work`, or joins the task of the same key that still runs. The second value is true when it was started here.
    ///
    /// Joining with [`Urgency::Waiting`] moves a nightly task to the front.
    pub fn start<F, Fut>(&self, key: TaskKey, urgency: Urgency, work: F) -> (Task, bool)
    where
        F: FnOnce(Work) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = state.by_key.get(&key).filter(|t| t.ended().is_none()) {
            if urgency == Urgency::Waiting {
                task.hurry();
            }
            return (task.clone(), false);
        }
        let before: Vec<Task> = state
            .order
            .iter()
            .filter(|t| t.ended().is_none() && t.key.same_day(&key))
            .cloned()
            .collect();
        if urgency == Urgency::Waiting {
            before.iter().for_each(Task::hurry);
        }
        state.by_key.retain(|_, task| task.ended().is_none());
        state.started += 1;
        let (end, ended) = watch::channel(None);
        let cancelled = self.stop.child_token();
        let task = Task {
            id: format!("t{}", state.started),
            key: key.clone(),
            progress: Progress::default(),
            urgency: Arc::new(watch::Sender::new(urgency)),
            ended,
            cancelled: cancelled.clone(),
        };
        let handed = Work {
            progress: task.progress.clone(),
            cancelled,
            urgency: task.urgency.subscribe(),
            turns: self.turns.clone(),
        };
        state.by_key.insert(key, task.clone());
        state.order.push(task.clone());
        // A running one must be found by the next request for its day.
        let mut surplus = state.order.len().saturating_sub(REMEMBERED);
        state.order.retain(|task| {
            let is_told = task.key.want.is_asked();
            let goes = (surplus > 0 || !is_told) && task.ended().is_some();
            surplus = surplus.saturating_sub(usize::from(goes));
            !goes
        });
        drop(state);

        let (progress, cancelled) = (task.progress.clone(), handed.cancelled.clone());
        let (turns, urgency) = (self.turns.clone(), handed.urgency.clone());
        self.tracker.spawn(async move {
            let in_turn = async {
                // Two readers of one day would count what lies in objects of both twice.
                for task in before {
                    task.wait().await;
                }
                let _place = turns.begin(&urgency, &cancelled).await;
                work(handed).await
            };
            let in_turn = turns.while_somebody_waits(&urgency, in_turn);
            let outcome = match AssertUnwindSafe(in_turn).catch_unwind().await {
                Ok(Ok(())) => Ended::Done,
                Ok(Err(_)) if cancelled.is_cancelled() => Ended::Stopped,
                Ok(Err(sentence)) => Ended::Failed(sentence),
                // A task that never ended would be joined for ever.
                Err(_) => {
                    tracing::error!("a task panicked");
                    Ended::Failed("程序出错了，请看日志 / a bug; see the log".to_owned())
                }
            };
            let phase = if outcome == Ended::Done {
                Phase::Done
            } else {
                Phase::Failed
            };
            progress.begin(phase, 0, 0);
            end.send_replace(Some(outcome));
        });
        (task, true)
    }

    pub fn find(&self, id: &str) -> Option<Task> {
        self.list().into_iter().find(|t| t.id == id)
    }

    /// The newest task of an owner that anybody may have asked for.
    pub fn newest(&self, owner: &OwnerAlias) -> Option<Task> {
        self.list()
            .into_iter()
            .rev()
            .find(|t| t.key.owner == *owner && t.key.want.is_asked())
    }

    /// Oldest first.
    pub fn list(&self) -> Vec<Task> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .order
            .clone()
    }

    /// Waits until every task has ended. Call after the token given to [`Self::new`] is cancelled.
    pub async fn finish(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Barrier;

    use super::*;

    fn key(owner: &str) -> TaskKey {
        TaskKey::round(
            owner.parse().expect("alias"),
            "2026-11-21".parse().expect("day"),
        )
    }

    #[tokio::test]
    async fn a_second_request_joins_the_first_and_a_later_one_starts_anew() {
        let tasks = Tasks::new(CancellationToken::new());
        let (runs, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(2)));
        let work = |runs: Arc<AtomicUsize>, gate: Arc<Barrier>| {
            move |_: Work| async move {
                runs.fetch_add(1, Ordering::SeqCst);
                gate.wait().await;
                Ok(())
            }
        };
        let (first, started) =
            tasks.start(key("a"), Urgency::Nightly, work(runs.clone(), gate.clone()));
        let (second, joined) =
            tasks.start(key("a"), Urgency::Waiting, work(runs.clone(), gate.clone()));
        assert!(started && !joined);
        assert_eq!(first.id, second.id);
        gate.wait().await;
        assert_eq!(second.wait().await, Ended::Done);
        let (third, started) = tasks.start(key("a"), Urgency::Waiting, |_| async {
            Err("no key".to_owned())
        });
        assert!(started);
        assert_eq!(third.wait().await, Ended::Failed("no key".into()));
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_panic_ends_a_task_as_a_failure() {
        let tasks = Tasks::new(CancellationToken::new());
        let (task, _) = tasks.start(key("a"), Urgency::Nightly, |_| async { panic!("a bug") });
        assert!(matches!(task.wait().await, Ended::Failed(_)));
        let (next, started) = tasks.start(key("a"), Urgency::Nightly, |_| async { Ok(()) });
        assert!(started);
        assert_eq!(next.wait().await, Ended::Done);
    }

    #[tokio::test]
    async fn nightly_work_waits_while_somebody_waits() {
        let tasks = Tasks::new(CancellationToken::new());
        let (gate, order) = (Arc::new(Barrier::new(2)), Arc::new(Mutex::new(Vec::new())));
        let (inside, log) = (gate.clone(), order.clone());
        let (person, _) = tasks.start(key("b"), Urgency::Waiting, move |_| async move {
            inside.wait().await;
            log.lock().expect("log").push("person");
            Ok(())
        });
        let log = order.clone();
        let (night, _) = tasks.start(key("a"), Urgency::Nightly, move |work| async move {
            work.give_way().await;
            log.lock().expect("log").push("night");
            Ok(())
        });
        gate.wait().await;
        person.wait().await;
        night.wait().await;
        assert_eq!(*order.lock().expect("log"), ["person", "night"]);
    }

    #[tokio::test]
    async fn a_part_of_a_day_waits_for_its_round_and_moves_it_to_the_front() {
        let tasks = Tasks::new(CancellationToken::new());
        let (gate, order) = (Arc::new(Barrier::new(2)), Arc::new(Mutex::new(Vec::new())));
        let (inside, log) = (gate.clone(), order.clone());
        let (round, _) = tasks.start(key("a"), Urgency::Nightly, move |work| async move {
            inside.wait().await;
            work.give_way().await;
            log.lock().expect("log").push("round");
            Ok(())
        });
        let part = TaskKey {
            want: Want::Cause {
                from: crate::model::LogKind::Business,
            },
            ..key("a")
        };
        let log = order.clone();
        let (pull, started) = tasks.start(part, Urgency::Waiting, move |_| async move {
            log.lock().expect("log").push("part");
            Ok(())
        });
        assert!(started && pull.id != round.id);
        gate.wait().await;
        pull.wait().await;
        assert_eq!(*order.lock().expect("log"), ["round", "part"]);
    }
}
