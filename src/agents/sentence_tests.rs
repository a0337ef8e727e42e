//! Sentences of a model about one change and one call, held against them: the true ones pass and the turned ones do not.
//!
//! In: a report with a change of CPU and replicas, and a finding of a refused call. Out: which of the sentences are believed.

use serde_json::json;

use crate::model::{
    Lang, ObjectRef,
    report::{ClaimKind, FieldChange, Report},
    sample,
};

use super::{
    claims::{
        Draft,
        tests::{faults_of, records},
    },
    fault::Fault,
};

fn day() -> Report {
    let mut report = sample::report();
    report.findings[1].title = "order-api 调用 checkout 被拒绝".to_owned();
    let caller = ObjectRef::new("Deployment", "shop", "order-api");
    report.incidents[0].affected.push(caller);
    if let Some(change) = &mut report.incidents[0].change {
        let diff = |path: &str, old, new| FieldChange {
            path: path.to_owned(),
            old,
            new,
        };
        let cpu = "/spec/template/spec/containers/0/resources/limits/cpu";
        change.diff = vec![
            diff(cpu, json!("500m"), json!("12")),
            diff("/spec/replicas", json!(12), json!(3)),
        ];
    }
    report
}

/// What is wrong with a sentence that cites a finding, its record and the change.
fn faults(text: &str, finding: usize, kind: ClaimKind, lang: Lang) -> Vec<Fault> {
    let report = day();
    let mut records = records(&report);
    let own = report.findings[finding].evidence[0].id;
    if let Some(kept) = records.get_mut(&own) {
        kept.text += " readiness check failed, checked 503, took 3366ms, waits 30s then 2.5s, restarting, OOMKilled";
    }
    let change = report.incidents[0].change.as_ref().map(|c| c.evidence);
    let draft = Draft {
        text: text.to_owned(),
        kind,
        findings: vec![report.findings[finding].id.clone()],
        evidence: [Some(own), change]
            .into_iter()
            .flatten()
            .map(|id| id.to_string())
            .collect(),
    };
    faults_of(&draft, &report, &records, lang)
}

#[test]
fn a_change_is_told_in_its_order_however_it_is_worded() {
    let observed = |text: &str, lang| faults(text, 0, ClaimKind::Observed, lang);
    for text in [
        "`100012347138` 在 10:01 把 checkout 的 CPU 从 500m 改为 12",
        "`100012347138` 在 10:01 修改了 checkout，把 CPU 从 500m 改为 12",
        "`100012347138` 在 10:01 修改了 checkout，将 CPU 从 500m 调整到 12 核",
        "`100012347138` 在 10:01 把 checkout 的 CPU 改为 12 核",
        "`100012347138` 在 10:01 把 checkout 从 12 个副本改为 3 个副本",
        "`100012347138` 在 10:01 把 checkout 的副本从 12 个改为 3 个",
    ] {
        assert_eq!(observed(text, Lang::Zh), [], "{text}");
    }
    for text in [
        "`100012347138` 在 10:01 把 checkout 的 CPU 从 12 改为 500m",
        "`100012347138` 在 10:01 把 checkout 的 CPU 从 12 调整到 500m",
        "`100012347138` 在 10:01 把 checkout 的 CPU 从 12 更改为 500m",
        "`100012347138` 在 10:01 把 checkout 的 CPU 改为 500m",
        "`100012347138` 在 10:01 把 checkout 的 CPU 调整到 500m",
        "checkout 的 CPU 在 10:01 12 -> 500m",
        "`100012347138` 在 10:01 把 checkout 从 3 个副本改为 12 个副本",
        "`100012347138` 在 10:01 把 checkout 的副本从 3 个改为 12 个",
        "`100012347138` 在 10:01 修改了 checkout，把副本从 3 个调整为 12 个",
    ] {
        let found = observed(text, Lang::Zh);
        let is_turned = |f: &Fault| matches!(f, Fault::Word(w) if w.contains("->"));
        assert!(found.iter().any(is_turned), "{text} {found:?}");
    }
    let holds = "`100012347138` changed checkout at 10:01 from 12 to 3 replicas";
    assert_eq!(observed(holds, Lang::En), []);
    for text in [
        "`100012347138` changed checkout at 10:01 from 3 up to 12 replicas",
        "`100012347138` changed checkout at 10:01 from 3 replicas to 12",
        "`100012347138` changed the cpu of checkout at 10:01 to 500m",
    ] {
        let found = observed(text, Lang::En);
        let is_turned = |f: &Fault| matches!(f, Fault::Word(w) if w.contains("->"));
        assert!(found.iter().any(is_turned), "{text} {found:?}");
    }
}

#[test]
fn a_number_keeps_its_unit_in_words() {
    let observed = |text: &str, lang| faults(text, 0, ClaimKind::Observed, lang);
    for text in [
        "checkout 的镜像拉取失败，到 3366 毫秒后失败",
        "checkout 的镜像拉取失败，到 30 秒后失败",
        "checkout 的镜像拉取失败，到 2.5 秒后失败",
    ] {
        assert_eq!(observed(text, Lang::Zh), [], "{text}");
    }
    assert_eq!(observed("checkout failed after 30 seconds", Lang::En), []);
    for (text, n) in [
        ("checkout 3366 秒失败", 3366.0),
        ("checkout 3366 次失败", 3366.0),
        ("checkout 失败 30 毫秒", 30.0),
        ("checkout 的 CPU 12 个节点", 12.0),
        ("checkout 的 CPU 改为 500 核", 500.0),
    ] {
        let found = observed(text, Lang::Zh);
        let wrong = [Fault::Unit(n), Fault::Number(n)];
        assert!(wrong.iter().any(|f| found.contains(f)), "{text} {found:?}");
    }
}

#[test]
fn a_caller_calls_and_is_not_called() {
    let observed = |text: &str| faults(text, 1, ClaimKind::Observed, Lang::Zh);
    let turned = Fault::Word("checkout -> order-api".to_owned());
    for text in [
        "order-api 调用 checkout 失败",
        "order-api 被 checkout 拒绝",
        "checkout 被 order-api 调用失败",
    ] {
        assert!(
            !observed(text).contains(&turned),
            "{text} {:?}",
            observed(text)
        );
    }
    for text in [
        "checkout 调用 order-api 失败",
        "checkout 被 order-api 拒绝",
        "order-api 被 checkout 调用失败",
        "order-api 被 checkout 访问失败",
    ] {
        assert!(
            observed(text).contains(&turned),
            "{text} {:?}",
            observed(text)
        );
    }
}

#[test]
fn what_was_done_is_no_order() {
    use ClaimKind::{Inferred, Observed};
    let is_order = |f: &Fault| matches!(f, Fault::Order(_));
    for (text, kind, lang) in [
        ("checkout OOMKilled，重启 5 次", Observed, Lang::Zh),
        (
            "`100012347138` 在 10:01 修改了 checkout，将镜像从 a 改为 b",
            Observed,
            Lang::Zh,
        ),
        ("checkout 可能内存不够，重启 5 次", Inferred, Lang::Zh),
        (
            "the limit, set by ci-bot at 10:02, is too low for checkout",
            Observed,
            Lang::En,
        ),
        ("readiness failed, check returned 503", Observed, Lang::En),
        (
            "checkout failed to send and to download",
            Observed,
            Lang::En,
        ),
        ("checkout says \"must be positive\"", Observed, Lang::En),
    ] {
        let found = faults(text, 0, kind, lang);
        assert!(!found.iter().any(is_order), "{text} {found:?}");
    }
    for (text, kind, lang) in [
        ("重启 checkout", Observed, Lang::Zh),
        ("checkout 可能内存不够，重启就好", Inferred, Lang::Zh),
        ("checkout 可能没有镜像，把镜像改回来", Inferred, Lang::Zh),
        ("可能没有镜像，删除 checkout", Inferred, Lang::Zh),
        ("checkout 失败，请重启", Observed, Lang::Zh),
        ("Download checkout", Observed, Lang::En),
        (
            "checkout may lack memory, delete 5 pods",
            Inferred,
            Lang::En,
        ),
    ] {
        let found = faults(text, 0, kind, lang);
        assert!(found.iter().any(is_order), "{text} {found:?}");
    }
}
