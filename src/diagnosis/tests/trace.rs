//! The cause chain of a day told in a few records, from each kind of log.

use super::*;
use crate::diagnosis::trace;

#[test]
fn a_trace_from_any_kind_reaches_the_root_or_names_the_kind_that_is_not_there() {
    let mut story = Story::new();
    story.deployment("web", "r.io/web:v8");
    story.update(
        "1000",
        "Deployment",
        "web",
        &deployment("web", "r.io/web:v9"),
        600,
    );
    story.event("web-6f7c9d8b5d-x2k8q", "Failed", GONE, 601, 700);
    let day = story.told();
    let follow = |from: LogKind, seen: &[LogKind]| {
        let told = trace::Told {
            findings: &day.findings,
            incidents: &day.incidents,
            chronic: &day.chronic,
            seen,
            lang: Lang::Zh,
        };
        let ask = trace::Ask {
            from,
            incident: None,
            object: Some("web"),
            query: None,
        };
        trace::trace(told, ask)
    };
    for from in [LogKind::Event, LogKind::Audit] {
        let found = follow(from, &LogKind::ALL);
        assert_eq!(found.verdict, trace::Ends::Cause);
        assert_eq!(found.root.expect("a root").cause, "image.not_found");
    }
    let stopped = follow(LogKind::Event, &[LogKind::Event, LogKind::Business]);
    assert_eq!(stopped.verdict, trace::Ends::Stopped);
    assert_eq!((stopped.steps.len(), stopped.root), (1, None));
    // Events and audit name the cause; that nobody can say who felt it is named.
    let unfelt = follow(LogKind::Event, &[LogKind::Event, LogKind::Audit]);
    assert_eq!(
        (unfelt.verdict, unfelt.steps.len()),
        (trace::Ends::Stopped, 2)
    );
    assert_eq!(unfelt.root.expect("a root").cause, "image.not_found");
    assert!(unfelt.change.is_some() && unfelt.missing[0].contains("业务日志"));
}

/// What the next kind is asked comes from what the one before showed, and its hits from asking.
#[test]
fn each_kind_is_asked_about_what_the_one_before_showed() {
    let mut story = Story::new();
    for (name, at) in [("web", 600), ("cart", 900)] {
        story.deployment(name, &format!("r.io/{name}:v8"));
        let wrong = deployment(name, &format!("r.io/{name}:v9"));
        story.update("1000", "Deployment", name, &wrong, at);
        let pod = format!("{name}-6f7c9d8b5d-x2k8q");
        story.event(&pod, "Failed", GONE, at + 1, at + 100);
    }
    let day = story.told();
    let told = trace::Told {
        findings: &day.findings,
        incidents: &day.incidents,
        chronic: &day.chronic,
        seen: &LogKind::ALL,
        lang: Lang::Zh,
    };
    let ask = trace::Ask {
        from: LogKind::Event,
        incident: None,
        object: Some("web"),
        query: None,
    };
    let found = trace::trace(told, ask);
    let [events, audit, business] = &found.steps[..] else {
        panic!("three steps: {:?}", found.steps)
    };
    let of = |kind: LogKind| {
        let mut of_web = day.findings.iter();
        of_web
            .find(|f| f.kind == kind && f.object.name == "web")
            .expect("a finding")
    };
    // Six hours before the first event of that pod, to its last one.
    let (event, change) = (of(LogKind::Event), of(LogKind::Audit));
    let from = event.first_seen.at(event.first_seen.ms - 6 * 60 * MIN);
    assert_eq!(
        audit.query,
        format!(
            "object=shop/web,shop/web-6f7c9d8b5d-x2k8q,10.0.3.11 from={from} to={}",
            event.last_seen
        )
    );
    assert_eq!(events.hits, event.count);
    let audit_id = change.key_fields.iter().find(|k| k.name == "audit_id");
    assert_eq!(audit.hits, 1);
    assert!(audit.key_fields.contains(audit_id.expect("an audit id")));
    assert_eq!((business.hits, business.evidence.len()), (0, 0));
    assert!(
        business.query.starts_with("object=shop/web"),
        "{}",
        business.query
    );
}

/// Two incidents that share the caller's errors: the one is followed whose own object, id or cause is named.
#[test]
fn of_two_incidents_that_share_a_line_the_one_is_followed_that_is_named() {
    let mut story = Story::new();
    for (name, id) in [("web", "1000"), ("cart", "1001")] {
        story.deployment(name, &format!("r.io/{name}:v8"));
        let wrong = deployment(name, &format!("r.io/{name}:v9"));
        story.update(id, "Deployment", name, &wrong, 600);
        story.event(
            &format!("{name}-6f7c9d8b5d-x2k8q"),
            "Failed",
            GONE,
            601,
            700,
        );
    }
    let day = story.told();
    assert_eq!(day.incidents.len(), 2);
    let ask = |query: &str| {
        let told = trace::Told {
            findings: &day.findings,
            incidents: &day.incidents,
            chronic: &day.chronic,
            seen: &LogKind::ALL,
            lang: Lang::Zh,
        };
        let ask = trace::Ask {
            from: LogKind::Event,
            incident: None,
            object: None,
            query: Some(query),
        };
        trace::trace(told, ask)
    };
    for incident in &day.incidents {
        for query in [&incident.root.object.name, &incident.id, &incident.title] {
            let found = ask(query);
            assert_eq!(found.incident.as_ref(), Some(&incident.id), "{query}");
            assert_eq!(found.root.as_ref(), Some(&incident.root), "{query}");
        }
    }
    assert_eq!(ask("no such words").verdict, trace::Ends::NoCause);
}
