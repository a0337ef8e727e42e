//! What a user settled is not told again, until it changes.
//!
//! In: a report and the marks in force. Out: the report without the incidents that are settled, and how many those are. Pure. Always
//! true: a settled incident comes back when it happens at twice its rate, and a handled one on any later day.

use crate::{
    model::report::{Incident, Report, Verdict as DayVerdict},
    store::{Mark, Verdict},
};

/// "Normal" was said of a rate; twice of it is another thing.
const CHANGED: f64 = 2.0;

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
            rate(incident, report) < CHANGED * mark.what.rate.max(1.0)
        }
    }
}

/// Occurrences on the report's day.
#[must_use]
pub fn rate(incident: &Incident, report: &Report) -> f64 {
    let of = |f: &&crate::model::report::Finding| incident.findings.contains(&f.id);
    report
        .findings
        .iter()
        .filter(of)
        .map(|f| f.count as f64)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::sample, store::NewMark};

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
    fn a_settled_incident_comes_back_when_it_changes() {
        let report = sample::report();
        let all = report.incidents.len();
        let now = rate(&report.incidents[0], &report);
        assert!(now > 2.0, "{now}");
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
