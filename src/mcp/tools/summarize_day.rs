//! `summarize_day`: the broadcast of a day, from its newest revision.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Call, Effect, Spec, Trouble, input};
use crate::{
    alerts::DayAlarms,
    mcp::{
        args::{Flag, Number, Text},
        going_on, marked, running,
    },
    model::{
        Day,
        report::{Report, Stage},
    },
    round::ledger,
    voice::{self, Ask, Compared, Detail, Part, Told},
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
    // "继续" without a date goes on with the day that was told.
    let day = if going_on::asked(&input.part) {
        call.day_or_told(&input.date)?
    } else {
        call.day(&input.date)?
    };
    let kind = super::kind("kind", &input.kind)?;
    let detail = call.detail(&input.detail)?;
    let heard = call.heard.as_ref().filter(|h| h.day == day);
    let place = going_on::place(&input.part, heard, detail == Detail::Full)?;
    if place.over {
        return Ok(Answer::told(lang.pick(
            "这一天都播报完了。要不要深入分析某一类日志？",
            "That was all of that day. Shall I look deeper into one kind of log?",
        ))
        .fact("owner", &call.owner)
        .fact("date", day));
    }
    let page = input.cursor.within("cursor", 0, 1000)?;

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
    ask.part = place.part;
    ask.kind = kind;
    ask.page = page.map_or(place.page, |n| usize::try_from(n).unwrap_or(0));
    ask.compared = compared(call, day, &report).await?;
    let told = with_alarms(call, &report, &ask).await?;
    call.told(&report, &told.incidents, going_on::told(&told))
        .await;
    let mut answer = Answer::from(told).about(&report);
    if hidden > 0 {
        answer = answer.fact("marked_not_told", hidden);
    }
    if let Some(task) = task {
        answer = answer.fact("running_task", &task.id);
    }
    Ok(answer)
}

/// The broadcast, and which alarms of the day belong to which problem.
async fn with_alarms(call: &Call, report: &Report, ask: &Ask) -> Result<Told, Trouble> {
    let mut told = voice::broadcast(report, ask);
    let range = call.range(report.date);
    let alarms = DayAlarms::of(&call.store, report, &range, ask.lang).await?;
    if ask.detail == Detail::Full {
        let page = alarms.page(report, ask.lang);
        if ask.page == 0 && !page.is_empty() {
            told.told = format!("{}\n\n{page}", told.told);
        }
        return Ok(told);
    }
    let is_place = ask.detail == Detail::Normal && matches!(ask.part, None | Some(Part::Findings));
    let sentence = alarms.sentence(&told.incidents, ask.lang);
    let Some(sentence) = sentence.filter(|_| is_place) else {
        return Ok(told);
    };
    // Told once more, with room for it.
    let room = sentence.chars().count();
    let mut told = voice::broadcast(
        report,
        &Ask {
            reserved: ask.reserved + room,
            ..*ask
        },
    );
    let end = ask.lang.pick('。', '.');
    // Before the question at the end.
    if let Some(at) = told.told.rfind(end) {
        let at = at + end.len_utf8() + usize::from(end == '.');
        told.told.insert_str(at, &sentence);
    }
    Ok(told)
}

/// How the problems of the day before went, when that day was run.
async fn compared(call: &Call, day: Day, report: &Report) -> Result<Option<Compared>, Trouble> {
    let before = call.store.report(day.plus(-1)).await?;
    Ok(before.map(|before| Compared::between(&before, report)))
}
