//! Tells the names of things: hosts, agents, generated ends of pods, uuids, words of base64.
//!
//! In: the bytes of a chunk, or what stands behind an opening quote. Out: how much of it is such a name. Purely syntactic; puts no placeholder.

use std::ops::Range;

use super::{Class, kinds::Kind, scan::Line};

/// Length of a uuid in its usual form.
pub(super) const UUID: usize = 36;

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

/// `FF:F2:9F:16`, `00-1A-2B-3C-4D-5E`: an address of hardware, or a fingerprint.
pub(super) fn is_pairs(chunk: &[u8]) -> bool {
    matches!(chunk.get(2), Some(b':' | b'-'))
        && chunk.len() >= 11
        && chunk.len() % 3 == 2
        && chunk.iter().enumerate().all(|(i, b)| {
            if i % 3 == 2 {
                *b == chunk[2]
            } else {
                b.is_ascii_hexdigit()
            }
        })
}

/// A host name with or without a port.
pub(super) fn host(line: &Line<'_>, range: Range<usize>, colon: bool) -> Option<(usize, Class)> {
    let chunk = &line.bytes[range.clone()];
    if is_host(line, range.clone()) {
        return Some((chunk.len(), class_of_host(chunk)));
    }
    if !colon {
        return None;
    }
    let colon = line.first(Kind::Colon, range.clone())?;
    let port = line.digits(colon + 1).min(range.end);
    let closed = port == range.end || !line.bytes[port].is_ascii_alphanumeric();
    let name = range.start..colon;
    ((2..=5).contains(&(port - colon - 1))
        && closed
        && (is_host(line, name.clone()) || is_dotted(&line.bytes[name])))
    .then_some((port - range.start, Class::IpPort))
}

/// What a name is for which [`is_host`] holds.
pub(super) fn class_of_host(name: &[u8]) -> Class {
    if name.contains(&b'@') {
        Class::Email
    } else {
        Class::Host
    }
}

/// Whether a name before a port may be a host's in a domain of one's own: `mysql.shop:3306`, but not `Order.java:42` or `main.go:17`.
fn is_dotted(name: &[u8]) -> bool {
    let labels = || name.split(|b| *b == b'.');
    let written = |label: &[u8]| {
        !label.is_empty()
            && label
                .iter()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
    };
    let last = labels().next_back().unwrap_or_default();
    let file = matches!(
        last,
        b"go"
            | b"py"
            | b"rs"
            | b"java"
            | b"kt"
            | b"scala"
            | b"cc"
            | b"cpp"
            | b"hpp"
            | b"js"
            | b"mjs"
            | b"ts"
            | b"jsx"
            | b"tsx"
            | b"vue"
            | b"rb"
            | b"php"
            | b"pl"
            | b"lua"
            | b"cs"
            | b"swift"
            | b"sh"
            | b"sql"
            | b"log"
            | b"txt"
            | b"conf"
            | b"cfg"
            | b"ini"
            | b"json"
            | b"xml"
            | b"yaml"
            | b"yml"
            | b"toml"
            | b"html"
            | b"properties"
    );
    labels().count() > 1
        && labels().all(written)
        && last.len() > 1
        && last[0].is_ascii_lowercase()
        && !file
}

/// Labels joined by dots, the last one a top-level domain that logs know. Class names and files look alike, so the list is short.
pub(super) fn is_host(line: &Line<'_>, range: Range<usize>) -> bool {
    let bytes = line.bytes;
    let label = line.run_start(Kind::Letter, range.end);
    if label < range.start + 2 || bytes[label - 1] != b'.' {
        return false;
    }
    let known = matches!(
        &bytes[label..range.end],
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
        && bytes[range.start].is_ascii_alphanumeric()
        && bytes[range.start..label - 1]
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'@'))
}

pub(super) fn is_uuid(chunk: &[u8]) -> bool {
    chunk.len() == UUID
        && chunk.iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// Upper and lower case and digits without the separators of names.
pub(super) fn is_base64(chunk: &[u8]) -> bool {
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
pub(super) fn pod_stem(chunk: &[u8], dash: bool) -> Option<usize> {
    if !dash || chunk.len() < 8 {
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
