//! `trace_cause`: from one kind of log to the cause.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Call, Effect, Spec, Trouble, input};
use crate::{
    mcp::{args::Text, matching::Wanted, pulled, told_incident},
    model::LogKind,
    round::pull::Want,
};

pub(super) const SPEC: Spec = Spec {
    name: "trace_cause",
    title: "Trace a cause through the logs",
    description: "【K8s集群日志】溯源:从一类日志出发关联另外两类,说出根因和处理办法。用户说「关联分析」「根本原因是什么」「为什么」「详细说说第二个」「从审计日志查起」时调用。",
    effect: Effect::Reads,
    input: input::<Input>,
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Input {
    #[schemars(extend("enum" = ["business", "event", "audit"]))]
    from: Text,
    date: Text,
    /// 对象名
    object: Text,
    namespace: Text,
    /// 编号i2或「第二个」;空=刚讲过的
    incident: Text,
    #[schemars(extend("enum" = ["brief", "normal", "full"]))]
    detail: Text,
}

pub(super) async fn run(call: &Call, input: Input) -> Result<Answer, Trouble> {
    let day = call.day_or_told(&input.date)?;
    let from = super::kind("from", &input.from)?;
    let detail = call.detail(&input.detail)?;
    // Events name what happened themselves; without a kind they are where to begin.
    let want = Want::Cause {
        from: from.unwrap_or(LogKind::Event),
    };
    if let Some(interim) = pulled::ready(call, day, want).await? {
        return Ok(interim);
    }
    let report = call.caused(day).await?;
    let wanted = Wanted::new(&input.object, &input.namespace, &Text::default());

    let named = input.incident.get().is_some();
    let by_object = input.object.get().is_some() || input.namespace.get().is_some();
    let incident = if by_object && !named {
        match told_incident::of_object(&report, &wanted, from) {
            Some(found) => found,
            None => {
                return Ok(told_incident::nothing(
                    call,
                    &report,
                    from.unwrap_or(LogKind::Event),
                    &wanted,
                    detail,
                ));
            }
        }
    } else {
        call.incident(&input.incident, &report)?
    };
    told_incident::tell(call, &report, incident, from, detail).await
}
