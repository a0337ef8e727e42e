//! Folds the records of an event into one [`EventSeries`]: an event is updated with a growing cumulative count, and only its growth happened.
//!
//! In: all event records of a day, in any order. Out: one series per event, in the order of their first record. A count
//! that jumps by more than one puts the whole jump into the cell of the record that tells it; nothing finer is in the log.

use crate::model::{
    DayRange, ObjectRef,
    record::EventRecord,
    shapes::{Cells, EventSeries},
};

/// Records of events. Each is large and goes as soon as it is folded, and a vector that grows copies none of them.
pub type Records = Vec<Box<EventRecord>>;

/// Folds `records` by cluster and uid; records without a uid by what they say. Takes them one event after the other, since most of a large
/// day's events occur once: all records beside all series would be much of its memory.
#[must_use]
pub fn fold(mut records: Records, range: &DayRange) -> Vec<EventSeries> {
    records.sort_unstable_by(|a, b| {
        let time = |r: &EventRecord| (r.ts_ms, r.count, r.id);
        event(a).cmp(&event(b)).then_with(|| time(a).cmp(&time(b)))
    });
    records.dedup_by_key(|r| r.id);
    let events = records.chunk_by(|a, b| event(a) == event(b)).count();
    let mut series = Vec::with_capacity(events);
    let mut records = records.into_iter().peekable();
    while let Some(first) = records.next() {
        let mut alike = vec![first];
        while let Some(next) = records.next_if(|next| event(next) == event(&alike[0])) {
            alike.push(next);
        }
        series.extend(one(alike, range));
    }
    series.sort_unstable_by(|a, b| {
        (a.first_ms, &a.uid, &a.object, &a.reason)
            .cmp(&(b.first_ms, &b.uid, &b.object, &b.reason))
            .then_with(|| (&a.cluster, &a.message).cmp(&(&b.cluster, &b.message)))
    });
    series
}

/// What makes records those of one event.
fn event(record: &EventRecord) -> (&str, &str, Option<(&ObjectRef, &str, &str)>) {
    let said = || {
        (
            &record.object,
            record.reason.as_str(),
            record.message.as_str(),
        )
    };
    let what = record.uid.is_empty().then(said);
    (&record.cluster, &record.uid, what)
}

/// Folds the records of one event, in the order of time; takes what the last of them says.
fn one(mut records: Records, range: &DayRange) -> Option<EventSeries> {
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
    for record in &records {
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
    let first_ms = first.ts_ms;
    let last = *records.pop()?;
    Some(EventSeries {
        cluster: last.cluster,
        uid: last.uid,
        object: last.object,
        object_uid: last.object_uid,
        container: last.container,
        reason: last.reason,
        message: last.message,
        warning: last.warning,
        component: last.component,
        host: last.host,
        cells,
        before,
        born_ms,
        first_ms,
        last_ms: last.ts_ms,
        evidence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Day, EvidenceId, LogKind};

    fn record(hash: u64, ts_ms: i64, first_ms: i64, count: u64) -> Box<EventRecord> {
        Box::new(EventRecord {
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
        })
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
            vec![
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
    fn a_record_that_comes_twice_counts_once_and_one_without_uid_goes_by_what_it_says() {
        let day = day();
        let t = day.start_ms;
        let nameless = |hash, message: &str| {
            Box::new(EventRecord {
                uid: String::new(),
                message: message.to_owned(),
                ..*record(hash, t + 5000, t, 1)
            })
        };
        let records = vec![
            record(1, t + 1000, t, 1),
            nameless(3, "a"),
            record(2, t + 2000, t, 2),
            nameless(4, "b"),
            record(2, t + 2000, t, 2),
            nameless(5, "a"),
        ];
        let series = fold(records, &day);
        let told: Vec<_> = series
            .iter()
            .map(|s| (s.message.as_str(), s.count(), s.evidence.len()))
            .collect();
        assert_eq!(told, [("m", 2, 2), ("a", 1, 2), ("b", 1, 1)]);
    }

    #[test]
    fn an_event_born_today_counts_from_its_first_occurrence() {
        let day = day();
        let series = fold(
            vec![record(1, day.start_ms + 9000, day.start_ms + 1000, 3)],
            &day,
        );
        assert_eq!((series[0].before, series[0].count()), (0, 3));
    }
}
