//! Says aloud, as text, what the robot would say of days that were diagnosed: the broadcast, each incident, each rollback.
//!
//! `cargo run --example listen -- report.json...`, where a report is what `gengfu run --json` printed. The listener asks at ten o'clock on
//! the morning after. For engineers who change the wording.

use std::{fs, io::Write as _};

use anyhow::Context;
use gengfu::{
    model::{Lang, Moment, report::Report},
    voice::{self, Ask, Detail},
};
use jiff::tz::TimeZone;

fn main() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for path in std::env::args().skip(1) {
        let text = fs::read_to_string(&path).with_context(|| path.clone())?;
        let report: Report = serde_json::from_str(&text).with_context(|| path.clone())?;
        let zone = TimeZone::get(&report.timezone)?;
        let ten = report.date.plus(1).range(&zone).start_ms + 10 * 3_600_000;
        let ask = Ask::new(Moment::new(ten, &zone), Lang::Zh);
        writeln!(out, "# {path}")?;
        writeln!(out, "{}", voice::broadcast(&report, &ask).told)?;
        writeln!(
            out,
            "{}",
            voice::broadcast(&report, &ask.detail(Detail::Brief)).told
        )?;
        for incident in &report.incidents {
            writeln!(out, "- {}", voice::incident(&report, incident, &ask).told)?;
            writeln!(out, "  {}", voice::rollback(&report, incident, &ask).told)?;
        }
    }
    Ok(())
}
