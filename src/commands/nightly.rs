//! The timer of `serve`: starts the round of every owner when its night is over, and whatever night was missed.
//!
//! In: owners, the clock. Out: started rounds. Always true: one owner's failure delays nobody else; a failed round is tried again with
//! growing pauses until it works or the next day is due; a finished day is looked at again for objects that came late; what a day
//! left on disk goes when it is older than `GENGFU_RETENTION_DAYS`. Decides nothing: [`schedule`] does.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::civil::Time;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    http::Ready,
    mcp::{Rounds, Stores},
    model::{
        Day, OwnerAlias,
        report::{Stage, Verdict},
    },
    round::{
        schedule::{self, Due},
        tasks::{Ended, Task, TaskKey, Urgency},
    },
};

/// The timer looks this often: a minute late at one in the morning disturbs nobody, and a changed clock or owner is noticed.
const LOOK: Duration = Duration::from_secs(30);
/// First pause after a failure; doubles up to an hour.
const FIRST_PAUSE_MS: i64 = 60_000;
const LONGEST_PAUSE_MS: i64 = 3_600_000;

/// Failures of an owner's day, and when to try again.
#[derive(Debug)]
struct Trouble {
    day: Day,
    pause_ms: i64,
    again_ms: i64,
}

pub(super) async fn every_night(
    app: App,
    stores: Arc<Stores>,
    rounds: Rounds,
    ready: Ready,
    stop: CancellationToken,
) {
    let mut running: HashMap<OwnerAlias, Task> = HashMap::new();
    let mut troubles: HashMap<OwnerAlias, Trouble> = HashMap::new();
    let mut tidied: HashMap<OwnerAlias, Day> = HashMap::new();
    let mut looked: HashMap<OwnerAlias, Vec<Day>> = HashMap::new();
    let spill_ms = i64::from(app.config.logs.spill_hours) * 3_600_000;
    while !stop.is_cancelled() {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let today = Day::of(now_ms, app.config.zone());
        for owner in owners(&app, &ready) {
            if tidied.insert(owner.clone(), today) != Some(today) {
                retire_old_days(&stores, &owner, today, app.config.running.retention_days).await;
            }
            let done = newest_done(&stores, &owner).await;
            if let Some(task) = running.get(&owner) {
                match task.ended() {
                    None => continue,
                    Some(Ended::Done) if done.is_some_and(|d| d >= task.key.day) => {
                        troubles.remove(&owner);
                    }
                    // Failed, or nothing was there: logs may come late, and a wrong prefix is mended in the morning.
                    Some(_) => note(&mut troubles, &owner, task.key.day, now_ms),
                }
                running.remove(&owner);
            }
            let run_at = run_at(&app, &owner);
            let Due::Now(day) = schedule::due(now_ms, run_at, app.config.zone(), done) else {
                let again = schedule::second_look(now_ms, app.config.zone(), spill_ms, done);
                if looked.insert(owner.clone(), again.clone()) != Some(again.clone()) {
                    for day in again {
                        rounds.start_as(TaskKey::round(owner.clone(), day), Urgency::Nightly);
                    }
                }
                continue;
            };
            if troubles
                .get(&owner)
                .is_some_and(|t| t.day == day && now_ms < t.again_ms)
            {
                continue;
            }
            let key = TaskKey::round(owner.clone(), day);
            let (task, _) = rounds.start_as(key, Urgency::Nightly);
            running.insert(owner, task);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Everybody; a registry that cannot be read is told where machines ask, and is looked at again.
fn owners(app: &App, ready: &Ready) -> Vec<OwnerAlias> {
    match app.owners.all() {
        Ok(owners) => {
            ready.solved("owners");
            owners
        }
        Err(error) => {
            let sentence = error.sentence(app.lang());
            if ready.problem("owners", sentence) {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot read the owners; no round runs"
                );
            }
            Vec::new()
        }
    }
}

/// The owner's own hour, else everybody's.
fn run_at(app: &App, owner: &OwnerAlias) -> Time {
    let roll = app.owners.roll().unwrap_or_default();
    let own = roll.owners.get(owner).and_then(|o| o.run_at);
    own.unwrap_or(app.config.running.run_at)
}

fn note(troubles: &mut HashMap<OwnerAlias, Trouble>, owner: &OwnerAlias, day: Day, now_ms: i64) {
    let pause_ms = match troubles.get(owner) {
        Some(t) if t.day == day => (t.pause_ms * 2).min(LONGEST_PAUSE_MS),
        _ => FIRST_PAUSE_MS,
    };
    troubles.insert(
        owner.clone(),
        Trouble {
            day,
            pause_ms,
            again_ms: now_ms + pause_ms,
        },
    );
}

/// Removes the lines and digests of days that are older than what is kept; their reports and manifests stay.
async fn retire_old_days(stores: &Stores, owner: &OwnerAlias, today: Day, keep_days: u32) {
    let retiring = async {
        let store = stores.of(owner).await?;
        for day in schedule::expired(store.stored_days()?, today, keep_days) {
            store.retire_day(day).await?;
            tracing::info!(%owner, %day, "removed the lines of an old day");
        }
        Ok::<(), crate::store::Error>(())
    };
    if let Err(error) = retiring.await {
        tracing::warn!(%owner, error = &error as &dyn std::error::Error, "could not remove old days");
    }
}

/// The newest day with a report of the whole day; one of which nothing could be read is still owed.
async fn newest_done(stores: &Stores, owner: &OwnerAlias) -> Option<Day> {
    let store = stores.of(owner).await.ok()?;
    for day in store.days().await.ok()? {
        let report = store.report(day).await.ok()??;
        if report.stage == Stage::Complete && report.verdict != Verdict::Unknown {
            return Some(day);
        }
    }
    None
}
