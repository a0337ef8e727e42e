//! All owners that a reader may see: the newest day of each, the days before it, the round that runs, the night that failed.
//!
//! In: stores, the tasks and the failed nights of this process. Out: [`OwnerView`]s. Always true: what somebody settled is counted apart, as
//! the tools do. Writes nothing.

use serde::Serialize;

use super::{
    Error,
    day::{self, Square},
};
use crate::{
    mcp::without_settled,
    model::{Day, Lang, Moment, report::Verdict},
    round::tasks::Task,
    store::Store,
};

/// Titles shown of the newest day.
const TITLES: usize = 3;

/// An owner.
#[derive(Debug, Serialize)]
pub struct OwnerView {
    pub owner: String,
    pub name: String,
    pub newest: Option<Newest>,
    pub strip: Vec<Square>,
    pub round: Option<RoundView>,
    pub night: Option<NightView>,
}

/// The newest day with a report.
#[derive(Debug, Serialize)]
pub struct Newest {
    pub day: Day,
    pub verdict: Verdict,
    /// Those that are told.
    pub incidents: usize,
    /// Those that somebody settled.
    pub marked: usize,
    /// Id and title of the most important ones.
    pub titles: Vec<(String, String)>,
}

/// A night that brought no report, until it is made up for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NightView {
    pub day: Day,
    pub at: Moment,
    pub why: String,
    /// The next attempt; `None` when it was given up.
    pub again: Option<Moment>,
}

/// A round that is running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoundView {
    pub id: String,
    pub day: Day,
    pub phase: &'static str,
    pub percent: u64,
    pub done: u64,
    pub all: u64,
}

impl RoundView {
    /// `None` when it has ended.
    #[must_use]
    pub fn of(task: &Task) -> Option<Self> {
        if task.ended().is_some() {
            return None;
        }
        let now = task.progress.snapshot();
        Some(Self {
            id: task.id.clone(),
            day: task.key.day,
            phase: now.phase.as_str(),
            percent: now.overall(),
            done: now.objects.0,
            all: now.objects.1,
        })
    }
}

/// Reads what is shown of an owner.
pub async fn owner(
    store: &Store,
    name: String,
    round: Option<RoundView>,
    night: Option<NightView>,
    lang: Lang,
) -> Result<OwnerView, Error> {
    let days = store.days().await?;
    let report = match days.first() {
        Some(day) => super::report(store, *day, lang).await?,
        None => None,
    };
    let marks = store.marks().await?;
    let newest = report.map(|report| {
        let (told, marked) = without_settled(report, &marks);
        let titles = told.incidents.iter().take(TITLES);
        Newest {
            day: told.date,
            verdict: told.verdict,
            incidents: told.incidents.len(),
            marked,
            titles: titles.map(|i| (i.id.clone(), i.title.clone())).collect(),
        }
    });
    Ok(OwnerView {
        owner: store.owner().to_string(),
        name,
        newest,
        strip: day::strip(store, &days, &marks).await?,
        round,
        night,
    })
}
