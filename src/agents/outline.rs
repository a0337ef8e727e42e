//! A report as claims: what the logs say of each incident, and what is concluded from it.
//!
//! In: a [`Report`], the texts of the records it cites, a language. Out: one [`Section`] per incident, each a list of [`Claim`]s in their places.
//! Always true: a claim cites the findings and records its words come from, and passes [`claims::check`](super::claims::check). No model, no
//! clock, no I/O. Advice (fix, rollback) states no fact and is therefore no claim.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    EvidenceId, Lang, LogKind, Moment, ObjectRef,
    record::Kept,
    report::{ChangeNote, Claim, ClaimKind, Finding, Incident, Report, Status},
    visible,
};

use super::claims::speaks_of_us;

/// Kept records by id: the lines that claims are held against, and that 具体错误信息 quotes.
pub type Records = BTreeMap<EvidenceId, Kept>;

/// Longest quotation of a log line, in characters: a line of text, not a stack trace.
const QUOTE_CHARS: usize = 200;
/// Quotations of one finding; the further ones repeat the first.
const QUOTES: usize = 2;
/// Objects named of an incident; the rest is counted.
const NAMED_OBJECTS: usize = 8;

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
    /// 涉及对象
    Objects,
    /// 原因: what a record says set it off.
    Cause,
    /// 具体错误信息: reasons and texts from the logs.
    Errors,
    /// 可能原因: concluded, and marked as such.
    Guess,
    /// 状态
    Status,
}

/// All claims of a report, in the order in which they are written: ours, then those a model added to `report.claims` before.
#[must_use]
pub fn claims_of(sections: &[Section]) -> Vec<Claim> {
    let all = sections
        .iter()
        .flat_map(|s| s.items.iter().map(|i| i.1.clone()));
    all.collect()
}

/// Ids of the records that an outline of this report reads; what is not given is not quoted.
#[must_use]
pub fn cited(report: &Report) -> BTreeSet<EvidenceId> {
    let findings = report
        .findings
        .iter()
        .flat_map(|f| f.evidence.iter().map(|e| e.id));
    let changes = report
        .incidents
        .iter()
        .flat_map(|i| i.change.iter().chain(&i.recovered_by).map(|c| c.evidence));
    findings.chain(changes).collect()
}

/// The claims of each incident. Claims of `extra` (a model's, already checked) join the incident whose findings they cite.
#[must_use]
pub fn outline(report: &Report, records: &Records, extra: &[Claim], lang: Lang) -> Vec<Section> {
    let mut sections: Vec<Section> = report
        .incidents
        .iter()
        .map(|i| Section {
            incident: i.id.clone(),
            items: Told {
                report,
                records,
                lang,
                incident: i,
            }
            .items(),
        })
        .collect();
    for claim in extra {
        let place = report
            .incidents
            .iter()
            .position(|i| i.findings.iter().any(|f| claim.findings.contains(f)));
        let Some(section) = place.and_then(|n| sections.get_mut(n)) else {
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
    sections
}

struct Told<'a> {
    report: &'a Report,
    records: &'a Records,
    lang: Lang,
    incident: &'a Incident,
}

impl Told<'_> {
    fn items(&self) -> Vec<(Slot, Claim)> {
        let mut items = vec![(Slot::Objects, self.objects())];
        items.extend(
            self.incident
                .change
                .as_ref()
                .map(|c| (Slot::Cause, self.change(c))),
        );
        for finding in self.findings() {
            items.push((Slot::Errors, self.counted(finding)));
            items.extend(self.quotes(finding).into_iter().map(|c| (Slot::Errors, c)));
        }
        items.push((Slot::Guess, self.guess()));
        items.push((Slot::Status, self.status()));
        items
    }

    /// The incident's findings in the order of the chain, those outside the chain last.
    fn findings(&self) -> Vec<&Finding> {
        let by_id = |id: &String| self.report.findings.iter().find(|f| f.id == *id);
        let chain = self.incident.chain.iter().map(|link| &link.finding);
        let mut seen = BTreeSet::new();
        chain
            .chain(&self.incident.findings)
            .filter(|id| seen.insert(*id))
            .filter_map(by_id)
            .collect()
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
        let mut text = names.join(self.lang.pick("、", ", "));
        if more > 0 {
            text += self.lang.pick("等", " and others");
        }
        claim(text, ClaimKind::Observed, &findings, None)
    }

    fn texts<'b>(&'b self, finding: &'b Finding) -> impl Iterator<Item = &'b str> {
        let lines = finding
            .evidence
            .iter()
            .filter_map(|e| self.records.get(&e.id))
            .map(|k| k.line.as_str());
        lines
            .chain(finding.key_fields.iter().map(|k| k.value.as_str()))
            .chain([finding.title.as_str()])
    }

    fn change(&self, change: &ChangeNote) -> Claim {
        let text = change_text(change, self.lang);
        let findings: Vec<_> = self
            .findings()
            .into_iter()
            .filter(|f| f.kind == LogKind::Audit)
            .collect();
        claim(text, ClaimKind::Observed, &findings, Some(change.evidence))
    }

    fn counted(&self, f: &Finding) -> Claim {
        let title = plain(&f.title);
        let (first, last) = (f.first_seen.hour_minute(), f.last_seen.hour_minute());
        let usual = if f.baseline > 0.0 {
            let baseline = format!("{:.1}", f.baseline);
            self.lang.pick(
                format!("，平时约 {baseline} 次"),
                format!(", usually about {baseline}"),
            )
        } else {
            String::new()
        };
        let count = f.count;
        let text = self.lang.pick(
            format!(
                "{}：{title}（{count} 次，{first} 至 {last}{usual}）",
                f.kind.zh()
            ),
            format!(
                "{} log: {title} ({count} times, {first} to {last}{usual})",
                f.kind
            ),
        );
        claim(text, ClaimKind::Observed, &[f], None)
    }

    /// What the lines themselves say.
    fn quotes(&self, f: &Finding) -> Vec<Claim> {
        let mut seen = BTreeSet::new();
        let lines = f.evidence.iter().filter_map(|e| self.records.get(&e.id));
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
        let cause = i.root.detail.as_ref().unwrap_or(&i.root.cause);
        let text = match &i.change {
            Some(c) => {
                let at = c.at.hour_minute();
                self.lang.pick(
                    format!("很可能由 {at} 对 {} 的这次改动引起", named(&c.object)),
                    format!(
                        "most likely set off by the change of {} at {at}",
                        named(&c.object)
                    ),
                )
            }
            None if i.root.cause == "unknown" => self.lang.pick(
                format!("{object} 的异常没有对上已知的原因，需要人来看"),
                format!("what is wrong with {object} matches no known cause and needs a person"),
            ),
            None => self.lang.pick(
                format!("按症状判断是 `{cause}`，根源在 {object}，日志里没有对应的改动"),
                format!("by its symptoms `{cause}` in {object}; the logs show no change behind it"),
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
                Some(at) => self.lang.pick(
                    format!("到 {} 仍在发生", day_minute(at)),
                    format!("still so at {}", day_minute(at)),
                ),
                None => self
                    .lang
                    .pick("到当天结束仍在发生", "still so at the end of the day")
                    .to_owned(),
            },
            Status::Recovered => {
                let end = i.end.map(Moment::hour_minute).unwrap_or_default();
                let by = i.recovered_by.as_ref().map(|c| {
                    self.lang.pick(
                        format!("，由 `{}` 改回", plain(&c.user)),
                        format!(", undone by `{}`", plain(&c.user)),
                    )
                });
                self.lang
                    .pick(format!("{end} 已恢复"), format!("recovered at {end}"))
                    + &by.unwrap_or_default()
            }
            Status::Recurred => {
                let at = i.checked_at.map(day_minute).unwrap_or_default();
                self.lang.pick(
                    format!("恢复过，{at} 又出现"),
                    format!("recovered, came back at {at}"),
                )
            }
        };
        let row = i.same_as.as_ref().filter(|s| s.days_in_row >= 2).map(|s| {
            self.lang.pick(
                format!("，连续第 {} 天", s.days_in_row),
                format!(", day {} in a row", s.days_in_row),
            )
        });
        let text = self.lang.pick(
            format!("{start} 开始，{now}"),
            format!("began at {start}, {now}"),
        ) + &row.unwrap_or_default();
        let record = i.recovered_by.as_ref().map(|c| c.evidence);
        claim(text, ClaimKind::Observed, &self.findings(), record)
    }
}

/// With a record, an observation rests on that one; without, on those of its findings.
fn claim(
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
    }
}

/// Who changed what, with the exact values.
pub(super) fn change_text(change: &ChangeNote, lang: Lang) -> String {
    let (user, object, at) = (
        plain(&change.user),
        named(&change.object),
        change.at.hour_minute(),
    );
    let verb = plain(&change.verb);
    let mut text = lang.pick(
        format!("`{user}` 在 {at} 对 {object} 执行了 `{verb}`"),
        format!("`{user}` ran `{verb}` on {object} at {at}"),
    );
    // The first few differences tell the story; the rest is in report.json.
    for d in change.diff.iter().take(4) {
        let (path, old, new) = (plain(&d.path), value(&d.old), value(&d.new));
        text += &match (d.old.is_null(), d.new.is_null()) {
            (true, _) if change.before_unseen => lang.pick(
                format!("；`{path}` 改为 `{new}`，原来的值没有记录"),
                format!("; `{path}` to `{new}`, what it was before is not on record"),
            ),
            (true, _) => lang.pick(
                format!("；新增 `{path}`：`{new}`"),
                format!("; added `{path}`: `{new}`"),
            ),
            (false, true) => lang.pick(
                format!("；去掉 `{path}`，原来是 `{old}`"),
                format!("; removed `{path}`, it was `{old}`"),
            ),
            (false, false) => lang.pick(
                format!("；`{path}` 从 `{old}` 改为 `{new}`"),
                format!("; `{path}` from `{old}` to `{new}`"),
            ),
        };
    }
    text
}

fn value(v: &serde_json::Value) -> String {
    let text = match v {
        serde_json::Value::String(s) => s.clone(),
        other => other.to_string(),
    };
    cut(&plain(&text), QUOTE_CHARS)
}

/// `Deployment shop/checkout` with the name in back-ticks.
pub(super) fn named(o: &ObjectRef) -> String {
    let name = plain(&o.name);
    if o.namespace.is_empty() {
        format!("{} `{name}`", plain(&o.kind))
    } else {
        format!("{} `{}/{name}`", plain(&o.kind), plain(&o.namespace))
    }
}

fn day_minute(at: Moment) -> String {
    at.civil().strftime("%m-%d %H:%M").to_string()
}

/// A line of a log, quoted: on one line, cut, its own back-ticks replaced.
fn quote(text: &str) -> String {
    let text = plain(text);
    if text.is_empty() {
        text
    } else {
        format!("`{}`", cut(&text, QUOTE_CHARS))
    }
}

/// Without what hides or breaks text, and without back-ticks.
pub(super) fn plain(text: &str) -> String {
    visible(text).replace('`', "'").trim().to_owned()
}

pub(super) fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
