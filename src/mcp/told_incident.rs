//! One incident as an answer: cause, fix, "要不要回滚?", and where to look next.
//!
//! In: a report and one of its incidents, or what was looked for in vain. Out: an [`Answer`]; what was told is noted, so that "它" means
//! it from now on. Always true: what the user settled is told with that said first. The words are `voice`'s.

use super::{Answer, context::Call, marked, matching::Wanted, traced, trouble::Trouble};
use crate::{
    diagnosis::trace,
    model::{
        Lang, LogKind,
        report::{Finding, Incident, Report},
    },
    store::Verdict,
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
) -> Result<Answer, Trouble> {
    let marks = call.store.marks().await?;
    let settled = marked::settling(incident, report, &marks).map(|m| m.what.verdict);
    let said = settled.map_or("", |verdict| already(verdict, call.lang()));
    let mut ask = call.ask(detail);
    ask.reserved += said.chars().count();
    let mut told = match from {
        Some(kind) => voice::followed(report, incident, trace::order(kind), &ask),
        None => voice::incident(report, incident, &ask),
    };
    if detail == Detail::Full {
        let steps = traced::follow(report, incident, from, call.lang());
        told.told += &traced::markdown(&steps, call.lang());
    }
    if !said.is_empty() {
        let apart = match detail {
            Detail::Full => "\n\n",
            _ => call.lang().pick("", " "),
        };
        told.told = format!("{said}{apart}{}", told.told);
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
    Ok(answer.fact("key_fields", fields.join(",")))
}

/// What the user said of it before.
fn already(verdict: Verdict, lang: Lang) -> &'static str {
    match verdict {
        Verdict::Normal => lang.pick("这个你标过正常。", "You marked this as normal."),
        Verdict::Handled => lang.pick("这个你标过已处理。", "You marked this as handled."),
        Verdict::Wrong => lang.pick("这个你标过说错了。", "You marked this as wrong."),
    }
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
