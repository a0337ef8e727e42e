//! What the timer makes up for when the newest night is done: late objects of finished days, and nights that were missed.
//!
//! In: an owner's stores and rounds, the days. Out: started rounds. Always true: finished days are looked at again once a night, however
//! often the program starts; missed nights are run one after the other, the newest first, and tried once. Reads no clock.

use crate::{
    mcp::{Rounds, Stores},
    model::{
        Day, OwnerAlias,
        report::{Stage, Verdict},
    },
    round::{
        schedule,
        tasks::{Ended, Task, TaskKey, Urgency},
    },
};

/// Days that are looked at again, and who does it.
#[derive(Debug)]
pub(super) struct Look {
    days: Vec<Day>,
    tasks: Vec<Task>,
    /// Noted where the next start of the program finds it.
    noted: bool,
}

/// Where it is noted which days were looked at again.
const ROOM: &str = "nightly";
const LOOKED: &str = "looked";

/// Lists finished days once more for what came late, unless that was done; notes it when it is.
pub(super) async fn look_again(
    looking: &mut Option<Look>,
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
    if let Some(look) = looking.as_mut().filter(|look| look.days == days) {
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
    *looking = Some(Look { days, tasks, noted });
}

/// Nights that were missed, one after the other.
#[derive(Debug, Default)]
pub(super) struct CatchingUp {
    running: Option<Task>,
    /// Once each: of a night without logs nothing comes by trying.
    tried: Vec<Day>,
    /// Nothing is missing before this day.
    settled: Option<Day>,
}

impl CatchingUp {
    pub(super) async fn go_on(
        &mut self,
        stores: &Stores,
        rounds: &Rounds,
        owner: &OwnerAlias,
        newest: Day,
    ) {
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
        if report.stage >= Stage::Complete && report.verdict != Verdict::Unknown {
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
    use std::sync::{Arc, Mutex};

    use futures::FutureExt as _;

    use tokio_util::sync::CancellationToken;

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
            let (stores, mut looking) = (Stores::new(folder.path()), None);
            look_again(&mut looking, &stores, &rounds, &owner, days.clone()).await;
            for task in &looking.as_ref().expect("a look").tasks {
                task.wait().await;
            }
            assert_eq!(ran.lock().expect("log").len(), 2, "start {start}");
            // The next look of the timer finds them done, and notes it.
            look_again(&mut looking, &stores, &rounds, &owner, days.clone()).await;
            assert!(looking.as_ref().expect("a look").noted);
        }
        let (stores, mut looking) = (Stores::new(folder.path()), None);
        let next = vec![day("2026-11-22"), day("2026-11-21")];
        look_again(&mut looking, &stores, &rounds, &owner, next).await;
        assert_eq!(
            looking.as_ref().expect("a look").tasks.len(),
            2,
            "another night"
        );
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
