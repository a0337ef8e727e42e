//! Numbers and names in a question that nobody says by chance: what holds one is what was asked for.
//!
//! In: a question and what was found for it. Out: the same hits, of which those that hold such a word score above all others. Always true:
//! among the ones and among the others the order stays. Does not find what neither side found.

use super::Hit;

/// Shorter words with digits are counts, codes and versions, which stand anywhere.
const LEAST: usize = 6;

/// Puts hits first that hold a literal of the question.
pub(super) fn prefer(question: &str, hits: &mut [Hit]) {
    let literals = literals(question);
    if literals.is_empty() {
        return;
    }
    let holds = |hit: &Hit| {
        let (text, object) = (
            hit.text.to_ascii_lowercase(),
            hit.object.to_ascii_lowercase(),
        );
        literals
            .iter()
            .any(|l| text.contains(l) || object.contains(l))
    };
    if !hits.iter().any(holds) {
        return;
    }
    for hit in hits {
        hit.score = hit.score.midpoint(f64::from(u8::from(holds(hit))));
    }
}

/// Numbers of orders, ids of traces, names of pods, addresses; no dates and no times.
fn literals(question: &str) -> Vec<String> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
    question
        .split(|c: char| !in_name(c))
        .map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
        .filter(|word| word.len() >= LEAST && word.bytes().any(|b| b.is_ascii_digit()))
        .filter(|word| !is_time(word))
        .map(str::to_ascii_lowercase)
        .collect()
}

/// `2026-11-21`, `10:14:57`, `2026/11/21`.
fn is_time(word: &str) -> bool {
    word.contains(['-', ':', '/'])
        && word
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_literals_and_dates_are_none() {
        assert_eq!(
            literals(
                "2026-11-21 订单2026112123935 在 Checkout-6f7c9d8b5d-x2k8q 上, 10:14:57, v2, 10.0.3.16:8080?"
            ),
            [
                "2026112123935",
                "checkout-6f7c9d8b5d-x2k8q",
                "10.0.3.16:8080"
            ]
        );
        assert!(literals("why 502 on node 3").is_empty());
    }
}
