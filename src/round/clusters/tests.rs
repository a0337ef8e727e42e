//! Two clusters that both have a `shop/checkout`.

use std::collections::BTreeSet;

use super::*;
use crate::model::{
    EvidenceId, Level, LogKind, Service,
    report::Incident,
    sample,
    shapes::{Begun, Cells, EventKey, EventSeries, TemplateDay, TemplateId},
};

fn series(cluster: &str) -> EventSeries {
    EventSeries {
        cluster: cluster.to_owned(),
        uid: "u".to_owned(),
        object: ObjectRef::new("Pod", "shop", "checkout-0"),
        object_uid: String::new(),
        container: String::new(),
        reason: "BackOff".to_owned(),
        message: "m".to_owned(),
        warning: true,
        component: String::new(),
        host: String::new(),
        cells: Cells::default(),
        before: 0,
        born_ms: 0,
        first_ms: 0,
        last_ms: 0,
        evidence: vec![EvidenceId {
            kind: LogKind::Event,
            hash: 1,
        }],
    }
}

fn template(cluster: &str) -> TemplateDay {
    TemplateDay {
        id: TemplateId(7),
        text: "m".to_owned(),
        service: Service {
            cluster: cluster.to_owned(),
            namespace: "shop".to_owned(),
            name: "checkout".to_owned(),
            container: String::new(),
        },
        level: Level::Error,
        cells: Cells::default(),
        first_ms: 0,
        last_ms: 0,
        samples: Vec::new(),
        fields: Vec::new(),
    }
}

fn shapes(clusters: &[&str]) -> DayShapes {
    DayShapes {
        events: clusters.iter().map(|c| series(c)).collect(),
        templates: clusters.iter().map(|c| template(c)).collect(),
        ..DayShapes::default()
    }
}

/// A day on which each cluster counted `n` of everything.
fn counts(shapes: &DayShapes, n: u64) -> DayCounts {
    let key = EventKey {
        kind: "Pod".to_owned(),
        namespace: "shop".to_owned(),
        name: "checkout".to_owned(),
        reason: "BackOff".to_owned(),
        message: "m".to_owned(),
        cluster: String::new(),
    };
    let services = shapes.templates.iter().map(|t| t.service.to_string());
    DayCounts {
        day: "2026-11-21".parse().expect("day"),
        business_share: 1.0,
        lines: services.clone().map(|s| (s, n)).collect(),
        templates: services.clone().map(|s| ((s, TemplateId(7)), n)).collect(),
        events: [(key.clone(), n)].into(),
        refusals: BTreeMap::new(),
        records: BTreeMap::new(),
        begun: Begun {
            templates: services.map(|s| (s, TemplateId(7))).collect(),
            events: [key].into(),
            refusals: BTreeSet::new(),
        },
        cells: BTreeMap::new(),
        errors: Cells::default(),
        failing: BTreeMap::new(),
        unfinished: false,
    }
}

#[test]
fn one_cluster_is_not_named() {
    for clusters in [&["cls-1"][..], &["cls-1", "cls-1"], &["", "cls-1"], &[]] {
        let mut shapes = shapes(clusters);
        name_objects(&mut shapes);
        assert!(of(&shapes).is_none());
        assert!(shapes.events.iter().all(|e| e.object.cluster.is_empty()));
    }
    let mut shapes = shapes(&["cls-1", "cls-2", ""]);
    name_objects(&mut shapes);
    let named: Vec<String> = shapes.events.iter().map(|e| e.object.to_string()).collect();
    assert_eq!(
        named,
        [
            "cls-1 Pod shop/checkout-0",
            "cls-2 Pod shop/checkout-0",
            "Pod shop/checkout-0"
        ]
    );
    let expected = ["", "cls-1", "cls-2"].map(str::to_owned).to_vec();
    assert_eq!(of(&shapes), Some(expected));
}

#[test]
fn what_a_cluster_counted_is_its_own_again() {
    let shapes = shapes(&["cls-1", "cls-2"]);
    let whole = counts_of(&shapes, |part| {
        let n = if part.events[0].cluster == "cls-1" {
            3
        } else {
            5
        };
        counts(part, n)
    });
    assert_eq!((whole.lines.len(), whole.events.len()), (2, 2));
    for (cluster, n) in [("cls-1", 3), ("cls-2", 5)] {
        let alone = counts(&part_of_shapes(&shapes, cluster), n);
        assert_eq!(part_of_counts(&whole, cluster), alone);
    }
    assert!(part_of_counts(&whole, "cls-3").lines.is_empty());
    // Before there was a second cluster nothing was named.
    let before = counts(&part_of_shapes(&shapes, "cls-1"), 4);
    assert_eq!(part_of_counts(&before, "cls-1"), before);
}

#[test]
fn incidents_of_two_clusters_are_told_apart_and_recognised_the_day_after() {
    let part = || {
        let report = sample::report();
        Diagnosis {
            verdict: report.verdict,
            findings: report.findings,
            incidents: report.incidents,
            chronic: report.chronic,
        }
    };
    let alone = part();
    let parts = vec![("cls-1".to_owned(), part()), ("cls-2".to_owned(), part())];
    let whole = together(parts, Lang::Zh);
    assert_eq!(whole.incidents.len(), 2 * alone.incidents.len());
    let identities: BTreeSet<&String> = whole.incidents.iter().map(|i| &i.identity).collect();
    assert_eq!(identities.len(), whole.incidents.len());
    let severities: Vec<_> = whole.incidents.iter().map(|i| i.severity).collect();
    assert!(severities.is_sorted_by(|a, b| a >= b));
    let ids: Vec<&str> = whole.incidents.iter().map(|i| i.id.as_str()).collect();
    let numbered: Vec<String> = (1..=ids.len()).map(|n| format!("i{n}")).collect();
    assert_eq!(ids, numbered);
    for incident in &whole.incidents {
        let cluster = &incident.root.object.cluster;
        assert!(incident.title.contains(cluster) && !cluster.is_empty());
        for id in &incident.findings {
            let finding = whole.findings.iter().find(|f| f.id == *id);
            let object = &finding.expect("its own finding").object;
            assert_eq!(&object.cluster, cluster);
        }
    }

    let told = Report {
        findings: whole.findings,
        incidents: whole.incidents,
        chronic: whole.chronic,
        ..sample::report()
    };
    let again = part_of_report(&told, "cls-2");
    let bare = |i: &Incident| (i.root.object.clone(), i.identity.clone());
    let mut here: Vec<_> = again.incidents.iter().map(bare).collect();
    let mut there: Vec<_> = alone.incidents.iter().map(bare).collect();
    here.sort();
    there.sort();
    assert_eq!(here, there);
}
