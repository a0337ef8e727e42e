//! CSV as CLS ships it, row by row to the JSON objects the rows stand for.
//!
//! In: the lines of a CSV object; the first is the header. Out: one JSON object with string values per row, so that the readers
//! know one form only. Always true: a quoted field may hold newlines; a row that does not fit the header is no object. Does not
//! read CSV without a header: nothing says which column is the time.

use serde_json::{Map, Value};

/// The columns of an object, and the row that is not complete yet.
#[derive(Debug)]
pub(super) struct Header {
    columns: Vec<String>,
    delimiter: u8,
    quote: u8,
    /// Number of the first line of the row, and its text so far: it holds an odd number of quotes.
    open: Option<(u64, Vec<u8>)>,
}

impl Header {
    /// A line is a header when it names `__TIMESTAMP__`. The delimiter is what stands beside that name (CLS offers comma, tab,
    /// space, semicolon and bar), the quote whichever of the two it offers is used.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        const TIME: &[u8] = b"__TIMESTAMP__";
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let at = memchr::memmem::find(line, TIME)?;
        let around = [
            line.get(at + TIME.len()),
            at.checked_sub(1).and_then(|i| line.get(i)),
        ];
        let quote = if line.contains(&b'\'') { b'\'' } else { b'"' };
        let delimiter = line
            .iter()
            .copied()
            .find(|b| matches!(b, b',' | b'\t' | b';' | b'|' | b' '))
            .filter(|d| {
                around
                    .iter()
                    .flatten()
                    .any(|b| **b == *d || matches!(**b, b'"' | b'\''))
            })?;
        let mut header = Self {
            columns: Vec::new(),
            delimiter,
            quote,
            open: None,
        };
        header.columns = header.split(line)?;
        header
            .columns
            .iter()
            .any(|c| c.as_bytes() == TIME)
            .then_some(header)
    }

    /// Takes a line; gives the row that it completes, with the number of the row's first line.
    pub(super) fn take(
        &mut self,
        number: u64,
        line: &[u8],
        limit: usize,
    ) -> Option<(u64, Vec<u8>)> {
        let was_open = self.open.is_some();
        let (first, row) = match self.open.take() {
            Some((first, mut row)) => {
                row.push(b'\n');
                row.extend_from_slice(line);
                (first, row)
            }
            None => (number, line.to_vec()),
        };
        // Only the new line is looked at: a row may have as many lines as it has bytes.
        let odd = memchr::memchr_iter(self.quote, line).count() % 2 == 1;
        // A stray quote must not swallow the rest of the object.
        if odd != was_open && row.len() < limit.min(1 << 20) {
            self.open = Some((first, row));
            return None;
        }
        Some((first, row))
    }

    /// The row whose quote never closed.
    pub(super) fn flush(&mut self) -> Option<(u64, Vec<u8>)> {
        self.open.take()
    }

    /// The JSON object of a row, or `None` when it has another number of fields than the header.
    pub(super) fn object(&self, row: &[u8]) -> Option<Vec<u8>> {
        let row = row.strip_suffix(b"\r").unwrap_or(row);
        let fields = self.split(row)?;
        if fields.len() != self.columns.len() {
            return None;
        }
        let object: Map<String, Value> = self
            .columns
            .iter()
            .cloned()
            .zip(fields.into_iter().map(Value::String))
            .collect();
        serde_json::to_vec(&object).ok()
    }

    fn split(&self, row: &[u8]) -> Option<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(self.delimiter)
            .quote(self.quote)
            .buffer_capacity(row.len().max(64))
            .from_reader(row);
        let mut fields = csv::ByteRecord::new();
        let found = reader.read_byte_record(&mut fields).ok()?;
        found.then(|| {
            fields
                .iter()
                .map(|f| String::from_utf8_lossy(f).into_owned())
                .collect()
        })
    }
}
