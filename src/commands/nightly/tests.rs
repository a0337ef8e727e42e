//! A night over a bucket that is not there, and over the same bucket when it is.

use super::*;
use crate::{
    commands::rounds,
    config::Config,
    demo,
    mcp::Changes,
    round::{ledger, tasks::Tasks},
};

/// Two in the morning of the day after the sample day, in Shanghai.
const TWO_O_CLOCK: &str = "2026-11-22T02:00:00+08:00";

fn watchman(dir: &std::path::Path) -> Watchman {
    let bucket = format!("file://{}", dir.join("bucket").display());
    let data = dir.join("data").display().to_string();
    let vars = [("GENGFU_BUCKET", bucket), ("GENGFU_DATA_DIR", data)];
    let vars = vars.map(|(n, v)| (n.to_owned(), v)).into();
    let config = Config::from_vars(&vars).expect("config");
    let app = App::new(config, "default".parse().expect("alias")).expect("app");
    let stores = Arc::new(Stores::new(&app.config.running.data_dir));
    let run = rounds::runner(app.clone(), stores.clone(), Changes::default());
    Watchman {
        rounds: Rounds::new(Tasks::new(CancellationToken::new()), run),
        app,
        stores,
        ready: Ready::default(),
    }
}

#[tokio::test]
async fn a_night_that_failed_is_shown_with_its_reason_until_it_is_made_up_for() {
    let dir = tempfile::tempdir().expect("dir");
    let watchman = watchman(dir.path());
    let now: jiff::Timestamp = TWO_O_CLOCK.parse().expect("instant");
    let mut now_ms = now.as_millisecond();
    let mut nights = HashMap::new();
    let owner: OwnerAlias = "default".parse().expect("alias");

    watchman.look_after_all(&mut nights, now_ms).await;
    assert_eq!(watchman.ready.failed_night(&owner), None, "it runs");
    let task = nights[&owner].running.clone().expect("a round");
    let ended = task.wait().await;
    watchman.look_after_all(&mut nights, now_ms).await;
    let night = watchman.ready.failed_night(&owner).expect("failed");
    assert_eq!((night.day, night.at_ms), (task.key.day, now_ms));
    assert_eq!(night.why, said(ended, Lang::Zh));
    assert!(night.why.contains("bucket"), "{}", night.why);

    let zone = watchman.zone().clone();
    demo::lay(&dir.path().join("bucket"), night.day, &zone).expect("sample");
    now_ms = night.again_ms.expect("it is tried again");
    watchman.look_after_all(&mut nights, now_ms).await;
    let task = nights[&owner].running.clone().expect("a round");
    assert_eq!(task.wait().await, Ended::Done);
    watchman.look_after_all(&mut nights, now_ms).await;
    assert_eq!(watchman.ready.failed_night(&owner), None);
    let store = watchman.stores.of(&owner).await.expect("store");
    let done = ledger::done_ms(&store, night.day).await.expect("row");
    assert!(done.is_some(), "the gauge has a time after a restart");
}
