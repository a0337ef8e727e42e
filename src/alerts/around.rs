//! What is known about the quarter hour around an alarm.
//!
//! In: an owner's store, an alarm, what was read for it just now. Out: [`Around`]: the day's report, the lines of the window, and
//! earlier alarms of the same kind. Always true: what was not looked at is said ([`LogsSeen`]); that the day was read elsewhere says
//! nothing of the window. Judges nothing: that is [`super::analyse()`].

use std::collections::HashSet;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Alarm, analyse::Analysis};
use crate::{
    model::{
        Day, EvidenceId, LogKind, Moment,
        record::Kept,
        report::{Report, Stage, Verdict},
    },
    round::around::Seen,
    store::{self, AlarmRow, Store},
};

/// A policy looks at one to five minutes and needs several in a row; what set it off lies at most this far back.
pub(super) const BEFORE_MS: i64 = 15 * 60 * 1000;
const AFTER_MS: i64 = 15 * 60 * 1000;
/// An alarm that goes on for hours is explained by how it began.
const LONGEST_MS: i64 = 60 * 60 * 1000;
/// Business lines that are looked at; events and changes are few and looked at whole.
const MOST_BUSINESS: u32 = 10_000;
/// A cluster's events and writes of an hour; far more than a healthy one has.
const MOST_OTHERS: u32 = 50_000;
/// Earlier alarms of the same kind that are recalled.
const MOST_PAST: u32 = 50;

/// See the module's head.
#[derive(Debug, Clone, PartialEq)]
pub struct Around {
    /// The newest revision of the alarm's day; while that day was not run, of the day before: what was wrong may still be so.
    pub report: Option<Report>,
    /// Kept lines of all kinds in the window, by kind and time.
    pub lines: Vec<Kept>,
    pub logs: LogsSeen,
    /// Newest first.
    pub past: Vec<Past>,
    /// The owner's clock.
    pub zone: TimeZone,
}

/// Which logs were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsSeen {
    pub from: Moment,
    pub to: Moment,
    pub source: LogSource,
    pub lines: u64,
    /// There were more lines than were looked at.
    pub cut: bool,
    /// What was cut, and what could not be asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<LogNote>,
}

/// A limit of what was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum LogNote {
    /// Of very many lines of a kind, those that tell of trouble or name the object.
    Cut {
        kind: LogKind,
        read: u64,
        /// All lines of the window, where the service told.
        of: Option<u64>,
    },
    /// Objects in the bucket that were too much for one alarm.
    Unread { objects: u64 },
    /// A sentence.
    Failed { why: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogSource {
    /// What was read of the bucket.
    Store,
    /// The same, and what CLS had not shipped yet.
    Live,
    /// There are no logs of that time here.
    None,
}

impl LogsSeen {
    /// Whether lines of that time may have been left out that tell of trouble.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        let leaves_out = |note: &LogNote| !matches!(note, LogNote::Cut { .. });
        self.notes.iter().any(leaves_out) || self.cut && self.notes.is_empty()
    }
}

/// An earlier occurrence of the same alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    pub at: Moment,
    pub times: u32,
    /// What explained it then: the incident's title, or what its logs showed.
    pub cause: Option<String>,
}

/// First and last instant worth looking at.
#[must_use]
pub(super) fn window(alarm: &Alarm) -> (i64, i64) {
    let end = alarm.recovered_ms.unwrap_or(alarm.first_ms);
    let end = end.clamp(alarm.first_ms, alarm.first_ms + LONGEST_MS);
    (alarm.first_ms - BEFORE_MS, end + AFTER_MS)
}

impl Around {
    /// What is known where there is no data at all.
    #[must_use]
    pub fn nothing(alarm: &Alarm, zone: &TimeZone) -> Self {
        let (from_ms, to_ms) = window(alarm);
        Self {
            report: None,
            lines: Vec::new(),
            logs: LogsSeen {
                from: Moment::new(from_ms, zone),
                to: Moment::new(to_ms, zone),
                source: LogSource::None,
                lines: 0,
                cut: false,
                notes: Vec::new(),
            },
            past: Vec::new(),
            zone: zone.clone(),
        }
    }
}

/// Looks everything up that is stored, beside what was read for the alarm just now.
pub async fn gather(
    store: &Store,
    alarm: &Alarm,
    zone: &TimeZone,
    seen: Option<&Seen>,
) -> Result<Around, store::Error> {
    let (from_ms, to_ms) = window(alarm);
    let (mut lines, mut cut) = stored_lines(store, from_ms, to_ms, zone).await?;
    let mut count = lines.len() as u64;
    let mut notes = Vec::new();
    let mut asked = false;
    if let Some(seen) = seen {
        let here: HashSet<EvidenceId> = lines.iter().map(|l| l.id).collect();
        let fresh = seen
            .lines
            .iter()
            .filter(|l| (from_ms..to_ms).contains(&l.ts_ms) && !here.contains(&l.id));
        let before = lines.len();
        lines.extend(fresh.cloned());
        count += (lines.len() - before) as u64;
        asked = seen.asked.iter().any(|(_, note)| note.failed.is_none());
        cut |= seen.unread > 0 || seen.asked.iter().any(|(_, note)| note.cut.is_some());
        notes = notes_of(seen);
    }
    let day = Day::of(alarm.first_ms, zone);
    let mut reports = seen.map_or_else(Vec::new, |s| s.reports.clone());
    // The day of the alarm explains it before another one does.
    reports.sort_by_key(|r| r.date != day);
    let mut report = match reports.into_iter().next() {
        Some(report) => Some(report),
        None => store.report(day).await?,
    };
    let is_known = !lines.is_empty() || asked || is_read(store, from_ms, to_ms, zone).await?;
    if report.is_none() && !asked {
        report = store.report(day.plus(-1)).await?;
    }
    let moment = |ms| Moment::new(ms, zone);
    let earlier = store.alarms_of_kin(alarm.kin(), MOST_PAST).await?;
    Ok(Around {
        logs: LogsSeen {
            from: moment(from_ms),
            to: moment(to_ms),
            source: match (is_known, asked) {
                (false, _) => LogSource::None,
                (true, false) => LogSource::Store,
                (true, true) => LogSource::Live,
            },
            lines: count,
            cut,
            notes,
        },
        report,
        lines,
        past: earlier
            .iter()
            .filter(|row| row.what.first_ms < alarm.first_ms)
            .map(|row| past(row, zone))
            .collect(),
        zone: zone.clone(),
    })
}

/// Whether anything was read of the window itself: an object that reaches into it, or its day from end to end.
async fn is_read(
    store: &Store,
    from_ms: i64,
    to_ms: i64,
    zone: &TimeZone,
) -> Result<bool, store::Error> {
    let mut days = vec![Day::of(from_ms, zone), Day::of(to_ms, zone)];
    days.dedup();
    for day in days {
        let rows = store.manifest(day).await?;
        let mut spans = rows.iter().filter_map(|row| row.span);
        if spans.any(|(first, last)| first < to_ms && last >= from_ms) {
            return Ok(true);
        }
        let whole = |report: Report| {
            let mut kinds = report.coverage.values().filter(|c| c.objects > 0);
            report.stage >= Stage::Complete
                && report.verdict != Verdict::Unknown
                && kinds.all(|kind| kind.complete)
        };
        if store.report(day).await?.is_some_and(whole) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Kept lines of the window, and whether there are more.
async fn stored_lines(
    store: &Store,
    from_ms: i64,
    to_ms: i64,
    zone: &TimeZone,
) -> Result<(Vec<Kept>, bool), store::Error> {
    let mut days = vec![Day::of(from_ms, zone), Day::of(to_ms, zone)];
    days.dedup();
    let (mut lines, mut cut) = (Vec::new(), false);
    for day in &days {
        for kind in LogKind::ALL {
            let most = if kind == LogKind::Business {
                MOST_BUSINESS
            } else {
                MOST_OTHERS
            };
            // One more than is used tells whether there are more.
            let mut found = store
                .kept_between(*day, kind, from_ms, to_ms, most + 1)
                .await?;
            if found.len() > most as usize {
                cut = true;
                found.truncate(most as usize);
            }
            lines.append(&mut found);
        }
    }
    Ok((lines, cut))
}

/// What was cut and what failed.
fn notes_of(seen: &Seen) -> Vec<LogNote> {
    let mut notes = Vec::new();
    if seen.unread > 0 {
        notes.push(LogNote::Unread {
            objects: seen.unread,
        });
    }
    for (kind, note) in &seen.asked {
        if let Some(cut) = note.cut {
            let (kind, read, of) = (*kind, cut.read, cut.of);
            notes.push(LogNote::Cut { kind, read, of });
        }
        if let Some(why) = &note.failed {
            notes.push(LogNote::Failed { why: why.clone() });
        }
    }
    notes.extend(
        seen.failed
            .iter()
            .map(|why| LogNote::Failed { why: why.clone() }),
    );
    notes.dedup();
    notes
}

fn past(row: &AlarmRow, zone: &TimeZone) -> Past {
    let analysis: Option<Analysis> = row
        .analysis
        .clone()
        .and_then(|a| serde_json::from_value(a).ok());
    Past {
        at: Moment::new(row.what.first_ms, zone),
        times: row.times,
        cause: analysis.and_then(|a| {
            let incident = a.incidents.first().map(|i| i.title.clone());
            let sign = || {
                a.signs
                    .iter()
                    .map(|s| s.name.clone())
                    .find(|n| !n.is_empty())
            };
            incident.or_else(sign)
        }),
    }
}
