//! `fetch_logs`: lines of one kind, redacted, each with its evidence id; read again from the bucket, and from CLS what is not shipped
//! yet, so that the total is that of the logs and not of what was kept. A single business line that is opened by its id comes with what
//! stands around it.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Call, Effect, Spec, Trouble, input};
use crate::{
    mcp::{
        args::{Complaint, Number, Text},
        beside, fresh,
        matching::Wanted,
        table::table,
        window::{self, Page},
    },
    model::{Day, EvidenceId, LogKind, Moment, record::Kept},
    round::{beside::Beside, fresh::Note, lines::Asked},
    voice::{self, Detail, Hits},
};

pub(super) const SPEC: Spec = Spec {
    name: "fetch_logs",
    title: "Fetch log lines",
    description: "【K8s集群日志】取某类日志的原始行(已脱敏)。用户说「把报错念给我听」「看十点到十点半的日志」「打开这条证据」「这条前后是什么」时调用。先用别的工具找到对象和时间。",
    effect: Effect::Works,
    input: || {
        let mut schema = input::<Input>();
        schema.insert("required".to_owned(), json!(["kind"]));
        schema
    },
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Input {
    #[schemars(extend("enum" = ["business", "event", "audit"]))]
    kind: Text,
    date: Text,
    start: Text,
    end: Text,
    /// 对象名
    object: Text,
    namespace: Text,
    /// 关键词或证据编号
    keyword: Text,
    limit: Number,
    cursor: Text,
}

/// Kept lines of a window that are looked through; beyond this the answer says that it was cut.
const LOOKED_THROUGH: u32 = 20_000;

pub(super) async fn run(call: &Call, input: Input) -> Result<Answer, Trouble> {
    let day = call.day_or_told(&input.date)?;
    let page = Page::read(&input.limit, &input.cursor)?;
    let (from, to) = window::times(&input.start, &input.end, &call.range(day))?;
    let wanted = Wanted::new(&input.object, &input.namespace, &input.keyword);
    let evidence: Vec<EvidenceId> = input
        .keyword
        .get()
        .unwrap_or_default()
        .split([',', ' '])
        .filter_map(|s| s.parse().ok())
        .collect();

    let mut beside = Ok(Beside::default());
    let (kind, found) = if let Some(first) = evidence.first() {
        let lines = opened(call, day, &evidence).await?;
        beside = beside::of_the_only(call, &lines).await;
        (first.kind, Found::kept(&lines, page))
    } else {
        let kind = super::kind("kind", &input.kind)?.ok_or_else(|| {
            Complaint::new(
                "kind",
                input.kind.get().unwrap_or_default(),
                " business、event 或 audit",
                "business, event or audit",
            )
        })?;
        let found = match bucket(call, day, kind, (from, to), &wanted, page).await {
            Some(Ok(found)) => found,
            Some(Err(why)) => Found {
                bucket_failed: why,
                ..kept(call, day, kind, (from, to), &wanted, page).await?
            },
            None => kept(call, day, kind, (from, to), &wanted, page).await?,
        };
        (kind, found)
    };
    let shown = &found.shown;
    fresh::remember(call, shown);

    let detail = call.origin.caller.detail;
    let told = if shown.is_empty() {
        voice::nothing(Some(kind), &wanted.spoken(), &call.ask(detail))
    } else {
        told(call, kind, &found, beside.as_ref().ok())
    };
    let mut answer = Answer::told(told)
        .fact("owner", &call.owner)
        .fact("date", day)
        .fact("kind", kind);
    // A table says it of each line; of a line among its neighbours it has to be said which one it is.
    if detail != Detail::Full || !evidence.is_empty() {
        let ids: Vec<String> = shown.iter().map(|k| k.id.to_string()).collect();
        answer = answer.fact("evidence", ids.join(","));
    }
    answer = page
        .count(answer, found.total, shown.len())
        .fact("lines_from", found.from)
        .fact("expired_objects", found.gone.join(","))
        .fact("unreadable_objects", found.unreadable.join(","))
        .fact("bucket", &found.bucket_failed);
    answer = fresh::noted(answer, call, found.live.as_ref());
    answer = beside::noted(answer, &beside);
    if found.cut {
        answer = answer.fact("looked_through", LOOKED_THROUGH);
    }
    let (date, object) = (
        day.to_string(),
        shown.first().map(|k| k.object.clone()).unwrap_or_default(),
    );
    Ok(answer.next(
        "trace_cause",
        &[
            ("from", kind.as_str()),
            ("date", &date),
            ("object", &object),
        ],
    ))
}

/// The lines as they are told, or as a table with what stands around the only one.
fn told(call: &Call, kind: LogKind, found: &Found, beside: Option<&Beside>) -> String {
    let detail = call.origin.caller.detail;
    let moment = |ms| Moment::new(ms, &call.desk.zone);
    if detail == Detail::Full {
        let row = |k: &Kept| {
            vec![
                k.id.to_string(),
                moment(k.ts_ms).to_string(),
                format!("{}/{}", k.namespace, k.object),
                k.line.clone(),
            ]
        };
        let before = beside.iter().flat_map(|b| &b.before);
        let after = beside.iter().flat_map(|b| &b.after);
        let lines = before.chain(&found.shown).chain(after);
        return table(&["evidence", "time", "object", "line"], lines.map(row));
    }
    let best = found.shown.iter();
    let hits = Hits {
        kind: Some(kind),
        total: found.total as u64,
        best: best
            .map(|k| (k.text.as_str(), Some(moment(k.ts_ms))))
            .collect(),
        before: beside.and_then(|b| Some(b.before.last()?.text.as_str())),
        after: beside.and_then(|b| Some(b.after.first()?.text.as_str())),
        ..Hits::default()
    };
    voice::hits(&hits, &call.ask(detail))
}

/// The lines behind evidence, also those that an answer named and no round has kept.
async fn opened(call: &Call, day: Day, evidence: &[EvidenceId]) -> Result<Vec<Kept>, Trouble> {
    let mut lines = call.store.kept(day, evidence.to_vec()).await?;
    let known: Vec<EvidenceId> = lines.iter().map(|k| k.id).collect();
    let fresh = fresh::recall(call, evidence).into_iter();
    lines.extend(fresh.filter(|k| !known.contains(&k.id)));
    Ok(lines)
}

/// The lines of a page, and what is to be known about them.
#[derive(Debug, Default)]
struct Found {
    shown: Vec<Kept>,
    total: usize,
    from: &'static str,
    /// There may be more than `total`.
    cut: bool,
    gone: Vec<String>,
    unreadable: Vec<String>,
    /// Why these are not the bucket's lines.
    bucket_failed: String,
    /// What CLS was asked for.
    live: Option<Note>,
}

impl Found {
    fn kept(lines: &[Kept], page: Page) -> Self {
        Self {
            total: lines.len(),
            shown: page.of(lines).to_vec(),
            from: "kept",
            ..Self::default()
        }
    }
}

/// What lies in the bucket; `None` when it cannot be read here.
async fn bucket(
    call: &Call,
    day: Day,
    kind: LogKind,
    (from_ms, to_ms): (i64, i64),
    wanted: &Wanted,
    page: Page,
) -> Option<Result<Found, String>> {
    let wanted = wanted.clone();
    let asked = Asked {
        words: wanted.words().to_vec(),
        kind,
        from_ms,
        to_ms,
        fits: Arc::new(move |namespace, object, text| {
            wanted.name_fits(namespace, object) && wanted.words_fit(text)
        }),
        most: page.start.saturating_add(page.limit),
    };
    let lines = call.desk.rounds.lines(&call.owner, day, asked).await?;
    Some(lines.map(|lines| Found {
        total: usize::try_from(lines.total).unwrap_or(usize::MAX),
        shown: page.of(&lines.shown).to_vec(),
        from: "bucket",
        cut: false,
        gone: lines.gone,
        unreadable: lines.problems.into_iter().map(|p| p.key).collect(),
        bucket_failed: String::new(),
        live: lines.live,
    }))
}

/// What a round has kept.
async fn kept(
    call: &Call,
    day: Day,
    kind: LogKind,
    (from_ms, to_ms): (i64, i64),
    wanted: &Wanted,
    page: Page,
) -> Result<Found, Trouble> {
    let lines = call
        .store
        .kept_between(day, kind, from_ms, to_ms, LOOKED_THROUGH)
        .await?;
    let cut = lines.len() >= LOOKED_THROUGH as usize;
    let fits = |k: &Kept| {
        wanted.name_fits(&k.namespace, &k.object)
            && (wanted.words_fit(&k.text) || wanted.words_fit(&k.line))
    };
    let fitting: Vec<Kept> = lines.into_iter().filter(fits).collect();
    Ok(Found {
        cut,
        ..Found::kept(&fitting, page)
    })
}
