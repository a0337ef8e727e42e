//! Groups masked texts into templates: texts that one statement of a program wrote.
//!
//! In: distinct masked texts and the templates of earlier days. Out: a template text for each of them. A known template that fits is
//! taken first, so that a template keeps its id as long as its lines look the same; the rest are mined among themselves.
//!
//! # Invariants
//! - The result depends on the set of texts, not on their order (`proptest: order_changes_nothing`).
//! - Every text fits its template: it differs from it only at the places marked [`ANY`] and in the class of placeholders.

mod group;
mod token;

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hasher,
};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

use crate::{
    mining::mask::Class,
    model::{Level, shapes::TemplateId},
};

use token::Tokens;

/// A place where the texts of a template differ.
pub const ANY: &str = "<*>";

/// A template of an earlier day.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KnownTemplate {
    /// `namespace/name` of the service.
    pub service: String,
    pub level: Level,
    pub text: String,
}

/// The id of a template: a hash of its level and of what its texts are compared by, so that a trace id that happens to have digits
/// only does not make a new template.
#[must_use]
pub fn id_of(level: Level, text: &str) -> TemplateId {
    TemplateId(keys_hash(level as u8, &Tokens::of(text).keys))
}

fn keys_hash(seed: u8, keys: &[&str]) -> u64 {
    let mut hash = Xxh3Default::new();
    hash.write_u8(seed);
    for key in keys {
        hash.update(key.as_bytes());
        hash.write_u8(0);
    }
    hash.digest()
}

/// The text with every placeholder replaced by [`ANY`].
#[must_use]
pub fn signature(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let len = placeholder(from);
        out.push_str(if len == 0 { "<" } else { ANY });
        rest = &from[len.max(1)..];
    }
    out.push_str(rest);
    out
}

/// Length of the placeholder at the beginning of `text`; 0 when there is none.
#[must_use]
pub fn placeholder(text: &str) -> usize {
    let longest = ANY.len().max(8);
    let Some(end) = text.bytes().take(longest).position(|b| b == b'>') else {
        return 0;
    };
    if text.starts_with(ANY) || Class::ALL.iter().any(|c| c.placeholder() == &text[..=end]) {
        end + 1
    } else {
        0
    }
}

/// Different texts that are mined among themselves. The cost grows with their number, and a service that writes more different ones writes
/// data, not statements; those beyond the bound take the template of one within it, or [`ANY`] as the name of the overflow.
pub const MINED: usize = 20_000;

/// The template text of each of `texts`, which should be distinct. `known` are texts of templates of earlier days.
#[must_use]
pub fn mine(texts: &[&str], known: &[&str]) -> Vec<String> {
    let tokens: Vec<Tokens<'_>> = texts.iter().map(|t| Tokens::of(t)).collect();
    let known = Known::new(known);
    let mut out: Vec<Option<String>> = tokens
        .iter()
        .map(|t| known.find(&t.keys).map(str::to_owned))
        .collect();
    let mut distinct: Vec<&Vec<&str>> = tokens
        .iter()
        .zip(&out)
        .filter(|(_, o)| o.is_none())
        .map(|(t, _)| &t.keys)
        .collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() > MINED {
        // Whatever the order of the texts, the same ones are mined.
        distinct.sort_by_cached_key(|keys| keys_hash(0, keys));
        distinct.truncate(MINED);
        distinct.sort_unstable();
    }
    let sequences: Vec<Vec<&str>> = distinct.iter().map(|s| (*s).clone()).collect();
    let joined = group::join(&sequences);
    let joined: HashMap<&Vec<&str>, &Vec<&str>> = sequences.iter().zip(&joined).collect();
    let mut members: HashMap<&Vec<&str>, Vec<usize>> = HashMap::new();
    for (i, token) in tokens.iter().enumerate().filter(|(i, _)| out[*i].is_none()) {
        if let Some(to) = joined.get(&token.keys) {
            members.entry(to).or_default().push(i);
        }
    }
    for (keys, members) in members {
        let text = text_of(keys, members.iter().map(|i| &tokens[*i]).collect());
        for i in members {
            out[i] = Some(text.clone());
        }
    }
    let mined: Vec<String> = out
        .iter()
        .flatten()
        .cloned()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let mined = Known::new(&mined.iter().map(String::as_str).collect::<Vec<_>>());
    let overflow = |keys: &[&str]| mined.find(keys).unwrap_or(ANY).to_owned();
    out.into_iter()
        .zip(&tokens)
        .map(|(template, tokens)| template.unwrap_or_else(|| overflow(&tokens.keys)))
        .collect()
}

/// The text of a template: the pieces that all members share, and [`ANY`] where they differ.
fn text_of(keys: &[&str], mut members: Vec<&Tokens<'_>>) -> String {
    members.sort_unstable_by(|a, b| {
        a.keys.cmp(&b.keys).then_with(|| {
            a.pieces
                .iter()
                .map(|p| p.text)
                .cmp(b.pieces.iter().map(|p| p.text))
        })
    });
    let first = members[0];
    if members.iter().any(|m| m.pieces.len() != first.pieces.len()) {
        return keys.concat();
    }
    let mut text = String::new();
    for (at, piece) in first.pieces.iter().enumerate() {
        let alike = members.iter().all(|m| m.pieces[at].text == piece.text);
        text.push_str(if alike || !piece.atom {
            piece.text
        } else {
            ANY
        });
    }
    // Lists of other lengths can hide behind the same keys and the same number of pieces: `<num> <hex> x <ip>`, `<num> x <hex> <ip>`.
    let forms = forms(&text);
    if members
        .iter()
        .all(|m| forms.iter().any(|f| fits(f, &m.keys)))
    {
        text
    } else {
        keys.concat()
    }
}

/// What a text of the template is compared with: its keys with lists of values as one, and with each value on its own.
fn forms(template: &str) -> [Vec<&str>; 2] {
    [Tokens::of(template).keys, Tokens::each_value(template)]
}

fn fits(template: &[&str], keys: &[&str]) -> bool {
    template.len() == keys.len()
        && template
            .iter()
            .zip(keys)
            .all(|(t, k)| t == k || *t == ANY && group::is_value(k))
}

/// Templates of earlier days, by what they are compared by.
struct Known<'a> {
    exact: HashMap<Vec<&'a str>, &'a str>,
    by_length: HashMap<usize, Vec<(Vec<&'a str>, &'a str)>>,
}

impl<'a> Known<'a> {
    fn new(texts: &[&'a str]) -> Self {
        let mut exact = HashMap::new();
        let mut by_length: HashMap<usize, Vec<(Vec<&'a str>, &'a str)>> = HashMap::new();
        let mut sorted = texts.to_vec();
        sorted.sort_unstable();
        for text in sorted {
            let [keys, each_value] = forms(text);
            if each_value != keys {
                by_length
                    .entry(each_value.len())
                    .or_default()
                    .push((each_value, text));
            }
            by_length
                .entry(keys.len())
                .or_default()
                .push((keys.clone(), text));
            exact.entry(keys).or_insert(text);
        }
        Self { exact, by_length }
    }

    /// The template that fits with the fewest open places; the first by text among equals.
    fn find(&self, keys: &[&str]) -> Option<&'a str> {
        if let Some(text) = self.exact.get(keys) {
            return Some(text);
        }
        self.by_length
            .get(&keys.len())?
            .iter()
            .filter(|(known, _)| fits(known, keys))
            .min_by_key(|(known, _)| known.iter().filter(|k| **k == ANY).count())
            .map(|(_, text)| *text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_word_that_varies_while_all_else_is_equal_is_a_place() {
        let texts: Vec<String> = ["shoes", "coat", "手机壳", "lamp"]
            .iter()
            .map(|w| format!("INFO [<hex>] query q={w} hits=<num>"))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert!(
            mine(&texts, &[])
                .iter()
                .all(|t| t == "INFO [<hex>] query q=<*> hits=<num>")
        );
    }

    #[test]
    fn a_known_template_is_taken_before_mining() {
        let known = ["INFO query q=<*> hits=<num>"];
        assert_eq!(mine(&["INFO query q=shoes hits=<num>"], &known), known);
    }

    #[test]
    fn the_id_of_a_template_ignores_the_class_of_its_placeholders() {
        assert_eq!(
            id_of(Level::Info, "a <num> b"),
            id_of(Level::Info, "a <hex> b")
        );
        assert_ne!(
            id_of(Level::Info, "a <num> b"),
            id_of(Level::Error, "a <num> b")
        );
    }

    proptest! {
        #[test]
        fn order_changes_nothing(mut texts in prop::collection::btree_set("(GET|PUT|q=[a-e]|<num>|x)( (ok|failed|u=[a-d]|<hex>)){0,4}", 0..30).prop_map(|s| s.into_iter().collect::<Vec<_>>())) {
            let forward: Vec<&str> = texts.iter().map(String::as_str).collect();
            let first: HashMap<String, String> = forward.iter().map(|t| (*t).to_owned()).zip(mine(&forward, &[])).collect();
            texts.reverse();
            let backward: Vec<&str> = texts.iter().map(String::as_str).collect();
            for (text, template) in backward.iter().zip(mine(&backward, &[])) {
                prop_assert_eq!(&first[*text], &template);
                prop_assert_eq!(mine(&[*text], &[&template]), vec![template]);
            }
        }
    }
}
