//! Reads of a day only what a question needs, when no round has read it.
//!
//! In: a day and a [`Want`]. Out: digests in the day's file, and for [`Want::Cause`] an interim revision of the report. Always true: only
//! prefixes and hours that the question needs are listed; what is read lies in the manifest, so a later round reads the rest and no
//! object twice. Does not compare with earlier days that were never counted.

use std::collections::BTreeMap;

use super::{
    Error,
    clock::Stopwatch,
    judge::{self, Evidence},
    progress::Phase,
    read::Reading,
    run::{Round, begin},
    tasks::{TaskKey, Work},
};
use crate::{
    diagnosis::{Diagnosis, changes},
    model::{
        Day, DayRange, LogKind,
        report::{ActorKind, Stage},
    },
};

/// A cause lies before its symptom: this far back the other kinds are read.
const BEFORE_MS: i64 = 30 * 60 * 1000;
/// An end shows in the other kinds within minutes of the last symptom.
const AFTER_MS: i64 = 15 * 60 * 1000;
/// CLS ships after at most 15 minutes; what came later than twice that is left to the round.
pub(super) const LATE_MS: i64 = 30 * 60 * 1000;

/// What is wanted of a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Want {
    /// All of it, compared with earlier days: a round.
    #[default]
    Day,
    /// What one kind holds of `from_ms <= t < to_ms`, Unix milliseconds.
    Kind {
        kind: LogKind,
        from_ms: i64,
        to_ms: i64,
    },
    /// One kind, the others around what shows in it, and what that says about the cause.
    Cause { from: LogKind },
    /// The events of a day that has begun, and what they say about the problems of the day before.
    Still,
    /// All kinds of `from_ms <= t < to_ms`, for an alarm; of the business log no more than is sensible.
    Around { from_ms: i64, to_ms: i64 },
}

impl Want {
    /// Whether somebody asked for it, who may ask how far it is.
    #[must_use]
    pub const fn is_asked(self) -> bool {
        !matches!(self, Self::Still | Self::Around { .. })
    }
}

impl Round {
    /// Does what a task is about.
    pub async fn carry_out(&self, key: &TaskKey, work: &Work) -> Result<(), Error> {
        let day = key.day;
        match key.want {
            Want::Day => Box::pin(self.run(day, work)).await.map(drop),
            Want::Kind {
                kind,
                from_ms,
                to_ms,
            } => {
                let zone = self.judge.zone.clone();
                let window = DayRange {
                    start_ms: from_ms,
                    end_ms: to_ms,
                    zone,
                };
                self.pull(day, kind, &[window], i64::MAX, work)
                    .await
                    .map(drop)
            }
            Want::Cause { from } => Box::pin(self.pull_cause(day, from, work)).await,
            Want::Still => Box::pin(self.look_again(day, work)).await,
            Want::Around { from_ms, to_ms } => {
                Box::pin(self.pull_around(day, from_ms, to_ms, work)).await
            }
        }
    }

    async fn pull_cause(&self, day: Day, from: LogKind, work: &Work) -> Result<(), Error> {
        let whole = day.range(&self.judge.zone);
        let mut new = self
            .pull(day, from, std::slice::from_ref(&whole), i64::MAX, work)
            .await?;
        work.progress.begin(Phase::Diagnosing, 0, 0);
        let evidence = self
            .judge
            .evidence(&self.store, day, self.baseline_days, &[])
            .await?;
        let judge = self.judge.clone();
        let windows = judge::blocking(move || {
            let diagnosis = judge.diagnose(&evidence, day);
            windows(shown(&evidence, &diagnosis, from, &whole), &whole)
        })
        .await?;
        let mut unread = BTreeMap::from([(from, 0)]);
        for kind in LogKind::ALL.into_iter().filter(|kind| *kind != from) {
            new |= self.pull(day, kind, &windows, LATE_MS, work).await?;
            // Not even listed beyond the windows: neither complete nor missing from the bucket.
            unread.insert(kind, 1);
        }
        let known = self.store.report(day).await?;
        let nothing = self.store.manifest(day).await?.is_empty();
        if nothing || !new && known.is_some_and(|r| r.stage >= Stage::Windows) {
            return Ok(());
        }
        self.revise(day, Stage::Windows, &unread, work, &Stopwatch::default())
            .await
            .map(drop)
    }

    /// Reads the objects of a kind that may hold lines of the windows; true when there were any to read.
    pub(super) async fn pull(
        &self,
        day: Day,
        kind: LogKind,
        windows: &[DayRange],
        late_ms: i64,
        work: &Work,
    ) -> Result<bool, Error> {
        work.progress.begin(Phase::Listing, 0, 0);
        let mut found = Vec::new();
        for window in windows {
            found.extend(self.source.list_until(kind, window, late_ms).await?);
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        found.dedup_by(|a, b| a.key == b.key);
        let manifest = self.store.manifest(day).await?;
        let fresh = Reading::fresh(found.clone(), &manifest);
        if fresh.is_empty() {
            return Ok(false);
        }
        let range = day.range(&self.judge.zone);
        // A record may lie in an object of another hour too, which is then read once more.
        let elsewhere = manifest
            .iter()
            .any(|row| row.kind == kind && found.iter().all(|f| f.key != row.object.key));
        let all = if elsewhere {
            self.source.list(kind, &range).await?
        } else {
            found
        };
        begin(work, Phase::of(kind), [&fresh]);
        let clock = Stopwatch::default();
        let reading = self.reading(day, &range, &clock, work);
        tracing::info!(owner = %self.store.owner(), %day, %kind, objects = fresh.len(), "reading what a question needs");
        reading.read(kind, fresh, &all).await?;
        Ok(true)
    }
}

/// From when to when something shows in a kind; in the audit log, from when people and pipelines changed something.
fn shown(
    evidence: &Evidence,
    diagnosis: &Diagnosis,
    from: LogKind,
    day: &DayRange,
) -> Vec<(i64, i64)> {
    let told = |id: &String| diagnosis.incidents.iter().any(|i| i.findings.contains(id));
    let findings = diagnosis
        .findings
        .iter()
        .filter(|f| f.kind == from && told(&f.id))
        .map(|f| (f.first_seen.ms, f.last_seen.ms));
    let understood = changes::changes(&evidence.shapes.writes, &evidence.states);
    // How long a change was felt is not seen in the audit log: until the end, so that no end is made up.
    let felt = understood
        .all
        .iter()
        .filter(|c| from == LogKind::Audit && c.set_off_by.is_none())
        .filter(|c| matches!(c.actor, ActorKind::Human | ActorKind::Pipeline))
        .map(|c| (c.at_ms, day.end_ms));
    findings.chain(felt).collect()
}

/// The windows around spans, joined where they meet, inside the day.
pub(super) fn windows(mut spans: Vec<(i64, i64)>, day: &DayRange) -> Vec<DayRange> {
    spans.sort_unstable();
    let mut windows: Vec<DayRange> = Vec::new();
    for (first, last) in spans {
        let start_ms = (first - BEFORE_MS).max(day.start_ms);
        let end_ms = (last + AFTER_MS).min(day.end_ms);
        match windows.last_mut() {
            Some(window) if start_ms <= window.end_ms => {
                window.end_ms = window.end_ms.max(end_ms);
            }
            _ => windows.push(DayRange {
                start_ms,
                end_ms,
                zone: day.zone.clone(),
            }),
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn windows_reach_back_join_where_they_meet_and_stay_inside_the_day() {
        let day = "2026-11-21"
            .parse::<Day>()
            .expect("day")
            .range(&TimeZone::UTC);
        let minute = |m: i64| day.start_ms + m * 60_000;
        let spans: Vec<_> = windows(
            [(630, 700), (10, 10), (600, 600), (1439, 1439)]
                .map(|(first, last)| (minute(first), minute(last)))
                .to_vec(),
            &day,
        )
        .iter()
        .map(|w| {
            (
                (w.start_ms - day.start_ms) / 60_000,
                (w.end_ms - day.start_ms) / 60_000,
            )
        })
        .collect();
        assert_eq!(spans, [(0, 25), (570, 715), (1409, 1440)]);
    }
}
