//! What the rounds of `serve` do: an owner's data and bucket are opened, the work is carried out, and its beginning and end are noted.
//!
//! In: a key of the round room. Out: the work, for whoever starts it. Always true: a round is noted before anything of it may fail, so
//! that a restart takes it up again and the morning can say why there is no report; what failed is told to its owner alone; progress and
//! revisions are announced as they come, at most once a second.

use std::{convert::Infallible, sync::Arc, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};

use super::measures;
use crate::{
    app::App,
    mcp::{Change, Changes, Clock, ReadBeside, ReadFresh, ReadLines, Rounds, RunRound, Stores},
    model::LogKind,
    round::{
        around::{ReadAround, Seen},
        ledger::{self, Outcome},
        live::Scope,
        progress::Progress,
        pull::Want,
        tasks::{Ended, TaskKey, Tasks, Urgency, Work},
    },
    store::Store,
};

/// Subscribers hear of a running task this often.
const SPEAKS_EVERY: Duration = Duration::from_secs(1);

/// What a task does, for whoever starts one.
pub(super) fn runner(app: App, stores: Arc<Stores>, changes: Changes) -> Arc<RunRound> {
    Arc::new(move |key, work| one(app.clone(), stores.clone(), changes.clone(), key, work).boxed())
}

/// The rounds of a server, and how lines are read.
pub(super) fn wired(app: &App, stores: &Arc<Stores>, changes: &Changes, tasks: Tasks) -> Rounds {
    let run = runner(app.clone(), stores.clone(), changes.clone());
    let rounds = Rounds::new(tasks, run)
        .with_lines(line_reader(app.clone(), stores.clone()))
        .with_fresh(fresh_reader(app.clone(), stores.clone()))
        .with_beside(beside_reader(app.clone(), stores.clone()));
    let around = around_reader(app.clone(), stores.clone(), rounds.clone(), changes.clone());
    rounds.with_around(around)
}

async fn one(
    app: App,
    stores: Arc<Stores>,
    changes: Changes,
    key: TaskKey,
    work: Work,
) -> Result<(), String> {
    let lang = app.lang();
    let store = stores.of(&key.owner).await.map_err(|e| e.sentence(lang))?;
    let is_round = key.want == Want::Day && store.is_writer();
    if is_round {
        let noted = ledger::begin(&store, key.day, work.urgency(), Clock::System.now_ms());
        noted.await.map_err(|e| e.sentence(lang))?;
    }
    let outcome = tokio::select! {
        outcome = carried_out(&app, store.clone(), &key, &work) => outcome,
        never = announce(&work.progress, &key, &changes) => match never {},
    };
    measures::task_ended(&store, &key, &work.progress, outcome.is_ok()).await;
    changes.announce(Change::Tasks(key.owner.clone()));
    if is_round && !(outcome.is_err() && work.cancelled.is_cancelled()) {
        note_end(&store, &key, outcome.as_ref()).await;
    }
    if work.urgency() == Urgency::Nightly && store.is_writer() {
        // What is not given back is merely kept.
        let _ = store.rest().await;
    }
    outcome?;
    match key.want {
        // Lines alone change no report.
        Want::Kind { .. } | Want::Around { .. } => {}
        Want::Still => changes.announce(Change::Report(key.owner, key.day.plus(-1))),
        Want::Day | Want::Cause { .. } => changes.announce(Change::Report(key.owner, key.day)),
    }
    Ok(())
}

/// Tells subscribers how far a round is; ends with the round.
async fn announce(progress: &Progress, key: &TaskKey, changes: &Changes) -> Infallible {
    let mut watch = progress.watch();
    let mut told: Option<u32> = None;
    loop {
        let newest = watch.borrow_and_update().revision.map(|r| r.0);
        if let Some(number) = newest.filter(|_| newest != told) {
            let (owner, day) = (key.owner.clone(), key.day);
            // The first revision makes the day appear in lists.
            changes.announce(if number == 1 {
                Change::NewDay(owner, day)
            } else {
                Change::Report(owner, day)
            });
            told = newest;
        }
        changes.announce(Change::Tasks(key.owner.clone()));
        tokio::time::sleep(SPEAKS_EVERY).await;
        // It cannot close while its sending end is borrowed here.
        let _ = watch.changed().await;
    }
}

async fn carried_out(app: &App, store: Store, key: &TaskKey, work: &Work) -> Result<(), String> {
    let lang = app.lang();
    let round = app.round(&key.owner, store).await.map_err(|error| {
        tracing::warn!(owner = %key.owner, error = &error as &dyn std::error::Error, "cannot reach an owner's logs");
        error.sentence(lang)
    })?;
    round.carry_out(key, work).await.map_err(|error| {
        tracing::warn!(owner = %key.owner, day = %key.day, error = &error as &dyn std::error::Error, "a round failed");
        error.sentence(lang)
    })
}

async fn note_end(store: &Store, key: &TaskKey, outcome: Result<&(), &String>) {
    let outcome = match outcome {
        Ok(()) => Outcome::Done,
        Err(why) => Outcome::Failed(why),
    };
    let now_ms = Clock::System.now_ms();
    if let Err(error) = ledger::end(store, key.day, outcome, now_ms).await {
        // Then it is taken up again at the next start, which does no harm.
        tracing::warn!(owner = %key.owner, error = &error as &dyn std::error::Error, "could not note the end of a round");
    }
}

/// Begins again what the last stop or crash cut off.
pub(super) async fn take_up_again(app: &App, stores: &Stores, rounds: &Rounds) {
    // A registry that cannot be read is told by the timer.
    for owner in app.owners.all().unwrap_or_default() {
        let found = async {
            let store = stores.of(&owner).await?;
            if !store.is_writer() {
                return Ok(Vec::new());
            }
            ledger::unfinished(&store).await
        };
        match found.await {
            Ok(unfinished) => {
                for (day, urgency) in unfinished {
                    tracing::info!(%owner, %day, "taking up a round again");
                    rounds.start_as(TaskKey::round(owner.clone(), day), urgency);
                }
            }
            Err(error) => {
                tracing::warn!(%owner, error = &error as &dyn std::error::Error, "could not look for unfinished rounds");
            }
        }
    }
}

/// How lines are read again from an owner's bucket.
fn line_reader(app: App, stores: Arc<Stores>) -> Arc<ReadLines> {
    Arc::new(move |owner, day, asked| {
        let (app, stores) = (app.clone(), stores.clone());
        let reading = async move {
            let lang = app.lang();
            let store = stores.of(&owner).await.map_err(|e| e.sentence(lang))?;
            let round = app
                .round(&owner, store)
                .await
                .map_err(|e| e.sentence(lang))?;
            let lines = round.lines(day, &asked).await;
            lines.map_err(|error| error.sentence(lang))
        };
        let boxed: BoxFuture<'static, _> = reading.boxed();
        boxed
    })
}

/// How what is not shipped yet is asked for. Of the audit log only what may have changed something: its question is who changed what.
fn fresh_reader(app: App, stores: Arc<Stores>) -> Arc<ReadFresh> {
    Arc::new(move |owner, day, kind, (from_ms, to_ms)| {
        let (app, stores) = (app.clone(), stores.clone());
        async move {
            let store = stores.of(&owner).await.ok()?;
            // Why there is no round was said when the bucket was asked.
            let round = app.round(&owner, store).await.ok()?;
            let scope = match kind {
                LogKind::Audit => Scope::Writes,
                LogKind::Business | LogKind::Event => Scope::Whole,
            };
            round.fresh(day, kind, from_ms, to_ms, scope).await
        }
        .boxed()
    })
}

/// How what stands around a line is read.
fn beside_reader(app: App, stores: Arc<Stores>) -> Arc<ReadBeside> {
    Arc::new(move |owner, line| {
        let (app, stores) = (app.clone(), stores.clone());
        async move {
            let lang = app.lang();
            let store = stores.of(&owner).await.map_err(|e| e.sentence(lang))?;
            let round = app.round(&owner, store).await;
            round.map_err(|e| e.sentence(lang))?.beside(&line).await
        }
        .boxed()
    })
}

/// The bucket is waited for this long; what CLS has not shipped yet says more about an alarm of now.
const BUCKET_WAIT: Duration = Duration::from_secs(25);

/// How the logs around an alarm are read: of the bucket by a task, which goes on when nobody waits any more; of CLS at once.
fn around_reader(
    app: App,
    stores: Arc<Stores>,
    rounds: Rounds,
    changes: Changes,
) -> Arc<ReadAround> {
    Arc::new(move |owner, window| {
        let (app, stores) = (app.clone(), stores.clone());
        let (rounds, changes) = (rounds.clone(), changes.clone());
        async move {
            let lang = app.lang();
            let store = stores.of(&owner).await.map_err(|e| e.sentence(lang))?;
            let pulling = async {
                if !store.is_writer() {
                    return None;
                }
                let mut failed = None;
                for day in window.days(app.config.zone()) {
                    let want = Want::Around {
                        from_ms: window.from_ms,
                        to_ms: window.to_ms,
                    };
                    if let Ended::Failed(why) = rounds.pull(&owner, day, want).wait().await {
                        failed = Some(why);
                    }
                }
                failed
            };
            let pulled = tokio::time::timeout(BUCKET_WAIT, pulling).await;
            let failed = pulled.unwrap_or_else(|_| {
                let slow = ("桶里的日志还在读", "the bucket is still being read");
                Some(lang.pick(slow.0, slow.1).to_owned())
            });
            let round = app.round(&owner, store).await;
            let round = round.map_err(|e| e.sentence(lang))?;
            let seen = round.around(&window).await;
            let seen = seen.map_err(|e| e.sentence(lang))?;
            for report in seen.reports.iter().filter(|r| !r.tells_the_day()) {
                changes.announce(Change::Report(owner.clone(), report.date));
            }
            Ok(Seen { failed, ..seen })
        }
        .boxed()
    })
}
