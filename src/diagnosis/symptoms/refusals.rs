//! Symptoms from requests that the API server refused, as far as they are new.
//!
//! Refusals that a controller also tells as an event (a quota, a webhook) support that event; a permission that is missing shows
//! nowhere else.

use std::collections::BTreeMap;

use super::{Suspect, Symptom, View, What, is_usual, key};
use crate::{
    diagnosis::{
        actors,
        faults::{Sign, Where},
    },
    mining::baseline::Subject,
    model::{LogKind, ObjectRef, shapes::CallCount},
};

/// Fewer refused requests than this are somebody trying.
const FEW: u64 = 5;

/// Who was refused, by which fault, and who is to blame.
type Refused<'a> = (&'a str, usize, Option<String>);

pub(super) fn symptoms(view: &View<'_>) -> Vec<Symptom> {
    let mut by_user: BTreeMap<Refused<'_>, Vec<(&CallCount, f64)>> = BTreeMap::new();
    for (index, call) in view.shapes.calls.iter().enumerate() {
        if call.key.code != 403 {
            continue;
        }
        let deviation = view.deviation(&Subject::Call(index));
        if is_usual(deviation) {
            continue;
        }
        let Some((fault, accused)) = view.catalogue.of_refusal(&call.key.message) else {
            continue;
        };
        let expected = deviation.map_or(0.0, |d| d.expected);
        by_user
            .entry((call.key.user.as_str(), fault, accused))
            .or_default()
            .push((call, expected));
    }
    by_user
        .into_iter()
        .filter_map(|((user, fault, accused), calls)| symptom(view, user, fault, accused, &calls))
        .collect()
}

fn symptom(
    view: &View<'_>,
    user: &str,
    fault: usize,
    accused: Option<String>,
    calls: &[(&CallCount, f64)],
) -> Option<Symptom> {
    let mut when = crate::model::shapes::Cells::default();
    for (call, _) in calls {
        when.merge(&call.cells);
    }
    let count = when.total();
    // A person who is refused knows it; a program that is refused stops working.
    let (namespace, name) = actors::service_account(user)?;
    let account = ObjectRef::new("ServiceAccount", namespace, name);
    let evidence: Vec<_> = calls
        .iter()
        .flat_map(|(c, _)| c.samples.iter().copied())
        .take(6)
        .collect();
    let first = evidence.first().copied();
    let users: Vec<ObjectRef> = view.objects.users_of(&account).cloned().collect();
    let same_name = view.objects.workload_named(namespace, name);
    // A quota that is used up is the quota's matter, whoever ran into it.
    let kinds = view.catalogue.faults()[fault].events.iter();
    let kind = kinds
        .filter(|e| e.object == Where::Named)
        .find_map(|e| e.names.clone());
    let namespace = &calls[0].0.key.namespace;
    let accused = kind
        .zip(accused)
        .map(|(kind, name)| ObjectRef::new(kind, namespace.as_str(), name));
    let place = accused.as_ref().map_or(Where::Workload, |_| Where::Named);
    let mut named: Vec<ObjectRef> = accused.into_iter().collect();
    named.push(account.clone());
    named.extend(users.iter().cloned());
    Some(Symptom {
        kind: LogKind::Audit,
        what: What::Refused {
            user: user.to_owned(),
        },
        object: users.first().cloned().or(same_name).unwrap_or(account),
        blamed: None,
        named,
        faults: vec![Suspect {
            fault,
            sign: Sign::Hint,
            weight: 1,
            place,
        }],
        from_ms: calls.iter().map(|(c, _)| c.first_ms).min()?,
        to_ms: calls.iter().map(|(c, _)| c.last_ms).max()?,
        over_ms: None,
        count,
        cells: when,
        baseline: calls.iter().map(|(_, expected)| expected).sum(),
        chronic: false,
        presumed: false,
        minor: count < FEW,
        objects: 1,
        evidence,
        key_fields: vec![
            key("user", user, first),
            key("resource", &calls[0].0.key.resource, first),
            key("namespace", &calls[0].0.key.namespace, first),
            key("verb", &calls[0].0.key.verb, first),
        ],
        text: calls[0].0.key.message.clone(),
    })
}
