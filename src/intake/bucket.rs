//! A bucket: the objects below a prefix, and the bytes of each.
//!
//! In: where the bucket is and with which key. Out: [`Listed`] objects and their bytes, or an [`Error`] that says what is wrong and
//! what to do. Always true: nothing is ever written; only the prefix that is asked for is listed; an object is read as it was
//! listed, or the read fails with [`Fault::Replaced`].
//!
//! The COS arm speaks the XML API itself. `opendal` was measured and not taken: its errors hide the COS code and the server's
//! `Date`, by which a wrong key, a missing right and a wrong clock are told apart; it does not retry 429; and it cannot read keys
//! that contain `//`, which CLS writes when prefix and partition both have a slash.

mod cos;
mod fault;
mod folder;
mod listing;

use std::path::PathBuf;

use bytes::Bytes;

pub use cos::{CosSpec, Line};
pub use fault::{Error, Fault};

/// Where a bucket is.
#[derive(Debug, Clone)]
pub enum BucketSpec {
    /// A folder that looks like a bucket: `file:///absolute/dir`.
    Folder(PathBuf),
    Cos(CosSpec),
}

/// An object as the listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Listed {
    pub key: String,
    /// Says which content the key had; not always an MD5 (objects uploaded in parts have another form).
    pub etag: String,
    /// Bytes as stored.
    pub size: u64,
    /// Unix milliseconds.
    pub modified_ms: i64,
}

/// Handle of a bucket; cheap to clone.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// As `GENGFU_BUCKET` names it.
    name: String,
    arm: Arm,
}

#[derive(Debug, Clone)]
enum Arm {
    Folder(folder::Folder),
    Cos(cos::Cos),
}

impl Bucket {
    /// Does no I/O yet. A process that opens COS buckets has installed rustls' default provider before.
    pub fn open(spec: BucketSpec) -> Result<Self, Error> {
        Ok(match spec {
            BucketSpec::Folder(root) => Self {
                name: format!("file://{}", root.display()),
                arm: Arm::Folder(folder::Folder::new(root)),
            },
            BucketSpec::Cos(spec) => Self {
                name: format!("cos://{}", spec.bucket),
                arm: Arm::Cos(cos::Cos::new(spec)?),
            },
        })
    }

    /// The bucket as `GENGFU_BUCKET` names it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All objects whose key begins with `prefix`, in the order of their keys.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Error> {
        let listed = match &self.arm {
            Arm::Folder(folder) => folder.list(prefix).await,
            Arm::Cos(cos) => cos.list(prefix).await,
        };
        let mut all = listed.map_err(|error| error.in_bucket(self.name.clone()))?;
        // COS answers in UTF-8 order already; the callers' results rest on it.
        all.sort();
        Ok(all)
    }

    /// The bytes of an object, if it still is what was listed.
    pub async fn read(&self, object: &Listed) -> Result<Bytes, Error> {
        let read = match &self.arm {
            Arm::Folder(folder) => folder.read(object).await,
            Arm::Cos(cos) => cos.read(object).await,
        };
        read.map_err(|error| error.in_bucket(self.name.clone()))
    }
}

#[cfg(test)]
mod mock_tests;
#[cfg(test)]
mod tests;
