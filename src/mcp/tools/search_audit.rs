//! `search_audit`: who changed what, from what to what.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Answer, Call, Effect, Spec, Trouble, input};
use crate::{
    mcp::{
        args::{Number, Text},
        cluster_day::Changed,
        fresh,
        matching::{self, Wanted},
        pulled,
        table::table,
        window::{self, Page},
    },
    model::{
        LogKind,
        report::{ActorKind, ChangeNote, FieldChange},
    },
    round::pull::Want,
    voice::{self, Detail},
};

pub(super) const SPEC: Spec = Spec {
    name: "search_audit",
    title: "Search the audit log",
    description: "【K8s集群日志】查审计日志:谁在什么时候改了什么、改前改后。用户问「谁改的」「昨天有哪些变更」「谁删的」「改了什么配置」时调用。不查报错内容(用analyze_business)。",
    effect: Effect::Reads,
    input: input::<Input>,
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Input {
    date: Text,
    start: Text,
    end: Text,
    /// 被改的对象名
    object: Text,
    namespace: Text,
    /// 操作人
    user: Text,
    /// 如create、patch、delete
    verb: Text,
    /// 关键词
    query: Text,
    limit: Number,
    cursor: Text,
}

/// Differences named in the line for the model; the table of a full answer has all.
const NAMED_DIFFERENCES: usize = 3;

pub(super) async fn run(call: &Call, input: Input) -> Result<Answer, Trouble> {
    let day = call.day_or_told(&input.date)?;
    let (from, to) = window::times(&input.start, &input.end, &call.range(day))?;
    let page = Page::read(&input.limit, &input.cursor)?;
    let wanted = Wanted::new(&input.object, &input.namespace, &input.query);
    let (user, verb) = (
        input.user.get().map(str::to_lowercase),
        input.verb.get().map(str::to_lowercase),
    );

    let want = Want::Kind {
        kind: LogKind::Audit,
        from_ms: from,
        to_ms: to,
    };
    if let Some(interim) = pulled::ready(call, day, want).await? {
        return Ok(interim);
    }
    let (new, note) = fresh::ask(call, day, LogKind::Audit, (from, to)).await;
    let found = call.desk.days.of(call, day, new).await?;
    let fits = |c: &&Changed| {
        let note = &c.note;
        (from..to).contains(&note.at.ms)
            && verb.as_ref().is_none_or(|v| verb_fits(v, &note.verb))
            && user.as_ref().is_none_or(|u| note.user.to_lowercase().contains(u))
            && wanted.object_fits(&note.object)
            // What a controller did because of a change says nothing that the change does not say.
            && (c.is_root || user.is_some())
    };
    let candidates: Vec<&Changed> = found.changes.iter().filter(fits).collect();
    let text = |c: &Changed| {
        format!(
            "{} {} {} {}",
            c.note.verb,
            c.note.object,
            c.note.user,
            differences(&c.note.diff, usize::MAX)
        )
    };
    let mut kept = matching::by_words(
        call,
        day,
        LogKind::Audit,
        &wanted,
        candidates,
        |c| text(c),
        |c| &c.note.object,
    )
    .await?;
    // "谁改的" after an incident was told means its change. Then people and pipelines: a controller's own doing is rarely what is
    // asked for. Then the newest.
    let meant = call.change_told(day).await?;
    kept.sort_by_key(|c| {
        (
            meant != Some(c.note.evidence),
            !matches!(c.note.actor, ActorKind::Human | ActorKind::Pipeline),
            std::cmp::Reverse(c.note.at.ms),
        )
    });
    let shown = page.of(&kept);

    let notes: Vec<ChangeNote> = shown.iter().map(|c| c.note.clone()).collect();
    let detail = call.origin.caller.detail;
    let ask = call.ask(detail);
    let told = if notes.is_empty() {
        voice::nothing(Some(LogKind::Audit), &wanted.spoken(), &ask)
    } else if detail == Detail::Full {
        let head = [
            "evidence",
            "at",
            "user",
            "verb",
            "object",
            "difference",
            "set off",
        ];
        table(&head, shown.iter().map(|c| row(c)))
    } else {
        voice::changes(&notes, kept.len() as u64, &ask)
    };
    let mut answer = fresh::noted(Answer::told(told), call, note.as_ref())
        .fact("owner", &call.owner)
        .fact("date", day);
    if detail != Detail::Full {
        let brief: Vec<String> = notes.iter().map(brief).collect();
        answer = answer.fact("changes", brief.join(" / "));
    }
    answer = page.count(answer, kept.len(), shown.len());
    if found.refused > 0 {
        answer = answer.fact("refused_writes_of_the_day", found.refused);
    }
    let (date, object) = (
        day.to_string(),
        notes
            .first()
            .map(|n| n.object.name.clone())
            .unwrap_or_default(),
    );
    Ok(answer
        .next("search_events", &[("date", &date), ("object", &object)])
        .next(
            "trace_cause",
            &[("from", "audit"), ("date", &date), ("object", &object)],
        ))
}

fn verb_fits(said: &str, verb: &str) -> bool {
    let also: &[&str] = match said {
        "改" | "修改" | "更新" | "change" | "update" | "patch" => &["update", "patch"],
        "删" | "删除" | "delete" => &["delete", "deletecollection"],
        "建" | "创建" | "新建" | "create" => &["create"],
        _ => &[],
    };
    verb == said || also.contains(&verb)
}

fn differences(diff: &[FieldChange], most: usize) -> String {
    let plain = |v: &Value| match v {
        Value::Null => "-".to_owned(),
        Value::String(s) => s.clone(),
        other => other.to_string(),
    };
    let clip = |s: String| s.chars().take(80).collect::<String>();
    let one = |d: &FieldChange| {
        format!(
            "{}: {} -> {}",
            d.path,
            clip(plain(&d.old)),
            clip(plain(&d.new))
        )
    };
    diff.iter()
        .take(most)
        .map(one)
        .collect::<Vec<_>>()
        .join(", ")
}

fn brief(note: &ChangeNote) -> String {
    let diff = differences(&note.diff, NAMED_DIFFERENCES);
    format!(
        "{} {} {} {} {} [{diff}]",
        note.evidence, note.at, note.user, note.verb, note.object
    )
}

fn row(c: &Changed) -> Vec<String> {
    let note = &c.note;
    vec![
        note.evidence.to_string(),
        note.at.to_string(),
        note.user.clone(),
        note.verb.clone(),
        note.object.to_string(),
        differences(&note.diff, usize::MAX),
        c.set_off.to_string(),
    ]
}
