//! Nested values to the leaves below them.
//!
//! In: an object or an array, structured or as text. Out: its leaves in order. Always true: a value without leaves, and whatever lies
//! deeper than [`MAX_LEVELS`], is a leaf itself. Does not know what the leaves mean.

use crate::intake::{
    identity::Path,
    json::{self, Node},
};

/// Nesting below which a value is kept as its JSON text.
const MAX_LEVELS: usize = 16;

/// Its dotted name, the hash of the way to it, and its text.
pub(super) type Leaf = (String, Path, String);

/// The leaves below a value.
pub(super) fn node(name: &str, path: Path, node: Node<'_>, leaves: &mut Vec<Leaf>) {
    below(name, path, node, 0, leaves);
}

fn below(name: &str, path: Path, node: Node<'_>, level: usize, leaves: &mut Vec<Leaf>) {
    let child = |key: &str| match name {
        "" => key.to_owned(),
        name => format!("{name}.{key}"),
    };
    let before = leaves.len();
    let raw = node.raw();
    if level < MAX_LEVELS && node.is_object() {
        for (key, node) in node.fields() {
            below(&child(&key), path.join(&key), node, level + 1, leaves);
        }
    } else if level < MAX_LEVELS && node.is_array() {
        for (i, node) in node.items().enumerate() {
            let key = i.to_string();
            below(&child(&key), path.join(&key), node, level + 1, leaves);
        }
    } else {
        leaves.push((name.to_owned(), path, node.text().into_owned()));
    }
    if leaves.len() == before {
        leaves.push((name.to_owned(), path, raw.to_owned()));
    }
}

/// [`node`] on text that may or may not be JSON; `false`, and no leaves, if it is not.
pub(super) fn text(name: &str, path: Path, text: &str, leaves: &mut Vec<Leaf>) -> bool {
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
        below(&name, path, node, 1, leaves);
    });
    match read {
        Ok(()) if leaves.is_empty() => leaves.push((name.to_owned(), path, text.to_owned())),
        Ok(()) => {}
        Err(_) => leaves.clear(),
    }
    read.is_ok()
}
