//! `task_status`: how far a running round is, and what it has found so far.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Call, Effect, Spec, Trouble, input};
use crate::mcp::{args::Text, running};

pub(super) const SPEC: Spec = Spec {
    name: "task_status",
    title: "Progress of a running analysis",
    description: "【K8s集群日志】查正在进行的日志分析到哪一步了。用户问「分析好了吗」「还要多久」「查完了没」时调用。",
    effect: Effect::Reads,
    input: input::<Input>,
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Input {
    /// 任务编号,空=最近的
    task: Text,
}

pub(super) async fn run(call: &Call, input: Input) -> Result<Answer, Trouble> {
    let tasks = &call.desk.rounds.tasks;
    let named = input.task.get().and_then(|id| tasks.find(id));
    // Another owner's task does not exist for this call.
    let mine = named
        .filter(|t| t.key.owner == call.owner)
        .or_else(|| tasks.newest(&call.owner));
    let task = mine.ok_or(Trouble::NoSuchTask)?;
    let known = call.store.report(task.key.day).await?;
    Ok(running::progress(
        call,
        &task,
        known.as_ref(),
        call.origin.caller.detail,
    ))
}
