//! Whole generated days against their known truth. Skipped, loudly, where the generator is not at hand.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    process::Command,
};

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::{audit, business, decode, event, redact};
use crate::model::{
    Day, LogKind,
    record::{AuditRecord, Rejection},
    shapes::LineCounts,
};

/// The generator's folder: `GENGFU_SHARED` names the one above it.
fn generator() -> Option<PathBuf> {
    let shared = std::env::var_os("GENGFU_SHARED").map(PathBuf::from);
    let found = shared
        .map(|s| s.join("incidents/gen.py"))
        .filter(|g| g.exists());
    if found.is_none() {
        eprintln!("SKIPPED: set GENGFU_SHARED to the folder that holds incidents/gen.py");
    }
    found
}

fn generate(generator: &Path, out: &Path, options: &[&str]) -> Value {
    let done = Command::new("python3")
        .arg(generator)
        .arg("--out")
        .arg(out)
        .args(["--days-before", "0", "--scale", "0.3"])
        .args(options)
        .output()
        .expect("python3 runs");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let truth = std::fs::read(out.join("truth.json")).expect("truth");
    serde_json::from_slice(&truth).expect("truth is JSON")
}

/// Time and identity of a line's record.
fn read(kind: LogKind, line: &[u8]) -> Result<(i64, u64), Rejection> {
    match kind {
        LogKind::Business => business::read(line).map(|r| (r.ts_ms, r.identity)),
        LogKind::Event => event::read(line).map(|r| (r.ts_ms, r.id.hash)),
        LogKind::Audit => audit::read(line).map(|r| match r {
            AuditRecord::Write(w) => (w.ts_ms, w.id.hash),
            AuditRecord::Call(c) => (c.ts_ms, c.id.hash),
        }),
    }
}

fn objects(day: &Path, kind: LogKind) -> Vec<Vec<u8>> {
    let mut folders = vec![day.join("bucket").join(kind.as_str())];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
        .iter()
        .map(|f| std::fs::read(f).expect("file"))
        .collect()
}

fn count(day: &Path, kind: LogKind) -> (LineCounts, usize) {
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let date: Day = "2026-11-21".parse().expect("day");
    let range = date.range(&zone);
    let (mut counts, mut problems, mut seen) = (LineCounts::default(), 0, HashSet::new());
    for object in objects(day, kind) {
        let problem = decode::for_each_line(&object, &decode::Limits::default(), |_, line| {
            counts.lines += 1;
            match line.json.and_then(|json| read(kind, json)) {
                Err(_) => counts.rejected += 1,
                Ok((ts, _)) if !range.contains(ts) => counts.outside_day += 1,
                Ok((_, identity)) if !seen.insert(identity) => counts.duplicates += 1,
                Ok(_) => counts.records += 1,
            }
        });
        problems += usize::from(problem.is_some());
    }
    (counts, problems)
}

#[test]
fn a_dirty_day_is_counted_as_it_was_made() {
    let Some(generator) = generator() else { return };
    let folder = tempfile::tempdir().expect("folder");
    for (seed, format) in [
        ("1", "json1"),
        ("2", "json0"),
        ("3", "json1"),
        ("4", "json0"),
    ] {
        let day = folder.path().join(seed);
        let options = ["--dirty", "--seed", seed, "--format", format];
        let truth = generate(&generator, &day, &options);
        for kind in LogKind::ALL {
            let truth = &truth["counts"][kind.as_str()];
            let number = |name: &str| truth[name].as_u64().expect("number");
            let (counts, problems) = count(&day, kind);
            let expected = LineCounts {
                bytes: 0,
                lines: number("lines_salvage"),
                records: number("records"),
                rejected: number("rejected_salvage"),
                duplicates: number("duplicates_salvage"),
                outside_day: number("outside_day"),
            };
            assert_eq!(counts, expected, "seed {seed} {format} {kind}");
            assert_eq!(
                problems as u64,
                number("objects_unreadable"),
                "seed {seed} {kind}"
            );
        }
    }
}

#[test]
fn both_json_types_give_the_same_identities() {
    let Some(generator) = generator() else { return };
    let folder = tempfile::tempdir().expect("folder");
    generate(&generator, folder.path(), &["--seed", "5"]);
    for kind in LogKind::ALL {
        for object in objects(folder.path(), kind) {
            decode::for_each_line(&object, &decode::Limits::default(), |_, line| {
                let structured = line.json.expect("line");
                let strings = to_json_type_0(structured);
                assert_eq!(
                    read(kind, structured),
                    read(kind, strings.as_bytes()),
                    "{strings}"
                );
            });
        }
    }
}

/// Every value a string, nested values escaped, tags tiled.
fn to_json_type_0(line: &[u8]) -> String {
    let fields: Map<String, Value> = serde_json::from_slice(line).expect("object");
    let mut strings = Map::new();
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    for (key, value) in &fields {
        match value {
            Value::Object(tags) if key == "__TAG__" => {
                strings.extend(
                    tags.iter()
                        .map(|(k, v)| (format!("{key}.{k}"), text(v).into())),
                );
            }
            value => {
                strings.insert(key.clone(), text(value).into());
            }
        }
    }
    Value::Object(strings).to_string()
}

#[test]
fn planted_secrets_are_gone_and_nothing_else_is() {
    let Some(generator) = generator() else { return };
    let folder = tempfile::tempdir().expect("folder");
    for (seed, format) in [("6", "json1"), ("7", "json0")] {
        let day = folder.path().join(seed);
        let truth = generate(&generator, &day, &["--seed", seed, "--format", format]);
        let secrets: Vec<&str> = truth["secrets"]
            .as_array()
            .expect("secrets")
            .iter()
            .filter_map(|s| s["value"].as_str())
            .collect();
        let mut changed = Vec::new();
        for kind in LogKind::ALL {
            for object in objects(&day, kind) {
                decode::for_each_line(&object, &decode::Limits::default(), |_, line| {
                    let redacted = redact::line(line.raw);
                    let record = shown(kind, line.raw);
                    for secret in &secrets {
                        assert!(!redacted.contains(secret), "{secret} in {redacted}");
                        assert!(!record.contains(secret), "{secret} in {record}");
                    }
                    if redacted.as_bytes() != line.raw {
                        changed.push(redacted);
                    }
                });
            }
        }
        for line in &changed {
            println!("{line}\n");
        }
        assert!(
            changed.len() <= secrets.len(),
            "{} lines changed for {} secrets",
            changed.len(),
            secrets.len()
        );
    }
}

/// Everything a record says.
fn shown(kind: LogKind, line: &[u8]) -> String {
    match kind {
        LogKind::Business => format!("{:?}", business::read(line)),
        LogKind::Event => format!("{:?}", event::read(line)),
        LogKind::Audit => format!("{:?}", audit::read(line)),
    }
}

/// Lines as they are, from which the hostile ones are made.
const LINES: [&str; 3] = [
    r#"{"__TIMESTAMP__":1795277412000,"__TAG__":"{\"namespace\":\"shop\",\"pod_name\":\"a-0\"}","__CONTENT__":"{\"level\":\"error\",\"msg\":\"x 中 \\u00e9\",\"ctx\":[1,{\"a\":null}]}","level":50,"ctx":{"a":[1.50,true]}}"#,
    r#"{"__TIMESTAMP__":"1795277412","clusterId":"cls-1","event":{"metadata":{"uid":"u"},"involvedObject":{"kind":"Pod","name":"a-0","fieldPath":"spec.containers{c}"},"reason":"BackOff","message":"m","count":3,"lastTimestamp":"2026-11-21T16:10:12Z","type":"Warning"}}"#,
    r#"{"__TIMESTAMP__":1795277412000,"auditID":"a","stage":"ResponseComplete","verb":"patch","user":"{\"username\":\"u\",\"groups\":[\"g\"]}","sourceIPs":["10.0.0.1"],"objectRef":{"resource":"secrets","name":"n"},"requestObject":{"data":{"k":"djE="},"metadata":{"managedFields":[]}},"responseObject":"{\"kind\":\"Secret\"}"}"#,
];

proptest::proptest! {
    #[test]
    fn a_spoiled_line_is_data(
        which in 0_usize..3,
        edits in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 0_u8..4, proptest::prelude::any::<u8>()), 0..6),
    ) {
        let mut line = LINES[which].as_bytes().to_vec();
        for (at, edit, byte) in edits {
            let at = at.index(line.len().max(1)).min(line.len());
            match edit {
                0 => line.truncate(at),
                1 => line.insert(at, byte),
                2 => line.splice(at.., LINES[usize::from(byte) % 3].bytes()).for_each(drop),
                _ if at < line.len() => line[at] = byte,
                _ => {}
            }
        }
        for kind in LogKind::ALL {
            let _data_or_reason = read(kind, &line);
        }
        let _shown = super::redact::line(&line);
    }
}

#[test]
fn nesting_of_a_hundred_thousand_levels_is_refused_or_text_wherever_it_stands() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let escaped = serde_json::to_string(&deep).expect("a string");
        for kind in LogKind::ALL {
            let line = LINES[kind as usize];
            let head = &line[..line.len() - 1];
            let structured = format!(r#"{head},"ctx2":{deep}}}"#);
            assert_eq!(read(kind, structured.as_bytes()), Err(Rejection::TooDeep));
            for name in [
                "ctx2",
                "__TAG__",
                "user",
                "requestObject",
                "event",
                "__CONTENT__",
            ] {
                let line = format!(r#"{head},"{name}":{escaped}}}"#);
                let _data_or_reason = read(kind, line.as_bytes());
                let _shown = super::redact::line(line.as_bytes());
            }
        }
    }
}
