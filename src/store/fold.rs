//! Adds up what is stored of a day, one object after the other.
//!
//! In: a day's file. Out: a sum of whatever kind. Always true: digests come by kind and key and without identities, and behind all of them the
//! kept lines that the sum wants, without their raw text; never more than a few of them are in memory at once, since together they would
//! be a large part of the day. Digests are unpacked on threads of their own while others are added: it is half of the work, and a round
//! waits for it.

use std::{
    collections::VecDeque,
    thread::{ScopedJoinHandle, scope},
};

use rusqlite::Connection;

use super::{
    Error, Store,
    codec::{from_name, unpack},
    kept::read_kept,
};
use crate::{
    mining::day::Tally,
    model::{Day, EvidenceId, LogKind, record::Kept, shapes::ObjectDigest},
};

/// Digests that are unpacked while another one is added.
const AHEAD: usize = 2;

/// Something that a day's digests and kept lines are added to.
pub trait Sum: Default + Send + 'static {
    fn add(&mut self, kind: LogKind, digest: ObjectDigest);
    /// Whether a kept line is wanted; asked when all digests have been added.
    fn wants(&mut self, id: EvidenceId) -> bool;
    fn keep(&mut self, kept: &Kept);
}

impl Sum for Tally {
    fn add(&mut self, kind: LogKind, digest: ObjectDigest) {
        Self::add(self, kind, digest);
    }

    fn wants(&mut self, id: EvidenceId) -> bool {
        Self::wants(self, id)
    }

    fn keep(&mut self, kept: &Kept) {
        Self::keep(self, kept);
    }
}

impl Store {
    /// Adds up a day; nothing of a day that has no file.
    pub async fn fold_day<T: Sum>(&self, day: Day) -> Result<T, Error> {
        let sum = self.load_day(day, move |c| {
            let mut sum = T::default();
            each_digest(c, |kind, digest| sum.add(kind, digest))?;
            let mut find = c.prepare(
                "SELECT kind, hash, ts_ms, origin, sha256, namespace, name, text, '' FROM kept ORDER BY kind, ts_ms, hash",
            )?;
            let mut rows = find.query([])?;
            while let Some(row) = rows.next()? {
                let kind = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
                let id = EvidenceId {
                    kind: from_name(kind)?,
                    hash: row.get::<_, i64>(1)?.cast_unsigned(),
                };
                if sum.wants(id) {
                    sum.keep(&read_kept(row)??);
                }
            }
            Ok(sum)
        });
        Ok(sum.await?.unwrap_or_default())
    }

    /// What every object contributed, by kind and key, without kept lines and identities.
    pub async fn digests(&self, day: Day) -> Result<Vec<(LogKind, ObjectDigest)>, Error> {
        let all = self.load_day(day, |c| {
            let mut all = Vec::new();
            each_digest(c, |kind, digest| all.push((kind, digest)))?;
            Ok(all)
        });
        Ok(all.await?.unwrap_or_default())
    }
}

fn each_digest(c: &Connection, mut each: impl FnMut(LogKind, ObjectDigest)) -> Result<(), Error> {
    type Unpacking<'s> = (LogKind, ScopedJoinHandle<'s, Result<ObjectDigest, Error>>);
    let mut pass = |(kind, unpacking): Unpacking<'_>| {
        let digest = unpacking.join().map_err(|_| Error::Stopped)?;
        each(kind, digest?);
        Ok::<(), Error>(())
    };
    let mut find = c.prepare(
        "SELECT o.kind, c.digest FROM objects o JOIN contents c ON c.object = o.id ORDER BY o.kind, o.key",
    )?;
    let mut rows = find.query([])?;
    scope(|threads| {
        let mut unpacked: VecDeque<Unpacking<'_>> = VecDeque::new();
        while let Some(row) = rows.next()? {
            let kind: String = row.get(0)?;
            let packed: Vec<u8> = row.get(1)?;
            let unpacking = threads.spawn(move || unpack(&packed));
            unpacked.push_back((from_name(&kind)?, unpacking));
            if unpacked.len() > AHEAD
                && let Some(first) = unpacked.pop_front()
            {
                pass(first)?;
            }
        }
        unpacked.into_iter().try_for_each(&mut pass)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{day, digest, meta, open};

    #[derive(Debug, Default)]
    struct Seen(Vec<String>);

    impl Sum for Seen {
        fn add(&mut self, kind: LogKind, digest: ObjectDigest) {
            self.0.push(format!("{kind} {}", digest.counts.records));
        }

        fn wants(&mut self, id: EvidenceId) -> bool {
            id.hash != 2
        }

        fn keep(&mut self, kept: &Kept) {
            self.0.push(kept.id.to_string());
            assert!(kept.line.is_empty());
        }
    }

    #[tokio::test]
    async fn digests_come_in_order_and_wanted_lines_behind_them() {
        let dir = tempfile::tempdir().expect("dir");
        let (store, d) = (open(dir.path()), day("2026-11-21"));
        let objects = [
            (LogKind::Event, "event/b.gz", &[7, 8, 9][..]),
            (LogKind::Event, "event/a.gz", &[6]),
            (LogKind::Business, "business/z.gz", &[1, 2]),
            (LogKind::Audit, "audit/c.gz", &[3, 4, 5, 10]),
        ];
        for (kind, key, ids) in objects {
            let put = store.put_object(d, kind, meta(key), digest(kind, key, ids));
            put.await.expect("put");
        }
        let seen: Seen = store.fold_day(d).await.expect("sum");
        let digests = ["audit 4", "business 2", "event 1", "event 3"];
        assert_eq!(seen.0[..4], digests);
        assert_eq!(seen.0.len(), 4 + 9, "{:?}", seen.0);
        assert!(!seen.0.contains(&"business:0000000000000002".to_owned()));
        let nothing: Seen = store.fold_day(day("2026-11-20")).await.expect("sum");
        assert!(nothing.0.is_empty());
    }
}
