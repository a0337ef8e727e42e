//! `switch_owner_keys`: from now on, somebody else's logs. Never asks for or takes a key.

use std::sync::Arc;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use super::{Answer, Effect, Spec, Trouble, input};
use crate::{
    mcp::{
        Desk, Origin, about,
        args::{Complaint, Text},
        whose::asker,
    },
    owners::{self, ENVIRONMENT_WAIT, Refusal, Switched, Wanted},
};

pub(super) const SPEC: Spec = Spec {
    name: "switch_owner_keys",
    title: "Switch to another owner's logs",
    description: "【K8s集群日志】换主人看日志(一机多用)。用户说「我是新主人」「换成张三」「切换账号」时调用。只用名字,绝不要问密钥;有口令才填code。",
    effect: Effect::Works,
    input: input::<Input>,
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(in crate::mcp) struct Input {
    /// 主人的名字;空=现在登录的人
    owner: Text,
    /// 用户说的口令
    code: Text,
    /// 切换后要不要分析昨天,默认auto
    #[schemars(extend("enum" = ["auto", "always", "never"]))]
    run: Text,
}

/// Whether a round is started after the switch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    /// When the owner has no report of yesterday.
    Auto,
    Always,
    Never,
}

/// Needs no owner to begin with, so it takes the desk instead of a call.
pub(in crate::mcp) async fn run(
    desk: &Arc<Desk>,
    origin: &Origin,
    input: Input,
) -> Result<Answer, Trouble> {
    let lang = desk.lang;
    let run = match input.run.get().unwrap_or("auto") {
        "auto" => Run::Auto,
        "always" => Run::Always,
        "never" => Run::Never,
        other => {
            return Err(Complaint::new(
                "run",
                other,
                " auto、always 或 never",
                "auto, always or never",
            )
            .into());
        }
    };
    let (asker, now_ms) = (asker(origin), desk.clock.now_ms());
    let wanted = if let Some(name) = input.owner.get() {
        Wanted::Named(name)
    } else {
        // Voiceprint recognition may be writing the file at this very moment.
        desk.owners.environment_anew(ENVIRONMENT_WAIT).await;
        Wanted::Environment
    };
    let code = input.code.get().map(|c| SecretString::from(c.to_owned()));
    match desk.owners.switch(&asker, wanted, code.as_ref(), now_ms)? {
        Ok(switched) => switched_to(desk, &switched, run).await,
        Err(refusal) => Ok(refused(&refusal, lang)),
    }
}

async fn switched_to(desk: &Arc<Desk>, switched: &Switched, run: Run) -> Result<Answer, Trouble> {
    let (lang, day) = (desk.lang, desk.today().plus(-1));
    let report = desk.stores.of(&switched.owner).await?.report(day).await?;
    // What a question pulled of the day is no broadcast.
    let ready = report.is_some_and(|report| report.tells_the_day());
    let starts = match run {
        Run::Auto => !ready,
        Run::Always => true,
        Run::Never => false,
    };
    let name = about::name(&desk.owners, &switched.owner, lang);
    let began = if switched.same {
        lang.pick(
            format!("现在就是{name}的日志"),
            format!("these are the logs of {name} already"),
        )
    } else {
        lang.pick(
            format!("已经换成{name}的日志"),
            format!("now the logs of {name}"),
        )
    };
    let (then, question) = match (starts, ready) {
        (true, _) => (
            lang.pick("昨天的正在分析", "yesterday is being analysed"),
            lang.pick("要不要先听已经查到的", "shall I tell what is known so far"),
        ),
        (false, true) => (
            lang.pick("昨天的日报准备好了", "the report of yesterday is ready"),
            lang.pick("要不要开始播报", "shall I tell it"),
        ),
        (false, false) => (
            lang.pick("昨天的还没有分析", "yesterday was not analysed"),
            lang.pick("要不要现在分析", "shall I do it now"),
        ),
    };
    let told = lang.pick(
        format!("{began}，{then}。{question}？"),
        format!("{began}, {then}. {question}?"),
    );
    let date = day.to_string();
    let mut answer = Answer::told(told)
        .fact("owner", &switched.owner)
        .fact("date", &date);
    if starts {
        let (task, _) = desk.rounds.start(&switched.owner, day);
        answer = answer
            .fact("task", &task.id)
            .next("summarize_day", &[("date", &date)])
            .next("task_status", &[("task", &task.id)]);
    } else {
        answer = answer.next("summarize_day", &[("date", &date)]);
    }
    Ok(answer)
}

fn refused(refusal: &Refusal, lang: crate::model::Lang) -> Answer {
    let (zh, en) = match refusal {
        Refusal::Unknown { .. } => (
            "没有找到这个名字的主人。能再说一遍名字吗？",
            "I know no owner of that name. Could you say the name again?",
        ),
        Refusal::EnvironmentNamesNobody => (
            "现在还没有人登录，也没有配置密钥。要不要直接告诉我名字？",
            "Nobody is logged in and no key is set up. Will you tell me a name?",
        ),
        Refusal::Environment(owners::Trouble::NoWholeKey) => (
            "登录的文件里没有完整的密钥，还不能换人。要不要等一下再试？",
            "The login file holds no whole key, so I cannot switch yet. Shall we try again in a moment?",
        ),
        Refusal::Environment(owners::Trouble::NotTaken(_)) => (
            "新登录的密钥现在存不进去，还不能换人，请管理员看一下。要不要等一下再试？",
            "The new key cannot be stored, so I cannot switch; please tell the operator. Shall we try again in a moment?",
        ),
        Refusal::NotAllowed { .. } => (
            "这个入口不能看这位主人的日志。要不要换一位？",
            "This connection may not read that owner's logs. Shall I take another one?",
        ),
        Refusal::CodeNeeded { .. } => (
            "这位主人设了口令。能说一下口令吗？",
            "This owner has a spoken code. Could you say it?",
        ),
        Refusal::CodeWrong { .. } => (
            "口令不对。能再说一遍吗？",
            "That code is wrong. Could you say it again?",
        ),
        Refusal::Closed { .. } => (
            "口令错了太多次，要过一会儿才能再试。要不要先看现在的日志？",
            "Too many wrong codes, try again later. Shall I go on with the present logs?",
        ),
    };
    let answer = Answer::told(lang.pick(zh, en)).failed();
    match refusal {
        Refusal::Unknown { known, .. } => answer.fact("known", known.join(",")),
        Refusal::CodeWrong { tries_left, .. } => answer.fact("tries_left", tries_left),
        Refusal::EnvironmentNamesNobody
        | Refusal::Environment(_)
        | Refusal::NotAllowed { .. }
        | Refusal::CodeNeeded { .. }
        | Refusal::Closed { .. } => answer,
    }
}
