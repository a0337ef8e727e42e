//! Who owns which key, and whose data a call sees.
//!
//! [`Owners`] is the handle that everybody holds: it finds an owner by name, opens what is needed to [`Reach`] an owner's logs, and
//! decides whose data a call sees. Beneath it, each on its own: [`vault`] (keys at rest), [`registry`] (the file of owners),
//! [`env_sync`] and [`env_watch`] (the `.env` that others rewrite), `environment` (whose key stands in it), `places` (where logs are), `same_key` (one
//! key is one owner, and folders that move), [`switch`] (the rule, and what of it outlives a restart), [`code`] (the spoken code).
//!
//! Always true: a key leaves this room only inside a [`Reach`]; every change of the file of owners happens under its lock; nothing
//! here talks to a network. Calls read a small file and may wait for its lock: from a runtime, through `spawn_blocking` if they change.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use crate::model::{Credentials, Endpoints, OwnerAlias, Places, Zone};

pub mod code;
pub mod env_sync;
pub mod env_watch;
mod environment;
pub mod import;
mod manage;
mod places;
pub mod registry;
mod same_key;
pub mod switch;
mod turn;
pub mod vault;
mod words;

pub use environment::{EnvironmentChange, Trouble};
pub use manage::{Gone, NewOwner};
pub use registry::{Owner, Registry, Roll};
pub use switch::{Asker, Whose, Why};
pub use turn::{ENVIRONMENT_WAIT, Refusal, Switched, Wanted};
pub use vault::MasterKey;

/// Why an owner cannot be found, stored or reached.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no owner `{asked}`; known: {known}")]
    Unknown { asked: String, known: String },
    #[error(
        "no owner yet; set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or `gengfu owner add`"
    )]
    Nobody,
    #[error(
        "owner `{0}` exists already; use `gengfu owner rotate {0}` to give it another key, `gengfu owner set {0}` to change the rest"
    )]
    Exists(OwnerAlias),
    #[error(
        "this key is `{0}`'s already; change that owner with `gengfu owner set {0}`, or remove it first"
    )]
    KeyTaken(OwnerAlias),
    #[error(
        "this key is known as `{alias}`, whose data {holder} is using; stop that first, or name the owner as it is: `gengfu owner set {alias} --name NAME`"
    )]
    InUse { alias: OwnerAlias, holder: String },
    #[error("the data of `{alias}` cannot become another owner's")]
    Data {
        alias: OwnerAlias,
        source: crate::store::Error,
    },
    #[error("owner `{0}` has no key; give it one with `gengfu owner rotate {0}`")]
    NoKey(OwnerAlias),
    #[error("the code of `{0}` is too short: four digits or characters at least")]
    CodeTooShort(OwnerAlias),
    #[error(transparent)]
    Registry(#[from] registry::Error),
    #[error(transparent)]
    Vault(#[from] vault::Error),
    #[error(transparent)]
    Alias(#[from] crate::model::InvalidAlias),
}

/// What the surroundings say; built by `app` from the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    pub data_dir: PathBuf,
    /// From GENGFU_MASTER_KEY; else the file's.
    pub master_key: Option<MasterKey>,
    pub master_key_file: PathBuf,
    /// The key the environment names at the start.
    pub key: Option<Credentials>,
    /// Whose that is, as the environment says; for temporary keys.
    pub key_owner: Option<OwnerAlias>,
    pub region: String,
    /// Whose a local bucket is that needs no key.
    pub keyless: OwnerAlias,
    /// Where the logs of the environment's owner are.
    pub places: Places,
    /// The same in a later text of the file.
    pub places_in: PlacesIn,
    pub endpoints: Endpoints,
    pub zone: Zone,
}

/// Reads places and region from a text of the `.env` file; the configuration's own reader, handed in by `app`.
#[derive(Clone, Default)]
pub struct PlacesIn(Option<Arc<ReadPlaces>>);

type ReadPlaces = dyn Fn(&[u8]) -> Option<(Places, String)> + Send + Sync;

impl PlacesIn {
    pub fn new(read: impl Fn(&[u8]) -> Option<(Places, String)> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(read)))
    }

    fn of(&self, text: &[u8]) -> Option<(Places, String)> {
        self.0.as_ref()?(text)
    }
}

impl std::fmt::Debug for PlacesIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PlacesIn").field(&self.0.is_some()).finish()
    }
}

/// Everything that is needed to reach one owner's logs. There is no way to make one without naming the owner.
#[derive(Debug, Clone)]
pub struct Reach {
    pub alias: OwnerAlias,
    /// What to call the owner in speech.
    pub name: String,
    /// `None` for a local bucket.
    pub credentials: Option<Credentials>,
    pub region: String,
    /// Without a bucket: to be discovered with the key; see [`Owners::remember_places`].
    pub places: Places,
    pub endpoints: Endpoints,
}

/// The handle. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Owners(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    registry: Registry,
    settings: Settings,
    /// The key the environment names now, and whose it is.
    environment: watch::Sender<Option<(OwnerAlias, Option<Credentials>)>>,
    /// What the settings say of where logs are, and whose key they name, whom that is meant for.
    beside: Mutex<environment::Beside>,
    /// Why the file's key is not in force.
    trouble: Mutex<Option<Trouble>>,
    switches: Mutex<switch::Switches>,
    attempts: Mutex<code::Attempts>,
    /// Asks the watcher to look at the file at once.
    look: tokio::sync::Notify,
}

impl Owners {
    /// Reads the file of owners and finds out whose key the environment names. Writes nothing.
    pub fn open(settings: Settings) -> Result<Self, Error> {
        let owners = Self(Arc::new(Shared {
            registry: Registry::in_dir(&settings.data_dir),
            environment: watch::Sender::new(None),
            beside: Mutex::new(environment::Beside {
                owner: None,
                places: settings.places.clone(),
                region: settings.region.clone(),
            }),
            trouble: Mutex::default(),
            switches: Mutex::default(),
            attempts: Mutex::default(),
            look: tokio::sync::Notify::new(),
            settings,
        }));
        let named = owners.owner_of_environment()?;
        if let Some((alias, _)) = &named {
            locked(&owners.0.beside).owner = Some(alias.clone());
        }
        owners.0.environment.send_replace(named);
        Ok(owners)
    }

    /// All registered owners as the file has them now.
    pub fn roll(&self) -> Result<Roll, Error> {
        Ok(self.0.registry.read()?)
    }

    /// Every owner whose round is run at night: the registered ones, and the environment's.
    pub fn all(&self) -> Result<Vec<OwnerAlias>, Error> {
        let mut all: Vec<_> = self.roll()?.owners.into_keys().collect();
        if let Some(alias) = self.environment().filter(|alias| !all.contains(alias)) {
            all.push(alias);
        }
        Ok(all)
    }

    /// The owner whose key the environment names now.
    #[must_use]
    pub fn environment(&self) -> Option<OwnerAlias> {
        self.0
            .environment
            .borrow()
            .as_ref()
            .map(|(alias, _)| alias.clone())
    }

    /// The owner a command is about: the one named, or else whoever stands (see [`switch`], rule 3).
    pub fn choose(&self, named: Option<&OwnerAlias>) -> Result<OwnerAlias, Error> {
        let roll = self.roll()?;
        if let Some(alias) = named {
            let known =
                roll.owners.contains_key(alias) || self.environment().as_ref() == Some(alias);
            return if known {
                Ok(alias.clone())
            } else {
                Err(self.unknown(alias.as_str(), &roll))
            };
        }
        let environment = self.environment();
        let changed_unseen =
            roll.environment.is_some() && environment.is_some() && roll.environment != environment;
        if changed_unseen && let Some(alias) = environment {
            return Ok(alias);
        }
        let only = roll.owners.keys().next().filter(|_| roll.owners.len() == 1);
        roll.in_use
            .clone()
            .or(environment)
            .or_else(|| only.cloned())
            .ok_or(Error::Nobody)
    }

    /// Who is active for whoever cannot say whom they mean: the owner of the last change of the environment that was seen here, else
    /// whoever stands.
    pub fn active(&self) -> Result<OwnerAlias, Error> {
        let changed_to = locked(&self.0.switches).environment();
        let (named, roll) = (self.environment(), self.roll()?);
        let is_somebody = |o: &OwnerAlias| roll.owners.contains_key(o) || named.as_ref() == Some(o);
        match changed_to.filter(is_somebody) {
            Some(owner) => Ok(owner),
            None => self.choose(None),
        }
    }

    /// What is needed to reach this owner's logs, its key opened.
    pub fn reach(&self, alias: &OwnerAlias) -> Result<Reach, Error> {
        let settings = &self.0.settings;
        let roll = self.roll()?;
        let environment = self.0.environment.borrow().clone().filter(|(named, key)| {
            let owner = roll.owners.get(alias);
            // Rotation is the later word where `.env` still names the key that was given up.
            let gave_up = owner.zip(key.as_ref()).is_some_and(|(o, k)| o.gave_up(k));
            named == alias && !gave_up
        });
        let (owner, credentials) = match (roll.owners.get(alias), environment) {
            (None, None) => return Err(self.unknown(alias.as_str(), &roll)),
            // The environment's key is the fresher one: a temporary key is renewed there.
            (owner, Some((_, credentials))) => (owner.cloned(), credentials),
            (Some(owner), None) => {
                let sealed = owner
                    .key
                    .as_ref()
                    .ok_or_else(|| Error::NoKey(alias.clone()))?;
                let key = self.master_key(&roll)?.open(alias, &sealed.sealed)?;
                (Some(owner.clone()), Some(key))
            }
        };
        let (places, region) = self.places_of(&roll, alias, owner.as_ref());
        Ok(Reach {
            name: owner.unwrap_or_default().name(alias).to_owned(),
            region,
            places,
            endpoints: settings.endpoints.clone(),
            credentials,
            alias: alias.clone(),
        })
    }

    /// What to call an owner in speech.
    pub fn name(&self, alias: &OwnerAlias) -> String {
        let roll = self.roll().unwrap_or_default();
        roll.owners
            .get(alias)
            .map_or(alias.as_str(), |o| o.name(alias))
            .to_owned()
    }

    /// Whether nobody has named this owner yet: it is known by its key alone, and its alias is not for the ear.
    #[must_use]
    pub fn is_unnamed(&self, alias: &OwnerAlias) -> bool {
        let roll = self.roll().unwrap_or_default();
        roll.owners
            .get(alias)
            .is_some_and(|o| o.unnamed && o.spoken.is_empty())
    }

    /// Whose voice this is, as voiceprint recognition names it. A hint: whoever speaks may claim any name.
    #[must_use]
    pub fn hinted_by(&self, voiceprint: &str) -> Option<OwnerAlias> {
        self.roll().ok()?.find(voiceprint).cloned()
    }

    fn unknown(&self, asked: &str, roll: &Roll) -> Error {
        let mut known: Vec<String> = roll.owners.keys().map(ToString::to_string).collect();
        known.extend(
            self.environment()
                .map(|a| a.to_string())
                .filter(|a| !known.contains(a)),
        );
        Error::Unknown {
            asked: asked.chars().filter(|c| !c.is_control()).take(64).collect(),
            known: if known.is_empty() {
                "-".to_owned()
            } else {
                known.join(", ")
            },
        }
    }

    /// The master key that the roll's keys are sealed with.
    fn master_key(&self, roll: &Roll) -> Result<MasterKey, Error> {
        let settings = &self.0.settings;
        let found = match &settings.master_key {
            Some(key) => Some(key.clone()),
            None => manage::master_key_file(&settings.master_key_file, roll)?,
        };
        match (found, &roll.master_key_id) {
            (Some(key), Some(wanted)) if key.id() != *wanted => Err(vault::Error::OtherMasterKey {
                wanted: wanted.clone(),
                found: key.id(),
            }
            .into()),
            (Some(key), _) => Ok(key),
            (None, _) => Err(vault::Error::MasterKeyLost(settings.master_key_file.clone()).into()),
        }
    }
}

/// A poisoned lock means a panic elsewhere; the data under it is still whole, since every change is one assignment.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod alias_tests;
#[cfg(test)]
mod env_key_tests;
#[cfg(test)]
mod env_tests;
#[cfg(test)]
mod tests;
