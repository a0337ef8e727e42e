//! `gengfu alert`: analyses one alarm body.
//!
//! In: a file or stdin with a body of any accepted form. Out: what is told of it and the page for a screen, or the analysis as JSON. Keeps
//! nothing; reads beside whoever serves. Without an owner or its data the condition alone is judged, and that is said.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::{Failure, Outcome, owner, tell};
use crate::{
    alerts::{self, Around, Source, inbox},
    config::Config,
    diagnosis::faults::Catalogue,
    model::{Lang, Moment, OwnerAlias},
    store::{self, Store},
    voice::Ask,
};

/// As large a body as the webhook takes, and then some.
const MOST_BYTES: u64 = 1024 * 1024;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// File with the alarm's body; `-` reads stdin
    pub file: PathBuf,
    /// Whose alarm; default: whoever the environment or `owner use` names
    #[arg(long, value_name = "ALIAS")]
    pub owner: Option<OwnerAlias>,
    /// Print the analysis as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn run(args: Args, config: &Config) -> Result<Outcome, Failure> {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let (lang, zone) = (config.lang(), config.zone());
    let alarm = inbox::open(&body(&args.file, lang)?, Source::Spoken, now_ms).alarm;
    let around = match store(&args, config)? {
        Some(store) => alerts::gather(&store, &alarm, zone).await?,
        None => Around::nothing(&alarm, zone),
    };
    let analysis = alerts::analyse(&alarm, &around, &Catalogue::builtin()?, lang);
    if args.json {
        tell(&serde_json::to_string_pretty(&analysis)?)?;
    } else {
        let spoken = analysis.spoken(&Ask::new(Moment::new(now_ms, zone), lang));
        tell(&format!("{spoken}\n\n{}", analysis.page(lang)))?;
    }
    Ok(Outcome::Done)
}

fn body(file: &Path, lang: Lang) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    if file == Path::new("-") {
        io::stdin().lock().take(MOST_BYTES).read_to_end(&mut body)?;
    } else {
        let open = std::fs::File::open(file);
        let open = open.with_context(|| {
            let (file, cannot) = (file.display(), lang.pick("打不开告警文件", "cannot open"));
            format!("{cannot} {file}")
        })?;
        open.take(MOST_BYTES).read_to_end(&mut body)?;
    }
    Ok(body)
}

/// The owner's data; `None` when there is none, unless an owner was named.
fn store(args: &Args, config: &Config) -> Result<Option<Store>, Failure> {
    let alias = match owner::open(config)?.choose(args.owner.as_ref()) {
        Ok(alias) => alias,
        Err(_) if args.owner.is_none() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match Store::open_reader(&config.running.data_dir, &alias) {
        Ok(store) => Ok(Some(store)),
        Err(store::Error::NoData(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
