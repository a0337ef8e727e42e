//! Opens places that vary together: no two texts of such a statement differ in one word only.
//!
//! In: distinct sequences of keys of which no two can be joined word by word. Out: the places to open in each. What tells such places from
//! the words of a sentence is that names of a program's things stand there, or that more words stand there than anybody writes sentences.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    ANY,
    group::{VALUES, is_fixed, is_word, mix},
};

/// More different words at one place than there are statements of one form in a program.
const CROWD: usize = 200;
/// A word that stands in one of so many texts is a statement's own word even in a crowd.
const OWN: usize = 50;

pub(super) fn open(sequences: &[&Vec<&str>], opened: &mut HashMap<usize, Vec<usize>>) {
    crowds(sequences, opened);
    if opened.is_empty() {
        names(sequences, opened);
    }
}

/// Opens places where a crowd of different words stands, as in `query shoes of alice`.
fn crowds(sequences: &[&Vec<&str>], opened: &mut HashMap<usize, Vec<usize>>) {
    let mut alike: HashMap<u64, Vec<usize>, FxBuildHasher> = HashMap::default();
    for (i, sequence) in sequences.iter().enumerate() {
        alike.entry(form(sequence, is_word)).or_default().push(i);
    }
    for members in alike.into_values().filter(|m| m.len() >= CROWD) {
        for (at, _) in sequences[members[0]].iter().enumerate().skip(1) {
            crowd(
                &members,
                |i| sequences[i][at],
                |i| opened.entry(i).or_default().push(at),
            );
        }
    }
}

/// Calls `open` for those of `members` whose word is one of a crowd.
fn crowd<'a>(members: &[usize], word: impl Fn(usize) -> &'a str, mut open: impl FnMut(usize)) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for i in members {
        *counts.entry(word(*i)).or_default() += 1;
    }
    if counts.len() < CROWD {
        return;
    }
    for i in members {
        let word = word(*i);
        if word != ANY && !is_fixed(word) && counts[word] * OWN < members.len() {
            open(*i);
        }
    }
}

/// Opens places of names, as in `register class a.B for class a.BHandler`.
fn names(sequences: &[&Vec<&str>], opened: &mut HashMap<usize, Vec<usize>>) {
    let mut alike: HashMap<u64, Vec<usize>, FxBuildHasher> = HashMap::default();
    for (i, sequence) in sequences.iter().enumerate() {
        let names = sequence.iter().skip(1).filter(|k| is_name(k)).count();
        let words = sequence.iter().filter(|k| is_sentence_word(k)).count();
        if names > 1 && words > 1 {
            alike.entry(form(sequence, is_name)).or_default().push(i);
        }
    }
    for members in alike.into_values().filter(|m| m.len() >= VALUES) {
        let first = sequences[members[0]];
        let places =
            (0..first.len()).filter(|at| members.iter().any(|i| sequences[*i][*at] != first[*at]));
        for place in places {
            for i in &members {
                opened.entry(*i).or_default().push(place);
            }
        }
    }
}

/// A hash of the sequence in which those keys count as alike that are `free`, but for the first: it says who speaks.
fn form(sequence: &[&str], free: fn(&str) -> bool) -> u64 {
    sequence.iter().enumerate().fold(0, |hash, (at, key)| {
        let key = if at > 0 && free(key) { ANY } else { key };
        mix(hash, xxh3_64(key.as_bytes()))
    })
}

/// `java.vendor`, `CONTAINER_REMOTE_LAUNCH`, `MRAppMaster$JobEventDispatcher`, `jobHandler`.
pub(super) fn is_name(key: &str) -> bool {
    let bytes = key.as_bytes();
    bytes.windows(3).any(|w| {
        w[0].is_ascii_alphanumeric()
            && w[2].is_ascii_alphanumeric()
            && matches!(w[1], b'.' | b'_' | b'$' | b'/' | b'\\' | b'@')
    }) || bytes
        .windows(2)
        .any(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase())
        && !is_fixed(key)
}

fn is_sentence_word(key: &str) -> bool {
    is_word(key) && key != ANY && !is_name(key)
}

#[cfg(test)]
mod tests {
    use super::super::mine;

    fn templates(texts: &[String]) -> Vec<String> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut found = mine(&texts, &[]);
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn names_that_vary_together_are_places() {
        let texts = ["Job", "Task", "Commit"]
            .map(|n| format!("register class a.{n}Type for class a.b{n}Handler"));
        assert_eq!(templates(&texts), ["register class <*> for class <*>"]);
        let words = [
            "disk full on read",
            "link down on write",
            "fan dead on start",
        ]
        .map(str::to_owned);
        assert_eq!(templates(&words).len(), 3);
    }

    #[test]
    fn a_crowd_of_words_is_a_place_and_its_sentence_stays() {
        let word = |mut n: usize| {
            let mut word = String::new();
            for _ in 0..4 {
                word.push(char::from(b'a' + u8::try_from(n % 26).unwrap_or(0)));
                n /= 26;
            }
            word
        };
        let texts: Vec<String> = (0..600)
            .map(|i| {
                format!(
                    "query {} of {} failed",
                    word(i * 7919),
                    word(i * 104_729 + 1)
                )
            })
            .collect();
        assert_eq!(templates(&texts), ["query <*> of <*> failed"]);
    }
}
