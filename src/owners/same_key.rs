//! One key is one owner: what becomes of the owner that already has the key somebody enters, and of data under an alias that changes hands.
//!
//! In: the file of owners, an alias and its key. Out: the entry to go on from, and folders to move. Always true: an owner whom a person
//! entered loses nothing; nobody finds another's data under an alias; folders move when everything else was decided, all of them or
//! none; data that a running program holds is not moved. Seals no key.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Error, MasterKey, Owner, Owners, Roll, vault};
use crate::{
    model::{Credentials, OwnerAlias},
    store,
};

/// Where the data of an alias goes.
#[derive(Debug)]
enum Move {
    /// It was known by its key alone and gets its name.
    To { from: OwnerAlias, to: OwnerAlias },
    /// It is somebody else's who had the alias before.
    Aside(OwnerAlias),
}

/// What is to be moved once the file of owners is about to be written.
#[derive(Debug, Default)]
pub(super) struct Moves(Vec<Move>);

/// An alias is entered for a key. What a removed owner left under it is put aside, unless it is the key's: then `true`.
pub(super) fn vacate(
    roll: &mut Roll,
    alias: &OwnerAlias,
    key: &Credentials,
    moves: &mut Moves,
) -> bool {
    let id = vault::hash_of_id(&key.secret_id);
    let left = roll.left.remove(alias);
    let is_theirs = left.as_ref().is_some_and(|ids| ids.contains(&id));
    if left.is_some() && !is_theirs {
        moves.aside(alias);
    }
    is_theirs
}

impl Owners {
    /// Makes `alias` the only owner of `key`: an owner that was made of the key alone is taken over with its data, and its entry handed
    /// out; another is in the way.
    pub(super) fn claim(
        &self,
        roll: &mut Roll,
        master: &MasterKey,
        alias: &OwnerAlias,
        key: &Credentials,
        moves: &mut Moves,
    ) -> Result<Option<Owner>, Error> {
        let entered = roll.owners.contains_key(alias);
        // Whoever comes back with the key has data under the alias, which goes on.
        let comes_back = !entered && vacate(roll, alias, key, moves);
        let is_new = !entered && !comes_back;
        let (id, _) = master.tags(key);
        let has_it = |owner: &Owner| owner.key.as_ref().is_some_and(|k| k.id_tag == id);
        let mut others = roll.owners.iter().filter(|(other, _)| *other != alias);
        let Some((other, owner)) = others.find(|(_, owner)| has_it(owner)) else {
            // A key that only commands have used is in no entry; its data lies under the alias made of it.
            let bare = vault::alias_of_id(&key.secret_id)?;
            if is_new && bare != *alias && !roll.owners.contains_key(&bare) {
                moves.to(&self.0.settings.data_dir, &bare, alias);
            }
            return Ok(None);
        };
        let (other, mut owner) = (other.clone(), owner.clone());
        if !owner.unnamed || !owner.spoken.is_empty() {
            return Err(Error::KeyTaken(other));
        }
        // One that exists has data of its own, which goes on; what the other gathered stays where it is.
        if comes_back {
            moves.aside(&other);
        } else if is_new {
            moves.to(&self.0.settings.data_dir, &other, alias);
        }
        if !entered && let Some(code) = &mut owner.code {
            let said = master.open_code(&other, code)?;
            *code = master.seal_code(alias, &String::from_utf8_lossy(&said))?;
        }
        roll.owners.remove(&other);
        for named in [&mut roll.in_use, &mut roll.environment] {
            if named.as_ref() == Some(&other) {
                *named = Some(alias.clone());
            }
        }
        // Its key is sealed for the other alias, and is sealed anew by whoever asked.
        owner.key = None;
        Ok(Some(owner).filter(|_| !entered))
    }

    /// Carries the moves out; the ones that were made are taken back when one fails.
    pub(super) fn carry_out(&self, moves: &Moves) -> Result<Moved, Error> {
        let mut done = Moved(Vec::new());
        for step in &moves.0 {
            if let Err((alias, source)) = self.step(step, &mut done) {
                done.take_back();
                return Err(match source {
                    store::Error::Locked { holder } => Error::InUse { alias, holder },
                    source => Error::Data { alias, source },
                });
            }
        }
        Ok(done)
    }

    fn step(&self, step: &Move, done: &mut Moved) -> Result<(), (OwnerAlias, store::Error)> {
        let data = &self.0.settings.data_dir;
        let (from, targets) = match step {
            Move::To { from, to } => (from, folders(data, to)),
            Move::Aside(alias) => (alias, aside(data, alias)),
        };
        let failed = |source| (from.clone(), source);
        let moves = folders(data, from).into_iter().zip(targets);
        for (at, (old, new)) in moves.enumerate() {
            if !old.exists() {
                continue;
            }
            let io = |source| store::Error::Io {
                path: new.clone(),
                source,
            };
            if let Some(parent) = new.parent() {
                fs::create_dir_all(parent).map_err(io).map_err(failed)?;
            }
            // The first are the databases, which somebody may be writing.
            if at == 0 {
                store::move_owner(&old, &new).map_err(failed)?;
            } else {
                fs::rename(&old, &new).map_err(io).map_err(failed)?;
            }
            done.0.push((old, new));
        }
        Ok(())
    }
}

impl Moves {
    /// What lies under the new alias already, of whomever, makes room.
    fn to(&mut self, data: &Path, from: &OwnerAlias, to: &OwnerAlias) {
        let is_there = |alias| folders(data, alias).iter().any(|f| f.exists());
        if is_there(from) {
            if is_there(to) {
                self.aside(to);
            }
            let (from, to) = (from.clone(), to.clone());
            self.0.push(Move::To { from, to });
        }
    }

    fn aside(&mut self, alias: &OwnerAlias) {
        let known = |step: &Move| matches!(step, Move::Aside(other) if other == alias);
        if !self.0.iter().any(known) {
            self.0.push(Move::Aside(alias.clone()));
        }
    }
}

/// Folders that were moved, from where to where.
#[derive(Debug)]
pub(super) struct Moved(Vec<(PathBuf, PathBuf)>);

impl Moved {
    /// Puts everything back, the last one first.
    pub(super) fn take_back(&mut self) {
        while let Some((from, to)) = self.0.pop() {
            if let Err(error) = fs::rename(&to, &from) {
                tracing::error!(from = %to.display(), to = %from.display(), %error, "cannot put a folder back");
            }
        }
    }
}

/// Databases and texts of an alias.
fn folders(data: &Path, alias: &OwnerAlias) -> [PathBuf; 2] {
    let texts = data.join("analysis_results").join(alias.as_str());
    [store::folder_of(data, alias), texts]
}

/// A place for data that nobody owns any more, which no earlier one has taken.
fn aside(data: &Path, alias: &OwnerAlias) -> [PathBuf; 2] {
    let mut folder = data.join("removed").join(alias.as_str());
    let mut n = 1;
    while folder.exists() {
        n += 1;
        folder = data.join("removed").join(format!("{alias}-{n}"));
    }
    [folder.join("owners"), folder.join("analysis_results")]
}
