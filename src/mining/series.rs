//! Folds the records of an event into one [`EventSeries`]: an event is updated with a growing cumulative count, and only its growth happened.
//!
//! In: all event records of a day, in any order, each once. Out: one series per event, in the order of their first record. A count
//! that jumps by more than one puts the whole jump into the cell of the record that tells it; nothing finer is in the log.

use std::collections::BTreeMap;

use crate::model::{
    DayRange,
    record::EventRecord,
    shapes::{Cells, EventSeries},
};

/// Folds `records` by cluster and uid; records without a uid by what they say.
#[must_use]
pub fn fold<'a>(
    records: impl IntoIterator<Item = &'a EventRecord>,
    range: &DayRange,
) -> Vec<EventSeries> {
    let mut by_event: BTreeMap<[String; 3], Vec<&EventRecord>> = BTreeMap::new();
    for record in records {
        let what = if record.uid.is_empty() {
            format!("{} {} {}", record.object, record.reason, record.message)
        } else {
            String::new()
        };
        by_event
            .entry([record.cluster.clone(), record.uid.clone(), what])
            .or_default()
            .push(record);
    }
    let mut series: Vec<EventSeries> = by_event
        .into_values()
        .filter_map(|mut records| {
            records.sort_unstable_by_key(|r| (r.ts_ms, r.count, r.id));
            one(&records, range)
        })
        .collect();
    series.sort_by(|a, b| {
        (a.first_ms, &a.uid, &a.object, &a.reason).cmp(&(b.first_ms, &b.uid, &b.object, &b.reason))
    });
    series
}

fn one(records: &[&EventRecord], range: &DayRange) -> Option<EventSeries> {
    let (first, last) = (records.first()?, records.last()?);
    let born_ms = records
        .iter()
        .map(|r| r.first_ms)
        .min()
        .unwrap_or(first.ts_ms)
        .min(first.ts_ms);
    // Of the first record of an older event, all but this occurrence happened before, as far as the count tells.
    let before = if born_ms < range.start_ms {
        first.count.saturating_sub(1)
    } else {
        0
    };
    let mut cells = Cells::default();
    let mut seen = before;
    for record in records {
        // A smaller count means that the event expired and was born again under its name.
        let growth = if record.count >= seen {
            record.count - seen
        } else {
            record.count
        };
        cells.add(
            range.cell(record.ts_ms),
            u32::try_from(growth).unwrap_or(u32::MAX),
        );
        seen = record.count;
    }
    if cells.is_empty() {
        cells.add(range.cell(first.ts_ms), 1);
    }
    let mut evidence = vec![first.id];
    if records.len() > 2 {
        evidence.push(records[records.len() / 2].id);
    }
    if records.len() > 1 {
        evidence.push(last.id);
    }
    Some(EventSeries {
        cluster: last.cluster.clone(),
        uid: last.uid.clone(),
        object: last.object.clone(),
        object_uid: last.object_uid.clone(),
        container: last.container.clone(),
        reason: last.reason.clone(),
        message: last.message.clone(),
        warning: last.warning,
        component: last.component.clone(),
        host: last.host.clone(),
        cells,
        before,
        born_ms,
        first_ms: first.ts_ms,
        last_ms: last.ts_ms,
        evidence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Day, EvidenceId, LogKind, ObjectRef};

    fn record(hash: u64, ts_ms: i64, first_ms: i64, count: u64) -> EventRecord {
        EventRecord {
            id: EvidenceId {
                kind: LogKind::Event,
                hash,
            },
            ts_ms,
            cluster: "cls-1".into(),
            uid: "u".into(),
            object: ObjectRef::new("Pod", "shop", "a"),
            object_uid: String::new(),
            container: String::new(),
            reason: "BackOff".into(),
            message: "m".into(),
            warning: true,
            component: String::new(),
            host: String::new(),
            first_ms,
            last_ms: ts_ms,
            count,
        }
    }

    fn day() -> DayRange {
        "2026-11-21"
            .parse::<Day>()
            .expect("day")
            .range(&jiff::tz::TimeZone::UTC)
    }

    #[test]
    fn only_the_growth_of_the_count_happened_today() {
        let day = day();
        let (t, old) = (day.start_ms, day.start_ms - 86_400_000);
        let series = fold(
            &[
                record(2, t + 600_000, old, 14),
                record(1, t + 1000, old, 10),
                record(3, t + 900_000, old, 15),
            ],
            &day,
        );
        assert_eq!(series.len(), 1);
        assert_eq!((series[0].before, series[0].count()), (9, 6));
        assert_eq!(
            series[0]
                .evidence
                .iter()
                .map(|e| e.hash)
                .collect::<Vec<_>>(),
            [1, 2, 3]
        );
    }

    #[test]
    fn an_event_born_today_counts_from_its_first_occurrence() {
        let day = day();
        let series = fold(
            &[record(1, day.start_ms + 9000, day.start_ms + 1000, 3)],
            &day,
        );
        assert_eq!((series[0].before, series[0].count()), (0, 3));
    }
}
