//! The language that a person is told things in.

use std::{fmt, io, str::FromStr};

use serde::{Deserialize, Serialize};

/// Chinese unless `GENGFU_LANG=en` says otherwise.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    #[default]
    Zh,
    En,
}

impl Lang {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// What the operating system refused, where a person can do something about it; else in its own words.
    #[must_use]
    pub fn refusal(self, error: &io::Error) -> String {
        use io::ErrorKind as Kind;
        let (zh, en) = match error.kind() {
            Kind::NotFound => ("不存在", "it does not exist"),
            Kind::PermissionDenied => ("没有权限", "permission denied"),
            Kind::ReadOnlyFilesystem => ("文件系统是只读的", "the file system is read-only"),
            Kind::NotADirectory => ("不是目录", "it is no directory"),
            Kind::IsADirectory => ("是目录,不是文件", "it is a directory, not a file"),
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => {
                ("空间不够", "no space is left for it")
            }
            Kind::AddrInUse => ("地址已被占用", "the address is in use"),
            _ => return error.to_string(),
        };
        self.pick(zh, en).to_owned()
    }

    /// The text of this language, of a pair.
    #[must_use]
    pub fn pick<T>(self, zh: T, en: T) -> T {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is neither `zh` nor `en`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown language `{0}`; use zh or en")]
pub struct UnknownLang(String);

impl FromStr for Lang {
    type Err = UnknownLang;

    fn from_str(s: &str) -> Result<Self, UnknownLang> {
        match s.trim().to_ascii_lowercase().as_str() {
            "zh" | "zh-cn" | "zh_cn" | "cn" => Ok(Self::Zh),
            "en" | "en-us" | "en_us" => Ok(Self::En),
            _ => Err(UnknownLang(s.to_owned())),
        }
    }
}
