//! One round: a day of an owner, from the bucket to the two files.
//!
//! In: a [`Round`] (where the logs lie, where to keep what they say, how to judge) and a day. Out: the last revision of the report.
//! Always true: each diagnosis is a revision of its own - the first after the events alone, so that somebody who waits hears the
//! worst within seconds, the next after the hours that the events point at; a second round of the same objects gives the same report.
//! Does not choose owners or days.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use tokio::sync::Semaphore;

use super::{
    Error,
    clock::Stopwatch,
    earlier::{self, EarlierDays},
    files::{self, Mirror, Shelf},
    judge::{self, About, Judge},
    live::Live,
    progress::Phase,
    pull,
    read::{Batch, Desk, Reading},
    source::{Found, Source},
    tasks::Work,
    workers::Workers,
};
use crate::{
    model::{
        Day, DayRange, LogKind,
        report::{Incident, Report, Stage},
    },
    store::{ManifestRow, Store},
};

/// Everything a round of one owner needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Round {
    pub store: Store,
    pub source: Source,
    pub shelf: Shelf,
    pub judge: Judge,
    /// Earlier days that a day is compared with.
    pub baseline_days: u32,
    /// A folder where older readers look for the active owner's files.
    pub publish: Option<Mirror>,
    /// Digests that may be made at once in this process.
    pub cores: Arc<Semaphore>,
    /// Who makes them.
    pub workers: Workers,
    /// What is not in the bucket yet; `None` where nobody can be asked for it.
    pub live: Option<Live>,
    /// When the work began, Unix milliseconds: a day that is not over then is never complete.
    pub now_ms: i64,
}

impl Round {
    /// Reads what is new of `day` and of the earlier days it is compared with, and returns the report of all of it.
    pub async fn run(&self, day: Day, work: &Work) -> Result<Report, Error> {
        let clock = Stopwatch::default();
        work.progress.begin(Phase::Listing, 0, 0);
        let range = day.range(&self.judge.zone);
        let listed = clock.time("list", Box::pin(self.list(&range))).await?;
        let mut manifest = self.store.manifest(day).await?;
        // Of a day that retention took, the report is what is left: it stands unless there is more to read, and then all is read.
        if !manifest.is_empty() && !self.store.stored_days()?.contains(&day) {
            let read: HashSet<(LogKind, &str, &str)> = manifest
                .iter()
                .map(|row| (row.kind, row.object.key.as_str(), row.object.etag.as_str()))
                .collect();
            let mut found = listed.values().flatten();
            let nothing_new = found.all(|f| read.contains(&(f.kind, &f.key, &f.etag)));
            if let (true, Some(report)) = (nothing_new, self.store.report(day).await?) {
                return Ok(report);
            }
            manifest.clear();
        }
        let mut fresh: BTreeMap<LogKind, Vec<Found>> = listed
            .iter()
            .map(|(kind, found)| (*kind, Reading::fresh(found.clone(), &manifest)))
            .collect();
        let mut unread: BTreeMap<LogKind, u64> =
            fresh.iter().map(|(k, f)| (*k, f.len() as u64)).collect();
        let something_new = unread.values().any(|n| *n > 0);
        work.progress
            .plan(fresh.values().flatten().map(|f| f.size).sum());
        let all = |kind| listed.get(&kind).map_or(&[][..], Vec::as_slice);
        let reading = self.reading(day, &range, &clock, work);

        let events = fresh.remove(&LogKind::Event).unwrap_or_default();
        begin(work, Phase::Events, [&events]);
        let reading_events = reading.read(LogKind::Event, events, all(LogKind::Event));
        clock.time("read", reading_events).await?;
        unread.insert(LogKind::Event, 0);
        let mut rest = [LogKind::Business, LogKind::Audit]
            .map(|kind| (kind, fresh.remove(&kind).unwrap_or_default()));
        if something_new {
            let report = self
                .revise(day, Stage::Events, &unread, work, &clock)
                .await?;
            let windows = pull::windows(spans(&report), &range);
            let (first, later) = split(&self.source, rest, &windows);
            // Worth a diagnosis of its own when there is something to gain by not waiting for the rest.
            let gain = |part: &Batch| part.iter().any(|(_, objects)| !objects.is_empty());
            if gain(&first) && gain(&later) {
                clock.time("read", reading.read_all(first, all)).await?;
                for (kind, objects) in &later {
                    unread.insert(*kind, objects.len() as u64);
                }
                self.revise(day, Stage::Windows, &unread, work, &clock)
                    .await?;
                rest = later;
            } else {
                rest = if gain(&first) { first } else { later };
            }
        }
        clock.time("read", reading.read_all(rest, all)).await?;
        unread.clear();

        earlier::tidy(&self.store, day).await?;
        // A day that left nothing behind is not compared with others.
        let missing = if listed.values().all(Vec::is_empty) {
            Vec::new()
        } else {
            earlier::missing(self, day).await?
        };
        if !missing.is_empty() && self.earlier_days_exist(&missing, &range).await? {
            self.revise(day, Stage::Day, &unread, work, &clock).await?;
            let days = missing.len() as u64;
            let earlier = EarlierDays::new(self, day, missing, work);
            work.progress.begin(Phase::EarlierDays, days, 0);
            let few = Box::pin(earlier.count_few());
            if clock.time("earlier_days", few).await? {
                self.revise(day, Stage::Day, &unread, work, &clock).await?;
            }
            work.progress.begin(Phase::EarlierDays, days, 0);
            let lines = Box::pin(earlier.count_newest_lines());
            if clock.time("earlier_days", lines).await? {
                self.revise(day, Stage::Day, &unread, work, &clock).await?;
            }
            work.progress.begin(Phase::EarlierDays, days, 0);
            let rest = Box::pin(earlier.count_rest());
            clock.time("earlier_days", rest).await?;
        }
        let whole = if self.now_ms < range.end_ms {
            Stage::Day
        } else {
            Stage::Complete
        };
        self.revise(day, whole, &unread, work, &clock).await
    }

    /// What reads objects of a day for this owner.
    pub(super) fn reading<'r>(
        &'r self,
        day: Day,
        range: &'r DayRange,
        clock: &'r Stopwatch,
        work: &'r Work,
    ) -> Reading<'r> {
        Reading {
            store: &self.store,
            day,
            work,
            lang: self.judge.lang,
            desk: Desk {
                source: &self.source,
                cores: &self.cores,
                workers: &self.workers,
                range,
                clock,
            },
        }
    }

    async fn list(&self, range: &DayRange) -> Result<BTreeMap<LogKind, Vec<Found>>, Error> {
        let list = |kind| self.source.list(kind, range);
        let (business, event, audit) = tokio::try_join!(
            list(LogKind::Business),
            list(LogKind::Event),
            list(LogKind::Audit)
        )?;
        Ok(BTreeMap::from([
            (LogKind::Business, business),
            (LogKind::Event, event),
            (LogKind::Audit, audit),
        ]))
    }

    /// Whether there is anything to compare the day of `range` with at all; a bucket that began yesterday has no earlier days. The first
    /// objects of the day are listed for the one before as well, and by now it is known whether they reach back.
    async fn earlier_days_exist(&self, days: &[Day], range: &DayRange) -> Result<bool, Error> {
        let day = Day::of(range.start_ms, &range.zone);
        let manifest = self.store.manifest(day).await?;
        let begins = |row: &&ManifestRow| row.span.is_some_and(|(from, _)| from >= range.start_ms);
        let own: HashSet<(LogKind, &str, &str)> = manifest
            .iter()
            .filter(begins)
            .map(|row| (row.kind, row.object.key.as_str(), row.object.etag.as_str()))
            .collect();
        for day in days {
            let listed = self.list(&day.range(&self.judge.zone)).await?;
            let mut found = listed.values().flatten();
            if found.any(|f| !own.contains(&(f.kind, &f.key, &f.etag))) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Diagnoses what is stored of the day, writes the files and keeps it all as a revision.
    pub(super) async fn revise(
        &self,
        day: Day,
        stage: Stage,
        unread: &BTreeMap<LogKind, u64>,
        work: &Work,
        clock: &Stopwatch,
    ) -> Result<Report, Error> {
        if stage != Stage::Events {
            work.progress.begin(Phase::Diagnosing, 0, 0);
        }
        self.workers.dismiss();
        // Of a day that goes on, something is always to come.
        let shipping = if stage == Stage::Complete {
            self.shipping(day).await
        } else {
            BTreeMap::new()
        };
        let about = About {
            day,
            stage,
            unread,
            shipping: &shipping,
            baseline_days: self.baseline_days,
            fresh: &[],
        };
        let judging = self
            .judge
            .report(&self.store, self.shelf.files(day), about, clock);
        let judged = judging.await?;
        let bare = judge::keep(&self.store, judged, clock).await?;
        let texts = clock
            .time("llm", self.judge.texts(&self.store, bare))
            .await?;
        let mut report = texts.report;
        // Before it is stored, since the stored one is what resources and metrics tell.
        report.timings_ms = clock.timings_ms();
        report.revision = self.store.put_revision(report.clone()).await?;
        self.write_files(&report, &texts.summary, &texts.analysis)?;
        work.progress.revision(report.revision, stage);
        tracing::info!(owner = %self.store.owner(), %day, revision = report.revision, ?stage, incidents = report.incidents.len(), "diagnosed a day");
        Ok(report)
    }

    /// Writes a report and its two texts where readers look for them.
    pub(super) fn write_files(
        &self,
        report: &Report,
        summary: &str,
        analysis: &str,
    ) -> Result<(), Error> {
        let day = report.date;
        let written = |source| self.cannot_write(day, source);
        let files = [
            (files::SUMMARY, summary),
            (files::ANALYSIS, analysis),
            (files::REPORT, &in_json(report)?),
        ];
        for (name, text) in files {
            self.shelf.write(day, name, text).map_err(written)?;
        }
        if let Some(publish) = &self.publish {
            self.shelf.publish(day, publish).map_err(written)?;
        }
        Ok(())
    }

    fn cannot_write(&self, day: Day, source: std::io::Error) -> Error {
        let path = self.shelf.path(day, files::REPORT);
        let folder = path.parent().unwrap_or(&path);
        Error::File {
            path: folder.display().to_string(),
            source,
        }
    }
}

/// From when to when each incident shows.
fn spans(report: &Report) -> Vec<(i64, i64)> {
    let end = |i: &Incident| {
        let findings = report
            .findings
            .iter()
            .filter(|f| i.findings.contains(&f.id));
        findings.map(|f| f.last_seen.ms).max().unwrap_or(i.start.ms)
    };
    report
        .incidents
        .iter()
        .map(|i| (i.start.ms, end(i)))
        .collect()
}

/// The objects around the windows, and the others.
fn split(source: &Source, objects: Batch, windows: &[DayRange]) -> (Batch, Batch) {
    let parts = objects.map(|(kind, found)| {
        let (first, later) = source.split(kind, found, windows, pull::LATE_MS);
        ((kind, first), (kind, later))
    });
    let [(first_a, later_a), (first_b, later_b)] = parts;
    ([first_a, first_b], [later_a, later_b])
}

pub(super) fn begin<const N: usize>(work: &Work, phase: Phase, objects: [&Vec<Found>; N]) {
    let all = || objects.iter().flat_map(|found| found.iter());
    work.progress
        .begin(phase, all().count() as u64, all().map(|f| f.size).sum());
}

fn in_json(report: &Report) -> Result<String, Error> {
    serde_json::to_string_pretty(report).map_err(|source| Error::File {
        path: files::REPORT.to_owned(),
        source: source.into(),
    })
}
