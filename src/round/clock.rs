//! What a round spends its time on.
//!
//! In: pieces of work. Out: milliseconds by name. Always true: the names that outsiders rely on are all there; work that goes on side
//! by side counts each by itself, so that parts may add up to more than the whole.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The parts that scripts read; further ones may stand beside them.
const NAMES: [&str; 6] = ["download", "parse", "mine", "diagnose", "embed", "llm"];

/// Adds up time by name, and knows since when. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub(super) struct Stopwatch {
    spent: Arc<Mutex<BTreeMap<&'static str, Duration>>>,
    started: Instant,
}

impl Default for Stopwatch {
    fn default() -> Self {
        Self {
            spent: Arc::default(),
            started: Instant::now(),
        }
    }
}

impl Stopwatch {
    pub(super) async fn time<T>(&self, name: &'static str, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let done = work.await;
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        *spent.entry(name).or_default() += started.elapsed();
        done
    }

    /// Everything in milliseconds, and the time since the watch was started as `total`.
    pub(super) fn timings_ms(&self) -> BTreeMap<String, u64> {
        let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let named = NAMES.iter().map(|name| (*name, Duration::ZERO));
        let counted = spent.iter().map(|(name, spent)| (*name, *spent));
        named
            .chain(counted)
            .chain([("total", self.started.elapsed())])
            .map(|(name, spent)| (name.to_owned(), millis(spent)))
            .collect()
    }
}

fn millis(spent: Duration) -> u64 {
    u64::try_from(spent.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_name_is_there_and_clones_count_together() {
        let clock = Stopwatch::default();
        let other = clock.clone();
        assert_eq!(other.time("list", async { 7 }).await, 7);
        let timings = clock.timings_ms();
        for name in NAMES.iter().chain(&["list", "total"]) {
            assert!(timings.contains_key(*name), "{name}");
        }
    }
}
