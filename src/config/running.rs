//! How the program runs: folders, hours, language, and what keeps the owners' keys safe.

use std::path::PathBuf;

use jiff::civil::Time;
use secrecy::{ExposeSecret, SecretString};

use super::{Mistake, logs, read::Reader};
use crate::model::{Lang, Zone};

#[derive(Debug, Clone)]
pub struct Running {
    pub data_dir: PathBuf,
    pub publish_dir: Option<PathBuf>,
    pub run_at: Time,
    pub broadcast_at: Option<Time>,
    /// Decides what a day is.
    pub zone: Zone,
    pub lang: Lang,
    pub retention_days: u32,
    /// Bytes on disk that one owner's days may take.
    pub retention_bytes: Option<u64>,
    /// 64 hex digits, checked.
    pub master_key: Option<SecretString>,
    pub master_key_file: PathBuf,
    pub owners_command: Option<String>,
    pub log_filter: String,
}

pub(super) fn read(r: &mut Reader<'_>) -> Running {
    let data_dir = PathBuf::from(r.text("GENGFU_DATA_DIR"));
    let master_key = r.secret("GENGFU_MASTER_KEY");
    if let Some(key) = &master_key
        && !is_hex_key(key.expose_secret())
    {
        r.mistakes.push(Mistake::new(
            "GENGFU_MASTER_KEY",
            None,
            "64 位十六进制数字,例如 `openssl rand -hex 32` 的输出",
            "64 hex digits, such as `openssl rand -hex 32` prints",
        ));
    }
    Running {
        publish_dir: r.text_if_set("GENGFU_PUBLISH_DIR").map(PathBuf::from),
        run_at: time(r, "GENGFU_RUN_AT").unwrap_or_default(),
        broadcast_at: time(r, "GENGFU_BROADCAST_AT"),
        zone: logs::zone(r, "GENGFU_TIMEZONE"),
        lang: r
            .parsed("GENGFU_LANG", |t| t.parse().ok(), "zh 或 en", "zh or en")
            .unwrap_or_default(),
        // Ten years: beyond that it is a typing mistake.
        retention_days: u32::try_from(r.number("GENGFU_RETENTION_DAYS", 1..=3650)).unwrap_or(1),
        retention_bytes: r
            .text_if_set("GENGFU_RETENTION_MB")
            .map(|_| r.number("GENGFU_RETENTION_MB", 1..=1_000_000_000) * 1_000_000),
        master_key,
        master_key_file: r
            .text_if_set("GENGFU_MASTER_KEY_FILE")
            .map_or_else(|| data_dir.join("master.key"), PathBuf::from),
        owners_command: r.text_if_set("GENGFU_OWNERS_COMMAND"),
        log_filter: r.text("GENGFU_LOG"),
        data_dir,
    }
}

fn is_hex_key(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn time(r: &mut Reader<'_>, name: &str) -> Option<Time> {
    let read = |t: &str| {
        let (hour, minute) = t.split_once(':')?;
        Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
    };
    r.parsed(name, read, "时:分,例如 01:00", "hour:minute such as 01:00")
}
