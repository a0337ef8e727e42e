//! Reading values whose types their sender does not keep: numbers as strings, `"0"` for nothing, times without a zone.

use jiff::{civil::DateTime, tz};
use serde_json::Value;

/// A scalar as text; empty for anything else and for `null`.
pub(super) fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(s)) => s.trim().to_owned(),
        Some(Value::Number(n)) => n.to_string(),
        Some(Value::Bool(b)) => b.to_string(),
        _ => String::new(),
    }
}

/// The first of several places that is not empty.
pub(super) fn first(value: &Value, pointers: &[&str]) -> String {
    pointers
        .iter()
        .map(|p| text(value, p))
        .find(|t| !t.is_empty())
        .unwrap_or_default()
}

/// The number at the start of a text: `3.859`, `97.2%`, `1,024核`.
pub(super) fn number(text: &str) -> Option<f64> {
    let digits: String = text
        .trim()
        .chars()
        .filter(|c| *c != ',')
        .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'))
        .collect();
    digits.parse().ok().filter(|n: &f64| n.is_finite())
}

/// What follows the number: `核` of `3.859核`.
pub(super) fn unit(text: &str) -> String {
    let is_of_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+');
    text.trim()
        .trim_start_matches(is_of_number)
        .trim()
        .to_owned()
}

/// A time as Tencent's alarms write it: `2025-07-29 12:17:00` on the wall in China, the same with `(UTC+08:00)`, RFC 3339, or
/// Unix seconds or milliseconds. `0`, empty and nonsense are `None`.
pub(super) fn time(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(n) = text.parse::<i64>() {
        return match n {
            // Seconds until the year 5138, milliseconds from 1973 on.
            100_000_000_000.. => Some(n),
            100_000_000.. => Some(n * 1000),
            _ => None,
        };
    }
    if let Ok(t) = text.parse::<jiff::Timestamp>() {
        return (t.as_second() > 0).then(|| t.as_millisecond());
    }
    let plain = text
        .split('(')
        .next()
        .unwrap_or_default()
        .trim()
        .replace('/', "-");
    let wall: DateTime = plain.parse().ok()?;
    let china = tz::TimeZone::fixed(tz::offset(8));
    china
        .to_timestamp(wall)
        .ok()
        .map(jiff::Timestamp::as_millisecond)
}

/// Full name of a region that Tencent's alarms abbreviate or write in Chinese; unknown ones stay as they are.
pub(super) fn region(short: &str) -> String {
    let known = [
        ("gz", "广州", "ap-guangzhou"),
        ("sh", "上海", "ap-shanghai"),
        ("nj", "南京", "ap-nanjing"),
        ("bj", "北京", "ap-beijing"),
        ("cd", "成都", "ap-chengdu"),
        ("cq", "重庆", "ap-chongqing"),
        ("hk", "香港", "ap-hongkong"),
        ("hk", "中国香港", "ap-hongkong"),
        ("sg", "新加坡", "ap-singapore"),
        ("jp", "东京", "ap-tokyo"),
        ("kr", "首尔", "ap-seoul"),
        ("th", "曼谷", "ap-bangkok"),
        ("jkt", "雅加达", "ap-jakarta"),
        ("usw", "硅谷", "na-siliconvalley"),
        ("use", "弗吉尼亚", "na-ashburn"),
        ("de", "法兰克福", "eu-frankfurt"),
    ];
    let lower = short.trim().to_lowercase();
    known
        .iter()
        .find(|(code, zh, _)| lower == *code || lower.strip_suffix("地区").unwrap_or(&lower) == *zh)
        .map_or_else(
            || short.trim().to_owned(),
            |(_, _, full)| (*full).to_owned(),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form_and_zero_is_none() {
        let noon = Some(1_753_762_620_000);
        for text in [
            "2025-07-29 12:17:00",
            "2025-07-29 12:17:00 (UTC+08:00)",
            "2025/07/29 12:17:00",
            "2025-07-29T12:17:00+08:00",
            "1753762620",
            "1753762620000",
        ] {
            assert_eq!(time(text), noon, "{text}");
        }
        for text in ["0", "", "-", "soon", "0001-01-01T00:00:00Z"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_end_where_their_unit_begins() {
        for (text, n) in [
            ("3.859核", Some(3.859)),
            ("97.2%", Some(97.2)),
            (" 1,024 MB", Some(1024.0)),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(number(text), n, "{text}");
        }
    }
}
