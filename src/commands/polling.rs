//! Fetches alarms each minute for `serve`, where they are not pushed.
//!
//! In: the wired parts. Out: alarms in the inboxes, a rung bell. Always true: a few owners are asked side by side, one that fails is asked less
//! often, up to once an hour, and the log says why once. What is fetched and how is known to `alerts::poll`.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::{
    alerts::{Bell, poll},
    app::App,
    intake::cls::{Cls, Turns},
    mcp::{Change, Changes, Clock, Stores},
    model::OwnerAlias,
};

const EVERY: Duration = Duration::from_mins(1);
/// Owners that are asked side by side: each keeps its store open meanwhile.
const AT_ONCE: usize = 4;
/// Looks that are left out after failures, at most.
const MOST_SKIPPED: u32 = 59;

/// What alarms are fetched with.
pub(super) struct Poller {
    app: App,
    stores: Arc<Stores>,
    changes: Changes,
    bell: Bell,
}

/// How an owner's looks went lately.
#[derive(Debug, Default, Clone, Copy)]
struct Luck {
    failures: u32,
    skip: u32,
}

impl Luck {
    /// True when it is this one's turn.
    fn turn(&mut self) -> bool {
        let turn = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        turn
    }

    /// True when this failure is the first of its row.
    fn failed(&mut self) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.skip = 2_u32.saturating_pow(self.failures.min(6)).min(MOST_SKIPPED);
        self.failures == 1
    }
}

impl Poller {
    pub(super) fn new(app: &App, stores: &Arc<Stores>, changes: &Changes, bell: Bell) -> Self {
        Self {
            app: app.clone(),
            stores: stores.clone(),
            changes: changes.clone(),
            bell,
        }
    }

    /// Until stopped; ends at once where nothing is to be fetched.
    pub(super) async fn every_minute(self, stop: CancellationToken) {
        let polling = &self.app.config.serving.polling;
        if !polling.history && polling.topics.is_empty() {
            return;
        }
        let turns = Turns::default();
        let mut lucks: HashMap<OwnerAlias, Luck> = HashMap::new();
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            // A registry that cannot be read is told by the timer.
            let owners = self.app.owners.all().unwrap_or_default();
            let due = owners
                .into_iter()
                .filter(|owner| lucks.entry(owner.clone()).or_default().turn());
            let looks: Vec<_> = due.map(|owner| self.look(owner, &turns)).collect();
            let looks = stream::iter(looks).buffer_unordered(AT_ONCE);
            let looked: Vec<_> = tokio::select! {
                () = stop.cancelled() => return,
                looked = looks.collect() => looked,
            };
            for (owner, outcome) in looked {
                let luck = lucks.entry(owner.clone()).or_default();
                match outcome {
                    Ok(()) => *luck = Luck::default(),
                    Err(why) if luck.failed() => {
                        tracing::warn!(%owner, why, "could not fetch alarms; trying again less often");
                    }
                    Err(why) => tracing::debug!(%owner, why, "could not fetch alarms"),
                }
            }
        }
    }

    async fn look(&self, owner: OwnerAlias, turns: &Turns) -> (OwnerAlias, Result<(), String>) {
        let looked = self.fetch(&owner, turns).await;
        (owner, looked)
    }

    /// A failure is a sentence.
    async fn fetch(&self, owner: &OwnerAlias, turns: &Turns) -> Result<(), String> {
        let lang = self.app.lang();
        let Some(api) = self.app.api(owner).map_err(|e| e.sentence(lang))? else {
            return Ok(());
        };
        let store = self.stores.of(owner).await.map_err(|e| e.sentence(lang))?;
        if !store.is_writer() {
            return Ok(());
        }
        let now_ms = Clock::System.now_ms();
        let in_words = |error: poll::Error| match error {
            poll::Error::Service(error) => error.in_words(lang),
            poll::Error::Store(error) => error.sentence(lang),
        };
        let polling = &self.app.config.serving.polling;
        let mut news = 0;
        if polling.history {
            news += poll::histories(&api, &store, now_ms)
                .await
                .map_err(in_words)?;
        }
        let cls = Cls::new(api, turns.clone());
        let stands = self.app.owners.choose(None).ok();
        for (topic, whose) in &polling.topics {
            if whose.as_ref().or(stands.as_ref()) == Some(owner) {
                news += poll::topic(&cls, topic, &store, now_ms)
                    .await
                    .map_err(in_words)?;
            }
        }
        if news > 0 {
            tracing::info!(%owner, news, "fetched alarms");
            self.changes.announce(Change::Alerts(owner.clone()));
            self.bell.ring(owner.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_is_asked_less_and_less_often() {
        let mut luck = Luck::default();
        let mut asked = Vec::new();
        for minute in 0..200 {
            if luck.turn() {
                asked.push(minute);
                assert_eq!(luck.failed(), minute == 0);
            }
        }
        assert_eq!(asked, [0, 3, 8, 17, 34, 67, 127, 187]);
    }
}
