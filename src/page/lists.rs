//! Alarms with what was told of them, marks, hits of a search, single lines.
//!
//! In: a store. Out: values for lists, newest first. Always true: a raw body of an alarm is never shown, only what was read from it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Error, Reader,
    day::{self, MarkView},
};
use crate::{
    alerts::{Analysis, Conclusion},
    model::{Day, Evidence, EvidenceId, LogKind, Moment, Origin, record::Kept},
    store::{AlarmRow, AlarmState, Hit, Hits, Outcome, Query, Store, ToldLine, What},
};

/// What was told is looked for among so many lines.
const TOLD: u32 = 500;
/// How long an alarm may be told after it came.
const TOLD_AFTER_MS: i64 = 24 * 3600 * 1000;
/// Hits on a page.
pub const HITS: usize = 40;

/// An alarm, what we say of it, and who was told.
#[derive(Debug, Serialize)]
pub struct AlarmView {
    pub id: i64,
    pub name: String,
    pub source: String,
    pub object: String,
    pub severity: String,
    pub state: AlarmState,
    pub times: u32,
    pub first: Moment,
    pub last: Moment,
    pub recovered: Option<Moment>,
    pub conclusion: Option<Conclusion>,
    pub meaning: String,
    pub policy_problem: Option<String>,
    pub measures: Vec<String>,
    /// Day, id and title of the incidents that explain it.
    pub incidents: Vec<(Option<Day>, String, String)>,
    pub told: Vec<ToldView>,
}

/// Something that was said unasked.
#[derive(Debug, Clone, Serialize)]
pub struct ToldView {
    pub way: String,
    pub device: String,
    pub subject: String,
    pub at: Moment,
    pub text: String,
    pub outcome: Outcome,
}

/// A kept line, or the place of one that is not kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LineView {
    pub id: EvidenceId,
    pub kind: LogKind,
    pub at: Option<Moment>,
    pub object: String,
    /// `key:line` of the bucket, or the record of the topic.
    pub place: String,
    pub sha256: String,
    /// Redacted; JSON is written with line breaks.
    pub line: Option<String>,
}

impl LineView {
    pub(super) fn of(kept: &Kept, reader: &Reader) -> Self {
        let pretty = serde_json::from_str::<serde_json::Value>(&kept.line)
            .and_then(|v| serde_json::to_string_pretty(&v));
        Self {
            id: kept.id,
            kind: kept.kind(),
            at: Some(Moment::new(kept.ts_ms, &reader.zone)),
            object: [kept.namespace.as_str(), &kept.object]
                .into_iter()
                .filter(|p| !p.is_empty())
                .collect::<Vec<_>>()
                .join("/"),
            place: place(&kept.origin),
            sha256: kept.sha256.clone(),
            line: Some(pretty.unwrap_or_else(|_| kept.line.clone())),
        }
    }

    pub(super) fn gone(evidence: &Evidence) -> Self {
        Self {
            id: evidence.id,
            kind: evidence.id.kind,
            at: None,
            object: String::new(),
            place: place(&evidence.origin),
            sha256: evidence.sha256.clone(),
            line: None,
        }
    }
}

fn place(origin: &Origin) -> String {
    match origin {
        Origin::Bucket { key, line } => format!("{key}:{line}"),
        Origin::Cls {
            topic,
            pkg_id,
            pkg_log_id,
            ..
        } => format!("CLS {topic} {pkg_id}/{pkg_log_id}"),
    }
}

/// Alarms that were active between two instants, newest first.
pub async fn alarms(
    store: &Store,
    from_ms: i64,
    to_ms: i64,
    reader: &Reader,
) -> Result<Vec<AlarmView>, Error> {
    let rows = store.alarms_between(from_ms, to_ms).await?;
    let since = rows
        .iter()
        .map(|r| r.what.first_ms)
        .min()
        .unwrap_or(from_ms);
    let told = store.told_lines(since, TOLD).await?;
    let of = |row: AlarmRow| {
        let subject = format!("alarm:{}", row.id);
        let until = row.what.last_ms + TOLD_AFTER_MS;
        let mine = told
            .iter()
            .filter(|(line, _)| line.subject == subject && line.at_ms <= until);
        alarm(
            row,
            mine.map(|(line, outcome)| said(line, *outcome, reader))
                .collect(),
            reader,
        )
    };
    Ok(rows.into_iter().map(of).collect())
}

fn alarm(row: AlarmRow, told: Vec<ToldView>, reader: &Reader) -> AlarmView {
    let at = |ms| Moment::new(ms, &reader.zone);
    // An analysis of another version of this program may not be readable: the alarm is shown all the same.
    let analysis: Option<Analysis> = row.analysis.and_then(|a| serde_json::from_value(a).ok());
    let name = analysis
        .as_ref()
        .map(|a| a.alarm.name.clone())
        .filter(|n| !n.is_empty());
    let day = analysis.as_ref().and_then(|a| a.report).map(|r| r.0);
    let explained = analysis.iter().flat_map(|a| &a.incidents);
    AlarmView {
        id: row.id,
        name: name.unwrap_or_else(|| row.what.policy.clone()),
        source: row.what.source,
        object: row.what.object,
        severity: row.what.severity,
        state: row.state,
        times: row.times,
        first: at(row.what.first_ms),
        last: at(row.what.last_ms),
        recovered: row.what.recovered_ms.map(at),
        incidents: explained
            .map(|i| {
                let title = super::told(i.title.clone(), reader.lang);
                (day, i.id.clone(), title)
            })
            .collect(),
        conclusion: analysis.as_ref().map(|a| a.conclusion),
        meaning: analysis
            .as_ref()
            .map(|a| a.meaning.clone())
            .unwrap_or_default(),
        policy_problem: analysis.as_ref().and_then(|a| a.policy_problem.clone()),
        measures: analysis
            .map(|a| a.measures)
            .unwrap_or_default()
            .into_iter()
            .map(|said| super::told(said, reader.lang))
            .collect(),
        told,
    }
}

fn said(line: &ToldLine, outcome: Outcome, reader: &Reader) -> ToldView {
    ToldView {
        way: line.way.clone(),
        device: line.device.clone(),
        subject: line.subject.clone(),
        at: Moment::new(line.at_ms, &reader.zone),
        text: line.text.clone(),
        outcome,
    }
}

/// What was said unasked lately, alarms and broadcasts.
pub async fn told(store: &Store, since_ms: i64, reader: &Reader) -> Result<Vec<ToldView>, Error> {
    let lines = store.told_lines(since_ms, TOLD).await?;
    Ok(lines
        .iter()
        .map(|(line, outcome)| said(line, *outcome, reader))
        .collect())
}

/// Marks in force, newest first.
pub async fn marks(store: &Store, reader: &Reader) -> Result<Vec<MarkView>, Error> {
    Ok(store
        .marks()
        .await?
        .iter()
        .map(|m| day::mark(m, reader))
        .collect())
}

/// What answers a question about a day, as `gengfu search` finds it: a page of hits after the first `from`.
pub async fn search(
    store: &Store,
    day: Day,
    text: &str,
    kind: Option<LogKind>,
    from: usize,
    reader: &Reader,
) -> Result<Hits, Error> {
    let query = Query {
        what: vec![
            What::Incident,
            What::Finding,
            What::Template,
            What::Change,
            What::Record,
        ],
        kind,
        days: Some((day, day)),
        limit: from.saturating_add(HITS),
        ..Query::new(text, reader.zone.clone())
    };
    let mut found = store.search(query).await?;
    found.hits.drain(..from.min(found.hits.len()));
    let ours = [What::Incident, What::Finding, What::Change];
    for hit in found.hits.iter_mut().filter(|h| ours.contains(&h.what)) {
        hit.text = super::told(std::mem::take(&mut hit.text), reader.lang);
    }
    let is_finding = |h: &Hit| h.what == What::Finding;
    if found.hits.iter().any(is_finding)
        && let Some(report) = store.report(day).await?
    {
        for hit in found.hits.iter_mut().filter(|h| is_finding(h)) {
            let of_it = report.findings.iter().find(|f| f.id == hit.id);
            let first = of_it.and_then(|f| f.evidence.first());
            hit.evidence = first.map(|e| e.id);
        }
    }
    Ok(found)
}

/// Of each finding among the hits, the incident that it belongs to, if it does.
pub async fn incident_of(
    store: &Store,
    day: Day,
    hits: &[Hit],
) -> Result<BTreeMap<String, String>, Error> {
    let findings = hits.iter().filter(|h| h.what == What::Finding);
    let wanted: Vec<&String> = findings.map(|h| &h.id).collect();
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let report = store.report(day).await?;
    let incidents = report.iter().flat_map(|r| &r.incidents);
    let pairs = incidents.flat_map(|i| i.findings.iter().map(|f| (f.clone(), i.id.clone())));
    Ok(pairs.filter(|(f, _)| wanted.contains(&f)).collect())
}

/// One kept line of a day.
pub async fn line(
    store: &Store,
    day: Day,
    id: EvidenceId,
    reader: &Reader,
) -> Result<Option<LineView>, Error> {
    let kept = store.kept(day, vec![id]).await?;
    Ok(kept.first().map(|k| LineView::of(k, reader)))
}
