//! Finds the template that a text fits, among those known so far.
//!
//! In: texts of templates, then the keys of a text. Out: the template that differs from it only at places marked [`ANY`]. Templates are kept by
//! where their places are: with these blanked a text is looked up by hash, so that the cost of a text grows with the number of
//! arrangements, of which there are few, and not with the number of templates.

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::xxh3_64;

use super::{ANY, group, token::Tokens};

/// Templates, by what they are compared by.
pub(super) struct Known<'a> {
    exact: ByHash<'a>,
    by_length: HashMap<usize, Vec<Arrangement<'a>>>,
}

type ByHash<'a> = HashMap<u64, Vec<Form<'a>>>;

struct Form<'a> {
    keys: Vec<&'a str>,
    text: &'a str,
}

/// Templates of one length whose places are the same.
struct Arrangement<'a> {
    places: Vec<usize>,
    forms: ByHash<'a>,
}

/// A hash of what texts are compared by, for use within a run. Ids have one of their own, which lasts.
pub(super) fn hash<'k>(keys: impl IntoIterator<Item = &'k str>) -> u64 {
    keys.into_iter()
        .fold(0, |hash, key| group::mix(hash, xxh3_64(key.as_bytes())))
}

impl<'a> Known<'a> {
    pub(super) fn new(texts: &[&'a str]) -> Self {
        let mut exact = ByHash::new();
        // By length, then by the number of places, then by these.
        let mut arranged: BTreeMap<(usize, usize, Vec<usize>), ByHash<'a>> = BTreeMap::new();
        let mut sorted = texts.to_vec();
        sorted.sort_unstable();
        for text in sorted {
            let [keys, each_value] = forms(text);
            for keys in [each_value, keys.clone()] {
                let places: Vec<usize> = (0..keys.len()).filter(|at| keys[*at] == ANY).collect();
                arranged
                    .entry((keys.len(), places.len(), places))
                    .or_default()
                    .entry(hash(keys.iter().copied()))
                    .or_default()
                    .push(Form { keys, text });
            }
            let hash = hash(keys.iter().copied());
            exact.entry(hash).or_default().push(Form { keys, text });
        }
        let mut by_length: HashMap<usize, Vec<Arrangement<'a>>> = HashMap::new();
        for ((length, _, places), forms) in arranged {
            by_length
                .entry(length)
                .or_default()
                .push(Arrangement { places, forms });
        }
        Self { exact, by_length }
    }

    /// The template that fits with the fewest open places; the first by text among equals. `hash` is that of `keys`.
    pub(super) fn find(&self, keys: &[&str], hash: u64) -> Option<&'a str> {
        let same = self.exact.get(&hash).into_iter().flatten();
        if let Some(form) = same.into_iter().find(|form| form.keys == keys) {
            return Some(form.text);
        }
        let mut best: Option<(usize, &'a str)> = None;
        // The fewest places come first.
        for arrangement in self.by_length.get(&keys.len())? {
            let open = arrangement.places.len();
            if best.is_some_and(|(fewest, _)| fewest < open) {
                break;
            }
            if let Some(text) = arrangement.find(keys)
                && best.is_none_or(|(_, first)| text < first)
            {
                best = Some((open, text));
            }
        }
        best.map(|(_, text)| text)
    }
}

impl<'a> Arrangement<'a> {
    fn find(&self, keys: &[&str]) -> Option<&'a str> {
        if !self.places.iter().all(|at| group::is_value(keys[*at])) {
            return None;
        }
        let mut places = self.places.iter().peekable();
        let blanked = keys.iter().enumerate().map(|(at, key)| {
            if places.next_if_eq(&&at).is_some() {
                ANY
            } else {
                key
            }
        });
        let same = self.forms.get(&hash(blanked))?;
        same.iter()
            .find(|form| fits(&form.keys, keys))
            .map(|form| form.text)
    }
}

/// What a text of the template is compared with: its keys with lists of values as one, and with each value on its own.
pub(super) fn forms(template: &str) -> [Vec<&str>; 2] {
    [Tokens::of(template).keys, Tokens::each_value(template)]
}

pub(super) fn fits(template: &[&str], keys: &[&str]) -> bool {
    template.len() == keys.len()
        && template
            .iter()
            .zip(keys)
            .all(|(t, k)| t == k || *t == ANY && group::is_value(k))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_with_the_fewest_open_places_is_found() {
        let known = Known::new(&[
            "user <*> did <*>",
            "user <*> did login",
            "user root did login",
            "user <*>",
        ]);
        for (text, expected) in [
            ("user root did login", Some("user root did login")),
            ("user bob did login", Some("user <*> did login")),
            ("user bob did ERROR", None),
            ("user bob did write", Some("user <*> did <*>")),
            ("nobody did login", None),
        ] {
            let keys = Tokens::of(text).keys;
            let found = known.find(&keys, hash(keys.iter().copied()));
            assert_eq!(found, expected, "{text}");
        }
    }
}
