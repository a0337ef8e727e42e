//! The first round of an owner reads the earlier days in the order in which they explain the day, each object once, and ends with what
//! reading them one after the other gives.

use std::{path::Path, pin::pin};

use gengfu::{
    demo,
    model::{
        Day, LogKind,
        shapes::{DayCounts, States, TemplateDay},
    },
    round::{progress::Progress, tasks::Work},
    store::Store,
};
use jiff::tz::TimeZone;
use tempfile::TempDir;

use crate::{
    over_bucket,
    shipped::{at_ms, later, records, ship},
    stored_day::owner,
};

const DAY: &str = "2026-11-20";
/// The first three revisions are made before any earlier day is looked at.
const FEW: u32 = 4;
const NEWEST_LINES: u32 = 5;

fn day() -> Day {
    DAY.parse().expect("day")
}

/// From the newest back.
fn earlier() -> Vec<Day> {
    (1..=demo::EARLIER_DAYS)
        .map(|back| day().plus(-back))
        .collect()
}

/// The sample bucket, in which the day before shows every workload that is changed on the day as well.
fn lay(folder: &Path) {
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let bucket = folder.join("bucket");
    demo::lay(&bucket, day(), &zone).expect("lay");
    let shown = records(&bucket.join("audit/2026/11/13/01"));
    let shown = shown
        .into_iter()
        .filter(|r| r.to_string().contains("patch"));
    let shown: Vec<_> = shown.map(|r| later(r, 6 * 86_400_000)).collect();
    assert!(!shown.is_empty());
    let zone_day = Day::of(at_ms(&shown[0]), &zone);
    assert_eq!(zone_day, day().plus(-1));
    ship(&bucket.join("audit/2026/11/19/05"), "shown.gz", &shown);
}

/// Everything that is kept of the earlier days, from the newest back.
async fn kept(store: &Store) -> Vec<(DayCounts, Vec<TemplateDay>, States)> {
    let mut all = Vec::new();
    for d in earlier() {
        let counts = store.counts(d).await.expect("read").expect("counted");
        let mut templates = store.templates(d).await.expect("templates");
        // A template keeps the first text that it was ever given, here by the day itself.
        for template in &mut templates {
            template.text.clear();
        }
        let states = store.states_before(d.plus(1)).await.expect("states");
        all.push((counts, templates, states));
    }
    all
}

/// What the days leave when each was run by itself, the oldest first.
async fn one_after_the_other() -> Vec<(DayCounts, Vec<TemplateDay>, States)> {
    let dir = TempDir::new().expect("folder");
    lay(dir.path());
    let nobody = owner("nobody");
    let store = Store::open(dir.path(), &nobody).expect("store");
    let round = over_bucket::round(dir.path(), &nobody, store.clone(), 0);
    for d in earlier().into_iter().rev() {
        let work = Work::alone(Progress::default());
        round.run(d, &work).await.expect("round");
    }
    kept(&store).await
}

/// Runs the round and drops it where it stands once a revision is there.
async fn killed_at(folder: &Path, store: &Store, revision: u32) {
    let round = over_bucket::round(folder, &owner("nobody"), store.clone(), 7);
    let work = Work::alone(Progress::default());
    let mut progress = work.progress.watch();
    let mut running = pin!(round.run(day(), &work));
    tokio::select! {
        biased;
        seen = progress.wait_for(|now| now.revision.is_some_and(|r| r.0 == revision)) => drop(seen.expect("progress")),
        done = &mut running => panic!("the round had no revision {revision}: {done:?}"),
    }
}

/// How many records of a kind are counted of each earlier day, from the newest back.
async fn counted(store: &Store, kind: LogKind) -> Vec<u64> {
    let mut all = Vec::new();
    for d in earlier() {
        let counts = store.counts(d).await.expect("read").expect("counted");
        all.push(counts.records[&kind]);
    }
    all
}

#[tokio::test]
async fn what_explains_the_day_is_read_first() {
    let dir = TempDir::new().expect("folder");
    lay(dir.path());
    let store = Store::open(dir.path(), &owner("nobody")).expect("store");
    killed_at(dir.path(), &store, FEW).await;
    assert!(counted(&store, LogKind::Event).await.iter().all(|n| *n > 0));
    // The day before shows all that was changed, so nobody waits for the audit of the week.
    let audit = counted(&store, LogKind::Audit).await;
    assert!(
        audit[0] > 0 && audit[1..].iter().all(|n| *n == 0),
        "{audit:?}"
    );
    assert_eq!(counted(&store, LogKind::Business).await, [0; 7]);
    let report = store.report(day()).await.expect("read").expect("a report");
    let change = report.incidents.iter().find_map(|i| i.change.as_ref());
    assert!(!change.expect("a change").before_unseen);
    assert!(report.baseline.partial);

    drop(store);

    let dir = TempDir::new().expect("folder");
    lay(dir.path());
    let store = Store::open(dir.path(), &owner("nobody")).expect("store");
    killed_at(dir.path(), &store, NEWEST_LINES).await;
    let lines = counted(&store, LogKind::Business).await;
    assert!(
        lines[0] > 0 && lines[1..].iter().all(|n| *n == 0),
        "{lines:?}"
    );
    assert_eq!(store.counted_days().await.expect("read"), [day()]);
}

#[tokio::test]
async fn wherever_the_round_is_killed_it_goes_on_and_reads_no_object_again() {
    let expected = one_after_the_other().await;
    for revision in [FEW - 1, FEW, NEWEST_LINES] {
        let dir = TempDir::new().expect("folder");
        lay(dir.path());
        let nobody = owner("nobody");
        let store = Store::open(dir.path(), &nobody).expect("store");
        killed_at(dir.path(), &store, revision).await;
        // What was read is needed no more; but an object of the first hours may hold lines of two days.
        let mut removed = 0;
        for d in earlier() {
            for row in store.earlier().manifest(d).await.expect("manifest") {
                let hour = row.object.key.rsplit('/').nth(1).expect("an hour");
                if !["00", "01", "02"].contains(&hour) {
                    let object = dir.path().join("bucket").join(&row.object.key);
                    std::fs::remove_file(object).expect("an object");
                    removed += 1;
                }
            }
        }
        assert_eq!(removed > 0, revision >= FEW);
        let round = over_bucket::round(dir.path(), &nobody, store.clone(), 7);
        let work = Work::alone(Progress::default());
        round.run(day(), &work).await.expect("round");
        let found = kept(&store).await;
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found.0, expected.0);
            assert!(found.1 == expected.1, "templates of {}", found.0.day);
            assert!(found.2 == expected.2, "states of {}", found.0.day);
        }
        let left = store.earlier().stored_days().expect("days");
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test]
async fn two_rounds_at_once_do_not_disturb_each_other() {
    let expected = one_after_the_other().await;
    let dir = TempDir::new().expect("folder");
    lay(dir.path());
    let nobody = owner("nobody");
    let store = Store::open(dir.path(), &nobody).expect("store");
    let round = over_bucket::round(dir.path(), &nobody, store.clone(), 7);
    let works = [0, 1].map(|_| Work::alone(Progress::default()));
    let (one, other) = tokio::join!(
        round.run(day(), &works[0]),
        round.run(day().plus(-1), &works[1])
    );
    one.expect("round");
    other.expect("round");
    // The newest was run itself; the others were read by either round.
    let found = kept(&store).await;
    for (found, expected) in found.iter().zip(&expected).skip(1) {
        assert_eq!(found.0, expected.0);
        assert!(found.2 == expected.2, "states of {}", found.0.day);
    }
}

#[tokio::test]
async fn the_first_objects_of_a_day_make_no_day_before_it() {
    let dir = TempDir::new().expect("folder");
    lay(dir.path());
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    for kind in LogKind::ALL {
        let month = dir.path().join(format!("bucket/{kind}/2026/11"));
        for d in earlier() {
            let gone = std::fs::remove_dir_all(month.join(d.to_string().split_off(8)));
            gone.expect("a folder");
        }
        for hour in ["00", "01", "02"] {
            let folder = month.join("20").join(hour);
            let mut lines = records(&folder);
            lines.retain(|r| Day::of(at_ms(r), &zone) == day());
            let _ = std::fs::remove_dir_all(&folder);
            ship(&folder, "own.gz", &lines);
        }
    }
    let nobody = owner("nobody");
    let store = Store::open(dir.path(), &nobody).expect("store");
    let round = over_bucket::round(dir.path(), &nobody, store.clone(), 7);
    let work = Work::alone(Progress::default());
    let report = round.run(day(), &work).await.expect("round");
    assert_eq!(report.baseline.days, 0);
    assert_eq!(store.counted_days().await.expect("read"), [day()]);
    // None was made for the sake of days that are not there.
    assert_eq!(report.revision, FEW - 1);
}
