//! From a key and a region to the places of the logs: clusters, topics, shipping tasks, buckets, prefixes, partition.
//!
//! In: an [`Api`]. Out: a [`Discovery`] with [`Places`] ready to be read from, and everything that is switched off or written in a form
//! that cannot be read. Always true: asks for reading only; what one missing permission hides is said by its name while the rest is
//! still found. Decides nothing for the operator and stores nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::tc3::{Api, Error, Service};
use crate::model::{BucketUrl, DayRange, LogKind, LogPrefix, Places};

mod gap;

pub use gap::Gap;

/// Objects per page of the listing actions.
const PAGE: u64 = 100;
/// Clusters whose switches are asked for at once.
const CLUSTERS_AT_ONCE: usize = 20;

/// What a key can see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovery {
    pub clusters: Vec<Cluster>,
    pub places: Places,
    /// The shipping tasks that the places were made from, by kind.
    pub shipping: BTreeMap<LogKind, Vec<Shipper>>,
    pub gaps: Vec<Gap>,
    /// Actions that gave no answer; what they would have told is missing above.
    pub refused: Vec<Error>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    pub id: String,
    pub name: String,
}

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
    task_status: Option<i64>,
    compress: Format,
    content: Format,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Format {
    format: String,
}

/// Finds everything a key can see; with `only`, of these clusters alone.
pub async fn discover(api: &Api, only: &[String]) -> Discovery {
    let mut found = Discovery::default();
    match clusters(api).await {
        Ok(all) => {
            found.clusters = all
                .into_iter()
                .filter(|c| only.is_empty() || only.contains(&c.id))
                .collect();
        }
        Err(error) => {
            found.refused.push(error);
            // The ids are known although their names are not.
            found.clusters = only
                .iter()
                .map(|id| Cluster {
                    id: id.clone(),
                    name: String::new(),
                })
                .collect();
        }
    }
    let ids: Vec<_> = found.clusters.iter().map(|c| c.id.clone()).collect();
    let mut topics: BTreeMap<LogKind, BTreeSet<(String, String)>> = BTreeMap::new();
    for some in ids.chunks(CLUSTERS_AT_ONCE) {
        match switches(api, some).await {
            Ok(list) => list
                .into_iter()
                .for_each(|s| s.note(api.region(), &mut topics, &mut found.gaps)),
            Err(error) => found.refused.push(error),
        }
    }
    let regions: BTreeSet<_> = topics
        .values()
        .flatten()
        .map(|(region, _)| region.clone())
        .collect();
    let mut shippers = Vec::new();
    for region in if regions.is_empty() {
        [api.region().to_owned()].into()
    } else {
        regions
    } {
        match all_shippers(&api.in_region(&region)).await {
            Ok(list) => shippers.extend(list),
            Err(error) => found.refused.push(error),
        }
    }
    // Business topics are named in LogConfig objects inside the cluster, which we never see: what is shipped and is neither events nor
    // audit is taken for business.
    let known: BTreeSet<_> = topics
        .values()
        .flatten()
        .map(|(_, topic)| topic.clone())
        .collect();
    for shipper in &shippers {
        if !known.contains(&shipper.topic_id) {
            let place = (api.region().to_owned(), shipper.topic_id.clone());
            topics.entry(LogKind::Business).or_default().insert(place);
        }
    }
    found.places.clusters = ids;
    for (kind, of_kind) in topics {
        let ids: Vec<_> = of_kind.into_iter().map(|(_, topic)| topic).collect();
        for topic in &ids {
            let mine: Vec<_> = shippers
                .iter()
                .filter(|s| s.topic_id == *topic)
                .cloned()
                .collect();
            if mine.is_empty() {
                found.gaps.push(Gap::NotShipped {
                    kind,
                    topic: topic.clone(),
                });
            }
            found.shipping.entry(kind).or_default().extend(mine);
        }
        found.places.topics.insert(kind, ids);
    }
    place(&mut found);
    found.gaps.sort();
    found
}

/// Whether all logs of a day have been written to COS by this task: `None` when the service no longer knows (it keeps three days).
pub async fn is_shipped(
    api: &Api,
    shipper_id: &str,
    range: &DayRange,
) -> Result<Option<bool>, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Task {
        range_start: i64,
        range_end: i64,
        status: String,
    }
    // Tasks are asked for by when they ran; a day's last ones run in the first hours of the next.
    let hour_ms = 3_600_000;
    let body = json!({"ShipperId": shipper_id, "StartTime": range.start_ms, "EndTime": range.end_ms + 6 * hour_ms});
    let answer = api
        .call(Service::Cls, "DescribeShipperTasks", &body)
        .await?;
    let tasks: Vec<Task> = list_of(&answer, "Tasks");
    if tasks.is_empty() {
        return Ok(None);
    }
    let open = |t: &Task| t.status != "success" && t.range_start < range.end_ms;
    let past_the_end = |t: &Task| t.status == "success" && t.range_end >= range.end_ms;
    Ok(Some(
        !tasks.iter().any(open) && tasks.iter().any(past_the_end),
    ))
}

/// One call that every key may make or be refused: tells a wrong key from a right one.
pub async fn check_key(api: &Api) -> Result<(), Error> {
    match api
        .call(Service::Cls, "DescribeTopics", &json!({"Limit": 1}))
        .await
    {
        // Refused for want of a permission: the key itself was accepted.
        Ok(_) | Err(Error::Denied { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Buckets, prefixes and partition from the shipping tasks, and what cannot be read of them.
fn place(found: &mut Discovery) {
    let all: Vec<_> = found
        .shipping
        .iter()
        .flat_map(|(kind, list)| list.iter().map(move |s| (*kind, s)))
        .collect();
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, shipper) in &all {
        *uses.entry(&shipper.bucket).or_default() += 1;
    }
    let main = uses
        .into_iter()
        .max_by_key(|(_, n)| *n)
        .map(|(bucket, _)| bucket.to_owned());
    let mut places = std::mem::take(&mut found.places);
    places.bucket = main.as_ref().and_then(|bucket| url_of(bucket));
    for (kind, shipper) in all {
        let id = || shipper.shipper_id.clone();
        if let Some(format) = shipper.unreadable() {
            found.gaps.push(Gap::Unreadable {
                kind,
                shipper: id(),
                format,
            });
            continue;
        }
        if shipper.storage_type.to_uppercase().contains("ARCHIVE") {
            found.gaps.push(Gap::Archived {
                kind,
                shipper: id(),
            });
        }
        if !shipper.status || shipper.task_status.is_some_and(|s| s != 1) {
            found.gaps.push(Gap::Stopped {
                kind,
                shipper: id(),
            });
        }
        let (prefix, partition) = shipper.directories();
        if places.partition.as_ref().is_some_and(|p| *p != partition) {
            found.gaps.push(Gap::OtherPartition {
                kind,
                shipper: id(),
                partition,
            });
            continue;
        }
        places.partition = Some(partition);
        places.partition_zone = shipper.time_zone.parse().ok().or(places.partition_zone);
        let bucket = url_of(&shipper.bucket).filter(|_| main.as_ref() != Some(&shipper.bucket));
        let list = places.prefixes.entry(kind).or_default();
        list.push(LogPrefix { bucket, prefix });
        list.dedup();
    }
    found.places = places;
}

fn url_of(bucket: &str) -> Option<BucketUrl> {
    format!("cos://{bucket}").parse().ok()
}

impl Shipper {
    /// Prefix and partition, cut so that the partition begins without a slash.
    fn directories(&self) -> (String, String) {
        let prefix = self.prefix.trim_start_matches('/');
        let joint = self.partition.starts_with('/') && !prefix.is_empty() && !prefix.ends_with('/');
        let partition = self.partition.trim_start_matches('/').to_owned();
        (
            format!("{prefix}{}", if joint { "/" } else { "" }),
            partition,
        )
    }

    /// The form that our readers do not take, if the task writes one.
    fn unreadable(&self) -> Option<String> {
        let compress = self.compress.format.to_lowercase();
        let content = self.content.format.to_lowercase();
        if content == "parquet" {
            return Some("Parquet".to_owned());
        }
        (compress == "lzop").then(|| "LZOP".to_owned())
    }
}

async fn clusters(api: &Api) -> Result<Vec<Cluster>, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Listed {
        cluster_id: String,
        #[serde(default)]
        cluster_name: String,
    }
    let listed: Vec<Listed> = pages(
        api,
        Service::Tke,
        "DescribeClusters",
        &json!({}),
        "Clusters",
    )
    .await?;
    let cluster = |c: Listed| Cluster {
        id: c.cluster_id,
        name: c.cluster_name,
    };
    Ok(listed.into_iter().map(cluster).collect())
}

/// A cluster's three switches.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Switches {
    cluster_id: String,
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
    fn note(
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

async fn switches(api: &Api, clusters: &[String]) -> Result<Vec<Switches>, Error> {
    let body = json!({"ClusterIds": clusters, "ClusterType": "tke"});
    let answer = api.call(Service::Tke, "DescribeLogSwitches", &body).await?;
    Ok(list_of(&answer, "SwitchSet"))
}

async fn all_shippers(api: &Api) -> Result<Vec<Shipper>, Error> {
    pages(
        api,
        Service::Cls,
        "DescribeShippers",
        &json!({}),
        "Shippers",
    )
    .await
}

/// All pages of a listing action.
async fn pages<T: for<'de> Deserialize<'de>>(
    api: &Api,
    service: Service,
    action: &str,
    body: &Value,
    field: &str,
) -> Result<Vec<T>, Error> {
    let mut all = Vec::new();
    let mut offset = 0;
    loop {
        let mut body = body.clone();
        body["Offset"] = offset.into();
        body["Limit"] = PAGE.into();
        let answer = api.call(service, action, &body).await?;
        let read = answer
            .get(field)
            .and_then(Value::as_array)
            .map_or(0, Vec::len) as u64;
        all.extend(list_of(&answer, field));
        offset += read;
        let total = answer
            .get("TotalCount")
            .and_then(Value::as_u64)
            .unwrap_or(offset);
        if read == 0 || offset >= total {
            return Ok(all);
        }
    }
}

/// The items of a list; one that is not as documented is passed over rather than hiding the others.
fn list_of<T: for<'de> Deserialize<'de>>(answer: &Value, field: &str) -> Vec<T> {
    let items = answer
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    items.filter_map(|item| T::deserialize(item).ok()).collect()
}

#[cfg(test)]
mod tests;
