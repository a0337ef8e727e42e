//! Who is tended, and when.

use super::*;
use crate::{
    alerts::{
        Source, bell,
        house::{ALARM, house, now},
        inbox,
    },
    round::around::{ReadAround, Seen},
};

#[tokio::test]
async fn whoever_rings_is_tended_until_the_house_is_closed() {
    let house = house(None, false).await;
    house.comes("p-1", now()).await;
    let (ring, ear) = bell();
    let (store, stop) = (house.store.clone(), CancellationToken::new());
    let (told, mut hears) = tokio::sync::mpsc::channel(1);
    let open: Arc<OpenStore> = Arc::new(move |_| {
        let store = store.clone();
        Box::pin(async move { Ok(store) })
    });
    let changed = move |owner| drop(told.try_send(owner));
    let watching = tokio::spawn(watch(
        house.teller.clone(),
        ear,
        open,
        Vec::new,
        now,
        changed,
        stop.clone(),
    ));
    ring.ring("demo".parse().expect("alias"));
    assert_eq!(
        hears.recv().await.map(|o| o.to_string()).as_deref(),
        Some("demo")
    );
    assert_eq!(house.spoken().await.len(), 1);
    stop.cancel();
    watching.await.expect("ends");
}

#[tokio::test]
async fn a_slow_owner_keeps_nobody_waiting_and_what_comes_meanwhile_is_worked_on_too() {
    let house = house(None, false).await;
    let dir = tempfile::tempdir().expect("dir");
    let alias = |name: &str| name.parse::<OwnerAlias>().expect("alias");
    let store = |name: &str| Store::open(dir.path(), &alias(name)).expect("store");
    let (quick, slow) = (store("quick"), store("slow"));
    let (asking, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let answers = Arc::new(tokio::sync::Semaphore::new(0));
    let waiting = answers.clone();
    let logs: Arc<ReadAround> = Arc::new(move |owner: OwnerAlias, _| {
        let (asking, waiting) = (asking.clone(), waiting.clone());
        Box::pin(async move {
            asking.send(owner.clone()).expect("the test listens");
            if owner.as_str() == "slow" {
                waiting.acquire().await.expect("open").forget();
            }
            Ok(Seen::default())
        })
    });
    let teller = house.teller_with(logs);
    // A day that nobody has read.
    let comes = async |store: &Store, policy: &str| {
        let body = ALARM.replace("POLICY", policy).replace("11-21", "11-25");
        let kept = inbox::receive(store, body.as_bytes(), Source::Tcop, now());
        kept.await.expect("kept");
    };
    comes(&quick, "p-1").await;
    comes(&slow, "p-1").await;
    let stores = [quick.clone(), slow.clone()];
    let open: Arc<OpenStore> = Arc::new(move |owner| {
        let store = stores[usize::from(owner.as_str() == "slow")].clone();
        Box::pin(async move { Ok(store) })
    });
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let changed = move |owner: OwnerAlias| drop(told.send(owner.to_string()));
    let ((ring, ear), stop) = (bell(), CancellationToken::new());
    let watching = watch(teller, ear, open, Vec::new, now, changed, stop.clone());
    let watching = tokio::spawn(watching);
    ring.ring(alias("slow"));
    assert_eq!(asked.recv().await, Some(alias("slow")));
    ring.ring(alias("quick"));
    assert_eq!(asked.recv().await, Some(alias("quick")));
    assert_eq!(hears.recv().await.as_deref(), Some("quick"));
    // Another alarm of the slow one comes while the first is worked on.
    comes(&slow, "p-2").await;
    ring.ring(alias("slow"));
    answers.add_permits(2);
    for _ in 0..2 {
        assert_eq!(hears.recv().await.as_deref(), Some("slow"));
    }
    for id in [1, 2] {
        let row = slow.alarm(id).await.expect("ask").expect("row");
        assert!(row.analysis.is_some(), "{id}");
    }
    stop.cancel();
    watching.await.expect("ends");
}
