//! Where an owner's logs are: what a person stored, what was found, and what the settings say.
//!
//! In: the file of owners and the settings. Out: places and region for a [`super::Reach`]. Always true: what a person stored for an
//! owner goes before the settings; the settings' bucket is read for the owner of the settings' key alone, and not when it is known
//! as another owner's. Asks no cloud; see `app::places`.

use super::{Error, Owner, Owners, Roll, environment::Beside, locked};
use crate::model::{BucketUrl, OwnerAlias, Places};

impl Owners {
    /// Places and region of an owner; `None` for one that is not in the file, whom the settings alone describe.
    pub(super) fn places_of(
        &self,
        roll: &Roll,
        alias: &OwnerAlias,
        owner: Option<&Owner>,
    ) -> (Places, String) {
        let said = locked(&self.0.beside).clone();
        match owner {
            Some(owner) => of(&said, roll, alias, owner),
            None if said.owner.as_ref() == Some(alias) => (said.places, said.region),
            None => (manners(&said.places), said.region),
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

fn of(said: &Beside, roll: &Roll, alias: &OwnerAlias, owner: &Owner) -> (Places, String) {
    let first = |a: &str, b: &str| if a.is_empty() { b } else { a }.to_owned();
    let own = owner.places.clone();
    if !are_for(said, roll, alias, owner) {
        let region = first(&owner.region, &said.region);
        return (own.or(&manners(&said.places)), region);
    }
    // What the file has of an owner whom nobody entered are copies of settings, or guesses: a mended setting goes before them.
    let is_copy = owner.copied || owner.unnamed && !owner.chosen;
    if is_copy && said.places.has_bucket() {
        let region = first(&said.region, &owner.region);
        (said.places.clone().or(&own), region)
    } else {
        (own.or(&said.places), first(&owner.region, &said.region))
    }
}

/// The environment's owner keeps a copy of the settings, for the days on which `.env` names somebody else; unless a person stored a
/// bucket.
pub(super) fn copy_settings(said: &Beside, roll: &mut Roll, alias: &OwnerAlias) {
    let Some(owner) = roll.owners.get(alias) else {
        return;
    };
    let is_copy = owner.copied || owner.unnamed && !owner.chosen;
    let is_wanted = is_copy || !owner.places.has_bucket();
    if is_wanted && said.places.has_bucket() && are_for(said, roll, alias, owner) {
        let (places, region) = of(said, roll, alias, owner);
        if let Some(owner) = roll.owners.get_mut(alias) {
            owner.copied |= owner.chosen;
            (owner.places, owner.region) = (places, region);
        }
    }
}

/// Every bucket that is named.
pub(super) fn buckets(places: &Places) -> Vec<BucketUrl> {
    let prefixes = places.prefixes.values().flatten();
    let named = prefixes.filter_map(|p| p.bucket.clone());
    places.bucket.clone().into_iter().chain(named).collect()
}

/// Whether bucket and prefixes of the settings are meant for this owner: it is the one whose key they name, and the bucket is not
/// another's. The key in `.env` may have been rewritten beside a bucket that stayed.
fn are_for(said: &Beside, roll: &Roll, alias: &OwnerAlias, owner: &Owner) -> bool {
    let wanted = buckets(&said.places);
    let shared = |places: &Places| buckets(places).iter().any(|b| wanted.contains(b));
    let mut others = roll.owners.iter().filter(|(other, _)| *other != alias);
    said.owner.as_ref() == Some(alias)
        && (shared(&owner.places) || !others.any(|(_, other)| shared(&other.places)))
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
