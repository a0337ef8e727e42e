//! Real messages and lines, and the fault that each must name.

use super::*;

fn pod() -> ObjectRef {
    ObjectRef::new("Pod", "shop", "web-6f7c9d8b5d-x2k8q")
}

fn codes_of(reason: &str, message: &str) -> Vec<String> {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let found = catalogue.of_event(&pod(), reason, message);
    let code = |m: &EventMatch| catalogue.faults()[m.fault].code.clone();
    found.iter().map(code).collect()
}

#[test]
fn the_catalogue_holds_at_least_sixty_faults_in_both_languages() {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let coarse = catalogue.faults().iter().filter(|f| f.coarse() == f.code);
    assert!(coarse.count() >= 60);
    assert!(
        catalogue
            .faults()
            .iter()
            .all(|f| !f.say.0.is_empty() && !f.say.1.is_empty())
    );
}

#[test]
fn real_event_messages_name_their_fault() {
    for (reason, message, code) in [
        (
            "Failed",
            r#"Failed to pull image "r.io/a:v9": rpc error: code = NotFound desc = failed to pull and unpack image "r.io/a:v9": failed to resolve reference "r.io/a:v9": r.io/a:v9: not found"#,
            "image.not_found.tag",
        ),
        (
            "Failed",
            r#"Failed to pull image "r.io/a:1": failed to authorize: failed to fetch anonymous token: 401 Unauthorized"#,
            "image.pull_auth",
        ),
        (
            "Failed",
            r#"Failed to pull image "x.invalid/a:1": rpc error: failed to do request: Head "https://x.invalid/v2": dial tcp: lookup x.invalid on 183.60.83.19:53: no such host"#,
            "image.registry_dns",
        ),
        (
            "FailedScheduling",
            "0/4 nodes are available: 4 node(s) were unschedulable. preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.",
            "schedule.cordoned",
        ),
        (
            "FailedScheduling",
            "0/4 nodes are available: 4 node(s) didn't match pod anti-affinity rules.",
            "schedule.node_affinity.pod_anti",
        ),
        (
            "FailedMount",
            r#"MountVolume.SetUp failed for volume "cfg" : configmap "web" not found"#,
            "config.missing_key.configmap",
        ),
        (
            "FailedCreate",
            r#"Error creating: pods "a-1" is forbidden: exceeded quota: q, requested: pods=1, used: pods=9, limited: pods=9"#,
            "quota.exceeded.pods",
        ),
        (
            "FailedCreate",
            r#"Error creating: pods "a-" is forbidden: error looking up service account shop/x: serviceaccount "x" not found"#,
            "account.missing",
        ),
        (
            "Evicted",
            "The node was low on resource: ephemeral-storage.",
            "node.disk_pressure.evicted",
        ),
        (
            "FailedScheduling",
            "0/8 nodes are available: 8 node(s) exceed max volume count. preemption: 0/8 nodes are available: 8 No preemption victims found for incoming pod.",
            "schedule.insufficient_other.volumes",
        ),
        (
            "FailedScheduling",
            "0/8 nodes are available: 3 Insufficient cpu, 5 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }.",
            "schedule.insufficient_cpu",
        ),
        (
            "FailedScheduling",
            "0/8 nodes are available: 3 node(s) had untolerated taint {dedicated: batch}, 5 node(s) had untolerated taint {node.kubernetes.io/unreachable: }.",
            "schedule.taint",
        ),
        (
            "FailedScheduling",
            "0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints.",
            "schedule.node_affinity.spread",
        ),
        (
            "FailedScheduling",
            "running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded",
            "schedule.other",
        ),
        (
            "Failed",
            "Error: failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: container init was OOM-killed (memory limit too low?): unknown",
            "container.oom_limit.too_low",
        ),
        (
            "Failed",
            "Error: failed to create containerd task: OCI runtime create failed: error mounting \"/var/lib/kubelet/pods/x/volume-subpaths/cfg/web/0\" to rootfs at \"/etc/web\": not a directory: unknown",
            "storage.mount.path",
        ),
    ] {
        assert_eq!(
            codes_of(reason, message).first().map(String::as_str),
            Some(code),
            "{message}"
        );
    }
}

#[test]
fn a_message_names_the_object_it_accuses() {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let found = catalogue.of_event(
        &pod(),
        "Failed",
        "Error: couldn't find key cache_ttl in ConfigMap shop/web-config",
    );
    assert_eq!(
        found[0].named,
        Some(("ConfigMap".to_owned(), "web-config".to_owned()))
    );
}

#[test]
fn calls_fail_in_ways_that_can_be_told_apart() {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    for (text, mode) in [
        (
            "dial tcp 10.0.0.1:80: connect: connection refused",
            CallMode::Refused,
        ),
        (
            "dial tcp: lookup a on 172.18.0.10:53: read udp: i/o timeout",
            CallMode::Dns,
        ),
        (
            "dial tcp: lookup a.example.com on 172.18.0.10:53: no such host",
            CallMode::NoName,
        ),
        (
            "http: server gave HTTP response to HTTPS client",
            CallMode::Protocol,
        ),
        (
            "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
            CallMode::Timeout,
        ),
        ("Request failed with status code 503", CallMode::Http5xx),
        (
            "x509: certificate has expired or is not yet valid",
            CallMode::Tls,
        ),
    ] {
        assert_eq!(catalogue.mode_of(text), Some(mode), "{text}");
    }
    assert_eq!(catalogue.mode_of("order 17 created"), None);
}

/// Short words are words: a client's `ResourceAccessException` holds `EACCES` but says nothing of permissions.
#[test]
fn a_failed_call_of_spring_is_no_matter_of_permissions() {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let codes = |text: &str| -> Vec<&str> {
        let found = catalogue.of_text(text);
        let code = |(fault, _): &(usize, Side)| catalogue.faults()[*fault].code.as_str();
        found.iter().map(code).collect()
    };
    let call = "org.springframework.web.client.ResourceAccessException: I/O error on POST request for \"http://pay:8000/v1\": Connection reset";
    assert_eq!(codes(call), Vec::<&str>::new());
    let denied = "Error: EACCES: permission denied, open '/data/cache/index'";
    assert_eq!(codes(denied), ["storage.mount.permission"]);
}
