//! Secrets that are recognised by what stands around them or by how they begin.
//!
//! In: a text. Out: where secrets stand. Always true: ranges lie on character borders. A name is followed by a value in the forms
//! `k=v`, `k: v`, `"k":"v"` (also escaped), `--k v`, `k 为 v` and `{"name":"K","value":"v"}`; a sentence about passwords has none.

use std::{ops::Range, sync::LazyLock};

use aho_corasick::AhoCorasick;

use super::{
    Hit, SECRET,
    forms::{basic, bearer, data_source, jwt, key, looks_random, pem_end, user_info},
    names::{self, Kind},
};

/// What is looked for, and what it means when found.
const WORDS: &[(&str, Word)] = &[
    ("password", Word::Name),
    ("passwd", Word::Name),
    ("passphrase", Word::Name),
    ("pwd", Word::Name),
    ("secret", Word::Name),
    ("token", Word::Name),
    ("apikey", Word::Name),
    ("api_key", Word::Name),
    ("api-key", Word::Name),
    ("access_key", Word::Name),
    ("access-key", Word::Name),
    ("accesskey", Word::Name),
    ("private_key", Word::Name),
    ("private-key", Word::Name),
    ("privatekey", Word::Name),
    ("credential", Word::Name),
    ("authorization", Word::Name),
    ("cookie", Word::Name),
    ("密码", Word::Name),
    ("口令", Word::Name),
    ("密钥", Word::Name),
    ("令牌", Word::Name),
    ("bearer ", Word::Bearer),
    ("basic ", Word::Basic),
    ("akid", Word::Key("AKID", 13)),
    ("akia", Word::Key("AKIA", 16)),
    ("ltai", Word::Key("LTAI", 12)),
    ("ghp_", Word::Key("ghp_", 30)),
    ("gho_", Word::Key("gho_", 30)),
    ("github_pat_", Word::Key("github_pat_", 20)),
    ("glpat-", Word::Key("glpat-", 20)),
    ("sk-", Word::Key("sk-", 32)),
    ("xoxb-", Word::Key("xoxb-", 20)),
    ("eyj", Word::Jwt),
    ("-----begin", Word::Pem),
    ("://", Word::Url),
    ("@tcp(", Word::Dsn),
];

#[derive(Debug, Clone, Copy)]
enum Word {
    /// The name, or a part of the name, of a value.
    Name,
    Bearer,
    Basic,
    /// The beginning of a key, as it is written, and how many letters and digits follow at least.
    Key(&'static str, usize),
    Jwt,
    Pem,
    Url,
    /// Behind user and password in a Go data source name.
    Dsn,
}

static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(WORDS.iter().map(|(word, _)| word))
        .ok()
});

pub(super) fn hits(text: &str) -> Vec<Hit> {
    // The words are constant, so building cannot fail in one program and succeed in another; a test holds it.
    let Some(search) = &*SEARCH else {
        return Vec::new();
    };
    search
        .find_iter(text)
        .filter_map(|found| {
            let (start, end) = (found.start(), found.end());
            match WORDS[found.pattern().as_usize()].1 {
                Word::Name => named(text, start, end),
                Word::Bearer => bearer(text, end),
                Word::Basic => basic(text, end),
                Word::Key(head, min) => key(text, start, head, min),
                Word::Jwt => jwt(text, start),
                Word::Pem => Some(start..pem_end(text, end)),
                Word::Url => user_info(text, end),
                Word::Dsn => data_source(text, start),
            }
        })
        .filter(|range| !range.is_empty())
        .map(|range| (range, SECRET))
        .collect()
}

/// Whether a value under a secret's name shows that there is no secret: nothing, a mask, a variable, a word about it.
pub(super) fn is_harmless(name: &str, value: &str) -> bool {
    const WORDS: &[&str] = &[
        "yes",
        "no",
        "true",
        "false",
        "null",
        "none",
        "nil",
        "empty",
        "required",
        "incorrect",
        "invalid",
        "expired",
        "wrong",
        "missing",
        "failed",
        "rejected",
        "denied",
        "not",
        "is",
        "was",
        "ok",
        "valid",
        "for",
        "has",
        "must",
        "mismatch",
        "changed",
        "undefined",
        "unauthorized",
        "unknown",
        "错误",
        "不正确",
        "无效",
        "过期",
        "为空",
        "已过期",
    ];
    let value = value.trim();
    let is_mask = value
        .chars()
        .all(|c| matches!(c, '*' | 'x' | 'X' | '•' | '.'));
    let is_variable = is_placeholder(value)
        || ["{{", "%(", "sha256:"]
            .iter()
            .any(|head| value.starts_with(head));
    let is_word = WORDS.iter().any(|word| value.eq_ignore_ascii_case(word));
    // The shell's working directory is called PWD.
    let is_path = value.starts_with('/') && matches!(name, "PWD" | "pwd" | "OLDPWD");
    let is_object = names::kind(name) == Some(Kind::Secret) && is_object_name(value);
    is_mask || is_variable || is_word || is_path || is_object
}

/// `$NAME`, `${NAME}`, `$(command)`, `<your password>`: what stands for a value. A password may begin with either sign.
fn is_placeholder(value: &str) -> bool {
    if let Some(name) = value.strip_prefix('$') {
        let is_name = |n: &str| {
            let rest = n.trim_start_matches(|c: char| c.is_ascii_uppercase() || c == '_');
            !n.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()) && rest.len() < n.len()
        };
        return is_name(name) || name.starts_with(['{', '(']);
    }
    // Cut at a blank, the rest of the placeholder stands behind.
    value.strip_prefix('<').is_some_and(|words| {
        let words = words.trim_end_matches('>');
        words
            .chars()
            .all(|c| c.is_alphabetic() || matches!(c, '-' | '_' | ' '))
    })
}

/// The value that belongs to the name of which `start..end` is a part.
fn named(text: &str, start: usize, end: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let in_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let from = start
        - bytes[..start]
            .iter()
            .rev()
            .take_while(|b| in_name(b))
            .count();
    let to = end + bytes[end..].iter().take_while(|b| in_name(b)).count();
    let name = &text[from..to];
    let kind = names::kind(name.trim_end_matches(['.', '-']))?;
    let rest = &text[to..];
    let (value_at, link) = link(rest, name.starts_with("--"))?;
    let value_at = to + value_at;
    let value = value(text, value_at, kind)?;
    let said = &text[value.clone()];
    let quoted = value.start > value_at;
    let sure = link != Link::Says || quoted || kind == Kind::Header;
    let keeps = is_harmless(name, said)
        || !sure && kind != Kind::Password && !looks_random(said)
        || kind == Kind::Token && said.len() < 6 && said.bytes().all(|b| b.is_ascii_digit());
    (!keeps).then_some(value)
}

/// How a name is tied to its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// `=`, or a JSON field.
    Is,
    /// A colon: perhaps a sentence (`invalid token: expired`).
    Says,
}

/// What stands between a name and its value: where the value begins.
fn link(rest: &str, is_flag: bool) -> Option<(usize, Link)> {
    let quotes = |s: &str| s.len() - s.trim_start_matches(['\\', '"', '\'']).len();
    let spaces = |s: &str| s.len() - s.trim_start_matches([' ', '\t']).len();
    let closing = quotes(rest);
    let mut at = closing + spaces(&rest[closing..]);
    for (mark, kind) in [
        (":=", Link::Is),
        ("=>", Link::Is),
        ("==", Link::Is),
        ("=", Link::Is),
        (":", Link::Says),
        ("\u{ff1a}", Link::Says),
        ("为", Link::Says),
        ("是", Link::Says),
    ] {
        if rest[at..].starts_with(mark) {
            at += mark.len();
            at += spaces(&rest[at..]);
            return Some((at, if closing > 0 { Link::Is } else { kind }));
        }
    }
    if closing > 0 && rest[at..].starts_with(',') {
        // An environment variable of a pod: the name is itself a value, and the field behind it has what we look for.
        let behind = rest[at + 1..].trim_start_matches([' ', '\\', '"', '\'']);
        let behind = behind.strip_prefix("value")?;
        let skipped = rest.len() - behind.len();
        let (value_at, _) = link(behind, false)?;
        return Some((skipped + value_at, Link::Is));
    }
    (is_flag && at > closing).then_some((at, Link::Is))
}

/// The extent of a value that begins at `at`, without its quotes.
fn value(text: &str, at: usize, kind: Kind) -> Option<Range<usize>> {
    let rest = &text[at..];
    let escapes = rest.len() - rest.trim_start_matches('\\').len();
    let quote = rest[escapes..]
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote {
        let start = at + escapes + 1;
        return Some(start..start + closing_quote(&text[start..], quote, escapes));
    }
    if rest.starts_with(['{', '[']) {
        return None;
    }
    if kind == Kind::Header {
        let end = rest
            .find(['\n', '\r', '"', '\'', '\\'])
            .unwrap_or(rest.len());
        return Some(at..at + rest[..end].trim_end().len());
    }
    let is_end = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '&' | ','
                    | ';'
                    | '"'
                    | '\''
                    | '\\'
                    | ')'
                    | '}'
                    | ']'
                    | '|'
                    | '\u{ff0c}'
                    | '\u{3002}'
                    | '\u{ff1b}'
                    | '\u{ff09}'
            )
    };
    Some(at..at + rest.find(is_end).unwrap_or(rest.len()))
}

/// Length of a quoted text whose opening quote had `escapes` backslashes: that many or fewer close it, more are part of it.
fn closing_quote(rest: &str, quote: char, escapes: usize) -> usize {
    let mut backslashes = 0;
    for (i, c) in rest.char_indices() {
        match c {
            '\\' => backslashes += 1,
            c if c == quote => {
                let closes = match escapes {
                    0 => backslashes % 2 == 0,
                    n => backslashes <= n,
                };
                if closes {
                    return if escapes == 0 { i } else { i - backslashes };
                }
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
    }
    rest.len()
}

/// Names of Kubernetes objects are lower case with dashes and without the look of noise.
fn is_object_name(value: &str) -> bool {
    value
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'/'))
        && (value.contains(['-', '/', '.']) || !value.bytes().any(|b| b.is_ascii_digit()))
}
