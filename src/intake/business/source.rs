//! Who wrote a line, by its tags.
//!
//! In: the parts of a line that say so: tags nested or flat, the file, the host. Out: a [`Source`] and what the parts add to the line's
//! identity. Always true: the same parts, byte for byte, are worked out once; others that mean the same give the same result. At most
//! [`MOST_BYTES`] are remembered, since log text is hostile; when they are full, everything is forgotten.
//!
//! CLS writes the tags last, and they are most of a line. A rest of a line that holds nothing else is checked once, and known again.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use memchr::memmem::Finder;
use rustc_hash::FxBuildHasher;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::{
    intake::{
        identity::{Path, Sum},
        json,
    },
    model::record::Rejection,
};

/// Bytes of parts and rests that a reader remembers; a cluster has a few thousand pods with half a kilobyte each.
pub(super) const MOST_BYTES: usize = 4 << 20;
/// What an entry takes beside its bytes, about.
const ENTRY_BYTES: usize = 256;
/// Longest part or rest that is remembered. Tags are shorter by far.
const LONGEST: usize = 4096;
/// Rests that may be remembered although few lines end with one of them.
const TRIED: usize = 64;

/// Where a rest of tags begins, nested or flat. Inside of a string the quote would have a backslash.
static TAGS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b",\"__TAG__"));

/// Who wrote a business line. Empty where the tag is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    pub cluster: String,
    pub namespace: String,
    pub pod: String,
    pub container: String,
    pub node: String,
}

/// Sources by the parts that name them.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The parts of the present line: length and text of each name and each raw value.
    parts: Vec<u8>,
    /// The rest of the present line.
    rest: Rest,
    found: HashMap<u64, Found, FxBuildHasher>,
    /// Rests by the hash of their bytes.
    rests: HashMap<u64, Tags, FxBuildHasher>,
    /// How many lines ended with one of them.
    met: usize,
    /// How many rests were ever remembered.
    remembered: usize,
    /// Bytes that `found` and `rests` hold.
    bytes: usize,
}

/// What is known of the end of a line.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// There is no rest of tags, or it was of no use.
    #[default]
    None,
    /// From here on tags may follow that were not seen before.
    New { at: usize },
    /// It ends with the rest of this hash that was remembered under this number: hashes of hostile text may be equal, numbers never are.
    Known { hash: u64, number: usize },
}

/// A rest of a line that is tags to its end.
#[derive(Debug)]
struct Tags {
    number: usize,
    bytes: Box<[u8]>,
    parts: Box<[u8]>,
}

#[derive(Debug, Clone)]
struct Found {
    parts: Box<[u8]>,
    rest: Rest,
    sum: Sum,
    source: Arc<Source>,
}

/// Whether a field of this name says who wrote the line.
pub(super) fn is_part(name: &str) -> bool {
    matches!(
        name,
        "__FILENAME__" | "__HOSTNAME__" | "__SOURCE__" | "__TAG__" | "kubernetes" | "docker"
    ) || ["__TAG__.", "kubernetes.", "docker."]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

impl Known {
    /// Forgets the parts of the line before; tells where the rest of this one begins, if it has been read before.
    pub(super) fn begin(&mut self, line: &[u8]) -> Option<usize> {
        self.parts.clear();
        self.rest = Rest::None;
        let useful = self.rests.len() < TRIED || self.met > self.rests.len();
        let at = useful.then(|| TAGS.find(line)).flatten()?;
        let rest = &line[at..];
        let hash = xxh3_64(rest);
        match self.rests.get(&hash) {
            Some(tags) if *tags.bytes == *rest => {
                self.rest = Rest::Known {
                    hash,
                    number: tags.number,
                };
                return Some(at);
            }
            None if rest.len() <= LONGEST => self.rest = Rest::New { at },
            _ => {}
        }
        None
    }

    /// The line was read and is valid; `met` when the rest that [`begin`](Self::begin) told of was met.
    pub(super) fn read(&mut self, line: &[u8], met: bool) {
        if met {
            self.met += 1;
        } else if let Rest::New { at } = std::mem::take(&mut self.rest) {
            self.remember(&line[at..]);
        }
    }

    /// Remembers a rest that is an object of tags when a brace stands in place of its comma.
    fn remember(&mut self, rest: &[u8]) {
        let object = [b"{", &rest[1..]].concat();
        let (mut parts, mut tags_only) = (Vec::new(), true);
        let read = json::for_each_field(&object, |name, node| {
            tags_only &= is_part(&name);
            push(&mut parts, &name, node.raw());
        });
        if read.is_ok() && tags_only {
            self.make_room(rest.len() + parts.len());
            self.remembered += 1;
            let tags = Tags {
                number: self.remembered,
                bytes: rest.into(),
                parts: parts.into(),
            };
            self.rests.entry(xxh3_64(rest)).or_insert(tags);
        }
    }

    /// Forgets everything when there is no room for so many bytes: pods come and go, and those of now are soon known again.
    fn make_room(&mut self, bytes: usize) {
        let bytes = bytes + ENTRY_BYTES;
        if self.bytes + bytes > MOST_BYTES {
            (self.found, self.rests) = Default::default();
            (self.met, self.bytes) = (0, 0);
        }
        self.bytes += bytes;
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let found = self
            .found
            .values()
            .map(|f| f.parts.len() + f.source.bytes());
        let rests = self.rests.values().map(|t| t.bytes.len() + t.parts.len());
        found.chain(rests).sum()
    }

    pub(super) fn part(&mut self, name: &str, raw: &str) {
        push(&mut self.parts, name, raw);
    }

    /// Who wrote the line, and what its parts add to the identity.
    pub(super) fn source(&mut self) -> (Sum, Arc<Source>) {
        let tags = match self.rest {
            Rest::Known { hash, .. } => Some(hash),
            Rest::None | Rest::New { .. } => None,
        };
        let hash = xxh3_64_with_seed(&self.parts, tags.unwrap_or_default());
        if let Some(found) = self.found.get(&hash)
            && found.rest == self.rest
            && *found.parts == *self.parts
        {
            return (found.sum, found.source.clone());
        }
        let mut draft = Draft::default();
        draft.parts(&self.parts);
        if let Some(tags) = tags.and_then(|hash| self.rests.get(&hash)) {
            draft.parts(&tags.parts);
        }
        let (sum, source) = draft.finish();
        let source = Arc::new(source);
        if self.parts.len() <= LONGEST {
            self.make_room(self.parts.len() + source.bytes());
            let found = Found {
                parts: self.parts.as_slice().into(),
                rest: self.rest,
                sum,
                source: source.clone(),
            };
            self.found.entry(hash).or_insert(found);
        }
        (sum, source)
    }
}

impl Source {
    /// What its names take.
    fn bytes(&self) -> usize {
        let names = [
            &self.cluster,
            &self.namespace,
            &self.pod,
            &self.container,
            &self.node,
        ];
        names.into_iter().map(String::len).sum()
    }
}

fn push(parts: &mut Vec<u8>, name: &str, raw: &str) {
    for text in [name, raw] {
        parts.extend_from_slice(&text.len().to_le_bytes());
        parts.extend_from_slice(text.as_bytes());
    }
}

fn next<'p>(rest: &mut &'p [u8]) -> Option<&'p str> {
    let (length, behind) = rest.split_first_chunk()?;
    let (text, behind) = behind.split_at_checked(usize::from_le_bytes(*length))?;
    *rest = behind;
    std::str::from_utf8(text).ok()
}

#[derive(Debug, Default)]
struct Draft {
    sum: Sum,
    source: Source,
    file: String,
    host: String,
    address: String,
}

impl Draft {
    fn parts(&mut self, mut parts: &[u8]) {
        while let (Some(name), Some(raw)) = (next(&mut parts), next(&mut parts)) {
            self.part(name, raw);
        }
    }

    fn part(&mut self, name: &str, raw: &str) {
        let path = Path::of(name);
        match name {
            "__TAG__" | "kubernetes" | "docker" => {
                let Some(text) = json::nested(raw) else {
                    return;
                };
                // Half an object would already have added up; it is no worse than none, since a broken one is broken every time.
                let _: Result<(), Rejection> =
                    json::for_each_field(text.as_bytes(), |tag, node| {
                        let value = node.text();
                        self.sum.add(path.join(&tag), &value);
                        self.tag(&tag, &value);
                    });
            }
            _ => {
                let value = json::text(raw);
                self.sum.add(path, &value);
                match name {
                    "__FILENAME__" => self.file = value.into_owned(),
                    "__HOSTNAME__" => self.host = value.into_owned(),
                    "__SOURCE__" => self.address = value.into_owned(),
                    flat => self.tag(flat.split_once('.').map_or(flat, |(_, tag)| tag), &value),
                }
            }
        }
    }

    /// Names of CLS's container tags, and of the older fluentd form.
    fn tag(&mut self, tag: &str, value: &str) {
        let field = match tag {
            "cluster_id" => &mut self.source.cluster,
            "namespace" | "namespace_name" => &mut self.source.namespace,
            "pod_name" => &mut self.source.pod,
            "container_name" => &mut self.source.container,
            "node_name" | "host" => &mut self.source.node,
            _ => return,
        };
        value.clone_into(field);
    }

    /// Where tags are missing, the path of the file says the same: `/var/log/pods/<ns>_<pod>_<uid>/<container>/0.log`, or
    /// `/var/log/containers/<pod>_<ns>_<container>-<id>.log`.
    fn finish(mut self) -> (Sum, Source) {
        let source = &mut self.source;
        if source.node.is_empty() {
            source.node = if self.host.is_empty() {
                self.address
            } else {
                self.host
            };
        }
        if source.pod.is_empty()
            && let Some((namespace, pod, container)) = names_in(&self.file)
        {
            let fill = |field: &mut String, name: &str| {
                if field.is_empty() {
                    name.clone_into(field);
                }
            };
            fill(&mut source.namespace, namespace);
            fill(&mut source.pod, pod);
            fill(&mut source.container, container);
        }
        (self.sum, self.source)
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
