//! A sample cluster that lives in a local bucket, so that a stranger sees the product work without a key and without a network.
//!
//! In: a folder and the day that is "yesterday". Out: eight days of business, event and audit objects as CLS ships them (gzip JSON
//! lines under `<kind>/%Y/%m/%d/%H/`), the last one with `story`'s incidents. Always true: the same day gives the same bytes.
//! Does not know anything about how logs are read or judged.

mod cluster;
mod dice;
mod records;
mod ship;
mod story;

use std::{io, path::Path};

use jiff::tz::TimeZone;

use crate::model::Day;

/// Earlier ordinary days that are laid beside the sample day.
pub const EARLIER_DAYS: i32 = 7;

/// Lays the sample days into `bucket` (a folder that is created), ending with `day`.
pub fn lay(bucket: &Path, day: Day, zone: &TimeZone) -> io::Result<()> {
    let first = day.plus(-EARLIER_DAYS);
    let mut cluster = cluster::Cluster::new(first.range(zone).start_ms);
    for n in 0..=EARLIER_DAYS {
        let range = first.plus(n).range(zone);
        cluster.ordinary_day(&range, n == 0);
        if n == EARLIER_DAYS {
            story::tell(&mut cluster, &range);
        }
        ship::write(bucket, &mut cluster.out, &range.zone)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_day_gives_the_same_bytes_and_stays_small() {
        let zone = TimeZone::get("Asia/Shanghai").expect("zone");
        let day: Day = "2026-11-21".parse().expect("day");
        let sizes = |_| {
            let dir = tempfile::tempdir().expect("dir");
            lay(dir.path(), day, &zone).expect("lay");
            let mut all = Vec::new();
            let mut folders = vec![dir.path().to_owned()];
            while let Some(folder) = folders.pop() {
                for entry in std::fs::read_dir(folder).expect("list") {
                    let path = entry.expect("entry").path();
                    if path.is_dir() {
                        folders.push(path);
                    } else {
                        all.push((
                            path.strip_prefix(dir.path()).expect("inside").to_owned(),
                            std::fs::read(&path).expect("read"),
                        ));
                    }
                }
            }
            all.sort();
            all
        };
        let (first, second) = (sizes(1), sizes(2));
        assert!(first == second);
        let bytes: usize = first.iter().map(|f| f.1.len()).sum();
        assert!((100_000..8_000_000).contains(&bytes), "{bytes} bytes");
        assert!(
            first
                .iter()
                .any(|(path, _)| path.starts_with("audit/2026/11/21/10"))
        );
    }
}
