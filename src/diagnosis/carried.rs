//! What the day before left unmended: an incident that still stands at midnight goes on as the same incident.
//!
//! In: the report of the day before, the symptoms of this one. Out: which of them continue one of its incidents. Always true: only
//! what goes on from the first hours of the day is taken over, and only at a rate that a habit of the earlier days does not explain.
//! A cause that lies a day back shows in no record of today, so it is taken from that report and never looked for again.

use std::collections::HashSet;

use super::{
    Input,
    faults::Catalogue,
    symptoms::{Symptom, What},
};
use crate::model::report::{Finding, Incident, KeyValue, Report, Status};

/// A trouble that goes on shows itself in the first hours, also where traffic is thin at night.
const SHOWS_WITHIN_MS: i64 = 3 * 3_600_000;
/// Less than this share of the day before is a remnant.
const REMNANT: f64 = 0.2;
/// What was not so many times the habit of earlier days was that habit.
const HABITS: f64 = 2.0;

/// An incident of the day before with the symptoms of today that continue it.
#[derive(Debug, Clone)]
pub(super) struct Carried<'a> {
    pub(super) incident: &'a Incident,
    pub(super) symptoms: Vec<usize>,
}

/// The incidents that go on. Their symptoms are no habit, on however many days they have been seen.
pub(super) fn go_on<'a>(input: &Input<'a>, symptoms: &mut [Symptom]) -> Vec<Carried<'a>> {
    let Some(before) = input.before else {
        return Vec::new();
    };
    let mut taken = HashSet::new();
    let mut out = Vec::new();
    let stands = |i: &&Incident| i.status != Status::Recovered && has_begun(before, i, input);
    for incident in before.incidents.iter().filter(stands) {
        let findings: Vec<&Finding> = findings_of(before, incident).collect();
        let goes_on: Vec<usize> = (0..symptoms.len())
            .filter(|i| !taken.contains(i))
            .filter(|i| {
                let continues = |f: &&Finding| is_same(input.catalogue, incident, f, &symptoms[*i]);
                findings.iter().any(continues)
            })
            .collect();
        let first = goes_on.iter().map(|i| symptoms[*i].from_ms).min();
        if first.is_none_or(|ms| ms > input.range.start_ms + SHOWS_WITHIN_MS) {
            continue;
        }
        taken.extend(goes_on.iter().copied());
        for i in &goes_on {
            symptoms[*i].chronic = false;
            symptoms[*i].baseline = 0.0;
        }
        out.push(Carried {
            incident,
            symptoms: goes_on,
        });
    }
    out
}

/// Whether an incident was seen to begin, on its day or before it: what its day shows from its first hours on may be a habit.
fn has_begun(report: &Report, incident: &Incident, input: &Input<'_>) -> bool {
    let day_ms = report.date.range(&input.range.zone).start_ms;
    let first_hours = day_ms..day_ms + SHOWS_WITHIN_MS;
    !first_hours.contains(&incident.start.ms)
}

fn findings_of<'a>(
    report: &'a Report,
    incident: &'a Incident,
) -> impl Iterator<Item = &'a Finding> {
    let own = |f: &&Finding| incident.findings.contains(&f.id);
    report.findings.iter().filter(own)
}

/// Whether a symptom says of the same object what the finding said the day before, about as often.
fn is_same(
    catalogue: &Catalogue,
    incident: &Incident,
    finding: &Finding,
    symptom: &Symptom,
) -> bool {
    if symptom.kind != finding.kind || symptom.object != finding.object || symptom.minor {
        return false;
    }
    let names_root = symptom
        .faults
        .iter()
        .any(|s| catalogue.faults()[s.fault].coarse() == incident.root.cause);
    let of_root = finding.cause == incident.root.cause;
    let same = names_root && of_root || says_the_same(catalogue, finding, symptom, of_root);
    let count = symptom.count as f64;
    same && count >= REMNANT * finding.count as f64 && count > HABITS * finding.baseline
}

/// The same fault; and where calls fail, the same error of the same address, as far as the lines tell. What the root brought about bears
/// its cause in the report, so that of a failing call only the address is left to compare.
fn says_the_same(
    catalogue: &Catalogue,
    finding: &Finding,
    symptom: &Symptom,
    of_root: bool,
) -> bool {
    let is_call = matches!(symptom.what, What::Call { .. });
    let fault = symptom.faults.first().map(|s| &catalogue.faults()[s.fault]);
    let cause = fault.map_or("unknown", |f| f.coarse());
    let detail = fault.filter(|f| f.coarse() != f.code);
    let detail = detail.map(|f| f.code.as_str());
    let same_fault = cause == finding.cause && detail == finding.detail.as_deref();
    let alike = || alike(&finding.key_fields, &symptom.key_fields);
    match (is_call, fault) {
        (true, _) => (same_fault || of_root) && alike(),
        (false, Some(_)) => same_fault,
        // The words of many troubles.
        (false, None) => false,
    }
}

/// Whether none of the fields that both lines have and that tell errors apart differs.
fn alike(a: &[KeyValue], b: &[KeyValue]) -> bool {
    let of = |fields: &[KeyValue], name: &str| -> Vec<String> {
        let named = fields.iter().filter(|k| k.name == name);
        named.map(|k| host(&k.value).to_owned()).collect()
    };
    ["exception", "error_code", "endpoint"].iter().all(|name| {
        let (a, b) = (of(a, name), of(b, name));
        a.is_empty() || b.is_empty() || a.iter().any(|value| b.contains(value))
    })
}

/// Of an address its host and port: paths differ from call to call.
fn host(value: &str) -> &str {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_errors_are_alike_unless_what_both_tell_differs() {
        let fields = |pairs: &[(&str, &str)]| -> Vec<KeyValue> {
            let field = |(name, value): &(&str, &str)| KeyValue {
                name: (*name).to_owned(),
                value: (*value).to_owned(),
                new: false,
                evidence: None,
            };
            pairs.iter().map(field).collect()
        };
        let bank = fields(&[
            ("endpoint", "https://api.bank.com/v1/pay"),
            ("pod", "pay-1"),
        ]);
        let again = fields(&[
            ("endpoint", "https://api.bank.com/v1/query?id=7"),
            ("pod", "pay-2"),
        ]);
        let vendor = fields(&[("endpoint", "https://sms.vendor.cn/v1/pay")]);
        assert!(alike(&bank, &again) && alike(&bank, &fields(&[("exception", "E")])));
        assert!(!alike(&bank, &vendor));
    }
}
