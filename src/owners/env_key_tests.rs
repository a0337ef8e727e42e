//! What a key and the settings beside it in `.env` mean: at a start, after a mend, after a rotation, and for whom.

use std::path::Path;

use super::{
    tests::{alias, bucket, key, new_owner, settings},
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
