//! Tells people, pipelines, controllers and nodes apart by what the API server noted of a caller.
//!
//! In: an [`Actor`] (user name, groups, user agent). Out: an [`ActorKind`]. Always true: the same caller is always the same kind;
//! whoever cannot be placed is a human, since a change by an unknown name deserves to be told. Does not look names up anywhere.

use crate::model::{record::Actor, report::ActorKind};

/// Word in a name or user agent that speaks of delivery: CI servers, GitOps controllers and deployment tools.
const DELIVERY: [&str; 32] = [
    "argo",
    "argocd",
    "flux",
    "fluxcd",
    "jenkins",
    "gitlab",
    "github",
    "gitea",
    "tekton",
    "spinnaker",
    "drone",
    "circleci",
    "buildkite",
    "teamcity",
    "bamboo",
    "harness",
    "terraform",
    "pulumi",
    "ansible",
    "helm",
    "werf",
    "skaffold",
    "kustomize",
    "rancher",
    "fleet",
    "coding",
    "devops",
    "ci",
    "cd",
    "cicd",
    "deployer",
    "pipeline",
];

/// Parts of names of what acts by rule and not for a person.
const CONTROL: [&str; 16] = [
    "controller",
    "operator",
    "manager",
    "autoscal",
    "scheduler",
    "provisioner",
    "agent",
    "exporter",
    "webhook",
    "proxy",
    "injector",
    "metrics",
    "keda",
    "vpa",
    "rollouts",
    "istio",
];

/// Agents of tools that a service account only runs on somebody's behalf: no controller is built on them.
const TOOLS: [&str; 4] = ["kubectl", "helm", "terraform", "ansible"];

/// Kind of a caller.
///
/// Names as in the Kubernetes documentation: `system:node:<name>` (group `system:nodes`) is a kubelet,
/// `system:serviceaccount:<namespace>:<name>` a service account, other `system:` names belong to the control plane. Everything
/// else (on TKE: account ids such as `100012347138`) is a person, unless the name or agent speaks of delivery.
#[must_use]
pub fn kind_of(actor: &Actor) -> ActorKind {
    let in_group = |g: &str| actor.groups.iter().any(|have| have == g);
    if actor.user.starts_with("system:node:") || in_group("system:nodes") {
        return ActorKind::Node;
    }
    let agent = actor.agent.split('/').next().unwrap_or_default();
    if let Some((_, name)) = service_account(&actor.user) {
        let delivers = speaks_of_delivery(name)
            || speaks_of_delivery(agent)
            || TOOLS.iter().any(|tool| agent.eq_ignore_ascii_case(tool));
        return if delivers {
            ActorKind::Pipeline
        } else {
            ActorKind::Controller
        };
    }
    if matches!(actor.user.as_str(), "system:admin" | "system:anonymous") {
        return ActorKind::Human;
    }
    if actor.user.starts_with("system:") || actor.user.starts_with("eks:") {
        return ActorKind::Controller;
    }
    // What stands before the colon is who vouches for the name: `github:alice` is a person.
    let name = actor.user.rsplit(':').next().unwrap_or_default();
    if speaks_of_delivery(name) || speaks_of_delivery(agent) && agent != "helm" {
        return ActorKind::Pipeline;
    }
    ActorKind::Human
}

/// Whether a service account that nothing places may be somebody's release platform: an account of the user's own, whose name and
/// agent speak of no controller. What it changes decides: see [`super::changes`].
#[must_use]
pub fn may_release(actor: &Actor) -> bool {
    let Some((namespace, name)) = service_account(&actor.user) else {
        return false;
    };
    let of_cluster = namespace.starts_with("kube-") || namespace.ends_with("-system");
    let agent = actor.agent.split('/').next().unwrap_or_default();
    let controls = |text: &str| {
        let text = text.to_ascii_lowercase();
        CONTROL.iter().any(|word| text.contains(word))
    };
    kind_of(actor) == ActorKind::Controller && !of_cluster && !controls(name) && !controls(agent)
}

/// Namespace and name of a service account's user name.
#[must_use]
pub fn service_account(user: &str) -> Option<(&str, &str)> {
    user.strip_prefix("system:serviceaccount:")?.split_once(':')
}

/// Whether the caller resizes workloads by rule: what it does is a cause of its own, not a consequence of an earlier write.
#[must_use]
pub fn is_autoscaler(actor: &Actor) -> bool {
    let name = service_account(&actor.user).map_or(actor.user.as_str(), |(_, name)| name);
    [
        "autoscaler",
        "keda",
        "vpa-",
        "node-controller",
        "descheduler",
    ]
    .iter()
    .any(|word| name.contains(word))
}

fn speaks_of_delivery(name: &str) -> bool {
    name.to_ascii_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| DELIVERY.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(user: &str, agent: &str) -> ActorKind {
        kind_of(&Actor {
            user: user.to_owned(),
            agent: agent.to_owned(),
            ..Actor::default()
        })
    }

    #[test]
    fn callers_are_told_apart_by_name_and_agent() {
        use ActorKind::{Controller, Human, Node, Pipeline};
        for (user, agent, expected) in [
            ("100012347138", "kubectl/v1.28.3 (darwin/arm64)", Human),
            ("100012347140", "tke-platform-api/v2.1", Human),
            ("kubernetes-admin", "helm/v3.14", Human),
            ("system:anonymous", "curl/8", Human),
            ("github:alice", "kubectl/v1.28.3", Human),
            ("alice@example.com", "Lens/5", Human),
            (
                "system:serviceaccount:ops:ci-deployer",
                "kubectl/v1.28.3",
                Pipeline,
            ),
            (
                "system:serviceaccount:ops:builder",
                "kubectl/v1.28.3",
                Pipeline,
            ),
            (
                "system:serviceaccount:argocd:argocd-application-controller",
                "argocd-application-controller/v2.9.3",
                Pipeline,
            ),
            (
                "system:serviceaccount:flux-system:kustomize-controller",
                "kustomize-controller/v1",
                Pipeline,
            ),
            ("jenkins", "okhttp/4", Pipeline),
            (
                "system:serviceaccount:kube-system:deployment-controller",
                "kube-controller-manager/v1.28",
                Controller,
            ),
            (
                "system:serviceaccount:cert-manager:cert-manager",
                "cert-manager/v1.13",
                Controller,
            ),
            (
                "system:serviceaccount:ops:order-controller",
                "order-controller/0.5.2",
                Controller,
            ),
            (
                "system:kube-scheduler",
                "kube-scheduler/v1.28.3",
                Controller,
            ),
            ("system:apiserver", "kube-apiserver/v1.28", Controller),
            ("system:node:10.0.3.11", "kubelet/v1.28.3", Node),
        ] {
            assert_eq!(kind(user, agent), expected, "{user} {agent}");
        }
    }

    #[test]
    fn an_account_of_the_users_own_may_be_a_release_platform() {
        let may = |user: &str, agent: &str| {
            may_release(&Actor {
                user: user.to_owned(),
                agent: agent.to_owned(),
                ..Actor::default()
            })
        };
        assert!(may(
            "system:serviceaccount:paas:app-publisher",
            "publisher/2.1"
        ));
        for (user, agent) in [
            (
                "system:serviceaccount:ops:order-controller",
                "order-controller/0.5.2",
            ),
            ("system:serviceaccount:kube-system:tke-cni", "tke-cni/1"),
            ("system:serviceaccount:istio-system:gateway", "pilot/1"),
            ("100012347138", "kubectl/v1.28.3"),
        ] {
            assert!(!may(user, agent), "{user}");
        }
    }

    #[test]
    fn a_word_inside_a_word_does_not_make_a_pipeline() {
        assert_eq!(kind("lucifer", "kubectl/v1"), ActorKind::Human);
        assert_eq!(
            kind("system:serviceaccount:ops:recipe-cdn", "recipe/1"),
            ActorKind::Controller
        );
    }
}
