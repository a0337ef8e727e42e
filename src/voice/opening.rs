//! How a broadcast begins: the most important problem, then how each kind of log looks.
//!
//! In: a report, its first problem, an [`Ask`]. Out: one clause each, speakable, without an end mark.

use crate::model::{
    LogKind, Severity,
    report::{Report, Stage},
};

use super::{
    ask::Ask,
    phrase::{day_name, kind_name, standing, status_said},
    problem::Problem,
};

/// The first sentence: the most important problem, after a first clause short enough to be spoken at once.
pub(super) fn opening(
    report: &Report,
    problem: &Problem<'_>,
    ask: &Ask,
    title_chars: usize,
) -> String {
    let lang = ask.lang;
    let title = problem.title(lang, title_chars);
    let standing = if title_chars <= 36 || !problem.others.is_empty() {
        status_said(problem.status(), lang).to_owned()
    } else {
        standing(problem.first, ask)
    };
    let day = day_name(report, ask);
    lang.pick(
        format!("{day}最要紧的，是{title}，{standing}"),
        format!("most important {day}: {title}, {standing}"),
    )
}

/// How many anomalies each kind of log shows; each kind is named.
pub(super) fn kinds(report: &Report, ask: &Ask) -> String {
    let lang = ask.lang;
    let count = |kind| {
        let found = report
            .findings
            .iter()
            .filter(|f| f.kind == kind && f.severity > Severity::Info)
            .count();
        let changes = report
            .incidents
            .iter()
            .filter(|i| i.change.is_some())
            .count();
        if kind == LogKind::Audit {
            found.max(changes)
        } else {
            found
        }
    };
    let read = |kind: &LogKind| {
        report.coverage.get(kind).is_none_or(|c| c.shipped)
            && (report.stage != Stage::Events || *kind == LogKind::Event)
    };
    let quiet = LogKind::ALL.iter().all(|k| count(*k) == 0 && read(k));
    if quiet && ask.kind.is_none() {
        return lang
            .pick(
                "业务、事件、审计三类日志都没有异常",
                "business, event and audit log show nothing unusual",
            )
            .to_owned();
    }
    let clauses: Vec<_> = LogKind::ALL
        .into_iter()
        .filter(|k| ask.kind.is_none_or(|asked| asked == *k))
        .map(|kind| {
            let name = kind_name(kind, lang);
            match count(kind) {
                0 if !read(&kind) => lang.pick(
                    format!("{name}还没看到"),
                    format!("the {name} not seen yet"),
                ),
                0 => lang.pick(format!("{name}没有异常"), format!("none in the {name}")),
                n if kind == LogKind::Audit => lang.pick(
                    format!("{name}有{n}处可疑改动"),
                    match n {
                        1 => format!("1 change in the {name}"),
                        n => format!("{n} changes in the {name}"),
                    },
                ),
                n => lang.pick(format!("{name}有{n}类异常"), format!("{n} in the {name}")),
            }
        })
        .collect();
    lang.pick(
        clauses.join("，"),
        format!("anomalies: {}", clauses.join(", ")),
    )
}
