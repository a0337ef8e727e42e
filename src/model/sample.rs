//! A report for tests: the seed's six problems on one day, told at ten the next morning. Tests change what they are about.

use std::collections::BTreeMap;

use jiff::tz::{TimeZone, offset};
use serde_json::json;

use super::{
    Day, Evidence, EvidenceId, LogKind, Moment, ObjectRef, Origin, Severity,
    report::{
        ActorKind, Alternative, BaselineNote, ChainLink, ChangeNote, Coverage, FieldChange, Files,
        Finding, Incident, KeyValue, Report, Rollback, Root, SameAs, Stage, Status, Verdict,
    },
};

/// An instant in Shanghai: `2026-11-21T10:02:11`.
pub(crate) fn moment(text: &str) -> Moment {
    let zone = TimeZone::fixed(offset(8));
    let time: jiff::civil::DateTime = text.parse().expect("time");
    let instant = zone.to_timestamp(time).expect("instant");
    Moment::new(instant.as_millisecond(), &zone)
}

/// Ten o'clock of the morning after.
pub(crate) fn morning() -> Moment {
    moment("2026-11-22T10:00:00")
}

pub(crate) fn evidence(kind: LogKind, hash: u64) -> Evidence {
    Evidence {
        id: EvidenceId { kind, hash },
        origin: Origin::Bucket {
            key: format!("{kind}/2026/11/21/10/202611211005_000_1.gz"),
            line: hash,
        },
        sha256: format!("{hash:064x}"),
    }
}

type Named = (&'static str, &'static str, &'static str);

/// Cause, title, object and severity.
const PROBLEMS: [(&str, &str, Named, Severity); 6] = [
    (
        "image.not_found",
        "checkout 的镜像标签 v2.4.1-rc9 不存在，拉取失败",
        ("Deployment", "shop", "checkout"),
        Severity::Critical,
    ),
    (
        "schedule.insufficient_memory",
        "mysql 调度失败，所有节点内存不足",
        ("StatefulSet", "data", "mysql"),
        Severity::Error,
    ),
    (
        "scaling.no_metrics",
        "hpa-robot-service 自动扩缩容取不到指标",
        ("HorizontalPodAutoscaler", "shop", "hpa-robot-service"),
        Severity::Warning,
    ),
    (
        "scaling.node_group_max",
        "节点池 np-7k2 已到最大节点数，扩不上去",
        ("Node", "", "np-7k2"),
        Severity::Error,
    ),
    (
        "storage.class_missing",
        "mysql-pv-claim 指定的存储类 cbs-ssd 不存在",
        ("PersistentVolumeClaim", "data", "mysql-pv-claim"),
        Severity::Error,
    ),
    (
        "monitor.unreachable",
        "tke-monitor-agent 连不上监控服务",
        ("DaemonSet", "kube-system", "tke-monitor-agent"),
        Severity::Warning,
    ),
];

pub(crate) fn report() -> Report {
    let mut findings = Vec::new();
    let mut incidents = Vec::new();
    for (n, (cause, title, (kind, namespace, name), severity)) in PROBLEMS.into_iter().enumerate() {
        let object = ObjectRef::new(kind, namespace, name);
        let (event, business) = (format!("f{}", n * 2 + 1), format!("f{}", n * 2 + 2));
        findings.push(finding(
            &event,
            LogKind::Event,
            cause,
            title,
            &object,
            severity,
        ));
        let symptom = format!("{name} 的调用方报错 connection refused");
        findings.push(finding(
            &business,
            LogKind::Business,
            "unknown",
            &symptom,
            &object,
            severity,
        ));
        incidents.push(incident(
            n, cause, title, &object, severity, &event, &business,
        ));
    }
    if let Some(first) = incidents.first_mut() {
        change(first);
    }
    if let Some(second) = incidents.get_mut(1) {
        second.status = Status::Recovered;
        second.end = Some(moment("2026-11-21T15:10:00"));
    }
    let covered = Coverage {
        objects: 96,
        bytes: 12_345_678,
        lines: 250_000,
        records: 249_990,
        rejected: 10,
        complete: true,
        shipped: true,
        ..Coverage::default()
    };
    Report {
        schema: 1,
        owner: "demo".parse().expect("alias"),
        date: "2026-11-21".parse::<Day>().expect("day"),
        timezone: "Asia/Shanghai".to_owned(),
        revision: 2,
        stage: Stage::Complete,
        verdict: Verdict::Incidents,
        coverage: LogKind::ALL
            .into_iter()
            .map(|k| (k, covered.clone()))
            .collect(),
        baseline: BaselineNote {
            days: 7,
            of: 7,
            partial: false,
        },
        findings,
        incidents,
        chronic: Vec::new(),
        claims: Vec::new(),
        files: Files::default(),
        llm: None,
        timings_ms: BTreeMap::new(),
    }
}

/// The same day with nothing wrong.
pub(crate) fn healthy() -> Report {
    Report {
        verdict: Verdict::Healthy,
        findings: Vec::new(),
        incidents: Vec::new(),
        ..report()
    }
}

fn finding(
    id: &str,
    kind: LogKind,
    cause: &str,
    title: &str,
    object: &ObjectRef,
    severity: Severity,
) -> Finding {
    let hash = id.bytes().fold(17, |h, b| h * 31 + u64::from(b));
    let evidence = evidence(kind, hash);
    Finding {
        id: id.to_owned(),
        kind,
        cause: cause.to_owned(),
        detail: None,
        severity,
        confidence: 0.9,
        title: title.to_owned(),
        object: object.clone(),
        first_seen: moment("2026-11-21T10:02:11"),
        last_seen: moment("2026-11-21T23:40:03"),
        count: 157,
        baseline: 0.0,
        cells: crate::model::shapes::Cells::default(),
        key_fields: vec![KeyValue {
            name: "pod".to_owned(),
            value: format!("{}-6f7c9d8b5d-x2k8q", object.name),
            new: false,
            evidence: Some(evidence.id),
        }],
        evidence: vec![evidence],
    }
}

fn incident(
    n: usize,
    cause: &str,
    title: &str,
    object: &ObjectRef,
    severity: Severity,
    event: &str,
    business: &str,
) -> Incident {
    let link = |kind, finding: &str| ChainLink {
        kind,
        finding: finding.to_owned(),
    };
    Incident {
        id: format!("i{}", n + 1),
        title: title.to_owned(),
        root: Root {
            cause: cause.to_owned(),
            detail: None,
            object: object.clone(),
        },
        confidence: 0.9,
        severity,
        start: moment("2026-11-21T10:02:11"),
        end: None,
        findings: vec![event.to_owned(), business.to_owned()],
        chain: vec![
            link(LogKind::Business, business),
            link(LogKind::Event, event),
        ],
        affected: vec![object.clone()],
        change: None,
        alternatives: Vec::new(),
        fix: vec![format!("先检查 {} 的配置", object.name)],
        rollback: None,
        no_rollback: Some("没有找到引发它的改动".to_owned()),
        missing: Vec::new(),
        status: Status::Ongoing,
        checked_at: None,
        recovered_by: None,
        same_as: None,
        alerts: Vec::new(),
        identity: format!("{cause}@{object}"),
    }
}

fn change(incident: &mut Incident) {
    incident.change = Some(ChangeNote {
        evidence: evidence(LogKind::Audit, 0x77ab).id,
        audit_id: "dd7c9704-ecb7-4a28-9b08-f378d2180237".to_owned(),
        user: "100012347138".to_owned(),
        verb: "patch".to_owned(),
        at: moment("2026-11-21T10:01:40"),
        object: incident.root.object.clone(),
        diff: vec![FieldChange {
            path: "/spec/template/spec/containers/0/image".to_owned(),
            old: json!("ccr.ccs.tencentyun.com/shop/checkout:v2.4.0"),
            new: json!("ccr.ccs.tencentyun.com/shop/checkout:v2.4.1-rc9"),
        }],
        actor: ActorKind::Human,
        before_unseen: false,
    });
    incident.rollback = Some(Rollback {
        what: "把 checkout 的镜像从 v2.4.1-rc9 改回 v2.4.0".to_owned(),
        command: "kubectl -n shop rollout undo deployment/checkout".to_owned(),
        alternative: String::new(),
        patch: String::new(),
        preconditions: vec!["checkout 从那以后没有再被改过".to_owned()],
        blast_radius: "checkout 的 3 个 Pod 会重启".to_owned(),
        verify: vec!["kubectl -n shop rollout status deployment/checkout".to_owned()],
    });
    incident.no_rollback = None;
    incident.alternatives = vec![Alternative {
        cause: "image.pull_auth".to_owned(),
        object: None,
        why_not: "仓库的回答是 not found，不是 unauthorized".to_owned(),
        evidence: Vec::new(),
    }];
    incident.same_as = Some(SameAs {
        date: "2026-11-20".parse().expect("day"),
        id: "i1".to_owned(),
        days_in_row: 3,
    });
}
