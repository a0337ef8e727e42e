//! The body of an alarm as it comes in, and what of it goes back to its sender.
//!
//! In: a stream of a stranger. Out: bytes, whole or the beginning; a session id or a code. Always true: what goes back is short and of
//! letters, digits, `-` and `_`. What the alarm says is for `alerts`.

use std::time::Duration;

use axum::body::Body;
use futures::StreamExt as _;
use serde_json::{Map, Value};

use crate::alerts::Broken;

/// Ten log lines of CLS, each of some tens of KB, and their frame.
pub(super) const BODY_BYTES: usize = 512 * 1024;

/// A sender gives up after five seconds; a body that drips slower than this has none that waits for it.
const BODY_WAIT: Duration = Duration::from_secs(5);

/// The body as far as it came, and why no further. A connection that broke off never came to its end either.
pub(super) async fn read(body: Body) -> (Vec<u8>, Option<Broken>) {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    let reading = async {
        while let Some(chunk) = stream.next().await {
            let Ok(chunk) = chunk else {
                return Some(Broken::TooSlow);
            };
            bytes.extend_from_slice(&chunk);
            if bytes.len() > BODY_BYTES {
                return Some(Broken::TooLong);
            }
        }
        None
    };
    let ended = tokio::time::timeout(BODY_WAIT, reading).await;
    (bytes, ended.unwrap_or(Some(Broken::TooSlow)))
}

/// What a body that only tries an address wants back: nothing, or the one code it holds. `None`: it is an alarm.
pub(super) fn verification(body: &[u8]) -> Option<Map<String, Value>> {
    if body.trim_ascii().is_empty() {
        return Some(Map::new());
    }
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
        return None;
    };
    let is_code = |(name, value): (&String, &Value)| {
        let known = ["code", "validationcode", "verifycode"];
        known.contains(&name.to_lowercase().as_str()) && (value.is_string() || value.is_number())
    };
    if fields.len() > 1 || !fields.iter().all(is_code) {
        return None;
    }
    fields.retain(|_, code| code.as_str().is_none_or(is_plain));
    Some(fields)
}

/// The one thing of an alarm that its sender wants back: letters, digits, `-` and `_`, else nothing.
pub(super) fn session_id(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let id = value
        .get("sessionId")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if is_plain(id) {
        id.to_owned()
    } else {
        String::new()
    }
}

fn is_plain(text: &str) -> bool {
    let is_harmless = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    text.len() <= 64 && text.bytes().all(is_harmless)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_kept_as_far_as_it_came() {
        let drips = futures::stream::iter([Ok::<_, std::io::Error>("memory of che")])
            .chain(futures::stream::pending());
        let (bytes, broken) = read(Body::from_stream(drips)).await;
        assert_eq!(bytes, b"memory of che");
        assert_eq!(broken, Some(Broken::TooSlow));
    }

    #[test]
    fn only_a_plain_session_id_comes_back() {
        for (body, id) in [
            (
                r#"{"sessionId":"U4LkCLqoFkA5Hmksqp7HRg93"}"#,
                "U4LkCLqoFkA5Hmksqp7HRg93",
            ),
            (r#"{"sessionId":"a b"}"#, ""),
            (r#"{"sessionId":7}"#, ""),
            ("no json", ""),
        ] {
            assert_eq!(session_id(body.as_bytes()), id, "{body}");
        }
    }
}
