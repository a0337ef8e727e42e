//! Reads one write after the other against what is known of its object.
//!
//! In: writes in the order of time, and the states before the first. Out: a [`Change`] for each. Always true: what a write leaves
//! is what the next one of the object meets, unless the API server's count of generations says that writes between the two are not
//! in the log; nothing is compared that was not seen whole. Does not connect changes.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use super::{Change, ChangeClass, apply, classes_of, request};
use crate::{
    diagnosis::{actors, diff},
    model::{ObjectRef, record::AuditWrite, report::FieldChange, shapes::States},
};

/// What is known of every object while the day is walked through.
pub(super) struct Walk<'s> {
    states: &'s States,
    /// By cluster, since names repeat between clusters; `None`: deleted today.
    today: HashMap<(String, ObjectRef), Option<Known>>,
}

/// The last state that is known of an object.
#[derive(Clone)]
struct Known {
    body: Arc<Value>,
    /// The highest generation that the writes in the log can have brought it to; `None` for kinds that count none.
    generation: Option<u64>,
}

/// What a write met.
enum Met {
    /// Nothing, or nothing that is known.
    Unknown,
    State(Known),
    /// A state that writes made which are not in the log.
    Unseen,
}

/// What a request does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Create,
    Delete,
    Change,
    Scale,
    /// Another subresource: an eviction, a binding, a token.
    Beside,
}

impl Act {
    fn of(write: &AuditWrite) -> Self {
        match (write.subresource.as_str(), write.verb.as_str()) {
            ("", "create") => Self::Create,
            ("", "delete" | "deletecollection") => Self::Delete,
            // A server-side apply or an update of something that was not there makes it.
            ("", _) if write.code == 201 => Self::Create,
            ("", _) => Self::Change,
            ("scale", _) => Self::Scale,
            _ => Self::Beside,
        }
    }
}

impl<'s> Walk<'s> {
    pub(super) fn new(states: &'s States) -> Self {
        Self {
            states,
            today: HashMap::new(),
        }
    }

    pub(super) fn read<'a>(&mut self, write: &'a AuditWrite) -> Change<'a> {
        let object = named(write);
        let act = Act::of(write);
        let answer = write
            .response
            .as_ref()
            .filter(|body| is_object(body, &object.kind));
        let met = self.met(write, &object, act, answer);
        let after_unseen = matches!(met, Met::Unseen);
        let (before, counted) = match met {
            Met::State(known) => (Some(known.body), known.generation),
            Met::Unknown | Met::Unseen => (None, None),
        };
        let after = after(write, act, before.as_deref(), answer);
        let diff = match act {
            Act::Change | Act::Scale => difference(write, before.as_deref(), after.as_deref()),
            Act::Create | Act::Delete | Act::Beside => Vec::new(),
        };
        let same = before.is_some() && after.is_some() && diff.is_empty();
        let classes = classes(write, &object, act, &diff, same);
        if act == Act::Delete || after.is_some() {
            let known = after.clone().map(|body| Known {
                generation: generation(&body).or(counted.map(|n| n + 1)),
                body,
            });
            self.today
                .insert((write.cluster.clone(), object.clone()), known);
        }
        Change {
            write,
            actor: actors::kind_of(&write.actor),
            at_ms: write.ts_ms,
            diff,
            before,
            after_unseen,
            after,
            what: classes.first().copied().unwrap_or(ChangeClass::Other),
            classes,
            cascade: Vec::new(),
            set_off_by: None,
            object,
        }
    }

    /// The state that the write met.
    fn met(
        &self,
        write: &AuditWrite,
        object: &ObjectRef,
        act: Act,
        answer: Option<&Arc<Value>>,
    ) -> Met {
        let last = match self.today.get(&(write.cluster.clone(), object.clone())) {
            Some(today) => today.clone(),
            None => self.states.get(object).map(|state| Known {
                generation: generation(&state.body),
                body: state.body.clone(),
            }),
        };
        let answered = |answer: &Arc<Value>| {
            Met::State(Known {
                generation: generation(answer),
                body: answer.clone(),
            })
        };
        match (act, last, answer) {
            (Act::Create | Act::Beside, ..) => Met::Unknown,
            // A delete may answer with the whole object.
            (Act::Delete, None, Some(answer)) => answered(answer),
            (Act::Delete, Some(last), Some(answer)) if skipped(&last, answer) => answered(answer),
            (Act::Delete, Some(last), _) => Met::State(last),
            // Of what controllers make, intake keeps a part, which is no state to compare with.
            _ if matches!(object.kind.as_str(), "Pod" | "ReplicaSet") => Met::Unknown,
            // The same name, another object: made anew where the log did not look, or living in another cluster.
            (_, Some(last), Some(answer)) if differ(&last.body, answer, "/metadata/uid") => {
                Met::Unknown
            }
            (_, Some(last), Some(answer)) if skipped(&last, answer) => Met::Unseen,
            (_, Some(last), _) => Met::State(last),
            (_, None, _) => Met::Unknown,
        }
    }
}

/// Whether other writes must lie between the last known state and this answer: one write raises the generation by one at most (and
/// writes of metadata or status do not), and never lowers it.
fn skipped(last: &Known, answer: &Value) -> bool {
    match (last.generation, generation(answer)) {
        (Some(counted), Some(now)) => {
            now > counted + 1 || generation(&last.body).is_some_and(|then| now < then)
        }
        _ => false,
    }
}

fn generation(body: &Value) -> Option<u64> {
    body.pointer("/metadata/generation")?.as_u64()
}

/// The written object; the server's name where the request left it open.
fn named(write: &AuditWrite) -> ObjectRef {
    let mut object = write.object.clone();
    if object.name.is_empty() {
        let name = |body: &Option<Arc<Value>>| {
            let name = body.as_ref()?.pointer("/metadata/name")?.as_str()?;
            Some(name.to_owned())
        };
        let found = name(&write.response).or_else(|| name(&write.request));
        object.name = found.unwrap_or_default();
    }
    object
}

/// Whether a body is the object itself, and not a `Status` or the answer of a subresource.
fn is_object(body: &Value, kind: &str) -> bool {
    let own = body.get("kind").and_then(Value::as_str);
    let has_content = |o: &serde_json::Map<String, Value>| {
        o.keys()
            .any(|k| !matches!(k.as_str(), "kind" | "apiVersion" | "metadata"))
    };
    body.get("metadata").is_some_and(Value::is_object)
        && own.is_none_or(|own| own == kind)
        && body.as_object().is_some_and(has_content)
}

fn differ(a: &Value, b: &Value, pointer: &str) -> bool {
    matches!((a.pointer(pointer), b.pointer(pointer)), (Some(a), Some(b)) if a != b)
}

/// The state that the write left: the server's answer, else the request applied to the state before.
fn after(
    write: &AuditWrite,
    act: Act,
    before: Option<&Value>,
    answer: Option<&Arc<Value>>,
) -> Option<Arc<Value>> {
    let request = write.request.as_ref();
    match act {
        Act::Delete | Act::Beside => None,
        Act::Scale => {
            let replicas = request::scaled_to(write)?.clone();
            let mut after = counted_on(before?);
            let spec = after.get_mut("spec")?.as_object_mut()?;
            spec.insert("replicas".to_owned(), replicas);
            Some(Arc::new(after))
        }
        Act::Create | Act::Change if answer.is_some() => answer.cloned(),
        Act::Create => request
            .filter(|body| is_object(body, &write.object.kind))
            .cloned(),
        Act::Change if write.verb == "update" => request
            .filter(|body| is_object(body, &write.object.kind))
            .cloned(),
        Act::Change => {
            let before = counted_on(before?);
            apply::patched(&before, request?, is_builtin(&write.api_group)).map(Arc::new)
        }
    }
}

/// The state to apply a request to: the server will count up its generation, to a number that is not known here.
fn counted_on(before: &Value) -> Value {
    let mut state = before.clone();
    if let Some(metadata) = state.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("generation");
    }
    state
}

/// Groups of Kubernetes itself, whose kinds know strategic merge patches; custom resources do not.
fn is_builtin(group: &str) -> bool {
    !group.contains('.') || group.ends_with(".k8s.io")
}

fn difference(
    write: &AuditWrite,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Vec<FieldChange> {
    let (Some(before), Some(after)) = (before, after) else {
        return request::named(write, after);
    };
    let from_server = |body: &Value| body.pointer("/metadata/uid").is_some();
    if !from_server(before) && from_server(after) {
        // The state before is what somebody asked for, without the server's defaults: those are no changes.
        let bare = write
            .request
            .as_ref()
            .and_then(|r| apply::patched(before, r, is_builtin(&write.api_group)));
        if let Some(bare) = bare.filter(|_| write.verb == "patch") {
            return diff::diff(before, &bare);
        }
    }
    let seen = diff::diff(before, after);
    if seen.is_empty() && differ(before, after, "/metadata/generation") {
        // Something changed behind what redaction left the same: the request says where.
        return request::named(write, Some(after));
    }
    seen
}

fn classes(
    write: &AuditWrite,
    object: &ObjectRef,
    act: Act,
    diff: &[FieldChange],
    same: bool,
) -> Vec<ChangeClass> {
    use ChangeClass as C;
    let class = match act {
        Act::Create => C::Create,
        Act::Delete => C::Delete,
        Act::Scale => C::Replicas,
        Act::Beside if write.subresource == "eviction" => C::Eviction,
        Act::Beside => C::Bookkeeping,
        Act::Change if !diff.is_empty() => return classes_of(&object.kind, diff),
        Act::Change if same => C::Nothing,
        Act::Change => match object.kind.as_str() {
            "ConfigMap" => C::ConfigData,
            "Secret" => C::SecretData,
            _ => C::Other,
        },
    };
    vec![class]
}
