//! One line of JSON, checked once, looked at field by field without building a tree.
//!
//! In: the bytes of a line. Out: its top-level fields as raw text, and from them text, nested fields or time on request. Always
//! true: a line is passed on only if all of it is valid JSON and UTF-8; nothing is copied unless it holds escapes. Does not know
//! what the fields mean, except for `__TIMESTAMP__`, which every kind of record has.

use std::borrow::Cow;

use sonic_rs::LazyValue;

use crate::model::record::Rejection;

/// Deepest nesting of a line. Kubernetes objects stay below 30; the parser recurses, so the number also bounds its stack.
const MAX_DEPTH: usize = 512;

/// One valid value, as raw JSON text.
#[derive(Debug)]
pub(super) struct Node<'a> {
    raw: &'a str,
    value: LazyValue<'a>,
}

/// Calls `each` with every field of the object that is the line. Some calls may have happened before an error is found.
pub(super) fn for_each_field<'a>(
    line: &'a [u8],
    each: impl FnMut(Cow<'a, str>, Node<'a>),
) -> Result<(), Rejection> {
    for_each_field_before(line, None, each).map(drop)
}

/// [`for_each_field`] of a line of which the part from `known` on may be a rest that has been read before: a comma, fields and the closing
/// brace, which are valid behind an opening brace in place of the comma. Says whether it is: then `each` is not called for its fields.
///
/// Where a field of the object ends right before such a rest, what stands before is valid up to there, and so the whole line is.
pub(super) fn for_each_field_before<'a>(
    line: &'a [u8],
    known: Option<usize>,
    mut each: impl FnMut(Cow<'a, str>, Node<'a>),
) -> Result<bool, Rejection> {
    if line.first() != Some(&b'{') && line.trim_ascii_start().first() != Some(&b'{') {
        return Err(Rejection::NotJson);
    }
    if is_deeper_than(line, MAX_DEPTH) {
        return Err(Rejection::TooDeep);
    }
    let mut end = 0;
    for field in sonic_rs::to_object_iter(line) {
        let (key, value) = field.map_err(|_| Rejection::NotJson)?;
        let node = Node::new(value).ok_or(Rejection::NotJson)?;
        end = node.raw.as_ptr().addr() + node.raw.len() - line.as_ptr().addr();
        each(key, node);
        if known == Some(end) {
            return Ok(true);
        }
    }
    // The parser stops at the closing brace and does not look behind it.
    let closes = line[end..].trim_ascii() == b"}" || end == 0 && is_empty_object(line);
    if closes {
        Ok(false)
    } else {
        Err(Rejection::NotJson)
    }
}

fn is_empty_object(line: &[u8]) -> bool {
    let inside = line
        .trim_ascii()
        .strip_prefix(b"{")
        .and_then(|l| l.strip_suffix(b"}"));
    inside.is_some_and(|i| i.trim_ascii().is_empty())
}

impl<'a> Node<'a> {
    /// `None` for a value that the parser owns, which it does for reference-counted inputs only, never for bytes.
    fn new(value: LazyValue<'a>) -> Option<Self> {
        match value.as_raw_cow() {
            Cow::Borrowed(raw) => Some(Self { raw, value }),
            Cow::Owned(_) => None,
        }
    }

    pub(super) const fn raw(&self) -> &'a str {
        self.raw
    }

    /// The content of a string; the JSON text of anything else, numbers without zeros at their end.
    pub(super) fn text(&self) -> Cow<'a, str> {
        text(self.raw)
    }

    /// The fields of a structured object, in order; nothing for any other value.
    pub(super) fn fields(self) -> impl Iterator<Item = (Cow<'a, str>, Self)> {
        let fields = self.value.into_object_iter().into_iter().flatten();
        // The value was checked as part of its line, so there is no error to meet.
        fields.filter_map(|field| {
            let (key, value) = field.ok()?;
            Some((key, Node::new(value)?))
        })
    }

    /// The items of a structured array, in order; nothing for any other value.
    pub(super) fn items(self) -> impl Iterator<Item = Self> {
        let items = self.value.into_array_iter().into_iter().flatten();
        items.filter_map(|item| Node::new(item.ok()?))
    }

    pub(super) fn is_object(&self) -> bool {
        self.raw.starts_with('{')
    }

    pub(super) fn is_array(&self) -> bool {
        self.raw.starts_with('[')
    }

    /// The text of an object or array that was shipped as an escaped string (`JsonType` 0); it is not checked yet.
    pub(super) fn escaped(&self) -> Option<Cow<'a, str>> {
        escaped(self.raw)
    }

    /// The text of an object or array, be it structured or escaped.
    pub(super) fn nested(&self) -> Option<Cow<'a, str>> {
        nested(self.raw)
    }

    /// Unix milliseconds from seconds, milliseconds, microseconds or nanoseconds, told apart by their size; as number or string.
    pub(super) fn as_time(&self) -> Option<i64> {
        time(self.raw.trim_matches('"').trim())
    }
}

/// [`Node::nested`] of a raw value.
pub(super) fn nested(raw: &str) -> Option<Cow<'_, str>> {
    if raw.starts_with(['{', '[']) {
        return Some(Cow::Borrowed(raw));
    }
    escaped(raw)
}

fn escaped(raw: &str) -> Option<Cow<'_, str>> {
    // Only a string that begins with a bracket, perhaps behind white space, is worth unescaping.
    string(raw)
        .filter(|inner| inner.trim_ascii_start().starts_with(['{', '[', '\\']))
        .map(|_| text(raw))
        .filter(|text| text.trim_ascii_start().starts_with(['{', '[']))
}

/// [`Node::text`] of a raw value.
pub(super) fn text(raw: &str) -> Cow<'_, str> {
    match string(raw) {
        Some(inner) if memchr::memchr(b'\\', inner.as_bytes()).is_none() => Cow::Borrowed(inner),
        // An unpaired surrogate is no text; the escapes as written still tell the reader something.
        Some(inner) => {
            sonic_rs::from_str(raw).map_or(Cow::Borrowed(inner), |s: String| Cow::Owned(s))
        }
        None => Cow::Borrowed(plain_number(raw)),
    }
}

/// What stands between the quotes of a string, escapes as written.
fn string(raw: &str) -> Option<&str> {
    raw.strip_prefix('"').and_then(|s| s.strip_suffix('"'))
}

/// `0.030` as `0.03`: whoever turned numbers into strings on the way has done so too.
fn plain_number(raw: &str) -> &str {
    let is_fraction = raw.ends_with('0')
        && raw.contains('.')
        && raw
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    if !is_fraction {
        return raw;
    }
    let kept = raw.trim_end_matches('0').len();
    // One digit stays behind the point.
    let kept = kept + usize::from(raw[..kept].ends_with('.'));
    &raw[..kept]
}

fn time(digits: &str) -> Option<i64> {
    if let Ok(n) = digits.parse::<i64>() {
        return Some(to_ms(n));
    }
    let seconds: f64 = digits.parse().ok().filter(|s: &f64| s.is_finite())?;
    // Written with a fraction: the fraction of seconds is milliseconds, that of anything smaller is dropped.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "times are far below 2^53, and a fraction of a millisecond has no place"
    )]
    Some(if seconds.abs() < 1e11 {
        (seconds * 1000.0).round() as i64
    } else {
        to_ms(seconds as i64)
    })
}

/// Below 1e11 a time is in seconds: in milliseconds it would be March 1973, before there were containers. And so on upwards.
const fn to_ms(n: i64) -> i64 {
    match n.unsigned_abs() {
        0..100_000_000_000 => n * 1000,
        100_000_000_000..100_000_000_000_000 => n,
        100_000_000_000_000..100_000_000_000_000_000 => n / 1000,
        _ => n / 1_000_000,
    }
}

/// Whether brackets nest deeper than `limit`, brackets inside strings not counted.
fn is_deeper_than(line: &[u8], limit: usize) -> bool {
    // Both opening brackets are 0x7b with the case bit set, so that one comparison counts both; in runs whose count fits a byte,
    // which the compiler makes vector instructions of.
    let openers: usize = line
        .chunks(usize::from(u8::MAX))
        .map(|run| usize::from(run.iter().map(|b| u8::from(*b | 0x20 == b'{')).sum::<u8>()))
        .sum();
    if openers <= limit {
        return false;
    }
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(&b) = line.get(at) {
        at += 1;
        match b {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => at += string_length(&line[at..]),
            _ => {}
        }
        if depth > limit {
            return true;
        }
    }
    false
}

/// Length of a string's rest including its closing quote.
fn string_length(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\\', rest.get(at..).unwrap_or_default()) {
        at += found + 1;
        if rest[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Result<Vec<(String, String)>, Rejection> {
        let mut all = Vec::new();
        for_each_field(line.as_bytes(), |k, v| {
            all.push((k.into_owned(), v.text().into_owned()));
        })?;
        Ok(all)
    }

    #[test]
    fn a_line_is_taken_only_if_all_of_it_is_json() {
        assert_eq!(
            fields(r#" {"a":"x\ny","b":1.50,"z":[0.50],"t":3.00,"c":null,"d":{"e":[1]}} "#),
            Ok([
                ("a", "x\ny"),
                ("b", "1.5"),
                ("z", "[0.50]"),
                ("t", "3.0"),
                ("c", "null"),
                ("d", r#"{"e":[1]}"#)
            ]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .to_vec())
        );
        assert_eq!(fields("{}"), Ok(vec![]));
        for bad in [
            "",
            "[1]",
            "x",
            "{",
            r#"{"a":1"#,
            r#"{"a":1} x"#,
            r#"{"a":1}}"#,
            r#"{"a":01}"#,
            r#"{"a":{"b":tru}}"#,
            "{\"a\":\"\u{1}\"}",
        ] {
            assert_eq!(fields(bad), Err(Rejection::NotJson), "{bad}");
        }
        let mut invalid = br#"{"a":"x"}"#.to_vec();
        invalid[6] = 0xff;
        assert_eq!(for_each_field(&invalid, |_, _| {}), Err(Rejection::NotJson));
    }

    #[test]
    fn nesting_is_bounded_but_brackets_in_strings_are_text() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(fields(&deep), Err(Rejection::TooDeep));
        let text = format!(r#"{{"a":"\"{}"}}"#, "[{".repeat(5_000));
        assert!(fields(&text).is_ok());
    }

    #[test]
    fn times_of_any_unit_become_milliseconds() {
        for raw in [
            "1795276861234",
            "1795276861.234",
            "1795276861234567",
            "1795276861234567890",
        ] {
            assert_eq!(time(raw), Some(1_795_276_861_234), "{raw}");
        }
        assert_eq!(time("1795276861"), Some(1_795_276_861_000));
        for bad in ["null", "", "yesterday", "{}", "true", "inf"] {
            assert_eq!(time(bad), None, "{bad}");
        }
    }

    #[test]
    fn nested_values_are_found_structured_and_escaped() {
        let mut found = Vec::new();
        for_each_field(
            br#"{"s":{"a":1},"e":"{\"a\":1}","p":"plain"}"#,
            |_, node| {
                found.push(node.nested().map(Cow::into_owned));
            },
        )
        .expect("valid");
        let object = Some(r#"{"a":1}"#.to_owned());
        assert_eq!(found, [object.clone(), object, None]);
    }
}
