//! Times of day in a sentence: 10:02, 下午三点, `3 pm`, and whether something began or ended then.
//!
//! In: a sentence. Out: [`Tokens`] with its times, and the sentence without them. Knows nothing of records.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    numerals::chinese,
    tokens::{Pattern, Tokens, taken},
};

/// What makes a time the beginning, before and behind it.
const BEGINS: [&[&str]; 2] = [
    &[
        "从",
        "自",
        "since",
        "from",
        "started at",
        "began at",
        "starting at",
        "started",
        "began",
    ],
    &["起", "开始", "以来", "就开始", "onward"],
];
/// What makes a time the end, before and behind it.
const ENDS: [&[&str]; 2] = [
    &[
        "到",
        "至",
        "until",
        "till",
        "to",
        "recovered at",
        "ended at",
        "stopped at",
    ],
    &["恢复", "已恢复", "结束", "为止", "自愈", "停止"],
];

static TIME: Pattern = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(凌晨|清晨|早上|上午|中午|下午|傍晚|晚上|夜里)?\s*",
        r"(?:(\d{1,2})\s*(?::|点|時|时)\s*(\d{2})(?::\d{2}|分)?|([零〇一二两三四五六七八九十]{1,3})点([零〇一二两三四五六七八九十]{2,4}分?|[零〇一二两三四五六七八九十]分))",
        r"(?:\s*([ap])\.?m\b\.?)?"
    ))
    .ok()
});
static HOUR: Pattern = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(凌晨|清晨|早上|上午|中午|下午|傍晚|晚上|夜里)?\s*(?:(\d{1,2})|([零〇一二两三四五六七八九十]{1,3}))点(?:半|整|钟|左右|前后|多|到|至|起|开始|之后|以后|，|、|。|$)",
        r"|(?-u:\b)(\d{1,2})\s*([ap])\.?m(?-u:\b)"
    ))
    .ok()
});
/// Times of day, with and without minutes.
pub(super) fn clock(text: &str, found: &mut Tokens) -> String {
    let value = |m: Option<regex::Match<'_>>| {
        let text = m?.as_str().trim_end_matches('分');
        let n: f64 = text.parse().ok().or_else(|| chinese(text))?;
        (0..=u8::MAX).rev().find(|hour| f64::from(*hour) <= n)
    };
    let of_day = |hour: u8, half: Option<&str>| match half.map(str::to_lowercase).as_deref() {
        Some("下午" | "傍晚" | "晚上" | "p") if hour < 12 => hour + 12,
        Some("a") if hour == 12 => 0,
        _ => hour,
    };
    let rest = taken(&TIME, text, |c| {
        if c.get(0).is_some_and(|m| is_inside(text, &m)) {
            return false;
        }
        let (hour, minute) = (
            value(c.get(2).or_else(|| c.get(4))),
            value(c.get(3).or_else(|| c.get(5))),
        );
        let half = c.get(1).or_else(|| c.get(6)).map(|m| m.as_str());
        if let (Some(hour), Some(minute)) = (hour, minute) {
            let hour = of_day(hour, half);
            found.times.push((hour, minute));
            if beside(text, c.get(0), BEGINS) {
                found.begins.push((hour, Some(minute)));
            } else if beside(text, c.get(0), ENDS) {
                found.ends.push((hour, Some(minute)));
            }
        }
        true
    });
    taken(&HOUR, &rest, |c| {
        let hour = value(c.get(2).or_else(|| c.get(3)).or_else(|| c.get(4)));
        let half = c.get(1).or_else(|| c.get(5)).map(|m| m.as_str());
        let hour = hour.map(|h| of_day(h, half));
        found.hours.extend(hour);
        if beside(&rest, c.get(0), BEGINS) {
            found.begins.extend(hour.map(|h| (h, None)));
        } else if beside(&rest, c.get(0), ENDS) {
            found.ends.extend(hour.map(|h| (h, None)));
        }
        true
    })
}

/// The `71:80` of `169.254.0.71:8080` is no time.
fn is_inside(text: &str, found: &regex::Match<'_>) -> bool {
    let before = text[..found.start()].chars().next_back();
    let after = text[found.end()..].chars().next();
    let joins = |c: char| c == '.' || c.is_ascii_digit();
    let starts = found.as_str().starts_with(|c: char| c.is_ascii_digit());
    starts && before.is_some_and(joins) || after.is_some_and(|c| c.is_ascii_digit())
}

/// Whether words stand right before or right behind a place.
fn beside(text: &str, place: Option<regex::Match<'_>>, words: [&[&str]; 2]) -> bool {
    let Some(place) = place else { return false };
    let before = text[..place.start()].trim_end().to_lowercase();
    let after = text[place.end()..].trim_start();
    let own = place.as_str();
    words[0].iter().any(|w| before.ends_with(w))
        || words[1]
            .iter()
            .any(|w| after.starts_with(w) || own.ends_with(w))
}

#[cfg(test)]
mod tests {
    use crate::{agents::tokens::tokens, model::Lang};

    #[test]
    fn a_beginning_is_told_from_an_end() {
        let t = tokens(
            "risk 从 10:56 到 23:52 失败，上午十点起变慢，11:40 恢复",
            Lang::Zh,
        );
        assert_eq!(t.begins, [(10, Some(56)), (10, None)]);
        assert_eq!(t.ends, [(23, Some(52)), (11, Some(40))]);
        let address = tokens("连接 169.254.0.71:8080 超时", Lang::Zh);
        assert_eq!((address.times, address.numbers), (vec![], vec![]));
        let en = tokens("failed since 10:56, recovered at 11:40", Lang::En);
        assert_eq!(
            (en.begins, en.ends),
            (vec![(10, Some(56))], vec![(11, Some(40))])
        );
    }
}
