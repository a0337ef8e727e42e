//! Audit writes in sequence, and what each is understood to have changed.

use super::*;
use crate::model::{LogKind, record::Actor};
use serde_json::json;

/// A write as a fixture reads: who, verb, object, bodies.
pub(crate) fn write(
    at: i64,
    user: &str,
    verb: &str,
    object: (&str, &str, &str),
    request: Value,
    response: Value,
) -> AuditWrite {
    let present = |v: Value| (!v.is_null()).then_some(v);
    AuditWrite {
        id: EvidenceId {
            kind: LogKind::Audit,
            hash: at.unsigned_abs(),
        },
        ts_ms: at,
        cluster: "cls-1".to_owned(),
        audit_id: format!("audit-{at}"),
        actor: Actor {
            user: user.to_owned(),
            agent: if user.starts_with("system:") {
                "kube-controller-manager/v1.28"
            } else {
                "kubectl/v1.28"
            }
            .to_owned(),
            ..Actor::default()
        },
        verb: verb.to_owned(),
        object: ObjectRef::new(object.0, object.1, object.2),
        resource: format!("{}s", object.0.to_lowercase()),
        subresource: String::new(),
        api_group: "apps".to_owned(),
        code: if verb == "create" { 201 } else { 200 },
        reason: String::new(),
        message: String::new(),
        request: present(request).map(Into::into),
        response: present(response).map(Into::into),
    }
}

pub(crate) fn deployment(image: &str, revision: u32) -> Value {
    json!({"kind": "Deployment", "apiVersion": "apps/v1",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": format!("1{revision}"),
            "annotations": {"deployment.kubernetes.io/revision": revision.to_string()}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}}}})
}

const WEB: (&str, &str, &str) = ("Deployment", "shop", "web");
const KCM: &str = "system:serviceaccount:kube-system:deployment-controller";

fn states(body: Value) -> States {
    States::from([(
        ObjectRef::new("Deployment", "shop", "web"),
        State {
            at_ms: 0,
            body: body.into(),
        },
    )])
}

#[test]
fn a_patch_is_told_from_the_state_before_to_the_answer() {
    let patch =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "w:2"}]}}}});
    let writes = [write(10, "1000", "patch", WEB, patch, deployment("w:2", 3))];
    let states = states(deployment("w:1", 3));
    let changes = changes(&writes, &states);
    let change = &changes.all[0];
    assert_eq!(
        (change.what, change.actor),
        (ChangeClass::Image, ActorKind::Human)
    );
    assert_eq!(
        change.diff,
        [FieldChange {
            path: "/spec/template/spec/containers/0/image".to_owned(),
            old: json!("w:1"),
            new: json!("w:2")
        }]
    );
}

#[test]
fn without_an_answer_the_patch_is_applied() {
    let patch =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "w:2"}]}}}});
    let writes = [write(10, "1000", "patch", WEB, patch, Value::Null)];
    let states = states(deployment("w:1", 3));
    let changes = changes(&writes, &states);
    assert_eq!(
        changes.all[0].sides("/spec/template/spec/containers/0/image"),
        (Some(&json!("w:1")), Some(&json!("w:2")))
    );
}

#[test]
fn without_a_state_before_the_request_says_what_it_names() {
    let patch =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "w:2"}]}}}});
    let writes = [write(10, "1000", "patch", WEB, patch, deployment("w:2", 3))];
    let none = States::new();
    let changes = changes(&writes, &none);
    assert_eq!(
        changes.all[0].diff,
        [FieldChange {
            path: "/spec/template/spec/containers/0/image".to_owned(),
            old: Value::Null,
            new: json!("w:2")
        }]
    );
    assert_eq!(changes.all[0].what, ChangeClass::Image);
}

#[test]
fn scaling_sets_the_replicas_of_the_known_state() {
    let scale = json!({"kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 0}, "status": {"replicas": 2}});
    let mut write = write(
        10,
        "1000",
        "patch",
        WEB,
        json!({"spec": {"replicas": 0}}),
        scale,
    );
    write.subresource = "scale".to_owned();
    let writes = [write];
    for known in [states(deployment("w:1", 3)), States::new()] {
        let changes = changes(&writes, &known);
        assert_eq!(changes.all[0].what, ChangeClass::Replicas);
        assert_eq!(
            changes.all[0].diff,
            [FieldChange {
                path: "/spec/replicas".to_owned(),
                old: json!(2),
                new: json!(0)
            }]
        );
    }
}

#[test]
fn controllers_are_folded_under_the_person_who_set_them_off() {
    let replica_set = json!({"kind": "ReplicaSet", "metadata": {"name": "web-6f7c9d8b5d", "uid": "u2",
        "ownerReferences": [{"kind": "Deployment", "name": "web", "controller": true}]}, "spec": {"replicas": 1}});
    let pod = json!({"kind": "Pod", "metadata": {"name": "web-6f7c9d8b5d-x2k8q", "uid": "u3",
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web-6f7c9d8b5d", "controller": true}]}, "spec": {}});
    let writes = [
        write(10, "1000", "patch", WEB, Value::Null, deployment("w:2", 3)),
        write(
            20,
            KCM,
            "create",
            ("ReplicaSet", "shop", "web-6f7c9d8b5d"),
            Value::Null,
            replica_set,
        ),
        write(
            30,
            "system:serviceaccount:kube-system:replicaset-controller",
            "create",
            ("Pod", "shop", ""),
            Value::Null,
            pod.clone(),
        ),
        write(
            9_000_000,
            "system:serviceaccount:kube-system:replicaset-controller",
            "create",
            ("Pod", "shop", "late"),
            Value::Null,
            pod,
        ),
    ];
    let none = States::new();
    let changes = changes(&writes, &none);
    assert_eq!(changes.all[0].cascade, [1, 2]);
    assert_eq!(changes.all[2].object.name, "web-6f7c9d8b5d-x2k8q");
    assert_eq!(changes.roots().map(|(i, _)| i).collect::<Vec<_>>(), [0, 3]);
}

#[test]
fn the_day_leaves_its_last_states() {
    let writes = [
        write(10, "1000", "update", WEB, Value::Null, deployment("w:2", 3)),
        write(
            20,
            "1000",
            "delete",
            ("Service", "shop", "web"),
            Value::Null,
            json!({"kind": "Status", "status": "Success"}),
        ),
    ];
    let mut before = states(deployment("w:1", 3));
    let service = ObjectRef::new("Service", "shop", "web");
    before.insert(
        service.clone(),
        State {
            at_ms: 0,
            body: json!({"kind": "Service"}).into(),
        },
    );
    let after = changes(&writes, &before).states_after(&before);
    assert!(!after.contains_key(&service));
    let web = &after[&ObjectRef::new("Deployment", "shop", "web")];
    assert_eq!(
        (
            web.at_ms,
            web.body.pointer("/spec/template/spec/containers/0/image")
        ),
        (10, Some(&json!("w:2")))
    );
}

#[test]
fn a_new_object_of_an_old_name_is_not_compared_with_the_old_one() {
    let mut other = deployment("w:2", 1);
    other["metadata"]["uid"] = json!("u9");
    let writes = [write(10, "1000", "update", WEB, Value::Null, other)];
    let states = states(deployment("w:1", 3));
    let changes = changes(&writes, &states);
    assert_eq!(
        (&changes.all[0].before, changes.all[0].diff.len()),
        (&None, 0)
    );
}

#[test]
fn a_secret_value_that_changed_is_not_nothing() {
    let env = |generation: u32| {
        let mut body = deployment("w:1", 3);
        body["metadata"]["generation"] = json!(generation);
        body["spec"]["template"]["spec"]["containers"][0]["env"] =
            json!([{"name": "A", "value": "1"}, {"name": "PASSWORD", "value": "<secret>"}]);
        body
    };
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "PASSWORD", "value": "<secret>"}]}]}}}});
    let writes = [write(10, "1000", "patch", WEB, patch, env(2))];
    let states = states(env(1));
    let changes = changes(&writes, &states);
    assert_eq!(changes.all[0].what, ChangeClass::Env);
    assert_eq!(
        changes.all[0].diff[0].path,
        "/spec/template/spec/containers/0/env/1/value"
    );
}

#[test]
fn defaults_of_the_server_are_no_change_of_a_person() {
    let asked = json!({"kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}}});
    let answered = json!({"kind": "Service", "metadata": {"name": "web", "uid": "u5"}, "spec": {"selector": {"app": "wbe"}, "type": "ClusterIP", "sessionAffinity": "None"}});
    let service = ("Service", "shop", "web");
    let writes = [
        write(10, "1000", "create", service, asked, Value::Null),
        write(
            20,
            "1000",
            "patch",
            service,
            json!({"spec": {"selector": {"app": "wbe"}}}),
            answered,
        ),
    ];
    let none = States::new();
    let changes = changes(&writes, &none);
    let paths: Vec<_> = changes.all[1]
        .diff
        .iter()
        .map(|f| f.path.as_str())
        .collect();
    assert_eq!(paths, ["/spec/selector/app"]);
}

#[test]
fn a_json_patch_is_read_like_any_other() {
    let steps = json!([{"op": "test", "path": "/spec/replicas", "value": 2}, {"op": "replace", "path": "/spec/replicas", "value": 0}]);
    let writes = [write(10, "1000", "patch", WEB, steps, Value::Null)];
    for (known, old) in [
        (states(deployment("w:1", 3)), json!(2)),
        (States::new(), Value::Null),
    ] {
        let changes = changes(&writes, &known);
        assert_eq!(
            changes.all[0].diff,
            [FieldChange {
                path: "/spec/replicas".to_owned(),
                old,
                new: json!(0)
            }]
        );
    }
}

#[test]
fn refused_writes_change_nothing() {
    let mut refused = write(10, "1000", "update", WEB, Value::Null, deployment("w:2", 3));
    refused.code = 403;
    let writes = [refused];
    let before = states(deployment("w:1", 3));
    let changes = changes(&writes, &before);
    assert_eq!((changes.all.len(), changes.refused.len()), (0, 1));
    assert_eq!(changes.states_after(&before), before);
}

#[test]
fn a_deleted_namespace_takes_its_objects_along() {
    let writes = [write(
        10,
        "1000",
        "delete",
        ("Namespace", "", "shop"),
        Value::Null,
        Value::Null,
    )];
    let before = states(deployment("w:1", 3));
    assert!(changes(&writes, &before).states_after(&before).is_empty());
}

/// A write raises the generation by one: where it rose by more, others changed the object and the log lacks them.
#[test]
fn what_the_log_lacks_is_not_put_down_to_the_next_write() {
    let at = |image: &str, generation: u32, replicas: u32| {
        let mut body = deployment(image, 3);
        body["metadata"]["generation"] = json!(generation);
        body["spec"]["replicas"] = json!(replicas);
        body
    };
    let patch =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "w:2"}]}}}});
    let known = states(at("w:1", 4, 2));
    let next = write(10, "1000", "patch", WEB, patch.clone(), at("w:2", 5, 2));
    let change = &changes(std::slice::from_ref(&next), &known).all[0];
    assert_eq!(
        (change.after_unseen, change.before.is_some()),
        (false, true)
    );
    let later = [write(
        10,
        "1000",
        "patch",
        WEB,
        patch.clone(),
        at("w:2", 6, 5),
    )];
    let change = &changes(&later, &known).all[0];
    assert_eq!((change.after_unseen, &change.before), (true, &None));
    assert_eq!(
        change.diff,
        [FieldChange {
            path: "/spec/template/spec/containers/0/image".to_owned(),
            old: Value::Null,
            new: json!("w:2")
        }]
    );
    // A scaling answers without a generation, and counts all the same.
    let mut scale = write(
        5,
        "1000",
        "patch",
        WEB,
        json!({"spec": {"replicas": 5}}),
        json!({"kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 5}}),
    );
    scale.subresource = "scale".to_owned();
    let writes = [
        scale,
        write(10, "1000", "patch", WEB, patch, at("w:2", 6, 5)),
    ];
    let changes = changes(&writes, &known);
    assert!(!changes.all[1].after_unseen);
    assert_eq!(changes.all[1].diff[0].old, json!("w:1"));
}
