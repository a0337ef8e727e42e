//! An instant that remembers how its owner's clock on the wall showed it.

use std::fmt;

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Unix milliseconds with the zone's offset at that instant. Written as RFC 3339 with whole seconds: `2026-11-21T10:02:11+08:00`.
///
/// Ordered by the instant alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Moment {
    pub ms: i64,
    offset_s: i32,
}

impl Moment {
    #[must_use]
    pub fn new(ms: i64, zone: &TimeZone) -> Self {
        let offset_s = Timestamp::from_millisecond(ms).map_or(0, |t| zone.to_offset(t).seconds());
        Self { ms, offset_s }
    }

    /// Another instant on the same clock.
    #[must_use]
    pub const fn at(self, ms: i64) -> Self {
        Self {
            ms,
            offset_s: self.offset_s,
        }
    }

    /// The date and time on the wall.
    #[must_use]
    pub fn civil(self) -> DateTime {
        let offset = Offset::from_seconds(self.offset_s).unwrap_or(Offset::UTC);
        offset.to_datetime(Timestamp::from_millisecond(self.ms).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// `10:02`.
    #[must_use]
    pub fn hour_minute(self) -> String {
        self.civil().strftime("%H:%M").to_string()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, s) = if self.offset_s < 0 {
            ('-', -self.offset_s)
        } else {
            ('+', self.offset_s)
        };
        write!(
            f,
            "{}{sign}{:02}:{:02}",
            self.civil().strftime("%Y-%m-%dT%H:%M:%S"),
            s / 3600,
            s % 3600 / 60
        )
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = String::deserialize(d)?;
        let pieces = jiff::fmt::temporal::DateTimeParser::new()
            .parse_timestamp(&text)
            .map_err(D::Error::custom)?;
        let offset_s = match text.get(19..) {
            Some(rest) if rest.len() == 6 => {
                let sign = if rest.starts_with('-') { -1 } else { 1 };
                let number = |r: std::ops::Range<usize>| {
                    rest.get(r).and_then(|x| x.parse::<i32>().ok()).unwrap_or(0)
                };
                sign * (number(1..3) * 3600 + number(4..6) * 60)
            }
            _ => 0,
        };
        Ok(Self {
            ms: pieces.as_millisecond(),
            offset_s,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_with_the_offset_of_its_zone_and_read_back() {
        let zone = TimeZone::get("Asia/Shanghai").expect("zone");
        let m = Moment::new(1_795_190_400_000, &zone);
        assert_eq!(m.to_string(), "2026-11-21T00:00:00+08:00");
        assert_eq!(m.hour_minute(), "00:00");
        let back: Moment =
            serde_json::from_str(&serde_json::to_string(&m).expect("write")).expect("read");
        assert_eq!(back, m);
    }
}
