//! Tells of 64 bytes at once what each of them is.
//!
//! In: a block of a line. Out: for each [`Kind`] a word with one bit for each byte, the lowest for the first. No branch depends on the
//! bytes. Decides nothing about what a chunk means.

#![expect(
    clippy::inline_always,
    reason = "only what is inlined is built for the processor that was found"
)]

use fearless_simd::{Simd, mask8x64, prelude::*, u8x64};

/// Bytes that are looked at together.
pub(super) const BLOCK: usize = 64;

/// What a byte may be. A chunk is a run of letters, digits and the punctuation of names, numbers and paths; everything else ends one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Digit,
    Letter,
    /// A letter that is no hexadecimal digit.
    BeyondF,
    /// A letter or a digit: a byte of a word.
    Word,
    Slash,
    Colon,
    Dash,
    Dot,
    /// Any punctuation of chunks. A chunk without one is one word.
    Mark,
    /// Any byte of a chunk.
    Chunk,
}

pub(super) const KINDS: usize = 10;

/// The kinds of `block`, by their numbers. All is inlined, since only then it is built for the processor that was found.
#[inline(always)]
pub(super) fn kinds<S: Simd>(simd: S, block: &[u8; BLOCK]) -> [u64; KINDS] {
    let bytes = u8x64::from_slice(simd, block);
    // Letters in lower case; nothing else becomes a letter.
    let low = bytes | 0x20;
    let digit = within(bytes, b'0', b'9').to_bitmask();
    let letter = within(low, b'a', b'z').to_bitmask();
    let beyond_f = within(low, b'g', b'z').to_bitmask();
    let slash = (bytes.simd_eq(b'/') | bytes.simd_eq(b'\\')).to_bitmask();
    let colon = bytes.simd_eq(b':').to_bitmask();
    let dash = bytes.simd_eq(b'-').to_bitmask();
    let dot = bytes.simd_eq(b'.').to_bitmask();
    let other = bytes.simd_eq(b'!')
        | bytes.simd_eq(b'?')
        | bytes.simd_eq(b'_')
        // # $ % &
        | within(bytes, b'#', b'&')
        // * +
        | (bytes | 1).simd_eq(b'+')
        // @ `
        | low.simd_eq(b'`')
        // ^ ~
        | low.simd_eq(b'~');
    let word = digit | letter;
    let mark = slash | colon | dash | dot | other.to_bitmask();
    [
        digit,
        letter,
        beyond_f,
        word,
        slash,
        colon,
        dash,
        dot,
        mark,
        word | mark,
    ]
}

#[inline(always)]
fn within<S: Simd>(bytes: u8x64<S>, least: u8, most: u8) -> mask8x64<S> {
    (bytes - least).simd_le(most - least)
}

#[cfg(test)]
pub(super) mod tests {
    use fearless_simd::{Level, dispatch};

    use super::*;

    /// What [`kinds`] says of one byte, said of that byte alone.
    pub(in super::super) fn is(byte: u8, kind: Kind) -> bool {
        let mark = b"/\\:-._@+%#~?&$*!^`".contains(&byte);
        match kind {
            Kind::Digit => byte.is_ascii_digit(),
            Kind::Letter => byte.is_ascii_alphabetic(),
            Kind::BeyondF => byte.is_ascii_alphabetic() && !byte.is_ascii_hexdigit(),
            Kind::Word => byte.is_ascii_alphanumeric(),
            Kind::Slash => matches!(byte, b'/' | b'\\'),
            Kind::Colon => byte == b':',
            Kind::Dash => byte == b'-',
            Kind::Dot => byte == b'.',
            Kind::Mark => mark,
            Kind::Chunk => mark || byte.is_ascii_alphanumeric(),
        }
    }

    pub(in super::super) const ALL: [Kind; KINDS] = [
        Kind::Digit,
        Kind::Letter,
        Kind::BeyondF,
        Kind::Word,
        Kind::Slash,
        Kind::Colon,
        Kind::Dash,
        Kind::Dot,
        Kind::Mark,
        Kind::Chunk,
    ];

    #[test]
    fn every_byte_is_told_at_every_place() {
        for first in 0..=u8::MAX {
            let mut byte = first;
            let block = [(); BLOCK].map(|()| {
                byte = byte.wrapping_add(1);
                byte
            });
            let told = dispatch!(Level::new(), simd => kinds(simd, &block));
            for kind in ALL {
                for (i, byte) in block.iter().enumerate() {
                    let told = told[kind as usize] >> i & 1 == 1;
                    assert_eq!(told, is(*byte, kind), "{byte} {kind:?}");
                }
            }
        }
    }
}
