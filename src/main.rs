//! Arguments -> configuration -> telemetry -> command -> exit code.

use std::process::ExitCode;

use gengfu::{
    commands::{self, Cli, Failure},
    config::{self, Config, Mistake},
};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let config = Config::load();
    let lang = config
        .as_ref()
        .map_or_else(|_| config::lang_wished(), Config::lang);
    match commands::arguments(lang).and_then(|cli| run(cli, config)) {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            commands::complain(&failure, lang);
            failure.into()
        }
    }
}

fn run(cli: Cli, config: Result<Config, Vec<Mistake>>) -> Result<commands::Outcome, Failure> {
    let filter = config
        .as_ref()
        .map_or("info,rmcp=warn", |c| c.running.log_filter.as_str());
    commands::telemetry::start(filter);
    // One TLS provider for the whole process; a second call would only say that the first has happened.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().map_err(anyhow::Error::from)?;
    let outcome = runtime.block_on(commands::run(cli.command, config));
    // A blocking read of the terminal may still be waiting; it must not hold up the end.
    runtime.shutdown_background();
    outcome
}
