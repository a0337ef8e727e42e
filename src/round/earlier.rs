//! The earlier days that a day is compared with, each reduced to counts and read only once.
//!
//! In: days that were never counted. Out: their counts, templates and last object states in `owner.db`. Events and audit of all days come
//! first: they are few, and hold the states of objects. Business lines come by a bounded sample, since they are many. Always true: oldest
//! first, since templates and states build on what was known before; a day without objects is no day to compare with. Keeps no lines.

use std::collections::HashSet;

use futures::TryStreamExt as _;

use super::{
    Error,
    clock::Stopwatch,
    clusters,
    fetch::fetch,
    judge::blocking,
    read::{Desk, SIDE_BY_SIDE},
    run::Round,
    source::Found,
    tasks::Work,
};
use crate::{
    diagnosis::changes,
    mining::{baseline, day::Tally},
    model::{Day, DayRange, LogKind},
    store::Claims,
};

/// Compressed bytes of business objects that are read of an earlier day; of a larger day every n-th object is, and the counts say
/// which share they rest on. Events and audit are always read whole.
const BUSINESS_BYTES: u64 = 64 << 20;

/// Days before `day` that are wanted and not counted to the end yet, oldest first.
pub(super) async fn missing(round: &Round, day: Day) -> Result<Vec<Day>, Error> {
    let counted: HashSet<Day> = round.store.counted_days().await?.into_iter().collect();
    let n = i32::try_from(round.baseline_days).unwrap_or(i32::MAX);
    Ok((1..=n)
        .rev()
        .map(|back| day.plus(-back))
        .filter(|d| !counted.contains(d))
        .collect())
}

/// Counts events and audit of those of `days` that were not begun, oldest first. Says whether there was any.
pub(super) async fn count_few(round: &Round, days: &[Day], work: &Work) -> Result<bool, Error> {
    let mut any = false;
    for day in days {
        if round.store.counts(*day).await?.is_none() {
            any |= count_few_of(round, *day, work).await?;
        }
        work.progress.object_done(0);
    }
    Ok(any)
}

async fn count_few_of(round: &Round, day: Day, work: &Work) -> Result<bool, Error> {
    let range = day.range(&round.judge.zone);
    let events = round.source.list(LogKind::Event, &range).await?;
    let audit = round.source.list(LogKind::Audit, &range).await?;
    if events.is_empty() && audit.is_empty() {
        return Ok(false);
    }
    let tally = read(
        round,
        &range,
        LogKind::Event,
        events,
        Tally::default(),
        work,
    )
    .await?;
    let tally = read(round, &range, LogKind::Audit, audit, tally, work).await?;
    let before = round.store.states_before(day).await?;
    let counted = blocking(move || {
        let shapes = tally.shapes(&[], &range);
        let states = clusters::states_after(&shapes, &before, |shapes, before| {
            changes::changes(&shapes.writes, before).states_after(before)
        });
        let counts = clusters::counts_of(&shapes, |s| baseline::counts_of(s, &range, 0.0));
        (counts, states)
    });
    let (counts, states) = counted.await?;
    round.store.replace_day(counts, Vec::new(), states).await?;
    Ok(true)
}

/// Counts a sample of the business lines of `days`, oldest first; they are then counted to the end.
pub(super) async fn count_business(round: &Round, days: &[Day], work: &Work) -> Result<(), Error> {
    for day in days {
        count_business_of(round, *day, work).await?;
        work.progress.object_done(0);
    }
    Ok(())
}

async fn count_business_of(round: &Round, day: Day, work: &Work) -> Result<(), Error> {
    let range = day.range(&round.judge.zone);
    let objects = round.source.list(LogKind::Business, &range).await?;
    let few = round.store.counts(day).await?;
    if objects.is_empty() && few.is_none() {
        return Ok(());
    }
    let whole = objects.len();
    let objects = sample(objects, BUSINESS_BYTES);
    let share = if whole == 0 {
        1.0
    } else {
        objects.len() as f64 / whole as f64
    };
    let tally = read(
        round,
        &range,
        LogKind::Business,
        objects,
        Tally::default(),
        work,
    )
    .await?;
    let known = round.store.known_templates(day).await?;
    let counted = blocking(move || {
        let shapes = tally.shapes(&known, &range);
        let counts = clusters::counts_of(&shapes, |s| baseline::counts_of(s, &range, share));
        (counts.with_few_of(few), shapes.templates)
    });
    let (counts, templates) = counted.await?;
    Ok(round.store.complete_day(counts, templates).await?)
}

/// Every n-th object, so that at most `limit` bytes are read; all of them when they are fewer.
fn sample(objects: Vec<Found>, limit: u64) -> Vec<Found> {
    let bytes: u64 = objects.iter().map(|f| f.size).sum();
    let step = usize::try_from(bytes.div_ceil(limit).max(1)).unwrap_or(1);
    objects.into_iter().step_by(step).collect()
}

/// Adds the objects of a kind to the tally. Which of two objects counts a record that lies in both makes no difference to a count.
async fn read(
    round: &Round,
    range: &DayRange,
    kind: LogKind,
    objects: Vec<Found>,
    tally: Tally,
    work: &Work,
) -> Result<Tally, Error> {
    let (claims, clock) = (Claims::default(), Stopwatch::default());
    let (desk, claims) = (
        &Desk {
            source: &round.source,
            cores: &round.cores,
            workers: &round.workers,
            range,
            clock: &clock,
        },
        &claims,
    );
    fetch(&round.source, work, &clock, objects)
        .map_ok(|(found, bytes)| async move {
            match bytes {
                Ok(bytes) => desk.digest(&found, bytes, claims).await.map(Some),
                // An object that cannot be read makes a comparison a little weaker, and nothing wrong.
                Err(error) if error.is_about_one_object() => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
        .try_buffer_unordered(SIDE_BY_SIDE)
        .try_fold(tally, |mut tally, digest| {
            blocking(move || {
                if let Some(mut digest) = digest {
                    // An earlier day shows lines of its templates and of nothing else.
                    if kind != LogKind::Business {
                        digest.kept = Vec::new();
                    }
                    tally.add(kind, digest);
                }
                tally
            })
        })
        .await
}
