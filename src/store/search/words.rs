//! The side of a search that looks for words, their sounds and the concepts of the lexicon.
//!
//! In: a question. Out: ids of texts with their scores, the best first. Words that are known to be common are asked for only where rarer
//! ones find nothing, and then among the newest texts, so that a question costs about the same in a large store.

use rusqlite::Connection;

use super::{Query, allowed::Allowed, filter::borrowed};
use crate::store::{
    Error,
    embed::{Analyzer, Class, Terms, Weights},
    vectors,
};

/// The best texts by full text.
pub(super) fn by_words(
    c: &Connection,
    query: &Query,
    allowed: &Allowed<'_>,
) -> Result<Vec<(i64, f64)>, Error> {
    let terms = Analyzer::built_in().meant(&query.text);
    let Question { rare, common } = fts_query(&terms, vectors::weights(c)?.as_ref());
    let mut found = Vec::new();
    if let Some(rare) = rare {
        found = ranked(c, query, allowed, &rare, None)?;
    }
    if let Some(common) = common.filter(|_| found.is_empty()) {
        found = ranked(c, query, allowed, &common, Some(RANKED))?;
    }
    Ok(found)
}

/// The best of what `question` matches, or of the newest `most` of these.
fn ranked(
    c: &Connection,
    query: &Query,
    allowed: &Allowed<'_>,
    question: &str,
    most: Option<u32>,
) -> Result<Vec<(i64, f64)>, Error> {
    let limit = i64::try_from(query.candidates()).unwrap_or(i64::MAX);
    // A limit below zero is none.
    let most = most.map_or(-1, |most| limit.max(most.into()));
    let named = allowed.named(&[
        (":question", &question),
        (":most", &most),
        (":limit", &limit),
    ]);
    let mut find = c.prepare_cached(&format!(
        "SELECT id, score FROM (
           SELECT texts_fts.rowid AS id, -bm25(texts_fts, {COLUMNS}) AS score FROM texts_fts
           WHERE texts_fts MATCH :question AND {} ORDER BY texts_fts.rowid DESC LIMIT :most)
         ORDER BY score DESC, id LIMIT :limit",
        allowed.condition("texts_fts.rowid")
    ))?;
    let rows = find.query_map(borrowed(&named).as_slice(), |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Weights of words, sounds and concepts. A concept of the lexicon says more than a word, a sound less.
pub(super) const COLUMNS: &str = "1.0, 0.5, 2.0";

/// Texts that full text ranks for one question, about: ranking one costs microseconds, a common word is in most of 100,000. Of those that
/// have nothing but a common word the newest are as good as any.
const RANKED: u32 = 1000;

/// A question in the language of FTS5.
#[derive(Debug, Default)]
pub(super) struct Question {
    /// What few texts hold, or none that was there when the frequencies were learned.
    pub rare: Option<String>,
    /// The rarest of the common words: to be asked for when nothing that is allowed holds the rare ones.
    pub common: Option<String>,
}

/// Any term may match. The rarest come first, and the common ones only while they add few texts: they hardly change the order.
pub(super) fn fts_query(terms: &Terms, weights: Option<&Weights>) -> Question {
    let frequency = |class, term: &str| weights.map_or(0, |w| w.frequency(class, term));
    let words = terms.words.iter().map(|w| {
        if is_single_han(w) {
            // A lone character is found inside pairs that begin with it.
            (0, format!("body : {w}*"))
        } else if w.is_ascii() {
            (frequency(Class::Word, w), format!("body : \"{w}\""))
        } else {
            (frequency(Class::Pair, w), format!("body : \"{w}\""))
        }
    });
    let sounds = terms.sounds.iter();
    let sounds = sounds.map(|s| (frequency(Class::Sound, s), format!("sounds : \"{s}\"")));
    let concepts = terms.concepts.iter();
    let concepts = concepts.map(|c| (frequency(Class::Concept, c), format!("concepts : \"{c}\"")));
    let mut all: Vec<(u32, String)> = words.chain(sounds).chain(concepts).collect();
    all.sort();
    let (mut rare, mut ranked) = (Vec::new(), 0);
    for (frequency, clause) in all {
        if ranked + frequency > RANKED {
            return Question {
                rare: any_of(&rare),
                common: Some(clause),
            };
        }
        ranked += frequency;
        rare.push(clause);
    }
    Question {
        rare: any_of(&rare),
        common: None,
    }
}

fn any_of(clauses: &[String]) -> Option<String> {
    (!clauses.is_empty()).then(|| clauses.join(" OR "))
}

fn is_single_han(word: &str) -> bool {
    word.chars().count() == 1 && !word.is_ascii()
}
