//! What each cluster collects: its three switches, and the topics behind them.
//!
//! In: cluster ids. Out: topics by kind, and what is switched off. Switches nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;

use super::{Gap, list_of};
use crate::{
    intake::tc3::{Api, Error, Service},
    model::LogKind,
};

/// A cluster's three switches.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Switches {
    pub(super) cluster_id: String,
    audit: Option<Switch>,
    event: Option<Switch>,
    log: Option<Switch>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Switch {
    enable: bool,
    topic_id: String,
    topic_region: String,
}

impl Switches {
    /// Topics of any of the three.
    pub(super) fn topics(&self) -> impl Iterator<Item = &str> {
        let switches = [&self.log, &self.event, &self.audit].into_iter().flatten();
        let topics = switches.map(|switch| switch.topic_id.as_str());
        topics.filter(|topic| !topic.is_empty())
    }

    pub(super) fn note(
        self,
        region: &str,
        topics: &mut BTreeMap<LogKind, BTreeSet<(String, String)>>,
        gaps: &mut Vec<Gap>,
    ) {
        for (kind, switch) in [
            (LogKind::Business, self.log),
            (LogKind::Event, self.event),
            (LogKind::Audit, self.audit),
        ] {
            let switch = switch.unwrap_or_default();
            if !switch.enable {
                gaps.push(Gap::NotCollected {
                    cluster: self.cluster_id.clone(),
                    kind,
                });
            } else if !switch.topic_id.is_empty() {
                let region = if switch.topic_region.is_empty() {
                    region.to_owned()
                } else {
                    switch.topic_region
                };
                topics
                    .entry(kind)
                    .or_default()
                    .insert((region, switch.topic_id));
            }
        }
    }
}

pub(super) async fn switches(api: &Api, clusters: &[String]) -> Result<Vec<Switches>, Error> {
    let body = json!({"ClusterIds": clusters, "ClusterType": "tke"});
    let answer = api.call(Service::Tke, "DescribeLogSwitches", &body).await?;
    Ok(list_of(&answer, "SwitchSet"))
}
