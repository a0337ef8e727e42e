//! Symptoms from the containers' own lines.
//!
//! A template that deviates is read by its sample: does it name a fault, does it tell of a failed call and to whom, or is it an
//! error that nobody knows. Templates of one workload that say the same become one symptom per stretch of time.

use std::collections::BTreeMap;

use super::{Suspect, Symptom, View, What, callee, is_usual, key};
use crate::{
    diagnosis::faults::{CallMode, Side, Sign, Where},
    mining::baseline::{Subject, What as Deviates},
    model::{
        CELL_MS, EvidenceId, Level, LogKind, ObjectRef,
        report::KeyValue,
        shapes::{Cells, FieldRole, TemplateDay},
    },
};

/// Lines of the same trouble further apart than two hours are two stretches. Errors follow the traffic, which is thin at night.
const APART_CELLS: u16 = 24;
/// Fewer lines than this are an anecdote.
const FEW: u64 = 3;

/// What a group of templates says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    /// With whom it blames.
    Fault(usize, Option<ObjectRef>),
    Call(CallMode, Vec<ObjectRef>, bool, Option<String>),
    Error,
    /// With the fault that it may support, so that lines of other things do not stand under its name.
    Warning(Option<usize>),
}

struct Line<'a> {
    template: &'a TemplateDay,
    suspects: Vec<Suspect>,
    expected: f64,
    chronic: bool,
}

pub(super) fn symptoms(view: &View<'_>) -> Vec<Symptom> {
    let mut groups: BTreeMap<(ObjectRef, Says), Vec<Line<'_>>> = BTreeMap::new();
    for (index, template) in view.shapes.templates.iter().enumerate() {
        if template.level < Level::Warn {
            continue;
        }
        let deviation = view.deviation(&Subject::Template(index));
        let chronic = is_usual(deviation);
        let Some(object) = view.objects.workload_of_service(&template.service) else {
            continue;
        };
        let expected = match deviation {
            Some(d) if d.what != Deviates::New => d.expected,
            _ => 0.0,
        };
        let (says, suspects) = read(view, &object, template);
        groups.entry((object, says)).or_default().push(Line {
            template,
            suspects,
            expected,
            chronic,
        });
    }
    let mut out = Vec::new();
    for ((object, says), lines) in groups {
        let (usual, unusual): (Vec<_>, Vec<_>) = lines.into_iter().partition(|l| l.chronic);
        for (part, chronic) in [(usual, true), (unusual, false)] {
            out.extend(split(view, &object, &says, &part, chronic));
        }
    }
    out
}

/// What a template says, by its samples.
fn read(view: &View<'_>, caller: &ObjectRef, template: &TemplateDay) -> (Says, Vec<Suspect>) {
    let text = template
        .samples
        .first()
        .map_or(template.text.as_str(), |s| s.text.as_str());
    let found = view.catalogue.of_text(text);
    let suspects: Vec<Suspect> = found
        .iter()
        .map(|(fault, side)| Suspect {
            fault: *fault,
            sign: match side {
                Side::Own => view.catalogue.faults()[*fault].sign,
                Side::Server => Sign::Effect,
            },
            weight: 1,
            place: Where::Workload,
        })
        .collect();
    let best = suspects.iter().max_by_key(|s| s.sign);
    if let Some(best) = best.filter(|s| {
        s.sign == Sign::Definitive || s.sign == Sign::Effect && found[0].1 == Side::Server
    }) {
        let blamed = Some(best.fault).filter(|f| view.catalogue.faults()[*f].of_callee);
        let blamed = blamed.and_then(|_| callee::of(view, caller, text));
        return (Says::Fault(best.fault, blamed), suspects);
    }
    if let Some(mode) = view.catalogue.mode_of(text) {
        let (to, sure) = callee::named(view, caller, text);
        let outside = if to.is_empty() || !sure {
            outside(text)
        } else {
            None
        };
        if outside.is_some() || !to.is_empty() || template.level >= Level::Error {
            let to = if outside.is_some() { Vec::new() } else { to };
            return (Says::Call(mode, to, sure, outside), suspects);
        }
    }
    match best {
        Some(best) if best.sign == Sign::Hint => (Says::Fault(best.fault, None), suspects),
        None if template.level >= Level::Error => (Says::Error, suspects),
        // A consequence that names itself supports whatever it follows from, as a warning does.
        _ => (Says::Warning(best.map(|b| b.fault)), suspects),
    }
}

/// A host outside the cluster that the text names, as it stands in a URL, behind `host=` or behind `lookup`.
fn outside(text: &str) -> Option<String> {
    const BEFORE: [&str; 9] = [
        "://",
        "host='",
        "host=\"",
        "host=",
        "lookup ",
        "resolve '",
        "UnknownHostException: ",
        "ENOTFOUND ",
        "EAI_AGAIN ",
    ];
    for before in BEFORE {
        for (at, _) in text.match_indices(before) {
            let rest = &text[at + before.len()..];
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-')))
                .unwrap_or(rest.len());
            let host = &rest[..end];
            let letters = host
                .rsplit('.')
                .next()
                .is_some_and(|top| top.len() >= 2 && top.chars().all(|c| c.is_ascii_alphabetic()));
            let cluster = host.rsplit('.').next() == Some("local") || host.contains(".svc");
            if host.contains('.') && letters && !cluster && host.len() > 4 {
                return Some(host.to_lowercase());
            }
        }
    }
    None
}

fn split(
    view: &View<'_>,
    object: &ObjectRef,
    says: &Says,
    lines: &[Line<'_>],
    chronic: bool,
) -> Vec<Symptom> {
    if lines.is_empty() {
        return Vec::new();
    }
    let mut all = Cells::default();
    for line in lines {
        all.merge(&line.template.cells);
    }
    let mut stretches: Vec<Cells> = Vec::new();
    let mut last = None;
    for (cell, n) in all.iter() {
        if last.is_none_or(|l: u16| cell > l + APART_CELLS) {
            stretches.push(Cells::default());
        }
        last = Some(cell);
        if let Some(open) = stretches.last_mut() {
            open.add(cell, n);
        }
    }
    stretches
        .into_iter()
        .map(|cells| symptom(view, object, says, lines, cells, chronic))
        .collect()
}

fn symptom(
    view: &View<'_>,
    object: &ObjectRef,
    says: &Says,
    lines: &[Line<'_>],
    cells: Cells,
    chronic: bool,
) -> Symptom {
    let all: u64 = lines.iter().map(|l| l.template.count()).sum();
    let part = cells.total() as f64 / all.max(1) as f64;
    let first_cell = cells.iter().next().map_or(0, |c| c.0);
    let last_cell = cells.iter().last().map_or(0, |c| c.0);
    let cell_from = view.range.cell_start(first_cell);
    let cell_to = view.range.cell_start(last_cell) + CELL_MS;
    // The cells say it to five minutes; a template's own first and last line are exact.
    let inside = |ms: &i64| (cell_from..cell_to).contains(ms);
    let firsts = lines.iter().map(|l| l.template.first_ms).filter(inside);
    let lasts = lines.iter().map(|l| l.template.last_ms).filter(inside);
    let samples = || {
        lines
            .iter()
            .flat_map(|l| &l.template.samples)
            .filter(|s| inside(&s.ts_ms))
    };
    let kept = lines.iter().flat_map(|l| &l.template.samples);
    // An object that spans two stretches keeps a line of the first alone: then the nearest one stands for it.
    let nearest = kept.min_by_key(|s| (s.ts_ms - cell_from).abs());
    let evidence: Vec<EvidenceId> = match samples().next() {
        Some(_) => samples().map(|s| s.id).take(6).collect(),
        None => nearest.map(|s| s.id).into_iter().collect(),
    };
    let loudest = lines
        .iter()
        .max_by_key(|l| l.template.count())
        .unwrap_or(&lines[0]);
    let text = samples().next().or(nearest);
    let text = text.map_or_else(|| loudest.template.text.clone(), |s| s.text.clone());
    let count = cells.total();
    let mut faults: Vec<Suspect> = Vec::new();
    for suspect in lines.iter().flat_map(|l| &l.suspects) {
        if !faults.iter().any(|f| f.fault == suspect.fault) {
            faults.push(*suspect);
        }
    }
    faults.sort_by_key(|f| std::cmp::Reverse(f.sign));
    Symptom {
        kind: LogKind::Business,
        what: match says {
            Says::Fault(..) => What::Fault,
            Says::Call(mode, to, sure, outside) => What::Call {
                mode: *mode,
                to: to.clone(),
                sure: *sure,
                outside: outside.clone(),
            },
            Says::Error => What::Error,
            Says::Warning(_) => What::Warning,
        },
        object: object.clone(),
        blamed: match says {
            Says::Fault(_, blamed) => blamed.clone(),
            _ => None,
        },
        named: Vec::new(),
        faults,
        from_ms: firsts.min().map_or(cell_from, |first| {
            if first_cell == view.range.cell(first) {
                first
            } else {
                cell_from
            }
        }),
        to_ms: lasts.max().map_or(cell_to - 1, |last| {
            if last_cell == view.range.cell(last) {
                last
            } else {
                cell_to - 1
            }
        }),
        over_ms: None,
        count,
        cells,
        // Each stretch has its part of what the day was expected to bring.
        baseline: part * lines.iter().map(|l| l.expected).sum::<f64>(),
        chronic,
        presumed: chronic && view.business_days == 0,
        minor: count < FEW,
        objects: 1,
        evidence,
        key_fields: key_fields(loudest.template),
        text,
    }
}

/// The values that lead to the other kinds of log.
fn key_fields(template: &TemplateDay) -> Vec<KeyValue> {
    let sample = template.samples.first();
    let id = sample.map(|s| s.id);
    let mut out = vec![key("service", template.service.to_string(), id)];
    if let Some(sample) = sample.filter(|s| !s.pod.is_empty()) {
        out.push(key("pod", &sample.pod, id));
    }
    for field in &template.fields {
        let name = match field.role {
            FieldRole::ErrorCode => "error_code",
            FieldRole::HttpStatus => "http_status",
            FieldRole::Exception => "exception",
            FieldRole::Endpoint => "endpoint",
            FieldRole::TraceId => "trace_id",
            FieldRole::Node => "node",
            _ => continue,
        };
        // A value that is new today says more than the one that is there every day.
        let new = field.new.first();
        if let Some(value) = new.or_else(|| field.top.first().map(|(value, _)| value)) {
            out.push(KeyValue {
                new: new.is_some(),
                ..key(name, value, id)
            });
        }
    }
    out.truncate(8);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_the_world_outside_are_recognised() {
        let host = |text: &str| outside(text);
        assert_eq!(
            host("HTTPSConnectionPool(host='sms.vendor.example.cn', port=443)").as_deref(),
            Some("sms.vendor.example.cn")
        );
        assert_eq!(
            host("Post \"https://api.bank.com:443/v1\": dial").as_deref(),
            Some("api.bank.com")
        );
        assert_eq!(host("http://cart.shop.svc.cluster.local:80/"), None);
        assert_eq!(host("http://10.0.0.1:80/"), None);
    }
}
