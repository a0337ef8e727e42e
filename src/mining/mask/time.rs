//! Finds an instant at a byte: the forms in which loggers write dates and times.
//!
//! In: the text and the byte where a chunk starts. Out: the range of the date, the time, or both with offset. Purely syntactic:
//! `29:99` is no time, `2026-13-41` is no date.

use std::ops::Range;

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// The instant that starts at `start`, if one does.
pub(super) fn find(text: &str, start: usize) -> Option<Range<usize>> {
    let b = text.as_bytes();
    // klog: I1121 22:48:39.582644
    if matches!(b[start], b'I' | b'W' | b'E' | b'F') {
        let end = digits(b, start + 1, 4, 4)?;
        let clock = (b.get(end) == Some(&b' ')).then(|| clock(b, end + 1))??;
        return Some(start + 1..clock);
    }
    if let Some(end) = clock(b, start) {
        return boundary(b, end).then_some(start..end);
    }
    let end = date(b, start)?;
    let mut all = end;
    if let Some(sep) = b.get(end)
        && matches!(sep, b' ' | b'T' | b':' | b'-' | b'_')
        && let Some(clock) = clock(b, end + 1)
    {
        all = clock;
    }
    boundary(b, all).then_some(start..all)
}

/// A date that begins with the name of a weekday or a month: `Fri Jul  1 10:00:00 2005`, `Thu Aug 11 10:00:00 PDT 2005`, `Nov 21 10:00:00`.
pub(super) fn calendar(b: &[u8], start: usize) -> Option<Range<usize>> {
    const WEEKDAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    let mut at = start;
    if WEEKDAYS.contains(&b.get(at..at + 3)?) {
        at = spaces(b, at + 3 + usize::from(b.get(at + 3) == Some(&b',')))?;
    }
    if !MONTHS.contains(&b.get(at..at + 3)?) {
        return None;
    }
    let day = digits(b, spaces(b, at + 3)?, 1, 2)?;
    let mut end = clock(b, spaces(b, day)?)?;
    let zone = spaces(b, end).map_or(0, |at| {
        b[at..]
            .iter()
            .take_while(|c| c.is_ascii_uppercase())
            .count()
    });
    let after = if (3..=4).contains(&zone) {
        end + 1 + zone
    } else {
        end
    };
    if let Some(year) = spaces(b, after).and_then(|at| digits(b, at, 4, 4)) {
        end = year;
    }
    boundary(b, end).then_some(start..end)
}

/// The end of one or two spaces at `at`.
fn spaces(b: &[u8], at: usize) -> Option<usize> {
    match b.get(at..)?.iter().take_while(|c| **c == b' ').count() {
        n @ 1..=2 => Some(at + n),
        _ => None,
    }
}

/// `hh:mm`, `hh:mm:ss`, with fractions, `Z` or an offset.
fn clock(b: &[u8], at: usize) -> Option<usize> {
    let hour = digits(b, at, 1, 2)?;
    value(b, at, hour, 24)?;
    let minute = colon(b, hour).and_then(|at| digits(b, at, 2, 2))?;
    value(b, hour + 1, minute, 59)?;
    let Some(second) = colon(b, minute).and_then(|at| digits(b, at, 2, 2)) else {
        // `12:30` may be anything, `1:2` surely is no time.
        return (hour - at == 2 && b.get(minute) != Some(&b':')).then_some(minute);
    };
    value(b, minute + 1, second, 60)?;
    let mut end = second;
    if matches!(b.get(end), Some(b'.' | b',' | b':'))
        && let Some(fraction) = digits(b, end + 1, 1, 9)
    {
        end = fraction;
    }
    if b.get(end) == Some(&b'Z') {
        return Some(end + 1);
    }
    Some(
        offset(b, end)
            .or_else(|| {
                (b.get(end) == Some(&b' '))
                    .then(|| offset(b, end + 1))
                    .flatten()
            })
            .unwrap_or(end),
    )
}

/// `+08:00`, `+0800`.
fn offset(b: &[u8], at: usize) -> Option<usize> {
    if !matches!(b.get(at), Some(b'+' | b'-')) {
        return None;
    }
    let end =
        digits(b, at + 1, 4, 4).or_else(|| digits(b, colon(b, digits(b, at + 1, 2, 2)?)?, 2, 2))?;
    boundary(b, end).then_some(end)
}

/// `2026-11-21`, `2026/11/21`, `2026.11.21`, `21/Nov/2026`, `21 Nov 2026`.
fn date(b: &[u8], at: usize) -> Option<usize> {
    if let Some(year) = digits(b, at, 4, 4) {
        let sep = *b.get(year).filter(|s| matches!(s, b'-' | b'/' | b'.'))?;
        let month = digits(b, year + 1, 1, 2)?;
        value(b, year + 1, month, 12)?;
        if b.get(month) != Some(&sep) {
            return None;
        }
        let day = digits(b, month + 1, 1, 2)?;
        value(b, month + 1, day, 31)?;
        return Some(day);
    }
    let day = digits(b, at, 1, 2)?;
    let sep = *b.get(day).filter(|s| matches!(s, b'/' | b' ' | b'-'))?;
    let month = b.get(day + 1..day + 4)?;
    if !MONTHS.contains(&month) || b.get(day + 4) != Some(&sep) {
        return None;
    }
    digits(b, day + 5, 4, 4)
}

/// The end of `least..=most` digits at `at` that no further digit follows.
fn digits(b: &[u8], at: usize, least: usize, most: usize) -> Option<usize> {
    let len = b
        .get(at..)?
        .iter()
        .take(most + 1)
        .take_while(|c| c.is_ascii_digit())
        .count();
    (least..=most).contains(&len).then_some(at + len)
}

fn colon(b: &[u8], at: usize) -> Option<usize> {
    (b.get(at) == Some(&b':')).then_some(at + 1)
}

fn value(b: &[u8], from: usize, to: usize, most: u32) -> Option<()> {
    let value = b[from..to]
        .iter()
        .fold(0, |v, c| v * 10 + u32::from(c - b'0'));
    (value <= most).then_some(())
}

fn boundary(b: &[u8], at: usize) -> bool {
    !b.get(at).is_some_and(|c| {
        c.is_ascii_alphanumeric()
            || *c == b'_'
            || *c == b'-' && b.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("29:99", None),
            ("2026-13-41", None),
            ("1:2", None),
            ("E1121 done", None),
        ] {
            assert_eq!(find(text, 0).map(|r| &text[r]), expected, "{text}");
        }
    }
}
