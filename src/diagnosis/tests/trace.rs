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
    assert_eq!(stopped.steps.len(), 1);
}
