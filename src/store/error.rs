//! What can go wrong with an owner's databases, as far as somebody can branch on it.

use std::{io, path::PathBuf};

use rusqlite::{ErrorCode, ffi};

use crate::model::Lang;

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

    /// What is wrong and what to do, for the operator.
    #[must_use]
    pub fn sentence(&self, lang: Lang) -> String {
        match lang {
            Lang::Zh => self.in_chinese(),
            Lang::En => self.in_english(),
        }
    }

    fn in_chinese(&self) -> String {
        match self {
            Self::Locked { holder } => format!(
                "这个主人的数据正由 {holder} 写入,没有开始新的一轮;如果它是 gengfu serve,请让它重新分析(summarize_day,refresh=true),否则等它结束再试,或换一个 GENGFU_DATA_DIR"
            ),
            Self::TooNew { file, found, known } => format!(
                "数据库 {file} 是更新版本的程序写的(版本 {found},本程序只认到 {known});请升级 gengfu,或换一个 GENGFU_DATA_DIR"
            ),
            Self::Full => "磁盘满了,数据写不进去;请在 GENGFU_DATA_DIR 所在的磁盘腾出空间再运行一次,已写入的不会丢".to_owned(),
            Self::Corrupt(why) => format!(
                "数据库损坏或不是 gengfu 的({why});请从备份恢复,或移走 GENGFU_DATA_DIR 下这个主人的目录后重新运行"
            ),
            Self::NoData(owner) => format!("主人 {owner} 还没有数据;请先运行 gengfu run,或核对 GENGFU_DATA_DIR"),
            Self::Io { path, source } => format!(
                "数据目录用不了:{}:{};请让运行用户能写这个目录,或改 GENGFU_DATA_DIR",
                path.display(),
                Lang::Zh.refusal(source)
            ),
            Self::Sqlite(error) if is_refused(error) => {
                "数据库文件打不开或写不了;请检查 GENGFU_DATA_DIR 的权限和磁盘".to_owned()
            }
            Self::ReadOnly | Self::Stopped | Self::Encode(_) | Self::Sqlite(_) => format!(
                "数据库出错({});请再试一次,仍不行就运行 gengfu doctor",
                self.detail()
            ),
        }
    }

    fn in_english(&self) -> String {
        match self {
            Self::Locked { holder } => format!(
                "this owner's data is being written by {holder}, and no round was started; if that is `gengfu serve`, let it analyse the day (summarize_day with refresh=true), else wait for its end, or use another GENGFU_DATA_DIR"
            ),
            Self::TooNew { file, found, known } => format!(
                "the database {file} was written by a newer program (version {found}, this one knows {known}); update gengfu, or use another GENGFU_DATA_DIR"
            ),
            Self::Full => "the disk is full; free space on the disk of GENGFU_DATA_DIR and run again, what was written stands".to_owned(),
            Self::Corrupt(why) => format!(
                "the database is damaged or none of gengfu's ({why}); restore a backup, or move this owner's folder out of GENGFU_DATA_DIR and run again"
            ),
            Self::NoData(owner) => format!("owner {owner} has no data yet; run `gengfu run` first, or check GENGFU_DATA_DIR"),
            Self::Io { path, source } => format!(
                "the data directory cannot be used: {}: {}; let this user write there, or change GENGFU_DATA_DIR",
                path.display(),
                Lang::En.refusal(source)
            ),
            Self::Sqlite(error) if is_refused(error) => {
                "the database file cannot be opened or written; check permissions and disk of GENGFU_DATA_DIR".to_owned()
            }
            Self::ReadOnly | Self::Stopped | Self::Encode(_) | Self::Sqlite(_) => format!(
                "the database failed ({}); try again, and if that does not help, run `gengfu doctor`",
                self.detail()
            ),
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Sqlite(error) => error.to_string(),
            other => other.to_string(),
        }
    }

    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full,
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

/// The file system does not let us: no right, a read-only mount, a file that is gone.
fn is_refused(e: &rusqlite::Error) -> bool {
    matches!(
        e.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    )
}

/// A full disk under the write-ahead log or its index shows as a failed write, not as `SQLITE_FULL`.
fn is_write_failure(e: &rusqlite::Error) -> bool {
    matches!(
        e.sqlite_error().map(|e| e.extended_code),
        Some(ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE)
    )
}
