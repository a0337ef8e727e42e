//! What one kind of log is asked, made from what the kinds before it showed.
//!
//! In: the findings that were come upon so far, and the kind to ask next. Out: [`Query`]s from narrow to wide, each of which picks
//! findings of that kind. Always true: a query holds nothing but names that stand in those findings and a window of time counted
//! from their own times; what it prints is what it looks for. Does not know incidents, causes or changes.

use std::{collections::BTreeSet, fmt};

use crate::model::{
    CELL_MS, LogKind, Moment,
    report::{Finding, KeyValue},
};

/// How long before the first symptom its cause may lie: a change of something else waits for the next restart or the next new pod.
const CAUSE_WINDOW_MS: i64 = 6 * 3_600_000;
/// How long before its first Warning event an error may be written: probes and back-off notice late.
const NOTICED_LATE_MS: i64 = 10 * 60_000;
/// Names that a query carries.
const NAMES: usize = 24;
/// Key fields that hold no name of an object.
const NO_NAMES: [&str; 9] = [
    "reason",
    "user",
    "verb",
    "audit_id",
    "exception",
    "error_code",
    "http_status",
    "trace_id",
    "resource",
];

/// A name with its namespace, which is empty where the record does not tell it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    namespace: String,
    name: String,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    kind: LogKind,
    by: By,
    from: Option<Moment>,
    to: Option<Moment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum By {
    Names(Vec<Name>),
    /// Everything in these namespaces and outside of any.
    Namespaces(BTreeSet<String>),
    /// Everything of that time.
    Time,
}

impl Query {
    /// Questions to `kind` about what `taken` shows, the narrowest first. None without anything to go by.
    pub(super) fn about(taken: &[&Finding], kind: LogKind) -> Vec<Self> {
        let first = taken.iter().map(|f| f.first_seen).min_by_key(|m| m.ms);
        let last = taken.iter().map(|f| f.last_seen).max_by_key(|m| m.ms);
        let (Some(first), Some(last)) = (first, last) else {
            return Vec::new();
        };
        let mut names: Vec<Name> = Vec::new();
        for name in taken.iter().flat_map(|f| names_of(f)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.truncate(NAMES);
        let namespaces: BTreeSet<String> = names
            .iter()
            .map(|n| n.namespace.clone())
            .filter(|n| !n.is_empty())
            .collect();
        let day = first.at(day_of(first));
        // Effects follow what the audit log shows; of errors and events the cause lies before them.
        let seen_by_audit = taken.iter().any(|f| f.kind == LogKind::Audit);
        let (from, to) = match kind {
            LogKind::Event if seen_by_audit => (first, None),
            LogKind::Audit | LogKind::Event => (first.at(first.ms - CAUSE_WINDOW_MS), Some(last)),
            LogKind::Business => (first.at(first.ms - NOTICED_LATE_MS), None),
        };
        let ask = |by: By, from: Moment| Self {
            kind,
            by,
            from: Some(from),
            to,
        };
        let mut out = vec![ask(By::Names(names.clone()), from)];
        if kind == LogKind::Audit && day < from {
            out.push(ask(By::Names(names), day));
        }
        if !namespaces.is_empty() {
            out.push(ask(By::Namespaces(namespaces), from));
        }
        out.push(ask(By::Time, from));
        if day < from {
            out.push(ask(By::Time, day));
        }
        out
    }

    /// Whether it asks for names, and not for whatever happened near them.
    pub(super) const fn is_narrow(&self) -> bool {
        matches!(self.by, By::Names(_))
    }

    pub(super) fn finds(&self, finding: &Finding) -> bool {
        if finding.kind != self.kind || self.records(finding) == 0 {
            return false;
        }
        match &self.by {
            By::Names(wanted) => {
                let own = names_of(finding);
                wanted.iter().any(|w| own.iter().any(|o| o.is_same(w)))
            }
            By::Namespaces(namespaces) => {
                let own = &finding.object.namespace;
                own.is_empty() || namespaces.contains(own)
            }
            By::Time => true,
        }
    }

    /// Records of a finding that lie in the window, to five minutes.
    pub(super) fn records(&self, finding: &Finding) -> u64 {
        let from = self.from.map_or(i64::MIN, |m| m.ms);
        let to = self.to.map_or(i64::MAX, |m| m.ms);
        if finding.first_seen.ms > to || finding.last_seen.ms < from {
            return 0;
        }
        let whole = finding.first_seen.ms >= from && finding.last_seen.ms <= to;
        if whole || finding.cells.total() == 0 {
            return finding.count;
        }
        let day = day_of(finding.first_seen);
        let inside = |cell: u16| {
            let start = day + i64::from(cell) * CELL_MS;
            start <= to && start + CELL_MS > from
        };
        let cells = finding.cells.iter().filter(|(cell, _)| inside(*cell));
        cells.map(|(_, n)| u64::from(n)).sum()
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        match &self.by {
            By::Names(names) => {
                let names: Vec<String> = names.iter().map(ToString::to_string).collect();
                parts.push(format!("object={}", names.join(",")));
            }
            By::Namespaces(namespaces) => {
                let namespaces: Vec<&str> = namespaces.iter().map(String::as_str).collect();
                parts.push(format!("namespace={}", namespaces.join(",")));
            }
            By::Time => {}
        }
        parts.extend(self.from.map(|t| format!("from={t}")));
        parts.extend(self.to.map(|t| format!("to={t}")));
        f.write_str(&parts.join(" "))
    }
}

impl Name {
    fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The same name, or a pod and its workload.
    fn is_same(&self, other: &Self) -> bool {
        let place = self.namespace == other.namespace
            || self.namespace.is_empty()
            || other.namespace.is_empty();
        let made_by = |a: &str, b: &str| {
            let rest = a.strip_prefix(b).and_then(|rest| rest.strip_prefix('-'));
            rest.is_some_and(is_given)
        };
        place
            && (self.name == other.name
                || made_by(&self.name, &other.name)
                || made_by(&other.name, &self.name))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// What controllers append to a workload's name: an ordinal, a time, or hashes in their own alphabet (`k8s.io/apimachinery/pkg/util/rand`).
fn is_given(rest: &str) -> bool {
    const ALPHABET: &str = "bcdfghjklmnpqrstvwxz2456789";
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let hash =
        |part: &str| (5..=10).contains(&part.len()) && part.chars().all(|c| ALPHABET.contains(c));
    let mut parts = rest.split('-');
    parts.clone().count() <= 3 && parts.all(|part| number(part) || hash(part))
}

/// The names in a finding: its object, and its key fields that name one.
fn names_of(finding: &Finding) -> Vec<Name> {
    let object = &finding.object;
    let mut out = vec![Name::new(&object.namespace, &object.name)];
    let fields = finding.key_fields.iter().filter(|k| is_name(k));
    for field in fields {
        let name = match field.name.as_str() {
            "endpoint" => match host_of(&field.value) {
                Some(name) => name,
                None => continue,
            },
            "node" => Name::new("", &field.value),
            "service" => match field.value.rsplit_once('/') {
                Some((namespace, name)) => Name::new(namespace, name),
                None => Name::new(&object.namespace, &field.value),
            },
            _ => Name::new(&object.namespace, &field.value),
        };
        if !out.contains(&name) {
            out.push(name);
        }
    }
    out
}

fn is_name(field: &KeyValue) -> bool {
    let of_object = field.name != "namespace" && !NO_NAMES.contains(&field.name.as_str());
    of_object && !field.value.is_empty()
}

/// The service that an address within the cluster names: `http://risk.pay.svc.cluster.local:8000/v1` is `pay/risk`.
fn host_of(endpoint: &str) -> Option<Name> {
    let rest = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?']).next()?;
    let mut labels = host.split('.');
    let (name, namespace) = (labels.next()?, labels.next());
    let in_cluster = match (namespace, labels.next()) {
        (None, _) | (Some(_), Some("svc")) => true,
        (Some(_), _) => false,
    };
    let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic());
    (in_cluster && is_word).then(|| Name::new(namespace.unwrap_or_default(), name))
}

/// The first instant of a moment's day on the wall.
fn day_of(at: Moment) -> i64 {
    let time = at.civil().time();
    let seconds =
        i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    at.ms - seconds * 1000 - i64::from(time.millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_its_workload_and_a_longer_name_is_not() {
        let same = |a: &str, b: &str| Name::new("shop", a).is_same(&Name::new("", b));
        assert!(same("web-6f7c9d8b5d-x2k8q", "web") && same("db", "db-0"));
        assert!(same("nightly-29387520-x2k8q", "nightly"));
        assert!(!same("web-bff", "web") && !same("web-mysql", "web") && !same("web", "we"));
        assert!(!Name::new("shop", "web").is_same(&Name::new("pay", "web")));
    }

    #[test]
    fn an_address_within_the_cluster_names_a_service() {
        let host = |text: &str| host_of(text).map(|n| n.to_string());
        assert_eq!(
            host("http://risk.pay.svc.cluster.local:8000/v1").as_deref(),
            Some("pay/risk")
        );
        assert_eq!(host("order-db:3306").as_deref(), Some("order-db"));
        assert_eq!(host("https://shop.example.com/"), None);
        assert_eq!(host("172.18.5.57:3000"), None);
    }
}
