//! Numbers written in words: 三百二十, 两万, `two hundred`, `dozens`.
//!
//! In: a word or a run of numerals. Out: its value, or the range it vaguely means. Knows nothing of sentences.

/// 三百二十 as 320; `None` for what is no number.
pub(super) fn chinese(text: &str) -> Option<f64> {
    if text.is_empty() {
        return None;
    }
    let (mut total, mut section, mut digit) = (0_u64, 0_u64, 0_u64);
    for c in text.chars() {
        match c {
            '零' | '〇' => {}
            '两' => digit = 2,
            '十' | '百' | '千' => {
                let unit = match c {
                    '十' => 10,
                    '百' => 100,
                    _ => 1000,
                };
                section += digit.max(1) * unit;
                digit = 0;
            }
            '万' | '亿' => {
                let unit = if c == '万' { 10_000 } else { 100_000_000 };
                total = total.saturating_add((section + digit).max(1).saturating_mul(unit));
                (section, digit) = (0, 0);
            }
            _ => digit = "一二三四五六七八九".chars().position(|d| d == c)? as u64 + 1,
        }
    }
    Some((total + section + digit) as f64)
}

/// What a unit behind digits multiplies them by: 万 in `1.2 万`, `thousand` in `3 thousand`.
pub(super) fn unit(word: &str) -> f64 {
    match word.to_lowercase().as_str() {
        "百" | "hundred" => 100.0,
        "千" | "thousand" => 1_000.0,
        "万" => 10_000.0,
        "百万" | "million" => 1_000_000.0,
        "千万" => 10_000_000.0,
        "亿" => 100_000_000.0,
        "billion" => 1_000_000_000.0,
        _ => 1.0,
    }
}

/// The numbers of an English text that are written in words, each once: `two hundred and five` is 205.
pub(super) fn english(text: &str) -> Vec<f64> {
    let mut found = Vec::new();
    let mut open: Option<f64> = None;
    for word in text.split(|c: char| c.is_whitespace() || ",;:()!?".contains(c)) {
        let lower = word.trim_end_matches('.').to_lowercase();
        let Some(n) = lower.split('-').map(english_word).sum::<Option<f64>>() else {
            // "two hundred and five" goes on over its "and"; whatever else stands between ends a number.
            if !matches!(lower.as_str(), "" | "and" | "a") {
                found.extend(open.take());
            }
            continue;
        };
        let before = open.unwrap_or_default();
        open = Some(if n >= 100.0 {
            before.max(1.0) * n
        } else {
            before + n
        });
    }
    found.extend(open);
    // "one of them" and "a first" assert nothing that could be looked up.
    found.retain(|n| *n > 1.0);
    found
}

fn english_word(word: &str) -> Option<f64> {
    const SMALL: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = [
        "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    if let Some(n) = SMALL.iter().position(|w| *w == word) {
        return Some(n as f64);
    }
    if let Some(n) = TENS.iter().position(|w| *w == word) {
        return Some((n + 2) as f64 * 10.0);
    }
    Some(match word {
        "twice" | "double" | "doubled" => 2.0,
        "thrice" | "tripled" => 3.0,
        "dozen" => 12.0,
        "hundred" => 100.0,
        "thousand" => 1_000.0,
        "million" => 1_000_000.0,
        _ => return None,
    })
}

/// What a vague quantity lies between: 几十 from 20 to 99, `hundreds` from 200 to 999.
pub(super) fn vague(word: &str) -> Option<(f64, f64)> {
    let lower = word.to_lowercase();
    let (many, unit) = match lower.as_str() {
        "十几" | "十多" | "十来" => return Some((10.0, 19.0)),
        "dozens" => return Some((24.0, 99.0)),
        "成百上千" => return Some((100.0, 9_999.0)),
        "成千上万" => return Some((1_000.0, 99_999.0)),
        "hundreds" => (true, 100.0),
        "thousands" => (true, 1_000.0),
        "millions" => (true, 1_000_000.0),
        _ => {
            let mut chars = lower.chars();
            let many = match chars.next()? {
                '几' | '数' => true,
                '上' | '近' | '成' => false,
                _ => return None,
            };
            let unit = match chars.as_str() {
                "十" => 10.0,
                "百" => 100.0,
                "千" => 1_000.0,
                "万" => 10_000.0,
                _ => return None,
            };
            (many, unit)
        }
    };
    // 上百 begins a little below a hundred: 近百 is meant to.
    let from = if many { 2.0 * unit } else { 0.9 * unit };
    Some((from, 10.0 * unit - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words_have_values() {
        for (text, n) in [
            ("三百二十", 320.0),
            ("两万", 20_000.0),
            ("十", 10.0),
            ("一千零五", 1_005.0),
        ] {
            assert_eq!(chinese(text), Some(n), "{text}");
        }
        assert_eq!(chinese("三个"), None);
        assert_eq!(
            english(
                "failed two hundred and five times, twice in one pod, a dozen before, twenty-one in a three-tier app"
            ),
            [205.0, 2.0, 12.0, 21.0]
        );
        assert_eq!(english("the first one of them"), [0.0; 0]);
        assert_eq!(vague("几十"), Some((20.0, 99.0)));
        assert_eq!(vague("上千"), Some((900.0, 9_999.0)));
        assert_eq!(vague("几个"), None);
    }
}
