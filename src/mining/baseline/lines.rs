//! Business templates and the traffic of services against earlier days.

use std::collections::{BTreeMap, HashSet};

use super::{
    Days, Deviation, Expected, FALSE_DISCOVERIES, FEW, Subject, TIMES, What,
    bursts::{self, Earlier},
    lasting::{self, Past},
};
use crate::{
    mining::rate,
    model::{
        CELL_MS, CELLS_PER_DAY, DayRange, Level, Severity,
        shapes::{Cells, DayCounts, DayShapes, TemplateDay},
    },
};

/// A service with fewer harmless lines a day than this may well be silent for an hour.
const BUSY: f64 = 500.0;
/// Silence is told from this many expected lines on.
const MISSED: f64 = 20.0;
/// Longest silence that a service's rhythm may explain: an hour of cells.
const SILENT_CELLS: u16 = 12;

/// A template that came before, and how far today is from that.
struct Surprise {
    template: usize,
    p: f64,
    /// Occurrences on a mean earlier day.
    usual: f64,
    /// The same, for the traffic of today.
    mean: f64,
}

struct Traffic {
    cells: Cells,
    /// Today's harmless lines over those of a mean earlier day; 1 when unknown.
    growth: f64,
    /// The earlier days on which the service wrote at all.
    days: usize,
}

pub(super) fn compare(shapes: &DayShapes, known: &Days<'_>, range: &DayRange) -> Vec<Deviation> {
    let days = &known.alike[..];
    let traffic = traffic(shapes, days);
    let mut found = Vec::new();
    let mut surprises = Vec::new();
    for (i, template) in shapes.templates.iter().enumerate() {
        let service = template.service.to_string();
        let Some(traffic) = traffic.get(&service) else {
            continue;
        };
        let earlier: Vec<f64> = days
            .iter()
            .filter(|d| d.lines.contains_key(&service))
            .map(|d| {
                d.templates
                    .get(&(service.clone(), template.id))
                    .map_or(0.0, |n| *n as f64 / d.business_share.max(0.01))
            })
            .collect();
        let seen = earlier.iter().any(|n| *n > 0.0);
        let deviation = |what, expected, severity| Deviation {
            subject: Subject::Template(i),
            what,
            expected,
            observed: template.count(),
            from_ms: template.first_ms,
            to_ms: template.last_ms,
            severity,
        };
        if traffic.days == 0 {
            let first_days = days.is_empty();
            found.extend(
                without_history(template, i, traffic, range).map(|d| Deviation {
                    // What a service of the house brought that was not there before is held against nothing.
                    expected: if first_days { d.expected } else { 0.0 },
                    ..d
                }),
            );
        } else if !seen {
            found.push(deviation(
                What::New,
                0.0,
                severity(template, template.count()),
            ));
        } else {
            let expected = Expected::of(&earlier);
            let usual = expected.mean;
            let expected = expected.at_least(usual * traffic.growth);
            let p = rate::upper_tail(template.count(), expected.mean, expected.spread);
            surprises.push(Surprise {
                template: i,
                p,
                usual,
                mean: expected.mean,
            });
        }
    }
    let limit = rate::discovery_limit(
        &surprises.iter().map(|s| s.p).collect::<Vec<_>>(),
        FALSE_DISCOVERIES,
    );
    for surprise in surprises {
        let (i, p, mean) = (surprise.template, surprise.p, surprise.mean);
        let template = &shapes.templates[i];
        let times = template.count() as f64 / mean.max(0.5);
        if p <= limit && times >= TIMES && template.count() >= FEW {
            found.push(Deviation {
                subject: Subject::Template(i),
                what: What::Times(times),
                expected: surprise.usual,
                observed: template.count(),
                from_ms: template.first_ms,
                to_ms: template.last_ms,
                severity: severity(template, template.count()),
            });
        } else if template.level >= Level::Warn {
            let traffic = &traffic[&template.service.to_string()].cells;
            let earlier = when_earlier(template, days);
            let mut judged = burst_or_chronic(template, i, mean, traffic, &earlier, range);
            if judged.what == What::Chronic {
                judged.expected = surprise.usual;
                if lasts(template, &known.all) {
                    judged.what = What::Lasting;
                    judged.expected = 0.0;
                    judged.severity = severity(template, template.count());
                }
            }
            found.push(judged);
        }
    }
    found.extend(silences(&traffic, days, range));
    found
}

/// Whether a template began within the earlier days and has come ever since.
fn lasts(template: &TemplateDay, days: &[&DayCounts]) -> bool {
    let key = (template.service.to_string(), template.id);
    let past = days
        .iter()
        .filter(|d| d.lines.contains_key(&key.0))
        .map(|d| Past {
            count: d.templates.get(&key).map_or(0.0, |n| *n as f64),
            begun: d.begun.templates.contains(&key),
        });
    lasting::is(past, &template.cells)
}

/// Traffic of each service that writes today or wrote earlier.
fn traffic(shapes: &DayShapes, days: &[&DayCounts]) -> BTreeMap<String, Traffic> {
    let mut services: BTreeMap<String, Traffic> = BTreeMap::new();
    let names: HashSet<&String> = days.iter().flat_map(|d| d.lines.keys()).collect();
    for name in names {
        services.insert(
            name.clone(),
            Traffic {
                cells: Cells::default(),
                growth: 1.0,
                days: 0,
            },
        );
    }
    for template in &shapes.templates {
        let service = services
            .entry(template.service.to_string())
            .or_insert_with(|| Traffic {
                cells: Cells::default(),
                growth: 1.0,
                days: 0,
            });
        if template.level < Level::Warn {
            service.cells.merge(&template.cells);
        }
    }
    for (name, service) in &mut services {
        let earlier: Vec<f64> = days
            .iter()
            .filter_map(|d| {
                d.lines
                    .get(name)
                    .map(|n| *n as f64 / d.business_share.max(0.01))
            })
            .collect();
        service.days = earlier.len();
        let mean = earlier.iter().sum::<f64>() / earlier.len().max(1) as f64;
        if mean > 0.0 && !service.cells.is_empty() {
            service.growth = service.cells.total() as f64 / mean;
        }
    }
    services
}

/// A failing template of a service without a past: packed together it is a burst, begun in the day it is new, else it may be there
/// every day.
fn without_history(
    template: &TemplateDay,
    i: usize,
    traffic: &Traffic,
    range: &DayRange,
) -> Option<Deviation> {
    if template.level < Level::Warn {
        return None;
    }
    let usual = template.count() as f64;
    let earlier = Earlier::default();
    let found = burst_or_chronic(template, i, usual, &traffic.cells, &earlier, range);
    if found.what == What::Chronic && bursts::begins_or_ends(&template.cells, &traffic.cells) {
        return Some(Deviation {
            what: What::New,
            expected: 0.0,
            severity: severity(template, template.count()),
            ..found
        });
    }
    Some(found)
}

/// When a template came on the earlier days of its service, as far as they tell.
fn when_earlier(template: &TemplateDay, days: &[&DayCounts]) -> Earlier {
    let key = (template.service.to_string(), template.id);
    let mut earlier = Earlier::default();
    for day in days.iter().filter(|d| d.lines.contains_key(&key.0)) {
        match day.failing.get(&key) {
            Some(cells) => earlier.add(cells, day.business_share),
            None if day.templates.contains_key(&key) => {}
            None => earlier.add(&Cells::default(), 1.0),
        }
    }
    earlier
}

fn burst_or_chronic(
    template: &TemplateDay,
    i: usize,
    mean: f64,
    traffic: &Cells,
    earlier: &Earlier,
    range: &DayRange,
) -> Deviation {
    match bursts::find(&template.cells, mean, traffic, earlier) {
        Some(burst) => Deviation {
            subject: Subject::Template(i),
            what: What::Burst,
            expected: burst.expected,
            observed: burst.observed,
            from_ms: range.cell_start(burst.from).max(template.first_ms),
            to_ms: (range.cell_start(burst.to) + CELL_MS).min(template.last_ms),
            severity: severity(template, burst.observed),
        },
        None => Deviation {
            subject: Subject::Template(i),
            what: What::Chronic,
            expected: mean,
            observed: template.count(),
            from_ms: template.first_ms,
            to_ms: template.last_ms,
            severity: Severity::Info,
        },
    }
}

/// How much a deviation of this template matters, by its level and by how often it happened.
fn severity(template: &TemplateDay, observed: u64) -> Severity {
    match template.level {
        Level::Fatal => Severity::Error,
        Level::Error if observed >= 5 * FEW => Severity::Error,
        Level::Error if observed >= FEW => Severity::Warning,
        Level::Warn if observed >= 2 * FEW => Severity::Warning,
        _ => Severity::Info,
    }
}

/// Services that fell silent: their last harmless line lies further back than their rhythm explains.
fn silences(
    traffic: &BTreeMap<String, Traffic>,
    days: &[&DayCounts],
    range: &DayRange,
) -> Vec<Deviation> {
    let mut found = Vec::new();
    let mut all = Cells::default();
    for service in traffic.values() {
        all.merge(&service.cells);
    }
    let Some(end) = all.iter().map(|c| c.0).last() else {
        return found;
    };
    for (name, service) in traffic {
        let earlier: Vec<f64> = days
            .iter()
            .filter_map(|d| {
                d.lines
                    .get(name)
                    .map(|n| *n as f64 / d.business_share.max(0.01))
            })
            .collect();
        let usual = Expected::of(&earlier)
            .mean
            .max(service.cells.total() as f64);
        let last = service.cells.iter().map(|c| c.0).last();
        let from = last.map_or(0, |c| c + 1);
        if usual < BUSY || end.saturating_sub(from) < SILENT_CELLS {
            continue;
        }
        // The rhythm of the whole cluster says how many lines the silent hours should have had.
        let before = all.between(0, from.saturating_sub(1)).max(1) as f64;
        let after = all.between(from, CELLS_PER_DAY) as f64;
        let expected = match last {
            Some(_) => service.cells.total() as f64 * after / before,
            None => usual,
        };
        if expected >= MISSED {
            found.push(Deviation {
                subject: Subject::Service(name.clone()),
                what: What::Gone,
                expected,
                observed: 0,
                from_ms: range.cell_start(from),
                to_ms: range.cell_start(end) + CELL_MS,
                severity: Severity::Warning,
            });
        }
    }
    found
}
