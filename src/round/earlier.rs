//! The earlier days that a day is compared with, each reduced to counts and read only once.
//!
//! In: a day, and days before it that were not counted to the end. Out: their counts, templates and last object states in `owner.db`.
//! What explains the day comes first: the events of all days; their audit, newest first, until the state before each of the day's changes
//! is known; the business lines of the newest; then the rest. Business lines come by a bounded sample, since they are many. They are not
//! read by the hours of the day's findings: a line that is missing from some hours is not new, and every hour of one day costs no
//! more than some hours of all.
//!
//! Always true: what is read lies as digests in a file of its day until the day is counted to the end, so no object is read twice, whenever the
//! program is killed. A count builds on the days before it; the last one of each day is made oldest first and of all that was read, so
//! it does not depend on the order of reading. A day without records is no day to compare with. Keeps no lines.

use std::collections::HashSet;

use futures::TryStreamExt as _;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    Error,
    clock::Stopwatch,
    clusters,
    fetch::{Fetched, fetch},
    judge::blocking,
    read::{Desk, SIDE_BY_SIDE},
    run::Round,
    source::Found,
    tasks::Work,
};
use crate::{
    diagnosis::changes,
    mining::{baseline, day::Tally},
    model::{
        Day, DayRange, LogKind, ObjectRef,
        report::ActorKind,
        shapes::{DayShapes, ObjectDigest, ObjectProblem, States},
    },
    store::{Claims, ObjectMeta, Store},
};

/// Compressed bytes of business objects that are read of an earlier day; of a larger day a sample is, and the counts say which share
/// of the bytes they rest on. Events and audit are always read whole.
const BUSINESS_BYTES: u64 = 64 << 20;

/// So many days before the day of a round no other round still reads.
const LONG_AGO: i32 = 120;

/// Days before `day` that are wanted and not counted to the end yet, oldest first.
pub(super) async fn missing(round: &Round, day: Day) -> Result<Vec<Day>, Error> {
    let counted: HashSet<Day> = round.store.counted_days().await?.into_iter().collect();
    let n = i32::try_from(round.baseline_days).unwrap_or(i32::MAX);
    Ok((1..=n)
        .rev()
        .map(|back| day.plus(-back))
        .filter(|d| !counted.contains(d))
        .collect())
}

/// Drops what a round left of days that it never went on with, or that another round counted.
pub(super) async fn tidy(store: &Store, day: Day) -> Result<(), Error> {
    let counted = store.counted_days().await?;
    // All are held until the last was looked at: whoever asks is given the first that nobody holds.
    let sets: Vec<Store> = (0..store.earlier_sets()).map(|_| store.earlier()).collect();
    for digests in &sets {
        for old in digests.stored_days()? {
            if old < day.plus(-LONG_AGO) || counted.contains(&old) {
                digests.drop_day(old).await?;
            }
        }
    }
    Ok(())
}

/// The days before `day` that are read for its sake. Each step reads more of them and counts what it read, so that the day can be
/// judged anew in between.
#[derive(Debug)]
pub(super) struct EarlierDays<'r> {
    round: &'r Round,
    day: Day,
    /// Oldest first.
    days: Vec<Day>,
    work: &'r Work,
    /// Where the digests lie until a day is counted to the end; no other round's.
    digests: Store,
}

/// How much of a day its counts rest on.
#[derive(Debug, Clone, Copy)]
enum Extent {
    /// More is to be read; of the business lines' objects, this share was.
    Unfinished(f64),
    Whole(f64),
}

impl<'r> EarlierDays<'r> {
    /// `days` as [`missing`] gives them.
    pub(super) fn new(round: &'r Round, day: Day, days: Vec<Day>, work: &'r Work) -> Self {
        let digests = round.store.earlier();
        Self {
            round,
            day,
            days,
            work,
            digests,
        }
    }

    /// The events of all days, and the audit of the newest, further back until the state before each change of the day is known. Says
    /// whether there were any.
    pub(super) async fn count_few(&self) -> Result<bool, Error> {
        let mut any = false;
        for day in &self.days {
            any |= self.read(*day, LogKind::Event).await?.is_some();
            self.work.progress.object_done(0);
        }
        let mut unseen = self.changed_unseen().await?;
        for day in self.days.iter().rev() {
            if self.read(*day, LogKind::Audit).await?.is_some() {
                any = true;
                let shown = self.shown(*day).await?;
                unseen.retain(|object| !shown.contains_key(object));
                if unseen.is_empty() {
                    break;
                }
            }
        }
        for day in &self.days {
            self.count(*day, Extent::Unfinished(0.0)).await?;
        }
        Ok(any)
    }

    /// The business lines of the newest day that has any, while there is no day to compare business lines with. Says whether there is one
    /// now, and more days to read.
    pub(super) async fn count_newest_lines(&self) -> Result<bool, Error> {
        let of = self.round.baseline_days;
        let known = self.round.store.baseline(self.day, of).await?;
        if baseline::holding(&known, LogKind::Business).any(|_| true) {
            return Ok(false);
        }
        // The oldest is the last in any case.
        for day in self.days.iter().skip(1).rev() {
            if let Some(share) = self.read(*day, LogKind::Business).await? {
                self.count(*day, Extent::Unfinished(share)).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All that is left, after which each day is counted to the end.
    pub(super) async fn count_rest(&self) -> Result<(), Error> {
        for day in self.days.iter().rev() {
            self.read(*day, LogKind::Audit).await?;
        }
        for day in &self.days {
            let share = self.read(*day, LogKind::Business).await?;
            self.count(*day, Extent::Whole(share.unwrap_or(1.0)))
                .await?;
            self.digests.drop_day(*day).await?;
            self.work.progress.object_done(0);
        }
        Ok(())
    }

    /// Objects that people and pipelines changed on the day, of whose state before nothing is known.
    async fn changed_unseen(&self) -> Result<HashSet<ObjectRef>, Error> {
        let round = self.round;
        let evidence = round
            .judge
            .evidence(&round.store, self.day, round.baseline_days, &[])
            .await?;
        blocking(move || {
            let understood = changes::changes(&evidence.shapes.writes, &evidence.states);
            let unseen = understood.roots().map(|(_, change)| change).filter(|c| {
                let by_somebody = matches!(c.actor, ActorKind::Human | ActorKind::Pipeline);
                by_somebody && c.before.is_none() && c.write.verb != "create"
            });
            unseen.map(|c| c.object.clone()).collect()
        })
        .await
    }

    /// The states that the writes of a day show by themselves.
    async fn shown(&self, day: Day) -> Result<States, Error> {
        let range = day.range(&self.round.judge.zone);
        let tally: Tally = self.digests.fold_day(day).await?;
        blocking(move || states_after(&tally.shapes(&[], &range), &States::new())).await
    }

    /// Reads what was not read yet of a kind of a day; the share of its objects that then is, `None` when it has none. A day that another
    /// round counted to the end meanwhile needs no more.
    async fn read(&self, day: Day, kind: LogKind) -> Result<Option<f64>, Error> {
        if self.is_counted(day).await? {
            return Ok(None);
        }
        let range = day.range(&self.round.judge.zone);
        let objects = self.round.source.list(kind, &range).await?;
        let whole: u64 = objects.iter().map(|f| f.size).sum();
        let objects = match kind {
            LogKind::Business => sample(objects, BUSINESS_BYTES),
            LogKind::Event | LogKind::Audit => objects,
        };
        let manifest = self.digests.manifest(day).await?;
        let read: HashSet<(LogKind, &str, &str)> = manifest
            .iter()
            .map(|row| (row.kind, row.object.key.as_str(), row.object.etag.as_str()))
            .collect();
        let is_fresh = |f: &Found| !read.contains(&(kind, f.key.as_str(), f.etag.as_str()));
        let fresh: Vec<Found> = objects.into_iter().filter(is_fresh).collect();
        // Also what an earlier sample held, of fewer objects than there are by now.
        let keys: HashSet<&str> = fresh.iter().map(|f| f.key.as_str()).collect();
        let of_kind = manifest.iter().filter(|row| row.kind == kind);
        let stays = of_kind.filter(|row| !keys.contains(row.object.key.as_str()));
        let (mut any, mut held) = (false, 0);
        let sizes = fresh.iter().map(|f| f.size);
        for size in sizes.chain(stays.map(|row| row.object.size)) {
            (any, held) = (true, held + size);
        }
        // Of objects without a byte, all were read.
        let share = any.then(|| held.max(1) as f64 / held.max(whole).max(1) as f64);
        if !fresh.is_empty() {
            self.digest(day, &range, kind, fresh).await?;
        }
        Ok(share)
    }

    async fn digest(
        &self,
        day: Day,
        range: &DayRange,
        kind: LogKind,
        fresh: Vec<Found>,
    ) -> Result<(), Error> {
        let (claims, clock) = (Claims::as_they_come(), Stopwatch::default());
        for (key, identities) in self.digests.identities(day, kind).await? {
            if fresh.iter().all(|f| f.key != key) {
                claims.add(&key, &identities);
            }
        }
        let desk = Desk {
            source: &self.round.source,
            cores: &self.round.cores,
            workers: &self.round.workers,
            range,
            clock: &clock,
        };
        let (desk, claims) = (&desk, &claims);
        fetch(&self.round.source, self.work, &clock, fresh)
            .map_ok(|(found, bytes): Fetched| async move {
                let mut digest = match bytes {
                    Ok(bytes) => desk.digest(&found, bytes, claims).await?,
                    // An object that cannot be read makes a comparison a little weaker, and nothing wrong.
                    Err(error) if error.is_about_one_object() => ObjectDigest {
                        problem: Some(ObjectProblem {
                            key: found.key.clone(),
                            reason: error.fault.sentence(self.round.judge.lang),
                        }),
                        ..ObjectDigest::default()
                    },
                    Err(error) => return Err(error.into()),
                };
                // An earlier day shows lines of its templates and of nothing else.
                if kind != LogKind::Business {
                    digest.kept = Vec::new();
                }
                let meta = ObjectMeta {
                    key: found.key,
                    etag: found.etag,
                    size: found.size,
                };
                Ok(self.digests.put_object(day, kind, meta, digest).await?)
            })
            .try_buffer_unordered(SIDE_BY_SIDE)
            .try_collect()
            .await
    }

    /// Counts what was read of a day, on what is known of the days before it.
    async fn count(&self, day: Day, extent: Extent) -> Result<(), Error> {
        let manifest = self.digests.manifest(day).await?;
        // The first objects of the day after are listed for a day as well; when none of them holds a line of it, it left nothing.
        let nothing = manifest.iter().all(|row| row.counts.records == 0);
        if nothing || self.is_counted(day).await? {
            return Ok(());
        }
        let store = &self.round.store;
        let unfinished = matches!(extent, Extent::Unfinished(_));
        // What is counted for the moment is named as the day that it is compared with; to the end, as by the days before it.
        let names_of = if unfinished { self.day.plus(1) } else { day };
        let known = store.known_templates(names_of).await?;
        let before = store.states_before(day).await?;
        let tally: Tally = self.digests.fold_day(day).await?;
        let range = day.range(&self.round.judge.zone);
        let counted = blocking(move || {
            let mut shapes = tally.shapes(&known, &range);
            let states = states_after(&shapes, &before);
            let (Extent::Unfinished(share) | Extent::Whole(share)) = extent;
            let mut counts =
                clusters::counts_of(&shapes, |s| baseline::counts_of(s, &range, share));
            counts.unfinished = unfinished;
            if unfinished {
                // The first text that is kept of a template stays; it must not depend on what was read first.
                shapes.templates.clear();
            }
            // Of a kind that was not read or not shipped, nothing is known: not that nothing happened.
            for kind in LogKind::ALL {
                counts.records.entry(kind).or_insert(0);
            }
            (counts, shapes.templates, states)
        });
        let (counts, templates, states) = counted.await?;
        let put = store.replace_unfinished_day(counts, templates, states);
        Ok(put.await?)
    }

    async fn is_counted(&self, day: Day) -> Result<bool, Error> {
        let counts = self.round.store.counts(day).await?;
        Ok(counts.is_some_and(|c| c.is_whole()))
    }
}

fn states_after(shapes: &DayShapes, before: &States) -> States {
    clusters::states_after(shapes, before, |shapes, before| {
        changes::changes(&shapes.writes, before).states_after(before)
    })
}

/// Objects of at most `limit` bytes, though at least one; all of them when they are fewer.
fn sample(objects: Vec<Found>, limit: u64) -> Vec<Found> {
    let sizes = objects.iter().map(|f| (f.key.as_str(), f.size));
    let chosen = choose(sizes.collect(), limit);
    let numbered = objects.into_iter().enumerate();
    numbered
        .filter(|(i, _)| chosen.contains(i))
        .map(|(_, found)| found)
        .collect()
}

/// Which of the objects, given by key and size, are read. Their keys decide by chance, and each folder has its turn: folders are hours,
/// and none is to be left out as long as the bytes go round.
fn choose(objects: Vec<(&str, u64)>, limit: u64) -> HashSet<usize> {
    let mut drawn: Vec<(&str, u64, usize, u64)> = objects
        .into_iter()
        .enumerate()
        .map(|(i, (key, size))| {
            let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
            (folder, xxh3_64(key.as_bytes()), i, size)
        })
        .collect();
    drawn.sort_unstable();
    let mut turns: Vec<(usize, u64, usize, u64)> = Vec::new();
    let (mut last, mut turn) = (None, 0);
    for (folder, chance, i, size) in drawn {
        turn = if last == Some(folder) { turn + 1 } else { 0 };
        last = Some(folder);
        turns.push((turn, chance, i, size));
    }
    turns.sort_unstable();
    let mut bytes = 0;
    let mut chosen = HashSet::new();
    for (_, _, i, size) in turns {
        bytes += size;
        if bytes > limit && !chosen.is_empty() {
            break;
        }
        chosen.insert(i);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many objects of each hour are chosen.
    fn by_hour(each: usize, limit: u64) -> Vec<usize> {
        let keys: Vec<String> = (0..24 * each)
            .map(|i| format!("business/2026/11/20/{:02}/{}.gz", i / each, i % each))
            .collect();
        let objects = || {
            keys.iter()
                .map(|key| (key.as_str(), 10))
                .collect::<Vec<_>>()
        };
        let chosen = choose(objects(), limit);
        assert_eq!(chosen, choose(objects(), limit));
        let in_hour = |hour: usize| chosen.iter().filter(|i| **i / each == hour).count();
        (0..24).map(in_hour).collect()
    }

    #[test]
    fn a_sample_keeps_to_its_bytes_and_to_no_step_of_the_clock() {
        assert_eq!(by_hour(12, 24 * 30), [3; 24]);
        assert_eq!(by_hour(12, 24 * 120), [12; 24]);
        let half = by_hour(1, 120);
        assert_eq!(half.iter().sum::<usize>(), 12);
        let even: usize = half.iter().step_by(2).sum();
        assert!((1..12).contains(&even), "{half:?}");
        assert_eq!(by_hour(1, 1).iter().sum::<usize>(), 1);
    }
}
