//! One incident as an answer: cause, fix, "要不要回滚?", and where to look next.
//!
//! In: a report and one of its incidents, or what was looked for in vain. Out: an [`Answer`]; what was told is noted, so that "它" means
//! it from now on. The words are `voice`'s.

use super::{Answer, context::Call, matching::Wanted, traced};
use crate::{
    diagnosis::trace,
    model::{
        LogKind,
        report::{Finding, Incident, Report},
    },
    voice::{self, Detail},
};

/// Key fields named in the line for the model.
const NAMED_FIELDS: usize = 8;

/// Tells an incident, from the kind of log that was asked for on; on a screen with the steps of the trace.
pub(super) async fn tell(
    call: &Call,
    report: &Report,
    incident: &Incident,
    from: Option<LogKind>,
    detail: Detail,
) -> Answer {
    let ask = call.ask(detail);
    let mut told = match from {
        Some(kind) => voice::followed(report, incident, trace::order(kind), &ask),
        None => voice::incident(report, incident, &ask),
    };
    if detail == Detail::Full {
        let steps = traced::follow(report, incident, from, call.lang());
        told.told += &traced::markdown(&steps, call.lang());
    }
    call.told(report, std::slice::from_ref(&incident.id), 0)
        .await;
    let mut answer = Answer::from(told)
        .about(report)
        .fact("object", &incident.root.object)
        .fact("cause", &incident.root.cause);
    answer = answer.fact("start", incident.start);
    if let Some(end) = incident.end {
        answer = answer.fact("end", end);
    }
    if let Some(change) = &incident.change {
        answer = answer
            .fact("change", change.evidence)
            .fact("changed_by", &change.user);
    }
    let findings = findings_of(report, incident);
    let fields: Vec<String> = findings
        .iter()
        .flat_map(|f| &f.key_fields)
        .take(NAMED_FIELDS)
        .map(|k| format!("{}:{}", k.name, k.value))
        .collect();
    answer.fact("key_fields", fields.join(","))
}

/// The most important incident that touches what was looked for; one whose chain has a link in `from`, if any does.
pub(super) fn of_object<'r>(
    report: &'r Report,
    wanted: &Wanted,
    from: Option<LogKind>,
) -> Option<&'r Incident> {
    let touches = |i: &&Incident| {
        wanted.object_fits(&i.root.object)
            || i.affected.iter().any(|o| wanted.object_fits(o))
            || findings_of(report, i)
                .iter()
                .any(|f| wanted.object_fits(&f.object))
    };
    let fitting: Vec<&Incident> = report.incidents.iter().filter(touches).collect();
    let has_link = |i: &&&Incident| from.is_none_or(|kind| i.chain.iter().any(|c| c.kind == kind));
    fitting.iter().find(has_link).or(fitting.first()).copied()
}

/// Nothing in the report touches it. What is wrong every day is said to be so.
pub(super) fn nothing(
    call: &Call,
    report: &Report,
    kind: LogKind,
    wanted: &Wanted,
    detail: Detail,
) -> Answer {
    let told = voice::nothing(Some(kind), &wanted.spoken(), &call.ask(detail));
    let as_ever: Vec<String> = report
        .chronic
        .iter()
        .filter(|c| wanted.object_fits(&c.object))
        .map(|c| c.title.clone())
        .collect();
    let date = report.date.to_string();
    Answer::told(told)
        .about(report)
        .fact("as_every_day", as_ever.join(" / "))
        .next("search_events", &[("date", &date)])
        .next("summarize_day", &[("date", &date)])
}

pub(super) fn findings_of<'r>(report: &'r Report, incident: &Incident) -> Vec<&'r Finding> {
    report
        .findings
        .iter()
        .filter(|f| incident.findings.contains(&f.id))
        .collect()
}
