//! What the user said about an incident, remembered by the incident's identity, listed, and reversible.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use super::{
    Error, Store,
    codec::{from_name, name},
};
use crate::model::Day;

/// What the user said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// 已处理: done with; comes back when it happens again.
    Handled,
    /// 正常不用再报: not worth telling until its rate or object changes.
    Normal,
    /// 说错了: the diagnosis was wrong.
    Wrong,
}

/// A mark to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMark {
    /// [`Incident::identity`](crate::model::report::Incident::identity).
    pub identity: String,
    pub verdict: Verdict,
    pub note: String,
    pub at_ms: i64,
    pub day: Day,
    /// `i1` in that day's report.
    pub incident: String,
    pub title: String,
    /// Occurrences an hour while it showed: what "its rate changed" is measured against.
    pub rate: f64,
    /// Occurrences in a day like the one it was marked on; `None` of a mark from before they were counted.
    pub a_day: Option<f64>,
}

/// A mark that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub id: i64,
    pub what: NewMark,
    pub undone_ms: Option<i64>,
}

impl Store {
    /// Remembers a mark; an earlier one of the same identity is undone by it. Returns its id.
    pub async fn mark_incident(&self, mark: NewMark) -> Result<i64, Error> {
        self.change(move |tx| {
            tx.prepare_cached("UPDATE marks SET undone_ms = ?2 WHERE identity = ?1 AND undone_ms IS NULL")?
                .execute(params![mark.identity, mark.at_ms])?;
            tx.prepare_cached(
                "INSERT INTO marks (identity, verdict, note, at_ms, day, incident, title, rate, a_day) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)",
            )?
            .execute(params![
                mark.identity,
                name(&mark.verdict)?,
                mark.note,
                mark.at_ms,
                mark.day.to_string(),
                mark.incident,
                mark.title,
                mark.rate,
                mark.a_day,
            ])?;
            Ok(tx.last_insert_rowid())
        })
        .await
    }

    /// Marks in force, newest first.
    pub async fn marks(&self) -> Result<Vec<Mark>, Error> {
        self.ask(|c| {
            let mut find = c.prepare_cached(
                "SELECT id, identity, verdict, note, at_ms, day, incident, title, rate, a_day, undone_ms FROM marks
                 WHERE undone_ms IS NULL ORDER BY at_ms DESC, id DESC",
            )?;
            let rows = find.query_map([], read)?;
            rows.map(|r| r?).collect()
        })
        .await
    }

    /// Takes a mark back; false when it is not in force.
    pub async fn undo_mark(&self, id: i64, at_ms: i64) -> Result<bool, Error> {
        self.change(move |tx| {
            let n = tx
                .prepare_cached(
                    "UPDATE marks SET undone_ms = ?2 WHERE id = ?1 AND undone_ms IS NULL",
                )?
                .execute(params![id, at_ms])?;
            Ok(n == 1)
        })
        .await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Result<Mark, Error>> {
    let (id, identity, verdict, note) = (
        row.get(0)?,
        row.get(1)?,
        row.get::<_, String>(2)?,
        row.get(3)?,
    );
    let (at_ms, day, incident) = (row.get(4)?, row.get::<_, String>(5)?, row.get(6)?);
    let (title, rate, a_day, undone_ms) = (row.get(7)?, row.get(8)?, row.get(9)?, row.get(10)?);
    Ok((|| {
        Ok(Mark {
            id,
            what: NewMark {
                identity,
                verdict: from_name(&verdict)?,
                note,
                at_ms,
                day: from_name(&day)?,
                incident,
                title,
                rate,
                a_day,
            },
            undone_ms,
        })
    })())
}
