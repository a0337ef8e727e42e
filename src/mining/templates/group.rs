//! Joins texts that differ only in words that vary.
//!
//! In: distinct sequences of keys. Out: for each its sequence with the varying words replaced by [`ANY`]. A word varies when enough
//! different words stand at its place while all else is equal; how many are enough depends on what stands before it: after `user=` two
//! are, at the beginning of a message none.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;
use xxhash_rust::xxh3::xxh3_64;

use super::{ANY, together};

/// Different words from which on a place varies that nothing marks as a value.
const WORDS: usize = 6;
/// The same where a value is expected: after `=`, `:`, in quotes, or after a word such as `user`.
pub(super) const VALUES: usize = 3;
/// The same when all words there have digits: people do not number their sentences.
const NUMBERED: usize = 2;
/// Passes: each may open places that make further texts equal.
const PASSES: usize = 3;

/// The sequences with their varying words replaced. `sequences` must be distinct and sorted.
pub(super) fn join<'a>(sequences: &[Vec<&'a str>]) -> Vec<Vec<&'a str>> {
    let mut out = sequences.to_vec();
    for _ in 0..PASSES {
        let mut distinct: Vec<&Vec<&str>> = out.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let opened = open(&distinct);
        if opened.is_empty() {
            break;
        }
        let opened: HashMap<Vec<&str>, Vec<usize>> = opened
            .into_iter()
            .map(|(i, places)| (distinct[i].clone(), places))
            .collect();
        for sequence in &mut out {
            if let Some(places) = opened.get(sequence) {
                for place in places {
                    sequence[*place] = ANY;
                }
            }
        }
    }
    out
}

/// The places to open in each sequence.
fn open(sequences: &[&Vec<&str>]) -> HashMap<usize, Vec<usize>> {
    let mut alike: HashMap<(usize, u64), Vec<usize>, FxBuildHasher> = HashMap::default();
    let (mut heads, mut tails) = (Vec::new(), Vec::new());
    for (i, sequence) in sequences.iter().enumerate() {
        running(sequence.iter(), &mut heads);
        running(sequence.iter().rev(), &mut tails);
        for (hole, key) in sequence.iter().enumerate() {
            if is_word(key) {
                let rest = mix(heads[hole], tails[sequence.len() - 1 - hole]);
                alike.entry((hole, rest)).or_default().push(i);
            }
        }
    }
    let mut opened: HashMap<usize, Vec<usize>> = HashMap::new();
    for ((hole, _), members) in alike {
        if members.len() >= needed(sequences, &members, hole) {
            for i in members {
                opened.entry(i).or_default().push(hole);
            }
        }
    }
    if opened.is_empty() {
        together::open(sequences, &mut opened);
    }
    opened
}

/// How many different words at `hole` make it a place.
fn needed(sequences: &[&Vec<&str>], members: &[usize], hole: usize) -> usize {
    let words = || members.iter().map(|i| sequences[*i][hole]);
    if words().any(is_fixed) {
        return usize::MAX;
    }
    if words().all(|w| w == ANY || w.bytes().any(|b| b.is_ascii_digit())) {
        return NUMBERED;
    }
    let named = words().all(|w| w == ANY || together::is_name(w));
    let before = &sequences[members[0]][..hole];
    if before.is_empty() {
        return usize::MAX;
    }
    let marked = expects_value(before);
    match (marked, words().any(|w| w == ANY)) {
        // A value stood here already, and a value is expected.
        (true, true) => NUMBERED,
        (true, false) | (false, true) => VALUES,

        (false, false) if named => VALUES,
        (false, false) => WORDS,
    }
}

/// Whether a value comes next, whatever it looks like.
pub(super) fn expects_value(before: &[&str]) -> bool {
    match before {
        [
            ..,
            "=" | ":" | "：" | "\"" | "'" | "“" | "「" | "[" | "【" | "(" | "（",
        ]
        | [.., "=" | ":", " "] => true,
        [.., word, " "] => names_a_value(word),
        _ => false,
    }
}

/// Words after which a name or a number is expected.
fn names_a_value(word: &str) -> bool {
    matches!(
        word.to_ascii_lowercase().as_str(),
        "user"
            | "for"
            | "from"
            | "to"
            | "by"
            | "host"
            | "node"
            | "pod"
            | "port"
            | "on"
            | "at"
            | "id"
            | "name"
            | "named"
            | "file"
            | "path"
            | "class"
            | "job"
            | "task"
            | "service"
            | "of"
            | "server"
            | "client"
            | "address"
            | "device"
            | "interface"
            | "program"
            | "table"
            | "key"
            | "topic"
            | "group"
            | "用户"
            | "商户"
            | "客户"
            | "订单"
            | "账号"
            | "服务"
            | "接口"
            | "节点"
            | "主机"
            | "实例"
            | "文件"
            | "路径"
            | "任务"
            | "主题"
            | "队列"
    )
}

/// Words that say what happened, wherever they stand: HTTP methods, levels, classes of exceptions.
///
/// A number that the mask left as it is tells a failed request's status.
pub(super) fn is_fixed(word: &str) -> bool {
    // Another exception is another story.
    let thrown = word.len() > 9 && (word.ends_with("Exception") || word.ends_with("Error"));
    let status =
        word.len() == 3 && word.starts_with(['4', '5']) && word.bytes().all(|b| b.is_ascii_digit());
    status
        || thrown
        || matches!(
            word,
            "GET"
                | "POST"
                | "PUT"
                | "DELETE"
                | "PATCH"
                | "HEAD"
                | "OPTIONS"
                | "INFO"
                | "WARN"
                | "WARNING"
                | "ERROR"
                | "DEBUG"
                | "FATAL"
                | "TRACE"
                | "CRITICAL"
                | "info"
                | "warn"
                | "warning"
                | "error"
                | "debug"
                | "fatal"
        )
}

/// Whether a key may stand at an open place.
pub(super) fn is_value(key: &str) -> bool {
    !is_fixed(key) && is_word(key)
}

pub(super) fn is_word(key: &str) -> bool {
    key == ANY
        || key
            .chars()
            .next()
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '-'))
}

/// Hashes of the first 0, 1, 2 ... keys, so that a sequence without one key is hashed in one step.
fn running<'a>(keys: impl Iterator<Item = &'a &'a str>, out: &mut Vec<u64>) {
    out.clear();
    out.push(0);
    for key in keys {
        out.push(mix(out[out.len() - 1], xxh3_64(key.as_bytes())));
    }
}

/// Not commutative: the order of the keys counts.
pub(super) const fn mix(a: u64, b: u64) -> u64 {
    (a.rotate_left(23) ^ b).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
