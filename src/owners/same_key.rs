//! One key is one owner: what becomes of the owner that already has the key somebody enters.
//!
//! In: the file of owners, an alias and its key. Out: the entry to go on from, its data under the new alias. Always true: an owner whom a
//! person entered loses nothing; data that a running program holds is not moved. Seals no key.

use std::fs;

use super::{Error, MasterKey, Owner, Owners, Roll};
use crate::{
    model::{Credentials, OwnerAlias},
    store,
};

impl Owners {
    /// Makes `alias` the only owner of `key`: an owner that was made of the key alone is taken over with its data, and its entry handed
    /// out; another is in the way.
    pub(super) fn claim(
        &self,
        roll: &mut Roll,
        master: &MasterKey,
        alias: &OwnerAlias,
        key: &Credentials,
    ) -> Result<Option<Owner>, Error> {
        let (id, _) = master.tags(key);
        let has_it = |owner: &Owner| owner.key.as_ref().is_some_and(|k| k.id_tag == id);
        let mut others = roll.owners.iter().filter(|(other, _)| *other != alias);
        let Some((other, owner)) = others.find(|(_, owner)| has_it(owner)) else {
            return Ok(None);
        };
        let (other, mut owner) = (other.clone(), owner.clone());
        if !owner.unnamed || !owner.spoken.is_empty() {
            return Err(Error::KeyTaken(other));
        }
        // One that exists has data of its own, which goes on; what the other gathered stays where it is.
        let entered = roll.owners.contains_key(alias);
        if !entered {
            self.move_data(&other, alias)?;
            if let Some(code) = &mut owner.code {
                let said = master.open_code(&other, code)?;
                *code = master.seal_code(alias, &String::from_utf8_lossy(&said))?;
            }
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

    fn move_data(&self, from: &OwnerAlias, to: &OwnerAlias) -> Result<(), Error> {
        let failed = |source| match source {
            store::Error::Locked { holder } => Error::InUse {
                alias: from.clone(),
                holder,
            },
            source => Error::Data {
                alias: from.clone(),
                source,
            },
        };
        let data = &self.0.settings.data_dir;
        let files = data.join("analysis_results");
        let (old, new) = (files.join(from.as_str()), files.join(to.as_str()));
        store::rename_owner(data, from, to).map_err(failed)?;
        if old.exists() {
            fs::rename(&old, &new)
                .map_err(|source| failed(store::Error::Io { path: new, source }))?;
        }
        Ok(())
    }
}
