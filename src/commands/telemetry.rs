//! Log lines on stderr, and a panic that says where without saying what.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

/// Starts logging to stderr. A filter that cannot be read is replaced by the default, with a warning.
///
/// A panic is logged with its place alone: its message may carry a value of a log line or a key.
pub fn start(filter: &str) {
    let wished = EnvFilter::try_new(filter);
    let unreadable = wished.is_err();
    let filter = wished.unwrap_or_else(|_| EnvFilter::new("info,rmcp=warn"));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .try_init();
    if started.is_ok() && unreadable {
        tracing::warn!("cannot read GENGFU_LOG, logging with the default filter");
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panicked: this is a bug of gengfu");
    }));
}
