//! What is said about a day: the run report of the contract, and the findings and incidents in it.
//!
//! Field names and their order are relied on by outsiders (`gengfu run --json`, the resource `report.json`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::llm_note::{AgentNote, BadPrice, Cost, LlmNote, Price};
use super::{
    Day, Evidence, EvidenceId, LogKind, Moment, ObjectRef, OwnerAlias, Severity, shapes::Cells,
};

/// The run report. "The same report" means all but `timings_ms`, `llm` and the incidents' `checked_at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub schema: u32,
    pub owner: OwnerAlias,
    pub date: Day,
    pub timezone: String,
    /// Counts up with each diagnosis of the day; the first is made after the events alone.
    pub revision: u32,
    /// Which part of the day this revision rests on.
    pub stage: Stage,
    pub verdict: Verdict,
    pub coverage: BTreeMap<LogKind, Coverage>,
    pub baseline: BaselineNote,
    /// Most important first.
    pub findings: Vec<Finding>,
    /// Most important first; their roots are the minimal independent set.
    pub incidents: Vec<Incident>,
    /// What is wrong every day and therefore not told, worst first.
    pub chronic: Vec<Chronic>,
    pub claims: Vec<Claim>,
    pub files: Files,
    pub llm: Option<LlmNote>,
    pub timings_ms: BTreeMap<String, u64>,
}

impl Report {
    /// Whether it rests on the whole day, and not only on the part that a question needed or a round has come to.
    #[must_use]
    pub fn tells_the_day(&self) -> bool {
        self.stage >= Stage::Day
    }
}

/// How far a round has come when a revision is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Events are read, nothing else.
    Events,
    /// One kind, and the others around what shows in it: read for a question, not for a broadcast.
    Windows,
    /// The whole day, without (all of) the earlier days.
    Day,
    /// The whole day and the earlier days it is compared with.
    Complete,
    /// The same, and the day after it was looked at whether the problems are still there.
    Checked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Healthy,
    Incidents,
    /// Nothing could be read.
    Unknown,
}

/// What was read of a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    pub objects: u64,
    pub bytes: u64,
    pub lines: u64,
    pub records: u64,
    pub rejected: u64,
    pub duplicates: u64,
    pub outside_day: u64,
    /// Every listed object was read to its end.
    pub complete: bool,
    /// False when the kind never had objects.
    pub shipped: bool,
    /// Why lines were rejected.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rejections: BTreeMap<super::record::Rejection, u64>,
    /// Objects that could not be read, with what to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<super::shapes::ObjectProblem>,
    /// What the shipping tasks of CLS say of the day, where they could be asked. Not whole: what is missing is among the problems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Shipping>,
}

/// How much of a day has been written to the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shipping {
    Whole,
    Pending,
    Failed,
}

/// The earlier days the report could compare with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineNote {
    pub days: u32,
    pub of: u32,
    pub partial: bool,
}

/// Something seen, with evidence: a symptom, a change, or a fault that names itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// `f1`, `f2`, ... in the order of the report.
    pub id: String,
    pub kind: LogKind,
    /// Code of the fault catalogue, or `unknown`.
    pub cause: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    pub severity: Severity,
    pub confidence: f64,
    pub title: String,
    pub object: ObjectRef,
    pub first_seen: Moment,
    pub last_seen: Moment,
    pub count: u64,
    /// Mean count of the earlier days, 0 when it never occurred or nothing is known.
    pub baseline: f64,
    /// `count` per five minutes of the day.
    #[serde(
        default,
        with = "super::shapes::cells_text",
        skip_serializing_if = "Cells::is_empty"
    )]
    pub cells: Cells,
    /// Values that lead to the other kinds of log: pod, container, error code, host, trace id ...
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_fields: Vec<KeyValue>,
    pub evidence: Vec<Evidence>,
}

/// A key field with the record it was taken from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyValue {
    pub name: String,
    pub value: String,
    /// No earlier day had this value at this place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceId>,
}

/// One root with everything that follows from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// `i1`, `i2`, ... in the order of the report.
    pub id: String,
    pub title: String,
    pub root: Root,
    pub confidence: f64,
    pub severity: Severity,
    pub start: Moment,
    /// `None`: still so at the end of the day.
    pub end: Option<Moment>,
    /// Ids of findings.
    pub findings: Vec<String>,
    /// From what users saw to what set it off.
    pub chain: Vec<ChainLink>,
    /// Everything hit: the root's workload, its pods' workloads, callers.
    pub affected: Vec<ObjectRef>,
    pub change: Option<ChangeNote>,
    pub alternatives: Vec<Alternative>,
    pub fix: Vec<String>,
    pub rollback: Option<Rollback>,
    /// Why no rollback is offered, when none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_rollback: Option<String>,
    /// Evidence that would decide but is not there.
    pub missing: Vec<String>,
    pub status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Moment>,
    /// Who ended it, when a change did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_by: Option<ChangeNote>,
    /// The same incident on an earlier day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<SameAs>,
    /// Ids of yesterday's alarms that it explains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<String>,
    /// Stable over days: a hash of cause and object.
    pub identity: String,
}

impl Incident {
    /// Below this confidence the cause is a guess, and is told as one.
    #[must_use]
    pub const fn is_sure(&self) -> bool {
        self.confidence >= 0.9
    }

    /// The rollback that a command carries out: only then may anybody be asked whether to roll back.
    #[must_use]
    pub fn ready_rollback(&self) -> Option<&Rollback> {
        self.rollback
            .as_ref()
            .filter(|plan| !plan.command.is_empty())
    }

    /// What to do about it in one sentence: take the change back, unless somebody did or nobody can say how; else the first remedy.
    #[must_use]
    pub fn first_step(&self) -> Option<&str> {
        // Taking back what no longer hurts could break what has been mended since.
        let stands = self.status != Status::Recovered;
        let undo = self.ready_rollback().filter(|_| stands).map(|r| &r.what);
        let step = undo.or(self.fix.first()).filter(|_| !self.is_mended());
        step.map(String::as_str)
    }

    /// Whether what ended it took back a part of the change only.
    #[must_use]
    pub fn is_partly_undone(&self) -> bool {
        let (Some(change), Some(back)) = (&self.change, &self.recovered_by) else {
            return false;
        };
        let is_back = |d: &FieldChange| back.diff.iter().any(|b| b.path == d.path);
        !back.diff.is_empty() && !change.diff.iter().all(is_back)
    }

    /// Whether somebody has put it right.
    #[must_use]
    pub fn is_mended(&self) -> bool {
        self.status == Status::Recovered && self.recovered_by.is_some()
    }
}

/// Where it began. `cause` is a coarse code that outsiders know; `detail` the finer one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    pub cause: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    pub object: ObjectRef,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainLink {
    pub kind: LogKind,
    pub finding: String,
}

/// A change of desired state, as it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeNote {
    pub evidence: EvidenceId,
    pub audit_id: String,
    pub user: String,
    pub verb: String,
    pub at: Moment,
    pub object: ObjectRef,
    /// Empty when the log shows no body.
    pub diff: Vec<FieldChange>,
    /// What is known of the actor: a person, a pipeline, a controller.
    pub actor: ActorKind,
    /// The state before was never seen: a `null` on the old side says nothing about what stood there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub before_unseen: bool,
}

/// What kind of caller made a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    Human,
    /// A deployment pipeline or GitOps controller acting on somebody's behalf.
    Pipeline,
    /// A controller of Kubernetes or of the platform.
    Controller,
    Node,
}

/// One field before and after. `path` is a JSON pointer into the object; a missing side is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    pub path: String,
    pub old: Value,
    pub new: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative {
    pub cause: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    pub why_not: String,
    /// Records that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceId>,
}

/// What a person would do to undo the change. Never executed by us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// One sentence: what would be undone.
    pub what: String,
    /// For a POSIX shell. Empty when the log cannot give one (a body is hidden, the object changed since): then the first
    /// precondition says why, and the rest is for a person's hands.
    pub command: String,
    /// Another command that does the same, such as `kubectl rollout undo`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub alternative: String,
    /// The body of `kubectl patch --type=json`, as JSON text; empty when the command needs none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub patch: String,
    pub preconditions: Vec<String>,
    /// What else is touched by running it.
    pub blast_radius: String,
    pub verify: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ongoing,
    Recovered,
    Recurred,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SameAs {
    pub date: Day,
    pub id: String,
    /// On how many days in a row, this one included.
    pub days_in_row: u32,
}

/// Something that is wrong every day, at the same rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chronic {
    pub kind: LogKind,
    pub title: String,
    pub object: ObjectRef,
    pub count: u64,
    pub baseline: f64,
    /// A few of its records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceId>,
}

/// A sentence with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub text: String,
    pub kind: ClaimKind,
    pub findings: Vec<String>,
    pub evidence: Vec<EvidenceId>,
    /// A model said it; the others are made by rules, and made again whenever the texts are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_model: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClaimKind {
    /// A record says so.
    Observed,
    /// We conclude so; told under 可能原因.
    Inferred,
}

/// Paths of the two files, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    pub summary: String,
    pub analysis: String,
}
