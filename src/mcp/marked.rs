//! What a user settled is not told again, until it changes.
//!
//! In: a report and the marks in force. Out: the report without the incidents that are settled, and how many those are. Pure. Always
//! true: a settled incident comes back when it happens at twice its hourly rate or twice as often in a day, and a handled one on any later
//! day; that one which began late in the day of the mark goes on all the next is no change.

use std::collections::BTreeSet;

use crate::{
    model::{
        CELLS_PER_DAY,
        report::{Finding, Incident, Report, Verdict as DayVerdict},
    },
    store::{Mark, Verdict},
};

/// "Normal" was said of so many; twice of it is another thing.
const CHANGED: f64 = 2.0;
/// Rates an hour below this are too small to be told apart.
const SELDOM: f64 = 2.0;
/// Counts a day below this are too small to be told apart.
const FEW: f64 = 4.0;
/// Cells of an hour.
const HOUR: u16 = CELLS_PER_DAY / 24;

/// The report as it is told, and how many incidents were left out.
#[must_use]
pub fn without_settled(mut report: Report, marks: &[Mark]) -> (Report, usize) {
    let before = report.incidents.len();
    let keep: Vec<bool> = report
        .incidents
        .iter()
        .map(|i| settling(i, &report, marks).is_none())
        .collect();
    let mut keep = keep.into_iter();
    report.incidents.retain(|_| keep.next().unwrap_or(true));
    if report.incidents.is_empty() && report.verdict == DayVerdict::Incidents {
        report.verdict = DayVerdict::Healthy;
    }
    let hidden = before - report.incidents.len();
    (report, hidden)
}

/// The mark that settles an incident of a report, if one does.
#[must_use]
pub fn settling<'m>(incident: &Incident, report: &Report, marks: &'m [Mark]) -> Option<&'m Mark> {
    let of_it = |m: &&Mark| m.what.identity == incident.identity;
    marks
        .iter()
        .filter(of_it)
        .find(|m| holds(m, incident, report))
}

fn holds(mark: &Mark, incident: &Incident, report: &Report) -> bool {
    match mark.what.verdict {
        Verdict::Handled => report.date <= mark.what.day,
        Verdict::Normal | Verdict::Wrong => {
            let as_often = rate(incident, report) < CHANGED * mark.what.rate.max(SELDOM);
            // A burst of three minutes has the rate of an hour that holds as many, and so has a whole day of such hours.
            let as_many = |a_day: f64| count(incident, report) < CHANGED * a_day.max(FEW);
            as_often && mark.what.a_day.is_none_or(as_many)
        }
    }
}

/// Occurrences an hour while it shows: a problem that began in the evening and goes on all the next day has not become more. A stretch
/// without an hour's pause counts as it lasted, and as one hour at least.
#[must_use]
pub(super) fn rate(incident: &Incident, report: &Report) -> f64 {
    let stretches = stretches(incident, report);
    let lasted = |(first, last): &(u16, u16)| HOUR.max(last - first + 1);
    let shown: u16 = stretches.iter().map(lasted).sum();
    count(incident, report) * f64::from(HOUR) / f64::from(shown.max(HOUR))
}

/// Occurrences in a day like this one. What began in its course and went on to its end without an hour's pause, for an hour at least,
/// would have been there more often in a whole day.
#[must_use]
pub(super) fn a_day(incident: &Incident, report: &Report) -> f64 {
    let counted = count(incident, report);
    match stretches(incident, report)[..] {
        [(first, last)] if last - first >= HOUR && last + HOUR >= CELLS_PER_DAY => {
            let rest = CELLS_PER_DAY.saturating_sub(first).max(1);
            counted * f64::from(CELLS_PER_DAY) / f64::from(rest)
        }
        _ => counted,
    }
}

fn count(incident: &Incident, report: &Report) -> f64 {
    findings(incident, report).map(|f| f.count as f64).sum()
}

/// First and last cell of each stretch without an hour's pause.
fn stretches(incident: &Incident, report: &Report) -> Vec<(u16, u16)> {
    let cells: BTreeSet<u16> = findings(incident, report)
        .flat_map(|f| f.cells.iter().map(|cell| cell.0))
        .collect();
    let mut stretches: Vec<(u16, u16)> = Vec::new();
    for cell in cells {
        match stretches.last_mut() {
            Some((_, last)) if cell - *last <= HOUR => *last = cell,
            _ => stretches.push((cell, cell)),
        }
    }
    stretches
}

fn findings<'r>(incident: &'r Incident, report: &'r Report) -> impl Iterator<Item = &'r Finding> {
    let of = |f: &&Finding| incident.findings.contains(&f.id);
    report.findings.iter().filter(of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{sample, shapes::Cells},
        store::NewMark,
    };

    fn mark(report: &Report, verdict: Verdict, rate: f64) -> Mark {
        let incident = &report.incidents[0];
        let what = NewMark {
            identity: incident.identity.clone(),
            verdict,
            note: String::new(),
            at_ms: 0,
            day: report.date,
            incident: incident.id.clone(),
            title: incident.title.clone(),
            rate,
            a_day: None,
        };
        Mark {
            id: 1,
            what,
            undone_ms: None,
        }
    }

    #[test]
    fn a_rate_is_that_of_the_hours_in_which_it_shows() {
        let mut report = sample::report();
        let mut incident = report.incidents[0].clone();
        incident.findings.truncate(1);
        let mut rate_of = |cells: &[(u16, u32)]| {
            let finding = report
                .findings
                .iter_mut()
                .find(|f| f.id == incident.findings[0]);
            let finding = finding.expect("finding");
            finding.cells = Cells::default();
            for (cell, n) in cells {
                finding.cells.add(*cell, *n);
            }
            finding.count = finding.cells.total();
            rate(&incident, &report)
        };
        let steady =
            |cells: std::ops::Range<u16>| -> Vec<(u16, u32)> { cells.map(|c| (c, 2)).collect() };
        let evening = rate_of(&steady(240..288));
        assert!((evening - 24.0).abs() < 1e-9, "{evening}");
        assert!((rate_of(&steady(0..288)) - evening).abs() < 1e-9);
        // A burst is as large wherever the hour begins, and a second one elsewhere makes it no larger.
        let burst = rate_of(&[(11, 20), (12, 20)]);
        assert!((burst - 40.0).abs() < 1e-9, "{burst}");
        assert!((rate_of(&[(11, 20), (12, 20), (100, 40)]) - burst).abs() < 1e-9);
    }

    #[test]
    fn a_day_of_what_began_late_and_went_on_is_a_whole_one_and_of_a_burst_what_was_counted() {
        let mut report = sample::report();
        let mut incident = report.incidents[0].clone();
        incident.findings.truncate(1);
        let mut day_of = |cells: std::ops::Range<u16>| {
            let of_it = |f: &&mut Finding| f.id == incident.findings[0];
            let finding = report.findings.iter_mut().find(of_it);
            let finding = finding.expect("finding");
            finding.cells = Cells::default();
            for cell in cells {
                finding.cells.add(cell, 2);
            }
            finding.count = finding.cells.total();
            a_day(&incident, &report)
        };
        for (cells, whole) in [
            (240..288, 576.0),
            (0..288, 576.0),
            (36..84, 96.0),
            (287..288, 2.0),
        ] {
            let counted = day_of(cells.clone());
            assert!((counted - whole).abs() < 1e-9, "{cells:?}: {counted}");
        }
    }

    #[test]
    fn a_settled_incident_comes_back_when_it_comes_more_often_in_a_day() {
        let report = sample::report();
        let (now, counted) = (
            rate(&report.incidents[0], &report),
            count(&report.incidents[0], &report),
        );
        assert!(counted > 2.0 * FEW, "{counted}");
        for (before, told) in [
            (None, false),
            (Some(counted), false),
            (Some(counted / 2.0), true),
        ] {
            let mut mark = mark(&report, Verdict::Normal, now);
            mark.what.a_day = before;
            let hidden = without_settled(report.clone(), &[mark]).1;
            assert_eq!(hidden == 0, told, "{before:?}");
        }
    }

    #[test]
    fn a_settled_incident_comes_back_when_it_changes() {
        let report = sample::report();
        let all = report.incidents.len();
        let now = rate(&report.incidents[0], &report);
        assert!(now > 2.0 * SELDOM, "{now}");
        for (verdict, rate, told) in [
            (Verdict::Normal, now, all - 1),
            (Verdict::Normal, now / 2.0, all),
            (Verdict::Wrong, now, all - 1),
            (Verdict::Handled, now, all - 1),
        ] {
            let (left, hidden) = without_settled(report.clone(), &[mark(&report, verdict, rate)]);
            assert_eq!(
                (left.incidents.len(), hidden),
                (told, all - told),
                "{verdict:?} {rate}"
            );
        }
        let mut next_day = report.clone();
        next_day.date = report.date.plus(1);
        assert_eq!(
            without_settled(next_day, &[mark(&report, Verdict::Handled, now)]).1,
            0
        );
    }
}
