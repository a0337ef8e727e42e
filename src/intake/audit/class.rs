//! Which requests change desired state, and what kinds the resources are.
//!
//! In: the fields of an audit record. Out: yes or no, or a name. Always true: the answer depends on the request alone, not on
//! whether the API server carried it out. The tables are Kubernetes' and TKE's own names.

use super::Parts;

/// Whether the request is to change what somebody wants the cluster to be.
///
/// Heartbeats, statuses and questions are not: leases alone are a fifth of an audit log.
pub(super) fn is_write(parts: &Parts<'_>) -> bool {
    let changes = matches!(
        parts.verb.as_ref(),
        "create" | "update" | "patch" | "delete" | "deletecollection"
    );
    // Each request leaves up to three records; the last one knows how it ended.
    let is_last = !matches!(parts.stage.as_ref(), "RequestReceived" | "ResponseStarted");
    changes && is_last && is_desired_state(parts) && !is_dry_run(&parts.uri)
}

fn is_desired_state(parts: &Parts<'_>) -> bool {
    let heartbeat_or_question = matches!(
        parts.resource.as_ref(),
        "" | "leases"
            | "events"
            | "endpoints"
            | "endpointslices"
            | "componentstatuses"
            | "tokenreviews"
            | "subjectaccessreviews"
            | "localsubjectaccessreviews"
            | "selfsubjectaccessreviews"
            | "selfsubjectrulesreviews"
            | "selfsubjectreviews"
    );
    // `binding` says where a pod goes, which the event `Scheduled` says too; `exec` and its like change nothing that is declared.
    let beside_the_state = matches!(
        parts.subresource.as_ref(),
        "status" | "binding" | "token" | "exec" | "attach" | "portforward" | "proxy" | "log"
    );
    // Locks and statuses that live in ConfigMaps, written every few seconds.
    let is_lock = parts.agent.ends_with("/leader-election")
        || parts.resource == "configmaps" && parts.name == "cluster-autoscaler-status";
    !heartbeat_or_question && !beside_the_state && !is_lock
}

fn is_dry_run(uri: &str) -> bool {
    uri.split_once('?')
        .is_some_and(|(_, query)| query.split('&').any(|p| p.starts_with("dryRun=")))
}

/// Pods and ReplicaSets that a controller made out of something else. Their bodies repeat that something.
pub(super) fn is_made_by_controller(parts: &Parts<'_>) -> bool {
    matches!(parts.resource.as_ref(), "pods" | "replicasets")
        && (parts.user.starts_with("system:serviceaccount:kube-system:")
            || parts.user == "system:kube-controller-manager"
            || parts.user.starts_with("system:node:"))
}

/// The kind behind a plural resource name.
pub(super) fn kind_of(resource: &str) -> Option<&'static str> {
    Some(match resource {
        "pods" => "Pod",
        "replicasets" => "ReplicaSet",
        "deployments" => "Deployment",
        "statefulsets" => "StatefulSet",
        "daemonsets" => "DaemonSet",
        "jobs" => "Job",
        "cronjobs" => "CronJob",
        "replicationcontrollers" => "ReplicationController",
        "controllerrevisions" => "ControllerRevision",
        "services" => "Service",
        "ingresses" => "Ingress",
        "ingressclasses" => "IngressClass",
        "networkpolicies" => "NetworkPolicy",
        "configmaps" => "ConfigMap",
        "secrets" => "Secret",
        "serviceaccounts" => "ServiceAccount",
        "namespaces" => "Namespace",
        "nodes" => "Node",
        "persistentvolumeclaims" => "PersistentVolumeClaim",
        "persistentvolumes" => "PersistentVolume",
        "storageclasses" => "StorageClass",
        "volumeattachments" => "VolumeAttachment",
        "csinodes" => "CSINode",
        "csidrivers" => "CSIDriver",
        "resourcequotas" => "ResourceQuota",
        "limitranges" => "LimitRange",
        "horizontalpodautoscalers" => "HorizontalPodAutoscaler",
        "poddisruptionbudgets" => "PodDisruptionBudget",
        "priorityclasses" => "PriorityClass",
        "runtimeclasses" => "RuntimeClass",
        "podtemplates" => "PodTemplate",
        "roles" => "Role",
        "rolebindings" => "RoleBinding",
        "clusterroles" => "ClusterRole",
        "clusterrolebindings" => "ClusterRoleBinding",
        "mutatingwebhookconfigurations" => "MutatingWebhookConfiguration",
        "validatingwebhookconfigurations" => "ValidatingWebhookConfiguration",
        "validatingadmissionpolicies" => "ValidatingAdmissionPolicy",
        "validatingadmissionpolicybindings" => "ValidatingAdmissionPolicyBinding",
        "customresourcedefinitions" => "CustomResourceDefinition",
        "apiservices" => "APIService",
        "certificatesigningrequests" => "CertificateSigningRequest",
        "nodepools" => "NodePool",
        "machinesets" => "MachineSet",
        "machines" => "Machine",
        "logconfigs" => "LogConfig",
        _ => return None,
    })
}
