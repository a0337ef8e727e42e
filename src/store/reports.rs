//! Report revisions: each diagnosis of a day, the newest of which is what is told.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    Error, Store,
    codec::{from_json, from_name, name, to_json},
    incidents,
};
use crate::model::{
    Day,
    report::{Report, Stage},
};

impl Store {
    /// Keeps a diagnosis and returns its revision number, which counts up from 1 within the day.
    ///
    /// A report that says the same as the newest of its stage is that revision, so a repeated round makes no new ones.
    pub async fn put_revision(&self, report: Report) -> Result<u32, Error> {
        self.change(move |tx| put(tx, report)).await
    }

    /// The newest revision of a day.
    pub async fn report(&self, day: Day) -> Result<Option<Report>, Error> {
        self.ask(move |c| newest(c, day)).await
    }

    /// The newest revision that rests on the day alone, without what was seen of its problems afterwards.
    pub async fn judged(&self, day: Day) -> Result<Option<Report>, Error> {
        self.ask(move |c| {
            read(
                c,
                "SELECT report FROM revisions WHERE day = ?1 AND stage <> 'checked' ORDER BY revision DESC LIMIT 1",
                [day.to_string()],
            )
        })
        .await
    }

    /// Keeps what was seen of a day's problems afterwards, unless the day was judged anew meanwhile: `None`, and nothing is kept.
    pub async fn put_checked(&self, report: Report) -> Result<Option<u32>, Error> {
        self.change(move |tx| {
            let newest = newest_number(tx, report.date)?;
            (newest == report.revision)
                .then(|| put(tx, report))
                .transpose()
        })
        .await
    }

    /// Of each day since `first`, the newest revision that was made of the whole day and the days before it; newest day first.
    pub async fn complete_revisions(&self, first: Day) -> Result<Vec<(Day, u32)>, Error> {
        self.ask(move |c| {
            let mut find = c.prepare_cached(
                "SELECT day, max(revision) FROM revisions WHERE day >= ?1 AND stage IN ('complete', 'checked') GROUP BY day ORDER BY day DESC",
            )?;
            let rows = find.query_map([first.to_string()], |r| {
                Ok((r.get::<_, String>(0)?, r.get(1)?))
            })?;
            rows.map(|row| {
                let (day, revision) = row?;
                Ok((from_name(&day)?, revision))
            })
            .collect()
        })
        .await
    }

    pub async fn revision(&self, day: Day, revision: u32) -> Result<Option<Report>, Error> {
        self.ask(move |c| {
            read(
                c,
                "SELECT report FROM revisions WHERE day = ?1 AND revision = ?2",
                params![day.to_string(), revision],
            )
        })
        .await
    }

    /// Number of the newest revision of a day; 0 when there is none.
    pub async fn newest_revision(&self, day: Day) -> Result<u32, Error> {
        self.ask(move |c| newest_number(c, day)).await
    }

    /// Days with a report, newest first.
    pub async fn days(&self) -> Result<Vec<Day>, Error> {
        self.ask(|c| {
            let mut find =
                c.prepare_cached("SELECT DISTINCT day FROM revisions ORDER BY day DESC")?;
            let rows = find.query_map([], |r| r.get::<_, String>(0))?;
            rows.map(|day| from_name(&day?)).collect()
        })
        .await
    }
}

fn put(tx: &Transaction<'_>, mut report: Report) -> Result<u32, Error> {
    let (day, stage) = (report.date.to_string(), name(&report.stage)?);
    let content = content_of(&report)?;
    let same_stage: Option<(u32, i64)> = tx
        .prepare_cached(
            "SELECT revision, content FROM revisions WHERE day = ?1 AND stage = ?2 ORDER BY revision DESC LIMIT 1",
        )?
        .query_row(params![day, stage], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let newest = newest_number(tx, report.date)?;
    // What was seen of a day's problems afterwards counts only behind what it was seen of.
    let again = |revision: u32| report.stage != Stage::Checked || revision == newest;
    report.revision = match same_stage {
        Some((revision, known)) if known == content && again(revision) => revision,
        _ => newest + 1,
    };
    tx.prepare_cached("INSERT OR REPLACE INTO revisions VALUES (?1,?2,?3,?4,?5)")?
        .execute(params![
            day,
            report.revision,
            stage,
            content,
            to_json(&report)?
        ])?;
    if report.revision >= newest {
        incidents::put(tx, report.date, &report.incidents)?;
    }
    Ok(report.revision)
}

/// Hash over what makes two reports the same: all but times taken, what the model did, when it was checked, and the number.
fn content_of(report: &Report) -> Result<i64, Error> {
    let mut value = serde_json::to_value(report).map_err(Error::encode)?;
    if let Value::Object(fields) = &mut value {
        for field in ["timings_ms", "llm", "revision", "files"] {
            fields.shift_remove(field);
        }
        if let Some(Value::Array(incidents)) = fields.get_mut("incidents") {
            for incident in incidents.iter_mut().filter_map(Value::as_object_mut) {
                incident.shift_remove("checked_at");
            }
        }
    }
    Ok(xxh3_64(to_json(&value)?.as_bytes()).cast_signed())
}

fn newest_number(c: &Connection, day: Day) -> Result<u32, Error> {
    let sql = "SELECT coalesce(max(revision), 0) FROM revisions WHERE day = ?1";
    Ok(c.prepare_cached(sql)?
        .query_row([day.to_string()], |r| r.get(0))?)
}

fn newest(c: &Connection, day: Day) -> Result<Option<Report>, Error> {
    read(
        c,
        "SELECT report FROM revisions WHERE day = ?1 ORDER BY revision DESC LIMIT 1",
        [day.to_string()],
    )
}

fn read(c: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Option<Report>, Error> {
    let text: Option<String> = c
        .prepare_cached(sql)?
        .query_row(params, |r| r.get(0))
        .optional()?;
    text.map(|t| from_json(&t)).transpose()
}
