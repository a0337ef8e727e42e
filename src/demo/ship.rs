//! Puts records into objects the way a CLS shipping task does.
//!
//! In: lines with their time. Out: one gzip object per kind and quarter of an hour, in the directory of its shipping time - so the
//! last lines of a day lie under the first hour of the next.

use std::{fs, io, io::Write as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use jiff::tz::TimeZone;

use crate::model::{LogKind, Moment};

/// Length of a shipping window, and the delay after its end until the object lies there.
const WINDOW_MS: i64 = 15 * 60 * 1000;

/// A line of a kind, at an instant.
#[derive(Debug)]
pub(super) struct Line {
    pub kind: LogKind,
    pub ms: i64,
    pub text: String,
}

/// Writes and removes all of `lines`.
pub(super) fn write(bucket: &Path, lines: &mut Vec<Line>, zone: &TimeZone) -> io::Result<()> {
    lines.sort_by_key(|line| (line.kind, line.ms));
    let mut rest = lines.as_slice();
    while let Some(first) = rest.first() {
        let window = first.ms.div_euclid(WINDOW_MS);
        let same = |line: &Line| line.kind == first.kind && line.ms.div_euclid(WINDOW_MS) == window;
        let (object, others) = rest.split_at(rest.iter().take_while(|line| same(line)).count());
        let shipped = Moment::new((window + 1) * WINDOW_MS, zone).civil();
        let folder = bucket
            .join(first.kind.as_str())
            .join(shipped.strftime("%Y/%m/%d/%H").to_string());
        fs::create_dir_all(&folder)?;
        let name = format!(
            "{}_000_{}.gz",
            shipped.strftime("%Y%m%d%H%M"),
            132_000_000 + window % 1_000_000
        );
        let mut gzip = GzEncoder::new(fs::File::create(folder.join(name))?, Compression::default());
        for line in object {
            gzip.write_all(line.text.as_bytes())?;
            gzip.write_all(b"\n")?;
        }
        gzip.finish()?;
        rest = others;
    }
    lines.clear();
    Ok(())
}
