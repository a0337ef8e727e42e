//! The command line: one file per subcommand, and how each ends.
//!
//! In: arguments and [`Config`]. Out: text on stdout, an exit status. Always true: results go to stdout and everything else to
//! stderr, so that `--json` can be piped; no key is ever an argument, since arguments show in process lists.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use serde::Serialize;

use crate::{
    config::{self, Config, Mistake},
    model::{Lang, plain},
};

pub mod alert;
mod catch_up;
pub mod connect;
pub mod demo;
pub mod doctor;
mod environment;
mod handover;
mod healthy;
pub mod init;
mod measures;
mod nightly;
pub mod owner;
mod polling;
pub mod probe;
mod prompt;
pub mod report;
mod rounds;
pub mod run;
pub mod search;
pub mod serve;
mod stored;
pub mod telemetry;
mod telling;
pub mod templates;
pub mod token;
pub mod trace;
mod words;

/// Night watchman for Tencent Kubernetes clusters: reads yesterday's logs from COS and says what broke, and why.
#[derive(Debug, Parser)]
#[command(name = "gengfu", version, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Settings come from the environment and from .env (see .env.example).
Exit status: 0 done, 1 failed, 2 used wrongly or misconfigured, 3 done but incomplete.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole product on a sample day; needs no key and no network
    Demo(demo::Args),
    /// Serve MCP, alarm webhooks and the status page, and run the round of every night
    Serve(serve::Args),
    /// Run the round of one day now: read the logs, find what broke, write the two files
    Run(run::Args),
    /// Follow the cause of a problem from one kind of log through the others
    Trace(trace::Args),
    /// Write a day as one HTML file, or its two files again
    Report(report::Args),
    /// Analyse one alarm body of any accepted format
    Alert(alert::Args),
    /// Search templates, findings and kept records of a day
    Search(search::Args),
    /// Mine templates from plain lines on stdin
    Templates {
        /// Print one cluster id per input line, in order, and nothing else
        #[arg(long)]
        ids: bool,
    },
    /// Manage owners and their keys
    Owner(owner::Args),
    /// Find clusters, topics and buckets from a key and a region, and write .env
    Init(init::Args),
    /// Print the configuration of a client and test it through its very URL
    Connect(connect::Args),
    /// Check configuration, keys, buckets, clock, models and databases; say what to do about each
    Doctor(doctor::Args),
    /// Ask the server of this machine whether it is alive (exit status 0 or 1)
    Healthy,
    /// Make, list and revoke bearer tokens; alone: print a fresh one for GENGFU_TOKENS
    Token(token::Args),
}

/// Reads the arguments, or ends the program with what is wrong about them.
pub fn arguments(lang: Lang) -> Result<Cli, Failure> {
    Cli::try_parse().map_err(|error| match words::misread(&error, lang) {
        Some(sentence) => Failure::Misused(sentence),
        None => error.exit(),
    })
}

/// Runs a command. Those that help to write the configuration, or need none, do not ask for a right one.
pub async fn run(
    command: Command,
    config: Result<Config, Vec<Mistake>>,
) -> Result<Outcome, Failure> {
    let configured = || {
        let all_mistakes =
            |mistakes: &Vec<Mistake>| Failure::configuration(mistakes, config::lang_wished());
        config.as_ref().map_err(all_mistakes)
    };
    match command {
        Command::Owner(args) => owner::run(args, configured()?).await,
        Command::Connect(args) => connect::run(args, configured()?).await,
        Command::Doctor(args) => doctor::run(args, config).await,
        Command::Healthy => healthy::run(configured()?).await,
        Command::Init(_) => init::run(config).await,
        Command::Token(args) => token::run(args, || configured().cloned()),
        Command::Templates { ids } => {
            templates::run(
                ids,
                io::stdin().lock(),
                io::BufWriter::new(io::stdout().lock()),
            )?;
            Ok(Outcome::Done)
        }
        Command::Demo(args) => Box::pin(demo::run(args, configured()?.clone())).await,
        Command::Alert(args) => alert::run(args, configured()?).await,
        Command::Run(args) => Box::pin(run::run(args, configured()?.clone())).await,
        Command::Serve(_) => Box::pin(serve::run(configured()?.clone())).await,
        Command::Trace(args) => trace::run(args, configured()?.clone()).await,
        Command::Report(args) => report::run(args, configured()?.clone()).await,
        Command::Search(args) => search::run(args, configured()?.clone()).await,
    }
}

/// How a command ended that did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Done, but something could not be read; what, is said in the output.
    Incomplete,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Incomplete => Self::from(3),
        }
    }
}

/// How a command ended that did not.
#[derive(Debug)]
pub enum Failure {
    /// Key, bucket, disk, schema, network: exit status 1. A wrong name or setting that was noticed late: 2.
    Failed(anyhow::Error),
    /// Wrong arguments or configuration, told in whole sentences: exit status 2.
    Misused(String),
}

impl Failure {
    /// All mistakes of the configuration in one text.
    pub fn configuration(mistakes: &[Mistake], lang: Lang) -> Self {
        let mut text = lang
            .pick("配置有误:", "the configuration has mistakes:")
            .to_owned();
        for mistake in mistakes {
            text.push_str("\n  ");
            text.push_str(&mistake.in_words(lang));
        }
        Self::Misused(text)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Failure> for ExitCode {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Failed(error) if !words::is_misuse(&error) => Self::from(1),
            Failure::Failed(_) | Failure::Misused(_) => Self::from(2),
        }
    }
}

/// Says on stderr why a command failed and what to do.
pub fn complain(failure: &Failure, lang: Lang) {
    let text = match failure {
        Failure::Failed(error) => words::sentence(error, lang),
        Failure::Misused(text) => text.clone(),
    };
    remark(&text);
}

/// Says something on stderr that is no result.
fn remark(text: &str) {
    // Nobody is left to be told that stderr is gone.
    let _ = writeln!(io::stderr().lock(), "gengfu: {}", plain(text));
}

/// Writes a result to stdout, for people: nothing of a log line may hide or reorder what they see, or steer their terminal.
pub fn tell(text: &str) -> io::Result<()> {
    put(&plain(text))
}

/// Writes a result to stdout as JSON, for programs: every string as it is.
fn tell_json(value: &(impl Serialize + ?Sized)) -> Result<(), Failure> {
    Ok(put(&serde_json::to_string_pretty(value)?)?)
}

/// A reader that went away (`| head`) ends the program without a complaint of its own.
fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_takes_a_key_as_an_argument() {
        let mut waiting = vec![Cli::command()];
        while let Some(command) = waiting.pop() {
            for arg in command.get_arguments() {
                let name = arg.get_id().as_str();
                assert!(
                    !["key", "secret", "password"]
                        .iter()
                        .any(|w| name.contains(w)),
                    "{name}"
                );
            }
            waiting.extend(command.get_subcommands().cloned());
        }
    }
}
