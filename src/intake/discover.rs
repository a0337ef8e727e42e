//! From a key and a region to the places of the logs: clusters, topics, shipping tasks, buckets, prefixes, partition.
//!
//! In: an [`Api`]. Out: a [`Discovery`] with [`Places`] ready to be read from, and everything that is switched off or written in a form
//! that cannot be read. Always true: asks for reading only; what one missing permission hides is said by its name while the rest is
//! still found. Decides nothing for the operator and stores nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::tc3::{Api, Error, Service};
use crate::model::{BucketUrl, LogKind, LogPrefix, Places, of_cluster};

mod gap;
mod shipper;
mod switches;

pub use gap::Gap;
pub use shipper::Shipper;
use switches::switches;

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
    let mut topic_clusters: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for some in ids.chunks(CLUSTERS_AT_ONCE) {
        match switches(api, some).await {
            Ok(list) => {
                for switches in list {
                    for topic in switches.topics() {
                        let of = topic_clusters.entry(topic.to_owned()).or_default();
                        of.insert(switches.cluster_id.clone());
                    }
                    switches.note(api.region(), &mut topics, &mut found.gaps);
                }
            }
            Err(error) => found.refused.push(error),
        }
    }
    let regions: BTreeSet<_> = topics
        .values()
        .flatten()
        .map(|(region, _)| region.clone())
        .collect();
    let mut shipping = Vec::new();
    for region in if regions.is_empty() {
        [api.region().to_owned()].into()
    } else {
        regions
    } {
        match shippers(&api.in_region(&region), &json!({})).await {
            Ok(list) => shipping.extend(list),
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
    for shipper in &shipping {
        if !known.contains(&shipper.topic_id) {
            let place = (api.region().to_owned(), shipper.topic_id.clone());
            topics.entry(LogKind::Business).or_default().insert(place);
        }
    }
    // Of one cluster alone, and of a topic that clusters share, a name would say nothing.
    let several = ids.len() > 1;
    let cluster_of = |topic: &str| {
        let of = topic_clusters
            .get(topic)
            .filter(|of| several && of.len() == 1);
        of.and_then(|of| of.first().cloned())
    };
    found.places.clusters = ids;
    for (kind, of_kind) in topics {
        let ids: Vec<_> = of_kind.into_iter().map(|(_, topic)| topic).collect();
        for topic in &ids {
            let mine: Vec<_> = shipping
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
        let named = ids
            .iter()
            .map(|id| of_cluster(id, cluster_of(id).as_deref()));
        found.places.topics.insert(kind, named.collect());
    }
    place(&mut found, cluster_of);
    found.gaps.sort();
    found
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
fn place(found: &mut Discovery, cluster_of: impl Fn(&str) -> Option<String>) {
    let all: Vec<_> = found
        .shipping
        .iter()
        .flat_map(|(kind, list)| list.iter().map(move |s| (*kind, s)))
        .collect();
    let readable = || {
        all.iter()
            .map(|(_, s)| s)
            .filter(|s| s.unreadable().is_none())
    };
    let main = most(readable().map(|s| s.bucket.clone()));
    let common = most(readable().map(|s| s.directories().1));
    let mut places = std::mem::take(&mut found.places);
    places.partition.clone_from(&common);
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
        let partition = Some(partition).filter(|own| common.as_ref() != Some(own));
        places.partition_zone = shipper.time_zone.parse().ok().or(places.partition_zone);
        let bucket = url_of(&shipper.bucket).filter(|_| main.as_ref() != Some(&shipper.bucket));
        let list = places.prefixes.entry(kind).or_default();
        let cluster = cluster_of(&shipper.topic_id);
        // Several tasks may write to one place, which is then read once and is nobody's alone.
        let same = |p: &&mut LogPrefix| p.bucket == bucket && p.prefix == prefix;
        match list.iter_mut().find(same) {
            Some(known) if known.cluster != cluster => known.cluster = None,
            Some(_) => {}
            None => list.push(LogPrefix {
                bucket,
                prefix,
                cluster,
                partition,
            }),
        }
    }
    found.places = places;
}

/// What occurs most often; of equals the last by name.
fn most(all: impl Iterator<Item = String>) -> Option<String> {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for one in all {
        *uses.entry(one).or_default() += 1;
    }
    let most = uses.into_iter().max_by_key(|(_, n)| *n);
    most.map(|(one, _)| one)
}

fn url_of(bucket: &str) -> Option<BucketUrl> {
    format!("cos://{bucket}").parse().ok()
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

/// The shipping tasks that fit `filter`.
pub(super) async fn shippers(api: &Api, filter: &Value) -> Result<Vec<Shipper>, Error> {
    pages(api, Service::Cls, "DescribeShippers", filter, "Shippers").await
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
pub(super) fn list_of<T: for<'de> Deserialize<'de>>(answer: &Value, field: &str) -> Vec<T> {
    let items = answer
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    items.filter_map(|item| T::deserialize(item).ok()).collect()
}

#[cfg(test)]
mod tests;
