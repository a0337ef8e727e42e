//! `gengfu search`: hybrid search over a day that was run.

use super::{Failure, Outcome, stored::Stored, tell, tell_json};
use crate::{
    config::Config,
    model::{Day, LogKind, OwnerAlias},
    store::{Query, What},
};

/// Hits printed.
const LIMIT: usize = 20;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose logs; default: whoever the environment or `owner use` names
    #[arg(long, value_name = "ALIAS")]
    pub owner: Option<OwnerAlias>,
    /// Which day; default: yesterday
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<Day>,
    /// Only this kind: business, event or audit
    #[arg(long, value_name = "KIND")]
    pub kind: Option<LogKind>,
    /// Print the hits as JSON
    #[arg(long)]
    pub json: bool,
    /// Words, an error text, an object's name
    pub query: String,
}

pub async fn run(args: Args, config: Config) -> Result<Outcome, Failure> {
    let stored = Stored::open(config, args.owner.as_ref(), args.date).await?;
    let hits = stored
        .store
        .search(Query {
            what: vec![
                What::Template,
                What::Finding,
                What::Incident,
                What::Change,
                What::Record,
            ],
            kind: args.kind,
            days: Some((stored.day, stored.day)),
            limit: LIMIT,
            ..Query::new(&args.query, stored.zone.clone())
        })
        .await?;
    if args.json {
        tell_json(&hits)?;
        return Ok(Outcome::Done);
    }
    for hit in &hits.hits {
        let line = format!(
            "{}  {}  {}  x{}  {}",
            hit.first_seen.hour_minute(),
            hit.kind,
            hit.id,
            hit.count,
            hit.text.replace('\n', " ")
        );
        tell(&line)?;
    }
    if hits.hits.is_empty() {
        tell(stored.lang.pick("没有找到", "nothing found"))?;
    }
    Ok(Outcome::Done)
}
