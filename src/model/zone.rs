//! A time zone that remembers the name it was given.

use std::{fmt, str::FromStr};

use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An IANA name (`Asia/Shanghai`), or `GMT+08:00` as shipping tasks write it (`UTC+8` too).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub const fn time_zone(&self) -> &TimeZone {
        &self.zone
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self {
            name: "UTC".to_owned(),
            zone: TimeZone::UTC,
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The text names no time zone.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no time zone; use a name such as Asia/Shanghai, or GMT+08:00")]
pub struct UnknownZone(String);

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(s: &str) -> Result<Self, UnknownZone> {
        let fixed = ["GMT", "UTC"].iter().find_map(|p| s.strip_prefix(p));
        let zone = match fixed.filter(|rest| !rest.is_empty()) {
            Some(rest) => fixed_offset(rest),
            None => TimeZone::get(s).ok(),
        };
        let name = s.to_owned();
        match zone {
            Some(zone) => Ok(Self { name, zone }),
            None => Err(UnknownZone(s.chars().take(60).collect())),
        }
    }
}

/// `+08:00`, `-3`.
fn fixed_offset(text: &str) -> Option<TimeZone> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    // No place on earth is further from Greenwich than 14 hours.
    if !(0..=14).contains(&hours) || !(0..60).contains(&minutes) {
        return None;
    }
    let offset = Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?;
    Some(TimeZone::fixed(offset))
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.name)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_read_as_shipping_tasks_write_them() {
        for text in ["GMT+08:00", "UTC+8", "Asia/Shanghai"] {
            let zone: Zone = text.parse().expect(text);
            let day = "2026-11-21".parse::<crate::model::Day>().expect("day");
            assert_eq!(
                day.range(zone.time_zone()).start_ms,
                1_795_190_400_000,
                "{text}"
            );
        }
        for bad in ["GMT+", "GMT8", "UTC+99", "Nowhere/Land", "GMT+ü", ""] {
            assert!(bad.parse::<Zone>().is_err(), "{bad}");
        }
    }
}
