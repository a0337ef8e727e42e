//! The command that undoes a change, or why there is none.
//!
//! In: a change that still stands. Out: a [`Plan`]. Always true: no redacted value is ever written back; a patch is exact, and
//! guarded step by step. Does not look at what happened since.

use serde_json::Value;

use super::{
    guard::{is_redacted, without_secrets},
    patch,
    shell::{self, Target},
    words::Words,
};
use crate::diagnosis::changes::{Change, ChangeClass};

/// What is run, or why nothing is.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) command: String,
    pub(super) alternative: String,
    pub(super) patch: String,
    pub(super) why_not: Option<String>,
}

impl Plan {
    pub(super) fn run(command: String) -> Self {
        Self {
            command,
            ..Self::default()
        }
    }

    pub(super) fn by_hand(why_not: String) -> Self {
        Self {
            why_not: Some(why_not),
            ..Self::default()
        }
    }

    /// Creates a deleted object from its last body.
    pub(super) fn create_again(change: &Change<'_>, target: &Target, words: &Words<'_>) -> Self {
        if hides_data(&change.object.kind) {
            return Self::by_hand(words.hidden());
        }
        if target.is_foreign() {
            return Self::by_hand(words.foreign_kind());
        }
        let Some(body) = change.before.as_deref() else {
            return Self::by_hand(words.no_body_before());
        };
        if is_redacted(body) {
            return Self::by_hand(words.hidden());
        }
        let manifest = shell::visible_json(&manifest(body).to_string());
        let create = target.plain("create -f -");
        let manifest = shell::quoted(&manifest);
        Self::run(format!("printf '%s' {manifest} | {create}"))
    }

    /// Gives the fields their old values: by a patch where both states are known, else by revision.
    pub(super) fn take_back(
        change: &Change<'_>,
        target: &Target,
        rolled_again: bool,
        words: &Words<'_>,
    ) -> Self {
        if hides_data(&change.object.kind) {
            return Self::by_hand(words.hidden());
        }
        if change.after_unseen {
            return Self::by_hand(words.no_body_before());
        }
        let undo = (!rolled_again)
            .then(|| revision_undo(change, target))
            .flatten();
        let (Some(before), Some(after)) = (&change.before, &change.after) else {
            // The cluster still holds the old template as a ReplicaSet, even if the log does not show it.
            return undo.map_or_else(|| Self::by_hand(words.no_body_before()), Self::run);
        };
        let Some(steps) = patch::reverse(after, before).filter(|_| is_complete(before, after))
        else {
            return undo.map_or_else(|| Self::by_hand(words.no_body_before()), Self::run);
        };
        let Some(steps) = without_secrets(steps) else {
            return undo.map_or_else(|| Self::by_hand(words.hidden()), Self::run);
        };
        let patch = shell::visible_json(&Value::Array(steps).to_string());
        let command = target.command(
            "patch",
            &format!("--type=json -p {}", shell::quoted(&patch)),
        );
        let alternative = undo
            .or_else(|| simple_alternative(change, target))
            .unwrap_or_default();
        Self {
            command,
            alternative,
            patch,
            why_not: None,
        }
    }
}

/// `kubectl rollout undo`, when the whole change is one of a Deployment's pod template.
///
/// The answer to the change still carries the number of the revision that it replaces: the controller counts up only afterwards.
fn revision_undo(change: &Change<'_>, target: &Target) -> Option<String> {
    let of_template = |path: &str| path.starts_with("/spec/template/");
    let only_template = change
        .diff
        .iter()
        .all(|field| of_template(&field.path) || field.path.starts_with("/metadata/"));
    let any = change.diff.iter().any(|field| of_template(&field.path));
    if change.object.kind != "Deployment" || !only_template || !any {
        return None;
    }
    let revision = change
        .after
        .as_deref()?
        .pointer("/metadata/annotations/deployment.kubernetes.io~1revision")?
        .as_str()?;
    let revision: u64 = revision.parse().ok().filter(|n| *n > 0)?;
    Some(target.plain(&format!(
        "rollout undo {} --to-revision={revision}",
        target.slashed()
    )))
}

/// The command a person would rather type, for the two commonest reversals.
fn simple_alternative(change: &Change<'_>, target: &Target) -> Option<String> {
    let [field] = &change.diff[..] else {
        return None;
    };
    match (change.what, field.path.as_str()) {
        (ChangeClass::Replicas, "/spec/replicas") => {
            let replicas = field.old.as_u64()?;
            Some(target.plain(&format!("scale {} --replicas={replicas}", target.slashed())))
        }
        (ChangeClass::Cordon, _) if field.new == Value::Bool(true) => Some(format!(
            "kubectl uncordon {}",
            shell::quoted(&change.object.name)
        )),
        _ => None,
    }
}

/// Kinds whose data reaches us only as hashes.
fn hides_data(kind: &str) -> bool {
    matches!(kind, "Secret" | "ConfigMap")
}

/// Whether the state before came from the API server like the one after, and not from a request without the server's defaults.
fn is_complete(before: &Value, after: &Value) -> bool {
    let from_server = |body: &Value| body.pointer("/metadata/uid").is_some();
    from_server(before) || !from_server(after)
}

/// The body as it can be created again: without what the server and controllers fill in.
fn manifest(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(members) = body.as_object_mut() {
        members.remove("status");
    }
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in [
            "uid",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "managedFields",
            "selfLink",
            "ownerReferences",
            "finalizers",
        ] {
            metadata.remove(field);
        }
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
        {
            annotations.retain(|name, _| {
                !name.starts_with("deployment.kubernetes.io/")
                    && name != "kubectl.kubernetes.io/last-applied-configuration"
            });
        }
    }
    body
}
