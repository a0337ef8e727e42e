//! What is stored behind an object, and whether undoing a change would lose it.
//!
//! In: a change and the day's changes. Out: a refusal, or what to look at first. Always true: nothing that holds data is deleted or
//! shrunk by a command of ours; a volume claim is taken for empty only while the log shows no volume bound to it. Does not know what
//! a volume holds.

use serde_json::Value;

use super::NoRollback;
use crate::diagnosis::changes::{Change, ChangeClass, Changes};

/// Refuses what would lose data, or cannot bring lost data back.
pub(super) fn refuse(change: &Change<'_>, changes: &Changes<'_>) -> Result<(), NoRollback> {
    let kind = change.object.kind.as_str();
    match (kind, change.what) {
        (
            "Namespace"
            | "PersistentVolume"
            | "PersistentVolumeClaim"
            | "CustomResourceDefinition"
            | "VolumeSnapshot",
            ChangeClass::Delete,
        ) => Err(NoRollback::DataLost),
        ("StatefulSet", ChangeClass::Delete) if claims_go(change, "whenDeleted") => {
            Err(NoRollback::DataLost)
        }
        ("PersistentVolumeClaim", ChangeClass::Create) if is_unbound(change, changes) => Ok(()),
        (
            "Namespace"
            | "PersistentVolume"
            | "PersistentVolumeClaim"
            | "CustomResourceDefinition"
            | "StatefulSet",
            ChangeClass::Create,
        ) => Err(NoRollback::HoldsData),
        ("PersistentVolumeClaim", _) if is_resized(change) => Err(NoRollback::NoShrinking),
        ("StatefulSet", ChangeClass::Replicas) if claims_go(change, "whenScaled") => {
            // Scaled down, the claims went with the pods; scaled up, taking it back deletes the new ones.
            Err(if is_fewer(change) {
                NoRollback::DataLost
            } else {
                NoRollback::HoldsData
            })
        }
        _ => Ok(()),
    }
}

/// Whether its new image may have rewritten what its volumes hold, so that the old one cannot read it any more.
pub(super) fn may_have_upgraded(change: &Change<'_>) -> bool {
    let holds = |body: &Value| {
        let list = |pointer: &str| {
            let found = body.pointer(pointer).and_then(Value::as_array);
            found.map_or(&[][..], Vec::as_slice)
        };
        let is_claim = |volume: &Value| volume.get("persistentVolumeClaim").is_some();
        !list("/spec/volumeClaimTemplates").is_empty()
            || list("/spec/template/spec/volumes").iter().any(is_claim)
    };
    let known = change.after.as_deref().or(change.before.as_deref());
    let of_kind = change.object.kind == "StatefulSet";
    change.touches(ChangeClass::Image) && known.map_or(of_kind, holds)
}

/// Whether the claims of a StatefulSet go with its pods (`persistentVolumeClaimRetentionPolicy`; without one they stay).
fn claims_go(change: &Change<'_>, when: &str) -> bool {
    let known = change.before.as_deref().or(change.after.as_deref());
    let policy = known.and_then(|b| b.pointer("/spec/persistentVolumeClaimRetentionPolicy"));
    policy.and_then(|p| p.get(when)).and_then(Value::as_str) == Some("Delete")
}

fn is_fewer(change: &Change<'_>) -> bool {
    let replicas = change.diff.iter().find(|f| f.path == "/spec/replicas");
    replicas.is_none_or(|f| f.new.as_u64() < f.old.as_u64())
}

/// The API server takes a new size of a claim only when it is larger.
fn is_resized(change: &Change<'_>) -> bool {
    let of_size = |path: &str| path.starts_with("/spec/resources");
    change.diff.iter().any(|f| of_size(&f.path))
}

/// Whether no volume was ever bound to the claim that was created: binding writes its name into the claim.
fn is_unbound(change: &Change<'_>, changes: &Changes<'_>) -> bool {
    let bound = |body: Option<&Value>, pointer: &str| {
        let value = body
            .and_then(|b| b.pointer(pointer))
            .and_then(Value::as_str);
        value.is_some_and(|v| !v.is_empty() && v != "Pending")
    };
    let states = changes
        .of(&change.object)
        .filter(|(_, c)| c.at_ms >= change.at_ms);
    let mut states = states.map(|(_, c)| c.after.as_deref());
    !states.any(|body| bound(body, "/spec/volumeName") || bound(body, "/status/phase"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        diagnosis::{
            changes::tests::write,
            rollback::tests::{known, undo_first},
        },
        model::{record::AuditWrite, report::Rollback, shapes::States},
    };

    const CLAIM: (&str, &str, &str) = ("PersistentVolumeClaim", "data", "data-db-0");
    const DB: (&str, &str, &str) = ("StatefulSet", "data", "db");

    fn claim(size: &str, volume: Option<&str>) -> Value {
        json!({"kind": CLAIM.0, "metadata": {"namespace": CLAIM.1, "name": CLAIM.2, "uid": "u"},
            "spec": {"volumeName": volume, "resources": {"requests": {"storage": size}}}})
    }

    fn database(image: &str, replicas: u32, when_scaled: &str) -> Value {
        json!({"kind": DB.0, "metadata": {"namespace": DB.1, "name": DB.2, "uid": "u"},
            "spec": {"replicas": replicas, "persistentVolumeClaimRetentionPolicy": {"whenScaled": when_scaled, "whenDeleted": "Retain"},
                "template": {"spec": {"containers": [{"name": "db", "image": image}]}},
                "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}})
    }

    fn undone(
        before: &Value,
        object: (&str, &str, &str),
        after: Value,
    ) -> Result<Rollback, NoRollback> {
        let update = write(10, "1000", "update", object, Value::Null, after);
        undo_first(&[update], &known(std::slice::from_ref(before)))
    }

    fn created(object: (&str, &str, &str), body: Value) -> AuditWrite {
        write(10, "1000", "create", object, Value::Null, body)
    }

    #[test]
    fn what_may_hold_data_is_not_deleted_again() {
        for (object, body) in [
            (DB, database("db:1", 1, "Retain")),
            (
                ("Namespace", "", "lab"),
                json!({"kind": "Namespace", "metadata": {"name": "lab"}, "spec": {}}),
            ),
            (CLAIM, claim("10Gi", Some("pvc-1"))),
        ] {
            let undone = undo_first(&[created(object, body)], &States::new());
            assert_eq!(undone, Err(NoRollback::HoldsData), "{object:?}");
        }
        let bound = write(
            20,
            "system:kube-controller-manager",
            "update",
            CLAIM,
            Value::Null,
            claim("10Gi", Some("pvc-1")),
        );
        let undone = undo_first(
            &[created(CLAIM, claim("10Gi", None)), bound],
            &States::new(),
        );
        assert_eq!(undone, Err(NoRollback::HoldsData));
    }

    #[test]
    fn a_claim_that_never_got_a_volume_holds_nothing() {
        let rollback =
            undo_first(&[created(CLAIM, claim("10Gi", None))], &States::new()).expect("rollback");
        assert_eq!(
            rollback.command,
            "kubectl -n data delete persistentvolumeclaim data-db-0"
        );
        let looked_at = rollback.preconditions.iter().any(|p| p.contains("Pending"));
        assert!(looked_at, "{:?}", rollback.preconditions);
    }

    #[test]
    fn a_claim_does_not_shrink() {
        let grown = undone(
            &claim("10Gi", Some("pvc-1")),
            CLAIM,
            claim("50Gi", Some("pvc-1")),
        );
        assert_eq!(grown, Err(NoRollback::NoShrinking));
    }

    #[test]
    fn replicas_whose_claims_went_with_them_do_not_come_back() {
        for (when, told) in [("Delete", Err(NoRollback::DataLost)), ("Retain", Ok(true))] {
            let scaled = undone(&database("db:1", 3, when), DB, database("db:1", 1, when));
            assert_eq!(scaled.map(|r| !r.command.is_empty()), told, "{when}");
        }
        let scaled_up = undone(
            &database("db:1", 1, "Delete"),
            DB,
            database("db:1", 3, "Delete"),
        );
        assert_eq!(scaled_up, Err(NoRollback::HoldsData));
    }

    #[test]
    fn an_older_database_is_asked_first_whether_it_can_read_the_data() {
        let rollback = undone(
            &database("db:8.0", 1, "Retain"),
            DB,
            database("db:8.4", 1, "Retain"),
        )
        .expect("rollback");
        let asked = rollback
            .preconditions
            .iter()
            .any(|p| p.contains("数据目录"));
        assert!(asked, "{:?}", rollback.preconditions);
    }

    #[test]
    fn a_custom_resource_is_not_made_again_by_a_command() {
        let cluster = ("MysqlCluster", "data", "db");
        let body = json!({"kind": cluster.0, "metadata": {"namespace": "data", "name": "db", "uid": "u"}, "spec": {"size": 3}});
        let mut deleted = write(10, "1000", "delete", cluster, Value::Null, Value::Null);
        deleted.api_group = "mysql.example.com".to_owned();
        let rollback = undo_first(&[deleted], &known(&[body])).expect("rollback");
        assert_eq!(rollback.command, "");
        assert!(
            rollback.preconditions[0].contains("自定义资源"),
            "{:?}",
            rollback.preconditions
        );
    }
}
