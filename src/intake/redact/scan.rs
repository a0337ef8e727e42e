//! The quick look at every byte: may there be something to redact?
//!
//! In: bytes. Out: what to look for. Always true: where it says no, no rule would find anything (`proptest: the_quick_look_misses
//! nothing`), save for names in spellings that nobody uses (`PaSsWoRd`). Says yes too often rather than too seldom.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, packed};

use super::numbers;

/// Pieces of which one occurs wherever a rule of [`super::rules`] has something to find. The vectorised search knows no letter
/// case, so the spellings that people use are written out: lower, capitalised, upper and camel case. `rules` ignores case. It takes
/// 64 pieces at most, and with more there is none.
const PIECES: &[&str] = &[
    "assw",
    "ASSW",
    "assW",
    "ass_w",
    "ASS_W",
    "ass-w",
    "assph",
    "ASSPH",
    "pwd",
    "Pwd",
    "PWD",
    "ecret",
    "ECRET",
    "token",
    "Token",
    "TOKEN",
    "_key",
    "_Key",
    "_KEY",
    "-key",
    "-Key",
    "-KEY",
    ".key",
    ".Key",
    ".KEY",
    "ikey",
    "iKey",
    "IKey",
    "IKEY",
    "skey",
    "sKey",
    "SKey",
    "SKEY",
    "tekey",
    "teKey",
    "TEKEY",
    "redential",
    "REDENTIAL",
    "uthorization",
    "UTHORIZATION",
    "ookie",
    "OOKIE",
    "earer ",
    "EARER ",
    "asic ",
    "ASIC ",
    "AKID",
    "AKIA",
    "LTAI",
    "eyJ",
    "-----BEGIN",
    "ghp_",
    "gho_",
    "github_pat_",
    "glpat-",
    "sk-",
    "xoxb-",
    "@tcp(",
    "密码",
    "口令",
    "密钥",
    "令牌",
];

/// Digits in a row from which on a run may be a phone, card or identity number.
pub(super) const MIN_DIGITS: usize = 11;

/// Both are there unless building failed, which the constant patterns rule out; then everything is examined.
struct Search {
    packed: Option<packed::Searcher>,
    /// For texts too short for the vectorised search, which falls back to a slow one.
    automaton: Option<AhoCorasick>,
}

static SEARCH: LazyLock<Search> = LazyLock::new(|| Search {
    packed: packed::Config::new()
        .match_kind(packed::MatchKind::LeftmostFirst)
        .builder()
        .extend(PIECES)
        .build(),
    automaton: AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .build(PIECES)
        .ok(),
});

/// What there may be to redact. Long numbers of orders are common, and no reason to look for words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suspicion {
    /// Something for [`super::rules`].
    pub words: bool,
    /// Something for [`super::numbers`].
    pub number: bool,
}

/// Which rules have to examine the text.
pub(super) fn look(text: &[u8]) -> Suspicion {
    Suspicion {
        words: has_piece(text) || has_user_info(text),
        number: has_long_number(text),
    }
}

/// Whether a line of JSON has to be taken apart to redact it, judged by its raw bytes: what its strings hold is only known where no
/// escape hides letters or slashes, and what `tree` hashes says so by its kind or resource.
pub(super) fn is_suspect_line(line: &[u8]) -> bool {
    has_piece(line)
        || has_user_info(line)
        || memchr::memmem::find(line, b"\\u").is_some()
        || memchr::memmem::find(line, b"\\/").is_some()
        || memchr::memmem::find(line, b"onfigMap").is_some()
        || memchr::memmem::find(line, b"onfigmap").is_some()
        || numbers::may_have(line)
}

fn has_piece(text: &[u8]) -> bool {
    let packed = SEARCH.packed.as_ref();
    let says = |end: usize| !is_api_group(text, end);
    match (packed, &SEARCH.automaton) {
        (Some(packed), _) if text.len() >= packed.minimum_len() => {
            packed.find_iter(text).any(|found| says(found.end()))
        }
        (_, Some(automaton)) => automaton.find_iter(text).any(|found| says(found.end())),
        (Some(packed), None) => packed.find_iter(text).any(|found| says(found.end())),
        (None, None) => true,
    }
}

/// Whether a piece that ends at `end` is the `uthorization` of `authorization.k8s.io`: each line of an audit log names that group, and the
/// whole name is no secret's.
fn is_api_group(text: &[u8], end: usize) -> bool {
    text[..end].ends_with(b"uthorization") && text[end..].starts_with(b".k8s.io")
}

/// Looks at every eleventh byte only: a run of eleven digits cannot pass between them.
fn has_long_number(text: &[u8]) -> bool {
    let mut at = MIN_DIGITS - 1;
    while let Some(b) = text.get(at) {
        if b.is_ascii_digit() {
            let before = text[..at].iter().rev().take_while(|b| b.is_ascii_digit());
            let after = text[at..].iter().take_while(|b| b.is_ascii_digit());
            if before.count() + after.count() >= MIN_DIGITS {
                return true;
            }
        }
        at += MIN_DIGITS;
    }
    false
}

/// `scheme://user:password@host`.
fn has_user_info(text: &[u8]) -> bool {
    memchr::memchr(b'@', text).is_some() && memchr::memmem::find(text, b"://").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectorised_search_can_be_built() {
        assert!(
            SEARCH.packed.is_some(),
            "{} pieces are too many",
            PIECES.len()
        );
        assert!(SEARCH.automaton.is_some());
    }
}
