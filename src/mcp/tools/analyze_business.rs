//! `analyze_business`: from an error in the business log to its cause.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Call, Effect, Spec, Trouble, input};
use crate::{
    mcp::{args::Text, marked, matching::Wanted, pulled, told_incident},
    model::{
        LogKind,
        report::{Incident, Report},
    },
    round::pull::Want,
    store::{Query, What},
    voice::{self, Detail, Hits},
};

pub(super) const SPEC: Spec = Spec {
    name: "analyze_business",
    title: "Analyse the business log",
    description: "【K8s集群日志】从业务日志的报错出发,自动关联事件和审计,给出原因、修复和要不要回滚。用户说「详细分析业务日志」「订单服务为什么报错」「接口超时怎么回事」时调用。",
    effect: Effect::Reads,
    input: input::<Input>,
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Input {
    date: Text,
    /// 服务名
    service: Text,
    /// 报错里的词
    keyword: Text,
    #[schemars(extend("enum" = ["brief", "normal", "full"]))]
    detail: Text,
}

pub(super) async fn run(call: &Call, input: Input) -> Result<Answer, Trouble> {
    let day = call.day_or_told(&input.date)?;
    let detail = call.detail(&input.detail)?;
    let want = Want::Cause {
        from: LogKind::Business,
    };
    if let Some(interim) = pulled::ready(call, day, want).await? {
        return Ok(interim);
    }
    let report = call.caused(day).await?;
    let wanted = Wanted::new(&input.service, &Text::default(), &input.keyword);
    // Asked for nothing in particular, what the user settled comes last.
    let unasked = if wanted.is_open() {
        let marks = call.store.marks().await?;
        let open = marked::without_settled(report.clone(), &marks).0;
        led_by_business(&open, &wanted).map(|i| i.id.clone())
    } else {
        None
    };
    let unasked = report
        .incidents
        .iter()
        .find(|i| Some(&i.id) == unasked.as_ref());
    if let Some(incident) = unasked.or_else(|| led_by_business(&report, &wanted)) {
        return told_incident::tell(call, &report, incident, None, detail).await;
    }
    similar_lines(call, &report, &input, &wanted, detail).await
}

/// The most important incident that shows in the business log and holds what was asked for.
fn led_by_business<'r>(report: &'r Report, wanted: &Wanted) -> Option<&'r Incident> {
    let shows = |i: &&Incident| {
        told_incident::findings_of(report, i).iter().any(|f| {
            let fields: Vec<&str> = f.key_fields.iter().map(|k| k.value.as_str()).collect();
            let text = format!("{} {} {} {}", f.title, f.cause, f.object, fields.join(" "));
            f.kind == LogKind::Business && wanted.object_fits(&f.object) && wanted.words_fit(&text)
        })
    };
    let found = report.incidents.iter().find(shows);
    // A service whose own log is silent may still be hit by something.
    found.or_else(|| {
        told_incident::of_object(report, wanted, None)
            .filter(|_| !wanted.is_open() && wanted.words_fit(""))
    })
}

/// No incident: what the business log holds that is alike, if anything.
async fn similar_lines(
    call: &Call,
    report: &Report,
    input: &Input,
    wanted: &Wanted,
    detail: Detail,
) -> Result<Answer, Trouble> {
    let said = [input.service.get(), input.keyword.get()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    if said.is_empty() {
        return Ok(told_incident::nothing(
            call,
            report,
            LogKind::Business,
            wanted,
            detail,
        ));
    }
    let mut query = Query::new(said, call.desk.zone.clone());
    query.kind = Some(LogKind::Business);
    query.days = Some((report.date, report.date));
    query.what = vec![What::Template, What::Finding];
    let found = call.store.search(query).await?;
    if found.hits.is_empty() {
        return Ok(told_incident::nothing(
            call,
            report,
            LogKind::Business,
            wanted,
            detail,
        ));
    }
    // The ear hears a line once, whoever wrote it.
    let mut heard = BTreeSet::new();
    let texts = found.hits.iter().filter(|h| heard.insert(h.text.as_str()));
    let hits = Hits {
        kind: Some(LogKind::Business),
        total: found.total as u64,
        closest: found.cut,
        best: texts
            .map(|h| (h.text.as_str(), Some(h.last_seen)))
            .collect(),
        ..Hits::default()
    };
    let told = voice::hits(&hits, &call.ask(detail));
    let ids: Vec<&str> = found.hits.iter().map(|h| h.id.as_str()).collect();
    let lines: Vec<String> = (found.hits.iter())
        .filter_map(|h| Some(h.evidence?.to_string()))
        .collect();
    let objects: BTreeSet<String> = (found.hits.iter())
        .map(|h| format!("{}/{}", h.namespace, h.object))
        .collect();
    let objects: Vec<String> = objects.into_iter().collect();
    let (date, object) = (report.date.to_string(), found.hits[0].object.clone());
    Ok(Answer::told(told)
        .about(report)
        .fact("found", ids.join(","))
        .fact("evidence", lines.join(","))
        .fact("object", &object)
        .fact("written_by", objects.join(","))
        .next(
            "fetch_logs",
            &[("kind", "business"), ("date", &date), ("object", &object)],
        )
        .next("search_events", &[("date", &date), ("object", &object)]))
}
