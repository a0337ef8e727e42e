//! Where the logs are: bucket, prefixes, topics, endpoints, partition.

use std::collections::BTreeMap;

use super::read::Reader;
use crate::model::{Endpoints, LogKind, Places, Zone};

/// Where the logs of the owner in the environment are, and how far around a day is read.
#[derive(Debug, Clone)]
pub struct Logs {
    /// Prefixes for every kind, partition and its zone are always there; bucket, clusters and topics may be missing.
    pub places: Places,
    pub endpoints: Endpoints,
    /// Hours of the next day's directories that are searched for late objects.
    pub spill_hours: u32,
    pub baseline_days: u32,
}

pub(super) fn read(r: &mut Reader<'_>) -> Logs {
    let mut prefixes = BTreeMap::new();
    let mut topics = BTreeMap::new();
    for kind in LogKind::ALL {
        let upper = kind.as_str().to_uppercase();
        let found = r.parsed_list(
            &format!("GENGFU_{upper}_PREFIX"),
            "桶里的前缀,或 cos://桶名-appid/前缀",
            "a prefix in the bucket, or cos://bucket-appid/prefix",
        );
        prefixes.insert(kind, found);
        let found = r.list(&format!("GENGFU_{upper}_TOPIC"));
        if !found.is_empty() {
            topics.insert(kind, found);
        }
    }
    let partition_zone = match r.text_if_set("GENGFU_PARTITION_TIMEZONE") {
        Some(_) => zone(r, "GENGFU_PARTITION_TIMEZONE"),
        // Its own reader has noted the mistake, if there is one.
        None => r.text("GENGFU_TIMEZONE").parse().unwrap_or_default(),
    };
    Logs {
        places: Places {
            bucket: r.parsed(
                "GENGFU_BUCKET",
                |t| t.parse().ok(),
                "cos://<桶名-appid> 或 file:///绝对路径",
                "cos://<bucket-appid> or file:///absolute/dir",
            ),
            prefixes,
            partition: Some(r.text("GENGFU_PARTITION")),
            partition_zone: Some(partition_zone),
            clusters: r.list("GENGFU_CLUSTERS"),
            topics,
        },
        endpoints: Endpoints {
            cos: r.url("GENGFU_COS_ENDPOINT"),
            cls: r.url("GENGFU_CLS_ENDPOINT"),
            tke: r.url("GENGFU_TKE_ENDPOINT"),
            monitor: r.url("GENGFU_MONITOR_ENDPOINT"),
        },
        // Shipping lags by minutes; after an incident by hours. A day is never searched further than a day.
        spill_hours: small(r.number("GENGFU_SPILL_HOURS", 0..=24)),
        baseline_days: small(r.number("GENGFU_BASELINE_DAYS", 0..=60)),
    }
}

pub(super) fn zone(r: &mut Reader<'_>, name: &str) -> Zone {
    r.parsed(
        name,
        |t| t.parse().ok(),
        "时区,例如 Asia/Shanghai 或 GMT+08:00",
        "a time zone such as Asia/Shanghai or GMT+08:00",
    )
    .unwrap_or_default()
}

fn small(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
