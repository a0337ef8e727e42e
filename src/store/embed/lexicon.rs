//! The bilingual lexicon: what people say, and what logs write, for the same thing.
//!
//! In: `resources/lexicon.toml`. Out: the concepts that a text mentions. A concept is found whenever one of its forms occurs: words
//! in order, Chinese characters by their sound. `*` in a form stands for up to a few words in between (`镜像*拉不`).
//!
//! A question may also mention a concept nearly: see [`near`].
//!
//! The loader is strict: an unknown field, an empty form, or the same form under two concepts is an error that names it.

mod near;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    str::FromStr,
};

use serde::Deserialize;

use super::{
    sound,
    words::{Token, tokens},
};
use near::Near;

/// Concepts and their forms.
#[derive(Debug, Default)]
pub struct Lexicon {
    /// Terms of letters and digits, as they stand in the index.
    concepts: Vec<String>,
    /// Forms by the first key.
    forms: HashMap<Key, Vec<Form>>,
    near: Near,
}

/// What is compared: a word, a Chinese character's sound, or - where a form has a lone character, whose sound alone says too
/// little (谁, 水) - the character itself.
type Key = String;

#[derive(Debug)]
struct Form {
    concept: usize,
    /// Runs of adjacent keys, in order; at most [`REACH`] tokens lie between two runs.
    runs: Vec<Vec<Key>>,
}

/// How many tokens a `*` may stand for: "镜像 (一直 都) 拉 不 下来" is one clause, more is another.
const REACH: usize = 6;

/// What is wrong with a lexicon.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLexicon {
    #[error("lexicon is not valid TOML")]
    Toml(#[from] toml::de::Error),
    /// Each names the concept and the form.
    #[error("lexicon has mistakes: {}", .0.join("; "))]
    Mistakes(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    concept: BTreeMap<String, Entry>,
}

/// One concept as written: `say` is what people say, `log` what logs write, `slip` what speech recognition makes of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    say: Vec<String>,
    #[serde(default)]
    log: Vec<String>,
    #[serde(default)]
    slip: Vec<String>,
}

impl FromStr for Lexicon {
    type Err = InvalidLexicon;

    fn from_str(text: &str) -> Result<Self, InvalidLexicon> {
        let file: File = toml::from_str(text)?;
        let mut lexicon = Self::default();
        let mut mistakes = Vec::new();
        let mut seen: HashMap<Vec<Vec<Key>>, String> = HashMap::new();
        for (name, entry) in file.concept {
            let number = lexicon.concepts.len();
            let term: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
            if lexicon.concepts.contains(&term) {
                mistakes.push(format!("concept `{name}` is listed twice"));
            }
            lexicon.concepts.push(term);
            let mut forms = 0;
            for form in [&entry.say, &entry.log, &entry.slip].into_iter().flatten() {
                forms += 1;
                let runs: Vec<Vec<Key>> = form.split('*').map(run_of).collect();
                if runs.iter().any(Vec::is_empty) {
                    mistakes.push(format!("form `{form}` of concept `{name}` has no words"));
                    continue;
                }
                match seen.get(&runs) {
                    Some(other) if *other != name => {
                        mistakes.push(format!(
                            "form `{form}` belongs to both `{other}` and `{name}`"
                        ));
                    }
                    // Two spellings of one sound.
                    Some(_) => {}
                    None => {
                        seen.insert(runs.clone(), name.clone());
                        let first = runs[0][0].clone();
                        let form = Form {
                            concept: number,
                            runs,
                        };
                        lexicon.forms.entry(first).or_default().push(form);
                    }
                }
            }
            if forms == 0 {
                mistakes.push(format!("concept `{name}` has no form"));
            }
        }
        if mistakes.is_empty() {
            lexicon.near = Near::new(lexicon.forms.values().flatten(), lexicon.len());
            Ok(lexicon)
        } else {
            Err(InvalidLexicon::Mistakes(mistakes))
        }
    }
}

impl Lexicon {
    #[must_use]
    pub fn len(&self) -> usize {
        self.concepts.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.concepts.is_empty()
    }

    /// Concepts that the tokens mention.
    pub(super) fn concepts(&self, tokens: &[Token]) -> BTreeSet<&str> {
        let mentions = self.mentions(&keys(tokens));
        mentions.into_iter().map(|(concept, _)| concept).collect()
    }

    /// Of each token, whether it is a part of a concept that the tokens mention.
    pub(super) fn explained(&self, tokens: &[Token]) -> Vec<bool> {
        let heard = keys(tokens);
        let mut out = vec![false; tokens.len()];
        for (_, places) in self.mentions(&heard) {
            for at in places {
                out[heard[at].at] = true;
            }
        }
        out
    }

    /// Concepts that the tokens do not mention, but nearly: how much of the best form was heard, from a half to one.
    pub(super) fn near(&self, tokens: &[Token]) -> Vec<(&str, f32)> {
        let mentioned = self.concepts(tokens);
        let near = self.near.concepts(tokens).into_iter();
        near.map(|(concept, share)| (self.concepts[concept].as_str(), share))
            .filter(|(concept, _)| !mentioned.contains(concept))
            .collect()
    }

    /// Every mention of a concept, with its places in `heard`.
    fn mentions(&self, heard: &[Heard]) -> Vec<(&str, Vec<usize>)> {
        let mut found = Vec::new();
        for (at, here) in heard.iter().enumerate() {
            let alone = here.exact.as_ref().and_then(|c| self.forms.get(c));
            let forms = self.forms.get(&here.sound).into_iter().chain(alone);
            for form in forms.flatten() {
                if let Some(places) = form.places(heard, at) {
                    found.push((self.concepts[form.concept].as_str(), places));
                }
            }
        }
        found
    }
}

impl Form {
    /// Where the form stands when it begins at `from`.
    fn places(&self, heard: &[Heard], from: usize) -> Option<Vec<usize>> {
        let (first, rest) = self.runs.split_first()?;
        if !starts_with(&heard[from..], first) {
            return None;
        }
        let mut at = from + first.len();
        let mut places: Vec<usize> = (from..at).collect();
        for run in rest {
            let found = (at..=at + REACH).find(|&i| {
                let rest = heard.get(i..);
                rest.is_some_and(|rest| starts_with(rest, run))
            })?;
            at = found + run.len();
            places.extend(found..at);
        }
        Some(places)
    }
}

fn starts_with(heard: &[Heard], run: &[Key]) -> bool {
    heard.len() >= run.len() && heard.iter().zip(run).all(|(h, key)| h.is(key))
}

/// A token of a text as forms are compared with it.
#[derive(Debug)]
struct Heard {
    /// Which token it is.
    at: usize,
    sound: Key,
    /// Of a Chinese character, itself.
    exact: Option<Key>,
}

impl Heard {
    fn is(&self, key: &Key) -> bool {
        self.sound == *key || self.exact.as_ref() == Some(key)
    }
}

fn keys(tokens: &[Token]) -> Vec<Heard> {
    let key = |(at, t): (usize, &Token)| match t {
        Token::Word(word) | Token::Part { word, .. } => Some(Heard {
            at,
            sound: word.clone(),
            exact: None,
        }),
        Token::Han(c) => Some(Heard {
            at,
            sound: sound::sound(*c),
            exact: Some(c.to_string()),
        }),
        Token::Gap => None,
    };
    tokens.iter().enumerate().filter_map(key).collect()
}

/// A run of a form as it is written in the file.
fn run_of(text: &str) -> Vec<Key> {
    let mut heard = keys(&tokens(text));
    match heard.as_mut_slice() {
        [
            Heard {
                exact: Some(character),
                ..
            },
        ] => vec![std::mem::take(character)],
        _ => heard.into_iter().map(|h| h.sound).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in() -> Lexicon {
        let text = include_str!("../../../resources/lexicon.toml");
        match text.parse() {
            Ok(lexicon) => lexicon,
            Err(e) => panic!("resources/lexicon.toml: {e}"),
        }
    }

    #[test]
    fn the_shipped_lexicon_is_sound_and_large_enough() {
        assert!(built_in().len() >= 250, "{}", built_in().len());
    }

    #[test]
    fn what_is_said_and_what_is_logged_share_a_concept() {
        let lexicon = built_in();
        for (said, logged) in [
            ("径向一直拉不下来", "Back-off pulling image"),
            ("掉度失败", "FailedScheduling"),
            ("整数过期了", "x509: certificate has expired"),
            ("欧欧爱慕", "reason: OOMKilled"),
        ] {
            let (said, logged) = (tokens(said), tokens(logged));
            let (a, b) = (lexicon.concepts(&said), lexicon.concepts(&logged));
            assert!(!a.is_disjoint(&b), "{said:?} {a:?} {b:?}");
        }
    }

    #[test]
    fn a_mistake_in_the_file_is_named() {
        let check = |text: &str, words: &str| {
            let error = text.parse::<Lexicon>().expect_err(text).to_string();
            assert!(error.contains(words), "{error}");
        };
        check("[concept]\na = {}", "concept `a` has no form");
        check("[concept]\na = { say = ['!'] }", "form `!` of concept `a`");
        check(
            "[concept]\na = { say = ['镜像'] }\nb = { say = ['径向'] }",
            "form `径向` belongs to both `a` and `b`",
        );
        check(
            "[concept]\n'a.b' = { say = ['x'] }\nab = { say = ['y'] }",
            "concept `ab` is listed twice",
        );
        let unknown: Result<Lexicon, _> = "[concept]\na = { said = ['x'] }".parse();
        assert!(matches!(unknown, Err(InvalidLexicon::Toml(_))));
    }
}
