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

pub(super) fn symptoms(view: &View<'_>) -> Vec<Symptom> {
    let mut by_user: BTreeMap<(&str, usize), Vec<(&CallCount, f64)>> = BTreeMap::new();
    for (index, call) in view.shapes.calls.iter().enumerate() {
        if call.key.code != 403 {
            continue;
        }
        let deviation = view.deviation(&Subject::Call(index));
        if is_usual(deviation) {
            continue;
        }
        let Some((fault, _)) = view.catalogue.of_refusal(&call.key.message) else {
            continue;
        };
        let expected = deviation.map_or(0.0, |d| d.expected);
        by_user
            .entry((call.key.user.as_str(), fault))
            .or_default()
            .push((call, expected));
    }
    by_user
        .into_iter()
        .filter_map(|((user, fault), calls)| symptom(view, user, fault, &calls))
        .collect()
}

fn symptom(
    view: &View<'_>,
    user: &str,
    fault: usize,
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
    let mut named = vec![account.clone()];
    named.extend(users.iter().cloned());
    Some(Symptom {
        kind: LogKind::Audit,
        what: What::Refused {
            user: user.to_owned(),
        },
        object: users.first().cloned().or(same_name).unwrap_or(account),
        named,
        faults: vec![Suspect {
            fault,
            sign: Sign::Hint,
            weight: 1,
            place: Where::Workload,
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
