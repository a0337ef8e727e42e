//! The owners and their sealed keys: one JSON file, changed as a whole under a lock.
//!
//! In: a path. Out: [`Roll`] values, and changes written back. Always true: a reader sees a whole file, old or new, never half of
//! one; two processes never overwrite each other's change; a file that cannot be understood is never written over, and the version
//! before the last change stays beside it as `.bak`. Knows nothing of the environment or of who calls.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use super::vault::Sealed;
use crate::model::{OwnerAlias, Places};

/// The format this program writes. A file with a higher number is refused, not guessed at.
const VERSION: u32 = 1;

/// Why the registry cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "the owners' file `{path}` is damaged (line {line}); nothing was changed; put back `{path}.bak` or a backup"
    )]
    Damaged { path: String, line: usize },
    #[error(
        "the owners' file `{path}` was written by a newer gengfu (version {found}, known {VERSION}); update this program"
    )]
    TooNew { path: String, found: u32 },
    #[error("another process is changing the owners' file `{0}`; try again")]
    Busy(PathBuf),
    #[error("failed to read or write the owners' file `{path}`")]
    Io { path: PathBuf, source: io::Error },
}

/// Everything in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roll {
    version: u32,
    /// Which master key the keys are sealed with; see [`super::vault::MasterKey::id`].
    #[serde(default)]
    pub master_key_id: Option<String>,
    /// Whom `gengfu owner use` chose.
    #[serde(default)]
    pub in_use: Option<OwnerAlias>,
    /// Whose key a server last saw in the environment, to notice a change made while none was running.
    #[serde(default)]
    pub environment: Option<OwnerAlias>,
    /// When that changed last; nobody chose otherwise since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_changed_ms: Option<i64>,
    pub owners: BTreeMap<OwnerAlias, Owner>,
    /// Owners that were removed and whose data is still there, with hashes of their keys' ids: nobody else gets it with the alias.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<OwnerAlias, Vec<String>>,
}

/// One owner. Only `key` and `code` are hidden; the rest may be read and edited by the operator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// Made anew with the entry: whoever gets the alias later is another owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// How people call the owner; the first is used in speech.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spoken: Vec<String>,
    /// Names that voiceprint recognition gives. A hint, never a proof.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub voiceprints: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    #[serde(flatten)]
    pub places: Places,
    /// When the round begins, if not at the common hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_at: Option<Time>,
    /// What must be said to switch to this owner by voice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Sealed>,
    /// Made from an unknown key in `.env`, not by a person.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unnamed: bool,
    /// A person said where the logs are; what `.env` says of places stands back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub chosen: bool,
    /// The person named no bucket: the one that is stored is a copy of what stood in `.env` beside the key.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub copied: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<SealedKey>,
    /// Hashes of the ids of keys that were given up for another: whoever still names one means this owner.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<String>,
}

/// A sealed key, and the fingerprints by which it is recognised without opening it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKey {
    pub id_tag: String,
    pub key_tag: String,
    #[serde(flatten)]
    pub sealed: Sealed,
}

impl Owner {
    /// What to say for this owner: the spoken name, or the alias.
    #[must_use]
    pub fn name<'a>(&'a self, alias: &'a OwnerAlias) -> &'a str {
        self.spoken.first().map_or(alias.as_str(), String::as_str)
    }
}

impl Roll {
    /// The owner whom a person means: by alias, spoken name or voiceprint name, case and blanks aside. `None` also when two fit.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&OwnerAlias> {
        // Aliases that differ by case alone are two owners.
        if let Some((alias, _)) = self.owners.iter().find(|(a, _)| a.as_str() == name.trim()) {
            return Some(alias);
        }
        let plain = |s: &str| s.split_whitespace().collect::<String>().to_lowercase();
        let wanted = plain(name);
        let answers_to = |alias: &OwnerAlias, owner: &Owner| {
            let names = owner
                .spoken
                .iter()
                .chain(&owner.voiceprints)
                .map(String::as_str);
            names.chain([alias.as_str()]).any(|n| plain(n) == wanted)
        };
        let mut fitting = self
            .owners
            .iter()
            .filter(|(alias, owner)| answers_to(alias, owner));
        let found = fitting.next().map(|(alias, _)| alias);
        found.filter(|_| fitting.next().is_none())
    }
}

/// The file. Cheap to clone; holds nothing of its content.
#[derive(Debug, Clone)]
pub struct Registry {
    path: PathBuf,
}

impl Registry {
    /// The registry of a data directory; the file need not exist yet.
    #[must_use]
    pub fn in_dir(data_dir: &Path) -> Self {
        Self {
            path: data_dir.join("owners.json"),
        }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file says now; no owners when there is none.
    pub fn read(&self) -> Result<Roll, Error> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Roll::default()),
            Err(source) => return Err(self.io(source)),
        };
        let owners: Roll =
            serde_json::from_slice(&bytes).map_err(|e| self.not_understood(&bytes, &e))?;
        if owners.version > VERSION {
            return Err(self.too_new(owners.version));
        }
        Ok(owners)
    }

    /// Reads, changes and writes under the lock. Nothing is written when `change` fails or changes nothing.
    pub fn change<T, E: From<Error>>(
        &self,
        change: impl FnOnce(&mut Roll) -> Result<T, E>,
    ) -> Result<T, E> {
        let _lock = self.lock()?;
        let before = self.read()?;
        let mut owners = before.clone();
        let value = change(&mut owners)?;
        owners.version = VERSION;
        if owners != before {
            self.write(&owners)?;
        }
        Ok(value)
    }

    /// Makes the version beside the file the same as the file: the one before it can be of no use any more.
    pub fn renew_backup(&self) -> Result<(), Error> {
        let _lock = self.lock()?;
        fs::copy(&self.path, self.path.with_extension("json.bak")).map_err(|e| self.io(e))?;
        Ok(())
    }

    /// Waits its turn: a change takes milliseconds, so ten seconds mean that a process hangs.
    fn lock(&self) -> Result<File, Error> {
        let path = self.path.with_extension("lock");
        if let Some(dir) = self.path.parent() {
            fs::create_dir_all(dir).map_err(|e| self.io(e))?;
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| self.io(e))?;
        for _ in 0..500 {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(fs::TryLockError::WouldBlock) => {
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                Err(fs::TryLockError::Error(e)) => return Err(self.io(e)),
            }
        }
        Err(Error::Busy(self.path.clone()))
    }

    /// The new file is whole on the disk before its name is; the old one stays as `.bak`.
    fn write(&self, owners: &Roll) -> Result<(), Error> {
        let io = |e| self.io(e);
        let text = serde_json::to_vec_pretty(owners).map_err(|e| self.io(e.into()))?;
        let new = self.path.with_extension("json.new");
        let mut options = File::options();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new).map_err(io)?;
        file.write_all(&text)
            .and_then(|()| file.sync_all())
            .map_err(io)?;
        if self.path.exists() {
            fs::copy(&self.path, self.path.with_extension("json.bak")).map_err(io)?;
        }
        fs::rename(&new, &self.path).map_err(io)?;
        // The new name is safe only when the directory is on the disk as well.
        if let Some(dir) = self.path.parent()
            && let Ok(dir) = File::open(dir)
        {
            dir.sync_all().map_err(io)?;
        }
        Ok(())
    }

    fn not_understood(&self, bytes: &[u8], error: &serde_json::Error) -> Error {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        match serde_json::from_slice::<Version>(bytes) {
            Ok(v) if v.version > VERSION => self.too_new(v.version),
            _ => Error::Damaged {
                path: self.path.display().to_string(),
                line: error.line(),
            },
        }
    }

    fn too_new(&self, found: u32) -> Error {
        Error::TooNew {
            path: self.path.display().to_string(),
            found,
        }
    }

    fn io(&self, source: io::Error) -> Error {
        Error::Io {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(s: &str) -> OwnerAlias {
        s.parse().expect("alias")
    }

    fn add(registry: &Registry, name: &str) -> Result<(), Error> {
        registry.change(|owners| {
            owners.owners.insert(alias(name), Owner::default());
            Ok(())
        })
    }

    #[test]
    fn many_writers_lose_no_change() {
        let dir = tempfile::tempdir().expect("dir");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let registry = Registry::in_dir(dir.path());
                scope.spawn(move || {
                    for i in 0..10 {
                        add(&registry, &format!("o{writer}-{i}")).expect("change");
                    }
                });
            }
        });
        let owners = Registry::in_dir(dir.path()).read().expect("read");
        assert_eq!(owners.owners.len(), 40);
    }

    #[test]
    fn a_damaged_or_newer_file_is_left_as_it_is() {
        let dir = tempfile::tempdir().expect("dir");
        let registry = Registry::in_dir(dir.path());
        add(&registry, "a").expect("change");
        let whole = fs::read(registry.path()).expect("read");
        for cut in 0..whole.len() {
            fs::write(registry.path(), &whole[..cut]).expect("write");
            assert!(
                matches!(add(&registry, "b"), Err(Error::Damaged { .. })),
                "{cut}"
            );
            assert_eq!(fs::read(registry.path()).expect("read"), whole[..cut]);
        }
        fs::write(registry.path(), r#"{"version":9,"owners":[]}"#).expect("write");
        assert!(matches!(
            add(&registry, "b"),
            Err(Error::TooNew { found: 9, .. })
        ));
    }

    #[test]
    fn an_owner_is_found_by_every_name_unless_two_have_it() {
        let mut owners = Roll::default();
        let named = |spoken: &str| Owner {
            spoken: vec![spoken.to_owned(), "老板".to_owned()],
            voiceprints: vec![format!("vp-{spoken}")],
            ..Owner::default()
        };
        owners.owners.insert(alias("zhang"), named("张三"));
        owners.owners.insert(alias("li"), named("李四"));
        for name in ["张三", "vp-张三", "ZHANG", " zhang "] {
            assert_eq!(owners.find(name), Some(&alias("zhang")), "{name}");
        }
        assert_eq!((owners.find("老板"), owners.find("王五")), (None, None));
    }
}
