//! The small phrases of speech: numbers rounded for the ear, relative times, who, what was changed, and how it stands.
//!
//! In: values of a report, already checked. Out: clauses without an end mark, speakable. Rounding happens here, after the check of
//! the claims, and nowhere else.

use crate::model::{
    Lang, LogKind, Moment, Severity,
    report::{Incident, Report, Status},
};

use super::{
    ask::Ask,
    change::{actor, object},
    speak::{clean, fit},
};

/// A count as a person would say it: exact below 100, then two significant digits; Chinese counts in 万.
///
/// ```
/// # use gengfu::{model::Lang, voice::about};
/// assert_eq!(about(57, Lang::Zh), "57");
/// assert_eq!(about(1234, Lang::Zh), "约1200");
/// assert_eq!(about(123_456, Lang::Zh), "约12万");
/// assert_eq!(about(123_456, Lang::En), "about 120 thousand");
/// ```
#[must_use]
pub fn about(n: u64, lang: Lang) -> String {
    if n < 100 {
        return n.to_string();
    }
    let unit = 10_u64.pow(n.ilog10() - 1);
    let rounded = (n / unit + u64::from(n % unit * 2 >= unit)).saturating_mul(unit);
    let (divisor, name) = match lang {
        Lang::Zh if rounded >= 100_000_000 => (100_000_000, "亿"),
        Lang::Zh if rounded >= 10_000 => (10_000, "万"),
        Lang::En if rounded >= 1_000_000 => (1_000_000, " million"),
        Lang::En if rounded >= 10_000 => (1_000, " thousand"),
        _ => (1, ""),
    };
    let prefix = match (rounded == n, lang) {
        (true, _) => "",
        (false, Lang::Zh) => "约",
        (false, Lang::En) => "about ",
    };
    let (whole, tenth) = (rounded / divisor, rounded % divisor * 10 / divisor);
    let point = if tenth > 0 {
        format!(".{tenth}")
    } else {
        String::new()
    };
    format!("{prefix}{whole}{point}{name}")
}

/// `昨天上午10点20分左右`, `yesterday at about 10:20 am`: the day counted from `now`, the minute rounded to five.
#[must_use]
pub fn relative_time(at: Moment, now: Moment, lang: Lang) -> String {
    let (then, today) = (at.civil(), now.civil());
    let days = today
        .date()
        .duration_since(then.date())
        .as_hours()
        .div_euclid(24);
    let (hour, minute) = (then.hour(), (then.minute() + 2) / 5 * 5);
    // The last minutes of an hour stay in it: carrying over could change the day.
    let minute = minute.min(55);
    if lang == Lang::En {
        let day = match days {
            0 => "today".to_owned(),
            1 => "yesterday".to_owned(),
            _ => then.strftime("on %B %-d").to_string(),
        };
        let (half, hour) = (if hour < 12 { "am" } else { "pm" }, (hour + 11) % 12 + 1);
        return format!("{day} at about {hour}:{minute:02} {half}");
    }
    let day = match days {
        0 => "今天".to_owned(),
        1 => "昨天".to_owned(),
        2 => "前天".to_owned(),
        _ => format!("{}月{}日", then.month(), then.day()),
    };
    let (half, hour) = match hour {
        0..=5 => ("凌晨", hour),
        6..=8 => ("早上", hour),
        9..=11 => ("上午", hour),
        12 => ("中午", hour),
        13..=17 => ("下午", hour - 12),
        _ => ("晚上", hour - 12),
    };
    match minute {
        0 => format!("{day}{half}{hour}点左右"),
        30 => format!("{day}{half}{hour}点半左右"),
        _ => format!("{day}{half}{hour}点{minute}分左右"),
    }
}

/// `昨天`, `yesterday`, or the date.
pub(super) fn day_name(report: &Report, ask: &Ask) -> String {
    let days = ask
        .now
        .civil()
        .date()
        .duration_since(report.date.date())
        .as_hours()
        / 24;
    let date = report.date.date();
    match (ask.lang, days) {
        (Lang::Zh, 0) => "今天".to_owned(),
        (Lang::Zh, 1) => "昨天".to_owned(),
        (Lang::Zh, 2) => "前天".to_owned(),
        (Lang::Zh, _) => format!("{}月{}日", date.month(), date.day()),
        (Lang::En, 0) => "today".to_owned(),
        (Lang::En, 1) => "yesterday".to_owned(),
        (Lang::En, _) => date.strftime("on %B %-d").to_string(),
    }
}

/// 1 to 10 in Chinese characters, which a TTS never reads digit by digit.
pub(super) fn ordinal(n: usize, lang: Lang) -> String {
    const ZH: [&str; 10] = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十"];
    const EN: [&str; 10] = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
        "tenth",
    ];
    let word = n
        .checked_sub(1)
        .and_then(|i| lang.pick(ZH, EN).get(i).copied());
    word.map_or_else(
        || lang.pick(format!("第{n}"), format!("number {n}")),
        |w| lang.pick(format!("第{w}"), w.to_owned()),
    )
}

/// The incident's title, cut to what takes as long as `max` Chinese characters; when nothing of it can be spoken, its object.
pub(super) fn title(incident: &Incident, lang: Lang, max: usize) -> String {
    let title = clean(&incident.title, lang);
    match fit(&title, max, lang) {
        "" => {
            let object = object(&incident.root.object, lang);
            lang.pick(
                format!("{object}出了问题"),
                format!("trouble with {object}"),
            )
        }
        title => title.to_owned(),
    }
}

/// How the incident stands now, and whether it is an old acquaintance.
pub(super) fn standing(incident: &Incident, ask: &Ask) -> String {
    let lang = ask.lang;
    let mut said = match incident.status {
        Status::Ongoing => match incident.checked_at {
            Some(at) if !at_the_days_end(at, ask) => lang.pick(
                format!("到{}仍在发生", relative_time(at, ask.now, lang)),
                format!("still going on {}", relative_time(at, ask.now, lang)),
            ),
            _ => still_at_night(incident, ask),
        },
        Status::Recovered => recovered(incident, ask),
        Status::Recurred => {
            let at = incident
                .checked_at
                .map(|at| relative_time(at, ask.now, lang));
            let at = at.unwrap_or_default();
            lang.pick(
                format!("恢复过，{at}又出现了"),
                format!("it recovered but came back {at}")
                    .trim_end()
                    .to_owned(),
            )
        }
    };
    if let Some(row) = incident
        .same_as
        .as_ref()
        .map(|s| s.days_in_row)
        .filter(|n| *n >= 2)
    {
        said += &lang.pick(
            format!("，连续{}天", ordinal(row as usize, lang)),
            format!(", the {} day in a row", ordinal(row as usize, lang)),
        );
    }
    said
}

/// The last half hour of a day that is over: the logs end there, and nobody looked later.
fn at_the_days_end(at: Moment, ask: &Ask) -> bool {
    let (then, today) = (at.civil(), ask.now.civil().date());
    then.date() < today && then.hour() == 23 && then.minute() >= 30
}

fn still_at_night(incident: &Incident, ask: &Ask) -> String {
    let said = if ask.is_yesterday(incident.start) {
        ask.lang
            .pick("到昨天夜里仍在发生", "still going on last night")
    } else {
        ask.lang
            .pick("到当天夜里仍在发生", "still going on at midnight")
    };
    said.to_owned()
}

fn recovered(incident: &Incident, ask: &Ask) -> String {
    let lang = ask.lang;
    let when = incident
        .end
        .map(|end| relative_time(end, ask.now, lang))
        .unwrap_or_default();
    let who = match &incident.recovered_by {
        Some(change) if incident.is_partly_undone() => lang.pick(
            format!("，{}改回了一部分", actor(change, lang)),
            format!(", partly undone by {}", actor(change, lang)),
        ),
        Some(change) => lang.pick(
            format!("，是{}改回的", actor(change, lang)),
            format!(", undone by {}", actor(change, lang)),
        ),
        None => String::new(),
    };
    lang.pick(
        format!("{when}已恢复{who}"),
        format!("recovered {when}{who}"),
    )
}

/// The standing in a few characters, for a text that must name six problems.
pub(super) fn standing_short(incident: &Incident, lang: Lang) -> &'static str {
    status_said(incident.status, lang)
}

pub(super) fn status_said(status: Status, lang: Lang) -> &'static str {
    match status {
        Status::Ongoing => lang.pick("仍在发生", "still going on"),
        Status::Recovered => lang.pick("已恢复", "recovered"),
        Status::Recurred => lang.pick("又出现了", "back again"),
    }
}

pub(super) const fn kind_name(kind: LogKind, lang: Lang) -> &'static str {
    match (lang, kind) {
        (Lang::Zh, _) => kind.zh(),
        (Lang::En, LogKind::Business) => "business log",
        (Lang::En, LogKind::Event) => "event log",
        (Lang::En, LogKind::Audit) => "audit log",
    }
}

/// Still so or back again, and not merely worth listing.
pub(super) fn is_urgent(incident: &Incident) -> bool {
    incident.status != Status::Recovered && incident.severity >= Severity::Error
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn moment(text: &str) -> Moment {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let time: jiff::civil::DateTime = text.parse().expect("time");
        Moment::new(
            zone.to_timestamp(time).expect("instant").as_millisecond(),
            &zone,
        )
    }

    #[test]
    fn times_are_told_from_the_listeners_day() {
        let now = moment("2026-11-22T10:00:00");
        for (at, zh, en) in [
            (
                "2026-11-21T10:19:11",
                "昨天上午10点20分左右",
                "yesterday at about 10:20 am",
            ),
            (
                "2026-11-22T00:29:00",
                "今天凌晨0点半左右",
                "today at about 12:30 am",
            ),
            (
                "2026-11-21T23:59:59",
                "昨天晚上11点55分左右",
                "yesterday at about 11:55 pm",
            ),
            (
                "2026-11-20T12:01:00",
                "前天中午12点左右",
                "on November 20 at about 12:00 pm",
            ),
            (
                "2026-08-07T15:45:00",
                "8月7日下午3点45分左右",
                "on August 7 at about 3:45 pm",
            ),
        ] {
            assert_eq!(relative_time(moment(at), now, Lang::Zh), zh);
            assert_eq!(relative_time(moment(at), now, Lang::En), en);
        }
    }

    #[test]
    fn numbers_are_rounded_to_two_digits() {
        for (n, zh) in [
            (0, "0"),
            (99, "99"),
            (100, "100"),
            (101, "约100"),
            (1250, "约1300"),
            (9999, "约1万"),
            (12_345, "约1.2万"),
            (250_000_000, "2.5亿"),
        ] {
            assert_eq!(about(n, Lang::Zh), zh);
        }
        assert_eq!(about(u64::MAX, Lang::En), "about 18000000000000 million");
    }
}
