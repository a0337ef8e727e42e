//! Who owns, runs on and calls whom, from a few events, lines and states.

use serde_json::json;

use super::*;
use crate::{
    diagnosis::changes::{self, tests::write},
    model::{
        EvidenceId, Level, LogKind,
        shapes::{Cells, EventSeries, Sample, State, TemplateDay, TemplateId},
    },
};

fn event(object: (&str, &str, &str), reason: &str, message: &str) -> EventSeries {
    EventSeries {
        cluster: String::new(),
        uid: format!("{reason}-{}", object.2),
        object: ObjectRef::new(object.0, object.1, object.2),
        object_uid: String::new(),
        container: String::new(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        warning: false,
        component: String::new(),
        host: String::new(),
        cells: Cells::default(),
        before: 0,
        born_ms: 0,
        first_ms: 0,
        last_ms: 0,
        evidence: Vec::new(),
    }
}

fn template(namespace: &str, name: &str, pod: &str, text: &str) -> TemplateDay {
    TemplateDay {
        id: TemplateId(1),
        text: text.to_owned(),
        service: Service {
            cluster: String::new(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            container: name.to_owned(),
        },
        level: Level::Error,
        cells: Cells::default(),
        first_ms: 0,
        last_ms: 0,
        samples: vec![Sample {
            id: EvidenceId {
                kind: LogKind::Business,
                hash: 7,
            },
            ts_ms: 0,
            pod: pod.to_owned(),
            text: text.to_owned(),
        }],
        fields: Vec::new(),
    }
}

fn state(body: Value) -> (ObjectRef, State) {
    let text = |at: &str| {
        body.pointer(at)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let object = ObjectRef::new(
        text("/kind"),
        text("/metadata/namespace"),
        text("/metadata/name"),
    );
    let body = body.into();
    (object, State { at_ms: 0, body })
}

/// A Deployment `web` in `shop` that uses things, its Service and autoscaler, and a database in `data`.
fn cluster() -> States {
    [
        json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"template": {
            "metadata": {"labels": {"app": "web", "tier": "front"}},
            "spec": {"imagePullSecrets": [{"name": "registry"}], "containers": [{"name": "web",
                "env": [{"name": "DB", "value": "jdbc:mysql://order-db.data.svc.cluster.local:3306/shop"},
                        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "web-db", "key": "p"}}}],
                "envFrom": [{"configMapRef": {"name": "web-config"}}]}],
                "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "uploads"}},
                            {"name": "c", "projected": {"sources": [{"secret": {"name": "ca"}}]}}]}}}}),
        json!({"kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"clusterIP": "172.18.0.7", "selector": {"app": "web"}}}),
        json!({"kind": "StatefulSet", "metadata": {"name": "order-db", "namespace": "data"}, "spec": {
            "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
            "template": {"metadata": {"labels": {"app": "order-db"}}, "spec": {"containers": []}}}}),
        json!({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "web-hpa", "namespace": "shop"}, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}}}),
    ]
    .map(state)
    .into()
}

fn named(kind: &str, namespace: &str, name: &str) -> ObjectRef {
    ObjectRef::new(kind, namespace, name)
}

#[test]
fn pods_are_given_to_their_workloads() {
    let shapes = DayShapes {
        events: vec![
            event(
                ("ReplicaSet", "shop", "web-6f7c9d8b5d"),
                "SuccessfulCreate",
                "Created pod: web-6f7c9d8b5d-x2k8q",
            ),
            event(
                ("Deployment", "shop", "web"),
                "ScalingReplicaSet",
                "Scaled up replica set web-6f7c9d8b5d to 2 from 1",
            ),
            event(
                ("CronJob", "ops", "report"),
                "SuccessfulCreate",
                "Created job report-29921130",
            ),
            event(
                ("Job", "ops", "report-29921130"),
                "SuccessfulCreate",
                "Created pod: report-29921130-x2k8q",
            ),
            event(
                ("Pod", "shop", "web-6f7c9d8b5d-x2k8q"),
                "Scheduled",
                "Successfully assigned shop/web-6f7c9d8b5d-x2k8q to 10.0.3.11",
            ),
            event(
                ("Pod", "data", "order-db-0"),
                "Started",
                "Started container order-db",
            ),
        ],
        ..DayShapes::default()
    };
    let (states, none) = (cluster(), changes::changes(&[], &States::new()));
    let objects = Objects::build(&shapes, &states, &none);
    let of = |ns, pod| objects.workload_of_pod(ns, pod);
    assert_eq!(
        of("shop", "web-6f7c9d8b5d-x2k8q"),
        Some(named("Deployment", "shop", "web"))
    );
    assert_eq!(
        of("ops", "report-29921130-x2k8q"),
        Some(named("CronJob", "ops", "report"))
    );
    assert_eq!(
        of("data", "order-db-0"),
        Some(named("StatefulSet", "data", "order-db"))
    );
    assert_eq!(
        of("kube-system", "tke-bridge-agent-5m2xq"),
        Some(named("DaemonSet", "kube-system", "tke-bridge-agent"))
    );
    assert_eq!(of("shop", "debug"), None);
    assert_eq!(
        objects.workload_of(&named("ReplicaSet", "shop", "web-6f7c9d8b5d")),
        Some(named("Deployment", "shop", "web"))
    );
    assert_eq!(
        objects.node_of("shop", "web-6f7c9d8b5d-x2k8q"),
        Some("10.0.3.11")
    );
    assert_eq!(
        objects.pods_on("10.0.3.11").collect::<Vec<_>>(),
        [("shop", "web-6f7c9d8b5d-x2k8q")]
    );
    assert_eq!(
        objects
            .pods_of(&named("Deployment", "shop", "web"))
            .collect::<Vec<_>>(),
        ["web-6f7c9d8b5d-x2k8q"]
    );
}

#[test]
fn what_a_workload_uses_is_known_in_both_directions() {
    let shapes = DayShapes {
        events: vec![event(
            ("Pod", "data", "order-db-0"),
            "Started",
            "Started container order-db",
        )],
        ..DayShapes::default()
    };
    let (states, none) = (cluster(), changes::changes(&[], &States::new()));
    let objects = Objects::build(&shapes, &states, &none);
    let web = named("Deployment", "shop", "web");
    for (kind, name) in [
        ("ConfigMap", "web-config"),
        ("Secret", "web-db"),
        ("Secret", "registry"),
        ("Secret", "ca"),
        ("PersistentVolumeClaim", "uploads"),
        ("ServiceAccount", "default"),
    ] {
        assert_eq!(
            objects.users_of_config(kind, "shop", name),
            vec![web.clone()],
            "{kind} {name}"
        );
    }
    assert_eq!(
        objects.claims_of(&named("StatefulSet", "data", "order-db")),
        [named("PersistentVolumeClaim", "data", "data-order-db-0")]
    );
    assert_eq!(
        objects.hpas_of(&web),
        [named("HorizontalPodAutoscaler", "shop", "web-hpa")]
    );
}

#[test]
fn a_service_that_lost_its_pods_still_belongs_to_them() {
    let broken = json!({"kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"selector": {"app": "wbe"}}});
    let writes = [write(
        50,
        "1000",
        "update",
        ("Service", "shop", "web"),
        Value::Null,
        broken,
    )];
    let (shapes, states) = (DayShapes::default(), cluster());
    let changes = changes::changes(&writes, &states);
    let objects = Objects::build(&shapes, &states, &changes);
    let (web, service) = (
        named("Deployment", "shop", "web"),
        named("Service", "shop", "web"),
    );
    assert_eq!(objects.services_selecting(&web, 49), vec![service.clone()]);
    assert_eq!(objects.services_selecting(&web, 50), []);
    assert_eq!(objects.workloads_behind(&service), vec![web.clone()]);
    assert_eq!(
        objects
            .spec_of(&service, 60)
            .and_then(|b| b.pointer("/spec/selector/app")),
        Some(&json!("wbe"))
    );
}

#[test]
fn calls_are_learned_from_settings_and_lines() {
    let shapes = DayShapes {
        templates: vec![template(
            "shop",
            "gateway",
            "gateway-6f7c9d8b5d-x2k8q",
            "connect() failed, upstream: \"http://172.18.0.7:80/api\"",
        )],
        ..DayShapes::default()
    };
    let (states, none) = (cluster(), changes::changes(&[], &States::new()));
    let objects = Objects::build(&shapes, &states, &none);
    let web = named("Deployment", "shop", "web");
    let seen: Vec<_> = objects
        .calls()
        .iter()
        .map(|c| {
            (
                c.from.name.as_str(),
                c.to.name.as_str(),
                c.port,
                c.via,
                c.workloads.len(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("gateway", "web", Some(80), Via::Line, 1),
            ("web", "order-db", Some(3306), Via::Setting, 1)
        ]
    );
    assert_eq!(objects.calls_to(&web).count(), 1);
}
