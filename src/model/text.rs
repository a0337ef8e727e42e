//! Text of strangers made harmless to look at.
//!
//! In: anything. Out: the same words on one line, without characters that hide, reorder or break text. Keeps Markdown and quotes: who renders
//! knows which of these matter. Does not redact: that is done at intake.

use std::borrow::Cow;

/// Control characters and line breaks become single spaces; zero-width and bidirectional controls go away.
///
/// ```
/// # use gengfu::model::visible;
/// assert_eq!(visible("a\u{202e}b\u{7}\r\n  c"), "ab c");
/// ```
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        if c.is_control() || gap && c == ' ' {
            gap = true;
            continue;
        }
        if gap && !shown.is_empty() && !shown.ends_with(' ') {
            shown.push(' ');
        }
        gap = false;
        shown.push(c);
    }
    Cow::Owned(shown)
}

/// The same for text of several lines: line breaks and tabs stay, what hides or reorders text goes away.
///
/// ```
/// # use gengfu::model::plain;
/// assert_eq!(plain("a\u{202e}b\u{1b}[31m\n\tc"), "ab[31m\n\tc");
/// ```
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    let stays = |c: char| matches!(c, '\n' | '\t') || !(c.is_control() || is_invisible(c));
    if text.chars().all(stays) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| stays(*c)).collect())
}

/// Zero-width characters, bidirectional controls, variation selectors, tags: shown as nothing, read by machines.
#[must_use]
pub const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}
