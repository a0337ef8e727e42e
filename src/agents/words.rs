//! Small wordings that the two files share: who changed what, an object by name, a quoted line.
//!
//! In: values of a report. Out: text on one line, without what hides or breaks text. Decides nothing.

use crate::model::{Lang, Moment, ObjectRef, report::ChangeNote, visible};

/// Longest quotation of a log line, in characters: a line of text, not a stack trace.
const QUOTE_CHARS: usize = 200;

/// Who changed what, with the exact values.
pub(super) fn change_text(change: &ChangeNote, lang: Lang) -> String {
    let (user, object, at) = (
        plain(&change.user),
        named(&change.object),
        change.at.hour_minute(),
    );
    let verb = plain(&change.verb);
    let mut text = lang.pick(
        format!("`{user}` 在 {at} 对 {object} 执行了 `{verb}`"),
        format!("`{user}` ran `{verb}` on {object} at {at}"),
    );
    // The first few differences tell the story; the rest is in report.json.
    for d in change.diff.iter().take(4) {
        let (path, old, new) = (plain(&d.path), value(&d.old), value(&d.new));
        text += &match (d.old.is_null(), d.new.is_null()) {
            (true, _) if change.before_unseen => lang.pick(
                format!("；`{path}` 改为 `{new}`，原来的值没有记录"),
                format!("; `{path}` to `{new}`, what it was before is not on record"),
            ),
            (true, _) => lang.pick(
                format!("；新增 `{path}`：`{new}`"),
                format!("; added `{path}`: `{new}`"),
            ),
            (false, true) => lang.pick(
                format!("；去掉 `{path}`，原来是 `{old}`"),
                format!("; removed `{path}`, it was `{old}`"),
            ),
            (false, false) => lang.pick(
                format!("；`{path}` 从 `{old}` 改为 `{new}`"),
                format!("; `{path}` from `{old}` to `{new}`"),
            ),
        };
    }
    text
}

fn value(v: &serde_json::Value) -> String {
    let text = match v {
        serde_json::Value::String(s) => s.clone(),
        other => other.to_string(),
    };
    cut(&plain(&text), QUOTE_CHARS)
}

/// `Deployment shop/checkout` with the name in back-ticks.
pub(super) fn named(o: &ObjectRef) -> String {
    let name = plain(&o.name);
    if o.namespace.is_empty() {
        format!("{} `{name}`", plain(&o.kind))
    } else {
        format!("{} `{}/{name}`", plain(&o.kind), plain(&o.namespace))
    }
}

pub(super) fn day_minute(at: Moment) -> String {
    at.civil().strftime("%m-%d %H:%M").to_string()
}

/// A line of a log, quoted: on one line, cut, its own back-ticks replaced.
pub(super) fn quote(text: &str) -> String {
    let text = plain(text);
    if text.is_empty() {
        text
    } else {
        format!("`{}`", cut(&text, QUOTE_CHARS))
    }
}

/// Without what hides or breaks text, and without back-ticks.
pub(super) fn plain(text: &str) -> String {
    visible(text).replace('`', "'").trim().to_owned()
}

pub(super) fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
