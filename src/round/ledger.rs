//! Rounds as rows in the owner's database: what was begun and not ended, and what failed and why.
//!
//! In: the beginning and the end of rounds. Out: after a restart, what is to be taken up again; in the morning, why there is no report.
//! Always true: a round that must not be lost is a row before it begins; one that took the program down with it several times is not
//! begun a fourth time by itself. Runs nothing.

use serde::{Deserialize, Serialize};

use super::turns::Urgency;
use crate::{
    model::Day,
    store::{Error, Store, TaskRow, TaskState},
};

const KIND: &str = "round";
/// A round that was cut off so often is likely what cut it off.
const MOST_TRIES: u32 = 3;

#[derive(Debug, Serialize, Deserialize)]
struct Arguments {
    day: Day,
    /// Somebody waited for it.
    waiting: bool,
    tries: u32,
}

/// How a round ended, for the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    Done,
    /// A sentence for the owner.
    Failed(&'a str),
}

fn id(day: Day) -> String {
    format!("{KIND} {day}")
}

/// Notes that the round of a day begins.
pub async fn begin(store: &Store, day: Day, urgency: Urgency, now_ms: i64) -> Result<(), Error> {
    let before = store.task(id(day)).await?;
    let tries = before
        .as_ref()
        .filter(|row| row.state == TaskState::Running)
        .map_or(0, |row| arguments(row).map_or(0, |a| a.tries));
    let arguments = Arguments {
        day,
        waiting: urgency == Urgency::Waiting,
        tries: tries + 1,
    };
    let row = TaskRow {
        id: id(day),
        kind: KIND.to_owned(),
        arguments: serde_json::json!(arguments),
        state: TaskState::Running,
        // Why it failed the last time is told until it has ended otherwise.
        progress: before.map_or(serde_json::Value::Null, |row| row.progress),
        made_ms: now_ms,
        changed_ms: now_ms,
    };
    store.put_task(row).await
}

/// Notes how the round of a day ended. One that was stopped has no end.
pub async fn end(store: &Store, day: Day, outcome: Outcome<'_>, now_ms: i64) -> Result<(), Error> {
    let Some(mut row) = store.task(id(day)).await? else {
        return Ok(());
    };
    (row.state, row.progress) = match outcome {
        Outcome::Done => (TaskState::Done, serde_json::Value::Null),
        Outcome::Failed(why) => (TaskState::Failed, serde_json::json!({ "why": why })),
    };
    row.changed_ms = now_ms;
    store.put_task(row).await
}

/// Rounds that were begun and neither ended nor gave up, oldest first.
pub async fn unfinished(store: &Store) -> Result<Vec<(Day, Urgency)>, Error> {
    let rows = store.open_tasks().await?;
    let rounds = rows.iter().filter(|row| row.kind == KIND);
    let again = rounds
        .filter_map(arguments)
        .filter(|a| a.tries < MOST_TRIES);
    Ok(again
        .map(|a| {
            let urgency = if a.waiting {
                Urgency::Waiting
            } else {
                Urgency::Nightly
            };
            (a.day, urgency)
        })
        .collect())
}

/// Why the last round of a day that came to an end failed, if it did.
pub async fn failure(store: &Store, day: Day) -> Result<Option<String>, Error> {
    let row = store.task(id(day)).await?;
    let why = row.and_then(|row| row.progress.get("why")?.as_str().map(str::to_owned));
    Ok(why)
}

/// When the last round of a day ended well, if that was its end.
pub async fn done_ms(store: &Store, day: Day) -> Result<Option<i64>, Error> {
    let row = store.task(id(day)).await?;
    Ok(row
        .filter(|row| row.state == TaskState::Done)
        .map(|row| row.changed_ms))
}

fn arguments(row: &TaskRow) -> Option<Arguments> {
    serde_json::from_value(row.arguments.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &tempfile::TempDir) -> Store {
        Store::open(dir.path(), &"a".parse().expect("alias")).expect("store")
    }

    #[tokio::test]
    async fn what_was_cut_off_is_taken_up_again_but_not_for_ever() {
        let dir = tempfile::tempdir().expect("dir");
        let day: Day = "2026-11-21".parse().expect("day");
        for _ in 0..2 {
            let store = open(&dir);
            begin(&store, day, Urgency::Waiting, 1)
                .await
                .expect("begin");
            drop(store);
            let again = unfinished(&open(&dir)).await.expect("rows");
            assert_eq!(again, [(day, Urgency::Waiting)]);
        }
        let store = open(&dir);
        begin(&store, day, Urgency::Nightly, 2)
            .await
            .expect("begin");
        assert!(unfinished(&store).await.expect("rows").is_empty());
        end(&store, day, Outcome::Done, 3).await.expect("end");
        begin(&store, day, Urgency::Nightly, 4)
            .await
            .expect("begin");
        let again = unfinished(&store).await.expect("rows");
        assert_eq!(again, [(day, Urgency::Nightly)]);
    }

    #[tokio::test]
    async fn a_failure_is_known_until_the_day_is_done() {
        let dir = tempfile::tempdir().expect("dir");
        let (store, day) = (open(&dir), "2026-11-21".parse().expect("day"));
        let failed = async || failure(&store, day).await.expect("row");
        assert_eq!(failed().await, None);
        begin(&store, day, Urgency::Nightly, 1)
            .await
            .expect("begin");
        end(&store, day, Outcome::Failed("no key"), 2)
            .await
            .expect("end");
        assert_eq!(failed().await.as_deref(), Some("no key"));
        assert!(unfinished(&store).await.expect("rows").is_empty());
        begin(&store, day, Urgency::Waiting, 3)
            .await
            .expect("begin");
        assert_eq!(failed().await.as_deref(), Some("no key"), "tried again");
        end(&store, day, Outcome::Done, 4).await.expect("end");
        assert_eq!(failed().await, None);
    }
}
