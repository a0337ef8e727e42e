//! A folder that stands in for a bucket: for the sample of `demo`, for tests, and for logs that were copied from COS.
//!
//! In: keys. Out: files below the root. Always true: no key leads out of the root; an entity tag is made of size and time, so that a
//! file that was rewritten is another object.

use std::{
    io,
    path::{Component, Path, PathBuf},
    time::UNIX_EPOCH,
};

use bytes::Bytes;

use super::{Error, Fault, Listed};

#[derive(Debug, Clone)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(super) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Error> {
        let (root, prefix) = (self.root.clone(), prefix.to_owned());
        let named = prefix.clone();
        let walk = move || {
            if root.is_dir() {
                walk(&root, &prefix)
            } else {
                Err(io::ErrorKind::NotADirectory.into())
            }
        };
        tokio::task::spawn_blocking(walk)
            .await
            .unwrap_or_else(|e| Err(io::Error::other(e)))
            .map_err(|e| Error::local(&named, e))
    }

    pub(super) async fn read(&self, object: &Listed) -> Result<Bytes, Error> {
        let path = self.root.join(&object.key);
        let stays_below = Path::new(&object.key)
            .components()
            .all(|c| matches!(c, Component::Normal(_)));
        if !stays_below {
            return Err(Error::local(&object.key, io::ErrorKind::NotFound.into()));
        }
        let data = tokio::fs::metadata(&path)
            .await
            .map_err(|e| Error::local(&object.key, e))?;
        if entity_tag(&data) != object.etag {
            return Err(Error::of(Fault::Replaced, &object.key));
        }
        let bytes = tokio::fs::read(&path)
            .await
            .map_err(|e| Error::local(&object.key, e))?;
        Ok(bytes.into())
    }
}

/// The files whose path below the root begins with `prefix`.
fn walk(root: &Path, prefix: &str) -> io::Result<Vec<Listed>> {
    let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
    // A bucket has no folders, so `a//b` and `/a` are keys of their own there; in a folder they do not exist.
    let is_plain = prefix.is_empty() || !prefix.starts_with('/') && !prefix.contains("//");
    let start = root.join(folder);
    if !is_plain || !start.is_dir() {
        return Ok(Vec::new());
    }
    let mut waiting = vec![start];
    let mut found = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            // Follows links: a folder of samples may be put together of them.
            let data = match std::fs::metadata(&path) {
                Ok(data) => data,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            let Some(key) = path.strip_prefix(root).ok().and_then(Path::to_str) else {
                continue;
            };
            if data.is_dir() {
                waiting.push(path);
            } else if key.starts_with(prefix) {
                found.push(Listed {
                    key: key.to_owned(),
                    etag: entity_tag(&data),
                    size: data.len(),
                    modified_ms: i64::try_from(modified(&data).as_millis()).unwrap_or(0),
                });
            }
        }
    }
    Ok(found)
}

fn entity_tag(data: &std::fs::Metadata) -> String {
    format!("{:x}-{:x}", data.len(), modified(data).as_nanos())
}

fn modified(data: &std::fs::Metadata) -> std::time::Duration {
    let since = data
        .modified()
        .ok()
        .and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    since.unwrap_or_default()
}
