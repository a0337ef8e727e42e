//! What the logs of a window show of an alarm's object, without any report: warnings, errors, changes.
//!
//! In: kept lines, an alarm, the catalogue of faults. Out: [`Sign`]s, the gravest first, and the changes people made. Always true: each
//! sign carries its count and its evidence; only a line that the alarm's sender attached has no identity to be found by. Connects nothing:
//! an incident does that, where there is a report.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::Alarm;
use crate::{
    diagnosis::{changes, faults::Catalogue},
    intake,
    mining::{
        level,
        mask::{Masked, mask},
    },
    model::{
        EvidenceId, Lang, Level, LogKind, ObjectRef, Severity,
        record::{AuditRecord, Kept},
        report::ChangeNote,
        shapes::States,
        visible, workload_name,
    },
};

/// More signs than this are not told apart by anybody.
const MOST_SIGNS: usize = 8;
const MOST_CHANGES: usize = 5;
const EVIDENCE: usize = 3;
const TEXT_CHARS: usize = 240;

/// Lines that say the same about one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sign {
    pub kind: LogKind,
    pub object: ObjectRef,
    /// One of the lines.
    pub text: String,
    pub count: u64,
    /// Code of the fault catalogue that it shows, and that fault's name.
    pub cause: Option<String>,
    pub name: String,
    pub severity: Severity,
    pub evidence: Vec<EvidenceId>,
}

/// Warnings and errors of the alarm's object, the gravest and most frequent first.
#[must_use]
pub(super) fn signs(lines: &[Kept], alarm: &Alarm, catalogue: &Catalogue, lang: Lang) -> Vec<Sign> {
    let mut groups: BTreeMap<(LogKind, ObjectRef, String), Sign> = BTreeMap::new();
    let mut masked = Masked::default();
    for line in lines {
        let Some((object, key, text, faults)) = (match line.id.kind {
            LogKind::Event => warning(line, alarm, catalogue),
            LogKind::Business => error(line, alarm, &mut masked),
            LogKind::Audit => None,
        }) else {
            continue;
        };
        let sign = groups
            .entry((line.id.kind, object.clone(), key))
            .or_insert_with(|| Sign {
                cause: faults,
                ..Sign::of(line.id.kind, object, &text)
            });
        sign.count += 1;
        if sign.evidence.len() < EVIDENCE {
            sign.evidence.push(line.id);
        }
    }
    let known: Vec<String> = groups.keys().map(|(_, _, text)| text.clone()).collect();
    let mut signs: Vec<Sign> = groups.into_values().collect();
    signs.extend(attached(alarm, &known, catalogue, &mut masked));
    for sign in &mut signs {
        if sign.kind == LogKind::Business {
            let found = catalogue.of_text(&sign.text);
            sign.cause = found
                .first()
                .map(|(i, _)| catalogue.faults()[*i].code.clone());
        }
        let fault = sign.cause.as_deref().and_then(|code| catalogue.get(code));
        if let Some(fault) = fault {
            fault.name.of(lang).clone_into(&mut sign.name);
            sign.severity = fault.severity;
        }
    }
    signs.sort_by_key(|s| {
        (
            s.cause.is_none(),
            std::cmp::Reverse(s.severity),
            std::cmp::Reverse(s.count),
        )
    });
    signs.truncate(MOST_SIGNS);
    signs
}

impl Sign {
    fn of(kind: LogKind, object: ObjectRef, text: &str) -> Self {
        Self {
            kind,
            object,
            text: visible(text).chars().take(TEXT_CHARS).collect(),
            count: 0,
            cause: None,
            name: String::new(),
            severity: Severity::Warning,
            evidence: Vec::new(),
        }
    }
}

/// What the lines say that the sender attached to the alarm, where the logs do not say it already.
fn attached(
    alarm: &Alarm,
    known: &[String],
    catalogue: &Catalogue,
    masked: &mut Masked,
) -> Vec<Sign> {
    let object = alarm
        .object
        .clone()
        .map_or_else(|| ObjectRef::new("", "", alarm.subject()), of_workload);
    let mut groups: BTreeMap<String, Sign> = BTreeMap::new();
    for line in &alarm.lines {
        mask(line, masked);
        let tells =
            level::of_text(&masked.text) >= Level::Error || !catalogue.of_text(line).is_empty();
        if tells && !known.contains(&masked.text) {
            let sign = groups.entry(masked.text.clone());
            let sign = sign.or_insert_with(|| Sign::of(LogKind::Business, object.clone(), line));
            sign.count += 1;
        }
    }
    groups.into_values().collect()
}

type Seen = (ObjectRef, String, String, Option<String>);

fn warning(line: &Kept, alarm: &Alarm, catalogue: &Catalogue) -> Option<Seen> {
    let event = intake::event::read(line.line.as_bytes()).ok()?;
    if !event.warning || !concerns(alarm, &event.object, &event.host) {
        return None;
    }
    let known = catalogue.of_event(&event.object, &event.reason, &event.message);
    let code = known
        .first()
        .map(|m| catalogue.faults()[m.fault].code.clone());
    Some((
        of_workload(event.object),
        event.reason.clone(),
        format!("{}: {}", event.reason, event.message),
        code,
    ))
}

fn error(line: &Kept, alarm: &Alarm, masked: &mut Masked) -> Option<Seen> {
    let object = ObjectRef::new("Pod", &line.namespace, &line.object);
    if !concerns(alarm, &object, "") {
        return None;
    }
    mask(&line.text, masked);
    (level::of_text(&masked.text) >= Level::Error).then(|| {
        (
            of_workload(object),
            masked.text.clone(),
            line.text.clone(),
            None,
        )
    })
}

/// What people and pipelines changed, newest first: that of the alarm's object before all.
#[must_use]
pub(super) fn changed(lines: &[Kept], alarm: &Alarm, zone: &TimeZone) -> Vec<ChangeNote> {
    let write = |line: &Kept| match intake::audit::read(line.line.as_bytes()) {
        Ok(AuditRecord::Write(write)) => Some(*write),
        _ => None,
    };
    let audit = lines.iter().filter(|l| l.id.kind == LogKind::Audit);
    let writes: Vec<_> = audit.filter_map(write).collect();
    let understood = changes::changes(&writes, &States::new());
    let mut notes: Vec<ChangeNote> = understood
        .roots()
        .map(|(_, change)| change.note(zone))
        .filter(|note| in_reach(alarm, &note.object))
        .collect();
    notes.sort_by_key(|n| (!concerns(alarm, &n.object, ""), std::cmp::Reverse(n.at.ms)));
    notes.truncate(MOST_CHANGES);
    notes
}

/// Whether something of this object is something of the alarm's. An alarm about a whole cluster concerns everything in it.
pub(super) fn concerns(alarm: &Alarm, object: &ObjectRef, host: &str) -> bool {
    match &alarm.object {
        Some(wanted) => {
            let same_namespace = wanted.namespace.is_empty()
                || object.namespace.is_empty()
                || wanted.namespace == object.namespace;
            same_namespace && workload_name(&object.name) == workload_name(&wanted.name)
        }
        None if !alarm.node.is_empty() => {
            host == alarm.node || object.kind == "Node" && object.name == alarm.node
        }
        None => in_reach(alarm, object),
    }
}

/// Whether it is in the alarm's namespace, where it has one.
fn in_reach(alarm: &Alarm, object: &ObjectRef) -> bool {
    let namespace = match &alarm.object {
        Some(wanted) => wanted.namespace.as_str(),
        None => alarm.dimensions.get("namespace").map_or("", String::as_str),
    };
    namespace.is_empty() || object.namespace.is_empty() || object.namespace == namespace
}

fn of_workload(object: ObjectRef) -> ObjectRef {
    match object.kind.as_str() {
        "Pod" => ObjectRef::new("Pod", &object.namespace, workload_name(&object.name)),
        _ => object,
    }
}
