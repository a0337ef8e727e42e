//! What changed in the audit logs below a directory: one JSON object a line, with the rollback that would be proposed.
//!
//! `cargo run --example changes -- DIR [FROM]`: objects of every kind of log under DIR (`audit/`, other kinds are skipped) in the
//! order of their keys; writes before FROM (Unix milliseconds) only build up the states.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use gengfu::{
    diagnosis::{changes, objects::Objects, rollback},
    intake::{audit, decode},
    model::{
        Lang,
        record::{AuditRecord, AuditWrite},
        shapes::{DayShapes, States},
    },
};
use jiff::tz::TimeZone;
use serde_json::json;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let dir = PathBuf::from(args.next().unwrap_or_else(|| ".".to_owned()));
    let from: i64 = args.next().map_or(Ok(i64::MIN), |a| a.parse())?;
    let zone = TimeZone::get("Asia/Shanghai")?;
    let mut files = Vec::new();
    list(&dir.join("audit"), &mut files)?;
    files.sort();
    let mut writes: Vec<AuditWrite> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for file in files {
        decode::for_each_line(&fs::read(file)?, &decode::Limits::default(), |_, line| {
            let record = line.json.ok().and_then(|json| audit::read(json).ok());
            if let Some(AuditRecord::Write(write)) = record
                && seen.insert(write.id)
            {
                writes.push(*write);
            }
        });
    }
    let (earlier, today): (Vec<_>, Vec<_>) = writes.into_iter().partition(|w| w.ts_ms < from);
    let states = changes::changes(&earlier, &States::new()).states_after(&States::new());
    let shapes = DayShapes {
        writes: today,
        ..DayShapes::default()
    };
    let start = Instant::now();
    let changes = changes::changes(&shapes.writes, &states);
    let objects = Objects::build(&shapes, &states, &changes);
    let elapsed = start.elapsed();
    let mut out = io::stdout().lock();
    for change in &changes.all {
        let proposal = rollback::propose(change, &changes, &objects, &zone, Lang::Zh);
        let set_off_by = change.set_off_by.map(|i| &changes.all[i].write.audit_id);
        let line = json!({
            "audit_id": change.write.audit_id, "at": change.at_ms, "user": change.write.actor.user, "verb": change.write.verb,
            "actor": change.actor, "object": change.object, "what": change.what, "classes": change.classes, "diff": change.diff,
            "cascade": change.cascade.len(), "set_off_by": set_off_by,
            "before": change.before, "after": change.after,
            "rollback": proposal.as_ref().ok(), "no_rollback": proposal.as_ref().err().map(|e| e.told(Lang::Zh)),
        });
        writeln!(out, "{line}")?;
    }
    let mut err = io::stderr().lock();
    writeln!(
        err,
        "{} writes, {} refused, {} states before, changes and objects in {elapsed:?}",
        changes.all.len(),
        changes.refused.len(),
        states.len()
    )?;
    Ok(())
}

fn list(dir: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, out)?;
        } else {
            out.push(path);
        }
    }
    Ok(())
}
