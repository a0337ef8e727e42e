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

use std::collections::HashMap;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::model::{Day, OwnerAlias};

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
            (Some(device), _) => Scope::Device(token, device.to_owned()),
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

#[derive(Debug, Clone)]
struct Switch {
    owner: OwnerAlias,
    at_ms: i64,
    used_ms: i64,
}

impl Switch {
    fn is_over(&self, now_ms: i64, zone: &TimeZone) -> bool {
        now_ms - self.used_ms >= IDLE_MS || Day::of(now_ms, zone) != Day::of(self.at_ms, zone)
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
}

impl Switches {
    /// The key in `.env` changed to one of `owner`.
    pub fn environment_changed(&mut self, owner: OwnerAlias, now_ms: i64) {
        self.environment = Some((owner, now_ms));
    }

    /// `asker` switched. The caller has checked that it may.
    pub fn switch(&mut self, asker: &Asker<'_>, owner: OwnerAlias, now_ms: i64) {
        let switch = Switch {
            owner,
            at_ms: now_ms,
            used_ms: now_ms,
        };
        self.newest_of_token
            .insert(asker.token.to_owned(), switch.clone());
        let seen = self.seen(asker, now_ms);
        seen.switch = Some(switch);
        seen.used_ms = now_ms;
    }

    /// Whose data this call sees; `None` when there is nobody to choose. Counts as use of the scope.
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
        let new_here = match last.or(last_of_token) {
            Some(last) => last != owner,
            None => matches!(why, Why::Environment | Why::Switched),
        };
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

    /// A session has ended; its scope will not come back.
    pub fn forget_session(&mut self, token: &str, session: &str) {
        self.scopes
            .remove(&Scope::Session(token.to_owned(), session.to_owned()));
    }

    /// The scope's memory; a session seen for the first time begins with its token's newest switch.
    fn seen(&mut self, asker: &Asker<'_>, now_ms: i64) -> &mut Seen {
        if self.scopes.len() >= MOST_SCOPES {
            self.scopes
                .retain(|_, seen| now_ms - seen.used_ms < IDLE_MS);
        }
        let scope = asker.scope();
        let inherited = match &scope {
            Scope::Session(token, _) => self.newest_of_token.get(token).cloned(),
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
    let environment = environment.filter(|(owner, _)| asker.may_open(owner));
    let switch = switch.filter(|s| asker.may_open(&s.owner));
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
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    /// 2026-11-24 10:00 in Shanghai.
    const TEN: i64 = 1_795_485_600_000;

    struct House {
        switches: Switches,
        a: OwnerAlias,
        zone: TimeZone,
    }

    fn alias(s: &str) -> OwnerAlias {
        s.parse().expect("alias")
    }

    fn session(name: &str) -> Asker<'_> {
        Asker {
            token: "robot",
            session: Some(name),
            device: None,
            owners: &[],
        }
    }

    fn device(name: &str) -> Asker<'_> {
        Asker {
            device: Some(name),
            ..session("s1")
        }
    }

    impl House {
        fn new() -> Self {
            Self {
                switches: Switches::default(),
                a: alias("a"),
                zone: TimeZone::get("Asia/Shanghai").expect("zone"),
            }
        }

        /// The owner seen at `minute` after ten, when `a` is the standing one.
        fn sees(&mut self, asker: &Asker<'_>, minute: i64) -> String {
            let standing = Standing {
                in_use: Some(&self.a),
                ..Standing::default()
            };
            let whose = self
                .switches
                .owner_of(asker, standing, TEN + minute * MINUTE, &self.zone);
            whose.expect("an owner").owner.to_string()
        }

        fn switch(&mut self, asker: &Asker<'_>, owner: &str, minute: i64) {
            self.switches
                .switch(asker, alias(owner), TEN + minute * MINUTE);
        }

        fn env(&mut self, owner: &str, minute: i64) {
            self.switches
                .environment_changed(alias(owner), TEN + minute * MINUTE);
        }
    }

    #[test]
    fn a_bound_token_sees_its_owner_whatever_happens() {
        let mut house = House::new();
        let only = [alias("x")];
        let bound = Asker {
            owners: &only,
            ..session("s1")
        };
        house.env("b", 0);
        house.switch(&bound, "c", 1);
        assert_eq!(house.sees(&bound, 2), "x");
    }

    #[test]
    fn the_newest_of_env_change_and_switch_wins() {
        let mut house = House::new();
        let s1 = session("s1");
        assert_eq!(house.sees(&s1, 0), "a");
        house.env("b", 1);
        assert_eq!(house.sees(&s1, 2), "b");
        house.switch(&s1, "c", 3);
        assert_eq!(house.sees(&s1, 4), "c");
        house.env("d", 5);
        assert_eq!(house.sees(&s1, 6), "d");
    }

    #[test]
    fn a_switch_ends_after_thirty_idle_minutes() {
        let mut house = House::new();
        let s1 = session("s1");
        house.env("b", 0);
        house.switch(&s1, "c", 1);
        assert_eq!(house.sees(&s1, 30), "c");
        assert_eq!(house.sees(&s1, 59), "c");
        assert_eq!(house.sees(&s1, 89), "b");
    }

    #[test]
    fn a_switch_ends_at_midnight() {
        let mut house = House::new();
        let s1 = session("s1");
        house.switch(&s1, "c", 13 * 60 + 55);
        assert_eq!(house.sees(&s1, 13 * 60 + 59), "c");
        assert_eq!(house.sees(&s1, 14 * 60), "a");
    }

    #[test]
    fn devices_of_one_token_do_not_disturb_each_other() {
        let mut house = House::new();
        house.switch(&device("kitchen"), "b", 0);
        house.switch(&device("office"), "c", 1);
        assert_eq!(house.sees(&device("kitchen"), 2), "b");
        assert_eq!(house.sees(&device("office"), 2), "c");
        assert_eq!(house.sees(&device("hall"), 2), "a");
        assert_eq!(
            house.sees(&session("s1"), 2),
            "c",
            "a new session begins with the token's newest switch"
        );
    }

    #[test]
    fn a_new_session_begins_with_the_newest_switch_and_then_stands_alone() {
        let mut house = House::new();
        house.switch(&session("s1"), "b", 0);
        assert_eq!(house.sees(&session("s2"), 1), "b");
        house.switch(&session("s1"), "c", 2);
        assert_eq!(house.sees(&session("s2"), 3), "b");
        assert_eq!(house.sees(&session("s3"), 3), "c");
        assert_eq!(
            house.sees(&session("s4"), 40),
            "a",
            "the switch had ended before the session began"
        );
        let other = Asker {
            token: "claude",
            ..session("s1")
        };
        assert_eq!(house.sees(&other, 3), "a");
    }

    #[test]
    fn a_token_never_sees_an_owner_it_may_not_open() {
        let mut house = House::new();
        let scope = [alias("a"), alias("b")];
        let narrow = Asker {
            owners: &scope,
            ..session("s1")
        };
        house.env("c", 0);
        assert_eq!(house.sees(&narrow, 1), "a");
        house.env("b", 2);
        assert_eq!(house.sees(&narrow, 3), "b");
    }

    #[test]
    fn the_first_answer_about_somebody_else_says_so() {
        let mut house = House::new();
        let s1 = session("s1");
        let ask = |house: &mut House, minute| {
            let whose = house.switches.owner_of(
                &s1,
                Standing {
                    in_use: Some(&house.a.clone()),
                    ..Standing::default()
                },
                TEN + minute * MINUTE,
                &house.zone,
            );
            whose.expect("an owner").new_here
        };
        assert!(!ask(&mut house, 0));
        house.env("b", 1);
        assert!(ask(&mut house, 2));
        assert!(!ask(&mut house, 3));
        house.env("a", 4);
        let other = house.switches.owner_of(
            &session("s2"),
            Standing::default(),
            TEN + 5 * MINUTE,
            &house.zone,
        );
        assert!(
            other.expect("an owner").new_here,
            "a new session says so too"
        );
    }
}
