//! How an owner's logs are reached: the key, and the places in buckets. Nothing here opens anything.

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{LogKind, Zone};

/// A key pair of Tencent Cloud, permanent or temporary. Never shown: `Debug` tells only whether it is temporary.
#[derive(Clone)]
pub struct Credentials {
    /// `AKID...`. Not a secret by itself, but never told either.
    pub secret_id: String,
    pub secret_key: SecretString,
    /// The third part of a temporary (STS) key.
    pub token: Option<SecretString>,
    /// Unix milliseconds, when known.
    pub expires_ms: Option<i64>,
}

impl Credentials {
    pub fn new(secret_id: impl Into<String>, secret_key: impl Into<String>) -> Self {
        Self {
            secret_id: secret_id.into(),
            secret_key: SecretString::from(secret_key.into()),
            token: None,
            expires_ms: None,
        }
    }

    #[must_use]
    pub fn with_token(self, token: Option<SecretString>) -> Self {
        Self { token, ..self }
    }

    /// Whether nothing is cut off, as far as that shows: a permanent id (`AKID` and 32 more) has a secret of 32 characters.
    #[must_use]
    pub fn may_be_whole(&self) -> bool {
        !self.has_permanent_form() || self.secret_key.expose_secret().len() == 32
    }

    /// Id and secret both have the length that permanent ones have.
    #[must_use]
    pub fn is_surely_whole(&self) -> bool {
        self.has_permanent_form() && self.may_be_whole()
    }

    fn has_permanent_form(&self) -> bool {
        let id = &self.secret_id;
        id.len() == 36 && id.starts_with("AKID") && self.token.is_none()
    }

    #[must_use]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expires_ms.is_some_and(|at| at <= now_ms)
    }

    /// The same id, key and token; a validity period is not part of a key.
    #[must_use]
    pub fn is_same_key(&self, other: &Self) -> bool {
        let token = |c: &Self| c.token.as_ref().map(|t| t.expose_secret().to_owned());
        self.secret_id == other.secret_id
            && self.secret_key.expose_secret() == other.secret_key.expose_secret()
            && token(self) == token(other)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("temporary", &self.token.is_some())
            .finish_non_exhaustive()
    }
}

/// A bucket: `cos://<bucket-appid>` or `file:///absolute/dir`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BucketUrl {
    Cos { bucket: String },
    Dir { path: PathBuf },
}

impl fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cos { bucket } => write!(f, "cos://{bucket}"),
            Self::Dir { path } => write!(f, "file://{}", path.display()),
        }
    }
}

/// The text names no bucket.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no bucket; use cos://<bucket-appid> or file:///absolute/dir")]
pub struct InvalidBucketUrl(String);

impl FromStr for BucketUrl {
    type Err = InvalidBucketUrl;

    fn from_str(s: &str) -> Result<Self, InvalidBucketUrl> {
        let invalid = || InvalidBucketUrl(s.chars().take(200).collect());
        if let Some(bucket) = s.strip_prefix("cos://") {
            let bucket = bucket.trim_end_matches('/');
            let fits = !bucket.is_empty()
                && bucket
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
            return fits
                .then(|| Self::Cos {
                    bucket: bucket.to_owned(),
                })
                .ok_or_else(invalid);
        }
        match s.strip_prefix("file://") {
            Some(path) if path.starts_with('/') => Ok(Self::Dir { path: path.into() }),
            _ => Err(invalid()),
        }
    }
}

impl Serialize for BucketUrl {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BucketUrl {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Where objects of one kind lie: a prefix, in the owner's bucket unless it names another. Written `business/` or `cos://b-125/x/`;
/// `audit-a/;cluster=cls-1a2b3c4d` where several clusters ship to places of their own, `app/;partition=%Y%m%d/` where a shipping task
/// names its directories unlike the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct LogPrefix {
    pub bucket: Option<BucketUrl>,
    /// May be empty: the whole bucket.
    pub prefix: String,
    /// Whose records lie there, where that is known.
    pub cluster: Option<String>,
    /// strftime of its directories, where it is not that of the others.
    pub partition: Option<String>,
}

/// Stands between a place and the cluster that it is of.
const CLUSTER: &str = ";cluster=";

/// A place with the cluster it is said to be of: `x;cluster=cls-1` is `x` and `cls-1`.
#[must_use]
pub fn with_cluster(text: &str) -> (&str, Option<&str>) {
    match text.split_once(CLUSTER) {
        Some((place, cluster)) => (place, Some(cluster.trim()).filter(|c| !c.is_empty())),
        None => (text, None),
    }
}

/// The way back of [`with_cluster`].
#[must_use]
pub fn of_cluster(place: &str, cluster: Option<&str>) -> String {
    match cluster {
        Some(cluster) => format!("{place}{CLUSTER}{cluster}"),
        None => place.to_owned(),
    }
}

impl fmt::Display for LogPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut prefix = of_cluster(&self.prefix, self.cluster.as_deref());
        if let Some(partition) = &self.partition {
            prefix = format!("{prefix};partition={partition}");
        }
        match &self.bucket {
            Some(bucket) => write!(f, "{bucket}/{prefix}"),
            None => f.write_str(&prefix),
        }
    }
}

impl FromStr for LogPrefix {
    type Err = InvalidBucketUrl;

    fn from_str(s: &str) -> Result<Self, InvalidBucketUrl> {
        let (s, said) = s.split_once(';').unwrap_or((s, ""));
        let said = |name: &str| {
            let mut parts = said.split(';').filter_map(|part| part.split_once('='));
            let found = parts.find(|(n, value)| n.trim() == name && !value.is_empty());
            found.map(|(_, value)| value.trim().to_owned())
        };
        let (cluster, partition) = (said("cluster"), said("partition"));
        if let Some(rest) = s.strip_prefix("cos://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            return Ok(Self {
                bucket: Some(format!("cos://{bucket}").parse()?),
                prefix: prefix.to_owned(),
                cluster,
                partition,
            });
        }
        if s.contains("://") {
            return Err(InvalidBucketUrl(s.chars().take(200).collect()));
        }
        // A key never starts with a slash, but people write one.
        Ok(Self {
            bucket: None,
            prefix: s.trim_start_matches('/').to_owned(),
            cluster,
            partition,
        })
    }
}

impl Serialize for LogPrefix {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LogPrefix {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Where an owner's logs are. Everything may be missing: it is then discovered, or the kind is not read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Places {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<BucketUrl>,
    /// Prefixes of the bucket, or of other buckets, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub prefixes: BTreeMap<LogKind, Vec<LogPrefix>>,
    /// strftime of the directories inside a prefix, in `partition_zone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// The shipping task's zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_zone: Option<Zone>,
    /// `cls-...`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<String>,
    /// CLS topic ids by kind; each may say its cluster, as a prefix does.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub topics: BTreeMap<LogKind, Vec<String>>,
}

impl Places {
    /// Whether a bucket is of the account with this `appId`.
    #[must_use]
    pub fn is_of_account(&self, app_id: &str) -> bool {
        let ending = format!("-{app_id}");
        let fits =
            |url: &BucketUrl| matches!(url, BucketUrl::Cos { bucket } if bucket.ends_with(&ending));
        let mut own = self
            .prefixes
            .values()
            .flatten()
            .filter_map(|p| p.bucket.as_ref());
        self.bucket.as_ref().is_some_and(fits) || own.any(fits)
    }

    /// Whether a CLS topic, by its id, is one of these; `id;cluster=cls-1a2b3c4d` is one, too.
    #[must_use]
    pub fn has_topic(&self, id: &str) -> bool {
        let of = |topic: &String| topic.split(';').next() == Some(id);
        !id.is_empty() && self.topics.values().flatten().any(of)
    }

    /// Whether anything can be read from a bucket.
    #[must_use]
    pub fn has_bucket(&self) -> bool {
        let of_prefix = |p: &LogPrefix| p.bucket.is_some();
        self.bucket.is_some() || self.prefixes.values().flatten().any(of_prefix)
    }

    /// These places, with `others` where nothing is said.
    #[must_use]
    pub fn or(self, others: &Self) -> Self {
        let filled = |mine: BTreeMap<_, _>, theirs: &BTreeMap<_, _>| {
            if mine.is_empty() {
                theirs.clone()
            } else {
                mine
            }
        };
        Self {
            bucket: self.bucket.or_else(|| others.bucket.clone()),
            prefixes: filled(self.prefixes, &others.prefixes),
            partition: self.partition.or_else(|| others.partition.clone()),
            partition_zone: self
                .partition_zone
                .or_else(|| others.partition_zone.clone()),
            clusters: if self.clusters.is_empty() {
                others.clusters.clone()
            } else {
                self.clusters
            },
            topics: if self.topics.is_empty() {
                others.topics.clone()
            } else {
                self.topics
            },
        }
    }
}

/// Base URLs that replace the public ones; tests and private networks point them elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    pub cos: Option<url::Url>,
    pub cls: Option<url::Url>,
    pub tke: Option<url::Url>,
    pub monitor: Option<url::Url>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_back_as_written() {
        for url in ["cos://tke-logs-1250000000", "file:///var/logs"] {
            assert_eq!(url.parse::<BucketUrl>().expect("url").to_string(), url);
        }
        for bad in ["s3://x", "cos://", "cos://a/b", "file://relative", ""] {
            assert!(bad.parse::<BucketUrl>().is_err(), "{bad}");
        }
        for prefix in [
            "business/",
            "",
            "cos://other-125/tke/event/",
            "audit/a/;cluster=cls-1a2b3c4d",
            "cos://b-125/app/;cluster=cls-1;partition=dt=%Y%m%d/%H/",
        ] {
            let read: LogPrefix = prefix.parse().expect("prefix");
            assert_eq!(read.to_string(), prefix);
        }
    }

    #[test]
    fn a_key_never_shows_itself() {
        let key = Credentials::new("AKIDEXAMPLE", "SecretKeyExample");
        let shown = format!("{key:?}");
        assert!(
            !shown.contains("EXAMPLE") && !shown.contains("Secret"),
            "{shown}"
        );
    }
}
