//! The three kinds of log.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where a record comes from: containers, Kubernetes Events, or the kube-apiserver's audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogKind {
    /// Container stdout and files: where the user-visible error shows.
    Business,
    /// Kubernetes Events: what the cluster did.
    Event,
    /// audit.k8s.io/v1: who changed what.
    Audit,
}

impl LogKind {
    /// All kinds, in the order in which a cause chain is told.
    pub const ALL: [Self; 3] = [Self::Business, Self::Event, Self::Audit];

    /// The lower-case English name, as in object prefixes, evidence ids and tool arguments.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Business => "business",
            Self::Event => "event",
            Self::Audit => "audit",
        }
    }

    /// The spoken Chinese name.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Business => "业务日志",
            Self::Event => "事件日志",
            Self::Audit => "审计日志",
        }
    }
}

impl fmt::Display for LogKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is none of `business`, `event`, `audit`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown kind of log `{0}`; use business, event or audit")]
pub struct UnknownKind(String);

impl FromStr for LogKind {
    type Err = UnknownKind;

    /// Lenient: English singular or plural, or the Chinese name with or without 日志.
    fn from_str(s: &str) -> Result<Self, UnknownKind> {
        match s.trim().to_lowercase().as_str() {
            "business" | "app" | "业务" | "业务日志" => Ok(Self::Business),
            "event" | "events" | "事件" | "事件日志" => Ok(Self::Event),
            "audit" | "audits" | "审计" | "审计日志" => Ok(Self::Audit),
            other => Err(UnknownKind(other.to_owned())),
        }
    }
}
