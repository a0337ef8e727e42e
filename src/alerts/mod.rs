//! Alarms in, their analysis, and telling it.
//!
//! [`read`] turns any body into an [`Alarm`]; [`inbox`] keeps it, and the [`Bell`] tells that it came; [`meaning`] says what its
//! condition means, which may be that the policy is wrong; [`Look`] reads the logs [`Around`] it where they are not stored, and
//! [`analyse()`] puts both together. The [`Teller`] tells it.

mod alarm;
mod alertmanager;
mod analyse;
mod around;
mod bell;
mod cls;
mod day;
mod explain;
#[cfg(test)]
mod house;
pub mod inbox;
mod look;
mod loose;
pub mod meaning;
mod morning;
pub mod notify;
pub mod poll;
mod screen;
pub mod signed;
mod signs;
mod spoken;
mod tcop;
mod teller;
mod wake;
mod watch;

use serde_json::Value;

pub use alarm::{Alarm, Broken, Condition, Source, State};
pub use analyse::{Analysis, Conclusion, analyse};
pub use around::{Around, LogNote, LogSource, LogsSeen, Past, gather};
pub use bell::{Bell, Ear, bell};
pub use day::{DayAlarms, Heard};
pub use look::{Look, Looked};
pub use signs::Sign;
pub use teller::{Device, LEAST_MS, LOGS_WAIT, Now, Teller, Tools};
pub use wake::{Lines, Waking, Woken, at_wake};
pub use watch::{OpenStore, watch};

/// A body that holds several alarms, once for each; empty where it is one alarm.
fn apart(text: &str) -> Vec<String> {
    // Most bodies are one: they are not read twice for it.
    if !text.contains("\"alerts\"") || read(text.as_bytes(), 0).source != Source::Alertmanager {
        return Vec::new();
    }
    let value: Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default();
    let parts = alertmanager::apart(&value);
    parts.iter().map(ToString::to_string).collect()
}

/// Reads the body of an alarm. Never fails: what is no known form is an alarm of source [`Source::Unknown`] with the text as it
/// came, since the worst answer to an alarm is to drop it.
///
/// `received_ms` stands in where the body names no time.
#[must_use]
pub fn read(body: &[u8], received_ms: i64) -> Alarm {
    let text = String::from_utf8_lossy(body);
    // Some senders put a byte order mark in front.
    let value: Option<Value> = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok();
    let known = value.as_ref().and_then(|v| {
        tcop::read(v, received_ms)
            .or_else(|| cls::read(v, received_ms))
            .or_else(|| alertmanager::read(v, received_ms))
            .or_else(|| poll::read(v, received_ms))
    });
    known
        .or_else(|| spoken::read(&text, received_ms))
        .unwrap_or_else(|| Alarm::unknown(&text, received_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_comes_is_kept() {
        for body in [
            &b""[..],
            b"{",
            b"[1,2]",
            b"null",
            b"\xff\xfe",
            b"{\"alarmType\":7}",
        ] {
            let alarm = read(body, 1_795_276_800_000);
            assert_eq!(alarm.source, Source::Unknown);
            assert_eq!(alarm.first_ms, 1_795_276_800_000);
            assert_eq!(alarm.text, String::from_utf8_lossy(body));
        }
    }
}
