//! Text to tokens and tokens to index terms: words of identifiers, Chinese bigrams.
//!
//! `unicode61` finds no Chinese phrase and `trigram` misses words of two characters (超时), so Chinese is cut into overlapping
//! pairs here, and the index only ever sees terms of letters and digits.

use super::sound::sound;

/// A word in lower case, or a Chinese character.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Token {
    Word(String),
    /// A word that stood inside a longer one: `pull` of `ImagePullBackOff`. The longer one is `whole`, given with its first part.
    Part {
        word: String,
        whole: Option<String>,
    },
    Han(char),
    /// Something between two runs; no pair reaches over it.
    Gap,
}

/// Tokens of a text in order. Placeholders of masked templates (`<num>`) are gaps.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '<'
            && let Some(end) = placeholder(rest)
        {
            gap(&mut out);
            rest = &rest[end..];
        } else if is_han(c) {
            out.push(Token::Han(c));
            rest = &rest[c.len_utf8()..];
        } else if c.is_alphanumeric() {
            let end = rest
                .find(|c: char| !c.is_alphanumeric() || is_han(c))
                .unwrap_or(rest.len());
            word(&rest[..end], &mut out);
            rest = &rest[end..];
        } else {
            if !c.is_whitespace() || !matches!(out.last(), Some(Token::Han(_))) {
                gap(&mut out);
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// Index terms: every word, every joined identifier, every pair of adjacent Chinese characters, a lone character as it is.
pub(super) fn terms(tokens: &[Token]) -> impl Iterator<Item = String> + '_ {
    tokens.iter().enumerate().flat_map(|(i, token)| {
        let before = i.checked_sub(1).and_then(|j| tokens.get(j));
        let after = tokens.get(i + 1);
        let (first, second) = match token {
            Token::Word(w) => (Some(w.clone()), None),
            Token::Part { word, whole } => (Some(word.clone()), whole.clone()),
            Token::Han(a) => match (before, after) {
                (_, Some(Token::Han(b))) => (Some(format!("{a}{b}")), None),
                (Some(Token::Han(_)), _) => (None, None),
                _ => (Some(a.to_string()), None),
            },
            Token::Gap => (None, None),
        };
        first.into_iter().chain(second)
    })
}

/// Pairs of adjacent Chinese characters by their sound.
pub(super) fn sounds(tokens: &[Token]) -> impl Iterator<Item = String> + '_ {
    tokens.windows(2).filter_map(|pair| match pair {
        [Token::Han(a), Token::Han(b)] => Some(sound(*a) + &sound(*b)),
        _ => None,
    })
}

/// Neighbouring words as one, for questions: `check out` is how `checkout` is heard.
pub(super) fn joined(tokens: &[Token]) -> impl Iterator<Item = String> + '_ {
    let words: Vec<&str> = tokens
        .iter()
        .filter_map(|t| match t {
            Token::Word(w) => Some(w.as_str()),
            _ => None,
        })
        .collect();
    let pairs: Vec<String> = words.windows(2).map(<[&str]>::concat).collect();
    pairs.into_iter()
}

fn gap(out: &mut Vec<Token>) {
    if !matches!(out.last(), None | Some(Token::Gap)) {
        out.push(Token::Gap);
    }
}

/// Length of a placeholder such as `<num>` or `<ip:port>` at the start of the text.
fn placeholder(text: &str) -> Option<usize> {
    /// The longest placeholder is a word or two.
    const LONGEST: usize = 24;
    let end = text.bytes().take(LONGEST).position(|b| b == b'>')?;
    let inner = &text.as_bytes()[1..end];
    let fits = !inner.is_empty()
        && inner.iter().all(|b| {
            b.is_ascii_lowercase() || matches!(b, b'_' | b':' | b'*' | b'-' | b'0'..=b'9')
        });
    fits.then_some(end + 1)
}

/// A run of letters and digits, cut at changes of case as in `OOMKilled` and `imagePull`.
fn word(run: &str, out: &mut Vec<Token>) {
    let chars: Vec<(usize, char)> = run.char_indices().collect();
    let mut cuts = vec![0];
    for i in 1..chars.len() {
        let (before, here) = (chars[i - 1].1, chars[i].1);
        let next_is_lower = chars.get(i + 1).is_some_and(|c| c.1.is_lowercase());
        let rises = before.is_lowercase() && here.is_uppercase();
        let acronym_ends = before.is_uppercase() && here.is_uppercase() && next_is_lower;
        // `PVCs` is one word.
        let plural = acronym_ends && chars.len() == i + 2 && chars[i + 1].1 == 's';
        if (rises || acronym_ends) && !plural {
            cuts.push(chars[i].0);
        }
    }
    if cuts.len() == 1 {
        out.push(Token::Word(run.to_lowercase()));
        return;
    }
    cuts.push(run.len());
    let mut whole = Some(run.to_lowercase());
    for pair in cuts.windows(2) {
        out.push(Token::Part {
            word: run[pair[0]..pair[1]].to_lowercase(),
            whole: whole.take(),
        });
    }
}

pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        let found: Vec<String> = terms(&tokens(text)).collect();
        assert_eq!(found.join(" "), expected, "{text}");
    }

    #[test]
    fn words_identifiers_and_pairs() {
        check("镜像拉取失败", "镜像 像拉 拉取 取失 失败");
        check("ImagePullBackOff", "image imagepullbackoff pull back off");
        check("OOMKilled, 2 PVCs", "oom oomkilled killed 2 pvcs");
        check("order-service超时了", "order service 超时 时了");
        check("took <num>ms at <ip:port> 卡", "took ms at 卡");
        check("a < b <Script> c", "a b script c");
    }

    proptest! {
        #[test]
        fn every_pair_of_adjacent_characters_is_a_term(text in "[一-龥]{2,30}") {
            let found: Vec<String> = terms(&tokens(&text)).collect();
            let chars: Vec<char> = text.chars().collect();
            let pairs: Vec<String> = chars.windows(2).map(|w| w.iter().collect()).collect();
            prop_assert_eq!(found, pairs);
        }

        #[test]
        fn a_phrase_inside_a_text_keeps_its_terms(before in "[a-z ]{0,9}", phrase in "[一-龥]{2,8}", after in "[a-z ]{0,9}") {
            let all: Vec<String> = terms(&tokens(&format!("{before}{phrase}{after}"))).collect();
            for term in terms(&tokens(&phrase)) {
                prop_assert!(all.contains(&term));
            }
        }

        #[test]
        fn terms_hold_letters_and_digits_only(text in any::<String>()) {
            for term in terms(&tokens(&text)) {
                prop_assert!(!term.is_empty() && term.chars().all(char::is_alphanumeric), "{:?}", term);
            }
        }
    }
}
