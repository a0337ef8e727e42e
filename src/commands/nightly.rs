//! The timer of `serve`: starts the round of every owner when its night is over, whatever nights were missed, and in the morning looks
//! whether yesterday's problems are still there.
//!
//! In: owners, the clock. Out: started rounds. Always true: one owner's failure delays nobody else; a failed round is tried again with
//! growing pauses until half past nine; a finished day is looked at again for objects that came late; what a day left on disk goes when
//! it is older than `GENGFU_RETENTION_DAYS` or more than `GENGFU_RETENTION_MB`; a night that failed is shown until it is made up for. Decides nothing: [`schedule`] does.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use jiff::{civil::Time, tz::TimeZone};
use tokio_util::sync::CancellationToken;

use super::{
    catch_up::{CatchingUp, Look, look_again},
    measures,
};
use crate::{
    app::App,
    http::{FailedNight, Ready},
    mcp::{Clock, Rounds, Stores},
    model::{Day, Lang, OwnerAlias, report::Verdict},
    round::{
        ledger,
        pull::Want,
        schedule::{self, Due},
        tasks::{Ended, Task, TaskKey, Urgency},
    },
    store::{self, Store},
};

/// The timer looks this often: a minute late at one in the morning disturbs nobody, and a changed clock or owner is noticed.
const LOOK: Duration = Duration::from_secs(30);
/// Days whose reports are looked for: beyond them nothing is owed.
const LOOKED_BACK: i32 = 14;

/// What the timer needs.
pub(super) struct Watchman {
    pub(super) app: App,
    pub(super) stores: Arc<Stores>,
    pub(super) rounds: Rounds,
    pub(super) ready: Ready,
}

/// What the timer remembers of an owner.
#[derive(Debug, Default)]
struct Nights {
    running: Option<Task>,
    trouble: Option<Trouble>,
    tidied: Option<Day>,
    looking: Option<Look>,
    catching_up: CatchingUp,
    checked_ms: Option<i64>,
    /// The newest day that tells anything.
    newest: Option<Day>,
    /// Of reports that were read, whether they tell anything.
    read: HashMap<(Day, u32), bool>,
}

/// Failures of an owner's day, and when to try again.
#[derive(Debug)]
struct Trouble {
    day: Day,
    failures: u32,
    first_ms: i64,
    last_ms: i64,
    again_ms: Option<i64>,
    /// For the owner.
    why: String,
}

impl Watchman {
    pub(super) async fn every_night(self, stop: CancellationToken) {
        let mut nights: HashMap<OwnerAlias, Nights> = HashMap::new();
        while !stop.is_cancelled() {
            self.look_after_all(&mut nights, Clock::System.now_ms())
                .await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn look_after_all(&self, nights: &mut HashMap<OwnerAlias, Nights>, now_ms: i64) {
        let mut failed = BTreeMap::new();
        for owner in self.owners() {
            let nights = nights.entry(owner.clone()).or_default();
            if let Err(error) = self.look(&owner, nights, now_ms).await {
                // Its calls say so too; the others' nights go on.
                tracing::warn!(%owner, error = &error as &dyn std::error::Error, "cannot look after an owner's nights");
            }
            let night = nights.trouble.as_ref().map(Trouble::told);
            failed.insert(owner, night);
        }
        self.ready.nights(failed);
    }

    /// Everybody; a registry that cannot be read is told where machines ask, and is looked at again.
    fn owners(&self) -> Vec<OwnerAlias> {
        match self.app.owners.all() {
            Ok(owners) => {
                self.ready.solved("owners");
                owners
            }
            Err(error) => {
                let sentence = error.sentence(self.app.lang());
                if self.ready.problem("owners", sentence) {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "cannot read the owners; no round runs"
                    );
                }
                Vec::new()
            }
        }
    }

    async fn look(
        &self,
        owner: &OwnerAlias,
        nights: &mut Nights,
        now_ms: i64,
    ) -> Result<(), store::Error> {
        let store = self.stores.of(owner).await?;
        let today = Day::of(now_ms, self.zone());
        if nights.tidied.replace(today) != Some(today) {
            self.retire_old_days(&store, today).await?;
        }
        let finished = finished(&store, today, &mut nights.read).await?;
        let newest = finished.first().copied();
        if let Some(day) = newest.filter(|_| nights.newest != newest) {
            // Also after a restart: whoever measures how old the last good round is must not wait for the next one.
            let done_ms = ledger::done_ms(&store, day).await?;
            measures::last_success(owner, done_ms);
            nights.newest = newest;
        }
        if let Some(task) = nights.running.take() {
            match task.ended() {
                None => {
                    nights.running = Some(task);
                    return Ok(());
                }
                Some(Ended::Done) if finished.contains(&task.key.day) => {}
                // Failed, or nothing was there: logs may come late, and a wrong prefix is mended in the morning.
                Some(ended) => {
                    let why = said(ended, self.app.lang());
                    nights.note_failure(task.key.day, why, now_ms, self.zone());
                }
            }
        }
        // Whoever made up for it.
        nights
            .trouble
            .take_if(|t| newest.is_some_and(|n| n >= t.day));
        let due = schedule::due(now_ms, self.run_at(owner), self.zone(), newest);
        if let Due::Now(day) = due {
            let waits = nights.trouble.as_ref().filter(|t| t.day == day);
            if waits.is_none_or(|t| t.again_ms.is_some_and(|at| now_ms >= at)) {
                nights.running = Some(self.start(owner, day));
            }
            return Ok(());
        }
        let spill_ms = i64::from(self.app.config.logs.spill_hours) * 3_600_000;
        let again = schedule::second_look(now_ms, self.zone(), spill_ms, newest);
        look_again(
            &mut nights.looking,
            &self.stores,
            &self.rounds,
            owner,
            again,
        )
        .await;
        if let Some(newest) = newest {
            let catching_up = &mut nights.catching_up;
            catching_up
                .go_on(&self.stores, &self.rounds, owner, newest)
                .await;
        }
        if newest == Some(today.plus(-1))
            && schedule::time_to_look(now_ms, self.zone(), nights.checked_ms)
        {
            nights.checked_ms = Some(now_ms);
            let key = TaskKey {
                want: Want::Still,
                ..TaskKey::round(owner.clone(), today)
            };
            self.rounds.start_as(key, Urgency::Nightly);
        }
        Ok(())
    }

    fn start(&self, owner: &OwnerAlias, day: Day) -> Task {
        let key = TaskKey::round(owner.clone(), day);
        self.rounds.start_as(key, Urgency::Nightly).0
    }

    fn zone(&self) -> &TimeZone {
        self.app.config.zone()
    }

    /// The owner's own hour, else everybody's.
    fn run_at(&self, owner: &OwnerAlias) -> Time {
        let roll = self.app.owners.roll().unwrap_or_default();
        let own = roll.owners.get(owner).and_then(|o| o.run_at);
        own.unwrap_or(self.app.config.running.run_at)
    }

    /// Removes the lines and digests of days that are too old or too much; their reports and manifests stay.
    async fn retire_old_days(&self, store: &Store, today: Day) -> Result<(), store::Error> {
        let running = &self.app.config.running;
        let stored = store.stored_days()?;
        let mut gone = schedule::expired(stored.clone(), today, running.retention_days);
        if let Some(limit) = running.retention_bytes {
            let kept = stored.into_iter().filter(|day| !gone.contains(day));
            let sizes = kept.map(|day| (day, store.day_bytes(day))).collect();
            gone.extend(schedule::surplus(sizes, limit));
        }
        for day in gone {
            store.retire_day(day).await?;
            tracing::info!(owner = %store.owner(), %day, "removed the lines of an old day");
        }
        Ok(())
    }
}

impl Nights {
    fn note_failure(&mut self, day: Day, why: String, now_ms: i64, zone: &TimeZone) {
        let before = self.trouble.take().filter(|t| t.day == day);
        let (failures, first_ms) = before.map_or((1, now_ms), |t| (t.failures + 1, t.first_ms));
        let again_ms = schedule::try_again(failures, first_ms, now_ms, zone);
        self.trouble = Some(Trouble {
            day,
            failures,
            first_ms,
            last_ms: now_ms,
            again_ms,
            why,
        });
    }
}

impl Trouble {
    fn told(&self) -> FailedNight {
        FailedNight {
            day: self.day,
            at_ms: self.last_ms,
            why: self.why.clone(),
            again_ms: self.again_ms,
        }
    }
}

/// Why there is no report, for the owner.
fn said(ended: Ended, lang: Lang) -> String {
    let (zh, en) = match ended {
        Ended::Failed(why) => return why,
        Ended::Done => ("这一天没有读到日志", "nothing could be read of this day"),
        Ended::Stopped => ("这一轮被停下了", "the round was stopped"),
    };
    lang.pick(zh, en).to_owned()
}

/// The days with a report of the whole day, newest first; one of which nothing could be read is still owed. A report is read once.
async fn finished(
    store: &Store,
    today: Day,
    read: &mut HashMap<(Day, u32), bool>,
) -> Result<Vec<Day>, store::Error> {
    let mut finished = Vec::new();
    for (day, revision) in store.complete_revisions(today.plus(-LOOKED_BACK)).await? {
        let known = read.get(&(day, revision)).copied();
        let tells = if let Some(tells) = known {
            tells
        } else {
            let report = store.revision(day, revision).await?;
            let tells = report.is_some_and(|r| r.verdict != Verdict::Unknown);
            read.insert((day, revision), tells);
            tells
        };
        if tells {
            finished.push(day);
        }
    }
    Ok(finished)
}

#[cfg(test)]
mod tests;
