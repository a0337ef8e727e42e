//! The side of a search that looks for words, their sounds and the concepts of the lexicon.
//!
//! In: a question. Out: ids of texts with their scores, the best first. Always true: common words are asked for only while few texts hold them, so that
//! a question costs about the same in a large store.

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
    let Some(question) = fts_query(&terms, vectors::weights(c)?.as_ref()) else {
        return Ok(Vec::new());
    };
    let limit = i64::try_from(query.candidates()).unwrap_or(i64::MAX);
    // Without a limit: what is rare may be old.
    let ranked = if question.common {
        i64::from(RANKED).max(limit)
    } else {
        -1
    };
    let named = allowed.named(&[
        (":question", &question.text),
        (":ranked", &ranked),
        (":limit", &limit),
    ]);
    // The score of a row is worked out where the row is read: only those of the inner statement have one.
    let mut find = c.prepare_cached(&format!(
        "SELECT id, score FROM (
           SELECT rowid AS id, -bm25(texts_fts, {COLUMNS}) AS score FROM texts_fts
           WHERE texts_fts MATCH :question AND {} ORDER BY rowid DESC LIMIT :ranked)
         ORDER BY score DESC, id LIMIT :limit",
        allowed.condition("rowid")
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
#[derive(Debug)]
pub(super) struct Question {
    pub text: String,
    /// Whether one of its words stands in more texts than are ranked.
    common: bool,
}

/// Any term may match. The rarest come first, and the common ones only while they add few texts: they hardly change the order.
pub(super) fn fts_query(terms: &Terms, weights: Option<&Weights>) -> Option<Question> {
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
    let mut ranked = 0;
    let few = all.into_iter().take_while(|(frequency, _)| {
        // A term of no text does not make the rarest that some have too common.
        let first = ranked == 0;
        ranked += frequency;
        first || ranked <= RANKED
    });
    let few: Vec<(u32, String)> = few.collect();
    let common = (few.iter()).any(|(frequency, _)| *frequency > RANKED);
    let few: Vec<String> = few.into_iter().map(|(_, clause)| clause).collect();
    (!few.is_empty()).then(|| Question {
        text: few.join(" OR "),
        common,
    })
}

fn is_single_han(word: &str) -> bool {
    word.chars().count() == 1 && !word.is_ascii()
}
