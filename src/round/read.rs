//! Reads the objects of one kind of one day into the store.
//!
//! In: found objects. Out: their digests in the day's file. Always true: an object is one transaction, so work that is cut off is
//! taken up where it stopped; what lies in the manifest with the same ETag and size is not read again; a record that lies in
//! several objects is counted in the one with the smallest key, whatever the order of reading. An object whose count another one
//! has put in doubt loses its ETag in the same transaction, so that being killed before it is read again counts nothing twice.
//! An object that cannot be read is a problem of its own and stops nobody; a bucket that cannot be read stops the round.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::sync::Semaphore;

use super::{
    Error,
    clock::Stopwatch,
    fetch::{Fetched, fetch},
    judge::blocking,
    progress::Phase,
    run::begin,
    source::{Found, Source},
    tasks::Work,
    workers::Workers,
};
use crate::{
    model::{
        Day, DayRange, Lang, LogKind,
        shapes::{LineCounts, ObjectDigest, ObjectProblem},
    },
    store::{Claims, ManifestRow, ObjectMeta, Store},
};

/// Objects of a kind that are digested or written at once. How many digests are really made at once is up to [`Desk::cores`];
/// one more of each kind waits, so that no core does while another is written.
pub(super) const SIDE_BY_SIDE: usize = 3;

/// Objects of two kinds that are read side by side.
pub(super) type Batch = [(LogKind, Vec<Found>); 2];

/// What reading needs besides the objects.
#[derive(Debug, Clone)]
pub(super) struct Reading<'a> {
    pub store: &'a Store,
    pub day: Day,
    pub work: &'a Work,
    pub lang: Lang,
    pub desk: Desk<'a>,
}

impl Reading<'_> {
    /// Objects that the manifest does not have as they lie there now, or could not read then: an archived object may be restored
    /// without a new ETag.
    pub(super) fn fresh(found: Vec<Found>, manifest: &[ManifestRow]) -> Vec<Found> {
        let known: HashMap<(LogKind, &str), &ManifestRow> = manifest
            .iter()
            .filter(|row| row.problem.is_none())
            .map(|row| ((row.kind, row.object.key.as_str()), row))
            .collect();
        found
            .into_iter()
            .filter(|f| {
                known
                    .get(&(f.kind, f.key.as_str()))
                    .is_none_or(|row| !is_as_listed(row, f))
            })
            .collect()
    }

    /// Reads objects of two kinds side by side; `all` are those of a kind as listed.
    pub(super) async fn read_all<'a>(
        &self,
        batch: Batch,
        all: impl Fn(LogKind) -> &'a [Found],
    ) -> Result<(), Error> {
        begin(self.work, Phase::Rest, [&batch[0].1, &batch[1].1]);
        let [one, other] = batch.map(|(kind, fresh)| self.read(kind, fresh, all(kind)));
        futures::future::try_join(one, other).await.map(drop)
    }

    /// Reads `fresh` in its order; `all` are the objects of the kind as listed, from which an object is read once more when an
    /// earlier key turned out to hold its records.
    pub(super) async fn read(
        &self,
        kind: LogKind,
        fresh: Vec<Found>,
        all: &[Found],
    ) -> Result<(), Error> {
        if fresh.is_empty() {
            return Ok(());
        }
        let manifest = self.store.manifest(self.day).await?;
        let known: HashMap<&str, &ManifestRow> = manifest
            .iter()
            .filter(|row| row.kind == kind)
            .map(|row| (row.object.key.as_str(), row))
            .collect();
        let bereft = bereft(&fresh, all, &known);
        if !bereft.is_empty() {
            let keys = bereft.iter().map(|f| f.key.clone()).collect();
            self.store.doubt_objects(self.day, kind, keys).await?;
        }
        let claims = Claims::default();
        for (key, identities) in self.store.identities(self.day, kind).await? {
            // What is read now claims anew, and a replaced object's old records are no longer there to be claimed.
            if !fresh.iter().chain(&bereft).any(|f| f.key == key) {
                claims.add(&key, &identities);
            }
        }
        self.objects(kind, fresh, &known, &claims, true).await?;
        self.objects(kind, bereft, &known, &claims, false).await?;
        loop {
            let stale = claims.stale();
            let again: Vec<Found> = all
                .iter()
                .filter(|f| stale.contains(&f.key))
                .cloned()
                .collect();
            if again.is_empty() {
                return Ok(());
            }
            self.objects(kind, again, &known, &claims, false).await?;
        }
    }

    /// Reads `objects`, some at once and in any order: the claims end in the same.
    async fn objects(
        &self,
        kind: LogKind,
        objects: Vec<Found>,
        known: &HashMap<&str, &ManifestRow>,
        claims: &Claims,
        counted: bool,
    ) -> Result<(), Error> {
        fetch(self.desk.source, self.work, self.desk.clock, objects)
            .map(|fetched| async move {
                let fetched = fetched?;
                if counted {
                    self.work.progress.object_done(fetched.0.size);
                }
                // One that is read again, since it was cut off or has another ETag, counts no more.
                let is_first = !known.contains_key(fetched.0.key.as_str());
                let counts = self.object(kind, fetched, known, claims).await?;
                if counted && is_first {
                    self.work.progress.read(kind, &counts);
                }
                Ok(())
            })
            .buffer_unordered(SIDE_BY_SIDE)
            .try_collect()
            .await
    }

    async fn object(
        &self,
        kind: LogKind,
        (found, bytes): Fetched,
        known: &HashMap<&str, &ManifestRow>,
        claims: &Claims,
    ) -> Result<LineCounts, Error> {
        let digest = match bytes {
            Ok(bytes) => self.desk.digest(&found, bytes, claims).await?,
            // What was read of the same bytes at another time says more than nothing, and its problem is known.
            Err(error)
                if error.is_about_one_object()
                    && known
                        .get(found.key.as_str())
                        .is_some_and(|row| row.problem.is_some() && is_as_listed(row, &found)) =>
            {
                return Ok(LineCounts::default());
            }
            Err(error) if error.is_about_one_object() => ObjectDigest {
                problem: Some(ObjectProblem {
                    key: found.key.clone(),
                    reason: error.fault.sentence(self.lang),
                }),
                ..ObjectDigest::default()
            },
            Err(error) => return Err(error.into()),
        };
        let meta = ObjectMeta {
            key: found.key,
            etag: found.etag,
            size: found.size,
        };
        let counts = digest.counts.clone();
        let putting = self
            .store
            .put_claimed(self.day, kind, meta, digest, claims.clone());
        self.desk.clock.time("write", putting).await?;
        Ok(counts)
    }
}

/// Where objects are digested.
#[derive(Debug, Clone, Copy)]
pub(super) struct Desk<'a> {
    pub source: &'a Source,
    /// Digests that may be made at once in this process.
    pub cores: &'a Arc<Semaphore>,
    pub workers: &'a Workers,
    pub range: &'a DayRange,
    pub clock: &'a Stopwatch,
}

impl Desk<'_> {
    /// What an object says of the day, without the records that another one counts.
    pub(super) async fn digest(
        &self,
        found: &Found,
        bytes: Bytes,
        claims: &Claims,
    ) -> Result<ObjectDigest, Error> {
        let (kind, key) = (found.kind, found.key.clone());
        let (range, claims) = (self.range.clone(), claims.clone());
        let cluster = self.source.cluster(found).map(str::to_owned);
        let workers = self.workers.clone();
        let _core = self.cores.acquire().await.map_err(|_| Error::Stopped)?;
        let digesting = blocking(move || {
            let mine = claims.object(&key);
            let digest = workers.let_one(|worker| {
                worker.digest(kind, &key, &bytes, &range, &mut |id| mine.claim(id))
            });
            match cluster {
                Some(cluster) => digest.in_cluster(&cluster),
                None => digest,
            }
        });
        self.clock.time("parse", digesting).await
    }
}

/// Objects that were refused a record which a replaced object counted, and perhaps holds no more.
fn bereft(fresh: &[Found], all: &[Found], known: &HashMap<&str, &ManifestRow>) -> Vec<Found> {
    let row = |f: &Found| known.get(f.key.as_str()).copied();
    let is_replaced = |f: &Found| row(f).is_some_and(|row| !is_as_listed(row, f));
    if !fresh.iter().any(is_replaced) {
        return Vec::new();
    }
    all.iter()
        .filter(|f| row(f).is_some_and(|row| row.counts.duplicates > 0))
        .filter(|f| fresh.iter().all(|other| other.key != f.key))
        .cloned()
        .collect()
}

fn is_as_listed(row: &ManifestRow, found: &Found) -> bool {
    row.object.etag == found.etag && row.object.size == found.size
}
