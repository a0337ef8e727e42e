//! What a log line says, without what stands before it for machines.
//!
//! In: a line of an application's log. Out: its message: time, level, thread, logger and ids in front are left out; of an access log the request and its
//! status. Knows the common shapes of logs, no program; what it does not know stays as it is.

/// The part of a line that is worth hearing.
pub(super) fn gist(line: &str) -> String {
    if let Some(request) = request(line) {
        return request;
    }
    let mut rest = line.trim();
    while let Some(after) = without_head(rest) {
        rest = after;
    }
    // Nothing but a head: then that is what it says.
    if rest.is_empty() { line } else { rest }.to_owned()
}

/// `GET /api/orders 500` of an access log.
fn request(line: &str) -> Option<String> {
    let (_, quoted) = line.split_once('"')?;
    let (request, after) = quoted.split_once('"')?;
    let mut words = request.split(' ');
    let (method, path) = (words.next()?, words.next()?);
    let is_method =
        (3..=7).contains(&method.len()) && method.bytes().all(|b| b.is_ascii_uppercase());
    let status = after.split_whitespace().next()?;
    let is_status = status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit());
    let path = path.split('?').next()?.replace('/', " ");
    (is_method && is_status && words.next()?.starts_with("HTTP"))
        .then(|| format!("{method}{path} {status}"))
}

/// The line after one thing that only machines need; `None` when the message begins.
fn without_head(rest: &str) -> Option<&str> {
    if let Some(inside) = rest.strip_prefix('[') {
        return inside.split_once(']').map(|(_, after)| after.trim_start());
    }
    let (word, after) = rest.split_once(char::is_whitespace)?;
    (is_time(word) || is_level(word) || is_logger(word) || is_id(word) || is_sign(word))
        .then(|| after.trim_start())
}

/// A date, a time of day, or both.
fn is_time(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let signs = word.bytes().filter(|b| b":-/.,TZ+".contains(b)).count();
    digits >= 4 && signs >= 2 && digits + signs == word.len()
}

fn is_level(word: &str) -> bool {
    let level = word.trim_matches(|c: char| !c.is_ascii_alphabetic());
    [
        "TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL",
    ]
    .iter()
    .any(|l| level.eq_ignore_ascii_case(l))
}

/// `c.d.orders.Handler`, `handler.go:42:`.
fn is_logger(word: &str) -> bool {
    let word = word.trim_end_matches(':');
    let parts: Vec<&str> = word.split('.').collect();
    let named = |p: &&str| {
        !p.is_empty()
            && p.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_$".contains(&b))
    };
    let dotted = parts.len() >= 3
        && parts.iter().all(named)
        && parts[0].starts_with(|c: char| c.is_ascii_alphabetic());
    let source = word.rsplit_once(':').is_some_and(|(file, line)| {
        file.contains('.') && !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit())
    });
    dotted || source
}

/// `traceId=a44867423bd4bc91`: told by its name it says nothing to the ear.
fn is_id(word: &str) -> bool {
    word.split_once('=').is_some_and(|(_, value)| {
        let hex = value
            .bytes()
            .filter(|b| b.is_ascii_hexdigit() || *b == b'-')
            .count();
        value.len() >= 8 && hex == value.len()
    })
}

fn is_sign(word: &str) -> bool {
    word.chars().all(|c| "-:|>".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_line_is_left_out() {
        for (line, said) in [
            (
                "2026-11-28T10:03:05.267+08:00 ERROR [http-nio-8080-exec-20] c.d.orders.Handler traceId=548528ab1dce6556 - call billing failed",
                "call billing failed",
            ),
            (
                "2026/11/28 10:03:05 handler.go:42: dial tcp: i/o timeout",
                "dial tcp: i/o timeout",
            ),
            (
                "10.1.2.3 - - [28/Nov/2026:10:03:05 +0800] \"GET /api/orders?id=1 HTTP/1.1\" 500 5522 \"-\"",
                "GET api orders 500",
            ),
            ("Back-off pulling image", "Back-off pulling image"),
            ("ERROR", "ERROR"),
        ] {
            assert_eq!(gist(line), said);
        }
    }
}
