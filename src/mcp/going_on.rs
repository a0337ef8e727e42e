//! Where a broadcast goes on: "继续" after any part of it, or a part by its number or name.
//!
//! In: what was said for `part`, what was told last. Out: a [`Place`], or what may be written. A place is remembered as one number beside
//! what was told: the last part, [`BRIEF`], or, from [`PAGES`] on, how many problems or pages. Reads and stores nothing itself.

use super::{
    args::{Complaint, Number},
    trouble::Trouble,
};
use crate::{
    store,
    voice::{self, Part},
};

/// What asks for the part after the one that was heard.
const ON: [&str; 12] = [
    "继续",
    "接着",
    "接着说",
    "继续播报",
    "继续说",
    "下一部分",
    "下一个",
    "往下",
    "next",
    "continue",
    "go on",
    "more",
];
/// Below, what is remembered is the last part that was told; from here on, how many problems or pages were.
const PAGES: u8 = 10;
/// Only the brief form was told: something was, and no part of it.
const BRIEF: u8 = 9;

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// `None`: all of it.
    pub part: Option<Part>,
    /// Problems, or pages of a full text, that were told before.
    pub page: usize,
    /// There is nothing after what was told.
    pub over: bool,
}

/// Whether it is "继续".
pub(super) fn asked(said: &Number) -> bool {
    let said = said.said().map(str::to_lowercase);
    said.is_some_and(|s| ON.contains(&s.trim_end_matches(['。', '吧', '.', '！'])))
}

/// `heard`: what was told last, if it was of this day.
pub(super) fn place(
    said: &Number,
    heard: Option<&store::Told>,
    is_full: bool,
) -> Result<Place, Trouble> {
    if !asked(said) {
        return Ok(Place {
            part: named(said)?,
            ..Place::default()
        });
    }
    let Some(told) = heard.map(|h| h.part) else {
        return Ok(Place::default());
    };
    if told >= PAGES {
        return Ok(Place {
            part: Some(Part::Findings).filter(|_| !is_full),
            page: usize::from(told - PAGES),
            over: false,
        });
    }
    let last = if told == BRIEF { 0 } else { told };
    let part = Part::ALL.into_iter().find(|p| p.number() > last);
    Ok(Place {
        part: part.filter(|_| !is_full),
        page: 0,
        over: part.is_none(),
    })
}

/// What to remember of what is told now.
pub(super) fn told(told: &voice::Told) -> u8 {
    match (told.next_page, told.next_part) {
        (Some(page), _) => PAGES.saturating_add(u8::try_from(page).unwrap_or(u8::MAX)),
        (None, Some(Part::Overview)) => BRIEF,
        (None, Some(next)) => next.number() - 1,
        (None, None) => Part::Fixes.number(),
    }
}

/// `2`, `第二部分`, `重要发现` or `2 重要发现`.
fn named(said: &Number) -> Result<Option<Part>, Complaint> {
    let words = said.said().unwrap_or_default();
    if let Ok(part) = words.parse() {
        return Ok(Some(part));
    }
    let mut chars = words.chars();
    let first = chars.next().filter(char::is_ascii_digit);
    let alone = !chars
        .as_str()
        .starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if let Some(Ok(part)) = first.filter(|_| alone).map(|c| c.to_string().parse()) {
        return Ok(Some(part));
    }
    let number = said.within("part", 1, 4)?;
    let mut parts = Part::ALL.into_iter();
    Ok(parts.find(|p| Some(u64::from(p.number())) == number))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(words: &str) -> Number {
        serde_json::from_value(json!(words)).expect("words")
    }

    #[test]
    fn a_part_is_read_by_number_and_name() {
        for words in [
            "2",
            "2.0",
            "第二部分",
            "重要发现",
            "2 重要发现",
            "2重要发现",
            "二",
        ] {
            let place = place(&said(words), None, false).expect("a part");
            assert_eq!(place.part, Some(Part::Findings), "{words}");
        }
        for words in ["5", "九十九", "20", "天气"] {
            assert!(place(&said(words), None, false).is_err(), "{words}");
        }
    }

    #[test]
    fn it_goes_on_after_what_was_told() {
        let after = |part| {
            let heard = store::Told {
                day: "2026-11-21".parse().expect("day"),
                incident: String::new(),
                listed: Vec::new(),
                part,
                revision: 1,
                at_ms: 0,
            };
            place(&said("继续吧。"), Some(&heard), false).expect("a place")
        };
        assert_eq!(after(0).part, Some(Part::Overview));
        assert_eq!(after(BRIEF).part, Some(Part::Overview));
        assert_eq!(after(3).part, Some(Part::Fixes));
        assert!(after(4).over);
        assert_eq!((after(16).part, after(16).page), (Some(Part::Findings), 6));
        let untold = place(&said("next"), None, false).expect("a place");
        assert_eq!(untold, Place::default());
    }
}
