//! Gzip, in one piece where that is safe and in blocks where it is not.
//!
//! In: the bytes of an object, one or many gzip members. Out: decompressed blocks. Always true: at most [`Limits::whole_bytes`]
//! are decompressed in one piece; whatever the one-piece decoder refuses is streamed, so that a cut object gives up its lines to
//! the last byte.

use std::{fmt, io::Read};

use flate2::bufread::GzDecoder;
use libdeflater::Decompressor;

use super::{Limits, Problem};

/// Bytes a streamed block has. Large enough that a block's fixed costs vanish, small enough for the second-level cache.
const BLOCK: usize = 256 << 10;

/// Decompressed bytes that room is kept for between two objects; a larger room is given back.
const KEPT_ROOM: usize = 8 << 20;

/// Where objects are decompressed in one piece. Worth keeping for the next object: clean memory for each costs a quarter of what
/// decompressing does.
#[derive(Default)]
pub struct Room {
    decoder: Option<Decompressor>,
    /// Longer than the text may be; what lies behind the text is left over from an earlier one.
    text: Vec<u8>,
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// What follows a gzip header of a second member: RFC 1952 magic with the only method there is.
const MEMBER: &[u8] = &[0x1f, 0x8b, 0x08];

/// Passes the decompressed text on, block by block; ends early when `push` says so.
pub(super) fn decompress(
    bytes: &[u8],
    limits: &Limits,
    room: &mut Room,
    mut push: impl FnMut(&[u8]) -> Result<(), Problem>,
) -> Option<Problem> {
    let mut rest = bytes;
    let problem = loop {
        if is_padding(rest) {
            break None;
        }
        let Some((member, text)) = whole_member(rest, limits, room) else {
            break stream(rest, push);
        };
        if let Err(problem) = push(text) {
            break Some(problem);
        }
        rest = &rest[member..];
    };
    if room.text.len() > KEPT_ROOM {
        room.text = Vec::new();
    }
    problem
}

/// Decompresses the first member of `bytes` if its size is known and allowed; gives its compressed length and its text.
///
/// A member says its size in its last four bytes, and where it ends is only known from where the next header begins. The magic of
/// a header may also occur by chance inside a member: then the checksum fails there and the caller streams.
fn whole_member<'r>(
    bytes: &[u8],
    limits: &Limits,
    room: &'r mut Room,
) -> Option<(usize, &'r [u8])> {
    let end = memchr::memmem::find_iter(bytes.get(MEMBER.len()..)?, MEMBER)
        .map(|at| at + MEMBER.len())
        .find(|&at| bytes.get(at + 3).is_some_and(|flags| flags & 0xe0 == 0))
        .unwrap_or(bytes.len());
    let member = &bytes[..end];
    let size = member.last_chunk::<4>().map(|b| u32::from_le_bytes(*b))?;
    let size = usize::try_from(size)
        .ok()
        .filter(|&s| s <= limits.whole_bytes)?;
    // Deflate cannot expand beyond 1032:1, so a larger claim is a lie and not worth the memory.
    if size / 1032 > member.len() {
        return None;
    }
    if room.text.len() < size {
        room.text.resize(size, 0);
    }
    let text = &mut room.text[..size];
    let decoder = room.decoder.get_or_insert_with(Decompressor::new);
    let written = decoder.gzip_decompress(member, text).ok()?;
    (written == size).then_some((end, text))
}

fn stream(bytes: &[u8], mut push: impl FnMut(&[u8]) -> Result<(), Problem>) -> Option<Problem> {
    let mut rest = bytes;
    let mut block = vec![0; BLOCK];
    while !is_padding(rest) {
        let mut decoder = GzDecoder::new(rest);
        loop {
            match decoder.read(&mut block) {
                Ok(0) => break,
                Ok(n) => {
                    if let Err(problem) = push(&block[..n]) {
                        return Some(problem);
                    }
                }
                Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Some(Problem::Truncated);
                }
                Err(_) => return Some(Problem::Damaged),
            }
        }
        rest = decoder.into_inner();
    }
    None
}

/// Zeros up to a block size, as tape-minded tools append them; or nothing.
fn is_padding(rest: &[u8]) -> bool {
    rest.iter().all(|&b| b == 0)
}
