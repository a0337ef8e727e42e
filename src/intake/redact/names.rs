//! What the name of a field says about its value.
//!
//! In: a name as it stands in a log (`DB_PASSWORD`, `x-api-key`, `spring.datasource.password`). Out: whether its value is a
//! secret, or a number that only looks like a phone. Case and separators do not matter.

use std::sync::LazyLock;

/// How sure a name makes us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing but a password is called so.
    Password,
    /// Keys and tokens; the words also stand in sentences about them.
    Token,
    /// Kubernetes calls objects so, and programs the content of such objects.
    Secret,
    /// A header whose value goes on to the end of the line.
    Header,
}

/// Ends of normalised names, the longer first where one contains another.
const ENDS: &[(&str, Kind)] = &[
    ("password", Kind::Password),
    ("passwd", Kind::Password),
    ("passphrase", Kind::Password),
    ("pwd", Kind::Password),
    ("密码", Kind::Password),
    ("口令", Kind::Password),
    ("secretkey", Kind::Token),
    ("secretid", Kind::Token),
    ("clientsecret", Kind::Token),
    ("appsecret", Kind::Token),
    ("token", Kind::Token),
    ("apikey", Kind::Token),
    ("accesskey", Kind::Token),
    ("accesskeysecret", Kind::Token),
    ("accesskeyid", Kind::Token),
    ("privatekey", Kind::Token),
    ("credential", Kind::Token),
    ("credentials", Kind::Token),
    ("密钥", Kind::Token),
    ("令牌", Kind::Token),
    ("secret", Kind::Secret),
    ("authorization", Kind::Header),
    ("cookie", Kind::Header),
];

/// Ends of names of numbers that are long without being anybody's.
const NUMBERS: &[&str] = &[
    "orderid",
    "orderno",
    "ordernumber",
    "order",
    "traceid",
    "spanid",
    "requestid",
    "reqid",
    "offset",
    "bytes",
    "size",
    "length",
    "ns",
    "nanos",
    "duration",
    "elapsed",
    "timestamp",
    "time",
    "ts",
    "seq",
    "sequence",
    "version",
    "generation",
    "lsn",
    "订单",
    "订单号",
    "单号",
    "流水号",
    "编号",
];

pub(super) fn kind(name: &str) -> Option<Kind> {
    let mut buffer = [0; TAIL];
    let tail = tail(name, &mut buffer);
    if !may_end(tail, &ENDS_LAST) {
        return None;
    }
    ENDS.iter()
        .find(|(end, _)| tail.ends_with(end.as_bytes()))
        .map(|(_, kind)| *kind)
}

/// The last bytes of the names, by which most others are told at once.
static ENDS_LAST: LazyLock<[bool; 256]> =
    LazyLock::new(|| last_of(ENDS.iter().map(|(end, _)| *end)));
static NUMBERS_LAST: LazyLock<[bool; 256]> = LazyLock::new(|| last_of(NUMBERS.iter().copied()));

fn last_of(names: impl Iterator<Item = &'static str>) -> [bool; 256] {
    let mut table = [false; 256];
    for last in names.filter_map(|name| name.bytes().last()) {
        table[usize::from(last)] = true;
    }
    table
}

fn may_end(tail: &[u8], last: &[bool; 256]) -> bool {
    tail.last().is_some_and(|b| last[usize::from(*b)])
}

pub(super) fn is_secret(name: &str) -> bool {
    // The shortest of the names has two characters of three bytes, or three letters.
    name.len() >= 3 && kind(name).is_some()
}

/// Whether a long number under this name is just a number.
pub(super) fn is_plain_number(name: &str) -> bool {
    let mut buffer = [0; TAIL];
    let tail = tail(name, &mut buffer);
    may_end(tail, &NUMBERS_LAST) && NUMBERS.iter().any(|end| tail.ends_with(end.as_bytes()))
}

/// Longer than the longest of the ends.
const TAIL: usize = 32;

/// The end of a name without case and separators. Every field of every line comes by here, so nothing is allocated.
fn tail<'b>(name: &str, buffer: &'b mut [u8; TAIL]) -> &'b [u8] {
    let mut at = TAIL;
    for c in name.chars().rev().filter(|c| c.is_alphanumeric()) {
        let Some(start) = at.checked_sub(c.len_utf8()) else {
            break;
        };
        c.to_ascii_lowercase().encode_utf8(&mut buffer[start..]);
        at = start;
    }
    &buffer[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_names_about_secrets() {
        for name in [
            "DB_PASSWORD",
            "x-api-key",
            "spring.datasource.password",
            "accessToken",
            "secretKey",
            "Set-Cookie",
            "--token",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "secretName",
            "imagePullSecrets",
            "tokenExpirationSeconds",
            "max_tokens",
            "author",
            "key",
            "authorization.k8s.io/decision",
            "cookies_enabled",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
