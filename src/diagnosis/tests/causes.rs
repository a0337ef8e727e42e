//! Which change is to blame, since when, and for how many days.

use super::*;

const NO_ROOM: &str =
    "0/8 nodes are available: 1 node(s) had untolerated taint {pool: gpu}, 7 Insufficient memory.";

fn with_memory(name: &str, memory: &str) -> Value {
    json!({"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": name, "image": "i:1", "resources": {"requests": {"memory": memory}}}]}}})
}

#[test]
fn a_request_beyond_every_node_is_told_beside_a_taint_of_the_same_day() {
    let mut story = Story::new();
    story.known("Deployment", "web", &with_memory("web", "1Gi"));
    story.deployment("edge", "r.io/edge:1");
    let node = ObjectRef::new("Node", "", "10.0.3.11");
    let spec = |taints: Value| json!({"kind": "Node", "metadata": {"name": "10.0.3.11", "uid": "n"}, "spec": {"taints": taints}});
    let state = State {
        at_ms: 0,
        body: spec(json!([])).into(),
    };
    story.states.insert(node.clone(), state);
    story.update("1000", "Node", "10.0.3.11", &json!({}), 600);
    let write = story.shapes.writes.last_mut().expect("a write");
    write.object = node;
    write.api_group = String::new();
    let taints = json!([{"key": "pool", "value": "gpu", "effect": "NoExecute"}]);
    write.response = Some(spec(taints).into());
    let tainted = "0/8 nodes are available: 1 node(s) had untolerated taint {pool: gpu}, 7 node(s) didn't have free ports.";
    story.event(
        "edge-6f7c9d8b5d-x2k8q",
        "FailedScheduling",
        tainted,
        601,
        640,
    );
    story.update(
        "1000",
        "Deployment",
        "web",
        &with_memory("web", "900Gi"),
        700,
    );
    story.event(
        "web-6f7c9d8b5d-x2k8q",
        "FailedScheduling",
        NO_ROOM,
        701,
        900,
    );
    let found = roots(&story.told());
    let memory = (
        "schedule.insufficient_memory".to_owned(),
        "Deployment shop/web".to_owned(),
    );
    assert!(found.contains(&memory), "{found:?}");
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_probe_that_fails_for_half_a_minute_long_after_a_release_is_no_incident() {
    const SLOW: &str = "Readiness probe failed: context deadline exceeded";
    let story = |from: i64, to: i64| {
        let mut story = Story::new();
        story.deployment("web", "r.io/web:v8");
        let v9 = deployment("web", "r.io/web:v9");
        story.update("1000", "Deployment", "web", &v9, 600);
        story.event("web-6f7c9d8b5d-x2k8q", "Unhealthy", SLOW, from, to);
        // The day goes on.
        story.event("edge-6f7c9d8b5d-x2k8q", "Pulled", "done", 1400, 1401);
        roots(&story.told())
    };
    assert_eq!(story(635, 636), []);
    assert_eq!(story(601, 602), []);
    assert_eq!(story(601, 700).len(), 1);
}

#[test]
fn an_update_whose_former_state_nobody_saw_is_blamed_for_what_names_itself_right_after_it() {
    let told = |at: i64| {
        let mut story = Story::new();
        let v9 = deployment("web", "r.io/web:v9");
        story.update("1000", "Deployment", "web", &v9, at);
        story.event("web-6f7c9d8b5d-x2k8q", "Failed", GONE, 601, 700);
        story.told()
    };
    let soon = told(600);
    assert_eq!(roots(&soon)[0].0, "image.not_found");
    let change = soon.incidents[0].change.as_ref().expect("a change");
    assert!(change.diff.is_empty(), "what it changed is not known");
    assert!(soon.incidents[0].ready_rollback().is_none());
    assert!(told(560).incidents[0].change.is_none());
}

#[test]
fn an_incident_does_not_begin_before_its_cause() {
    let mut story = Story::new();
    story
        .deployment("web", "r.io/web:v8")
        .deployment("edge", "r.io/edge:1");
    // A few calls were refused before, for another reason.
    story.line("edge", REFUSED, 590, 660);
    story.shapes.templates[0].cells = Story::cells(590, 595, 1);
    story.shapes.templates[0]
        .cells
        .merge(&Story::cells(600, 660, 9));
    let wrong = json!({"selector": {"app": "webb"}, "ports": [{"port": 8080}]});
    story.update("1000", "Service", "web", &wrong, 600);
    let told = story.told();
    assert_eq!(roots(&told)[0].0, "service.selector");
    let change = told.incidents[0].change.as_ref().expect("a change");
    assert_eq!(told.incidents[0].start, change.at);
}

#[test]
fn what_is_over_is_told_after_what_is_not() {
    let mut story = Story::new();
    story
        .deployment("web", "r.io/web:v8")
        .deployment("edge", "r.io/edge:1");
    story.event("web-6f7c9d8b5d-x2k8q", "Failed", GONE, 100, 200);
    story.event(
        "edge-6f7c9d8b5d-x2k8q",
        "Failed",
        &GONE.replace("web", "edge"),
        600,
        1400,
    );
    let told = story.told();
    let names: Vec<_> = told
        .incidents
        .iter()
        .map(|i| i.root.object.name.as_str())
        .collect();
    assert_eq!(names, ["edge", "web"]);
}

const REFUSED: &str =
    r#"Post "http://web.shop.svc.cluster.local:8080/": dial tcp: connect: connection refused"#;

/// The report of a day, as the next day finds it.
fn report_of(told: Diagnosis, date: &str) -> Report {
    Report {
        date: date.parse().expect("a day"),
        verdict: told.verdict,
        findings: told.findings,
        incidents: told.incidents,
        ..crate::model::sample::report()
    }
}

#[test]
fn a_service_broken_since_yesterday_is_the_same_incident_today_with_its_change_and_rollback() {
    let world = || {
        let mut story = Story::new();
        story
            .deployment("web", "r.io/web:v8")
            .deployment("edge", "r.io/edge:1");
        story
    };
    let wrong = json!({"selector": {"app": "webb"}, "ports": [{"port": 8080}]});
    let mut first = world();
    first.update("1000", "Service", "web", &wrong, 600);
    first.line("edge", REFUSED, 601, 1435);
    let yesterday = first.told();
    let change = yesterday.incidents[0].change.clone();
    assert!(yesterday.incidents[0].ready_rollback().is_some());

    let mut today = world();
    today.line("edge", REFUSED, 0, 1435);
    let root = |told: &Diagnosis| roots(told).first().map(|r| r.0.clone());
    assert_ne!(root(&today.told()).as_deref(), Some("service.selector"));
    today.before = Some(report_of(yesterday.clone(), "2026-11-20"));
    let told = today.told();
    assert_eq!(roots(&told), roots(&yesterday));
    assert_eq!(told.incidents[0].change, change);
    assert_eq!(told.incidents[0].start, yesterday.incidents[0].start);
    assert!(told.incidents[0].ready_rollback().is_some());

    // Somebody touched the Service this morning, in vain.
    let other = json!({"selector": {"app": "webbb"}, "ports": [{"port": 8080}]});
    today.update("2000", "Service", "web", &other, 300);
    assert!(today.told().incidents[0].ready_rollback().is_none());

    // What nobody saw begin may be a habit; what is over does not go on.
    for spoil in [
        |i: &mut Incident| i.status = Status::Recovered,
        |i: &mut Incident| {
            i.start = crate::model::Moment::new(range().start_ms - 86_400_000, &range().zone);
        },
    ] {
        let mut today = world();
        today.line("edge", REFUSED, 0, 1435);
        let mut report = report_of(yesterday.clone(), "2026-11-20");
        report.incidents.iter_mut().for_each(spoil);
        today.before = Some(report);
        assert_ne!(root(&today.told()).as_deref(), Some("service.selector"));
    }
}
