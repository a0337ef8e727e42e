//! What is known about the quarter hour around an alarm.
//!
//! In: an owner's store, an alarm. Out: [`Around`]: the day's report, the kept lines of the window, and earlier alarms of the same
//! kind. Always true: what was not looked at is said ([`LogsSeen`]). Judges nothing: that is [`super::analyse()`].

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Alarm, analyse::Analysis};
use crate::{
    model::{Day, LogKind, Moment, record::Kept, report::Report},
    store::{self, AlarmRow, Store},
};

/// A policy looks at one to five minutes and needs several in a row; what set it off lies at most this far back.
const BEFORE_MS: i64 = 15 * 60 * 1000;
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogSource {
    /// What the round has kept of the day.
    Store,
    /// There are no logs of that time here.
    None,
}

/// An earlier occurrence of the same alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    pub at: Moment,
    pub times: u32,
    /// What explained it then: the incident's title.
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
            },
            past: Vec::new(),
            zone: zone.clone(),
        }
    }
}

/// Looks everything up.
pub async fn gather(store: &Store, alarm: &Alarm, zone: &TimeZone) -> Result<Around, store::Error> {
    let (from_ms, to_ms) = window(alarm);
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
    let day = Day::of(alarm.first_ms, zone);
    let mut report = store.report(day).await?;
    let seen = !lines.is_empty() || report.is_some();
    if report.is_none() {
        report = store.report(day.plus(-1)).await?;
    }
    let moment = |ms| Moment::new(ms, zone);
    let earlier = store.alarms_of_kin(alarm.kin(), MOST_PAST).await?;
    Ok(Around {
        logs: LogsSeen {
            from: moment(from_ms),
            to: moment(to_ms),
            source: if seen {
                LogSource::Store
            } else {
                LogSource::None
            },
            lines: lines.len() as u64,
            cut,
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

fn past(row: &AlarmRow, zone: &TimeZone) -> Past {
    let analysis: Option<Analysis> = row
        .analysis
        .clone()
        .and_then(|a| serde_json::from_value(a).ok());
    Past {
        at: Moment::new(row.what.first_ms, zone),
        times: row.times,
        cause: analysis.and_then(|a| a.incidents.into_iter().next().map(|i| i.title)),
    }
}
