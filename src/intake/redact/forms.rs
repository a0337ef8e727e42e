//! Secrets that are recognised by their own form: keys, tokens, PEM blocks, passwords in addresses.
//!
//! In: a text and where something in it looks like a beginning. Out: where the secret stands. Always true: ranges lie on character borders;
//! what merely begins alike is no secret. Knows no names of fields.

use std::ops::Range;

use base64::Engine;

use super::rules::is_harmless;

/// Mixed letters and digits of some length, or any long word: what a key looks like and a sentence does not.
pub(super) fn looks_random(value: &str) -> bool {
    let has = |test: fn(&u8) -> bool| value.bytes().any(|b| test(&b));
    value.len() >= 8 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) || value.len() >= 24
}

fn token_chars(rest: &str) -> usize {
    let in_token = |b: &u8| b.is_ascii_alphanumeric() || b"._~+/=-".contains(b);
    rest.bytes().take_while(|b| in_token(b)).count()
}

pub(super) fn bearer(text: &str, at: usize) -> Option<Range<usize>> {
    let end = at + token_chars(&text[at..]);
    looks_random(&text[at..end]).then_some(at..end)
}

/// RFC 7617: base64 of `user:password`.
pub(super) fn basic(text: &str, at: usize) -> Option<Range<usize>> {
    let end = at + token_chars(&text[at..]);
    let decoded = base64::engine::general_purpose::STANDARD
        .decode(&text[at..end])
        .ok()?;
    decoded.contains(&b':').then_some(at..end)
}

pub(super) fn key(text: &str, at: usize, head: &str, min: usize) -> Option<Range<usize>> {
    let rest = text[at..].strip_prefix(head)?;
    let joined = text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
    // Newer keys are words joined by the sign their beginning ends with; so are names of objects, which have no capitals.
    let in_words = head.ends_with(['-', '_']);
    let in_key = |b: &u8| b.is_ascii_alphanumeric() || in_words && matches!(b, b'-' | b'_');
    let tail = rest.bytes().take_while(in_key).count();
    let has = |test: fn(&u8) -> bool| rest.as_bytes()[..tail].iter().any(test);
    let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit);
    (!joined && tail >= min && (mixed || !in_words)).then_some(at..at + head.len() + tail)
}

/// RFC 7519: three parts of base64url, of which the first two are JSON objects and begin so.
pub(super) fn jwt(text: &str, at: usize) -> Option<Range<usize>> {
    let part = |s: &str| {
        s.bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            .count()
    };
    let rest = &text[at..];
    let joined = text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
    let head = part(rest);
    if joined || !rest.starts_with("eyJ") || head < 10 || !rest[head..].starts_with(".eyJ") {
        return None;
    }
    let mut end = head + 1 + part(&rest[head + 1..]);
    if rest[end..].starts_with('.') {
        end += 1 + part(&rest[end + 1..]);
    }
    Some(at..at + end)
}

/// The end of a PEM block, or of the text when the block was cut.
pub(super) fn pem_end(text: &str, from: usize) -> usize {
    const END: &str = "-----END";
    let Some(end) = text[from..].find(END).map(|i| from + i + END.len()) else {
        return text.len();
    };
    text[end..]
        .find("-----")
        .map_or(text.len(), |i| end + i + 5)
}

/// The password in `scheme://user:password@host`, or a token that stands where the user would.
pub(super) fn user_info(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    let authority = rest
        .find(|c: char| {
            c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>' | '\\')
        })
        .unwrap_or(rest.len());
    let user_info = rest[..authority].rfind('@').map(|end| &rest[..end])?;
    let from = match user_info.find(':') {
        Some(colon) => colon + 1,
        None if looks_random(user_info) => 0,
        None => return None,
    };
    let secret = &user_info[from..];
    (!is_harmless("password", secret)).then(|| at + from..at + user_info.len())
}

/// The password in `user:password@tcp(host:3306)/base`.
pub(super) fn data_source(text: &str, at: usize) -> Option<Range<usize>> {
    let head = &text[..at];
    let colon = head.rfind([':', ' ', '"', '\n'])?;
    head[colon..].starts_with(':').then_some(colon + 1..at)
}
