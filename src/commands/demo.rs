//! `gengfu demo`: the whole product on a sample day.
//!
//! In: nothing but a folder to keep things in, if one is given. Out: the broadcast, and where the two files are. Needs no key and no
//! network; touches nothing of a configured installation.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Failure, Outcome, run::draw, serve, tell};
use crate::{
    app::App,
    config::Config,
    demo,
    model::{BucketUrl, Day, OwnerAlias, Places},
    round::{files::SUMMARY, progress::Progress, tasks::Work},
};

/// The sample cluster's owner.
const OWNER: &str = "demo";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Keep bucket, databases and files in this folder
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Go on as a server over the sample data
    #[arg(long)]
    pub serve: bool,
}

pub async fn run(args: Args, config: Config) -> Result<Outcome, Failure> {
    let temporary = match &args.keep {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("gengfu-demo-").tempdir()?),
    };
    let folder = match (&args.keep, &temporary) {
        (Some(keep), _) => std::path::absolute(keep)?,
        (None, Some(dir)) => dir.path().to_owned(),
        (None, None) => std::env::temp_dir(),
    };
    let config = sample_config(config, &folder)?;
    let zone = config.zone().clone();
    let day = Day::of(jiff::Timestamp::now().as_millisecond(), &zone).plus(-1);
    let bucket = folder.join("bucket");
    tokio::task::spawn_blocking(move || demo::lay(&bucket, day, &zone)).await??;

    let owner: OwnerAlias = OWNER.parse()?;
    let app = App::new(config, owner.clone())?;
    let store = app.store(&owner)?;
    let round = app.round(&owner, store).await?;
    let work = Work::alone(Progress::default());
    let bar = draw(&work.progress, app.lang());
    let outcome = Box::pin(round.run(day, &work)).await;
    bar.await;
    let report = outcome?;
    tell(&std::fs::read_to_string(round.shelf.path(day, SUMMARY))?)?;
    if args.keep.is_some() || args.serve {
        tell(&format!(
            "{}\n{}",
            report.files.summary, report.files.analysis
        ))?;
    } else {
        let advice = app.lang().pick(
            "加 --keep 目录 保留这两个文件和样例桶,加 --serve 接着当服务器用",
            "add --keep DIR to keep the two files and the sample bucket, --serve to go on as a server",
        );
        tell(&format!("llm_summary.txt, vector_analysis.txt ({advice})"))?;
    }
    // The server opens the owner's data itself, and one process writes it once.
    drop(round);
    if args.serve {
        return serve::serve(app).await;
    }
    Ok(Outcome::Done)
}

/// The sample's own configuration: where it lies, whose it is, and no model; how to serve and to speak stays as configured.
fn sample_config(mut config: Config, folder: &Path) -> Result<Config, Failure> {
    let defaults = Config::from_vars(&BTreeMap::new())
        .map_err(|mistakes| Failure::configuration(&mistakes, config.lang()))?;
    config.key = None;
    config.logs.places = Places {
        bucket: Some(BucketUrl::Dir {
            path: folder.join("bucket"),
        }),
        ..defaults.logs.places
    };
    config.running.data_dir = folder.join("data");
    // The sample is nobody's broadcast, and no model is paid for it.
    config.running.publish_dir = None;
    config.models = defaults.models;
    Ok(config)
}
