//! The timer of `serve`: starts the round of every owner when its night is over, and whatever night was missed.
//!
//! In: owners, the clock. Out: started rounds. Always true: one owner's failure delays nobody else; a failed round is tried again with
//! growing pauses until it works or the next day is due; nights that were missed are caught up with when the newest is done; a finished
//! day is looked at again for objects that came late, once a night however often the program starts; what a day left on disk goes when it is older than `GENGFU_RETENTION_DAYS`. Decides nothing: [`schedule`] does.

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
    let mut looking: HashMap<OwnerAlias, Look> = HashMap::new();
    let mut catching_up: HashMap<OwnerAlias, CatchingUp> = HashMap::new();
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
                look_again(&mut looking, &stores, &rounds, &owner, again).await;
                if let Some(newest) = done {
                    let catching_up = catching_up.entry(owner.clone()).or_default();
                    catching_up.go_on(&stores, &rounds, &owner, newest).await;
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

/// Days that are looked at again, and who does it.
#[derive(Debug)]
struct Look {
    days: Vec<Day>,
    tasks: Vec<Task>,
    /// Noted where the next start of the program finds it.
    noted: bool,
}

/// Where it is noted which days were looked at again.
const ROOM: &str = "nightly";
const LOOKED: &str = "looked";

/// Lists finished days once more for what came late, unless that was done; notes it when it is.
async fn look_again(
    looking: &mut HashMap<OwnerAlias, Look>,
    stores: &Stores,
    rounds: &Rounds,
    owner: &OwnerAlias,
    days: Vec<Day>,
) {
    let Ok(store) = stores.of(owner).await else {
        return;
    };
    if days.is_empty() {
        return;
    }
    if let Some(look) = looking.get_mut(owner).filter(|look| look.days == days) {
        let all_done = look.tasks.iter().all(|t| t.ended() == Some(Ended::Done));
        if all_done && !look.noted && store.is_writer() {
            look.noted = store
                .put_fact(ROOM, LOOKED.to_owned(), &look.days)
                .await
                .is_ok();
        }
        return;
    }
    let before = store.fact::<Vec<Day>>(ROOM, LOOKED.to_owned()).await;
    let noted = before.ok().flatten().is_some_and(|looked| looked == days);
    let start = |day: &Day| {
        let key = TaskKey::round(owner.clone(), *day);
        rounds.start_as(key, Urgency::Nightly).0
    };
    let tasks = if noted {
        Vec::new()
    } else {
        days.iter().map(start).collect()
    };
    looking.insert(owner.clone(), Look { days, tasks, noted });
}

/// The newest day with a report of the whole day; one of which nothing could be read is still owed.
async fn newest_done(stores: &Stores, owner: &OwnerAlias) -> Option<Day> {
    done(stores, owner, 1).await.first().copied()
}

/// Nights that were missed, one after the other.
#[derive(Debug, Default)]
struct CatchingUp {
    running: Option<Task>,
    /// Once each: of a night without logs nothing comes by trying.
    tried: Vec<Day>,
    /// Nothing is missing before this day.
    settled: Option<Day>,
}

impl CatchingUp {
    async fn go_on(&mut self, stores: &Stores, rounds: &Rounds, owner: &OwnerAlias, newest: Day) {
        let is_running = self.running.as_ref().is_some_and(|t| t.ended().is_none());
        if is_running || self.settled == Some(newest) {
            return;
        }
        let mut days = done(stores, owner, LOOKED_THROUGH).await;
        days.extend(&self.tried);
        match schedule::missed(newest, &days) {
            Some(day) => {
                tracing::info!(%owner, %day, "catching up with a night that was missed");
                self.tried.push(day);
                let key = TaskKey::round(owner.clone(), day);
                self.running = Some(rounds.start_as(key, Urgency::Nightly).0);
            }
            None => self.settled = Some(newest),
        }
    }
}

/// At most `most` days with a report of the whole day, newest first.
async fn done(stores: &Stores, owner: &OwnerAlias, most: usize) -> Vec<Day> {
    let Ok(store) = stores.of(owner).await else {
        return Vec::new();
    };
    let mut done = Vec::new();
    for day in store.days().await.unwrap_or_default() {
        let Ok(Some(report)) = store.report(day).await else {
            continue;
        };
        if report.stage == Stage::Complete && report.verdict != Verdict::Unknown {
            done.push(day);
        }
        if done.len() >= most {
            break;
        }
    }
    done
}

/// More days back nothing is owed.
const LOOKED_THROUGH: usize = 10;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::FutureExt as _;

    use super::*;
    use crate::{
        model::{report::Report, sample},
        round::tasks::Tasks,
    };

    /// Rounds that only note which day they are of.
    fn rounds() -> (Rounds, Arc<Mutex<Vec<String>>>) {
        let ran = Arc::new(Mutex::new(Vec::new()));
        let log = ran.clone();
        let run = move |key: TaskKey, _| {
            log.lock().expect("log").push(key.day.to_string());
            async { Ok(()) }.boxed()
        };
        let tasks = Tasks::new(CancellationToken::new());
        (Rounds::new(tasks, Arc::new(run)), ran)
    }

    fn day(text: &str) -> Day {
        text.parse().expect("day")
    }

    #[tokio::test]
    async fn late_objects_are_looked_for_once_a_night_however_often_the_program_starts() {
        let folder = tempfile::tempdir().expect("folder");
        let owner: OwnerAlias = "a".parse().expect("alias");
        let (rounds, ran) = rounds();
        let days = vec![day("2026-11-21"), day("2026-11-20")];
        for start in 0..3 {
            let (stores, mut looking) = (Stores::new(folder.path()), HashMap::new());
            look_again(&mut looking, &stores, &rounds, &owner, days.clone()).await;
            for task in &looking[&owner].tasks {
                task.wait().await;
            }
            assert_eq!(ran.lock().expect("log").len(), 2, "start {start}");
            // The next look of the timer finds them done, and notes it.
            look_again(&mut looking, &stores, &rounds, &owner, days.clone()).await;
            assert!(looking[&owner].noted);
        }
        let (stores, mut looking) = (Stores::new(folder.path()), HashMap::new());
        let next = vec![day("2026-11-22"), day("2026-11-21")];
        look_again(&mut looking, &stores, &rounds, &owner, next).await;
        assert_eq!(looking[&owner].tasks.len(), 2, "another night");
    }

    #[tokio::test]
    async fn missed_nights_are_run_one_after_the_other_and_tried_once() {
        let folder = tempfile::tempdir().expect("folder");
        let owner: OwnerAlias = "a".parse().expect("alias");
        let stores = Stores::new(folder.path());
        let store = stores.of(&owner).await.expect("store");
        for date in ["2026-11-17", "2026-11-19", "2026-11-21"] {
            let report = Report {
                date: day(date),
                stage: Stage::Complete,
                ..sample::report()
            };
            store.put_revision(report).await.expect("stored");
        }
        let (rounds, ran) = rounds();
        let mut catching_up = CatchingUp::default();
        for _ in 0..4 {
            catching_up
                .go_on(&stores, &rounds, &owner, day("2026-11-21"))
                .await;
            if let Some(task) = &catching_up.running {
                task.wait().await;
            }
        }
        assert_eq!(*ran.lock().expect("log"), ["2026-11-20", "2026-11-18"]);
        assert_eq!(catching_up.settled, Some(day("2026-11-21")));
    }
}
