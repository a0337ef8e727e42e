//! Takes a masked text apart into atoms and what stands between them.
//!
//! In: masked text. Out: [`Tokens`]: the pieces of the text, which joined give the text back, and their keys, by which two texts are
//! compared. A word with a placeholder in it is as good as the placeholder (`blk_<num>`, `checkout-<pod>`), runs of spaces count as
//! one, a list of values counts as one value, since the next line has another number of them, and so does a value that is missing.
//!
//! Chinese is written without spaces, and a name stands in the middle of what is said of it: `用户张三登录失败`. Its first and last two characters
//! are words of their own, so that only what stands between them can vary.

use super::ANY;

/// More words than this are a sentence and no value.
const QUOTED_WORDS: usize = 4;
/// Chinese characters at either end of a run that say what it is about; most words have two.
const ENDS: usize = 2;

/// A masked text in pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tokens<'a> {
    pub pieces: Vec<Piece<'a>>,
    /// What is compared.
    pub keys: Vec<&'a str>,
    /// Of each key, whether it is a place that mining opened, and no placeholder of the mask.
    pub open: Vec<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub text: &'a str,
    pub atom: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut tokens = Self::default();
        tokens.read(text, true);
        tokens
    }

    /// Takes the next text apart, without allocating once there is room.
    pub(super) fn reuse(&mut self, text: &'a str) {
        self.read(text, true);
    }

    /// With each value of a list on its own: in the text of a template, neighbouring places need not be a list.
    pub(super) fn each_value(text: &'a str) -> Self {
        let mut tokens = Self::default();
        tokens.read(text, false);
        tokens
    }

    fn read(&mut self, text: &'a str, lists: bool) {
        self.pieces.clear();
        self.keys.clear();
        self.open.clear();
        let mut rest = text;
        while !rest.is_empty() {
            let (len, variable) = quoted(&self.keys, rest).unwrap_or_else(|| atom(rest));
            if len > 0 {
                for part in parts(&rest[..len]) {
                    self.push(part, true, if variable { ANY } else { part }, lists);
                }
                rest = &rest[len..];
            } else {
                let len = separator(rest);
                let key = if rest.starts_with(' ') {
                    " "
                } else {
                    &rest[..len]
                };
                self.push(&rest[..len], false, key, lists);
                rest = &rest[len..];
            }
        }
    }

    fn push(&mut self, text: &'a str, atom: bool, key: &'a str, lists: bool) {
        // A missing value is a value: `user= ` and `()` are written by the statement that writes `user=root` and `(root)`.
        let missing = matches!(
            (self.keys.last(), key),
            (Some(&"("), ")")
                | (Some(&"["), "]")
                | (Some(&"{"), "}")
                | (Some(&"="), " " | "," | ";" | ")" | "&")
                | (Some(&"\""), "\"")
        );
        if missing {
            self.keys.push(ANY);
            self.open.push(false);
        }
        self.pieces.push(Piece { text, atom });
        self.keys.push(key);
        self.open.push(key == ANY && text.contains(ANY));
        // `<*>, <*>` and `<*> <*>` and `<*>,<*>` are lists.
        if lists && key == ANY {
            let n = self.keys.len();
            let list = match self.keys[..n - 1] {
                [.., ANY, "," | " "] => 2,
                [.., ANY, ",", " "] => 3,
                _ => 0,
            };
            self.keys.truncate(n - list);
            let open = self.open.drain(n - list..).any(|open| open);
            if let Some(first) = self.open.last_mut() {
                *first |= open;
            }
        }
    }
}

/// Length of a quoted value of several words, and whether it holds a placeholder: `name="View Lock"` is written by the statement that writes
/// `name="telephony"`. What is quoted to say something (`msg="..."`, `err="..."`) is a text like any other, and so is a request.
fn quoted(before: &[&str], text: &str) -> Option<(usize, bool)> {
    const SAYS: [&str; 12] = [
        "msg",
        "message",
        "err",
        "error",
        "reason",
        "cause",
        "event",
        "log",
        "text",
        "detail",
        "status",
        "exception",
    ];
    let [.., key, "=", "\""] = before else {
        return None;
    };
    let len = memchr::memchr(b'"', text.as_bytes())?;
    let value = &text[..len];
    let words = 1 + memchr::memchr_iter(b' ', value.as_bytes()).count();
    let method = value.split(' ').next().is_some_and(super::group::is_fixed);
    let says = SAYS.iter().any(|s| key.eq_ignore_ascii_case(s));
    (!says && !method && (2..=QUOTED_WORDS).contains(&words))
        .then(|| (len, super::signature(value).contains(ANY)))
}

/// Length of the atom at the beginning of `text`, and whether it holds a placeholder. Chinese and Latin words are separate atoms.
fn atom(text: &str) -> (usize, bool) {
    let bytes = text.as_bytes();
    let (mut i, mut variable) = (0, false);
    while i < bytes.len() {
        let b = bytes[i];
        // Dots that lead the eye to a value: `threshold....<num>`.
        if bytes[i..].starts_with(b"..") {
            break;
        }
        if b == b'<' {
            let len = super::placeholder(&text[i..]);
            if len == 0 {
                break;
            }
            variable = true;
            i += len;
        } else if b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'_' | b'-'
                    | b'.'
                    | b'/'
                    | b'\\'
                    | b'#'
                    | b'@'
                    | b'$'
                    | b'%'
                    | b'*'
                    | b'&'
                    | b'+'
                    | b'~'
                    | b'^'
            )
        {
            i += 1;
        } else {
            break;
        }
    }
    if i == 0 {
        let len = text
            .find(|c: char| c.is_ascii() || !c.is_alphanumeric())
            .unwrap_or(text.len());
        return (len, false);
    }
    (i, variable)
}

/// An atom, or the beginning, the middle and the end of a run of Chinese characters that is long enough to have them.
fn parts(atom: &str) -> impl Iterator<Item = &str> {
    let ends = is_chinese(atom).then(|| {
        let head = atom.char_indices().nth(ENDS)?.0;
        let tail = atom.char_indices().nth_back(ENDS - 1)?.0;
        (head < tail).then_some((head, tail))
    });
    let (head, tail) = ends.flatten().unwrap_or((atom.len(), atom.len()));
    let parts = [&atom[..head], &atom[head..tail], &atom[tail..]];
    parts.into_iter().filter(|part| !part.is_empty())
}

/// Whether all characters are Chinese ones.
pub(super) fn is_chinese(text: &str) -> bool {
    text.starts_with(|c: char| !c.is_ascii())
        && text
            .chars()
            .all(|c| matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'))
}

/// Length of what separates atoms: a run of spaces or dots, or one other character.
fn separator(text: &str) -> usize {
    let run = |of: u8| text.bytes().take_while(|b| *b == of).count();
    match run(b' ').max(run(b'.')) {
        0 => text.chars().next().map_or(0, char::len_utf8),
        n => n,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_placeholders_and_lists_of_them_are_one_value() {
        for (text, keys) in [
            ("delete blk_<num>, blk_<num> now", "delete/ /<*>/ /now"),
            ("user=u<num> x", "user/=/<*>/ /x"),
            ("批次<num>处理完成, ok", "批次/<*>/处理完成/,/ /ok"),
            ("用户张三登录失败: x", "用户/张三登录/失败/:/ /x"),
            ("用户<*>失败", "用户/<*>/失败"),
            ("depth....<num>", "depth/..../<*>"),
            ("user= x()", "user/=/<*>/ /x/(/<*>/)"),
            ("a  <time>  <ip>", "a/ /<*>"),
            ("tag=\"View Lock\" x", "tag/=/\"/View Lock/\"/ /x"),
            ("tag=\"of <num>\" x", "tag/=/\"/<*>/\"/ /x"),
            ("msg=\"disk full\"", "msg/=/\"/disk/ /full/\""),
        ] {
            let tokens = Tokens::of(text);
            assert_eq!(tokens.keys.join("/"), keys, "{text}");
            assert_eq!(
                tokens.pieces.iter().map(|p| p.text).collect::<String>(),
                text
            );
        }
    }
}
