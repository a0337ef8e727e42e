//! The sample cluster: its services, how they talk in peace, and the verbs a story is told with.
//!
//! In: a day to live through. Out: [`Line`]s. Always true: randomness comes from a counter, so every run tells the same.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{dice::Dice, records::utc, ship::Line};
use crate::model::DayRange;

pub(super) const SECOND: i64 = 1000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const CLUSTER: &str = "cls-demo0001";
pub(super) const NODES: [&str; 5] = [
    "10.20.0.11",
    "10.20.0.12",
    "10.20.0.13",
    "10.20.0.14",
    "10.20.0.15",
];

/// How a service writes its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Nginx,
    Logback,
    Zap,
    Python,
}

/// name, namespace, style, replicas, port, MiB of memory requested.
const SERVICES: [(&str, &str, Style, usize, u16, u32); 6] = [
    ("storefront", "shop", Style::Nginx, 3, 80, 128),
    ("orders", "shop", Style::Logback, 3, 8080, 1024),
    ("basket", "shop", Style::Zap, 2, 8080, 256),
    ("lookup", "shop", Style::Python, 2, 8000, 512),
    ("billing", "pay", Style::Logback, 2, 8080, 1024),
    ("stock", "shop", Style::Zap, 2, 9090, 256),
];

#[derive(Debug, Clone)]
pub(super) struct Service {
    pub name: &'static str,
    pub ns: &'static str,
    pub style: Style,
    pub port: u16,
    pub image: String,
    /// Pod name and node.
    pub pods: Vec<(String, &'static str)>,
    pub deployment: Value,
}

impl Service {
    pub(super) fn host(&self) -> String {
        format!("{}.{}.svc.cluster.local:{}", self.name, self.ns, self.port)
    }
}

#[derive(Debug)]
pub(super) struct Cluster {
    pub out: Vec<Line>,
    pub services: BTreeMap<&'static str, Service>,
    pub dice: Dice,
    version: u64,
    /// (object, reason, message) -> event uid, first time, count.
    pub events: BTreeMap<(String, String, String), (String, i64, u64)>,
}

/// Who makes a request, and with what.
pub(super) const ALICE: (&str, &str) = (
    "100000000101",
    "kubectl/v1.28.3 (darwin/arm64) kubernetes/a8a1abc",
);
pub(super) const BOB: (&str, &str) = ("100000000102", "tke-console/v2 Go-http-client/1.1");
pub(super) const PIPELINE: (&str, &str) = (
    "system:serviceaccount:ops:deployer",
    "kubectl/v1.28.3 (linux/amd64) kubernetes/a8a1abc",
);

fn controller(name: &str) -> (String, String) {
    let user = format!("system:serviceaccount:kube-system:{name}");
    let agent = format!("kube-controller-manager/v1.28.3 (linux/amd64) kubernetes/a8a1abc/{user}");
    (user, agent)
}

impl Cluster {
    pub(super) fn new(start_ms: i64) -> Self {
        let mut it = Self {
            out: Vec::new(),
            services: BTreeMap::new(),
            dice: Dice::new(7),
            version: 41_000_000,
            events: BTreeMap::new(),
        };
        for (name, ns, style, replicas, port, memory) in SERVICES {
            let image = format!("ccr.ccs.tencentyun.com/{ns}/{name}:1.4.{}", it.dice.roll(9));
            let rs = it.dice.suffix(10);
            let pods = (0..replicas)
                .map(|i| {
                    (
                        format!("{name}-{rs}-{}", it.dice.suffix(5)),
                        NODES[(i + name.len()) % 4],
                    )
                })
                .collect();
            let deployment = json!({"kind": "Deployment", "apiVersion": "apps/v1",
                "metadata": {"name": name, "namespace": ns, "uid": it.dice.uuid(), "resourceVersion": it.next_version(), "generation": 3,
                    "creationTimestamp": utc(start_ms - 60 * 24 * HOUR), "labels": {"app": name}, "annotations": {"deployment.kubernetes.io/revision": "3"}},
                "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                    "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
                    "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": name, "image": image,
                        "ports": [{"containerPort": port, "protocol": "TCP"}],
                        "resources": {"requests": {"cpu": "250m", "memory": format!("{memory}Mi")}, "limits": {"cpu": "1", "memory": format!("{}Mi", memory * 2)}},
                        "readinessProbe": {"httpGet": {"path": "/health", "port": port, "scheme": "HTTP"}, "timeoutSeconds": 2, "periodSeconds": 10}}]}}}});
            it.services.insert(
                name,
                Service {
                    name,
                    ns,
                    style,
                    port,
                    image,
                    pods,
                    deployment,
                },
            );
        }
        it
    }

    /// An ordinary day: traffic, the same few errors as every day, the noise that is always there. `first` also shows each
    /// object once in full, so that a later change has a before.
    pub(super) fn ordinary_day(&mut self, day: &DayRange, first: bool) {
        if first {
            for service in self.services.clone().into_values() {
                let body = service.deployment.clone();
                self.audit(
                    day.start_ms + HOUR,
                    PIPELINE,
                    "patch",
                    ("deployments", "apps"),
                    (service.ns, service.name),
                    200,
                    &body,
                    &body,
                );
            }
        }
        for service in self.services.clone().into_values() {
            for i in 0..240 {
                let ms = day.start_ms + i * 6 * MINUTE + self.dice.delay(6 * MINUTE);
                self.routine(&service, ms);
            }
        }
        for i in 0..24 {
            let ms = day.start_ms + i * HOUR + self.dice.delay(HOUR);
            let user = self.dice.roll(90_000);
            self.say(
                "orders",
                ms,
                "WARN",
                &format!("coupon rejected for user u{user}: already used"),
                None,
            );
            self.say(
                "lookup",
                ms + 9 * MINUTE,
                "WARN",
                &format!("slow query took {}ms", 1000 + i * 37),
                None,
            );
            self.event(ms, ("Pod", "ops", "old-exporter-7c9d5b6f84-x8k2v"), true, "BackOff", "kubelet",
                "Back-off restarting failed container old-exporter in pod old-exporter-7c9d5b6f84-x8k2v_ops(5b0b9c1e-77aa-4f0e-9d6e-0c1f6a2b3c4d)", 12);
            let denied = "volumeattachments.storage.k8s.io is forbidden: User \"system:serviceaccount:kube-system:tke-kube-state-metrics\" cannot list resource \"volumeattachments\" in API group \"storage.k8s.io\" at the cluster scope";
            self.refuse(
                ms + MINUTE,
                "system:serviceaccount:kube-system:tke-kube-state-metrics",
                ("volumeattachments", "storage.k8s.io"),
                denied,
            );
        }
        for (i, node) in (0..288).zip(NODES.into_iter().cycle()) {
            let lease = json!({"kind": "Lease", "spec": {"holderIdentity": node, "leaseDurationSeconds": 40}});
            self.audit(
                day.start_ms + i * 5 * MINUTE,
                (&format!("system:node:{node}"), "kubelet/v1.28.3"),
                "update",
                ("leases", "coordination.k8s.io"),
                ("kube-node-lease", node),
                200,
                &lease,
                &lease,
            );
        }
    }

    fn routine(&mut self, service: &Service, ms: i64) {
        let (n, cost) = (self.dice.roll(90_000), self.dice.roll(180) + 3);
        let text = match service.style {
            Style::Nginx => return self.access(ms, 200, cost, "/api/items"),
            Style::Logback => format!("order O{n:08} accepted, cost={cost}ms"),
            Style::Zap => format!("served request for sku {n}"),
            Style::Python => format!("query finished hits={} took={cost}ms", n % 50),
        };
        self.say(service.name, ms, "INFO", &text, None);
    }

    /// Changes one field of a Deployment and lets its controllers answer with a new ReplicaSet and one new pod, whose name is returned.
    pub(super) fn roll_out(
        &mut self,
        ms: i64,
        who: (&str, &str),
        service: &'static str,
        pointer: &str,
        value: Value,
    ) -> String {
        let revision = self.next_version();
        let (rs, pod) = (
            format!("{service}-{}", self.dice.suffix(10)),
            self.dice.suffix(5),
        );
        let Some(s) = self.services.get_mut(service) else {
            return String::new();
        };
        if let Some(field) = s.deployment.pointer_mut(pointer) {
            *field = value;
        }
        s.deployment["metadata"]["resourceVersion"] = json!(revision);
        let generation = s.deployment["metadata"]["generation"].as_i64().unwrap_or(1) + 1;
        s.deployment["metadata"]["generation"] = json!(generation);
        s.deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] =
            json!(generation.to_string());
        let (ns, body) = (s.ns, s.deployment.clone());
        self.audit(
            ms,
            who,
            "update",
            ("deployments", "apps"),
            (ns, service),
            200,
            &body,
            &body,
        );
        let set = json!({"kind": "ReplicaSet", "apiVersion": "apps/v1", "metadata": {"name": rs, "namespace": ns, "labels": {"app": service},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": service, "uid": body["metadata"]["uid"], "controller": true}]},
            "spec": {"replicas": 1, "selector": body["spec"]["selector"], "template": body["spec"]["template"]}});
        let (user, agent) = controller("deployment-controller");
        self.audit(
            ms + 60,
            (&user, &agent),
            "create",
            ("replicasets", "apps"),
            (ns, &rs),
            201,
            &set,
            &set,
        );
        self.event(
            ms + 900,
            ("Deployment", ns, service),
            false,
            "ScalingReplicaSet",
            "deployment-controller",
            &format!("Scaled up replica set {rs} to 1"),
            1,
        );
        let name = format!("{rs}-{pod}");
        self.event(
            ms + 1500,
            ("ReplicaSet", ns, &rs),
            false,
            "SuccessfulCreate",
            "replicaset-controller",
            &format!("Created pod: {name}"),
            1,
        );
        name
    }

    pub(super) fn next_version(&mut self) -> String {
        self.version += 1 + u64::from(self.dice.roll(9));
        self.version.to_string()
    }
}
