//! What each step of reading costs, as a ratio to unpacking alone. Run with `cargo bench --bench intake -- DAY`.
//!
//! In: a generated day (`gen.py --out DAY`), or any folder with `bucket/{business,event,audit}` below it. Out: a line per kind and
//! step, measured in one run on one core over the same objects in memory, in time that the thread was really running where the system
//! tells it (Linux). "Unpacking alone" is libdeflate in one piece per object, the fastest there is; a ratio of 0.30 says that the step
//! and all before it take 3.3 times as long.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{
    error::Error,
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use gengfu::{
    intake::{audit, business, decode, event},
    mining,
    model::{DayRange, LogKind},
};
use jiff::tz::TimeZone;

/// The program's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The best of so many passes counts: the machine is shared, and nothing makes code faster than it is.
const PASSES: usize = 5;
/// What a pass unpacks at least.
const PASS_BYTES: usize = 64 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let day = std::env::args().skip(1).find(|a| !a.starts_with("--"));
    let Some(day) = day.map(PathBuf::from) else {
        eprintln!("no day given, nothing measured: cargo bench --bench intake -- DAY");
        return Ok(());
    };
    let range = DayRange {
        start_ms: 0,
        end_ms: i64::MAX,
        zone: TimeZone::UTC,
    };
    for kind in LogKind::ALL {
        let objects = objects(&day.join("bucket").join(kind.as_str()))?;
        let raw: usize = objects.iter().map(|o| size(o)).sum();
        if raw == 0 {
            continue;
        }
        let alone = best(&objects, unpack);
        print(kind, "unpack alone", raw, alone, alone);
        let lines = best(&objects, |object| {
            decode::for_each_line(object, &decode::Limits::default(), |_, line| {
                black_box(line);
            });
        });
        print(kind, "lines", raw, lines, alone);
        let records = best(&objects, |object| {
            let mut reader = business::Reader::default();
            decode::for_each_line(object, &decode::Limits::default(), |_, line| {
                let Ok(json) = line.json else { return };
                match kind {
                    LogKind::Business => drop(black_box(reader.read(json))),
                    LogKind::Event => drop(black_box(event::read(json))),
                    LogKind::Audit => drop(black_box(audit::read(json))),
                }
            });
        });
        print(kind, "redacted records", raw, records, alone);
        let shapes = best(&objects, |object| {
            black_box(mining::digest::digest(
                kind,
                "k",
                object,
                &range,
                &mut |_| true,
            ));
        });
        print(kind, "counted shapes", raw, shapes, alone);
    }
    Ok(())
}

fn print(kind: LogKind, step: &str, raw: usize, took: Duration, alone: Duration) {
    let rate = raw as f64 / took.as_secs_f64() / 1e6;
    let ratio = alone.as_secs_f64() / took.as_secs_f64();
    println!("{kind:9} {step:18} {rate:7.0} MB/s  {ratio:.2}");
}

fn best(objects: &[Vec<u8>], mut step: impl FnMut(&[u8])) -> Duration {
    let start = Instant::now();
    let now = || on_core().unwrap_or_else(|| start.elapsed());
    let raw: usize = objects.iter().map(|o| size(o)).sum();
    // The system counts in milliseconds: a pass has to be long enough to be measured.
    let times = (PASS_BYTES / raw.max(1)).clamp(1, 1000);
    let passes = (0..PASSES).map(|_| {
        let before = now();
        for _ in 0..times {
            for object in objects {
                step(object);
            }
        }
        now().saturating_sub(before) / u32::try_from(times).unwrap_or(1)
    });
    passes.min().unwrap_or_default()
}

/// How long this thread has been running on a core: on a machine that is shared, time on the wall says nothing.
fn on_core() -> Option<Duration> {
    let all = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = all.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// The size that a gzip object gives for itself.
fn size(object: &[u8]) -> usize {
    object
        .last_chunk::<4>()
        .map_or(0, |b| u32::from_le_bytes(*b) as usize)
}

fn unpack(object: &[u8]) {
    let mut text = vec![0; size(object)];
    // A spoiled object is as fast as it is.
    let _ = black_box(libdeflater::Decompressor::new().gzip_decompress(object, &mut text));
}

fn objects(folder: &Path) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(fs::read(path)?);
            }
        }
    }
    Ok(files)
}
