//! Data that lies under an alias, when the alias or the key changes hands.

use std::fs;

use super::{
    tests::{ROBOT, alias, key, new_owner, open},
    *,
};

#[test]
fn nobody_finds_another_s_data_under_an_alias() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), None);
    owners.add(new_owner("a")).expect("add");
    owners.add(new_owner("b")).expect("add");
    let said = |alias: &str| {
        dir.path()
            .join("analysis_results")
            .join(alias)
            .join("said.txt")
    };
    let write = |alias: &str| {
        fs::create_dir_all(said(alias).parent().expect("folder")).expect("folder");
        fs::write(said(alias), alias).expect("write");
    };
    write("a");
    let switched = owners.switch(&ROBOT, Wanted::Named("a"), None, 0);
    assert!(switched.expect("switch").is_ok());
    owners.remove(&alias("a")).expect("remove");
    let whose = owners.owner_of(&ROBOT, 1).expect("rule").expect("somebody");
    assert_eq!(whose.owner, alias("b"), "one that was removed is nobody");

    // Whoever comes back with the key finds the data again, somebody else does not.
    owners.add(new_owner("a")).expect("back");
    assert!(said("a").exists());
    owners.remove(&alias("a")).expect("remove");
    let other = NewOwner {
        key: key("other"),
        ..new_owner("a")
    };
    owners.add(other).expect("add");
    assert!(!said("a").exists());
    let kept = dir.path().join("removed/a/analysis_results/said.txt");
    assert_eq!(fs::read_to_string(kept).expect("kept"), "a");
}

#[test]
fn a_refused_import_moves_nothing_and_data_of_a_bare_key_gets_its_name() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), None);
    owners.add(new_owner("li")).expect("add");
    let bare = vault::alias_of_id(&key("a").secret_id).expect("alias");
    let of = |alias: &OwnerAlias| dir.path().join("owners").join(alias.as_str());
    drop(crate::store::Store::open(dir.path(), &bare).expect("store"));
    let zhang = NewOwner {
        key: key("a"),
        ..new_owner("zhang")
    };
    let wang = NewOwner {
        key: key("li"),
        ..new_owner("wang")
    };
    let refused = owners.import(vec![zhang.clone(), wang]);
    assert!(matches!(refused, Err(Error::KeyTaken(_))));
    assert!(of(&bare).exists() && !of(&alias("zhang")).exists());
    owners.import(vec![zhang]).expect("import");
    assert!(!of(&bare).exists() && of(&alias("zhang")).join("owner.db").exists());
}

#[test]
fn a_switch_does_not_lead_to_whoever_gets_the_alias_next() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), None);
    owners
        .import(["a", "b"].map(new_owner).into())
        .expect("import");
    let ask = |owners: &Owners, now_ms| owners.switch(&ROBOT, Wanted::Named("a"), None, now_ms);
    assert!(ask(&owners, 0).expect("switch").is_ok());
    owners.remove(&alias("a")).expect("remove");
    let next = NewOwner {
        key: key("next"),
        code: Some("4711".into()),
        ..new_owner("a")
    };
    owners.add(next).expect("add");
    let again = open(dir.path(), None);
    again.take_up_switches();
    for owners in [owners, again] {
        owners.use_always("b").expect("use");
        let whose = owners.owner_of(&ROBOT, 1).expect("rule").expect("somebody");
        assert_eq!(whose.owner, alias("b"));
        let refused = ask(&owners, 2).expect("switch");
        assert!(
            matches!(refused, Err(Refusal::CodeNeeded { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn whoever_comes_back_finds_the_data_although_the_key_was_used_meanwhile() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), Some(key("a")));
    owners.add(new_owner("a")).expect("add");
    let said = dir.path().join("owners/a/said.txt");
    fs::create_dir_all(said.parent().expect("folder")).expect("folder");
    fs::write(&said, "old").expect("write");
    owners.remove(&alias("a")).expect("remove");
    let meanwhile = owners.environment_changed(&key("a"), 1).expect("change");
    assert_ne!(meanwhile.owner, alias("a"));
    drop(crate::store::Store::open(dir.path(), &meanwhile.owner).expect("store"));
    owners.add(new_owner("a")).expect("back");
    assert_eq!(fs::read_to_string(&said).expect("kept"), "old");
    let aside = dir.path().join("removed").join(meanwhile.owner.as_str());
    assert!(aside.join("owners/owner.db").exists());
}

#[test]
fn an_alias_beside_a_temporary_key_opens_nothing_of_a_removed_owner() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), None);
    owners.add(new_owner("a")).expect("add");
    let said = dir.path().join("analysis_results/a/said.txt");
    fs::create_dir_all(said.parent().expect("folder")).expect("folder");
    fs::write(&said, "old").expect("write");
    owners.remove(&alias("a")).expect("remove");
    let temporary = key("t").with_token(Some("token".into()));
    let named = alias("a");
    let change = owners.environment_changed_to(&temporary, Some(&named), None, 1);
    assert_eq!(change.expect("change").owner, named);
    assert!(!said.exists());
}
