//! Decides what a chunk of a line is: a run of bytes without spaces, quotes, brackets, commas or equal signs.
//!
//! In: a chunk with at least one digit or slash. Out: placeholders put into [`Masked`]. Whole-chunk forms are tried first (`HTTP/1.1` and
//! `0.582`, which are everywhere, then time, address, path, uuid), then the chunk is taken apart at its punctuation and each part is judged
//! alone.

#![expect(
    clippy::needless_bitwise_bool,
    reason = "what cannot be foreseen is told without a branch"
)]

use std::ops::Range;

use super::{
    Class, Masked,
    kinds::Kind,
    name::{self, host, is_base64, is_pairs, is_uuid, pod_stem},
    number::{exponent, iso_duration, number, quantity, sign},
    scan::{Line, Span},
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

/// Masks the chunk in `range`, which is one word with a digit; `span` is the same. Gives the byte to go on from.
pub(super) fn word_alone(
    line: &Line<'_>,
    range: Range<usize>,
    span: Span<'_>,
    out: &mut Masked,
) -> usize {
    let Line { text, bytes, .. } = *line;
    let Range { start, end } = range;
    // `21 Nov 2026`, `2026年`, `I1121 22:48:39`, `20261121T100008Z`: what makes a word the beginning of an instant stands behind it.
    // Told without a branch for each: how long a word is cannot be foreseen.
    let len = end - start;
    let next = bytes.get(end).copied().unwrap_or_default();
    let second = bytes.get(end + 1).copied().unwrap_or_default();
    let month = (len <= 2) & (next == b' ') & second.is_ascii_uppercase();
    let year = (len == 4) & (next >= 128);
    let klog = (len == 5) & (next == b' ') & matches!(bytes[start], b'I' | b'W' | b'E' | b'F');
    let clock = month | year | klog || len > 14 && bytes[start + 8] == b'T';
    if clock && let Some(found) = time::find(line, start) {
        out.put(text, found.clone(), Class::Time);
        return rest(line, found.end, end, out);
    }
    if len >= BASE64 && is_base64(&bytes[start..end]) {
        out.put(text, start..end, Class::Base64);
        return end;
    }
    word(line, start..end, end, span.has(Kind::Letter), out);
    end
}

/// Masks the chunk in `range`, which is more than one word; `span` holds all of it. Gives the byte to go on from.
pub(super) fn mask(
    line: &Line<'_>,
    range: Range<usize>,
    span: Span<'_>,
    out: &mut Masked,
) -> usize {
    let Line { text, bytes, .. } = *line;
    let Range { start, mut end } = range;
    // What is most frequent among all that is no instant, no address and no name.
    if let Some(dot) = dot_of_decimal(line, start..end) {
        let left = number(line, start, dot, end, out) == dot;
        if left {
            number(line, dot + 1, end, end, out);
        }
        return end;
    }
    if bytes[start..end] == *b"HTTP/1.1" {
        return end;
    }
    // A word with punctuation of other kinds: no form of several parts is worth a try.
    let plain = !(span.has(Kind::Colon)
        || span.has(Kind::Dash)
        || span.has(Kind::Dot)
        || span.has(Kind::Slash));
    let clock = !plain || end - start <= 5 || bytes.get(start + 8) == Some(&b'T');
    if clock
        && (bytes[start].is_ascii_digit() || matches!(bytes[start], b'I' | b'W' | b'E' | b'F'))
        && let Some(found) = time::find(line, start)
    {
        out.put(text, found.clone(), Class::Time);
        return rest(line, found.end, end, out);
    }
    if plain && span.has(Kind::Digit) {
        while matches!(bytes[end - 1], b'!' | b'?' | b'*') && end - 1 > start {
            end -= 1;
        }
        if end - start >= BASE64 && is_base64(&bytes[start..end]) {
            out.put(text, start..end, Class::Base64);
        } else {
            parts(line, start..end, out);
        }
        return end;
    }
    if span.has(Kind::Slash)
        && let Some((path, class)) = path(line, start..end, span)
    {
        let path_end = path.end;
        out.put(text, path, class);
        return path_end.max(end);
    }
    if !span.has(Kind::Digit) {
        return end;
    }
    while end > start && matches!(bytes[end - 1], b'.' | b':' | b'!' | b'?' | b'*') {
        end -= 1;
    }
    let chunk = &bytes[start..end];
    if span.may_hold_address()
        && (chunk[0].is_ascii_digit() || span.has(Kind::Colon))
        && let Some((len, class)) = address(chunk)
    {
        out.put(text, start..start + len, class);
        return rest(line, start + len, end, out);
    }
    if (span.has(Kind::Colon) || span.has(Kind::Dash)) && is_pairs(chunk) {
        out.put(text, start..end, Class::Hex);
        return end;
    }
    if span.has(Kind::Dot)
        && let Some((len, class)) = host(line, start..end, span.has(Kind::Colon))
    {
        out.put(text, start..start + len, class);
        return rest(line, start + len, end, out);
    }
    if is_uuid(chunk) {
        out.put(text, start..end, Class::Uuid);
    } else if chunk.len() >= BASE64 && is_base64(chunk) {
        out.put(text, start..end, Class::Base64);
    } else if let Some(stem) = pod_stem(chunk, span.has(Kind::Dash)) {
        parts(line, start..start + stem, out);
        out.put(text, start + stem + 1..end, Class::Pod);
    } else {
        parts(line, start..end, out);
    }
    end
}

/// Goes on inside a chunk of which the beginning has been replaced.
fn rest(line: &Line<'_>, from: usize, end: usize, out: &mut Masked) -> usize {
    if from >= end {
        return from;
    }
    let span = line.span(from..end);
    if span.has(Kind::Digit) {
        let first = line.span(from..from + 1);
        let skip = usize::from(!(first.has(Kind::Word) || first.has(Kind::Slash)));
        if from + skip < end {
            return mask(line, from + skip..end, span, out);
        }
    }
    end
}

/// A path or URL that starts in this chunk, run to its end (a query may hold `=` and `,`).
fn path(line: &Line<'_>, range: Range<usize>, span: Span<'_>) -> Option<(Range<usize>, Class)> {
    let bytes = line.bytes;
    let Range { start, end } = range;
    let chunk = &bytes[start..end];
    if span.has(Kind::Colon)
        && let Some(scheme) = scheme(line, start..end)
        && scheme >= start + 2
    {
        let mut from = line.run_start(Kind::Word, scheme).max(start);
        while from > start && (bytes[from - 1] == b'+' || bytes[from - 1].is_ascii_alphanumeric()) {
            from -= 1;
        }
        return Some((from..query_end(line, end), Class::Url));
    }
    let windows = chunk.len() > 3
        && chunk[0].is_ascii_alphabetic()
        && chunk[1] == b':'
        && matches!(chunk[2], b'\\' | b'/');
    if windows {
        return Some((start..query_end(line, end), Class::Path));
    }
    if chunk.starts_with(b"./") || chunk.starts_with(b"../") || chunk.starts_with(b"~/") {
        return (chunk.len() > 3).then(|| (start..query_end(line, end), Class::Path));
    }
    if chunk[0] == b'/' && chunk.len() > 1 {
        // Java writes addresses as `/10.0.0.1:80` and `host/10.0.0.1:80`.
        if span.may_hold_address() && address(&chunk[1..]).is_some() {
            return None;
        }
        return Some((start..query_end(line, end), Class::Path));
    }
    None
}

/// Where a path ends whose first chunk ends at `end`.
fn query_end(line: &Line<'_>, end: usize) -> usize {
    let bytes = line.bytes;
    let mut at = line.run_end(Kind::Chunk, end);
    while matches!(bytes.get(at), Some(b'=' | b',' | b';')) {
        at = line.run_end(Kind::Chunk, at + 1);
    }
    while at > end && matches!(bytes[at - 1], b'.' | b',' | b':' | b';' | b'!') {
        at -= 1;
    }
    at
}

/// Where the first `://` in `range` is.
fn scheme(line: &Line<'_>, range: Range<usize>) -> Option<usize> {
    let Range { mut start, end } = range;
    loop {
        let colon = line.first(Kind::Colon, start..end)?;
        if line.bytes[colon..end].starts_with(b"://") {
            return Some(colon);
        }
        start = colon + 1;
    }
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

/// Where the dot of `0.582` is, when the chunk is nothing but such a number.
fn dot_of_decimal(line: &Line<'_>, range: Range<usize>) -> Option<usize> {
    let dot = line.digits(range.start);
    let decimal = dot > range.start
        && dot + 1 < range.end
        && line.bytes[dot] == b'.'
        && line.digits(dot + 1) >= range.end;
    decimal.then_some(dot)
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

/// Takes a chunk apart at its punctuation and judges each word of it that holds a digit.
fn parts(line: &Line<'_>, range: Range<usize>, out: &mut Masked) {
    let bytes = line.bytes;
    let mut i = range.start;
    let room_for_uuid = range.len() >= name::UUID;
    while let Some(digit) = line.first(Kind::Digit, i..range.end) {
        if room_for_uuid && let Some(found) = uuid(&bytes[..range.end], i..digit + 1) {
            i = found.end;
            out.put(line.text, found, Class::Uuid);
            continue;
        }
        let start = line.run_start(Kind::Word, digit).max(i);
        i = line.run_end(Kind::Word, digit).min(range.end);
        let letters = line.span(start..i).has(Kind::Letter);
        if !letters
            && bytes.get(i) == Some(&b'.')
            && line.span(start..range.end).may_hold_address()
            && let Some((len, class)) = address(&bytes[start..range.end])
        {
            out.put(line.text, start..start + len, class);
            i = start + len;
        } else {
            i = word(line, start..i, range.end, letters, out);
        }
    }
}

/// The first uuid within a name that begins in `starts`, with a word: `pvc-98c48496-af3a-4620-9092-da77b9a9c0ee`.
fn uuid(bytes: &[u8], starts: Range<usize>) -> Option<Range<usize>> {
    let from = starts.start;
    let ends_a_word = |at: usize| bytes.get(at).is_none_or(|b| !b.is_ascii_alphanumeric());
    let mut uuids = starts
        .map(|start| start..start + name::UUID)
        .filter(|uuid| {
            bytes.get(uuid.start + 8) == Some(&b'-')
                && (uuid.start == from || ends_a_word(uuid.start - 1))
                && ends_a_word(uuid.end)
                && bytes.get(uuid.clone()).is_some_and(is_uuid)
        });
    uuids.next()
}

/// A word of letters and digits with at least one digit.
fn word(
    line: &Line<'_>,
    range: Range<usize>,
    limit: usize,
    letters: bool,
    out: &mut Masked,
) -> usize {
    let Line { text, bytes, .. } = *line;
    let Range { start, end } = range;
    if !letters {
        return number(line, start, end, limit, out);
    }
    let word = &bytes[start..end];
    if word.len() > 2
        && (word[0] == b'0') & (word[1] | 32 == b'x')
        && word[2..].iter().all(u8::is_ascii_hexdigit)
    {
        out.put(text, range, Class::Hex);
        return end;
    }
    if word.len() >= HEX_ID && !line.span(start..end).has(Kind::BeyondF) {
        out.put(text, range, Class::Hex);
        return end;
    }
    if word[0].is_ascii_digit() {
        if let Some((len, class)) = quantity(line, start, limit) {
            let signed = sign(bytes, start, out.done);
            out.put(text, start - signed..start + len, class);
            return (start + len).max(end);
        }
        let digits = line.digits(start).min(end);
        let exponent = exponent(&bytes[digits..limit]);
        if exponent > 0 {
            let signed = sign(bytes, start, out.done);
            out.put(text, start - signed..digits + exponent, Class::Num);
            return digits + exponent;
        }
    }
    if word[0] == b'P'
        && let Some(len) = iso_duration(&bytes[start..limit])
    {
        out.put(text, start..start + len, Class::Dur);
        return start + len;
    }
    let head = line.run_end(Kind::Letter, start).min(end);
    if head > start && line.digits(head).min(end) == end {
        if end - head >= DIGITS_OF_ID {
            out.put(text, head..end, Class::Num);
        }
        return end;
    }
    if word.len() >= MIXED_ID {
        out.put(text, range, Class::Id);
    }
    end
}
