//! `gengfu report`: a day as one HTML file, or its two files written again.
//!
//! In: a stored day. Out: a page without requests to anywhere, or `llm_summary.txt` and `vector_analysis.txt` as this program words them.
//! Always true: nothing is downloaded and no model asked; log text is escaped, whatever stands in it.

use std::path::PathBuf;

use super::{Failure, Outcome, stored::Stored, tell};
use crate::{
    config::Config,
    model::{Day, OwnerAlias, report::Report},
    page::{self, Reader},
    round::files,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose logs; default: whoever the environment or `owner use` names
    #[arg(long, value_name = "ALIAS")]
    pub owner: Option<OwnerAlias>,
    /// Which day; default: yesterday
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<Day>,
    /// The file to write; without it, the two files of the day are written again
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

pub async fn run(args: Args, config: Config) -> Result<Outcome, Failure> {
    let stored = Stored::open(config, args.owner.as_ref(), args.date).await?;
    let report = stored.report().await?;
    let Some(html) = args.html else {
        return again(&stored, report).await;
    };
    let reader = Reader {
        lang: stored.lang,
        zone: stored.zone.clone(),
        now_ms: jiff::Timestamp::now().as_millisecond(),
    };
    let name = stored.app.owners.name(stored.store.owner());
    let text = page::file::file(&stored.store, stored.day, name, &reader).await?;
    files::replace(&html, text.unwrap_or_default().as_bytes())?;
    tell(&html.display().to_string())?;
    Ok(Outcome::Done)
}

async fn again(stored: &Stored, report: Report) -> Result<Outcome, Failure> {
    let shelf = stored.app.shelf(stored.store.owner());
    let texts = stored.app.judge().again(&stored.store, report).await;
    let texts = texts.map_err(|error| Failure::Failed(error.into()))?;
    let written = [
        (files::SUMMARY, texts.summary.as_str()),
        (files::ANALYSIS, texts.analysis.as_str()),
    ];
    for (name, text) in written {
        shelf.write(stored.day, name, text)?;
        tell(&shelf.path(stored.day, name).display().to_string())?;
    }
    Ok(Outcome::Done)
}
