//! `propose_rollback`: what would be undone, and the commands for the user's chat. Never executes anything.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Call, Effect, Spec, Trouble, input};
use crate::{
    mcp::args::{Flag, Text},
    voice::{self, Detail},
};

pub(super) const SPEC: Spec = Spec {
    name: "propose_rollback",
    title: "Propose a rollback",
    description: "【K8s集群日志】给出回滚方案(只建议,不执行)。用户说「回滚」「要」「怎么撤销」「把命令发给我」时调用;发到聊天群用send=true。",
    effect: Effect::Sends,
    input: input::<Input>,
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Input {
    /// 编号或「第二个」;空=刚讲过的
    incident: Text,
    /// true=把命令发到聊天群
    send: Flag,
    #[schemars(extend("enum" = ["brief", "normal", "full"]))]
    detail: Text,
    /// Only ever copied from an answer, so it is not shown.
    #[schemars(skip)]
    date: Text,
}

pub(super) async fn run(call: &Call, input: Input) -> Result<Answer, Trouble> {
    let detail = call.detail(&input.detail)?;
    let send = input.send.get("send")?;
    let day = call.day_or_told(&input.date)?;
    let report = call.report(day).await?;
    let incident = call.incident(&input.incident, &report)?;
    let told = voice::rollback(&report, incident, &call.ask(detail));
    let mut answer = Answer::from(told)
        .about(&report)
        .fact("incident", &incident.id)
        .fact("object", &incident.root.object);
    let Some(plan) = incident.ready_rollback() else {
        return Ok(answer);
    };
    // `voice` offers this very tool; after it has told, only sending is left.
    answer.next.retain(|step| step.tool != SPEC.name);
    if !send {
        let date = day.to_string();
        let sending = [
            ("incident", incident.id.as_str()),
            ("date", &date),
            ("send", "true"),
        ];
        answer = answer.next(SPEC.name, &sending);
        answer.next.rotate_right(1);
        return Ok(answer);
    }
    let page = voice::rollback(&report, incident, &call.ask(Detail::Full)).told;
    let lang = call.lang();
    answer.told = match call.desk.chat.send(&call.owner, &page).await {
        Ok(number) => {
            answer = answer.fact("message", &number);
            // So that it is found among the other messages of the group.
            lang.pick(
                format!("命令已经发到聊天群了，是{number}号消息，我没有执行。看过以后还要我做什么吗？"),
                format!("The commands are in your chat, message {number}; nothing was executed. Anything else?"),
            )
        }
        Err(reason) => {
            answer = answer.advice(reason).fact("command", &plan.command);
            answer.failed = true;
            lang.pick(
                "命令没能发出去，聊天群还没有接好。要不要在网页上看？",
                "The commands could not be sent, no chat is connected. Will you look at the page?",
            )
            .to_owned()
        }
    };
    Ok(answer)
}
