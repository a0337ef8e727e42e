//! `task_status`: how far a running round is, and what it has found so far.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Call, Effect, Spec, Trouble, input};
use crate::{
    mcp::{
        args::{Flag, Text},
        running,
    },
    round::tasks::Task,
};

pub(super) const SPEC: Spec = Spec {
    name: "task_status",
    title: "Progress of a running analysis",
    description: "【K8s集群日志】查正在进行的日志分析到哪一步了。用户问「分析好了吗」「还要多久」「查完了没」「别分析了」时调用。",
    effect: Effect::Notes,
    input: input::<Input>,
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Input {
    /// 任务编号,空=最近的
    task: Text,
    /// 停下这次分析
    stop: Flag,
}

pub(super) async fn run(call: &Call, input: Input) -> Result<Answer, Trouble> {
    let tasks = &call.desk.rounds.tasks;
    let named = input.task.get().and_then(|id| tasks.find(id));
    // Another owner's task does not exist for this call.
    let mine = named
        .filter(|t| t.key.owner == call.owner)
        .or_else(|| tasks.newest(&call.owner));
    let task = mine.ok_or(Trouble::NoSuchTask)?;
    if input.stop.get("stop")? && task.ended().is_none() {
        task.cancel();
        return Ok(stopped(call, &task));
    }
    let known = call.store.report(task.key.day).await?;
    Ok(running::progress(
        call,
        &task,
        known.as_ref(),
        call.origin.caller.detail,
    ))
}

fn stopped(call: &Call, task: &Task) -> Answer {
    let date = task.key.day.to_string();
    let told = call.lang().pick(
        "好的，这次分析停下了，读过的不会白读。要不要听听已经查到的？",
        "Stopped; what was read is kept. Shall I tell you what is known so far?",
    );
    Answer::told(told)
        .fact("owner", &task.key.owner)
        .fact("task", &task.id)
        .next("summarize_day", &[("date", &date)])
}
