//! Diagnoses days that lie in local buckets, without a store, and writes `report.json` beside each bucket.
//!
//! `cargo run --example diagnose -- 2026-11-21 DIR...`, where `DIR/bucket/{business,event,audit}/YYYY/MM/DD/HH/` holds the objects.
//! For engineers who change the diagnosis: `score.py --many` of the generator reads what this writes.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context;
use gengfu::{
    diagnosis::{Input, changes, diagnose, faults::Catalogue},
    mining::{baseline, day, digest},
    model::{
        Day, Lang, LogKind,
        shapes::{Baseline, DayShapes, ObjectDigest, States},
    },
};
use jiff::tz::TimeZone;
use serde_json::json;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let date: Day = args
        .next()
        .context("usage: diagnose DATE DIR...")?
        .parse()?;
    let catalogue = Catalogue::builtin()?;
    for dir in args {
        one(&catalogue, date, Path::new(&dir)).with_context(|| dir.clone())?;
    }
    Ok(())
}

fn one(catalogue: &Catalogue, date: Day, dir: &Path) -> anyhow::Result<()> {
    let zone = TimeZone::get("Asia/Shanghai")?;
    let started = Instant::now();
    let mut baseline = Baseline {
        of: 7,
        ..Baseline::default()
    };
    let mut states = States::new();
    for back in (1..=7).rev() {
        let earlier = date.plus(-back);
        let shapes = shapes_of(dir, earlier, &zone)?;
        if shapes.read.values().all(|r| r.counts.records == 0) {
            continue;
        }
        states = changes::changes(&shapes.writes, &states).states_after(&states);
        baseline
            .days
            .push(baseline::counts_of(&shapes, &earlier.range(&zone), 1.0));
    }
    let shapes = shapes_of(dir, date, &zone)?;
    let mined = started.elapsed();
    let range = date.range(&zone);
    let deviations = baseline::compare(&shapes, &baseline, &range);
    let compared = started.elapsed();
    let diagnosis = diagnose(&Input {
        range: &range,
        shapes: &shapes,
        states: &states,
        baseline: &baseline,
        deviations: &deviations,
        catalogue,
        earlier: &[],
        before: None,
        lang: Lang::Zh,
    });
    let diagnosed = started.elapsed();
    let coverage: HashMap<_, _> = shapes
        .read
        .iter()
        .map(|(kind, r)| (*kind, &r.counts))
        .collect();
    let report = json!({
        "verdict": diagnosis.verdict,
        "findings": diagnosis.findings,
        "incidents": diagnosis.incidents,
        "chronic": diagnosis.chronic,
        "coverage": coverage,
        "timings_ms": {
            "mine": mined.as_millis(),
            "compare": compared.saturating_sub(mined).as_millis(),
            "diagnose": diagnosed.saturating_sub(compared).as_millis(),
        },
    });
    fs::write(
        dir.join("report.json"),
        serde_json::to_string_pretty(&report)?,
    )?;
    Ok(())
}

fn shapes_of(dir: &Path, date: Day, zone: &TimeZone) -> anyhow::Result<DayShapes> {
    let range = date.range(zone);
    let mut seen = HashSet::new();
    let mut digests: Vec<(LogKind, ObjectDigest)> = Vec::new();
    for kind in LogKind::ALL {
        let of = |day: Day, below: &str| {
            let path = day.date().strftime("%Y/%m/%d").to_string();
            dir.join("bucket")
                .join(kind.as_str())
                .join(path)
                .join(below)
        };
        let mut files = files_below(&of(date, ""));
        files.extend(files_below(&of(date.plus(1), "00")));
        files.extend(files_below(&of(date.plus(1), "01")));
        files.sort();
        for file in files {
            let bytes = fs::read(&file)?;
            let key = file
                .strip_prefix(dir.join("bucket"))?
                .to_string_lossy()
                .into_owned();
            let mut claim = |identity: u64| seen.insert((kind, identity));
            digests.push((kind, digest::digest(kind, &key, &bytes, &range, &mut claim)));
        }
    }
    Ok(day::assemble(
        digests.iter().map(|(kind, digest)| (*kind, digest)),
        &[],
        &range,
    ))
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            out.extend(files_below(&path));
        } else {
            out.push(path);
        }
    }
    out
}
