//! Where the objects of a day lie, by the names of their folders.
//!
//! In: a day, and how the shipping task names its folders. Out: the prefixes to list, and a look at each listed key. Always true:
//! the prefixes cover every object that the task shipped from the day's beginning to the spill after its end, and nothing outside
//! the configured prefix is listed. Which record belongs to the day is never decided here: folders are named by the time of
//! shipping, not of the log.
//!
//! Partitions are strftime templates rendered by the shipping task's clock. The official example `/%Y%M%d/%H/` has minutes where
//! the month should be, so whoever copied it has folders that say nothing about the date; such prefixes are listed from the last
//! part that can be known.

use std::collections::BTreeSet;

use jiff::{Timestamp, fmt::strtime, tz::TimeZone};

use crate::model::DayRange;

const HOUR_MS: i64 = 3_600_000;

/// How long after its end a day's records are still looked for: shipping waits up to 15 minutes, and longer after trouble.
pub const DEFAULT_SPILL_MS: i64 = 2 * HOUR_MS;

/// A place in a bucket where one kind of log is shipped to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// `None` for the bucket that is configured for all kinds.
    pub bucket: Option<String>,
    pub prefix: String,
}

impl Place {
    /// Reads a comma list of prefixes and `cos://bucket/prefix`.
    #[must_use]
    pub fn list(text: &str) -> Vec<Self> {
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| match item.strip_prefix("cos://") {
                Some(rest) => {
                    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                    Self {
                        bucket: Some(bucket.to_owned()),
                        prefix: prefix.to_owned(),
                    }
                }
                // A key never begins with a slash here: CLS drops the first one.
                None => Self {
                    bucket: None,
                    prefix: item.trim_start_matches('/').to_owned(),
                },
            })
            .collect()
    }
}

/// How a shipping task names its folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// A strftime template, as in `%Y/%m/%d/%H/`.
    pub template: String,
    /// The shipping task's own.
    pub zone: TimeZone,
    pub spill_ms: i64,
}

/// What to list for a day below one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// In order, none the beginning of another.
    pub prefixes: Vec<String>,
    /// From when to when an object of the day may have been shipped, Unix milliseconds.
    shipped: std::ops::Range<i64>,
    zone: TimeZone,
    /// Whether the prefixes themselves name the hours.
    dated: bool,
}

impl Search {
    /// What to list for `day` below `prefix`.
    #[must_use]
    pub fn new(prefix: &str, partition: &Partition, day: &DayRange) -> Self {
        let shipped = day.start_ms..day.end_ms + partition.spill_ms;
        let (folders, dated) = folders(partition, &shipped);
        let mut prefixes = BTreeSet::new();
        for folder in folders {
            // Whether CLS keeps both slashes where prefix and partition meet is not documented, and both are seen.
            let stem = prefix.trim_end_matches('/');
            let folder = folder.trim_start_matches('/');
            if prefix.is_empty() {
                prefixes.insert(folder.to_owned());
            } else if folder.is_empty() || stem == prefix && !partition.template.starts_with('/') {
                prefixes.insert(format!("{prefix}{folder}"));
            } else {
                prefixes.insert(format!("{stem}/{folder}"));
                prefixes.insert(format!("{stem}//{folder}"));
            }
        }
        Self {
            prefixes: without_extensions(prefixes),
            shipped,
            zone: partition.zone.clone(),
            dated,
        }
    }

    /// Whether an object may hold records of the day, by its name, or failing that by when it was last written.
    ///
    /// Where the folders name the hours, every listed object does. Else a file name that begins with the time of shipping decides;
    /// and an object that was written before the day began cannot hold any of it. There is no upper bound by the time of writing:
    /// a bucket that was copied has only new objects.
    #[must_use]
    pub fn may_hold(&self, key: &str, modified_ms: i64) -> bool {
        if self.dated {
            return true;
        }
        match shipping_time(key, &self.zone) {
            Some(shipped) => self.shipped.contains(&shipped),
            None => modified_ms >= self.shipped.start,
        }
    }
}

/// The folders of the hours in `shipped`, whole days together, and whether they name these hours and no others.
fn folders(partition: &Partition, shipped: &std::ops::Range<i64>) -> (Vec<String>, bool) {
    let template = partition.template.as_str();
    // Folders finer than an hour are listed from the hour on.
    let hourly = before(template, &["%M", "%S", "%s", "%f", "%N"]);
    let names_days = ["%Y", "%m", "%d"].iter().all(|part| hourly.contains(part))
        || ["%F", "%Y%j", "%y%m%d"]
            .iter()
            .any(|part| hourly.contains(part));
    let dated = names_days && hourly.contains("%H");
    let daily = before(hourly, &["%H", "%I", "%k", "%p"]);
    let render = |template: &str, ms: i64| {
        let at = Timestamp::from_millisecond(ms).ok()?;
        strtime::format(template, partition.zone.to_datetime(at)).ok()
    };
    let mut folders = BTreeSet::new();
    let mut hour = shipped.start - shipped.start.rem_euclid(HOUR_MS);
    while hour < shipped.end {
        let Some(folder) = render(hourly, hour) else {
            // Not a template we can render: list the prefix, decide by the records.
            return (vec![String::new()], false);
        };
        // When the hours before and after have the same day, that day may be taken whole.
        let day = render(daily, hour).unwrap_or_default();
        let whole = |ms: i64| shipped.contains(&ms) || render(daily, ms).as_deref() != Some(&day);
        let is_whole = (-24..=24).all(|h| whole(hour + h * HOUR_MS));
        folders.insert(if is_whole && !daily.is_empty() {
            day
        } else {
            folder
        });
        hour += HOUR_MS;
    }
    (folders.into_iter().collect(), dated)
}

/// The template up to the first of these specifiers.
fn before<'t>(template: &'t str, specifiers: &[&str]) -> &'t str {
    let end = specifiers.iter().filter_map(|s| template.find(s)).min();
    &template[..end.unwrap_or(template.len())]
}

fn without_extensions(prefixes: BTreeSet<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for prefix in prefixes {
        // In order, so that a beginning comes before what it begins.
        if !kept
            .last()
            .is_some_and(|last| prefix.starts_with(last.as_str()))
        {
            kept.push(prefix);
        }
    }
    kept
}

/// The time in a file name `202208251645_000_132612782.gz`, which `FilenameMode` 1 writes.
fn shipping_time(key: &str, zone: &TimeZone) -> Option<i64> {
    let name = key.rsplit('/').next().unwrap_or(key);
    let (digits, _) = name
        .split_once('_')
        .filter(|(digits, _)| digits.len() == 12)?;
    let at = strtime::parse("%Y%m%d%H%M", digits)
        .ok()?
        .to_datetime()
        .ok()?;
    let at = zone.to_timestamp(at).ok()?;
    Some(at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Day;

    fn search(prefix: &str, template: &str) -> Search {
        search_in(prefix, template, "Asia/Shanghai")
    }

    fn search_in(prefix: &str, template: &str, shipping_zone: &str) -> Search {
        let zone = |name: &str| TimeZone::get(name).expect("zone");
        let day: Day = "2026-11-21".parse().expect("day");
        let partition = Partition {
            template: template.to_owned(),
            zone: zone(shipping_zone),
            spill_ms: DEFAULT_SPILL_MS,
        };
        Search::new(prefix, &partition, &day.range(&zone("Asia/Shanghai")))
    }

    #[test]
    fn a_day_is_its_own_folder_and_the_first_hours_of_the_next() {
        assert_eq!(
            search("", "%Y/%m/%d/%H/").prefixes,
            ["2026/11/21/", "2026/11/22/00/", "2026/11/22/01/"]
        );
        assert_eq!(search("x/", "dt=%Y%m%d/").prefixes[0], "x//dt=20261121/");
        assert_eq!(
            search("a", "%Y%m%d_%H").prefixes,
            ["a20261121_", "a20261122_00", "a20261122_01"]
        );
    }

    #[test]
    fn one_slash_and_two_are_both_looked_at() {
        let both = search("business/", "%Y/%m/%d/%H/").prefixes;
        assert_eq!(both, search("business", "/%Y/%m/%d/%H/").prefixes);
        assert!(both.contains(&"business/2026/11/21/".to_owned()));
        assert!(both.contains(&"business//2026/11/22/01/".to_owned()));
        assert_eq!(both.len(), 6);
    }

    #[test]
    fn a_task_that_ships_by_another_clock_is_followed() {
        let utc = search_in("", "%Y/%m/%d/%H/", "UTC").prefixes;
        assert_eq!(utc.len(), 26);
        assert_eq!(
            (utc[0].as_str(), utc[25].as_str()),
            ("2026/11/20/16/", "2026/11/21/17/")
        );
    }

    #[test]
    fn folders_that_say_nothing_about_the_date_are_listed_whole_and_judged_by_the_file() {
        let minutes_for_months = search("b", "/%Y%M%d/%H/");
        assert_eq!(minutes_for_months.prefixes, ["b//2026", "b/2026"]);
        let flat = search("flat/", "");
        assert_eq!(flat.prefixes, ["flat/"]);
        for search in [minutes_for_months, flat] {
            assert!(search.may_hold("x/202611211645_000_1.gz", 0));
            assert!(search.may_hold("x/202611220115_000_1.gz", 0));
            assert!(!search.may_hold("x/202611220215_000_1.gz", i64::MAX));
            assert!(search.may_hold("x/_k2j_1.gz", 1_795_190_400_000));
            assert!(!search.may_hold("x/_k2j_1.gz", 1_795_190_399_000));
        }
        assert!(search("", "%Y/%m/%d/%H/").may_hold("2026/11/21/05/_random_1", 0));
    }

    #[test]
    fn a_place_may_name_its_own_bucket() {
        let places = Place::list("business/, cos://logs-125/app/x/,,/lead");
        let shown: Vec<_> = places
            .iter()
            .map(|p| (p.bucket.as_deref(), p.prefix.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                (None, "business/"),
                (Some("logs-125"), "app/x/"),
                (None, "lead")
            ]
        );
    }
}
