//! Numbers that belong to people: mobile phones, identity cards, bank cards.
//!
//! In: a text. Out: where they stand. Always true: a number is reported only if it has the form, the leading digits and, where
//! there is one, the check digit of its kind, and stands alone: digits inside of names, decimals and hexadecimal ids are not
//! looked at.

use super::{BANK_CARD, Hit, ID_CARD, PHONE, names, scan::MIN_DIGITS};

pub(super) fn hits(text: &str) -> Vec<Hit> {
    let bytes = text.as_bytes();
    let mut hits = Vec::new();
    let mut at = 0;
    while let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit) {
        let start = at + start;
        let digits = bytes[start..].iter().take_while(|b| b.is_ascii_digit());
        let end = start + digits.count();
        if end - start >= MIN_DIGITS
            && let Some((len, mark)) = kind(&bytes[start..end], bytes.get(end).copied())
            && stands_alone(bytes, start, start + len)
            && !names::is_plain_number(name_before(text, start))
        {
            hits.push((start..start + len, mark));
        }
        at = end;
    }
    hits
}

/// Whether there is a number that could be one of these, whatever stands around it.
pub(super) fn may_have(bytes: &[u8]) -> bool {
    let mut at = MIN_DIGITS - 1;
    // A run of that many digits cannot pass between the bytes looked at.
    while let Some(b) = bytes.get(at) {
        if b.is_ascii_digit() {
            let before = bytes[..at].iter().rev().take_while(|b| b.is_ascii_digit());
            let start = at - before.count();
            let rest = bytes[at..].iter().take_while(|b| b.is_ascii_digit());
            let end = at + rest.count();
            if kind(&bytes[start..end], bytes.get(end).copied()).is_some() {
                return true;
            }
            at = end;
        }
        at += MIN_DIGITS;
    }
    false
}

/// The kind of number that a whole run of digits is, and its length.
fn kind(digits: &[u8], next: Option<u8>) -> Option<(usize, &'static str)> {
    match digits.len() {
        11 if is_mobile(digits) => Some((11, PHONE)),
        13 if digits.starts_with(b"86") && is_mobile(&digits[2..]) => Some((13, PHONE)),
        17 if matches!(next, Some(b'X' | b'x')) && is_id_card(digits, 10) => Some((18, ID_CARD)),
        18 if is_id_card(&digits[..17], digits[17] - b'0') => Some((18, ID_CARD)),
        n @ 16..=19 if is_bank_card(digits) => Some((n, BANK_CARD)),
        _ => None,
    }
}

fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let part_of_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let before = start.checked_sub(1).map(|i| text[i]);
    let joined_before = match before {
        // `+86-138...` is a phone, `job-138...` a name.
        Some(b'-') => !text[..start].ends_with(b"86-"),
        Some(b'.') => true,
        Some(b) => part_of_word(b),
        None => false,
    };
    let after = (text.get(end).copied(), text.get(end + 1).copied());
    let joined_after = match after {
        (Some(b'.' | b'-'), Some(next)) => part_of_word(next),
        (Some(b), _) => part_of_word(b),
        _ => false,
    };
    !joined_before && !joined_after
}

/// The word before a number, behind at most a separator: `order_id` of `order_id=13812345678`.
fn name_before(text: &str, at: usize) -> &str {
    let head = text[..at].trim_end_matches(|c: char| {
        matches!(c, ' ' | '=' | ':' | '"' | '\'' | '\\' | '#' | '\u{ff1a}')
    });
    let start = head
        .char_indices()
        .rev()
        .take(24)
        .take_while(|(_, c)| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
        .last()
        .map_or(head.len(), |(i, _)| i);
    &head[start..]
}

/// Segments given to mobile carriers in China (MIIT numbering plan).
fn is_mobile(digits: &[u8]) -> bool {
    let [b'1', second, third, ..] = digits else {
        return false;
    };
    match second {
        b'3' | b'8' => true,
        b'4' => (b'5'..=b'9').contains(third),
        b'5' | b'9' => *third != b'4',
        b'6' => matches!(third, b'2' | b'5'..=b'7'),
        b'7' => (b'0'..=b'8').contains(third),
        _ => false,
    }
}

/// GB 11643: region, date of birth, sequence, check value modulo 11 (10 is written X).
fn is_id_card(first17: &[u8], check: u8) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: [u8; 11] = [1, 0, 10, 9, 8, 7, 6, 5, 4, 3, 2];
    let number = |range: std::ops::Range<usize>| {
        first17[range]
            .iter()
            .fold(0_u32, |n, b| n * 10 + u32::from(b - b'0'))
    };
    let is_date = (1900..2100).contains(&number(6..10))
        && (1..=12).contains(&number(10..12))
        && (1..=31).contains(&number(12..14));
    let sum: u32 = first17
        .iter()
        .zip(WEIGHTS)
        .map(|(b, w)| u32::from(b - b'0') * w)
        .sum();
    first17[0] != b'0' && is_date && CHECKS[sum as usize % 11] == check
}

/// Leading digits of the schemes used in China (UnionPay 62 with 16 to 19 digits; Visa, Mastercard and JCB with 16), and Luhn's check.
fn is_bank_card(digits: &[u8]) -> bool {
    let scheme = match digits {
        [b'6', b'2', ..] => true,
        [b'4', ..] | [b'5', b'1'..=b'5', ..] | [b'3', b'5', ..] => digits.len() == 16,
        _ => false,
    };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let digit = u32::from(b - b'0');
            match i % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    scheme && sum.is_multiple_of(10)
}
