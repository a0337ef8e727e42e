//! `gengfu owner`: who the owners are, and their keys.
//!
//! A key is read from a prompt, from stdin, from the environment, from a CSV or from a command's output; never from an argument.

mod about;

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use secrecy::{ExposeSecret as _, SecretString};

use about::AboutArgs;

use super::{Failure, Outcome, prompt, remark, tell, tell_json};
use crate::{
    app,
    config::Config,
    http::token_file,
    model::{Credentials, Lang, OwnerAlias},
    owners::{self, Gone, MasterKey, NewOwner, Owner, Owners, import},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add an owner; the key is asked for
    Add(AddArgs),
    /// List owners; no key is shown
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Change what is stored of an owner, except the key; what is not given stays
    Set {
        /// Whose; `owner list` shows the aliases
        owner: OwnerAlias,
        #[command(flatten)]
        about: AboutArgs,
        /// Take the spoken code away
        #[arg(long, conflicts_with = "code")]
        no_code: bool,
        /// Take the hour away; the common one counts
        #[arg(long, conflicts_with = "run_at")]
        no_run_at: bool,
    },
    /// Choose whose data is meant when nobody says
    Use {
        /// Alias or spoken name
        owner: String,
    },
    /// Give an owner another key, or everything another master key
    Rotate {
        /// Whose key; it is asked for
        #[arg(required_unless_present = "master")]
        owner: Option<OwnerAlias>,
        /// Take the key that the environment and .env name now
        #[arg(long)]
        from_env: bool,
        /// Seal all keys anew under a fresh master key
        #[arg(long, conflicts_with_all = ["owner", "from_env"])]
        master: bool,
    },
    /// Forget an owner and the key; the owner's data stays on the disk
    Remove { owner: OwnerAlias },
    /// Take over owners from a CSV or from the output of GENGFU_OWNERS_COMMAND
    Import {
        /// CSV with a header: alias, secret_id, secret_key and, if wanted, token, expires, name, voiceprint, region, bucket,
        /// business_prefix, event_prefix, audit_prefix, partition, clusters, run_at, code; `-` reads stdin
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// Short name, also the name of the owner's folder
    owner: OwnerAlias,
    /// Take the key that the environment and .env name now
    #[arg(long)]
    from_env: bool,
    #[command(flatten)]
    about: AboutArgs,
}

pub(super) async fn run(args: Args, config: &Config) -> Result<Outcome, Failure> {
    let owners = open(config)?;
    let lang = config.lang();
    match args.action {
        Action::Add(args) => add(&owners, args, config),
        Action::List { json } => list(&owners, json, lang),
        Action::Set {
            owner,
            about,
            no_code,
            no_run_at,
        } => {
            let code = about.code(lang)?;
            let gone = Gone {
                code: no_code,
                run_at: no_run_at,
            };
            owners.set(&owner, about.into(), code.as_ref(), gone)?;
            said(&lang.pick(
                format!("{owner} 的登记已更新"),
                format!("{owner} is changed"),
            ))
        }
        Action::Use { owner } => {
            let alias = owners.use_always(&owner)?;
            said(&lang.pick(
                format!("以后默认看 {alias} 的日志"),
                format!("calls are about {alias} from now on"),
            ))
        }
        Action::Rotate { master: true, .. } => rotate_master(&owners, config),
        Action::Rotate {
            owner, from_env, ..
        } => {
            let alias = owner.ok_or_else(|| anyhow::anyhow!("no owner named"))?;
            owners.choose(Some(&alias))?;
            owners.rotate(&alias, &key(from_env, config)?)?;
            let named = config.key.as_ref();
            let still_old = named.map(|key| owners.gave_up(&alias, key)).transpose()?;
            said(&if still_old == Some(true) {
                lang.pick(
                    format!("{alias} 的密钥已更换；.env 里还是旧密钥，请一并改掉，现在以新密钥为准"),
                    format!("{alias} has another key now; .env still names the old one: change it there too, the new one is used"),
                )
            } else {
                lang.pick(
                    format!("{alias} 的密钥已更换"),
                    format!("{alias} has another key now"),
                )
            })
        }
        Action::Remove { owner } => {
            owners.remove(&owner)?;
            warn_of_tokens(&owner, config);
            said(&lang.pick(
                format!("{owner} 的密钥已删除，数据还在磁盘上"),
                format!("the key of {owner} is gone, the data is still on the disk"),
            ))
        }
        Action::Import { csv } => import_all(&owners, csv.as_deref(), config).await,
    }
}

/// Tokens that name an alias open the data of whoever gets it next.
fn warn_of_tokens(owner: &OwnerAlias, config: &Config) {
    let lang = config.lang();
    let path = token_file::path(&config.running.data_dir);
    let filed = token_file::read(&path).unwrap_or_else(|error| {
        remark(&token_file::unreadable(&path, &error, lang).0);
        None
    });
    let filed = filed.unwrap_or_default().into_iter().map(|t| {
        let todo = format!("gengfu token revoke {}", t.name);
        (t.name, t.owners, todo)
    });
    let configured = config.serving.tokens.iter().map(|t| {
        let todo = lang.pick(
            "在 .env 的 GENGFU_TOKENS 里删掉它",
            "take it out of GENGFU_TOKENS in .env",
        );
        (t.name.clone(), t.owners.clone(), todo.to_owned())
    });
    for (name, _, todo) in filed
        .chain(configured)
        .filter(|(_, owners, _)| owners.contains(owner))
    {
        remark(&lang.pick(
            format!("令牌 `{name}` 还绑定着 {owner}，以后谁用这个别名它就能看谁的日志；不要了就{todo}"),
            format!("the token `{name}` still names {owner} and will open the data of whoever gets that alias; to end it: {todo}"),
        ));
    }
}

/// The handle to the owners, as the configuration describes the surroundings.
pub fn open(config: &Config) -> Result<Owners, Failure> {
    Ok(app::owners(config, app::LOCAL_OWNER.parse()?)?)
}

fn add(owners: &Owners, args: AddArgs, config: &Config) -> Result<Outcome, Failure> {
    if owners.roll()?.owners.contains_key(&args.owner) {
        return Err(owners::Error::Exists(args.owner).into());
    }
    let key = key(args.from_env, config)?;
    let code = args.about.code(config.lang())?;
    let mut about = Owner::from(args.about);
    if about.region.is_empty() {
        about.region.clone_from(&config.region);
    }
    let alias = args.owner.clone();
    owners.add(NewOwner {
        alias: args.owner,
        key,
        code,
        about,
    })?;
    said(
        &config
            .lang()
            .pick(format!("已添加 {alias}"), format!("{alias} is added")),
    )
}

fn list(owners: &Owners, json: bool, lang: Lang) -> Result<Outcome, Failure> {
    let roll = owners.roll()?;
    let environment = owners.environment();
    let mut rows = Vec::new();
    let mut lines = Vec::new();
    for alias in owners.all()? {
        let owner = roll.owners.get(&alias).cloned().unwrap_or_default();
        let bucket = owner.places.bucket.as_ref().map(ToString::to_string);
        let in_use = roll.in_use.as_ref() == Some(&alias);
        let in_env = environment.as_ref() == Some(&alias);
        rows.push(serde_json::json!({
            "alias": alias, "spoken": owner.spoken, "voiceprints": owner.voiceprints, "region": owner.region, "bucket": bucket,
            "code": owner.code.is_some(), "unnamed": owner.unnamed, "in_use": in_use, "in_environment": in_env,
        }));
        let mut marks = Vec::new();
        if in_use {
            marks.push(lang.pick("默认", "in use"));
        }
        if in_env {
            marks.push(lang.pick("环境中的密钥", "key in the environment"));
        }
        let names = owner.spoken.join("、");
        let bucket = bucket.unwrap_or_else(|| "-".to_owned());
        lines.push(format!(
            "{alias}\t{names}\t{}\t{bucket}\t{}",
            owner.region,
            marks.join(" ")
        ));
    }
    if json {
        tell_json(&rows)?;
    } else if lines.is_empty() {
        return said(lang.pick(
            "还没有主人，用 gengfu owner add 添加",
            "no owner yet; add one with gengfu owner add",
        ));
    } else {
        tell(&lines.join("\n"))?;
    }
    Ok(Outcome::Done)
}

fn rotate_master(owners: &Owners, config: &Config) -> Result<Outcome, Failure> {
    let lang = config.lang();
    if config.running.master_key.is_none() {
        owners.rotate_master_key(None)?;
        let path = config.running.master_key_file.display();
        return said(&lang.pick(
            format!("主密钥已更换，请把 {path} 另存一份"),
            format!("the master key is another one now; keep a copy of {path}"),
        ));
    }
    let new = prompt::ask_secret(lang.pick(
        "新的主密钥（64 位十六进制）：",
        "New master key (64 hex digits):",
    ))?;
    let new = MasterKey::from_hex(new.expose_secret()).ok_or_else(|| {
        Failure::Misused(
            lang.pick(
                "主密钥应是 64 位十六进制数字",
                "a master key is 64 hex digits",
            )
            .to_owned(),
        )
    })?;
    owners.rotate_master_key(Some(new))?;
    said(lang.pick(
        "密钥已用新的主密钥封存，请现在更新 GENGFU_MASTER_KEY",
        "all keys are sealed with the new master key; set GENGFU_MASTER_KEY to it now",
    ))
}

async fn import_all(
    owners: &Owners,
    csv: Option<&Path>,
    config: &Config,
) -> Result<Outcome, Failure> {
    let read = match (csv, &config.running.owners_command) {
        (Some(path), _) if path == Path::new("-") => import::read_csv(io::stdin().lock()),
        (Some(path), _) => {
            let file = std::fs::File::open(path)
                .map_err(|e| anyhow::anyhow!("cannot open `{}`: {e}", path.display()))?;
            import::read_csv(file)
        }
        (None, Some(command)) => import::read_csv(output_of(command).await?.as_slice()),
        (None, None) => {
            let text = config.lang().pick(
                "请用 --csv 文件，或设置 GENGFU_OWNERS_COMMAND",
                "give --csv FILE, or set GENGFU_OWNERS_COMMAND",
            );
            return Err(Failure::Misused(text.to_owned()));
        }
    };
    let list = read.map_err(|mistakes| {
        let lines: Vec<_> = mistakes.iter().map(|m| format!("  {m}")).collect();
        let head = config
            .lang()
            .pick("没有导入任何主人：", "no owner was imported:");
        Failure::Misused(format!("{head}\n{}", lines.join("\n")))
    })?;
    let count = list.len();
    owners.import(list)?;
    said(&config.lang().pick(
        format!("已导入 {count} 个主人"),
        format!("{count} owners imported"),
    ))
}

/// What the operator's command prints. Its stderr is shown as it is; its stdout holds keys and is shown to nobody.
async fn output_of(command: &str) -> anyhow::Result<Vec<u8>> {
    let output = tokio::process::Command::new("sh")
        .args(["-c", command])
        .stderr(std::process::Stdio::inherit())
        .output()
        .await?;
    anyhow::ensure!(
        output.status.success(),
        "GENGFU_OWNERS_COMMAND failed: {}",
        output.status
    );
    Ok(output.stdout)
}

/// A key pair from the environment, or asked for: id, key, and for temporary keys the token.
fn key(from_env: bool, config: &Config) -> Result<Credentials, Failure> {
    let lang = config.lang();
    if from_env {
        let missing = lang.pick(
            "环境和 .env 里没有密钥",
            "neither the environment nor .env names a key",
        );
        return config
            .key
            .clone()
            .ok_or_else(|| Failure::Misused(missing.to_owned()));
    }
    ask_key(lang)
}

/// Asks for a key pair, and for the token of a temporary one.
pub(super) fn ask_key(lang: Lang) -> Result<Credentials, Failure> {
    let id = prompt::ask("SecretId:")?;
    let key = prompt::ask_secret("SecretKey:")?;
    let token = prompt::ask_secret(lang.pick(
        "Token（临时密钥才有，没有就回车）：",
        "Token (temporary keys only, else Enter):",
    ))?;
    if id.is_empty() || key.expose_secret().is_empty() {
        let text = lang.pick(
            "SecretId 和 SecretKey 都要有",
            "both SecretId and SecretKey are needed",
        );
        return Err(Failure::Misused(text.to_owned()));
    }
    let token = Some(token).filter(|t: &SecretString| !t.expose_secret().is_empty());
    Ok(Credentials::new(id, key.expose_secret()).with_token(token))
}

fn said(text: &str) -> Result<Outcome, Failure> {
    tell(text)?;
    Ok(Outcome::Done)
}
