//! What a caller was told last ("它", "第二个", "继续"), and which devices want no unasked broadcast on a day.

use rusqlite::{OptionalExtension, params};

use super::{
    Error, Store,
    codec::{from_json, from_name, to_json},
};
use crate::model::Day;

/// What was last told to a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub day: Day,
    /// Incident that "它" means; empty when none was told.
    pub incident: String,
    /// Incidents in the order told: what "第二个" counts in.
    pub listed: Vec<String>,
    /// Part of the broadcast told last, 0 when none was; above four see `mcp::going_on`.
    pub part: u8,
    /// Revision of the report it was told from.
    pub revision: u32,
    pub at_ms: i64,
}

impl Store {
    /// `caller` is a token with its device, or a session: whoever would say "it" and mean this.
    pub async fn told(&self, caller: String) -> Result<Option<Told>, Error> {
        self.ask(move |c| {
            let row = c
                .prepare_cached("SELECT day, incident, listed, part, revision, at_ms FROM told WHERE caller = ?1")?
                .query_row([caller], |r| {
                    let (day, listed): (String, String) = (r.get(0)?, r.get(2)?);
                    Ok((day, r.get(1)?, listed, r.get(3)?, r.get(4)?, r.get(5)?))
                })
                .optional()?;
            let Some((day, incident, listed, part, revision, at_ms)) = row else {
                return Ok(None);
            };
            Ok(Some(Told {
                day: from_name(&day)?,
                incident,
                listed: from_json(&listed)?,
                part,
                revision,
                at_ms,
            }))
        })
        .await
    }

    pub async fn put_told(&self, caller: String, told: Told) -> Result<(), Error> {
        self.change(move |tx| {
            tx.prepare_cached("INSERT OR REPLACE INTO told VALUES (?1,?2,?3,?4,?5,?6,?7)")?
                .execute(params![
                    caller,
                    told.day.to_string(),
                    told.incident,
                    to_json(&told.listed)?,
                    told.part,
                    told.revision,
                    told.at_ms
                ])?;
            Ok(())
        })
        .await
    }

    /// Notes that `device` wants nothing unasked on `day`, or had it; `why` keeps the reasons apart ("asked", "offered").
    /// False when that was noted before, so a first time can be told from a second.
    pub async fn put_quiet(&self, device: String, day: Day, why: String) -> Result<bool, Error> {
        self.change(move |tx| {
            let n = tx
                .prepare_cached("INSERT OR IGNORE INTO quiet VALUES (?1,?2,?3)")?
                .execute(params![device, day.to_string(), why])?;
            Ok(n == 1)
        })
        .await
    }

    /// Takes [`put_quiet`](Self::put_quiet) back.
    pub async fn drop_quiet(&self, device: String, day: Day, why: String) -> Result<(), Error> {
        self.change(move |tx| {
            tx.prepare_cached("DELETE FROM quiet WHERE device = ?1 AND day = ?2 AND why = ?3")?
                .execute(params![device, day.to_string(), why])?;
            Ok(())
        })
        .await
    }

    /// Whether a robot is to be left alone on `day`: it, or somebody who did not say for which robot, asked for quiet; the report of the
    /// day before was offered to it, or told. `mac` in lower case.
    pub async fn is_spared(&self, mac: &str, day: Day) -> Result<bool, Error> {
        let (mac, ending) = (mac.to_owned(), format!("\u{1f}device\u{1f}{mac}"));
        self.ask(move |c| {
            Ok(c.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM quiet WHERE day = ?1
                   AND (device = ?2 OR substr(device, -length(?3)) = ?3 OR why = 'asked' AND instr(device, char(31)) = 0))
                 OR EXISTS (SELECT 1 FROM told WHERE day = ?4 AND part > 0 AND substr(caller, -length(?3)) = ?3)",
            )?
            .query_row(params![day.to_string(), mac, ending, day.plus(-1).to_string()], |r| r.get(0))?)
        })
        .await
    }

    /// Why `device` is quiet on `day`; empty when it is not.
    pub async fn quiet(&self, device: String, day: Day) -> Result<Vec<String>, Error> {
        self.ask(move |c| {
            let mut find = c.prepare_cached(
                "SELECT why FROM quiet WHERE device = ?1 AND day = ?2 ORDER BY why",
            )?;
            let rows = find.query_map(params![device, day.to_string()], |r| r.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}
