//! Log lines on stderr, and a panic that says where without saying what.
//!
//! In: a filter. Out: lines. Always true: below `info` only our own lines are shown, whatever the filter asks for: what others log there
//! are requests as they came over the wire, with spoken codes and tokens in them.

use std::io::{self, IsTerminal as _};

use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Starts logging to stderr; switches of owners are logged whatever the filter says, unless it says `off`. A filter that cannot be read is replaced by the default, with a warning. The model's client never
/// speaks: it logs bodies of answers.
///
/// A panic is logged with its place alone: its message may carry a value of a log line or a key.
pub fn start(filter: &str) {
    let is_off = filter.trim() == "off";
    let wished = EnvFilter::try_new(filter);
    let unreadable = wished.is_err();
    let filter = wished.unwrap_or_else(|_| EnvFilter::new("info,rmcp=warn"));
    // Who switched to whom is written down whatever else is wanted.
    let always = ["genai=off", "gengfu::audit=info"];
    let filter = always
        .into_iter()
        .filter(|_| !is_off)
        .filter_map(|directive| directive.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_filter(filter.and(filter_fn(may_be_shown)));
    let started = tracing_subscriber::registry().with(lines).try_init();
    if started.is_ok() && unreadable {
        tracing::warn!("cannot read GENGFU_LOG, logging with the default filter");
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panicked: this is a bug of gengfu");
    }));
}

fn may_be_shown(line: &Metadata<'_>) -> bool {
    let ours = line.target() == "gengfu" || line.target().starts_with("gengfu::");
    ours || *line.level() <= Level::INFO
}
