//! What all lines of one shape have in common: its level, and the fields that its variable parts are.
//!
//! In: a masked text and what its lines say of themselves. Out: a [`Blueprint`]. Always true: it depends on nothing else, so that one
//! made for an object serves the next. What a line wrote itself may look like a placeholder, so that the places count, too. At most
//! [`MOST_BYTES`] of text are remembered; when they are full, everything is forgotten.

use std::{collections::HashMap, sync::Arc};

use rustc_hash::FxBuildHasher;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{
    mining::{align, fields, mask::Masked, shape},
    model::{Level, shapes::FieldRole},
};

/// A cluster has some thousand shapes; text that has no shape would make millions.
const MOST_BYTES: usize = 4 << 20;
/// What an entry takes beside its text, about.
const ENTRY_BYTES: usize = 512;

#[derive(Debug)]
pub(super) struct Blueprint {
    pub text: Box<str>,
    pub claimed: Option<Level>,
    exception: bool,
    /// Where its placeholders stand.
    at: Box<[usize]>,
    pub level: Level,
    /// The fields that the placeholders are, by name.
    pub fields: Vec<(Box<str>, FieldRole)>,
    /// For each placeholder the field it is.
    pub places: Vec<usize>,
}

#[derive(Debug, Default)]
pub(super) struct Blueprints {
    known: HashMap<u64, Arc<Blueprint>, FxBuildHasher>,
    bytes: usize,
}

impl Blueprints {
    /// The blueprint of lines that are masked so, claim this level, and hold an exception or not.
    pub(super) fn of(
        &mut self,
        masked: &Masked,
        claimed: Option<Level>,
        exception: bool,
    ) -> Arc<Blueprint> {
        let said = claimed.map_or(0, |level| 1 + level as u64) << 1 | u64::from(exception);
        let hash = xxh3_64_with_seed(masked.text.as_bytes(), said);
        if let Some(known) = self.known.get(&hash)
            && (known.claimed, known.exception) == (claimed, exception)
            && *known.text == *masked.text
            && known.at.iter().eq(masked.vars.iter().map(|var| &var.at))
        {
            return known.clone();
        }
        let new = Arc::new(Blueprint::new(masked, claimed, exception));
        let bytes = masked.text.len() + ENTRY_BYTES;
        if self.bytes + bytes > MOST_BYTES {
            *self = Self::default();
        }
        self.bytes += bytes;
        self.known.insert(hash, new.clone());
        new
    }
}

impl Blueprint {
    fn new(masked: &Masked, claimed: Option<Level>, exception: bool) -> Self {
        let mut fields: Vec<(Box<str>, FieldRole)> = Vec::new();
        let mut places = Vec::new();
        for (n, var) in masked.vars.iter().enumerate() {
            let before = &masked.text[..var.at];
            let after = &masked.text[var.at + var.class.placeholder().len()..];
            let key =
                fields::key_before(before).filter(|key| fields.iter().all(|(f, _)| **f != **key));
            places.push(fields.len());
            let name = key.map_or_else(|| align::number(n), str::to_owned);
            fields.push((name.into(), fields::role_of(var.class, before, after)));
        }
        Self {
            text: masked.text.as_str().into(),
            claimed,
            exception,
            at: masked.vars.iter().map(|var| var.at).collect(),
            level: shape::level_of(claimed, masked, exception),
            fields,
            places,
        }
    }
}
