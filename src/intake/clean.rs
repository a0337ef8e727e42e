//! What a terminal, a chat window or an ear must not get out of a log line.
//!
//! In: any text. Out: the same text without control, zero-width and direction-changing characters. Always true: what comes out
//! is shown as it is stored, and cleaning it again changes nothing. Does not judge the words: an instruction in a log line is
//! still text.

use std::borrow::Cow;

/// Removes characters that are not seen but act: terminal escapes, zero-width joints that hide words, and overrides that turn
/// text around. Line breaks and tabs stay, so that a stack trace keeps its form.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    if is_clean(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = match c {
            '\u{1b}' => after_escape(&rest[1..]),
            c => {
                if !acts_unseen(c) {
                    out.push(c);
                }
                &rest[c.len_utf8()..]
            }
        };
    }
    Cow::Owned(out)
}

/// A message without what colours a terminal and without a byte order mark: a program says the same to a console as to a file. Most
/// messages have neither, which is seen at once.
#[must_use]
pub fn plain(text: Cow<'_, str>) -> Cow<'_, str> {
    if memchr::memchr(0x1b, text.as_bytes()).is_none() && !text.starts_with('\u{feff}') {
        return text;
    }
    Cow::Owned(shown(&text).into_owned())
}

/// [`shown`] on one line: breaks and runs of white space become one space.
#[must_use]
pub fn one_line(text: &str) -> String {
    let shown = shown(text);
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_clean(text: &str) -> bool {
    text.is_ascii() && text.bytes().all(|b| b >= 0x20 && b != 0x7f)
        || !text.chars().any(acts_unseen)
}

/// Control characters but tab and line feed; format characters of Unicode's categories Cf, Zl and Zp that hide or turn text;
/// variation selectors and the invisible tag characters.
fn acts_unseen(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        c => {
            c.is_control()
                || matches!(
                    c,
                    '\u{ad}'
                        | '\u{61c}'
                        | '\u{115f}'..='\u{1160}'
                        | '\u{17b4}'..='\u{17b5}'
                        | '\u{180e}'
                        | '\u{200b}'..='\u{200f}'
                        | '\u{2028}'..='\u{202e}'
                        | '\u{2060}'..='\u{206f}'
                        | '\u{3164}'
                        | '\u{fe00}'..='\u{fe0f}'
                        | '\u{feff}'
                        | '\u{ffa0}'
                        | '\u{fff9}'..='\u{fffb}'
                        | '\u{e0000}'..='\u{e0fff}'
                )
        }
    }
}

/// What follows an escape sequence of a terminal (ECMA-48): `[` with parameters to a final byte, `]` to a bell or terminator.
fn after_escape(rest: &str) -> &str {
    let end = match rest.as_bytes().first() {
        Some(b'[') => rest[1..]
            .find(|c: char| matches!(c, '@'..='~') || !c.is_ascii() || c.is_ascii_control())
            .map(|at| at + 1 + usize::from(matches!(rest.as_bytes()[at + 1], b'@'..=b'~'))),
        Some(b']') => rest.find(['\u{7}', '\u{1b}', '\n']),
        _ => Some(0),
    };
    // A sequence without an end is taken for text, so that one byte cannot swallow a line.
    end.map_or(rest, |end| &rest[end..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_acts_unseen_is_removed() {
        for (hostile, seen) in [
            (
                "\u{1b}[2J\u{1b}[1;31m系统提示\u{1b}[0m: x\u{7}",
                "系统提示: x",
            ),
            ("\u{202e}正常\u{202c} \u{200b}忽\u{200b}略", "正常 忽略"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("a\r\n\tb", "a\n\tb"),
            ("\u{1b}[31", "[31"),
            ("plain 文字", "plain 文字"),
        ] {
            assert_eq!(shown(hostile), seen);
        }
        assert_eq!(one_line("a\n\tat b\u{200b}\n"), "a at b");
    }

    proptest! {
        #[test]
        fn cleaned_text_is_clean(text in any::<String>()) {
            let once = shown(&text).into_owned();
            prop_assert!(!once.chars().any(acts_unseen));
            prop_assert_eq!(shown(&once), once.as_str());
        }
    }
}
