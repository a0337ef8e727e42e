//! Names of Kubernetes objects and of the services that write business logs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A Kubernetes object by kind, namespace and name. `namespace` is empty for cluster-wide kinds.
///
/// `cluster` is only written where an owner's logs are of several: two clusters may both have a `shop/checkout`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectRef {
    pub kind: String,
    #[serde(default)]
    pub namespace: String,
    pub name: String,
    /// `cls-...`; empty where there is one cluster only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster: String,
}

impl ObjectRef {
    pub fn new(
        kind: impl Into<String>,
        namespace: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self {
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
            cluster: String::new(),
        }
    }

    /// The same name in a cluster.
    #[must_use]
    pub fn in_cluster(self, cluster: impl Into<String>) -> Self {
        Self {
            cluster: cluster.into(),
            ..self
        }
    }
}

impl fmt::Display for ObjectRef {
    /// `Deployment shop/checkout`, `Node 10.0.3.11` without a namespace, `cls-1a2b3c4d Node 10.0.3.11` among several clusters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.cluster.is_empty() {
            write!(f, "{} ", self.cluster)?;
        }
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

/// The workload behind a business log line, as far as the line's own tags tell it.
///
/// `name` is the workload's name (pod name without its generated suffixes), not the pod's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Service {
    pub cluster: String,
    pub namespace: String,
    pub name: String,
    pub container: String,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The workload's name inside a pod's name: the name without what controllers append.
///
/// Kubernetes appends `-<10 of bcdfghjklmnpqrstvwxz2456789>-<5 of the same>` for a ReplicaSet's pod, `-<5>` for a DaemonSet's,
/// `-<ordinal>` for a StatefulSet's, `-<unix minutes>-<5>` for a CronJob's, `-<unix minutes>-<index>-<5>` where its Jobs are indexed. A short
/// last part that could be a word is kept.
///
/// ```
/// # use gengfu::model::workload_name;
/// assert_eq!(workload_name("checkout-6f7c9d8b5d-x2k8q"), "checkout");
/// assert_eq!(workload_name("tke-bridge-agent-5m2xq"), "tke-bridge-agent");
/// assert_eq!(workload_name("order-db-0"), "order-db");
/// assert_eq!(workload_name("report-job-29921130-x2k8q"), "report-job");
/// assert_eq!(workload_name("report-job-29921130-47-x2k8q"), "report-job");
/// assert_eq!(workload_name("web-bff"), "web-bff");
/// ```
#[must_use]
pub fn workload_name(pod: &str) -> &str {
    let generated = |part: &str| part.len() == 5 && part.bytes().all(is_safe);
    let hash = |part: &str| {
        (8..=10).contains(&part.len()) && part.bytes().all(|b| is_safe(b) || b.is_ascii_digit())
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let Some((head, last)) = pod.rsplit_once('-').filter(|(head, _)| !head.is_empty()) else {
        return pod;
    };
    if generated(last) {
        let Some((stem, middle)) = head.rsplit_once('-').filter(|(stem, _)| !stem.is_empty())
        else {
            return head;
        };
        if digits(middle)
            && let Some((name, minutes)) = stem.rsplit_once('-')
            && digits(minutes)
            && minutes.len() >= 8
            && !name.is_empty()
        {
            return name;
        }
        let made = hash(middle) || digits(middle) && middle.len() >= 6;
        return if made { stem } else { head };
    }
    if digits(last) && (last.len() <= 3 || last.len() >= 8) {
        return head;
    }
    pod
}

/// The alphabet of `k8s.io/apimachinery/pkg/util/rand`: no vowels and nothing that looks like another letter, so that a
/// generated suffix is hardly ever a word.
const fn is_safe(b: u8) -> bool {
    matches!(b, b'b' | b'c' | b'd' | b'f' | b'g' | b'h' | b'j'..=b'n' | b'p'..=b't' | b'v'..=b'x' | b'z' | b'2' | b'4'..=b'9')
}
