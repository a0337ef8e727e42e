//! Concepts that a question nearly mentions: nobody can list every way of saying a thing.
//!
//! In: the forms of the lexicon, then the tokens of a question. Out: concepts with how much of their best form was heard, by the sound of
//! characters and of neighbouring pairs; what few concepts share says more. Only questions are read so, and only for their vector: a
//! text of a log is taken at its word, and so is the full-text side of a search.

use std::collections::{BTreeSet, HashMap};

use super::{Form, Key, sound};
use crate::store::embed::words::{self, Token, is_han};

/// Less of a form than this is chance.
const LEAST: f32 = 0.5;
/// A character alone says less than two in a row.
const ALONE: f32 = 0.5;

/// The forms of at least two characters, by what they sound like.
#[derive(Debug, Default)]
pub(super) struct Near {
    /// Concept and full weight of each form.
    forms: Vec<(usize, f32)>,
    /// Weight of each sound, and the forms that hold it.
    sounds: HashMap<Key, (f32, Vec<usize>)>,
}

impl Near {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a few hundred concepts, and a weight needs few digits"
    )]
    pub(super) fn new<'f>(forms: impl Iterator<Item = &'f Form>, concepts: usize) -> Self {
        let heard: Vec<(usize, BTreeSet<Key>)> = forms
            .map(|form| (form.concept, sounds_of(form)))
            .filter(|(_, sounds)| sounds.len() > 1)
            .collect();
        let mut holders: HashMap<&Key, (BTreeSet<usize>, Vec<usize>)> = HashMap::new();
        for (at, (concept, sounds)) in heard.iter().enumerate() {
            for sound in sounds {
                let (concepts, forms) = holders.entry(sound).or_default();
                concepts.insert(*concept);
                forms.push(at);
            }
        }
        let sounds: HashMap<Key, (f32, Vec<usize>)> = holders
            .into_iter()
            .map(|(sound, (holding, forms))| {
                let rarity = (concepts as f32 / holding.len() as f32).ln();
                let weight = if sound::is_pair(sound) { 1.0 } else { ALONE };
                (sound.clone(), (weight * rarity, forms))
            })
            .collect();
        let weight = |keys: &BTreeSet<Key>| keys.iter().map(|k| sounds[k].0).sum();
        let forms = heard.iter().map(|(c, keys)| (*c, weight(keys))).collect();
        Self { forms, sounds }
    }

    /// Numbers of the concepts that the tokens nearly mention, with a share of at least [`LEAST`]; those mentioned in full are among them.
    pub(super) fn concepts(&self, tokens: &[Token]) -> Vec<(usize, f32)> {
        let alone = tokens.iter().filter_map(|t| match t {
            Token::Han(c) => Some(sound::sound(*c)),
            _ => None,
        });
        let heard: BTreeSet<Key> = alone.chain(words::sounds(tokens)).collect();
        let mut of_form: HashMap<usize, f32> = HashMap::new();
        for (weight, forms) in heard.iter().filter_map(|key| self.sounds.get(key)) {
            for form in forms {
                *of_form.entry(*form).or_default() += weight;
            }
        }
        let mut best: HashMap<usize, f32> = HashMap::new();
        for (form, weight) in of_form {
            let (concept, full) = self.forms[form];
            let share = weight / full;
            if share >= LEAST {
                let best = best.entry(concept).or_default();
                *best = best.max(share);
            }
        }
        let mut best: Vec<(usize, f32)> = best.into_iter().collect();
        best.sort_unstable_by_key(|(concept, _)| *concept);
        best
    }
}

/// Characters and pairs of a form by their sound; words of letters are not heard in part.
fn sounds_of(form: &Form) -> BTreeSet<Key> {
    let mut out = BTreeSet::new();
    for run in &form.runs {
        let heard: Vec<Option<Key>> = run.iter().map(|key| sound_of(key)).collect();
        for pair in heard.windows(2) {
            if let [Some(a), Some(b)] = pair {
                out.insert(a.clone() + b);
            }
        }
        out.extend(heard.into_iter().flatten());
    }
    out
}

/// The sound of a key; a character that stands alone in a form is kept as it is written there.
fn sound_of(key: &str) -> Option<Key> {
    let first = key.chars().next()?;
    if is_han(first) {
        Some(sound::sound(first))
    } else {
        sound::is_sound(key).then(|| key.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Lexicon;
    use crate::store::embed::words::tokens;

    #[test]
    fn what_is_said_a_little_differently_is_near_and_what_only_shares_a_common_word_is_not() {
        let text = "[concept]
            'pull.failed' = { say = ['镜像拉取失败'] }
            'mount.failed' = { say = ['存储挂载失败'] }
            'expired' = { say = ['证书过期'] }
            'login' = { say = ['登录'] }";
        let lexicon: Lexicon = text.parse().expect("lexicon");
        let near = |said: &str| {
            let found = lexicon.near(&tokens(said));
            found.into_iter().map(|(c, _)| c).collect::<Vec<_>>()
        };
        assert_eq!(near("镜像拉不到又失败了"), ["pullfailed"]);
        assert_eq!(near("径向拉曲"), ["pullfailed"]);
        assert!(near("付款失败").is_empty());
        // What is mentioned in full is no near miss.
        assert!(near("证书过期").is_empty());
    }
}
