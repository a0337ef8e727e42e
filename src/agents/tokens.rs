//! What a sentence asserts that can be looked up: numbers, names, times and quotations.
//!
//! In: one sentence in Chinese or English. Out: [`Tokens`]. Chinese numerals before a counter (三次) are numbers too; words that everybody uses
//! of Kubernetes ([`VOCABULARY`]) are no names. Knows nothing of records.

use std::sync::LazyLock;

use regex::Regex;

use crate::model::Lang;

/// Words that assert nothing about this cluster. Reasons and states (`OOMKilled`, `ErrImagePull`) are not among them: they are facts.
const VOCABULARY: &str = " pod pods node nodes container containers deployment deployments statefulset daemonset replicaset replica replicas job cronjob \
    service services ingress configmap secret namespace cluster kubernetes k8s kubelet kubectl docker containerd api apiserver cpu memory gpu io disk \
    pvc pv crd hpa oom dns tcp udp http https tls ssl ip url json yaml log logs error errors warning event events audit tke cls cos tencent cloud \
    rbac tag image images registry repository pull push app sdk jvm sql db vpc clb cni cbs cfs qps tps ok persistentvolumeclaim horizontalpodautoscaler ";

/// What can be looked up of a sentence.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Tokens {
    pub numbers: Vec<f64>,
    /// Lower-case.
    pub names: Vec<String>,
    /// Hour and minute.
    pub times: Vec<(u8, u8)>,
    /// `2026-11-21`.
    pub dates: Vec<String>,
    /// White space as single spaces.
    pub quotes: Vec<String>,
}

static QUOTE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new("`([^`]+)`|“([^”]+)”|\"([^\"]+)\"|「([^」]+)」|『([^』]+)』|‘([^’]{3,})’").ok()
});
static DATE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(?:\d{4}-)?\d{2}-\d{2}\b").ok());
static TIME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(\d{1,2})(?::|点|時|时)(\d{2})(?::\d{2}|分)?").ok());
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9_./:@%+-]+").ok());
static NUMERAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"([零〇一二两三四五六七八九十百千万亿]+)(?:多)?(次|个|条|台|分|秒|小时|天|倍|份|组|项|行|类|处|成)").ok()
});

/// Reads a sentence.
pub(super) fn tokens(text: &str, lang: Lang) -> Tokens {
    let mut found = Tokens::default();
    let rest = taken(&QUOTE, text, |c| {
        let inner = c.iter().skip(1).flatten().next().map_or("", |m| m.as_str());
        found
            .quotes
            .push(spaced(inner.trim_end_matches(['…', '.'])));
    });
    found.quotes.retain(|q| !q.is_empty());
    let rest = taken(&DATE, &rest, |c| found.dates.push(c[0].to_owned()));
    let rest = taken(&TIME, &rest, |c| {
        if let (Ok(h), Ok(m)) = (c[1].parse(), c[2].parse()) {
            found.times.push((h, m));
        }
    });
    let rest = taken(&NUMERAL, &rest, |c| {
        found.numbers.extend(numeral(&c[1]).filter(|n| *n > 1.0));
    });
    let mut start = true;
    taken(&WORD, &rest, |c| {
        word(&c[0], lang, start, &mut found);
        start = c[0].ends_with('.');
    });
    found
}

/// Runs of white space as one space, lower-case kept.
pub(super) fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn taken(
    pattern: &LazyLock<Option<Regex>>,
    text: &str,
    mut see: impl FnMut(&regex::Captures<'_>),
) -> String {
    let Some(pattern) = pattern.as_ref() else {
        return text.to_owned();
    };
    pattern
        .replace_all(text, |c: &regex::Captures<'_>| {
            see(c);
            " "
        })
        .into_owned()
}

fn word(raw: &str, lang: Lang, starts_sentence: bool, found: &mut Tokens) {
    let word = raw.trim_matches(|c: char| "._:/@+-".contains(c));
    let digits = word.trim_end_matches('%').replace(',', "");
    if let Ok(n) = digits.parse::<f64>() {
        // "a 1" and "the 0" carry nothing that could be looked up.
        if n > 1.0 {
            found.numbers.push(n);
        }
        return;
    }
    let lower = word.to_lowercase();
    let letters = lower.bytes().filter(u8::is_ascii_alphabetic).count();
    if letters == 0 || lower.len() < 2 || VOCABULARY.contains(&format!(" {lower} ")) {
        return;
    }
    let inner_capital = word
        .chars()
        .skip(usize::from(starts_sentence))
        .any(|c| c.is_ascii_uppercase());
    let built = word.contains(|c: char| "_./:@-".contains(c) || c.is_ascii_digit());
    if lang == Lang::Zh || inner_capital || built {
        found.names.push(lower);
    }
}

/// 三百二十 as 320; `None` for what is no number.
fn numeral(text: &str) -> Option<f64> {
    let (mut total, mut section, mut digit) = (0_u64, 0_u64, 0_u64);
    for c in text.chars() {
        match c {
            '零' | '〇' => {}
            '两' => digit = 2,
            '十' | '百' | '千' => {
                let unit = match c {
                    '十' => 10,
                    '百' => 100,
                    _ => 1000,
                };
                section += digit.max(1) * unit;
                digit = 0;
            }
            '万' | '亿' => {
                let unit = if c == '万' { 10_000 } else { 100_000_000 };
                total = total.saturating_add((section + digit).max(1).saturating_mul(unit));
                (section, digit) = (0, 0);
            }
            _ => digit = "一二三四五六七八九".chars().position(|d| d == c)? as u64 + 1,
        }
    }
    Some((total + section + digit) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_asserts_numbers_names_times_and_quotations() {
        let t = tokens(
            "`order-service` 在 10:02 报错 157 次，约 3.5 倍，三百二十次 OOMKilled，Pod 里写着“connection  refused”",
            Lang::Zh,
        );
        assert_eq!(t.quotes, ["order-service", "connection refused"]);
        assert_eq!(t.times, [(10, 2)]);
        assert_eq!(t.numbers, [320.0, 157.0, 3.5]);
        assert_eq!(t.names, ["oomkilled"]);
    }

    #[test]
    fn plain_english_words_are_no_names() {
        let t = tokens(
            "The checkout-api pods failed 12 times after Kubernetes pulled v2.4.1.",
            Lang::En,
        );
        assert_eq!(t.names, ["checkout-api", "v2.4.1"]);
        assert_eq!(t.numbers, [12.0]);
    }
}
