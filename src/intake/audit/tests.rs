//! Audit lines as TKE ships them, and the records made of them.

use serde_json::json;

use super::*;

fn line(extra: &serde_json::Value) -> serde_json::Value {
    let mut line = json!({
        "__TIMESTAMP__": 1_795_275_471_123_i64, "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse",
        "auditID": "0a4376d5", "stage": "ResponseComplete", "requestURI": "/apis/apps/v1/namespaces/shop/deployments/checkout",
        "verb": "patch", "user": {"username": "100012347138", "groups": ["system:authenticated"]}, "sourceIPs": ["10.0.6.68"],
        "userAgent": "kubectl/v1.28.3", "objectRef": {"resource": "deployments", "namespace": "shop", "name": "checkout", "apiGroup": "apps"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestObject": {"spec": {"replicas": 0}},
    });
    for (key, value) in extra.as_object().expect("object") {
        line[key] = value.clone();
    }
    line
}

fn record(line: &serde_json::Value) -> AuditRecord<'static> {
    let line: &'static str = line.to_string().leak();
    read(line.as_bytes()).expect("record")
}

fn write(extra: &serde_json::Value) -> AuditWrite {
    match record(&line(extra)) {
        AuditRecord::Write(write) => *write,
        AuditRecord::Call(call) => panic!("{call:?}"),
    }
}

fn is_write(extra: &serde_json::Value) -> bool {
    matches!(record(&line(extra)), AuditRecord::Write(_))
}

#[test]
fn json_type_0_gives_the_same_record() {
    let structured =
        line(&json!({"responseObject": {"kind": "Deployment", "spec": {"replicas": 0}}}));
    let strings: serde_json::Map<_, _> = structured
        .as_object()
        .expect("object")
        .iter()
        .map(|(k, v)| {
            let text = v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            (k.clone(), serde_json::Value::String(text))
        })
        .collect();
    let write = record(&structured);
    assert_eq!(write, record(&serde_json::Value::Object(strings)));
    let AuditRecord::Write(write) = write else {
        panic!("a patch is a write");
    };
    assert_eq!(
        write.object,
        ObjectRef::new("Deployment", "shop", "checkout")
    );
    assert_eq!((write.actor.ip.as_str(), write.code), ("10.0.6.68", 200));
    assert_eq!(
        write.request.as_deref(),
        Some(&json!({"spec": {"replicas": 0}}))
    );
}

#[test]
fn only_changes_of_desired_state_are_writes() {
    let resource = |resource: &str, sub: &str| json!({"objectRef": {"resource": resource, "subresource": sub, "namespace": "shop", "name": "x"}});
    for (resource_name, sub) in [
        ("deployments", "scale"),
        ("pods", "eviction"),
        ("rolebindings", ""),
        ("configmaps", ""),
    ] {
        assert!(
            is_write(&resource(resource_name, sub)),
            "{resource_name}/{sub}"
        );
    }
    for (resource_name, sub) in [
        ("leases", ""),
        ("events", ""),
        ("endpointslices", ""),
        ("nodes", "status"),
        ("pods", "binding"),
        ("pods", "exec"),
        ("tokenreviews", ""),
        ("serviceaccounts", "token"),
    ] {
        assert!(
            !is_write(&resource(resource_name, sub)),
            "{resource_name}/{sub}"
        );
    }
    for call in [
        json!({"verb": "list"}),
        json!({"stage": "RequestReceived"}),
        json!({"requestURI": "/apis/apps/v1/namespaces/shop/deployments/checkout?dryRun=All"}),
        json!({"userAgent": "cloud-controller-manager/v1/leader-election"}),
    ] {
        assert!(!is_write(&call), "{call}");
    }
    assert!(
        is_write(&json!({"responseStatus": {"code": 403}})),
        "a refused change is one too"
    );
}

#[test]
fn a_secret_shows_which_keys_changed_and_nothing_else() {
    let write = write(&json!({
        "verb": "update",
        "objectRef": {"resource": "secrets", "namespace": "shop", "name": "db"},
        "requestObject": {"kind": "Secret", "metadata": {"name": "db", "managedFields": [{}], "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"password\":\"aHVudGVyMg==\"}}"}},
            "data": {"password": "aHVudGVyMg==", "user": "c2hvcA=="}},
    }));
    let body = write.request.expect("body");
    let text = body.to_string();
    assert!(
        !text.contains("aHVudGVyMg") && !text.contains("managedFields"),
        "{text}"
    );
    let hash = |key: &str| body["data"][key].as_str().expect("hash").to_owned();
    assert!(hash("password").starts_with("sha256:") && hash("password").len() == 19);
    assert_ne!(hash("password"), hash("user"));
}

#[test]
fn what_a_controller_made_is_kept_light_and_gets_its_name_from_the_answer() {
    let pod = json!({"kind": "Pod", "metadata": {"name": "checkout-6f-x2k8q", "namespace": "shop", "ownerReferences": [{"kind": "ReplicaSet", "name": "checkout-6f"}]},
        "spec": {"containers": [{"name": "c", "image": "i:1", "resources": {}, "env": [{"name": "A", "value": "b"}], "volumeMounts": []}], "volumes": []}, "status": {"phase": "Pending"}});
    let write = write(
        &json!({"verb": "create", "user": {"username": "system:serviceaccount:kube-system:replicaset-controller"},
        "objectRef": {"resource": "pods", "namespace": "shop"}, "requestObject": pod, "responseObject": pod}),
    );
    assert_eq!(write.request, None, "what was asked for is what was made");
    assert_eq!(
        write.object,
        ObjectRef::new("Pod", "shop", "checkout-6f-x2k8q")
    );
    assert_eq!(
        *write.response.expect("body"),
        json!({"kind": "Pod", "metadata": {"name": "checkout-6f-x2k8q", "namespace": "shop", "ownerReferences": [{"kind": "ReplicaSet", "name": "checkout-6f"}]},
            "spec": {"containers": [{"name": "c", "image": "i:1", "resources": {}}]}})
    );
}

#[test]
fn an_impersonated_user_and_the_real_one_are_both_told() {
    let write = write(&json!({"impersonatedUser": {"username": "alice", "groups": ["dev"]}}));
    assert_eq!(
        (write.actor.user.as_str(), write.actor.by.as_deref()),
        ("alice", Some("100012347138"))
    );
}

#[test]
fn a_refused_call_keeps_its_message_and_another_does_not() {
    let refused = line(
        &json!({"verb": "list", "responseStatus": {"code": 403, "reason": "Forbidden", "message": "nodes is forbidden"}}),
    );
    let AuditRecord::Call(call) = record(&refused) else {
        panic!("a list is a call");
    };
    assert_eq!(
        (call.code, call.message.as_ref(), call.resource.as_ref()),
        (403, "nodes is forbidden", "deployments")
    );
    let AuditRecord::Call(call) = record(&line(&json!({"verb": "get"}))) else {
        panic!("a get is a call");
    };
    assert_eq!(
        (call.message.as_ref(), call.name.as_ref()),
        ("", "checkout")
    );
    assert_eq!(
        read(br#"{"__TIMESTAMP__":1,"__CONTENT__":"x"}"#),
        Err(Rejection::WrongKind)
    );
}
