//! A shipping task as CLS describes it: where it writes, and in which form.
//!
//! In: an item of `DescribeShippers`. Out: prefix and partition as a reader needs them, and what keeps its objects from being read.
//! Reads nothing.

use serde::Deserialize;

use crate::intake::cls::Meta;

/// A shipping task of CLS, as far as it matters to a reader.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Shipper {
    pub shipper_id: String,
    pub shipper_name: String,
    pub topic_id: String,
    pub bucket: String,
    pub prefix: String,
    pub partition: String,
    pub time_zone: String,
    pub storage_type: String,
    /// Switched on.
    pub status: bool,
    /// 0 stopped, 1 running, 2 failing.
    pub(super) task_status: Option<i64>,
    pub(super) compress: Format,
    pub(super) content: Content,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Content {
    format: String,
    json: Option<Json>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Json {
    enable_tag: Option<bool>,
    meta_fields: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Format {
    format: String,
}

impl Shipper {
    /// Prefix and partition, cut so that the partition begins without a slash; `/` when there is none, since nothing means the default.
    pub(super) fn directories(&self) -> (String, String) {
        let prefix = self.prefix.trim_start_matches('/');
        let joint = self.partition.starts_with('/') && !prefix.is_empty() && !prefix.ends_with('/');
        let partition = match self.partition.trim_start_matches('/') {
            "" => "/".to_owned(),
            partition => partition.to_owned(),
        };
        (
            format!("{prefix}{}", if joint { "/" } else { "" }),
            partition,
        )
    }

    /// Which of the fields beside a log it writes; what it does not say it writes.
    #[must_use]
    pub fn meta(&self) -> Meta {
        let json = self.content.json.as_ref();
        Meta {
            fields: json.and_then(|json| json.meta_fields.clone()),
            tags: json.and_then(|json| json.enable_tag).unwrap_or(true),
        }
    }

    /// The form that our readers do not take, if the task writes one.
    pub(super) fn unreadable(&self) -> Option<String> {
        let compress = self.compress.format.to_lowercase();
        let content = self.content.format.to_lowercase();
        if content == "parquet" {
            return Some("Parquet".to_owned());
        }
        (compress == "lzop").then(|| "LZOP".to_owned())
    }
}
