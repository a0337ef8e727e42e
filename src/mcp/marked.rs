//! What a user settled is not told again, until it changes.
//!
//! In: a report and the marks in force. Out: the report without the incidents that are settled, and how many those are. Pure. Always
//! true: a settled incident comes back when it happens at twice its rate, and a handled one on any later day; that it lasts longer than
//! on the day of the mark is no change.

use std::collections::BTreeSet;

use crate::{
    model::{
        CELL_MS,
        report::{Finding, Incident, Report, Verdict as DayVerdict},
    },
    store::{Mark, Verdict},
};

/// "Normal" was said of a rate; twice of it is another thing.
const CHANGED: f64 = 2.0;
/// Rates an hour below this are too small to be told apart.
const SELDOM: f64 = 2.0;

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
            rate(incident, report) < CHANGED * mark.what.rate.max(SELDOM)
        }
    }
}

/// Occurrences an hour while it shows: a problem that began in the evening and goes on all the next day has not become more. A stretch
/// without an hour's pause counts as it lasted, and as one hour at least.
#[must_use]
pub(super) fn rate(incident: &Incident, report: &Report) -> f64 {
    let hour = u16::try_from(3_600_000 / CELL_MS).unwrap_or(u16::MAX);
    let of = |f: &&Finding| incident.findings.contains(&f.id);
    let findings = || report.findings.iter().filter(of);
    let count: f64 = findings().map(|f| f.count as f64).sum();
    let cells: BTreeSet<u16> = findings()
        .flat_map(|f| f.cells.iter().map(|cell| cell.0))
        .collect();
    let (mut shown, mut stretch) = (0, None);
    for cell in cells {
        let (first, last) = stretch.unwrap_or((cell, cell));
        if cell - last > hour {
            shown += hour.max(last - first + 1);
            stretch = Some((cell, cell));
        } else {
            stretch = Some((first, cell));
        }
    }
    shown += stretch.map_or(hour, |(first, last)| hour.max(last - first + 1));
    count * f64::from(hour) / f64::from(shown)
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
