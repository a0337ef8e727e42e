//! `gengfu init`: from a key and a region to a working `.env`.
//!
//! In: answers from the terminal (or a pipe). Out: what was found and what is switched off, on stderr; a `.env`. Always true: reads from
//! the cloud only; a `.env` that is there is kept beside the new one; nothing is written before everything was asked.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use super::{Failure, Outcome, doctor, prompt, tell};
use crate::{
    app::{self, LOCAL_OWNER},
    config::{self, Config, Mistake, variables},
    intake::{
        discover::{self, Discovery},
        tc3::Api,
    },
    model::{BucketUrl, Credentials, Day, Lang, LogKind},
};

mod answers;
mod traffic;

use answers::{Answers, Robot};
use traffic::Traffic;

#[derive(Debug, clap::Args)]
pub struct Args {}

pub(super) async fn run(config: Result<Config, Vec<Mistake>>) -> Result<Outcome, Failure> {
    // What is wrong in the present configuration is about to be replaced.
    let config = match config {
        Ok(config) => config,
        Err(_) => Config::from_vars(&std::collections::BTreeMap::new())
            .map_err(|mistakes| Failure::configuration(&mistakes, Lang::Zh))?,
    };
    let lang = config.lang();
    let key = key(&config)?;
    let region = region(&config)?;
    let api = Api::new(key.clone(), &region, &config.logs.endpoints)?;
    say(lang.pick(
        "正在查找集群、日志主题和投递任务……",
        "looking for clusters, topics and shipping tasks ...",
    ))?;
    discover::check_key(&api)
        .await
        .map_err(|e| anyhow::anyhow!(e.in_words(lang)))?;
    let mut found = discover::discover(&api, &config.logs.places.clusters).await;
    for line in findings(&found, lang) {
        say(&line)?;
    }
    if !found.places.has_bucket() {
        found.places.bucket = ask_bucket(lang)?;
    }
    let answers = Answers {
        key,
        region,
        places: found.places,
        robot: robot(lang)?,
        model: model(lang)?,
        alert_secret: fresh_token()?,
    };
    let path = config.env_file.path.clone();
    write(&path, &answers.variables(&config, &config::set_in(&path)))?;
    say(&lang.pick(
        format!("已写好 {}", path.display()),
        format!("{} is written", path.display()),
    ))?;
    yesterday(lang).await
}

/// The key in force, or another one.
fn key(config: &Config) -> Result<Credentials, Failure> {
    let lang = config.lang();
    if let Some(key) = &config.key {
        let question = lang.pick(
            "环境或 .env 里已有密钥，就用它吗？",
            "The environment or .env has a key; use it?",
        );
        if prompt::agrees(question, true)? {
            return Ok(key.clone());
        }
    }
    say(lang.pick(
        "请用一个只读的子账号密钥（访问管理 CAM → 用户 → API 密钥；所需权限见 README）。",
        "Use the key of a sub-account that may only read (CAM, Users, API keys; the policy is in README).",
    ))?;
    super::owner::ask_key(lang)
}

fn region(config: &Config) -> Result<String, Failure> {
    let lang = config.lang();
    let known = &config.region;
    let hint = if known.is_empty() {
        "ap-nanjing"
    } else {
        known
    };
    let answer = prompt::ask(&lang.pick(
        format!("地域（例如 {hint}）："),
        format!("Region (such as {hint}):"),
    ))?;
    match (answer.is_empty(), known.is_empty()) {
        (false, _) => Ok(answer),
        (true, false) => Ok(known.clone()),
        (true, true) => Err(Failure::Misused(
            lang.pick(
                "没有地域就找不到集群",
                "no cluster can be found without a region",
            )
            .to_owned(),
        )),
    }
}

/// What was found, what is off, and what could not be looked at.
fn findings(found: &Discovery, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    for cluster in &found.clusters {
        lines.push(format!(
            "  {} {} {}",
            lang.pick("集群", "cluster"),
            cluster.id,
            cluster.name
        ));
    }
    for kind in LogKind::ALL {
        let places = found
            .places
            .prefixes
            .get(&kind)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let topics = found.places.topics.get(&kind).map_or(0, Vec::len);
        let prefixes: Vec<_> = places.iter().map(ToString::to_string).collect();
        let name = lang.pick(kind.zh(), kind.as_str());
        lines.push(match (prefixes.is_empty(), topics) {
            (true, 0) => format!("  {name}: {}", lang.pick("没有找到", "not found")),
            (true, _) => format!(
                "  {name}: {}",
                lang.pick(
                    "有日志主题，没有能读的投递",
                    "a topic, but no shipping that can be read"
                )
            ),
            (false, _) => format!("  {name}: {}", prefixes.join(", ")),
        });
    }
    if let Some(bucket) = &found.places.bucket {
        lines.push(format!("  {} {bucket}", lang.pick("桶", "bucket")));
    }
    let gaps = found.gaps.iter().map(|gap| gap.in_words(lang));
    let refused = found.refused.iter().map(|error| error.in_words(lang));
    lines.extend(gaps.chain(refused).map(|line| format!("  ! {line}")));
    lines
}

fn ask_bucket(lang: Lang) -> Result<Option<BucketUrl>, Failure> {
    let question = lang.pick(
        "没有找到投递的桶。请输入 cos://<桶名-appid>（没有就回车）：",
        "No bucket was found. Type cos://<bucket-appid> (or Enter for none):",
    );
    loop {
        let answer = prompt::ask(question)?;
        if answer.is_empty() {
            return Ok(None);
        }
        match answer.parse() {
            Ok(bucket) => return Ok(Some(bucket)),
            Err(error) => say(&format!("{error}"))?,
        }
    }
}

fn robot(lang: Lang) -> Result<Robot, Failure> {
    say(lang.pick(
        "机器人怎么连接？\n  1 自建的 xiaozhi-server，在本机\n  2 自建的 xiaozhi-server，在容器里或别的机器上\n  3 xiaozhi.me 等 MCP 接入点（wss://...）\n  4 还没有机器人",
        "How is the robot connected?\n  1 own xiaozhi server on this machine\n  2 own xiaozhi server in a container or on another machine\n  3 an MCP endpoint such as xiaozhi.me (wss://...)\n  4 no robot yet",
    ))?;
    Ok(match prompt::ask("[1-4]")?.as_str() {
        "1" => Robot::Local { token: fresh_token()? },
        "2" => Robot::Remote {
            token: fresh_token()?,
            host: prompt::ask(lang.pick(
                "机器人那边用什么地址访问本机（例如 gengfu:8765 或 192.168.1.5:8765）？",
                "By which address does it reach this machine (such as gengfu:8765 or 192.168.1.5:8765)?",
            ))?,
        },
        "3" => Robot::Endpoint {
            url: prompt::ask_secret(lang.pick("接入点地址：", "Endpoint:"))?,
        },
        _ => Robot::None,
    })
}

/// Namespaced name and key of a model, if one is wanted.
fn model(lang: Lang) -> Result<Option<(&'static str, secrecy::SecretString)>, Failure> {
    say(lang.pick(
        "用哪家大模型写总结？\n  1 DeepSeek\n  2 通义千问\n  3 不用（按规则生成，结论相同）",
        "Which model writes the summary?\n  1 DeepSeek\n  2 Qwen\n  3 none (written by rules, with the same findings)",
    ))?;
    let name = match prompt::ask("[1-3]")?.as_str() {
        "1" => "deepseek::deepseek-chat",
        "2" => "aliyun::qwen-plus",
        _ => return Ok(None),
    };
    let key = prompt::ask_secret(lang.pick("模型的 API Key:", "API key of the model:"))?;
    Ok(Some((name, key)).filter(|(_, key)| !key.expose_secret().is_empty()))
}

/// The new file is whole before it takes the old one's place; the old one stays as `.env.bak`. Only its user can read it.
fn write(path: &Path, chosen: &[(&str, String)]) -> Result<(), Failure> {
    let new = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(&new)
        .map_err(|e| anyhow::anyhow!("cannot write `{}`: {e}", new.display()))?;
    file.write_all(variables::render(chosen).as_bytes())?;
    file.sync_all()?;
    if path.exists() {
        fs::rename(path, path.with_extension("bak"))?;
    }
    fs::rename(&new, path)?;
    Ok(())
}

/// Says what yesterday would cost to read, and runs it if that is wanted.
async fn yesterday(lang: Lang) -> Result<Outcome, Failure> {
    let config = Config::load().map_err(|mistakes| Failure::configuration(&mistakes, lang))?;
    let owners = app::owners(&config, LOCAL_OWNER.parse()?)?;
    let reach = owners.reach(&owners.choose(None)?)?;
    let day = Day::of(Timestamp::now().as_millisecond(), config.zone()).plus(-1);
    let (mut objects, mut bytes) = (0, 0);
    for kind in LogKind::ALL {
        match doctor::size_of_day(&reach, &config, kind, day).await {
            Ok((n, size)) => (objects, bytes) = (objects + n, bytes + size),
            Err(error) => say(&format!("  ! {kind}: {error}"))?,
        }
    }
    let megabytes = bytes.div_ceil(1_000_000);
    let seconds = bytes.div_ceil(BYTES_PER_SECOND);
    let traffic = Traffic::of(&reach).await.in_words(&reach.region, lang);
    say(&lang.pick(
        format!(
            "昨天（{day}）有 {objects} 个对象，共 {megabytes} MB，大约要 {seconds} 秒。{traffic}。还会读前 {} 天作对比。",
            config.logs.baseline_days
        ),
        format!(
            "Yesterday ({day}) has {objects} objects, {megabytes} MB, about {seconds} s; {traffic}. \
             {} earlier days are read too, to compare with.",
            config.logs.baseline_days
        ),
    ))?;
    if objects > 0
        && prompt::agrees(
            lang.pick("现在就分析昨天吗?", "Analyse yesterday now?"),
            false,
        )?
    {
        let args = super::run::Args {
            owner: None,
            date: Some(day),
            json: false,
        };
        return Box::pin(super::run::run(args, config)).await;
    }
    tell(lang.pick(
        "接下来:gengfu doctor 检查一遍,gengfu serve 启动,gengfu connect xiaozhi 接上机器人",
        "next: gengfu doctor to check, gengfu serve to start, gengfu connect xiaozhi to connect the robot",
    ))?;
    Ok(Outcome::Done)
}

/// Compressed bytes a second over a home line of 100 Mbit/s; a guess, and told as one.
const BYTES_PER_SECOND: u64 = 12_000_000;

fn fresh_token() -> Result<String, Failure> {
    super::token::fresh().map_err(|e| anyhow::anyhow!("no randomness: {e}").into())
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{text}")
}
