//! Symptoms and causing changes as findings.

use std::collections::BTreeMap;

use super::{Input, Search, essence, rank};
use crate::{
    diagnosis::{
        chain::Root,
        changes::ChangeClass,
        faults::{CallMode, Catalogue, Fault},
        symptoms::{Symptom, What},
    },
    mining::baseline::holding,
    model::{
        EvidenceId, Lang, LogKind, Moment, Severity,
        report::{Finding, Incident, KeyValue},
        shapes::Cells,
    },
};

/// Fewer lines than this of what merely follows from a problem are an anecdote.
const FEW: u64 = 3;
/// Findings outside of incidents that are listed.
const OTHERS: usize = 30;
/// Evidence of one finding.
const EVIDENCE: usize = 8;

/// The findings of a report while it is made.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    input: &'a Input<'a>,
    search: Search<'a>,
    made: Vec<Finding>,
    of_symptom: BTreeMap<usize, usize>,
    of_change: BTreeMap<usize, usize>,
}

impl<'a> Findings<'a> {
    pub(super) const fn new(input: &'a Input<'a>, search: Search<'a>) -> Self {
        Self {
            input,
            search,
            made: Vec::new(),
            of_symptom: BTreeMap::new(),
            of_change: BTreeMap::new(),
        }
    }

    /// Findings of everything that a root explains, its own first, then by number of occurrences; kind and provisional id.
    pub(super) fn of_root(&mut self, root: &Root) -> Vec<(LogKind, String)> {
        let mut symptoms: Vec<usize> = root.explains.iter().copied().collect();
        symptoms.sort_by_key(|i| {
            (
                !root.at.own.contains(i),
                std::cmp::Reverse(self.search.symptoms[*i].count),
                *i,
            )
        });
        let mut places: Vec<usize> = symptoms
            .into_iter()
            .map(|i| self.symptom(i, Some(root)))
            .collect();
        if let Some(cause) = &root.at.cause {
            places.push(self.change(cause.change, root));
        }
        places
            .into_iter()
            .map(|p| (self.made[p].kind, p.to_string()))
            .collect()
    }

    /// What is unusual but belongs to no incident.
    pub(super) fn add_the_rest(&mut self, roots: &[Root]) {
        let mut left: Vec<usize> = (0..self.search.symptoms.len())
            .filter(|i| {
                !self.search.symptoms[*i].chronic && !roots.iter().any(|r| r.explains.contains(i))
            })
            .collect();
        left.sort_by_key(|i| std::cmp::Reverse(self.search.symptoms[*i].count));
        for i in left.into_iter().take(OTHERS) {
            self.symptom(i, None);
        }
    }

    /// Sorts and numbers the findings, and gives the incidents their final ids.
    pub(super) fn number(self, incidents: &mut [Incident]) -> Vec<Finding> {
        let mut order: Vec<usize> = (0..self.made.len()).collect();
        order.sort_by_key(|i| (rank(&self.made[*i]), *i));
        let mut ids = vec![String::new(); self.made.len()];
        for (n, place) in order.iter().enumerate() {
            ids[*place] = format!("f{}", n + 1);
        }
        let id_of = |provisional: &String| {
            provisional
                .parse()
                .ok()
                .and_then(|p: usize| ids.get(p).cloned())
                .unwrap_or_default()
        };
        for incident in incidents {
            for id in &mut incident.findings {
                *id = id_of(id);
            }
            for link in &mut incident.chain {
                link.finding = id_of(&link.finding);
            }
        }
        let mut made: Vec<Option<Finding>> = self.made.into_iter().map(Some).collect();
        let take = |place: usize| {
            let mut finding = made[place].take()?;
            finding.id.clone_from(&ids[place]);
            Some(finding)
        };
        order.into_iter().filter_map(take).collect()
    }

    fn symptom(&mut self, index: usize, root: Option<&Root>) -> usize {
        if let Some(place) = self.of_symptom.get(&index) {
            return *place;
        }
        let s = &self.search.symptoms[index];
        let own = root.is_some_and(|r| r.at.own.contains(&index));
        let fault = match root.filter(|_| own) {
            Some(root) => Some(root.at.fault),
            None => shown(self.search.catalogue, s),
        };
        let told = fault;
        let fault = fault.map(|f| &self.search.catalogue.faults()[f]);
        let code = fault.map_or("unknown", |f| f.coarse());
        let severity = match (root, fault) {
            (Some(_), Some(fault)) if own => fault.severity,
            // What follows from a problem in a line or two is listed, not told.
            (Some(_), _) if s.count < FEW => Severity::Info,
            (Some(_), _) => Severity::Warning,
            (None, _) => Severity::Info,
        };
        let finding = Finding {
            id: String::new(),
            kind: s.kind,
            cause: code.to_owned(),
            detail: fault
                .filter(|f| f.coarse() != f.code)
                .map(|f| f.code.clone()),
            severity,
            confidence: if own { 0.95 } else { 0.8 },
            title: title(self.input, self.search, s, told),
            object: s.object.clone(),
            first_seen: self.moment(s.from_ms),
            last_seen: self.moment(s.to_ms),
            count: s.count,
            baseline: usual(self.input, s),
            cells: s.cells.clone(),
            key_fields: s.key_fields.clone(),
            evidence: self.evidence(&s.evidence),
        };
        self.made.push(finding);
        self.of_symptom.insert(index, self.made.len() - 1);
        self.made.len() - 1
    }

    fn change(&mut self, index: usize, root: &Root) -> usize {
        if let Some(place) = self.of_change.get(&index) {
            return *place;
        }
        let change = &self.search.scene.changes.all[index];
        let fault = &self.search.catalogue.faults()[root.at.fault];
        let paths: Vec<&str> = change
            .diff
            .iter()
            .map(|d| d.path.as_str())
            .take(4)
            .collect();
        let at = self.moment(change.at_ms);
        let user = &change.write.actor.user;
        let verb = &change.write.verb;
        let did = match change.what {
            ChangeClass::Create => "新建",
            ChangeClass::Delete => "删除",
            ChangeClass::Eviction => "驱逐",
            _ => "修改",
        };
        let object = &change.object;
        let what = paths.join(", ");
        let title = match self.input.lang {
            Lang::Zh => format!("{user} 在 {} {did}了 {object} {what}", at.hour_minute()),
            Lang::En => format!("{user} {verb} {object} at {} {what}", at.hour_minute()),
        };
        let id = Some(change.id());
        let value = |name: &str, value: &str| KeyValue {
            name: name.to_owned(),
            value: value.to_owned(),
            new: false,
            evidence: id,
        };
        let mut cells = Cells::default();
        cells.add(self.input.range.cell(change.at_ms), 1);
        let finding = Finding {
            id: String::new(),
            kind: LogKind::Audit,
            cause: fault.coarse().to_owned(),
            detail: None,
            severity: fault.severity,
            confidence: 0.9,
            title: title.trim_end().to_owned(),
            object: object.clone(),
            first_seen: at,
            last_seen: at,
            count: 1,
            baseline: 0.0,
            cells,
            key_fields: vec![
                value("user", user),
                value("verb", verb),
                value("audit_id", &change.write.audit_id),
            ],
            evidence: self.evidence(&[change.id()]),
        };
        self.made.push(finding);
        self.of_change.insert(index, self.made.len() - 1);
        self.made.len() - 1
    }

    fn moment(&self, ms: i64) -> Moment {
        Moment::new(ms, &self.input.range.zone)
    }

    fn evidence(&self, ids: &[EvidenceId]) -> Vec<crate::model::Evidence> {
        let known = ids
            .iter()
            .filter_map(|id| self.input.shapes.origins.get(id));
        known.take(EVIDENCE).collect()
    }
}

/// What earlier days had of it. Where there are none, lines and refusals are held against the day itself, and nothing is usual; events tell
/// their own age.
pub(super) fn usual(input: &Input<'_>, s: &Symptom) -> f64 {
    let known = s.kind == LogKind::Event || holding(input.baseline, s.kind).next().is_some();
    if known { s.baseline } else { 0.0 }
}

/// A line about a symptom: the object, what fails, and the text that says so.
pub(super) fn title(
    input: &Input<'_>,
    search: Search<'_>,
    s: &Symptom,
    fault: Option<usize>,
) -> String {
    let said = said(search.catalogue, input.lang, s, fault);
    match essence::of(&s.text) {
        text if text.is_empty() => said,
        text => format!("{said}{}{text}", input.lang.pick("：", ": ")),
    }
}

/// The fault that a symptom shows by itself: one that only a change makes ("the limit was lowered") is not seen in what follows it.
pub(super) fn shown(catalogue: &Catalogue, s: &Symptom) -> Option<usize> {
    let needs_change =
        |fault: &Fault| !fault.causes.is_empty() && fault.causes.iter().all(|cause| cause.must);
    let mut suspects = s.faults.iter().map(|f| f.fault);
    suspects.find(|f| !needs_change(&catalogue.faults()[*f]))
}

/// The object and what fails, in words of the catalogue where a fault is told.
fn said(catalogue: &Catalogue, lang: Lang, s: &Symptom, fault: Option<usize>) -> String {
    let name = &s.object.name;
    let what = match &s.what {
        What::Call {
            mode,
            to,
            outside,
            sure,
        } => {
            let callee = outside
                .clone()
                .or_else(|| to.first().filter(|_| *sure).map(|t| t.name.clone()));
            let how = mode.words(lang);
            match (callee, lang) {
                (Some(callee), Lang::Zh) => format!("调用 {callee} {how}"),
                (Some(callee), Lang::En) => format!("calls to {callee} {how}"),
                (None, _) if *mode == CallMode::Http5xx && to.is_empty() => lang
                    .pick("返回服务端错误", "answers with server errors")
                    .to_owned(),
                (None, Lang::Zh) => format!("对外调用{how}"),
                (None, Lang::En) => format!("calls {how}"),
            }
        }
        What::Refused { user } => lang.pick(
            format!("{user} 的请求被拒绝"),
            format!("requests of {user} are refused"),
        ),
        What::Fault | What::Error | What::Warning => {
            let reason = s.key_fields.iter().find(|k| k.name == "reason");
            let name = fault.map(|f| catalogue.faults()[f].name.of(lang).to_owned());
            match (name, reason) {
                (Some(name), _) => name,
                (None, Some(reason)) => lang.pick(
                    format!("出现 {} 事件", reason.value),
                    format!("has {} events", reason.value),
                ),
                (None, None) => lang.pick("报错", "errors").to_owned(),
            }
        }
    };
    format!("{name} {what}")
}
