//! What every told text keeps, for any report: length, characters, a question at the end.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::model::{
    Lang, LogKind,
    report::{Claim, ClaimKind, Report, Stage, Status},
    sample,
};

fn ask(detail: Detail, lang: Lang) -> Ask {
    Ask::new(sample::morning(), lang).detail(detail)
}

fn check(told: &str, limit: usize) -> Result<(), TestCaseError> {
    prop_assert!(is_speakable(told), "{told}");
    prop_assert!(told.ends_with(['？', '?']), "{told}");
    let chars = told.chars().count();
    prop_assert!(chars <= limit, "{chars} characters: {told}");
    Ok(())
}

#[test]
fn six_problems_fit_one_answer_with_what_to_do_first_and_the_question() {
    let told = broadcast(&sample::report(), &ask(Detail::Normal, Lang::Zh));
    insta::assert_snapshot!(told.told);
    for name in [
        "checkout",
        "mysql",
        "hpa-robot-service",
        "np-7k2",
        "mysql-pv-claim",
        "tke-monitor-agent",
    ] {
        assert!(told.told.contains(name), "{name}");
    }
    assert_eq!(told.incidents, ["i1", "i2", "i3", "i4", "i5", "i6"]);
    assert_eq!(told.next[0].tool, "trace_cause");
}

#[test]
fn the_forms_of_one_day() {
    let mut two = sample::report();
    two.incidents.truncate(2);
    let mut said = String::new();
    for (name, report, ask) in [
        ("brief", sample::report(), ask(Detail::Brief, Lang::Zh)),
        ("brief en", sample::report(), ask(Detail::Brief, Lang::En)),
        ("two problems", two.clone(), ask(Detail::Normal, Lang::Zh)),
        (
            "two problems en",
            two.clone(),
            ask(Detail::Normal, Lang::En),
        ),
        (
            "new owner, early revision",
            Report {
                stage: Stage::Events,
                ..two.clone()
            },
            Ask {
                reserved: 20,
                ..ask(Detail::Normal, Lang::Zh)
            },
        ),
        (
            "part 2",
            two.clone(),
            Ask {
                part: Some(Part::Findings),
                ..ask(Detail::Normal, Lang::Zh)
            },
        ),
        (
            "part 3",
            two.clone(),
            Ask {
                part: Some(Part::Urgent),
                ..ask(Detail::Normal, Lang::Zh)
            },
        ),
        (
            "part 4",
            two.clone(),
            Ask {
                part: Some(Part::Fixes),
                ..ask(Detail::Normal, Lang::Zh)
            },
        ),
        (
            "audit only",
            two.clone(),
            Ask {
                kind: Some(LogKind::Audit),
                ..ask(Detail::Normal, Lang::Zh)
            },
        ),
        ("healthy", sample::healthy(), ask(Detail::Normal, Lang::Zh)),
        (
            "healthy en",
            sample::healthy(),
            ask(Detail::Brief, Lang::En),
        ),
    ] {
        writeln!(said, "{name}: {}", broadcast(&report, &ask).told).expect("write");
    }
    insta::assert_snapshot!(said);
}

#[test]
fn one_incident_and_its_rollback() {
    let report = sample::report();
    let mut said = String::new();
    for lang in [Lang::Zh, Lang::En] {
        for n in [0, 1] {
            writeln!(
                said,
                "{}",
                incident(&report, &report.incidents[n], &ask(Detail::Normal, lang)).told
            )
            .expect("write");
            writeln!(
                said,
                "{}",
                rollback(&report, &report.incidents[n], &ask(Detail::Brief, lang)).told
            )
            .expect("write");
        }
    }
    insta::assert_snapshot!(said);
}

#[test]
fn a_problem_says_how_it_stands_by_morning() {
    let mut report = sample::report();
    report.incidents.truncate(1);
    let i = &mut report.incidents[0];
    i.status = Status::Recovered;
    i.end = Some(sample::moment("2026-11-21T15:10:00"));
    i.recovered_by = i.change.clone();
    let told = broadcast(&report, &ask(Detail::Brief, Lang::Zh)).told;
    assert!(
        told.contains("昨天下午3点10分左右已恢复，是账号尾号7138改回的，连续第三天"),
        "{told}"
    );
    report.incidents[0].status = Status::Recurred;
    report.incidents[0].checked_at = Some(sample::moment("2026-11-22T08:30:00"));
    let told = broadcast(&report, &ask(Detail::Brief, Lang::Zh)).told;
    assert!(told.contains("恢复过，今天早上8点半左右又出现了"), "{told}");
}

#[test]
fn what_recovered_is_in_no_sentence_that_says_it_goes_on() {
    let mut report = sample::report();
    let mut again = report.incidents[1].clone();
    again.id = "i7".to_owned();
    again.title = "user-center-db 数据库不认密码".to_owned();
    again.root.object.name = "user-center-db".to_owned();
    again.status = Status::Recovered;
    report.incidents.insert(2, again);
    for lang in [Lang::Zh, Lang::En] {
        let told = broadcast(&report, &ask(Detail::Normal, lang)).told;
        let goes_on = lang.pick("仍在发生", "still going on");
        for sentence in told
            .split(['。', '.'])
            .filter(|s| s.contains("user-center"))
        {
            assert!(!sentence.contains(goes_on), "{told}");
        }
    }
}

#[test]
fn a_guess_is_told_as_one() {
    let mut report = sample::report();
    let claim = Claim {
        text: "镜像标签可能没有推送到仓库".to_owned(),
        kind: ClaimKind::Inferred,
        findings: report.incidents[0].findings.clone(),
        evidence: Vec::new(),
        by_model: true,
    };
    report.claims = vec![claim];
    let told = |report: &Report| {
        let ask = ask(Detail::Normal, Lang::Zh);
        incident(report, &report.incidents[0], &ask).told
    };
    let sure = told(&report);
    assert!(sure.contains("原因是"), "{sure}");
    assert!(sure.contains("模型推测，镜像标签可能没有推送"), "{sure}");
    report.incidents[0].confidence = 0.7;
    assert!(told(&report).contains("原因多半是"), "{}", told(&report));
}

#[test]
fn a_date_is_said_once() {
    let mut report = sample::report();
    report.incidents.truncate(2);
    let morning = sample::morning();
    let later = morning.at(morning.ms + 5 * 86_400_000);
    let ask = Ask::new(later, Lang::Zh).detail(Detail::Normal);
    for told in [
        broadcast(&report, &ask).told,
        incident(&report, &report.incidents[0], &ask).told,
    ] {
        assert_eq!(told.matches("月21日").count(), 1, "{told}");
    }
}

#[test]
fn what_was_taken_back_in_part_is_said_to_be() {
    let mut report = sample::report();
    let i = &mut report.incidents[0];
    let mut back = i.change.clone().expect("a change");
    i.status = Status::Recovered;
    i.end = Some(i.start);
    i.recovered_by = Some(back.clone());
    let told = |report: &Report| {
        let ask = ask(Detail::Normal, Lang::Zh);
        incident(report, &report.incidents[0], &ask).told
    };
    assert!(told(&report).contains("改回的"), "{}", told(&report));
    back.diff[0].path = "/spec/replicas".to_owned();
    report.incidents[0].recovered_by = Some(back);
    assert!(told(&report).contains("改回了一部分"), "{}", told(&report));
}

#[test]
fn what_would_be_undone_and_what_was_ruled_out_are_no_possible_causes() {
    let mut report = sample::report();
    let i = report.incidents[0].clone();
    let plan = i.rollback.as_ref().expect("a plan").what.clone();
    let claim = |text: &str, by_model| Claim {
        text: text.to_owned(),
        kind: ClaimKind::Inferred,
        findings: i.findings.clone(),
        evidence: Vec::new(),
        by_model,
    };
    report.claims = vec![claim(&plan, false), claim("可能是网络不通", true)];
    let text = incident(&report, &i, &ask(Detail::Full, Lang::Zh)).told;
    let causes = text.split("可能原因（推测）").nth(1).expect("causes");
    let causes = causes.split("**").nth(1).unwrap_or_default();
    assert!(causes.contains("[模型] 可能是网络不通"), "{text}");
    assert!(!causes.contains(&plan), "{text}");
}

#[test]
fn what_can_be_taken_back_by_hand_is_not_called_lost() {
    let mut report = sample::report();
    let i = &mut report.incidents[1];
    (i.rollback, i.no_rollback) = (None, Some("如果是误调的副本数，改回去".to_owned()));
    let told = rollback(&report, &report.incidents[1], &ask(Detail::Brief, Lang::Zh)).told;
    assert!(!told.contains("不能靠回滚"), "{told}");
}

#[test]
fn a_value_that_was_never_seen_is_not_called_added() {
    let mut report = sample::report();
    report.incidents.truncate(1);
    let change = report.incidents[0].change.as_mut().expect("a change");
    change.before_unseen = true;
    change.diff[0].old = serde_json::Value::Null;
    let said = incident(
        &report,
        &report.incidents[0],
        &ask(Detail::Normal, Lang::Zh),
    )
    .told;
    assert!(
        said.contains("把checkout的镜像改成v2.4.1-rc9，原来是什么没有记录"),
        "{said}"
    );
}

#[test]
fn what_is_not_known_is_said() {
    let mut report = sample::report();
    report.incidents.truncate(1);
    report.baseline.days = 0;
    if let Some(audit) = report.coverage.get_mut(&LogKind::Audit) {
        audit.shipped = false;
    }
    let told = broadcast(&report, &ask(Detail::Normal, Lang::Zh)).told;
    assert!(told.contains("审计日志没有投递"), "{told}");
    assert!(told.contains("没有前几天的数据可以对比"), "{told}");
}

#[test]
fn the_full_form_is_markdown_in_pages() {
    let mut report = sample::report();
    report.incidents[0].title = "a | b <script>\u{202e}\n# c".to_owned();
    let first = broadcast(&report, &ask(Detail::Full, Lang::Zh));
    assert!(
        first.told.contains("| i1 | a \\| b &lt;script>"),
        "{}",
        first.told
    );
    assert!(first.told.contains("`audit:00000000000077ab`"));
    assert!(
        first
            .told
            .contains("kubectl -n shop rollout undo deployment/checkout")
    );
    let mut seen = 1;
    let mut next = first.next_page;
    while let Some(page) = next {
        next = broadcast(
            &report,
            &Ask {
                page,
                ..ask(Detail::Full, Lang::Zh)
            },
        )
        .next_page;
        seen += 1;
    }
    assert!(seen <= 3);
}

#[test]
fn lists_name_three_and_count_the_rest() {
    let report = sample::report();
    let change = report.incidents[0].change.clone().expect("change");
    let a = ask(Detail::Normal, Lang::Zh);
    let object = &report.incidents[0].root.object;
    let event = EventFacts {
        object,
        reason: "BackOff",
        message: "Back-off pulling image \"x/y:z\"",
        fault: None,
        count: 1234,
        last: sample::moment("2026-11-21T12:00:00"),
    };
    let mut said = String::new();
    said += &(changes(&[change], 17, &a) + "\n");
    said += &(events(&[event], 1, &a) + "\n");
    said += &(hits(
        &Hits {
            kind: Some(LogKind::Business),
            total: 4,
            best: vec![("dial tcp 10.0.0.3:3306: i/o timeout", None)],
            ..Hits::default()
        },
        &a,
    ) + "\n");
    said += &(hits(
        &Hits {
            kind: Some(LogKind::Business),
            total: 1,
            best: vec![("dial tcp 10.0.0.3:3306: i/o timeout", None)],
            before: Some("order 4711 accepted"),
            after: Some("giving up after 3 attempts"),
            ..Hits::default()
        },
        &a,
    ) + "\n");
    said += &(nothing(Some(LogKind::Audit), "payment_api", &a) + "\n");
    let running = Progress {
        read: vec![(LogKind::Event, 96, 96), (LogKind::Business, 30, 96)],
        headline: Some("checkout 拉不到镜像"),
        problems: 2,
        seconds_left: Some(25),
        ..Progress::default()
    };
    said += &(progress(&running, &a) + "\n");
    said += &alarm(
        &AlarmFacts {
            title: "CPU总配置 > 0核",
            meaning: "集群 cls-l9taan9w 的 CPU 总配置是 3.859 核",
            policy_problem: Some("总配置是容量，大于零永远成立"),
            measures: &["改成监控 CPU 利用率".to_owned()],
            ..AlarmFacts::default()
        },
        &a,
    );
    insta::assert_snapshot!(said);
    for text in said.lines() {
        check(text, NORMAL_CHARS).expect("speakable");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_report_is_told_within_its_length_in_speakable_characters_and_ends_with_a_question(
        names in proptest::collection::vec("[a-z0-9_./:-]{0,63}|\\PC{0,90}", 1..9),
        title in "\\PC{0,300}|[ -~]{0,200}",
        fix in "\\PC{0,200}",
        zh: bool,
        stage in prop_oneof![Just(Stage::Events), Just(Stage::Day), Just(Stage::Complete)],
        part in prop_oneof![Just(None), Just(Some(Part::Overview)), Just(Some(Part::Findings)), Just(Some(Part::Urgent)), Just(Some(Part::Fixes))],
    ) {
        let mut report = sample::report();
        report.stage = stage;
        for (n, name) in names.iter().enumerate() {
            let Some(i) = report.incidents.get_mut(n % 6) else { continue };
            i.title = format!("{name} {title}");
            i.root.object.name.clone_from(name);
            i.affected.push(i.root.object.clone());
            i.fix = vec![fix.clone()];
            if let Some(change) = &mut i.change {
                change.user.clone_from(name);
                change.object.name.clone_from(name);
                change.diff[0].path = format!("/{title}");
                change.diff[0].new = serde_json::json!({ name: title });
            }
            if let Some(plan) = &mut i.rollback {
                plan.what.clone_from(&title);
                plan.blast_radius.clone_from(&fix);
            }
        }
        let lang = if zh { Lang::Zh } else { Lang::En };
        check(&broadcast(&report, &Ask { reserved: 26, ..ask(Detail::Brief, lang) }).told, chars(BRIEF_CHARS, lang) - 26)?;
        check(&broadcast(&report, &Ask { part, reserved: 26, ..ask(Detail::Normal, lang) }).told, chars(NORMAL_CHARS, lang) - 26)?;
        for i in &report.incidents {
            for (detail, limit) in [(Detail::Brief, BRIEF_CHARS), (Detail::Normal, NORMAL_CHARS)] {
                check(&incident(&report, i, &ask(detail, lang)).told, chars(limit, lang))?;
                let order = [LogKind::Event, LogKind::Audit, LogKind::Business];
                check(&followed(&report, i, order, &ask(detail, lang)).told, chars(limit, lang))?;
                check(&rollback(&report, i, &ask(detail, lang)).told, chars(NORMAL_CHARS, lang))?;
            }
        }
    }
}

/// Whoever asks what the event log shows hears that first, and from the audit log who changed what.
#[test]
fn an_incident_is_told_from_the_kind_that_was_asked() {
    let report = sample::report();
    let incident = &report.incidents[0];
    let told = |order: [LogKind; 3]| {
        let ask = ask(Detail::Normal, Lang::Zh);
        followed(&report, incident, order, &ask).told
    };
    let place = |told: &str, words: &str| {
        told.find(words)
            .unwrap_or_else(|| panic!("{words}: {told}"))
    };
    let [business, event, audit] = LogKind::ALL;
    let from_event = told([event, audit, business]);
    let from_audit = told([audit, event, business]);
    assert!(
        place(&from_event, "事件日志里") < place(&from_event, "原因是"),
        "{from_event}"
    );
    assert!(
        place(&from_audit, "原因是") < place(&from_audit, "事件日志里"),
        "{from_audit}"
    );
}
