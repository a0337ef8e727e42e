//! A model's sentence clause by clause, each with what it may rest on.
//!
//! In: a claim of a model, the [`Facts`]. Out: [`Clause`]s. Where findings of several objects are cited, a clause rests only on those whose object it
//! names, or the last clause before it did: what one object suffered is not said of another. Decides nothing else.

use std::collections::BTreeSet;

use crate::model::{
    EvidenceId, LogKind, ObjectRef,
    report::{ChangeNote, Claim, Finding, Incident},
};

use super::{
    claims::Facts,
    ground::Ground,
    lists::places,
    tokens::{Tokens, tokens},
    vocabulary::Corpus,
};

/// One clause with what it rests on.
pub(super) struct Clause<'a> {
    pub text: String,
    pub said: Tokens,
    pub findings: Vec<&'a Finding>,
    /// Incidents of these findings.
    pub incidents: Vec<&'a Incident>,
    /// Changes whose records are cited.
    pub changes: Vec<&'a ChangeNote>,
    pub corpus: Corpus,
    pub ground: Ground,
    /// Parts of the names of objects and people that may be told.
    pub names: BTreeSet<String>,
}

impl Clause<'_> {
    /// Whether an object of the incidents or findings has this name.
    pub(super) fn is_object(&self, name: &str) -> bool {
        let of_incidents = self
            .incidents
            .iter()
            .flat_map(|i| i.affected.iter().chain([&i.root.object]));
        let mut objects = of_incidents.chain(self.findings.iter().map(|f| &f.object));
        objects.any(|o| o.name.eq_ignore_ascii_case(name))
    }
}

/// The clauses of a claim. `None`: it cites findings of several objects and names none of them.
pub(super) fn clauses<'a>(claim: &Claim, facts: Facts<'a>) -> Option<Vec<Clause<'a>>> {
    let report = facts.report;
    let cited: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|f| claim.findings.contains(&f.id))
        .collect();
    let objects: BTreeSet<&ObjectRef> = cited.iter().map(|f| &f.object).collect();
    let named = |text: &str| -> Vec<&'a Finding> {
        let lower = text.to_lowercase();
        let said = |f: &&Finding| names(&lower, &f.object.name.to_lowercase());
        cited.iter().copied().filter(said).collect()
    };
    let mut before = if objects.len() <= 1 {
        cited.clone()
    } else {
        named(&claim.text)
    };
    if before.is_empty() && !cited.is_empty() {
        // A change is told by who made it and of what; its record is enough.
        before = cited
            .iter()
            .copied()
            .filter(|f| f.kind == LogKind::Audit)
            .collect();
        if before.is_empty() || before.len() < cited.len() {
            return None;
        }
    }
    let mut all = Vec::new();
    for text in split(&claim.text) {
        let own = named(&text);
        if objects.len() > 1 && !own.is_empty() {
            before = own;
        }
        all.push(clause(text, &before, claim, facts));
    }
    Some(all)
}

fn clause<'a>(
    text: String,
    findings: &[&'a Finding],
    claim: &Claim,
    facts: Facts<'a>,
) -> Clause<'a> {
    let report = facts.report;
    let incidents: Vec<&Incident> = report
        .incidents
        .iter()
        .filter(|i| {
            i.findings
                .iter()
                .any(|id| findings.iter().any(|f| f.id == *id))
        })
        .collect();
    let changes: Vec<&ChangeNote> = report
        .incidents
        .iter()
        .flat_map(|i| i.change.iter().chain(&i.recovered_by))
        .filter(|c| claim.evidence.contains(&c.evidence))
        .collect();
    let of_findings = |id: &EvidenceId| {
        findings
            .iter()
            .any(|f| f.evidence.iter().any(|e| e.id == *id))
    };
    let of_changes = |id: &EvidenceId| changes.iter().any(|c| c.evidence == *id);
    let narrowed = Claim {
        findings: findings.iter().map(|f| f.id.clone()).collect(),
        evidence: claim
            .evidence
            .iter()
            .copied()
            .filter(|id| of_findings(id) || of_changes(id))
            .collect(),
        ..claim.clone()
    };
    let mut corpus = Corpus::default();
    for kept in narrowed
        .evidence
        .iter()
        .filter_map(|id| facts.records.get(id))
    {
        corpus.record(&kept.text);
    }
    for f in findings {
        corpus.add(head(&f.title));
        for code in [Some(&f.cause), f.detail.as_ref()].into_iter().flatten() {
            corpus.fault(code);
        }
    }
    let lower = text.to_lowercase();
    for i in &incidents {
        // What is wrong with the root is said of the root.
        if names(&lower, &i.root.object.name.to_lowercase()) {
            for code in [Some(&i.root.cause), i.root.detail.as_ref()]
                .into_iter()
                .flatten()
            {
                corpus.fault(code);
            }
        }
    }
    for c in &changes {
        corpus.add(&c.verb);
        for d in &c.diff {
            corpus.add(&d.path);
            corpus.add(&format!("{} {}", d.old, d.new));
        }
    }
    let objects = incidents
        .iter()
        .flat_map(|i| i.affected.iter().chain([&i.root.object]));
    let objects = objects
        .chain(findings.iter().map(|f| &f.object))
        .chain(changes.iter().map(|c| &c.object));
    let mut known: BTreeSet<String> = objects
        .flat_map(|o| pieces(&format!("{} {}", o.namespace, o.name)).collect::<Vec<_>>())
        .collect();
    known.extend(
        changes
            .iter()
            .flat_map(|c| pieces(&c.user).collect::<Vec<_>>()),
    );
    for kept in narrowed
        .evidence
        .iter()
        .filter_map(|id| facts.records.get(id))
    {
        known.extend(pieces(&format!("{} {}", kept.namespace, kept.object)));
    }
    let said = tokens(&text, facts.lang);
    // These are held against the records as they stand.
    let held = said.names.iter().chain(&said.causes);
    known.extend(held.flat_map(|n| pieces(n).chain([n.clone()]).collect::<Vec<_>>()));
    Clause {
        said,
        ground: Ground::of(&narrowed, facts),
        findings: findings.to_vec(),
        incidents,
        changes,
        corpus,
        names: known,
        text,
    }
}

/// Whether a lower-case text names an object: `risk` also by its pod `risk-w79x`, not by `high-risk`.
pub(super) fn names(text: &str, name: &str) -> bool {
    let own = |at: usize| !text[..at].ends_with(['-', '.']);
    !name.is_empty() && places(text, name).any(own)
}

/// A finding's title without the raw text behind it.
pub(super) fn head(title: &str) -> &str {
    let head = title.split('：').next().unwrap_or_default();
    head.split(": ").next().unwrap_or_default()
}

fn pieces(text: &str) -> impl Iterator<Item = String> {
    let pieces = text.split(|c: char| !c.is_ascii_alphanumeric());
    pieces.filter(|p| !p.is_empty()).map(str::to_lowercase)
}

/// At commas and stops outside quotations; `1,200` and `v2.4` stay whole.
fn split(text: &str) -> Vec<String> {
    let mut clauses = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '`' | '"' => quoted = !quoted,
            '“' | '「' | '『' => quoted = true,
            '”' | '」' | '』' => quoted = false,
            _ => {}
        }
        let ends = match c {
            '，' | '。' | '；' | '！' | '？' => true,
            ',' | ';' | '.' | '!' | '?' => chars.peek().is_none_or(|n| n.is_whitespace()),
            _ => false,
        };
        if ends && !quoted {
            clauses.push(String::new());
        } else if let Some(last) = clauses.last_mut() {
            last.push(c);
        }
    }
    clauses.retain(|c| !c.trim().is_empty());
    clauses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_split_at_its_commas_and_not_in_a_quotation() {
        assert_eq!(
            split("a 失败 1,200 次，写着“x, y”. B v2.4 ok."),
            ["a 失败 1,200 次", "写着“x, y”", " B v2.4 ok"]
        );
        assert!(
            names("risk-w79x 失败", "risk")
                && !names("high-risk 失败", "risk")
                && !names("risky", "risk")
        );
    }
}
