//! An address that was mistyped, or settings by which names are looked up: whoever got the setting fails, and nobody else does.
//!
//! In: a symptom of failed calls. Out: a [`Candidate`] where a change of the caller's settings fits. Always true: the new value stands
//! in the failing line, or the setting is the callee's address or the one that the catalogue names, or the log hides the value and
//! nobody else has the same trouble.

use serde_json::Value;

use super::{Candidate, Search, Tier};
use crate::{
    diagnosis::{
        causes,
        changes::Change,
        symptoms::{Symptom, What},
    },
    model::ObjectRef,
};

/// A wrong address shows at the next call; thin traffic makes that an hour at most.
const NOTICED_WITHIN_MS: i64 = 60 * 60_000;

/// A workload whose own calls fail since one of its settings changed.
pub(super) fn wrong_address(
    search: Search<'_>,
    index: usize,
    symptom: &Symptom,
) -> Option<Candidate> {
    let What::Call {
        mode,
        to,
        outside,
        sure,
    } = &symptom.what
    else {
        return None;
    };
    if !symptom.counts() {
        return None;
    }
    for (fault_index, fault) in search.catalogue.faults().iter().enumerate() {
        if !fault.makes.contains(mode) || fault.causes.is_empty() {
            continue;
        }
        let Some(cause) = causes::cause_of(search.scene, fault, symptom, false) else {
            continue;
        };
        let change = &search.scene.changes.all[cause.change];
        let told = change
            .diff
            .iter()
            .any(|d| names_target(&d.new, &symptom.text));
        // A hidden body can only be suspected: when nobody else has the same trouble, and the target is somewhere new.
        let alone = !search.symptoms.iter().any(|other| {
            other.counts() && other.object != symptom.object && shares_target(other, symptom)
        });
        let aimed = alone && aims_at(search, change, to, &symptom.object);
        let new_target = outside.is_some()
            || !*sure
            || to
                .iter()
                .all(|t| !is_known_callee(search, &symptom.object, t));
        let soon = cause.gap_ms <= NOTICED_WITHIN_MS;
        // The catalogue may name the setting itself.
        let by_name = fault.causes.iter().any(|pattern| {
            let field = pattern.field.as_ref();
            field.is_some_and(|f| change.diff.iter().any(|d| f.is_match(&d.path)))
        });
        let suspected = soon && (change.body_hidden() && alone && new_target || aimed)
            || soon && alone && by_name;
        if !(told || suspected) {
            continue;
        }
        return Some(Candidate {
            carried: None,
            fault: fault_index,
            object: cause.root.clone(),
            from_ms: symptom.from_ms,
            to_ms: symptom.to_ms,
            cause: Some(cause),
            tier: Tier::Changed,
            weight: u32::from(told),
            own: vec![index],
            reach: vec![symptom.object.clone()],
        });
    }
    None
}

/// Whether a setting that was given another address is that of somebody whose calls fail: the lines of many drivers name no address.
fn aims_at(search: Search<'_>, change: &Change<'_>, to: &[ObjectRef], home: &ObjectRef) -> bool {
    let mut values = Vec::new();
    for field in &change.diff {
        for side in [&field.old, &field.new] {
            texts(side, &mut values);
        }
    }
    values.iter().any(|value| {
        let named = search.scene.objects.services_in(value, &home.namespace);
        named.iter().any(|(service, _)| to.contains(service))
    })
}

fn texts<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Object(members) => members.values().for_each(|v| texts(v, out)),
        Value::Array(list) => list.iter().for_each(|v| texts(v, out)),
        _ => {}
    }
}

/// Whether an address inside a new value stands in the failing line.
fn names_target(value: &Value, text: &str) -> bool {
    match value {
        Value::String(s) => {
            s.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':')))
                .flat_map(|word| {
                    [
                        word,
                        word.rsplit_once(':').map_or("", |(host, _)| host),
                        word.split('.').next().unwrap_or_default(),
                    ]
                })
                .any(|word| {
                    word.len() >= 4 && word.chars().any(char::is_alphabetic) && text.contains(word)
                        || word.len() >= 7 && word.contains('.') && text.contains(word)
                })
                || s.rsplit_once(':').is_some_and(|(_, port)| {
                    port.len() >= 2
                        && port.parse::<u16>().is_ok()
                        && text.contains(&format!(":{port}"))
                })
        }
        Value::Object(o) => o.values().any(|v| names_target(v, text)),
        Value::Array(a) => a.iter().any(|v| names_target(v, text)),
        _ => false,
    }
}

fn shares_target(other: &Symptom, symptom: &Symptom) -> bool {
    match (&other.what, &symptom.what) {
        (
            What::Call {
                to: a, outside: x, ..
            },
            What::Call {
                to: b, outside: y, ..
            },
        ) => x.is_some() && x == y || a.iter().any(|t| b.contains(t)),
        _ => false,
    }
}

fn is_known_callee(search: Search<'_>, from: &ObjectRef, service: &ObjectRef) -> bool {
    search
        .scene
        .objects
        .calls_from(from)
        .any(|c| c.to == *service && c.evidence.is_none())
}
