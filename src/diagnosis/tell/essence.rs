//! What a line says, for a title: without the time, level, thread and logger that stand before it.
//!
//! In: the text of a sample line or an event. Out: one short line, cut between words. Always true: no control characters. Does not
//! translate.

/// Longest text of a line inside a title, in characters.
const CHARS: usize = 90;
/// Words that may stand before the message: date, time, level, process, dashes, application, thread, trace, logger, a colon.
const HEADER_WORDS: usize = 10;
const LEVELS: [&str; 11] = [
    "trace", "debug", "info", "notice", "warn", "warning", "error", "err", "fatal", "critical",
    "panic",
];

/// The message of `text`, with the class of the exception at its root where a stack trace follows.
pub(crate) fn of(text: &str) -> String {
    let clean = |line: &str| -> String {
        let shown = line.chars().map(|c| if c.is_control() { ' ' } else { c });
        shown.collect::<String>().trim().to_owned()
    };
    let first = clean(text.lines().next().unwrap_or_default());
    if let Some(request) = request(&first) {
        return cut(&request);
    }
    let message = without_header(&first);
    match root_exception(text).filter(|class| !message.contains(class)) {
        Some(class) => format!("{} ({class})", cut(message)),
        None => cut(message),
    }
}

/// Method, path and status of a line of an access log in the common format.
fn request(line: &str) -> Option<String> {
    let (before, rest) = line.split_once("] \"")?;
    let (request, after) = rest.split_once('"')?;
    let mut words = request.split_whitespace();
    let (method, path) = (words.next()?, words.next()?);
    let status = after.split_whitespace().next()?;
    let is_access = before.contains('[')
        && method.chars().all(|c| c.is_ascii_uppercase())
        && status.len() == 3
        && status.chars().all(|c| c.is_ascii_digit());
    let path = path.split('?').next().unwrap_or(path);
    is_access.then(|| format!("{method} {path} {status}"))
}

fn without_header(line: &str) -> &str {
    let mut rest = line;
    for _ in 0..HEADER_WORDS {
        let Some(after) = header_word(rest) else {
            break;
        };
        rest = after.trim_start();
    }
    if rest.is_empty() { line } else { rest }
}

/// What follows the first word, when that word belongs to a header.
fn header_word(rest: &str) -> Option<&str> {
    if let Some(after) = klog(rest) {
        return Some(after);
    }
    if let Some(inner) = rest.strip_prefix('[') {
        return inner.split_once(']').map(|(_, after)| after);
    }
    let (word, after) = rest.split_once(char::is_whitespace)?;
    let bare = word.trim_matches(|c: char| matches!(c, ':' | '-' | '|' | ','));
    let digits = bare.chars().filter(char::is_ascii_digit).count();
    // `31#31:` and `*470564`: process and connection of a web server.
    // `ERROR 1 --- [http-nio-8080-exec-3]`: the process, as Spring writes it.
    let is_process = digits > 0 && digits == bare.len() && after.trim_start().starts_with("--- ");
    let is_number = digits > 0
        && (word.ends_with(':') || word.starts_with('*'))
        && bare
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '#' | '*'));
    // `search.worker[7]:`
    let is_worker = word.ends_with("]:") && bare.contains('[');
    let is_time = digits >= 4
        && digits * 2 > bare.len().min(20)
        && bare.contains([':', '-', '/'])
        && !bare.contains("//")
        && bare.starts_with(|c: char| c.is_ascii_digit());
    let is_level = LEVELS.contains(&bare.to_ascii_lowercase().as_str());
    // `c.d.orders.Handler`, `app.db.pool`; a host would be part of a sentence.
    let is_logger = bare.matches('.').count() >= 2
        && bare
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '$'))
        && bare
            .rsplit('.')
            .next()
            .is_some_and(|class| class.starts_with(char::is_uppercase));
    let is_trace = bare
        .split_once('=')
        .is_some_and(|(key, _)| key.to_ascii_lowercase().ends_with("id"));
    let is_header =
        is_time || is_level || is_logger || is_trace || is_number || is_worker || is_process;
    (bare.is_empty() || is_header).then_some(after)
}

/// What follows `W1121 15:16:38.180196       1 server.go:100]`, the header of Kubernetes' own components.
fn klog(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(['I', 'W', 'E', 'F'])?;
    let is_date = rest.len() > 4 && rest.as_bytes()[..4].iter().all(u8::is_ascii_digit);
    let (header, after) = rest.split_once(']')?;
    let place = header.rsplit(' ').next()?;
    (is_date && header.len() < 80 && place.contains(".go:")).then_some(after)
}

/// The class, without its package, of the last exception of a chain.
fn root_exception(text: &str) -> Option<&str> {
    let line = text
        .lines()
        .rev()
        .find_map(|l| l.trim().strip_prefix("Caused by: "))?;
    let class = line.split([':', ' ']).next()?.rsplit('.').next()?;
    let is_class = class.len() > 3 && class.chars().all(|c| c.is_ascii_alphanumeric() || c == '$');
    is_class.then_some(class)
}

/// At most [`CHARS`] characters, cut between words where there are any.
fn cut(text: &str) -> String {
    let Some((at, _)) = text.char_indices().nth(CHARS) else {
        return text.to_owned();
    };
    let head = &text[..at];
    let whole = head
        .rfind(char::is_whitespace)
        .filter(|space| space * 2 > at);
    format!(
        "{}…",
        head[..whole.unwrap_or(at)].trim_end_matches([' ', ',', ':', ';'])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_says_the_message_and_not_the_header_before_it() {
        let java = "2026-11-23T20:00:22.145+08:00 ERROR [http-nio-8080-exec-33] c.d.orders.Handler traceId=97 - courier call failed javax.net.ssl.SSLHandshakeException: PKIX\n\tat a.b(C.java:1)\nCaused by: java.security.cert.CertificateExpiredException: NotAfter: x";
        assert_eq!(
            of(java),
            "courier call failed javax.net.ssl.SSLHandshakeException: PKIX (CertificateExpiredException)"
        );
        assert_eq!(
            of("2026-11-21 10:00:01,123 - ERROR - payment gateway said no"),
            "payment gateway said no"
        );
        assert_eq!(
            of("call orders failed: timeout"),
            "call orders failed: timeout"
        );
        assert_eq!(
            of("0/5 nodes are available: 5 Insufficient memory."),
            "0/5 nodes are available: 5 Insufficient memory."
        );
    }

    #[test]
    fn headers_of_components_servers_and_workers_are_left_out() {
        for line in [
            "W1121 15:16:38.180196       1 server.go:100] deep check took 3101ms",
            "2026/11/21 13:05:12 [error] 31#31: *1036305 deep check took 3101ms",
            "2026-11-21 10:59:59.830 ERROR 1 --- [http-nio-8080-exec-3] c.e.search.SearchController   : deep check took 3101ms",
            "2026-11-21T10:59:59.830+08:00 ERROR 1 --- [search] [http-nio-8080-exec-3] [65f1-0c] c.e.search.SearchController : deep check took 3101ms",
            "2026-11-21 10:59:59,830 WARNING app.worker[7]: [1ebe90659c801a59] deep check took 3101ms",
        ] {
            assert_eq!(of(line), "deep check took 3101ms", "{line}");
        }
    }

    #[test]
    fn an_access_line_is_its_request_and_status() {
        let line = r#"183.190.249.132 - - [23/Nov/2026:10:03:05 +0800] "GET /api/orders?page=2 HTTP/1.1" 500 88 "-" "curl""#;
        assert_eq!(of(line), "GET /api/orders 500");
    }

    #[test]
    fn a_long_text_is_cut_between_words() {
        let told = of(&"word ".repeat(40));
        assert!(
            told.ends_with("word…") && told.chars().count() <= CHARS + 1,
            "{told}"
        );
        assert_eq!(of(&"连".repeat(200)).chars().count(), CHARS + 1);
    }
}
