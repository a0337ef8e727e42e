//! One line of a container to a [`BusinessRecord`].
//!
//! In: a JSON line as CLS ships it, `JsonType` 0 or 1. Out: who wrote it, when, its message and its other fields, redacted and
//! borrowed from the line where nothing had to change. Always true: the identity is a hash of all fields, the same for every way
//! of shipping them (nested or flat tags, numbers or strings, structured or escaped objects, any order). Does not look for a
//! level or a stack trace inside free text.
//!
//! Where the message is: `__CONTENT__` of full-text topics; `LogParseFailure` or `__RAWLOG__` where the collector could not parse;
//! `log` of docker's json-file and of fluentd; else the message field of a structured line.
//!
//! Half of a line says who wrote it, and thousands of lines say the same: a [`Reader`] works that out once.

mod fields;
mod source;
mod unfold;

use std::{borrow::Cow, sync::Arc};

use super::{
    clean,
    identity::{Path, Sum},
    json::{self, Node},
    redact,
};
use crate::model::{Level, record::Rejection};
use fields::Role;
use source::Known;

pub use fields::Fields;
pub use source::Source;

/// A line of a container.
#[derive(Debug, Clone, PartialEq)]
pub struct BusinessRecord<'a> {
    /// Unix milliseconds of `__TIMESTAMP__`.
    pub ts_ms: i64,
    /// Hash over everything in the record; see [`EvidenceId`](crate::model::EvidenceId).
    pub identity: u64,
    pub source: Arc<Source>,
    /// From a level field of a structured line; the level inside free text is found by mining.
    pub level: Option<Level>,
    /// The message, redacted: `__CONTENT__`, or the message field of a structured line; stack traces included.
    pub text: Cow<'a, str>,
    /// The other fields of a structured line, in the line's order; nested ones joined with a dot.
    pub fields: Fields<'a>,
}

/// Reads lines; the more of one object, the cheaper each.
#[derive(Debug, Default)]
pub struct Reader {
    known: Known,
}

impl Reader {
    /// Reads one line.
    pub fn read<'a>(&mut self, line: &'a [u8]) -> Result<BusinessRecord<'a>, Rejection> {
        let known = self.known.begin(line);
        let mut draft = Draft {
            ts_ms: None,
            sum: Sum::default(),
            known: &mut self.known,
            content: None,
            unparsed: None,
            fields: Fields::default(),
        };
        let met = json::for_each_field_before(line, known, |key, node| draft.take(key, node))?;
        draft.known.read(line, met);
        draft.finish()
    }
}

/// Reads one line, and knows nothing of others.
pub fn read(line: &[u8]) -> Result<BusinessRecord<'_>, Rejection> {
    Reader::default().read(line)
}

struct Draft<'r, 'a> {
    ts_ms: Option<i64>,
    sum: Sum,
    known: &'r mut Known,
    content: Option<Cow<'a, str>>,
    /// What stands in for the content where the collector failed.
    unparsed: Option<Cow<'a, str>>,
    fields: Fields<'a>,
}

impl<'a> Draft<'_, 'a> {
    fn take(&mut self, key: Cow<'a, str>, node: Node<'a>) {
        match key.as_ref() {
            "__TIMESTAMP__" => self.ts_ms = node.as_time(),
            // Where CLS put the record says nothing about the record, and differs between COS and CLS.
            "__PKGID__" | "__PKG_LOGID__" | "__PKG_OFFSET__" | "__TOPICID__"
            | "__INDEX_STATUS__" => {}
            "__CONTENT__" => self.content = Some(self.hashed(&key, &node)),
            "LogParseFailure" | "__RAWLOG__" | "RAWLOG_FALL_PART" => {
                self.unparsed = Some(self.hashed(&key, &node));
            }
            part if source::is_part(part) => self.known.part(part, node.raw()),
            _ => self.field(key, node),
        }
    }

    fn hashed(&mut self, key: &str, node: &Node<'a>) -> Cow<'a, str> {
        let text = node.text();
        self.sum.add(Path::of(key), &text);
        text
    }

    /// A field that the program wrote itself.
    fn field(&mut self, key: Cow<'a, str>, node: Node<'a>) {
        let path = Path::of(&key);
        let mut leaves = Vec::new();
        if node.is_object() || node.is_array() {
            unfold::node(&key, path, node, &mut leaves);
        } else {
            let nested = node.escaped();
            let unfolded = nested
                .as_ref()
                .is_some_and(|text| unfold::text(&key, path, text, &mut leaves));
            if !unfolded {
                let text = nested.unwrap_or_else(|| node.text());
                self.sum.add(path, &text);
                self.fields.push(key, text);
                return;
            }
        }
        for (key, path, value) in leaves {
            self.sum.add(path, &value);
            self.fields.push(Cow::Owned(key), Cow::Owned(value));
        }
    }

    fn finish(mut self) -> Result<BusinessRecord<'a>, Rejection> {
        let docker_time = || {
            // Docker's json-file as it is: its own time stands in for the one CLS adds.
            let is_docker = ["log", "stream", "time"].map(|name| self.fields.raw(name));
            let [Some(_), Some(_), Some(time)] = is_docker else {
                return None;
            };
            time.parse::<jiff::Timestamp>()
                .ok()
                .map(jiff::Timestamp::as_millisecond)
        };
        let ts_ms = self
            .ts_ms
            .or_else(docker_time)
            .ok_or(Rejection::NoTimestamp)?;
        let (sum, source) = self.known.source();
        let identity = self.sum.joined(sum).finish(ts_ms);
        let content = self.content.take().or_else(|| self.unparsed.take());
        let text = content.filter(|content| !self.structured(content));
        let level = self.fields.take(Role::Level).and_then(|l| level(&l));
        let text = text.unwrap_or_else(|| message(&mut self.fields));
        Ok(BusinessRecord {
            ts_ms,
            identity,
            source,
            level,
            // Escapes first: they may stand in the middle of a secret.
            text: redact::cow(clean::plain(without_line_end(text))),
            fields: self.fields,
        })
    }

    /// Takes the fields of a message that is itself a JSON object, as loggers write it to stdout.
    fn structured(&mut self, content: &str) -> bool {
        if !content.starts_with('{') {
            return false;
        }
        let mut leaves = Vec::new();
        if !unfold::text("", Path::default(), content, &mut leaves) {
            return false;
        }
        for (key, _, value) in leaves {
            self.fields.push(Cow::Owned(key), Cow::Owned(value));
        }
        true
    }
}

/// The message field with its stack trace, or all fields as `key=value` when none is known as the message.
fn message<'a>(fields: &mut Fields<'a>) -> Cow<'a, str> {
    let Some(message) = fields.take(Role::Message) else {
        return Cow::Owned(fields.raw_pairs());
    };
    match fields.take(Role::Stack) {
        Some(stack) if !message.contains(stack.as_ref()) => {
            Cow::Owned(format!("{message}\n{stack}"))
        }
        _ => message,
    }
}

/// Words, or the numbers of pino and bunyan (10 trace to 60 fatal).
fn level(text: &str) -> Option<Level> {
    match text.parse::<u32>() {
        Ok(10..30) => Some(Level::Debug),
        Ok(30..40) => Some(Level::Info),
        Ok(40..50) => Some(Level::Warn),
        Ok(50..60) => Some(Level::Error),
        Ok(60..=69) => Some(Level::Fatal),
        Ok(_) => None,
        Err(_) => Level::parse(text),
    }
}

fn without_line_end(text: Cow<'_, str>) -> Cow<'_, str> {
    let kept = text.trim_end_matches(['\n', '\r']).len();
    match text {
        Cow::Borrowed(s) => Cow::Borrowed(&s[..kept]),
        Cow::Owned(mut s) => {
            s.truncate(kept);
            Cow::Owned(s)
        }
    }
}

#[cfg(test)]
mod tests;
