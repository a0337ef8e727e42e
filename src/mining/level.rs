//! Finds the level that a free-text line claims for itself, and how much it matters.
//!
//! In: masked text, so that it is asked once per shape and not once per line. Out: a [`Level`]. Looks where loggers write it: at the
//! beginning, in brackets, in `level=`, in klog's first letter, in redis' mark, in the status of an access log. Words such as
//! `failed` or 失败 are a weak hint: they make a line without any level a warning, never more.

use aho_corasick::{AhoCorasick, MatchKind};
use std::sync::LazyLock;

use crate::model::Level;

/// A logger writes the level near the beginning; the word ERROR at byte 500 is part of a message.
const HEAD_BYTES: usize = 120;

/// The level of a line without a level field.
#[must_use]
pub fn of_text(masked: &str) -> Level {
    claimed(masked).unwrap_or_else(|| hint(masked))
}

/// The level that the text names.
#[must_use]
pub fn claimed(masked: &str) -> Option<Level> {
    let head = &masked[..masked.floor_char_boundary(HEAD_BYTES)];
    klog(head)
        .or_else(|| redis(head))
        .or_else(|| access(masked))
        .or_else(|| word(head))
}

/// `E<time> ...`: the mask leaves klog's letter before the time.
fn klog(head: &str) -> Option<Level> {
    let level = head.get(..1)?;
    (matches!(level, "I" | "W" | "E" | "F") && head[1..].starts_with("<time>"))
        .then(|| Level::parse(level))?
}

/// `<num>:M <time> # ...`.
fn redis(head: &str) -> Option<Level> {
    let rest = head.strip_prefix("<num>:")?;
    let mark = rest.get(1..)?.strip_prefix(" <time> ")?.bytes().next()?;
    Some(match mark {
        b'#' => Level::Warn,
        b'.' => Level::Debug,
        b'*' | b'-' => Level::Info,
        _ => return None,
    })
}

/// `HTTP/1.1" 502`: the mask leaves the status of a failure readable.
fn access(masked: &str) -> Option<Level> {
    let at = masked.find(" HTTP/")?;
    let status = masked[at + 6..].split_once("\" ")?.1.trim_start();
    Some(match status.as_bytes().first()? {
        b'5' => Level::Error,
        b'4' => Level::Warn,
        _ => Level::Info,
    })
}

/// The first word that is a level: in capitals, in brackets, or after `level=`.
fn word(head: &str) -> Option<Level> {
    let mut from = 0;
    for word in head.split(|c: char| !c.is_alphabetic()) {
        let at = from;
        from += word.len()
            + head[from + word.len()..]
                .chars()
                .next()
                .map_or(0, char::len_utf8);
        if !(3..=11).contains(&word.len()) && !matches!(word, "错误" | "警告" | "严重" | "信息")
        {
            continue;
        }
        let before = head[..at].trim_end_matches(['"', ' ']);
        let keyed = ["level=", "lvl=", "severity=", "level\":", "level:"]
            .iter()
            .any(|key| before.ends_with(key));
        let bracketed = head[..at].ends_with(['[', '【', '<', '('])
            && head[at + word.len()..].starts_with([']', '】', '>', ')']);
        let capital = word.bytes().all(|b| b.is_ascii_uppercase());
        let leading = at == 0 && head[word.len()..].starts_with(':');
        if (keyed || bracketed || capital || leading)
            && let Some(level) = Level::parse(word)
        {
            return Some(level);
        }
    }
    None
}

/// Words of failure in a line that names no level.
fn hint(masked: &str) -> Level {
    static WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostFirst)
            .build([
                "traceback (most recent",
                "panic:",
                "panicked at",
                "fatal",
                "exception",
                "error",
                "failed",
                "failure",
                "refused",
                "timed out",
                "timeout",
                "denied",
                "out of memory",
                "oom",
                "unreachable",
                "cannot ",
                "unable to",
                "失败",
                "异常",
                "错误",
                "超时",
                "拒绝",
                "无法",
                "崩溃",
                "不可用",
            ])
            .ok()
    });
    let Some(found) = WORDS.as_ref().and_then(|words| words.find(masked)) else {
        return Level::Info;
    };
    if found.pattern().as_usize() < 3 {
        Level::Error
    } else {
        Level::Warn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_logger_claims_its_level_in_its_own_way() {
        for (text, level) in [
            ("<time> ERROR [main] c.s.A - x", Level::Error),
            (
                "[<time>] WARN [SocketServer] Unexpected error from x",
                Level::Warn,
            ),
            (
                "E<time>  <num> controller.go:<num>] Operation cannot be fulfilled",
                Level::Error,
            ),
            (
                "<num>:M <time> # Can't save in background: fork",
                Level::Warn,
            ),
            ("<num>:M <time> * <num> changes", Level::Info),
            (
                "<ip> - - [<time>] \"GET <path> HTTP/1.1\" 502 <num> \"-\"",
                Level::Error,
            ),
            (
                "<ip> - - [<time>] \"GET <path> HTTP/1.1\" 404 <num> \"-\"",
                Level::Warn,
            ),
            (
                "<ip> - - [<time>] \"GET <path> HTTP/1.1\" <num> <num> \"-\"",
                Level::Info,
            ),
            (
                "logger=context t=<time> level=error msg=\"x\"",
                Level::Error,
            ),
            (
                "<time> [error] <num>#<num>: *<num> connect() failed",
                Level::Error,
            ),
            (
                "<time> <num> [Warning] [MY-<num>] [Server] IP address",
                Level::Warn,
            ),
            ("连接数据库失败, 重试中", Level::Warn),
            ("errors: none", Level::Warn),
            ("order created", Level::Info),
            ("panic: runtime error: index out of range", Level::Fatal),
        ] {
            assert_eq!(of_text(text), level, "{text}");
        }
    }
}
