//! Who may open an owner's data, and what is left alone.

use super::*;
use crate::store::fixture::{day, digest, meta, open};

#[tokio::test]
async fn a_second_writer_is_told_who_writes_and_readers_are_let_in() {
    let dir = tempfile::tempdir().expect("dir");
    let owner: OwnerAlias = "demo".parse().expect("alias");
    let none = Store::open_reader(dir.path(), &owner).expect_err("nothing there");
    assert!(matches!(none, Error::NoData(_)));
    let store = open(dir.path());
    let name = "gengfu serve on 127.0.0.1:8765".to_owned();
    store.name_holder(name.clone()).await.expect("named");
    match Store::open(dir.path(), &owner) {
        Err(Error::Locked { holder }) => assert_eq!(holder, name),
        other => panic!("{other:?}"),
    }
    let reader = Store::open_reader(dir.path(), &owner).expect("reader");
    let (d, kind) = (day("2026-11-21"), crate::model::LogKind::Event);
    let refused = reader.remove_object(d, kind, "k".to_owned()).await;
    assert!(matches!(refused, Err(Error::ReadOnly)));
    store
        .put_object(d, kind, meta("k"), digest(kind, "k", &[1]))
        .await
        .expect("put");
    assert_eq!(reader.manifest(d).await.expect("manifest").len(), 1);
    drop(store);
    drop(open(dir.path()));
}

#[test]
fn a_database_of_a_newer_program_is_left_alone() {
    let dir = tempfile::tempdir().expect("dir");
    let owner: OwnerAlias = "demo".parse().expect("alias");
    let file = open(dir.path()).folder().join("owner.db");
    let conn = Connection::open(&file).expect("file");
    conn.pragma_update(None, "user_version", 99).expect("newer");
    drop(conn);
    let found = Store::open(dir.path(), &owner).expect_err("newer");
    assert!(matches!(found, Error::TooNew { found: 99, .. }), "{found}");
    std::fs::write(&file, "no database at all, but long enough to be looked at").expect("write");
    let found = Store::open(dir.path(), &owner).expect_err("garbage");
    assert!(matches!(found, Error::Corrupt(_)), "{found}");
}
