//! Finds an instant at a byte: the forms in which loggers write dates and times.
//!
//! In: the line and the byte where a chunk starts. Out: the range of the date, the time, or both with offset. Purely syntactic:
//! `29:99` is no time, `2026-13-41` is no date.

use std::ops::Range;

use super::{kinds::Kind, scan::Line};

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// The instant that starts at `start`, if one does.
pub(super) fn find(line: &Line<'_>, start: usize) -> Option<Range<usize>> {
    let b = line.bytes;
    // klog: I1121 22:48:39.582644
    if matches!(b[start], b'I' | b'W' | b'E' | b'F') {
        let end = digits(line, start + 1, 4, 4)?;
        let clock = (b.get(end) == Some(&b' ')).then(|| clock(line, end + 1))??;
        return Some(start + 1..clock);
    }
    // What follows the first digits tells which form it may be; most numbers are none.
    let first = line.digits(start) - start;
    match b.get(start + first) {
        Some(b':') if first <= 2 => {
            let end = clock(line, start)?;
            return boundary(line, end).then_some(start..end);
        }
        Some(b'T') if first == 8 => {
            let end = compact(line, start)?;
            return boundary(line, end).then_some(start..end);
        }
        Some(b'/' | b'-') if matches!(first, 1 | 2 | 4) => {}
        Some(b' ') if first <= 2 => {}
        Some(b'.' | 128..) if first == 4 => {}
        _ => return None,
    }
    if let Some(second) = iso(line, start) {
        let end = behind_seconds(line, second);
        return boundary(line, end).then_some(start..end);
    }
    let end = date(line, start)?;
    let mut all = end;
    // No space stands behind 日.
    let chinese = b[end - 1] >= 128;
    if chinese && let Some(clock) = clock(line, end).or_else(|| chinese_clock(line, end)) {
        all = clock;
    } else if let Some(sep) = b.get(end)
        && matches!(sep, b' ' | b'T' | b':' | b'-' | b'_')
        && let Some(clock) = clock(line, end + 1)
    {
        all = clock;
    } else if let Some(clock) = chinese_clock(line, end) {
        all = clock;
    }
    (chinese && all == end || boundary(line, all)).then_some(start..all)
}

/// `10时00分08秒` behind a date, with or without a space.
fn chinese_clock(line: &Line<'_>, date: usize) -> Option<usize> {
    let b = line.bytes;
    let at = date + usize::from(b.get(date) == Some(&b' '));
    let hour = mark(line, digits(line, at, 1, 2)?, "时")?;
    let minute = mark(line, digits(line, hour, 1, 2)?, "分")?;
    Some(
        digits(line, minute, 1, 2)
            .and_then(|second| mark(line, second, "秒"))
            .unwrap_or(minute),
    )
}

/// The end of `word` when it stands at `at`.
fn mark(line: &Line<'_>, at: usize, word: &str) -> Option<usize> {
    let b = line.bytes;
    b.get(at..)?
        .starts_with(word.as_bytes())
        .then_some(at + word.len())
}

/// A date that begins with the name of a weekday or a month in `b[from..at]` and whose first digit stands at `at`.
#[inline]
pub(super) fn calendar_to(line: &Line<'_>, from: usize, at: usize) -> Option<Range<usize>> {
    // Six bytes before the digit at most: most words before a number have no capital there.
    let capital = |[a, b, c, ..]: &[u8; 6]| {
        a.is_ascii_uppercase() | b.is_ascii_uppercase() | c.is_ascii_uppercase()
    };
    if line.bytes[..at].last_chunk().is_none_or(capital) {
        calendar_with_name(line, from, at)
    } else {
        None
    }
}

fn calendar_with_name(line: &Line<'_>, from: usize, at: usize) -> Option<Range<usize>> {
    let name = name_before(line, from, at)?;
    name_before(line, from, name)
        .and_then(|weekday| calendar(line, weekday))
        .or_else(|| calendar(line, name))
}

/// Where a word of three letters begins, a capital first, behind which only a space or two stand before `at`, or a comma and these.
fn name_before(line: &Line<'_>, from: usize, at: usize) -> Option<usize> {
    let b = line.bytes;
    let before = &b[from..at];
    let spaces = before.iter().rev().take_while(|b| **b == b' ').count();
    let word = &before[..before.len() - spaces];
    let word = word.strip_suffix(b",").unwrap_or(word);
    let start = word.len().checked_sub(3)?;
    let alone = start == 0 || line.run_start(Kind::Chunk, from + start) == from + start;
    ((1..=2).contains(&spaces) && alone && word[start].is_ascii_uppercase()).then_some(from + start)
}

/// A date that begins with the name of a weekday or a month: `Fri Jul  1 10:00:00 2005`, `Thu Aug 11 10:00:00 PDT 2005`, `Nov 21 10:00:00`,
/// `Sat, 21 Nov 2026 10:00:08 GMT`, `Nov 21, 2026 10:00:08 AM`.
fn calendar(line: &Line<'_>, start: usize) -> Option<Range<usize>> {
    const WEEKDAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    let b = line.bytes;
    let mut at = start;
    if WEEKDAYS.contains(&b.get(at..at + 3)?) {
        at = spaces(line, at + 3 + usize::from(b.get(at + 3) == Some(&b',')))?;
        // The form of HTTP headers.
        if let Some(day) = date(line, at) {
            let end = zone(line, clock(line, spaces(line, day)?)?);
            return boundary(line, end).then_some(start..end);
        }
    }
    if !MONTHS.contains(&b.get(at..at + 3)?) {
        return None;
    }
    let mut day = digits(line, spaces(line, at + 3)?, 1, 2)?;
    if b.get(day) == Some(&b',') {
        day = digits(line, spaces(line, day + 1)?, 4, 4)?;
    }
    let mut end = clock(line, spaces(line, day)?)?;
    if let Some(year) = spaces(line, zone(line, end)).and_then(|at| digits(line, at, 4, 4)) {
        end = year;
    }
    boundary(line, end).then_some(start..end)
}

/// The end of a zone such as `GMT` or `CEST` behind a clock that ends at `at`; `at` when there is none.
fn zone(line: &Line<'_>, at: usize) -> usize {
    let b = line.bytes;
    let name = spaces(line, at).map_or(0, |at| {
        b[at..]
            .iter()
            .take_while(|c| c.is_ascii_uppercase())
            .count()
    });
    if (3..=4).contains(&name) {
        at + 1 + name
    } else {
        at
    }
}

/// The end of one or two spaces at `at`.
fn spaces(line: &Line<'_>, at: usize) -> Option<usize> {
    let b = line.bytes;
    match b.get(at..)?.iter().take_while(|c| **c == b' ').count() {
        n @ 1..=2 => Some(at + n),
        _ => None,
    }
}

/// `20261121T100008Z`, the basic form of ISO 8601.
fn compact(line: &Line<'_>, at: usize) -> Option<usize> {
    let b = line.bytes;
    let day = digits(line, at, 8, 8)?;
    value(line, at + 4, at + 6, 12)?;
    value(line, at + 6, day, 31)?;
    let time = (b.get(day) == Some(&b'T')).then(|| digits(line, day + 1, 6, 6))??;
    value(line, day + 1, day + 3, 24)?;
    Some(time + usize::from(b.get(time) == Some(&b'Z')))
}

/// `hh:mm`, `hh:mm:ss`, with fractions, `Z` or an offset.
fn clock(line: &Line<'_>, at: usize) -> Option<usize> {
    let b = line.bytes;
    let second = match b.get(at..at + 9) {
        // By far the most frequent form.
        Some([h1, h2, b':', m1, m2, b':', s1, s2, end])
            if [h1, h2, m1, m2, s1, s2].iter().all(|c| c.is_ascii_digit())
                && !end.is_ascii_digit() =>
        {
            value(line, at, at + 2, 24)?;
            value(line, at + 3, at + 5, 59)?;
            value(line, at + 6, at + 8, 60)?;
            at + 8
        }
        _ => {
            let hour = digits(line, at, 1, 2)?;
            value(line, at, hour, 24)?;
            let minute = colon(line, hour).and_then(|at| digits(line, at, 2, 2))?;
            value(line, hour + 1, minute, 59)?;
            let Some(second) = colon(line, minute).and_then(|at| digits(line, at, 2, 2)) else {
                // `12:30` may be anything, `1:2` surely is no time.
                return (hour - at == 2 && b.get(minute) != Some(&b':')).then_some(minute);
            };
            value(line, minute + 1, second, 60)?;
            second
        }
    };
    Some(behind_seconds(line, second))
}

/// The end of `2026-11-21T10:00:08` and `2026-11-21 10:00:08`, which nearly every line begins with.
fn iso(line: &Line<'_>, at: usize) -> Option<usize> {
    let b = line.bytes;
    let all: &[u8; 20] = b.get(at..)?.first_chunk()?;
    let marks = [all[4], all[7], all[13], all[16]] == *b"--::" && matches!(all[10], b'T' | b' ');
    let two = |at: usize| {
        let (tens, ones) = (all[at].wrapping_sub(b'0'), all[at + 1].wrapping_sub(b'0'));
        (tens < 10 && ones < 10).then(|| tens * 10 + ones)
    };
    let real = marks
        && two(0).is_some()
        && two(2).is_some()
        && two(5)? <= 12
        && two(8)? <= 31
        && two(11)? <= 24
        && two(14)? <= 59
        && two(17)? <= 60
        && !all[19].is_ascii_digit();
    real.then_some(at + 19)
}

/// The end of a clock whose seconds end at `second`: of its fraction, and of what says its zone.
fn behind_seconds(line: &Line<'_>, second: usize) -> usize {
    let b = line.bytes;
    let mut end = second;
    if matches!(b.get(end), Some(b'.' | b',' | b':'))
        && let Some(fraction) = digits(line, end + 1, 1, 9)
    {
        end = fraction;
    }
    match b.get(end) {
        Some(b'Z') => end + 1,
        Some(b'+' | b'-') => offset(line, end).unwrap_or(end),
        Some(b' ') => match b.get(end + 1..end + 3) {
            Some(b"AM" | b"PM" | b"am" | b"pm") if boundary(line, end + 3) => end + 3,
            Some([b'+' | b'-', _]) => offset(line, end + 1).unwrap_or(end),
            _ => end,
        },
        _ => end,
    }
}

/// `+08:00`, `+0800`.
fn offset(line: &Line<'_>, at: usize) -> Option<usize> {
    let b = line.bytes;
    if let Some([b'+' | b'-', h1, h2, b':', m1, m2]) = b.get(at..at + 6)
        && [h1, h2, m1, m2].iter().all(|c| c.is_ascii_digit())
    {
        return boundary(line, at + 6).then_some(at + 6);
    }
    if !matches!(b.get(at), Some(b'+' | b'-')) {
        return None;
    }
    let end = digits(line, at + 1, 4, 4)
        .or_else(|| digits(line, colon(line, digits(line, at + 1, 2, 2)?)?, 2, 2))?;
    boundary(line, end).then_some(end)
}

/// `2026-11-21`, `2026/11/21`, `2026.11.21`, `2026年11月21日`, `21/Nov/2026`, `21 Nov 2026`, `11/21/2026`.
fn date(line: &Line<'_>, at: usize) -> Option<usize> {
    let b = line.bytes;
    if let Some(year) = digits(line, at, 4, 4) {
        if let Some(year) = mark(line, year, "年") {
            let month = mark(line, digits(line, year, 1, 2)?, "月")?;
            return mark(line, digits(line, month, 1, 2)?, "日");
        }
        let sep = *b.get(year).filter(|s| matches!(s, b'-' | b'/' | b'.'))?;
        let month = digits(line, year + 1, 1, 2)?;
        value(line, year + 1, month, 12)?;
        if b.get(month) != Some(&sep) {
            return None;
        }
        let day = digits(line, month + 1, 1, 2)?;
        value(line, month + 1, day, 31)?;
        return Some(day);
    }
    let day = digits(line, at, 1, 2)?;
    let sep = *b.get(day).filter(|s| matches!(s, b'/' | b' ' | b'-'))?;
    if let Some(second) = digits(line, day + 1, 2, 2).filter(|_| sep == b'/') {
        value(line, at, day, 31)?;
        value(line, day + 1, second, 31)?;
        return (b.get(second) == Some(&b'/')).then(|| digits(line, second + 1, 4, 4))?;
    }
    let month = b.get(day + 1..day + 4)?;
    if !MONTHS.contains(&month) || b.get(day + 4) != Some(&sep) {
        return None;
    }
    digits(line, day + 5, 4, 4)
}

/// The end of `least..=most` digits at `at` that no further digit follows.
fn digits(line: &Line<'_>, at: usize, least: usize, most: usize) -> Option<usize> {
    let end = line.digits(at);
    (least..=most).contains(&(end - at)).then_some(end)
}

fn colon(line: &Line<'_>, at: usize) -> Option<usize> {
    let b = line.bytes;
    (b.get(at) == Some(&b':')).then_some(at + 1)
}

fn value(line: &Line<'_>, from: usize, to: usize, most: u32) -> Option<()> {
    let b = line.bytes;
    let value = b[from..to]
        .iter()
        .fold(0, |v, c| v * 10 + u32::from(c - b'0'));
    (value <= most).then_some(())
}

fn boundary(line: &Line<'_>, at: usize) -> bool {
    let b = line.bytes;
    !b.get(at).is_some_and(|c| {
        c.is_ascii_alphanumeric()
            || *c == b'_'
            || *c == b'-' && b.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::{super::scan::Maps, *};

    #[test]
    fn only_real_instants_are_times() {
        for (text, expected) in [
            (
                "2026-11-21T10:00:08.465+08:00 x",
                Some("2026-11-21T10:00:08.465+08:00"),
            ),
            ("2026/11/21 10:00:08 x", Some("2026/11/21 10:00:08")),
            ("10:00:08,123] x", Some("10:00:08,123")),
            (
                "21/Nov/2026:23:19:45 +0800]",
                Some("21/Nov/2026:23:19:45 +0800"),
            ),
            (
                "21 Nov 2026 21:09:33.775 *",
                Some("21 Nov 2026 21:09:33.775"),
            ),
            ("2026-11-21", Some("2026-11-21")),
            ("2026-11-21 9:05:08 PM x", Some("2026-11-21 9:05:08 PM")),
            ("11/21/2026 10:00:08", Some("11/21/2026 10:00:08")),
            ("11/45/2026", None),
            (
                "2026年11月21日 10时00分08秒启动",
                Some("2026年11月21日 10时00分08秒"),
            ),
            ("2026年11月21日10:00", Some("2026年11月21日10:00")),
            ("2026年11月21日3次", Some("2026年11月21日")),
            ("20261121T100008Z", Some("20261121T100008Z")),
            ("20269921T100008Z", None),
            ("29:99", None),
            ("2026-13-41", None),
            ("1:2", None),
            ("E1121 done", None),
        ] {
            let mut maps = Maps::default();
            let found = find(&maps.line(text), 0);
            assert_eq!(found.map(|r| &text[r]), expected, "{text}");
        }
    }

    #[test]
    fn a_date_may_begin_with_a_weekday_or_a_month() {
        for (text, expected) in [
            (
                "Sat Nov 21 10:00:08 CST 2026; x",
                "Sat Nov 21 10:00:08 CST 2026",
            ),
            (
                "Sat, 21 Nov 2026 10:00:08 GMT",
                "Sat, 21 Nov 2026 10:00:08 GMT",
            ),
            ("Nov 21, 2026 10:00:08 AM x", "Nov 21, 2026 10:00:08 AM"),
            ("Nov 21 10:00:08 host", "Nov 21 10:00:08"),
        ] {
            let mut maps = Maps::default();
            let found = calendar(&maps.line(text), 0);
            assert_eq!(found.map(|r| &text[r]), Some(expected));
        }
    }
}
