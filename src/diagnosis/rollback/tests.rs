//! Changes of every sort, and the commands that take them back or why there are none.

use serde_json::{Value, json};

use super::*;
use crate::{
    diagnosis::changes::{
        changes,
        tests::{deployment, write},
    },
    model::{
        ObjectRef,
        record::AuditWrite,
        shapes::{DayShapes, State, States},
    },
};

const WEB: (&str, &str, &str) = ("Deployment", "shop", "web");

pub(super) fn known(objects: &[Value]) -> States {
    let text = |body: &Value, at: &str| {
        body.pointer(at)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    objects
        .iter()
        .map(|b| {
            let object = ObjectRef::new(
                text(b, "/kind"),
                text(b, "/metadata/namespace"),
                text(b, "/metadata/name"),
            );
            (
                object,
                State {
                    at_ms: 0,
                    body: b.clone().into(),
                },
            )
        })
        .collect()
}

/// The rollback of the first write.
pub(super) fn undo_first(writes: &[AuditWrite], states: &States) -> Result<Rollback, NoRollback> {
    let changes = changes(writes, states);
    let shapes = DayShapes::default();
    let objects = Objects::build(&shapes, states, &changes);
    let first = changes
        .all
        .iter()
        .find(|c| c.write.id == writes[0].id)
        .expect("first");
    propose(first, &changes, &objects, &TimeZone::UTC, Lang::Zh)
}

fn new_image(at: i64, user: &str, image: &str) -> AuditWrite {
    write(at, user, "update", WEB, Value::Null, deployment(image, 7))
}

#[test]
fn an_image_is_taken_back_by_a_patch_and_by_its_revision() {
    let states = known(&[deployment("w:1", 7)]);
    let rollback = undo_first(&[new_image(10, "1000", "w:2")], &states).expect("rollback");
    assert_eq!(
        rollback.what,
        "把 Deployment shop/web 的镜像从 w:2 改回 w:1"
    );
    assert_eq!(
        rollback.alternative,
        "kubectl -n shop rollout undo deployment/web --to-revision=7"
    );
    let patch: json_patch::Patch = serde_json::from_str(&rollback.patch).expect("patch");
    let mut undone = deployment("w:2", 8);
    json_patch::patch(&mut undone, &patch).expect("fits");
    assert_eq!(
        undone.pointer("/spec"),
        deployment("w:1", 7).pointer("/spec")
    );
    assert_eq!(
        rollback.command,
        format!(
            "kubectl -n shop patch deployment web --type=json -p '{}'",
            rollback.patch
        )
    );
    // On an object that was changed meanwhile the guard fails.
    let mut other = deployment("w:3", 9);
    assert!(json_patch::patch(&mut other, &patch).is_err());
}

#[test]
fn what_was_put_back_or_changed_again_gets_no_command() {
    let states = known(&[deployment("w:1", 7)]);
    for (image, said) in [
        ("w:1", "已经由账号 2000 在 00:00 改回"),
        ("w:3", "又被账号 2000 改过"),
    ] {
        let rollback = undo_first(
            &[new_image(10, "1000", "w:2"), new_image(20, "2000", image)],
            &states,
        )
        .expect("rollback");
        assert_eq!(rollback.command, "");
        assert!(
            rollback.preconditions[0].contains(said),
            "{:?}",
            rollback.preconditions
        );
    }
}

#[test]
fn another_field_changed_since_does_not_spoil_it() {
    let states = known(&[deployment("w:1", 7)]);
    let mut labelled = deployment("w:2", 8);
    labelled["metadata"]["labels"] = json!({"team": "a"});
    let later = write(20, "2000", "update", WEB, Value::Null, labelled);
    let rollback = undo_first(&[new_image(10, "1000", "w:2"), later], &states).expect("rollback");
    assert!(!rollback.command.is_empty());
}

#[test]
fn without_the_state_before_only_the_revision_helps() {
    let patch =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "w:2"}]}}}});
    let shown = write(
        10,
        "1000",
        "patch",
        WEB,
        patch.clone(),
        deployment("w:2", 7),
    );
    let rollback = undo_first(&[shown], &States::new()).expect("rollback");
    assert_eq!(
        rollback.command,
        "kubectl -n shop rollout undo deployment/web --to-revision=7"
    );
    let hidden = write(10, "1000", "patch", WEB, patch, Value::Null);
    let rollback = undo_first(&[hidden], &States::new()).expect("rollback");
    assert_eq!(
        (rollback.command.as_str(), rollback.patch.as_str()),
        ("", "")
    );
}

#[test]
fn created_is_deleted_and_deleted_is_created_again() {
    let policy = json!({"kind": "NetworkPolicy", "metadata": {"name": "deny", "namespace": "shop", "uid": "u", "resourceVersion": "3"}, "spec": {"podSelector": {}}});
    let create = write(
        10,
        "1000",
        "create",
        ("NetworkPolicy", "shop", "deny"),
        Value::Null,
        policy.clone(),
    );
    let rollback = undo_first(&[create], &States::new()).expect("rollback");
    assert_eq!(
        rollback.command,
        "kubectl -n shop delete networkpolicy deny"
    );
    let gone = json!({"kind": "Status", "metadata": {}, "status": "Success"});
    let delete = write(
        10,
        "1000",
        "delete",
        ("NetworkPolicy", "shop", "deny"),
        Value::Null,
        gone,
    );
    let rollback = undo_first(&[delete], &known(&[policy])).expect("rollback");
    assert_eq!(
        rollback.command,
        r#"printf '%s' '{"kind":"NetworkPolicy","metadata":{"name":"deny","namespace":"shop"},"spec":{"podSelector":{}}}' | kubectl -n shop create -f -"#
    );
}

#[test]
fn hidden_bodies_are_a_matter_for_hands_and_say_so() {
    let secret = ("Secret", "shop", "web-db");
    for verb in ["patch", "delete"] {
        let rollback = undo_first(
            &[write(10, "1000", verb, secret, Value::Null, Value::Null)],
            &States::new(),
        )
        .expect("rollback");
        assert_eq!(rollback.command, "", "{verb}");
        assert!(!rollback.preconditions.is_empty());
    }
}

#[test]
fn what_cannot_or_need_not_be_undone_says_why() {
    let claim = ("PersistentVolumeClaim", "data", "data-db-0");
    let lost = undo_first(
        &[write(10, "1000", "delete", claim, Value::Null, Value::Null)],
        &States::new(),
    );
    assert_eq!(lost, Err(NoRollback::DataLost));
    let same = undo_first(
        &[new_image(10, "1000", "w:1")],
        &known(&[deployment("w:1", 7)]),
    );
    assert_eq!(same, Err(NoRollback::NothingChanged));
    let hpa = "system:serviceaccount:kube-system:horizontal-pod-autoscaler";
    let scaled = undo_first(
        &[new_image(10, hpa, "w:2")],
        &known(&[deployment("w:1", 7)]),
    );
    assert_eq!(scaled, Err(NoRollback::Controller));
}

#[test]
fn a_hostile_name_never_reaches_a_command() {
    let mut body = deployment("w:1", 7);
    body["metadata"]["name"] = json!("web; reboot");
    let evil = write(
        10,
        "1000",
        "create",
        ("Deployment", "shop", "web; reboot"),
        Value::Null,
        body,
    );
    let rollback = undo_first(&[evil], &States::new()).expect("rollback");
    assert_eq!((rollback.command.as_str(), rollback.verify.len()), ("", 0));
}

#[test]
fn what_was_put_back_in_part_says_so() {
    let states = known(&[deployment("w:1", 7)]);
    let mut both = deployment("w:2", 7);
    both["spec"]["replicas"] = json!(9);
    let writes = [
        write(10, "1000", "update", WEB, Value::Null, both),
        write(20, "2000", "update", WEB, Value::Null, deployment("w:2", 8)),
    ];
    let rollback = undo_first(&writes, &states).expect("rollback");
    assert!(
        rollback.preconditions[0].contains("改回了一部分"),
        "{:?}",
        rollback.preconditions
    );
}

/// The log lacks two writes: what they changed must not be put down to the one after them, nor be undone with it.
#[test]
fn after_writes_that_the_log_lacks_nothing_is_undone_by_command() {
    let at = |image: &str, generation: u32| {
        let mut body = deployment(image, 7);
        body["metadata"]["generation"] = json!(generation);
        body
    };
    let states = known(&[at("w:1", 4)]);
    let mut after = at("w:2", 7);
    after["spec"]["replicas"] = json!(5);
    let patch =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "w:2"}]}}}});
    let gap = write(10, "1000", "patch", WEB, patch.clone(), after);
    let rollback = undo_first(&[gap], &states).expect("rollback");
    assert_eq!(
        (rollback.command.as_str(), rollback.alternative.as_str()),
        ("", "")
    );
    assert!(
        rollback.preconditions[0].contains("没有记进审计日志"),
        "{:?}",
        rollback.preconditions
    );
    let seen = write(10, "1000", "patch", WEB, patch, at("w:2", 5));
    let rollback = undo_first(&[seen], &states).expect("rollback");
    assert!(!rollback.patch.is_empty());
}

#[test]
fn a_secret_variable_that_came_is_removed_by_its_name() {
    let env = |env: Value| {
        let mut body = deployment("w:1", 7);
        body["spec"]["template"]["spec"]["containers"][0]["env"] = env;
        body
    };
    let plain = json!({"name": "A", "value": "1"});
    let states = known(&[env(json!([plain]))]);
    let secret = json!({"name": "TOKEN", "value": "<secret>"});
    let added = write(
        10,
        "1000",
        "update",
        WEB,
        Value::Null,
        env(json!([secret, plain])),
    );
    let rollback = undo_first(&[added], &states).expect("rollback");
    let patch: json_patch::Patch = serde_json::from_str(&rollback.patch).expect("patch");
    // Where another variable stands at that place by now, nothing is removed.
    let mut moved = env(json!([plain, secret]));
    assert!(json_patch::patch(&mut moved, &patch).is_err());
}
