//! One line of a container to a [`BusinessRecord`].
//!
//! In: a JSON line as CLS ships it, `JsonType` 0 or 1. Out: who wrote it, when, its message and its other fields, redacted and
//! borrowed from the line where nothing had to change. Always true: the identity is a hash of all fields, the same for every way
//! of shipping them (nested or flat tags, numbers or strings, structured or escaped objects, any order). Does not look for a
//! level or a stack trace inside free text.
//!
//! Where the message is: `__CONTENT__` of full-text topics; `LogParseFailure` or `__RAWLOG__` where the collector could not parse;
//! `log` of docker's json-file and of fluentd; else the message field of a structured line.

use std::borrow::Cow;

use super::{
    identity::{Path, Sum},
    json::{self, Node},
    redact,
};
use crate::model::{
    Level,
    record::{BusinessRecord, Rejection, Source},
};

/// Most fields of a line that are kept; the others only count for its identity. A line with more is a document, not a message.
const MAX_FIELDS: usize = 128;

/// Nesting below which a value is kept as its JSON text.
const MAX_LEVELS: usize = 16;

/// Fields that hold the message of a structured line, the surest first.
const MESSAGE: &[&str] = &[
    "msg",
    "message",
    "@message",
    "log",
    "content",
    "text",
    "body",
    "short_message",
    "event",
];
const LEVEL: &[&str] = &[
    "level",
    "severity",
    "lvl",
    "log_level",
    "loglevel",
    "log.level",
    "levelname",
    "@level",
    "level_name",
];
const STACK: &[&str] = &[
    "stack",
    "stack_trace",
    "stackTrace",
    "stacktrace",
    "exception.stacktrace",
    "error.stack",
    "err.stack",
    "exc_info",
    "traceback",
];

type Field<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Reads one line.
pub fn read(line: &[u8]) -> Result<BusinessRecord<'_>, Rejection> {
    let mut draft = Draft::default();
    json::for_each_field(line, |key, node| draft.take(key, node))?;
    draft.finish()
}

#[derive(Default)]
struct Draft<'a> {
    ts_ms: Option<i64>,
    sum: Sum,
    source: Source<'a>,
    file: Cow<'a, str>,
    host: Cow<'a, str>,
    content: Option<Cow<'a, str>>,
    /// What stands in for the content where the collector failed.
    unparsed: Option<Cow<'a, str>>,
    fields: Vec<Field<'a>>,
}

impl<'a> Draft<'a> {
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
            "__FILENAME__" => self.file = self.hashed(&key, &node),
            "__HOSTNAME__" => self.host = self.hashed(&key, &node),
            "__SOURCE__" => {
                let source = self.hashed(&key, &node);
                if self.host.is_empty() {
                    self.host = source;
                }
            }
            "__TAG__" | "kubernetes" | "docker" => self.tags(&key, node),
            flat if is_tag(flat) => {
                let value = self.hashed(&key, &node);
                self.tag(last_part(flat), value);
            }
            _ => self.field(key, node),
        }
    }

    fn hashed(&mut self, key: &str, node: &Node<'a>) -> Cow<'a, str> {
        let text = node.text();
        self.sum.add(Path::of(key), &text);
        text
    }

    fn tags(&mut self, key: &str, node: Node<'a>) {
        let path = Path::of(key);
        if let Some(text) = node.escaped() {
            // Half an object would already have added up; it is no worse than none, since a broken one is broken every time.
            let _: Result<(), Rejection> = json::for_each_field(text.as_bytes(), |tag, node| {
                let value = node.text();
                self.sum.add(path.join(&tag), &value);
                self.tag(&tag, Cow::Owned(value.into_owned()));
            });
            return;
        }
        for (tag, node) in node.fields() {
            let value = node.text();
            self.sum.add(path.join(&tag), &value);
            self.tag(&tag, value);
        }
    }

    /// Names of CLS's container tags, and of the older fluentd form.
    fn tag(&mut self, tag: &str, value: Cow<'a, str>) {
        match tag {
            "cluster_id" => self.source.cluster = value,
            "namespace" | "namespace_name" => self.source.namespace = value,
            "pod_name" => self.source.pod = value,
            "container_name" => self.source.container = value,
            "node_name" | "host" => self.source.node = value,
            _ => {}
        }
    }

    /// A field that the program wrote itself.
    fn field(&mut self, key: Cow<'a, str>, node: Node<'a>) {
        let mut leaves = Vec::new();
        let path = Path::of(&key);
        let unfolded = if node.is_object() || node.is_array() {
            unfold(&key, path, node, 0, &mut leaves);
            true
        } else if let Some(text) = node.escaped() {
            let nested = unfold_text(&key, path, &text, &mut leaves);
            if !nested {
                self.sum.add(path, &text);
                self.keep(key, text);
                return;
            }
            true
        } else {
            let text = node.text();
            self.sum.add(path, &text);
            self.keep(key, text);
            false
        };
        if unfolded {
            for (key, path, value) in leaves {
                self.sum.add(path, &value);
                self.keep(Cow::Owned(key), Cow::Owned(value));
            }
        }
    }

    fn keep(&mut self, key: Cow<'a, str>, value: Cow<'a, str>) {
        // `JsonType` 0 writes null as text; either way nothing is said.
        let says_nothing = value.is_empty() || value == "null";
        if self.fields.len() < MAX_FIELDS && !says_nothing {
            self.fields.push((key, value));
        }
    }

    fn finish(mut self) -> Result<BusinessRecord<'a>, Rejection> {
        let docker_time = || {
            // Docker's json-file as it is: its own time stands in for the one CLS adds.
            let is_docker = ["log", "stream", "time"].map(|name| value_of(&self.fields, name));
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
        let identity = self.sum.finish(ts_ms);
        self.complete_source();
        let content = self.content.take().or_else(|| self.unparsed.take());
        let text = content.filter(|content| !self.structured(content));
        let level = take_field(&mut self.fields, LEVEL).and_then(|l| level(&l));
        let text = text.unwrap_or_else(|| message(&mut self.fields));
        let fields = self
            .fields
            .into_iter()
            .map(|(key, value)| {
                let value = redact::field(&key, value);
                (key, value)
            })
            .collect();
        Ok(BusinessRecord {
            ts_ms,
            identity,
            source: self.source,
            level,
            text: redact::cow(without_line_end(text)),
            fields,
        })
    }

    /// Takes the fields of a message that is itself a JSON object, as loggers write it to stdout.
    fn structured(&mut self, content: &str) -> bool {
        if !content.starts_with('{') {
            return false;
        }
        let mut leaves = Vec::new();
        if !unfold_text("", Path::default(), content, &mut leaves) {
            return false;
        }
        for (key, _, value) in leaves {
            self.keep(Cow::Owned(key), Cow::Owned(value));
        }
        true
    }

    /// Where tags are missing, the path of the file says the same: `/var/log/pods/<ns>_<pod>_<uid>/<container>/0.log`, or
    /// `/var/log/containers/<pod>_<ns>_<container>-<id>.log`.
    fn complete_source(&mut self) {
        if self.source.node.is_empty() {
            self.source.node = std::mem::take(&mut self.host);
        }
        if !self.source.pod.is_empty() {
            return;
        }
        let Some((namespace, pod, container)) = names_in(&self.file) else {
            return;
        };
        let fill = |field: &mut Cow<'a, str>, name: &str| {
            if field.is_empty() {
                *field = Cow::Owned(name.to_owned());
            }
        };
        fill(&mut self.source.namespace, namespace);
        fill(&mut self.source.pod, pod);
        fill(&mut self.source.container, container);
    }
}

fn is_tag(key: &str) -> bool {
    ["__TAG__.", "kubernetes.", "docker."]
        .iter()
        .any(|prefix| key.starts_with(prefix))
}

fn last_part(key: &str) -> &str {
    key.split_once('.').map_or(key, |(_, rest)| rest)
}

/// The leaves below a value: their dotted names, the hashes of their ways, and their texts.
fn unfold(
    name: &str,
    path: Path,
    node: Node<'_>,
    level: usize,
    leaves: &mut Vec<(String, Path, String)>,
) {
    let child = |key: &str| match name {
        "" => key.to_owned(),
        name => format!("{name}.{key}"),
    };
    let before = leaves.len();
    let raw = node.raw();
    if level < MAX_LEVELS && node.is_object() {
        for (key, node) in node.fields() {
            unfold(&child(&key), path.join(&key), node, level + 1, leaves);
        }
    } else if level < MAX_LEVELS && node.is_array() {
        for (i, node) in node.items().enumerate() {
            let key = i.to_string();
            unfold(&child(&key), path.join(&key), node, level + 1, leaves);
        }
    } else {
        leaves.push((name.to_owned(), path, node.text().into_owned()));
    }
    if leaves.len() == before {
        leaves.push((name.to_owned(), path, raw.to_owned()));
    }
}

/// [`unfold`] on text that may or may not be JSON; `false`, and no leaves, if it is not.
fn unfold_text(
    name: &str,
    path: Path,
    text: &str,
    leaves: &mut Vec<(String, Path, String)>,
) -> bool {
    // An array is read as the only field of an object, so that one way in is enough.
    let wrapped;
    let (text, is_array) = if text.trim_ascii_start().starts_with('[') {
        wrapped = format!("{{\"\":{text}}}");
        (wrapped.as_str(), true)
    } else {
        (text, false)
    };
    let read = json::for_each_field(text.as_bytes(), |key, node| {
        let (name, path) = match (is_array, name) {
            (true, name) => (name.to_owned(), path),
            (false, "") => (key.to_string(), path.join(&key)),
            (false, name) => (format!("{name}.{key}"), path.join(&key)),
        };
        unfold(&name, path, node, 1, leaves);
    });
    match read {
        Ok(()) if leaves.is_empty() => leaves.push((name.to_owned(), path, text.to_owned())),
        Ok(()) => {}
        Err(_) => leaves.clear(),
    }
    read.is_ok()
}

/// The message field with its stack trace, or all fields as `key=value` when none is known as the message.
fn message<'a>(fields: &mut Vec<Field<'a>>) -> Cow<'a, str> {
    let Some(message) = take_field(fields, MESSAGE) else {
        let pairs: Vec<String> = fields.iter().map(|(k, v)| format!("{k}={v}")).collect();
        return Cow::Owned(pairs.join(" "));
    };
    match take_field(fields, STACK) {
        Some(stack) if !message.contains(stack.as_ref()) => {
            Cow::Owned(format!("{message}\n{stack}"))
        }
        _ => message,
    }
}

fn take_field<'a>(fields: &mut Vec<Field<'a>>, names: &[&str]) -> Option<Cow<'a, str>> {
    let at = names
        .iter()
        .find_map(|name| fields.iter().position(|(key, _)| key == name))?;
    Some(fields.remove(at).1)
}

fn value_of<'f>(fields: &'f [Field<'_>], name: &str) -> Option<&'f str> {
    fields
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_ref())
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

fn names_in(file: &str) -> Option<(&str, &str, &str)> {
    if let Some((_, rest)) = file.split_once("/pods/") {
        let (folder, rest) = rest.split_once('/')?;
        let mut parts = folder.split('_');
        let (namespace, pod) = (parts.next()?, parts.next()?);
        let container = rest.split_once('/').map_or("", |(name, _)| name);
        return Some((namespace, pod, container));
    }
    let (_, name) = file.split_once("/containers/")?;
    let mut parts = name.split('_');
    let (pod, namespace, last) = (parts.next()?, parts.next()?, parts.next()?);
    let container = last.rsplit_once('-').map_or("", |(name, _)| name);
    Some((namespace, pod, container))
}

#[cfg(test)]
mod tests;
