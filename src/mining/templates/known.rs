//! Finds the template that a text fits, among those known so far.
//!
//! In: texts of templates, then the keys of a text. Out: the template that differs from it only at places marked [`ANY`]. Templates are kept by
//! where their places are: with these blanked a text is looked up by hash, so that the cost of a text grows with the number of
//! arrangements, of which there are few, and not with the number of templates.

use std::collections::{BTreeMap, HashMap};

use rustc_hash::FxBuildHasher;
use xxhash_rust::xxh3::xxh3_64;

use super::{ANY, group, token::Tokens};

/// Templates, by what they are compared by.
pub(super) struct Known<'a> {
    exact: ByHash<'a>,
    by_length: HashMap<usize, Vec<Arrangement<'a>>, FxBuildHasher>,
}

type ByHash<'a> = HashMap<u64, Vec<Form<'a>>, FxBuildHasher>;

/// One way to compare with a template.
#[derive(Clone)]
pub(super) struct Form<'a> {
    keys: Vec<&'a str>,
    /// Where any value fits. At the other places of the mask only what the mask replaces does: `x ok` is no `<num> ok`.
    places: Vec<usize>,
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
        let mut exact = ByHash::default();
        // By length, then by the number of places, then by these.
        let mut arranged: BTreeMap<(usize, usize, Vec<usize>), ByHash<'a>> = BTreeMap::new();
        let mut sorted = texts.to_vec();
        sorted.sort_unstable();
        for text in sorted {
            let [form, each_value] = forms(text);
            let same = hash(form.keys.iter().copied());
            exact.entry(same).or_default().push(form.clone());
            for form in [each_value, form] {
                let places = form.places.clone();
                arranged
                    .entry((form.keys.len(), places.len(), places))
                    .or_default()
                    .entry(hash(blanked(&form.keys, &form.places)))
                    .or_default()
                    .push(form);
            }
        }
        let mut by_length: HashMap<usize, Vec<Arrangement<'a>>, FxBuildHasher> = HashMap::default();
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
        let same = self.forms.get(&hash(blanked(keys, &self.places)))?;
        same.iter()
            .find(|form| form.fits(keys))
            .map(|form| form.text)
    }
}

impl<'a> Form<'a> {
    fn of(text: &'a str, tokens: Tokens<'a>) -> Self {
        let open = |at: &usize| {
            let keys = &tokens.keys;
            tokens.open[*at] || keys[*at] == ANY && group::expects_value(&keys[..*at])
        };
        Self {
            places: (0..tokens.keys.len()).filter(open).collect(),
            keys: tokens.keys,
            text,
        }
    }

    pub(super) fn fits(&self, keys: &[&str]) -> bool {
        let value = |at: usize| self.places.contains(&at) && group::is_value(keys[at]);
        self.keys.len() == keys.len()
            && (0..keys.len()).all(|at| self.keys[at] == keys[at] || value(at))
    }
}

/// The keys with those at `places` made alike.
fn blanked<'k>(keys: &'k [&str], places: &'k [usize]) -> impl Iterator<Item = &'k str> {
    let mut places = places.iter().peekable();
    keys.iter().enumerate().map(move |(at, key)| {
        if places.next_if_eq(&&at).is_some() {
            ANY
        } else {
            key
        }
    })
}

/// What a text of the template is compared with: its keys with lists of values as one, and with each value on its own.
pub(super) fn forms(template: &str) -> [Form<'_>; 2] {
    [Tokens::of(template), Tokens::each_value(template)].map(|tokens| Form::of(template, tokens))
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
            "it took <num> in <num>",
            "code=<num>",
        ]);
        for (text, expected) in [
            ("user root did login", Some("user root did login")),
            ("user bob did login", Some("user <*> did login")),
            ("user bob did ERROR", None),
            ("user bob did write", Some("user <*> did <*>")),
            ("nobody did login", None),
            ("it took <num> in <num>", Some("it took <num> in <num>")),
            ("it took long in <num>", None),
            ("code=E7", Some("code=<num>")),
        ] {
            let keys = Tokens::of(text).keys;
            let found = known.find(&keys, hash(keys.iter().copied()));
            assert_eq!(found, expected, "{text}");
        }
    }
}
