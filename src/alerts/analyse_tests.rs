//! An alarm with what lay around it: what is told of cause, measures and policy.

use jiff::tz::TimeZone;
use serde_json::json;

use super::*;
use crate::{
    alerts::{Source, around::window, gather, inbox, read},
    model::{EvidenceId, LogKind, Origin, record::Kept, report::Verdict, sample},
    store::{ObjectMeta, Store},
};

const CLUSTER_ALARM: &str = "集群ID cls-l9taan9w, CPU总配置 > 0核, 当前数值 3.859核(CPU总配置), 地域 南京, 触发时间 2025-07-29 12:17:00, 告警级别 -, 恢复时间.";
const CATALOG_ALARM: &str = r#"{"alarmStatus":"1","alarmType":"metric","alarmObjInfo":{"region":"gz","dimensions":{"namespace":"shop",
    "workload_kind":"Deployment","workload_name":"catalog"}},"alarmPolicyInfo":{"policyId":"p-1","policyName":"Pod 重启",
    "conditions":{"metricName":"restarts","metricShowName":"Pod 重启次数","calcType":">","calcValue":"3","currentValue":"5","unit":"次"}},
    "firstOccurTime":"2026-11-21 10:30:00","recoverTime":"0"}"#;

fn shanghai() -> TimeZone {
    TimeZone::get("Asia/Shanghai").expect("zone")
}

fn around(alarm: &Alarm, lines: Vec<Kept>, report: bool) -> Around {
    let (from, to) = window(alarm);
    let moment = |ms| Moment::new(ms, &shanghai());
    let seen = report || !lines.is_empty();
    Around {
        report: report.then(sample::report),
        logs: LogsSeen {
            from: moment(from),
            to: moment(to),
            source: if seen {
                LogSource::Store
            } else {
                LogSource::None
            },
            lines: lines.len() as u64,
            cut: false,
            notes: Vec::new(),
        },
        lines,
        past: Vec::new(),
        zone: shanghai(),
    }
}

fn told(alarm: &str, lines: Vec<Kept>, report: bool) -> (Analysis, String) {
    let alarm = read(alarm.as_bytes(), 0);
    let catalogue = Catalogue::builtin().expect("catalogue");
    let analysis = analyse(&alarm, &around(&alarm, lines, report), &catalogue, Lang::Zh);
    let spoken = analysis.spoken(&Ask::new(sample::morning(), Lang::Zh));
    assert!(
        spoken.chars().count() <= voice::NORMAL_CHARS && spoken.ends_with('？'),
        "{spoken}"
    );
    (analysis, spoken)
}

fn kept(kind: LogKind, object: &str, text: &str, line: &str) -> Kept {
    Kept {
        id: EvidenceId {
            kind,
            hash: text.len() as u64,
        },
        ts_ms: sample::moment("2026-11-21T10:28:00").ms,
        origin: Origin::Bucket {
            key: "k".to_owned(),
            line: 1,
        },
        sha256: String::new(),
        namespace: "shop".to_owned(),
        object: object.to_owned(),
        text: text.to_owned(),
        line: line.to_owned(),
    }
}

#[test]
fn the_cluster_alarm_of_the_mission_is_a_policy_to_mend_whatever_the_logs_hold() {
    let (analysis, spoken) = told(CLUSTER_ALARM, Vec::new(), true);
    assert_eq!(analysis.conclusion, Conclusion::Policy);
    assert!(analysis.incidents.is_empty() && analysis.signs.is_empty());
    assert!(
        spoken.contains("告警策略有问题") && !spoken.contains("集群忙。"),
        "{spoken}"
    );
}

#[test]
fn an_incident_of_the_object_explains_with_its_measures_and_its_rollback() {
    let alarm = CATALOG_ALARM.replace("catalog", "checkout");
    let (analysis, spoken) = told(&alarm, Vec::new(), true);
    assert_eq!(
        (analysis.conclusion, analysis.incidents[0].id.as_str()),
        (Conclusion::Incident, "i1")
    );
    assert!(
        analysis.measures[0].contains("回滚"),
        "{:?}",
        analysis.measures
    );
    assert!(
        spoken.contains("checkout") && spoken.contains("原因是"),
        "{spoken}"
    );
    assert_eq!(analysis.report.map(|r| r.1), Some(2));
}

#[test]
fn without_an_incident_the_logs_of_its_object_speak() {
    let event = json!({"__TIMESTAMP__": 1_795_228_080_000_i64, "event": {"metadata": {"uid": "e1", "namespace": "shop", "name": "x"},
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "catalog-6f7c9d8b5d-x2k8q"}, "reason": "BackOff", "type": "Warning",
        "message": "Back-off restarting failed container server in pod catalog-6f7c9d8b5d-x2k8q_shop(uid)", "count": 4,
        "firstTimestamp": "2026-11-21T02:20:00Z", "lastTimestamp": "2026-11-21T02:28:00Z"}}).to_string();
    let lines = vec![
        kept(
            LogKind::Event,
            "catalog-6f7c9d8b5d-x2k8q",
            "BackOff",
            &event,
        ),
        kept(
            LogKind::Business,
            "catalog-6f7c9d8b5d-x2k8q",
            "ERROR java.lang.OutOfMemoryError: Java heap space",
            "{}",
        ),
        kept(
            LogKind::Business,
            "catalog-6f7c9d8b5d-x2k8q",
            "INFO all is well",
            "{}",
        ),
        kept(
            LogKind::Business,
            "pricing-6f7c9d8b5d-x2k8q",
            "ERROR not mine",
            "{}",
        ),
    ];
    let (analysis, spoken) = told(CATALOG_ALARM, lines, true);
    assert_eq!(analysis.conclusion, Conclusion::Signs, "{analysis:?}");
    let kinds: Vec<LogKind> = analysis.signs.iter().map(|s| s.kind).collect();
    assert_eq!(kinds.len(), 2, "{:?}", analysis.signs);
    assert!(kinds.contains(&LogKind::Event) && kinds.contains(&LogKind::Business));
    assert!(
        analysis
            .signs
            .iter()
            .all(|s| s.object.name == "catalog" && s.count == 1)
    );
    assert!(
        spoken.contains("原因是") && !analysis.measures.is_empty(),
        "{spoken}"
    );
}

#[test]
fn the_lines_that_the_sender_attached_speak_where_the_logs_do_not() {
    let line = "ERROR java.lang.OutOfMemoryError: Java heap space";
    let body = json!({"kind": "cls_alarm", "alarm": "支付报错", "alarmId": "alarm-1", "notifyType": 1, "topicId": "t-1", "start": 1_795_228_200,
        "queryLog": [[{"content": {"__CONTENT__": line, "__TAG__": {"namespace": "shop", "pod_name": "catalog-6f7c9d8b5d-x2k8q"}}},
            {"content": {"__CONTENT__": line}}, {"content": {"__CONTENT__": "INFO all is well"}}]]}).to_string();
    let (analysis, spoken) = told(&body, Vec::new(), false);
    assert_eq!(analysis.conclusion, Conclusion::Signs, "{analysis:?}");
    let [sign] = &analysis.signs[..] else {
        panic!("{:?}", analysis.signs)
    };
    assert_eq!((sign.object.name.as_str(), sign.count), ("catalog", 2));
    assert!(sign.cause.is_some() && sign.evidence.is_empty());
    assert!(
        spoken.contains("原因是") && spoken.contains(&sign.name),
        "{spoken}"
    );
    assert!(analysis.page(Lang::Zh).contains("告警自带"));
    // The same line of the logs is the better witness.
    let stored = kept(LogKind::Business, "catalog-6f7c9d8b5d-x2k8q", line, "{}");
    let (analysis, _) = told(&body, vec![stored], false);
    assert_eq!((analysis.signs.len(), analysis.signs[0].count), (1, 1));
    assert_eq!(analysis.signs[0].evidence.len(), 1);
}

#[test]
fn who_changed_the_object_shortly_before_is_named_and_not_called_the_cause() {
    let write = |name: &str, minute: i64| {
        let at_ms = sample::moment("2026-11-21T10:00:00").ms + minute * 60_000;
        let line = json!({"__TIMESTAMP__": at_ms, "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": format!("a-{name}-{minute}"),
            "stage": "ResponseComplete", "verb": "patch", "user": {"username": "100012347138"}, "requestObject": {"spec": {"replicas": 0}},
            "objectRef": {"resource": "deployments", "apiGroup": "apps", "namespace": "shop", "name": name}, "responseStatus": {"code": 200}});
        kept(LogKind::Audit, name, "patch", &line.to_string())
    };
    for (lines, named) in [
        (vec![write("catalog", 20), write("pricing", 24)], "catalog"),
        (vec![write("pricing", 24)], "pricing"),
    ] {
        let (analysis, spoken) = told(CATALOG_ALARM, lines, true);
        assert_eq!(analysis.conclusion, Conclusion::Change, "{analysis:?}");
        assert!(
            spoken.contains("可能和这个改动有关")
                && spoken.contains(named)
                && !spoken.contains("原因是"),
            "{spoken}"
        );
        assert!(
            analysis.measures[0].contains(named),
            "{:?}",
            analysis.measures
        );
    }
    // What came after the alarm did not set it off, and nobody is sent to look at it.
    let (analysis, _) = told(CATALOG_ALARM, vec![write("catalog", 31)], true);
    assert_eq!(analysis.conclusion, Conclusion::Nothing);
    let named = analysis.measures.iter().find(|m| m.contains("catalog"));
    assert_eq!(named, None);
}

#[test]
fn logs_without_anything_abnormal_and_no_logs_at_all_are_told_apart() {
    let (quiet, _) = told(CATALOG_ALARM, Vec::new(), true);
    assert_eq!(quiet.conclusion, Conclusion::Nothing);
    let (unseen, _) = told(CATALOG_ALARM, Vec::new(), false);
    assert_eq!(unseen.conclusion, Conclusion::Unseen);
    assert_ne!(quiet.measures, unseen.measures);
}

#[test]
fn the_threshold_and_what_was_looked_at_are_both_said() {
    let body = r#"{"alarmStatus":"1","alarmType":"metric","alarmObjInfo":{"region":"gz","dimensions":{"tke_cluster_instance_id":"cls-7a1b2c3d",
        "namespace":"shop","workload_kind":"Deployment","workload_name":"NAME","pod_name":"NAME-6f7c9d8b5d-x2k8q","node":"10.0.3.17"}},
        "alarmPolicyInfo":{"policyId":"policy-n4exeh88","policyName":"pod 内存利用率","conditions":{"metricName":"K8sPodRateMemNoCacheLimit",
        "metricShowName":"Pod 内存利用率(占limit,不含cache)","calcType":">","calcValue":"90","calcUnit":"%","currentValue":"97.2","unit":"%"}},
        "firstOccurTime":"2026-11-21 10:30:00","recoverTime":"0"}"#;
    let catalogue = Catalogue::builtin().expect("catalogue");
    for name in ["catalog", "recommendation-service"] {
        let alarm = read(body.replace("NAME", name).as_bytes(), 0);
        for (report, cut, lang, says) in [
            (
                false,
                false,
                Lang::Zh,
                ["大于百分之90", "这个时间的日志还没有分析"],
            ),
            (
                true,
                true,
                Lang::Zh,
                ["大于百分之90", "没看全，看过的没有异常"],
            ),
            (
                true,
                false,
                Lang::Zh,
                ["大于百分之90", "前后的日志没有异常"],
            ),
            (true, false, Lang::En, ["above 90", "show nothing abnormal"]),
        ] {
            let mut around = around(&alarm, Vec::new(), report);
            around.logs.cut = cut;
            let analysis = analyse(&alarm, &around, &catalogue, lang);
            let spoken = analysis.spoken(&Ask::new(sample::morning(), lang));
            for part in says {
                assert!(spoken.contains(part), "{spoken}");
            }
        }
    }
}

#[test]
fn what_the_logs_report_is_told_without_its_header_and_not_called_the_cause() {
    let line = "2026-11-21 10:28:00.123 ERROR 1 --- [http-nio-8080-exec-3] c.e.catalog.CatalogController   : payment of order refused";
    let stored = kept(LogKind::Business, "catalog-6f7c9d8b5d-x2k8q", line, "{}");
    let (analysis, spoken) = told(CATALOG_ALARM, vec![stored], true);
    assert_eq!(analysis.conclusion, Conclusion::Signs);
    assert!(
        spoken.contains("日志里报错：payment of order refused"),
        "{spoken}"
    );
    for header in ["http-nio", "ERROR", "原因是"] {
        assert!(!spoken.contains(header), "{spoken}");
    }
}

#[test]
fn the_json_has_the_names_that_outsiders_rely_on() {
    let (analysis, _) = told(
        &CATALOG_ALARM.replace("catalog", "checkout"),
        Vec::new(),
        true,
    );
    let value = serde_json::to_value(&analysis).expect("json");
    for name in [
        "alarm",
        "meaning",
        "incidents",
        "measures",
        "policy_problem",
        "logs",
    ] {
        assert!(value.get(name).is_some(), "{name}");
    }
    assert_eq!(value["incidents"][0]["root"]["cause"], "image.not_found");
    for name in ["from", "to", "source", "lines", "cut"] {
        assert!(value["logs"].get(name).is_some(), "logs.{name}");
    }
    assert_eq!(value["logs"]["from"], "2026-11-21T10:15:00+08:00");
    let back: Analysis = serde_json::from_value(value).expect("reads back");
    assert_eq!(back, analysis);
}

#[tokio::test]
async fn the_store_gives_the_day_its_lines_and_what_was_before() {
    let dir = tempfile::tempdir().expect("dir");
    let store = Store::open(dir.path(), &"demo".parse().expect("alias")).expect("store");
    let earlier = CATALOG_ALARM.replace("10:30", "08:10");
    inbox::receive(
        &store,
        earlier.as_bytes(),
        Source::Tcop,
        sample::moment("2026-11-21T08:10:05").ms,
    )
    .await
    .expect("kept");
    store.put_revision(sample::report()).await.expect("report");
    let line = kept(
        LogKind::Business,
        "catalog-6f7c9d8b5d-x2k8q",
        "ERROR boom",
        "{}",
    );
    let digest = crate::model::shapes::ObjectDigest {
        kept: vec![line],
        identities: vec![1],
        ..Default::default()
    };
    let meta = ObjectMeta {
        key: "k".to_owned(),
        etag: String::new(),
        size: 1,
    };
    store
        .put_object(
            "2026-11-21".parse().expect("day"),
            LogKind::Business,
            meta,
            digest,
        )
        .await
        .expect("put");
    let alarm = read(CATALOG_ALARM.as_bytes(), 0);
    let around = gather(&store, &alarm, &shanghai(), None)
        .await
        .expect("around");
    assert_eq!((around.lines.len(), around.past.len()), (1, 1));
    assert!(around.report.is_some());
    // The morning after, before that day was run: yesterday's report is all there is.
    let next = read(CATALOG_ALARM.replace("11-21", "11-22").as_bytes(), 0);
    let around = gather(&store, &next, &shanghai(), None)
        .await
        .expect("around");
    assert_eq!(around.logs.source, LogSource::None);
    assert_eq!(
        around.report.map(|r| r.date.to_string()).as_deref(),
        Some("2026-11-21")
    );
}

#[tokio::test]
async fn a_report_without_any_record_is_not_taken_for_a_quiet_day() {
    let dir = tempfile::tempdir().expect("dir");
    let store = Store::open(dir.path(), &"demo".parse().expect("alias")).expect("store");
    let mut report = sample::report();
    report.verdict = Verdict::Unknown;
    report.incidents.clear();
    report.findings.clear();
    store.put_revision(report).await.expect("report");
    let alarm = read(CATALOG_ALARM.as_bytes(), 0);
    let around = gather(&store, &alarm, &shanghai(), None)
        .await
        .expect("around");
    assert_eq!(around.logs.source, LogSource::None);
    let catalogue = Catalogue::builtin().expect("catalogue");
    let analysis = analyse(&alarm, &around, &catalogue, Lang::Zh);
    assert_eq!(analysis.conclusion, Conclusion::Unseen);
}
