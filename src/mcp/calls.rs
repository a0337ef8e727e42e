//! Runs a call once, however often it is asked for, and never keeps anybody waiting.
//!
//! In: a key that says when two calls are the same, and the work. Out: its answer, or an interim sentence when it takes longer than
//! [`LIMIT`]. Always true: work goes on when its asker stops waiting; an identical call joins it; a panic becomes an answer; work that
//! starts something is not begun twice within [`STARTED_RECENTLY`]. Does not know what a tool is.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::time::Instant;

use super::{Answer, Stop};

/// xiaozhi.me gave tools ten seconds for long; a robot is silent meanwhile.
const LIMIT: Duration = Duration::from_secs(8);

/// The xiaozhi server repeats a failed call up to three times, two seconds apart, with a new connection each.
const STARTED_RECENTLY: Duration = Duration::from_secs(15);

/// What makes two calls the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Token, device, and what "it" means to them now.
    pub caller: String,
    pub owner: String,
    pub tool: &'static str,
    /// JSON with sorted names.
    pub arguments: String,
}

type Outcome = Shared<BoxFuture<'static, Answer>>;

#[derive(Debug, Clone)]
struct Running {
    outcome: Outcome,
    /// Joined until then even when it has ended.
    kept_until: Option<Instant>,
}

impl Running {
    fn can_be_joined(&self) -> bool {
        self.outcome.peek().is_none() || self.kept_until.is_some_and(|t| Instant::now() < t)
    }
}

/// The calls that are running now.
#[derive(Debug, Default)]
pub struct Calls(Mutex<HashMap<Key, Running>>);

/// How a call ended for the one who waits.
#[derive(Debug)]
pub(super) enum Waited {
    Answer(Answer),
    /// The work goes on.
    TooLong,
}

impl Calls {
    /// Joins the same call or starts it, and waits at most [`LIMIT`].
    pub(super) async fn run(
        &self,
        key: Key,
        starts_work: bool,
        stop: &Stop,
        crashed: Answer,
        work: impl Future<Output = Answer> + Send + 'static,
    ) -> Waited {
        let outcome = self.outcome(key, starts_work, stop, crashed, work);
        match tokio::time::timeout(LIMIT, outcome).await {
            Ok(answer) => Waited::Answer(answer),
            Err(_) => Waited::TooLong,
        }
    }

    fn outcome(
        &self,
        key: Key,
        starts_work: bool,
        stop: &Stop,
        crashed: Answer,
        work: impl Future<Output = Answer> + Send + 'static,
    ) -> Outcome {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, r| r.can_be_joined());
        if let Some(same) = running.get(&key) {
            return same.outcome.clone();
        }
        let (at_work, tool) = (stop.at_work(), key.tool);
        // On a task of its own: it must not end with its asker, and tokio catches its panic.
        let task = tokio::spawn(async move {
            let _at_work = at_work;
            work.await
        });
        let outcome = async move {
            task.await.unwrap_or_else(|_| {
                tracing::error!(tool, "a tool panicked");
                crashed
            })
        };
        let outcome = outcome.boxed().shared();
        let kept_until = starts_work.then(|| Instant::now() + STARTED_RECENTLY);
        running.insert(
            key,
            Running {
                outcome: outcome.clone(),
                kept_until,
            },
        );
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    fn key(arguments: &str) -> Key {
        Key {
            caller: "robot".to_owned(),
            owner: "demo".to_owned(),
            tool: "summarize_day",
            arguments: arguments.to_owned(),
        }
    }

    /// Takes `seconds`, and counts.
    fn work(runs: &Arc<AtomicU32>, seconds: u64) -> impl Future<Output = Answer> + use<> {
        let runs = runs.clone();
        async move {
            let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Answer::told(format!("run {run}"))
        }
    }

    fn said(waited: Waited) -> String {
        match waited {
            Waited::Answer(answer) => answer.told,
            Waited::TooLong => "too long".to_owned(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_identical_call_joins_and_a_different_one_runs() {
        let (calls, stop, runs) = (
            Calls::default(),
            Stop::default(),
            Arc::new(AtomicU32::new(0)),
        );
        let run = |k: &str| calls.run(key(k), false, &stop, Answer::default(), work(&runs, 3));
        let (a, b, c) = tokio::join!(run("{}"), run("{}"), run("{\"part\":1}"));
        assert_eq!(
            (said(a), said(b), said(c)),
            ("run 1".into(), "run 1".into(), "run 2".into())
        );
        // What has ended is not answered from memory.
        assert_eq!(said(run("{}").await), "run 3");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_the_limit_and_the_work_goes_on() {
        let (calls, stop, runs) = (
            Calls::default(),
            Stop::default(),
            Arc::new(AtomicU32::new(0)),
        );
        let run = || calls.run(key("{}"), false, &stop, Answer::default(), work(&runs, 12));
        let asked = Instant::now();
        assert_eq!(said(run().await), "too long");
        assert_eq!(asked.elapsed(), LIMIT);
        assert_eq!(said(run().await), "run 1");
        assert_eq!(asked.elapsed(), Duration::from_secs(12));
    }

    #[tokio::test(start_paused = true)]
    async fn what_starts_work_is_not_started_again_by_a_retry() {
        let (calls, stop, runs) = (
            Calls::default(),
            Stop::default(),
            Arc::new(AtomicU32::new(0)),
        );
        let run = || calls.run(key("{}"), true, &stop, Answer::default(), work(&runs, 0));
        assert_eq!(said(run().await), "run 1");
        tokio::time::sleep(Duration::from_secs(14)).await;
        assert_eq!(said(run().await), "run 1");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(said(run().await), "run 2");
    }

    #[tokio::test]
    async fn a_panic_becomes_an_answer_and_the_stop_does_not_wait_for_it() {
        let (calls, stop) = (Calls::default(), Stop::default());
        let boom = async { panic!("boom") };
        let waited = calls
            .run(key("{}"), false, &stop, Answer::told("sorry"), boom)
            .await;
        assert_eq!(said(waited), "sorry");
        assert_eq!(stop.drain(Duration::from_secs(1)).await, 0);
    }
}
