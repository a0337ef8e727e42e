//! Secrets and personal numbers out of log text, for good.
//!
//! In: a text, a raw line, or a JSON value. Out: the same with `<secret>`, `<phone>`, `<id-card>`, `<bank-card>` in their places.
//! Always true: nothing of what was removed can be computed from what is left; a clean text is returned as it is, borrowed; text
//! that has been redacted is clean. What only looks similar stays: pod names, image tags, hashes, trace ids, times and order
//! numbers are what a diagnosis is made of.
//!
//! Works in two steps: `scan::look` looks at every byte, many at a time, and lets nearly all text pass; only what it
//! stops is examined rule by rule.

mod forms;
mod names;
mod numbers;
mod rules;
mod scan;
mod tree;

use std::{borrow::Cow, ops::Range};

use serde_json::Value;

pub use tree::{body, value};

const SECRET: &str = "<secret>";
const PHONE: &str = "<phone>";
const ID_CARD: &str = "<id-card>";
const BANK_CARD: &str = "<bank-card>";

/// A place in a text, and what to write there.
type Hit = (Range<usize>, &'static str);

/// Redacts a text.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    let suspicion = scan::look(text.as_bytes());
    let mut hits = Vec::new();
    if suspicion.words {
        hits.extend(rules::hits(text));
    }
    if suspicion.number {
        hits.extend(numbers::hits(text));
    }
    if hits.is_empty() {
        return Cow::Borrowed(text);
    }
    hits.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (range, mark) in hits {
        if range.start < done {
            // Two rules saw the same secret; what the second one saw behind the first is part of it too.
            done = done.max(range.end);
            continue;
        }
        out.push_str(&text[done..range.start]);
        out.push_str(mark);
        done = range.end;
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// [`text`] on what may be owned already.
#[must_use]
pub fn cow(owned: Cow<'_, str>) -> Cow<'_, str> {
    match owned {
        Cow::Borrowed(s) => text(s),
        Cow::Owned(s) => match text(&s) {
            Cow::Borrowed(_) => Cow::Owned(s),
            Cow::Owned(redacted) => Cow::Owned(redacted),
        },
    }
}

/// The value of a structured field, judged together with the field's name.
#[must_use]
pub fn field<'a>(name: &str, value: Cow<'a, str>) -> Cow<'a, str> {
    if names::is_secret(name) && !rules::is_harmless(name, &value) {
        return Cow::Borrowed(SECRET);
    }
    if names::is_plain_number(name) && value.bytes().all(|b| b.is_ascii_digit()) {
        return value;
    }
    cow(value)
}

/// A whole raw line. A line of JSON stays JSON; bytes that are no UTF-8 become replacement characters.
#[must_use]
pub fn line(raw: &[u8]) -> String {
    let whole = String::from_utf8_lossy(raw);
    if !scan::is_suspect_line(raw) {
        return whole.into_owned();
    }
    let Ok(mut tree) = serde_json::from_str::<Value>(&whole) else {
        return cow(whole).into_owned();
    };
    if value(&mut tree) {
        tree.to_string()
    } else {
        whole.into_owned()
    }
}

#[cfg(test)]
mod tests;
