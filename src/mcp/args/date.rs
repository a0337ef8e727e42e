//! The day that somebody means: 昨天, 前天, 上周五, 8月7日, 2026-11-21, yesterday, last friday.
//!
//! In: what was said, and today. Out: a [`Day`] not after today, or why not. Pure. Always true: a written date without a year is the
//! latest such day that is not in the future, unless it is about to come (then it is [`Unfit::Future`], since a slip of the tongue is
//! likelier than eleven months).

use jiff::civil::{Date, Weekday};

use super::numerals;
use crate::model::Day;

/// A date without a year that lies this close ahead is taken for a day to come, not for one of last year.
const SOON_DAYS: i32 = 31;

/// Why no day was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mcp) enum Unfit {
    /// Nothing that looks like a day.
    Unclear,
    /// A day to come: no logs yet.
    Future(Day),
}

/// Reads a day; `None` for an empty text.
pub(in crate::mcp) fn day(said: &str, today: Day) -> Result<Option<Day>, Unfit> {
    let text = numerals::plain(said);
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let found = relative(text, today)
        .or_else(|| weekday(text, today))
        .or_else(|| written(text, today))
        .ok_or(Unfit::Unclear)?;
    if found > today {
        Err(Unfit::Future(found))
    } else {
        Ok(Some(found))
    }
}

/// Longer words first: 大前天 holds 前天.
const RELATIVE: [(&str, i32); 22] = [
    ("大前天", -3),
    ("大后天", 3),
    ("前天", -2),
    ("前日", -2),
    ("前晚", -2),
    ("后天", 2),
    ("昨天", -1),
    ("昨日", -1),
    ("昨晚", -1),
    ("昨夜", -1),
    ("今天", 0),
    ("今日", 0),
    ("今早", 0),
    ("今晚", 0),
    ("刚才", 0),
    ("现在", 0),
    ("明天", 1),
    ("day before yesterday", -2),
    ("yesterday", -1),
    ("last night", -1),
    ("today", 0),
    ("tomorrow", 1),
];

fn relative(text: &str, today: Day) -> Option<Day> {
    if let Some((_, days)) = RELATIVE.iter().find(|(word, _)| text.contains(word)) {
        return Some(today.plus(*days));
    }
    let ago = ["天前", "天之前", "日前", " days ago", " day ago"];
    let before = ago.iter().find_map(|unit| text.split_once(unit))?.0;
    let digits: String = before
        .chars()
        .rev()
        .take_while(char::is_ascii_digit)
        .collect();
    let days: i32 = digits
        .chars()
        .rev()
        .collect::<String>()
        .parse()
        .ok()
        .filter(|n| *n < 10_000)?;
    Some(today.plus(-days))
}

fn weekday(text: &str, today: Day) -> Option<Day> {
    let (weeks_back, wanted) = chinese_weekday(text).or_else(|| english_weekday(text))?;
    let now = today.date().weekday();
    let days = i32::from(wanted.to_monday_zero_offset()) - i32::from(now.to_monday_zero_offset());
    Some(match weeks_back {
        Some(weeks) => today.plus(days - 7 * weeks),
        // "周五" alone is the last one there was.
        None if days > 0 => today.plus(days - 7),
        None => today.plus(days),
    })
}

/// Weeks back (`None` when not said) and the day of the week.
fn chinese_weekday(text: &str) -> Option<(Option<i32>, Weekday)> {
    let (at, word) = ["星期", "礼拜", "周"]
        .into_iter()
        .find_map(|w| Some((text.find(w)?, w)))?;
    let before = text[..at].trim_end_matches('个');
    let weeks = if before.ends_with("上上") {
        Some(2)
    } else if before.ends_with('上') {
        Some(1)
    } else if before.ends_with(['本', '这']) {
        Some(0)
    } else {
        None
    };
    let wanted = match text[at + word.len()..].chars().next()? {
        '日' | '天' | '7' => Weekday::Sunday,
        c => Weekday::from_monday_one_offset(i8::try_from(c.to_digit(10)?).ok()?).ok()?,
    };
    Some((weeks, wanted))
}

fn english_weekday(text: &str) -> Option<(Option<i32>, Weekday)> {
    let names = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let (at, n) = names
        .iter()
        .zip(0_i8..)
        .find_map(|(name, n)| Some((text.find(name)?, n)))?;
    // "last friday" is the last one there was, not the one of last week.
    let weeks = text[..at].contains("this").then_some(0);
    Some((weeks, Weekday::from_monday_zero_offset(n).ok()?))
}

fn written(text: &str, today: Day) -> Option<Day> {
    // A moment of RFC 3339 or `2026-11-21 10:02`: its first word is the date.
    let text = text.split(['t', ' ']).next()?;
    let numbers: Vec<&str> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|n| !n.is_empty())
        .collect();
    let number = |n: &str| n.parse::<i16>().ok();
    match numbers[..] {
        [all] if all.len() == 8 => {
            date(number(&all[..4])?, number(&all[4..6])?, number(&all[6..])?)
        }
        [day] if text.contains(['号', '日']) => {
            let (day, this) = (number(day)?, today.date());
            let this_month =
                date(this.year(), i16::from(this.month()), day).filter(|d| *d <= today);
            let last = this.first_of_month().yesterday().ok()?;
            this_month.or_else(|| date(last.year(), i16::from(last.month()), day))
        }
        [month, day] if text.contains(['月', '-', '/', '.']) => {
            let of = |year| date(year, number(month)?, number(day)?);
            let year = today.date().year();
            of(year)
                .filter(|d| *d <= today.plus(SOON_DAYS))
                .or_else(|| of(year - 1))
        }
        [year, month, day, ..] => {
            let year = number(year).map(|y| if y < 100 { y + 2000 } else { y })?;
            date(year, number(month)?, number(day)?)
        }
        _ => None,
    }
}

fn date(year: i16, month: i16, day: i16) -> Option<Day> {
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    Date::new(year, month, day).ok().map(Day::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A Sunday.
    fn today() -> Day {
        "2026-11-22".parse().expect("day")
    }

    #[test]
    fn what_people_say_for_a_day() {
        for (said, meant) in [
            ("昨天", "2026-11-21"),
            ("昨天的日志", "2026-11-21"),
            ("昨晚", "2026-11-21"),
            ("前天", "2026-11-20"),
            ("大前天", "2026-11-19"),
            ("今天", "2026-11-22"),
            ("三天前", "2026-11-19"),
            ("10 days ago", "2026-11-12"),
            ("yesterday", "2026-11-21"),
            ("day before yesterday", "2026-11-20"),
            ("周五", "2026-11-20"),
            ("星期天", "2026-11-22"),
            ("上周五", "2026-11-13"),
            ("上个星期日", "2026-11-15"),
            ("上上周一", "2026-11-02"),
            ("本周三", "2026-11-18"),
            ("last friday", "2026-11-20"),
            ("Friday", "2026-11-20"),
            ("8月7日", "2026-08-07"),
            ("八月七号", "2026-08-07"),
            ("8/7", "2026-08-07"),
            ("12月30日", "2025-12-30"),
            ("7号", "2026-11-07"),
            ("25号", "2026-10-25"),
            ("2026-11-21", "2026-11-21"),
            ("2026/11/21", "2026-11-21"),
            ("2026年11月21日", "2026-11-21"),
            ("二〇二六年十一月二十一日", "2026-11-21"),
            ("26年11月21日", "2026-11-21"),
            ("20261121", "2026-11-21"),
            ("2026-11-21T10:02:11+08:00", "2026-11-21"),
            ("２０２６-11-21", "2026-11-21"),
        ] {
            assert_eq!(day(said, today()), Ok(meant.parse().ok()), "{said}");
        }
        assert_eq!(day("  ", today()), Ok(None));
    }

    #[test]
    fn a_day_to_come_is_said_to_be_one() {
        for (said, meant) in [
            ("明天", "2026-11-23"),
            ("11月25日", "2026-11-25"),
            ("2027-01-01", "2027-01-01"),
        ] {
            assert_eq!(
                day(said, today()),
                Err(Unfit::Future(meant.parse().expect("day"))),
                "{said}"
            );
        }
    }

    #[test]
    fn nonsense_is_unclear() {
        for said in [
            "随便",
            "42",
            "2026-13-01",
            "2月30日",
            "99999999999天前",
            "周八",
            "订单服务",
            "-",
            "上周",
        ] {
            assert_eq!(day(said, today()), Err(Unfit::Unclear), "{said}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_a_day_or_a_reason(said in "\\PC{0,40}") {
            if let Ok(Some(found)) = day(&said, today()) {
                prop_assert!(found <= today());
            }
        }

        #[test]
        fn a_written_day_is_itself(back in 0..4000_i32) {
            let meant = today().plus(-back);
            prop_assert_eq!(day(&meant.to_string(), today()), Ok(Some(meant)));
        }
    }
}
