//! `gengfu token`: bearer tokens, made, listed, revoked.
//!
//! In: a name and what the token may do. Out: the token on stdout, once; only its hash is kept. A running `serve` takes a change within a
//! second. Without a subcommand a fresh token for `GENGFU_TOKENS` is printed and nothing is kept.

use std::path::Path;

use super::{Failure, Outcome, remark, tell};
use crate::{
    app::{self, LOCAL_OWNER},
    config::Config,
    http::{auth, token_file},
    model::{Lang, Moment, OwnerAlias},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a token, print it once, keep its hash
    Add {
        /// What to call it in logs and lists
        name: String,
        /// Owner whose data it opens; may be repeated; default: all
        #[arg(long, value_name = "ALIAS")]
        owner: Vec<OwnerAlias>,
        /// Length of answers when a call does not say
        #[arg(long, value_parser = ["brief", "normal", "full"])]
        detail: Option<String>,
        /// Requests in a minute
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        rate: Option<u32>,
    },
    /// List the tokens that were made, without the tokens
    List,
    /// End a token
    Revoke { name: String },
}

/// 32 random bytes in hex: long enough that nobody guesses it, and made of letters that no file format has to quote.
pub fn fresh() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

/// A plain `gengfu token` needs no configuration.
pub(super) fn run(
    args: Args,
    config: impl FnOnce() -> Result<Config, Failure>,
) -> Result<Outcome, Failure> {
    let made = || fresh().map_err(|e| anyhow::anyhow!("no randomness: {e}"));
    let Some(command) = args.command else {
        tell(&made()?)?;
        return Ok(Outcome::Done);
    };
    let config = config()?;
    let lang = config.lang();
    let path = token_file::path(&config.running.data_dir);
    let mut tokens = match token_file::read(&path) {
        Ok(tokens) => tokens.unwrap_or_default(),
        Err(error) => {
            let (found, todo) = token_file::unreadable(&path, &error, lang);
            return Err(Failure::Misused(format!("{found}\n  {todo}")));
        }
    };
    match command {
        Command::Add {
            name,
            owner,
            detail,
            rate,
        } => {
            let configured = config.serving.tokens.iter().any(|t| t.name == name);
            let plain = !name.is_empty()
                && name.chars().count() <= 64
                && !name.chars().any(char::is_control);
            if !plain || configured || tokens.iter().any(|t| t.name == name) {
                let text = lang.pick(
                    format!("名字 `{name}` 不能用或已经有了;换一个,或先 gengfu token revoke {name}"),
                    format!("the name `{name}` is taken or no name; choose another, or first gengfu token revoke {name}"),
                );
                return Err(Failure::Misused(text));
            }
            warn_of_strangers(&owner, &config)?;
            let token = made()?;
            tokens.push(token_file::Filed {
                name,
                sha256: hex::encode(auth::sha256(&token)),
                owners: owner,
                detail,
                rate,
                made: Moment::new(jiff::Timestamp::now().as_millisecond(), config.zone())
                    .to_string(),
            });
            token_file::write(&path, &tokens)?;
            warn_of_another_user(&path, lang);
            remark(lang.pick(
                "只显示这一次;留下的只是它的散列",
                "shown this once; only its hash is kept",
            ));
            tell(&token)?;
        }
        Command::List => {
            for t in &config.serving.tokens {
                tell(&line(
                    &t.name,
                    &t.owners,
                    t.detail.as_deref(),
                    "GENGFU_TOKENS",
                ))?;
            }
            for t in &tokens {
                tell(&line(&t.name, &t.owners, t.detail.as_deref(), &t.made))?;
            }
        }
        Command::Revoke { name } => {
            let before = tokens.len();
            tokens.retain(|t| t.name != name);
            if tokens.len() == before {
                let text = lang.pick(
                    format!("没有叫 `{name}` 的令牌;GENGFU_TOKENS 里的要在 .env 里删"),
                    format!("no token is called `{name}`; one of GENGFU_TOKENS is removed in .env"),
                );
                return Err(Failure::Misused(text));
            }
            token_file::write(&path, &tokens)?;
            warn_of_another_user(&path, lang);
        }
    }
    Ok(Outcome::Done)
}

/// An owner may be added later, so an unknown one is no mistake; a slip of the pen is more likely.
fn warn_of_strangers(bound: &[OwnerAlias], config: &Config) -> Result<(), Failure> {
    if bound.is_empty() {
        return Ok(());
    }
    let owners = app::owners(config, LOCAL_OWNER.parse()?)?;
    let known = owners.all()?;
    for owner in bound.iter().filter(|o| !known.contains(o)) {
        let names: Vec<&str> = known.iter().map(OwnerAlias::as_str).collect();
        let names = names.join(", ");
        remark(&config.lang().pick(
            format!("还没有叫 `{owner}` 的主人，这个令牌现在什么也打不开；已有的：{names}"),
            format!("no owner is called `{owner}` yet, so the token opens nothing now; there are: {names}"),
        ));
    }
    Ok(())
}

/// A file of one's own is one that the service of another user cannot read; only root may give it away.
fn warn_of_another_user(path: &Path, lang: Lang) {
    if token_file::is_of_its_folders_user(path) {
        return;
    }
    let shown = path.display();
    remark(&lang.pick(
        format!("{shown} 和它所在的目录不属于同一个用户：那个用户运行的服务读不了它；请以那个用户运行（sudo -u）"),
        format!("{shown} and its folder belong to different users: a service of the folder's user cannot read it; run this as that user (sudo -u)"),
    ));
}

fn line(name: &str, owners: &[OwnerAlias], detail: Option<&str>, from: &str) -> String {
    let owners: Vec<&str> = owners.iter().map(OwnerAlias::as_str).collect();
    let owners = if owners.is_empty() {
        "*".to_owned()
    } else {
        owners.join("|")
    };
    format!("{name}\t{owners}\t{}\t{from}", detail.unwrap_or("normal"))
}
