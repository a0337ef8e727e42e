//! `gengfu trace`: the cause chain from one kind of log, over a day that was run.

use super::{Failure, Outcome, stored::Stored, tell, tell_json};
use crate::{
    config::Config,
    diagnosis::trace::{Ask, Step, Told, Trace, trace},
    model::{Day, Lang, LogKind, OwnerAlias},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose logs; default: whoever the environment or `owner use` names
    #[arg(long, value_name = "ALIAS")]
    pub owner: Option<OwnerAlias>,
    /// Which day; default: yesterday
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<Day>,
    /// Where to start: business, event or audit
    #[arg(long, value_name = "KIND", default_value = "business")]
    pub from: LogKind,
    /// Print the steps as JSON
    #[arg(long)]
    pub json: bool,
    /// A service, object, error code or words; default: the most important incident
    pub query: Option<String>,
}

pub async fn run(args: Args, config: Config) -> Result<Outcome, Failure> {
    let stored = Stored::open(config, args.owner.as_ref(), args.date).await?;
    let report = stored.report().await?;
    let seen: Vec<LogKind> = report
        .coverage
        .iter()
        .filter(|(_, c)| c.records > 0)
        .map(|(kind, _)| *kind)
        .collect();
    let told = Told {
        findings: &report.findings,
        incidents: &report.incidents,
        chronic: &report.chronic,
        seen: &seen,
        lang: stored.lang,
    };
    let found = trace(
        told,
        Ask {
            from: args.from,
            incident: None,
            object: None,
            query: args.query.as_deref(),
        },
    );
    if args.json {
        tell_json(&found)?;
    } else {
        tell(&in_words(&found, stored.lang))?;
    }
    Ok(Outcome::Done)
}

/// The chain as lines for a terminal.
fn in_words(found: &Trace, lang: Lang) -> String {
    let mut lines = vec![found.start.title.clone()];
    for Step {
        kind,
        key_fields,
        evidence,
        why_next,
        ..
    } in &found.steps
    {
        let fields: Vec<String> = key_fields
            .iter()
            .map(|f| format!("{}={}", f.name, f.value))
            .collect();
        let ids: Vec<String> = evidence.iter().map(ToString::to_string).collect();
        lines.push(format!("{kind}: {}", fields.join(" ")));
        lines.push(format!("  {}", ids.join(" ")));
        if !why_next.is_empty() {
            lines.push(format!("  -> {why_next}"));
        }
    }
    match &found.root {
        Some(root) => lines.push(format!(
            "{}: {} ({})",
            lang.pick("根源", "root"),
            root.object,
            root.cause
        )),
        None => lines.push(
            lang.pick("日志里没有找到原因", "no cause in these logs")
                .to_owned(),
        ),
    }
    lines.join("\n")
}
