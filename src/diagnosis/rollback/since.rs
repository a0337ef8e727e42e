//! What became of a change later in the day.
//!
//! In: a change and the day's changes. Out: whether its fields still stand as it left them. Always true: only allowed writes
//! count; a write that touches other fields does not spoil a rollback. Does not know what happened after the day.

use serde_json::Value;

use super::patch;
use crate::{
    diagnosis::changes::{Change, ChangeClass, Changes},
    model::report::{ActorKind, FieldChange},
};

/// The state of a change at the end of the log.
#[derive(Debug, Clone, Copy)]
pub(super) enum Since<'c> {
    /// As it was left; `rolled_again` when another change of the pod template came on top.
    Same { rolled_again: bool },
    /// Somebody put the old values back.
    PutBack(&'c Change<'c>),
    /// Somebody put some of the old values back and left the others.
    PartlyBack(&'c Change<'c>),
    /// Somebody gave the same fields other values, or wrote where the log shows no body.
    Changed(&'c Change<'c>),
    /// The object was deleted.
    Gone(&'c Change<'c>),
    /// The object was deleted and created again: what stands there now is another one.
    Remade(&'c Change<'c>),
    /// What was deleted was created again, and deleted again.
    GoneAgain(&'c Change<'c>),
}

impl<'c> Since<'c> {
    pub(super) fn of(change: &Change<'c>, changes: &'c Changes<'c>) -> Self {
        let later = || {
            changes
                .of(&change.object)
                .map(|(_, c)| c)
                .skip_while(|c| c.write.id != change.write.id)
                .skip(1)
                .filter(|c| c.what != ChangeClass::Bookkeeping && c.what != ChangeClass::Nothing)
        };
        let made_or_deleted = later()
            .filter(|c| matches!(c.what, ChangeClass::Create | ChangeClass::Delete))
            .last();
        match (change.what, made_or_deleted) {
            (_, None) => {}
            (ChangeClass::Delete, Some(last)) if last.what == ChangeClass::Create => {
                return Self::PutBack(last);
            }
            (ChangeClass::Delete, Some(last)) => return Self::GoneAgain(last),
            (_, Some(last)) if last.what == ChangeClass::Create => return Self::Remade(last),
            (ChangeClass::Create, Some(last)) => return Self::PutBack(last),
            (_, Some(last)) => return Self::Gone(last),
        }
        let as_left = Self::Same {
            rolled_again: false,
        };
        match change.what {
            ChangeClass::Delete => return as_left,
            // Whoever worked on it since wants it to be there.
            ChangeClass::Create => {
                return later()
                    .filter(|c| by_people(c) && (c.what.has_effect() || c.body_hidden()))
                    .last()
                    .map_or(as_left, Self::Changed);
            }
            _ => {}
        }
        if let Some(hidden) = later().filter(|c| c.body_hidden()).last() {
            return Self::Changed(hidden);
        }
        match later().filter(|c| overlap(change, c)).last() {
            None => Self::Same {
                rolled_again: later()
                    .any(|c| c.diff.iter().any(|f| f.path.starts_with("/spec/template/"))),
            },
            Some(last) if restores(change, last) => Self::PutBack(last),
            Some(last) if leaves(change, last) => Self::PartlyBack(last),
            Some(last) => Self::Changed(last),
        }
    }
}

/// Whether somebody meant it: autoscalers and other controllers follow what is there, whoever put it there.
fn by_people(change: &Change<'_>) -> bool {
    matches!(change.actor, ActorKind::Human | ActorKind::Pipeline)
}

/// Whether two changes touch a common field.
fn overlap(a: &Change<'_>, b: &Change<'_>) -> bool {
    let within =
        |p: &str, q: &str| p == q || p.strip_prefix(q).is_some_and(|rest| rest.starts_with('/'));
    a.diff.iter().any(|x| {
        b.diff
            .iter()
            .any(|y| within(&x.path, &y.path) || within(&y.path, &x.path))
    })
}

/// Whether after `last` every field of `change` stands as before it.
fn restores(change: &Change<'_>, last: &Change<'_>) -> bool {
    let (Some(before), Some(now)) = (&change.before, &last.after) else {
        return false;
    };
    patch::same_but_noise(now, before)
        || change.diff.iter().all(|field| {
            let now = now.pointer(&field.path).unwrap_or(&Value::Null);
            *now == field.old || now.is_null() && field.old.is_null()
        })
}

/// Whether after `last` every field of `change` stands either as before it or as it left it.
fn leaves(change: &Change<'_>, last: &Change<'_>) -> bool {
    let Some(now) = &last.after else { return false };
    let now = |field: &FieldChange| now.pointer(&field.path).unwrap_or(&Value::Null);
    let is_back = |field: &&FieldChange| *now(field) == field.old;
    let (back, others): (Vec<_>, Vec<_>) = change.diff.iter().partition(is_back);
    !back.is_empty() && others.into_iter().all(|field| *now(field) == field.new)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        diagnosis::{
            changes::tests::{deployment, write},
            rollback::tests::{known, undo_first},
        },
        model::{record::AuditWrite, shapes::States},
    };

    const POLICY: (&str, &str, &str) = ("NetworkPolicy", "shop", "deny");

    fn policy(at: i64, user: &str, verb: &str, port: u16) -> AuditWrite {
        let body = json!({"kind": "NetworkPolicy", "metadata": {"name": "deny", "namespace": "shop", "uid": "u"}, "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": port}]}]}});
        let answer = if verb == "delete" { Value::Null } else { body };
        write(at, user, verb, POLICY, Value::Null, answer)
    }

    /// What is said first about undoing the first write; it must come without a command.
    fn said(writes: &[AuditWrite], states: &States) -> String {
        let rollback = undo_first(writes, states).expect("rollback");
        assert_eq!(rollback.command, "");
        rollback.preconditions[0].clone()
    }

    #[test]
    fn what_somebody_worked_on_since_it_was_made_is_not_deleted() {
        let made = policy(10, "1000", "create", 80);
        let by_hand = policy(20, "2000", "update", 81);
        let said = said(&[made.clone(), by_hand], &States::new());
        assert!(said.contains("又被账号 2000 改过"), "{said}");
        let controller = "system:serviceaccount:kube-system:deployment-controller";
        let followed = policy(20, controller, "update", 81);
        let rollback = undo_first(&[made, followed], &States::new()).expect("rollback");
        assert!(!rollback.command.is_empty());
    }

    #[test]
    fn what_was_deleted_and_made_again_is_another_object() {
        let states = known(&[deployment("w:1", 7)]);
        let web = |at: i64, verb: &str| {
            let answer = if verb == "delete" {
                Value::Null
            } else {
                deployment("w:2", 7)
            };
            write(
                at,
                "2000",
                verb,
                ("Deployment", "shop", "web"),
                Value::Null,
                answer,
            )
        };
        let changed = || web(10, "update");
        let made_again = said(&[changed(), web(20, "delete"), web(30, "create")], &states);
        assert!(made_again.contains("重新建过"), "{made_again}");
        let gone = said(
            &[
                changed(),
                web(20, "delete"),
                web(30, "create"),
                web(40, "delete"),
            ],
            &states,
        );
        assert!(gone.contains("已被账号 2000 删除"), "{gone}");
    }

    #[test]
    fn what_was_made_again_and_deleted_again_was_not_put_back() {
        let deleted = || policy(10, "1000", "delete", 80);
        let back = policy(20, "2000", "create", 80);
        let put_back = said(&[deleted(), back.clone()], &States::new());
        assert!(put_back.contains("改回"), "{put_back}");
        let again = said(
            &[deleted(), back, policy(30, "3000", "delete", 80)],
            &States::new(),
        );
        assert!(again.contains("又被账号 3000 删除"), "{again}");
    }
}
