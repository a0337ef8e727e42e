//! What went wrong on the sample day: five incidents of different make, and things that only look like one.
//!
//! An image tag that does not exist (a person's change, still so at midnight), a memory request no node can hold (a pipeline's
//! change, still so), a node that stops and takes three services with it (no change; recovers), a certificate of a partner that
//! expires (no change), a claim whose StorageClass does not exist. A harmless deployment and a label edit lie beside them.

use serde_json::json;

use super::cluster::{ALICE, BOB, Cluster, HOUR, MINUTE, NODES, PIPELINE, SECOND};
use crate::model::DayRange;

pub(super) fn tell(c: &mut Cluster, day: &DayRange) {
    let at = |hour: i64, minute: i64| day.start_ms + hour * HOUR + minute * MINUTE;
    harmless(c, at(9, 40));
    wrong_tag(c, at(10, 2), day.end_ms);
    lost_node(c, at(13, 15), at(14, 5));
    too_much_memory(c, at(16, 30), day.end_ms);
    missing_class(c, at(18, 20), day.end_ms);
    expired_certificate(c, at(20, 0), day.end_ms);
}

/// Instants from `from` to `to`, first close together, then farther apart, as controllers back off.
fn backing_off(from: i64, to: i64, first: i64, cap: i64) -> impl Iterator<Item = i64> {
    let mut next = (from, first);
    std::iter::from_fn(move || {
        let (now, step) = next;
        next = (now + step, (step * 17 / 10).min(cap));
        (now < to).then_some(now)
    })
}

/// A deployment that goes well and an annotation: changes that cause nothing.
fn harmless(c: &mut Cluster, at: i64) {
    c.roll_out(
        at,
        PIPELINE,
        "basket",
        "/spec/template/spec/containers/0/image",
        json!("ccr.ccs.tencentyun.com/shop/basket:1.5.0"),
    );
    let request = json!({"metadata": {"annotations": {"team.example.com/note": "reviewed"}}});
    let mut body = c.services["stock"].deployment.clone();
    body["metadata"]["annotations"]["team.example.com/note"] = json!("reviewed");
    c.audit(
        at + 12 * MINUTE,
        BOB,
        "patch",
        ("deployments", "apps"),
        ("shop", "stock"),
        200,
        &request,
        &body,
    );
}

fn wrong_tag(c: &mut Cluster, at: i64, end: i64) {
    let image = "ccr.ccs.tencentyun.com/pay/billing:1.5.0-rc2";
    let pod = c.roll_out(
        at,
        ALICE,
        "billing",
        "/spec/template/spec/containers/0/image",
        json!(image),
    );
    let on = ("Pod", "pay", pod.as_str());
    c.event(
        at + 2 * SECOND,
        on,
        false,
        "Scheduled",
        "default-scheduler",
        &format!("Successfully assigned pay/{pod} to {}", NODES[1]),
        1,
    );
    let refusal = format!(
        "Failed to pull image \"{image}\": rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found"
    );
    for t in backing_off(at + 4 * SECOND, end, 15 * SECOND, 10 * MINUTE) {
        c.event(
            t,
            on,
            false,
            "Pulling",
            "kubelet",
            &format!("Pulling image \"{image}\""),
            1,
        );
        c.event(t + SECOND, on, true, "Failed", "kubelet", &refusal, 1);
        c.event(
            t + SECOND + 10,
            on,
            true,
            "Failed",
            "kubelet",
            "Error: ErrImagePull",
            1,
        );
        c.event(
            t + 2 * SECOND,
            on,
            false,
            "BackOff",
            "kubelet",
            &format!("Back-off pulling image \"{image}\""),
            1,
        );
        c.event(
            t + 2 * SECOND + 10,
            on,
            true,
            "Failed",
            "kubelet",
            "Error: ImagePullBackOff",
            1,
        );
    }
    call_fails(
        c,
        "orders",
        "billing",
        "Read timed out",
        (at + MINUTE, end),
        40,
    );
}

/// `caller` cannot reach `target`, and the edge answers 500.
fn call_fails(
    c: &mut Cluster,
    caller: &'static str,
    target: &'static str,
    how: &str,
    span: (i64, i64),
    times: i64,
) {
    let host = c.services[target].host();
    for i in 0..times {
        let t = span.0 + (span.1 - span.0) * i / times + c.dice.delay(20 * SECOND);
        let error = format!("Post \"http://{host}/v1\": {how}");
        let stack = format!(
            "org.springframework.web.client.ResourceAccessException: I/O error on POST request for \"http://{host}/v1\": {how}\n\tat com.demo.{caller}.Client.post(Client.java:88)\n\tat com.demo.{caller}.Handler.handle(Handler.java:41)\nCaused by: java.net.SocketTimeoutException: {how}"
        );
        let zap = c.services[caller].style == super::cluster::Style::Zap;
        c.say(
            caller,
            t,
            "ERROR",
            &format!("call {target} failed"),
            Some(if zap { &error } else { &stack }),
        );
        c.access(t + 15, 500, 3005, "/api/orders");
    }
}

fn lost_node(c: &mut Cluster, at: i64, recovery: i64) {
    let node = NODES[3];
    let ready = |c: &mut Cluster, t, warning, reason: &str| {
        c.event(
            t,
            ("Node", "", node),
            warning,
            reason,
            "node-controller",
            &format!("Node {node} status is now: {reason}"),
            1,
        );
    };
    ready(c, at + 40 * SECOND, true, "NodeNotReady");
    let lost: Vec<_> = c
        .services
        .values()
        .flat_map(|s| {
            s.pods
                .iter()
                .filter(|p| p.1 == node)
                .map(|p| (s.name, s.ns, p.0.clone()))
        })
        .collect();
    for (service, ns, pod) in lost {
        c.event(
            at + 41 * SECOND,
            ("Pod", ns, &pod),
            true,
            "NodeNotReady",
            "node-controller",
            "Node is not ready",
            1,
        );
        c.event(
            at + 345 * SECOND,
            ("Pod", ns, &pod),
            false,
            "TaintManagerEviction",
            "taint-eviction-controller",
            &format!("Marking for deletion Pod {ns}/{pod}"),
            1,
        );
        let caller = if service == "orders" {
            "basket"
        } else {
            "orders"
        };
        if service != "storefront" {
            call_fails(
                c,
                caller,
                service,
                "connect timed out",
                (at + 5 * SECOND, at + 7 * MINUTE),
                12,
            );
        }
    }
    ready(c, recovery, false, "NodeReady");
}

fn too_much_memory(c: &mut Cluster, at: i64, end: i64) {
    let pod = c.roll_out(
        at,
        PIPELINE,
        "lookup",
        "/spec/template/spec/containers/0/resources/requests/memory",
        json!("48Gi"),
    );
    let full = "0/5 nodes are available: 5 Insufficient memory. preemption: 0/5 nodes are available: 5 No preemption victims found for incoming pod.";
    for t in backing_off(at + 2 * SECOND, end, 20 * SECOND, 10 * MINUTE) {
        c.event(
            t,
            ("Pod", "shop", &pod),
            true,
            "FailedScheduling",
            "default-scheduler",
            full,
            1,
        );
        c.event(t + 9 * SECOND, ("Pod", "shop", &pod), false, "NotTriggerScaleUp", "cluster-autoscaler", "pod didn't trigger scale-up (it wouldn't fit if a new node is added): 1 Insufficient memory", 1);
    }
}

fn missing_class(c: &mut Cluster, at: i64, end: i64) {
    let claim = json!({"kind": "PersistentVolumeClaim", "apiVersion": "v1", "metadata": {"name": "mysql-pv-claim", "namespace": "pay", "uid": c.dice.uuid()},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "50Gi"}}, "storageClassName": "cbs-fast"}, "status": {"phase": "Pending"}});
    c.audit(
        at,
        BOB,
        "create",
        ("persistentvolumeclaims", ""),
        ("pay", "mysql-pv-claim"),
        201,
        &claim,
        &claim,
    );
    for t in backing_off(at + 2 * SECOND, end, 15 * SECOND, 4 * MINUTE) {
        c.event(
            t,
            ("PersistentVolumeClaim", "pay", "mysql-pv-claim"),
            true,
            "ProvisioningFailed",
            "persistentvolume-controller",
            "storageclass.storage.k8s.io \"cbs-fast\" not found",
            1,
        );
    }
}

fn expired_certificate(c: &mut Cluster, at: i64, end: i64) {
    let not_after = Cluster::moment(at)
        .civil()
        .strftime("%a %b %d %H:%M:%S CST %Y")
        .to_string();
    let stack = format!(
        "javax.net.ssl.SSLHandshakeException: PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed\n\tat com.demo.orders.CourierClient.send(CourierClient.java:52)\nCaused by: java.security.cert.CertificateExpiredException: NotAfter: {not_after}"
    );
    for i in 0..60 {
        let t = at + (end - at) * i / 60 + c.dice.delay(30 * SECOND);
        c.say(
            "orders",
            t,
            "ERROR",
            "courier api.courier.example.cn call failed",
            Some(&stack),
        );
    }
}
