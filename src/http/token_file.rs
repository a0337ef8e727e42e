//! The tokens that `gengfu token` made: a file in the data directory, read again when it changes.
//!
//! In and out: `tokens.json`. Always true: a token is kept as its SHA-256 alone, so that nobody who reads the file can use one; the file is
//! replaced as a whole and is its owner's alone. Whoever has a file wants tokens: one that is empty or cannot be read lets nobody in, and
//! the latter says so.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::auth::{PER_MINUTE, Token, Tokens};
use crate::{
    mcp::{Access, Caller},
    model::{Lang, OwnerAlias},
    voice::Detail,
};

/// Somebody who revokes a token expects it to be over at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A token as it is filed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filed {
    pub name: String,
    /// 64 hex digits.
    pub sha256: String,
    /// Empty: all owners.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<OwnerAlias>,
    /// `brief`, `normal` or `full`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Requests in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// RFC 3339.
    pub made: String,
}

impl Filed {
    fn token(&self) -> Option<Token> {
        let sha256: [u8; 32] = hex::decode(&self.sha256).ok()?.try_into().ok()?;
        let caller = Caller {
            name: self.name.as_str().into(),
            access: access(&self.owners),
            detail: detail(self.detail.as_deref()),
        };
        Some(Token::new(sha256, caller).per_minute(self.rate.unwrap_or(PER_MINUTE)))
    }
}

/// No owner named: all of them.
#[must_use]
pub fn access(owners: &[OwnerAlias]) -> Access {
    if owners.is_empty() {
        Access::All
    } else {
        Access::Only(owners.to_vec())
    }
}

/// The length of answers by its name.
#[must_use]
pub fn detail(name: Option<&str>) -> Detail {
    name.and_then(|n| n.parse().ok()).unwrap_or_default()
}

/// Where the file lies.
#[must_use]
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("tokens.json")
}

/// The tokens of a file; `None` when there is no file.
pub fn read(path: &Path) -> io::Result<Option<Vec<Filed>>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is wrong with a file that cannot be read, and what to do.
#[must_use]
pub fn unreadable(path: &Path, error: &io::Error, lang: Lang) -> (String, String) {
    let shown = path.display();
    let found = if error.kind() == io::ErrorKind::PermissionDenied {
        lang.pick(
            format!("令牌文件 {shown} 不让这个用户读"),
            format!("this user may not read the file of tokens {shown}"),
        )
    } else {
        lang.pick(
            format!("令牌文件 {shown} 坏了，读不懂"),
            format!("the file of tokens {shown} is damaged"),
        )
    };
    let todo = lang.pick(
        "让它归运行 gengfu 的用户所有（chown），或删掉它再用 gengfu token add 重新生成",
        "let it belong to the user that runs gengfu (chown), or remove it and make tokens anew with gengfu token add",
    );
    (found, todo.to_owned())
}

/// Replaces the file.
pub fn write(path: &Path, tokens: &[Filed]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // Made with rights for its owner alone.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec_pretty(tokens).map_err(io::Error::other)?)?;
    give_to_the_folders_user(file.as_file(), folder);
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Root makes tokens for a service of another user, who must be able to read them.
fn give_to_the_folders_user(file: &fs::File, folder: &Path) {
    #[cfg(unix)]
    if let (Ok(there), Ok(here)) = (fs::metadata(folder), file.metadata()) {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        if there.uid() != here.uid() {
            // Only root may; for anybody else the file stays theirs, and `gengfu token` warns of that.
            let _ = fchown(file, Some(there.uid()), Some(there.gid()));
        }
    }
    #[cfg(not(unix))]
    let _ = (file, folder);
}

/// Whether the user whose folder it is can read the file; what cannot be known is taken for granted.
#[must_use]
pub fn is_of_its_folders_user(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let user = |path: Option<&Path>| Some(fs::metadata(path?).ok()?.uid());
        match (user(Some(path)), user(path.parent())) {
            (Some(file), Some(folder)) => may_be_read(file, folder),
            _ => true,
        }
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        true
    }
}

/// Root's folder says nothing of who serves: a mounted volume is root's and its group's.
const fn may_be_read(file_user: u32, folder_user: u32) -> bool {
    folder_user == 0 || file_user == folder_user
}

/// Takes the tokens of the file into force. Where there is a file, nobody comes in without a token, whatever is in it.
pub fn load(tokens: &Tokens, path: &Path) -> io::Result<()> {
    let read = read(path);
    if !matches!(read, Ok(None)) {
        tokens.close();
    }
    let filed = match &read {
        Ok(filed) => filed.as_deref().unwrap_or_default(),
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "cannot read the file of tokens; none of it is in force");
            &[]
        }
    };
    tokens.refile(filed.iter().filter_map(Filed::token).collect());
    read.map(drop)
}

/// Looks for changes of the file until `stop`.
pub async fn follow(tokens: Tokens, path: PathBuf, stop: CancellationToken) {
    let mut seen = stamp(&path).await;
    let mut clock = tokio::time::interval(LOOK_EVERY);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = clock.tick() => {}
        }
        let now = stamp(&path).await;
        if now != seen {
            seen = now;
            let (tokens, path) = (tokens.clone(), path.clone());
            // A panic while reading leaves the tokens as they were; what cannot be read was logged.
            let _ = tokio::task::spawn_blocking(move || load(&tokens, &path)).await;
            tracing::info!("read the file of tokens again");
        }
    }
}

/// What tells one state of the file from another.
async fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let meta = tokio::fs::metadata(path).await.ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::auth::sha256;

    fn filed(name: &str, token: &str) -> Filed {
        Filed {
            name: name.to_owned(),
            sha256: hex::encode(sha256(token)),
            owners: vec!["demo".parse().expect("alias")],
            detail: Some("full".to_owned()),
            rate: None,
            made: "2026-11-21T10:00:00+08:00".to_owned(),
        }
    }

    #[test]
    fn a_filed_token_opens_the_door_and_cannot_be_read_from_the_file() {
        let dir = tempfile::tempdir().expect("dir");
        let path = path(dir.path());
        assert_eq!(read(&path).expect("no file"), None);
        write(&path, &[filed("desk", "s3cret")]).expect("write");
        let text = fs::read_to_string(&path).expect("text");
        assert!(text.contains("desk") && !text.contains("s3cret"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).expect("meta").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{mode:o}");
        }
        let tokens = Tokens::default();
        load(&tokens, &path).expect("load");
        let known = tokens.known(&sha256("s3cret")).expect("known");
        assert_eq!(
            known.caller.access.bound(),
            Some(&"demo".parse().expect("alias"))
        );
        assert_eq!(known.caller.detail, Detail::Full);
    }

    #[test]
    fn a_broken_file_lets_nobody_in() {
        let dir = tempfile::tempdir().expect("dir");
        let path = path(dir.path());
        write(&path, &[filed("desk", "s3cret")]).expect("write");
        let tokens = Tokens::default();
        load(&tokens, &path).expect("load");
        fs::write(&path, "[{").expect("break");
        assert!(load(&tokens, &path).is_err());
        assert!(tokens.known(&sha256("s3cret")).is_none());
        assert!(!tokens.are_not_needed());
    }

    #[test]
    fn a_start_beside_a_file_without_tokens_is_closed_and_one_without_a_file_is_not() {
        let dir = tempfile::tempdir().expect("dir");
        let path = path(dir.path());
        let tokens = Tokens::default();
        load(&tokens, &path).expect("no file");
        assert!(tokens.are_not_needed());
        for (text, is_read) in [("{\"broken", false), ("[]", true)] {
            fs::write(&path, text).expect("write");
            let tokens = Tokens::default();
            assert_eq!(load(&tokens, &path).is_ok(), is_read, "{text}");
            assert!(!tokens.are_not_needed() && tokens.is_empty(), "{text}");
        }
    }
}
