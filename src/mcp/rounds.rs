//! Starts and finds rounds, and parts of them, on behalf of a waiting person.
//!
//! In: an owner and a day. Out: a [`Task`] of the round room. Always true: one round per owner and day; a second request joins it and
//! moves it to the front. What a task does, and how lines are read again, are functions that `app` hands in.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::Stores;
use crate::{
    model::{Day, LogKind, OwnerAlias, record::Kept},
    round::{
        around::ReadAround,
        beside::Beside,
        fresh::Fresh,
        lines::{Asked, Lines},
        pull::Want,
        tasks::{Task, TaskKey, Tasks, Urgency, Work},
    },
};

/// The work of one task.
pub type RunRound = dyn Fn(TaskKey, Work) -> BoxFuture<'static, Result<(), String>> + Send + Sync;

/// Reads lines of an owner's day from the bucket; a failure is a sentence for the owner.
pub type ReadLines =
    dyn Fn(OwnerAlias, Day, Asked) -> BoxFuture<'static, Result<Lines, String>> + Send + Sync;

/// Asks for what is not shipped yet of a kind between two instants; `None` when all of it is, or nobody can be asked.
pub type ReadFresh =
    dyn Fn(OwnerAlias, Day, LogKind, (i64, i64)) -> BoxFuture<'static, Option<Fresh>> + Send + Sync;

/// Reads what stands on both sides of a line; a failure is a sentence for the owner.
pub type ReadBeside =
    dyn Fn(OwnerAlias, Kept) -> BoxFuture<'static, Result<Beside, String>> + Send + Sync;

/// The rounds of this process, and how to start one.
#[derive(Clone)]
pub struct Rounds {
    pub tasks: Tasks,
    run: Arc<RunRound>,
    read_lines: Option<Arc<ReadLines>>,
    read_fresh: Option<Arc<ReadFresh>>,
    read_beside: Option<Arc<ReadBeside>>,
    read_around: Option<Arc<ReadAround>>,
}

impl Rounds {
    pub fn new(tasks: Tasks, run: Arc<RunRound>) -> Self {
        Self {
            tasks,
            run,
            read_lines: None,
            read_fresh: None,
            read_beside: None,
            read_around: None,
        }
    }

    /// Without it, lines are those that were kept.
    #[must_use]
    pub fn with_lines(self, read_lines: Arc<ReadLines>) -> Self {
        Self {
            read_lines: Some(read_lines),
            ..self
        }
    }

    /// Without it, a day ends where shipping has come to.
    #[must_use]
    pub fn with_fresh(self, read_fresh: Arc<ReadFresh>) -> Self {
        Self {
            read_fresh: Some(read_fresh),
            ..self
        }
    }

    /// Without it, a line is shown alone.
    #[must_use]
    pub fn with_beside(self, read_beside: Arc<ReadBeside>) -> Self {
        Self {
            read_beside: Some(read_beside),
            ..self
        }
    }

    /// Without it, an alarm is explained from what is stored.
    #[must_use]
    pub fn with_around(self, read_around: Arc<ReadAround>) -> Self {
        Self {
            read_around: Some(read_around),
            ..self
        }
    }

    /// Who reads the logs around an alarm.
    #[must_use]
    pub fn around(&self) -> Option<Arc<ReadAround>> {
        self.read_around.clone()
    }

    /// Starts the round of a day for somebody who waits, or joins it. The second value is true when it was started here.
    pub fn start(&self, owner: &OwnerAlias, day: Day) -> (Task, bool) {
        self.start_as(TaskKey::round(owner.clone(), day), Urgency::Waiting)
    }

    /// Reads what is wanted of a day for somebody who waits, or joins the one who does.
    pub fn pull(&self, owner: &OwnerAlias, day: Day, want: Want) -> Task {
        let owner = owner.clone();
        self.start_as(TaskKey { owner, day, want }, Urgency::Waiting)
            .0
    }

    /// Starts or joins what a key names, for whoever wants it.
    pub fn start_as(&self, key: TaskKey, urgency: Urgency) -> (Task, bool) {
        let (run, about) = (self.run.clone(), key.clone());
        self.tasks.start(key, urgency, move |work| run(about, work))
    }

    /// The round of a day for somebody who has just come, unless the day is known: what a question pulled of it is no broadcast.
    pub async fn begin_unless_told(
        &self,
        stores: &Stores,
        owner: &OwnerAlias,
        day: Day,
    ) -> Option<Task> {
        let known = match stores.of(owner).await {
            Ok(store) => store.report(day).await.ok().flatten(),
            Err(_) => None,
        };
        let told = known.is_some_and(|report| report.tells_the_day());
        (!told).then(|| self.start(owner, day).0)
    }

    /// The round of a day that still runs.
    #[must_use]
    pub fn running(&self, owner: &OwnerAlias, day: Day) -> Option<Task> {
        let wanted = TaskKey::round(owner.clone(), day);
        self.tasks
            .list()
            .into_iter()
            .rev()
            .find(|t| t.key == wanted && t.ended().is_none())
    }

    /// Lines of a day as they lie in the bucket now; `None` when nobody can read it here.
    pub async fn lines(
        &self,
        owner: &OwnerAlias,
        day: Day,
        asked: Asked,
    ) -> Option<Result<Lines, String>> {
        let read = self.read_lines.as_ref()?;
        Some(read(owner.clone(), day, asked).await)
    }

    /// What is not shipped yet of a window of a day.
    pub async fn fresh(
        &self,
        owner: &OwnerAlias,
        day: Day,
        kind: LogKind,
        window: (i64, i64),
    ) -> Option<Fresh> {
        let read = self.read_fresh.as_ref()?;
        read(owner.clone(), day, kind, window).await
    }

    /// What stands on both sides of a line; nothing where nobody can be asked.
    pub async fn beside(&self, owner: &OwnerAlias, line: &Kept) -> Result<Beside, String> {
        match &self.read_beside {
            Some(read) => read(owner.clone(), line.clone()).await,
            None => Ok(Beside::default()),
        }
    }
}

impl std::fmt::Debug for Rounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rounds")
            .field("tasks", &self.tasks)
            .finish_non_exhaustive()
    }
}
