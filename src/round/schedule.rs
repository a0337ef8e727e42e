//! When is the next round, and which day does it owe? Pure: the clock is an argument.
//!
//! In: a time of day, a zone, an instant, the newest day that has a complete report. Out: the day that is due now, or the instant to
//! wait for. Always true: a missed night (the machine was off) is due at once, and a day is never due before it is over. Does not
//! sleep, and does not know about owners.

use jiff::{civil::Time, tz::TimeZone};

use crate::model::Day;

/// What the timer should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// The round of this day is owed now.
    Now(Day),
    /// Nothing is owed before this instant (Unix ms), when the round of this day starts.
    At(i64, Day),
}

/// Decides what is owed at `now_ms`, when rounds start at `run_at` on the wall of `zone` and `done` is the newest day with a
/// complete report.
///
/// A time that does not exist on a day (daylight saving) starts when the clock has jumped over it.
pub fn due(now_ms: i64, run_at: Time, zone: &TimeZone, done: Option<Day>) -> Due {
    let today = Day::of(now_ms, zone);
    let starts = |day: Day| {
        let wall = day.date().to_datetime(run_at);
        zone.to_timestamp(wall)
            .map_or(i64::MAX, jiff::Timestamp::as_millisecond)
    };
    let owed = if now_ms >= starts(today) {
        today.plus(-1)
    } else {
        today.plus(-2)
    };
    // A host that was never run before owes only the newest finished day, not the one before it.
    let never_ran = done.is_none();
    if never_ran && owed != today.plus(-1) {
        return Due::At(starts(today), today.plus(-1));
    }
    if done.is_none_or(|d| d < owed) {
        return Due::Now(owed);
    }
    let (next, day) = if now_ms < starts(today) {
        (starts(today), today.plus(-1))
    } else {
        (starts(today.plus(1)), today)
    };
    Due::At(next, day)
}

/// The finished days whose objects are listed once more at `now_ms`: yesterday, when what CLS ships late has come (`spill_ms` after
/// midnight, and an hour), and the day before, whose stragglers had a whole day.
#[must_use]
pub fn second_look(now_ms: i64, zone: &TimeZone, spill_ms: i64, done: Option<Day>) -> Vec<Day> {
    let today = Day::of(now_ms, zone);
    let late_ms = today.range(zone).start_ms + spill_ms + 3_600_000;
    let Some(done) = done.filter(|_| now_ms >= late_ms) else {
        return Vec::new();
    };
    let days = [today.plus(-1), today.plus(-2)];
    days.into_iter().filter(|day| *day <= done).collect()
}

/// The newest night that was missed before `owed`, the newest finished day: one of the last `CAUGHT_UP` days, after a day that has a
/// complete report, without one itself. `None` on a host that missed none.
#[must_use]
pub fn missed(owed: Day, done: &[Day]) -> Option<Day> {
    let known_since = done.iter().min()?;
    let mut days = (1..=CAUGHT_UP).map(|back| owed.plus(-back));
    days.find(|day| day > known_since && !done.contains(day))
}

/// Nights before the newest that are caught up with: a week is what a day is compared with.
const CAUGHT_UP: i32 = 7;
/// First pause after a failure; it doubles up to an hour.
const FIRST_PAUSE_MS: i64 = 60_000;
const LONGEST_PAUSE_MS: i64 = 3_600_000;
/// Whoever broadcasts at ten should know by then whether there is a report.
const GIVE_UP_AT: Time = Time::constant(9, 30, 0, 0);

/// When a day's round that failed `failures` times, first at `first_ms`, is tried again; `None`: not by itself any more.
///
/// Until half past nine with growing pauses, and then once more; a night that was caught up later in the day for an hour.
#[must_use]
pub fn try_again(failures: u32, first_ms: i64, now_ms: i64, zone: &TimeZone) -> Option<i64> {
    let wall = Day::of(first_ms, zone).date().to_datetime(GIVE_UP_AT);
    let given_up = zone
        .to_timestamp(wall)
        .map_or(i64::MAX, jiff::Timestamp::as_millisecond);
    let until_ms = given_up.max(first_ms + LONGEST_PAUSE_MS);
    let doublings = failures.saturating_sub(1).min(6);
    let pause_ms = (FIRST_PAUSE_MS << doublings).min(LONGEST_PAUSE_MS);
    (now_ms < until_ms).then(|| (now_ms + pause_ms).min(until_ms))
}

/// From this hour it is looked whether yesterday's problems are still there.
const MORNING: Time = Time::constant(7, 0, 0, 0);
/// CLS ships every few minutes; more often there is nothing new.
const EVERY_MS: i64 = 10 * 60_000;

/// Whether it is time to look, when that was last done at `last_ms`.
#[must_use]
pub fn time_to_look(now_ms: i64, zone: &TimeZone, last_ms: Option<i64>) -> bool {
    let wall = Day::of(now_ms, zone).date().to_datetime(MORNING);
    let morning = zone
        .to_timestamp(wall)
        .map_or(i64::MAX, jiff::Timestamp::as_millisecond);
    now_ms >= morning && last_ms.is_none_or(|last| now_ms - last >= EVERY_MS)
}

/// Of stored days with their bytes on disk, those to let go so that the rest takes at most `limit` bytes: the oldest first, and never
/// one of the newest two, which are still told and compared.
#[must_use]
pub fn surplus(mut stored: Vec<(Day, u64)>, limit: u64) -> Vec<Day> {
    stored.sort_unstable();
    let mut bytes: u64 = stored.iter().map(|(_, size)| size).sum();
    stored.truncate(stored.len().saturating_sub(2));
    let mut gone = Vec::new();
    for (day, size) in stored {
        if bytes <= limit {
            break;
        }
        bytes -= size;
        gone.push(day);
    }
    gone
}

/// The days among `stored` that are older than `keep_days` days before `today`.
#[must_use]
pub fn expired(stored: Vec<Day>, today: Day, keep_days: u32) -> Vec<Day> {
    let keep_days = i32::try_from(keep_days).unwrap_or(i32::MAX);
    let oldest_kept = today.plus(-keep_days);
    stored.into_iter().filter(|d| *d < oldest_kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>()
            .expect("instant")
            .as_millisecond()
    }

    fn check(now: &str, done: Option<&str>, expected: Due) {
        let zone = TimeZone::get("Asia/Shanghai").expect("zone");
        let done = done.map(|d| d.parse().expect("day"));
        assert_eq!(
            due(at(now), jiff::civil::time(1, 0, 0, 0), &zone, done),
            expected,
            "{now}"
        );
    }

    fn day(text: &str) -> Day {
        text.parse().expect("day")
    }

    #[test]
    fn yesterday_is_owed_from_one_in_the_morning() {
        check(
            "2026-11-22T00:59:59+08:00",
            Some("2026-11-20"),
            Due::At(at("2026-11-22T01:00:00+08:00"), day("2026-11-21")),
        );
        check(
            "2026-11-22T01:00:00+08:00",
            Some("2026-11-20"),
            Due::Now(day("2026-11-21")),
        );
    }

    #[test]
    fn a_missed_night_is_caught_up_at_any_hour() {
        check(
            "2026-11-22T15:30:00+08:00",
            Some("2026-11-18"),
            Due::Now(day("2026-11-21")),
        );
        check(
            "2026-11-22T00:10:00+08:00",
            Some("2026-11-19"),
            Due::Now(day("2026-11-20")),
        );
    }

    #[test]
    fn a_day_that_is_done_is_not_done_again() {
        check(
            "2026-11-22T09:00:00+08:00",
            Some("2026-11-21"),
            Due::At(at("2026-11-23T01:00:00+08:00"), day("2026-11-22")),
        );
    }

    #[test]
    fn a_new_host_starts_with_yesterday() {
        check(
            "2026-11-22T09:00:00+08:00",
            None,
            Due::Now(day("2026-11-21")),
        );
        check(
            "2026-11-22T00:30:00+08:00",
            None,
            Due::At(at("2026-11-22T01:00:00+08:00"), day("2026-11-21")),
        );
    }

    #[test]
    fn missed_nights_are_caught_up_with_from_the_newest_on() {
        let check = |owed: &str, done: &[&str], expected: Option<&str>| {
            let done: Vec<Day> = done.iter().map(|d| day(d)).collect();
            assert_eq!(missed(day(owed), &done), expected.map(day), "{done:?}");
        };
        check(
            "2026-11-21",
            &["2026-11-18", "2026-11-21"],
            Some("2026-11-20"),
        );
        let filled = ["2026-11-18", "2026-11-20", "2026-11-21"];
        check("2026-11-21", &filled, Some("2026-11-19"));
        check("2026-11-21", &["2026-11-20", "2026-11-21"], None);
        // Nobody was here before; and what is older than a week is history.
        check("2026-11-21", &[], None);
        check("2026-11-21", &["2026-11-21"], None);
        check("2026-11-21", &["2026-11-01"], Some("2026-11-20"));
        let week = [
            "2026-11-01",
            "2026-11-20",
            "2026-11-19",
            "2026-11-18",
            "2026-11-17",
            "2026-11-16",
            "2026-11-15",
            "2026-11-14",
        ];
        check("2026-11-21", &week, None);
    }

    #[test]
    fn a_day_expires_when_it_is_older_than_what_is_kept() {
        let stored = vec![day("2026-10-21"), day("2026-10-22"), day("2026-11-20")];
        let left = expired(stored.clone(), day("2026-11-21"), 30);
        assert_eq!(left, [day("2026-10-21")]);
        assert!(expired(stored, day("2026-11-21"), 3650).is_empty());
    }

    #[test]
    fn a_failed_night_is_tried_again_until_half_past_nine() {
        let zone = TimeZone::get("Asia/Shanghai").expect("zone");
        let first = at("2026-11-22T01:00:05+08:00");
        let (mut now, mut tries) = (first, Vec::new());
        for failures in 1.. {
            let Some(next) = try_again(failures, first, now, &zone) else {
                break;
            };
            tries.push((next - now) / 60_000);
            now = next;
        }
        assert_eq!(tries[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(now, at("2026-11-22T09:30:00+08:00"), "the last try");
        let late = at("2026-11-22T15:00:00+08:00");
        assert_eq!(try_again(1, late, late, &zone), Some(late + 60_000));
        assert_eq!(try_again(9, late, late + 3_600_000, &zone), None);
    }

    #[test]
    fn problems_are_looked_at_again_every_ten_minutes_from_seven() {
        let zone = TimeZone::get("Asia/Shanghai").expect("zone");
        let look = |now: &str, last: Option<&str>| time_to_look(at(now), &zone, last.map(at));
        assert!(!look("2026-11-22T06:59:59+08:00", None));
        assert!(look("2026-11-22T07:00:00+08:00", None));
        let seven = Some("2026-11-22T07:00:00+08:00");
        assert!(!look("2026-11-22T07:09:59+08:00", seven));
        assert!(look("2026-11-22T07:10:00+08:00", seven));
    }

    #[test]
    fn the_oldest_days_make_room_but_never_the_newest_two() {
        let stored = ["2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21"].map(|d| (day(d), 10));
        assert!(surplus(stored.to_vec(), 40).is_empty());
        assert_eq!(surplus(stored.to_vec(), 30), [stored[0].0]);
        assert_eq!(surplus(stored.to_vec(), 0), [stored[0].0, stored[1].0]);
    }

    #[test]
    fn late_objects_are_looked_for_when_they_have_come() {
        let zone = TimeZone::get("Asia/Shanghai").expect("zone");
        let look = |now: &str, done: Option<&str>| {
            let done = done.map(|d| d.parse().expect("day"));
            second_look(at(now), &zone, 7_200_000, done)
        };
        let both = [day("2026-11-21"), day("2026-11-20")];
        assert!(look("2026-11-22T02:59:59+08:00", Some("2026-11-21")).is_empty());
        assert_eq!(look("2026-11-22T03:00:00+08:00", Some("2026-11-21")), both);
        assert_eq!(
            look("2026-11-22T03:00:00+08:00", Some("2026-11-20")),
            both[1..]
        );
        assert!(look("2026-11-22T03:00:00+08:00", None).is_empty());
    }
}
