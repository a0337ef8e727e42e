//! Whole days of the generator, and a few lines by hand.

use std::{collections::HashSet, path::PathBuf, process::Command};

use serde_json::{Value, json};

use super::*;
use crate::{
    mining::day::{Tally, assemble},
    model::{Day, Level, shapes::DayShapes},
};

fn day() -> DayRange {
    let zone = jiff::tz::TimeZone::get("Asia/Shanghai").expect("zone");
    "2026-11-21".parse::<Day>().expect("day").range(&zone)
}

fn line(ts_ms: i64, content: &str) -> String {
    json!({"__TIMESTAMP__": ts_ms, "__CONTENT__": content,
        "__TAG__": {"namespace": "shop", "pod_name": "cart-6f7c9d8b5d-x2k8q", "container_name": "cart"}})
    .to_string()
}

#[test]
fn each_line_is_rejected_outside_a_duplicate_or_a_record() {
    let day = day();
    let t = day.start_ms + 60_000;
    let object = [
        line(t, "2026-11-21 00:01:00 ERROR order 7 failed"),
        "not json".into(),
        line(day.end_ms, "tomorrow"),
        line(t, "2026-11-21 00:01:00 ERROR order 7 failed"),
        line(t + 1, "2026-11-21 00:01:00 ERROR order 8 failed"),
    ]
    .join("\n");
    let mut seen = HashSet::new();
    let digest = digest(LogKind::Business, "k", object.as_bytes(), &day, &mut |id| {
        seen.insert(id)
    });
    let c = &digest.counts;
    assert_eq!(
        (c.lines, c.records, c.rejected, c.outside_day, c.duplicates),
        (5, 2, 1, 1, 1)
    );
    assert_eq!(digest.business.len(), 1);
    let shape = &digest.business[0];
    assert_eq!(
        (shape.text.as_str(), shape.level, shape.cells.total()),
        ("<time> ERROR order <num> failed", Level::Error, 2)
    );
    assert_eq!(digest.services[0].name, "cart");
    assert_eq!(digest.kept.len(), 2);
    assert_eq!(
        digest.kept[0].sha256,
        hex::encode(<sha2::Sha256 as sha2::Digest>::digest(
            object.lines().next().unwrap_or_default()
        ))
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    /// Objects that are digested side by side by workers that know nothing, in whatever order they are done, give the day that one worker
    /// gives who reads them one after another.
    #[test]
    fn parallel_is_serial(
        lines in proptest::collection::vec((0_i64..86_400, "(ERROR|INFO|用户) (order|u=)[0-9]{1,3} (failed|ok|耗时[0-9]{1,2}ms)"), 1..60),
        objects in 1_usize..6,
    ) {
        let day = day();
        // Times of their own: each line is a record of its own, so that no object has to know what another one counted.
        let lines: Vec<String> = lines
            .iter()
            .zip(day.start_ms..)
            .map(|((second, text), ms)| line(ms + second * 1000, text))
            .collect();
        let bodies: Vec<String> = lines.chunks(lines.len().div_ceil(objects)).map(|l| l.join("\n")).collect();
        let with = |worker: &mut Worker, (at, body): (usize, &String)| {
            worker.digest(LogKind::Business, &format!("{at:02}"), body.as_bytes(), &day, &mut |_| true)
        };
        let one = |object| with(&mut Worker::default(), object);
        let mut worker = Worker::default();
        let shapes = |digests: Vec<ObjectDigest>| {
            let mut tally = Tally::default();
            for digest in digests {
                tally.add(LogKind::Business, digest);
            }
            tally.shapes(&[], &day)
        };
        let serial = shapes(bodies.iter().enumerate().map(|object| with(&mut worker, object)).collect());
        let (done, finished) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            for object in bodies.iter().enumerate() {
                let (done, one) = (done.clone(), &one);
                scope.spawn(move || assert!(done.send(one(object)).is_ok()));
            }
        });
        drop(done);
        let parallel = shapes(finished.into_iter().collect());
        proptest::prop_assert!(parallel == serial);
        let counted: u64 = serial.templates.iter().map(|t| t.cells.total()).sum();
        proptest::prop_assert_eq!(counted, lines.len() as u64);
    }
}

/// A day of the generator, or `None` (said loudly) where it is not at hand.
fn generated(arguments: &[&str]) -> Option<(tempfile::TempDir, Value)> {
    let Ok(shared) = std::env::var("GENGFU_SHARED") else {
        eprintln!("SKIPPED: GENGFU_SHARED does not name the folder of the incident generator");
        return None;
    };
    let out = tempfile::tempdir().expect("folder");
    let status = Command::new("python3")
        .arg(PathBuf::from(shared).join("incidents/gen.py"))
        .args(["--scale", "0.1", "--days-before", "0", "--out"])
        .arg(out.path())
        .args(arguments)
        .output()
        .expect("python3");
    assert!(
        status.status.success(),
        "{}",
        String::from_utf8_lossy(&status.stderr)
    );
    let truth = std::fs::read(out.path().join("truth.json")).expect("truth");
    Some((out, serde_json::from_slice(&truth).expect("truth is JSON")))
}

fn digests(folder: &std::path::Path) -> Vec<(LogKind, ObjectDigest)> {
    let bucket = folder.join("bucket");
    let mut all = Vec::new();
    for kind in LogKind::ALL {
        let mut folders = vec![bucket.join(kind.as_str())];
        let mut paths = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)
                .expect("folder")
                .map(|e| e.expect("entry").path())
            {
                if entry.is_dir() {
                    folders.push(entry);
                } else {
                    paths.push(entry);
                }
            }
        }
        paths.sort();
        let mut seen = HashSet::new();
        for path in paths {
            let key = path
                .strip_prefix(&bucket)
                .expect("inside")
                .to_string_lossy()
                .into_owned();
            let bytes = std::fs::read(&path).expect("object");
            all.push((
                kind,
                digest(kind, &key, &bytes, &day(), &mut |id| seen.insert(id)),
            ));
        }
    }
    all
}

fn check_conserved(shapes: &DayShapes) {
    let records = |kind| shapes.read[&kind].counts.records;
    let business: u64 = shapes.templates.iter().map(|t| t.cells.total()).sum();
    assert_eq!(business, records(LogKind::Business));
    let audit =
        shapes.writes.len() as u64 + shapes.calls.iter().map(|c| c.cells.total()).sum::<u64>();
    assert_eq!(audit, records(LogKind::Audit));
    for template in &shapes.templates {
        assert!(
            !template.samples.is_empty(),
            "no sample of {}",
            template.text
        );
        assert!(
            template
                .samples
                .iter()
                .all(|s| shapes.origins.contains(&s.id))
        );
    }
}

fn check_day(arguments: &[&str]) {
    let Some((folder, truth)) = generated(arguments) else {
        return;
    };
    let digests = digests(folder.path());
    let shapes = assemble(digests.iter().map(|(k, d)| (*k, d)), &[], &day());
    for kind in LogKind::ALL {
        let expected = &truth["counts"][kind.as_str()];
        let counts = &shapes.read[&kind].counts;
        for (name, found) in [
            ("records", counts.records),
            ("outside_day", counts.outside_day),
            ("lines_salvage", counts.lines),
            ("duplicates_salvage", counts.duplicates),
            ("rejected_salvage", counts.rejected),
        ] {
            assert_eq!(
                Some(found),
                expected[name].as_u64(),
                "{kind} {name} of {expected}"
            );
        }
        assert_eq!(
            counts.lines,
            counts.records + counts.rejected + counts.duplicates + counts.outside_day
        );
    }
    check_conserved(&shapes);

    let mut tally = Tally::default();
    digests
        .iter()
        .rev()
        .for_each(|(kind, digest)| tally.add(*kind, digest.clone()));
    assert!(
        tally.shapes(&[], &day()) == shapes,
        "the order of the objects changed the day"
    );
}

#[test]
fn a_generated_day_is_counted_exactly_in_any_order() {
    check_day(&["--seed", "5"]);
}

#[test]
fn a_spoiled_day_is_counted_exactly() {
    check_day(&["--seed", "6", "--dirty", "--format", "json0"]);
}
