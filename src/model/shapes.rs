//! What a day of logs looks like once it is counted: the values between mining and diagnosis.
//!
//! An [`ObjectDigest`] is what one bucket object contributes. Digests add up, in any order, to the [`Day`](DayShapes) - so an
//! object is one transaction, a late object is one more addend, and a killed run goes on where it stopped.
//!
//! # Invariants
//! - The sum of all counts of a kind equals the records read of it.
//! - Adding the same digests in another order gives the same day.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Day, EvidenceId, Level, LogKind, ObjectRef, Origins, Service,
    record::{AuditWrite, EventRecord, Kept, Rejection},
};

/// Counts per five-minute cell of the day: sorted by cell, without zeros.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cells(Vec<(u16, u32)>);

impl Cells {
    /// Adds `n` occurrences to a cell.
    pub fn add(&mut self, cell: u16, n: u32) {
        if n == 0 {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.0 == cell => last.1 += n,
            Some(last) if last.0 < cell => self.0.push((cell, n)),
            None => self.0.push((cell, n)),
            _ => match self.0.binary_search_by_key(&cell, |c| c.0) {
                Ok(i) => self.0[i].1 += n,
                Err(i) => self.0.insert(i, (cell, n)),
            },
        }
    }

    /// Adds every cell of `other`.
    pub fn merge(&mut self, other: &Self) {
        for &(cell, n) in &other.0 {
            self.add(cell, n);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (u16, u32)> + '_ {
        self.0.iter().copied()
    }

    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|c| u64::from(c.1)).sum()
    }

    /// Occurrences in the cells `from..=to`.
    #[must_use]
    pub fn between(&self, from: u16, to: u16) -> u64 {
        self.iter()
            .filter(|(c, _)| (from..=to).contains(c))
            .map(|(_, n)| u64::from(n))
            .sum()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// [`Cells`] in reports: `119:3 120:14`, the number of the cell in the day and its count. An array of pairs would take four lines a cell.
pub mod cells_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::Cells;

    pub fn serialize<S: Serializer>(cells: &Cells, s: S) -> Result<S::Ok, S::Error> {
        let words: Vec<String> = cells.iter().map(|(c, n)| format!("{c}:{n}")).collect();
        s.serialize_str(&words.join(" "))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Cells, D::Error> {
        let mut cells = Cells::default();
        for word in String::deserialize(d)?.split_whitespace() {
            let cell = word
                .split_once(':')
                .and_then(|(c, n)| Some((c.parse().ok()?, n.parse().ok()?)));
            let (cell, n) = cell.ok_or_else(|| D::Error::custom("not a cell and its count"))?;
            cells.add(cell, n);
        }
        Ok(cells)
    }
}

/// Lines of one object, or of all objects of a kind. `lines = records + rejected + duplicates + outside_day`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineCounts {
    /// Decompressed bytes.
    pub bytes: u64,
    pub lines: u64,
    pub records: u64,
    pub rejected: u64,
    pub duplicates: u64,
    pub outside_day: u64,
}

impl LineCounts {
    pub fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.lines += other.lines;
        self.records += other.records;
        self.rejected += other.rejected;
        self.duplicates += other.duplicates;
        self.outside_day += other.outside_day;
    }
}

/// Why an object could not be read to its end. What was read before counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectProblem {
    pub key: String,
    /// A sentence for the operator: what is wrong with the object and what to do.
    pub reason: String,
}

/// What one bucket object contributes to its day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ObjectDigest {
    pub counts: LineCounts,
    /// How many lines were rejected, by reason.
    pub rejections: BTreeMap<Rejection, u64>,
    pub problem: Option<ObjectProblem>,
    /// First and last record time in the object, whether inside the day or not.
    pub span: Option<(i64, i64)>,
    /// Identities of the records counted here (no duplicates).
    pub identities: Vec<u64>,
    /// Lines that are kept. Business: errors and samples; events: all; audit: writes and samples of the rest.
    pub kept: Vec<Kept>,
    /// Names used by `business`.
    pub services: Vec<Service>,
    pub business: Vec<ShapeCount>,
    pub events: Vec<EventRecord>,
    pub writes: Vec<AuditWrite>,
    pub calls: Vec<CallCount>,
}

impl ObjectDigest {
    /// Says of every record that names no cluster that it is of this one: what the object's place is known for.
    #[must_use]
    pub fn in_cluster(mut self, cluster: &str) -> Self {
        let fill = |own: &mut String| {
            if own.is_empty() {
                cluster.clone_into(own);
            }
        };
        self.services.iter_mut().for_each(|s| fill(&mut s.cluster));
        self.events.iter_mut().for_each(|e| fill(&mut e.cluster));
        self.writes.iter_mut().for_each(|w| fill(&mut w.cluster));
        self.calls.iter_mut().for_each(|c| fill(&mut c.key.cluster));
        self
    }
}

/// Lines of one service that are equal after masking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShapeCount {
    /// Index into [`ObjectDigest::services`].
    pub service: u32,
    /// The masked text, variable parts replaced by placeholders such as `<num>`.
    pub text: String,
    /// The claimed level, or the one found in the text.
    pub level: Level,
    pub cells: Cells,
    pub first_ms: i64,
    pub last_ms: i64,
    /// Earliest few records, by time then id; all of them are among the kept lines.
    pub samples: Vec<EvidenceId>,
    pub fields: Vec<KeyField>,
}

/// A variable position of a template, or a field of structured lines, with what stood there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyField {
    /// Field name, or `#<n>` for the n-th placeholder of the text.
    pub name: String,
    pub role: FieldRole,
    /// Distinct values seen, exact up to the tracker's bound.
    pub distinct: u32,
    /// Most frequent values, most frequent first.
    pub top: Vec<(String, u32)>,
    /// Those of them that no earlier day had; empty when the earlier days do not tell.
    #[serde(default)]
    pub new: Vec<String>,
}

/// What a variable position means, as far as it can be recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldRole {
    Time,
    Pod,
    Container,
    Service,
    Node,
    ErrorCode,
    HttpStatus,
    Exception,
    TraceId,
    BusinessId,
    Duration,
    /// `host:port` or a URL that was called.
    Endpoint,
    Other,
}

/// Identity of a template: a hash of its text, so that it is the same tomorrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TemplateId(pub u64);

/// A business template in one service over one day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemplateDay {
    pub id: TemplateId,
    pub text: String,
    pub service: Service,
    pub level: Level,
    pub cells: Cells,
    pub first_ms: i64,
    pub last_ms: i64,
    pub samples: Vec<Sample>,
    pub fields: Vec<KeyField>,
}

impl TemplateDay {
    #[must_use]
    pub fn count(&self) -> u64 {
        self.cells.total()
    }
}

/// A kept line as diagnosis sees it: redacted, cut to a few kilobytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub id: EvidenceId,
    pub ts_ms: i64,
    /// The pod that wrote it.
    pub pod: String,
    pub text: String,
}

/// An event, folded by its uid: what happened to one object for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSeries {
    pub cluster: String,
    pub uid: String,
    pub object: ObjectRef,
    pub object_uid: String,
    pub container: String,
    pub reason: String,
    pub message: String,
    pub warning: bool,
    pub component: String,
    pub host: String,
    /// Occurrences in the day, by the growth of the cumulative count.
    pub cells: Cells,
    /// Occurrences before the day, as far as the count tells.
    pub before: u64,
    /// When the event was first seen at all, which may lie before the day.
    pub born_ms: i64,
    /// First and last record in the day.
    pub first_ms: i64,
    pub last_ms: i64,
    /// Up to three records: the first, the last, and one between.
    pub evidence: Vec<EvidenceId>,
}

impl EventSeries {
    /// Occurrences in the day.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.cells.total()
    }
}

/// Requests to the API server that are alike, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCount {
    pub key: CallKey,
    pub cells: Cells,
    pub first_ms: i64,
    pub last_ms: i64,
    /// First, last and one between; all are among the kept lines.
    pub samples: Vec<EvidenceId>,
}

/// What makes counted requests alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallKey {
    pub user: String,
    pub verb: String,
    /// Resource with subresource.
    pub resource: String,
    pub namespace: String,
    pub code: u16,
    pub reason: String,
    /// Of refused requests: the message with its generated names masked; empty otherwise.
    pub message: String,
    pub agent: String,
    /// Where an owner's logs are of several clusters and the place of the log tells which.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster: String,
}

/// Last known full state of each object, before the day that is looked at: redacted, without status and managedFields.
pub type States = BTreeMap<ObjectRef, State>;

/// A state of an object and when it was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub at_ms: i64,
    pub body: Arc<Value>,
}

/// Everything diagnosis knows about a day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DayShapes {
    pub templates: Vec<TemplateDay>,
    pub events: Vec<EventSeries>,
    /// Sorted by time, then audit id.
    pub writes: Vec<AuditWrite>,
    pub calls: Vec<CallCount>,
    pub read: BTreeMap<LogKind, Reading>,
    /// Where every record named above lies.
    pub origins: Origins,
}

/// How much of a kind was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub objects: u64,
    pub counts: LineCounts,
    pub rejections: BTreeMap<Rejection, u64>,
    pub problems: Vec<ObjectProblem>,
    /// Objects listed but not read yet; 0 at the end of a round.
    pub unread: u64,
    /// False when the kind never had objects in this bucket.
    pub shipped: bool,
}

/// An earlier day, reduced to what comparisons need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DayCounts {
    pub day: Day,
    /// Share of the business objects' bytes that the counts rest on; 1.0 when all were read, 0.0 when none was read yet.
    pub business_share: f64,
    /// Lines per service, the measure of its traffic.
    pub lines: BTreeMap<String, u64>,
    /// Count per (service, template).
    pub templates: BTreeMap<(String, TemplateId), u64>,
    /// Occurrences per event key.
    pub events: BTreeMap<EventKey, u64>,
    /// Refused requests.
    pub refusals: BTreeMap<CallKey, u64>,
    /// Records of each kind; of a kind that is not named nothing is known.
    #[serde(default)]
    pub records: BTreeMap<LogKind, u64>,
    /// What cannot have been there since the day's beginning, by when it was first seen and how often.
    #[serde(default)]
    pub begun: Begun,
    /// Records per five minutes, of each kind; empty for a day that was counted before this was kept.
    #[serde(default)]
    pub cells: BTreeMap<LogKind, Cells>,
    /// Business lines of level warning and above per five minutes.
    #[serde(default)]
    pub errors: Cells,
    /// When each template of level warning and above came; empty for a day that was counted before this was kept.
    #[serde(default)]
    pub failing: BTreeMap<(String, TemplateId), Cells>,
    /// More of the day is to be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
}

impl DayCounts {
    /// Whether the day was counted to the end.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.business_share > 0.0 && !self.unfinished
    }

    /// Whether the day can be compared with in this kind: a day of which nothing was shipped tells of nothing.
    #[must_use]
    pub fn holds(&self, kind: LogKind) -> bool {
        let unread = kind == LogKind::Business && self.business_share <= 0.0;
        !unread && self.records.get(&kind).is_none_or(|n| *n > 0)
    }

    /// Whether the day can be compared with at all.
    #[must_use]
    pub fn holds_anything(&self) -> bool {
        if self.records.is_empty() {
            return !(self.lines.is_empty() && self.events.is_empty() && self.refusals.is_empty());
        }
        self.records.values().any(|n| *n > 0)
    }
}

/// What began within a day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    pub templates: BTreeSet<(String, TemplateId)>,
    pub events: BTreeSet<EventKey>,
    pub refusals: BTreeSet<CallKey>,
}

/// What makes events of different days comparable: generated parts of names and messages are masked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventKey {
    pub kind: String,
    pub namespace: String,
    /// Name of the object without generated suffixes.
    pub name: String,
    pub reason: String,
    /// The masked message.
    pub message: String,
    /// As in [`CallKey`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster: String,
}

/// The earlier days a day is compared with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// How many days the configuration asks for.
    pub of: u32,
    /// Newest last.
    pub days: Vec<DayCounts>,
    /// More days are still being read.
    pub partial: bool,
}
