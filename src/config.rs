//! The only reader of the environment: process environment and `.env` in, one typed [`Config`] out.
//!
//! The `.env` file wins over the process environment, so that rewriting it changes something. All mistakes are reported together,
//! each with the variable, what was found (never a secret) and what to write. Does not check what needs the network: `gengfu doctor`
//! does that. The file's key is read again and again while we run; see [`crate::owners::env_sync`].

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;

use crate::model::{Credentials, Lang, OwnerAlias};

mod env_file;
mod logs;
mod models;
mod read;
mod running;
mod serving;
pub mod variables;

use env_file::lay_over;
pub use env_file::{EnvFile, set_in};
pub use logs::Logs;
pub use models::Models;
pub use read::Mistake;
use read::{Reader, Vars};
pub use running::Running;
pub use serving::{
    AlertSecret, ChatWebhook, Device, Endpoint, Gateway, Serving, Telling, TokenSpec,
};

/// Everything that can be set, read and checked.
#[derive(Debug, Clone)]
pub struct Config {
    pub env_file: EnvFile,
    /// The key the environment names now, if it names one.
    pub key: Option<Credentials>,
    /// Whose a temporary key is; its id changes with each renewal.
    pub key_owner: Option<OwnerAlias>,
    /// Empty when not set; needed for everything but a local bucket.
    pub region: String,
    pub logs: Logs,
    pub running: Running,
    pub serving: Serving,
    pub telling: Telling,
    pub models: Models,
    /// Not wrong, but probably not meant: misspelt names, unreadable lines of the file.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads the process environment and the file it points at.
    pub fn load() -> Result<Self, Vec<Mistake>> {
        Self::merge(std::env::vars().collect())
    }

    /// `process` is what the surroundings say; the file's lines are laid over it.
    pub fn merge(process: BTreeMap<String, String>) -> Result<Self, Vec<Mistake>> {
        let mut warnings = Vec::new();
        let named = |vars: &Vars| {
            vars.get("GENGFU_ENV_FILE")
                .filter(|p| !p.trim().is_empty())
                .map(PathBuf::from)
        };
        let mut path = named(&process);
        let mut beneath = process.clone();
        let mut vars = process;
        let first = path.clone().unwrap_or_else(|| PathBuf::from("./.env"));
        lay_over(&mut vars, &first, &mut warnings).map_err(|m| vec![m])?;
        // Settings may sit in ./.env and name another file that voiceprint recognition rewrites.
        if path.is_none()
            && let Some(second) = named(&vars).filter(|second| *second != first)
        {
            beneath.clone_from(&vars);
            lay_over(&mut vars, &second, &mut warnings).map_err(|m| vec![m])?;
            path = Some(second);
        }
        warnings.extend(misspelt(&vars));
        let mut config = Self::from_vars(&vars)?;
        config.env_file.path = path.unwrap_or(first);
        config.env_file.beneath = variables::of_places(&beneath);
        config.warnings = warnings;
        Ok(config)
    }

    /// The pure part: names and values in, settings or every mistake out.
    pub fn from_vars(vars: &BTreeMap<String, String>) -> Result<Self, Vec<Mistake>> {
        let mut r = Reader::new(vars);
        let names = |first: &str, others: Vec<String>| {
            std::iter::once(first.to_owned()).chain(others).collect()
        };
        let env_file = EnvFile {
            path: r.text("GENGFU_ENV_FILE").into(),
            id_names: names("TENCENTCLOUD_SECRET_ID", r.list("GENGFU_ENV_ID_NAMES")),
            key_names: names("TENCENTCLOUD_SECRET_KEY", r.list("GENGFU_ENV_KEY_NAMES")),
            beneath: variables::of_places(vars),
        };
        let config = Self {
            key: key(vars, &env_file, &mut r),
            env_file,
            key_owner: r.parsed(
                "GENGFU_OWNER",
                |alias| alias.parse().ok(),
                "一个主人的别名",
                "an owner's alias",
            ),
            region: region(&mut r),
            running: running::read(&mut r),
            logs: logs::read(&mut r),
            serving: serving::read(&mut r),
            telling: serving::read_telling(&mut r),
            models: models::read(&mut r),
            warnings: Vec::new(),
        };
        if r.mistakes.is_empty() {
            Ok(config)
        } else {
            Err(r.mistakes)
        }
    }

    #[must_use]
    pub const fn lang(&self) -> Lang {
        self.running.lang
    }

    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        self.running.zone.time_zone()
    }
}

/// The language wanted, although the rest of the configuration cannot be read.
pub fn lang_wished() -> Lang {
    let file = std::env::var("GENGFU_ENV_FILE").unwrap_or_else(|_| "./.env".to_owned());
    let in_file = set_in(Path::new(&file)).remove("GENGFU_LANG");
    let lang = in_file.or_else(|| std::env::var("GENGFU_LANG").ok());
    lang.and_then(|l| l.parse().ok()).unwrap_or_default()
}

/// One half of a key without the other is a mistake; none at all is not, a local bucket needs none.
fn key(vars: &Vars, file: &EnvFile, r: &mut Reader<'_>) -> Option<Credentials> {
    let first = |names: &[String]| {
        names
            .iter()
            .filter_map(|n| vars.get(n))
            .map(|v| v.trim())
            .find(|v| !v.is_empty())
    };
    match (first(&file.id_names), first(&file.key_names)) {
        (Some(id), Some(key)) => {
            let key = Credentials::new(id, key).with_token(r.secret("TENCENTCLOUD_TOKEN"));
            if !key.may_be_whole() {
                r.mistakes.push(Mistake::new(
                    "TENCENTCLOUD_SECRET_KEY",
                    None,
                    "完整的 SecretKey(32 个字符;现在的被截断了,或文件正在改写)",
                    "the whole SecretKey (32 characters; this one is cut off, or the file is being rewritten)",
                ));
            }
            Some(key)
        }
        (None, None) => None,
        (id, _) => {
            let missing = if id.is_some() {
                "TENCENTCLOUD_SECRET_KEY"
            } else {
                "TENCENTCLOUD_SECRET_ID"
            };
            r.mistakes.push(Mistake::new(
                missing,
                None,
                "密钥对的另一半(只有一半不能用)",
                "the other half of the key pair (one half is of no use)",
            ));
            None
        }
    }
}

fn region(r: &mut Reader<'_>) -> String {
    let read = |t: &str| {
        let fits = t.contains('-')
            && t.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        fits.then(|| t.to_owned())
    };
    r.parsed(
        "TENCENTCLOUD_REGION",
        read,
        "地域代码,例如 ap-nanjing",
        "a region code such as ap-nanjing",
    )
    .unwrap_or_default()
}

/// Names that look like ours but are not in the list.
fn misspelt(vars: &Vars) -> Vec<String> {
    let mut warnings = Vec::new();
    for name in vars.keys().filter(|n| n.starts_with("GENGFU_")) {
        if variables::find(name).is_some() {
            continue;
        }
        let near = variables::all()
            .map(|v| (strsim::levenshtein(name, v.name), v.name))
            .min();
        // Three letters: more is another word, not a slip of the finger.
        if let Some((1..=3, meant)) = near {
            warnings.push(format!("`{name}` is not known; did you mean {meant}?"));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(pairs: &[(&str, &str)]) -> Vars {
        pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn a_later_text_of_the_file_says_where_logs_are_when_it_names_a_bucket() {
        let before = [
            ("GENGFU_EVENT_PREFIX", "ev/"),
            ("TENCENTCLOUD_REGION", "ap-nanjing"),
        ];
        let config = Config::from_vars(&vars(&before)).expect("settings");
        let read = |text: &str| config.env_file.places_in(text.as_bytes());
        assert!(read("TENCENTCLOUD_SECRET_ID=AKIDb\n").is_none());
        assert!(read("GENGFU_BUCKET=ftp://b\n").is_none());
        let (places, region) = read("GENGFU_BUCKET=cos://b-125\n").expect("places");
        assert_eq!(
            places.bucket.map(|b| b.to_string()).as_deref(),
            Some("cos://b-125")
        );
        assert_eq!(
            places.prefixes[&crate::model::LogKind::Event][0].prefix,
            "ev/"
        );
        assert_eq!(region, "ap-nanjing");
        let moved = read("GENGFU_BUCKET=cos://b-125\nTENCENTCLOUD_REGION=ap-chengdu\n");
        assert_eq!(moved.expect("places").1, "ap-chengdu");
    }

    #[test]
    fn a_secret_that_is_cut_off_is_a_mistake() {
        let id = "AKID0123456789abcdef0123456789abcdef";
        let read = |secret: &str| {
            let pair = [
                ("TENCENTCLOUD_SECRET_ID", id),
                ("TENCENTCLOUD_SECRET_KEY", secret),
            ];
            Config::from_vars(&vars(&pair))
        };
        assert!(read("0123456789abcdef0123456789abcdef").is_ok());
        let said = read("0123456789ab").expect_err("cut off")[0].in_words(Lang::En);
        assert!(
            said.contains("32 characters") && !said.contains("0123"),
            "{said}"
        );
    }

    #[test]
    fn nothing_set_gives_the_defaults() {
        let config = Config::from_vars(&vars(&[])).expect("defaults");
        assert!(config.key.is_none() && config.logs.places.bucket.is_none());
        assert_eq!(config.serving.bind.to_string(), "127.0.0.1:8765");
        assert_eq!(
            config.logs.places.prefixes[&crate::model::LogKind::Event][0].prefix,
            "event/"
        );
        assert_eq!(config.running.run_at.to_string(), "01:00:00");
    }

    #[test]
    fn all_mistakes_come_at_once_and_none_tells_a_secret() {
        let mistakes = Config::from_vars(&vars(&[
            ("TENCENTCLOUD_SECRET_KEY", "hush-hush"),
            ("TENCENTCLOUD_REGION", "Nanjing"),
            ("GENGFU_BUCKET", "s3://x"),
            ("GENGFU_RUN_AT", "25:00"),
            ("GENGFU_TIMEZONE", "Mars/Olympus"),
            ("GENGFU_BASELINE_DAYS", "many"),
            ("GENGFU_TOKENS", "hush-hush;detail=long"),
            ("GENGFU_ALERT_SECRET", "hush-hush;colour=red"),
            ("GENGFU_MASTER_KEY", "hush-hush"),
        ]))
        .expect_err("mistakes");
        let names: Vec<_> = mistakes.iter().map(|m| m.variable.as_str()).collect();
        for name in [
            "TENCENTCLOUD_SECRET_ID",
            "TENCENTCLOUD_REGION",
            "GENGFU_BUCKET",
            "GENGFU_RUN_AT",
            "GENGFU_TIMEZONE",
            "GENGFU_BASELINE_DAYS",
            "GENGFU_TOKENS",
            "GENGFU_ALERT_SECRET",
            "GENGFU_MASTER_KEY",
        ] {
            assert!(names.contains(&name), "{name} not in {names:?}");
        }
        let told: String = mistakes
            .iter()
            .flat_map(|m| [m.in_words(Lang::Zh), m.in_words(Lang::En)])
            .collect();
        assert!(!told.contains("hush-hush"), "{told}");
        assert!(told.contains("`25:00`"), "{told}");
    }

    #[test]
    fn the_file_wins_over_the_process_environment() {
        let dir = tempfile::tempdir().expect("dir");
        let file = dir.path().join(".env");
        std::fs::write(&file, "TENCENTCLOUD_SECRET_ID=AKIDfile\nTENCENTCLOUD_SECRET_KEY='k # 1'\nbroken line here\nGENGFU_BUKET=x\n").expect("write");
        let config = Config::merge(vars(&[
            ("GENGFU_ENV_FILE", file.to_str().expect("utf8")),
            ("TENCENTCLOUD_SECRET_ID", "AKIDprocess"),
            ("TENCENTCLOUD_SECRET_KEY", "other"),
        ]))
        .expect("config");
        assert_eq!(config.key.expect("key").secret_id, "AKIDfile");
        assert_eq!(config.env_file.path, file);
        assert_eq!(config.warnings.len(), 2, "{:?}", config.warnings);
    }

    #[test]
    fn tokens_carry_their_name_scope_and_detail() {
        let config = Config::from_vars(&vars(&[
            (
                "GENGFU_TOKENS",
                "aaaa;name=claude;owner=demo|张三;detail=full, bbbb",
            ),
            ("GENGFU_BIND", "0.0.0.0:80"),
        ]))
        .expect("config");
        let [claude, second] = &config.serving.tokens[..] else {
            panic!("two tokens")
        };
        assert_eq!((claude.name.as_str(), claude.owners.len()), ("claude", 2));
        assert_eq!(claude.detail.as_deref(), Some("full"));
        assert_eq!((second.name.as_str(), second.owners.len()), ("token-2", 0));
    }
}
