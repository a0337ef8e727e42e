//! What the catalogue's patterns of events and changes say.
//!
//! In: compiled by [`super::load`]. Out: whether an event fits, and what a change must be to count as a cause. Always true: a pattern
//! is data of `resources/faults.toml` and of nothing else. Does not weigh anything.

use regex::Regex;
use serde::Deserialize;

use super::Sign;
use crate::{diagnosis::changes::ChangeClass, model::ObjectRef};

/// What an event looks like.
#[derive(Debug, Clone)]
pub struct EventPattern {
    /// Any of these; empty: any reason.
    pub reasons: Vec<String>,
    pub kinds: Vec<String>,
    /// Pattern of the name of the event's object.
    pub on: Option<Regex>,
    /// A capture group `name` names the accused object.
    pub message: Option<Regex>,
    pub not: Option<Regex>,
    /// Kind of the accused object.
    pub names: Option<String>,
    pub object: Where,
    pub sign: Sign,
    /// Said of all other nodes when a pod is made for one of them: no reason beside another one.
    pub pinned: bool,
    /// Only where nothing else fits.
    pub last: bool,
}

/// Which object an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Where {
    /// The workload of the event's pod.
    #[default]
    Workload,
    /// The event's own object.
    #[serde(rename = "self")]
    Own,
    /// The object that the message names.
    Named,
    /// The node that the event's pod ran on.
    Host,
    /// The workload whose container was killed on the event's node.
    Oom,
}

/// Which changes bring a fault about.
#[derive(Debug, Clone)]
pub struct ChangePattern {
    pub classes: Vec<ChangeClass>,
    /// Kinds of the changed object; empty: any.
    pub kinds: Vec<String>,
    pub of: Relation,
    pub root: RootIs,
    /// Without such a change it is another fault.
    pub must: bool,
    /// The object tells the cause, however long before it was changed.
    pub strong: bool,
    /// Only when this quantity became smaller.
    pub lowered: Option<Quantity>,
    /// Pattern of the changed object's name.
    pub name: Option<Regex>,
    /// Pattern of the new value of a changed field.
    pub value: Option<Regex>,
    /// Pattern of the path of a changed field.
    pub field: Option<Regex>,
}

/// How the changed object is related to the one that suffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The same object.
    #[serde(rename = "self")]
    Own,
    /// A ConfigMap or Secret that it uses.
    Config,
    /// A Secret that its images are pulled with.
    PullSecret,
    /// What callers go through to reach it: the workload, a Service before it, a policy around it.
    Service,
    /// Lies in the same namespace.
    Namespace,
    /// A node.
    Node,
    /// A role or binding of the account that was refused.
    Subject,
    /// The object that the message names.
    Named,
    /// An object of the whole cluster.
    Cluster,
    /// A part of the cluster's own machinery, known by its name.
    Component,
}

/// What can be given less of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantity {
    Cpu,
    Memory,
    /// How many pods there are, or may be.
    Replicas,
}

/// Where the root lies when a change brought the fault about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RootIs {
    Change,
    Symptom,
}

/// An event that a fault's pattern fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMatch {
    /// Index into [`super::Catalogue::faults`].
    pub fault: usize,
    pub sign: Sign,
    pub object: Where,
    /// Kind and name of the object that the message accuses.
    pub named: Option<(String, String)>,
    /// How many nodes a scheduler names for this reason; 0 elsewhere.
    pub nodes: u32,
    /// As [`EventPattern::pinned`].
    pub pinned: bool,
}

impl EventPattern {
    /// When it fits: the object that the message names, and how many nodes it counts.
    pub(super) fn fits(
        &self,
        object: &ObjectRef,
        reason: &str,
        message: &str,
    ) -> Option<(Option<(String, String)>, u32)> {
        let reason_fits = self.reasons.is_empty() || self.reasons.iter().any(|r| r == reason);
        let kind_fits = self.kinds.is_empty() || self.kinds.contains(&object.kind);
        let name_fits = self.on.as_ref().is_none_or(|on| on.is_match(&object.name));
        if !reason_fits || !kind_fits || !name_fits {
            return None;
        }
        let wrong = |text: &str| self.not.as_ref().is_some_and(|n| n.is_match(text));
        let Some(pattern) = &self.message else {
            return (!wrong(message)).then_some((None, 0));
        };
        if pattern.capture_names().flatten().any(|name| name == "n") {
            let nodes = |clause: &str| {
                let captures = pattern.captures(clause).filter(|_| !wrong(clause))?;
                let n = captures.name("n").and_then(|n| n.as_str().parse().ok());
                Some(n.unwrap_or(1))
            };
            let counted: Vec<u32> = reasons(message).filter_map(nodes).collect();
            return (!counted.is_empty()).then(|| (None, counted.iter().sum()));
        }
        let captures = pattern.captures(message).filter(|_| !wrong(message))?;
        let accused = captures.name("name").map(|name| {
            let kind = captures.name("kind").map(|k| k.as_str().to_owned());
            let kind = kind.or_else(|| self.names.clone()).unwrap_or_default();
            (kind, name.as_str().to_owned())
        });
        Some((accused, 0))
    }
}

/// The reasons of a scheduler's message, each with the number of nodes it rules out:
/// `0/8 nodes are available: 3 node(s) had untolerated taint {a: b}, 5 Insufficient cpu.`
fn reasons(message: &str) -> impl Iterator<Item = &str> {
    let starts = |(at, _): &(usize, char)| {
        let counted = message[*at..]
            .split_once(' ')
            .is_some_and(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        counted && (*at == 0 || message[..*at].ends_with([' ', '\n']))
    };
    let mut cuts: Vec<usize> = message
        .char_indices()
        .filter(|(_, c)| c.is_ascii_digit())
        .filter(starts)
        .map(|(at, _)| at)
        .collect();
    cuts.push(message.len());
    let ends: Vec<(usize, usize)> = cuts.windows(2).map(|w| (w[0], w[1])).collect();
    ends.into_iter().map(|(from, to)| &message[from..to])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedulers_message_falls_into_its_reasons() {
        let message = "0/8 nodes are available: 3 node(s) had untolerated taint {dedicated: gpu}, 1 node(s) had taint {a: b}, that the pod didn't tolerate, 4 Insufficient cpu. preemption: 0/8 nodes are available: 8 No preemption victims found.";
        let found: Vec<&str> = reasons(message).collect();
        assert_eq!(
            found[..3],
            [
                "3 node(s) had untolerated taint {dedicated: gpu}, ",
                "1 node(s) had taint {a: b}, that the pod didn't tolerate, ",
                "4 Insufficient cpu. preemption: 0/8 nodes are available: ",
            ]
        );
    }
}
