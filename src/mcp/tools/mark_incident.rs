//! `mark_incident`: what the user says about an incident is remembered, listed, and can be taken back.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Call, Effect, Spec, Trouble, input};
use crate::{
    mcp::{
        args::{Complaint, Text},
        marking,
    },
    model::report::Incident,
    store::{Mark, Verdict},
};

pub(super) const SPEC: Spec = Spec {
    name: "mark_incident",
    title: "Remember a verdict about an incident",
    description: "【K8s集群日志】记住用户对问题的说法。用户说「已经处理了」「这个正常不用再报」「你说错了」「撤销标记」「标过哪些」时调用。",
    effect: Effect::Notes,
    input: input::<Input>,
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Input {
    /// 编号或「第二个」;空=刚讲过的
    incident: Text,
    /// handled已处理 normal正常 wrong说错 undo撤销 list列出
    #[schemars(extend("enum" = ["handled", "normal", "wrong", "undo", "list"]))]
    r#as: Text,
    /// 备注
    note: Text,
    /// Only ever copied from an answer, so it is not shown.
    #[schemars(skip)]
    date: Text,
}

enum Wish {
    Mark(Verdict),
    Undo,
    List,
}

pub(super) async fn run(call: &Call, input: Input) -> Result<Answer, Trouble> {
    let wish = wish(&input.r#as)?;
    let marks = call.store.marks().await?;
    if matches!(wish, Wish::List) {
        return Ok(listed(call, &marks));
    }
    let day = call.day_or_told(&input.date)?;
    let report = call.report(day).await?;
    let incident = call.incident(&input.incident, &report)?;
    let answer = match wish {
        Wish::Mark(verdict) => {
            let note = input.note.get().unwrap_or_default();
            let about = (incident, &report);
            let id = marking::mark(&call.store, about, (verdict, note), call.now.ms).await?;
            Answer::told(call.lang().pick(said(verdict).0, said(verdict).1))
                .fact("mark", id)
                .next(
                    "mark_incident",
                    &[("incident", &incident.id), ("as", "undo")],
                )
        }
        Wish::Undo | Wish::List => undone(call, incident, &marks).await?,
    };
    Ok(answer
        .about(&report)
        .fact("incident", &incident.id)
        .fact("object", &incident.root.object))
}

fn wish(said: &Text) -> Result<Wish, Complaint> {
    let text = said.get().unwrap_or_default().to_lowercase();
    Ok(match text.as_str() {
        "handled" | "done" | "fixed" | "已处理" | "处理了" | "已经处理" => {
            Wish::Mark(Verdict::Handled)
        }
        "normal" | "ignore" | "正常" | "不用再报" | "正常不用再报" => {
            Wish::Mark(Verdict::Normal)
        }
        "wrong" | "说错了" | "错了" | "不对" => Wish::Mark(Verdict::Wrong),
        "undo" | "撤销" | "取消" => Wish::Undo,
        "list" | "列出" | "有哪些" => Wish::List,
        _ => {
            return Err(Complaint::new(
                "as",
                &text,
                " handled、normal、wrong、undo 或 list",
                "handled, normal, wrong, undo or list",
            ));
        }
    })
}

const fn said(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Handled => (
            "记下了，这个问题已处理，再出现我会重新报。还要看别的吗？",
            "Noted as handled, I will report it if it comes back. Anything else?",
        ),
        Verdict::Normal => (
            "记下了，这个算正常，以后不再报，除非变得更多。还要看别的吗？",
            "Noted as normal, I will stay silent unless it grows. Anything else?",
        ),
        Verdict::Wrong => (
            "记下了，这次是我说错了，以后不再这样报。你觉得真正的原因是什么？",
            "Noted, I was wrong and will not say so again. What do you think the cause was?",
        ),
    }
}

async fn undone(call: &Call, incident: &Incident, marks: &[Mark]) -> Result<Answer, Trouble> {
    let lang = call.lang();
    let Some(mark) = marks.iter().find(|m| m.what.identity == incident.identity) else {
        return Ok(Answer::told(lang.pick(
            "这个问题没有标记过。还要看别的吗？",
            "This problem was not marked. Anything else?",
        )));
    };
    marking::take_back(&call.store, mark.id, call.now.ms).await?;
    Ok(Answer::told(lang.pick(
        "标记已经撤销。还要看别的吗？",
        "The mark is taken back. Anything else?",
    )))
}

fn listed(call: &Call, marks: &[Mark]) -> Answer {
    let lang = call.lang();
    let n = marks.len();
    let told = match n {
        0 => lang
            .pick(
                "还没有标记过问题。要不要先听播报？",
                "Nothing is marked. Shall I tell you the report?",
            )
            .to_owned(),
        _ => lang.pick(
            format!("一共标记过{n}个问题。要不要撤销其中一个？"),
            format!("{n} problems are marked. Shall I take one back?"),
        ),
    };
    let brief: Vec<String> = marks
        .iter()
        .map(|m| {
            format!(
                "{}:{} {:?} {} {}",
                m.id, m.what.day, m.what.verdict, m.what.title, m.what.note
            )
        })
        .collect();
    Answer::told(told)
        .fact("owner", &call.owner)
        .fact("marks", brief.join(" / "))
}
