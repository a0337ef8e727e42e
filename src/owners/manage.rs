//! Adding, changing and removing owners, and the master key under all of them.
//!
//! In: an owner as a person or a table describes it. Out: the file of owners, changed as a whole. Always true: what is not said stays as it
//! was; of several owners all are stored or none, and folders move only then; a key is one owner. Asks nobody and prints nothing.

use std::{fs, io, path::Path};

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Error, MasterKey, Owner, Owners, Roll, code, registry::SealedKey, same_key::Moves, vault,
};
use crate::model::{Credentials, OwnerAlias, Places};

/// An owner to be stored.
#[derive(Debug, Clone)]
pub struct NewOwner {
    pub alias: OwnerAlias,
    pub key: Credentials,
    /// What must be said to switch to this owner by voice.
    pub code: Option<SecretString>,
    /// Everything that is not secret; its `key` and `code` are not looked at.
    pub about: Owner,
}

impl Owners {
    pub fn add(&self, new: NewOwner) -> Result<(), Error> {
        self.change_and_move(|roll, moves| {
            if roll.owners.contains_key(&new.alias) {
                return Err(Error::Exists(new.alias));
            }
            let master = self.master_key_or_fresh(roll)?;
            self.store(roll, &master, new, moves)
        })
    }

    /// Stores many at once: all of them or none. An owner that exists is replaced, but keeps what the new one does not say.
    pub fn import(&self, list: Vec<NewOwner>) -> Result<(), Error> {
        self.change_and_move(|roll, moves| {
            let master = self.master_key_or_fresh(roll)?;
            list.into_iter()
                .try_for_each(|new| self.store(roll, &master, new, moves))
        })
    }

    /// Changes the file of owners and moves folders, both or neither.
    pub(super) fn change_and_move(
        &self,
        change: impl FnOnce(&mut Roll, &mut Moves) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut done = None;
        let changed = self.0.registry.change(|roll| {
            let mut moves = Moves::default();
            change(roll, &mut moves)?;
            done = Some(self.carry_out(&moves)?);
            Ok(())
        });
        if changed.is_err()
            && let Some(mut done) = done
        {
            done.take_back();
        }
        changed
    }

    /// Changes what is said of an owner and keeps the rest, the key included. An owner whom the environment alone names is entered.
    pub fn set(
        &self,
        alias: &OwnerAlias,
        about: Owner,
        code: Option<&SecretString>,
        gone: Gone,
    ) -> Result<(), Error> {
        let environment = self.0.environment.borrow().clone();
        self.0.registry.change(|roll| {
            let master = self.master_key_or_fresh(roll)?;
            let mut before = match (roll.owners.remove(alias), environment) {
                (Some(owner), _) => owner,
                (None, Some((named, Some(key)))) if named == *alias => Owner {
                    unnamed: true,
                    key: Some(master.sealed(alias, &key)?),
                    ..Owner::default()
                },
                (None, _) => return Err(self.unknown(alias.as_str(), roll)),
            };
            before.code.take_if(|_| gone.code);
            before.run_at.take_if(|_| gone.run_at);
            let code = code.map(|c| sealed_code(&master, alias, c));
            let says_where = about.places != Places::default() || !about.region.is_empty();
            let owner = Owner {
                chosen: before.chosen || says_where,
                ..merged(before, about, code.transpose()?)
            };
            roll.owners.insert(alias.clone(), owner);
            Ok(())
        })
    }

    /// Gives an owner another key. The one before is remembered by its id's hash, so that it still means this owner.
    pub fn rotate(&self, alias: &OwnerAlias, key: &Credentials) -> Result<(), Error> {
        self.change_and_move(|roll, moves| {
            let master = self.master_key_or_fresh(roll)?;
            if !roll.owners.contains_key(alias) {
                return Err(self.unknown(alias.as_str(), &Roll::default()));
            }
            self.claim(roll, &master, alias, key, moves)?;
            if let Some(owner) = roll.owners.get_mut(alias) {
                *owner = renewed(std::mem::take(owner), &master, alias, key)?;
            }
            Ok(())
        })
    }

    /// Whether this key was given up for another of this owner's.
    pub fn gave_up(&self, alias: &OwnerAlias, key: &Credentials) -> Result<bool, Error> {
        let roll = self.roll()?;
        Ok(roll.owners.get(alias).is_some_and(|o| o.gave_up(key)))
    }

    /// Forgets an owner and its key. The owner's data stays on the disk, for whoever comes back with the key; when the alias is given to
    /// another key, it is put aside.
    pub fn remove(&self, alias: &OwnerAlias) -> Result<(), Error> {
        self.0.registry.change(|roll| {
            let Some(owner) = roll.owners.remove(alias) else {
                return Err(self.unknown(alias.as_str(), roll));
            };
            let mut ids = owner.former;
            if let (Some(key), Ok(master)) = (&owner.key, self.master_key(roll))
                && let Ok(key) = master.open(alias, &key.sealed)
            {
                ids.push(vault::hash_of_id(&key.secret_id));
            }
            roll.left.insert(alias.clone(), ids);
            roll.in_use.take_if(|used| used == alias);
            if roll.environment.take_if(|named| named == alias).is_some() {
                roll.environment_changed_ms = None;
            }
            // The last sealed key has gone: nothing needs this master key any more.
            if roll.owners.values().all(|o| o.key.is_none()) {
                roll.master_key_id = None;
            }
            Ok(())
        })
    }

    /// Chooses whom calls are about that say nothing else.
    pub fn use_always(&self, name: &str) -> Result<OwnerAlias, Error> {
        self.0.registry.change(|roll| {
            let alias = roll
                .find(name)
                .cloned()
                .ok_or_else(|| self.unknown(name, roll))?;
            roll.in_use = Some(alias.clone());
            // The later word; a server that runs goes by what it saw until it ends.
            roll.environment_changed_ms = None;
            Ok(alias)
        })
    }

    /// Seals everything anew under another master key: a fresh one in the key file, or `new` when the key is held elsewhere.
    ///
    /// The new key is on the disk before anything is sealed with it, and takes the old one's place afterwards; see
    /// `master_key_file` for a stop in between.
    pub fn rotate_master_key(&self, new: Option<MasterKey>) -> Result<(), Error> {
        let file = &self.0.settings.master_key_file;
        let in_file = self.0.settings.master_key.is_none();
        self.0.registry.change(|roll| {
            let old = self.master_key(roll)?;
            let new = match new {
                Some(key) => key,
                None => MasterKey::fresh()?,
            };
            if in_file {
                // Left over from a rotation that stopped before it sealed anything, or `master_key` would have used it.
                let next = next_file(file);
                match fs::remove_file(&next) {
                    Err(e) if e.kind() != io::ErrorKind::NotFound => {
                        return Err(vault::Error::Io {
                            path: next,
                            source: e,
                        }
                        .into());
                    }
                    _ => new.write_new(&next)?,
                }
            }
            for (alias, owner) in &mut roll.owners {
                if let Some(sealed) = &mut owner.key {
                    let key = old.open(alias, &sealed.sealed)?;
                    *sealed = new.sealed(alias, &key)?;
                }
                if let Some(code) = &mut owner.code {
                    let said = old.open_code(alias, code)?;
                    *code = new.seal_code(alias, &String::from_utf8_lossy(&said))?;
                }
            }
            roll.master_key_id = Some(new.id());
            Ok::<_, Error>(())
        })?;
        // The version before is sealed with a key that is about to go.
        self.0.registry.renew_backup()?;
        if in_file {
            take_over(file)?;
        }
        Ok(())
    }

    fn store(
        &self,
        roll: &mut Roll,
        master: &MasterKey,
        new: NewOwner,
        moves: &mut Moves,
    ) -> Result<(), Error> {
        let alias = &new.alias;
        let twin = roll.owners.keys().find(|known| {
            *known != alias && known.as_str().to_lowercase() == alias.as_str().to_lowercase()
        });
        if let Some(twin) = twin {
            return Err(Error::Exists(twin.clone()));
        }
        let taken_over = self.claim(roll, master, alias, &new.key, moves)?;
        let before = taken_over.or_else(|| roll.owners.remove(alias));
        let code = new.code.map(|c| sealed_code(master, alias, &c));
        let owner = merged(before.unwrap_or_default(), new.about, code.transpose()?);
        let owner = Owner {
            mark: Some(owner.mark.clone().map_or_else(vault::mark, Ok)?),
            unnamed: false,
            chosen: true,
            ..renewed(owner, master, alias, &new.key)?
        };
        roll.owners.insert(new.alias, owner);
        Ok(())
    }

    /// The master key, made now if nothing was ever sealed.
    pub(super) fn master_key_or_fresh(&self, roll: &mut Roll) -> Result<MasterKey, Error> {
        let file = &self.0.settings.master_key_file;
        let nothing_sealed = roll.master_key_id.is_none();
        let key = match self.master_key(roll) {
            Err(Error::Vault(vault::Error::MasterKeyLost(_))) if nothing_sealed => {
                let key = MasterKey::fresh()?;
                key.write_new(file)?;
                tracing::warn!(path = %file.display(), "made a master key; keep a copy of it elsewhere, without it the owners' keys are lost");
                key
            }
            other => other?,
        };
        roll.master_key_id = Some(key.id());
        Ok(key)
    }
}

impl MasterKey {
    pub(super) fn sealed(
        &self,
        alias: &OwnerAlias,
        key: &Credentials,
    ) -> Result<SealedKey, vault::Error> {
        let (id_tag, key_tag) = self.tags(key);
        Ok(SealedKey {
            id_tag,
            key_tag,
            sealed: self.seal(alias, key)?,
        })
    }

    /// The fingerprints of both halves of a key.
    pub(super) fn tags(&self, key: &Credentials) -> (String, String) {
        // 16 hex digits: enough to tell a few thousand keys apart, too few to be of use for anything else.
        let short = |purpose, value| self.tag(purpose, value)[..16].to_owned();
        (
            short("id", &key.secret_id),
            short("key", key.secret_key.expose_secret()),
        )
    }
}

impl Owner {
    /// Whether this key was this owner's, and is no longer.
    pub(super) fn gave_up(&self, key: &Credentials) -> bool {
        self.former.contains(&vault::hash_of_id(&key.secret_id))
    }
}

/// What of an owner is taken away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gone {
    pub code: bool,
    /// The hour of its own; the common one counts.
    pub run_at: bool,
}

fn sealed_code(
    master: &MasterKey,
    alias: &OwnerAlias,
    said: &SecretString,
) -> Result<vault::Sealed, Error> {
    if code::plain(said.expose_secret()).chars().count() < code::LEAST {
        return Err(Error::CodeTooShort(alias.clone()));
    }
    Ok(master.seal_code(alias, said.expose_secret())?)
}

/// The owner with another key.
fn renewed(
    mut owner: Owner,
    master: &MasterKey,
    alias: &OwnerAlias,
    key: &Credentials,
) -> Result<Owner, Error> {
    // One that cannot be opened any more cannot be remembered either.
    let before = owner.key.as_ref().map(|k| master.open(alias, &k.sealed));
    if let Some(Ok(before)) = before {
        owner.former.push(vault::hash_of_id(&before.secret_id));
    }
    let now = vault::hash_of_id(&key.secret_id);
    owner.former.retain(|id| *id != now);
    owner.former.dedup();
    owner.key = Some(master.sealed(alias, key)?);
    Ok(owner)
}

/// What is said goes before what was said.
fn merged(before: Owner, about: Owner, code: Option<vault::Sealed>) -> Owner {
    let kept = |new: Vec<String>, old: Vec<String>| if new.is_empty() { old } else { new };
    Owner {
        spoken: kept(about.spoken, before.spoken),
        voiceprints: kept(about.voiceprints, before.voiceprints),
        region: if about.region.is_empty() {
            before.region
        } else {
            about.region
        },
        copied: before.copied && !about.places.has_bucket(),
        places: about.places.or(&before.places),
        mark: before.mark,
        run_at: about.run_at.or(before.run_at),
        code: code.or(before.code),
        unnamed: before.unnamed,
        chosen: before.chosen,
        key: before.key,
        former: before.former,
    }
}

/// The key in the file. When a rotation stopped after sealing and before the new file took its place, that is finished here.
pub(super) fn master_key_file(file: &Path, roll: &Roll) -> Result<Option<MasterKey>, Error> {
    let key = MasterKey::read(file)?;
    let fits = |key: &Option<MasterKey>| key.as_ref().map(MasterKey::id) == roll.master_key_id;
    if roll.master_key_id.is_none() || fits(&key) {
        return Ok(key);
    }
    let next = MasterKey::read(&next_file(file))?;
    if fits(&next) {
        take_over(file)?;
        return Ok(next);
    }
    Ok(key)
}

fn next_file(file: &Path) -> std::path::PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".next");
    name.into()
}

fn take_over(file: &Path) -> Result<(), vault::Error> {
    fs::rename(next_file(file), file).map_err(|source| vault::Error::Io {
        path: file.into(),
        source,
    })
}
