//! Lines of a window, read again from the bucket, and from CLS what is not shipped yet.
//!
//! In: a day and what is asked of it. Out: the earliest lines that fit, redacted, and how many there are. Always true: the total counts
//! the lines of both places, each record once; an object that the manifest knows and the bucket has no more is named, and what was kept of
//! it still counts. Keeps nothing.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    pin::pin,
    sync::Arc,
};

use futures::TryStreamExt as _;

use super::{
    Error, clock::Stopwatch, fetch::fetch, fresh::Note, judge::blocking, live::Scope,
    progress::Progress, run::Round, source::Found, tasks::Work,
};
use crate::{
    mining::digest::lines::{self, Seen},
    model::{Day, DayRange, EvidenceId, LogKind, Origin, record::Kept, shapes::ObjectProblem},
    store::ManifestRow,
};

/// Whether a line is wanted, by its namespace, its object and its redacted text.
pub type Fits = dyn Fn(&str, &str, &str) -> bool + Send + Sync;

/// What is asked of a day.
#[derive(Clone)]
pub struct Asked {
    pub kind: LogKind,
    /// `from_ms <= t < to_ms`, Unix milliseconds.
    pub from_ms: i64,
    pub to_ms: i64,
    pub fits: Arc<Fits>,
    /// Words that every wanted line holds; only used where there is more than can be read.
    pub words: Vec<String>,
    /// How many are returned; the others are counted.
    pub most: usize,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked")
            .field("kind", &self.kind)
            .field("from_ms", &self.from_ms)
            .field("to_ms", &self.to_ms)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Lines {
    /// The earliest, by time.
    pub shown: Vec<Kept>,
    pub total: u64,
    /// Objects that were read.
    pub objects: u64,
    /// Objects of the window that the bucket has no more.
    pub gone: Vec<String>,
    /// Objects that could not be read to their end.
    pub problems: Vec<ObjectProblem>,
    /// What CLS was asked for.
    pub live: Option<Note>,
}

impl Round {
    /// Reads the objects that may hold lines of the window, and no others.
    pub async fn lines(&self, day: Day, asked: &Asked) -> Result<Lines, Error> {
        let (objects, gone) = self.objects(day, asked).await?;
        let mut search = Search::new(asked.clone());
        let (kind, mut read, mut problems) = (asked.kind, 0, Vec::new());
        // Somebody waits for this.
        let work = Work::alone(Progress::default());
        let mut fetched = pin!(fetch(&self.source, &work, &Stopwatch::default(), objects));
        while let Some((found, bytes)) = fetched.try_next().await? {
            match bytes {
                Ok(bytes) => {
                    let _core = self.cores.acquire().await.map_err(|_| Error::Stopped)?;
                    let problem;
                    (search, problem) = blocking(move || {
                        let problem = lines::lines(kind, &found.key, &bytes, &mut search);
                        (search, problem)
                    })
                    .await?;
                    problems.extend(problem);
                    read += 1;
                }
                Err(error) if error.is_about_one_object() => problems.push(ObjectProblem {
                    reason: error.fault.sentence(self.judge.lang),
                    key: found.key,
                }),
                Err(error) => return Err(error.into()),
            }
        }
        if !gone.is_empty() {
            let kept = self
                .store
                .kept_between(day, asked.kind, asked.from_ms, asked.to_ms, u32::MAX)
                .await?;
            kept.into_iter()
                .filter(|k| matches!(&k.origin, Origin::Bucket { key, .. } if gone.contains(key)))
                .for_each(|kept| search.kept(kept));
        }
        let scope = Scope::Words(asked.words.clone());
        let unshipped = self.unshipped(kind, asked.from_ms, asked.to_ms, scope);
        let live = match unshipped.await {
            None => None,
            Some((note, None)) => Some(note),
            Some((note, Some(logs))) => {
                search = blocking(move || {
                    logs.offer(&mut search);
                    search
                })
                .await?;
                Some(note)
            }
        };
        Ok(Lines {
            shown: search.earliest.into_values().collect(),
            total: search.seen.len() as u64,
            objects: read,
            gone,
            problems,
            live,
        })
    }

    /// Objects to read, and keys of those that would have to be read but are gone.
    async fn objects(&self, day: Day, asked: &Asked) -> Result<(Vec<Found>, Vec<String>), Error> {
        let window = DayRange {
            start_ms: asked.from_ms,
            end_ms: asked.to_ms,
            zone: self.judge.zone.clone(),
        };
        let overlaps = |row: &ManifestRow| {
            row.problem.is_some()
                || row
                    .span
                    .is_some_and(|(first, last)| first < asked.to_ms && last >= asked.from_ms)
        };
        let manifest = self.store.manifest(day).await?;
        let known: BTreeMap<&str, &ManifestRow> = manifest
            .iter()
            .filter(|row| row.kind == asked.kind)
            .map(|row| (row.object.key.as_str(), row))
            .collect();
        let mut found = self.source.list(asked.kind, &window).await?;
        let is_missing = |found: &[Found], key: &str| found.iter().all(|f| f.key != key);
        let wanted = known.values().filter(|row| overlaps(row));
        if wanted
            .clone()
            .any(|row| is_missing(&found, &row.object.key))
        {
            // Shipped late, or gone: the whole day shows which.
            found = self
                .source
                .list(asked.kind, &day.range(&self.judge.zone))
                .await?;
        }
        let gone = wanted
            .filter(|row| is_missing(&found, &row.object.key))
            .map(|row| row.object.key.clone())
            .collect();
        // What the manifest knows as it lies there is read only when it holds lines of the window.
        found.retain(|f| {
            known.get(f.key.as_str()).is_none_or(|row| {
                row.object.etag != f.etag || row.object.size != f.size || overlaps(row)
            })
        });
        Ok((found, gone))
    }
}

/// The earliest wanted lines so far, and every one that was counted.
struct Search {
    asked: Asked,
    seen: HashSet<u64>,
    earliest: BTreeMap<(i64, EvidenceId), Kept>,
}

impl Search {
    fn new(asked: Asked) -> Self {
        Self {
            asked,
            seen: HashSet::new(),
            earliest: BTreeMap::new(),
        }
    }

    /// A line of an object that is gone.
    fn kept(&mut self, kept: Kept) {
        if (self.asked.fits)(&kept.namespace, &kept.object, &kept.text)
            && self.seen.insert(kept.id.hash)
        {
            self.show(kept);
        }
    }

    fn show(&mut self, kept: Kept) {
        self.earliest.insert((kept.ts_ms, kept.id), kept);
        if self.earliest.len() > self.asked.most {
            self.earliest.pop_last();
        }
    }
}

impl lines::Search for Search {
    fn wants(&mut self, line: &Seen<'_>) -> bool {
        let asked = &self.asked;
        if !(asked.from_ms..asked.to_ms).contains(&line.ts_ms)
            || !(asked.fits)(line.namespace, line.object, &line.text)
            || !self.seen.insert(line.id.hash)
        {
            return false;
        }
        // What is later than enough others is counted, but not redacted and hashed to be thrown away.
        let last = self.earliest.keys().next_back();
        self.earliest.len() < asked.most || last.is_some_and(|last| (line.ts_ms, line.id) < *last)
    }

    fn take(&mut self, kept: Kept) {
        self.show(kept);
    }
}
