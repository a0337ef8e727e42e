//! The time of day that somebody means: 10:02, 上午十点, 下午3点半, 2026-11-21T10:02:11+08:00.
//!
//! In: what was said, and the day it is about. Out: Unix milliseconds. Pure. Always true: a bare time lies in the given day; a full
//! date and time with offset is that instant, whatever the day.

use jiff::{Timestamp, civil::DateTime};

use super::numerals;
use crate::model::DayRange;

/// Nothing that looks like a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mcp) struct Unclear;

/// Reads a time of the day `range`; `None` for an empty text.
pub(in crate::mcp) fn instant(said: &str, range: &DayRange) -> Result<Option<i64>, Unclear> {
    let text = numerals::plain(said);
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(exact) = text.to_uppercase().parse::<Timestamp>() {
        return Ok(Some(exact.as_millisecond()));
    }
    let iso = text.replacen(' ', "t", 1).replace('/', "-").to_uppercase();
    if let Ok(civil) = iso.parse::<DateTime>()
        && text.contains('-')
    {
        let exact = range.zone.to_timestamp(civil).map_err(|_| Unclear)?;
        return Ok(Some(exact.as_millisecond()));
    }
    let seconds = clock(text).ok_or(Unclear)?;
    Ok(Some(range.start_ms + seconds * 1000))
}

/// Words that put an hour of twelve into the day, and the hour from which on they add twelve.
const HALVES: [(&str, Half); 14] = [
    ("凌晨", Half::Morning),
    ("清晨", Half::Morning),
    ("早上", Half::Morning),
    ("早晨", Half::Morning),
    ("上午", Half::Morning),
    ("am", Half::Morning),
    ("a.m.", Half::Morning),
    ("中午", Half::Noon),
    ("下午", Half::Evening),
    ("傍晚", Half::Evening),
    ("晚上", Half::Evening),
    ("夜里", Half::Evening),
    ("pm", Half::Evening),
    ("p.m.", Half::Evening),
];

#[derive(Clone, Copy)]
enum Half {
    Morning,
    Noon,
    Evening,
}

/// Seconds since midnight, up to 24:00.
fn clock(text: &str) -> Option<i64> {
    let half = HALVES
        .iter()
        .find(|(word, _)| text.contains(word))
        .map(|(_, half)| *half);
    let marked = half.is_some() || text.contains([':', '点', '时', '分']);
    let numbers: Vec<i64> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|n| !n.is_empty())
        .map(|n| n.parse().ok())
        .collect::<Option<_>>()?;
    let (hour, minute, second) = match numbers[..] {
        [h] if marked && text.contains('半') => (h, 30, 0),
        [h] if marked && text.contains("1刻") => (h, 15, 0),
        [h] if marked || h < 24 => (h, 0, 0),
        [h, 1] if text.contains("1刻") => (h, 15, 0),
        [h, 3] if text.contains("3刻") => (h, 45, 0),
        [h, m] if marked => (h, m, 0),
        [h, m, s] if marked => (h, m, s),
        _ => return None,
    };
    let hour = match (half, hour) {
        (Some(Half::Morning), 12) => 0,
        (Some(Half::Evening), 12)
            if text.contains("pm") || text.contains("p.m") || text.contains("下午") =>
        {
            12
        }
        (Some(Half::Evening), 12) => 24,
        (Some(Half::Evening), h) if h < 12 => h + 12,
        (Some(Half::Noon), h) if h < 3 => h + 12,
        (_, h) => h,
    };
    let seconds = hour * 3600 + minute * 60 + second;
    (minute < 60 && second < 60 && seconds <= 24 * 3600).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::model::Day;

    fn range() -> DayRange {
        let day: Day = "2026-11-21".parse().expect("day");
        day.range(&TimeZone::get("Asia/Shanghai").expect("zone"))
    }

    fn read(said: &str) -> Result<Option<String>, Unclear> {
        instant(said, &range()).map(|ms| ms.map(|ms| range().moment(ms).to_string()))
    }

    #[test]
    fn what_people_say_for_a_time() {
        for (said, meant) in [
            ("10:02", "2026-11-21T10:02:00+08:00"),
            ("10:02:11", "2026-11-21T10:02:11+08:00"),
            ("10", "2026-11-21T10:00:00+08:00"),
            ("10点", "2026-11-21T10:00:00+08:00"),
            ("上午十点二十", "2026-11-21T10:20:00+08:00"),
            ("十点半", "2026-11-21T10:30:00+08:00"),
            ("下午3点", "2026-11-21T15:00:00+08:00"),
            ("晚上八点十五分", "2026-11-21T20:15:00+08:00"),
            ("凌晨12点", "2026-11-21T00:00:00+08:00"),
            ("晚上12点", "2026-11-22T00:00:00+08:00"),
            ("中午一点", "2026-11-21T13:00:00+08:00"),
            ("3pm", "2026-11-21T15:00:00+08:00"),
            ("12 PM", "2026-11-21T12:00:00+08:00"),
            ("24:00", "2026-11-22T00:00:00+08:00"),
            ("１０：０２", "2026-11-21T10:02:00+08:00"),
            ("2026-11-21T10:02:11+08:00", "2026-11-21T10:02:11+08:00"),
            ("2026-11-21T02:02:11Z", "2026-11-21T10:02:11+08:00"),
            ("2026-11-21 10:02", "2026-11-21T10:02:00+08:00"),
        ] {
            assert_eq!(read(said), Ok(Some(meant.to_owned())), "{said}");
        }
        assert_eq!(read(" "), Ok(None));
    }

    #[test]
    fn nonsense_is_unclear() {
        for said in [
            "中间",
            "25:00",
            "10:61",
            "1795312800000",
            "99点",
            ":",
            "10:02:99",
        ] {
            assert_eq!(read(said), Err(Unclear), "{said}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_a_time_or_a_reason(said in "\\PC{0,40}") {
            let _ = instant(&said, &range());
        }
    }
}
