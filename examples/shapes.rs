//! Prints the shapes of one day of a `file://` bucket as JSON: `cargo run --example shapes -- BUCKET_DIR 2026-11-21 [EARLIER_DAYS]`.
//!
//! For engineers who write symptoms and causes: what diagnosis will be given, with what deviates from the earlier days.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use gengfu::{
    mining::{baseline, day::Tally, digest::digest, templates::KnownTemplate},
    model::{
        Day, LogKind,
        shapes::{Baseline, DayShapes},
    },
};
use jiff::tz::TimeZone;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let bucket = PathBuf::from(args.next().context("first argument: the bucket's folder")?);
    let day: Day = args.next().context("second argument: the day")?.parse()?;
    let earlier: i32 = args.next().map_or(Ok(0), |n| n.parse())?;
    let zone = TimeZone::get("Asia/Shanghai")?;

    let mut known = Vec::new();
    let mut baseline = Baseline {
        of: 7,
        ..Baseline::default()
    };
    for back in (1..=earlier).rev() {
        let date = day.plus(-back);
        let shapes = read(&bucket, date, &zone, &known)?;
        known = shapes
            .templates
            .iter()
            .map(|t| KnownTemplate {
                service: t.service.to_string(),
                level: t.level,
                text: t.text.clone(),
            })
            .chain(known)
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        baseline
            .days
            .push(baseline::counts_of(&shapes, &date.range(&zone), 1.0));
    }
    let shapes = read(&bucket, day, &zone, &known)?;
    let deviations: Vec<String> = baseline::compare(&shapes, &baseline, &day.range(&zone))
        .iter()
        .map(|d| told(&shapes, d))
        .collect();
    let out = serde_json::json!({"deviations": deviations, "shapes": without_origins(shapes)});
    serde_json::to_writer_pretty(std::io::stdout().lock(), &out)?;
    Ok(())
}

fn read(bucket: &Path, day: Day, zone: &TimeZone, known: &[KnownTemplate]) -> Result<DayShapes> {
    let range = day.range(zone);
    let mut tally = Tally::default();
    for kind in LogKind::ALL {
        let mut seen = HashSet::new();
        for path in objects(bucket, kind, day)? {
            let key = path.strip_prefix(bucket)?.to_string_lossy().into_owned();
            tally.add(
                kind,
                digest(kind, &key, &fs::read(&path)?, &range, &mut |id| {
                    seen.insert(id)
                }),
            );
        }
    }
    Ok(tally.shapes(known, &range))
}

/// Objects of the day's folders and of the first hour of the next, in the order of their keys.
fn objects(bucket: &Path, kind: LogKind, day: Day) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let next = day.plus(1);
    let folders = (0..24)
        .map(|hour| (day, hour))
        .chain([(next, 0), (next, 1)]);
    for (day, hour) in folders {
        let folder = bucket
            .join(kind.as_str())
            .join(format!("{}/{hour:02}", day.to_string().replace('-', "/")));
        if let Ok(entries) = fs::read_dir(folder) {
            for entry in entries {
                found.push(entry?.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn told(shapes: &DayShapes, deviation: &baseline::Deviation) -> String {
    use baseline::Subject;
    let what = match &deviation.subject {
        Subject::Template(i) => format!(
            "{} {}",
            shapes.templates[*i].service, shapes.templates[*i].text
        ),
        Subject::Event(i) => format!(
            "{} {} {}",
            shapes.events[*i].reason, shapes.events[*i].object, shapes.events[*i].message
        ),
        Subject::Call(i) => format!("{:?}", shapes.calls[*i].key),
        Subject::Service(name) => name.clone(),
    };
    format!(
        "{:?} {:?} {} (expected {:.1}) {what}",
        deviation.severity, deviation.what, deviation.observed, deviation.expected
    )
}

/// Origins are half of the output and are of no interest here.
fn without_origins(shapes: DayShapes) -> DayShapes {
    DayShapes {
        origins: gengfu::model::Origins::default(),
        ..shapes
    }
}
