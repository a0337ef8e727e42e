//! What a sentence asserts that can be looked up: numbers, names, times and quotations.
//!
//! In: one sentence in Chinese or English. Out: [`Tokens`]. Numbers in words (三次, 百分之九十, 几十条, `twice`) are numbers too, 下午三点 is a
//! time; words that everybody uses of Kubernetes ([`VOCABULARY`]) are no names. Knows nothing of records.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::model::Lang;

use super::{
    clocks::clock,
    numerals::{chinese, english, unit, vague},
};

/// Words that assert nothing about this cluster. Reasons and states (`OOMKilled`, `ErrImagePull`) are not among them: they are facts.
const VOCABULARY: &str = " pod pods node nodes container containers deployment deployments statefulset daemonset replicaset replica replicas job cronjob \
    service services ingress configmap secret namespace cluster kubernetes k8s kubelet kubectl docker containerd api apiserver cpu memory gpu io disk \
    pvc pv crd tcp udp http https ip url json yaml log logs error errors warning event events audit tke cls cos tencent cloud \
    tag image images registry repository pull push app sdk jvm sql db vpc clb cni cbs cfs qps tps ok persistentvolumeclaim horizontalpodautoscaler ";

/// What a cluster may suffer from: said of a record by a model, it must be in it.
const CAUSES: &str = " oom dns tls ssl rbac hpa ";

/// What can be looked up of a sentence.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Tokens {
    pub numbers: Vec<f64>,
    /// None and one in digits, which are seldom worth a look: 0 个.
    pub few: Vec<f64>,
    /// Lower-case, [`CAUSES`].
    pub causes: Vec<String>,
    /// Said to be about so many: 约 1200, `about 50`.
    pub about: Vec<f64>,
    /// Said to be a little more: 三千多, `over 50`.
    pub over: Vec<f64>,
    /// Said to be somewhere between: 几十, `hundreds`.
    pub between: Vec<(f64, f64)>,
    /// 90 of `90%` and 百分之九十.
    pub percents: Vec<f64>,
    /// Lower-case.
    pub names: Vec<String>,
    /// Hour and minute.
    pub times: Vec<(u8, u8)>,
    /// An hour without its minute: 下午三点, `3 pm`.
    pub hours: Vec<u8>,
    /// `2026-11-21`, `11-21`.
    pub dates: Vec<String>,
    /// White space as single spaces.
    pub quotes: Vec<String>,
    /// Numbers with what stands behind them: 8 and 个节点.
    pub bound: Vec<(f64, String)>,
    /// Said to be when it began: 从 10:02, 10:02 起, `since 10:02`.
    pub begins: Vec<(u8, Option<u8>)>,
    /// Said to be until when it lasted: 到 11:40, 11:40 恢复.
    pub ends: Vec<(u8, Option<u8>)>,
    /// The sentence without all of these, but with its words.
    pub rest: String,
}

/// Characters behind a number that tell what it counts.
const BEHIND: usize = 16;

pub(super) type Pattern = LazyLock<Option<Regex>>;

pub(super) static QUOTE: Pattern = LazyLock::new(|| {
    Regex::new("`([^`]+)`|“([^”]+)”|\"([^\"]+)\"|「([^」]+)」|『([^』]+)』|‘([^’]{3,})’").ok()
});
static DATE: Pattern = LazyLock::new(|| {
    Regex::new(r"(?-u:\b)(?:\d{4}-)?\d{2}-\d{2}(?-u:\b)|(?:(\d{4})年)?(\d{1,2})月(\d{1,2})[日号]")
        .ok()
});
static PERCENT: Pattern = LazyLock::new(|| {
    Regex::new(r"(?i)(\d+(?:\.\d+)?)\s*(?:[%％]|percent|per cent)|百分之([零〇一二两三四五六七八九十百]+|\d+(?:\.\d+)?)|([一二三四五六七八九])成").ok()
});
static VAGUE: Pattern = LazyLock::new(|| {
    Regex::new(r"(?i)成百上千|成千上万|([零一二两三四五六七八九百千万亿])?十[几多来]|[几数上近成][十百千万]|(?-u:\b)(?:dozens|hundreds|thousands|millions)(?-u:\b)").ok()
});
/// Digits with what multiplies them, and whether they are meant to be rough.
static ROUGH: Pattern = LazyLock::new(|| {
    Regex::new(r"(?i)(大约|约|将近|接近|超过|about |around |nearly |roughly |over |more than )?\s*(\d[\d,]*(?:\.\d+)?)\s*(百万|千万|百|千|万|亿|hundred(?-u:\b)|thousand(?-u:\b)|million(?-u:\b)|billion(?-u:\b))?\s*(多|余|来|左右|上下)?").ok()
});
static NUMERAL: Pattern = LazyLock::new(|| {
    Regex::new(r"(大约|约|将近|接近|超过)?([零〇一二两三四五六七八九十百千万亿]+)(多|余|来|几)?(次|个|条|台|分钟|分|秒|小时|天|倍|份|组|项|行|类|处|位|名|家|轮|批|起|笔|遍|回|件|套|种|块|核|周|月|年|人|副本|节点|实例|容器)").ok()
});
static WORD: Pattern = LazyLock::new(|| Regex::new(r"[A-Za-z0-9_./:@%+-]+").ok());

/// Reads a sentence.
pub(super) fn tokens(text: &str, lang: Lang) -> Tokens {
    let mut found = Tokens::default();
    let rest = taken(&QUOTE, text, |c| {
        let inner = c.iter().skip(1).flatten().next().map_or("", |m| m.as_str());
        found
            .quotes
            .push(spaced(inner.trim_end_matches(['…', '.'])));
        true
    });
    found.quotes.retain(|q| !q.is_empty());
    let rest = taken(&DATE, &rest, |c| {
        found.dates.push(date(c));
        true
    });
    let rest = clock(&rest, &mut found);
    let rest = taken(&PERCENT, &rest, |c| {
        let said = c.get(1).and_then(|m| m.as_str().parse().ok());
        let in_words = c.get(2).map(|m| m.as_str());
        let in_words = in_words.and_then(|t| t.parse().ok().or_else(|| chinese(t)));
        let tenths = c.get(3).and_then(|m| chinese(m.as_str())).map(|n| n * 10.0);
        found.percents.extend(said.or(in_words).or(tenths));
        true
    });
    let rest = taken(&VAGUE, &rest, |c| {
        // 三十多 is thirty and something, not ten.
        let whole = c.get(1).is_none();
        found.between.extend(vague(&c[0]).filter(|_| whole));
        whole
    });
    let rest = digits(&rest, &mut found);
    let rest = taken(&NUMERAL, &rest, |c| {
        // 十分严重 is "very grave".
        let counts = !matches!(&c[0], "十分" | "万分");
        let value = chinese(&c[2]).filter(|_| counts);
        number(&mut found, value, c.get(1), c.get(3));
        let behind = c.get(4).map_or("", |m| behind(&rest, m.start()));
        found.bound.extend(value.map(|n| (n, behind.to_owned())));
        if value == Some(0.0) {
            found.few.push(0.0);
        }
        counts
    });
    if lang == Lang::En {
        found.numbers.extend(english(&rest));
    }
    found.rest.clone_from(&rest);
    let mut start = true;
    taken(&WORD, &rest, |c| {
        word(&c[0], lang, start, &mut found);
        start = c[0].ends_with('.');
        true
    });
    found
}

/// The next few characters from a place on.
fn behind(text: &str, from: usize) -> &str {
    let rest = text[from..].trim_start();
    let end = rest.char_indices().nth(BEHIND).map_or(rest.len(), |c| c.0);
    &rest[..end]
}

/// Runs of white space as one space, lower-case kept.
pub(super) fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without what `see` took.
pub(super) fn taken(
    pattern: &Pattern,
    text: &str,
    mut see: impl FnMut(&Captures<'_>) -> bool,
) -> String {
    let Some(pattern) = pattern.as_ref() else {
        return text.to_owned();
    };
    let found = pattern.replace_all(text, |c: &Captures<'_>| {
        if see(c) {
            " ".to_owned()
        } else {
            c[0].to_owned()
        }
    });
    found.into_owned()
}

/// `11-21` of 11月21日, with its year where it has one.
fn date(c: &Captures<'_>) -> String {
    let part = |n: usize| c.get(n).map(|m| m.as_str());
    match (part(1), part(2), part(3)) {
        (Some(year), Some(month), Some(day)) => format!("{year}-{month:0>2}-{day:0>2}"),
        (None, Some(month), Some(day)) => format!("{month:0>2}-{day:0>2}"),
        _ => c[0].to_owned(),
    }
}

/// Numbers in digits that stand alone; those inside a name (`v2.4.1`, `node-3`) are left to it.
fn digits(text: &str, found: &mut Tokens) -> String {
    let inside = |c: Option<char>| {
        c.is_some_and(|c| c.is_ascii_alphabetic() || "_./:@+-".contains(c) || c.is_ascii_digit())
    };
    let Some(pattern) = ROUGH.as_ref() else {
        return text.to_owned();
    };
    let mut rest = String::new();
    let mut end = 0;
    for c in pattern.captures_iter(text) {
        let (Some(all), Some(digits)) = (c.get(0), c.get(2)) else {
            continue;
        };
        let before = text[..digits.start()].chars().next_back();
        let mut after = text[digits.end()..].chars();
        let next = after.next();
        // A full stop behind a number ends the sentence, unless more follows at once.
        let joined = match next {
            Some('.' | ':' | '-' | '/') => inside(after.next()),
            other => inside(other),
        };
        if inside(before) || joined && c.get(3).is_none() {
            continue;
        }
        let value = digits.as_str().replace(',', "").parse::<f64>().ok();
        let value = value.map(|n| n * unit(c.get(3).map_or("", |m| m.as_str())));
        number(found, value, c.get(1), c.get(4));
        let behind = behind(text, all.end());
        found.bound.extend(value.map(|n| (n, behind.to_owned())));
        // 第 1 个 counts nothing.
        let is_place = text[..digits.start()].trim_end().ends_with('第');
        found
            .few
            .extend(value.filter(|n| *n <= 1.0 && n.fract() == 0.0 && !is_place));
        rest.push_str(&text[end..all.start()]);
        rest.push(' ');
        end = all.end();
    }
    rest + &text[end..]
}

/// "a 1" and "the 0" carry nothing that our own sentences would have to prove.
fn number(
    found: &mut Tokens,
    value: Option<f64>,
    before: Option<regex::Match<'_>>,
    after: Option<regex::Match<'_>>,
) {
    let words = [before, after].map(|m| m.map_or("", |m| m.as_str().trim()).to_lowercase());
    let list = match [words[0].as_str(), words[1].as_str()] {
        ["超过" | "over" | "more than", _] | [_, "多" | "余" | "几"] => &mut found.over,
        ["", ""] => &mut found.numbers,
        _ => &mut found.about,
    };
    list.extend(value.filter(|n| *n > 1.0 || n.fract() != 0.0));
}

fn word(raw: &str, lang: Lang, starts_sentence: bool, found: &mut Tokens) {
    let word = raw.trim_matches(|c: char| "._:/@+-".contains(c));
    if let Ok(n) = word.replace(',', "").parse::<f64>() {
        number(found, Some(n), None, None);
        found.bound.push((n, String::new()));
        return;
    }
    let lower = word.to_lowercase();
    let letters = lower.bytes().filter(u8::is_ascii_alphabetic).count();
    if CAUSES.contains(&format!(" {lower} ")) {
        found.causes.push(lower);
        return;
    }
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
        assert_eq!((t.numbers, t.about), (vec![157.0, 320.0], vec![3.5]));
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

    #[test]
    fn a_number_is_found_however_it_is_written() {
        let zh = |text: &str| tokens(text, Lang::Zh);
        let en = |text: &str| tokens(text, Lang::En);
        assert_eq!(zh("报错 5 万次").numbers, [50_000.0]);
        assert_eq!(zh("报错1.2万次").numbers, [12_000.0]);
        assert_eq!(zh("报错 1,234 次").numbers, [1_234.0]);
        assert_eq!(zh("大约一百二十次").about, [120.0]);
        assert_eq!(zh("失败了三千多次，三十几次").over, [3_000.0, 30.0]);
        assert_eq!(
            zh("失败率百分之九十，占 57%，七成").percents,
            [90.0, 57.0, 70.0]
        );
        assert_eq!(zh("几十条报错，上千次重试").between.len(), 2);
        assert_eq!(zh("两个副本，三台节点").numbers, [2.0, 3.0]);
        assert_eq!(zh("一个也没有，十分严重，万一").numbers, [0.0; 0]);
        assert_eq!(en("failed three times, a dozen pods").numbers, [3.0, 12.0]);
        assert_eq!(en("about 3 thousand errors").about, [3_000.0]);
        assert_eq!(en("hundreds of errors").between, [(200.0, 999.0)]);
        assert_eq!(zh("node-3 的 v2.4.1 和 10.0.0.7").numbers, [0.0; 0]);
    }

    #[test]
    fn a_time_is_found_however_it_is_written() {
        let zh = |text: &str| tokens(text, Lang::Zh);
        assert_eq!(zh("下午3点25分").times, [(15, 25)]);
        assert_eq!(zh("十点零二分开始").times, [(10, 2)]);
        assert_eq!(zh("上午十点到十一点左右").hours, [10, 11]);
        assert_eq!(zh("有3点建议").hours, [0_u8; 0]);
        assert_eq!(zh("11月21日").dates, ["11-21"]);
        assert_eq!(zh("2026年11月2日").dates, ["2026-11-02"]);
        let en = tokens("from 10:02 am to 1:30 pm, again at 3pm", Lang::En);
        assert_eq!((en.times, en.hours), (vec![(10, 2), (13, 30)], vec![15]));
        assert_eq!(zh("持续了3小时").hours, [0_u8; 0]);
    }
}
