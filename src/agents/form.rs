//! The form of a sentence: its length, its language, and that it speaks of the cluster and not of us.
//!
//! In: a text. Out: what is wrong with it. Holds nothing against records; `claims` does.

use crate::model::Lang;

use super::fault::Fault;

/// Longest claim in characters: two sentences. What is longer is an essay, or endless repetition.
pub(super) const CLAIM_CHARS: usize = 300;
/// Names of our own tools and words of our own protocol: no sentence about a cluster needs them, an injected order does.
const OUR_WORDS: [&str; 12] = [
    "switch_owner",
    "propose_rollback",
    "summarize_day",
    "analyze_business",
    "search_events",
    "search_audit",
    "fetch_logs",
    "trace_cause",
    "analyze_alert",
    "mark_incident",
    "task_status",
    "://",
];

/// Whether a text speaks of our own tools or of addresses, as an order injected into a log does. Such a line is not quoted.
pub(super) fn speaks_of_us(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    OUR_WORDS.into_iter().find(|w| lower.contains(w))
}

/// Names are Latin in any language; a Chinese sentence still has a few words of its own.
pub(super) fn in_language(text: &str, lang: Lang) -> bool {
    let is_chinese = |c: &char| matches!(c, '\u{4e00}'..='\u{9fff}');
    let chinese = text.chars().filter(is_chinese).count();
    match lang {
        Lang::Zh => chinese >= 4,
        Lang::En => chinese <= text.chars().count() / 4,
    }
}

pub(super) fn form(text: &str, lang: Lang) -> Vec<Fault> {
    let mut faults = Vec::new();
    if text.is_empty() {
        faults.push(Fault::Empty);
    }
    if text.chars().count() > CLAIM_CHARS {
        faults.push(Fault::TooLong);
    }
    faults.extend(speaks_of_us(text).map(Fault::Foreign));
    if !in_language(text, lang) && !text.is_empty() {
        faults.push(Fault::Language);
    }
    faults
}
