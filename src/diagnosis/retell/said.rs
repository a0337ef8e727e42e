//! The sentences that a diagnosis forms, in both languages, so that one can be told for the other.
//!
//! In: a text and a language. Out: the same text in that language, when it is one of these sentences with its blanks filled. Always true: what
//! fills a blank is kept as it is, unless it is itself a word or a sentence of ours; a text that is in that language already costs a
//! look at its characters. `tests/it/two_tongues.rs` holds the table against what a diagnosis says in either language.

use std::{collections::HashMap, sync::LazyLock};

use regex::Regex;

use super::{Words, sentences::SENTENCES};
use crate::{
    diagnosis::{
        changes::ChangeClass,
        faults::{CallMode, Pair},
        rollback::NoRollback,
    },
    model::Lang,
};

/// Sentences within sentences; more is none of ours.
const DEPTH: u8 = 3;

/// From Chinese, and from English. What says the most by itself is looked for first: a short sentence may be a part of a long one.
static FORMS: LazyLock<[Vec<(Form, Form)>; 2]> = LazyLock::new(|| {
    let pairs = || SENTENCES.iter();
    let mut from_zh: Vec<_> = pairs()
        .filter_map(|(zh, en)| Some((Form::of(zh)?, Form::of(en)?)))
        .collect();
    let mut from_en: Vec<_> = pairs()
        .filter_map(|(zh, en)| Some((Form::of(en)?, Form::of(zh)?)))
        .collect();
    for forms in [&mut from_zh, &mut from_en] {
        forms.sort_by_key(|(from, _)| std::cmp::Reverse(from.literal));
    }
    [from_zh, from_en]
});

/// A sentence with blanks, to be recognised and to be filled.
struct Form {
    regex: Regex,
    parts: Vec<Part>,
    /// Bytes that are no blank.
    literal: usize,
}

enum Part {
    Text(String),
    /// How it is filled, and the name of its group.
    Blank(How, String),
}

impl Part {
    fn literal(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Blank(..) => 0,
        }
    }
}

#[derive(Clone, Copy)]
enum How {
    Kept,
    Ours,
    Names,
}

impl Form {
    fn of(text: &str) -> Option<Self> {
        let (mut regex, mut parts) = ("(?s)^".to_owned(), Vec::new());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (blank, after) = after.split_once('}')?;
            let how = match blank.chars().next()? {
                'w' | 'g' => How::Ours,
                'l' => How::Names,
                _ => How::Kept,
            };
            let number = blank.trim_start_matches(|c: char| !c.is_ascii_digit());
            let group = format!("b{number}");
            regex.push_str(&regex::escape(before));
            let lazy = if blank.starts_with('g') { "" } else { "?" };
            regex.extend(["(?<", group.as_str(), ">.+", lazy, ")"]);
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Blank(how, group));
            rest = after;
        }
        regex.push_str(&regex::escape(rest));
        regex.push('$');
        parts.push(Part::Text(rest.to_owned()));
        Some(Self {
            regex: Regex::new(&regex).ok()?,
            literal: parts.iter().map(Part::literal).sum(),
            parts,
        })
    }
}

/// Words that stand in sentences, by their text in either language: classes of changes, ways in which calls fail, reasons not to roll back.
static PHRASES: LazyLock<HashMap<&str, [&str; 2]>> = LazyLock::new(|| {
    let both = [Lang::Zh, Lang::En];
    let mut phrases = HashMap::new();
    let mut add = |pair: [&'static str; 2]| {
        for text in pair {
            phrases.insert(text, pair);
        }
    };
    for class in ChangeClass::ALL {
        add(both.map(|l| class.name(l)));
    }
    for mode in CallMode::ALL {
        add(both.map(|l| mode.words(l)));
    }
    for reason in NoRollback::ALL {
        add(both.map(|l| reason.told(l)));
    }
    add(["没有业务日志", "no business log"]);
    add(["没有事件日志", "no event log"]);
    add(["没有审计日志", "no audit log"]);
    phrases
});

/// See the module's head; `None` when the text is none of ours, or in this language already.
pub(super) fn said(words: &Words, text: &str, lang: Lang) -> Option<String> {
    // A report is told in its own language almost always.
    let is_chinese = text.chars().any(|c| matches!(c, '\u{4e00}'..='\u{9fff}'));
    (is_chinese == (lang == Lang::En)).then(|| one(words, text, lang, DEPTH))?
}

/// The same for a finding's title: what fails, and after a colon what a log said, which is kept as it is.
pub(super) fn title(words: &Words, text: &str, lang: Lang) -> Option<String> {
    let (from, to) = lang.pick((": ", "："), ("：", ": "));
    let whole = || said(words, text, lang);
    let Some((what, of_log)) = text.split_once(from) else {
        return whole();
    };
    said(words, what, lang).map_or_else(whole, |what| Some(format!("{what}{to}{of_log}")))
}

fn one(words: &Words, text: &str, lang: Lang, depth: u8) -> Option<String> {
    if let Some([zh, en]) = PHRASES.get(text) {
        return Some((*lang.pick(zh, en)).to_owned());
    }
    if let Some(Pair(zh, en)) = words.named(text) {
        return Some(lang.pick(zh, en).clone());
    }
    let deeper = depth.checked_sub(1)?;
    let [from_zh, from_en] = &*FORMS;
    let formed = lang.pick(from_en, from_zh).iter().find_map(|(from, to)| {
        let found = from.regex.captures(text)?;
        let mut said = String::new();
        for part in &to.parts {
            match part {
                Part::Text(text) => said.push_str(text),
                Part::Blank(how, group) => {
                    let held = found.name(group)?.as_str();
                    match how {
                        How::Kept => said.push_str(held),
                        How::Ours => said.push_str(&one(words, held, lang, deeper)?),
                        How::Names => said.push_str(&names(held, lang)),
                    }
                }
            }
        }
        Some(said)
    });
    formed.or_else(|| {
        // An object and the fault that it has.
        let (object, fault) = text.split_once(' ')?;
        let Pair(zh, en) = words.named(fault)?;
        Some(format!("{object} {}", lang.pick(zh, en)))
    })
}

/// How a list of names that was cut ends.
static MORE: LazyLock<Option<[Form; 2]>> = LazyLock::new(|| {
    Some([
        Form::of("{1} 等，另有 {2} 个")?,
        Form::of("{1} and {2} more")?,
    ])
});

fn names(list: &str, lang: Lang) -> String {
    let (from, to) = lang.pick((", ", "、"), ("、", ", "));
    let list = list.replace(from, to);
    let more = MORE.as_ref().and_then(|[zh, en]| {
        let found = lang.pick(en, zh).regex.captures(&list)?;
        let (names, n) = (found.name("b1")?.as_str(), found.name("b2")?.as_str());
        Some(lang.pick(
            format!("{names} 等，另有 {n} 个"),
            format!("{names} and {n} more"),
        ))
    });
    more.unwrap_or(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_has_the_same_blanks_in_both_languages() {
        for (zh, en) in SENTENCES {
            let blanks = |text: &str| {
                let form = Form::of(text).expect("a form");
                let captures = form.regex.capture_names().flatten();
                let mut blank: Vec<String> = captures.map(str::to_owned).collect();
                blank.sort();
                blank
            };
            assert_eq!(blanks(zh), blanks(en), "{zh}");
        }
    }

    #[test]
    fn a_sentence_is_told_in_the_other_language_and_back() {
        let words = Words::read();
        for (zh, en) in [
            (
                "把 Deployment pay/billing 的镜像、启动命令恢复到 10:02 改动之前",
                "take the image, the command of Deployment pay/billing back to before 10:02",
            ),
            (
                "这个对象在 11:00 已被账号 alice 删除，没有可以改回的东西",
                "account alice deleted the object at 11:00, there is nothing to take back",
            ),
            (
                "Deployment a/b 的 2 个 Pod 会重建（逐个替换），调用方有 Deployment c/d、Deployment c/e 等，另有 3 个",
                "the 2 pods of Deployment a/b are made anew (one after another); called by Deployment c/d, Deployment c/e and 3 more",
            ),
            (
                "已经由账号 alice 在 10:43 改回，不需要再回滚",
                "account alice put it back at 10:43, no rollback is needed any more",
            ),
            (
                "把 Deployment shop/checkout 的副本数从 0 改回 4",
                "set the number of replicas of Deployment shop/checkout back from 0 to 4",
            ),
            (
                "orders 调用 billing 超时",
                "orders calls to billing time out",
            ),
        ] {
            assert_eq!(said(&words, zh, Lang::En).as_deref(), Some(en));
            assert_eq!(said(&words, en, Lang::Zh).as_deref(), Some(zh));
            assert_eq!(said(&words, zh, Lang::Zh), None);
        }
        let (zh, en) = (
            "orders 报错：queue has 5 events",
            "orders errors: queue has 5 events",
        );
        assert_eq!(title(&words, zh, Lang::En).as_deref(), Some(en));
        assert_eq!(title(&words, en, Lang::Zh).as_deref(), Some(zh));
        for free in ["自己写的一句", "我：好", "镜像 a 的镜像"] {
            assert_eq!(said(&words, free, Lang::En), None, "{free}");
        }
    }
}
