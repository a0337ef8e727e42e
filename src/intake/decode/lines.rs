//! Blocks of text to lines, whatever the borders of the blocks.
//!
//! In: decompressed blocks, in order. Out: a call per line that is not blank. Always true: splitting the same text into other
//! blocks gives the same lines (`proptest: blocks_do_not_matter`); no more than one line is held back, and no more than
//! [`Limits::line_bytes`] of it.

use super::{Limits, Line, Problem, Rejection, csv_rows::Header};

pub(super) struct Lines<F> {
    limits: Limits,
    each: F,
    /// The beginning of a line whose end has not come yet.
    held: Vec<u8>,
    /// The line that is being read was longer than the limit; the rest of it is dropped.
    dropping: bool,
    number: u64,
    bytes: u64,
    content: Content,
}

/// What the lines are, as far as they have told.
enum Content {
    Unknown { lines: u64 },
    Json,
    Csv(Header),
}

impl<F: FnMut(u64, Line<'_>)> Lines<F> {
    pub(super) const fn new(limits: Limits, each: F) -> Self {
        Self {
            limits,
            each,
            held: Vec::new(),
            dropping: false,
            number: 0,
            bytes: 0,
            content: Content::Unknown { lines: 0 },
        }
    }

    /// Takes the next block. `Err` when the object is larger than allowed; the block is read up to there.
    pub(super) fn push(&mut self, block: &[u8]) -> Result<(), Problem> {
        let room = self.limits.object_bytes.saturating_sub(self.bytes);
        let taken = usize::try_from(room).map_or(block.len(), |room| room.min(block.len()));
        self.bytes += taken as u64;
        let mut rest = &block[..taken];
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.line_end(&rest[..end]);
            rest = &rest[end + 1..];
        }
        self.hold(rest);
        if taken == block.len() {
            Ok(())
        } else {
            Err(Problem::TooBig)
        }
    }

    /// Passes on what has no newline, and says what was wrong with the whole.
    pub(super) fn finish(mut self, stopped: Option<Problem>) -> Option<Problem> {
        let cut = matches!(
            stopped,
            Some(Problem::Truncated | Problem::Damaged | Problem::TooBig)
        );
        let left = std::mem::take(&mut self.held);
        if cut && (!left.is_empty() || self.dropping) {
            self.number += 1;
            let line = Line {
                raw: &left,
                json: Err(Rejection::Cut),
            };
            (self.each)(self.number, line);
        } else if !left.is_empty() || self.dropping {
            self.line_end(&left);
        }
        if let Content::Csv(header) = &mut self.content
            && let Some((number, row)) = header.flush()
        {
            pass_row(&mut self.each, number, &row, None);
        }
        match self.content {
            Content::Unknown { lines: 1.. } if stopped.is_none() => Some(Problem::NoMetadata),
            _ => stopped,
        }
    }

    fn hold(&mut self, part: &[u8]) {
        if self.dropping || self.held.len() + part.len() > self.limits.line_bytes {
            self.dropping = true;
            self.held = Vec::new();
        } else {
            self.held.extend_from_slice(part);
        }
    }

    /// `tail` ends a line, of which the beginning may have been held back.
    fn line_end(&mut self, tail: &[u8]) {
        self.number += 1;
        if self.held.is_empty() && !self.dropping && tail.len() <= self.limits.line_bytes {
            self.line(tail);
            return;
        }
        self.hold(tail);
        let whole = std::mem::take(&mut self.held);
        if std::mem::take(&mut self.dropping) {
            let line = Line {
                raw: &[],
                json: Err(Rejection::TooLong),
            };
            (self.each)(self.number, line);
        } else {
            self.line(&whole);
            // The allocation is used again for the next line that spans two blocks.
            self.held = whole;
            self.held.clear();
        }
    }

    fn line(&mut self, raw: &[u8]) {
        if matches!(raw, b"" | b"\r") {
            return;
        }
        if let Content::Unknown { lines } = &mut self.content {
            let first = *lines == 0;
            *lines += 1;
            if raw.first() == Some(&b'{') {
                self.content = Content::Json;
            } else if let Some(header) = first.then(|| Header::read(raw)).flatten() {
                self.content = Content::Csv(header);
                return;
            }
        }
        match &mut self.content {
            Content::Unknown { .. } | Content::Json => {
                let line = Line { raw, json: Ok(raw) };
                (self.each)(self.number, line);
            }
            Content::Csv(header) => {
                if let Some((number, row)) = header.take(self.number, raw, self.limits.line_bytes) {
                    let json = header.object(&row);
                    pass_row(&mut self.each, number, &row, json.as_deref());
                }
            }
        }
    }
}

fn pass_row(each: &mut impl FnMut(u64, Line<'_>), number: u64, row: &[u8], json: Option<&[u8]>) {
    let line = Line {
        raw: row,
        json: json.ok_or(Rejection::NotJson),
    };
    each(number, line);
}
