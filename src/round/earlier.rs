//! The earlier days that a day is compared with, each reduced to counts and read only once.
//!
//! In: days that were never counted. Out: their counts, templates and last object states in `owner.db`. Always true: oldest first,
//! since templates and states build on what was known before; a day without objects is no day to compare with. Keeps no lines.

use std::collections::{BTreeMap, HashSet};

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
    mining::{self, day::Tally},
    model::{Day, DayRange, LogKind},
    store::Claims,
};

/// Compressed bytes of business objects that are read of an earlier day; of a larger day every n-th object is, and the counts say
/// which share they rest on. Events and audit are always read whole: they are few, and hold the states of objects.
const BUSINESS_BYTES: u64 = 64 << 20;

/// Days before `day` that are wanted and not counted yet, oldest first.
pub(super) async fn missing(round: &Round, day: Day) -> Result<Vec<Day>, Error> {
    let counted: HashSet<Day> = round.store.counted_days().await?.into_iter().collect();
    let n = i32::try_from(round.baseline_days).unwrap_or(i32::MAX);
    Ok((1..=n)
        .rev()
        .map(|back| day.plus(-back))
        .filter(|d| !counted.contains(d))
        .collect())
}

/// Counts `days`, oldest first.
pub(super) async fn count(round: &Round, days: &[Day], work: &Work) -> Result<(), Error> {
    for day in days {
        count_one(round, *day, work).await?;
        work.progress.object_done(0);
    }
    Ok(())
}

async fn count_one(round: &Round, day: Day, work: &Work) -> Result<(), Error> {
    let range = day.range(&round.judge.zone);
    let mut listed = BTreeMap::new();
    for kind in LogKind::ALL {
        listed.insert(kind, round.source.list(kind, &range).await?);
    }
    if listed.values().all(Vec::is_empty) {
        return Ok(());
    }
    let business = listed.remove(&LogKind::Business).unwrap_or_default();
    let whole = business.len();
    let business = sample(business, BUSINESS_BYTES);
    let share = if whole == 0 {
        1.0
    } else {
        business.len() as f64 / whole as f64
    };
    listed.insert(LogKind::Business, business);

    let mut tally = Tally::default();
    for (kind, objects) in listed {
        tally = read(round, &range, kind, objects, tally, work).await?;
    }
    let known = round.store.known_templates(day).await?;
    let before = round.store.states_before(day).await?;
    let counted = tokio::task::spawn_blocking(move || {
        let shapes = tally.shapes(&known, &range);
        let states = clusters::states_after(&shapes, &before, |shapes, before| {
            changes::changes(&shapes.writes, before).states_after(before)
        });
        (
            clusters::counts_of(&shapes, |s| mining::baseline::counts_of(s, day, share)),
            shapes.templates,
            states,
        )
    })
    .await?;
    let (counts, templates, states) = counted;
    Ok(round.store.replace_day(counts, templates, states).await?)
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
                if let Some(digest) = digest {
                    tally.add(kind, digest);
                }
                tally
            })
        })
        .await
}
