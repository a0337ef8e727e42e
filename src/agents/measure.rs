//! What a number counts: 165 次 is no 165 nodes, and the 503 of a status no 503 users.
//!
//! In: the texts of records ([`Measures::read`]), numbers of findings, and a number of a sentence with what stands behind it. Out: whether the
//! number measures that there. How often is only what a finding counts; a number of a record keeps the word or unit behind it; a value of a
//! difference counts what its field does. Pure.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use crate::{model::Lang, store::embed::Analyzer};

use super::{ground::last_place, vocabulary::stem};

/// Numbers by what they measure.
#[derive(Debug, Default)]
pub(super) struct Measures {
    /// Count to usual count.
    pub ratios: Vec<f64>,
    /// How long, in minutes and in hours.
    pub spans: Vec<f64>,
    /// Days in a row.
    pub days: Vec<f64>,
    /// Numbers of records with what stands behind them, lower-case.
    of: Vec<(f64, String)>,
    /// Numbers of records that a unit is written to, as in `3366ms`, by the unit.
    with_unit: Vec<(f64, &'static str)>,
    /// Values of a difference, by what the field counts.
    fields: Vec<(f64, Field)>,
}

/// The end of a field's path, and how people call what its value counts.
type Field = &'static (&'static str, &'static [&'static str]);

const FIELDS: [(&str, &[&str]); 3] = [
    (
        "replicas",
        &["副本", "实例", "replica", "instance", "copies", "pod"],
    ),
    ("cpu", &["核", "core", "cpu"]),
    ("seconds", &["秒", "second"]),
];
/// How a unit is said, how it is written to a number, and its name here.
const UNITS: [(&[&str], &[&str], &str); 5] = [
    (
        &["毫秒", "ms", "millisecond"],
        &["ms", "毫秒", "millisecond", "milliseconds"],
        "ms",
    ),
    (
        &["秒", "second"],
        &["s", "sec", "secs", "秒", "second", "seconds"],
        "s",
    ),
    (&["毫核", "millicore"], &["m"], "m"),
    (&["兆", "mi", "mb"], &["mi", "mib", "mb"], "mi"),
    (&["gi", "gb"], &["gi", "gib", "gb"], "gi"),
];
static WITH_UNIT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let latin = r"ms|milliseconds?|secs?|seconds?|s|mib|mi|mb|m|gib|gi|gb";
    let number = r"(?:^|[^a-z0-9_./:@+-])(\d+(?:\.\d+)?)";
    Regex::new(&format!(r"{number}\s?(?:({latin})(?-u:\b)|(毫秒|秒))")).ok()
});

/// Characters behind a number of a record.
const BEHIND: usize = 24;
const TIMES: [&str; 11] = [
    "次",
    "条",
    "times",
    "events",
    "errors",
    "lines",
    "occurrences",
    "records",
    "failures",
    "warnings",
    "attempts",
];
/// Behind these a number stands for itself: a status, a value.
const BARE_ZH: &str = "的，。、；：！？）”」和与或到至改变起后前时了是为里中在以并而且,.;:!?)`\"|-";
const BARE_EN: &str = " at from in on of and to for by or since until after before with while when as is are was were but the that which again instead ";
const MEASURES: &str = "个台名位元笔种组份块只家";

impl Measures {
    /// The numbers of a record's text.
    pub(super) fn read(&mut self, text: &str) {
        let lower = text.to_lowercase();
        self.of.extend(alone(&lower).map(|(n, behind)| {
            let end = behind
                .char_indices()
                .nth(BEHIND)
                .map_or(behind.len(), |c| c.0);
            (n, behind[..end].to_owned())
        }));
        let units = WITH_UNIT.iter().flat_map(|p| p.captures_iter(&lower));
        self.with_unit.extend(units.filter_map(|c| {
            let written = c.get(2).or_else(|| c.get(3))?.as_str();
            let unit = UNITS.iter().find(|(_, all, _)| all.contains(&written))?.2;
            Some((c[1].parse().ok()?, unit))
        }));
    }

    /// A value of a difference: the field says what it counts.
    pub(super) fn field(&mut self, path: &str, value: &str) {
        let path = path.to_lowercase();
        let field = FIELDS.iter().find(|(end, _)| path.ends_with(end));
        self.fields
            .extend(field.zip(value.parse().ok()).map(|(f, n)| (n, f)));
    }

    /// The numbers of records that a unit is written to: they may be told with the unit in words.
    pub(super) fn with_unit(&self) -> impl Iterator<Item = f64> {
        self.with_unit.iter().map(|(n, _)| *n)
    }

    /// Whether a field with this value counts what stands behind the number: 12 核, `12 replicas`, 3 个.
    fn is_field(&self, said: f64, behind: &str, lang: Lang) -> bool {
        let noun = behind
            .trim_start_matches(|c| MEASURES.contains(c))
            .trim_start();
        let mut fields = self.fields.iter().filter(|(n, _)| is_equal(*n, said));
        fields.any(|(_, (end, words))| {
            let is_counted = *end == "replicas" && noun.len() < behind.len();
            words.iter().any(|w| noun.starts_with(w)) || is_counted && is_bare(noun, lang)
        })
    }

    /// Whether the number measures what stands behind it. How often is asked with `counts`.
    pub(super) fn holds(
        &self,
        said: f64,
        behind: &str,
        counts: impl Fn(f64) -> bool,
        lang: Lang,
    ) -> bool {
        let behind = behind.trim_start().to_lowercase();
        let starts = |words: &[&str]| words.iter().any(|w| behind.starts_with(w));
        if starts(&[
            "倍",
            "times as",
            "times more",
            "times the",
            "times its",
            "x ",
            "-fold",
        ]) {
            return is_about(&self.ratios, said);
        }
        if starts(&TIMES) {
            return counts(said);
        }
        if starts(&["分钟", "小时", "个小时", "minute", "hour", "min "]) {
            return is_about(&self.spans, said);
        }
        if starts(&["天", "day"]) {
            return is_about(&self.days, said);
        }
        if self.is_field(said, &behind, lang) {
            return true;
        }
        if let Some((_, _, unit)) = UNITS.iter().find(|(words, _, _)| starts(words)) {
            let mut there = self.with_unit.iter();
            return there.any(|(n, u)| u == unit && is_equal(*n, said));
        }
        let own = self.of.iter().filter(|(n, _)| is_equal(*n, said));
        if is_bare(&behind, lang) {
            return own.count() > 0;
        }
        let noun = behind
            .trim_start_matches(|c| MEASURES.contains(c))
            .trim_start();
        let mut own = own;
        own.any(|(_, there)| same(noun, there))
    }
}

fn is_equal(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

fn is_bare(behind: &str, lang: Lang) -> bool {
    let Some(first) = behind.chars().next() else {
        return true;
    };
    if BARE_ZH.contains(first) {
        return true;
    }
    let word = behind
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or("");
    lang == Lang::En && BARE_EN.contains(&format!(" {word} "))
}

/// Whether both begin with the same thing: 节点 and `nodes`, 副本 and 副本.
fn same(said: &str, there: &str) -> bool {
    let there = there
        .trim_start_matches(|c: char| MEASURES.contains(c))
        .trim_start();
    let latin = |text: &str| {
        let word = text.split(|c: char| !c.is_ascii_alphanumeric()).next();
        word.unwrap_or("").to_owned()
    };
    let (a, b) = (latin(said), latin(there));
    if !a.is_empty() {
        return !b.is_empty() && stem(&a) == stem(&b);
    }
    let head = |text: &str, n: usize| text.chars().take(n).collect::<String>();
    if b.is_empty() {
        return head(said, 2) == head(there, 2);
    }
    let concepts = |text: &str| -> BTreeSet<String> {
        Analyzer::built_in()
            .query(text)
            .concepts
            .into_iter()
            .collect()
    };
    !concepts(&head(said, 2)).is_disjoint(&concepts(&b))
}

/// Equal, or equal after rounding to what was said.
fn is_about(all: &[f64], said: f64) -> bool {
    let unit = last_place(said).clamp(0.1, 1.0);
    all.iter()
        .any(|n| ((n / unit).round() * unit - said).abs() < 1e-6 || (n.floor() - said).abs() < 1e-9)
}

/// The numbers of a text that stand alone, each with what stands behind it; digits inside a name, an id, an address or a port are none.
/// The `0/8` of `0/8 nodes` are two.
pub(super) fn alone(text: &str) -> impl Iterator<Item = (f64, &str)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && (bytes[at].is_ascii_digit() || bytes[at] == b'.') {
            at += 1;
        }
        let run = text[start..at].trim_end_matches('.');
        at = start + run.len();
        let mut before = text[..start].chars().rev();
        let mut after = text[at..].chars();
        let (last, before_last) = (before.next(), before.next());
        let (next, after_next) = (after.next(), after.next());
        let inside =
            |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || "_./:@+-".contains(c));
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        // `"replicas":12` is a value; `:8080` behind a host a port.
        let is_value = last == Some(':') && matches!(before_last, Some('"' | '\'') | None);
        let grouped = last == Some(',') && before_last.is_some_and(|c| c.is_ascii_digit());
        // A full stop or colon behind a number ends what it belongs to, unless more follows at once.
        let joined = match next {
            Some('.' | ':' | ',') => letter(after_next),
            other => inside(other),
        };
        let begins = !inside(last) && !grouped;
        if let (true, Some('/')) = (begins, next)
            && let Some((of, behind)) = fraction(&text[at + 1..])
        {
            found.extend(run.parse().ok().map(|n| (n, behind)));
            found.push((of, behind));
            at = text.len() - behind.len();
            continue;
        }
        if (begins || is_value) && !joined {
            found.extend(run.parse().ok().map(|n| (n, text[at..].trim_start())));
        }
    }
    found.into_iter()
}

/// `8 nodes` behind the slash of `0/8 nodes`: the number, and what follows.
fn fraction(text: &str) -> Option<(f64, &str)> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let behind = text[digits..].strip_prefix(' ')?;
    Some((text[..digits].parse().ok()?, behind.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_inside_a_name_an_id_or_a_port_are_no_numbers() {
        let all = |text: &str| alone(text).map(|(n, _)| n).collect::<Vec<_>>();
        assert_eq!(
            all("Pod pay/risk-w79xzpsbv7-x 10.0.3.16:8080 took 3366ms v2.4.1"),
            [0.0; 0]
        );
        assert_eq!(
            all("at 10:59:20,173 exec-46 traceId=a52c762e199dd2cc"),
            [0.0; 0]
        );
        assert_eq!(
            all("0/8 nodes are available: 8 Insufficient cpu"),
            [0.0, 8.0, 8.0]
        );
        assert_eq!(
            all("statuscode: 503, \"replicas\":12} took 2.5 s."),
            [503.0, 12.0, 2.5]
        );
    }

    #[test]
    fn a_number_measures_what_stands_behind_it() {
        let mut m = Measures {
            ratios: vec![3.5],
            spans: vec![98.0, 1.63],
            ..Measures::default()
        };
        m.read("0/8 nodes are available: 8 Insufficient cpu, statuscode: 503, took 3366ms");
        let holds =
            |n: f64, behind: &str| m.holds(n, behind, |c| (c - 165.0).abs() < 1e-9, Lang::Zh);
        for (n, behind) in [
            (165.0, "次"),
            (8.0, "个节点 CPU 不够"),
            (503.0, "，"),
            (503.0, ""),
            (98.0, "分钟"),
            (1.6, "小时"),
            (3.5, "倍"),
            (3366.0, "毫秒"),
        ] {
            assert!(holds(n, behind), "{n} {behind}");
        }
        for (n, behind) in [
            (165.0, "个节点"),
            (503.0, "次请求"),
            (503.0, "个用户"),
            (8.0, "个副本"),
            (8.0, "次"),
            (165.0, "分钟"),
            (3366.0, "秒"),
            (165.0, ""),
            (79.0, ""),
        ] {
            assert!(!holds(n, behind), "{n} {behind}");
        }
        let en = |n: f64, behind: &str| m.holds(n, behind, |_| false, Lang::En);
        assert!(en(8.0, "nodes are full") && en(503.0, "at once"));
        assert!(!en(503.0, "users could") && !en(8.0, "replicas"));
    }
}
