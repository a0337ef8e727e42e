//! Gzip, in one piece where that is safe and in blocks where it is not.
//!
//! In: the bytes of an object, one or many gzip members. Out: decompressed blocks. Always true: at most [`Limits::whole_bytes`]
//! are decompressed in one piece; whatever the one-piece decoder refuses is streamed, so that a cut object gives up its lines to
//! the last byte.

use std::io::Read;

use flate2::bufread::GzDecoder;
use libdeflater::Decompressor;

use super::{Limits, Problem};

/// Bytes a streamed block has. Large enough that a block's fixed costs vanish, small enough for the second-level cache.
const BLOCK: usize = 256 << 10;

/// What follows a gzip header of a second member: RFC 1952 magic with the only method there is.
const MEMBER: &[u8] = &[0x1f, 0x8b, 0x08];

/// Passes the decompressed text on, block by block; ends early when `push` says so.
pub(super) fn decompress(
    bytes: &[u8],
    limits: &Limits,
    mut push: impl FnMut(&[u8]) -> Result<(), Problem>,
) -> Option<Problem> {
    let mut rest = bytes;
    let mut decoder = Decompressor::new();
    let mut text = Vec::new();
    while !is_padding(rest) {
        let Some(member) = whole_member(rest, limits, &mut decoder, &mut text) else {
            return stream(rest, push);
        };
        if let Err(problem) = push(&text) {
            return Some(problem);
        }
        rest = &rest[member..];
    }
    None
}

/// Decompresses the first member of `bytes` into `text` if its size is known and allowed; gives its compressed length.
///
/// A member says its size in its last four bytes, and where it ends is only known from where the next header begins. The magic of
/// a header may also occur by chance inside a member: then the checksum fails there and the caller streams.
fn whole_member(
    bytes: &[u8],
    limits: &Limits,
    decoder: &mut Decompressor,
    text: &mut Vec<u8>,
) -> Option<usize> {
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
    text.resize(size, 0);
    let written = decoder.gzip_decompress(member, text).ok()?;
    (written == size).then_some(end)
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
