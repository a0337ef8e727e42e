//! What a change is about, by the fields it touches.
//!
//! In: a difference. Out: its [`ChangeClass`]es. Always true: every field has a class; the order of the classes is how much they
//! can break, so the greatest class of a change names it. Does not weigh values.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::class_of_path;
use crate::model::report::FieldChange;

/// What a field or a write is about, the least harmful first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeClass {
    /// Both states are known and equal: a server-side apply without change.
    Nothing,
    /// Bookkeeping of the API server or of a controller (status, binding, finalizers).
    Bookkeeping,
    /// Labels and annotations that nothing selects by.
    Label,
    /// Fields this list does not know.
    Other,
    /// The restart annotation of the pod template: new pods of the same making.
    Restart,
    /// Rollout strategy, minReadySeconds, paused, history.
    Strategy,
    /// Termination grace, lifecycle hooks, restart policy, DNS policy, host settings.
    PodSettings,
    /// Labels and annotations that a workload gives its pods.
    PodLabels,
    /// Minimum, maximum or metrics of an autoscaler; disruption budgets.
    Autoscaling,
    /// When and whether a CronJob runs.
    Schedule,
    /// Host, path, certificate or backend of an Ingress or gateway route.
    Ingress,
    /// Parameters of a StorageClass.
    StorageClass,
    /// A PersistentVolumeClaim or PersistentVolume.
    Claim,
    /// Security context, service account, pull secrets of a pod.
    Identity,
    /// Command and arguments.
    Command,
    /// Volumes and their mounts.
    Volumes,
    /// Container and host ports.
    ContainerPorts,
    /// Environment variables.
    Env,
    /// Data of a ConfigMap.
    ConfigData,
    /// Data of a Secret.
    SecretData,
    /// Node selector, affinity, tolerations, priority, spread; a workload's own selector.
    Scheduling,
    Replicas,
    /// Requests and limits.
    Resources,
    /// Liveness, readiness and startup probes.
    Probe,
    Image,
    /// Type, address or traffic policy of a Service.
    Service,
    ServicePorts,
    ServiceSelector,
    NetworkPolicy,
    /// Roles, bindings and service accounts.
    Rbac,
    /// ResourceQuota and LimitRange.
    Quota,
    /// Admission webhooks and policies.
    Webhook,
    /// Taints of a node.
    Taint,
    /// A node was closed for new pods, or opened.
    Cordon,
    /// A pod was asked to leave its node.
    Eviction,
    Create,
    Delete,
}

impl ChangeClass {
    /// Whether the running system can notice it.
    #[must_use]
    pub fn has_effect(self) -> bool {
        self > Self::Label
    }

    /// Whether it makes the workload's pods anew.
    #[must_use]
    pub const fn replaces_pods(self) -> bool {
        matches!(
            self,
            Self::Restart
                | Self::PodLabels
                | Self::PodSettings
                | Self::Identity
                | Self::Command
                | Self::Volumes
                | Self::ContainerPorts
                | Self::Env
                | Self::Scheduling
                | Self::Resources
                | Self::Probe
                | Self::Image
        )
    }
}

/// Classes of a difference, the gravest first, without repetition.
#[must_use]
pub fn classes_of(kind: &str, diff: &[FieldChange]) -> Vec<ChangeClass> {
    let mut classes: Vec<_> = diff.iter().map(|change| class_of(kind, change)).collect();
    classes.sort_unstable_by(|a, b| b.cmp(a));
    classes.dedup();
    classes
}

/// Class of one field. When a whole subtree comes or goes, the gravest class inside it.
#[must_use]
pub fn class_of(kind: &str, change: &FieldChange) -> ChangeClass {
    let inside = if change.new.is_null() {
        &change.old
    } else {
        &change.new
    };
    let here = class_of_path(kind, &change.path);
    let Value::Object(members) = inside else {
        return here;
    };
    members
        .keys()
        .map(|name| class_of_path(kind, &format!("{}/{name}", change.path)))
        .fold(here, Ord::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn class(kind: &str, path: &str) -> ChangeClass {
        class_of(
            kind,
            &FieldChange {
                path: path.to_owned(),
                old: json!(1),
                new: json!(2),
            },
        )
    }

    #[test]
    fn a_field_says_what_a_change_is_about() {
        use ChangeClass as C;
        for (kind, path, expected) in [
            (
                "Deployment",
                "/spec/template/spec/containers/0/image",
                C::Image,
            ),
            (
                "CronJob",
                "/spec/jobTemplate/spec/template/spec/containers/1/image",
                C::Image,
            ),
            (
                "Deployment",
                "/spec/template/spec/containers/0/resources/limits/memory",
                C::Resources,
            ),
            (
                "Deployment",
                "/spec/template/spec/containers/0/livenessProbe/httpGet/port",
                C::Probe,
            ),
            (
                "Deployment",
                "/spec/template/spec/containers/0/env/3",
                C::Env,
            ),
            (
                "Deployment",
                "/spec/template/spec/nodeSelector",
                C::Scheduling,
            ),
            (
                "Deployment",
                "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt",
                C::Restart,
            ),
            ("Deployment", "/spec/replicas", C::Replicas),
            ("Deployment", "/spec/paused", C::Strategy),
            ("Deployment", "/metadata/labels/team", C::Label),
            (
                "Deployment",
                "/spec/template/metadata/labels/version",
                C::PodLabels,
            ),
            ("Node", "/metadata/labels/disk", C::Scheduling),
            (
                "Ingress",
                "/metadata/annotations/nginx.ingress.kubernetes.io~1rewrite-target",
                C::Ingress,
            ),
            ("Service", "/spec/selector/app", C::ServiceSelector),
            ("Service", "/spec/ports/0/targetPort", C::ServicePorts),
            ("Node", "/spec/taints", C::Taint),
            ("Node", "/spec/unschedulable", C::Cordon),
            ("ResourceQuota", "/spec/hard/pods", C::Quota),
            ("ConfigMap", "/data/app.yaml", C::ConfigData),
            ("Pod", "/spec/containers/0/image", C::Image),
        ] {
            assert_eq!(class(kind, path), expected, "{kind} {path}");
        }
    }

    #[test]
    fn the_gravest_class_names_a_change() {
        let field = |path: &str| FieldChange {
            path: path.to_owned(),
            old: json!(1),
            new: json!(2),
        };
        let diff = [
            field("/metadata/labels/team"),
            field("/spec/template/spec/containers/0/env/0/value"),
            field("/spec/template/spec/containers/0/image"),
        ];
        assert_eq!(
            classes_of("Deployment", &diff),
            [ChangeClass::Image, ChangeClass::Env, ChangeClass::Label]
        );
    }
}
