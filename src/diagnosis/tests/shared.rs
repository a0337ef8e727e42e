//! Faults of what several share, warnings that nobody knows, and settings by which names are looked up.

use super::*;
use crate::{mining::baseline::counts_of, model::report::ActorKind};

const LOOKUP: &str = "call failed: dial tcp: lookup {host} on 172.18.0.10:53: {answer}";

fn failing(story: &mut Story, service: &str, host: &str, answer: &str, from: i64) {
    let text = LOOKUP.replace("{host}", host).replace("{answer}", answer);
    let text = text.replace("call", &format!("Get \"http://{host}/\""));
    story.line(service, &text, from, from + 60);
}

fn callers() -> Story {
    let mut story = Story::new();
    for name in ["web", "edge", "cart", "orders"] {
        story.deployment(name, "r.io/a:1");
    }
    story
}

#[test]
fn the_name_server_is_blamed_when_it_does_not_answer_or_denies_what_is_there() {
    let blamed = |lookups: &[(&str, &str, &str, i64)]| {
        let mut story = callers();
        for (service, host, answer, from) in lookups {
            failing(&mut story, service, host, answer, *from);
        }
        let causes = roots(&story.told()).into_iter().map(|(cause, _)| cause);
        causes.collect::<Vec<_>>()
    };
    let (silent, denied) = ("i/o timeout", "no such host");
    let (cart, orders) = (
        "cart.shop.svc.cluster.local",
        "orders.shop.svc.cluster.local",
    );
    for (a, b, answer) in [
        (cart, orders, silent),
        (cart, orders, denied),
        ("api.bank.com", "sms.vendor.cn", silent),
    ] {
        let at_once = [("web", a, answer, 600), ("edge", b, answer, 605)];
        assert_eq!(blamed(&at_once), ["dns.down"], "{a} {b} {answer}");
    }
    // One partner's domain has lapsed; two typing errors, hours apart.
    for (a, b, later) in [
        ("a.bank.com", "b.bank.com", 605),
        ("api.bnk.com", "sms.vendr.cn", 900),
    ] {
        let found = blamed(&[("web", a, denied, 600), ("edge", b, denied, later)]);
        assert!(!found.iter().any(|c| c == "dns.down"), "{a} {b}: {found:?}");
        assert!(found.iter().any(|c| c == "app.upstream_down"), "{found:?}");
    }
}

#[test]
fn whoever_got_other_dns_settings_is_to_blame_when_only_he_cannot_resolve() {
    let mut story = callers();
    let mut lonely = deployment("web", "r.io/a:1");
    lonely["template"]["spec"]["dnsPolicy"] = json!("Default");
    story.update("1000", "Deployment", "web", &lonely, 600);
    for host in [
        "cart.shop.svc.cluster.local",
        "orders.shop.svc.cluster.local",
    ] {
        failing(&mut story, "web", host, "no such host", 602);
    }
    let expected = (
        "dns.pod_settings".to_owned(),
        "Deployment shop/web".to_owned(),
    );
    assert_eq!(roots(&story.told()), [expected]);
}

#[test]
fn autoscalers_without_metrics_share_one_fault() {
    let told = |names: &[&str]| {
        let mut story = Story::new();
        for name in names {
            let none = "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API";
            story.event(name, "FailedGetResourceMetric", none, 600, 700);
            let series = story.shapes.events.last_mut().expect("a series");
            series.object = ObjectRef::new("HorizontalPodAutoscaler", "shop", *name);
        }
        roots(&story.told())
    };
    let of = |object: &str| [("scaling.no_metrics".to_owned(), object.to_owned())];
    assert_eq!(told(&["web"]), of("HorizontalPodAutoscaler shop/web"));
    assert_eq!(
        told(&["web", "edge"]),
        of("Deployment kube-system/metrics-server")
    );
}

#[test]
fn a_release_by_an_account_of_the_users_own_is_a_cause() {
    let told = |user: &str| {
        let mut story = Story::new();
        story.deployment("web", "r.io/web:v8");
        let v9 = deployment("web", "r.io/web:v9");
        story.update(user, "Deployment", "web", &v9, 600);
        let write = story.shapes.writes.last_mut().expect("a write");
        write.actor.agent = "Go-http-client/2.0".to_owned();
        story.event("web-6f7c9d8b5d-x2k8q", "Failed", GONE, 601, 700);
        let day = story.told();
        day.incidents[0].change.as_ref().map(|c| c.actor)
    };
    let platform = "system:serviceaccount:paas:app-publisher";
    assert_eq!(told(platform), Some(ActorKind::Pipeline));
    let controller = "system:serviceaccount:ops:order-controller";
    assert_eq!(told(controller), None);
}

/// A warning that the catalogue does not know: on record before, or never seen.
#[test]
fn a_warning_that_nobody_knows_is_an_incident_once_earlier_days_are_known() {
    let mut story = Story::new();
    story.deployment("web", "r.io/web:v8");
    let odd = "sidecar quorum lost, 3 members are missing";
    story.event("web-6f7c9d8b5d-x2k8q", "QuorumLost", odd, 600, 700);
    assert_eq!(roots(&story.told()), []);
    let before: Day = "2026-11-20".parse().expect("a day");
    let before = before.range(&range().zone);
    let yesterday = counts_of(&Story::new().shapes, &before, 1.0);
    let baseline = Baseline {
        of: 1,
        days: vec![yesterday],
        partial: false,
    };
    let found = roots(&story.told_after(&baseline));
    let expected = ("unknown".to_owned(), "Deployment shop/web".to_owned());
    assert_eq!(found, [expected]);
}

/// A node's full disk is told once, and not as the full disk of each pod on it.
#[test]
fn a_full_disk_of_a_pod_follows_from_the_full_disk_of_its_node() {
    let full = "OSError: [Errno 28] No space left on device: '/var/tmp/x'";
    let told = |node: bool| {
        let mut story = callers();
        for name in ["web", "edge"] {
            story.line(name, full, 600, 660);
            let host = "Successfully assigned shop/pod to 10.0.3.11";
            story.event(
                &format!("{name}-6f7c9d8b5d-x2k8q"),
                "Scheduled",
                host,
                100,
                101,
            );
            let series = story.shapes.events.last_mut().expect("a series");
            (series.warning, series.host) = (false, "10.0.3.11".to_owned());
        }
        if node {
            let message = "Node 10.0.3.11 status is now: NodeHasDiskPressure";
            story.event("10.0.3.11", "NodeHasDiskPressure", message, 598, 660);
            let series = story.shapes.events.last_mut().expect("a series");
            series.object = ObjectRef::new("Node", "", "10.0.3.11");
        }
        roots(&story.told())
    };
    let of_node = ("node.disk_pressure".to_owned(), "Node 10.0.3.11".to_owned());
    assert_eq!(told(true), [of_node]);
    assert_eq!(told(false).len(), 2);
}

#[test]
fn fewer_pods_than_the_work_needs_are_told_by_who_took_them() {
    let slow = "Readiness probe failed: Get \"http://10.0.0.1:8080/\": context deadline exceeded";
    let scaler = |most: u32| json!({"maxReplicas": most, "scaleTargetRef": {"kind": "Deployment", "name": "web"}});
    let told = |from: u32, to: u32| {
        let mut story = callers();
        story.known("HorizontalPodAutoscaler", "web", &scaler(from));
        let kind = "HorizontalPodAutoscaler";
        story.update("1000", kind, "web", &scaler(to), 600);
        story.event("web-6f7c9d8b5d-x2k8q", "Unhealthy", slow, 602, 700);
        roots(&story.told()).remove(0)
    };
    let lowered = "scaling.max_reached".to_owned();
    let scaler_of_web = "HorizontalPodAutoscaler shop/web".to_owned();
    assert_eq!(told(6, 3), (lowered, scaler_of_web));
    assert_ne!(told(3, 6).0, "scaling.max_reached");
}
