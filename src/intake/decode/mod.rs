//! The bytes of one object to its lines, whatever form they are really in.
//!
//! In: the bytes as they lie in the bucket. Out: a call per line, numbered from 1, and the [`Problem`] that kept us from reading
//! the object to its end, if any. The form is sniffed from the bytes, since names lie (`.gz` over plain text is common).
//!
//! # Invariants
//! - Never fails: what was readable before a cut or a fault has been passed on when the problem is returned.
//! - Memory is bounded by [`Limits`], whatever the bytes are: a gzip bomb ends with [`Problem::TooBig`], an endless line with a
//!   line that says [`Rejection::TooLong`].
//! - The same bytes give the same lines.
//!
//! Does not parse JSON; a line is passed on as it is, except that a CSV row becomes the JSON object it stands for.

mod csv_rows;
mod gzip;
mod lines;
mod problem;
mod snappy;

use crate::model::record::Rejection;

pub use gzip::Room;
use lines::Lines;
pub use problem::Problem;

/// How much of an object is taken into memory, and where reading ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest line in bytes. CLS cuts lines at 1 MB; 16 MB leaves room for whatever else wrote the object, on every core at once.
    pub line_bytes: usize,
    /// Largest decompressed size that is decompressed in one piece; larger objects are streamed in blocks.
    pub whole_bytes: usize,
    /// Decompressed size at which an object is given up. CLS ships at most 256 MB raw per object; four times that is no log.
    pub object_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes: 16 << 20,
            whole_bytes: 32 << 20,
            object_bytes: 1 << 30,
        }
    }
}

/// One line of an object that is not blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// As it lies in the object, without its newline: what `sha256` of evidence is taken over. Empty for a line that is too long.
    pub raw: &'a [u8],
    /// What the readers take: the same bytes, or the JSON object that a CSV row stands for. Why there is none otherwise.
    pub json: Result<&'a [u8], Rejection>,
}

/// Calls `f` with every line of the object in order; the first argument is the line's number in the object, from 1.
///
/// Blank lines have a number but are not passed on. Of an object that ends in the middle of a line because it was cut, that last
/// line is passed on as [`Rejection::Cut`].
pub fn for_each_line(
    bytes: &[u8],
    limits: &Limits,
    f: impl FnMut(u64, Line<'_>),
) -> Option<Problem> {
    for_each_line_in(&mut Room::default(), bytes, limits, f)
}

/// [`for_each_line`] in a room that is used again.
pub fn for_each_line_in(
    room: &mut Room,
    bytes: &[u8],
    limits: &Limits,
    f: impl FnMut(u64, Line<'_>),
) -> Option<Problem> {
    let mut lines = Lines::new(*limits, f);
    let stopped = match Form::of(bytes) {
        Form::Empty => None,
        Form::Gzip => gzip::decompress(bytes, limits, room, |block| lines.push(block)),
        Form::SnappyFramed => snappy::framed(bytes, |block| lines.push(block)),
        Form::SnappyHadoop => snappy::hadoop(bytes, limits, |block| lines.push(block)),
        Form::SnappyRaw => snappy::raw(bytes, limits, |block| lines.push(block)),
        Form::Text => lines.push(bytes).err(),
        Form::Refused(problem) => Some(problem),
    };
    lines.finish(stopped)
}

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Empty,
    Gzip,
    SnappyFramed,
    SnappyHadoop,
    SnappyRaw,
    Text,
    Refused(Problem),
}

impl Form {
    /// Magic numbers: gzip RFC 1952, zstd RFC 8878, snappy `framing_format.txt`, lzop's `lzop_magic`, parquet's `PAR1`.
    fn of(bytes: &[u8]) -> Self {
        match bytes {
            [] => Self::Empty,
            [0x1f, 0x8b, ..] => Self::Gzip,
            [
                0xff,
                0x06,
                0x00,
                0x00,
                b's',
                b'N',
                b'a',
                b'P',
                b'p',
                b'Y',
                ..,
            ] => Self::SnappyFramed,
            [0x89, b'L', b'Z', b'O', ..] => Self::Refused(Problem::Lzo),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Refused(Problem::Zstd),
            [b'P', b'A', b'R', b'1', ..] => Self::Refused(Problem::Parquet),
            _ if looks_like_text(bytes) => Self::Text,
            // The surer sign first: almost any bytes may be two lengths.
            _ if snappy::looks_raw(bytes) => Self::SnappyRaw,
            _ if snappy::looks_hadoop(bytes) => Self::SnappyHadoop,
            _ => Self::Refused(Problem::UnknownForm),
        }
    }
}

/// No control byte but white space and escape in the first part, and mostly UTF-8: enough to keep binary data out.
fn looks_like_text(bytes: &[u8]) -> bool {
    const HEAD: usize = 512;
    let head = &bytes[..bytes.len().min(HEAD)];
    let control = head
        .iter()
        .any(|&b| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b));
    let utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        // A character may be cut by the end of the head; anything earlier is tolerated once JSON has begun.
        Err(e) => head.first() == Some(&b'{') || e.valid_up_to() + 4 > head.len(),
    };
    !control && utf8
}

#[cfg(test)]
mod tests;
