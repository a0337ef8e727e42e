//! An incident of the day before goes on whatever language its report was written in.

use super::*;

const REFUSED: &str =
    r#"Post "http://web.shop.svc.cluster.local:8080/": dial tcp: connect: connection refused"#;

#[test]
fn what_goes_on_is_known_by_its_cause_and_object_and_not_by_its_words() {
    let world = || {
        let mut story = Story::new();
        story
            .deployment("web", "r.io/web:v8")
            .deployment("edge", "r.io/edge:1")
            .deployment("cart", "r.io/cart:1");
        story
    };
    let wrong = json!({"selector": {"app": "webb"}, "ports": [{"port": 8080}]});
    let mut first = world();
    first.update("1000", "Service", "web", &wrong, 600);
    first.line("edge", REFUSED, 601, 1435);
    let mut yesterday = first.told();
    for finding in &mut yesterday.findings {
        "calls to web are refused".clone_into(&mut finding.title);
    }
    let before = || Report {
        date: "2026-11-20".parse().expect("a day"),
        findings: yesterday.findings.clone(),
        incidents: yesterday.incidents.clone(),
        ..crate::model::sample::report()
    };
    for (caller, goes_on) in [("edge", true), ("cart", false)] {
        let mut today = world();
        today.line(caller, REFUSED, 0, 1435);
        today.before = Some(before());
        let told = today.told();
        let change = told.incidents.first().and_then(|i| i.change.as_ref());
        assert_eq!(change.is_some(), goes_on, "{caller}");
    }
}
