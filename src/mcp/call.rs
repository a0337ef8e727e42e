//! From a tool's name and arguments to a text: the one way that both wires take.
//!
//! In: a name, arguments of any shape, where they come from. Out: an [`Answer`], or `None` for a tool that does not exist. Always true:
//! whatever happens behind it - no owner, a full disk, a panic, eight seconds gone - is an answer too. Knows no protocol.

use std::{sync::Arc, time::Instant};

use serde_json::{Map, Value};

use super::{
    Answer, Desk, Origin,
    about::About,
    args,
    calls::{Key, Waited},
    context::{Call, scope},
    tools::{Tool, switch_owner_keys},
};
use crate::{model::Lang, store::Told};

/// Answers one call of a tool.
pub(super) async fn call(
    desk: &Arc<Desk>,
    mut origin: Origin,
    name: &str,
    arguments: Map<String, Value>,
) -> Option<Answer> {
    let tool = Tool::named(name)?;
    let began = Instant::now();
    let claimed = |name: &str| short(arguments.get(name));
    origin.device = claimed("device_id").or(origin.device);
    origin.speaker = claimed("speaker").or(origin.speaker);

    let answer = if tool == Tool::SwitchOwnerKeys {
        switch(desk, origin, arguments).await
    } else {
        match Call::open(desk.clone(), origin).await {
            Ok(call) => {
                let about = About::of(&call);
                about.said(run(desk, tool, call, arguments).await)
            }
            Err(trouble) => trouble.answer(desk.lang),
        }
    };
    let outcome = if answer.failed { "failed" } else { "told" };
    metrics::counter!("gengfu_tool_calls_total", "tool" => tool.name(), "outcome" => outcome)
        .increment(1);
    metrics::histogram!("gengfu_tool_call_seconds", "tool" => tool.name())
        .record(began.elapsed().as_secs_f64());
    let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(tool = tool.name(), outcome, elapsed_ms, "answered a call");
    Some(answer)
}

async fn run(desk: &Arc<Desk>, tool: Tool, call: Call, arguments: Map<String, Value>) -> Answer {
    let lang = desk.lang;
    let key = key(
        tool,
        &call.origin,
        call.owner.as_str(),
        call.heard.as_ref(),
        &arguments,
    );
    let starts = tool.starts_work();
    let work = async move {
        tool.run(&call, arguments)
            .await
            .unwrap_or_else(|trouble| trouble.answer(lang))
    };
    let waited = desk
        .calls
        .run(key, starts, &desk.stop, crashed(lang), work)
        .await;
    waited_for(waited, tool, lang)
}

/// Switching begins without an owner: there may be none yet.
async fn switch(desk: &Arc<Desk>, origin: Origin, arguments: Map<String, Value>) -> Answer {
    let (lang, tool) = (desk.lang, Tool::SwitchOwnerKeys);
    let mut key = key(tool, &origin, "", None, &arguments);
    // It holds for the session that asks: another one that says the same is not switched by it. Nor may an answer be given from
    // memory, since somebody else may have been switched to in between.
    key.caller += origin.session.as_deref().unwrap_or_default();
    let work = {
        let desk = desk.clone();
        async move {
            let input = args::read(arguments);
            let done = switch_owner_keys::run(&desk, &origin, input).await;
            done.unwrap_or_else(|trouble| trouble.answer(lang))
        }
    };
    let waited = desk
        .calls
        .run(key, false, &desk.stop, crashed(lang), work)
        .await;
    waited_for(waited, tool, lang)
}

fn waited_for(waited: Waited, tool: Tool, lang: Lang) -> Answer {
    match waited {
        Waited::Answer(answer) => answer,
        Waited::TooLong => interim(tool, lang),
    }
}

fn key(
    tool: Tool,
    origin: &Origin,
    owner: &str,
    heard: Option<&Told>,
    arguments: &Map<String, Value>,
) -> Key {
    let mut sorted: Vec<(&String, &Value)> = arguments.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    // A retry comes in a session of its own; two robots of one token differ by what "it" means to them.
    let caller = match (&origin.device, heard) {
        (Some(_), _) => scope(origin),
        (None, heard) => format!(
            "{} {:?}",
            origin.caller.name,
            heard.map(|h| (&h.incident, h.at_ms))
        ),
    };
    Key {
        caller,
        owner: owner.to_owned(),
        tool: tool.name(),
        arguments: serde_json::to_string(&sorted).unwrap_or_default(),
    }
}

fn crashed(lang: Lang) -> Answer {
    Answer::told(lang.pick(
        "我这边出了点问题，这次没查成。要不要换个问法再试一次？",
        "Something went wrong on my side. Shall we try it differently?",
    ))
    .advice(lang.pick(
        "不要用同样的参数重试;管理员看日志",
        "do not repeat the same arguments; operator, see the log",
    ))
    .failed()
}

fn interim(tool: Tool, lang: Lang) -> Answer {
    Answer::told(lang.pick(
        "还在查，要再等一会儿。要不要过几秒再问我一次？",
        "I am still looking, it takes a little longer. Could you ask me again in a few seconds?",
    ))
    .advice(lang.pick(
        "用同样的参数再调用一次会接着等,不会重新开始",
        "the same call again goes on waiting and does not start over",
    ))
    .next(tool.name(), &[])
    .next("task_status", &[])
}

/// A claim of a client, short enough to be a name.
fn short(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?.trim();
    let plain: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
    (!plain.is_empty()).then_some(plain)
}
