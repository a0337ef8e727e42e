//! Why a round ends without a report of the whole day.

use crate::{intake::bucket, model::Lang, store};

/// See the variants; [`Error::is_transient`] says whether the same round may work later.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bucket cannot be listed or read at all.
    #[error("cannot read the bucket")]
    Bucket(#[from] bucket::Error),
    #[error("cannot use the owner's data")]
    Store(#[from] store::Error),
    #[error("cannot write `{path}`")]
    File {
        path: String,
        source: std::io::Error,
    },
    /// The program is stopping, or the task was cancelled; the next round goes on where this one stopped.
    #[error("the round was stopped before its end")]
    Stopped,
    /// A bug of ours.
    #[error("a step of the round panicked")]
    Panicked,
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        if error.is_panic() {
            Self::Panicked
        } else {
            Self::Stopped
        }
    }
}

impl Error {
    /// What happened and what to do, for the owner.
    #[must_use]
    pub fn sentence(&self, lang: Lang) -> String {
        match self {
            Self::Bucket(error) => error.sentence(lang),
            Self::Store(error) => error.sentence(lang),
            Self::File { path, source } => match lang {
                Lang::Zh => format!(
                    "写不了 {path}:{};请检查磁盘空间和目录权限,或改 GENGFU_DATA_DIR",
                    lang.refusal(source)
                ),
                Lang::En => format!(
                    "cannot write {path}: {}; check disk space and permissions, or change GENGFU_DATA_DIR",
                    lang.refusal(source)
                ),
            },
            Self::Stopped => lang
                .pick(
                    "这一轮中途停了,下次会接着做",
                    "the round was stopped and goes on next time",
                )
                .to_owned(),
            Self::Panicked => lang
                .pick(
                    "程序出错了，这一天没有分析完；请把日志交给开发者",
                    "a bug kept this day from being finished; please report it with the log",
                )
                .to_owned(),
        }
    }

    /// Whether trying again without changing anything may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Bucket(error) => error.is_transient(),
            Self::Store(error) => error.is_transient(),
            Self::File { .. } | Self::Panicked => false,
            Self::Stopped => true,
        }
    }
}
