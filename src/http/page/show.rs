//! The pages to look at; each one reads what [`crate::page`] asks of a store, and fills a template.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, Uri},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{Page, Refusal, act::connect, back, date, parsed, shown};
use crate::{
    model::{Day, Lang, LogKind, Moment, OwnerAlias},
    page::{
        self,
        day::{self, DayView, MarkView},
        house::{self, NightView, OwnerView, RoundView},
        incident,
        lists::{self, AlarmView, LineView, ToldView},
        segment,
    },
    store::Hit,
};

/// Alarms and what was told are shown as long as the resource lists them.
const LATELY_MS: i64 = 30 * 24 * 3600 * 1000;
/// Hits that can be leafed through.
const MOST_LEAFED: usize = 1000;

impl Page {
    fn round_of(&self, owner: &OwnerAlias) -> Option<RoundView> {
        let newest = self.0.desk.rounds.tasks.newest(owner);
        newest.and_then(|task| RoundView::of(&task))
    }

    fn failed_night(&self, owner: &OwnerAlias, lang: Lang) -> Option<NightView> {
        let moment = |ms| Moment::new(ms, &self.0.desk.zone);
        self.0.ready.failed_night(owner).map(|night| NightView {
            day: night.day,
            at: moment(night.at_ms),
            why: page::told(night.why, lang),
            again: night.again_ms.map(moment),
        })
    }
}

pub(super) async fn house(
    State(page): State<Page>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct House {
        owners: Vec<OwnerView>,
        problems: Vec<String>,
        connect: String,
    }
    let visit = page.visit(&headers, &uri)?;
    let mut owners = Vec::new();
    for owner in page.0.desk.stores.owners(&visit.caller.access) {
        let (store, name) = page.open(&visit, owner.as_str()).await?;
        let (round, night) = (
            page.round_of(&owner),
            page.failed_night(&owner, visit.reader.lang),
        );
        owners.push(house::owner(&store, name, round, night, visit.reader.lang).await?);
    }
    // What is wrong with the whole house; of an owner, the card says it.
    let problems = page.0.ready.problems();
    shown(
        "house.html",
        &visit,
        &House {
            owners,
            problems,
            connect: connect(),
        },
    )
}

/// The newest day of an owner.
pub(super) async fn newest(
    State(page): State<Page>,
    Path(owner): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let visit = page.visit(&headers, &uri)?;
    let (store, _) = page.open(&visit, &owner).await?;
    let day = store
        .days()
        .await?
        .into_iter()
        .next()
        .ok_or(Refusal::Missing)?;
    Ok(back(&format!("/o/{}/{day}", segment(&owner))).into_response())
}

/// How far the owner's round is; null when none runs.
pub(super) async fn round(
    State(page): State<Page>,
    Path(owner): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let visit = page.visit(&headers, &uri)?;
    let (store, _) = page.open(&visit, &owner).await?;
    Ok(Json(page.round_of(store.owner())).into_response())
}

pub(super) async fn day(
    State(page): State<Page>,
    Path((owner, of)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Values {
        day: DayView,
        round: Option<RoundView>,
    }
    let visit = page.visit(&headers, &uri)?;
    let (store, name) = page.open(&visit, &owner).await?;
    let found = day::day(&store, date(&of)?, name, &visit.reader).await?;
    let round = page.round_of(store.owner());
    shown(
        "day.html",
        &visit,
        &Values {
            day: found.ok_or(Refusal::Missing)?,
            round,
        },
    )
}

pub(super) async fn incident(
    State(page): State<Page>,
    Path((owner, day, id)): Path<(String, String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let visit = page.visit(&headers, &uri)?;
    let (store, name) = page.open(&visit, &owner).await?;
    let report = page::report(&store, date(&day)?, visit.reader.lang).await?;
    let report = report.ok_or(Refusal::Missing)?;
    let found = incident::incident(&store, &report, &id, name, &visit.reader).await?;
    shown("incident.html", &visit, &found.ok_or(Refusal::Missing)?)
}

pub(super) async fn alarms(
    State(page): State<Page>,
    Path(owner): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Values {
        owner: String,
        name: String,
        alarms: Vec<AlarmView>,
        told: Vec<ToldView>,
    }
    let visit = page.visit(&headers, &uri)?;
    let (store, name) = page.open(&visit, &owner).await?;
    let since = visit.reader.now_ms - LATELY_MS;
    let alarms = lists::alarms(&store, since, visit.reader.now_ms + 1, &visit.reader).await?;
    let told = lists::told(&store, since, &visit.reader).await?;
    // What was said of an alarm stands with the alarm.
    let told = told
        .into_iter()
        .filter(|t| !t.subject.starts_with("alarm:"))
        .collect();
    shown(
        "alarms.html",
        &visit,
        &Values {
            owner,
            name,
            alarms,
            told,
        },
    )
}

pub(super) async fn marks(
    State(page): State<Page>,
    Path(owner): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Values {
        owner: String,
        name: String,
        marks: Vec<MarkView>,
    }
    let visit = page.visit(&headers, &uri)?;
    let (store, name) = page.open(&visit, &owner).await?;
    let marks = lists::marks(&store, &visit.reader).await?;
    shown("marks.html", &visit, &Values { owner, name, marks })
}

#[derive(Deserialize)]
pub(super) struct Question {
    #[serde(default)]
    q: String,
    #[serde(default)]
    kind: String,
    /// Hits before the first that is shown.
    #[serde(default)]
    from: String,
}

pub(super) async fn search(
    State(page): State<Page>,
    Path((owner, day)): Path<(String, String)>,
    Query(question): Query<Question>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Values {
        owner: String,
        name: String,
        date: Day,
        q: String,
        kind: String,
        from: usize,
        hits: Vec<Hit>,
        total: usize,
        /// There are more than `total`.
        cut: bool,
        /// Where the hits before and after these begin.
        before: Option<usize>,
        after: Option<usize>,
        /// The incident that a finding belongs to.
        incident_of: BTreeMap<String, String>,
    }
    let visit = page.visit(&headers, &uri)?;
    let (store, name) = page.open(&visit, &owner).await?;
    let day = date(&day)?;
    let kind: Option<LogKind> = question.kind.parse().ok();
    let text: String = question.q.trim().chars().take(400).collect();
    // Nobody leafs further, and each page is found anew.
    let from = question.from.parse().unwrap_or(0).min(MOST_LEAFED);
    let hits = if text.is_empty() {
        crate::store::Hits::default()
    } else {
        lists::search(&store, day, &text, kind, from, &visit.reader).await?
    };
    let after = from.saturating_add(hits.hits.len());
    let last_page = hits.total.saturating_sub(1) / lists::HITS * lists::HITS;
    let values = Values {
        owner,
        name,
        date: day,
        q: text,
        kind: kind.map(|k| k.as_str().to_owned()).unwrap_or_default(),
        from,
        before: (from > 0).then(|| from.saturating_sub(lists::HITS).min(last_page)),
        after: (!hits.hits.is_empty() && after < hits.total.min(MOST_LEAFED)).then_some(after),
        incident_of: lists::incident_of(&store, day, &hits.hits).await?,
        hits: hits.hits,
        total: hits.total,
        cut: hits.cut,
    };
    shown("search.html", &visit, &values)
}

pub(super) async fn line(
    State(page): State<Page>,
    Path((owner, day, id)): Path<(String, String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Values {
        owner: String,
        name: String,
        date: Day,
        line: LineView,
    }
    let visit = page.visit(&headers, &uri)?;
    let (store, name) = page.open(&visit, &owner).await?;
    let day = date(&day)?;
    let line = lists::line(&store, day, parsed(&id)?, &visit.reader).await?;
    shown(
        "line.html",
        &visit,
        &Values {
            owner,
            name,
            date: day,
            line: line.ok_or(Refusal::Missing)?,
        },
    )
}
