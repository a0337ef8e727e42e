//! No sentence without evidence: a claim stays only if everything it asserts can be looked up.
//!
//! In: a [`Draft`] (what a model says) or a [`Claim`] (what we say) and the [`Facts`]. Out: the claim, or what is wrong with it. A
//! number, name, time or quotation must occur in a record that the claim cites, in a field of a finding it cites, or in
//! the change whose audit record it cites; a number may also be their ratio, a span of time or a rounding. Pure.
//!
//! Prompt warnings do not stop a model from obeying a log line; this does, whatever the sentence says: it is held against the lines.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::{
    model::{
        EvidenceId, Lang,
        report::{Claim, ClaimKind, Report},
        visible,
    },
    voice::narrow,
};

use super::{
    doubts::doubts, fault::Fault, form::form, ground::Ground, outline::Records, tokens::tokens,
};

/// What a claim is held against.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub report: &'a Report,
    pub records: &'a Records,
    pub lang: Lang,
}

/// A sentence of a model, before it is believed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Draft {
    pub text: String,
    pub kind: ClaimKind,
    #[serde(default)]
    pub findings: Vec<String>,
    #[serde(default)]
    pub evidence: Vec<String>,
}

/// A model's sentence as a claim, if every assertion of it holds.
pub fn check(draft: &Draft, facts: Facts<'_>) -> Result<Claim, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut evidence = Vec::new();
    for id in &draft.evidence {
        match id.trim().parse::<EvidenceId>() {
            Ok(known) if facts.records.contains_key(&known) => evidence.push(known),
            _ => faults.push(Fault::UnknownId(id.chars().take(60).collect())),
        }
    }
    for id in &draft.findings {
        if !facts.report.findings.iter().any(|f| f.id == *id) {
            faults.push(Fault::UnknownId(id.chars().take(60).collect()));
        }
    }
    let mut findings = draft.findings.clone();
    // A record alone says which findings it belongs to; without one, a sentence would have no place in the files.
    let owners = facts
        .report
        .findings
        .iter()
        .filter(|f| f.evidence.iter().any(|e| evidence.contains(&e.id)));
    if findings.is_empty() {
        findings.extend(owners.map(|f| f.id.clone()));
    }
    let claim = Claim {
        text: visible(&draft.text)
            .chars()
            .map(narrow)
            .collect::<String>()
            .trim()
            .to_owned(),
        kind: draft.kind,
        findings,
        evidence,
        by_model: true,
    };
    faults.extend(form(&claim.text, facts.lang));
    faults.extend(unsupported(&claim, facts));
    if faults.is_empty() {
        Ok(claim)
    } else {
        Err(faults)
    }
}

/// What a claim asserts and neither its records nor its findings show.
#[must_use]
pub fn unsupported(claim: &Claim, facts: Facts<'_>) -> Vec<Fault> {
    if claim.evidence.is_empty() && claim.findings.is_empty() {
        return vec![Fault::Uncited];
    }
    // What is observed was seen in a record.
    if claim.kind == ClaimKind::Observed && claim.evidence.is_empty() {
        return vec![Fault::Uncited];
    }
    let mut faults: Vec<Fault> = elsewhere(claim, facts).map(Fault::Elsewhere).collect();
    let ground = Ground::of(claim, facts);
    let said = tokens(&claim.text, facts.lang);
    if claim.by_model {
        faults.extend(doubts(claim, facts, &said, &ground));
    }
    faults.extend(
        said.numbers
            .into_iter()
            .filter(|n| !ground.has_number(*n))
            .map(Fault::Number),
    );
    let vague = |text: String| Fault::Quantity(text);
    let about = said.about.iter().filter(|n| !ground.is_about(**n));
    faults.extend(about.map(|n| vague(format!("~{n}"))));
    let over = said.over.iter().filter(|n| !ground.is_over(**n));
    faults.extend(over.map(|n| vague(format!(">{n}"))));
    let between = said.between.iter();
    let between = between.filter(|(from, to)| !ground.lies_between(*from, *to));
    faults.extend(between.map(|(from, to)| vague(format!("{from}..{to}"))));
    let percents = said.percents.iter().filter(|n| !ground.has_percent(**n));
    faults.extend(percents.map(|n| vague(format!("{n}%"))));
    let hours = said.hours.into_iter().filter(|h| !ground.has_hour(*h));
    faults.extend(hours.map(Fault::Hour));
    faults.extend(
        said.names
            .into_iter()
            .filter(|n| !ground.has_word(n))
            .map(Fault::Name),
    );
    faults.extend(
        said.times
            .into_iter()
            .filter(|t| !ground.times.contains(t))
            .map(|t| Fault::Time(t.0, t.1)),
    );
    faults.extend(
        said.dates
            .into_iter()
            .filter(|d| !ground.has_date(d))
            .map(Fault::Date),
    );
    faults.extend(
        said.quotes
            .into_iter()
            .filter(|q| !ground.has_quote(q))
            .map(Fault::Quote),
    );
    faults
}

/// Records that belong to nothing the claim cites: its findings, and what set off, ended or was ruled out for their incidents.
fn elsewhere<'a>(claim: &'a Claim, facts: Facts<'a>) -> impl Iterator<Item = EvidenceId> + 'a {
    let report = facts.report;
    let of_findings = report
        .findings
        .iter()
        .filter(|f| claim.findings.contains(&f.id))
        .flat_map(|f| f.evidence.iter().map(|e| e.id));
    let of_incidents = report
        .incidents
        .iter()
        .filter(|i| i.findings.iter().any(|f| claim.findings.contains(f)))
        .flat_map(|i| {
            let changes = i.change.iter().chain(&i.recovered_by).map(|c| c.evidence);
            changes.chain(
                i.alternatives
                    .iter()
                    .flat_map(|a| a.evidence.iter().copied()),
            )
        });
    let known: BTreeSet<EvidenceId> = of_findings.chain(of_incidents).collect();
    let cites_findings = !claim.findings.is_empty();
    claim
        .evidence
        .iter()
        .copied()
        .filter(move |id| cites_findings && !known.contains(id))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        agents::outline::{cited, outline},
        model::{LogKind, Origin, record::Kept, sample},
    };

    /// What is wrong with a draft; nothing when it holds.
    pub(crate) fn faults_of(
        draft: &Draft,
        report: &Report,
        records: &Records,
        lang: Lang,
    ) -> Vec<Fault> {
        let facts = Facts {
            report,
            records,
            lang,
        };
        check(draft, facts).err().unwrap_or_default()
    }

    pub(crate) fn records(report: &Report) -> Records {
        let kept = |id: EvidenceId| {
            let text = match id.kind {
                LogKind::Audit => "100012347138 patch deployments checkout".to_owned(),
                LogKind::Event => format!(
                    "BackOff Pod/p{}: Back-off pulling image \"reg/x:v{}\"",
                    id.hash, id.hash
                ),
                LogKind::Business => {
                    format!("ERROR call failed code=E{} connection refused", id.hash)
                }
            };
            // The titles of the sample say more than its records; here each record says its finding's title too.
            let of = report
                .findings
                .iter()
                .find(|f| f.evidence.iter().any(|e| e.id == id));
            let text = of.map_or_else(|| text.clone(), |f| format!("{text} {}", f.title));
            let origin = Origin::Bucket {
                key: "k".to_owned(),
                line: 1,
            };
            Kept {
                id,
                ts_ms: report.incidents[0].start.ms,
                origin,
                sha256: String::new(),
                namespace: "shop".to_owned(),
                object: "o".to_owned(),
                line: text.clone(),
                text,
            }
        };
        cited(report).into_iter().map(|id| (id, kept(id))).collect()
    }

    fn faults(text: &str, findings: &[&str], evidence: &[String]) -> Vec<String> {
        let report = sample::report();
        let records = records(&report);
        let draft = Draft {
            text: text.to_owned(),
            kind: ClaimKind::Observed,
            findings: findings.iter().map(|f| (*f).to_owned()).collect(),
            evidence: evidence.to_vec(),
        };
        let facts = Facts {
            report: &report,
            records: &records,
            lang: Lang::Zh,
        };
        check(&draft, facts)
            .err()
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn everything_we_say_ourselves_is_supported() {
        let report = sample::report();
        let records = records(&report);
        for lang in [Lang::Zh, Lang::En] {
            let facts = Facts {
                report: &report,
                records: &records,
                lang,
            };
            for claim in outline(&report, &records, &[], lang).claims() {
                assert_eq!(unsupported(&claim, facts), [], "{claim:?}");
            }
        }
    }

    #[test]
    fn swapping_the_evidence_of_two_claims_is_noticed() {
        let report = sample::report();
        let records = records(&report);
        let facts = Facts {
            report: &report,
            records: &records,
            lang: Lang::Zh,
        };
        let mut claims: Vec<_> = outline(&report, &records, &[], Lang::Zh)
            .claims()
            .into_iter()
            .filter(|c| c.text.starts_with('`') && c.text.contains("call failed"))
            .collect();
        let (a, b) = (claims[0].clone(), claims[1].clone());
        (claims[0].evidence, claims[1].evidence) = (b.evidence, a.evidence);
        (claims[0].findings, claims[1].findings) = (b.findings, a.findings);
        assert!(
            claims
                .iter()
                .take(2)
                .all(|c| !unsupported(c, facts).is_empty())
        );
    }

    #[test]
    fn what_no_record_shows_is_not_said() {
        let report = sample::report();
        let id = report.findings[0].evidence[0].id;
        let cite = [id.to_string()];
        assert_eq!(faults(&format!("`checkout` 的镜像拉取失败 157 次，日志写着“Back-off pulling image \"reg/x:v{}\"”", id.hash).replace('"', "'"), &["f1"], &cite).len(), 1, "straight quotes inside were changed");
        assert_eq!(
            faults("checkout 从 10:02 起拉取失败 157 次", &["f1"], &cite),
            [""; 0]
        );
        assert_eq!(
            faults("checkout 从 10:07 起拉取失败 158 次", &["f1"], &cite),
            [
                "the number 158 is in no cited record or finding",
                "the time 10:07 is in no cited record or finding"
            ]
        );
        assert_eq!(
            faults("payment-api 也一直在失败", &["f1"], &cite),
            ["the name `payment-api` is in no cited record or finding"]
        );
        for bold in [
            "checkout 拉取失败 157 万次",
            "checkout 拉取失败约 1600 次",
            "checkout 拉取失败超过 200 次",
            "checkout 拉取失败几十次",
            "checkout 有 57% 的拉取失败",
            "checkout 有百分之九十的拉取失败",
            "checkout 从下午三点开始拉取失败",
            "checkout 从十一点二十分起拉取失败",
            "checkout 从 3月2日 起拉取失败",
        ] {
            assert_eq!(faults(bold, &["f1"], &cite).len(), 1, "{bold}");
        }
        for held in [
            "checkout 拉取失败约 160 次",
            "checkout 拉取失败一百多次",
            "checkout 从上午十点左右起拉取失败",
        ] {
            assert_eq!(faults(held, &["f1"], &cite), [""; 0], "{held}");
        }
        assert_eq!(
            faults("checkout 拉取失败三百次", &["f1"], &cite),
            ["the number 300 is in no cited record or finding"]
        );
        let unknown = ["event:0000000000000001".to_owned()];
        assert_eq!(
            faults("checkout 拉取镜像失败了", &["f99"], &unknown).len(),
            3,
            "two unknown ids, and then nothing cited"
        );
        assert_eq!(
            faults("checkout 拉取镜像失败了", &[], &[]),
            ["cites no finding and no evidence"]
        );
        assert_eq!(
            faults("请调用 switch_owner_keys 再说", &["f1"], &cite)[0],
            "`switch_owner` is not something a log of a cluster says"
        );
        assert_eq!(
            faults("checkout failed to pull", &["f1"], &cite)[0],
            "not in the language asked for"
        );
    }
}
