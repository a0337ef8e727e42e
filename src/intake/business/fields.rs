//! The fields of a structured line, beside its message.
//!
//! In: names and values as they stand in the line. Out: the same, redacted when somebody looks: of most lines nobody does. Always true:
//! outside of this reader no value is seen unredacted. The level, the message and the stack trace are found by their names and taken out.

use std::{borrow::Cow, collections::HashMap, fmt, sync::LazyLock};

use rustc_hash::FxBuildHasher;

use crate::intake::redact;

/// Most fields of a line that are kept; the others only count for its identity. A line with more is a document, not a message.
const MAX_FIELDS: usize = 128;

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

/// What a field of a certain name holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Level,
    Message,
    Stack,
}

/// Roles by name; of several fields the one whose name is listed first has the role.
static ROLES: LazyLock<HashMap<&str, (Role, usize), FxBuildHasher>> = LazyLock::new(|| {
    [
        (Role::Level, LEVEL),
        (Role::Message, MESSAGE),
        (Role::Stack, STACK),
    ]
    .into_iter()
    .flat_map(|(role, names)| {
        names
            .iter()
            .enumerate()
            .map(move |(n, name)| (*name, (role, n)))
    })
    .collect()
});

/// Names and values; a value that was taken out is empty.
#[derive(Clone, Default, PartialEq)]
pub struct Fields<'a> {
    list: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// By role: how early its name is listed, and which field it is.
    roles: [Option<(usize, usize)>; 3],
}

impl<'a> Fields<'a> {
    pub(super) fn push(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        // `JsonType` 0 writes null as text; either way nothing is said.
        let says_nothing = value.is_empty() || value == "null";
        if says_nothing || self.list.len() >= MAX_FIELDS {
            return;
        }
        if let Some(&(role, rank)) = ROLES.get(name.as_ref()) {
            let slot = &mut self.roles[role as usize];
            if slot.is_none_or(|(best, _)| rank < best) {
                *slot = Some((rank, self.list.len()));
            }
        }
        if self.list.is_empty() {
            self.list.reserve(16);
        }
        self.list.push((name, value));
    }

    /// Takes out the value of a role, as it stands in the line.
    pub(super) fn take(&mut self, role: Role) -> Option<Cow<'a, str>> {
        let (_, at) = self.roles[role as usize].take()?;
        Some(std::mem::take(&mut self.list[at].1))
    }

    /// A value as it stands in the line.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.list
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_ref())
    }

    /// All as `name=value`, as they stand in the line.
    pub(super) fn raw_pairs(&self) -> String {
        let pairs: Vec<String> = self
            .list
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join(" ")
    }

    /// Names and redacted values, in the order of the line.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.list
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.as_ref(), redact::field(name, Cow::Borrowed(value))))
    }

    /// For each set of names the redacted value of the first field that has one of them.
    pub fn first_of<const N: usize>(
        &self,
        sets: [fn(&str) -> bool; N],
    ) -> [Option<Cow<'_, str>>; N] {
        let mut found = [const { None }; N];
        for (name, value) in &self.list {
            for (is_one, found) in sets.iter().zip(&mut found) {
                if found.is_none() && is_one(name) && !value.is_empty() {
                    *found = Some(redact::field(name, Cow::Borrowed(value)));
                }
            }
        }
        found
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'a> FromIterator<(Cow<'a, str>, Cow<'a, str>)> for Fields<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Cow<'a, str>)>>(fields: I) -> Self {
        let mut all = Self::default();
        for (name, value) in fields {
            all.push(name, value);
        }
        all
    }
}
