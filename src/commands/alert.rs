//! `gengfu alert`: analyses one alarm body.
//!
//! In: a file or stdin with a body of any accepted form. Out: what is told of it and the page for a screen, or the analysis as JSON. Keeps
//! no alarm; reads the logs around it as the server would, beside whoever serves. Without an owner or its data the condition alone is
//! judged, and that is said.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use futures::FutureExt as _;

use super::{Failure, Outcome, owner, tell, tell_json};
use crate::{
    alerts::{self, Around, Look, inbox},
    app::{App, LOCAL_OWNER},
    config::Config,
    diagnosis::faults::Catalogue,
    model::{Lang, Moment, OwnerAlias},
    round::{
        around::{ReadAround, Seen, Window},
        progress::Progress,
        pull::Want,
        tasks::{TaskKey, Work},
    },
    store::{self, Store},
    voice::Ask,
};

/// Somebody sits before the screen and waits.
const PATIENCE: Duration = Duration::from_mins(5);

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
    let alarm = inbox::pasted(&body(&args.file, lang)?, now_ms);
    let around = match store(&args, config)? {
        Some(store) => {
            let look = Look {
                read: reader(config, &store)?,
                patience: PATIENCE,
                zone: zone.clone(),
                lang,
            };
            look.at(&store, &alarm).await?.around
        }
        None => Around::nothing(&alarm, zone),
    };
    let analysis = alerts::analyse(&alarm, &around, &Catalogue::builtin()?, lang);
    if args.json {
        tell_json(&analysis)?;
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

/// Who reads logs that are not stored; where nobody else writes the owner's data, also from the bucket.
fn reader(config: &Config, store: &Store) -> Result<Option<Arc<ReadAround>>, Failure> {
    let app = App::new(config.clone(), LOCAL_OWNER.parse()?)?;
    let store = store.clone();
    Ok(Some(Arc::new(move |owner, window: Window| {
        let (app, store) = (app.clone(), store.clone());
        async move {
            let lang = app.lang();
            let round = app.round(&owner, store.clone()).await;
            let round = round.map_err(|e| e.sentence(lang))?;
            let mut failed = None;
            for day in window.days(app.config.zone()) {
                let key = TaskKey {
                    want: Want::Around {
                        from_ms: window.from_ms,
                        to_ms: window.to_ms,
                    },
                    ..TaskKey::round(owner.clone(), day)
                };
                if store.is_writer()
                    && let Err(error) = round
                        .carry_out(&key, &Work::alone(Progress::default()))
                        .await
                {
                    failed = Some(error.sentence(lang));
                }
            }
            let seen = round.around(&window).await;
            let seen = seen.map_err(|e| e.sentence(lang))?;
            Ok(Seen { failed, ..seen })
        }
        .boxed()
    })))
}

/// The owner's data, for writing where nobody else writes it; `None` when there is no owner, or nothing to read for one.
fn store(args: &Args, config: &Config) -> Result<Option<Store>, Failure> {
    let alias = match owner::open(config)?.choose(args.owner.as_ref()) {
        Ok(alias) => alias,
        Err(_) if args.owner.is_none() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let data_dir = &config.running.data_dir;
    let opened = match Store::open_reader(data_dir, &alias) {
        // Only where logs can be read is there anything to keep.
        Err(store::Error::NoData(_)) if !config.logs.places.has_bucket() => return Ok(None),
        _ => Store::open(data_dir, &alias),
    };
    match opened {
        Ok(store) => Ok(Some(store)),
        Err(store::Error::Locked { .. }) => Ok(Some(Store::open_reader(data_dir, &alias)?)),
        Err(error) => Err(error.into()),
    }
}
