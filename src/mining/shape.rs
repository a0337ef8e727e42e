//! What a business record looks like to the miner: its text with the error of a structured line, its trace folded, its parts masked.
//!
//! In: a [`BusinessRecord`]. Out: a shape, whose masked text and level are the record's key for counting. The text that a person
//! reads keeps everything; the shape keeps what is alike between two lines of one statement.

use std::borrow::Cow;

use crate::{
    intake::business::BusinessRecord,
    mining::{level, mask, mask::Masked, stack},
    model::Level,
};

/// Fields of structured lines that hold the error itself: the message alone would say `request failed`.
fn is_error(name: &str) -> bool {
    matches!(
        name,
        "error"
            | "err"
            | "error.message"
            | "err.message"
            | "exception"
            | "exc_info"
            | "cause"
            | "reason"
            | "err_msg"
            | "errmsg"
            | "error_message"
            | "error.type"
    )
}

fn is_trace(name: &str) -> bool {
    matches!(
        name,
        "stack"
            | "stacktrace"
            | "stack_trace"
            | "error.stack_trace"
            | "err.stack"
            | "error.stack"
            | "exc_info"
    )
}

fn is_status(name: &str) -> bool {
    matches!(
        name,
        "status" | "status_code" | "statusCode" | "http.status_code"
    )
}

/// The text of a record that is masked, and where a trace stood in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<'a> {
    pub text: Cow<'a, str>,
    /// Type of the exception, when the record holds a stack trace.
    pub exception: Option<String>,
}

/// The text by which a record is counted.
#[must_use]
pub fn text_of<'r>(record: &'r BusinessRecord<'_>) -> Text<'r> {
    let [error, trace, status] = record.fields.first_of([is_error, is_trace, is_status]);
    let folded = stack::fold(&record.text)
        .map(|f| (f.head.to_owned(), f.exception.to_owned(), f.fold))
        .or_else(|| {
            trace.as_deref().and_then(stack::fold).map(|f| {
                (
                    record.text.clone().into_owned(),
                    f.exception.to_owned(),
                    f.fold,
                )
            })
        });
    let error = error.filter(|error| !record.text.contains(&**error) && !error.contains('\n'));
    let failed = status.filter(|s| s.len() == 3 && s.starts_with(['4', '5']));
    if folded.is_none() && error.is_none() && failed.is_none() {
        return Text {
            text: Cow::Borrowed(&record.text),
            exception: None,
        };
    }
    let mut text = String::new();
    let mut exception = None;
    match folded {
        Some((head, class, fold)) => {
            text.push_str(&head);
            if !head.is_empty() {
                text.push_str(" | ");
            }
            text.push_str(&fold);
            exception = (!class.is_empty()).then_some(class);
        }
        None => text.push_str(&record.text),
    }
    if let Some(error) = error.filter(|error| !text.contains(&**error)) {
        text.push_str(": ");
        text.push_str(&error);
    }
    if let Some(status) = failed {
        text.push_str(" status=");
        text.push_str(&status);
    }
    Text {
        text: Cow::Owned(text),
        exception,
    }
}

/// The level of a record: the claimed one or the one found in the text. A trace without any level is an error, and so is a structured
/// request with status 5xx whatever it claims.
#[must_use]
pub fn level_of(claimed: Option<Level>, masked: &Masked, exception: bool) -> Level {
    let Some(level) = claimed.or_else(|| level::claimed(&masked.text)) else {
        return if exception {
            Level::Error
        } else {
            level::of_text(&masked.text)
        };
    };
    let failed = claimed.is_some()
        && masked
            .text
            .rfind(" status=5")
            .is_some_and(|at| at + 11 == masked.text.len());
    if failed {
        level.max(Level::Error)
    } else {
        level
    }
}

/// Masks the text of a record into `out` and gives its level and the class of its exception.
pub fn shape(record: &BusinessRecord<'_>, out: &mut Masked) -> (Level, Option<String>) {
    let text = text_of(record);
    mask::mask(&text.text, out);
    (
        level_of(record.level, out, text.exception.is_some()),
        text.exception,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::business::Source;

    fn record<'a>(
        text: &'a str,
        level: Option<Level>,
        fields: &[(&'a str, &'a str)],
    ) -> BusinessRecord<'a> {
        BusinessRecord {
            ts_ms: 0,
            identity: 0,
            source: Source::default().into(),
            level,
            text: text.into(),
            fields: fields
                .iter()
                .map(|(k, v)| (Cow::Borrowed(*k), Cow::Borrowed(*v)))
                .collect(),
        }
    }

    fn check(record: &BusinessRecord<'_>, text: &str, level: Level) {
        let mut out = Masked::default();
        let (found, _) = shape(record, &mut out);
        assert_eq!((out.text.as_str(), found), (text, level));
    }

    #[test]
    fn the_error_of_a_structured_line_belongs_to_its_shape() {
        check(
            &record(
                "call failed",
                Some(Level::Error),
                &[
                    ("error", "dial tcp 172.16.0.1:3306: connection refused"),
                    ("user", "u1"),
                ],
            ),
            "call failed: dial tcp <ipport>: connection refused",
            Level::Error,
        );
    }

    #[test]
    fn a_structured_request_with_status_5xx_is_an_error_whatever_it_claims() {
        check(
            &record("request completed", Some(Level::Info), &[("status", "503")]),
            "request completed status=503",
            Level::Error,
        );
        check(
            &record("request completed", Some(Level::Info), &[("status", "200")]),
            "request completed",
            Level::Info,
        );
    }

    #[test]
    fn a_trace_is_folded_wherever_it_stands() {
        let trace =
            "com.shop.Boom: x 7\n\tat com.shop.A.b(A.java:1)\n\tat java.lang.Thread.run(T.java:2)";
        check(
            &record(trace, None, &[]),
            "com.shop.Boom: x <num> at com.shop.A.b",
            Level::Error,
        );
        check(
            &record("failed", Some(Level::Error), &[("stack", trace)]),
            "failed | com.shop.Boom: x <num> at com.shop.A.b",
            Level::Error,
        );
    }
}
