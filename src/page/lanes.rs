//! The chain of an incident as a timeline of three lanes: business, events, audit, with the change marked.
//!
//! In: a report, one of its incidents, the instants of its day. Out: places in percent of the width and pixels of height. Pure. Always true:
//! the bars of a lane are the cells of the findings of that kind; nothing is drawn outside of the day.

use serde::Serialize;

use crate::model::{
    CELL_MS, DayRange, LogKind,
    report::{Finding, Incident, Report},
    shapes::Cells,
};

/// Height of a lane in pixels; its name stands beside it.
const LANE: f64 = 64.0;
const BAR: f64 = 54.0;
/// The shortest stretch of time that is worth a picture: half an hour.
const LEAST_MS: i64 = 30 * 60 * 1000;
/// Quiet time before the first sign, so that what broke is seen to break: half an hour, or so many percent of the rest.
const BEFORE: i64 = 15;
/// Room for the words above the lanes.
const HEAD: f64 = 26.0;
/// Steps between two times on the axis, in minutes; the first that gives few enough.
const STEPS: [i64; 7] = [5, 10, 15, 30, 60, 120, 240];
/// So many times fit on a phone.
const TICKS: i64 = 7;

/// See the module's head.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lanes {
    pub rows: Vec<Lane>,
    pub ticks: Vec<Mark>,
    pub change: Option<Mark>,
    pub recovery: Option<Mark>,
    /// Where lanes end and the axis begins.
    pub bottom: f64,
    pub head: f64,
}

/// What one kind of log shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lane {
    pub kind: LogKind,
    pub top: f64,
    pub high: f64,
    pub bars: Vec<Bar>,
    pub count: u64,
}

/// `x` and `wide` in percent, the rest in pixels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    pub x: String,
    pub wide: String,
    pub y: String,
    pub high: String,
    pub at: String,
    pub count: u64,
}

/// A moment on the axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    pub x: String,
    pub at: String,
    /// Its words go to the left, or they would leave the picture.
    pub late: bool,
}

/// Draws an incident. `None` when it has neither counts nor a change.
pub(crate) fn lanes(report: &Report, incident: &Incident, range: &DayRange) -> Option<Lanes> {
    let of = |kind: LogKind| {
        let mut cells = Cells::default();
        let own = |f: &&Finding| f.kind == kind && incident.findings.contains(&f.id);
        for finding in report.findings.iter().filter(own) {
            cells.merge(&finding.cells);
        }
        (kind, cells)
    };
    let counted = LogKind::ALL.map(of);
    let view = View::of(incident, &counted, range)?;
    let lanes = counted.iter().enumerate().map(|(n, (kind, cells))| {
        let top = HEAD + n as f64 * LANE;
        Lane {
            kind: *kind,
            top,
            high: LANE,
            bars: view.bars(cells, top + LANE),
            count: cells.total(),
        }
    });
    let change = incident.change.as_ref().map(|c| c.at.ms);
    let recovery = incident.recovered_by.as_ref().map(|c| c.at.ms);
    Some(Lanes {
        rows: lanes.collect(),
        ticks: view.ticks(),
        change: change.and_then(|ms| view.mark(ms)),
        recovery: recovery.and_then(|ms| view.mark(ms)),
        bottom: HEAD + LANE * LogKind::ALL.len() as f64,
        head: HEAD,
    })
}

/// The stretch of time that is shown.
struct View<'a> {
    range: &'a DayRange,
    from_ms: i64,
    to_ms: i64,
}

impl<'a> View<'a> {
    fn of(incident: &Incident, counted: &[(LogKind, Cells)], range: &'a DayRange) -> Option<Self> {
        let cells = || counted.iter().flat_map(|(_, cells)| cells.iter());
        let mut times: Vec<i64> = cells().map(|(c, _)| range.cell_start(c)).collect();
        times.extend(cells().map(|(c, _)| range.cell_start(c) + CELL_MS));
        let changes = [&incident.change, &incident.recovered_by];
        times.extend(
            changes
                .into_iter()
                .flatten()
                .map(|c| c.at.ms)
                .filter(|ms| range.contains(*ms)),
        );
        let (first, last) = (*times.iter().min()?, *times.iter().max()?);
        let pad = ((last - first) / 20)
            .max((LEAST_MS - (last - first)) / 2)
            .max(CELL_MS);
        let before = (last - first) * BEFORE / 100;
        Some(Self {
            range,
            from_ms: (first - pad.max(before).max(LEAST_MS)).max(range.start_ms),
            to_ms: (last + pad).min(range.end_ms),
        })
    }

    fn percent(&self, ms: i64) -> f64 {
        (ms - self.from_ms) as f64 * 100.0 / (self.to_ms - self.from_ms).max(1) as f64
    }

    fn bars(&self, cells: &Cells, bottom: f64) -> Vec<Bar> {
        let peak = cells.iter().map(|(_, n)| n).max().unwrap_or(1);
        let wide = self.percent(self.from_ms + CELL_MS);
        let bar = |(cell, n): (u16, u32)| {
            let at = self.range.cell_start(cell);
            let high = (f64::from(n) / f64::from(peak) * BAR).max(3.0);
            Bar {
                x: format!("{:.2}%", self.percent(at)),
                wide: format!("{:.2}%", (wide * 0.9).max(0.2)),
                y: format!("{:.1}", bottom - high),
                high: format!("{high:.1}"),
                at: self.range.moment(at).hour_minute(),
                count: u64::from(n),
            }
        };
        cells.iter().map(bar).collect()
    }

    fn mark(&self, ms: i64) -> Option<Mark> {
        let x = self.percent(ms);
        (0.0..=100.0).contains(&x).then(|| Mark {
            x: format!("{x:.2}%"),
            at: self.range.moment(ms).hour_minute(),
            late: x > 50.0,
        })
    }

    fn ticks(&self) -> Vec<Mark> {
        let minutes = (self.to_ms - self.from_ms) / 60_000;
        let step = STEPS
            .into_iter()
            .find(|s| minutes / s <= TICKS)
            .unwrap_or(240)
            * 60_000;
        let first = self.range.start_ms
            + (self.from_ms - self.range.start_ms + step - 1).div_euclid(step) * step;
        let times = std::iter::successors(Some(first), |ms| Some(ms + step));
        let times = times.take_while(|ms| *ms <= self.to_ms);
        // Words at the very edge would be cut.
        times
            .filter_map(|ms| {
                self.mark(ms)
                    .filter(|_| (3.0..97.0).contains(&self.percent(ms)))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn a_chain_shows_its_three_lanes_and_its_change() {
        let mut report = sample::report();
        let range = report
            .date
            .range(&jiff::tz::TimeZone::fixed(jiff::tz::offset(8)));
        let incident = report
            .incidents
            .iter()
            .find(|i| i.change.is_some())
            .expect("a change")
            .clone();
        for finding in &mut report.findings {
            finding.cells.add(121, 4);
            finding.cells.add(123, 8);
        }
        let drawn = lanes(&report, &incident, &range).expect("lanes");
        assert_eq!(
            drawn.rows.iter().map(|l| l.kind).collect::<Vec<_>>(),
            LogKind::ALL
        );
        let change = drawn.change.expect("the change");
        assert_eq!(change.at, incident.change.expect("change").at.hour_minute());
        let bars: Vec<_> = drawn.rows.iter().flat_map(|l| &l.bars).collect();
        let percent = |x: &str| x.trim_end_matches('%').parse::<f64>().expect("percent");
        // What came first stands apart from the edge.
        assert!(percent(&change.x) > 10.0, "{}", change.x);
        assert!(bars.iter().all(|b| percent(&b.x) > 10.0), "{bars:?}");
        assert!(!bars.is_empty() && bars.iter().all(|b| b.count > 0));
        assert!(bars.iter().all(|b| (0.0..=100.0).contains(&percent(&b.x))));
        assert!((2..=8).contains(&drawn.ticks.len()), "{:?}", drawn.ticks);
    }

    #[test]
    fn what_was_not_counted_is_not_drawn() {
        let mut report = sample::report();
        let range = report.date.range(&jiff::tz::TimeZone::UTC);
        for incident in &mut report.incidents {
            incident.change = None;
            incident.recovered_by = None;
        }
        for finding in &mut report.findings {
            finding.cells = Cells::default();
        }
        assert_eq!(lanes(&report, &report.incidents[0], &range), None);
    }
}
