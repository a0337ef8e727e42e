//! Who changed what, from what to what: the day's writes as changes of desired state.
//!
//! In: the audit writes of a day and the states of objects before it. Out: [`Changes`] in time order. Always true: every allowed
//! write is one [`Change`], every refused one is in `refused`; `after` of one change is `before` of the object's next; a
//! controller's write is folded under the action that set it off. Does not say whether a change broke anything.

mod apply;
mod cascade;
mod class;
mod fields;
mod names;
mod request;
mod walk;

pub use class::{ChangeClass, class_of, classes_of};

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use walk::Walk;

use super::actors;
use crate::model::{
    EvidenceId, Moment, ObjectRef,
    record::AuditWrite,
    report::{ActorKind, ChangeNote, FieldChange},
    shapes::{State, States},
};

/// How long the state of what a controller made is of use: pods and Jobs come and go without a delete that audit would show.
const KEPT_MS: i64 = 7 * 24 * 3600 * 1000;

/// A request that the API server carried out.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    pub write: &'a AuditWrite,
    pub actor: ActorKind,
    /// As in the write; the name is taken from the body when the request left it to the server (`generateName`).
    pub object: ObjectRef,
    pub at_ms: i64,
    /// Field by field; empty for a create or delete, and when the log shows no body. When the state before is not known, the
    /// fields that the request names, with `null` as their old side.
    pub diff: Vec<FieldChange>,
    /// The last state known before; `None` when there was none or it was never seen.
    pub before: Option<Arc<Value>>,
    /// Writes between the last known state and this one are not in the log, so that `before` is not known.
    pub after_unseen: bool,
    /// The state that the write left; `None` for a delete, and when it cannot be told.
    pub after: Option<Arc<Value>>,
    /// What it is about; the first of `classes`.
    pub what: ChangeClass,
    /// Everything that it touches, the gravest first.
    pub classes: Vec<ChangeClass>,
    /// Indices of the controllers' and nodes' writes that this one set off.
    pub cascade: Vec<usize>,
    /// Index of the change that set this one off.
    pub set_off_by: Option<usize>,
}

impl Change<'_> {
    #[must_use]
    pub fn id(&self) -> EvidenceId {
        self.write.id
    }

    /// Whether any part of it is of this class.
    #[must_use]
    pub fn touches(&self, class: ChangeClass) -> bool {
        self.classes.contains(&class)
    }

    /// Whether the log shows nothing of what was written (audit level `Metadata`, as TKE logs Secrets and ConfigMaps).
    #[must_use]
    pub fn body_hidden(&self) -> bool {
        self.diff.is_empty()
            && self.after.is_none()
            && !matches!(self.what, ChangeClass::Delete | ChangeClass::Eviction)
    }

    /// Whether the log shows what was written, but nothing of what stood there before: any of its fields may have changed.
    #[must_use]
    pub fn before_unknown(&self) -> bool {
        self.what == ChangeClass::Other
            && self.diff.is_empty()
            && self.before.is_none()
            && self.after.is_some()
    }

    /// The value at a JSON pointer before and after.
    #[must_use]
    pub fn sides(&self, pointer: &str) -> (Option<&Value>, Option<&Value>) {
        (
            self.before.as_deref().and_then(|b| b.pointer(pointer)),
            self.after.as_deref().and_then(|b| b.pointer(pointer)),
        )
    }

    /// The change as the report tells it.
    #[must_use]
    pub fn note(&self, zone: &jiff::tz::TimeZone) -> ChangeNote {
        ChangeNote {
            evidence: self.write.id,
            audit_id: self.write.audit_id.clone(),
            user: self.write.actor.user.clone(),
            verb: self.write.verb.clone(),
            at: Moment::new(self.at_ms, zone),
            object: self.object.clone(),
            diff: self.diff.clone(),
            actor: self.actor,
            before_unseen: self.before.is_none() && !self.diff.is_empty(),
        }
    }
}

/// The writes of a day, understood.
#[derive(Debug, Clone, Default)]
pub struct Changes<'a> {
    /// Allowed writes by time, then audit id.
    pub all: Vec<Change<'a>>,
    /// Writes that were answered with 4xx or 5xx.
    pub refused: Vec<&'a AuditWrite>,
    by_object: HashMap<ObjectRef, Vec<usize>>,
}

impl<'a> Changes<'a> {
    /// Changes of an object, by time.
    pub fn of(&self, object: &ObjectRef) -> impl DoubleEndedIterator<Item = (usize, &Change<'a>)> {
        let places = self.by_object.get(object).map_or(&[][..], Vec::as_slice);
        places.iter().map(|&i| (i, &self.all[i]))
    }

    /// Changes that nothing in the log set off: what people and pipelines did, and what controllers did on their own.
    pub fn roots(&self) -> impl DoubleEndedIterator<Item = (usize, &Change<'a>)> {
        self.all
            .iter()
            .enumerate()
            .filter(|(_, c)| c.set_off_by.is_none())
    }

    /// The states to keep for the next day: what is known of each object after its last write.
    ///
    /// Deleted objects are left out, those of a deleted namespace with it, and so is what controllers made and nobody touched for
    /// a week.
    #[must_use]
    pub fn states_after(&self, before: &States) -> States {
        let mut states = before.clone();
        for change in &self.all {
            match &change.after {
                Some(body) => {
                    let body = stripped(body);
                    let at_ms = change.at_ms;
                    states.insert(change.object.clone(), State { at_ms, body });
                }
                None if change.what == ChangeClass::Delete => {
                    states.remove(&change.object);
                    if change.object.kind == "Namespace" {
                        states.retain(|object, _| object.namespace != change.object.name);
                    }
                }
                None => {}
            }
        }
        let now = self.all.last().map_or(i64::MIN, |c| c.at_ms);
        states.retain(|object, state| {
            let made = matches!(object.kind.as_str(), "Pod" | "ReplicaSet" | "Job");
            !made || state.at_ms > now.saturating_sub(KEPT_MS)
        });
        states
    }
}

/// Reads the writes of a day (any order) against the states before it.
#[must_use]
pub fn changes<'a>(writes: &'a [AuditWrite], states: &States) -> Changes<'a> {
    let mut sorted: Vec<&AuditWrite> = writes.iter().collect();
    sorted.sort_by(|a, b| (a.ts_ms, &a.audit_id).cmp(&(b.ts_ms, &b.audit_id)));
    let (allowed, refused): (Vec<_>, Vec<_>) = sorted.into_iter().partition(|w| w.allowed());
    let mut walk = Walk::new(states);
    let mut out = Changes {
        refused,
        ..Changes::default()
    };
    for write in allowed {
        let mut change = walk.read(write);
        if is_release(&change) {
            change.actor = ActorKind::Pipeline;
        }
        out.by_object
            .entry(change.object.clone())
            .or_default()
            .push(out.all.len());
        out.all.push(change);
    }
    cascade::fold(&mut out.all);
    out
}

/// Whether an account that nothing places made a workload's pods anew, and no controller made that workload.
fn is_release(change: &Change<'_>) -> bool {
    let body = change.after.as_deref().or(change.before.as_deref());
    let owned = body.is_some_and(|b| b.pointer("/metadata/ownerReferences").is_some());
    let releases = change.classes.iter().any(|c| c.replaces_pods());
    releases && !owned && actors::may_release(&change.write.actor)
}

/// A body as it is kept between days: without the status, which is stale by then.
fn stripped(body: &Arc<Value>) -> Arc<Value> {
    let metadata = body.get("metadata");
    let is_bare = metadata.is_none_or(|m| m.get("managedFields").is_none());
    if body.get("status").is_none() && is_bare {
        return body.clone();
    }
    let mut body = Value::clone(body);
    if let Some(members) = body.as_object_mut() {
        members.remove("status");
    }
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    Arc::new(body)
}

#[cfg(test)]
pub(crate) mod tests;
