//! The lines of a day that are kept, each with the words by which it is found.
//!
//! In: lines of one object, within the transaction that puts it. Out: lines by id or by time. Always true: a line is as it was kept, redacted;
//! it goes with its object. What is worth keeping was decided before (`mining::digest`).

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{
    Error, Store,
    codec::{from_json, from_name, to_json},
    embed::Analyzer,
};
use crate::model::{Day, EvidenceId, LogKind, record::Kept};

impl Store {
    /// Kept lines by id, in the order asked; an id that is not kept is left out.
    pub async fn kept(&self, day: Day, ids: Vec<EvidenceId>) -> Result<Vec<Kept>, Error> {
        let rows = self.ask_day(day, move |c| kept(c, &ids)).await?;
        Ok(rows.unwrap_or_default())
    }

    /// Kept lines of a kind with `from_ms <= t < to_ms`, by time; at most `limit`.
    pub async fn kept_between(
        &self,
        day: Day,
        kind: LogKind,
        from_ms: i64,
        to_ms: i64,
        limit: u32,
    ) -> Result<Vec<Kept>, Error> {
        let rows = self
            .ask_day(day, move |c| {
                let mut find = c.prepare_cached(&format!(
                    "SELECT {KEPT} FROM kept WHERE kind = ?1 AND ts_ms >= ?2 AND ts_ms < ?3 ORDER BY ts_ms, hash LIMIT ?4"
                ))?;
                let rows = find.query_map(params![kind.as_str(), from_ms, to_ms, limit], read_kept)?;
                rows.map(|r| r?).collect()
            })
            .await?;
        Ok(rows.unwrap_or_default())
    }
}

/// Puts the lines that were kept of the object with this row id.
pub(super) fn insert(tx: &Transaction<'_>, id: i64, lines: Vec<Kept>) -> Result<(), Error> {
    let analyzer = Analyzer::built_in();
    let mut line = tx.prepare_cached(
        "INSERT INTO kept (object, kind, hash, ts_ms, origin, sha256, namespace, name, text, line) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
    )?;
    let mut words = tx.prepare_cached(
        "INSERT INTO kept_fts (rowid, body, sounds, concepts) VALUES (?1,?2,?3,?4)",
    )?;
    for k in lines {
        line.execute(params![
            id,
            k.kind().as_str(),
            k.id.hash.cast_signed(),
            k.ts_ms,
            to_json(&k.origin)?,
            k.sha256,
            k.namespace,
            k.object,
            k.text,
            k.line,
        ])?;
        let indexed = analyzer.index(&[&k.namespace, &k.object, &k.text]);
        words.execute(params![
            tx.last_insert_rowid(),
            indexed.body,
            indexed.sounds,
            indexed.concepts
        ])?;
    }
    Ok(())
}

/// Columns of a kept line, as [`read_kept`] takes them.
pub(super) const KEPT: &str = "kind, hash, ts_ms, origin, sha256, namespace, name, text, line";

/// The outer error is SQLite's, the inner one ours.
pub(super) fn read_kept(row: &Row<'_>) -> rusqlite::Result<Result<Kept, Error>> {
    let (kind, origin): (String, String) = (row.get(0)?, row.get(3)?);
    let hash = row.get::<_, i64>(1)?.cast_unsigned();
    let (ts_ms, sha256, namespace) = (row.get(2)?, row.get(4)?, row.get(5)?);
    let (object, text, line) = (row.get(6)?, row.get(7)?, row.get(8)?);
    Ok((|| {
        Ok(Kept {
            id: EvidenceId {
                kind: from_name(&kind)?,
                hash,
            },
            ts_ms,
            origin: from_json(&origin)?,
            sha256,
            namespace,
            object,
            text,
            line,
        })
    })())
}

fn kept(c: &Connection, ids: &[EvidenceId]) -> Result<Vec<Kept>, Error> {
    // A record may lie in two objects for the moment between a late object and its twin being read again.
    let mut find = c.prepare_cached(&format!(
        "SELECT {KEPT} FROM kept WHERE hash = ?1 AND kind = ?2 ORDER BY object LIMIT 1"
    ))?;
    let mut out = Vec::with_capacity(ids.len());
    for id in ids {
        let row = find
            .query_row(params![id.hash.cast_signed(), id.kind.as_str()], read_kept)
            .optional()?;
        if let Some(row) = row {
            out.push(row?);
        }
    }
    Ok(out)
}
