//! The cause chain from one kind of log: what its record says, what the next kind knows about that, until the root is reached.
//!
//! In: the findings and incidents of a diagnosed day, which kinds were seen, and where to start. Out: a [`Trace`] in the shape of
//! `gengfu trace --json`. Always true: every key field names the record it was taken from where one is known; each kind after the
//! first is asked a `Query` made from what was come upon before it, and its hits and evidence are what that query finds; a kind
//! that is not there ends the trace and is named; an error that belongs to no incident ends with `no_cause`. Reads nothing but its
//! input, so it answers from a stored day in microseconds.

mod query;
mod start;

use query::Query;
use serde::Serialize;

use crate::model::{
    EvidenceId, Lang, LogKind, Moment, ObjectRef,
    report::{Alternative, ChangeNote, Chronic, Finding, Incident, KeyValue, Root},
};

/// What is known of the day.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    pub findings: &'a [Finding],
    pub incidents: &'a [Incident],
    /// What is wrong every day.
    pub chronic: &'a [Chronic],
    /// Kinds of which records were read.
    pub seen: &'a [LogKind],
    pub lang: Lang,
}

/// Where to start.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub from: LogKind,
    /// Id of an incident, when one is meant.
    pub incident: Option<&'a str>,
    /// Name of an object, with or without its namespace.
    pub object: Option<&'a str>,
    /// Words that stand in the finding.
    pub query: Option<&'a str>,
}

/// A cause chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    pub start: Start,
    pub steps: Vec<Step>,
    pub root: Option<Root>,
    /// Id of the incident that it leads to.
    pub incident: Option<String>,
    pub change: Option<ChangeNote>,
    pub alternatives: Vec<Alternative>,
    pub missing: Vec<String>,
    pub verdict: Ends,
}

/// What the trace begins with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Start {
    pub kind: LogKind,
    pub finding: Option<String>,
    pub title: String,
    pub object: Option<ObjectRef>,
    pub at: Option<Moment>,
}

/// One kind of log asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub kind: LogKind,
    /// What was taken from the records of this kind to go on with.
    pub key_fields: Vec<KeyValue>,
    /// What was asked of this kind.
    pub query: String,
    /// Records that answered.
    pub hits: u64,
    pub evidence: Vec<EvidenceId>,
    pub why_next: String,
}

/// How a trace ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    Cause,
    NoCause,
    /// A kind of log is not there.
    Stopped,
}

/// Evidence that a step lists.
const EVIDENCE: usize = 6;
/// Key fields that a step takes along.
const KEY_FIELDS: usize = 8;

/// Of what is no trouble of this day.
const EVERY_DAY: (&str, &str) = (
    "每天都有，和平时一样多，不是今天出的问题",
    "it is there every day, as often as ever, and no trouble of this day",
);

/// Follows the chain from `ask.from`.
#[must_use]
pub fn trace(told: Told<'_>, ask: Ask<'_>) -> Trace {
    let meant = start::named(told, ask);
    let (incident, start) = match (meant, start::start(told, ask, meant)) {
        (_, Some((incident, finding))) => (incident.or(meant), Some(finding)),
        (meant, None) => (meant, None),
    };
    let habit = start::habit(told, ask).filter(|_| start.is_none() && incident.is_none());
    let mut out = Trace {
        start: Start {
            kind: ask.from,
            finding: start.map(|f| f.id.clone()),
            title: start
                .map(|f| &f.title)
                .or(habit.map(|h| &h.title))
                .cloned()
                .unwrap_or_default(),
            object: start
                .map(|f| &f.object)
                .or(habit.map(|h| &h.object))
                .cloned(),
            at: start.map(|f| f.first_seen),
        },
        steps: Vec::new(),
        root: None,
        incident: incident.map(|i| i.id.clone()),
        change: None,
        alternatives: Vec::new(),
        missing: Vec::new(),
        verdict: Ends::NoCause,
    };
    let mut taken: Vec<&Finding> = Vec::new();
    for (place, kind) in order(ask.from).into_iter().enumerate() {
        if !told.seen.contains(&kind) {
            let name = told.lang.pick(kind.zh(), kind.as_str());
            out.missing.push(told.lang.pick(
                format!("没有{name}，查到这里为止"),
                format!("no {name} log, the trace stops here"),
            ));
            out.verdict = Ends::Stopped;
            // Events and audit name a cause by themselves; who felt it is what is left open.
            let passed = |kind| out.steps.iter().any(|step| step.kind == kind);
            if let Some(incident) =
                incident.filter(|_| passed(LogKind::Event) && passed(LogKind::Audit))
            {
                out.ends_at(incident);
            }
            return out;
        }
        let next = Found::next(told, kind, &taken, incident).filter(|_| place > 0);
        // Nothing was come upon yet, so that what was asked is asked of this kind as well.
        let found = next.unwrap_or_else(|| {
            let query = asked_first(ask, start, incident);
            Found::by_words(told, kind, query, start, incident)
        });
        let mut step = step(told, kind, &found, incident);
        if let Some(habit) = habit.filter(|h| h.kind == kind) {
            step.hits = habit.count;
            step.evidence.clone_from(&habit.evidence);
            told.lang
                .pick(EVERY_DAY.0, EVERY_DAY.1)
                .clone_into(&mut step.why_next);
        }
        out.steps.push(step);
        let of_incident = |f: &&Finding| incident.is_none_or(|i| i.findings.contains(&f.id));
        taken.extend(found.findings.into_iter().filter(of_incident));
    }
    let Some(incident) = incident else {
        if habit.is_some() {
            out.missing
                .push(told.lang.pick(EVERY_DAY.0, EVERY_DAY.1).to_owned());
        }
        out.missing.push(
            told.lang
                .pick(
                    "这些日志里没有能解释它的事件或改动",
                    "no event or change in these logs explains it",
                )
                .to_owned(),
        );
        return out;
    };
    if out.ends_at(incident) {
        out.verdict = Ends::Cause;
    }
    out
}

impl Trace {
    /// Takes over what is known of the incident; whether that is a cause.
    fn ends_at(&mut self, incident: &Incident) -> bool {
        self.alternatives.clone_from(&incident.alternatives);
        self.missing.extend(incident.missing.iter().cloned());
        let known = incident.root.cause != "unknown";
        if known {
            self.root = Some(incident.root.clone());
            self.change.clone_from(&incident.change);
        }
        known
    }
}

/// From users to operators when a business line is the start; from the cluster's own doings to who set them off, then to who felt it.
#[must_use]
pub const fn order(from: LogKind) -> [LogKind; 3] {
    match from {
        LogKind::Business => [LogKind::Business, LogKind::Event, LogKind::Audit],
        LogKind::Event => [LogKind::Event, LogKind::Audit, LogKind::Business],
        LogKind::Audit => [LogKind::Audit, LogKind::Event, LogKind::Business],
    }
}

/// What a query found.
struct Found<'a> {
    query: String,
    /// Records.
    hits: u64,
    /// Those of the incident first.
    findings: Vec<&'a Finding>,
}

impl<'a> Found<'a> {
    /// What the kind shows of what was asked about: its findings of the incident that was come upon, or the one line.
    fn by_words(
        told: Told<'a>,
        kind: LogKind,
        query: String,
        start: Option<&'a Finding>,
        incident: Option<&Incident>,
    ) -> Self {
        let findings: Vec<&Finding> = match incident {
            Some(incident) => {
                let own = |f: &&Finding| f.kind == kind && incident.findings.contains(&f.id);
                told.findings.iter().filter(own).collect()
            }
            None => start.into_iter().filter(|f| f.kind == kind).collect(),
        };
        Self {
            query,
            hits: findings.iter().map(|f| f.count).sum(),
            findings,
        }
    }

    /// Asks the next kind about what was come upon. The query is widened as long as nothing is found that the incident rests on,
    /// when it rests on anything of this kind.
    fn next(
        told: Told<'a>,
        kind: LogKind,
        taken: &[&'a Finding],
        incident: Option<&Incident>,
    ) -> Option<Self> {
        let own = |f: &Finding| incident.is_some_and(|i| i.findings.contains(&f.id));
        let rests_on_it = told.findings.iter().any(|f| f.kind == kind && own(f));
        let mut narrowest = None;
        for query in Query::about(taken, kind) {
            let mut findings: Vec<&Finding> =
                told.findings.iter().filter(|f| query.finds(f)).collect();
            findings.sort_by_key(|f| !own(f));
            let enough = findings.iter().any(|f| own(f)) || !rests_on_it && query.is_narrow();
            let found = Self {
                query: query.to_string(),
                hits: findings.iter().map(|f| query.records(f)).sum(),
                findings,
            };
            if enough {
                return Some(found);
            }
            narrowest.get_or_insert(found);
        }
        narrowest
    }
}

fn step(told: Told<'_>, kind: LogKind, found: &Found<'_>, incident: Option<&Incident>) -> Step {
    let mut key_fields: Vec<KeyValue> = Vec::new();
    for finding in &found.findings {
        let id = finding.evidence.first().map(|e| e.id);
        let window = [
            ("first_seen", finding.first_seen.to_string()),
            ("last_seen", finding.last_seen.to_string()),
        ];
        let own = window.map(|(name, value)| KeyValue {
            name: name.to_owned(),
            value,
            new: false,
            evidence: id,
        });
        for field in finding.key_fields.iter().cloned().chain(own) {
            if !key_fields
                .iter()
                .any(|k| k.name == field.name && k.value == field.value)
            {
                key_fields.push(field);
            }
        }
    }
    key_fields.truncate(KEY_FIELDS);
    let evidence = found
        .findings
        .iter()
        .flat_map(|f| f.evidence.iter().map(|e| e.id))
        .take(EVIDENCE)
        .collect();
    Step {
        kind,
        key_fields,
        query: found.query.clone(),
        hits: found.hits,
        evidence,
        why_next: why_next(told.lang, kind, found.hits, incident),
    }
}

fn why_next(lang: Lang, kind: LogKind, hits: u64, incident: Option<&Incident>) -> String {
    let (zh, en) = match (kind, hits, incident) {
        (_, 0, _) => (
            "这里没有相关记录，看下一种日志",
            "nothing here, look at the next kind",
        ),
        (_, _, None) => (
            "它不属于任何已知问题，看别的日志有没有同时的异常",
            "it belongs to no incident; see whether another kind is unusual at that time",
        ),
        (LogKind::Business, ..) => (
            "业务报错说明谁受影响，要看集群当时对这些对象做了什么",
            "the errors say who suffers; see what the cluster did to them",
        ),
        (LogKind::Event, ..) => (
            "事件说明集群看到了什么，要看之前谁改了这些对象",
            "the events say what the cluster saw; see who changed these objects before",
        ),
        (LogKind::Audit, ..) => (
            "审计说明谁改了什么，要看改动之后的反应",
            "the audit says who changed what; see what followed",
        ),
    };
    lang.pick(zh, en).to_owned()
}

/// What was asked of the kind to begin with.
fn asked_first(ask: Ask<'_>, start: Option<&Finding>, incident: Option<&Incident>) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(ask.incident.map(|id| format!("incident={id}")));
    parts.extend(ask.object.map(|o| format!("object={o}")));
    parts.extend(ask.query.map(str::to_owned));
    if let (true, Some(incident)) = (parts.is_empty(), incident) {
        parts.push(format!("incident={}", incident.id));
    }
    if let (true, Some(finding)) = (parts.is_empty(), start) {
        parts.push(format!("object={}", finding.object));
    }
    parts.join(" ")
}
