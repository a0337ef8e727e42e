//! The handle as a whole: what is stored, reached, switched, lost and found again.

use std::{fs, path::Path};

use secrecy::SecretString;

use super::*;
use crate::model::{BucketUrl, LogKind, LogPrefix};

pub(super) fn alias(s: &str) -> OwnerAlias {
    s.parse().expect("alias")
}

pub(super) fn key(name: &str) -> Credentials {
    Credentials::new(format!("AKID{name}"), format!("hush-{name}"))
}

pub(super) fn settings(dir: &Path, named: Option<Credentials>) -> Settings {
    Settings {
        keyless: "default".parse().expect("alias"),
        data_dir: dir.to_owned(),
        master_key: None,
        master_key_file: dir.join("master.key"),
        key: named,
        key_owner: None,
        region: "ap-nanjing".to_owned(),
        places_in: PlacesIn::default(),
        places: Places {
            bucket: Some(bucket("env-125")),
            prefixes: [(
                LogKind::Event,
                vec!["event/".parse::<LogPrefix>().expect("prefix")],
            )]
            .into(),
            ..Places::default()
        },
        endpoints: Endpoints::default(),
        zone: "Asia/Shanghai".parse().expect("zone"),
    }
}

pub(super) fn bucket(name: &str) -> BucketUrl {
    format!("cos://{name}").parse().expect("bucket")
}

pub(super) fn open(dir: &Path, named: Option<Credentials>) -> Owners {
    Owners::open(settings(dir, named)).expect("open")
}

pub(super) fn new_owner(name: &str) -> NewOwner {
    NewOwner {
        alias: alias(name),
        key: key(name),
        code: None,
        about: Owner {
            spoken: vec![format!("{name}先生")],
            places: Places {
                bucket: Some(bucket(&format!("{name}-125"))),
                ..Places::default()
            },
            ..Owner::default()
        },
    }
}

pub(super) const ROBOT: Asker<'_> = Asker {
    token: "robot",
    session: Some("s"),
    device: None,
    speaker: None,
    client: None,
    owners: &[],
};

#[test]
fn each_owner_is_reached_with_its_own_key_and_bucket() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), Some(key("env")));
    owners
        .import(vec![new_owner("a"), new_owner("b")])
        .expect("import");
    for name in ["a", "b"] {
        let reach = owners.reach(&alias(name)).expect("reach");
        assert!(reach.credentials.expect("key").is_same_key(&key(name)));
        assert_eq!(reach.places.bucket, Some(bucket(&format!("{name}-125"))));
        assert!(
            reach.places.prefixes.contains_key(&LogKind::Event),
            "the manners of the shipping tasks are shared"
        );
    }
    let environment = owners.environment().expect("owner of the environment");
    assert_eq!(
        owners.reach(&environment).expect("reach").places.bucket,
        Some(bucket("env-125"))
    );
    assert!(
        !environment.as_str().contains("env"),
        "no alias shows a key's id"
    );
    assert!(matches!(
        owners.reach(&alias("c")),
        Err(Error::Unknown { .. })
    ));
    assert!(matches!(owners.add(new_owner("a")), Err(Error::Exists(_))));
}

#[test]
fn no_file_shows_a_key() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), Some(key("env")));
    owners.adopt_environment(0).expect("adopt");
    let code = Some(SecretString::from("4711"));
    owners
        .add(NewOwner {
            code,
            ..new_owner("a")
        })
        .expect("add");
    owners.rotate(&alias("a"), &key("a2")).expect("rotate");
    for file in fs::read_dir(dir.path()).expect("dir") {
        let text = fs::read_to_string(file.expect("entry").path()).expect("text");
        for secret in ["AKID", "hush", "4711"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(!format!("{owners:?}").contains("hush"));
}

#[test]
fn a_lost_or_foreign_master_key_changes_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), None);
    owners.add(new_owner("a")).expect("add");
    let before = fs::read(dir.path().join("owners.json")).expect("file");
    let master = dir.path().join("master.key");
    let kept = fs::read(&master).expect("master key");

    fs::remove_file(&master).expect("remove");
    let lost = |result| matches!(result, Err(Error::Vault(vault::Error::MasterKeyLost(_))));
    assert!(lost(owners.reach(&alias("a")).map(drop)) && lost(owners.add(new_owner("b"))));
    assert!(
        !master.exists(),
        "no new master key is made over sealed keys"
    );

    MasterKey::fresh()
        .expect("random")
        .write_new(&master)
        .expect("write");
    let foreign = |result| {
        matches!(
            result,
            Err(Error::Vault(vault::Error::OtherMasterKey { .. }))
        )
    };
    assert!(foreign(owners.reach(&alias("a")).map(drop)) && foreign(owners.add(new_owner("b"))));
    assert_eq!(
        fs::read(dir.path().join("owners.json")).expect("file"),
        before
    );

    fs::write(&master, kept).expect("put back");
    assert!(owners.reach(&alias("a")).is_ok());
}

#[test]
fn a_sealed_key_moved_to_another_owner_is_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), None);
    owners
        .import(vec![new_owner("a"), new_owner("b")])
        .expect("import");
    let registry = Registry::in_dir(dir.path());
    let swapped = registry.change(|roll| {
        let stolen = roll.owners[&alias("b")].key.clone();
        roll.owners.get_mut(&alias("a")).expect("a").key = stolen;
        Ok::<_, registry::Error>(())
    });
    swapped.expect("change");
    let refused = owners.reach(&alias("a")).expect_err("tampered").to_string();
    assert!(
        refused.contains("`a`") && refused.contains("rotate"),
        "{refused}"
    );
}

#[test]
fn the_master_key_is_changed_under_all_keys_and_codes() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), None);
    let code = Some(SecretString::from("4711"));
    owners
        .import(vec![
            NewOwner {
                code,
                ..new_owner("a")
            },
            new_owner("b"),
        ])
        .expect("import");
    let file = dir.path().join("master.key");
    let old = fs::read(&file).expect("master key");
    owners.rotate_master_key(None).expect("rotate");
    assert_ne!(fs::read(&file).expect("master key"), old);
    assert!(
        owners
            .reach(&alias("b"))
            .expect("reach")
            .credentials
            .expect("key")
            .is_same_key(&key("b"))
    );
    let said = SecretString::from("四七一一");
    let switched = owners
        .switch(&ROBOT, Wanted::Named("a先生"), Some(&said), 0)
        .expect("switch");
    assert_eq!(switched.expect("right code").owner, alias("a"));

    // A stop after sealing and before the new file took the old one's place.
    let new = fs::read(&file).expect("master key");
    fs::write(dir.path().join("master.key.next"), &new).expect("write");
    fs::write(&file, &old).expect("write");
    assert!(owners.reach(&alias("a")).is_ok());
    assert_eq!(fs::read(&file).expect("master key"), new);
}

#[test]
fn a_code_has_three_outcomes_and_a_limit() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), None);
    let code = Some(SecretString::from("4711"));
    owners
        .import(vec![
            NewOwner {
                code,
                ..new_owner("a")
            },
            new_owner("b"),
        ])
        .expect("import");
    let ask = |said: Option<&str>, now_ms| {
        let said = said.map(SecretString::from);
        owners
            .switch(&ROBOT, Wanted::Named("a"), said.as_ref(), now_ms)
            .expect("switch")
    };
    let owner = alias("a");
    assert_eq!(
        ask(None, 0),
        Err(Refusal::CodeNeeded {
            owner: owner.clone()
        })
    );
    assert_eq!(
        ask(Some("1"), 1),
        Err(Refusal::CodeWrong {
            owner: owner.clone(),
            tries_left: 4
        })
    );
    assert!(ask(Some("4711"), 2).is_ok());
    let again = ask(None, 2).expect("it is a's turn already");
    assert!(again.same, "no code is asked for");
    let free = owners
        .switch(&ROBOT, Wanted::Named("B"), None, 2)
        .expect("switch")
        .expect("no code set");
    assert_eq!((free.owner, free.same), (alias("b"), false));
    for i in 3..8 {
        assert!(ask(Some(&format!("000{i}")), i).is_err());
    }
    let until_ms = 7 + code::CLOSED_MS;
    assert_eq!(
        ask(Some("4711"), 8),
        Err(Refusal::Closed { owner, until_ms })
    );
    assert!(ask(Some("4711"), until_ms).is_ok());
}

#[test]
fn a_code_is_long_enough_and_can_be_taken_away() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), None);
    let with = |code: &str| NewOwner {
        code: Some(SecretString::from(code)),
        ..new_owner("a")
    };
    for short in ["!!!!", "123", "。"] {
        assert!(
            matches!(owners.add(with(short)), Err(Error::CodeTooShort(_))),
            "{short}"
        );
    }
    owners.add(with("一二三四")).expect("four digits");
    let gone = Gone {
        code: true,
        ..Gone::default()
    };
    owners
        .set(&alias("a"), Owner::default(), None, gone)
        .expect("set");
    let free = owners.switch(&ROBOT, Wanted::Named("a"), None, 0);
    assert!(free.expect("switch").is_ok());
}

#[test]
fn a_token_learns_and_opens_only_its_own_owners() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), None);
    owners
        .import(["a", "b", "c"].map(new_owner).into())
        .expect("import");
    let scope = [alias("a"), alias("b")];
    let narrow = Asker {
        owners: &scope,
        ..ROBOT
    };
    let unknown = owners
        .switch(&narrow, Wanted::Named("x"), None, 0)
        .expect("switch");
    let known = vec!["a先生".to_owned(), "b先生".to_owned()];
    assert_eq!(
        unknown,
        Err(Refusal::Unknown {
            asked: "x".to_owned(),
            known
        })
    );
    let other = owners
        .switch(&narrow, Wanted::Named("c"), None, 0)
        .expect("switch");
    assert!(matches!(other, Err(Refusal::NotAllowed { .. })));
}

#[test]
fn a_key_changed_while_nothing_ran_counts_as_a_change() {
    let dir = tempfile::tempdir().expect("dir");
    let first = open(dir.path(), None);
    first
        .import(vec![new_owner("a"), new_owner("b")])
        .expect("import");
    first.use_always("a先生").expect("use");
    let with_b = open(dir.path(), Some(key("b")));
    assert_eq!(
        with_b.choose(None).expect("owner"),
        alias("a"),
        "no server has seen another key before"
    );
    with_b.adopt_environment(0).expect("adopt");
    let with_a = open(dir.path(), Some(key("a")));
    with_a.use_always("b").expect("use");
    assert_eq!(with_a.choose(None).expect("owner"), alias("a"));
    with_a.adopt_environment(5).expect("adopt");
    let whose = with_a
        .owner_of(&ROBOT, 6)
        .expect("decide")
        .expect("somebody");
    assert_eq!((whose.owner, whose.why), (alias("a"), Why::Environment));
}

/// A small linear generator: enough for tests that must walk many ways, and the same ones each time.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

#[test]
fn fifty_callers_switching_at_random_always_see_whom_they_switched_to() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), None);
    owners
        .import((0..5).map(|i| new_owner(&format!("o{i}"))).collect())
        .expect("import");
    std::thread::scope(|scope| {
        for caller in 0..10_u64 {
            let owners = owners.clone();
            scope.spawn(move || {
                let session = format!("session-{caller}");
                let asker = Asker {
                    session: Some(&session),
                    ..ROBOT
                };
                // Every caller walks its own way through the owners.
                let mut dice = Dice(caller);
                for now_ms in 0..100 {
                    let wanted = format!("o{}", dice.below(5));
                    owners
                        .switch(&asker, Wanted::Named(&wanted), None, now_ms)
                        .expect("switch")
                        .expect("allowed");
                    let whose = owners
                        .owner_of(&asker, now_ms)
                        .expect("decide")
                        .expect("somebody");
                    assert_eq!(whose.owner.as_str(), wanted);
                }
            });
        }
    });
}
