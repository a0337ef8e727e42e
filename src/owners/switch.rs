//! Whose data a call sees: a pure decision over what was switched, when, and where.
//!
//! In: who asks ([`Asker`]), what happened before, and the time. Out: an owner and why. The rule, in order:
//! 1. the owner that the token or endpoint is bound to;
//! 2. the newest of the last `.env` change and the last switch in the call's scope;
//! 3. whom `gengfu owner use` chose; then the key in the environment; then the only owner there is.
//!
//! The scope is (token, device) when a device is named, else the MCP session, else the token; a new session begins with the token's
//! newest switch. A switch ends after 30 idle minutes in its scope, or at midnight. Always true: a call in one scope changes nothing
//! in another. Does not check codes or names, and reads no clock.

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::Owner;
use crate::model::{Day, OwnerAlias};

pub mod kept;

/// A voice switch ends when nobody has asked for so long: the next voice is likely somebody else's.
pub const IDLE_MS: i64 = 30 * 60 * 1000;
/// Scopes remembered at once. Old ones go first; beyond this many live sessions an old one falls back to rule 3.
const MOST_SCOPES: usize = 10_000;

/// Who asks. Tokens and endpoints are given by name, never by value.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    pub token: &'a str,
    pub session: Option<&'a str>,
    pub device: Option<&'a str>,
    /// The voice, as the client claims; for the record only.
    pub speaker: Option<&'a str>,
    /// Name and version of the program, as it claims; for the record only.
    pub client: Option<&'a str>,
    /// Owners the token may open; empty: all. Exactly one: the token is bound to it.
    pub owners: &'a [OwnerAlias],
}

impl Asker<'_> {
    #[must_use]
    pub fn may_open(&self, owner: &OwnerAlias) -> bool {
        self.owners.is_empty() || self.owners.contains(owner)
    }

    /// The owner this token is bound to.
    #[must_use]
    pub const fn bound(&self) -> Option<&OwnerAlias> {
        match self.owners {
            [one] => Some(one),
            _ => None,
        }
    }

    fn scope(&self) -> Scope {
        let token = self.token.to_owned();
        match (self.device, self.session) {
            // A MAC address is written in either case.
            (Some(device), _) => Scope::Device(token, device.to_lowercase()),
            (None, Some(session)) => Scope::Session(token, session.to_owned()),
            (None, None) => Scope::Token(token),
        }
    }
}

/// Why a call sees this owner's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Bound,
    Environment,
    Switched,
    /// `gengfu owner use`, or nothing else to choose from.
    Standing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whose {
    pub owner: OwnerAlias,
    pub why: Why,
    /// The last answer in this scope was about somebody else, so the next begins by saying whose logs these are.
    pub new_here: bool,
}

/// What the decision rests on when nobody has switched.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standing<'a> {
    /// Whom `gengfu owner use` chose.
    pub in_use: Option<&'a OwnerAlias>,
    /// Whose key the environment names.
    pub environment: Option<&'a OwnerAlias>,
    /// The only owner there is.
    pub only: Option<&'a OwnerAlias>,
    /// Who is in the file of owners; `None`: whoever is named.
    pub entered: Option<&'a BTreeMap<OwnerAlias, Owner>>,
}

impl Standing<'_> {
    /// Whether there is this owner: one that was removed is nobody.
    fn knows(&self, owner: &OwnerAlias) -> bool {
        let entered = self.entered.is_none_or(|all| all.contains_key(owner));
        entered || self.environment == Some(owner)
    }

    /// The mark of the owner's entry.
    fn mark(&self, owner: &OwnerAlias) -> Option<&str> {
        self.entered?.get(owner)?.mark.as_deref()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Scope {
    Device(String, String),
    Session(String, String),
    Token(String),
}

#[derive(Debug, Clone, Default)]
struct Seen {
    switch: Option<Switch>,
    last_owner: Option<OwnerAlias>,
    used_ms: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Switch {
    owner: OwnerAlias,
    /// Of the owner's entry then: whoever has the alias since is somebody else.
    mark: Option<String>,
    at_ms: i64,
    used_ms: i64,
}

impl Switch {
    const fn is_alive(&self, now_ms: i64) -> bool {
        now_ms - self.used_ms < IDLE_MS
    }

    fn is_over(&self, now_ms: i64, zone: &TimeZone) -> bool {
        !self.is_alive(now_ms) || Day::of(now_ms, zone) != Day::of(self.at_ms, zone)
    }
}

/// All switches of the process.
#[derive(Debug, Clone, Default)]
pub struct Switches {
    scopes: HashMap<Scope, Seen>,
    newest_of_token: HashMap<String, Switch>,
    /// Whom a token's last answer was about, for the first answer of its next session.
    told_last: HashMap<String, OwnerAlias>,
    environment: Option<(OwnerAlias, i64)>,
    /// Something changed that [`kept`] should keep, and when it last did.
    is_unsaved: bool,
    /// The same, and it may wait.
    is_stale: bool,
    saved_ms: i64,
}

impl Switches {
    /// The key in `.env` changed to one of `owner`.
    pub fn environment_changed(&mut self, owner: OwnerAlias, now_ms: i64) {
        self.environment = Some((owner, now_ms));
    }

    /// Whoever the operator chose is the later word.
    pub(super) fn forget_environment(&mut self) {
        self.environment = None;
    }

    /// Whose key `.env` changed to last, if it changed.
    pub(super) fn environment(&self) -> Option<OwnerAlias> {
        self.environment.as_ref().map(|(owner, _)| owner.clone())
    }

    /// `asker` switched. The caller has checked that it may.
    pub fn switch(
        &mut self,
        asker: &Asker<'_>,
        owner: OwnerAlias,
        standing: Standing<'_>,
        now_ms: i64,
    ) {
        let switch = Switch {
            mark: standing.mark(&owner).map(str::to_owned),
            owner,
            at_ms: now_ms,
            used_ms: now_ms,
        };
        self.newest_of_token
            .insert(asker.token.to_owned(), switch.clone());
        let seen = self.seen(asker, now_ms);
        seen.switch = Some(switch);
        seen.used_ms = now_ms;
        self.is_unsaved = true;
    }

    /// The same for a look that tells the listener nothing: the next answer still says whose logs these are, and a switch grows no younger.
    pub fn owner_behind(
        &mut self,
        asker: &Asker<'_>,
        standing: Standing<'_>,
        now_ms: i64,
        zone: &TimeZone,
    ) -> Option<Whose> {
        fn put_back<K: Eq + std::hash::Hash, V>(
            map: &mut HashMap<K, V>,
            key: K,
            before: Option<V>,
        ) {
            match before {
                Some(before) => drop(map.insert(key, before)),
                None => drop(map.remove(&key)),
            }
        }
        let (scope, token) = (asker.scope(), asker.token.to_owned());
        let told = self.told_last.get(&token).cloned();
        let newest = self.newest_of_token.get(&token).cloned();
        let seen = self.scopes.get(&scope).cloned();
        let flags = (self.is_unsaved, self.is_stale);
        let whose = self.owner_of(asker, standing, now_ms, zone);
        put_back(&mut self.scopes, scope, seen);
        put_back(&mut self.newest_of_token, token.clone(), newest);
        put_back(&mut self.told_last, token, told);
        (self.is_unsaved, self.is_stale) = flags;
        whose
    }

    /// Whose data this call sees; `None` when there is nobody to choose. Counts as use of the scope, and as told.
    pub fn owner_of(
        &mut self,
        asker: &Asker<'_>,
        standing: Standing<'_>,
        now_ms: i64,
        zone: &TimeZone,
    ) -> Option<Whose> {
        let environment = self.environment.clone();
        let seen = self.seen(asker, now_ms);
        seen.used_ms = now_ms;
        if seen
            .switch
            .as_ref()
            .is_some_and(|s| s.is_over(now_ms, zone))
        {
            seen.switch = None;
        }
        let (owner, why) = decide(
            asker,
            seen.switch.as_mut(),
            environment.as_ref(),
            standing,
            now_ms,
        )?;
        let last = seen.last_owner.replace(owner.clone());
        let last_of_token = self.told_last.insert(asker.token.to_owned(), owner.clone());
        self.is_stale |= why == Why::Switched || last_of_token.as_ref() != Some(&owner);
        self.is_unsaved |= self.is_stale && now_ms - self.saved_ms >= kept::SAVE_EVERY_MS;
        // Who stands is no news, unless `.env` names somebody else.
        let other_named = standing.environment.is_some_and(|named| *named != owner);
        let is_news = matches!(why, Why::Environment | Why::Switched)
            || (why == Why::Standing && other_named);
        let new_here = last.or(last_of_token).map_or(is_news, |last| last != owner);
        // What keeps a switch alive in its scope keeps it alive for the sessions to come.
        if why == Why::Switched
            && let Some(newest) = self
                .newest_of_token
                .get_mut(asker.token)
                .filter(|n| n.owner == owner)
        {
            newest.used_ms = now_ms;
        }
        Some(Whose {
            owner,
            why,
            new_here,
        })
    }

    /// The scope's memory; a session seen for the first time begins with its token's newest switch.
    fn seen(&mut self, asker: &Asker<'_>, now_ms: i64) -> &mut Seen {
        if self.scopes.len() >= MOST_SCOPES {
            self.scopes
                .retain(|_, seen| now_ms - seen.used_ms < IDLE_MS);
        }
        let scope = asker.scope();
        let inherited = match &scope {
            Scope::Session(token, _) => {
                let newest = self.newest_of_token.get(token);
                newest.filter(|s| s.is_alive(now_ms)).cloned()
            }
            Scope::Device(..) | Scope::Token(_) => None,
        };
        self.scopes.entry(scope).or_insert_with(|| Seen {
            switch: inherited,
            last_owner: None,
            used_ms: now_ms,
        })
    }
}

fn decide(
    asker: &Asker<'_>,
    switch: Option<&mut Switch>,
    environment: Option<&(OwnerAlias, i64)>,
    standing: Standing<'_>,
    now_ms: i64,
) -> Option<(OwnerAlias, Why)> {
    if let Some(owner) = asker.bound() {
        return Some((owner.clone(), Why::Bound));
    }
    let may_be = |owner: &OwnerAlias| asker.may_open(owner) && standing.knows(owner);
    let environment = environment.filter(|(owner, _)| may_be(owner));
    let switch =
        switch.filter(|s| may_be(&s.owner) && s.mark.as_deref() == standing.mark(&s.owner));
    match (switch, environment) {
        (Some(switch), environment)
            if environment.is_none_or(|(_, at_ms)| *at_ms < switch.at_ms) =>
        {
            switch.used_ms = now_ms;
            Some((switch.owner.clone(), Why::Switched))
        }
        (_, Some((owner, _))) => Some((owner.clone(), Why::Environment)),
        (_, None) => [standing.in_use, standing.environment, standing.only]
            .into_iter()
            .flatten()
            .find(|owner| asker.may_open(owner))
            .map(|owner| (owner.clone(), Why::Standing)),
    }
}

#[cfg(test)]
mod tests;
