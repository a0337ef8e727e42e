//! A day as a round leaves it: a report with six incidents, a few events, two writes of one Deployment.

use std::path::Path;

use gengfu::{
    model::{
        Day, Evidence, EvidenceId, LogKind, ObjectRef, Origin, OwnerAlias,
        record::{Actor, AuditWrite, EventRecord, Kept},
        report::{Files, Report},
        shapes::{LineCounts, ObjectDigest},
    },
    store::{ObjectMeta, Store},
};
use serde_json::{Value, json};

/// 2026-11-21 10:02:11 in Shanghai.
const TEN_PAST: i64 = 1_795_226_531_000;

pub(crate) fn report() -> Report {
    serde_json::from_str(include_str!("fixtures/report.json")).expect("report")
}

/// Lays the day into the owner's databases and its files beside them.
pub(crate) async fn lay(data_dir: &Path, store: &Store) {
    let mut report = report();
    report.owner = store.owner().clone();
    let day = report.date;
    let (summary, analysis) = (data_dir.join("summary.txt"), data_dir.join("analysis.txt"));
    std::fs::write(&summary, "### 1. **镜像拉取失败 (Image Pull Error)**\n").expect("write");
    std::fs::write(&analysis, "# 分析\n").expect("write");
    let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    report.files = Files {
        summary: text(summary),
        analysis: text(analysis),
    };
    store.put_revision(report).await.expect("revision");
    put(store, day, LogKind::Event, events()).await;
    put(store, day, LogKind::Audit, writes()).await;
}

async fn put(store: &Store, day: Day, kind: LogKind, digest: ObjectDigest) {
    let object = ObjectMeta {
        key: format!("{kind}/1.gz"),
        etag: "e1".to_owned(),
        size: 1,
    };
    store
        .put_object(day, kind, object, digest)
        .await
        .expect("object");
}

fn id(kind: LogKind, hash: u64) -> EvidenceId {
    EvidenceId { kind, hash }
}

fn kept(id: EvidenceId, ts_ms: i64, object: &ObjectRef, text: String) -> Kept {
    let origin = Origin::Bucket {
        key: format!("{}/1.gz", id.kind),
        line: id.hash,
    };
    let evidence = Evidence {
        id,
        origin,
        sha256: format!("{:064x}", id.hash),
    };
    Kept {
        id,
        ts_ms,
        origin: evidence.origin,
        sha256: evidence.sha256,
        namespace: object.namespace.clone(),
        object: object.name.clone(),
        line: json!({ "text": text }).to_string(),
        text,
    }
}

fn events() -> ObjectDigest {
    let mut digest = ObjectDigest {
        counts: LineCounts {
            lines: 3,
            records: 3,
            ..LineCounts::default()
        },
        ..ObjectDigest::default()
    };
    let pods = [
        "checkout-6f7c9d8b5d-x2k8q",
        "checkout-6f7c9d8b5d-bcdfg",
        "cart-5c7c9d8b5d-zzzzz",
    ];
    let messages = [
        "Failed to pull image \"ccr.ccs.tencentyun.com/shop/checkout:v2.4.1-rc9\": not found",
        "Failed to pull image \"ccr.ccs.tencentyun.com/shop/checkout:v2.4.1-rc9\": not found",
        "Started container cart",
    ];
    for (n, (pod, message)) in (1_u64..).zip(pods.into_iter().zip(messages)) {
        let ts_ms = TEN_PAST + i64::try_from(n).expect("small") * 60_000;
        let object = ObjectRef::new("Pod", "shop", pod);
        let record = EventRecord {
            id: id(LogKind::Event, n),
            ts_ms,
            cluster: "cls-demo".to_owned(),
            uid: format!("event-{n}"),
            object: object.clone(),
            object_uid: format!("pod-{n}"),
            container: String::new(),
            reason: if n < 3 { "Failed" } else { "Started" }.to_owned(),
            message: message.to_owned(),
            warning: n < 3,
            component: "kubelet".to_owned(),
            host: "10.0.3.11".to_owned(),
            first_ms: ts_ms,
            last_ms: ts_ms,
            count: 1,
        };
        let text = format!("{} {object}: {message}", record.reason);
        digest.kept.push(kept(record.id, ts_ms, &object, text));
        digest.identities.push(n);
        digest.events.push(record);
    }
    digest
}

fn deployment(image: &str) -> Value {
    json!({ "kind": "Deployment", "apiVersion": "apps/v1", "metadata": { "name": "checkout", "namespace": "shop" },
        "spec": { "replicas": 3, "template": { "spec": { "containers": [{ "name": "checkout", "image": image }] } } } })
}

fn writes() -> ObjectDigest {
    let mut digest = ObjectDigest {
        counts: LineCounts {
            lines: 2,
            records: 2,
            ..LineCounts::default()
        },
        ..ObjectDigest::default()
    };
    let object = ObjectRef::new("Deployment", "shop", "checkout");
    for (n, (verb, image)) in (0x77aa_u64..).zip([
        ("update", "shop/checkout:v2.4.0"),
        ("patch", "shop/checkout:v2.4.1-rc9"),
    ]) {
        let ts_ms = TEN_PAST - 3_600_000 + i64::try_from(n - 0x77aa).expect("small") * 3_570_000;
        let write = AuditWrite {
            id: id(LogKind::Audit, n),
            ts_ms,
            cluster: "cls-demo".to_owned(),
            audit_id: format!("audit-{n}"),
            actor: Actor {
                user: "100012347138".to_owned(),
                agent: "kubectl/v1.30".to_owned(),
                ..Actor::default()
            },
            verb: verb.to_owned(),
            object: object.clone(),
            resource: "deployments".to_owned(),
            subresource: String::new(),
            api_group: "apps".to_owned(),
            code: 200,
            reason: String::new(),
            message: String::new(),
            request: None,
            response: Some(deployment(image).into()),
        };
        digest.kept.push(kept(
            write.id,
            ts_ms,
            &object,
            format!("100012347138 {verb} {object}"),
        ));
        digest.identities.push(n);
        digest.writes.push(write);
    }
    digest
}

pub(crate) fn owner(alias: &str) -> OwnerAlias {
    alias.parse().expect("alias")
}
