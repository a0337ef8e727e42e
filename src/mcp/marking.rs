//! What a user says of an incident is written down, and taken back, wherever it is said.
//!
//! In: an incident of a report and a verdict. Out: a mark in force and, when the diagnosis was called wrong, a line of the evaluation file
//! for whoever improves the diagnosis. Does not decide what is told: `marked` does.

use super::marked::{a_day, rate};
use crate::{
    model::report::{Finding, Incident, Report},
    store::{Error, Evaluation, Judgement, Mark, NewMark, Store, Verdict},
};

/// Characters that are kept of a note.
const NOTE_CHARS: usize = 200;

/// Marks an incident; the id of the mark.
pub async fn mark(
    store: &Store,
    (incident, report): (&Incident, &Report),
    (verdict, note): (Verdict, &str),
    at_ms: i64,
) -> Result<i64, Error> {
    let note: String = note.trim().chars().take(NOTE_CHARS).collect();
    if verdict == Verdict::Wrong {
        let wrong = evaluation(Judgement::Wrong, incident, report, &note, at_ms);
        store.add_evaluation(wrong).await?;
    }
    let mark = NewMark {
        identity: incident.identity.clone(),
        verdict,
        note,
        at_ms,
        day: report.date,
        incident: incident.id.clone(),
        title: incident.title.clone(),
        rate: rate(incident, report),
        a_day: Some(a_day(incident, report)),
    };
    store.mark_incident(mark).await
}

/// Takes a mark back; nothing happens when it is not in force.
pub async fn take_back(store: &Store, id: i64, at_ms: i64) -> Result<(), Error> {
    let marks = store.marks().await?;
    let Some(Mark { what, .. }) = marks.into_iter().find(|m| m.id == id) else {
        return Ok(());
    };
    if what.verdict == Verdict::Wrong
        && let Some(report) = store.report(what.day).await?
        && let Some(incident) = (report.incidents.iter()).find(|i| i.identity == what.identity)
    {
        let back = evaluation(Judgement::TakenBack, incident, &report, &what.note, at_ms);
        store.add_evaluation(back).await?;
    }
    store.undo_mark(id, at_ms).await.map(drop)
}

fn evaluation(
    judgement: Judgement,
    incident: &Incident,
    report: &Report,
    note: &str,
    at_ms: i64,
) -> Evaluation {
    let of_incident = |f: &&Finding| incident.findings.contains(&f.id);
    let findings = report.findings.iter().filter(of_incident);
    Evaluation {
        judgement,
        at_ms,
        date: report.date,
        revision: report.revision,
        note: note.to_owned(),
        incident: incident.clone(),
        findings: findings.cloned().collect(),
    }
}
