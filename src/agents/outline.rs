//! A report as claims: what the logs say of each incident, and what is concluded from it.
//!
//! In: a [`Report`], the texts of the records it cites, a language. Out: an [`Outline`]: a claim for each kind of log, a [`Section`] of claims
//! for each incident, one for each matter of every day. Always true: every claim passes [`claims::unsupported`](super::claims::unsupported); a
//! sentence that would not is said more plainly or left out. No model, no clock, no I/O. Advice (fixes, preconditions) states no fact
//! about the cluster and is therefore no claim.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    EvidenceId, Lang, LogKind,
    record::Kept,
    report::{Claim, ClaimKind, Report},
};

use super::{
    claims::{Facts, unsupported},
    form::in_language,
    overview, told,
};

/// Kept records by id: the lines that claims are held against, and that 具体错误信息 quotes.
pub type Records = BTreeMap<EvidenceId, Kept>;

/// Everything the two files state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outline {
    /// 各类日志异常概述
    pub kinds: BTreeMap<LogKind, Claim>,
    /// In the order of the report's incidents.
    pub sections: Vec<Section>,
    /// 天天都有
    pub chronic: Vec<Claim>,
}

impl Outline {
    /// All claims, in the order in which they are written.
    #[must_use]
    pub fn claims(&self) -> Vec<Claim> {
        let of_sections = self
            .sections
            .iter()
            .flat_map(|s| s.items.iter().map(|i| &i.1));
        let all = self.kinds.values().chain(of_sections).chain(&self.chronic);
        all.cloned().collect()
    }

    #[must_use]
    pub fn of(&self, incident: &str) -> Option<&Section> {
        self.sections.iter().find(|s| s.incident == incident)
    }
}

/// An incident in claims.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Id of the incident.
    pub incident: String,
    pub items: Vec<(Slot, Claim)>,
}

impl Section {
    /// The claims of one place, in their order.
    pub fn of(&self, slot: Slot) -> impl Iterator<Item = &Claim> {
        self.items.iter().filter(move |i| i.0 == slot).map(|i| &i.1)
    }
}

/// Where a claim stands in `llm_summary.txt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// What is wrong with what, in one line; again under 需要立即处理.
    What,
    /// 涉及对象
    Objects,
    /// 原因: what a record says set it off.
    Cause,
    /// 具体错误信息: reasons and texts from the logs.
    Errors,
    /// 可能原因: concluded, and marked as such.
    Guess,
    /// 回滚: what would be undone.
    Rollback,
    /// 状态
    Status,
    /// What it might have been and is not; in the analysis only.
    RuledOut,
}

/// Ids of the records that an outline of this report reads; what is not given is not quoted.
#[must_use]
pub fn cited(report: &Report) -> BTreeSet<EvidenceId> {
    let findings = report
        .findings
        .iter()
        .flat_map(|f| f.evidence.iter().map(|e| e.id));
    let incidents = report.incidents.iter().flat_map(|i| {
        let changes = i.change.iter().chain(&i.recovered_by).map(|c| c.evidence);
        changes.chain(
            i.alternatives
                .iter()
                .flat_map(|a| a.evidence.iter().copied()),
        )
    });
    let chronic = report
        .chronic
        .iter()
        .flat_map(|c| c.evidence.iter().copied());
    findings.chain(incidents).chain(chronic).collect()
}

/// The claims of a report. Those of `extra` (a model's, already checked) join the incident whose findings they cite.
#[must_use]
pub fn outline(report: &Report, records: &Records, extra: &[Claim], lang: Lang) -> Outline {
    let facts = Facts {
        report,
        records,
        lang,
    };
    let holds = |claim: &Claim| unsupported(claim, facts).is_empty();
    let mut outline = Outline {
        kinds: LogKind::ALL
            .into_iter()
            .filter_map(|kind| {
                Some((
                    kind,
                    overview::of_kind(facts, kind).into_iter().find(holds)?,
                ))
            })
            .collect(),
        sections: Vec::new(),
        chronic: overview::chronic(facts).into_iter().filter(holds).collect(),
    };
    for incident in &report.incidents {
        let items = told::of_incident(facts, incident).into_iter();
        outline.sections.push(Section {
            incident: incident.id.clone(),
            items: items
                .filter_map(|(slot, wordings)| Some((slot, wordings.into_iter().find(holds)?)))
                .collect(),
        });
    }
    // A stored report holds all claims, ours among them; those are made anew, in the language asked for.
    let said = |c: &&Claim| c.by_model && holds(c) && in_language(&c.text, lang);
    for claim in extra.iter().filter(said) {
        let place = report
            .incidents
            .iter()
            .position(|i| i.findings.iter().any(|f| claim.findings.contains(f)));
        let Some(section) = place.and_then(|n| outline.sections.get_mut(n)) else {
            continue;
        };
        let slot = if claim.kind == ClaimKind::Observed {
            Slot::Errors
        } else {
            Slot::Guess
        };
        if !section.items.iter().any(|i| i.1.text == claim.text) {
            section.items.push((slot, claim.clone()));
        }
    }
    outline
}
