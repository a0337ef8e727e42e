//! One incident: its chain in three lanes, the change, its evidence down to the redacted line, what to do.
//!
//! In: a store, a report and the id of an incident. Out: [`IncidentView`]. Always true: each finding carries the lines that are kept of its
//! evidence; a line that is no longer kept is named by its place. Writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    Error, Reader,
    day::{self, MarkView},
    lanes::{self, Lanes},
    lists::LineView,
};
use crate::{
    mcp::settling,
    model::{
        Day, EvidenceId, LogKind,
        report::{Finding, Incident, Report},
    },
    store::{Mark, Store},
};

/// See the module's head.
#[derive(Debug, Serialize)]
pub struct IncidentView {
    pub owner: String,
    pub name: String,
    pub date: Day,
    pub incident: Incident,
    pub lanes: Option<Lanes>,
    /// What each kind shows, in the order of the chain.
    pub steps: Vec<Step>,
    pub mark: Option<MarkView>,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// One kind of log in the chain.
#[derive(Debug, Serialize)]
pub struct Step {
    pub kind: LogKind,
    pub findings: Vec<Found>,
}

/// A finding with the lines it rests on.
#[derive(Debug, Serialize)]
pub struct Found {
    pub finding: Finding,
    /// Evidence with its line, when that is kept.
    pub lines: Vec<LineView>,
}

/// Reads what the page of an incident shows. `None`: there is no such incident.
pub async fn incident(
    store: &Store,
    report: &Report,
    id: &str,
    name: String,
    reader: &Reader,
) -> Result<Option<IncidentView>, Error> {
    let marks = store.marks().await?;
    let lines = lines(store, report, std::slice::from_ref(&id.to_owned()), reader).await?;
    Ok(view(report, id, name, &marks, &lines, reader))
}

/// The kept lines of all evidence of some incidents.
pub(super) async fn lines(
    store: &Store,
    report: &Report,
    incidents: &[String],
    reader: &Reader,
) -> Result<BTreeMap<EvidenceId, LineView>, Error> {
    let wanted: BTreeSet<&String> = report
        .incidents
        .iter()
        .filter(|i| incidents.contains(&i.id))
        .flat_map(|i| &i.findings)
        .collect();
    let findings = report.findings.iter().filter(|f| wanted.contains(&f.id));
    let ids: BTreeSet<EvidenceId> = findings.flat_map(|f| &f.evidence).map(|e| e.id).collect();
    let kept = store.kept(report.date, ids.into_iter().collect()).await?;
    Ok(kept
        .iter()
        .map(|k| (k.id, LineView::of(k, reader)))
        .collect())
}

/// Puts an incident together from what was read.
pub(super) fn view(
    report: &Report,
    id: &str,
    name: String,
    marks: &[Mark],
    lines: &BTreeMap<EvidenceId, LineView>,
    reader: &Reader,
) -> Option<IncidentView> {
    let place = report.incidents.iter().position(|i| i.id == id)?;
    let incident = &report.incidents[place];
    let neighbour = |place: Option<usize>| {
        place
            .and_then(|p| report.incidents.get(p))
            .map(|i| i.id.clone())
    };
    let found = |finding: &Finding| Found {
        lines: finding
            .evidence
            .iter()
            .map(|e| {
                lines
                    .get(&e.id)
                    .cloned()
                    .unwrap_or_else(|| LineView::gone(e))
            })
            .collect(),
        finding: finding.clone(),
    };
    let step = |kind: LogKind| {
        // First those of the chain, in its order; then what else belongs to the incident.
        let in_chain = incident
            .chain
            .iter()
            .filter(|c| c.kind == kind)
            .map(|c| &c.finding);
        let mut ids: Vec<&String> = in_chain.collect();
        ids.extend(incident.findings.iter());
        let mut seen = BTreeSet::new();
        let findings = ids
            .into_iter()
            .filter(|id| seen.insert(*id))
            .filter_map(|id| {
                report
                    .findings
                    .iter()
                    .find(|f| f.id == *id && f.kind == kind)
            });
        Step {
            kind,
            findings: findings.map(found).collect(),
        }
    };
    Some(IncidentView {
        owner: report.owner.to_string(),
        name,
        date: report.date,
        lanes: lanes::lanes(report, incident, &report.date.range(&reader.zone)),
        steps: LogKind::ALL
            .map(step)
            .into_iter()
            .filter(|s| !s.findings.is_empty())
            .collect(),
        mark: settling(incident, report, marks).map(|m| day::mark(m, reader)),
        before: neighbour(place.checked_sub(1)),
        after: neighbour(Some(place + 1)),
        incident: incident.clone(),
    })
}
