//! What the logs show around an alarm: of its quarter hour, not of the day.
//!
//! In: a [`Window`]. Out: [`Seen`], with a diagnosis of all that is known of the day by then. Always true: of the bucket at most
//! [`MOST_RAW`] of raw lines are read for it, events first and business lines last; what is not shipped yet is asked of CLS and not
//! stored; what was cut or failed is said. A day that a round has read is not read again.

use std::collections::{BTreeMap, HashSet};

use futures::future::{BoxFuture, join_all};

use super::{
    Error,
    clock::Stopwatch,
    fresh::Note,
    judge::{About, Fresh},
    live::{Logs, Scope},
    progress::Phase,
    pull::LATE_MS,
    read::Reading,
    run::{Round, begin},
    source::Found,
    tasks::Work,
};
use crate::{
    model::{
        Day, DayRange, LogKind, OwnerAlias,
        record::Kept,
        report::{Report, Stage, Verdict},
    },
    store::ManifestRow,
};

/// Raw bytes that are read of the bucket for one alarm: some seconds of work.
pub const MOST_RAW: u64 = 100_000_000;

/// Objects that are read before it is looked how much that was.
const AT_ONCE: usize = 2;

/// Words of lines that tell of trouble, as a full-text index has them.
const TROUBLE: [&str; 8] = [
    "error",
    "exception",
    "fail",
    "failed",
    "fatal",
    "panic",
    "timeout",
    "refused",
];

/// From when to when, and names that matter then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub from_ms: i64,
    pub to_ms: i64,
    /// Objects: of very many business lines, those that name them are read beside those of trouble.
    pub names: Vec<String>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// The day's report, or what a diagnosis of the window made of it; the newest day first, none of a day without a record.
    pub reports: Vec<Report>,
    /// Lines of the window that lie in no bucket yet.
    pub lines: Vec<Kept>,
    /// What CLS was asked, by kind.
    pub asked: Vec<(LogKind, Note)>,
    /// Objects of the window that were too much to read.
    pub unread: u64,
    /// Why the bucket could not be read, a sentence for the owner.
    pub failed: Option<String>,
}

/// Reads the logs around an alarm of an owner; a failure is a sentence for the owner.
pub type ReadAround =
    dyn Fn(OwnerAlias, Window) -> BoxFuture<'static, Result<Seen, String>> + Send + Sync;

impl Window {
    /// The days it lies in, the newest first.
    #[must_use]
    pub fn days(&self, zone: &jiff::tz::TimeZone) -> Vec<Day> {
        let mut days = vec![Day::of(self.to_ms, zone), Day::of(self.from_ms, zone)];
        days.dedup();
        days
    }

    /// The part of it in a day, until now.
    fn within(&self, day: &DayRange, now_ms: i64) -> DayRange {
        DayRange {
            start_ms: self.from_ms.max(day.start_ms),
            end_ms: self.to_ms.min(day.end_ms).min(now_ms),
            zone: day.zone.clone(),
        }
    }

    /// One group of words for `Scope::Around`: any of the names, any sign of trouble.
    fn words(&self) -> Vec<String> {
        let names = self.names.iter().map(String::as_str);
        vec![names.chain(TROUBLE).collect::<Vec<_>>().join("|")]
    }
}

impl Round {
    /// Reads of the bucket what is needed of a window, where nothing has read it.
    pub(super) async fn pull_around(
        &self,
        day: Day,
        from_ms: i64,
        to_ms: i64,
        work: &Work,
    ) -> Result<(), Error> {
        if self.is_read(day).await?.is_some() {
            return Ok(());
        }
        let (range, window) = (
            day.range(&self.judge.zone),
            Window {
                from_ms,
                to_ms,
                names: Vec::new(),
            },
        );
        let window = window.within(&range, self.now_ms);
        if window.start_ms >= window.end_ms {
            return Ok(());
        }
        let clock = Stopwatch::default();
        let reading = self.reading(day, &range, &clock, work);
        work.progress.begin(Phase::Listing, 0, 0);
        for kind in [LogKind::Event, LogKind::Audit, LogKind::Business] {
            let all = self.source.list_until(kind, &window, LATE_MS).await?;
            let manifest = self.store.manifest(day).await?;
            let mut fresh = Reading::fresh(all.clone(), &manifest);
            // The newest first: what set an alarm off came shortly before it.
            fresh.reverse();
            begin(work, Phase::of(kind), [&fresh]);
            for some in fresh.chunks(AT_ONCE) {
                let manifest = self.store.manifest(day).await?;
                if kind == LogKind::Business && raw_bytes(&manifest, &window) >= MOST_RAW {
                    break;
                }
                reading.read(kind, some.to_vec(), &all).await?;
            }
        }
        Ok(())
    }

    /// What is known of a window by now: of the bucket what was pulled, of CLS what is not shipped.
    pub async fn around(&self, window: &Window) -> Result<Seen, Error> {
        let mut seen = Seen::default();
        for day in window.days(&self.judge.zone) {
            if let Some(report) = self.is_read(day).await? {
                seen.reports.push(report);
            } else {
                self.look_around(day, window, &mut seen).await?;
            }
        }
        Ok(seen)
    }

    async fn look_around(&self, day: Day, window: &Window, seen: &mut Seen) -> Result<(), Error> {
        let range = day.range(&self.judge.zone);
        let window_of_day = window.within(&range, self.now_ms);
        if window_of_day.start_ms >= window_of_day.end_ms {
            return Ok(());
        }
        seen.unread += self.unread(day, &window_of_day).await;
        let (from_ms, to_ms) = (window_of_day.start_ms, window_of_day.end_ms);
        let asking = LogKind::ALL.into_iter().map(|kind| async move {
            let scope = match kind {
                LogKind::Business => Scope::Around(window.words()),
                LogKind::Event => Scope::Whole,
                LogKind::Audit => Scope::Writes,
            };
            (kind, self.unshipped(kind, from_ms, to_ms, scope).await)
        });
        let mut fresh: Fresh = Vec::new();
        for (kind, answer) in join_all(asking).await {
            let Some((note, logs)) = answer else {
                continue;
            };
            if let Some(logs) = logs {
                let (digest, lines) = self.digest_of(day, kind, &logs, &range).await?;
                fresh.push((kind, digest));
                seen.lines.extend(lines);
            }
            seen.asked.push((kind, note));
        }
        // A day that was read as far as it went stays one; else, of no kind all is read that the day holds.
        let known = self.store.report(day).await?;
        let whole = known.is_some_and(|r| r.tells_the_day());
        let unread = LogKind::ALL.map(|kind| (kind, u64::from(!whole)));
        let about = About {
            day,
            stage: if whole { Stage::Day } else { Stage::Windows },
            unread: &BTreeMap::from(unread),
            shipping: &BTreeMap::new(),
            baseline_days: self.baseline_days,
            fresh: &fresh,
        };
        let files = self.shelf.files(day);
        let clock = Stopwatch::default();
        let judged = self.judge.report(&self.store, files, about, &clock).await?;
        let report = judged.report;
        if report.verdict == Verdict::Unknown {
            return Ok(());
        }
        seen.reports.push(if self.store.is_writer() {
            self.keep_seen(report).await?
        } else {
            report
        });
        Ok(())
    }

    /// Keeps it as a revision, so that "why" and "roll it back" find the incident that was told. Older readers wait for the whole day.
    async fn keep_seen(&self, report: Report) -> Result<Report, Error> {
        let texts = self.judge.texts(&self.store, report).await?;
        let mut report = texts.report;
        report.revision = self.store.put_revision(report.clone()).await?;
        let unpublished = Self {
            publish: None,
            ..self.clone()
        };
        unpublished.write_files(&report, &texts.summary, &texts.analysis)?;
        Ok(report)
    }

    /// What CLS gave, without what the bucket has given already.
    async fn digest_of(
        &self,
        day: Day,
        kind: LogKind,
        logs: &Logs,
        range: &DayRange,
    ) -> Result<(crate::model::shapes::ObjectDigest, Vec<Kept>), Error> {
        let known = self.store.identities(day, kind).await?;
        let known: HashSet<u64> = known.into_iter().flat_map(|(_, ids)| ids).collect();
        let (logs, range) = (logs.clone(), range.clone());
        super::judge::blocking(move || (logs.digest_beside(&range, known), logs.kept())).await
    }

    /// Objects of the window that are not read. A bucket that cannot be listed was told when it was to be read.
    async fn unread(&self, day: Day, window: &DayRange) -> u64 {
        let manifest = self.store.manifest(day).await.unwrap_or_default();
        let mut unread = 0;
        for kind in LogKind::ALL {
            let listed = self.source.list_until(kind, window, LATE_MS).await;
            let fresh: Vec<Found> = Reading::fresh(listed.unwrap_or_default(), &manifest);
            unread += fresh.len() as u64;
        }
        unread
    }

    /// The report of a day that a round has read to its end.
    async fn is_read(&self, day: Day) -> Result<Option<Report>, Error> {
        let report = self.store.report(day).await?;
        Ok(report.filter(|r| r.stage >= Stage::Complete))
    }
}

/// Raw bytes of the objects that were read and have lines of the window.
fn raw_bytes(manifest: &[ManifestRow], window: &DayRange) -> u64 {
    let touches = |row: &&ManifestRow| {
        row.span
            .is_some_and(|(first, last)| first < window.end_ms && last >= window.start_ms)
    };
    let bytes = manifest.iter().filter(touches).map(|row| row.counts.bytes);
    bytes.sum()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn a_window_over_midnight_lies_in_two_days_and_ends_now() {
        let day = |text: &str| text.parse::<Day>().expect("day");
        let range = day("2026-11-22").range(&TimeZone::UTC);
        let window = Window {
            from_ms: range.start_ms - 600_000,
            to_ms: range.start_ms + 1_200_000,
            names: vec!["checkout".to_owned()],
        };
        assert_eq!(
            window.days(&TimeZone::UTC),
            [day("2026-11-22"), day("2026-11-21")]
        );
        let now_ms = range.start_ms + 300_000;
        let part = window.within(&range, now_ms);
        assert_eq!((part.start_ms, part.end_ms), (range.start_ms, now_ms));
        assert!(window.words()[0].starts_with("checkout|error|"));
    }
}
