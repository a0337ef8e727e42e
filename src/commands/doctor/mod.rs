//! `gengfu doctor`: everything that has to be right, looked at once, with what to do about each.
//!
//! In: the configuration, right or wrong. Out: one line a check on stdout, or a JSON list. Exit status: 0 nothing to do, 1 something is
//! wrong, 2 the configuration itself is. Reads only; costs one cheap call a key, one listing a kind, and one short completion.

use serde::Serialize;

use super::{Failure, Outcome, tell, tell_json};
use crate::{
    app::{self, LOCAL_OWNER},
    config::{self, Config, Mistake},
    model::Lang,
};

mod here;
mod models;
mod owner;
mod robots;

pub(super) use owner::size_of_day;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the checks as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Problem,
    /// Not set up, and not needed for the rest.
    Off,
}

/// What keeps the configured model from answering, by one real completion; `None` when it answers or none is configured.
pub(super) async fn model_trouble(config: &Config) -> Option<String> {
    let check = models::completion(config).await;
    let todo = check.todo.unwrap_or_default();
    (check.status == Status::Problem).then(|| format!("{} {todo}", check.found))
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    /// What is so.
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    todo: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Ok,
            found: found.into(),
            todo: None,
        }
    }

    fn off(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            status: Status::Off,
            ..Self::ok(name, found)
        }
    }

    fn problem(name: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            status: Status::Problem,
            todo: Some(todo.into()),
            ..Self::ok(name, found)
        }
    }

    fn in_words(&self, lang: Lang) -> String {
        let status = match self.status {
            Status::Ok => lang.pick("正常", "ok     "),
            Status::Problem => lang.pick("问题", "problem"),
            Status::Off => lang.pick("未用", "off    "),
        };
        let todo = self
            .todo
            .as_ref()
            .map(|todo| format!("\n        -> {todo}"));
        format!(
            "{status}  {:<14} {}{}",
            self.name,
            self.found,
            todo.unwrap_or_default()
        )
    }
}

pub(super) async fn run(
    args: Args,
    config: Result<Config, Vec<Mistake>>,
) -> Result<Outcome, Failure> {
    let config = match config {
        Ok(config) => config,
        Err(mistakes) => {
            let lang = config::lang_wished();
            let checks: Vec<_> = mistakes.iter().map(|m| misconfigured(m, lang)).collect();
            show(&checks, args.json, lang)?;
            let text = lang.pick(
                "先改好配置，再检查其余各项",
                "mend the configuration first; the rest was not looked at",
            );
            return Err(Failure::Misused(text.to_owned()));
        }
    };
    let lang = config.lang();
    let mut checks = here::checks(&config);
    match app::owners(&config, LOCAL_OWNER.parse()?) {
        Ok(owners) => checks.extend(owner::checks(&owners, &config).await),
        Err(error) => checks.push(Check::problem(
            "owners",
            error.to_string(),
            lang.pick("按上面的说明处理", "do as it says"),
        )),
    }
    checks.extend(models::checks(&config).await);
    checks.push(here::webhook(&config).await);
    let now_ms = jiff::Timestamp::now().as_millisecond();
    checks.extend(robots::check(&config, now_ms).await);
    checks.extend(here::cls_template(&config));
    show(&checks, args.json, lang)?;
    let problems = checks
        .iter()
        .filter(|c| c.status == Status::Problem)
        .count();
    if problems == 0 {
        return Ok(Outcome::Done);
    }
    let text = lang.pick(
        format!("有 {problems} 处要处理"),
        format!("{problems} things to mend"),
    );
    Err(Failure::Failed(anyhow::anyhow!(text)))
}

fn misconfigured(mistake: &Mistake, lang: Lang) -> Check {
    let found = mistake.found.clone().unwrap_or_else(|| "-".to_owned());
    let write = lang.pick(&mistake.write.0, &mistake.write.1);
    let todo = lang.pick(
        format!("{} 请写{write}", mistake.variable),
        format!("write {write}"),
    );
    Check::problem(
        "configuration",
        format!("{}: {found}", mistake.variable),
        todo,
    )
}

fn show(checks: &[Check], json: bool, lang: Lang) -> Result<(), Failure> {
    if json {
        tell_json(checks)?;
    } else {
        let lines: Vec<_> = checks.iter().map(|c| c.in_words(lang)).collect();
        tell(&lines.join("\n"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
