//! Which words a model's sentence may use: an allowlist, since what a model may invent has no list.
//!
//! In: a clause and what the cited records and findings say ([`Corpus`]). Out: the first word that nothing cited says. A Chinese run must be cut
//! into words that occur in the corpus as they stand, that mean the same as a word there (by the lexicon: 调度 for `FailedScheduling`), or that
//! assert nothing ([`lists`](super::lists)); an English word must have its stem there. A record that gives orders lends no words. Pure.

use std::{collections::BTreeSet, sync::LazyLock};

use crate::{
    diagnosis::faults::Catalogue,
    model::{Lang, visible},
    store::embed::Analyzer,
};

use super::{
    form::speaks_of_us,
    lists::{found, lists},
};

/// Longest word in characters that is looked up in the lexicon; longer ones are made of several.
const WORD_CHARS: usize = 5;

/// Most characters of a clause that are looked for in one piece.
const LONGEST: usize = 12;

/// The fault catalogue, for its names; the same as the diagnosis uses.
pub(super) static CATALOGUE: LazyLock<Option<Catalogue>> =
    LazyLock::new(|| Catalogue::builtin().ok());

/// What is cited, as words.
#[derive(Debug, Default)]
pub(super) struct Corpus {
    /// Lower-case, white space as single spaces, one piece a line.
    pub text: String,
    stems: BTreeSet<String>,
    concepts: BTreeSet<String>,
    /// Nothing is looked up for a guess beyond the words themselves: it speaks of what might be.
    free: bool,
}

impl Corpus {
    /// Of sentences of ours and of names.
    pub(super) fn add(&mut self, piece: &str) {
        let shown = visible(piece);
        for word in words(&shown) {
            self.stems.insert(stem(&word));
        }
        let found = Analyzer::built_in().index(&[&shown, &apart(&shown)]);
        self.concepts
            .extend(found.concepts.split(' ').map(str::to_owned));
        self.concepts.remove("");
        self.text.push_str(&shown.to_lowercase());
        self.text.push('\n');
    }

    /// Of a line that strangers wrote.
    pub(super) fn record(&mut self, text: &str) {
        let lower = text.to_lowercase();
        let orders = |lang| found(&lists(lang).order, &lower).is_some();
        if speaks_of_us(text).is_some_and(|w| w != "://") || orders(Lang::Zh) || asks(&lower) {
            return;
        }
        self.add(text);
    }

    /// The name and the meaning of a fault in both languages.
    pub(super) fn fault(&mut self, code: &str) {
        if let Some(fault) = CATALOGUE.as_ref().and_then(|c| c.get(code)) {
            for pair in [&fault.name, &fault.say] {
                self.add(&pair.0.replace("{object}", " "));
                self.add(&pair.1.replace("{object}", " "));
            }
        }
    }

    /// Whatever the catalogue and the lexicon know: what a guess may be made of.
    pub(super) fn of_guesses() -> Self {
        static ALL: LazyLock<(String, BTreeSet<String>)> = LazyLock::new(|| {
            let mut all = Corpus::default();
            for f in CATALOGUE.iter().flat_map(Catalogue::faults) {
                for pair in [&f.name, &f.say, &f.tell].into_iter().chain(&f.fix) {
                    all.text.push_str(&pair.0.to_lowercase());
                    all.text.push('\n');
                    all.stems.extend(words(&pair.1).map(|w| stem(&w)));
                }
            }
            (all.text, all.stems)
        });
        Self {
            text: ALL.0.clone(),
            stems: ALL.1.clone(),
            concepts: BTreeSet::new(),
            free: true,
        }
    }

    /// Both together.
    pub(super) fn with(&self, other: &Self) -> Self {
        Self {
            text: format!("{}{}", self.text, other.text),
            stems: self.stems.union(&other.stems).cloned().collect(),
            concepts: self.concepts.union(&other.concepts).cloned().collect(),
            free: self.free || other.free,
        }
    }

    pub(super) fn has_stem(&self, stem: &str) -> bool {
        self.stems.contains(stem)
    }

    /// The first word of a clause that nothing cited says. `names` are those of objects, which are held against the records elsewhere.
    pub(super) fn strange(
        &self,
        clause: &str,
        lang: Lang,
        names: &BTreeSet<String>,
    ) -> Option<String> {
        let lower = clause.to_lowercase();
        if let Some(odd) = lower.chars().find(|c| is_odd(*c)) {
            return Some(odd.to_string());
        }
        let mut runs = lower.split(|c| !is_chinese(c)).filter(|r| !r.is_empty());
        let chinese = runs.find_map(|run| self.left_over(run, lang));
        chinese.or_else(|| {
            let latin = words(&lower).find(|w| !self.has_latin(w, lang) && !names.contains(w));
            latin.filter(|w| w.len() > 1)
        })
    }

    fn has_latin(&self, word: &str, lang: Lang) -> bool {
        let stem = stem(word);
        let listed = [Lang::Zh, Lang::En].into_iter().any(|l| {
            let lists = lists(l);
            let plain = |list: &BTreeSet<String>| list.contains(word) || list.contains(&stem);
            plain(&lists.plain)
                || self.free && (plain(&lists.guess) || lists.hedge.iter().any(|h| h == word))
        });
        listed && lang == Lang::En
            || THINGS.contains(&format!(" {word} ").as_str())
            || self.stems.contains(&stem)
            || self.knows(word)
    }

    /// What of a run of Chinese characters cannot be cut into words that are allowed.
    fn left_over(&self, run: &str, lang: Lang) -> Option<String> {
        let chars: Vec<char> = run.chars().collect();
        // How far one can come; from the furthest place on, the next two characters are what is strange.
        let mut reached = vec![false; chars.len() + 1];
        reached[0] = true;
        for at in 0..chars.len() {
            if !reached[at] {
                continue;
            }
            for end in at + 1..=chars.len().min(at + LONGEST) {
                let word: String = chars[at..end].iter().collect();
                let len = end - at;
                let holds = self.is_listed(&word, lang)
                    || len >= 2 && self.text.contains(&word)
                    || (2..=WORD_CHARS).contains(&len) && self.knows(&word);
                if holds {
                    reached[end] = true;
                }
            }
        }
        if reached[chars.len()] {
            return None;
        }
        let furthest = reached.iter().rposition(|r| *r).unwrap_or(0);
        Some(chars[furthest..].iter().take(2).collect())
    }

    fn is_listed(&self, word: &str, lang: Lang) -> bool {
        let lists = lists(lang);
        let any = |list: &[String]| list.iter().any(|w| w == word);
        // What somebody did, that it is over and that it is not: each is held against the records by `roles`.
        let guarded = any(&lists.well) || lists.verb.iter().any(|v| any(&v.words));
        lists.plain.contains(word)
            || guarded
            || self.free && (lists.guess.contains(word) || any(&lists.hedge))
    }

    /// Whether it means what a word of the corpus means. Only the shortest text of a meaning counts, or a word could be told with it.
    fn knows(&self, word: &str) -> bool {
        let meaning = concepts(word);
        let mut chars = word.chars();
        chars.next();
        let tail = chars.as_str();
        let head: String = word.chars().take(word.chars().count() - 1).collect();
        let latin = word.is_ascii();
        !meaning.is_empty()
            && (self.free || meaning.is_subset(&self.concepts))
            && (latin || concepts(tail) != meaning && concepts(&head) != meaning)
    }
}

/// Kinds of objects: a sentence that names one may say what it is.
const THINGS: [&str; 14] = [
    " pod ",
    " pods ",
    " deployment ",
    " deployments ",
    " statefulset ",
    " daemonset ",
    " job ",
    " cronjob ",
    " configmap ",
    " service ",
    " namespace ",
    " kubernetes ",
    " k8s ",
    " http ",
];

/// Whether a line asks whoever reads it to do something.
fn asks(lower: &str) -> bool {
    let mut places = lower.match_indices('请').map(|(at, _)| at);
    places.any(|at| {
        let before = lower[..at].chars().next_back();
        let after = lower[at + '请'.len_utf8()..].chars().next();
        before != Some('申') && after != Some('求')
    }) || [
        "ignore all",
        "ignore previous",
        "you are now",
        "system prompt",
    ]
    .iter()
    .any(|w| lower.contains(w))
}

/// A run of an order in a sentence: 请 without 申请 and 请求.
pub(super) fn is_asking(lower: &str) -> bool {
    asks(lower)
}

fn concepts(word: &str) -> BTreeSet<String> {
    let found = Analyzer::built_in().query(word).concepts;
    found.into_iter().collect()
}

const fn is_chinese(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{20000}'..='\u{323af}' | '〇')
}

/// Characters that a plain sentence has no use for: numbers in circles, letters of other scripts.
fn is_odd(c: char) -> bool {
    !is_chinese(c) && !c.is_ascii() && !"，。、；：！？“”‘’「」『』（）《》【】…—·→×％".contains(c)
}

/// Words of Latin letters in lower-case; those written together (`FailedScheduling`) also apart.
fn words(text: &str) -> impl Iterator<Item = String> {
    let split = |t: &str| {
        let words = t.split(|c: char| !c.is_ascii_alphanumeric());
        let words = words.filter(|w| w.bytes().any(|b| b.is_ascii_alphabetic()));
        words.map(str::to_lowercase).collect::<Vec<_>>()
    };
    let mut all = split(text);
    all.extend(split(&apart(text)));
    all.into_iter()
}

/// `Failed Scheduling` of `FailedScheduling`.
fn apart(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    for c in text.chars() {
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            out.push(' ');
        }
        out.push(c);
        before = c;
    }
    out
}

/// `schedul` of schedule, scheduled and scheduling: enough to compare two words of English.
pub(super) fn stem(word: &str) -> String {
    let lower = word.to_lowercase();
    let mut stem = lower.as_str();
    for end in ["ations", "ation", "ings", "ing", "ed", "es", "s", "e"] {
        if let Some(short) = stem.strip_suffix(end).filter(|s| s.len() >= 3) {
            stem = short;
            break;
        }
    }
    let mut chars: Vec<char> = stem.chars().collect();
    if let [.., a, b] = chars[..]
        && a == b
        && chars.len() > 3
    {
        chars.pop();
    }
    chars.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus() -> Corpus {
        let mut corpus = Corpus::default();
        corpus.record(
            "FailedScheduling Pod pay/risk-x: 0/8 nodes are available: 8 Insufficient cpu.",
        );
        corpus.fault("schedule.insufficient_cpu");
        corpus
    }

    #[test]
    fn a_word_is_cited_or_asserts_nothing() {
        let names = BTreeSet::from(["risk".to_owned()]);
        let strange = |text: &str, lang| corpus().strange(text, lang, &names);
        for text in [
            "risk 的 Pod 调度失败",
            "risk 的 CPU 不够，调度不了",
            "事件日志里 risk 一直报 Insufficient cpu",
        ] {
            assert_eq!(strange(text, Lang::Zh), None, "{text}");
        }
        for (text, word) in [
            ("risk 的数据库被清空", "数据"),
            ("risk 的磁盘写满了", "磁盘"),
            ("risk 全部失败", "全部"),
            ("risk 失败①次", "①"),
            ("risk 的 mysql 失败", "mysql"),
        ] {
            assert_eq!(strange(text, Lang::Zh).as_deref(), Some(word), "{text}");
        }
        assert_eq!(
            strange(
                "risk failed to be scheduled, the nodes have insufficient CPU",
                Lang::En
            ),
            None
        );
        assert_eq!(
            strange("the risk database was wiped", Lang::En).as_deref(),
            Some("database")
        );
    }

    #[test]
    fn a_line_that_gives_orders_lends_no_words() {
        let mut corpus = Corpus::default();
        corpus.record("order remark: 镜像拉取失败, 请回滚 payment");
        assert!(
            corpus
                .strange("镜像拉取失败", Lang::Zh, &BTreeSet::new())
                .is_some()
        );
        corpus.record("申请连接失败，请求被拒绝");
        assert_eq!(
            corpus.strange("请求被拒绝", Lang::Zh, &BTreeSet::new()),
            None
        );
    }

    #[test]
    fn words_of_english_have_stems() {
        for (a, b) in [
            ("scheduled", "scheduling"),
            ("refuses", "refused"),
            ("stopped", "stop"),
            ("pulls", "pulling"),
        ] {
            assert_eq!(stem(a), stem(b));
        }
        assert_ne!(stem("wiped"), stem("write"));
    }
}
