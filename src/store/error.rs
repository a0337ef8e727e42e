//! What can go wrong with an owner's databases, as far as somebody can branch on it.

use std::{io, path::PathBuf};

use rusqlite::{ErrorCode, ffi};

/// Every failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process writes this owner's data. Readers are not affected.
    #[error("data of this owner is being written by {holder}")]
    Locked { holder: String },
    /// The data was written by a newer program.
    #[error("database `{file}` is newer (schema {found}) than this program (schema {known})")]
    TooNew {
        file: String,
        found: u32,
        known: u32,
    },
    /// No space is left for the database. What was written before stands.
    #[error("disk is full")]
    Full,
    /// The file is damaged, or is no database of ours.
    #[error("database is damaged: {0}")]
    Corrupt(String),
    /// The owner has no data yet.
    #[error("no data of owner `{0}` yet")]
    NoData(String),
    /// A write was asked of a handle that only reads.
    #[error("this handle only reads")]
    ReadOnly,
    /// The thread that runs the queries has ended.
    #[error("store has stopped")]
    Stopped,
    #[error("failed to access `{path}`")]
    Io { path: PathBuf, source: io::Error },
    #[error("failed to encode a value")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("failed to run query")]
    Sqlite(#[source] rusqlite::Error),
}

impl Error {
    /// Whether trying again later may help without anybody doing something.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Locked { .. } => true,
            Self::Sqlite(e) => matches!(
                e.sqlite_error_code(),
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
            ),
            _ => false,
        }
    }

    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io { path, source },
        }
    }

    pub(super) fn encode(e: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Encode(Box::new(e))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(e: rusqlite::Error) -> Self {
        match e.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt(e.to_string())
            }
            Some(ErrorCode::SystemIoFailure) if is_write_failure(&e) => Self::Full,
            _ => Self::Sqlite(e),
        }
    }
}

/// A full disk under the write-ahead log or its index shows as a failed write, not as `SQLITE_FULL`.
fn is_write_failure(e: &rusqlite::Error) -> bool {
    matches!(
        e.sqlite_error().map(|e| e.extended_code),
        Some(ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE)
    )
}
