//! The side of a search that finds kept lines of one day.
//!
//! In: a question and a day file. Out: lines with the scores they have among the documents, the best first. Lines that one template wrote
//! say the same: one of each shape comes first, the others after all shapes, and each place counts less, so that a line repeated all day does
//! not bury the finding that tells of it.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    CANDIDATES, Query, fuse,
    words::{COLUMNS, fts_query},
};
use crate::{
    mining::mask::{Masked, mask},
    model::{LogKind, record::Kept},
    store::{
        Error,
        embed::Analyzer,
        kept::{KEPT, read_kept},
    },
};

/// Kept lines of one day by full text with their scores, best first.
pub(super) fn by_words(c: &Connection, query: &Query) -> Result<Vec<(Kept, f64)>, Error> {
    let terms = Analyzer::built_in().query(&query.text);
    let Some(question) = fts_query(&terms, None).rare else {
        return Ok(Vec::new());
    };
    let (from, to) = query.time.unwrap_or((i64::MIN, i64::MAX));
    let mut find = c.prepare_cached(&format!(
        "SELECT rowid, -bm25(kept_fts, {COLUMNS}) AS score FROM kept_fts WHERE kept_fts MATCH ?1 AND +rowid IN (
           SELECT id FROM kept WHERE (?2 IS NULL OR kind = ?2) AND ts_ms >= ?3 AND ts_ms < ?4
             AND (?5 IS NULL OR namespace = ?5) AND (?6 IS NULL OR instr(name, ?6) > 0))
         ORDER BY score DESC, rowid LIMIT ?7"
    ))?;
    let ids: Vec<(i64, f64)> = find
        .query_map(
            params![
                question,
                query.kind.map(LogKind::as_str),
                from,
                to,
                query.namespace,
                query.object,
                i64::try_from(query.candidates()).unwrap_or(i64::MAX)
            ],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?
        .collect::<Result<_, _>>()?;
    let mut read = c.prepare_cached(&format!("SELECT {KEPT} FROM kept WHERE id = ?1"))?;
    let mut found = Vec::with_capacity(ids.len());
    for (id, score) in ids {
        if let Some(kept) = read.query_row([id], read_kept).optional()? {
            found.push((kept?, score));
        }
    }
    Ok(one_of_each_shape_first(found))
}

/// Places that lie between the last of the shapes and the first repetition.
const REPEATED: f64 = 40.0;

/// What full text found, as it stands among documents: each shape once, then the repetitions, each place counting less. Block by block,
/// so that a longer answer begins as the shorter one did.
fn one_of_each_shape_first(found: Vec<(Kept, f64)>) -> Vec<(Kept, f64)> {
    let best = found.first().map_or(0.0, |(_, score)| *score);
    let (mut place, mut lowest, mut repeating) = (0.0, best, false);
    let mut shapes = BTreeSet::new();
    let mut out = Vec::with_capacity(found.len());
    let mut found = found.into_iter();
    loop {
        let block = found.by_ref().take(CANDIDATES);
        let (first, again): (Vec<_>, Vec<_>) =
            block.partition(|(kept, _)| shapes.insert(shape(kept)));
        if first.is_empty() && again.is_empty() {
            return out;
        }
        let again = again.into_iter().map(|line| (line, true));
        let first = first.into_iter().map(|line| (line, false));
        for ((kept, score), repeats) in first.chain(again) {
            if repeats && !repeating {
                place += REPEATED;
                repeating = true;
            }
            // A repetition that full text likes better than the last of the shapes still comes after it.
            lowest = score.min(lowest);
            out.push((kept, fuse::of_words(lowest, best) * fuse::place(place)));
            place += 1.0;
        }
    }
}

/// What lines of one template have in common, whichever object wrote them.
fn shape(kept: &Kept) -> (LogKind, String) {
    let mut masked = Masked::default();
    if kept.object.is_empty() {
        mask(&kept.text, &mut masked);
    } else {
        mask(&kept.text.replace(&kept.object, "<object>"), &mut masked);
    }
    (kept.kind(), masked.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::kept;

    fn line(hash: u64, text: &str, score: f64) -> (Kept, f64) {
        (kept(LogKind::Event, hash, "k", text), score)
    }

    #[test]
    fn each_shape_comes_once_before_any_comes_again_and_a_longer_answer_begins_alike() {
        let mut found = vec![
            line(1, "pull of checkout-1 failed after 31 tries", 9.0),
            line(2, "pull of checkout-1 failed after 32 tries", 8.0),
            line(3, "volume is not mounted", 1.0),
        ];
        let order = |found: &[(Kept, f64)]| -> Vec<u64> {
            let sorted = one_of_each_shape_first(found.to_vec());
            assert!(sorted.windows(2).all(|w| w[0].1 > w[1].1), "{sorted:?}");
            sorted.iter().map(|(kept, _)| kept.id.hash).collect()
        };
        assert_eq!(order(&found), [1, 3, 2]);
        let more = 4..=CANDIDATES as u64;
        found.extend(more.map(|n| line(n, &format!("pull failed after {n} tries"), 0.5)));
        let short = order(&found);
        found.push(line(1000, "link down", 0.25));
        assert_eq!(order(&found)[..short.len()], short);
    }
}
