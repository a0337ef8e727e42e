//! Numbers as people write and say them, as ASCII digits: `十一月二十一号` becomes `11月21号`.
//!
//! In and out: text. Always true: what is no number stays as it is, but full-width forms become ASCII and letters lower case. Does
//! not know dates.

/// Rewrites Chinese numerals up to 9999 and full-width characters; drops spaces between Chinese characters and digits.
pub(in crate::mcp) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = Vec::new();
    for c in text.trim().chars().map(narrow) {
        if let Some(n) = Numeral::of(c) {
            run.push(n);
            continue;
        }
        flush(&mut run, &mut out);
        out.extend(c.to_lowercase());
    }
    flush(&mut run, &mut out);
    out
}

#[derive(Clone, Copy)]
enum Numeral {
    Digit(u32),
    Unit(u32),
}

impl Numeral {
    fn of(c: char) -> Option<Self> {
        let digits = "零一二三四五六七八九";
        Some(match c {
            '〇' => Self::Digit(0),
            '两' => Self::Digit(2),
            '十' => Self::Unit(10),
            '百' => Self::Unit(100),
            '千' => Self::Unit(1000),
            _ => Self::Digit(u32::try_from(digits.chars().position(|d| d == c)?).ok()?),
        })
    }
}

/// `二〇二六` is read digit by digit, `二十一` by its units.
fn flush(run: &mut Vec<Numeral>, out: &mut String) {
    if run.iter().all(|n| matches!(n, Numeral::Digit(_))) {
        out.extend(run.iter().map(|n| match n {
            Numeral::Digit(d) | Numeral::Unit(d) => char::from_digit(*d, 10).unwrap_or('0'),
        }));
    } else {
        let (mut total, mut digit) = (0_u32, None);
        for n in run.iter() {
            match *n {
                Numeral::Digit(d) => digit = Some(d),
                Numeral::Unit(u) => total = total.saturating_add(digit.take().unwrap_or(1) * u),
            }
        }
        out.push_str(&(total.saturating_add(digit.unwrap_or(0))).to_string());
    }
    run.clear();
}

/// Full-width ASCII (`２０`, `：`) to ASCII.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => u32::from(c)
            .checked_sub(0xfee0)
            .and_then(char::from_u32)
            .unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_digits() {
        for (said, read) in [
            ("十一月二十一号", "11月21号"),
            ("二〇二六年八月七日", "2026年8月7日"),
            ("三天前", "3天前"),
            ("两天前", "2天前"),
            ("下午十点二十", "下午10点20"),
            ("十", "10"),
            ("一百零五", "105"),
            ("２０２６－１１－２１", "2026-11-21"),
            ("周五", "周5"),
            ("Yesterday", "yesterday"),
            ("昨天", "昨天"),
            ("", ""),
        ] {
            assert_eq!(plain(said), read, "{said}");
        }
    }
}
