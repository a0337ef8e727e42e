//! Commands for a person's shell, from names that came out of a log.
//!
//! In: names and values. Out: text that a POSIX shell reads as exactly these words. Always true: a name that Kubernetes would not
//! take never gets into a command. Does not run anything.

use std::fmt::Write as _;

use crate::model::{ObjectRef, record::AuditWrite};

/// An object as `kubectl` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// `-n <namespace>`, or empty for cluster-wide kinds; ends with a space when there is one.
    namespace: String,
    /// `deployment`, or `rollouts.argoproj.io` for kinds that are not Kubernetes' own.
    resource: String,
    name: String,
    is_foreign: bool,
}

impl Target {
    /// `None` when the log's names cannot be names of Kubernetes: such text has no place in a command.
    #[must_use]
    pub(super) fn of(object: &ObjectRef, write: &AuditWrite) -> Option<Self> {
        let own = write.api_group.is_empty()
            || !write.api_group.contains('.')
            || write.api_group.ends_with(".k8s.io");
        let resource = if own {
            object.kind.to_ascii_lowercase()
        } else {
            format!("{}.{}", write.resource, write.api_group)
        };
        let names = [object.name.as_str(), resource.as_str()];
        let fits = names.iter().all(|name| is_name(name))
            && (object.namespace.is_empty() || is_name(&object.namespace));
        fits.then(|| Self {
            namespace: match object.namespace.as_str() {
                "" => String::new(),
                namespace => format!("-n {} ", quoted(namespace)),
            },
            resource,
            name: quoted(&object.name),
            is_foreign: !own,
        })
    }

    /// Whether its kind is not Kubernetes' own.
    #[must_use]
    pub(super) const fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    /// `kubectl -n shop <verb> deployment web<rest>`.
    #[must_use]
    pub(super) fn command(&self, verb: &str, rest: &str) -> String {
        let space = if rest.is_empty() { "" } else { " " };
        format!(
            "kubectl {}{verb} {} {}{space}{rest}",
            self.namespace, self.resource, self.name
        )
    }

    /// `kubectl -n shop <verb>`, for commands that take their object otherwise.
    #[must_use]
    pub(super) fn plain(&self, verb: &str) -> String {
        format!("kubectl {}{verb}", self.namespace)
    }

    /// `deployment/web`.
    #[must_use]
    pub(super) fn slashed(&self) -> String {
        format!("{}/{}", self.resource, self.name)
    }
}

/// A word for a POSIX shell: as it is when nothing in it is special, else in single quotes.
#[must_use]
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '-' | '_' | '.' | '/' | ':' | '@' | '%' | '+' | ',')
    };
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// JSON text in ASCII: whatever could be invisible or turn the reading direction stands as `\u....`, which JSON reads back.
#[must_use]
pub(super) fn visible_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ' {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// Names of objects (RFC 1123) and of RBAC objects (`system:node`); never a flag, never a path.
fn is_name(name: &str) -> bool {
    name.len() <= 253
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_only_where_a_shell_would_read_more_into_them() {
        assert_eq!(quoted("shop"), "shop");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("$(reboot)"), "'$(reboot)'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_hostile_name_is_no_name() {
        for bad in [
            "",
            "--all",
            "web; rm -rf /",
            "web\n",
            "../etc",
            "web\u{202e}",
            "$(id)",
        ] {
            assert!(!is_name(bad), "{bad:?}");
        }
        assert!(is_name("system:node") && is_name("web-0.2_x"));
    }

    #[test]
    fn json_shows_what_could_hide() {
        assert_eq!(
            visible_json("{\"镜像\": \"a\u{200b}b\u{1f600}\"}"),
            "{\"镜像\": \"a\\u200bb\\ud83d\\ude00\"}"
        );
    }
}
