//! Decides what a chunk of a line is: a run of bytes without spaces, quotes, brackets, commas or equal signs.
//!
//! In: a chunk with at least one digit or slash. Out: placeholders put into [`Masked`]. Whole-chunk forms are tried first (time,
//! address, path, uuid), then the chunk is taken apart at its punctuation and each part is judged alone.

use std::ops::Range;

use super::{ALPHA, CHUNK, COLON, Class, DASH, DIGIT, FLAGS, HEX, Masked, SLASH, time};

/// From this length on, hexadecimal digits that are neither all digits nor all letters are an id and no word.
const HEX_ID: usize = 8;
/// From this length on, digits at the end of a word are an id (`SKU046652`) and not a name (`eth0`, `mod_jk2`).
const DIGITS_OF_ID: usize = 3;
/// Shorter mixtures of letters and digits may be names that people chose (`x86`, `utf8mb4`).
const MIXED_ID: usize = 10;
/// A word of base64 is at least this long; shorter ones cannot be told from identifiers.
const BASE64: usize = 24;

/// Masks `text[range]`; `cut` is the end of what may be looked at. Gives the byte to go on from.
pub(super) fn mask(
    text: &str,
    range: Range<usize>,
    cut: usize,
    seen: u8,
    out: &mut Masked,
) -> usize {
    let bytes = text.as_bytes();
    let Range { start, mut end } = range;
    let clock = bytes[start].is_ascii_digit() || matches!(bytes[start], b'I' | b'W' | b'E' | b'F');
    if clock && let Some(found) = time::find(&text[..cut], start) {
        out.put(text, found.clone(), Class::Time);
        return rest(text, found.end, end, cut, out);
    }
    if seen & SLASH != 0
        && let Some((path, class)) = path(bytes, start, end, cut)
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
    if seen & (COLON | super::DOT) != 0
        && let Some((len, class)) = address(chunk)
    {
        out.put(text, start..start + len, class);
        return rest(text, start + len, end, cut, out);
    }
    if seen & COLON != 0 && is_pairs(chunk) {
        out.put(text, start..end, Class::Hex);
        return end;
    }
    if seen & super::DOT != 0
        && let Some((len, class)) = host(chunk)
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
    if seen & DIGIT != 0 && text.as_bytes()[from..end].iter().all(u8::is_ascii) {
        let skip =
            usize::from(FLAGS[usize::from(text.as_bytes()[from])] & (DIGIT | ALPHA | SLASH) == 0);
        if from + skip < end {
            return mask(text, from + skip..end, cut, seen, out);
        }
    }
    end
}

/// A path or URL that starts in this chunk, run to its end (a query may hold `=` and `,`).
fn path(bytes: &[u8], start: usize, end: usize, cut: usize) -> Option<(Range<usize>, Class)> {
    let chunk = &bytes[start..end];
    let run = |from: usize| {
        let mut i = from;
        while i < cut
            && (FLAGS[usize::from(bytes[i])] & CHUNK != 0
                || matches!(bytes[i], b'=' | b',' | b';') && i >= end)
        {
            i += 1;
        }
        while i > from && matches!(bytes[i - 1], b'.' | b',' | b':' | b';' | b'!') {
            i -= 1;
        }
        i
    };
    if let Some(scheme) = memchr::memmem::find(chunk, b"://")
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
        let len = chunk[from.min(chunk.len())..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        (1..=5).contains(&len).then_some(from + len)
    };
    let mut at = 0;
    for group in 0..4 {
        let Some(end) = number(at).filter(|end| end - at <= 3) else {
            return ipv6(chunk);
        };
        at = end;
        if group < 3 {
            if chunk.get(at) != Some(&b'.') {
                return ipv6(chunk);
            }
            at += 1;
        }
    }
    match chunk.get(at) {
        Some(b':') => Some(number(at + 1).map_or((at, Class::Ip), |end| (end, Class::IpPort))),
        Some(b'.') if chunk.get(at + 1).is_some_and(u8::is_ascii_digit) => None,
        Some(b) if b.is_ascii_alphanumeric() => None,
        _ => Some((at, Class::Ip)),
    }
}

fn ipv6(chunk: &[u8]) -> Option<(usize, Class)> {
    let colons = chunk.split(|b| *b == b':').count() - 1;
    let shape = colons >= 2
        && chunk.iter().all(|b| *b == b':' || b.is_ascii_hexdigit())
        && (colons == 7 || memchr::memmem::find(chunk, b"::").is_some());
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
    if word.len() >= HEX_ID && word.iter().all(|b| FLAGS[usize::from(*b)] & HEX != 0) {
        out.put(text, range, Class::Hex);
        return end;
    }
    if let Some((len, class)) = quantity(&bytes[start..limit]) {
        let signed = sign(bytes, start, out.done);
        out.put(text, start - signed..start + len, class);
        return (start + len).max(end);
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

/// A number with its sign, its decimals and its exponent. HTTP status codes that tell a failure stay readable.
fn number(text: &str, start: usize, mut end: usize, limit: usize, out: &mut Masked) -> usize {
    let bytes = text.as_bytes();
    if end - start == 3 && matches!(bytes[start], b'4' | b'5') && is_status(&bytes[..start]) {
        return end;
    }
    if bytes[..start].ends_with(b"HTTP/") {
        return limit;
    }
    let signed = sign(bytes, start, out.done);
    if bytes.get(end) == Some(&b'.') && end + 1 < limit && bytes[end + 1].is_ascii_digit() {
        // `1.5`, and a version such as `1.28.3`.
        let digit = |i: usize| i < limit && bytes[i].is_ascii_digit();
        while digit(end) || bytes[end.min(limit - 1)] == b'.' && digit(end + 1) {
            end += 1;
        }
    }
    let attached = bytes[end..limit]
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric())
        .count();
    if attached > 0
        && (is_duration(&bytes[end..end + attached]) || is_size(&bytes[end..end + attached]))
    {
        let class = if is_duration(&bytes[end..end + attached]) {
            Class::Dur
        } else {
            Class::Size
        };
        end += attached;
        out.put(text, start - signed..end, class);
        return end;
    }
    // `318 KB` and `2 MB` are written by one statement.
    if bytes.get(end) == Some(&b' ')
        && let unit = bytes[end + 1..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count()
        && is_size(&bytes[end + 1..end + 1 + unit])
    {
        end += 1 + unit;
        out.put(text, start - signed..end, Class::Size);
        return end;
    }
    out.put(text, start - signed..end, Class::Num);
    end
}

/// 1 when a sign that belongs to the number stands before `start`.
fn sign(bytes: &[u8], start: usize, done: usize) -> usize {
    let signed = start > done
        && matches!(bytes[start - 1], b'-' | b'+')
        && (start < 2 || !bytes[start - 2].is_ascii_alphanumeric() && bytes[start - 2] < 128);
    usize::from(signed)
}

/// A number right before a unit: `12ms`, `1.5s`, `1m30s`, `64Mi`, `10th`.
fn quantity(bytes: &[u8]) -> Option<(usize, Class)> {
    let (mut at, mut class) = (0, None);
    loop {
        let digits = bytes[at..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        let unit = bytes[at + digits..]
            .iter()
            .take_while(|b| b.is_ascii_alphabetic())
            .count();
        let word = &bytes[at + digits..at + digits + unit];
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
        if digits == 0 || class.is_some_and(|c| c != Class::Dur || found != Class::Dur) {
            return None;
        }
        class = Some(found);
        at += digits + unit;
        match bytes.get(at) {
            Some(b) if b.is_ascii_digit() => {}
            _ => return class.map(|class| (at, class)),
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

/// Length of a quoted user agent (RFC 9110, 10.1.5) behind its opening quote: a product with a version first.
pub(super) fn agent(bytes: &[u8]) -> Option<usize> {
    let name = bytes
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        .count();
    let versioned = name > 1
        && bytes[0].is_ascii_alphabetic()
        && bytes.get(name) == Some(&b'/')
        && bytes.get(name + 1).is_some_and(u8::is_ascii_digit);
    if !versioned {
        return None;
    }
    let len = memchr::memchr(b'"', bytes)?;
    // `"a/1"` may be a relative path; more versions or a comment make it an agent.
    (bytes[name + 1..len].contains(&b'.') || bytes[..len].contains(&b' ')).then_some(len)
}

/// `FF:F2:9F:16`: an address of hardware, or a fingerprint.
fn is_pairs(chunk: &[u8]) -> bool {
    chunk.len() >= 11
        && chunk.len() % 3 == 2
        && chunk.iter().enumerate().all(|(i, b)| {
            if i % 3 == 2 {
                *b == b':'
            } else {
                b.is_ascii_hexdigit()
            }
        })
}

/// A host name with or without a port.
fn host(chunk: &[u8]) -> Option<(usize, Class)> {
    if is_host(chunk) {
        return Some((
            chunk.len(),
            if chunk.contains(&b'@') {
                Class::Email
            } else {
                Class::Host
            },
        ));
    }
    let colon = chunk.iter().position(|b| *b == b':')?;
    let port = chunk[colon + 1..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let closed = chunk
        .get(colon + 1 + port)
        .is_none_or(|b| !b.is_ascii_alphanumeric());
    ((2..=5).contains(&port) && closed && is_host(&chunk[..colon]))
        .then_some((colon + 1 + port, Class::IpPort))
}

/// Labels joined by dots, the last one a top-level domain that logs know. Class names and files look alike, so the list is short.
pub(super) fn is_host(chunk: &[u8]) -> bool {
    let Some(dot) = chunk
        .iter()
        .rposition(|b| *b == b'.')
        .filter(|dot| *dot > 0)
    else {
        return false;
    };
    let known = matches!(
        &chunk[dot + 1..],
        b"com"
            | b"net"
            | b"org"
            | b"edu"
            | b"gov"
            | b"cn"
            | b"io"
            | b"local"
            | b"internal"
            | b"svc"
            | b"hk"
            | b"tw"
            | b"jp"
            | b"de"
            | b"uk"
            | b"eu"
            | b"fr"
            | b"info"
            | b"cloud"
            | b"lan"
            | b"arpa"
            | b"tv"
    );
    known
        && chunk[..dot]
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'@'))
        && chunk[0].is_ascii_alphanumeric()
}

fn is_uuid(chunk: &[u8]) -> bool {
    chunk.len() == 36
        && chunk.iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// Upper and lower case and digits without the separators of names.
fn is_base64(chunk: &[u8]) -> bool {
    let mut cases = [false; 3];
    for b in chunk {
        match b {
            b'A'..=b'Z' => cases[0] = true,
            b'a'..=b'z' => cases[1] = true,
            b'0'..=b'9' => cases[2] = true,
            b'+' | b'/' => {}
            _ => return false,
        }
    }
    cases == [true; 3]
}

/// Length of a pod's name before its generated end, when the chunk is such a name.
fn pod_stem(chunk: &[u8], seen: u8) -> Option<usize> {
    if seen & DASH == 0 || chunk.len() < 8 {
        return None;
    }
    let safe = |part: &[u8]| {
        part.iter().all(|b| matches!(b, b'b'..=b'd' | b'f'..=b'h' | b'j'..=b'n' | b'p'..=b't' | b'v'..=b'x' | b'z' | b'2' | b'4'..=b'9'))
    };
    let hash = |part: &[u8]| {
        (8..=10).contains(&part.len())
            && part
                .iter()
                .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
            && part.iter().any(u8::is_ascii_digit)
    };
    let last = chunk.iter().rposition(|b| *b == b'-')?;
    let suffix = &chunk[last + 1..];
    if suffix.len() == 5 && safe(suffix) {
        let middle = chunk[..last].iter().rposition(|b| *b == b'-');
        if let Some(middle) = middle
            && middle > 0
            && hash(&chunk[middle + 1..last])
        {
            return Some(middle);
        }
        return suffix.iter().any(u8::is_ascii_digit).then_some(last);
    }
    // A ReplicaSet's own name.
    (last > 0
        && (9..=10).contains(&suffix.len())
        && safe(suffix)
        && suffix.iter().any(u8::is_ascii_digit))
    .then_some(last)
}
