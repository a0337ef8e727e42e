//! `gengfu search`: hybrid search over a day that was run, and over the problems of the days before it where no day is named.

use super::{Failure, Outcome, stored::Stored, tell, tell_json};
use crate::{
    config::Config,
    model::{Day, LogKind, OwnerAlias},
    store::{Query, What},
};

/// Hits printed.
const LIMIT: usize = 20;
/// Problems of earlier days printed.
const EARLIER: usize = 5;
/// As far back as anybody keeps reports.
const DAYS_BACK: i32 = 3650;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose logs; default: whoever the environment or `owner use` names
    #[arg(long, value_name = "ALIAS")]
    pub owner: Option<OwnerAlias>,
    /// Which day; default: yesterday, and the problems of the days before
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
    // Nothing is found in a day that nobody read.
    stored.report().await?;
    let mut hits = stored
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
    if args.date.is_none() {
        let before = stored.day.plus(-1);
        let query = Query {
            what: vec![What::Incident],
            kind: args.kind,
            days: Some((before.plus(-DAYS_BACK), before)),
            limit: EARLIER,
            ..Query::new(&args.query, stored.zone.clone())
        };
        let earlier = stored.store.search(query).await?;
        hits.total += earlier.hits.len();
        hits.hits.extend(earlier.hits);
    }
    if args.json {
        tell_json(&hits)?;
        return Ok(Outcome::Done);
    }
    for hit in &hits.hits {
        let date = if hit.date == stored.day {
            String::new()
        } else {
            format!("{} ", hit.date)
        };
        let line = format!(
            "{date}{}  {}  {}  x{}  {}",
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
