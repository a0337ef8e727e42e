//! A day: its verdict, the three kinds with their charts, its incidents, its templates, its alarms.
//!
//! In: a store and a day. Out: [`DayView`], or nothing for a day without a report. Always true: what was marked is shown apart with the
//! mark, never left out; lists that are cut say by how much. Draws and asks, decides nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Error, Reader, chart,
    chart::Chart,
    lists::{self, AlarmView},
    shapes::{self, Row},
};
use crate::{
    mcp::{settling, without_settled},
    model::{
        Day, LogKind, Moment,
        report::{Incident, Report, Status},
        shapes::Cells,
    },
    store::{Mark, Store},
    voice::{self, Ask},
};

/// Days in the strip of squares.
const STRIP: usize = 14;

/// See the module's head.
#[derive(Debug, Serialize)]
pub struct DayView {
    pub owner: String,
    pub name: String,
    pub date: Day,
    /// The report without its incidents' details: verdict, coverage, baseline and so on.
    pub report: Report,
    /// The sentence that a robot would say first; of what was settled, it says nothing.
    pub headline: Option<String>,
    /// Of the told incidents, those that go on.
    pub ongoing: usize,
    pub kinds: Vec<KindView>,
    pub cards: Vec<Card>,
    pub marked: Vec<Card>,
    pub rows: Vec<Row>,
    /// Rows that are shown when asked for, and how many of them are warnings or worse.
    pub rest: Vec<Row>,
    pub rest_loud: usize,
    pub rows_cut: usize,
    pub alarms: Vec<AlarmView>,
    pub strip: Vec<Square>,
    pub before: Option<Day>,
    pub after: Option<Day>,
}

/// One kind of log.
#[derive(Debug, Serialize)]
pub struct KindView {
    pub kind: LogKind,
    pub chart: Option<Chart>,
    /// Incidents that show in this kind, on the chart's axis.
    pub windows: Vec<Window>,
}

/// When an incident was, in cells.
#[derive(Debug, Serialize)]
pub struct Window {
    pub id: String,
    pub title: String,
    pub from: u16,
    pub wide: u16,
}

/// An incident in the list.
#[derive(Debug, Serialize)]
pub struct Card {
    pub incident: Incident,
    pub spark: String,
    pub mark: Option<MarkView>,
}

/// A mark of the user.
#[derive(Debug, Serialize)]
pub struct MarkView {
    pub id: i64,
    pub verdict: crate::store::Verdict,
    pub note: String,
    pub at: Moment,
    pub day: Day,
    pub incident: String,
    pub title: String,
}

/// A day in the strip.
#[derive(Debug, Serialize)]
pub struct Square {
    pub day: Day,
    pub verdict: crate::model::report::Verdict,
    pub incidents: usize,
    pub worst: Option<crate::model::Severity>,
}

/// Reads everything that the page of a day shows.
pub async fn day(
    store: &Store,
    day: Day,
    name: String,
    reader: &Reader,
) -> Result<Option<DayView>, Error> {
    let Some(report) = super::report(store, day, reader.lang).await? else {
        return Ok(None);
    };
    let range = day.range(&reader.zone);
    let marks = store.marks().await?;
    let counts = store.counts(day).await?;
    let earlier = store.baseline(day, report.baseline.of).await?;
    let mut templates = store.templates(day).await?;
    shapes::name_clusters(&mut templates, &earlier);
    let gone = shapes::gone(&templates, &earlier);
    let texts = store
        .template_texts(gone.iter().map(|g| g.id).collect())
        .await?;
    let comparing = {
        let (range, earlier) = (range.clone(), earlier.clone());
        move || shapes::table(shapes::rows(templates, &earlier, &range), gone, &texts)
    };
    // Thousands of templates against seven days: not on the threads that answer others.
    let (mut rows, rows_cut) = tokio::task::spawn_blocking(comparing).await?;
    let rest = shapes::rest(&mut rows);
    let kinds = LogKind::ALL.map(|kind| KindView {
        kind,
        chart: counts
            .as_ref()
            .and_then(|today| chart::chart(kind, today, &earlier)),
        windows: windows(&report, kind, &range),
    });
    let (marked, cards): (Vec<Card>, Vec<Card>) = cards(&report, &marks, reader)
        .into_iter()
        .partition(|c| c.mark.is_some());
    let (told, _) = without_settled(report.clone(), &marks);
    let going_on = |card: &&Card| card.incident.status != Status::Recovered;
    let days = store.days().await?;
    let ask = Ask::new(Moment::new(reader.now_ms, &reader.zone), reader.lang);
    Ok(Some(DayView {
        owner: store.owner().to_string(),
        name,
        date: day,
        headline: voice::headline(&told, &ask),
        ongoing: cards.iter().filter(going_on).count(),
        kinds: kinds.into(),
        cards,
        marked,
        rows,
        rest_loud: rest.iter().filter(|r| r.is_loud()).count(),
        rest,
        rows_cut,
        alarms: lists::alarms(store, range.start_ms, range.end_ms, reader).await?,
        strip: strip(store, &days, &marks).await?,
        before: days.iter().copied().find(|d| *d < day),
        after: days.iter().copied().rev().find(|d| *d > day),
        report,
    }))
}

/// The newest days, oldest first.
pub(super) async fn strip(
    store: &Store,
    days: &[Day],
    marks: &[Mark],
) -> Result<Vec<Square>, Error> {
    let mut squares = Vec::new();
    for day in days.iter().take(STRIP).rev() {
        if let Some(report) = store.report(*day).await? {
            let (report, _) = without_settled(report, marks);
            squares.push(Square {
                day: *day,
                verdict: report.verdict,
                incidents: report.incidents.len(),
                worst: report.incidents.iter().map(|i| i.severity).max(),
            });
        }
    }
    Ok(squares)
}

fn windows(report: &Report, kind: LogKind, range: &crate::model::DayRange) -> Vec<Window> {
    let shows = |i: &&Incident| {
        report
            .findings
            .iter()
            .any(|f| f.kind == kind && i.findings.contains(&f.id))
    };
    let window = |i: &Incident| {
        let (from, to) = (
            range.cell(i.start.ms),
            range.cell(i.end.map_or(range.end_ms, |e| e.ms)),
        );
        Window {
            id: i.id.clone(),
            title: i.title.clone(),
            from,
            wide: (to - from.min(to)).max(2),
        }
    };
    report.incidents.iter().filter(shows).map(window).collect()
}

fn cards(report: &Report, marks: &[Mark], reader: &Reader) -> Vec<Card> {
    let by_id: BTreeMap<&str, &Cells> = report
        .findings
        .iter()
        .map(|f| (f.id.as_str(), &f.cells))
        .collect();
    let card = |incident: &Incident| {
        let mut cells = Cells::default();
        for finding in incident
            .findings
            .iter()
            .filter_map(|id| by_id.get(id.as_str()))
        {
            cells.merge(finding);
        }
        Card {
            incident: incident.clone(),
            spark: chart::spark(&cells),
            mark: settling(incident, report, marks).map(|m| mark(m, reader)),
        }
    };
    report.incidents.iter().map(card).collect()
}

/// A mark as it is shown.
pub(super) fn mark(mark: &Mark, reader: &Reader) -> MarkView {
    MarkView {
        id: mark.id,
        verdict: mark.what.verdict,
        note: mark.what.note.clone(),
        at: Moment::new(mark.what.at_ms, &reader.zone),
        day: mark.what.day,
        incident: mark.what.incident.clone(),
        title: mark.what.title.clone(),
    }
}
