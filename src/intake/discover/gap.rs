//! What keeps a kind of log from being read, and where to click.

use crate::model::{Lang, LogKind};

/// Something that keeps a kind from being read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// The cluster does not collect this kind.
    NotCollected { cluster: String, kind: LogKind },
    /// The topic is not shipped to COS.
    NotShipped { kind: LogKind, topic: String },
    /// The shipping task exists but is paused or failing.
    Stopped { kind: LogKind, shipper: String },
    /// The shipping task writes what cannot be read: `format` is Parquet, LZOP and the like.
    Unreadable {
        kind: LogKind,
        shipper: String,
        format: String,
    },
    /// Objects go straight to an archive and cannot be fetched.
    Archived { kind: LogKind, shipper: String },
}

impl Gap {
    /// The kind that is not read because of it.
    #[must_use]
    pub const fn kind(&self) -> LogKind {
        match self {
            Self::NotCollected { kind, .. }
            | Self::NotShipped { kind, .. }
            | Self::Stopped { kind, .. }
            | Self::Unreadable { kind, .. }
            | Self::Archived { kind, .. } => *kind,
        }
    }

    /// What is off and where to click.
    #[must_use]
    pub fn in_words(&self, lang: Lang) -> String {
        match lang {
            Lang::Zh => self.in_chinese(),
            Lang::En => self.in_english(),
        }
    }

    fn in_chinese(&self) -> String {
        let kind = self.kind().zh();
        match self {
            Self::NotCollected { cluster, kind: of } => {
                let switch = match of {
                    LogKind::Business => "日志采集",
                    LogKind::Event => "事件存储",
                    LogKind::Audit => "集群审计",
                };
                format!(
                    "集群 {cluster} 没有开启{kind}：容器服务控制台 → 运维功能管理 → 该集群“设置” → 开启{switch}"
                )
            }
            Self::NotShipped { topic, .. } => format!(
                "{kind}（主题 {topic}）没有投递到 COS：日志服务控制台 → 日志主题 → 投递 → 投递至 COS → 添加，格式选 JSON、压缩选 GZIP"
            ),
            Self::Stopped { shipper, .. } => {
                format!(
                    "{kind}的投递任务 {shipper} 已停止或在报错：日志服务控制台 → 投递至 COS → 打开开关，并查看任务状态"
                )
            }
            Self::Unreadable {
                shipper, format, ..
            } => {
                format!(
                    "{kind}的投递任务 {shipper} 写的是 {format}，读不了：请把格式改成 JSON、压缩改成 GZIP"
                )
            }
            Self::Archived { shipper, .. } => {
                format!(
                    "{kind}的投递任务 {shipper} 直接写入归档存储，取不出来：请把存储类型改成标准存储"
                )
            }
        }
    }

    fn in_english(&self) -> String {
        let kind = self.kind();
        match self {
            Self::NotCollected { cluster, .. } => format!(
                "cluster {cluster} does not collect {kind} logs: TKE console, Operation feature management, Settings of the cluster"
            ),
            Self::NotShipped { topic, .. } => format!(
                "{kind} logs (topic {topic}) are not shipped to COS: CLS console, Log topic, Shipping, Ship to COS, Add; JSON and GZIP"
            ),
            Self::Stopped { shipper, .. } => {
                format!(
                    "the shipping task {shipper} of {kind} logs is stopped or failing: CLS console, Ship to COS, switch it on"
                )
            }
            Self::Unreadable {
                shipper, format, ..
            } => {
                format!(
                    "the shipping task {shipper} of {kind} logs writes {format}: change it to JSON and GZIP"
                )
            }
            Self::Archived { shipper, .. } => {
                format!(
                    "the shipping task {shipper} of {kind} logs writes to an archive: change its storage class to STANDARD"
                )
            }
        }
    }
}
