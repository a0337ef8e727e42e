//! Joins what full text and what vectors found, by reciprocal rank.
//!
//! In: texts with the scores of either side, the best first. Out: texts with one score, 1 for what both sides find best. Candidates of a
//! side that are nearly alike share a rank: bare ranks say the same of a lead that decides and of one by chance, and joined the good order
//! of the words with the coarser one of the vectors to something worse (`store::recall`, the tuning half: mean reciprocal rank .977 with
//! bare ranks at their best weights, .981 with shared ones, .975 by words alone). How far the scores of two sides lie apart does not matter.

use std::collections::BTreeMap;

use super::{CANDIDATES, nearest::FAR};

/// Share of the vectors; the rest is the words'. From .4 to .45 it does as well on the tuning half of the questions.
const LIKENESS: f64 = 0.4;

/// Softens the first ranks. Any number from 2 to 60 orders the answers to questions as well; a small one keeps the score of what is
/// found late low, which kept lines and the age of incidents are weighed against.
const SOFT: f64 = 5.0;

/// Scores that lie this share of the way from the least candidate to the best apart are alike. From .02 to .04 it does as well.
const ALIKE: f64 = 0.03;

/// What the order of those that share a rank counts for, in ranks.
const HARDLY: f64 = 0.001;

/// One score for each text that either side found.
pub(super) fn fuse(words: &[(i64, f64)], likeness: &[(i64, f64)]) -> Vec<(i64, f64)> {
    let mut scores: BTreeMap<i64, f64> = BTreeMap::new();
    // By words nothing may be had in common at all. A model may find everything alike: its least candidate is as good as none, unless a
    // filter left few.
    let least = match likeness.get(CANDIDATES - 1) {
        Some((_, cosine)) => *cosine,
        None => (likeness.last()).map_or(0.0, |(_, cosine)| cosine.min(1.0 - FAR)),
    };
    for (side, share, least) in [(words, 1.0 - LIKENESS, 0.0), (likeness, LIKENESS, least)] {
        for ((id, _), rank) in side.iter().zip(ranks(side, least)) {
            *scores.entry(*id).or_default() += share * reciprocal(rank);
        }
    }
    scores.into_iter().collect()
}

/// The rank of each of `side`, from 0: how many are clearly better. Those that share a rank stay in their order, where nothing else decides.
fn ranks(side: &[(i64, f64)], least: f64) -> impl Iterator<Item = f64> {
    let best = side.first().map_or(0.0, |(_, score)| *score);
    let alike = ALIKE * (best - least).max(0.0);
    let mut better = 0;
    side.iter().enumerate().map(move |(place, (_, score))| {
        while side[better].1 > score + alike {
            better += 1;
        }
        better as f64 + HARDLY * (place - better) as f64
    })
}

/// 1 for the first rank, and less and less for those behind it.
fn reciprocal(rank: f64) -> f64 {
    (SOFT + 1.0) / (SOFT + 1.0 + rank)
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
        assert_eq!(order(&[(1, 20.0), (2, 19.7)], &likeness), [2, 1, 3]);
    }

    #[test]
    fn a_model_that_finds_everything_alike_decides_no_more_and_no_less_than_any_other() {
        let with_rest = |first: [(i64, f64); 2], least: f64| -> Vec<(i64, f64)> {
            let rest = (3..).take(CANDIDATES - 2).map(|id| (id, least));
            first.into_iter().chain(rest).collect()
        };
        let wide = with_rest([(2, 0.9), (1, 0.5)], 0.0);
        let narrow = with_rest([(2, 0.99), (1, 0.95)], 0.90);
        for words in [[(1, 20.0), (2, 16.0)], [(1, 20.0), (2, 19.8)]] {
            assert_eq!(order(&words, &wide), order(&words, &narrow));
        }
        assert_eq!(order(&[(1, 20.0), (2, 19.8)], &narrow)[..2], [2, 1]);
    }

    #[test]
    fn those_that_are_nearly_alike_share_a_rank_and_leave_the_next_ones_where_they_were() {
        let side = [(1, 10.0), (2, 9.8), (3, 9.6), (4, 5.0), (5, 5.0)];
        let found: Vec<f64> = ranks(&side, 0.0).map(f64::round).collect();
        assert_eq!(found, [0.0, 0.0, 1.0, 3.0, 3.0]);
    }

    #[test]
    fn the_best_of_both_sides_has_the_whole_score_and_the_only_text_of_a_side_its_share() {
        assert_eq!(fuse(&[(1, 7.0)], &[(1, 0.95)]), [(1, 1.0)]);
        assert_eq!(fuse(&[], &[(1, 0.95)]), [(1, LIKENESS)]);
    }

    #[test]
    fn either_side_alone_keeps_its_order() {
        assert_eq!(order(&[(2, 3.0), (1, 2.99), (3, 2.0)], &[]), [2, 1, 3]);
        assert_eq!(order(&[], &[(2, 0.5), (1, 0.4)]), [2, 1]);
        assert_eq!(order(&[], &[]), Vec::<i64>::new());
    }
}
