//! The sentences of an incident, before they are checked: each with what it rests on, and a plainer wording where a name in it may be ours.
//!
//! In: the [`Facts`]. Out: claims in their places, for each place one or more wordings, the fuller first. `outline` takes the first that holds.

use std::collections::BTreeSet;

use crate::model::{
    EvidenceId, LogKind, Moment, ObjectRef,
    report::{ChangeNote, Claim, ClaimKind, Finding, Incident, Status},
};

use super::{
    claims::Facts,
    clauses::head,
    form::speaks_of_us,
    outline::Slot,
    vocabulary::CATALOGUE,
    words::{change_text, day_minute, named, plain, quote},
};

/// Quotations of one finding; the further ones repeat the first.
const QUOTES: usize = 2;
/// Objects named of an incident; the rest is counted.
const NAMED_OBJECTS: usize = 8;

/// The claims of an incident: for each place one or more wordings.
pub(super) fn of_incident(facts: Facts<'_>, incident: &Incident) -> Vec<(Slot, Vec<Claim>)> {
    Told { facts, incident }.items()
}

struct Told<'a> {
    facts: Facts<'a>,
    incident: &'a Incident,
}

impl Told<'_> {
    fn items(&self) -> Vec<(Slot, Vec<Claim>)> {
        let mut items = vec![
            (Slot::What, self.what().into()),
            (Slot::Objects, vec![self.objects()]),
        ];
        items.extend(
            self.incident
                .change
                .as_ref()
                .map(|c| (Slot::Cause, vec![self.change(c)])),
        );
        for finding in self.findings() {
            items.push((Slot::Errors, self.counted(finding).into()));
            items.extend(
                self.quotes(finding)
                    .into_iter()
                    .map(|c| (Slot::Errors, vec![c])),
            );
        }
        items.push((Slot::Guess, vec![self.guess()]));
        items.extend(self.rollback().map(|c| (Slot::Rollback, vec![c])));
        items.push((Slot::Status, vec![self.status()]));
        items.extend(self.ruled_out().map(|c| (Slot::RuledOut, vec![c])));
        items
    }

    /// What is wrong; a guess is told as one.
    fn what(&self) -> [Claim; 2] {
        let kind = if self.incident.is_sure() {
            ClaimKind::Observed
        } else {
            ClaimKind::Inferred
        };
        let object = named(&self.incident.root.object);
        let plainer = self.facts.lang.pick(
            format!("{object} 有异常"),
            format!("something is wrong with {object}"),
        );
        [plain(&self.incident.title), plainer].map(|text| claim(text, kind, &self.findings(), None))
    }

    fn rollback(&self) -> Option<Claim> {
        let (plan, change) = (
            self.incident.rollback.as_ref()?,
            self.incident.change.as_ref()?,
        );
        let audit = self.of_kind(LogKind::Audit);
        let text = plain(&plan.what);
        Some(claim(
            text,
            ClaimKind::Inferred,
            &audit,
            Some(change.evidence),
        ))
    }

    fn ruled_out(&self) -> impl Iterator<Item = Claim> + '_ {
        let lang = self.facts.lang;
        self.incident.alternatives.iter().map(move |a| {
            let what = match &a.object {
                Some(object) if a.cause == "change" => lang.pick(
                    format!("对 {} 的改动", named(object)),
                    format!("the change of {}", named(object)),
                ),
                Some(object) => format!("`{}` {}", plain(&a.cause), named(object)),
                None => format!("`{}`", plain(&a.cause)),
            };
            let text = format!("{what}{}{}", lang.pick("：", ": "), plain(&a.why_not));
            let mut told = claim(text, ClaimKind::Inferred, &self.findings(), None);
            if !a.evidence.is_empty() {
                told.evidence.clone_from(&a.evidence);
            }
            told
        })
    }

    fn of_kind(&self, kind: LogKind) -> Vec<&Finding> {
        let all = self.findings().into_iter();
        all.filter(|f| f.kind == kind).collect()
    }

    /// The incident's findings: what names the root first, then in the order of the chain, those outside the chain last.
    fn findings(&self) -> Vec<&Finding> {
        let by_id = |id: &String| self.facts.report.findings.iter().find(|f| f.id == *id);
        let chain = self.incident.chain.iter().map(|link| &link.finding);
        let mut seen = BTreeSet::new();
        let mut all: Vec<&Finding> = chain
            .chain(&self.incident.findings)
            .filter(|id| seen.insert(*id))
            .filter_map(by_id)
            .collect();
        let root = &self.incident.root;
        all.sort_by_key(|f| {
            let names_it = f.kind != LogKind::Audit && f.cause == root.cause;
            (!names_it, f.detail != root.detail && names_it)
        });
        all
    }

    /// Only objects that a cited finding or record names: an owner or caller known from elsewhere is part of the analysis, not of the facts.
    fn objects(&self) -> Claim {
        let findings = self.findings();
        let root = &self.incident.root.object;
        let mut objects: Vec<&ObjectRef> = vec![root];
        for o in findings
            .iter()
            .map(|f| &f.object)
            .chain(&self.incident.affected)
        {
            let named = findings
                .iter()
                .any(|f| f.object == *o || self.texts(f).any(|t| t.contains(&o.name)));
            if named && !objects.contains(&o) {
                objects.push(o);
            }
        }
        let more = objects.len().saturating_sub(NAMED_OBJECTS);
        let names: Vec<_> = objects
            .iter()
            .take(NAMED_OBJECTS)
            .map(|o| named(o))
            .collect();
        let mut text = names.join(self.facts.lang.pick("、", ", "));
        if more > 0 {
            text += self.facts.lang.pick("等", " and others");
        }
        claim(text, ClaimKind::Observed, &findings, None)
    }

    fn texts<'b>(&'b self, finding: &'b Finding) -> impl Iterator<Item = &'b str> {
        let records = finding.evidence.iter();
        let records = records.filter_map(|e| self.facts.records.get(&e.id));
        records.map(|k| k.line.as_str())
    }

    fn change(&self, change: &ChangeNote) -> Claim {
        let text = change_text(change, self.facts.lang);
        claim(
            text,
            ClaimKind::Observed,
            &self.of_kind(LogKind::Audit),
            Some(change.evidence),
        )
    }

    fn counted(&self, f: &Finding) -> [Claim; 4] {
        let title = plain(&f.title);
        let (first, last) = (f.first_seen.hour_minute(), f.last_seen.hour_minute());
        let usual = if f.baseline > 0.0 {
            let baseline = format!("{:.1}", f.baseline);
            self.facts.lang.pick(
                format!("，平时约 {baseline} 次"),
                format!(", usually about {baseline}"),
            )
        } else {
            String::new()
        };
        let count = f.count;
        let lang = self.facts.lang;
        let when = if first == last {
            first
        } else {
            lang.pick(format!("{first} 至 {last}"), format!("{first} to {last}"))
        };
        let times = lang.pick("次", if count == 1 { "time" } else { "times" });
        let text = |what: &str| {
            lang.pick(
                format!("{}：{what}（{count} {times}，{when}{usual}）", f.kind.zh()),
                format!("{} log: {what} ({count} {times}, {when}{usual})", f.kind),
            )
        };
        let object = named(&f.object);
        let code = f.detail.as_ref().unwrap_or(&f.cause);
        let fault = CATALOGUE.as_ref().and_then(|c| c.get(code));
        let plainer = fault.map_or(object.clone(), |fault| {
            format!("{object} {}", fault.name.of(lang))
        });
        // The raw text in a title may hold what no record kept, and its head names that are ours.
        [
            text(&title),
            text(head(&title)),
            text(&plainer),
            text(&object),
        ]
        .map(|t| claim(t, ClaimKind::Observed, &[f], None))
    }

    /// What the lines themselves say.
    fn quotes(&self, f: &Finding) -> Vec<Claim> {
        let mut seen = BTreeSet::new();
        let lines = f
            .evidence
            .iter()
            .filter_map(|e| self.facts.records.get(&e.id));
        lines
            .filter(|k| {
                k.kind() != LogKind::Audit && speaks_of_us(&k.text).is_none_or(|w| w == "://")
            })
            .map(|k| (k, quote(&k.text)))
            .filter(|(_, text)| !text.is_empty() && seen.insert(text.clone()))
            .take(QUOTES)
            .map(|(k, text)| claim(text, ClaimKind::Observed, &[f], Some(k.id)))
            .collect()
    }

    fn guess(&self) -> Claim {
        let i = self.incident;
        let object = named(&i.root.object);
        let text = match &i.change {
            Some(c) => {
                let (at, user) = (c.at.hour_minute(), plain(&c.user));
                self.facts.lang.pick(
                    format!(
                        "很可能由 `{user}` 在 {at} 对 {} 的改动引起",
                        named(&c.object)
                    ),
                    format!(
                        "most likely set off by what `{user}` changed of {} at {at}",
                        named(&c.object)
                    ),
                )
            }
            None if i.root.cause == "unknown" => self.facts.lang.pick(
                format!("{object} 的异常没有对上已知的原因，需要人来看"),
                format!("what is wrong with {object} matches no known cause and needs a person"),
            ),
            None => self.facts.lang.pick(
                format!("按症状判断，根源在 {object}；日志里没有引发它的改动"),
                format!("by its symptoms the root is {object}; the logs show no change behind it"),
            ),
        };
        claim(
            text,
            ClaimKind::Inferred,
            &self.findings(),
            i.change.as_ref().map(|c| c.evidence),
        )
    }

    fn status(&self) -> Claim {
        let i = self.incident;
        let start = i.start.hour_minute();
        let now = match i.status {
            Status::Ongoing => match i.checked_at {
                Some(at) => self.facts.lang.pick(
                    format!("到 {} 仍在发生", day_minute(at)),
                    format!("still so at {}", day_minute(at)),
                ),
                None => self
                    .facts
                    .lang
                    .pick("到当天结束仍在发生", "still so at the end of the day")
                    .to_owned(),
            },
            Status::Recovered => {
                let end = i.end.map(Moment::hour_minute).unwrap_or_default();
                let partly = i.is_partly_undone();
                let by = i.recovered_by.as_ref().map(|c| {
                    let (part, partly) = if partly {
                        ("了一部分", "partly ")
                    } else {
                        ("", "")
                    };
                    self.facts.lang.pick(
                        format!("，由 `{}` 改回{part}", plain(&c.user)),
                        format!(", {partly}undone by `{}`", plain(&c.user)),
                    )
                });
                self.facts
                    .lang
                    .pick(format!("{end} 已恢复"), format!("recovered at {end}"))
                    + &by.unwrap_or_default()
            }
            Status::Recurred => {
                let at = i.checked_at.map(day_minute).unwrap_or_default();
                self.facts.lang.pick(
                    format!("恢复过，{at} 又出现"),
                    format!("recovered, came back at {at}"),
                )
            }
        };
        let row = i.same_as.as_ref().filter(|s| s.days_in_row >= 2).map(|s| {
            self.facts.lang.pick(
                format!("，连续第 {} 天", s.days_in_row),
                format!(", day {} in a row", s.days_in_row),
            )
        });
        let text = self.facts.lang.pick(
            format!("{start} 开始，{now}"),
            format!("began at {start}, {now}"),
        ) + &row.unwrap_or_default();
        let record = i.recovered_by.as_ref().map(|c| c.evidence);
        claim(text, ClaimKind::Observed, &self.findings(), record)
    }
}

/// With a record, an observation rests on that one; without, on those of its findings.
pub(super) fn claim(
    text: String,
    kind: ClaimKind,
    findings: &[&Finding],
    record: Option<EvidenceId>,
) -> Claim {
    let own = findings
        .iter()
        .flat_map(|f| f.evidence.iter().map(|e| e.id));
    let mut evidence: Vec<_> = match record {
        Some(id) if kind == ClaimKind::Observed && findings.len() <= 1 => vec![id],
        other => other.into_iter().chain(own).collect(),
    };
    let mut seen = BTreeSet::new();
    evidence.retain(|id| seen.insert(*id));
    Claim {
        text,
        kind,
        findings: findings.iter().map(|f| f.id.clone()).collect(),
        evidence,
        by_model: false,
    }
}
