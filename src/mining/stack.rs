//! Folds a stack trace into one line: exception type, its message, the root cause, and the first frame that is not a library's.
//!
//! In: the text of one record, line breaks included. Out: the text before the trace and the fold, or `None` when there is no trace.
//! Reads Java, Kotlin, Python, Go, Node and Rust traces. Line numbers inside files are dropped: they drift with every release.

/// A record that holds a stack trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded<'a> {
    /// What the logger wrote before the trace.
    pub head: &'a str,
    /// Type of the outermost exception, as in `com.shop.BizException`; empty for Go panics.
    pub exception: &'a str,
    /// `BizException: message at com.shop.OrderService.handle <- ConnectException: Connection refused`.
    pub fold: String,
}

/// Frames of these belong to a runtime or a framework and say nothing about whose code failed.
const LIBRARIES: [&str; 28] = [
    "java.",
    "javax.",
    "jakarta.",
    "jdk.",
    "sun.",
    "com.sun.",
    "kotlin",
    "scala.",
    "org.springframework.",
    "org.apache.",
    "org.eclipse.",
    "org.hibernate.",
    "io.netty.",
    "io.grpc.",
    "reactor.",
    "com.mysql.",
    "com.zaxxer.",
    "redis.clients.",
    "okhttp",
    "com.fasterxml.",
    "com.alibaba.",
    "org.jboss.",
    "feign.",
    "runtime.",
    "panic(",
    "net/http",
    "node:",
    "core::",
];

/// Folds the trace in `text`.
#[must_use]
pub fn fold(text: &str) -> Option<Folded<'_>> {
    let first_break = text.find('\n')?;
    if let Some(at) = text.find("Traceback (most recent call last)") {
        return python(text, at);
    }
    if text.contains("\n\tat ") || text.contains("\n    at ") {
        return java(text, first_break);
    }
    let at = text
        .find("goroutine ")
        .filter(|at| text[*at..].contains("]:\n"))?;
    go(text, at)
}

fn java(text: &str, first_break: usize) -> Option<Folded<'_>> {
    let first_frame = text.find("\n\tat ").or_else(|| text.find("\n    at "))?;
    // The exception stands on the line before the first frame; that line is the record's first one when the logger adds nothing.
    let line_start = text[..first_frame].rfind('\n').map_or(0, |i| i + 1);
    let exception_line = &text[line_start..first_frame];
    let (start, exception) = exception_name(exception_line)?;
    let own = text[first_frame..]
        .lines()
        .filter_map(frame)
        .find(|f| !LIBRARIES.iter().any(|l| f.starts_with(l)));
    let mut fold = exception_line[start..].to_owned();
    if let Some(own) = own.or_else(|| text[first_frame..].lines().find_map(frame)) {
        fold.push_str(" at ");
        fold.push_str(own);
    }
    if let Some(cause) = text
        .lines()
        .rev()
        .find_map(|l| l.strip_prefix("Caused by: "))
    {
        fold.push_str(" <- ");
        fold.push_str(cause);
    }
    let head = if line_start > first_break {
        &text[..first_break]
    } else {
        text[..line_start + start].trim_end_matches(['\n', ' ', ':'])
    };
    Some(Folded {
        head,
        exception,
        fold,
    })
}

/// `com.shop.BizException` in `Exception in thread "main" com.shop.BizException: message`, with its position.
fn exception_name(line: &str) -> Option<(usize, &str)> {
    let mut from = 0;
    for word in line.split(' ') {
        let name = word.trim_end_matches(':');
        let short = name.rsplit(['.', '$']).next().unwrap_or(name);
        let named = ["Exception", "Error", "Throwable", "Failure", "Panic"]
            .iter()
            .any(|end| short.ends_with(end));
        if named
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '.' | '$' | '_'))
        {
            return Some((from, name));
        }
        from += word.len() + 1;
    }
    // A class with a name of its own, as long as it looks like a class and nothing else stands before it.
    let name = line.split([':', ' ']).next().unwrap_or_default();
    let class = name.rsplit_once('.').is_some_and(|(package, class)| {
        !package.is_empty() && class.starts_with(char::is_uppercase)
    });
    class.then_some((0, name))
}

/// `com.shop.OrderService.handle` of `\tat com.shop.OrderService.handle(OrderService.java:142)`.
fn frame(line: &str) -> Option<&str> {
    let frame = line.trim_start().strip_prefix("at ")?;
    let end = frame.find(['(', ' ']).unwrap_or(frame.len());
    // `java.base/java.lang.Thread.run`: the module says nothing.
    let name = &frame[..end];
    Some(name.rsplit_once('/').map_or(
        name,
        |(module, rest)| if module.contains('.') { rest } else { name },
    ))
}

fn python(text: &str, at: usize) -> Option<Folded<'_>> {
    let head = text[..at].trim_end();
    // Chained exceptions: the last block is the one that was raised.
    let block = &text[text
        .rfind("Traceback (most recent call last)")
        .unwrap_or(at)..];
    let raised = block
        .lines()
        .skip(1)
        .find(|l| !l.starts_with([' ', '\t']) && !l.is_empty())?;
    let exception = raised.split([':', ' ']).next().unwrap_or(raised);
    let own = block
        .lines()
        .filter_map(|l| l.trim_start().strip_prefix("File \""))
        .rfind(|l| !l.contains("site-packages") && !l.contains("/lib/python"))
        .and_then(|l| Some((l.split('"').next()?, l.rsplit_once(" in ")?.1)));
    let mut fold = raised.to_owned();
    if let Some((file, function)) = own {
        let file = file.rsplit('/').next().unwrap_or(file);
        fold.push_str(" at ");
        fold.push_str(file);
        fold.push(' ');
        fold.push_str(function);
    }
    Some(Folded {
        head,
        exception,
        fold,
    })
}

fn go(text: &str, at: usize) -> Option<Folded<'_>> {
    let head = text[..at].trim_end();
    let own = text[at..]
        .lines()
        .skip(1)
        .filter(|l| !l.starts_with('\t') && l.contains('('))
        .find(|l| !LIBRARIES.iter().any(|lib| l.starts_with(lib)))?;
    let name = own.rsplit_once('(').map_or(own, |(name, _)| name);
    let fold = format!("{} at {name}", head.lines().last().unwrap_or_default());
    let before = head.rfind('\n').map_or("", |i| &head[..i]);
    Some(Folded {
        head: before,
        exception: "",
        fold,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_java_trace_folds_to_type_own_frame_and_root_cause() {
        let text = "x ERROR [exec-1] c.s.Order - order 7 rejected\ncom.shop.BizException: ADDRESS\n\tat java.base/java.lang.Thread.run(Thread.java:829)\n\tat com.shop.Order.handle(Order.java:142)\nCaused by: java.net.ConnectException: Connection refused\n\tat java.net.X(Y)\n\t... 48 common frames omitted";
        let folded = fold(text).expect("trace");
        assert_eq!(folded.head, "x ERROR [exec-1] c.s.Order - order 7 rejected");
        assert_eq!(folded.exception, "com.shop.BizException");
        assert_eq!(
            folded.fold,
            "com.shop.BizException: ADDRESS at com.shop.Order.handle <- java.net.ConnectException: Connection refused"
        );
    }

    #[test]
    fn a_trace_right_behind_the_logger_s_words_is_found() {
        let folded = fold("ERROR boom java.lang.IllegalStateException: no\n\tat a.b.C.d(C.java:1)")
            .expect("trace");
        assert_eq!(
            (folded.head, folded.exception),
            ("ERROR boom", "java.lang.IllegalStateException")
        );
    }

    #[test]
    fn a_python_trace_folds_to_its_last_own_line() {
        let text = "2026 ERROR api[7]: bad query\nTraceback (most recent call last):\n  File \"/app/search/handlers.py\", line 88, in handle\n    resp = self._call(req)\n  File \"/usr/lib/python3/site-packages/x.py\", line 4, in get\n    boom()\nValueError: unbalanced parenthesis at position 3";
        let folded = fold(text).expect("trace");
        assert_eq!(folded.head, "2026 ERROR api[7]: bad query");
        assert_eq!(
            folded.fold,
            "ValueError: unbalanced parenthesis at position 3 at handlers.py handle"
        );
    }

    #[test]
    fn a_go_panic_folds_to_its_first_own_function() {
        let text = "panic: runtime error: index out of range [3]\n\ngoroutine 17 [running]:\npanic(0x1, 0x2)\n\t/usr/go/panic.go:884\nmain.(*Cart).Add(0xc0001)\n\t/app/cart.go:88 +0x1d";
        let folded = fold(text).expect("trace");
        assert_eq!(
            folded.fold,
            "panic: runtime error: index out of range [3] at main.(*Cart).Add"
        );
    }

    #[test]
    fn two_lines_are_no_trace() {
        assert_eq!(fold("select 1\nfrom t"), None);
    }
}
