//! The rule, step by step: who sees whose data after which switch.

use super::{kept::Kept, *};

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
        speaker: None,
        client: None,
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
        self.switches.switch(
            asker,
            alias(owner),
            Standing::default(),
            TEN + minute * MINUTE,
        );
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

#[test]
fn a_robot_is_one_robot_in_either_case_of_its_address() {
    let mut house = House::new();
    house.switch(&device("AA:BB:0C"), "b", 0);
    assert_eq!(house.sees(&device("aa:bb:0c"), 1), "b");
}

#[test]
fn a_look_does_not_keep_a_switch_alive() {
    let mut house = House::new();
    house.switch(&session("s1"), "b", 0);
    let standing = Standing {
        in_use: Some(&house.a),
        ..Standing::default()
    };
    let looked =
        house
            .switches
            .owner_behind(&session("s1"), standing, TEN + 29 * MINUTE, &house.zone);
    assert_eq!(looked.expect("an owner").owner, alias("b"));
    assert_eq!(house.sees(&session("s1"), 40), "a");
    assert_eq!(house.sees(&session("s2"), 40), "a", "nor for a new session");
}

#[test]
fn a_switch_outlives_the_server_and_still_ends_when_its_time_is_up() {
    let dir = tempfile::tempdir().expect("dir");
    let mut house = House::new();
    house.switch(&device("kitchen"), "b", 0);
    house.switch(&session("s1"), "c", 1);
    let kept = house.switches.unsaved(TEN).expect("changed");
    kept.write(dir.path()).expect("written");
    assert!(house.switches.unsaved(TEN).is_none(), "nothing new");
    let mut later = House::new();
    later.switches.take_up(Kept::read(dir.path()));
    assert_eq!(later.sees(&device("kitchen"), 5), "b");
    assert_eq!(later.sees(&session("s2"), 5), "c", "the token's newest");
    assert_eq!(later.sees(&device("kitchen"), 40), "a");
    later.env("d", 41);
    assert_eq!(later.sees(&session("s1"), 42), "d");
}

#[test]
fn a_switch_in_use_is_kept_every_five_minutes_and_a_look_keeps_nothing() {
    let mut house = House::new();
    house.switch(&session("s1"), "b", 0);
    assert!(house.switches.unsaved(TEN).is_some());
    house.sees(&session("s1"), 0);
    house.switches.unsaved(TEN);
    house.sees(&session("s1"), 4);
    assert!(house.switches.unsaved(TEN + 4 * MINUTE).is_none());
    house
        .switches
        .owner_behind(&session("s9"), Standing::default(), TEN, &house.zone);
    assert!(house.switches.unsaved(TEN + 4 * MINUTE).is_none());
    house.sees(&session("s1"), 5);
    assert!(house.switches.unsaved(TEN + 5 * MINUTE).is_some());
}

#[test]
fn a_damaged_file_of_switches_is_as_none() {
    let dir = tempfile::tempdir().expect("dir");
    std::fs::write(dir.path().join("switches.json"), "{\"scopes\":[[").expect("written");
    let mut house = House::new();
    house.switches.take_up(Kept::read(dir.path()));
    assert_eq!(house.sees(&session("s1"), 0), "a");
}
