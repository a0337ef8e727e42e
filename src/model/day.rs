//! A calendar day of an owner's time zone, and the five-minute cells it is counted in.

use std::{fmt, ops::Range, str::FromStr};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Moment;

/// Length of a counting cell in milliseconds.
pub const CELL_MS: i64 = 5 * 60 * 1000;
/// Cells of an ordinary day. A day of 25 hours (daylight saving) folds its last hour into the last cell.
pub const CELLS_PER_DAY: u16 = 288;

/// A calendar day, without a zone. Written `2026-11-21`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(Date);

impl Day {
    /// The day in which `ms` (Unix milliseconds) lies in `zone`.
    #[must_use]
    pub fn of(ms: i64, zone: &TimeZone) -> Self {
        Self(Moment::new(ms, zone).civil().date())
    }

    /// The day `n` days later (earlier when negative); saturates at the ends of the calendar.
    #[must_use]
    pub fn plus(self, n: i32) -> Self {
        Self(self.0.saturating_add(n.days()))
    }

    #[must_use]
    pub const fn date(self) -> Date {
        self.0
    }

    /// The instants of this day in `zone`.
    #[must_use]
    pub fn range(self, zone: &TimeZone) -> DayRange {
        let start = |d: Date| {
            zone.to_timestamp(d.at(0, 0, 0, 0))
                .map_or(0, Timestamp::as_millisecond)
        };
        DayRange {
            start_ms: start(self.0),
            end_ms: start(self.plus(1).0),
            zone: zone.clone(),
        }
    }
}

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        Self(date)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The text is not a date such as `2026-11-21`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a date such as 2026-11-21")]
pub struct InvalidDay(String);

impl FromStr for Day {
    type Err = InvalidDay;

    fn from_str(s: &str) -> Result<Self, InvalidDay> {
        s.trim()
            .parse()
            .map(Self)
            .map_err(|_| InvalidDay(s.to_owned()))
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The instants of a day: `start_ms <= t < end_ms`, Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayRange {
    pub start_ms: i64,
    pub end_ms: i64,
    pub zone: TimeZone,
}

impl DayRange {
    #[must_use]
    pub fn contains(&self, ms: i64) -> bool {
        self.as_range().contains(&ms)
    }

    #[must_use]
    pub const fn as_range(&self) -> Range<i64> {
        self.start_ms..self.end_ms
    }

    /// The five-minute cell of an instant of this day; instants outside are clamped to the first or last cell.
    #[must_use]
    pub fn cell(&self, ms: i64) -> u16 {
        let cell = (ms - self.start_ms).div_euclid(CELL_MS);
        u16::try_from(cell.clamp(0, i64::from(CELLS_PER_DAY) - 1)).unwrap_or(0)
    }

    /// The first instant of a cell.
    #[must_use]
    pub const fn cell_start(&self, cell: u16) -> i64 {
        self.start_ms + cell as i64 * CELL_MS
    }

    #[must_use]
    pub fn moment(&self, ms: i64) -> Moment {
        Moment::new(ms, &self.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shanghai_day_starts_at_sixteen_utc_of_the_day_before() {
        let zone = TimeZone::get("Asia/Shanghai").expect("zone");
        let day: Day = "2026-11-21".parse().expect("day");
        let range = day.range(&zone);
        assert_eq!(range.start_ms, 1_795_190_400_000);
        assert_eq!(range.end_ms - range.start_ms, 86_400_000);
        assert_eq!(
            (range.cell(range.start_ms), range.cell(range.end_ms - 1)),
            (0, 287)
        );
        assert_eq!(Day::of(range.start_ms, &zone), day);
        assert_eq!(Day::of(range.start_ms - 1, &zone), day.plus(-1));
    }
}
