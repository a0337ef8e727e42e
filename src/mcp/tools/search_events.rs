//! `search_events`: what the cluster did, grouped by object and reason.

use std::{collections::BTreeMap, sync::LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Call, Effect, Spec, Trouble, input};
use crate::{
    diagnosis::faults::{Catalogue, Sign},
    mcp::{
        args::{Number, Text},
        fresh,
        matching::{self, Wanted},
        pulled,
        table::table,
        window::{self, Page},
    },
    model::{Day, Lang, LogKind, Moment, ObjectRef, shapes::EventSeries, workload_name},
    round::pull::Want,
    voice::{self, Detail, EventFacts},
};

pub(super) const SPEC: Spec = Spec {
    name: "search_events",
    title: "Search Kubernetes events",
    description: "【K8s集群日志】查事件日志:调度、拉镜像、重启、探针、扩缩容、挂载。用户问「Pod为什么起不来」「重启了几次」「几点开始的」「节点怎么了」时调用。不查谁改的(用search_audit)。",
    effect: Effect::Reads,
    input: input::<Input>,
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Input {
    date: Text,
    /// 如10:00、上午十点
    start: Text,
    end: Text,
    /// 对象名,可只写一部分
    object: Text,
    namespace: Text,
    /// 如BackOff、FailedScheduling
    reason: Text,
    /// 关键词
    query: Text,
    limit: Number,
    cursor: Text,
}

/// Events of one object (of all pods of a workload) for one reason.
struct Group<'a> {
    object: ObjectRef,
    newest: &'a EventSeries,
    count: u64,
    warning: bool,
    first_ms: i64,
    last_ms: i64,
}

impl Group<'_> {
    fn facts(&self, moment: &impl Fn(i64) -> Moment, lang: Lang) -> EventFacts<'_> {
        let newest = self.newest;
        EventFacts {
            object: &self.object,
            reason: &newest.reason,
            message: &newest.message,
            fault: fault(&newest.object, &newest.reason, &newest.message, lang),
            count: self.count,
            last: moment(self.last_ms),
        }
    }
}

/// The catalogue is part of the program; its patterns are compiled once.
static CATALOGUE: LazyLock<Option<Catalogue>> = LazyLock::new(|| Catalogue::builtin().ok());

/// What the catalogue calls an event, if by itself it says which fault it is.
fn fault(object: &ObjectRef, reason: &str, message: &str, lang: Lang) -> Option<&'static str> {
    let catalogue = CATALOGUE.as_ref()?;
    let shown = catalogue.of_event(object, reason, message);
    let shown = shown.first().filter(|m| m.sign == Sign::Definitive)?;
    let fault = catalogue.faults().get(shown.fault)?;
    Some(fault.name.of(lang))
}

pub(super) async fn run(call: &Call, input: Input) -> Result<Answer, Trouble> {
    let day = call.day_or_told(&input.date)?;
    let range = call.range(day);
    let (from, to) = window::times(&input.start, &input.end, &range)?;
    let page = Page::read(&input.limit, &input.cursor)?;
    let wanted = Wanted::new(&input.object, &input.namespace, &input.query);
    let reason = input.reason.get().map(str::to_lowercase);

    let want = Want::Kind {
        kind: LogKind::Event,
        from_ms: from,
        to_ms: to,
    };
    if let Some(interim) = pulled::ready(call, day, want).await? {
        return Ok(interim);
    }
    let (new, note) = fresh::ask(call, day, LogKind::Event, (from, to)).await;
    let found = call.desk.days.of(call, day, new).await?;
    let fits = |e: &&EventSeries| {
        e.first_ms < to
            && e.last_ms >= from
            && reason
                .as_ref()
                .is_none_or(|r| e.reason.to_lowercase().contains(r))
            && wanted.object_fits(&e.object)
    };
    let candidates: Vec<&EventSeries> = found.events.iter().filter(fits).collect();
    let text = |e: &EventSeries| format!("{} {} {}", e.reason, e.object, e.message);
    let kept = matching::by_words(
        call,
        day,
        LogKind::Event,
        &wanted,
        candidates,
        |e| text(e),
        |e| &e.object,
    )
    .await?;
    let groups = grouped(&kept, from, to, &range);
    let shown = page.of(&groups);

    let moment = |ms| Moment::new(ms, &call.desk.zone);
    let facts = shown.iter().map(|g| g.facts(&moment, call.lang()));
    let facts: Vec<EventFacts<'_>> = facts.collect();
    let detail = call.origin.caller.detail;
    let told = if facts.is_empty() {
        voice::nothing(Some(LogKind::Event), &wanted.spoken(), &call.ask(detail))
    } else if detail == Detail::Full {
        let head = [
            "evidence", "object", "reason", "count", "first", "last", "message",
        ];
        table(&head, shown.iter().map(|g| row(g, &moment)))
    } else {
        voice::events(&facts, groups.len() as u64, &call.ask(detail))
    };
    let evidence: Vec<String> = shown
        .iter()
        .filter_map(|g| g.newest.evidence.first())
        .map(ToString::to_string)
        .collect();
    let mut answer = fresh::noted(Answer::told(told), call, note.as_ref())
        .fact("owner", &call.owner)
        .fact("date", day);
    if detail != Detail::Full {
        answer = answer.fact("evidence", evidence.join(","));
    }
    answer = page.count(answer, groups.len(), shown.len());
    Ok(asked_next(answer, day, &groups, (from, to), moment))
}

/// What is worth asking next of the first group.
fn asked_next(
    mut answer: Answer,
    day: Day,
    groups: &[Group<'_>],
    (from, to): (i64, i64),
    moment: impl Fn(i64) -> Moment,
) -> Answer {
    let (date, object) = (
        day.to_string(),
        groups
            .first()
            .map(|g| g.object.name.clone())
            .unwrap_or_default(),
    );
    if !groups.is_empty() {
        let (start, end) = (
            // A series may have begun before the day; what is asked next is about this one.
            moment((groups[0].first_ms - matching::BEFORE_MS).max(from)),
            moment(groups[0].last_ms.min(to - 1)),
        );
        answer = answer.next(
            "search_audit",
            &[
                ("date", &date),
                ("object", &object),
                ("start", &start.hour_minute()),
                ("end", &end.hour_minute()),
            ],
        );
    }
    answer.next(
        "trace_cause",
        &[("from", "event"), ("date", &date), ("object", &object)],
    )
}

/// Warnings first, then the most frequent. `count` is that of the window.
fn grouped<'a>(
    found: &[&'a EventSeries],
    from: i64,
    to: i64,
    range: &crate::model::DayRange,
) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<(String, String, String, &str), Group<'a>> = BTreeMap::new();
    let (first_cell, last_cell) = (range.cell(from), range.cell(to - 1));
    for e in found {
        let mut object = e.object.clone();
        if object.kind == "Pod" {
            workload_name(&e.object.name).clone_into(&mut object.name);
        }
        let key = (
            object.namespace.clone(),
            object.name.clone(),
            object.kind.clone(),
            e.reason.as_str(),
        );
        let count = e.cells.between(first_cell, last_cell);
        let group = groups.entry(key).or_insert(Group {
            object,
            newest: e,
            count: 0,
            warning: false,
            first_ms: e.first_ms,
            last_ms: e.last_ms,
        });
        group.count += count;
        group.warning |= e.warning;
        group.first_ms = group.first_ms.min(e.first_ms);
        if e.last_ms >= group.last_ms {
            group.last_ms = e.last_ms;
            group.newest = e;
        }
    }
    let mut groups: Vec<Group<'a>> = groups.into_values().filter(|g| g.count > 0).collect();
    groups.sort_by_key(|g| (!g.warning, std::cmp::Reverse(g.count), g.first_ms));
    groups
}

fn row(g: &Group<'_>, moment: &impl Fn(i64) -> Moment) -> Vec<String> {
    let evidence: Vec<String> = g.newest.evidence.iter().map(ToString::to_string).collect();
    vec![
        evidence.join(" "),
        g.object.to_string(),
        g.newest.reason.clone(),
        g.count.to_string(),
        moment(g.first_ms).to_string(),
        moment(g.last_ms).to_string(),
        g.newest.message.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_event_has_a_name_for_the_ear() {
        let pod = ObjectRef::new("Pod", "web", "nginx-7c79c4bf97-p9wgr");
        let full = "0/6 nodes are available: 6 Insufficient memory. preemption: 0/6 nodes are available: 6 No preemption victims found for incoming pod.";
        assert_eq!(
            fault(&pod, "FailedScheduling", full, Lang::Zh),
            Some("内存不够，调度不了")
        );
        assert_eq!(
            fault(
                &pod,
                "Scheduled",
                "Successfully assigned web/nginx",
                Lang::Zh
            ),
            None
        );
    }
}
