//! `summarize_day`: the broadcast of a day, from its newest revision.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Call, Effect, Spec, Trouble, input};
use crate::{
    mcp::{
        args::{Flag, Number, Text},
        marked, running,
    },
    model::{
        Day,
        report::{Report, Stage},
    },
    round::ledger,
    voice::{self, Compared, Part},
};

pub(super) const SPEC: Spec = Spec {
    name: "summarize_day",
    title: "Broadcast of a day",
    description: "【K8s集群日志】播报某天的集群日志日报。用户说「开始播报」「播报日志」「昨天集群怎么样」「有什么问题」「继续」「重新分析」「今天别播了」时调用。不是新闻、日程、天气。",
    effect: Effect::Works,
    input: input::<Input>,
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Input {
    /// 昨天(默认)、前天、上周五、8月7日、2026-11-21
    date: Text,
    /// 只讲一类日志
    #[schemars(extend("enum" = ["all", "business", "event", "audit"]))]
    kind: Text,
    /// 1概述 2重要发现 3立即处理 4方案;空=全部;「继续」=下一部分
    part: Number,
    /// true=重新分析
    refresh: Flag,
    /// true=今天别主动播报
    quiet: Flag,
    #[schemars(extend("enum" = ["brief", "normal", "full"]))]
    detail: Text,
    /// Page of a full text; only ever copied from an answer, so it is not shown.
    #[schemars(skip)]
    cursor: Number,
}

pub(super) async fn run(call: &Call, input: Input) -> Result<Answer, Trouble> {
    let lang = call.lang();
    if input.quiet.get("quiet")? {
        // A robot that does not name itself in calls does so when it wakes: then the token must do.
        let device = match &call.origin.device {
            Some(_) => crate::mcp::context::scope(&call.origin),
            None => call.origin.caller.name.to_string(),
        };
        call.store
            .put_quiet(device, call.today(), "asked".to_owned())
            .await?;
        let told = lang.pick(
            "好的，今天不再主动播报。还要看别的吗？",
            "All right, no more unasked reports today. Anything else?",
        );
        return Ok(Answer::told(told).fact("owner", &call.owner));
    }
    let day = call.day(&input.date)?;
    let part = part(&input.part)?;
    let kind = super::kind("kind", &input.kind)?;
    let detail = call.detail(&input.detail)?;
    let page = input.cursor.within("cursor", 0, 1000)?.unwrap_or(0);

    let report = call.store.report(day).await?;
    let refresh = input.refresh.get("refresh")?;
    // What was read for one question is not the day.
    let unfinished = |r: &Report| r.stage < Stage::Day;
    let running = call.desk.rounds.running(&call.owner, day);
    // Where another process writes, the day is its business.
    let begins =
        call.store.is_writer() && running.is_none() && report.as_ref().is_none_or(unfinished);
    // Before it is begun again, which will say otherwise.
    let failed = ledger::failure(&call.store, day).await?;
    let task = if refresh || begins {
        Some(call.desk.rounds.start(&call.owner, day).0)
    } else {
        running
    };
    let Some(report) = report else {
        // Just started: there is nothing to tell but how far it is.
        let task = task.ok_or(Trouble::NeverRun(day))?;
        let failed = failed.as_deref();
        return Ok(running::progress_after(call, &task, None, detail, failed));
    };
    if let (true, Some(task)) = (refresh || begins, &task) {
        let failed = failed.as_deref();
        return Ok(running::progress_after(
            call,
            task,
            Some(&report),
            detail,
            failed,
        ));
    }

    let (report, hidden) = marked::without_settled(report, &call.store.marks().await?);
    let mut ask = call.ask(detail);
    ask.part = part;
    ask.kind = kind;
    ask.page = usize::try_from(page).unwrap_or(0);
    ask.compared = compared(call, day, &report).await?;
    let told = voice::broadcast(&report, &ask);
    let heard = part.map_or(Part::Fixes, |p| p).number();
    call.told(&report, &told.incidents, heard).await;
    let mut answer = Answer::from(told).about(&report);
    if hidden > 0 {
        answer = answer.fact("marked_not_told", hidden);
    }
    if let Some(task) = task {
        answer = answer.fact("running_task", &task.id);
    }
    Ok(answer)
}

fn part(said: &Number) -> Result<Option<Part>, Trouble> {
    let number = said.within("part", 1, 4)?;
    Ok(Part::ALL
        .into_iter()
        .find(|p| Some(u64::from(p.number())) == number))
}

/// How the problems of the day before went, when that day was run.
async fn compared(call: &Call, day: Day, report: &Report) -> Result<Option<Compared>, Trouble> {
    let before = call.store.report(day.plus(-1)).await?;
    Ok(before.map(|before| Compared::between(&before, report)))
}
