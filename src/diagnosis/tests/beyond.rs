//! Faults told by who suffers or by what objects look like, not by a message that names them.

use super::*;

const READ_ONLY: &str = "java.sql.SQLException: The MySQL server is running with the --super-read-only option so it cannot execute this statement";

/// `web` and `edge` call the database `orders`, as their settings say.
fn with_database() -> Story {
    let mut story = Story::new();
    for name in ["web", "edge"] {
        story.deployment(name, "r.io/a:1");
        story.known("Deployment", name, &calling(name, "orders:3306"));
    }
    story.known(
        "StatefulSet",
        "orders",
        &deployment("orders", "r.io/mysql:8"),
    );
    story.known(
        "Service",
        "orders",
        &json!({"selector": {"app": "orders"}, "ports": [{"port": 3306}]}),
    );
    story
}

fn calling(name: &str, address: &str) -> Value {
    json!({"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [
        {"name": name, "image": "i:1", "env": [{"name": "DB", "value": address}]}]}}})
}

fn one(cause: &str, object: &str) -> Vec<(String, String)> {
    vec![(cause.to_owned(), object.to_owned())]
}

#[test]
fn what_several_clients_complain_of_is_the_fault_of_the_one_they_call() {
    let mut story = with_database();
    story
        .line("web", READ_ONLY, 600, 700)
        .line("edge", READ_ONLY, 610, 700);
    assert_eq!(
        roots(&story.told()),
        one("app.db_readonly", "StatefulSet shop/orders")
    );
    // A disk that fills up is the writer's own, unless the line speaks of a product that it calls.
    let mut story = with_database();
    let full = "OSError: [Errno 28] No space left on device: '/var/tmp/x'";
    story.line("web", full, 600, 700);
    assert_eq!(
        roots(&story.told()),
        one("app.disk_full", "Deployment shop/web")
    );
}

#[test]
fn a_mistyped_port_is_found_though_the_driver_names_no_address() {
    let mut story = with_database();
    story.update(
        "1000",
        "Deployment",
        "web",
        &calling("web", "orders:3307"),
        600,
    );
    let refused = "save failed\njava.net.ConnectException: Connection refused (Connection refused)";
    story.line("web", refused, 601, 700);
    let told = story.told();
    assert_eq!(
        roots(&told),
        one("config.wrong_endpoint", "Deployment shop/web")
    );
    assert!(told.incidents[0].change.is_some());
}

#[test]
fn a_release_on_hold_is_told_until_somebody_lets_it_go_on() {
    let mut story = Story::new();
    story.deployment("web", "r.io/web:1");
    let mut v2 = deployment("web", "r.io/web:2");
    v2["paused"] = json!(true);
    story.update("1000", "Deployment", "web", &v2, 600);
    story.event("edge-6f7c9d8b5d-x2k80", "Pulled", "done", 900, 900);
    story.shapes.events[0].warning = false;
    assert_eq!(
        roots(&story.told()),
        one("workload.paused", "Deployment shop/web")
    );
    v2["paused"] = json!(false);
    story.update("1000", "Deployment", "web", &v2, 610);
    assert_eq!(roots(&story.told()), []);
}

#[test]
fn a_lowered_cpu_limit_is_blamed_for_probes_and_callers_that_time_out() {
    let limited = |cpu: &str| {
        let mut spec = deployment("web", "i:1");
        spec["template"]["spec"]["containers"][0]["resources"] = json!({"limits": {"cpu": cpu}});
        spec
    };
    let story = |from: &str, to: &str| {
        let mut story = Story::new();
        story.deployment("web", "i:1").deployment("edge", "i:1");
        story.known("Deployment", "web", &limited(from));
        story.update("1000", "Deployment", "web", &limited(to), 600);
        let late =
            "Readiness probe failed: Get \"http://10.0.0.1:8080/\": context deadline exceeded";
        story.event("web-6f7c9d8b5d-x2k8q", "Unhealthy", late, 602, 700);
        let slow = r#"Post "http://web.shop.svc.cluster.local:8080/": Read timed out"#;
        story.line("edge", slow, 603, 700);
        story.told()
    };
    let told = story("2", "50m");
    assert_eq!(
        roots(&told),
        one("container.cpu_limit", "Deployment shop/web")
    );
    assert!(told.incidents[0].ready_rollback().is_some());
    assert_ne!(roots(&story("50m", "2"))[0].0, "container.cpu_limit");
}

#[test]
fn a_policy_that_shuts_in_and_a_route_that_leads_nowhere_are_blamed() {
    let mut story = Story::new();
    story.deployment("web", "i:1").deployment("edge", "i:1");
    let policy = json!({"podSelector": {"matchLabels": {"app": "edge"}}, "policyTypes": ["Egress"], "egress": []});
    story.update("1000", "NetworkPolicy", "shut", &policy, 600);
    story.shapes.writes[0].verb = "create".to_owned();
    story.shapes.writes[0].code = 201;
    let slow = r#"Post "http://web.shop.svc.cluster.local:8080/": dial tcp: i/o timeout"#;
    story.line("edge", slow, 601, 700);
    assert_eq!(
        roots(&story.told()),
        one("network.policy", "NetworkPolicy shop/shut")
    );

    let mut story = Story::new();
    story.deployment("web", "i:1").deployment("edge", "i:1");
    let route = |service: &str| json!({"rules": [{"http": {"paths": [{"backend": {"service": {"name": service}}}]}}]});
    story.known("Ingress", "public", &route("web"));
    story.update("1000", "Ingress", "public", &route("webb"), 600);
    let nowhere =
        r#"1.2.3.4 - - [21/Nov/2026:10:05:00 +0800] "GET /api/orders HTTP/1.1" 503 88 "-" "curl""#;
    story.line("edge", nowhere, 601, 700);
    assert_eq!(
        roots(&story.told()),
        one("service.gateway_route", "Ingress shop/public")
    );
}

#[test]
fn a_claim_is_held_against_the_volumes_that_are_known() {
    let detail = |claim: Value, volume: Value| {
        let mut story = Story::new();
        story.known("PersistentVolumeClaim", "data", &claim);
        let object = ObjectRef::new("PersistentVolume", "", "disk-1");
        let body = json!({"kind": "PersistentVolume", "metadata": {"name": "disk-1", "labels": {"tier": "hot"}}, "spec": volume});
        let body = body.into();
        story.states.insert(object, State { at_ms: 0, body });
        let none = "no persistent volumes available for this claim and no storage class is set";
        story.event("data", "FailedBinding", none, 600, 700);
        story.shapes.events[0].object = ObjectRef::new("PersistentVolumeClaim", "shop", "data");
        let told = story.told();
        let root = &told.incidents[0].root;
        assert_eq!(root.cause, "storage.unbound");
        root.detail.clone().unwrap_or_default()
    };
    let disk = json!({"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "10Gi"}});
    let claim = |mode: &str, size: &str| json!({"accessModes": [mode], "resources": {"requests": {"storage": size}}});
    assert_eq!(
        detail(claim("ReadWriteMany", "5Gi"), disk.clone()),
        "storage.unbound.access_mode"
    );
    assert_eq!(
        detail(claim("ReadWriteOnce", "50Gi"), disk.clone()),
        "storage.unbound.capacity"
    );
    let mut picky = claim("ReadWriteOnce", "5Gi");
    picky["selector"] = json!({"matchLabels": {"tier": "cold"}});
    assert_eq!(detail(picky, disk.clone()), "storage.unbound.selector");
    let mut taken = disk.clone();
    taken["claimRef"] = json!({"name": "other", "namespace": "shop"});
    assert_eq!(
        detail(claim("ReadWriteOnce", "5Gi"), taken),
        "storage.unbound.taken"
    );
}

#[test]
fn calls_that_time_out_take_their_name_from_what_the_callee_says_of_itself() {
    let mut story = Story::new();
    story.deployment("web", "i:1").deployment("edge", "i:1");
    let slow = r#"Post "http://web.shop.svc.cluster.local:8080/": Read timed out"#;
    story.line("edge", slow, 601, 700);
    assert_eq!(roots(&story.told())[0].0, "unknown");
    story.line(
        "web",
        "slow sql, cost 8210ms: select * from t_order",
        601,
        700,
    );
    assert_eq!(
        roots(&story.told()),
        one("app.slow_query", "Deployment shop/web")
    );
}
