//! Cluster DNS that does not answer: names that several services fail to resolve at once.
//!
//! In: symptoms of calls. Out: one [`Candidate`] at the DNS server, with its change where one fits. Always true: within a quarter of an
//! hour at least two callers failed with two names; a name server that answers "no such name" is only blamed for names that are
//! there, or for those of many owners. Does not resolve anything.

use std::collections::BTreeSet;

use super::{Candidate, Search, Tier, callees};
use crate::{
    diagnosis::{
        causes,
        faults::CallMode,
        symptoms::{Symptom, What},
    },
    model::ObjectRef,
};

/// What fails at once fails within so many five minutes: traffic at night is thin.
const AT_ONCE_CELLS: u16 = 3;
/// Names outside the cluster that are all said not to exist; fewer are a partner's mistake or a typing error.
const OWNERS: usize = 3;

/// Names that several services fail to resolve at once.
pub(super) fn unresolved(search: Search<'_>) -> Option<Candidate> {
    let own = failing_at_once(search);
    let first = own
        .iter()
        .map(|i| &search.symptoms[*i])
        .min_by_key(|s| s.from_ms)?;
    let fault_index = search.catalogue.index("dns.down")?;
    let cause = causes::cause_of(
        search.scene,
        &search.catalogue.faults()[fault_index],
        first,
        false,
    );
    let is_dns = |w: &&ObjectRef| {
        w.namespace == "kube-system" && w.name.contains("dns") && w.kind != "DaemonSet"
    };
    let server = search.scene.objects.workloads().find(is_dns).cloned();
    let server = server.unwrap_or_else(|| ObjectRef::new("Deployment", "kube-system", "coredns"));
    Some(Candidate {
        carried: None,
        fault: fault_index,
        object: cause
            .as_ref()
            .map_or_else(|| server.clone(), |c| c.root.clone()),
        tier: if cause.is_some() {
            Tier::NamedAndChanged
        } else {
            Tier::Named
        },
        cause,
        weight: 1,
        from_ms: first.from_ms,
        to_ms: own.iter().map(|i| search.symptoms[*i].to_ms).max()?,
        reach: own
            .iter()
            .filter_map(|i| callees(&search.symptoms[*i]))
            .filter(|c| c.1)
            .flat_map(|c| c.0.iter().cloned())
            .chain([server])
            .collect(),
        own,
    })
}

/// Symptoms of names that do not resolve, in the stretches in which the name server is to blame.
fn failing_at_once(search: Search<'_>) -> Vec<usize> {
    let resolving = |s: &Symptom| {
        let What::Call { mode, .. } = &s.what else {
            return false;
        };
        s.counts() && matches!(mode, CallMode::Dns | CallMode::NoName)
    };
    let all: Vec<usize> = (0..search.symptoms.len())
        .filter(|i| resolving(&search.symptoms[*i]))
        .collect();
    let cells: BTreeSet<u16> = all
        .iter()
        .flat_map(|i| search.symptoms[*i].cells.iter())
        .map(|(cell, _)| cell)
        .collect();
    let mut blamed: BTreeSet<usize> = BTreeSet::new();
    for cell in cells {
        let during = |i: &usize| {
            let window = (cell, cell.saturating_add(AT_ONCE_CELLS - 1));
            search.symptoms[*i].cells.between(window.0, window.1) > 0
        };
        let at_once: Vec<usize> = all.iter().copied().filter(during).collect();
        if at_once.iter().any(|i| !blamed.contains(i)) && is_server(search, &at_once) {
            blamed.extend(at_once);
        }
    }
    blamed.into_iter().collect()
}

/// Whether what fails at once is the name server's doing.
fn is_server(search: Search<'_>, at_once: &[usize]) -> bool {
    let symptoms = || at_once.iter().map(|i| &search.symptoms[*i]);
    let callers: BTreeSet<&ObjectRef> = symptoms().map(|s| &s.object).collect();
    let (mut firm, mut denied) = (BTreeSet::new(), BTreeSet::new());
    for symptom in symptoms() {
        let What::Call {
            mode, to, outside, ..
        } = &symptom.what
        else {
            continue;
        };
        let name = outside.as_deref().map_or_else(
            || {
                to.iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" ")
            },
            |host| domain(host).to_owned(),
        );
        match (mode, outside) {
            (CallMode::NoName, Some(_)) => denied.insert(name),
            // A name of the cluster that nobody knows is a mistyped one.
            (CallMode::NoName, None) if name.is_empty() => false,
            _ => firm.insert(name),
        };
    }
    callers.len() > 1 && (firm.len() > 1 || denied.len() >= OWNERS)
}

/// The part of a host's name that its owner registered, after the public suffix list: `api.pay.example.com.cn` is `example.com.cn`.
pub(super) fn domain(host: &str) -> &str {
    psl::domain_str(host).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_one_owner_share_a_domain() {
        assert_eq!(domain("api.pay.example.com.cn"), "example.com.cn");
        assert_eq!(domain("sms.vendor.example.cn"), "example.cn");
        assert_eq!(domain("localhost"), "localhost");
    }
}
