//! The steps of a trace for a screen: what was taken from each kind of log, what the next was asked, and what answered.
//!
//! In: a report, one of its incidents, the kind to begin with. Out: a [`Trace`], and Markdown of its steps in which no text of a log
//! line can break the layout or hide. Follows nothing by itself: that is `diagnosis::trace`'s.

use std::fmt::Write as _;

use crate::{
    diagnosis::trace::{Ask, Ends, Told, Trace, trace},
    model::{
        Lang, LogKind,
        report::{Incident, Report},
        visible,
    },
};

/// Follows an incident from one kind of log; from the first that shows it where none is asked for.
pub(super) fn follow(
    report: &Report,
    incident: &Incident,
    from: Option<LogKind>,
    lang: Lang,
) -> Trace {
    let seen: Vec<LogKind> = report
        .coverage
        .iter()
        .filter(|(_, c)| c.records > 0)
        .map(|(kind, _)| *kind)
        .collect();
    let told = Told {
        findings: &report.findings,
        incidents: &report.incidents,
        chronic: &report.chronic,
        seen: &seen,
        lang,
    };
    let shows_it = incident.chain.iter().map(|link| link.kind).min();
    let ask = Ask {
        from: from.or(shows_it).unwrap_or(LogKind::Event),
        incident: Some(&incident.id),
        object: None,
        query: None,
    };
    trace(told, ask)
}

/// Each step in a paragraph.
pub(super) fn markdown(found: &Trace, lang: Lang) -> String {
    let mut text = format!("\n**{}**\n", lang.pick("溯源步骤", "Steps of the trace"));
    for (n, step) in found.steps.iter().enumerate() {
        let name = lang.pick(step.kind.zh(), step.kind.as_str());
        let _ = writeln!(text, "\n{}. {name}", n + 1);
        let fields: Vec<String> = step
            .key_fields
            .iter()
            .map(|k| format!("`{}={}`", code(&k.name), code(&k.value)))
            .collect();
        let ids: Vec<String> = step.evidence.iter().map(|id| format!("`{id}`")).collect();
        let mut line = |head: &str, what: &str| {
            if !what.is_empty() {
                let _ = writeln!(text, "   - {head}: {what}");
            }
        };
        line(
            lang.pick("查询", "asked"),
            &format!("`{}`", code(&step.query)),
        );
        line(lang.pick("命中", "hits"), &step.hits.to_string());
        line(lang.pick("证据", "evidence"), &ids.join(" "));
        line(lang.pick("关键字段", "key fields"), &fields.join(" "));
        let last = n + 1 == found.steps.len();
        line(
            lang.pick("为什么看下一种", "why the next"),
            if last { "" } else { &step.why_next },
        );
    }
    if found.verdict == Ends::Stopped
        && let Some(missing) = found.missing.first()
    {
        let _ = writeln!(text, "\n{missing}");
    }
    text
}

/// Inside back-ticks: no back-tick can end it.
fn code(text: &str) -> String {
    visible(text).replace('`', "'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn every_step_says_what_was_asked_and_what_answered() {
        let mut report = sample::report();
        let incident = report.incidents[0].clone();
        let hostile = report
            .findings
            .iter_mut()
            .find(|f| incident.findings.contains(&f.id));
        let hostile = hostile
            .and_then(|f| f.key_fields.first_mut())
            .expect("a key field");
        hostile.value = "a`b\n# c".to_owned();
        let found = follow(&report, &incident, Some(LogKind::Event), Lang::Zh);
        let kinds: Vec<LogKind> = found.steps.iter().map(|step| step.kind).collect();
        assert_eq!(kinds, [LogKind::Event, LogKind::Audit, LogKind::Business]);
        let text = markdown(&found, Lang::Zh);
        assert_eq!(text.matches("查询: ").count(), 3, "{text}");
        assert!(!text.contains("\n# c") && !text.contains("a`b"), "{text}");
    }
}
