//! A day's file: which objects were read, and what each contributed.
//!
//! In: one [`ObjectDigest`] per bucket object, in any order, any number of times. Out: the manifest, identities, digests.
//! Putting an object replaces all it contributed before, in one transaction, so a replay changes nothing and a replaced
//! object leaves nothing behind.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{
    Claims, Error, Store,
    codec::{from_json, from_name, pack, to_json},
    kept,
};
use crate::model::{
    Day, LogKind,
    shapes::{LineCounts, ObjectDigest},
};

/// What the bucket's listing says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    pub key: String,
    pub etag: String,
    pub size: u64,
}

/// An object that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRow {
    pub kind: LogKind,
    pub object: ObjectMeta,
    /// First and last record time in the object.
    pub span: Option<(i64, i64)>,
    pub counts: LineCounts,
    /// Why it could not be read to its end.
    pub problem: Option<String>,
}

impl Store {
    /// Every object read for the day, by kind and key; also when the day's file has gone by retention.
    pub async fn manifest(&self, day: Day) -> Result<Vec<ManifestRow>, Error> {
        let rows = self.ask_day(day, |c| manifest(c, "objects", "1")).await?;
        match rows {
            Some(rows) => Ok(rows),
            None => {
                self.ask(move |c| manifest(c, "past_objects", &format!("day = '{day}'")))
                    .await
            }
        }
    }

    /// Writes what an object contributes, replacing what it contributed before.
    pub async fn put_object(
        &self,
        day: Day,
        kind: LogKind,
        object: ObjectMeta,
        digest: ObjectDigest,
    ) -> Result<(), Error> {
        self.put_claimed(day, kind, object, digest, Claims::default())
            .await
    }

    /// [`put_object`](Self::put_object) and [`doubt_objects`](Self::doubt_objects) of what the claims call stale, in one transaction:
    /// whoever is killed behind it leaves the doubt to the next round. The claims are asked inside of it, so that an object which
    /// lost a record while it waited to be put is doubted by its own transaction or by that of the object that took it.
    pub async fn put_claimed(
        &self,
        day: Day,
        kind: LogKind,
        object: ObjectMeta,
        digest: ObjectDigest,
        claims: Claims,
    ) -> Result<(), Error> {
        self.change_day(day, move |tx| {
            remove(tx, kind, &object.key)?;
            insert(tx, kind, &object, digest)?;
            doubt(tx, kind, &claims.stale())
        })
        .await
    }

    /// Takes the tags of objects: the manifest knows them no longer as they lie in the bucket, so they are read again.
    pub async fn doubt_objects(
        &self,
        day: Day,
        kind: LogKind,
        keys: Vec<String>,
    ) -> Result<(), Error> {
        self.change_day(day, move |tx| doubt(tx, kind, &keys)).await
    }

    /// Takes back what an object contributed.
    pub async fn remove_object(&self, day: Day, kind: LogKind, key: String) -> Result<(), Error> {
        self.change_day(day, move |tx| remove(tx, kind, &key)).await
    }

    /// The records each object counts, by key: what [`Claims`](super::Claims) starts from.
    pub async fn identities(
        &self,
        day: Day,
        kind: LogKind,
    ) -> Result<Vec<(String, Vec<u64>)>, Error> {
        let rows = self.load_day(day, move |c| identities(c, kind)).await?;
        Ok(rows.unwrap_or_default())
    }

    /// Days that have a file, oldest first.
    pub fn stored_days(&self) -> Result<Vec<Day>, Error> {
        let folder = self.day_folder();
        let mut days = Vec::new();
        if !folder.exists() {
            return Ok(days);
        }
        for entry in std::fs::read_dir(&folder).map_err(Error::io(&folder))? {
            let name = entry.map_err(Error::io(&folder))?.file_name();
            if let Some(day) = name.to_string_lossy().strip_suffix(".db")
                && let Ok(day) = day.parse()
            {
                days.push(day);
            }
        }
        days.sort_unstable();
        Ok(days)
    }

    /// Bytes that a day's file takes on disk.
    #[must_use]
    pub fn day_bytes(&self, day: Day) -> u64 {
        let of = |suffix: &str| {
            let file = self.day_folder().join(format!("{day}.db{suffix}"));
            std::fs::metadata(file).map_or(0, |found| found.len())
        };
        of("") + of("-wal")
    }

    /// Removes a day's file. Its manifest is kept, so that the day is not read again from what is left in the bucket.
    pub async fn retire_day(&self, day: Day) -> Result<(), Error> {
        let Some(rows) = self.ask_day(day, |c| manifest(c, "objects", "1")).await? else {
            return Ok(());
        };
        self.remove_day(day, move |tx| {
            let mut rows = rows.iter();
            rows.try_for_each(|row| remember_object(tx, day, row))
        })
        .await
    }

    /// Removes a day's file with all that it knows of the bucket.
    pub async fn drop_day(&self, day: Day) -> Result<(), Error> {
        self.remove_day(day, |_| Ok(())).await
    }
}

fn manifest(c: &Connection, table: &str, of: &str) -> Result<Vec<ManifestRow>, Error> {
    let mut find = c.prepare_cached(&format!(
        "SELECT kind, key, etag, size, from_ms, to_ms, counts, problem FROM {table} WHERE {of} ORDER BY kind, key"
    ))?;
    let rows = find.query_map([], |row| {
        let span: (Option<i64>, Option<i64>) = (row.get(4)?, row.get(5)?);
        let (kind, counts): (String, String) = (row.get(0)?, row.get(6)?);
        let object = ObjectMeta {
            key: row.get(1)?,
            etag: row.get(2)?,
            size: row.get::<_, i64>(3)?.cast_unsigned(),
        };
        let problem = row.get(7)?;
        Ok((|| {
            Ok(ManifestRow {
                kind: from_name(&kind)?,
                object,
                span: span.0.zip(span.1),
                counts: from_json(&counts)?,
                problem,
            })
        })())
    })?;
    rows.map(|r| r?).collect()
}

fn remember_object(tx: &Transaction<'_>, day: Day, row: &ManifestRow) -> Result<(), Error> {
    tx.prepare_cached("INSERT OR REPLACE INTO past_objects VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)")?
        .execute(params![
            day.to_string(),
            row.kind.as_str(),
            row.object.key,
            row.object.etag,
            row.object.size.cast_signed(),
            row.span.map(|s| s.0),
            row.span.map(|s| s.1),
            to_json(&row.counts)?,
            row.problem,
        ])?;
    Ok(())
}

fn doubt(tx: &Transaction<'_>, kind: LogKind, keys: &[String]) -> Result<(), Error> {
    let mut doubt =
        tx.prepare_cached("UPDATE objects SET etag = '' WHERE kind = ?1 AND key = ?2")?;
    for key in keys {
        doubt.execute(params![kind.as_str(), key])?;
    }
    Ok(())
}

fn remove(tx: &Transaction<'_>, kind: LogKind, key: &str) -> Result<(), Error> {
    let id: Option<i64> = tx
        .prepare_cached("SELECT id FROM objects WHERE kind = ?1 AND key = ?2")?
        .query_row(params![kind.as_str(), key], |r| r.get(0))
        .optional()?;
    let Some(id) = id else { return Ok(()) };
    for sql in [
        "DELETE FROM kept_fts WHERE rowid IN (SELECT id FROM kept WHERE object = ?1)",
        "DELETE FROM kept WHERE object = ?1",
        "DELETE FROM contents WHERE object = ?1",
        "DELETE FROM objects WHERE id = ?1",
    ] {
        tx.prepare_cached(sql)?.execute([id])?;
    }
    Ok(())
}

fn insert(
    tx: &Transaction<'_>,
    kind: LogKind,
    object: &ObjectMeta,
    mut digest: ObjectDigest,
) -> Result<(), Error> {
    let lines = std::mem::take(&mut digest.kept);
    let identities: Vec<u8> = std::mem::take(&mut digest.identities)
        .into_iter()
        .flat_map(u64::to_le_bytes)
        .collect();
    tx.prepare_cached(
        "INSERT INTO objects (kind, key, etag, size, from_ms, to_ms, counts, problem) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)",
    )?
    .execute(params![
        kind.as_str(),
        object.key,
        object.etag,
        object.size.cast_signed(),
        digest.span.map(|s| s.0),
        digest.span.map(|s| s.1),
        to_json(&digest.counts)?,
        digest.problem.as_ref().map(|p| p.reason.as_str()),
    ])?;
    let id = tx.last_insert_rowid();
    tx.prepare_cached("INSERT INTO contents VALUES (?1,?2,?3)")?
        .execute(params![id, identities, pack(&digest)?])?;
    kept::insert(tx, id, lines)
}

fn identities(c: &Connection, kind: LogKind) -> Result<Vec<(String, Vec<u64>)>, Error> {
    let mut find = c.prepare(
        "SELECT o.key, c.identities FROM objects o JOIN contents c ON c.object = o.id WHERE o.kind = ?1 ORDER BY o.key",
    )?;
    let rows = find.query_map([kind.as_str()], |row| {
        let blob = row.get_ref(1)?.as_blob()?;
        let ids = blob
            .as_chunks::<8>()
            .0
            .iter()
            .map(|b| u64::from_le_bytes(*b))
            .collect();
        Ok((row.get(0)?, ids))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::EvidenceId,
        store::fixture::{day, digest, meta, open},
    };

    #[tokio::test]
    async fn putting_an_object_again_changes_nothing_and_removing_it_leaves_nothing() {
        let dir = tempfile::tempdir().expect("dir");
        let store = open(dir.path());
        let (d, kind) = (day("2026-11-21"), LogKind::Event);
        for _ in 0..2 {
            let digest = digest(kind, "event/a.gz", &[7, 9]);
            store
                .put_object(d, kind, meta("event/a.gz"), digest)
                .await
                .expect("put");
        }
        assert_eq!(store.manifest(d).await.expect("manifest").len(), 1);
        assert_eq!(
            store.identities(d, kind).await.expect("ids"),
            [("event/a.gz".to_owned(), vec![7, 9])]
        );
        let ids = vec![EvidenceId { kind, hash: 9 }, EvidenceId { kind, hash: 8 }];
        let kept = store.kept(d, ids).await.expect("kept");
        assert_eq!(kept, [digest(kind, "event/a.gz", &[9]).kept.remove(0)]);
        let (_, back) = store.digests(d).await.expect("digests").remove(0);
        assert_eq!(back.counts.records, 2);
        assert!(back.kept.is_empty() && back.identities.is_empty());

        store
            .remove_object(d, kind, "event/a.gz".to_owned())
            .await
            .expect("remove");
        assert!(store.manifest(d).await.expect("manifest").is_empty());
        let between = store.kept_between(d, kind, 0, i64::MAX, 9).await;
        assert!(between.expect("kept").is_empty());
    }

    #[tokio::test]
    async fn a_retired_day_is_gone_but_its_objects_are_remembered() {
        let dir = tempfile::tempdir().expect("dir");
        let store = open(dir.path());
        let d = day("2026-11-21");
        let digest = digest(LogKind::Audit, "audit/a.gz", &[1]);
        store
            .put_object(d, LogKind::Audit, meta("audit/a.gz"), digest)
            .await
            .expect("put");
        let before = store.manifest(d).await.expect("manifest");
        store.retire_day(d).await.expect("retire");
        assert!(store.stored_days().expect("days").is_empty());
        assert_eq!(store.manifest(d).await.expect("manifest"), before);
        assert!(store.digests(d).await.expect("digests").is_empty());
    }
}
