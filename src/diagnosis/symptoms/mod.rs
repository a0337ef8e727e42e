//! What is wrong, before anybody asks why: the day's unusual events, lines and refusals as [`Symptom`]s.
//!
//! In: shapes, what deviates in them, the object model, the catalogue. Out: symptoms, each about one object (a workload rather than
//! its pods) for one stretch of time, with the faults it may show and its evidence. Always true: a symptom names records that exist;
//! what happens on every day is marked `chronic`, what passed by itself within minutes `minor`. Does not look for causes.

mod business;
mod callee;
mod claims;
mod events;
mod memory;
mod on_hold;
mod refusals;

use std::collections::HashMap;

use crate::{
    diagnosis::{
        changes::Changes,
        faults::{CallMode, Catalogue, Sign, Where},
        objects::Objects,
    },
    mining::baseline::{Deviation, Subject, What as Deviates},
    model::{
        DayRange, EvidenceId, LogKind, ObjectRef,
        report::KeyValue,
        shapes::{Cells, DayShapes},
    },
};

pub use memory::memory_bytes;

/// Something wrong with an object for a stretch of time.
#[derive(Debug, Clone)]
pub struct Symptom {
    pub kind: LogKind,
    pub what: What,
    /// Who suffers: a workload where one is known, else the object itself.
    pub object: ObjectRef,
    /// Who is to blame when the object only suffers: the one it called.
    pub blamed: Option<ObjectRef>,
    /// Objects that the message accuses.
    pub named: Vec<ObjectRef>,
    /// Faults that it may show, the likeliest first; empty when it only says that something fails.
    pub faults: Vec<Suspect>,
    pub from_ms: i64,
    pub to_ms: i64,
    /// When an event told that the object is well again, for faults that are states.
    pub over_ms: Option<i64>,
    pub count: u64,
    pub cells: Cells,
    /// Mean of the earlier days.
    pub baseline: f64,
    pub chronic: bool,
    /// Chronic for want of earlier days only: it makes no incident, but may follow from one that it began with.
    pub presumed: bool,
    pub minor: bool,
    /// One occurrence on each affected object tells nothing about how fast it repeats; occurrences per object and the span do.
    pub objects: u32,
    pub evidence: Vec<EvidenceId>,
    pub key_fields: Vec<KeyValue>,
    /// What a person reads: an event message or a sample line.
    pub text: String,
}

/// A fault that a symptom may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspect {
    /// Index into the catalogue.
    pub fault: usize,
    pub sign: Sign,
    /// Orders suspects of the same sign: the nodes that a scheduler rules out for this reason, else 1.
    pub weight: u32,
    /// Which object the pattern is about.
    pub place: Where,
}

/// What kind of trouble a symptom is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A record that a fault of the catalogue matches.
    Fault,
    /// Calls to others fail.
    Call {
        mode: CallMode,
        /// Services that the lines name; all that the caller is known to call when `sure` is false.
        to: Vec<ObjectRef>,
        sure: bool,
        /// An address outside the cluster.
        outside: Option<String>,
    },
    /// Errors that say nothing the catalogue knows.
    Error,
    /// Warnings: they support, but do not make, an incident.
    Warning,
    /// Requests that the API server refused; the account that made them.
    Refused { user: String },
}

impl Symptom {
    /// Whether it may be the reason to tell of an incident.
    #[must_use]
    pub fn counts(&self) -> bool {
        !self.chronic && !self.minor && self.what != What::Warning
    }

    /// Whose trouble it is: of the object, or of the one it called.
    #[must_use]
    pub fn suffers(&self) -> &ObjectRef {
        self.blamed.as_ref().unwrap_or(&self.object)
    }

    /// Whether its words are those of many troubles: an error or a warning that the catalogue does not know.
    #[must_use]
    pub fn says_nothing(&self) -> bool {
        matches!(self.what, What::Error | What::Warning) && self.faults.is_empty()
    }

    /// Until when it lasted, as far as records tell.
    #[must_use]
    pub fn until_ms(&self) -> i64 {
        self.over_ms.unwrap_or(self.to_ms)
    }

    /// Occurrences in the cells that overlap `[from_ms, to_ms]`.
    #[must_use]
    pub fn during(&self, range: &DayRange, from_ms: i64, to_ms: i64) -> u64 {
        if to_ms < from_ms {
            return 0;
        }
        self.cells.between(range.cell(from_ms), range.cell(to_ms))
    }
}

/// What every reader of symptoms looks at.
pub(in crate::diagnosis) struct View<'a> {
    pub(in crate::diagnosis) shapes: &'a DayShapes,
    pub(in crate::diagnosis) changes: &'a Changes<'a>,
    pub(in crate::diagnosis) range: &'a DayRange,
    pub(in crate::diagnosis) objects: &'a Objects<'a>,
    pub(in crate::diagnosis) catalogue: &'a Catalogue,
    pub(in crate::diagnosis) deviations: &'a HashMap<&'a Subject, &'a Deviation>,
    /// How many earlier days of events are known.
    pub(in crate::diagnosis) event_days: usize,
    /// How many earlier days of business logs are known.
    pub(in crate::diagnosis) business_days: usize,
    /// The last record of the day that was read.
    pub(in crate::diagnosis) seen_until_ms: i64,
}

impl View<'_> {
    pub(super) fn deviation(&self, subject: &Subject) -> Option<&Deviation> {
        self.deviations.get(subject).copied()
    }
}

/// All symptoms of the day, by time.
pub(in crate::diagnosis) fn gather(view: &View<'_>) -> Vec<Symptom> {
    let mut all = events::symptoms(view);
    all.extend(business::symptoms(view));
    all.extend(refusals::symptoms(view));
    all.extend(on_hold::symptoms(view));
    all.sort_by(|a, b| {
        let key = |s: &Symptom| {
            (
                s.from_ms,
                s.kind,
                s.object.clone(),
                s.evidence.first().copied(),
            )
        };
        key(a).cmp(&key(b))
    });
    all
}

/// Whether a deviation says that the thing is as on every day.
fn is_usual(deviation: Option<&Deviation>) -> bool {
    matches!(
        deviation.map(|d| d.what),
        Some(Deviates::Chronic | Deviates::Gone) | None
    )
}

/// A key field taken from a record.
fn key(name: &str, value: impl Into<String>, evidence: Option<EvidenceId>) -> KeyValue {
    KeyValue {
        name: name.to_owned(),
        value: value.into(),
        new: false,
        evidence,
    }
}
