//! Snappy in the three framings seen in the wild: the official frames, Hadoop's blocks, and a bare block.
//!
//! In: the bytes of an object. Out: decompressed blocks, none larger than its framing allows or [`Limits::whole_bytes`]. CLS does
//! not document which framing it writes, so all are read and told apart by their structure.

use std::io::Read;

use super::{Limits, Problem};

/// The official framing (`framing_format.txt`): chunks of at most 64 KB with a checksum each.
pub(super) fn framed(
    bytes: &[u8],
    mut push: impl FnMut(&[u8]) -> Result<(), Problem>,
) -> Option<Problem> {
    let mut decoder = snap::read::FrameDecoder::new(bytes);
    let mut block = vec![0; 64 << 10];
    loop {
        match decoder.read(&mut block) {
            Ok(0) => return None,
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
}

/// Hadoop's `BlockCompressorStream`: the raw length of a block, then pairs of a length and a bare snappy block until the raw length
/// is reached; all lengths are 32-bit big-endian.
pub(super) fn hadoop(
    bytes: &[u8],
    limits: &Limits,
    mut push: impl FnMut(&[u8]) -> Result<(), Problem>,
) -> Option<Problem> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some((mut wanted, mut inner)) = length(rest) else {
            return Some(Problem::Truncated);
        };
        while wanted > 0 {
            let Some((size, after)) = length(inner) else {
                return Some(Problem::Truncated);
            };
            let Some(chunk) = after.get(..size) else {
                return Some(Problem::Truncated);
            };
            let Some(text) = block(chunk, limits.whole_bytes.min(wanted)) else {
                return Some(Problem::Damaged);
            };
            if let Err(problem) = push(&text) {
                return Some(problem);
            }
            wanted -= text.len();
            inner = &after[size..];
            if text.is_empty() {
                return Some(Problem::Damaged);
            }
        }
        rest = inner;
    }
    None
}

/// One bare block, without any framing.
pub(super) fn raw(
    bytes: &[u8],
    limits: &Limits,
    mut push: impl FnMut(&[u8]) -> Result<(), Problem>,
) -> Option<Problem> {
    match block(bytes, limits.whole_bytes) {
        Some(text) => push(&text).err(),
        None => Some(Problem::Damaged),
    }
}

/// Whether the two lengths at the front make sense together with the block that follows.
pub(super) fn looks_hadoop(bytes: &[u8]) -> bool {
    let Some((raw, rest)) = length(bytes) else {
        return false;
    };
    let Some((size, rest)) = length(rest) else {
        return false;
    };
    // A cut object may end within its first block: then only the block's own length speaks.
    snap::raw::decompress_len(&rest[..rest.len().min(size)])
        .is_ok_and(|n| n > 0 && n <= raw && size < raw.saturating_mul(2) + 64)
}

/// Whether a bare block begins with the literal of a JSON object: its length, a literal's tag, `{`. Hadoop's blocks are below 16 MB, so
/// they begin with a zero, which is no length.
pub(super) fn looks_raw(bytes: &[u8]) -> bool {
    if !snap::raw::decompress_len(bytes).is_ok_and(|n| n > 0) {
        return false;
    }
    let varint = bytes.iter().take(5).take_while(|b| **b & 0x80 != 0).count() + 1;
    let Some(tag) = bytes.get(varint).filter(|tag| *tag % 4 == 0) else {
        return false;
    };
    let extra = match tag >> 2 {
        long @ 60.. => usize::from(long) - 59,
        _ => 0,
    };
    bytes.get(varint + 1 + extra) == Some(&b'{')
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    usize::try_from(u32::from_be_bytes(*head))
        .ok()
        .map(|n| (n, rest))
}

/// Decompresses a bare block of at most `limit` bytes.
fn block(bytes: &[u8], limit: usize) -> Option<Vec<u8>> {
    let size = snap::raw::decompress_len(bytes).ok()?;
    if size > limit {
        return None;
    }
    snap::raw::Decoder::new().decompress_vec(bytes).ok()
}
