//! Cluster DNS that does not answer: names that several services fail to resolve at once.
//!
//! In: symptoms of calls. Out: one [`Candidate`] at the DNS server, with its change where one fits. Always true: at least two callers
//! and two names are concerned. Does not resolve anything.

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

/// Names that several services fail to resolve at once.
pub(super) fn unresolved(search: Search<'_>) -> Option<Candidate> {
    let own: Vec<usize> = (0..search.symptoms.len())
        .filter(|i| {
            let s = &search.symptoms[*i];
            s.counts()
                && matches!(
                    s.what,
                    What::Call {
                        mode: CallMode::Dns,
                        ..
                    }
                )
        })
        .collect();
    let callers: BTreeSet<&ObjectRef> = own.iter().map(|i| &search.symptoms[*i].object).collect();
    let targets: BTreeSet<String> = own.iter().map(|i| target(&search.symptoms[*i])).collect();
    if callers.len() < 2 || targets.len() < 2 {
        return None;
    }
    let fault_index = search.catalogue.index("dns.down")?;
    let first = own
        .iter()
        .map(|i| &search.symptoms[*i])
        .min_by_key(|s| s.from_ms)?;
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

fn target(s: &Symptom) -> String {
    match &s.what {
        What::Call {
            outside: Some(host),
            ..
        } => host.clone(),
        What::Call { to, .. } => to
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" "),
        _ => String::new(),
    }
}
