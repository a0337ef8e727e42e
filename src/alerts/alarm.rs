//! An alarm, whoever sent it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::tcop;
use crate::model::{ObjectRef, Severity, visible};

/// Longest text of an alarm that is shown or kept apart from its raw body.
const TEXT_CHARS: usize = 4000;

/// By so much of its beginning a body that did not come whole is known again.
const HEAD_CHARS: usize = 256;

/// Where an alarm came from, as far as its form tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Tencent Cloud Observability Platform.
    Tcop,
    Cls,
    Alertmanager,
    /// Text that a person pasted or spoke.
    Spoken,
    Unknown,
}

impl Source {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcop => "tcop",
            Self::Cls => "cls",
            Self::Alertmanager => "alertmanager",
            Self::Spoken => "spoken",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Firing,
    Recovered,
}

/// Why a body did not come whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Broken {
    TooLong,
    TooSlow,
}

/// What was compared with what.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The sender's name of the metric, such as `K8sPodRateMemNoCacheLimit`.
    pub metric: String,
    /// The name shown to people.
    pub shown: String,
    /// `>`, `>=`, `<`, `<=`, `=`, `!=`; empty when there is no threshold.
    pub comparator: String,
    pub threshold: Option<f64>,
    pub value: Option<f64>,
    pub unit: String,
}

/// One alarm. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    pub source: Source,
    pub state: State,
    /// The policy's name, the alarm's name, or the first words of the text.
    pub name: String,
    pub policy: String,
    /// `uin` of the account, empty when unknown.
    pub account: String,
    /// `appId` of the account, which ends the names of its buckets; empty when unknown.
    #[serde(default)]
    pub app_id: String,
    /// Full region name such as `ap-nanjing`, or as the sender wrote it.
    pub region: String,
    pub cluster: String,
    pub object: Option<ObjectRef>,
    pub node: String,
    pub condition: Option<Condition>,
    /// Name of an event alarm.
    pub event: String,
    pub level: String,
    pub first_ms: i64,
    pub recovered_ms: Option<i64>,
    /// Every dimension as it came, by name.
    pub dimensions: BTreeMap<String, String>,
    /// What is equal for every notification of it, where that is not all dimensions: a group of alerts has other members each time, a
    /// recovery comes without the lines that named the pod.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identity: BTreeMap<String, String>,
    /// Its body was not received whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<Broken>,
    /// Sentence of the sender, or the whole body of an unknown form.
    pub text: String,
    /// Lines that the sender attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

impl Alarm {
    /// An alarm with nothing known but when it came.
    pub(super) fn blank(source: Source, received_ms: i64) -> Self {
        Self {
            source,
            state: State::Firing,
            name: String::new(),
            policy: String::new(),
            account: String::new(),
            app_id: String::new(),
            region: String::new(),
            cluster: String::new(),
            object: None,
            node: String::new(),
            condition: None,
            event: String::new(),
            level: String::new(),
            first_ms: received_ms,
            recovered_ms: None,
            dimensions: BTreeMap::new(),
            identity: BTreeMap::new(),
            broken: None,
            text: String::new(),
            lines: Vec::new(),
        }
    }

    pub(super) fn unknown(text: &str, received_ms: i64) -> Self {
        let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Self {
            name: name.chars().take(40).collect(),
            text: text.to_owned(),
            ..Self::blank(Source::Unknown, received_ms)
        }
    }

    /// The beginning of a body that did not come whole: one that begins alike is the same alarm. Whose it is stands in its first lines,
    /// as far as they came.
    pub(super) fn broken(text: &str, why: Broken, received_ms: i64) -> Self {
        let why_in_words = match why {
            Broken::TooLong => "too long",
            Broken::TooSlow => "too slow",
        };
        let head = text.chars().take(HEAD_CHARS).collect();
        Self {
            broken: Some(why),
            name: String::new(),
            cluster: tcop::cluster_id(text).unwrap_or_default(),
            app_id: tcop::app_id(text).unwrap_or_default(),
            identity: BTreeMap::from([
                ("body".to_owned(), why_in_words.to_owned()),
                ("head".to_owned(), head),
            ]),
            ..Self::unknown(text, received_ms)
        }
    }

    /// Equal for every occurrence of one alarm: policy and canonical dimensions. Hexadecimal digits. The sender's own session ids
    /// differ with every delivery, recovery included, and are of no use here.
    #[must_use]
    pub fn kin(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.policy, &self.name, &self.event] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let own = if self.identity.is_empty() {
            &self.dimensions
        } else {
            &self.identity
        };
        for (name, value) in own {
            hash.update(format!("{name}\0{value}\0").as_bytes());
        }
        if own.is_empty() {
            hash.update(self.text.as_bytes());
        }
        hex::encode(&hash.finalize()[..16])
    }

    /// How much its sender says it matters; senders have three scales, and most alarms come without any.
    #[must_use]
    pub fn severity(&self) -> Severity {
        let level = self.level.to_lowercase();
        let any = |words: &[&str]| words.iter().any(|w| level.contains(w));
        if any(&["critical", "紧急", "致命", "p0", "fatal", "page"]) {
            Severity::Critical
        } else if any(&["serious", "严重", "error", "p1"]) {
            Severity::Error
        } else if any(&["remind", "提示", "提醒", "通知", "info", "none"]) {
            Severity::Info
        } else {
            Severity::Warning
        }
    }

    /// The object, the node, the cluster, or the name: what the alarm is about, in words.
    #[must_use]
    pub fn subject(&self) -> String {
        match &self.object {
            Some(object) => object.to_string(),
            None if !self.node.is_empty() => format!("Node {}", self.node),
            None if !self.cluster.is_empty() => self.cluster.clone(),
            None => self.name.clone(),
        }
    }

    /// The same without characters that hide, reorder or break text, every text cut to a length that can be shown.
    #[must_use]
    pub(super) fn harmless(mut self) -> Self {
        let shown = |text: &str| -> String { visible(text).chars().take(TEXT_CHARS).collect() };
        for text in [
            &mut self.name,
            &mut self.policy,
            &mut self.account,
            &mut self.app_id,
            &mut self.region,
            &mut self.cluster,
            &mut self.node,
            &mut self.event,
            &mut self.level,
            &mut self.text,
        ] {
            *text = shown(text);
        }
        if let Some(object) = &mut self.object {
            for text in [&mut object.kind, &mut object.namespace, &mut object.name] {
                *text = shown(text);
            }
        }
        if let Some(condition) = &mut self.condition {
            for text in [
                &mut condition.metric,
                &mut condition.shown,
                &mut condition.comparator,
                &mut condition.unit,
            ] {
                *text = shown(text);
            }
        }
        for named in [&mut self.dimensions, &mut self.identity] {
            *named = named
                .iter()
                .map(|(name, value)| (shown(name), shown(value)))
                .collect();
        }
        self.lines = self.lines.iter().map(|line| shown(line)).collect();
        self
    }
}
