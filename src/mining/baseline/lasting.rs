//! Tells a fault that has lasted for days from what happens on every day.
//!
//! In: how often something was seen on each earlier day, and whether it began within that day. Out: whether it began within the days
//! that are known and has gone on since. Always true: what the oldest day shows from its very beginning is a habit; so is what
//! begins anew on every day, and what some later day did not show. Does not say how bad it is.

use std::collections::{BTreeMap, BTreeSet};

use super::{event_key, refusal_key};
use crate::model::{
    CELLS_PER_DAY, Level,
    shapes::{Begun, CallKey, Cells, DayShapes, EventKey, TemplateId},
};

/// Chance at which a silence at the beginning of a day is no chance any more.
const CHANCE: f64 = 1e-4;
/// So many occurrences missing on the days before the first one are no chance either.
const MISSED: f64 = 12.0;

/// One earlier day of something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    pub count: f64,
    pub begun: bool,
}

/// Whether what is seen `today` began within the days of `past`, oldest first, and has gone on since.
pub(super) fn is(past: impl Iterator<Item = Past>, today: &Cells) -> bool {
    let past: Vec<Past> = past.collect();
    let Some(onset) = past.iter().position(|day| day.count > 0.0) else {
        return false;
    };
    let since = &past[onset..];
    let goes_on = since[1..].iter().all(|day| day.count > 0.0 && !day.begun) && !begins(today);
    let mean = since.iter().map(|day| day.count).sum::<f64>() / since.len() as f64;
    goes_on && (since[0].begun || onset as f64 * mean >= MISSED)
}

/// Whether the silence before the first one is too long for something that is there all day. A cell counts once, since one trouble
/// brings many records.
fn begins(cells: &Cells) -> bool {
    let Some((first, _)) = cells.iter().next() else {
        return false;
    };
    let n = i32::try_from(cells.iter().count()).unwrap_or(i32::MAX);
    (1.0 - f64::from(first) / f64::from(CELLS_PER_DAY)).powi(n) <= CHANCE
}

/// Everything wrong that began within the day.
pub(super) fn begun(shapes: &DayShapes) -> Begun {
    let mut templates: BTreeMap<(String, TemplateId), Cells> = BTreeMap::new();
    for template in shapes.templates.iter().filter(|t| t.level >= Level::Warn) {
        let key = (template.service.to_string(), template.id);
        templates.entry(key).or_default().merge(&template.cells);
    }
    let mut events: BTreeMap<EventKey, Cells> = BTreeMap::new();
    for series in shapes.events.iter().filter(|e| e.warning) {
        let cells = events.entry(event_key(series)).or_default();
        cells.merge(&series.cells);
    }
    let mut refusals: BTreeMap<CallKey, Cells> = BTreeMap::new();
    for call in shapes.calls.iter().filter(|c| c.key.code >= 400) {
        let cells = refusals.entry(refusal_key(&call.key)).or_default();
        cells.merge(&call.cells);
    }
    Begun {
        templates: those(templates),
        events: those(events),
        refusals: those(refusals),
    }
}

fn those<K: Ord>(all: BTreeMap<K, Cells>) -> BTreeSet<K> {
    let found = all.into_iter().filter(|(_, cells)| begins(cells));
    found.map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(past: &[(f64, bool)], from: u16, expected: bool) {
        let mut today = Cells::default();
        for cell in (from..CELLS_PER_DAY).step_by(3) {
            today.add(cell, 1);
        }
        let days = past.iter().map(|(count, begun)| Past {
            count: *count,
            begun: *begun,
        });
        assert_eq!(is(days, &today), expected, "{past:?} from {from}");
    }

    #[test]
    fn what_began_the_day_before_yesterday_and_never_stopped_lasts() {
        check(&[(40.0, true), (96.0, false)], 0, true);
        check(&[(0.0, false), (0.0, false), (96.0, false)], 0, true);
        check(&[(40.0, true)], 0, true);
    }

    #[test]
    fn what_the_oldest_day_shows_from_its_beginning_is_a_habit() {
        check(&[(96.0, false), (96.0, false)], 0, false);
        check(&[], 0, false);
    }

    #[test]
    fn what_begins_on_every_day_or_comes_and_goes_does_not_last() {
        check(&[(40.0, true), (40.0, true)], 120, false);
        check(&[(40.0, true), (40.0, true)], 0, false);
        check(&[(40.0, true), (0.0, false), (40.0, false)], 0, false);
        check(&[(0.0, false), (3.0, false)], 0, false);
    }
}
