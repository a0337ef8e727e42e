//! Goes over the bytes of a line to what may vary in it.
//!
//! In: bytes. Out: how many of them may be passed over, and how long the chunk is that follows, with what it holds. A chunk is a run of
//! letters, digits and the punctuation of names, numbers and paths; everything else ends one. Decides nothing about what a chunk means.

/// How many bytes stand before the first digit, slash, dot or quote: words without one of these are the bulk of every line and stay as
/// they are.
#[inline]
pub(super) fn calm(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let mut len = 0;
    while let Some(eight) = bytes[len..].first_chunk() {
        let eight = u64::from_le_bytes(*eight);
        let low = eight & !HIGH;
        // The high bit of each byte: whether it is at least so much, and whether it is another one.
        let at_least = |least: u64| low + (0x80 - least) * ONES;
        let other = |than: u64| (low ^ (than * ONES)) + 0x7f * ONES;
        // `./0123456789` stand in a row.
        let digits = at_least(0x2e) & !at_least(0x3a);
        let found = (digits | !other(0x22) | !other(0x5c)) & !eight & HIGH;
        if found != 0 {
            return len + (found.trailing_zeros() / 8) as usize;
        }
        len += 8;
    }
    let rest = bytes[len..].iter();
    len + rest
        .take_while(|b| !matches!(b, b'.'..=b'9' | b'"' | b'\\'))
        .count()
}

/// Length of the chunk at the beginning of `bytes`, and what it holds.
///
/// Eight bytes at a time without a branch for each: where a chunk ends cannot be foreseen, and a wrong guess costs more than the work.
#[inline]
pub(super) fn chunk_at(bytes: &[u8]) -> (usize, u8) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let (mut len, mut seen) = (0, 0_u64);
    while let Some(eight) = bytes[len..].first_chunk::<8>() {
        let flag = |at: usize| u64::from(FLAGS[usize::from(eight[at])]) << (8 * at);
        let flags =
            (flag(0) | flag(1) | flag(2) | flag(3)) | (flag(4) | flag(5) | flag(6) | flag(7));
        // The lowest bit that is set stands in the first byte without a flag.
        let ends = flags.wrapping_sub(ONES) & !flags & (ONES << 7);
        let before = (ends & ends.wrapping_neg()).wrapping_sub(1);
        seen |= flags & before;
        len += (ends.trailing_zeros() / 8) as usize;
        if ends != 0 {
            return (len, any_of(seen));
        }
    }
    for b in &bytes[len..] {
        let flags = FLAGS[usize::from(*b)];
        if flags == 0 {
            break;
        }
        seen |= u64::from(flags);
        len += 1;
    }
    (len, any_of(seen))
}

/// The flags of all eight bytes in one.
fn any_of(flags: u64) -> u8 {
    flags
        .to_le_bytes()
        .into_iter()
        .fold(0, |all, one| all | one)
}

/// What a byte is; a byte without any of these ends a chunk.
pub(super) const DIGIT: u8 = 1;
/// A letter that is a hexadecimal digit, and one that is none.
const UP_TO_F: u8 = 2;
pub(super) const BEYOND_F: u8 = 4;
pub(super) const ALPHA: u8 = UP_TO_F | BEYOND_F;
pub(super) const SLASH: u8 = 8;
pub(super) const COLON: u8 = 16;
pub(super) const DASH: u8 = 32;
pub(super) const DOT: u8 = 64;
/// Any other punctuation of chunks.
const OTHER: u8 = 128;
/// A chunk with none of these is one word.
pub(super) const MARKS: u8 = SLASH | COLON | DASH | DOT | OTHER;

pub(super) static FLAGS: [u8; 256] = flags();

const fn flags() -> [u8; 256] {
    let mut table = [0; 256];
    let mut b = 0_u8;
    while b < 128 {
        table[b as usize] = match b {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'f' | b'A'..=b'F' => UP_TO_F,
            b'g'..=b'z' | b'G'..=b'Z' => BEYOND_F,
            b'/' | b'\\' => SLASH,
            b':' => COLON,
            b'-' => DASH,
            b'.' => DOT,
            b'_' | b'@' | b'+' | b'%' | b'#' | b'~' | b'?' | b'&' | b'$' | b'*' | b'!' | b'^'
            | b'`' => OTHER,
            _ => 0,
        };
        b += 1;
    }
    table
}
