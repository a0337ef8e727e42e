//! The spoken code: what was heard against what was set, and a limit on guessing.
//!
//! In: texts and times. Out: yes, no, or not now. Always true: comparing takes the same time wherever the texts differ; after
//! [`MOST_WRONG`] wrong codes an owner is closed to codes for [`CLOSED_MS`], whoever asks; the same wrong code once more, sent by a
//! client that repeats a call, is no new guess.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::model::OwnerAlias;

/// Speech recognition mishears; five tries forgive that and still leave a guesser of four digits a chance of 1 in 2000.
pub const MOST_WRONG: u32 = 5;
/// How long an owner stays closed after too many wrong codes.
pub const CLOSED_MS: i64 = 15 * 60 * 1000;

/// Shortest code, in digits and characters as they are compared.
pub const LEAST: usize = 4;

/// A code as it is compared: digits however they were said or written, letters in lower case, nothing else.
///
/// ```
/// # use gengfu::owners::code::plain;
/// assert_eq!(plain("幺二 三,4"), "1234");
/// ```
#[must_use]
pub fn plain(heard: &str) -> String {
    let digit = |c| match c {
        '零' | '〇' => '0',
        '一' | '幺' | '壹' => '1',
        '二' | '两' | '贰' => '2',
        '三' | '叁' => '3',
        '四' | '肆' => '4',
        '五' | '伍' => '5',
        '六' | '陆' => '6',
        '七' | '柒' => '7',
        '八' | '捌' => '8',
        '九' | '玖' => '9',
        '\u{ff10}'..='\u{ff19}' => {
            char::from_u32(u32::from(c) - 0xff10 + u32::from('0')).unwrap_or(c)
        }
        other => other,
    };
    let said = heard.chars().map(digit).filter(|c| c.is_alphanumeric());
    said.flat_map(char::to_lowercase).collect()
}

/// Whether `heard` is the code. Hashes are compared, so that not even the length shows in the time.
#[must_use]
pub fn is_right(heard: &str, code: &[u8]) -> bool {
    let heard = plain(heard);
    if heard.is_empty() {
        return false;
    }
    let heard = Sha256::digest(heard.as_bytes());
    let code = Sha256::digest(plain(&String::from_utf8_lossy(code)).as_bytes());
    heard.as_slice().ct_eq(code.as_slice()).into()
}

/// A client repeats a call that it thinks failed within this long.
const REPEATED_MS: i64 = 15_000;

/// Wrong codes so far, by owner.
#[derive(Debug, Default)]
pub struct Attempts(HashMap<OwnerAlias, Guesses>);

#[derive(Debug)]
struct Guesses {
    wrong: u32,
    last_ms: i64,
    /// Hash of the last one.
    last: [u8; 32],
}

impl Attempts {
    /// When `owner` opens again, if it is closed now.
    #[must_use]
    pub fn closed_until(&self, owner: &OwnerAlias, now_ms: i64) -> Option<i64> {
        let guesses = self.0.get(owner)?;
        let until = guesses.last_ms + CLOSED_MS;
        (guesses.wrong >= MOST_WRONG && now_ms < until).then_some(until)
    }

    /// Notes that `heard` was wrong and returns how many tries are left.
    pub fn wrong(&mut self, owner: &OwnerAlias, heard: &str, now_ms: i64) -> u32 {
        let last: [u8; 32] = Sha256::digest(plain(heard).as_bytes()).into();
        let guesses = self.0.entry(owner.clone()).or_insert(Guesses {
            wrong: 0,
            last_ms: now_ms,
            last: [0; 32],
        });
        let since_ms = now_ms - guesses.last_ms;
        if since_ms >= CLOSED_MS {
            guesses.wrong = 0;
        }
        if guesses.wrong == 0 || guesses.last != last || since_ms >= REPEATED_MS {
            guesses.wrong += 1;
            guesses.last_ms = now_ms;
            guesses.last = last;
        }
        MOST_WRONG.saturating_sub(guesses.wrong)
    }

    pub fn right(&mut self, owner: &OwnerAlias) {
        self.0.remove(owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_recognised_however_it_is_said() {
        for heard in [
            "1234",
            "一二三四",
            "幺 两 三 四。",
            "\u{ff11}\u{ff12}\u{ff13}\u{ff14}",
        ] {
            assert!(is_right(heard, b"1234"), "{heard}");
        }
        assert!(is_right("芝麻 开门", "芝麻开门".as_bytes()));
        assert!(!is_right("1235", b"1234") && !is_right("", b"1234"));
        // Stored before codes had a least length.
        assert!(!is_right("。", b"!!"));
    }

    #[test]
    fn five_wrong_codes_close_the_owner_for_a_quarter_of_an_hour() {
        let owner: OwnerAlias = "a".parse().expect("alias");
        let mut attempts = Attempts::default();
        let mut left = Vec::new();
        for (now_ms, heard) in (0..).zip(["0", "1", "2", "3", "4"]) {
            left.push(attempts.wrong(&owner, heard, now_ms));
        }
        assert_eq!(left, [4, 3, 2, 1, 0]);
        assert_eq!(attempts.closed_until(&owner, 5), Some(4 + CLOSED_MS));
        assert_eq!(attempts.closed_until(&owner, 4 + CLOSED_MS), None);
        assert_eq!(attempts.wrong(&owner, "5", 4 + CLOSED_MS), 4);
    }

    #[test]
    fn a_repeated_call_is_no_new_guess() {
        let owner: OwnerAlias = "a".parse().expect("alias");
        let mut attempts = Attempts::default();
        assert_eq!(attempts.wrong(&owner, "1234", 0), 4);
        assert_eq!(attempts.wrong(&owner, "一二三四", 4_000), 4);
        assert_eq!(attempts.wrong(&owner, "1234", 30_000), 3);
        assert_eq!(attempts.wrong(&owner, "1235", 30_001), 2);
    }
}
