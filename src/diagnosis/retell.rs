//! A stored report in the language of whoever reads it, as far as its sentences are ours.
//!
//! In: a report and a language. Out: the same report; titles, remedies, rollbacks and what spoke against other causes are said in that
//! language. Always true: a sentence that is neither the catalogue's nor one that the diagnosis forms (a model put it otherwise, log text,
//! what somebody wrote) stays as it was stored. Reads no clock and no store.

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;

use super::faults::{BUILTIN, Pair};
use crate::model::{Lang, report::Report};

mod said;
mod sentences;

/// The words of the catalogue alone: its patterns are compiled elsewhere, once.
static WORDS: LazyLock<Words> = LazyLock::new(Words::read);

#[derive(Deserialize)]
struct File {
    fault: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    code: String,
    name: Pair,
    #[serde(default)]
    fix: Vec<Pair>,
    rollback: Option<Pair>,
    tell: Option<Pair>,
    #[serde(default)]
    verify: Vec<Pair>,
}

#[derive(Default)]
struct Words {
    /// By code.
    names: HashMap<String, Pair>,
    /// The same, from either language.
    by_name: HashMap<String, Pair>,
    /// From either language.
    sentences: HashMap<String, Pair>,
}

impl Words {
    /// None, when the file is wrong: then the whole program says so at its start.
    fn read() -> Self {
        let mut words = Self::default();
        let faults = toml::from_str::<File>(BUILTIN).map_or_else(|_| Vec::new(), |f| f.fault);
        for fault in faults {
            let pairs = fault.fix.into_iter().chain(fault.rollback);
            for pair in pairs.chain(fault.verify).chain(fault.tell) {
                words.sentences.insert(pair.0.clone(), pair.clone());
                words.sentences.insert(pair.1.clone(), pair);
            }
            for name in [&fault.name.0, &fault.name.1] {
                words.by_name.insert(name.clone(), fault.name.clone());
            }
            words.names.insert(fault.code, fault.name);
        }
        words
    }

    fn sentence(&self, text: &mut String, lang: Lang) {
        if let Some(pair) = self.sentences.get(text) {
            pair.of(lang).clone_into(text);
        } else if let Some(said) = said::said(self, text, lang) {
            *text = said;
        }
    }

    fn finding(&self, title: &mut String, lang: Lang) {
        if let Some(said) = said::title(self, title, lang) {
            *title = said;
        }
    }

    /// The fault of this name.
    fn named(&self, name: &str) -> Option<&Pair> {
        self.by_name.get(name)
    }

    /// `checkout 镜像不存在` and `checkout: image not found` are one title.
    fn title(&self, title: &mut String, code: &str, lang: Lang) {
        let Some(name) = self.names.get(code) else {
            return;
        };
        let (from, to) = endings(name, lang);
        if title.contains(&from) {
            *title = title.replacen(&from, &to, 1);
        }
    }

    /// The same where the fault is not known: the longest name that the title ends in.
    fn any_title(&self, title: &str, lang: Lang) -> Option<String> {
        let fitting = self.names.values().filter_map(|name| {
            let (from, to) = endings(name, lang);
            Some((title.strip_suffix(&from)?, to))
        });
        let (what, to) = fitting.min_by_key(|(what, _)| what.len())?;
        Some(format!("{what}{to}"))
    }
}

/// A title's end in the other language, and in this one.
fn endings(Pair(zh, en): &Pair, lang: Lang) -> (String, String) {
    let (zh, en) = (format!(" {zh}"), format!(": {en}"));
    match lang {
        Lang::Zh => (en, zh),
        Lang::En => (zh, en),
    }
}

/// A title or a sentence that stands by itself, for a reader of this language; `None` when it is none of ours, or is so already.
#[must_use]
pub fn retold_text(text: &str, lang: Lang) -> Option<String> {
    let words = &*WORDS;
    let advice = words
        .sentences
        .get(text)
        .map(|pair| pair.of(lang).to_owned());
    advice
        .or_else(|| words.any_title(text, lang))
        .or_else(|| said::title(words, text, lang))
        .filter(|told| told != text)
}

/// See the module's head.
#[must_use]
pub fn retold(mut report: Report, lang: Lang) -> Report {
    let words = &*WORDS;
    for finding in &mut report.findings {
        words.finding(&mut finding.title, lang);
    }
    for chronic in &mut report.chronic {
        words.finding(&mut chronic.title, lang);
    }
    for incident in &mut report.incidents {
        let code = incident
            .root
            .detail
            .as_ref()
            .unwrap_or(&incident.root.cause);
        words.title(&mut incident.title, code, lang);
        let lists = [&mut incident.fix, &mut incident.missing];
        let mut texts: Vec<&mut String> = lists.into_iter().flatten().collect();
        texts.extend(&mut incident.no_rollback);
        texts.extend(incident.alternatives.iter_mut().map(|a| &mut a.why_not));
        if let Some(plan) = &mut incident.rollback {
            texts.extend([&mut plan.what, &mut plan.blast_radius]);
            texts.extend(plan.preconditions.iter_mut().chain(&mut plan.verify));
        }
        for text in texts {
            words.sentence(text, lang);
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    /// The sample's first incident with this title and remedies.
    fn report(title: &str, fix: &[&str]) -> Report {
        let mut report = sample::report();
        let incident = &mut report.incidents[0];
        incident.root.cause = "image.not_found".to_owned();
        incident.root.detail = Some("image.not_found.tag".to_owned());
        title.clone_into(&mut incident.title);
        incident.fix = fix.iter().map(|f| (*f).to_owned()).collect();
        report
    }

    #[test]
    fn what_the_catalogue_said_is_said_in_the_readers_language_and_back() {
        let words = "自己写的一句";
        let fix = "把镜像改成仓库里存在的标签，或者先把镜像推上去";
        let zh = report("checkout 镜像标签不存在", &[fix, words]);
        let en = retold(zh.clone(), Lang::En);
        let told = &en.incidents[0];
        assert_eq!(told.title, "checkout: image tag not found");
        let remedy = "set the image to a tag that exists, or push the image first";
        assert_eq!(told.fix, [remedy, words]);
        assert_eq!(retold(en, Lang::Zh), retold(zh, Lang::Zh));
    }

    #[test]
    fn a_text_alone_is_told_too_unless_it_is_none_of_ours() {
        let both = ["checkout 镜像标签不存在", "checkout: image tag not found"];
        let [zh, en] = both;
        assert_eq!(retold_text(zh, Lang::En).as_deref(), Some(en));
        assert_eq!(retold_text(en, Lang::Zh).as_deref(), Some(zh));
        let nothing = retold_text("这一天没有读到日志", Lang::En);
        assert_eq!(
            nothing.as_deref(),
            Some("nothing could be read of this day")
        );
        for text in [zh, "自己写的一句"] {
            assert_eq!(retold_text(text, Lang::Zh), None);
        }
        assert_eq!(retold_text("自己写的一句", Lang::En), None);
    }

    #[test]
    fn a_title_of_another_hand_stays() {
        let title = "checkout 拉不到镜像 v2.4.1-rc9";
        let en = retold(report(title, &[]), Lang::En);
        assert_eq!(en.incidents[0].title, title);
    }
}
