//! What a key and the settings beside it in `.env` mean: at a start, after a mend, after a rotation, and for whom.

use std::path::Path;

use super::{
    tests::{alias, bucket, key, new_owner, open, settings},
    *,
};
use crate::model::LogKind;

/// Opened as by a start whose `.env` has this key and bucket.
fn start(dir: &Path, name: &str, bucket_name: &str, event_prefix: &str) -> Owners {
    let mut said = settings(dir, Some(key(name)));
    said.places.bucket = Some(bucket(bucket_name));
    let prefix = event_prefix.parse().expect("prefix");
    said.places.prefixes.insert(LogKind::Event, vec![prefix]);
    Owners::open(said).expect("open")
}

#[test]
fn a_mended_bucket_or_prefix_in_the_environment_holds_after_the_first_start() {
    let dir = tempfile::tempdir().expect("dir");
    let first = start(dir.path(), "a", "wrong-125", "wrong/");
    first.adopt_environment(0).expect("adopt");
    let a = first.environment().expect("owner");

    for again in 0..2 {
        let mended = start(dir.path(), "a", "right-125", "right/");
        let places = mended.reach(&a).expect("reach").places;
        assert_eq!(places.bucket, Some(bucket("right-125")), "{again}");
        assert_eq!(places.prefixes[&LogKind::Event][0].prefix, "right/");
        mended.adopt_environment(1).expect("adopt");
    }
    // Somebody else's key beside the bucket that stayed: the first owner keeps it, and only the first.
    let other = start(dir.path(), "a", "right-125", "right/");
    let b = other.environment_changed(&key("b"), 2).expect("b").owner;
    let later = start(dir.path(), "b", "right-125", "right/");
    later.adopt_environment(3).expect("adopt");
    let of = |owner| later.reach(owner).expect("reach").places.bucket;
    assert_eq!(of(&a), Some(bucket("right-125")));
    assert_eq!(of(&b), None);
}

#[test]
fn places_that_a_person_stored_go_before_the_environment_s() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = start(dir.path(), "a", "env-125", "event/");
    owners.add(new_owner("a")).expect("add");
    let owners = start(dir.path(), "a", "env-125", "event/");
    owners.adopt_environment(0).expect("adopt");
    let places = owners.reach(&alias("a")).expect("reach").places;
    assert_eq!(places.bucket, Some(bucket("a-125")));
    assert!(places.prefixes.contains_key(&LogKind::Event));
}

#[test]
fn an_owner_entered_for_a_known_key_is_the_one_that_was_there() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = start(dir.path(), "a", "env-125", "event/");
    owners.adopt_environment(0).expect("adopt");
    let unnamed = owners.environment().expect("owner");
    let report = dir
        .path()
        .join("analysis_results")
        .join(unnamed.as_str())
        .join("2026-11-21/llm_summary.txt");
    std::fs::create_dir_all(report.parent().expect("folder")).expect("folder");
    std::fs::write(&report, "old").expect("report");
    let store = crate::store::Store::open(dir.path(), &unnamed).expect("store");
    let entered = NewOwner {
        key: key("a"),
        ..new_owner("zhangsan")
    };
    let busy = owners.add(entered.clone()).expect_err("in use").to_string();
    assert!(busy.contains("gengfu owner set owner-"), "{busy}");
    drop(store);

    owners.add(entered).expect("add");
    let roll = owners.roll().expect("roll");
    assert_eq!(roll.owners.keys().collect::<Vec<_>>(), [&alias("zhangsan")]);
    let changed = owners.environment_changed(&key("a"), 1).expect("change");
    assert_eq!((changed.owner, changed.is_new), (alias("zhangsan"), false));
    let moved = dir
        .path()
        .join("analysis_results/zhangsan/2026-11-21/llm_summary.txt");
    assert_eq!(std::fs::read_to_string(moved).expect("report"), "old");
    assert!(dir.path().join("owners/zhangsan/owner.db").exists());
    // A second name for a key that a person entered is a mistake, and so is an alias in another case.
    let again = NewOwner {
        key: key("a"),
        ..new_owner("lisi")
    };
    assert!(matches!(owners.add(again), Err(Error::KeyTaken(a)) if a == alias("zhangsan")));
    let twin = owners.add(new_owner("ZhangSan"));
    assert!(matches!(twin, Err(Error::Exists(a)) if a == alias("zhangsan")));
}

#[test]
fn a_server_follows_its_owner_to_the_alias_that_a_command_gave() {
    let dir = tempfile::tempdir().expect("dir");
    let server = start(dir.path(), "a", "env-125", "event/");
    server.adopt_environment(0).expect("adopt");
    server.add(new_owner("li")).expect("li");
    server.environment_changed(&key("c"), 0).expect("c");
    server.environment_changed(&key("a"), 1).expect("a again");
    assert_eq!(server.entered_otherwise(1), None);
    let command = start(dir.path(), "a", "env-125", "event/");
    let entered = NewOwner {
        key: key("a"),
        ..new_owner("zhangsan")
    };
    command.add(entered).expect("add");
    let found = server.entered_otherwise(2).expect("another alias");
    assert_eq!(found.owner, alias("zhangsan"));
    assert_eq!(server.environment(), Some(alias("zhangsan")));
    assert_eq!(server.active().expect("somebody"), alias("zhangsan"));
    let whose = server.owner_of(&super::tests::ROBOT, 3).expect("rule");
    assert_eq!(whose.expect("somebody").owner, alias("zhangsan"));
    assert_eq!(server.entered_otherwise(3), None);
}

#[test]
fn a_start_in_the_middle_of_a_rewrite_keeps_the_stored_key() {
    let dir = tempfile::tempdir().expect("dir");
    open(dir.path(), None).add(new_owner("a")).expect("add");
    let cut = open(dir.path(), Some(Credentials::new("AKIDa", "hus")));
    cut.adopt_environment(0).expect("adopt");
    let later = open(dir.path(), None);
    let kept = later.reach(&alias("a")).expect("reach").credentials;
    assert!(kept.expect("key").is_same_key(&key("a")));
}

#[test]
fn a_temporary_key_does_not_take_the_place_of_one_that_lasts() {
    let dir = tempfile::tempdir().expect("dir");
    open(dir.path(), None).add(new_owner("zhang")).expect("add");
    let temporary = key("t1").with_token(Some("token".into()));
    let mut said = settings(dir.path(), Some(temporary.clone()));
    said.key_owner = Some(alias("zhang"));
    let owners = Owners::open(said).expect("open");
    owners.adopt_environment(0).expect("adopt");
    let of_zhang = || owners.reach(&alias("zhang")).expect("reach").credentials;
    assert!(
        of_zhang().expect("key").is_same_key(&temporary),
        "while it is named"
    );
    let back = owners.environment_changed(&key("zhang"), 1).expect("back");
    assert_eq!((back.owner, back.is_new), (alias("zhang"), false));
    owners.environment_changed(&key("b"), 2).expect("b");
    assert!(of_zhang().expect("key").is_same_key(&key("zhang")));
}

#[test]
fn a_bucket_beside_a_later_key_is_that_owner_s_and_one_that_stayed_is_not() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = start(dir.path(), "a", "a-125", "event/");
    owners.adopt_environment(0).expect("adopt");
    let a = owners.environment().expect("owner");
    let beside = |name: &str| {
        let places = Places {
            bucket: Some(bucket(name)),
            ..Places::default()
        };
        Some((places, "ap-chengdu".to_owned()))
    };
    let change = |name: &str, places, now_ms| {
        let change = owners.environment_changed_to(&key(name), None, places, now_ms);
        change.expect("change").owner
    };
    let b = change("b", beside("b-125"), 1);
    let of = |owner| owners.reach(owner).expect("reach");
    assert_eq!(of(&b).places.bucket, Some(bucket("b-125")));
    assert_eq!(of(&b).region, "ap-chengdu");
    assert_eq!(of(&a).places.bucket, Some(bucket("a-125")));
    let c = change("c", beside("b-125"), 2);
    assert_eq!(of(&c).places.bucket, None, "the line is b's and stayed");
    assert_eq!(of(&b).places.bucket, Some(bucket("b-125")));
}

#[test]
fn a_bucket_whose_line_stayed_is_the_former_owner_s_who_was_entered_without_one() {
    let dir = tempfile::tempdir().expect("dir");
    let entered = NewOwner {
        about: Owner::default(),
        ..new_owner("a")
    };
    open(dir.path(), None).add(entered).expect("add");
    let owners = start(dir.path(), "a", "env-125", "event/");
    owners.adopt_environment(0).expect("adopt");
    let stayed = || {
        let places = Places {
            bucket: Some(bucket("env-125")),
            ..Places::default()
        };
        Some((places, String::new()))
    };
    let b = owners.environment_changed_to(&key("b"), None, stayed(), 1);
    let b = b.expect("b").owner;
    let restarted = start(dir.path(), "b", "env-125", "event/");
    restarted.adopt_environment(2).expect("adopt");
    for owners in [&owners, &restarted] {
        let of = |owner| owners.reach(owner).expect("reach").places.bucket;
        assert_eq!(of(&b), None);
        assert_eq!(of(&alias("a")), Some(bucket("env-125")));
    }
    // A mended line goes before the copy.
    let mended = start(dir.path(), "a", "mended-125", "event/");
    let places = mended.reach(&alias("a")).expect("reach").places;
    assert_eq!(places.bucket, Some(bucket("mended-125")));
}

#[test]
fn a_takeover_that_fails_changes_nobody_s_places() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = start(dir.path(), "a", "a-125", "event/");
    owners.adopt_environment(0).expect("adopt");
    let a = owners.environment().expect("owner");
    let lock = dir.path().join("owners.lock");
    std::fs::remove_file(&lock).expect("remove");
    std::fs::create_dir(&lock).expect("in the way");
    let places = Places {
        bucket: Some(bucket("b-125")),
        ..Places::default()
    };
    let places = Some((places, String::new()));
    let failed = owners.environment_changed_to(&key("b"), None, places, 1);
    assert!(failed.is_err());
    let reach = owners.reach(&a).expect("reach");
    assert_eq!(reach.places.bucket, Some(bucket("a-125")));
    assert!(reach.credentials.expect("key").is_same_key(&key("a")));
}

#[test]
fn a_mended_secret_is_sealed_for_its_owner() {
    let dir = tempfile::tempdir().expect("dir");
    let typo = Credentials::new("AKIDa", "hush-typo");
    let owners = Owners::open(settings(dir.path(), Some(typo))).expect("open");
    owners.adopt_environment(0).expect("adopt");
    let a = owners.environment().expect("owner");
    let b = Credentials::new("AKIDb", "hush-b");
    owners.environment_changed(&b, 1).expect("b");
    assert_eq!(owners.recognise(&key("a")), env_sync::Known::Corrected);
    let crossed = Credentials::new("AKIDa", "hush-b");
    assert_eq!(owners.recognise(&crossed), env_sync::Known::HalfOfAnOwner);

    let mended = owners.environment_changed(&key("a"), 2).expect("mended");
    assert_eq!(mended.owner, a);
    owners.environment_changed(&b, 3).expect("b again");
    let kept = owners.reach(&a).expect("reach").credentials.expect("key");
    assert!(kept.is_same_key(&key("a")));
    assert_eq!(owners.recognise(&key("a")), env_sync::Known::Owner);
}

#[test]
fn a_key_that_was_given_up_still_means_its_owner_and_opens_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = start(dir.path(), "a", "env-125", "event/");
    owners.add(new_owner("a")).expect("add");
    owners.rotate(&alias("a"), &key("fresh")).expect("rotate");
    assert!(owners.gave_up(&alias("a"), &key("a")).expect("roll"));
    owners.rotate_master_key(None).expect("another master key");
    let owners = start(dir.path(), "a", "env-125", "event/");
    owners.adopt_environment(0).expect("adopt");
    assert_eq!(owners.all().expect("all"), [alias("a")]);
    let used = owners.reach(&alias("a")).expect("reach").credentials;
    assert!(used.expect("key").is_same_key(&key("fresh")));
    // Rotated back, it is the key again.
    owners.rotate(&alias("a"), &key("a")).expect("back");
    assert!(!owners.gave_up(&alias("a"), &key("a")).expect("roll"));
}

#[test]
fn a_change_that_was_seen_holds_over_a_restart() {
    let dir = tempfile::tempdir().expect("dir");
    let first = open(dir.path(), Some(key("a")));
    first
        .import(vec![new_owner("a"), new_owner("b")])
        .expect("import");
    first.use_always("a").expect("use");
    first.adopt_environment(0).expect("adopt");
    first.environment_changed(&key("b"), 5).expect("b");
    let asker = Asker {
        token: "robot",
        session: Some("s"),
        device: None,
        speaker: None,
        client: None,
        owners: &[],
    };
    let again = open(dir.path(), Some(key("b")));
    again.adopt_environment(9).expect("adopt");
    let whose = again.owner_of(&asker, 10).expect("rule").expect("somebody");
    assert_eq!((whose.owner, whose.why), (alias("b"), Why::Environment));
    assert!(whose.new_here, "and the first answer says so");
    // What the operator chose since is the later word, and is said to be another than the one `.env` names.
    again.use_always("a").expect("use");
    let later = open(dir.path(), Some(key("b")));
    later.adopt_environment(11).expect("adopt");
    let whose = later.owner_of(&asker, 12).expect("rule").expect("somebody");
    assert_eq!((whose.owner, whose.why), (alias("a"), Why::Standing));
    assert!(whose.new_here);
}

#[tokio::test]
async fn whom_the_file_names_is_awaited_even_when_somebody_else_stands() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), Some(key("b")));
    owners
        .import(["a", "b", "c"].map(new_owner).into())
        .expect("import");
    owners.use_always("a").expect("use");
    let asked = owners.environment_anew(std::time::Duration::from_mins(1));
    let rewritten = async {
        tokio::task::yield_now().await;
        owners.environment_changed(&key("c"), 1).expect("c");
    };
    let (named, ()) = tokio::join!(asked, rewritten);
    assert_eq!(named, Some(alias("c")), "not b, whom the file named before");
}

#[test]
fn a_renewed_temporary_key_is_the_owner_s_whom_the_file_names() {
    let dir = tempfile::tempdir().expect("dir");
    let temporary = |name: &str| key(name).with_token(Some("token".into()));
    let mut said = settings(dir.path(), Some(temporary("t1")));
    said.key_owner = Some(alias("zhang"));
    let owners = Owners::open(said).expect("open");
    owners.adopt_environment(0).expect("adopt");

    let line =
        b"SECRET_ID=AKIDt2\nSECRET_KEY=hush-t2\nTENCENTCLOUD_TOKEN=token\nGENGFU_OWNER=zhang\n";
    let names = env_sync::Names {
        id: vec!["SECRET_ID".to_owned()],
        key: vec!["SECRET_KEY".to_owned()],
    };
    let read = env_sync::read(line, &names).expect("a key");
    let renewed = owners.environment_changed_to(&read.key, read.owner.as_ref(), None, 1);
    assert_eq!(renewed.expect("renewed").owner, alias("zhang"));
    assert_eq!(owners.all().expect("all"), [alias("zhang")]);
    // Of a permanent key the line may be another's that stayed.
    let other = owners.environment_changed_to(&key("b"), read.owner.as_ref(), None, 2);
    assert_ne!(other.expect("another").owner, alias("zhang"));
    let kept = owners.reach(&alias("zhang")).expect("reach").credentials;
    assert!(
        kept.expect("key").is_same_key(&temporary("t2")),
        "sealed anew"
    );
}
