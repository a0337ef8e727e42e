//! Carries the key fields of a shape over to the template it belongs to.
//!
//! In: the template's text, the text of one of its shapes, and that shape's fields. Out: fields under the template's numbering; words
//! that are literal in the shape but a place in the template become values of that place.

use std::collections::BTreeMap;

use crate::{
    mining::{
        fields::{self, Merged},
        mask::Class,
        templates::placeholder,
    },
    model::shapes::KeyField,
};

/// Adds the fields of a shape with `count` lines to those of its template.
pub(super) fn add_fields(
    template: &str,
    shape: &str,
    count: u64,
    fields: &[KeyField],
    out: &mut Merged,
) {
    let (template_words, shape_words): (Vec<&str>, Vec<&str>) =
        (template.split(' ').collect(), shape.split(' ').collect());
    if template == shape || template_words.len() != shape_words.len() {
        for field in fields {
            out.add(field);
        }
        return;
    }
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    let (mut of_template, mut of_shape, mut at) = (0, 0, 0);
    for (word, own) in template_words.iter().zip(&shape_words) {
        let (places, own_places) = (places(word), places(own));
        for k in 0..own_places {
            renamed.insert(
                number(of_shape + k),
                number(of_template + k.min(places.saturating_sub(1))),
            );
        }
        if places > 0 && own_places == 0 {
            let before = &template[..at + word.find('<').unwrap_or(0)];
            let (head, tail) = (
                word.split('<').next().unwrap_or_default(),
                word.rsplit('>').next().unwrap_or_default(),
            );
            let value = own
                .strip_prefix(head)
                .and_then(|v| v.strip_suffix(tail))
                .unwrap_or(own);
            let name =
                fields::key_before(before).map_or_else(|| number(of_template), str::to_owned);
            let role = fields::role_of(Class::Id, before, tail);
            let top = vec![(value.to_owned(), u32::try_from(count).unwrap_or(u32::MAX))];
            out.add(&KeyField {
                name,
                role,
                distinct: 1,
                top,
                new: Vec::new(),
            });
        }
        of_template += places;
        of_shape += own_places;
        at += word.len() + 1;
    }
    for field in fields {
        out.add_as(renamed.get(&field.name).unwrap_or(&field.name), field);
    }
}

/// The name of the n-th place of a text, counted from 0.
#[must_use]
pub(super) fn number(n: usize) -> String {
    format!("#{}", n + 1)
}

/// How many placeholders a word holds.
fn places(word: &str) -> usize {
    word.match_indices('<')
        .filter(|(i, _)| placeholder(&word[*i..]) > 0)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::shapes::FieldRole;

    #[test]
    fn a_literal_word_at_a_place_of_the_template_becomes_its_value() {
        let mut out = Merged::default();
        let hits = KeyField {
            name: "#1".into(),
            role: FieldRole::Other,
            distinct: 1,
            top: vec![("7".into(), 3)],
            new: Vec::new(),
        };
        add_fields(
            "query q=<*> got <num>",
            "query q=shoes got <num>",
            3,
            &[hits],
            &mut out,
        );
        let fields = out.finish();
        assert_eq!(
            fields
                .iter()
                .map(|f| (f.name.as_str(), f.top[0].0.as_str()))
                .collect::<Vec<_>>(),
            [("#2", "7"), ("q", "shoes")]
        );
    }
}
