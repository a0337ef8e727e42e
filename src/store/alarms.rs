//! Alarms as they were received, and how far each has come.
//!
//! Notifications become one row by their *kin*: what is equal for all occurrences of one alarm. `dedup` is the kin and the first
//! occurrence, so that kin are neighbours in its index. Deciding and writing are one transaction: two deliveries at once cannot
//! make two rows. What flaps for longer than [`LONGEST_MS`] is news again.

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Error, Store,
    codec::{from_json, from_name, name, to_json},
};

/// Flapping joins one occurrence for this long; a trouble that comes back every day is told every day.
const LONGEST_MS: i64 = 24 * 3600 * 1000;

/// How far an alarm has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlarmState {
    Unread,
    Told,
    Acknowledged,
}

/// One notification, as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAlarm {
    /// `tcop`, `cls`, `alertmanager`.
    pub source: String,
    /// Equal for all occurrences of one alarm: policy and canonical dimensions. Hexadecimal digits.
    pub kin: String,
    pub policy: String,
    pub object: String,
    pub severity: String,
    pub first_ms: i64,
    pub last_ms: i64,
    pub recovered_ms: Option<i64>,
    /// What the sender's reader made of it.
    pub alarm: Value,
    pub raw: Vec<u8>,
}

/// An alarm with what has become of it. `what` is the newest notification that it fires, and when it ended.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmRow {
    pub id: i64,
    pub what: NewAlarm,
    /// Notifications received.
    pub times: u32,
    pub state: AlarmState,
    pub analysis: Option<Value>,
}

/// What a notification was to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// An alarm not seen before, or not for long.
    New,
    /// The same occurrence once more.
    Again,
    /// It had hardly ended, or not yet, when it began anew.
    Flapping,
    /// The end of one that was known.
    Recovery,
}

/// A notification that is now stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    pub id: i64,
    /// Notifications of this alarm so far.
    pub times: u32,
    pub arrival: Arrival,
}

impl Store {
    /// Stores a notification durably. One that begins within `flapping_ms` of the last of its kin joins it.
    pub async fn put_alarm(&self, alarm: NewAlarm, flapping_ms: i64) -> Result<Delivery, Error> {
        self.change(move |tx| put(tx, &alarm, flapping_ms)).await
    }

    /// The same for several that came together, all or nothing.
    pub async fn put_alarms(
        &self,
        alarms: Vec<NewAlarm>,
        flapping_ms: i64,
    ) -> Result<Vec<Delivery>, Error> {
        self.change(move |tx| alarms.iter().map(|a| put(tx, a, flapping_ms)).collect())
            .await
    }

    pub async fn alarm(&self, id: i64) -> Result<Option<AlarmRow>, Error> {
        self.ask(move |c| {
            c.prepare_cached(&format!("SELECT {COLUMNS} FROM alarms WHERE id = ?1"))?
                .query_row([id], read)
                .optional()?
                .transpose()
        })
        .await
    }

    /// Alarms active between two instants, newest first.
    pub async fn alarms_between(&self, from_ms: i64, to_ms: i64) -> Result<Vec<AlarmRow>, Error> {
        self.ask(move |c| {
            let mut find = c.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM alarms WHERE last_ms >= ?1 AND first_ms < ?2 ORDER BY last_ms DESC, id DESC"
            ))?;
            let rows = find.query_map(params![from_ms, to_ms], read)?;
            rows.map(|r| r?).collect()
        })
        .await
    }

    /// Occurrences of one alarm, newest first.
    pub async fn alarms_of_kin(&self, kin: String, limit: u32) -> Result<Vec<AlarmRow>, Error> {
        self.ask(move |c| {
            let mut find = c.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM alarms WHERE dedup >= ?1 || '-' AND dedup < ?1 || '.' ORDER BY last_ms DESC, id DESC LIMIT ?2"
            ))?;
            let rows = find.query_map(params![kin, limit], read)?;
            rows.map(|r| r?).collect()
        })
        .await
    }

    /// Alarms in a state, newest first.
    pub async fn alarms_in(&self, state: AlarmState, limit: u32) -> Result<Vec<AlarmRow>, Error> {
        self.ask(move |c| {
            let mut find = c.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM alarms WHERE state = ?1 ORDER BY last_ms DESC, id DESC LIMIT ?2"
            ))?;
            let rows = find.query_map(params![name(&state)?, limit], read)?;
            rows.map(|r| r?).collect()
        })
        .await
    }

    /// Alarms that nobody has analysed, active since an instant, newest first; whoever was told of them.
    pub async fn alarms_unanalysed(
        &self,
        since_ms: i64,
        limit: u32,
    ) -> Result<Vec<AlarmRow>, Error> {
        self.ask(move |c| {
            let mut find = c.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM alarms WHERE state IN ('unread','told','acknowledged') AND last_ms > ?1 AND analysis IS NULL
                 ORDER BY last_ms DESC, id DESC LIMIT ?2"
            ))?;
            let rows = find.query_map(params![since_ms, limit], read)?;
            rows.map(|r| r?).collect()
        })
        .await
    }

    /// Alarms active since an instant of which nothing was said that way, nor may have been, newest first. What somebody has heard in full
    /// needs no telling.
    pub async fn alarms_untold(
        &self,
        way: &'static str,
        since_ms: i64,
        limit: u32,
    ) -> Result<Vec<AlarmRow>, Error> {
        self.ask(move |c| {
            let mut find = c.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM alarms WHERE state IN ('unread','told') AND last_ms > ?1 AND NOT EXISTS (
                   SELECT 1 FROM told_log WHERE subject = 'alarm:' || alarms.id AND way = ?2 AND outcome IN ('trying','said','unsure'))
                 ORDER BY last_ms DESC, id DESC LIMIT ?3"
            ))?;
            let rows = find.query_map(params![since_ms, way, limit], read)?;
            rows.map(|r| r?).collect()
        })
        .await
    }

    pub async fn set_alarm_state(&self, id: i64, state: AlarmState) -> Result<(), Error> {
        self.change(move |tx| {
            tx.prepare_cached("UPDATE alarms SET state = ?2 WHERE id = ?1")?
                .execute(params![id, name(&state)?])?;
            Ok(())
        })
        .await
    }

    pub async fn put_analysis(&self, id: i64, analysis: Value) -> Result<(), Error> {
        self.change(move |tx| {
            tx.prepare_cached("UPDATE alarms SET analysis = ?2 WHERE id = ?1")?
                .execute(params![id, to_json(&analysis)?])?;
            Ok(())
        })
        .await
    }
}

fn put(tx: &Transaction<'_>, alarm: &NewAlarm, flapping_ms: i64) -> Result<Delivery, Error> {
    match known(tx, alarm, flapping_ms)? {
        Some((id, arrival)) => join(tx, id, arrival, alarm),
        None => insert(tx, alarm),
    }
}

/// The row that a notification belongs to.
fn known(
    tx: &Transaction<'_>,
    alarm: &NewAlarm,
    flapping_ms: i64,
) -> Result<Option<(i64, Arrival)>, Error> {
    let arrival = |began_anew: bool| match (alarm.recovered_ms, began_anew) {
        (Some(_), _) => Arrival::Recovery,
        (None, true) => Arrival::Flapping,
        (None, false) => Arrival::Again,
    };
    let same: Option<i64> = tx
        .prepare_cached("SELECT id FROM alarms WHERE dedup = ?1")?
        .query_row([dedup(alarm)], |r| r.get(0))
        .optional()?;
    if let Some(id) = same {
        return Ok(Some((id, arrival(false))));
    }
    let last: Option<(i64, i64, i64, Option<i64>)> = tx
        .prepare_cached(
            "SELECT id, first_ms, last_ms, recovered_ms FROM alarms WHERE dedup >= ?1 || '-' AND dedup < ?1 || '.'
             ORDER BY last_ms DESC LIMIT 1",
        )?
        .query_row([&alarm.kin], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
        })
        .optional()?;
    Ok(last.and_then(|(id, first_ms, last_ms, recovered_ms)| {
        let ends_it = alarm.recovered_ms.is_some() && recovered_ms.is_none();
        let soon = alarm.first_ms.saturating_sub(last_ms) < flapping_ms
            && alarm.first_ms.saturating_sub(first_ms).saturating_abs() < LONGEST_MS;
        (ends_it || soon).then(|| (id, arrival(true)))
    }))
}

fn join(
    tx: &Transaction<'_>,
    id: i64,
    arrival: Arrival,
    alarm: &NewAlarm,
) -> Result<Delivery, Error> {
    // What begins after the recovery takes the recovery back; a notification that was overtaken by it does not. A recovery ends it and
    // says less of it than what fired. What was found out about another object is nothing about this one.
    let times = tx
        .prepare_cached(
            "UPDATE alarms SET last_ms = max(last_ms, ?2), first_ms = min(first_ms, ?3), times = times + 1,
               severity = CASE WHEN ?7 IS NULL THEN ?4 ELSE severity END, alarm = CASE WHEN ?7 IS NULL THEN ?5 ELSE alarm END,
               raw = CASE WHEN ?7 IS NULL THEN ?6 ELSE raw END,
               analysis = CASE WHEN ?7 IS NULL AND object != ?8 THEN NULL ELSE analysis END,
               object = CASE WHEN ?7 IS NULL THEN ?8 ELSE object END,
               recovered_ms = CASE WHEN ?7 IS NOT NULL THEN ?7 WHEN ?3 > recovered_ms THEN NULL ELSE recovered_ms END
             WHERE id = ?1 RETURNING times",
        )?
        .query_row(
            params![
                id,
                alarm.last_ms,
                alarm.first_ms,
                alarm.severity,
                to_json(&alarm.alarm)?,
                alarm.raw,
                alarm.recovered_ms,
                alarm.object
            ],
            |r| r.get(0),
        )?;
    Ok(Delivery { id, times, arrival })
}

fn insert(tx: &Transaction<'_>, alarm: &NewAlarm) -> Result<Delivery, Error> {
    tx.prepare_cached(
        "INSERT INTO alarms (source, dedup, policy, object, severity, first_ms, last_ms, recovered_ms, times, state, alarm, raw)
         VALUES (?1,?2,?3,?4,?5,?6,?7,?8,1,'unread',?9,?10)",
    )?
    .execute(params![
        alarm.source,
        dedup(alarm),
        alarm.policy,
        alarm.object,
        alarm.severity,
        alarm.first_ms,
        alarm.last_ms,
        alarm.recovered_ms,
        to_json(&alarm.alarm)?,
        alarm.raw
    ])?;
    Ok(Delivery {
        id: tx.last_insert_rowid(),
        times: 1,
        arrival: Arrival::New,
    })
}

fn dedup(alarm: &NewAlarm) -> String {
    format!("{}-{}", alarm.kin, alarm.first_ms)
}

const COLUMNS: &str = "id, source, dedup, policy, object, severity, first_ms, last_ms, recovered_ms, times, state, alarm, raw, analysis";

fn read(row: &Row<'_>) -> rusqlite::Result<Result<AlarmRow, Error>> {
    let dedup: String = row.get(2)?;
    let kin = dedup.split_once('-').map_or(dedup.as_str(), |(kin, _)| kin);
    let mut what = NewAlarm {
        source: row.get(1)?,
        kin: kin.to_owned(),
        policy: row.get(3)?,
        object: row.get(4)?,
        severity: row.get(5)?,
        first_ms: row.get(6)?,
        last_ms: row.get(7)?,
        recovered_ms: row.get(8)?,
        alarm: Value::Null,
        raw: row.get(12)?,
    };
    let (id, times) = (row.get(0)?, row.get(9)?);
    let (state, alarm): (String, String) = (row.get(10)?, row.get(11)?);
    let analysis: Option<String> = row.get(13)?;
    Ok((|| {
        what.alarm = from_json(&alarm)?;
        Ok(AlarmRow {
            id,
            what,
            times,
            state: from_name(&state)?,
            analysis: analysis.map(|a| from_json(&a)).transpose()?,
        })
    })())
}

#[cfg(test)]
#[path = "alarms_tests.rs"]
mod tests;
