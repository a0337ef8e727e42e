//! Where an owner's logs are: what a person stored, what was found, and what the settings say.
//!
//! In: the file of owners and the settings. Out: places and region for a [`super::Reach`]. Always true: what a person stored for an
//! owner goes before the settings; the settings' bucket is read for the owner of the settings' key alone, and not when it is known
//! as another owner's. Asks no cloud; see `app::places`.

use super::{Error, Owner, Owners, Roll};
use crate::model::{BucketUrl, OwnerAlias, Places};

impl Owners {
    /// Places and region of an owner; `None` for one that is not in the file, whom the settings alone describe.
    pub(super) fn places_of(
        &self,
        roll: &Roll,
        alias: &OwnerAlias,
        owner: Option<&Owner>,
    ) -> (Places, String) {
        let settings = &self.0.settings;
        let Some(owner) = owner else {
            return (settings.places.clone(), settings.region.clone());
        };
        let first = |a: &str, b: &str| if a.is_empty() { b } else { a }.to_owned();
        let own = owner.places.clone();
        if !self.settings_are_for(roll, alias, owner) {
            let region = first(&owner.region, &settings.region);
            return (own.or(&manners(&settings.places)), region);
        }
        // What the file has of an owner whom nobody entered are copies of settings, or guesses: a mended setting goes before them.
        let settings_first = owner.unnamed && !owner.chosen && settings.places.has_bucket();
        if settings_first {
            (
                settings.places.clone().or(&own),
                first(&settings.region, &owner.region),
            )
        } else {
            (
                own.or(&settings.places),
                first(&owner.region, &settings.region),
            )
        }
    }

    /// Whether bucket and prefixes of the settings are meant for this owner: it is the one whose key they name, and the bucket is not
    /// another's. The key in `.env` may have been rewritten beside a bucket that stayed.
    fn settings_are_for(&self, roll: &Roll, alias: &OwnerAlias, owner: &Owner) -> bool {
        let buckets = |places: &Places| -> Vec<BucketUrl> {
            let prefixes = places.prefixes.values().flatten();
            let named = prefixes.filter_map(|p| p.bucket.clone());
            places.bucket.clone().into_iter().chain(named).collect()
        };
        let said = buckets(&self.0.settings.places);
        let shared = |places: &Places| buckets(places).iter().any(|b| said.contains(b));
        let mut others = roll.owners.iter().filter(|(other, _)| *other != alias);
        self.0.configured.get() == Some(alias)
            && (shared(&owner.places) || !others.any(|(_, other)| shared(&other.places)))
    }

    /// The environment's owner keeps a copy of the settings, for the days on which `.env` names somebody else.
    pub(super) fn copy_settings(&self, roll: &mut Roll, alias: &OwnerAlias) {
        let Some(owner) = roll.owners.get(alias) else {
            return;
        };
        if owner.unnamed && !owner.chosen && self.0.settings.places.has_bucket() {
            let (places, region) = self.places_of(roll, alias, Some(owner));
            if let Some(owner) = roll.owners.get_mut(alias) {
                (owner.places, owner.region) = (places, region);
            }
        }
    }

    /// Keeps what was discovered about where an owner's logs are. Places that somebody configured are not overwritten.
    pub fn remember_places(&self, alias: &OwnerAlias, found: &Places) -> Result<(), Error> {
        self.0.registry.change(|roll| {
            if let Some(owner) = roll.owners.get_mut(alias) {
                let said = std::mem::take(&mut owner.places);
                // Prefixes without a bucket are defaults: what is really shipped goes before them.
                owner.places = if said.has_bucket() {
                    said.or(found)
                } else {
                    found.clone().or(&said)
                };
            }
            Ok(())
        })
    }
}

/// Of the environment's places, what holds for other owners too: how shipping tasks name directories, but no bucket, topic or cluster.
fn manners(places: &Places) -> Places {
    let mut prefixes = places.prefixes.clone();
    for list in prefixes.values_mut() {
        list.retain(|p| p.bucket.is_none());
    }
    prefixes.retain(|_, list| !list.is_empty());
    Places {
        prefixes,
        partition: places.partition.clone(),
        partition_zone: places.partition_zone.clone(),
        ..Places::default()
    }
}
