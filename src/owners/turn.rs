//! A call's turn: whose data it sees, and switching by voice.
//!
//! In: who asks, whom for, and what was said as a code. Out: an owner, or a [`Refusal`] that a person can be told. Always true: every
//! switch and every refusal is logged with whom it was about, never with a code; an owner who was removed is nobody. The rule itself is
//! [`super::switch`]'s.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Asker, Error, Owners, Roll, Trouble, Whose, code, locked,
    switch::{Standing, Switches, kept::Kept},
};
use crate::model::OwnerAlias;

/// How long `switch_owner_keys` without a name waits for voiceprint recognition to rewrite the file.
pub const ENVIRONMENT_WAIT: Duration = Duration::from_secs(3);

/// Whom a caller wants to switch to.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// An alias, a spoken name, or a voiceprint name.
    Named(&'a str),
    /// Whoever the `.env` file names now.
    Environment,
}

/// A switch that took place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switched {
    pub owner: OwnerAlias,
    pub name: String,
    /// It was this owner's turn already.
    pub same: bool,
}

/// Why a switch did not take place. Each is something a person can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody, or more than one, answers to this name; these do.
    Unknown {
        asked: String,
        known: Vec<String>,
    },
    /// The `.env` file names no key.
    EnvironmentNamesNobody,
    /// It names somebody who could not be taken over.
    Environment(Trouble),
    /// The token belongs to one owner, or may not open this one.
    NotAllowed {
        owner: OwnerAlias,
    },
    /// No answer to the question for the code.
    CodeNeeded {
        owner: OwnerAlias,
    },
    CodeWrong {
        owner: OwnerAlias,
        tries_left: u32,
    },
    /// Too many wrong codes.
    Closed {
        owner: OwnerAlias,
        until_ms: i64,
    },
}

impl Refusal {
    /// Its name in the log, and whom it was about.
    fn about(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Unknown { asked, .. } => ("unknown", Some(asked)),
            Self::EnvironmentNamesNobody => ("environment_names_nobody", None),
            Self::Environment(_) => ("environment_in_trouble", None),
            Self::NotAllowed { owner } => ("not_allowed", Some(owner.as_str())),
            Self::CodeNeeded { owner } => ("code_needed", Some(owner.as_str())),
            Self::CodeWrong { owner, .. } => ("code_wrong", Some(owner.as_str())),
            Self::Closed { owner, .. } => ("closed", Some(owner.as_str())),
        }
    }
}

impl Owners {
    /// Whose data this call sees. Counts as use of the caller's scope, and as told.
    pub fn owner_of(&self, asker: &Asker<'_>, now_ms: i64) -> Result<Option<Whose>, Error> {
        self.decide(asker, now_ms, Switches::owner_of)
    }

    /// The same for a look that tells the listener nothing.
    pub fn owner_behind(&self, asker: &Asker<'_>, now_ms: i64) -> Result<Option<Whose>, Error> {
        self.decide(asker, now_ms, Switches::owner_behind)
    }

    fn decide(
        &self,
        asker: &Asker<'_>,
        now_ms: i64,
        rule: impl FnOnce(
            &mut Switches,
            &Asker<'_>,
            Standing<'_>,
            i64,
            &jiff::tz::TimeZone,
        ) -> Option<Whose>,
    ) -> Result<Option<Whose>, Error> {
        let roll = self.roll()?;
        let environment = self.environment();
        let standing = standing(&roll, environment.as_ref());
        let zone = self.0.settings.zone.time_zone();
        let mut switches = locked(&self.0.switches);
        let whose = rule(&mut switches, asker, standing, now_ms, zone);
        self.keep(&mut switches, now_ms);
        Ok(whose)
    }

    /// Takes up the switches of the server before this one. For a server's start.
    pub fn take_up_switches(&self) {
        let kept = Kept::read(&self.0.settings.data_dir);
        locked(&self.0.switches).take_up(kept);
    }

    /// Under the lock, so that an older state is never written over a newer one; the file is small and seldom written.
    fn keep(&self, switches: &mut Switches, now_ms: i64) {
        if let Some(kept) = switches.unsaved(now_ms)
            && let Err(e) = kept.write(&self.0.settings.data_dir)
        {
            tracing::warn!(error = %e, "failed to keep the switches by voice");
        }
    }

    /// Switches the caller's scope. A code is asked for only where one is set; it is compared in constant time and guesses are limited.
    ///
    /// With [`Wanted::Environment`] call [`Self::environment_soon`] first, which waits for the file.
    pub fn switch(
        &self,
        asker: &Asker<'_>,
        wanted: Wanted<'_>,
        said: Option<&SecretString>,
        now_ms: i64,
    ) -> Result<Result<Switched, Refusal>, Error> {
        let roll = self.roll()?;
        let decided = self.may_switch(&roll, asker, wanted, said, now_ms)?;
        let outcome = match decided {
            Err(refusal) => Err(refusal),
            Ok(owner) => {
                let before = self.owner_behind(asker, now_ms)?;
                let mut switches = locked(&self.0.switches);
                let environment = self.environment();
                let standing = standing(&roll, environment.as_ref());
                switches.switch(asker, owner.clone(), standing, now_ms);
                self.keep(&mut switches, now_ms);
                drop(switches);
                Ok(Switched {
                    name: self.name(&owner),
                    same: before.is_some_and(|b| b.owner == owner),
                    owner,
                })
            }
        };
        audit(asker, &outcome);
        Ok(outcome)
    }

    /// The environment's owner, after a look at the file: at once when it differs from `unlike`, else after a change or the wait.
    pub async fn environment_soon(
        &self,
        unlike: Option<&OwnerAlias>,
        wait: Duration,
    ) -> Option<OwnerAlias> {
        let mut named = self.0.environment.subscribe();
        self.0.look.notify_one();
        let differs = |now: &Option<(OwnerAlias, _)>| {
            now.as_ref().is_some_and(|(alias, _)| Some(alias) != unlike)
        };
        // The time is up, or the handle is going away: what is known by now is the answer.
        let _ = tokio::time::timeout(wait, named.wait_for(differs)).await;
        self.environment()
    }

    /// The same when whom the file names by now is still to be written, for all that is known.
    pub async fn environment_anew(&self, wait: Duration) -> Option<OwnerAlias> {
        let named = self.environment();
        self.environment_soon(named.as_ref(), wait).await
    }

    fn may_switch(
        &self,
        roll: &Roll,
        asker: &Asker<'_>,
        wanted: Wanted<'_>,
        said: Option<&SecretString>,
        now_ms: i64,
    ) -> Result<Result<OwnerAlias, Refusal>, Error> {
        let owner = match wanted {
            Wanted::Environment => match self.environment() {
                // Who has just logged in must not hear the former owner's logs instead.
                _ if asker.bound().is_none()
                    && let Some(trouble) = self.trouble() =>
                {
                    return Ok(Err(Refusal::Environment(trouble)));
                }
                // The file is trusted: whoever may write it has recognised the voice, so no code is asked for.
                Some(owner) if asker.may_open(&owner) => return Ok(Ok(owner)),
                Some(owner) => return Ok(Err(Refusal::NotAllowed { owner })),
                None => return Ok(Err(Refusal::EnvironmentNamesNobody)),
            },
            Wanted::Named(name) => match self.find(roll, name) {
                Some(owner) => owner,
                None => return Ok(Err(nobody_called(roll, asker, name))),
            },
        };
        if !asker.may_open(&owner) {
            return Ok(Err(Refusal::NotAllowed { owner }));
        }
        // Whoever hears these logs already has given the code.
        let present = self.owner_behind(asker, now_ms)?;
        if present.is_some_and(|present| present.owner == owner) {
            return Ok(Ok(owner));
        }
        let Some(sealed) = roll.owners.get(&owner).and_then(|o| o.code.as_ref()) else {
            return Ok(Ok(owner));
        };
        if let Some(until_ms) = locked(&self.0.attempts).closed_until(&owner, now_ms) {
            return Ok(Err(Refusal::Closed { owner, until_ms }));
        }
        let Some(said) = said
            .map(SecretString::expose_secret)
            .filter(|s| !s.trim().is_empty())
        else {
            return Ok(Err(Refusal::CodeNeeded { owner }));
        };
        let set = self.master_key(roll)?.open_code(&owner, sealed)?;
        let mut attempts = locked(&self.0.attempts);
        // Others may have guessed meanwhile.
        if let Some(until_ms) = attempts.closed_until(&owner, now_ms) {
            return Ok(Err(Refusal::Closed { owner, until_ms }));
        }
        if code::is_right(said, &set) {
            attempts.right(&owner);
            return Ok(Ok(owner));
        }
        let tries_left = attempts.wrong(&owner, said, now_ms);
        Ok(Err(Refusal::CodeWrong { owner, tries_left }))
    }

    fn find(&self, roll: &Roll, name: &str) -> Option<OwnerAlias> {
        let environment = || {
            self.environment()
                .filter(|alias| alias.as_str() == name.trim())
        };
        roll.find(name).cloned().or_else(environment)
    }
}

fn standing<'a>(roll: &'a Roll, environment: Option<&'a OwnerAlias>) -> Standing<'a> {
    Standing {
        in_use: roll.in_use.as_ref(),
        environment,
        only: roll.owners.keys().next().filter(|_| roll.owners.len() == 1),
        entered: Some(&roll.owners),
    }
}

/// Only names that this caller may open are told.
fn nobody_called(roll: &Roll, asker: &Asker<'_>, name: &str) -> Refusal {
    let open = roll
        .owners
        .iter()
        .filter(|(alias, _)| asker.may_open(alias));
    Refusal::Unknown {
        asked: name.chars().filter(|c| !c.is_control()).take(40).collect(),
        known: open
            .map(|(alias, owner)| owner.name(alias).to_owned())
            .collect(),
    }
}

/// Who switched to whom, and what came of it; never a code.
fn audit(asker: &Asker<'_>, outcome: &Result<Switched, Refusal>) {
    let (token, session) = (asker.token, asker.session);
    let (device, speaker, client) = (asker.device, asker.speaker, asker.client);
    match outcome {
        Ok(Switched { owner, same, .. }) => {
            tracing::info!(target: "gengfu::audit", token, session, device, speaker, client, owner = %owner, same, "switched owner");
        }
        Err(refusal) => {
            let (reason, about) = refusal.about();
            tracing::warn!(target: "gengfu::audit", token, session, device, speaker, client, asked = about, reason, "refused to switch owner");
        }
    }
}
