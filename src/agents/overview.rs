//! The sentences of a day as a whole, before they are checked: what each kind of log shows, and what is wrong every day.
//!
//! In: the [`Facts`]. Out: claims, each with what it rests on; for a kind of log in several wordings, the fuller first.

use crate::model::{
    EvidenceId, LogKind, Severity,
    report::{Chronic, Claim, ClaimKind, Finding},
};

use super::{
    claims::Facts,
    told::claim,
    words::{named, plain},
};

/// What a kind of log shows, in several wordings. `None` of them when it shows nothing.
pub(super) fn of_kind(facts: Facts<'_>, kind: LogKind) -> Vec<Claim> {
    let (report, lang) = (facts.report, facts.lang);
    let found: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|f| f.kind == kind && f.severity > Severity::Info)
        .collect();
    let Some(worst) = found.first() else {
        let mut changes: Vec<EvidenceId> = Vec::new();
        for c in report.incidents.iter().filter_map(|i| i.change.as_ref()) {
            if !changes.contains(&c.evidence) {
                changes.push(c.evidence);
            }
        }
        if kind != LogKind::Audit || changes.is_empty() {
            return Vec::new();
        }
        let n = changes.len();
        return vec![Claim {
            text: lang.pick(
                format!("{n} 处改动与问题有关"),
                format!("{n} changes have to do with the problems"),
            ),
            kind: ClaimKind::Observed,
            findings: Vec::new(),
            evidence: changes,
            by_model: false,
        }];
    };
    let n = found.len();
    let title = plain(&worst.title);
    let texts = [
        lang.pick(
            format!("{n} 类异常，最重要的是：{title}"),
            format!("{n} anomalies, first: {title}"),
        ),
        lang.pick(
            format!("{n} 类异常，最重要的在 {}", named(&worst.object)),
            format!("{n} anomalies, first in {}", named(&worst.object)),
        ),
    ];
    texts
        .map(|text| claim(text, ClaimKind::Observed, &found, None))
        .into()
}

/// What is wrong every day at the same rate.
pub(super) fn chronic(facts: Facts<'_>) -> Vec<Claim> {
    let lang = facts.lang;
    let usual = |c: &Chronic| match c.baseline {
        n if n > 0.0 => lang.pick(format!("，平时约 {n:.0} 次"), format!(", usually {n:.0}")),
        _ => String::new(),
    };
    let all = facts.report.chronic.iter().take(10).map(|c| Claim {
        text: lang.pick(
            format!(
                "{}（{}，{} 次{}）",
                plain(&c.title),
                named(&c.object),
                c.count,
                usual(c)
            ),
            format!(
                "{} ({}, {} times{})",
                plain(&c.title),
                named(&c.object),
                c.count,
                usual(c)
            ),
        ),
        kind: ClaimKind::Observed,
        findings: Vec::new(),
        evidence: c.evidence.clone(),
        by_model: false,
    });
    all.collect()
}
