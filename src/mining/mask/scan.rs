//! Finds what may vary in a line, and where words and runs of digits end, without a loop over its bytes.
//!
//! In: the bytes of a line. Out: [`Line`], which answers questions about them from bit maps, one bit a byte and one map for each
//! [`Kind`]: where a chunk ends that may vary, where a run begins or ends, what a range holds. What most lines cost is wrong guesses of
//! the processor at where a run ends; counting the zeros of a word has nothing to guess. Decides nothing about what a chunk means.

#![expect(
    clippy::inline_always,
    reason = "a question to the maps is a few instructions, and a line has hundreds"
)]

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch};

use super::{
    MAX_BYTES,
    kinds::{BLOCK, KINDS, Kind, kinds},
};

/// Bytes of a map that are read at once.
const WORD: usize = size_of::<u64>();
/// A word of zeros stands before the bits of the line, and another one behind them, so that what is read at once may begin before the
/// line and end behind it. A power of two of places to read from: a mask of the place spares the check of the bounds.
const MAP: usize = PLACES + WORD;
const PLACES: usize = (WORD + MAX_BYTES / 8 + WORD).next_power_of_two();
/// So many bits are in sight from any bit on: a word is read from the byte in which that bit is.
const IN_SIGHT: usize = 57;

/// The bit maps of a line; meant to be used again for the next line.
#[derive(Debug, Clone)]
pub(super) struct Maps {
    of: [[u8; MAP]; KINDS],
    /// The first byte behind each chunk that holds a digit, a slash or a dot: nothing else varies.
    ends: [u8; MAP],
}

impl Default for Maps {
    fn default() -> Self {
        Self {
            of: [[0; MAP]; KINDS],
            ends: [0; MAP],
        }
    }
}

impl Maps {
    /// Draws the maps of `text`, as far as it is looked at.
    pub(super) fn line<'a>(&'a mut self, text: &'a str) -> Line<'a> {
        let bytes = &text.as_bytes()[..text.floor_char_boundary(MAX_BYTES)];
        dispatch!(Level::new(), simd => self.draw(simd, bytes));
        Line {
            text,
            bytes,
            maps: self,
        }
    }

    #[inline(always)]
    fn draw<S: Simd>(&mut self, simd: S, bytes: &[u8]) {
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        let mut at = WORD;
        let mut carry = false;
        for block in blocks {
            carry = self.write(at, kinds(simd, block), carry);
            at += WORD;
        }
        if !rest.is_empty() {
            let kinds = if let Some(last) = bytes.last_chunk::<BLOCK>() {
                kinds(simd, last).map(|kind| kind >> (BLOCK - rest.len()))
            } else {
                let mut block = [0; BLOCK];
                block[..rest.len()].copy_from_slice(rest);
                kinds(simd, &block)
            };
            carry = self.write(at, kinds, carry);
            at += WORD;
        }
        self.write(at, [0; KINDS], carry);
    }

    /// Writes the bits of 64 bytes, and gives whether the chunk they end with holds something that may vary.
    #[inline(always)]
    fn write(&mut self, at: usize, kinds: [u64; KINDS], carry: bool) -> bool {
        let of = |kind: Kind| kinds[kind as usize];
        let chunk = of(Kind::Chunk);
        // A one added to a run of ones becomes a one behind that run, wherever in it and however often it is added.
        let (sum, over) = chunk.overflowing_add(of(Kind::Digit) | of(Kind::Slash) | of(Kind::Dot));
        let (sum, over_again) = sum.overflowing_add(u64::from(carry));
        self.ends[at..at + WORD].copy_from_slice(&(sum & !chunk).to_le_bytes());
        for (map, kind) in self.of.iter_mut().zip(kinds) {
            map[at..at + WORD].copy_from_slice(&kind.to_le_bytes());
        }
        over | over_again
    }
}

/// The word of `map` that begins at `byte`.
#[inline(always)]
fn word(map: &[u8; MAP], byte: usize) -> u64 {
    map[byte & (PLACES - 1)..]
        .first_chunk()
        .map_or(0, |word| u64::from_le_bytes(*word))
}

/// The word of `map` in whose first byte the bit `at` is.
#[inline(always)]
fn word_from(map: &[u8; MAP], at: usize) -> u64 {
    word(map, WORD + at / 8)
}

/// The first one of `map` in `range`.
#[inline(always)]
fn first(map: &[u8; MAP], range: Range<usize>) -> Option<usize> {
    let mut at = range.start;
    while at < range.end {
        let ones = word_from(map, at) >> (at % 8);
        if ones != 0 {
            return Some(at + ones.trailing_zeros() as usize).filter(|one| *one < range.end);
        }
        at += 64 - at % 8;
    }
    None
}

/// A text as far as it is looked at, with its maps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub text: &'a str,
    /// Those that may be looked at.
    pub bytes: &'a [u8],
    pub maps: &'a Maps,
}

impl Line<'_> {
    /// The ends of chunks that may vary: a one for the first byte behind each, in a block of 64 bytes.
    #[inline(always)]
    pub(super) fn chunk_ends(&self, block: usize) -> u64 {
        word(&self.maps.ends, WORD + block * WORD)
    }

    /// The first byte of this kind in `range`.
    #[inline(always)]
    pub(super) fn first(&self, kind: Kind, range: Range<usize>) -> Option<usize> {
        first(&self.maps.of[kind as usize], range)
    }

    /// Where the run of this kind ends that stands at `start`; `start` when none does.
    #[inline(always)]
    pub(super) fn run_end(&self, kind: Kind, start: usize) -> usize {
        let mut at = start;
        loop {
            let in_sight = 64 - at % 8;
            let others = !(word_from(&self.maps.of[kind as usize], at) >> (at % 8));
            let run = others.trailing_zeros() as usize;
            if run < in_sight {
                return at + run;
            }
            at += in_sight;
        }
    }

    /// Where the run of this kind begins that ends before `end`; `end` when none does.
    #[inline(always)]
    pub(super) fn run_start(&self, kind: Kind, end: usize) -> usize {
        let mut at = end;
        loop {
            // The last byte of the word is that in which the bit `at` is. The word before the line ends every run.
            let in_sight = 56 + at % 8;
            let word = word(&self.maps.of[kind as usize], 1 + at / 8);
            let others = !word & ((1 << in_sight) - 1);
            if others != 0 {
                let before = others.leading_zeros() as usize - (64 - in_sight);
                return at - before;
            }
            at -= in_sight;
        }
    }

    /// The end of the digits that stand at `start`.
    #[inline(always)]
    pub(super) fn digits(&self, start: usize) -> usize {
        self.run_end(Kind::Digit, start)
    }

    /// To ask what stands in `range`.
    #[inline(always)]
    pub(super) fn span(&self, range: Range<usize>) -> Span<'_> {
        let bits = if range.len() <= IN_SIGHT {
            ((1 << range.len()) - 1) << (range.start % 8)
        } else {
            0
        };
        Span {
            maps: self.maps,
            start: range.start,
            end: range.end,
            bits,
        }
    }
}

/// A range of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span<'a> {
    maps: &'a Maps,
    start: usize,
    end: usize,
    /// Those of the word at its start; none when it goes beyond what is in sight there.
    bits: u64,
}

impl Span<'_> {
    /// Whether a byte of this kind is in it.
    #[inline(always)]
    pub(super) fn has(self, kind: Kind) -> bool {
        let map = &self.maps.of[kind as usize];
        if self.bits == 0 {
            return first(map, self.start..self.end).is_some();
        }
        word_from(map, self.start) & self.bits != 0
    }

    /// Whether an IP address may be in it: one of version 4 has three dots, one of version 6 has colons.
    #[inline(always)]
    pub(super) fn may_hold_address(self) -> bool {
        let dots = word_from(&self.maps.of[Kind::Dot as usize], self.start) & self.bits;
        let second = dots & dots.wrapping_sub(1);
        self.bits == 0 || second & second.wrapping_sub(1) != 0 || self.has(Kind::Colon)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::kinds::tests::{ALL, is},
        *,
    };

    proptest! {
        #[test]
        fn maps_answer_as_the_bytes_do(
            before in "[a-z0-9./ ]{0,1024}",
            text in "([a-z0-9]{1,70}|[./:_-]{1,9}|[0-9]{60,70}|[ \"=汉]){0,24}",
            at in 0_usize..1100,
            len in 0_usize..140,
        ) {
            let mut maps = Maps::default();
            // What an earlier line left must not show.
            maps.line(&before);
            let line = maps.line(&text);
            let bytes = line.bytes;
            let cut = bytes.len();
            let start = at.min(cut);
            let end = (start + len).min(cut);
            for kind in ALL {
                let here = |i: &usize| is(bytes[*i], kind);
                prop_assert_eq!(line.first(kind, start..end), (start..end).find(here));
                prop_assert_eq!(line.span(start..end).has(kind), (start..end).any(|i| here(&i)));
                prop_assert_eq!(line.run_end(kind, start), (start..cut).find(|i| !here(i)).unwrap_or(cut));
                let run = (0..start).rev().take_while(here).count();
                prop_assert_eq!(line.run_start(kind, start), start - run);
            }
            let chunk = |i: usize| i < cut && is(bytes[i], Kind::Chunk);
            let varies = |b: &u8| matches!(b, b'0'..=b'9' | b'/' | b'\\' | b'.');
            let ends = |end: &usize| {
                let run = (0..*end).rev().take_while(|i| chunk(*i)).count();
                !chunk(*end) && bytes[end - run..*end].iter().any(varies)
            };
            for end in 0..=cut {
                let told = line.chunk_ends(end / BLOCK) >> (end % BLOCK) & 1 == 1;
                prop_assert_eq!(told, ends(&end));
            }
        }
    }
}
