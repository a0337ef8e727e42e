//! What is said about a rollback: what it does, why there is no command, what must hold before.
//!
//! In: a change and the object model. Out: sentences in one language, and commands that only read. Always true: names in
//! commands come from [`Target`]; names in sentences are stripped of what could hide. Does not decide anything.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::{kept, shell::Target};
use crate::{
    diagnosis::{
        actors,
        changes::{Change, ChangeClass},
        objects::Objects,
    },
    model::{Lang, Moment, ObjectRef, report::ActorKind},
};

/// Longest value that is told in a sentence; longer ones are named by their field.
const TOLD_CHARS: usize = 80;
/// Most names in one sentence.
pub(super) const TOLD_NAMES: usize = 5;

pub(super) struct Words<'w> {
    pub(super) change: &'w Change<'w>,
    pub(super) objects: &'w Objects<'w>,
    pub(super) zone: &'w TimeZone,
    pub(super) lang: Lang,
}

impl Words<'_> {
    /// One sentence: what would be undone.
    pub(super) fn what(&self) -> String {
        let object = told(&self.change.object);
        let at = self.hour(self.change);
        match self.change.what {
            ChangeClass::Create => self.pick(
                format!("删除 {at} 新建的 {object}"),
                format!("delete {object}, which was created at {at}"),
            ),
            ChangeClass::Delete => self.pick(
                format!("把 {at} 被删除的 {object} 重新建回来"),
                format!("create {object} again, which was deleted at {at}"),
            ),
            what => self.field_taken_back(&object).unwrap_or_else(|| {
                let mut names: Vec<_> = self
                    .change
                    .classes
                    .iter()
                    .filter(|c| c.has_effect())
                    .map(|c| c.name(self.lang))
                    .collect();
                if names.is_empty() {
                    names.push(what.name(self.lang));
                }
                let names = names.join(self.pick("、", ", "));
                self.pick(
                    format!("把 {object} 的{names}恢复到 {at} 改动之前"),
                    format!("take {names} of {object} back to before {at}"),
                )
            }),
        }
    }

    /// The one field that matters, from what to what, when it is short enough to be told.
    fn field_taken_back(&self, object: &str) -> Option<String> {
        let mut fields = self
            .change
            .diff
            .iter()
            .filter(|f| f.path.starts_with("/spec") || f.path.starts_with("/rules"));
        let (Some(field), None) = (fields.next(), fields.next()) else {
            return None;
        };
        let short = |value: &Value| {
            let text = match value {
                Value::String(text) => visible(text),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                _ => return None,
            };
            (text.chars().count() <= TOLD_CHARS).then_some(text)
        };
        let (old, new) = (short(&field.old)?, short(&field.new)?);
        let (old, new) = tags(&old, &new).unwrap_or((&old, &new));
        let name = self.change.what.name(self.lang);
        Some(self.pick(
            format!("把 {object} 的{name}从 {new} 改回 {old}"),
            format!("set {name} of {object} back from {new} to {old}"),
        ))
    }

    pub(super) fn no_name(&self) -> String {
        self.pick("日志里的对象名不是合法的 Kubernetes 名字，不给出命令，请先人工核对", "the name in the log is no Kubernetes name, so no command is given: check by hand first").to_owned()
    }

    pub(super) fn put_back(&self, by: &Change<'_>) -> String {
        let (who, at) = (who(by, self.lang), self.hour(by));
        self.pick(
            format!("已经由{who}在 {at} 改回，不需要再回滚"),
            format!("{who} put it back at {at}, no rollback is needed any more"),
        )
    }

    pub(super) fn partly_back(&self, by: &Change<'_>) -> String {
        let (who, at) = (who(by, self.lang), self.hour(by));
        self.pick(
            format!("已经由{who}在 {at} 改回了一部分，剩下的先核对再决定"),
            format!("{who} put part of it back at {at}: look at the rest before touching it"),
        )
    }

    pub(super) fn changed_since(&self, by: &Change<'_>) -> String {
        let (who, at) = (who(by, self.lang), self.hour(by));
        self.pick(
            format!("这个对象在 {at} 又被{who}改过，不能照原样撤销，先核对现在的内容"),
            format!("{who} changed the object again at {at}, so it cannot simply be taken back: compare with what stands there now"),
        )
    }

    pub(super) fn gone_since(&self, by: &Change<'_>) -> String {
        let (who, at) = (who(by, self.lang), self.hour(by));
        self.pick(
            format!("这个对象在 {at} 已被{who}删除，没有可以改回的东西"),
            format!("{who} deleted the object at {at}, there is nothing to take back"),
        )
    }

    pub(super) fn made_since(&self, by: &Change<'_>) -> String {
        let (who, at) = (who(by, self.lang), self.hour(by));
        self.pick(
            format!("这个对象后来被删除，{at} 由{who}重新建过，已经不是改动时的那一个，先核对现在的内容"),
            format!("the object was deleted since and {who} created it again at {at}, so it is another one: compare with what stands there now"),
        )
    }

    pub(super) fn gone_again(&self, by: &Change<'_>) -> String {
        let (who, at) = (who(by, self.lang), self.hour(by));
        self.pick(
            format!("它后来重新建过，{at} 又被{who}删除，要看的是后一次删除"),
            format!("it was created again since, and {who} deleted it once more at {at}: look at that deletion"),
        )
    }

    pub(super) fn foreign_kind(&self) -> String {
        self.pick("这是自定义资源，它背后的东西由别的控制器管理，删除时可能已经清理，重建不一定找得回来，先核对再从备份或代码库恢复", "this is a custom resource: its controller may have removed what stood behind it, and creating it again need not bring that back. Check first, then restore it from a backup or the repository").to_owned()
    }

    pub(super) fn hidden(&self) -> String {
        let keys: Vec<String> = self
            .change
            .diff
            .iter()
            .filter_map(|f| f.path.rsplit('/').next())
            .map(visible)
            .take(TOLD_NAMES)
            .collect();
        let keys = if keys.is_empty() {
            String::new()
        } else {
            self.pick(
                format!("（变动的键：{}）", keys.join("、")),
                format!(" (keys that changed: {})", keys.join(", ")),
            )
        };
        self.pick(
            format!("审计日志不记录它的内容{keys}，给不出命令，要从代码库、配置中心或备份取改动前的内容再写回"),
            format!("the audit log does not hold its content{keys}, so no command can be given: take the earlier content from the repository or a backup and write it back"),
        )
    }

    /// Why the state before is not known.
    pub(super) fn no_body_before(&self) -> String {
        if self.change.after_unseen {
            return self.pick("在这次改动之前还有改动没有记进审计日志，不知道改动前的完整内容，给不出命令，先从代码库或备份找到旧内容", "writes before this one are missing from the audit log, so its full state before is not known and no command can be given: find the earlier state in the repository or a backup").to_owned();
        }
        self.pick("日志里没有它改动之前的完整内容，给不出命令，先从代码库或备份找到旧内容", "the logs do not hold its full state before the change, so no command can be given: find the earlier state in the repository or a backup").to_owned()
    }

    /// What must hold before the command is run.
    pub(super) fn preconditions(&self, target: Option<&Target>, by_hand: bool) -> Vec<String> {
        let mut out = Vec::new();
        // Said first, since only the first ones are spoken.
        if let (Some(target), false) = (target, by_hand) {
            out.extend(self.data_kept(target));
        }
        let cluster = visible(&self.change.write.cluster);
        if !cluster.is_empty() && !by_hand {
            out.push(self.pick(
                format!("kubectl 连的是集群 {cluster}"),
                format!("the current context is cluster {cluster}"),
            ));
        }
        if let (Some(target), false) = (target, by_hand) {
            let at = self.hour(self.change);
            out.push(self.unchanged(target, &at));
        }
        if self.change.actor == ActorKind::Pipeline {
            out.push(self.pick("这是流水线做的改动，代码库或发布配置也要同时改回，不然下次同步会再带上", "a pipeline made this change: take it back in its repository too, or the next sync brings it again").to_owned());
        }
        if self.change.what == ChangeClass::Replicas {
            let hpas = self.objects.hpas_of(&self.change.object);
            if let Some(hpa) = hpas.first() {
                let hpa = told(hpa);
                out.push(self.pick(
                    format!("{hpa} 会接管副本数，改回后以它为准"),
                    format!("{hpa} scales this workload and has the last word"),
                ));
            }
        }
        out
    }

    /// What to look at before data is touched.
    fn data_kept(&self, target: &Target) -> Option<String> {
        if self.change.object.kind == "PersistentVolumeClaim"
            && self.change.what == ChangeClass::Create
        {
            let get = target.command("get", "-o jsonpath='{.status.phase}'");
            return Some(self.pick(
                format!("它还没有绑定存储卷，里面没有数据：{get} 应当是 Pending，否则不要删除"),
                format!("no volume is bound to it, so it holds no data: {get} gives Pending, else do not delete it"),
            ));
        }
        kept::may_have_upgraded(self.change).then(|| {
            self.pick(
                "新版本可能已经升级了数据目录，旧版本读不了会损坏数据：先确认旧版本能读现在的数据，并做好备份",
                "the new version may have upgraded the data directory, and an older one can corrupt what it cannot read: make sure that it can read the data as they are, and have a backup",
            )
            .to_owned()
        })
    }

    /// How to see that nobody changed the object since.
    fn unchanged(&self, target: &Target, at: &str) -> String {
        if self.change.what == ChangeClass::Delete {
            let get = target.command("get", "");
            return self.pick(
                format!("它还没有被重新建起来：{get} 应当回答 NotFound"),
                format!("nobody created it again: {get} answers NotFound"),
            );
        }
        let body = self.change.after.as_deref();
        let generation = body
            .and_then(|b| b.pointer("/metadata/generation"))
            .and_then(Value::as_u64);
        match generation.filter(|_| {
            self.change.write.subresource.is_empty() && self.change.what != ChangeClass::Create
        }) {
            Some(generation) => {
                let get = target.command("get", "-o jsonpath='{.metadata.generation}'");
                self.pick(
                    format!("{at} 之后没有人再改过它：{get} 应当是 {generation}"),
                    format!("nobody changed it after {at}: {get} gives {generation}"),
                )
            }
            None => self.pick(
                format!("{at} 之后没有人再改过它"),
                format!("nobody changed it after {at}"),
            ),
        }
    }

    pub(super) fn hour(&self, change: &Change<'_>) -> String {
        Moment::new(change.at_ms, self.zone).hour_minute()
    }

    pub(super) fn pick<T>(&self, zh: T, en: T) -> T {
        self.lang.pick(zh, en)
    }
}

/// The tags of two images of one repository: its name has been said.
fn tags<'a>(old: &'a str, new: &'a str) -> Option<(&'a str, &'a str)> {
    let (old_name, old_tag) = old.rsplit_once(':')?;
    let (new_name, new_tag) = new.rsplit_once(':')?;
    let is_image = old_name.contains('/') && !old_tag.contains('/') && !new_tag.contains('/');
    (old_name == new_name && is_image).then_some((old_tag, new_tag))
}

/// Who made a change, to be told.
fn who(change: &Change<'_>, lang: Lang) -> String {
    let user = &change.write.actor.user;
    let name = visible(actors::service_account(user).map_or(user.as_str(), |(_, name)| name));
    match change.actor {
        ActorKind::Human => lang.pick(format!("账号 {name} "), format!("account {name}")),
        ActorKind::Pipeline => lang.pick(format!("流水线 {name} "), format!("pipeline {name}")),
        ActorKind::Controller | ActorKind::Node => {
            lang.pick(format!("控制器 {name} "), format!("controller {name}"))
        }
    }
}

pub(super) fn told(object: &ObjectRef) -> String {
    visible(&object.to_string())
}

/// Text without control, zero-width and bidirectional characters.
pub(super) fn visible(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'))
        .collect()
}
