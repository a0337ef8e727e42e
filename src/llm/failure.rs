//! What went wrong at a provider, without the text that went with it.
//!
//! In: an error of genai, some of which print the whole request. Out: an [`Error`] and how long the provider asks us to wait.

use std::{error::Error as _, time::Duration};

use super::Error;

/// A failed call.
pub(super) struct Failed {
    pub error: Error,
    pub retry_after: Option<Duration>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

/// Reads an error of genai.
pub(super) fn failed(e: &genai::Error) -> Failed {
    // What a stream meets is wrapped once more.
    let inner = match e {
        genai::Error::WebStream { error, .. } => {
            if let Some(inner) = error.downcast_ref::<genai::Error>() {
                inner
            } else {
                return without_answer(error.downcast_ref::<reqwest::Error>()).into();
            }
        }
        other => other,
    };
    let Some(status) = inner.status().map(|s| s.as_u16()) else {
        return match inner {
            genai::Error::WebModelCall {
                webc_error: genai::webc::Error::Reqwest(e),
                ..
            } => without_answer(Some(e)),
            // Said in the middle of a stream, where no status can be given any more.
            genai::Error::ChatResponse { .. } => Error::Broken,
            _ => Error::Unreadable,
        }
        .into();
    };
    let retry_after = inner
        .headers()
        .and_then(|h| h.get("retry-after"))
        .and_then(|v| v.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let body = match inner {
        genai::Error::WebModelCall {
            webc_error: genai::webc::Error::ResponseFailedStatus { body, .. },
            ..
        }
        | genai::Error::HttpError { body, .. } => body.to_lowercase(),
        _ => String::new(),
    };
    let error = match status {
        401 | 403 => Error::Unauthorized(status),
        429 => Error::RateLimited,
        413 => Error::TooLong,
        400 | 422 if says_too_long(&body) => Error::TooLong,
        500.. => Error::Provider(status),
        _ => Error::Rejected(status),
    };
    Failed { error, retry_after }
}

/// Providers answer 400 to a request that is too long and say so in their own words only.
fn says_too_long(body: &str) -> bool {
    let words = [
        "context_length",
        "context length",
        "maximum context",
        "too long",
        "range of input length",
        "exceeds the max",
        "input length",
    ];
    words.iter().any(|w| body.contains(w))
}

fn without_answer(e: Option<&reqwest::Error>) -> Error {
    let Some(e) = e else {
        return Error::Unreadable;
    };
    let timed_out = e.is_timeout()
        || e.source()
            .is_some_and(|s| s.to_string().contains("timed out"));
    if timed_out {
        Error::TimedOut
    } else if e.is_decode() || e.is_body() {
        Error::Broken
    } else {
        Error::Unreachable
    }
}
