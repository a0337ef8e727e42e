//! Masks numbers with what belongs to them: sign, decimals, exponent, unit.
//!
//! In: the text and where the digits start. Out: a placeholder put into [`Masked`], or how long a quantity is. A failed request's
//! status code stays readable, since it says what happened.

use super::{Class, Masked, kinds::Kind, scan::Line};

/// Masks a number with its sign, its decimals, its exponent and its unit. HTTP status codes that tell a failure stay readable.
pub(super) fn number(
    line: &Line<'_>,
    start: usize,
    mut end: usize,
    limit: usize,
    out: &mut Masked,
) -> usize {
    let text = line.text;
    let bytes = text.as_bytes();
    let before = bytes[..start].last_chunk().copied().unwrap_or([0; 2]);
    // Told without a branch for each: the digits of a number cannot be foreseen.
    let failure = (end - start == 3) & matches!(bytes[start], b'4' | b'5');
    let told = (before[1] == b'=') | matches!(&before, b"\" " | b"\":");
    if failure & told && is_status(&bytes[..start]) {
        return end;
    }
    if before[1] == b'/' && bytes[..start].ends_with(b"HTTP/") {
        return limit;
    }
    let signed = sign(bytes, start, out.done);
    // Most numbers end where their digits do.
    let goes_on = |b: &u8| matches!(b, b'.' | b' ' | 128..) || b.is_ascii_alphanumeric();
    if !bytes.get(end).is_some_and(goes_on) {
        out.put(text, start - signed..end, Class::Num);
        return end;
    }
    // `1.5`, and a version such as `1.28.3`.
    while end + 1 < limit && bytes[end] == b'.' && bytes[end + 1].is_ascii_digit() {
        end = line.digits(end + 1).min(limit);
    }
    end += exponent(&bytes[end..limit]);
    let (unit, class) = unit(&bytes[end..]);
    end += unit;
    out.put(text, start - signed..end, class);
    end
}

/// Length of the unit at the beginning of `bytes`, right behind a number, and what the number then is.
fn unit(bytes: &[u8]) -> (usize, Class) {
    let word = |from: usize| {
        let len = bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        &bytes[from..from + len]
    };
    match bytes.first() {
        // `µs` in both of its spellings.
        Some(128..) => {
            let micro = bytes.starts_with("µs".as_bytes()) || bytes.starts_with("μs".as_bytes());
            return if micro {
                ("µs".len(), Class::Dur)
            } else {
                (0, Class::Num)
            };
        }
        Some(b) if b.is_ascii_alphanumeric() => {
            let attached = word(0);
            if is_duration(attached) {
                return (attached.len(), Class::Dur);
            }
            if is_size(attached) {
                return (attached.len(), Class::Size);
            }
        }
        _ => {}
    }
    // `318 KB` and `2 MB`, `40 sec` and `2 min` are written by one statement.
    if bytes.first() == Some(&b' ') && bytes.get(1).is_some_and(|b| begins_a_unit(*b)) {
        let apart = word(1);
        if is_size(apart) {
            return (1 + apart.len(), Class::Size);
        }
        if is_time_word(apart) {
            return (1 + apart.len(), Class::Dur);
        }
    }
    (0, Class::Num)
}

/// Length of `e-5` or `E10` right behind the digits of a number.
pub(super) fn exponent(bytes: &[u8]) -> usize {
    if !matches!(bytes.first(), Some(b'e' | b'E')) {
        return 0;
    }
    let signed = usize::from(matches!(bytes.get(1), Some(b'-' | b'+')));
    let digits = bytes
        .iter()
        .skip(1 + signed)
        .take_while(|b| b.is_ascii_digit())
        .count();
    let end = 1 + signed + digits;
    let closed = bytes.get(end).is_none_or(|b| !b.is_ascii_alphanumeric());
    if digits > 0 && closed { end } else { 0 }
}

/// Length of a duration as ISO 8601 and Java write it: `PT0.523S`, `P1DT2H`.
pub(super) fn iso_duration(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    let mut units = 0;
    loop {
        at += usize::from(bytes.get(at) == Some(&b'T'));
        let digits = bytes[at.min(bytes.len())..]
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b'.')
            .count();
        let unit = matches!(bytes.get(at + digits), Some(b'D' | b'H' | b'M' | b'S'));
        if digits == 0 || !unit || !bytes[at].is_ascii_digit() {
            break;
        }
        at += digits + 1;
        units += 1;
    }
    let closed = bytes.get(at).is_none_or(|b| !b.is_ascii_alphanumeric());
    (bytes.first() == Some(&b'P') && units > 0 && closed).then_some(at)
}

/// 1 when a sign that belongs to the number stands before `start`: `-5`, `~3s`, `<1 sec`, but not the brackets of `<13>`.
pub(super) fn sign(bytes: &[u8], start: usize, done: usize) -> usize {
    let bare = || start < 2 || !bytes[start - 2].is_ascii_alphanumeric() && bytes[start - 2] < 128;
    let signed = start > done
        && match bytes[start - 1] {
            b'-' | b'+' => bare(),
            b'~' | b'<' | b'>' => {
                let bracket = bytes[start..].iter().find(|b| !b.is_ascii_digit()) == Some(&b'>');
                !bracket
                    && (start < 2 || matches!(bytes[start - 2], b' ' | b'(' | b'[' | b'=' | b':'))
            }
            _ => false,
        };
    usize::from(signed)
}

/// A number right before a unit, up to `limit`: `12ms`, `1m30.5s`, `64Mi`, `10th`. Its length, and what it is.
pub(super) fn quantity(line: &Line<'_>, start: usize, limit: usize) -> Option<(usize, Class)> {
    let bytes = &line.bytes[..limit];
    let (mut at, mut class) = (start, None);
    loop {
        let mut digits = line.digits(at).min(limit);
        if at > start && bytes.get(digits) == Some(&b'.') {
            digits = line.digits(digits + 1).min(limit);
        }
        let unit = line.run_end(Kind::Letter, digits).min(limit);
        let word = &bytes[digits..unit];
        let found = if is_duration(word) {
            Class::Dur
        } else if is_size(word) {
            Class::Size
        } else if matches!(
            word,
            b"x" | b"k"
                | b"M"
                | b"G"
                | b"Hz"
                | b"MHz"
                | b"GHz"
                | b"L"
                | b"th"
                | b"st"
                | b"nd"
                | b"rd"
        ) {
            Class::Num
        } else {
            return None;
        };
        if digits == at || class.is_some_and(|c| c != Class::Dur || found != Class::Dur) {
            return None;
        }
        class = Some(found);
        at = unit;
        match bytes.get(at) {
            Some(b) if b.is_ascii_digit() => {}
            _ => return class.map(|class| (at - start, class)),
        }
    }
}

/// Whether a status code follows: after `HTTP/1.1" ` or after `status=` and its like.
fn is_status(before: &[u8]) -> bool {
    let tail = &before[before.len().saturating_sub(12)..];
    if tail.ends_with(b"\" ") {
        return memchr::memmem::find(tail, b"HTTP/").is_some();
    }
    [&b"status="[..], b"status\":", b"code="]
        .iter()
        .any(|key| tail.ends_with(key))
}

fn is_duration(word: &[u8]) -> bool {
    matches!(
        word,
        b"ns" | b"us" | b"ms" | b"s" | b"m" | b"h" | b"d" | b"sec" | b"secs" | b"min" | b"mins"
    )
}

fn is_size(word: &[u8]) -> bool {
    matches!(
        word,
        b"B" | b"K"
            | b"kB"
            | b"KB"
            | b"MB"
            | b"GB"
            | b"TB"
            | b"kb"
            | b"mb"
            | b"gb"
            | b"Ki"
            | b"Mi"
            | b"Gi"
            | b"Ti"
            | b"KiB"
            | b"MiB"
            | b"GiB"
            | b"TiB"
    )
}

/// Whether a unit that stands apart from its number may begin so.
fn begins_a_unit(b: u8) -> bool {
    matches!(
        b,
        b'B' | b'K' | b'M' | b'G' | b'T' | b'k' | b'm' | b'n' | b'u' | b's' | b'h' | b'd'
    )
}

/// Units of time that stand apart from their number. One letter alone may be anything.
fn is_time_word(word: &[u8]) -> bool {
    matches!(
        word,
        b"ns"
            | b"us"
            | b"ms"
            | b"sec"
            | b"secs"
            | b"second"
            | b"seconds"
            | b"min"
            | b"mins"
            | b"minute"
            | b"minutes"
            | b"hour"
            | b"hours"
            | b"hr"
            | b"hrs"
            | b"day"
            | b"days"
            | b"millis"
            | b"milliseconds"
            | b"microseconds"
    )
}
