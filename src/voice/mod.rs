//! Text for the ear: what a robot can speak without stumbling.
//!
//! In: a [`Report`](crate::model::report::Report) or pieces of one, and an [`Ask`]. Out: [`Told`]: the text that is spoken (or, with [`Detail::Full`], read
//! on a screen), the incidents it names in their order, and the tools worth calling next.
//!
//! # Invariants
//! - A brief text has at most [`BRIEF_CHARS`] characters, a normal one at most [`NORMAL_CHARS`], in English three times as many
//!   ([`chars`]); both end with a question.
//! - Brief and normal texts hold letters, digits and plain punctuation only (`speak::is_speakable`), whatever a log line held.
//!
//! Does not decide what matters (the report is sorted) and reads no clock: `now` is an argument.

mod ask;
mod broadcast;
mod caveats;
mod chain;
mod change;
mod full;
mod gist;
mod incident;
mod lists;
mod opening;
mod parts;
mod phrase;
mod problem;
mod speak;
#[cfg(test)]
mod tests;
mod undo;

pub use ask::{Ask, Compared, Detail, NextStep, Part, Told, UnknownDetail, UnknownPart, chars};
pub use broadcast::{broadcast, headline};
pub use full::PAGE_CHARS;
pub use incident::{followed, incident};
pub use lists::{
    AlarmFacts, EventFacts, Hits, Progress, alarm, changes, events, hits, nothing, progress,
};
pub use phrase::{about, relative_time};
pub use speak::{clean, is_speakable, narrow};
pub use undo::rollback;

/// Longest brief text in Chinese: about twenty seconds of speech.
pub const BRIEF_CHARS: usize = 120;
/// Longest normal text in Chinese: about a minute and a half of speech, and well below xiaozhi.me's 8,192 bytes.
pub const NORMAL_CHARS: usize = 400;
/// More problems than this in one go are not remembered by a listener.
pub const MOST_PROBLEMS: usize = 6;
