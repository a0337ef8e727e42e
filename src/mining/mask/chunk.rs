//! Decides what a chunk of a line is: a run of bytes without spaces, quotes, brackets, commas or equal signs.
//!
//! In: a chunk with at least one digit or slash. Out: placeholders put into [`Masked`]. Whole-chunk forms are tried first (time,
//! address, path, uuid), then the chunk is taken apart at its punctuation and each part is judged alone.

use std::ops::Range;

use super::{
    ALPHA, BEYOND_F, COLON, Class, DASH, DIGIT, DOT, FLAGS, Masked, SLASH,
    name::{self, host, is_base64, is_pairs, is_uuid, pod_stem},
    number::{exponent, iso_duration, number, quantity, sign},
    time,
};

/// From this length on, hexadecimal digits that are neither all digits nor all letters are an id and no word.
const HEX_ID: usize = 8;
/// From this length on, digits at the end of a word are an id (`SKU046652`) and not a name (`eth0`, `mod_jk2`).
const DIGITS_OF_ID: usize = 3;
/// Shorter mixtures of letters and digits may be names that people chose (`x86`, `utf8mb4`).
const MIXED_ID: usize = 10;
/// A word of base64 is at least this long; shorter ones cannot be told from identifiers.
const BASE64: usize = 24;

/// Masks the one word `text[range]`, which holds a digit; `cut` is the end of what may be looked at. Gives the byte to go on from.
pub(super) fn word_alone(
    text: &str,
    range: Range<usize>,
    cut: usize,
    seen: u8,
    out: &mut Masked,
) -> usize {
    let bytes = text.as_bytes();
    let Range { start, end } = range;
    // `21 Nov 2026`, `2026年`, `I1121 22:48:39`, `20261121T100008Z`: what makes a word the beginning of an instant stands behind it.
    let clock = match end - start {
        1 | 2 => {
            bytes.get(end) == Some(&b' ') && bytes.get(end + 1).is_some_and(u8::is_ascii_uppercase)
        }
        4 => bytes.get(end).is_some_and(|b| *b >= 128),
        5 => bytes.get(end) == Some(&b' ') && matches!(bytes[start], b'I' | b'W' | b'E' | b'F'),
        len => len > 14 && bytes[start + 8] == b'T',
    };
    if clock && let Some(found) = time::find(&text[..cut], start) {
        out.put(text, found.clone(), Class::Time);
        return rest(text, found.end, end, cut, out);
    }
    if end - start >= BASE64 && is_base64(&bytes[start..end]) {
        out.put(text, start..end, Class::Base64);
        return end;
    }
    word(text, start..end, end, seen, out);
    end
}

/// Masks the chunk `text[range]`, which is more than one word; `cut` is the end of what may be looked at. Gives the byte to go on from.
pub(super) fn mask(
    text: &str,
    range: Range<usize>,
    cut: usize,
    seen: u8,
    out: &mut Masked,
) -> usize {
    let bytes = text.as_bytes();
    let Range { start, mut end } = range;
    // A word with punctuation of other kinds: no form of several parts is worth a try.
    let plain = seen & (COLON | DASH | DOT | SLASH) == 0;
    let clock = !plain || end - start <= 5 || bytes.get(start + 8) == Some(&b'T');
    if clock
        && (bytes[start].is_ascii_digit() || matches!(bytes[start], b'I' | b'W' | b'E' | b'F'))
        && let Some(found) = time::find(&text[..cut], start)
    {
        out.put(text, found.clone(), Class::Time);
        return rest(text, found.end, end, cut, out);
    }
    if plain && seen & DIGIT != 0 {
        while matches!(bytes[end - 1], b'!' | b'?' | b'*') && end - 1 > start {
            end -= 1;
        }
        if end - start >= BASE64 && is_base64(&bytes[start..end]) {
            out.put(text, start..end, Class::Base64);
        } else {
            parts(text, start..end, out);
        }
        return end;
    }
    if seen & SLASH != 0
        && let Some((path, class)) = path(bytes, start, end, cut, seen)
    {
        let path_end = path.end;
        out.put(text, path, class);
        return path_end.max(end);
    }
    if seen & DIGIT == 0 {
        return end;
    }
    while end > start && matches!(bytes[end - 1], b'.' | b':' | b'!' | b'?' | b'*') {
        end -= 1;
    }
    let chunk = &bytes[start..end];
    if seen & (COLON | DOT) != 0
        && (chunk[0].is_ascii_digit() || seen & COLON != 0)
        && let Some((len, class)) = address(chunk)
    {
        out.put(text, start..start + len, class);
        return rest(text, start + len, end, cut, out);
    }
    if seen & (COLON | DASH) != 0 && is_pairs(chunk) {
        out.put(text, start..end, Class::Hex);
        return end;
    }
    if seen & DOT != 0
        && let Some((len, class)) = host(chunk, seen)
    {
        out.put(text, start..start + len, class);
        return rest(text, start + len, end, cut, out);
    }
    if is_uuid(chunk) {
        out.put(text, start..end, Class::Uuid);
    } else if chunk.len() >= BASE64 && is_base64(chunk) {
        out.put(text, start..end, Class::Base64);
    } else if let Some(stem) = pod_stem(chunk, seen) {
        parts(text, start..start + stem, out);
        out.put(text, start + stem + 1..end, Class::Pod);
    } else {
        parts(text, start..end, out);
    }
    end
}

/// Goes on inside a chunk of which the beginning has been replaced.
fn rest(text: &str, from: usize, end: usize, cut: usize, out: &mut Masked) -> usize {
    if from >= end {
        return from;
    }
    let seen = text.as_bytes()[from..end]
        .iter()
        .fold(0, |s, b| s | FLAGS[usize::from(*b)]);
    if seen & DIGIT != 0 && text.as_bytes()[from..end].is_ascii() {
        let skip =
            usize::from(FLAGS[usize::from(text.as_bytes()[from])] & (DIGIT | ALPHA | SLASH) == 0);
        if from + skip < end {
            return mask(text, from + skip..end, cut, seen, out);
        }
    }
    end
}

/// A path or URL that starts in this chunk, run to its end (a query may hold `=` and `,`).
fn path(
    bytes: &[u8],
    start: usize,
    end: usize,
    cut: usize,
    seen: u8,
) -> Option<(Range<usize>, Class)> {
    let chunk = &bytes[start..end];
    let run = |from: usize| {
        let mut i = from;
        while i < cut
            && (FLAGS[usize::from(bytes[i])] != 0
                || matches!(bytes[i], b'=' | b',' | b';') && i >= end)
        {
            i += 1;
        }
        while i > from && matches!(bytes[i - 1], b'.' | b',' | b':' | b';' | b'!') {
            i -= 1;
        }
        i
    };
    if seen & COLON != 0
        && let Some(scheme) = chunk.windows(3).position(|w| w == b"://")
        && scheme >= 2
    {
        let from = chunk[..scheme]
            .iter()
            .rposition(|b| !b.is_ascii_alphanumeric() && *b != b'+')
            .map_or(0, |i| i + 1);
        return Some((start + from..run(end), Class::Url));
    }
    let windows = chunk.len() > 3
        && chunk[0].is_ascii_alphabetic()
        && chunk[1] == b':'
        && matches!(chunk[2], b'\\' | b'/');
    if windows {
        return Some((start..run(end), Class::Path));
    }
    if chunk.starts_with(b"./") || chunk.starts_with(b"../") || chunk.starts_with(b"~/") {
        return (chunk.len() > 3).then(|| (start..run(end), Class::Path));
    }
    if chunk[0] == b'/' && chunk.len() > 1 {
        // Java writes addresses as `/10.0.0.1:80` and `host/10.0.0.1:80`.
        if address(&chunk[1..]).is_some() {
            return None;
        }
        return Some((start..run(end), Class::Path));
    }
    None
}

/// An IPv4 or IPv6 address with or without a port, at the beginning of `chunk`: its length and class.
fn address(chunk: &[u8]) -> Option<(usize, Class)> {
    let number = |from: usize| {
        let len = digits(&chunk[from.min(chunk.len())..]);
        (1..=5).contains(&len).then_some(from + len)
    };
    let mut at = 0;
    for group in 0..4 {
        let len = digits(&chunk[at..]);
        let dotted = group == 3 || chunk.get(at + len) == Some(&b'.');
        if !(1..=3).contains(&len) || !dotted {
            return ipv6(chunk);
        }
        at += len + usize::from(group < 3);
    }
    match chunk.get(at) {
        Some(b':') => Some(number(at + 1).map_or((at, Class::Ip), |end| (end, Class::IpPort))),
        Some(b'.') if chunk.get(at + 1).is_some_and(u8::is_ascii_digit) => None,
        Some(b) if b.is_ascii_alphanumeric() => None,
        // A network: `10.0.0.0/16`.
        Some(b'/') => Some(
            number(at + 1)
                .filter(|end| end - at <= 3 && *end == chunk.len())
                .map_or((at, Class::Ip), |end| (end, Class::Ip)),
        ),
        _ => Some((at, Class::Ip)),
    }
}

/// How many digits stand at the beginning.
fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_digit()).count()
}

fn ipv6(chunk: &[u8]) -> Option<(usize, Class)> {
    // Most chunks that come here are no address, and show it in their first bytes.
    if !chunk.iter().all(|b| *b == b':' || b.is_ascii_hexdigit()) {
        return None;
    }
    let colons = chunk.split(|b| *b == b':').count() - 1;
    let shape = colons >= 2 && (colons == 7 || memchr::memmem::find(chunk, b"::").is_some());
    shape.then_some((chunk.len(), Class::Ip))
}

/// Takes a chunk apart at its punctuation and judges each word of it.
fn parts(text: &str, range: Range<usize>, out: &mut Masked) {
    let bytes = text.as_bytes();
    let mut i = range.start;
    while i < range.end {
        if !bytes[i].is_ascii_alphanumeric() {
            i += 1;
            continue;
        }
        let start = i;
        if bytes[i..range.end].get(8) == Some(&b'-') && is_uuid_at(&bytes[i..range.end]) {
            i += name::UUID;
            out.put(text, start..i, Class::Uuid);
            continue;
        }
        let mut seen = 0;
        while i < range.end && bytes[i].is_ascii_alphanumeric() {
            seen |= FLAGS[usize::from(bytes[i])];
            i += 1;
        }
        if seen & (DIGIT | ALPHA) == DIGIT
            && bytes.get(i) == Some(&b'.')
            && let Some((len, class)) = address(&bytes[start..range.end])
        {
            out.put(text, start..start + len, class);
            i = start + len;
        } else if seen & DIGIT != 0 {
            i = word(text, start..i, range.end, seen, out);
        }
    }
}

/// A uuid within a name: `pvc-98c48496-af3a-4620-9092-da77b9a9c0ee`.
fn is_uuid_at(bytes: &[u8]) -> bool {
    let closed = bytes
        .get(name::UUID)
        .is_none_or(|b| !b.is_ascii_alphanumeric());
    closed && bytes.get(..name::UUID).is_some_and(is_uuid)
}

/// A word of letters and digits with at least one digit.
fn word(text: &str, range: Range<usize>, limit: usize, seen: u8, out: &mut Masked) -> usize {
    let bytes = text.as_bytes();
    let (start, end) = (range.start, range.end);
    let word = &bytes[start..end];
    if seen & ALPHA == 0 {
        return number(text, start, end, limit, out);
    }
    if word.len() > 2
        && word[0] == b'0'
        && word[1] | 32 == b'x'
        && word[2..].iter().all(u8::is_ascii_hexdigit)
    {
        out.put(text, range, Class::Hex);
        return end;
    }
    if word.len() >= HEX_ID && seen & BEYOND_F == 0 {
        out.put(text, range, Class::Hex);
        return end;
    }
    if word[0].is_ascii_digit() {
        if let Some((len, class)) = quantity(&bytes[start..limit]) {
            let signed = sign(bytes, start, out.done);
            out.put(text, start - signed..start + len, class);
            return (start + len).max(end);
        }
        let digits = digits(word);
        let exponent = exponent(&bytes[start + digits..limit]);
        if exponent > 0 {
            let signed = sign(bytes, start, out.done);
            out.put(text, start - signed..start + digits + exponent, Class::Num);
            return start + digits + exponent;
        }
    }
    if word[0] == b'P'
        && let Some(len) = iso_duration(&bytes[start..limit])
    {
        out.put(text, start..start + len, Class::Dur);
        return start + len;
    }
    let head = word.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    if head > 0 && word[head..].iter().all(u8::is_ascii_digit) {
        if word.len() - head >= DIGITS_OF_ID {
            out.put(text, start + head..end, Class::Num);
        }
        return end;
    }
    if word.len() >= MIXED_ID {
        out.put(text, range, Class::Id);
    }
    end
}
