//! The class of a field, by the kind of its object and its place in it.
//!
//! In: a kind and a JSON pointer. Out: a [`ChangeClass`]. Always true: every field has one; custom resources with a pod template
//! are read like workloads. Does not know values. The names are those of the Kubernetes API reference.

use super::ChangeClass;

/// The class of the field at `path` in an object of `kind`.
pub(super) fn class_of_path(kind: &str, path: &str) -> ChangeClass {
    use ChangeClass as C;
    if path.ends_with("/kubectl.kubernetes.io~1restartedAt") || path.ends_with("/restartedAt") {
        return C::Restart;
    }
    if let Some(rest) = path.strip_prefix("/metadata/") {
        return of_metadata(kind, rest);
    }
    let of_kind = match kind {
        "ConfigMap" => Some(C::ConfigData),
        "Secret" => Some(C::SecretData),
        "NetworkPolicy" => Some(C::NetworkPolicy),
        "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" | "ServiceAccount" => {
            Some(C::Rbac)
        }
        "ResourceQuota" | "LimitRange" => Some(C::Quota),
        "StorageClass" => Some(C::StorageClass),
        "PersistentVolumeClaim" | "PersistentVolume" => Some(C::Claim),
        "HorizontalPodAutoscaler" | "VerticalPodAutoscaler" | "PodDisruptionBudget" => {
            Some(C::Autoscaling)
        }
        "Ingress" | "IngressClass" | "Gateway" | "HTTPRoute" | "VirtualService"
        | "DestinationRule" => Some(C::Ingress),
        _ if kind.ends_with("WebhookConfiguration")
            || kind.starts_with("ValidatingAdmissionPolicy") =>
        {
            Some(C::Webhook)
        }
        _ => None,
    };
    if let Some(class) = of_kind {
        return class;
    }
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    match kind {
        "Service" => of_service(&steps),
        "Node" => match steps.get(1) {
            Some(&"taints") => C::Taint,
            Some(&"unschedulable") => C::Cordon,
            _ => C::Bookkeeping,
        },
        _ => of_workload(path, &steps),
    }
}

/// Labels and annotations are for people, except where the platform reads its settings from them.
fn of_metadata(kind: &str, path: &str) -> ChangeClass {
    use ChangeClass as C;
    let (map, name) = path.split_once('/').unwrap_or((path, ""));
    match (kind, map) {
        // What node selectors and affinities look at.
        ("Node", "labels") => C::Scheduling,
        // Sidecar injection, pod security and network policies choose namespaces by label.
        ("Namespace", "labels") => C::Other,
        ("Ingress", "annotations") => C::Ingress,
        // `service.cloud.tencent.com/sync-begin-time` and the like are the controller's diary.
        ("Service", "annotations") if !name.contains("sync-") => C::Service,
        (_, "labels" | "annotations") => C::Label,
        _ => C::Bookkeeping,
    }
}

fn of_service(steps: &[&str]) -> ChangeClass {
    match steps.get(1) {
        Some(&"selector") => ChangeClass::ServiceSelector,
        Some(&"ports") => ChangeClass::ServicePorts,
        _ => ChangeClass::Service,
    }
}

/// Workloads, bare pods, and custom resources that look like them.
fn of_workload(path: &str, steps: &[&str]) -> ChangeClass {
    use ChangeClass as C;
    let spec = steps
        .iter()
        .rposition(|s| *s == "containers" || *s == "initContainers");
    if let Some(at) = spec {
        return match steps.get(at + 2).copied() {
            // `None`: a whole container came or went.
            Some("image" | "imagePullPolicy") | None => C::Image,
            Some("command" | "args" | "workingDir") => C::Command,
            Some("resources") => C::Resources,
            Some("livenessProbe" | "readinessProbe" | "startupProbe") => C::Probe,
            Some("env" | "envFrom") => C::Env,
            Some("volumeMounts" | "volumeDevices") => C::Volumes,
            Some("ports") => C::ContainerPorts,
            Some("securityContext") => C::Identity,
            Some(_) => C::PodSettings,
        };
    }
    if let Some(at) = steps.windows(2).rposition(|w| w == ["template", "spec"]) {
        return of_pod_spec(steps.get(at + 2).copied());
    }
    if steps.windows(2).any(|w| w == ["template", "metadata"]) {
        // Charts put a checksum of the configuration here for no other purpose than to restart.
        let restarts = path.contains("checksum");
        return if restarts { C::Restart } else { C::PodLabels };
    }
    if steps
        .get(1..3)
        .is_some_and(|s| s == ["jobTemplate", "spec"])
    {
        return of_workload(path, &steps[2..]);
    }
    match steps.get(1).copied() {
        Some("replicas" | "parallelism" | "completions") => C::Replicas,
        Some("selector") => C::Scheduling,
        Some(
            "strategy"
            | "updateStrategy"
            | "paused"
            | "minReadySeconds"
            | "progressDeadlineSeconds"
            | "revisionHistoryLimit"
            | "podManagementPolicy"
            | "backoffLimit"
            | "activeDeadlineSeconds",
        ) => C::Strategy,
        Some(
            "schedule" | "suspend" | "concurrencyPolicy" | "startingDeadlineSeconds" | "timeZone",
        ) => C::Schedule,
        Some("volumeClaimTemplates") => C::Claim,
        Some("finalizers") => C::Bookkeeping,
        step => of_pod_spec(step),
    }
}

fn of_pod_spec(field: Option<&str>) -> ChangeClass {
    use ChangeClass as C;
    match field {
        Some(
            "nodeSelector"
            | "affinity"
            | "tolerations"
            | "topologySpreadConstraints"
            | "nodeName"
            | "priorityClassName"
            | "priority"
            | "schedulerName"
            | "runtimeClassName",
        ) => C::Scheduling,
        Some("volumes") => C::Volumes,
        Some(
            "serviceAccountName"
            | "serviceAccount"
            | "imagePullSecrets"
            | "securityContext"
            | "automountServiceAccountToken",
        ) => C::Identity,
        Some("hostNetwork") => C::ContainerPorts,
        Some(
            "terminationGracePeriodSeconds"
            | "restartPolicy"
            | "dnsPolicy"
            | "dnsConfig"
            | "hostAliases"
            | "hostPID"
            | "hostIPC"
            | "enableServiceLinks"
            | "shareProcessNamespace"
            | "hostname"
            | "subdomain",
        ) => C::PodSettings,
        _ => C::Other,
    }
}
