//! Days told in a few records, and what must be concluded from them.

mod beyond;
mod carried;
mod causes;
mod shared;
mod trace;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;
use crate::model::{
    EvidenceId, Level, ObjectRef, Service,
    record::{Actor, AuditWrite},
    report::Status,
    shapes::{Cells, EventSeries, Reading, Sample, State, TemplateDay, TemplateId},
};

const MIN: i64 = 60_000;

fn range() -> DayRange {
    let day: Day = "2026-11-21".parse().expect("a day");
    day.range(&TimeZone::get("Asia/Shanghai").expect("a zone"))
}

/// A day under construction.
struct Story {
    shapes: DayShapes,
    states: States,
    before: Option<Report>,
    next: u64,
}

impl Story {
    fn new() -> Self {
        let mut shapes = DayShapes::default();
        for kind in LogKind::ALL {
            let mut reading = Reading::default();
            reading.counts.records = 1000;
            shapes.read.insert(kind, reading);
        }
        Self {
            shapes,
            states: States::new(),
            before: None,
            next: 0,
        }
    }

    fn id(&mut self, kind: LogKind) -> EvidenceId {
        self.next += 1;
        EvidenceId {
            kind,
            hash: self.next,
        }
    }

    /// Occurrences every five minutes in `[from, to)`, in minutes of the day.
    fn cells(from: i64, to: i64, each: u32) -> Cells {
        let mut cells = Cells::default();
        for minute in (from..to).step_by(5) {
            cells.add(u16::try_from(minute / 5).expect("a cell"), each);
        }
        cells
    }

    fn event(&mut self, pod: &str, reason: &str, message: &str, from: i64, to: i64) -> &mut Self {
        let id = self.id(LogKind::Event);
        let start = range().start_ms;
        self.shapes.events.push(EventSeries {
            cluster: String::new(),
            uid: id.to_string(),
            object: ObjectRef::new("Pod", "shop", pod),
            object_uid: pod.to_owned(),
            container: String::new(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            warning: true,
            component: "kubelet".to_owned(),
            host: "10.0.3.11".to_owned(),
            cells: Self::cells(from, to, 2),
            before: 0,
            born_ms: start + from * MIN,
            first_ms: start + from * MIN,
            last_ms: start + to * MIN,
            evidence: vec![id],
        });
        self
    }

    fn line(&mut self, service: &str, text: &str, from: i64, to: i64) -> &mut Self {
        let id = self.id(LogKind::Business);
        let start = range().start_ms;
        self.shapes.templates.push(TemplateDay {
            id: TemplateId(id.hash),
            text: text.to_owned(),
            service: Service {
                cluster: String::new(),
                namespace: "shop".to_owned(),
                name: service.to_owned(),
                container: service.to_owned(),
            },
            level: Level::Error,
            cells: Self::cells(from, to, 3),
            first_ms: start + from * MIN,
            last_ms: start + to * MIN,
            samples: vec![Sample {
                id,
                ts_ms: start + from * MIN,
                pod: format!("{service}-6f7c9d8b5d-x2k8q"),
                text: text.to_owned(),
            }],
            fields: Vec::new(),
        });
        self
    }

    fn known(&mut self, kind: &str, name: &str, spec: &Value) -> &mut Self {
        let object = ObjectRef::new(kind, "shop", name);
        let body = json!({"kind": kind, "metadata": {"name": name, "namespace": "shop", "uid": name}, "spec": spec});
        let body = body.into();
        self.states.insert(object, State { at_ms: 0, body });
        self
    }

    fn deployment(&mut self, name: &str, image: &str) -> &mut Self {
        self.known("Deployment", name, &deployment(name, image));
        self.known(
            "Service",
            name,
            &json!({"selector": {"app": name}, "ports": [{"port": 8080}]}),
        )
    }

    fn update(&mut self, user: &str, kind: &str, name: &str, spec: &Value, at: i64) -> &mut Self {
        let id = self.id(LogKind::Audit);
        self.shapes.writes.push(AuditWrite {
            id,
            ts_ms: range().start_ms + at * MIN,
            cluster: String::new(),
            audit_id: format!("audit-{}", id.hash),
            actor: Actor {
                user: user.to_owned(),
                agent: "kubectl/v1.28".to_owned(),
                ..Actor::default()
            },
            verb: "update".to_owned(),
            object: ObjectRef::new(kind, "shop", name),
            resource: format!("{}s", kind.to_lowercase()),
            subresource: String::new(),
            api_group: if kind == "Service" { "" } else { "apps" }.to_owned(),
            code: 200,
            reason: String::new(),
            message: String::new(),
            request: None,
            response: Some(json!({"kind": kind, "apiVersion": "v1", "metadata": {"name": name, "namespace": "shop", "uid": name}, "spec": spec}).into()),
        });
        self
    }

    fn told(&self) -> Diagnosis {
        self.told_after(&Baseline::default())
    }

    fn told_after(&self, baseline: &Baseline) -> Diagnosis {
        let range = range();
        let deviations = crate::mining::baseline::compare(&self.shapes, baseline, &range);
        diagnose(&Input {
            range: &range,
            shapes: &self.shapes,
            states: &self.states,
            baseline,
            deviations: &deviations,
            catalogue: &Catalogue::builtin().expect("the catalogue"),
            earlier: &[],
            before: self.before.as_ref(),
            lang: Lang::Zh,
        })
    }
}

fn deployment(name: &str, image: &str) -> Value {
    json!({"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": name, "image": image}]}}})
}

fn roots(told: &Diagnosis) -> Vec<(String, String)> {
    let root = |i: &Incident| (i.root.cause.clone(), i.root.object.to_string());
    told.incidents.iter().map(root).collect()
}

const GONE: &str = r#"Failed to pull image "r.io/web:v9": failed to resolve reference "r.io/web:v9": r.io/web:v9: not found"#;

#[test]
fn a_missing_image_is_blamed_on_the_change_of_the_image() {
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
    let told = story.told();
    assert_eq!(
        roots(&told),
        [(
            "image.not_found".to_owned(),
            "Deployment shop/web".to_owned()
        )]
    );
    let incident = &told.incidents[0];
    assert_eq!(incident.root.detail.as_deref(), Some("image.not_found.tag"));
    let change = incident.change.as_ref().expect("a change");
    assert_eq!(
        (change.user.as_str(), change.diff[0].path.as_str()),
        ("1000", "/spec/template/spec/containers/0/image")
    );
    assert!(
        incident.end.is_none(),
        "nothing was read after it, so nobody saw it end"
    );
}

#[test]
fn callers_of_a_broken_service_are_one_incident_with_it() {
    let mut story = Story::new();
    story
        .deployment("web", "r.io/web:v8")
        .deployment("edge", "r.io/edge:1");
    story.update(
        "1000",
        "Service",
        "web",
        &json!({"selector": {"app": "webb"}, "ports": [{"port": 8080}]}),
        600,
    );
    story.line(
        "edge",
        r#"Post "http://web.shop.svc.cluster.local:8080/": dial tcp: connect: connection refused"#,
        601,
        660,
    );
    let told = story.told();
    assert_eq!(
        roots(&told),
        [("service.selector".to_owned(), "Service shop/web".to_owned())]
    );
}

#[test]
fn a_lost_node_is_over_when_it_is_ready_again_and_explains_the_callers_of_its_pods() {
    let mut story = Story::new();
    story.deployment("web", "r.io/web:v8");
    let node = ObjectRef::new("Node", "", "10.0.3.11");
    story.event("x", "NodeNotReady", "Node is not ready", 600, 601);
    story.shapes.events[0].object = node.clone();
    story.event(
        "web-6f7c9d8b5d-x2k8q",
        "NodeNotReady",
        "Node is not ready",
        600,
        601,
    );
    story.line(
        "edge",
        r#"Post "http://web.shop.svc.cluster.local:8080/": context deadline exceeded"#,
        601,
        640,
    );
    let ongoing = story.told();
    assert_eq!(
        roots(&ongoing),
        [("node.not_ready".to_owned(), "Node 10.0.3.11".to_owned())]
    );
    assert_eq!(
        ongoing.incidents[0].status,
        Status::Ongoing,
        "nobody said that it ended"
    );
    story.event("x", "NodeReady", "Node is ready", 650, 651);
    story.shapes.events[2].object = node;
    story.shapes.events[2].warning = false;
    let over = story.told();
    assert_eq!(over.incidents.len(), 1);
    assert_eq!(over.incidents[0].status, Status::Recovered);
    assert_eq!(
        over.incidents[0].end.as_ref().map(|m| m.ms),
        Some(range().start_ms + 650 * MIN)
    );
}

#[test]
fn an_edge_that_names_nobody_follows_those_that_fail_in_the_same_minutes() {
    let mut story = Story::new();
    story
        .deployment("web", "r.io/web:v8")
        .deployment("orders", "r.io/orders:1");
    story.update(
        "1000",
        "Deployment",
        "web",
        &deployment("web", "r.io/web:v9"),
        600,
    );
    story.event("web-6f7c9d8b5d-x2k8q", "Failed", GONE, 601, 700);
    story.line(
        "orders",
        r#"Post "http://web.shop.svc.cluster.local:8080/": Read timed out"#,
        605,
        700,
    );
    story.line(
        "edge",
        r#"1.2.3.4 - - [21/Nov/2026:10:05:00 +0800] "GET /api/orders HTTP/1.1" 500 88 "-" "curl""#,
        605,
        700,
    );
    let image = (
        "image.not_found".to_owned(),
        "Deployment shop/web".to_owned(),
    );
    assert_eq!(roots(&story.told()), std::slice::from_ref(&image));
    // Hours later it is another matter.
    story.line(
        "edge",
        r#"1.2.3.4 - - [21/Nov/2026:15:00:00 +0800] "GET /api/cart HTTP/1.1" 500 88 "-" "curl""#,
        900,
        960,
    );
    let told = roots(&story.told());
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.contains(&image));
}

#[test]
fn a_certificate_that_expires_is_its_own_incident_beside_a_failing_callee() {
    let mut story = Story::new();
    story
        .deployment("web", "r.io/web:v8")
        .deployment("orders", "r.io/orders:1");
    story.update(
        "1000",
        "Deployment",
        "web",
        &deployment("web", "r.io/web:v9"),
        600,
    );
    story.event("web-6f7c9d8b5d-x2k8q", "Failed", GONE, 601, 1000);
    story.line(
        "orders",
        r#"Post "http://web.shop.svc.cluster.local:8080/": Read timed out"#,
        605,
        1000,
    );
    story.line("orders", "call to api.partner.example.cn failed: java.security.cert.CertificateExpiredException: NotAfter: x", 900, 1000);
    let told = story.told();
    let found = roots(&told);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().any(|r| r.0 == "app.tls_expired"), "{found:?}");
    let image = told
        .incidents
        .iter()
        .find(|i| i.root.cause == "image.not_found");
    assert_eq!(image.map(|i| i.findings.len()), Some(3));
}

#[test]
fn a_day_without_trouble_is_healthy_and_a_day_without_records_is_unknown() {
    let mut story = Story::new();
    story.deployment("web", "r.io/web:v8");
    story.update(
        "1000",
        "Deployment",
        "web",
        &deployment("web", "r.io/web:v9"),
        600,
    );
    assert_eq!(story.told().verdict, Verdict::Healthy);
    story.shapes = DayShapes::default();
    assert_eq!(story.told().verdict, Verdict::Unknown);
}

#[test]
fn a_habit_in_three_stretches_is_one_matter_and_usual_only_where_there_were_days() {
    let mut story = Story::new();
    story.deployment("web", "r.io/web:v8");
    story.line("web", "ledger page 7 is torn", 0, 400);
    let template = &mut story.shapes.templates[0];
    for (from, to) in [(530, 930), (1060, 1430)] {
        template.cells.merge(&Story::cells(from, to, 3));
    }
    template.last_ms = range().start_ms + 1425 * MIN;
    let count = template.count();
    let today = Day::of(range().start_ms, &range().zone);
    let day = |back: i32| today.plus(-back).range(&range().zone);
    let counts = |back| crate::mining::baseline::counts_of(&story.shapes, &day(back), 1.0);
    let known = Baseline {
        of: 2,
        days: vec![counts(2), counts(1)],
        partial: false,
    };
    for (baseline, usual) in [(Baseline::default(), 0.0), (known, count as f64)] {
        let told = story.told_after(&baseline);
        let [one] = &told.chronic[..] else {
            panic!("{:?}", told.chronic);
        };
        assert_eq!(one.count, count);
        assert!((one.baseline - usual).abs() < 0.1, "{}", one.baseline);
    }
}
