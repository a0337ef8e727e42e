//! The `.env` file that others rewrite, on a real disk: by every sort of rewrite, and by a watcher.

use std::{fs, time::Duration};

use secrecy::ExposeSecret as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    tests::{Dice, alias, bucket, key, new_owner, open},
    *,
};

#[tokio::test]
async fn a_rewritten_file_switches_and_an_unknown_key_becomes_an_owner() {
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("keys/.env");
    fs::create_dir_all(file.parent().expect("dir")).expect("dir");
    let write = |name: &str| {
        let k = key(name);
        let text = format!(
            "SECRET_ID={}\r\nSECRET_KEY='{}'\r\n",
            k.secret_id,
            k.secret_key.expose_secret()
        );
        let new = file.with_extension("new");
        fs::write(&new, text)
            .and_then(|()| fs::rename(&new, &file))
            .expect("write");
    };
    write("a");
    let owners = open(dir.path(), Some(key("a")));
    owners
        .import(vec![new_owner("a"), new_owner("b")])
        .expect("import");
    let names = env_sync::Names {
        id: vec!["SECRET_ID".to_owned()],
        key: vec!["SECRET_KEY".to_owned()],
    };
    let (tx, mut changes) = mpsc::channel(4);
    let stop = CancellationToken::new();
    let watching = tokio::spawn(env_watch::follow(
        owners.clone(),
        file.clone(),
        names,
        tx,
        stop.clone(),
    ));

    let mut next = async || {
        let change = tokio::time::timeout(Duration::from_secs(5), changes.recv());
        let change = change.await.expect("in time").expect("change");
        (change.owner, change.is_new)
    };
    // The key had another alias before it was imported.
    assert_eq!(next().await, (alias("a"), false));
    write("b");
    assert_eq!(next().await, (alias("b"), false));
    assert_eq!(owners.environment(), Some(alias("b")));

    fs::write(&file, "SECRET_ID=AKIDb\nSECRET_KEY='hu").expect("half");
    let a = alias("b");
    assert_eq!(
        owners
            .environment_soon(Some(&a), Duration::from_millis(500))
            .await,
        Some(alias("b"))
    );

    write("stranger");
    let stranger = owners
        .environment_soon(Some(&a), Duration::from_secs(5))
        .await
        .expect("owner");
    assert!(stranger.as_str().starts_with("owner-"), "{stranger}");
    let reach = owners.reach(&stranger).expect("reach");
    assert!(
        !reach.places.has_bucket(),
        "a stranger gets nobody's bucket"
    );
    owners
        .remember_places(&stranger, &new_owner("found").about.places)
        .expect("remember");
    assert_eq!(
        owners.reach(&stranger).expect("reach").places.bucket,
        Some(bucket("found-125"))
    );

    stop.cancel();
    watching.await.expect("ends");
}

#[tokio::test]
async fn after_a_thousand_rewrites_of_every_sort_the_last_whole_file_holds() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), None);
    owners
        .import((0..4).map(|i| new_owner(&format!("o{i}"))).collect())
        .expect("import");
    let file = dir.path().join("keys.env");
    let names = env_sync::Names {
        id: vec!["TENCENTCLOUD_SECRET_ID".to_owned(), "SecretId".to_owned()],
        key: vec!["TENCENTCLOUD_SECRET_KEY".to_owned(), "SecretKey".to_owned()],
    };
    let mut watched = env_watch::Watched::new(owners.clone(), file.clone(), names);
    let whole = |owner: u64, form: u64| {
        let k = key(&format!("o{owner}"));
        let (id, secret) = (k.secret_id.clone(), k.secret_key.expose_secret().to_owned());
        match form {
            0 => format!("SecretId={id}\nSecretKey={secret}\n"),
            1 => format!("# voice {owner}\r\nexport SecretKey='{secret}'\r\nSecretId=\"{id}\"\r\n"),
            _ => format!(
                "\u{feff}OTHER=1\n\nTENCENTCLOUD_SECRET_ID={id} # who\nTENCENTCLOUD_SECRET_KEY={secret}"
            ),
        }
    };
    let (mut dice, mut now_ms, mut expected) = (Dice(7), 0, None);
    for n in 0..1000 {
        let (owner, form) = (dice.below(4), dice.below(3));
        let text = whole(owner, form);
        let mut is_whole = true;
        match dice.below(6) {
            // As careful programs do it, as careless ones do, and in two steps with a look in between.
            0 => {
                let new = file.with_extension("new");
                fs::write(&new, &text)
                    .and_then(|()| fs::rename(&new, &file))
                    .expect("rename");
            }
            1 => fs::write(&file, &text).expect("truncate"),
            2 => {
                let half = text.len() / 2;
                fs::write(&file, text.as_bytes().get(..half).expect("half")).expect("half");
                watched.look(now_ms).await;
                now_ms += 50;
                fs::write(&file, &text).expect("whole");
            }
            // And what must change nothing: cut off, gone, noise.
            3 => {
                let cut = usize::try_from(dice.below(text.len() as u64 - 1)).expect("small");
                // What is left may still be a whole key: then it is a whole file.
                fs::write(&file, &text.as_bytes()[..cut]).expect("cut");
                let last = match form {
                    1 => format!("\"AKIDo{owner}\""),
                    _ => format!("hush-o{owner}"),
                };
                is_whole = fs::read_to_string(&file).is_ok_and(|left| left.contains(&last));
            }
            4 => {
                // It may be gone already.
                let _ = fs::remove_file(&file);
                is_whole = false;
            }
            _ => {
                let noise: Vec<u8> = (0..dice.below(300))
                    .map(|_| u8::try_from(dice.below(256)).expect("a byte"))
                    .collect();
                fs::write(&file, noise).expect("noise");
                is_whole = false;
            }
        }
        if is_whole {
            expected = Some(alias(&format!("o{owner}")));
        }
        // Looks at the beginning, when it may have settled, and long after.
        for pause_ms in [0, env_sync::SETTLE_MS + 10, env_sync::DOUBT_MS + 10] {
            now_ms += pause_ms;
            watched.look(now_ms).await;
        }
        assert_eq!(owners.environment(), expected, "rewrite {n}: {text:?}");
    }
    let roll = owners.roll().expect("roll");
    assert_eq!(roll.owners.len(), 4, "nothing was taken for a new owner");
}

#[tokio::test]
async fn a_change_that_could_not_be_stored_is_taken_over_later_and_said_meanwhile() {
    let dir = tempfile::tempdir().expect("dir");
    let owners = open(dir.path(), Some(key("a")));
    owners
        .import(vec![new_owner("a"), new_owner("b")])
        .expect("import");
    owners.adopt_environment(0).expect("adopt");
    let file = dir.path().join(".env");
    let names = env_sync::Names {
        id: vec!["SECRET_ID".to_owned()],
        key: vec!["SECRET_KEY".to_owned()],
    };
    let mut watched = env_watch::Watched::new(owners.clone(), file.clone(), names);
    fs::write(&file, "SECRET_ID=AKIDb\nSECRET_KEY=hush-b\n").expect("write");
    assert!(watched.look(1_000).await.is_none(), "not settled");
    let roll = dir.path().join("owners.json");
    let whole = fs::read(&roll).expect("roll");
    fs::write(&roll, "{").expect("damage");
    assert!(watched.look(2_000).await.is_none());
    assert!(matches!(owners.trouble(), Some(Trouble::NotTaken(_))));
    fs::write(&roll, whole).expect("restore");
    let asker = Asker {
        token: "robot",
        session: None,
        device: None,
        speaker: None,
        client: None,
        owners: &[],
    };
    let refused = owners.switch(&asker, Wanted::Environment, None, 2_500);
    assert!(matches!(
        refused.expect("switch"),
        Err(Refusal::Environment(_))
    ));
    let change = watched.look(4_000).await.expect("tried again");
    assert_eq!((change.owner, owners.trouble()), (alias("b"), None));

    // A look that shows nothing new lifts nothing.
    fs::write(&file, "SECRET_ID=AKIDb\nSECRET_KEY=hush-b\n# again\n").expect("write");
    assert!(watched.look(4_100).await.is_none());

    // Half of it, and there it stays.
    fs::write(&file, "SECRET_ID=AKIDa\n").expect("write");
    for now_ms in [5_000, 8_000] {
        assert!(watched.look(now_ms).await.is_none());
    }
    assert_eq!(owners.trouble(), Some(Trouble::NoWholeKey));
    assert_eq!(owners.environment(), Some(alias("b")));
}
