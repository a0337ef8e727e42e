//! Joins what full text and what vectors found.
//!
//! In: texts with the scores of either side, the best first. Out: texts with one score. A side's scores are first brought to the way from
//! nothing to its best: by words from 0 to the best, by likeness from the least alike candidate to an equal text, since a model may find
//! everything alike. Ranks alone (reciprocal rank fusion) would not do: they say the same of a lead that decides and of one by chance,
//! and joined a good order with a coarser one to something worse than the good one, measured by `store::recall`.

use std::collections::BTreeMap;

use super::CANDIDATES;
use crate::store::vectors::FAR;

/// Share of the vectors; the rest is the words'. Anything from .3 to .5 does about as well on the tuning half of the questions.
const LIKENESS: f64 = 0.4;

/// One score for each text that either side found.
pub(super) fn fuse(words: &[(i64, f64)], likeness: &[(i64, f64)]) -> Vec<(i64, f64)> {
    let mut scores: BTreeMap<i64, f64> = BTreeMap::new();
    let best = words.first().map_or(0.0, |(_, score)| *score);
    for (id, score) in words {
        *scores.entry(*id).or_default() += of_words(*score, best);
    }
    // Few candidates, as a filter leaves them, may all be much alike: they are held against what is not alike at all.
    let least = match likeness.get(CANDIDATES - 1) {
        Some((_, cosine)) => *cosine,
        None => (likeness.last()).map_or(0.0, |(_, cosine)| cosine.min(1.0 - FAR)),
    };
    let way = (1.0 - least).max(f64::EPSILON);
    for (id, cosine) in likeness {
        *scores.entry(*id).or_default() += LIKENESS * (cosine - least).max(0.0) / way;
    }
    scores.into_iter().collect()
}

/// What words alone contribute, of a side whose best score is `best`.
pub(super) fn of_words(score: f64, best: f64) -> f64 {
    if best > 0.0 {
        (1.0 - LIKENESS) * score / best
    } else {
        0.0
    }
}

/// Days after which half of what recency counts for is gone: most incidents that come back do so within twenty days.
const HALF_LIFE: f64 = 20.0;

/// How much of a score recency decides.
const RECENCY: f64 = 0.1;

/// What the score of an incident is multiplied by when it is `days` older than the newest that fits nearly as well. Little: it breaks ties
/// among incidents and puts none of them behind what is no incident.
pub(super) fn recency(days: i32) -> f64 {
    1.0 - RECENCY + RECENCY * 0.5_f64.powf(f64::from(days) / HALF_LIFE)
}

/// What the score of a kept line is multiplied by on its place among the lines, from 0. Lines are many and say one thing each; documents
/// say what many lines come to.
pub(super) fn place(place: f64) -> f64 {
    1.0 / (1.0 + place / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(words: &[(i64, f64)], likeness: &[(i64, f64)]) -> Vec<i64> {
        let mut fused = fuse(words, likeness);
        fused.sort_by(|a, b| b.1.total_cmp(&a.1));
        fused.into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn a_clear_lead_of_words_stands_and_a_close_one_is_decided_by_likeness() {
        let likeness = [(2, 0.7), (1, 0.5), (3, 0.2)];
        assert_eq!(order(&[(1, 20.0), (2, 5.0)], &likeness), [1, 2, 3]);
        assert_eq!(order(&[(1, 20.0), (2, 19.0)], &likeness), [2, 1, 3]);
    }

    #[test]
    fn a_model_that_finds_everything_alike_decides_no_more_than_any_other() {
        let with_rest = |first: [(i64, f64); 2], least: f64| -> Vec<(i64, f64)> {
            let rest = (3..).take(CANDIDATES - 2).map(|id| (id, least));
            first.into_iter().chain(rest).collect()
        };
        let wide = with_rest([(2, 0.9), (1, 0.5)], 0.0);
        let narrow = with_rest([(2, 0.99), (1, 0.95)], 0.90);
        let words = [(1, 20.0), (2, 16.0)];
        assert_eq!(order(&words, &wide), order(&words, &narrow));
        assert_eq!(order(&words, &narrow)[..2], [2, 1]);
    }

    #[test]
    fn the_only_text_that_a_filter_leaves_keeps_what_it_is_alike() {
        let fused = fuse(&[], &[(1, 0.95)]);
        assert!(fused[0].1 > 0.9 * LIKENESS, "{fused:?}");
    }

    #[test]
    fn either_side_alone_keeps_its_order() {
        assert_eq!(order(&[(1, 3.0), (2, 2.0)], &[]), [1, 2]);
        assert_eq!(order(&[], &[(2, 0.5), (1, 0.4)]), [2, 1]);
        assert_eq!(order(&[], &[]), Vec::<i64>::new());
    }
}
