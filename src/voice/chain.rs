//! What each kind of log shows of an incident, as sentences.
//!
//! In: a report, one of its incidents, an [`Ask`]. Out: a clause a kind, or nothing where the kind shows nothing that was not said.
//! Always true: the raw text of a line is not spoken. Does not tell the change, which has its own sentence.

use super::{
    ask::Ask,
    phrase::{about, kind_name},
    speak::{clean, clip},
};
use crate::model::{
    LogKind,
    report::{Incident, Report},
};

/// The kinds in the order of the chain, in one sentence.
pub(super) fn all(report: &Report, incident: &Incident, ask: &Ask) -> Option<String> {
    let kinds = LogKind::ALL.into_iter();
    let kinds = kinds.filter(|kind| *kind != LogKind::Audit || incident.change.is_none());
    let links: Vec<String> = kinds
        .filter_map(|kind| shown(report, incident, kind, ask))
        .collect();
    (!links.is_empty()).then(|| links.join(ask.lang.pick("，", ", ")))
}

/// What one kind shows. `None`: nothing, or only what the incident is called.
pub(super) fn shown(
    report: &Report,
    incident: &Incident,
    kind: LogKind,
    ask: &Ask,
) -> Option<String> {
    let lang = ask.lang;
    let mut links = incident.chain.iter().filter(|link| link.kind == kind);
    let finding = links.find_map(|link| report.findings.iter().find(|f| f.id == link.finding))?;
    let (name, many) = (kind_name(kind, lang), finding.count > 1);
    let times = about(finding.count, lang);
    // Behind the colon stands the raw text, which is for the eyes.
    let title = finding.title.split('：').next().unwrap_or_default();
    let title = title.split(": ").next().unwrap_or_default();
    let title = clean(title, lang);
    // What the incident is called has just been said.
    if title == clean(&incident.title, lang) {
        let said = lang.pick(
            format!("{name}里有{times}次"),
            format!("{times} times in the {name}"),
        );
        return many.then_some(said);
    }
    let times = lang.pick(format!("，{times}次"), format!(", {times} times"));
    let times = if many { times } else { String::new() };
    Some(lang.pick(
        format!("{name}里，{}{times}", clip(&title, 40)),
        format!("in the {name} {}{times}", clip(&title, 60)),
    ))
}

/// Whether a kind has anything in the chain.
pub(super) fn has(incident: &Incident, kind: LogKind) -> bool {
    incident.chain.iter().any(|link| link.kind == kind)
}
