//! Two scales that are easy to confuse: what a logger claims, and how much a finding matters.

use serde::{Deserialize, Serialize};

/// What the writer of a line said about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    /// Reads the usual spellings of loggers (`WARNING`, `E`, `crit`, `错误`); `None` for anything else.
    #[must_use]
    pub fn parse(s: &str) -> Option<Self> {
        Some(match s.trim().to_ascii_lowercase().as_str() {
            "trace" | "debug" | "verbose" | "dbg" | "d" | "t" => Self::Debug,
            "info" | "information" | "note" | "notice" | "i" | "inf" | "信息" => Self::Info,
            "warn" | "warning" | "w" | "wrn" | "警告" => Self::Warn,
            "error" | "err" | "e" | "severe" | "错误" => Self::Error,
            "fatal" | "critical" | "crit" | "panic" | "emerg" | "emergency" | "alert" | "f"
            | "严重" => Self::Fatal,
            _ => return None,
        })
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

/// How much a finding matters to the person who hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth listing, never told unasked.
    Info,
    /// Something is wrong but users may not notice.
    Warning,
    /// Part of a service fails.
    Error,
    /// A service or the cluster is down for its users.
    Critical,
}
