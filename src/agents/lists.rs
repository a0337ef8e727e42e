//! The word lists of `resources/claims.toml`: what asserts nothing, and what a model may not say at all.
//!
//! In: the file that is part of the program. Out: [`Lists`] of a language. Decides nothing; `vocabulary`, `roles` and `guess` do. A file that
//! cannot be read gives empty lists: then nothing of a model holds, which is the safe side, and a test reads the same file.

use std::{collections::BTreeSet, sync::LazyLock};

use serde::Deserialize;

use crate::model::Lang;

use super::vocabulary::stem;

/// The words of one language.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lists {
    pub plain: BTreeSet<String>,
    pub guess: BTreeSet<String>,
    pub hedge: Vec<String>,
    pub certain: Vec<String>,
    pub order: Vec<String>,
    pub begin: Vec<String>,
    pub vague: Vec<String>,
    pub negation: Vec<String>,
    pub well: Vec<String>,
    pub verb: Vec<Verb>,
}

/// What somebody did, in a sentence and in a record.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Verb {
    pub words: Vec<String>,
    pub means: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    zh: Lists,
    en: Lists,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    let mut file: File =
        toml::from_str(include_str!("../../resources/claims.toml")).unwrap_or_default();
    for list in [&mut file.en.plain, &mut file.en.guess] {
        let stems: Vec<String> = list.iter().map(|w| stem(w)).collect();
        list.extend(stems);
    }
    file
});

pub(super) fn lists(lang: Lang) -> &'static Lists {
    lang.pick(&FILE.zh, &FILE.en)
}

/// Where a list's word stands in a lower-case text: a Chinese one anywhere, a Latin one as a word of its own.
pub(super) fn found<'a>(list: &'a [String], text: &str) -> Option<&'a str> {
    let mut words = list.iter().map(String::as_str);
    words.find(|w| places(text, w).next().is_some())
}

/// Where a word begins in a lower-case text.
pub(super) fn places<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_latin = word.is_ascii();
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| {
            !is_latin
                || edge(text[..*at].chars().next_back())
                    && edge(text[at + word.len()..].chars().next())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_has_words_in_both_languages() {
        let file: File =
            toml::from_str(include_str!("../../resources/claims.toml")).expect("lists");
        for lists in [&file.zh, &file.en] {
            for list in [
                &lists.hedge,
                &lists.certain,
                &lists.order,
                &lists.begin,
                &lists.vague,
                &lists.negation,
                &lists.well,
            ] {
                assert!(list.len() >= 5, "{list:?}");
            }
            assert!(lists.plain.len() > 50 && lists.guess.len() > 50 && lists.verb.len() >= 3);
            // What has to be proved may not be plain as well.
            for word in lists.vague.iter().chain(&lists.negation).chain(&lists.well) {
                assert!(!lists.plain.contains(word), "{word}");
            }
        }
    }

    #[test]
    fn a_latin_word_is_found_as_a_word_of_its_own() {
        let list = ["all".to_owned(), "全部".to_owned()];
        assert_eq!(found(&list, "calls fall"), None);
        assert_eq!(found(&list, "all pods"), Some("all"));
        assert_eq!(found(&list, "已全部挂掉"), Some("全部"));
    }
}
