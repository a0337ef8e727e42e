//! What became of a change later in the day.
//!
//! In: a change and the day's changes. Out: whether its fields still stand as it left them. Always true: only allowed writes
//! count; a write that touches other fields does not spoil a rollback. Does not know what happened after the day.

use serde_json::Value;

use super::patch;
use crate::{
    diagnosis::changes::{Change, ChangeClass, Changes},
    model::report::FieldChange,
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
        if change.what == ChangeClass::Delete {
            return later().find(|c| c.what == ChangeClass::Create).map_or(
                Self::Same {
                    rolled_again: false,
                },
                Self::PutBack,
            );
        }
        if let Some(gone) = later().find(|c| c.what == ChangeClass::Delete) {
            return if change.what == ChangeClass::Create {
                Self::PutBack(gone)
            } else {
                Self::Gone(gone)
            };
        }
        if change.what == ChangeClass::Create {
            return Self::Same {
                rolled_again: false,
            };
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
