//! Whether the problems of a day are still so the morning after.
//!
//! In: the report of a day as it was at midnight, and what the events of the day that has begun show, those of the bucket and those
//! that CLS has of the minutes that are not shipped yet. Out: the same report with the
//! `status` and `checked_at` of now. Always true: it rests on events alone, a few percent of the bytes; a problem that events
//! do not show keeps what was known of it at midnight; the same events give the same report, however often they were looked at.
//! Does not decide when to look.

use std::collections::HashSet;

use super::{Error, judge, live::Scope, run::Round, tasks::Work};
use crate::{
    agents::outline::outline,
    diagnosis::{Diagnosis, faults::Catalogue},
    model::{
        Day, LogKind, Moment,
        report::{Finding, Incident, Report, Stage, Status},
    },
};

/// Silence this long means over, as at midnight: the pauses between retries grow to ten or fifteen minutes.
const SILENT_MS: i64 = 25 * 60_000;

impl Round {
    /// Reads the new event objects of `today`, and keeps what they say of yesterday's problems as a revision of yesterday's report.
    pub(super) async fn look_again(&self, today: Day, work: &Work) -> Result<(), Error> {
        let range = today.range(&self.judge.zone);
        let windows = std::slice::from_ref(&range);
        self.pull(today, LogKind::Event, windows, i64::MAX, work)
            .await?;
        let day = today.plus(-1);
        let newest = self.store.newest_revision(day).await?;
        let Some(report) = self.store.judged(day).await?.filter(Report::tells_the_day) else {
            return Ok(());
        };
        let fresh = self
            .fresh(
                today,
                LogKind::Event,
                range.start_ms,
                i64::MAX,
                Scope::Whole,
            )
            .await;
        let unshipped = fresh.map(|fresh| (LogKind::Event, fresh.digest));
        let unshipped: Vec<_> = unshipped.into_iter().collect();
        let evidence = self
            .judge
            .evidence(&self.store, today, self.baseline_days, &unshipped)
            .await?;
        let judge = self.judge.clone();
        let checked = judge::blocking(move || {
            let until_ms = evidence.shapes.events.iter().map(|e| e.last_ms).max()?;
            let now = judge.diagnose(&evidence, today);
            let until = Moment::new(until_ms, &judge.zone);
            Some((checked(&report, &now, until, &judge.catalogue), report))
        })
        .await?;
        // Not one event of the day: nothing can be said.
        let Some((checked, midnight)) = checked else {
            return Ok(());
        };
        let checked = Report {
            revision: newest,
            ..checked
        };
        let texts = self
            .judge
            .told_anew(&self.store, &midnight, checked)
            .await?;
        let Some(revision) = self.store.put_checked(texts.report.clone()).await? else {
            return Ok(());
        };
        let report = Report {
            revision,
            ..texts.report
        };
        self.write_files(&report, &texts.summary, &texts.analysis)?;
        let open = report
            .incidents
            .iter()
            .filter(|i| i.status != Status::Recovered);
        tracing::info!(owner = %self.store.owner(), %day, revision, open = open.count(), "looked whether problems are still so");
        Ok(())
    }
}

/// The report with the status that the events of the next day show until `until`.
fn checked(report: &Report, now: &Diagnosis, until: Moment, catalogue: &Catalogue) -> Report {
    let incidents = report.incidents.iter().map(|incident| {
        let stands = shown(report, incident, now, until, catalogue);
        let Some((status, end)) = stands else {
            return incident.clone();
        };
        let ended_before = incident.status == Status::Recovered && status == Status::Recovered;
        Incident {
            status,
            end,
            checked_at: Some(until),
            // Whoever ended it in the day did not end what came back, nor what ended later.
            recovered_by: incident.recovered_by.clone().filter(|_| ended_before),
            ..incident.clone()
        }
    });
    Report {
        stage: Stage::Checked,
        incidents: incidents.collect(),
        ..report.clone()
    }
}

/// How an incident stands by the events of the next day; `None` when they cannot tell.
fn shown(
    report: &Report,
    incident: &Incident,
    now: &Diagnosis,
    until: Moment,
    catalogue: &Catalogue,
) -> Option<(Status, Option<Moment>)> {
    let was_over = incident.status == Status::Recovered;
    if let Some(same) = now
        .incidents
        .iter()
        .find(|i| i.identity == incident.identity)
    {
        return Some(match (same.status, was_over) {
            (Status::Recovered, _) => (Status::Recovered, same.end),
            (_, true) => (Status::Recurred, None),
            (status, false) => (status, None),
        });
    }
    let own: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|f| f.kind == LogKind::Event && incident.findings.contains(&f.id))
        .collect();
    let last_then = own.iter().map(|f| f.last_seen).max_by_key(|m| m.ms)?;
    let is_own = |f: &&Finding| {
        let mut own = own.iter();
        f.kind == LogKind::Event && own.any(|o| o.cause == f.cause && o.object == f.object)
    };
    let again = now.findings.iter().filter(is_own);
    let last_now = again.map(|f| f.last_seen).max_by_key(|m| m.ms);
    let last = last_now.unwrap_or(last_then);
    let is_silent = until.ms - last.ms > SILENT_MS;
    let code = incident
        .root
        .detail
        .as_ref()
        .unwrap_or(&incident.root.cause);
    // A state is told when it begins and when it ends; silence in between is not its end.
    let holds = catalogue.get(code).is_some_and(|f| !f.ends.is_empty());
    Some(match (was_over, last_now, is_silent) {
        (true, Some(_), false) => (Status::Recurred, None),
        (true, ..) => (Status::Recovered, incident.end),
        (false, _, true) if !holds => (Status::Recovered, Some(last)),
        (false, ..) => (incident.status, None),
    })
}

impl judge::Judge {
    /// The texts of a report whose incidents stand otherwise than in `before`: no model is asked, and what it said before stays.
    async fn told_anew(
        &self,
        store: &crate::store::Store,
        before: &Report,
        mut report: Report,
    ) -> Result<judge::Texts, Error> {
        let records = judge::records(store, before).await?;
        let ours = outline(before, &records, &[], self.lang).claims();
        let ours: HashSet<&str> = ours.iter().map(|c| c.text.as_str()).collect();
        // Ours are made anew, as things stand now.
        report.claims.retain(|c| !ours.contains(c.text.as_str()));
        self.again(store, report).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{report::Verdict, sample};

    /// The first incident of the sample with one event finding, last seen at `last`; it stood so at midnight.
    fn midnight(status: Status, last: &str) -> Report {
        let mut report = sample::report();
        report.incidents.truncate(1);
        let incident = &mut report.incidents[0];
        incident.status = status;
        incident.end = (status == Status::Recovered).then(|| sample::moment(last));
        let event = report
            .findings
            .iter_mut()
            .find(|f| f.kind == LogKind::Event && incident.findings.contains(&f.id));
        event.expect("an event finding").last_seen = sample::moment(last);
        report
    }

    /// The events of the morning: the incident's own finding, last seen at `last`, or nothing of it.
    fn morning(report: &Report, last: Option<&str>) -> Diagnosis {
        let own =
            |f: &&Finding| f.kind == LogKind::Event && report.incidents[0].findings.contains(&f.id);
        let findings = report.findings.iter().find(own).cloned();
        let findings = findings.zip(last).map(|(f, last)| Finding {
            last_seen: sample::moment(last),
            ..f
        });
        Diagnosis {
            verdict: Verdict::Incidents,
            findings: findings.into_iter().collect(),
            incidents: Vec::new(),
            chronic: Vec::new(),
        }
    }

    fn check(status: Status, seen: [&str; 2], expected: Status, end: Option<&str>) {
        let [then, now] = seen;
        let report = midnight(status, then);
        let now = morning(&report, (!now.is_empty()).then_some(now));
        let until = sample::moment("2026-11-22T09:50:00");
        let catalogue = Catalogue::builtin().expect("catalogue");
        let report = checked(&report, &now, until, &catalogue);
        let incident = &report.incidents[0];
        assert_eq!(
            (incident.status, incident.end, incident.checked_at),
            (expected, end.map(sample::moment), Some(until)),
            "{seen:?}"
        );
        assert_eq!(report.stage, Stage::Checked);
    }

    #[test]
    fn what_events_still_show_is_still_so_and_silence_is_the_end() {
        let (before, at_nine) = ("2026-11-21T23:58:00", "2026-11-22T09:40:00");
        let at_eight = "2026-11-22T08:05:00";
        check(Status::Ongoing, [before, at_nine], Status::Ongoing, None);
        check(
            Status::Ongoing,
            [before, at_eight],
            Status::Recovered,
            Some(at_eight),
        );
        check(
            Status::Ongoing,
            [before, ""],
            Status::Recovered,
            Some(before),
        );
    }

    #[test]
    fn what_was_over_stays_over_until_it_is_seen_again() {
        let (over, at_nine) = ("2026-11-21T15:10:00", "2026-11-22T09:40:00");
        check(Status::Recovered, [over, ""], Status::Recovered, Some(over));
        check(Status::Recovered, [over, at_nine], Status::Recurred, None);
    }

    #[test]
    fn what_events_never_showed_stays_as_it_was_at_midnight() {
        let mut report = midnight(Status::Ongoing, "2026-11-21T23:58:00");
        report.findings.retain(|f| f.kind != LogKind::Event);
        let catalogue = Catalogue::builtin().expect("catalogue");
        let until = sample::moment("2026-11-22T09:50:00");
        let nothing = morning(&report, None);
        let after = checked(&report, &nothing, until, &catalogue);
        assert_eq!(after.incidents, report.incidents);
    }
}
