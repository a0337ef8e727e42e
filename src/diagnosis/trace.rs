//! The cause chain from one kind of log: what its record says, what the next kind knows about that, until the root is reached.
//!
//! In: the findings and incidents of a diagnosed day, which kinds were seen, and where to start. Out: a [`Trace`] in the shape of
//! `gengfu trace --json`. Always true: every key field names the record it was taken from where one is known; a kind that is not
//! there ends the trace and is named; an error that belongs to no incident ends with `no_cause`. Reads nothing but its input, so
//! it answers from a stored day in microseconds.

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
    let meant = named(told, ask);
    let (incident, start) = match (meant, start(told, ask, meant)) {
        (_, Some((incident, finding))) => (incident.or(meant), Some(finding)),
        (meant, None) => (meant, None),
    };
    let habit = habit(told, ask).filter(|_| start.is_none() && incident.is_none());
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
    let mut asked = asked_first(ask, start, incident);
    for kind in order(ask.from) {
        if !told.seen.contains(&kind) {
            let name = told.lang.pick(kind.zh(), kind.as_str());
            out.missing.push(told.lang.pick(
                format!("没有{name}，查到这里为止"),
                format!("no {name} log, the trace stops here"),
            ));
            out.verdict = Ends::Stopped;
            return out;
        }
        let found = found(told, kind, start, incident);
        let mut step = step(told, kind, asked, &found, incident);
        if let Some(habit) = habit.filter(|h| h.kind == kind) {
            step.hits = habit.count;
            step.evidence.clone_from(&habit.evidence);
            told.lang
                .pick(EVERY_DAY.0, EVERY_DAY.1)
                .clone_into(&mut step.why_next);
        }
        asked = next_query(&step, start, incident);
        out.steps.push(step);
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
    out.alternatives.clone_from(&incident.alternatives);
    out.missing.clone_from(&incident.missing);
    if incident.root.cause != "unknown" {
        out.root = Some(incident.root.clone());
        out.change.clone_from(&incident.change);
        out.verdict = Ends::Cause;
    }
    out
}

/// From users to operators when a business line is the start; from the cluster's own doings to who set them off, then to who felt it.
const fn order(from: LogKind) -> [LogKind; 3] {
    match from {
        LogKind::Business => [LogKind::Business, LogKind::Event, LogKind::Audit],
        LogKind::Event => [LogKind::Event, LogKind::Audit, LogKind::Business],
        LogKind::Audit => [LogKind::Audit, LogKind::Event, LogKind::Business],
    }
}

/// The incident that is asked for by its id, be it as a word.
fn named<'a>(told: Told<'a>, ask: Ask<'_>) -> Option<&'a Incident> {
    let id = ask.incident.or(ask.query)?;
    told.incidents
        .iter()
        .find(|i| i.id.eq_ignore_ascii_case(id.trim()))
}

/// The weightiest finding of the kind that fits, with the incident it is followed in. One line often belongs to several incidents:
/// then that one is meant whose own object is named, else the most important. A finding outside of incidents comes after them; and
/// where no finding has the words, an incident that has them is entered by its first finding of the kind.
fn start<'a>(
    told: Told<'a>,
    ask: Ask<'_>,
    meant: Option<&'a Incident>,
) -> Option<(Option<&'a Incident>, &'a Finding)> {
    let of_kind = told.findings.iter().filter(|f| f.kind == ask.from);
    if let Some(incident) = meant {
        let mut own = of_kind.filter(|f| incident.findings.contains(&f.id));
        return own.next().map(|finding| (Some(incident), finding));
    }
    let fits = |f: &&Finding| {
        ask.object.is_none_or(|o| is_about(f, o)) && ask.query.is_none_or(|q| speaks_of(f, q))
    };
    let own_object_named = |incident: &Incident| {
        let name = incident.root.object.name.as_str();
        let words = ask.query.unwrap_or_default().split_whitespace();
        ask.object.into_iter().chain(words).any(|word| {
            let word = word.rsplit_once('/').map_or(word, |(_, last)| last);
            word.eq_ignore_ascii_case(name)
        })
    };
    let places = of_kind.clone().filter(fits).flat_map(|finding| {
        let holders = told.incidents.iter().enumerate();
        let holders = holders.filter(|(_, i)| i.findings.contains(&finding.id));
        holders.map(move |(place, incident)| (place, incident, finding))
    });
    if let Some((_, incident, finding)) =
        places.min_by_key(|(place, incident, _)| (!own_object_named(incident), *place))
    {
        return Some((Some(incident), finding));
    }
    if let Some(finding) = of_kind.clone().find(fits) {
        return Some((None, finding));
    }
    let about = |incident: &&'a Incident| {
        let root = &incident.root;
        let detail = root.detail.as_deref().unwrap_or_default();
        let text = format!("{} {} {} {detail}", incident.title, root.object, root.cause);
        let text = text.to_lowercase();
        let words = ask.object.into_iter().chain(ask.query);
        let mut words = words.flat_map(str::split_whitespace);
        words.all(|word| text.contains(&word.to_lowercase()))
    };
    told.incidents.iter().filter(about).find_map(|incident| {
        let mut own = of_kind.clone();
        let finding = own.find(|f| incident.findings.contains(&f.id))?;
        Some((Some(incident), finding))
    })
}

/// What is wrong every day and is meant, when anything is said of what is meant.
fn habit<'a>(told: Told<'a>, ask: Ask<'_>) -> Option<&'a Chronic> {
    if ask.incident.is_some() || ask.object.is_none() && ask.query.is_none() {
        return None;
    }
    let fits = |c: &&Chronic| {
        let text = format!("{} {}", c.title, c.object).to_lowercase();
        let all = |words: &str| {
            let words = words.to_lowercase();
            words.split_whitespace().all(|word| text.contains(word))
        };
        c.kind == ask.from && ask.object.is_none_or(all) && ask.query.is_none_or(all)
    };
    told.chronic.iter().find(fits)
}

fn is_about(finding: &Finding, object: &str) -> bool {
    let (namespace, name) = object.rsplit_once('/').unwrap_or(("", object));
    let same = |n: &str| n == name || n.starts_with(name) && n[name.len()..].starts_with('-');
    let place = namespace.is_empty() || finding.object.namespace == namespace;
    place && (same(&finding.object.name) || finding.key_fields.iter().any(|k| k.value == name))
}

fn speaks_of(finding: &Finding, query: &str) -> bool {
    let text = format!("{} {} {}", finding.title, finding.object, finding.cause).to_lowercase();
    let values = finding.key_fields.iter().map(|k| k.value.to_lowercase());
    let values: Vec<String> = values.collect();
    query
        .to_lowercase()
        .split_whitespace()
        .all(|word| text.contains(word) || values.iter().any(|v| v.contains(word)))
}

/// Findings of a kind that belong to the chain.
fn found<'a>(
    told: Told<'a>,
    kind: LogKind,
    start: Option<&'a Finding>,
    incident: Option<&Incident>,
) -> Vec<&'a Finding> {
    match incident {
        Some(incident) => told
            .findings
            .iter()
            .filter(|f| f.kind == kind && incident.findings.contains(&f.id))
            .collect(),
        None => start.into_iter().filter(|f| f.kind == kind).collect(),
    }
}

fn step(
    told: Told<'_>,
    kind: LogKind,
    query: String,
    found: &[&Finding],
    incident: Option<&Incident>,
) -> Step {
    let mut key_fields: Vec<KeyValue> = Vec::new();
    for finding in found {
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
    let hits: u64 = found.iter().map(|f| f.count).sum();
    let evidence = found
        .iter()
        .flat_map(|f| f.evidence.iter().map(|e| e.id))
        .take(EVIDENCE)
        .collect();
    Step {
        kind,
        key_fields,
        query,
        hits,
        evidence,
        why_next: why_next(told.lang, kind, hits, incident),
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

fn asked_first(ask: Ask<'_>, start: Option<&Finding>, incident: Option<&Incident>) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(ask.object.map(|o| format!("object={o}")));
    parts.extend(ask.query.map(str::to_owned));
    if let (true, Some(finding)) = (parts.is_empty(), start) {
        parts.push(format!("object={}", finding.object));
    }
    if let (true, Some(incident)) = (parts.is_empty(), incident) {
        parts.push(format!("object={}", incident.root.object));
    }
    parts.join(" ")
}

/// What the key fields of a step ask of the next kind.
fn next_query(step: &Step, start: Option<&Finding>, incident: Option<&Incident>) -> String {
    let object = incident
        .map(|i| &i.root.object)
        .or(start.map(|f| &f.object));
    let mut parts: Vec<String> = object.map(|o| format!("object={o}")).into_iter().collect();
    parts.extend(
        step.key_fields
            .iter()
            .filter(|k| !k.name.ends_with("_seen"))
            .take(4)
            .map(|k| format!("{}={}", k.name, k.value)),
    );
    let from = incident.map(|i| i.start).or(start.map(|f| f.first_seen));
    let to = incident.map_or_else(|| start.map(|f| f.last_seen), |i| i.end);
    parts.extend(from.map(|t| format!("from={t}")));
    parts.extend(to.map(|t| format!("to={t}")));
    parts.join(" ")
}
