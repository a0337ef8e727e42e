//! A server in this process whose rounds read a bucket on disk: the real rooms from the first object to the answer.

use std::{path::Path, pin::pin, sync::Arc};

use futures::FutureExt;
use gengfu::{
    diagnosis::faults::Catalogue,
    intake::{
        bucket::{Bucket, BucketSpec},
        layout::Partition,
    },
    llm::Llm,
    mcp::{Rounds, Stores, sessions},
    model::{Lang, LogKind, OwnerAlias},
    round::{
        Round, Workers,
        files::Shelf,
        judge::Judge,
        live::{Live, Scope},
        source::{Place, Source},
        tasks::{TaskKey, Tasks, Work},
    },
    store::Store,
};
use jiff::tz::TimeZone;
use tokio::sync::{Barrier, Semaphore};

use crate::running::Running;

/// How the rounds of a server go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    pub(crate) baseline_days: u32,
    /// A round stops after its first revision, meets somebody here, and goes on after meeting again.
    pub(crate) stops: Option<Arc<Barrier>>,
    /// Who is asked for what is not shipped yet, and what time it is then.
    pub(crate) live: Option<(Live, i64)>,
    /// Every owner has a bucket of its own: `folder/<alias>/bucket`.
    pub(crate) apart: bool,
}

/// A server over `folder/bucket`.
pub(crate) async fn serve(folder: &Path, manner: Manner) -> Running {
    let folder = folder.to_owned();
    let rounds = move |tasks: Tasks, stores: Arc<Stores>| {
        let (days, live) = (manner.baseline_days, manner.live.clone());
        let of = move |owner: OwnerAlias| {
            let mut folder = folder.clone();
            if manner.apart {
                folder.push(owner.as_str());
            }
            let (stores, live) = (stores.clone(), live.clone());
            async move {
                let store = stores.of(&owner).await.expect("store");
                let round = round(&folder, &owner, store, days);
                match live {
                    None => round,
                    Some((live, now_ms)) => Round {
                        live: Some(live),
                        now_ms,
                        ..round
                    },
                }
            }
        };
        let (lines_of, fresh_of, beside_of) = (of.clone(), of.clone(), of.clone());
        Rounds::new(
            tasks,
            Arc::new(move |key, work: Work| {
                let (round, stops) = (of(key.owner.clone()), manner.stops.clone());
                async move { carry_out(&round.await, &key, &work, stops.as_deref()).await }.boxed()
            }),
        )
        .with_lines(Arc::new(move |owner, day, asked| {
            let round = lines_of(owner);
            async move {
                round
                    .await
                    .lines(day, &asked)
                    .await
                    .map_err(|e| e.to_string())
            }
            .boxed()
        }))
        .with_fresh(Arc::new(move |owner, day, kind, (from_ms, to_ms)| {
            let round = fresh_of(owner);
            async move {
                let round = round.await;
                round.fresh(day, kind, from_ms, to_ms, Scope::Whole).await
            }
            .boxed()
        }))
        .with_beside(Arc::new(move |owner, line| {
            let round = beside_of(owner);
            async move { round.await.beside(&line).await }.boxed()
        }))
    };
    Running::over(sessions::Limits::default(), rounds).await
}

async fn carry_out(
    round: &Round,
    key: &TaskKey,
    work: &Work,
    stops: Option<&Barrier>,
) -> Result<(), String> {
    let mut work_done = pin!(round.carry_out(key, work));
    if let Some(meet) = stops {
        let mut progress = work.progress.watch();
        // Once the first revision is there, nobody moves the round any further.
        tokio::select! {
            biased;
            seen = progress.wait_for(|now| now.revision.is_some()) => drop(seen.expect("progress")),
            done = &mut work_done => panic!("the round had no revision: {done:?}"),
        }
        meet.wait().await;
        meet.wait().await;
    }
    work_done.await.map_err(|error| {
        // Seen where a test fails: the sentence keeps the cause to itself.
        eprintln!("{error:?}");
        error.to_string()
    })
}

/// What a round of an owner over `folder/bucket` is made of.
pub(crate) fn round(folder: &Path, owner: &OwnerAlias, store: Store, baseline_days: u32) -> Round {
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let bucket = Bucket::open(BucketSpec::Folder(folder.join("bucket"))).expect("bucket");
    let place = |kind: LogKind| Place {
        bucket: bucket.clone(),
        prefix: format!("{kind}/"),
        partition: Partition {
            template: "%Y/%m/%d/%H/".to_owned(),
            zone: zone.clone(),
            spill_ms: 7_200_000,
        },
        cluster: None,
        label: String::new(),
    };
    let places = LogKind::ALL
        .into_iter()
        .map(|kind| (kind, vec![place(kind)]));
    Round {
        store,
        source: Source::new(places.collect()),
        shelf: Shelf::new(folder, owner),
        judge: Judge {
            zone_name: "Asia/Shanghai".to_owned(),
            zone,
            lang: Lang::Zh,
            catalogue: Arc::new(Catalogue::builtin().expect("faults")),
            llm: Llm::Off,
            embedder: Llm::Off,
            model_time: std::time::Duration::ZERO,
            model_price: None,
            model_tokens: 0,
        },
        baseline_days,
        live: None,
        now_ms: i64::MAX,
        publish: None,
        cores: Arc::new(Semaphore::new(2)),
        workers: Workers::default(),
    }
}
