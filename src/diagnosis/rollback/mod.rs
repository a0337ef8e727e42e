//! How a person would undo a change. Nothing here is ever executed.
//!
//! In: a [`Change`], the day's other changes, the object model. Out: a [`Rollback`] in words and commands, or the reason why
//! undoing makes no sense. Always true: a patch applied to the state after gives the state before but for noise; a command is
//! only given when the log shows the state to go back to and the object was not changed there since; names are quoted.
//! Does not decide whether the change is to blame.
//!
//! What can be undone by hand but not by a command of ours - a Secret or ConfigMap whose body the log never shows, an object that
//! was changed again - is a rollback without a command, whose first precondition says why.

mod effects;
mod guard;
mod kept;
mod patch;
mod plan;
mod shell;
mod since;
mod words;

use super::{
    changes::{Change, ChangeClass, Changes},
    objects::Objects,
};
use crate::model::{
    Lang,
    report::{ActorKind, Rollback},
};
use jiff::tz::TimeZone;
use plan::Plan;
use shell::Target;
use since::Since;
use words::Words;

/// Why a change is not to be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRollback {
    #[error("nothing changed")]
    NothingChanged,
    #[error("a controller did it and would do it again")]
    Controller,
    #[error("it only restarted pods")]
    OnlyRestarted,
    #[error("it cannot be taken back")]
    Gone,
    #[error("what was stored is lost; creating it again brings back an empty one")]
    DataLost,
    #[error("deleting it would lose what is stored in it by now")]
    HoldsData,
    #[error("a volume claim cannot be made smaller")]
    NoShrinking,
}

impl NoRollback {
    pub const ALL: [Self; 7] = [
        Self::NothingChanged,
        Self::Controller,
        Self::OnlyRestarted,
        Self::Gone,
        Self::DataLost,
        Self::HoldsData,
        Self::NoShrinking,
    ];

    /// The reason, to be told.
    #[must_use]
    pub const fn told(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::NothingChanged => (
                "这次操作没有改变任何内容，没有可以撤销的",
                "the request changed nothing, there is nothing to undo",
            ),
            Self::Controller => (
                "这是控制器自动做的，撤销后它还会再做一次，要改的是它的规则或触发它的原因",
                "a controller did this and would do it again: change its rule or what triggers it",
            ),
            Self::OnlyRestarted => (
                "这次操作只是重启，没有可以恢复的旧内容",
                "this was only a restart, there is no older content to go back to",
            ),
            Self::Gone => (
                "这个操作撤不回来，只能往前修",
                "this cannot be taken back, it has to be mended forward",
            ),
            Self::DataLost => (
                "重建只会得到空的对象，里面的数据回不来，应当从备份恢复",
                "creating it again gives an empty object; restore the data from a backup",
            ),
            Self::HoldsData => (
                "撤销就是删除，它现在保存的东西会一并丢掉，不要回滚，按处理办法往前修",
                "taking it back means deleting it together with what it holds by now: do not roll back, mend it forward",
            ),
            Self::NoShrinking => (
                "存储卷声明只能扩大不能缩小，集群不接受改回，只能往前修",
                "a volume claim can grow but not shrink, the cluster refuses to take it back: mend it forward",
            ),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

/// The rollback of `change`, with times told in `zone`.
pub fn propose(
    change: &Change<'_>,
    changes: &Changes<'_>,
    objects: &Objects<'_>,
    zone: &TimeZone,
    lang: Lang,
) -> Result<Rollback, NoRollback> {
    refuse(change)?;
    kept::refuse(change, changes)?;
    let words = Words {
        change,
        objects,
        zone,
        lang,
    };
    let target = Target::of(&change.object, change.write);
    let plan = match (&target, Since::of(change, changes)) {
        (None, _) => Plan::by_hand(words.no_name()),
        (Some(_), Since::PutBack(by)) => Plan::by_hand(words.put_back(by)),
        (Some(_), Since::PartlyBack(by)) => Plan::by_hand(words.partly_back(by)),
        (Some(_), Since::Changed(by)) => Plan::by_hand(words.changed_since(by)),
        (Some(_), Since::Gone(by)) => Plan::by_hand(words.gone_since(by)),
        (Some(_), Since::Remade(by)) => Plan::by_hand(words.made_since(by)),
        (Some(_), Since::GoneAgain(by)) => Plan::by_hand(words.gone_again(by)),
        (Some(target), Since::Same { rolled_again }) => match change.what {
            ChangeClass::Create => Plan::run(target.command("delete", "")),
            ChangeClass::Delete => Plan::create_again(change, target, &words),
            _ => Plan::take_back(change, target, rolled_again, &words),
        },
    };
    let target = target.as_ref();
    let mut preconditions: Vec<String> = plan.why_not.into_iter().collect();
    preconditions.extend(words.preconditions(target, plan.command.is_empty()));
    Ok(Rollback {
        what: words.what(),
        command: plan.command,
        alternative: plan.alternative,
        patch: plan.patch,
        preconditions,
        blast_radius: words.blast_radius(),
        verify: words.verify(target),
    })
}

fn refuse(change: &Change<'_>) -> Result<(), NoRollback> {
    match change.what {
        ChangeClass::Nothing | ChangeClass::Bookkeeping => return Err(NoRollback::NothingChanged),
        ChangeClass::Eviction => return Err(NoRollback::Gone),
        ChangeClass::Restart
            if change
                .classes
                .iter()
                .all(|c| !c.has_effect() || *c == ChangeClass::Restart) =>
        {
            return Err(NoRollback::OnlyRestarted);
        }
        _ => {}
    }
    if matches!(change.actor, ActorKind::Controller | ActorKind::Node) {
        return Err(NoRollback::Controller);
    }
    if change.what == ChangeClass::Delete {
        return match change.object.kind.as_str() {
            // Their owner makes another, and nothing makes the same one again.
            "Pod" | "ReplicaSet" | "Job" | "Node" | "Event" | "Lease" => Err(NoRollback::Gone),
            _ if change.object.name.is_empty() => Err(NoRollback::Gone),
            _ => Ok(()),
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests;
