//! Whose key the environment names, at the start and whenever the file changes.
//!
//! In: a key, whose it is said to be, and where the logs are said to be. Out: the owner in force, registered. Always true: a stored key
//! that lasts is replaced only by a whole one of the same id that has stood still; a change that cannot be stored changes nothing, and
//! why stands in [`Trouble`]. What a text of the file means is [`super::env_sync`]'s, reading it [`super::env_watch`]'s.

use super::{
    Error, Owner, Owners, Roll,
    env_sync::Known,
    locked,
    places::{buckets, copy_settings},
    same_key::vacate,
    vault,
};
use crate::model::{BucketUrl, Credentials, OwnerAlias, Places};

/// What a changed key in `.env` means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentChange {
    pub owner: OwnerAlias,
    /// Seen for the first time: its places have yet to be found.
    pub is_new: bool,
}

/// Why whom the file names is not in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// A key in it is cut off, or two are mixed.
    NoWholeKey,
    /// The owners' file or the master key is in the way, as the sentence for the log says.
    NotTaken(String),
}

/// Where the logs are of whoever's key the settings name.
#[derive(Debug, Clone, Default)]
pub(super) struct Beside {
    pub owner: Option<OwnerAlias>,
    pub places: Places,
    pub region: String,
}

impl Owners {
    /// The owner of the key given at the start. A local bucket needs no key and belongs to nobody in particular.
    pub(super) fn owner_of_environment(
        &self,
    ) -> Result<Option<(OwnerAlias, Option<Credentials>)>, Error> {
        let settings = &self.0.settings;
        if let Some(key) = &settings.key {
            let roll = self.roll()?;
            let alias = self.whose_key(&roll, key, settings.key_owner.as_ref())?;
            return Ok(Some((alias, Some(key.clone()))));
        }
        match settings.places.bucket {
            Some(BucketUrl::Dir { .. }) => Ok(Some((settings.keyless.clone(), None))),
            _ => Ok(None),
        }
    }

    /// Registers the environment's owner, so that its nights go on when the file names somebody else. For a server's start.
    ///
    /// A key that changed since a server last ran counts as a change made now; one that a server saw change counts on from then.
    pub fn adopt_environment(&self, now_ms: i64) -> Result<(), Error> {
        let Some((alias, Some(key))) = self.0.environment.borrow().clone() else {
            return Ok(());
        };
        let roll = self.roll()?;
        let changed_ms = match roll.environment {
            Some(before) if before != alias => Some(now_ms),
            _ => roll.environment_changed_ms,
        };
        let beside = locked(&self.0.beside).clone();
        self.admit(&alias, &key, &beside, true, changed_ms)?;
        if let Some(at_ms) = changed_ms {
            locked(&self.0.switches).environment_changed(alias, at_ms);
        }
        Ok(())
    }

    /// The file names another key now. An unknown one becomes an unnamed owner whose places have yet to be found.
    pub fn environment_changed(
        &self,
        key: &Credentials,
        now_ms: i64,
    ) -> Result<EnvironmentChange, Error> {
        self.environment_changed_to(key, None, None, now_ms)
    }

    /// The same where the file says beside the key whose it is, and where that owner's logs are.
    ///
    /// Another key of the same owner, mended or renewed, is no change of the owner: what was switched by voice since stays.
    pub fn environment_changed_to(
        &self,
        key: &Credentials,
        named: Option<&OwnerAlias>,
        places: Option<(Places, String)>,
        now_ms: i64,
    ) -> Result<EnvironmentChange, Error> {
        let roll = self.roll()?;
        let owner = self.whose_key(&roll, key, named)?;
        let is_new = !roll.owners.contains_key(&owner);
        let is_same = !is_new && roll.environment.as_ref() == Some(&owner);
        let beside = self.beside_of(&owner, places);
        let changed_ms = if is_same {
            roll.environment_changed_ms
        } else {
            Some(now_ms)
        };
        self.admit(&owner, key, &beside, false, changed_ms)?;
        *locked(&self.0.beside) = beside;
        {
            let mut switches = locked(&self.0.switches);
            match changed_ms {
                Some(at_ms) => switches.environment_changed(owner.clone(), at_ms),
                None => switches.forget_environment(),
            }
        }
        self.0
            .environment
            .send_replace(Some((owner.clone(), Some(key.clone()))));
        tracing::info!(owner = %owner, is_new, "the key in the environment changed");
        Ok(EnvironmentChange { owner, is_new })
    }

    /// What the settings say of places, for a key that has come into the file. A bucket whose line stayed is still the former owner's.
    fn beside_of(&self, owner: &OwnerAlias, said: Option<(Places, String)>) -> Beside {
        let now = locked(&self.0.beside).clone();
        let is_theirs = now.owner.as_ref().is_none_or(|of| of == owner);
        let news = said.filter(|(said, _)| is_theirs || buckets(said) != buckets(&now.places));
        news.map_or(now, |(places, region)| Beside {
            owner: Some(owner.clone()),
            places,
            region,
        })
    }

    /// Why whom the file names is not in force, while it is not.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        locked(&self.0.trouble).clone()
    }

    pub(super) fn note_trouble(&self, trouble: Option<Trouble>) {
        let mut known = locked(&self.0.trouble);
        if *known != trouble {
            match &trouble {
                Some(Trouble::NoWholeKey) => {
                    tracing::warn!(
                        "the environment file names no whole key, or halves of two: the key before stays in force until the file changes"
                    );
                }
                Some(Trouble::NotTaken(error)) => {
                    tracing::error!(error, "cannot take over the key in the environment file");
                }
                None => tracing::info!("the key in the environment file is in force"),
            }
            *known = trouble;
        }
    }

    /// The owner of the environment's key goes by another alias than it did: another program entered it meanwhile.
    pub(super) fn entered_otherwise(&self, now_ms: i64) -> Option<EnvironmentChange> {
        let (alias, key) = self.0.environment.borrow().clone()?;
        let (key, roll) = (key?, self.roll().ok()?);
        if roll.owners.contains_key(&alias) {
            return None;
        }
        self.owner_of_key(&roll, &key).ok()??;
        self.environment_changed(&key, now_ms).ok()
    }

    /// How a key stands to the owners' keys; for [`super::env_sync`].
    #[must_use]
    pub fn recognise(&self, key: &Credentials) -> Known {
        let Some(roll) = self.roll().ok().filter(|roll| roll.master_key_id.is_some()) else {
            return Known::Stranger;
        };
        let Ok(master) = self.master_key(&roll) else {
            return Known::Stranger;
        };
        let (id, secret) = master.tags(key);
        let (mut of_id, mut of_secret) = (false, false);
        for owner in roll.owners.values() {
            let sealed = owner.key.as_ref();
            let same_id = sealed.is_some_and(|k| k.id_tag == id);
            let same_secret = sealed.is_some_and(|k| k.key_tag == secret);
            if same_id && same_secret {
                return Known::Owner;
            }
            of_id |= same_id || owner.gave_up(key);
            of_secret |= same_secret;
        }
        match (of_id, of_secret) {
            (_, true) => Known::HalfOfAnOwner,
            (true, false) => Known::Corrected,
            (false, false) => Known::Stranger,
        }
    }

    /// The owner who has the key; of a temporary key that nobody has, whom the file names: each renewal brings another id. A permanent key
    /// says itself whose it is, also where the line is somebody else's that stayed.
    fn whose_key(
        &self,
        roll: &Roll,
        key: &Credentials,
        named: Option<&OwnerAlias>,
    ) -> Result<OwnerAlias, Error> {
        if let Some(alias) = self.owner_of_key(roll, key)? {
            return Ok(alias);
        }
        match named.filter(|_| key.token.is_some()) {
            Some(alias) => Ok(alias.clone()),
            None => Ok(vault::alias_of_id(&key.secret_id)?),
        }
    }

    fn owner_of_key(&self, roll: &Roll, key: &Credentials) -> Result<Option<OwnerAlias>, Error> {
        if roll.master_key_id.is_none() {
            return Ok(None);
        }
        let (id, _) = self.master_key(roll)?.tags(key);
        let owns = |owner: &Owner| owner.key.as_ref().is_some_and(|k| k.id_tag == id);
        let mut owners = roll.owners.iter();
        let owner = owners.find(|(_, owner)| owns(owner));
        let owner = owner.or_else(|| roll.owners.iter().find(|(_, owner)| owner.gave_up(key)));
        Ok(owner.map(|(alias, _)| alias.clone()))
    }

    /// Makes sure that the environment's owner is in the file with what the settings say of its logs, and notes that its key was seen.
    ///
    /// A key whose id is known and whose rest is another is a mended or renewed one, and takes the old one's place; not at a start, which
    /// may fall into a rewrite.
    fn admit(
        &self,
        alias: &OwnerAlias,
        key: &Credentials,
        beside: &Beside,
        at_start: bool,
        changed_ms: Option<i64>,
    ) -> Result<(), Error> {
        self.change_and_move(|roll, moves| {
            let master = self.master_key_or_fresh(roll)?;
            if let Some(owner) = roll.owners.get_mut(alias) {
                let kept = owner.key.as_ref();
                let kept = kept.and_then(|kept| master.open(alias, &kept.sealed).ok());
                let takes_its_place = kept.is_none_or(|kept| {
                    let is_lasting = kept.token.is_none();
                    // A key that ends does not go before one that lasts.
                    !kept.is_same_key(key) && !(is_lasting && (key.token.is_some() || at_start))
                });
                if takes_its_place && !owner.gave_up(key) {
                    owner.key = Some(master.sealed(alias, key)?);
                }
            } else {
                vacate(roll, alias, key, moves);
                let owner = Owner {
                    mark: Some(vault::mark()?),
                    region: beside.region.clone(),
                    unnamed: true,
                    // An alias that the file gives is a name.
                    spoken: if vault::alias_of_id(&key.secret_id)? == *alias {
                        Vec::new()
                    } else {
                        vec![alias.to_string()]
                    },
                    key: Some(master.sealed(alias, key)?),
                    ..Owner::default()
                };
                roll.owners.insert(alias.clone(), owner);
            }
            copy_settings(beside, roll, alias);
            roll.environment = Some(alias.clone());
            roll.environment_changed_ms = changed_ms;
            Ok(())
        })
    }
}
