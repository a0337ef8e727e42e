//! Pulls the logs that an alarm needs, and puts them together with what is stored.
//!
//! In: alarms of an owner, who can read logs, how long to wait. Out: what is known [`Around`] each. Always true: no log is read for a
//! policy that is wrong in itself, nor for a day that a round has read; alarms of one hour are read for together; whoever waits gets
//! what is stored when the logs take longer, and is told so.

use std::{sync::Arc, time::Duration};

use jiff::tz::TimeZone;

use super::{
    Alarm, Around,
    around::{BEFORE_MS, LogNote, window},
    gather, meaning,
};
use crate::{
    model::{Day, Lang, report::Stage},
    round::around::{ReadAround, Seen, Window},
    store::{self, Store},
};

/// Of this much time at once logs are read for several alarms.
const TOGETHER_MS: i64 = 60 * 60 * 1000;

/// Names that are asked for; a storm has more than a query may hold.
const MOST_NAMES: usize = 12;

/// Who reads logs, and how long is waited for it.
#[derive(Clone)]
pub struct Look {
    pub read: Option<Arc<ReadAround>>,
    pub patience: Duration,
    pub zone: TimeZone,
    pub lang: Lang,
}

impl std::fmt::Debug for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Look")
            .field("reads", &self.read.is_some())
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// What is known around an alarm, and whether the logs were waited for in vain.
#[derive(Debug)]
pub struct Looked {
    pub around: Around,
    pub is_late: bool,
}

/// What reading came to.
#[derive(Debug, Clone)]
enum Pulled {
    /// Nothing more was needed than is stored, or nobody can read.
    NotNeeded,
    Seen(Arc<Seen>),
    Late,
}

impl Look {
    /// For one alarm.
    pub async fn at(&self, store: &Store, alarm: &Alarm) -> Result<Looked, store::Error> {
        let mut looked = self.at_all(store, std::slice::from_ref(alarm)).await?;
        match looked.pop() {
            Some(looked) => Ok(looked),
            // One was asked for, so one came.
            None => Ok(Looked {
                around: Around::nothing(alarm, &self.zone),
                is_late: false,
            }),
        }
    }

    /// For several, in their order.
    pub async fn at_all(
        &self,
        store: &Store,
        alarms: &[Alarm],
    ) -> Result<Vec<Looked>, store::Error> {
        let mut pulled = vec![Pulled::NotNeeded; alarms.len()];
        let mut waiting = Vec::new();
        for (n, alarm) in alarms.iter().enumerate() {
            if self.read.is_some() && self.needs_logs(store, alarm).await? {
                waiting.push(n);
            }
        }
        waiting.sort_by_key(|n| alarms[*n].first_ms);
        for group in groups(&waiting, alarms) {
            let some: Vec<&Alarm> = group.iter().map(|n| &alarms[*n]).collect();
            let found = self.pull(store, &some).await;
            for n in group {
                pulled[n] = found.clone();
            }
        }
        let mut looked = Vec::with_capacity(alarms.len());
        for (alarm, pulled) in alarms.iter().zip(pulled) {
            let seen = match &pulled {
                Pulled::Seen(seen) => Some(&**seen),
                Pulled::NotNeeded | Pulled::Late => None,
            };
            let is_late = matches!(pulled, Pulled::Late);
            let mut around = gather(store, alarm, &self.zone, seen).await?;
            if is_late {
                let why = self
                    .lang
                    .pick("日志还没有读完", "the logs are still being read");
                around.logs.notes.push(LogNote::Failed {
                    why: why.to_owned(),
                });
            }
            looked.push(Looked { around, is_late });
        }
        Ok(looked)
    }

    /// Whether what is stored leaves the question open.
    async fn needs_logs(&self, store: &Store, alarm: &Alarm) -> Result<bool, store::Error> {
        if meaning::policy_problem(alarm, self.lang).is_some() {
            return Ok(false);
        }
        let (from_ms, to_ms) = window(alarm);
        for day in [Day::of(from_ms, &self.zone), Day::of(to_ms, &self.zone)] {
            let report = store.report(day).await?;
            if report.is_none_or(|r| r.stage < Stage::Complete) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn pull(&self, store: &Store, alarms: &[&Alarm]) -> Pulled {
        let Some(read) = &self.read else {
            return Pulled::NotNeeded;
        };
        let reading = read(store.owner().clone(), around_all(alarms));
        match tokio::time::timeout(self.patience, reading).await {
            Ok(Ok(seen)) => Pulled::Seen(Arc::new(seen)),
            Ok(Err(why)) => Pulled::Seen(Arc::new(Seen {
                failed: Some(why),
                ..Seen::default()
            })),
            Err(_) => {
                tracing::warn!(owner = %store.owner(), "the logs around an alarm took too long");
                Pulled::Late
            }
        }
    }
}

/// Neighbours in time whose windows fit into one look.
fn groups(by_time: &[usize], alarms: &[Alarm]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for n in by_time {
        let began = alarms[*n].first_ms;
        match groups.last_mut() {
            Some(group)
                if group.first().is_some_and(|first| {
                    began - alarms[*first].first_ms < TOGETHER_MS - BEFORE_MS
                }) =>
            {
                group.push(*n);
            }
            _ => groups.push(vec![*n]),
        }
    }
    groups
}

/// One window around them, with the names of their objects.
fn around_all(alarms: &[&Alarm]) -> Window {
    let windows = || alarms.iter().map(|a| window(a));
    let mut names: Vec<String> = alarms
        .iter()
        .filter_map(|a| a.object.as_ref().map(|o| o.name.clone()))
        .collect();
    names.sort();
    names.dedup();
    names.truncate(MOST_NAMES);
    Window {
        from_ms: windows().map(|w| w.0).min().unwrap_or_default(),
        to_ms: windows().map(|w| w.1).max().unwrap_or_default(),
        names,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::{Source, read};

    fn alarm(minute: i64, object: &str) -> Alarm {
        let mut alarm = read(b"disk", 1_795_228_200_000 + minute * 60_000);
        assert_eq!(alarm.source, Source::Unknown);
        alarm.object = Some(crate::model::ObjectRef::new("Deployment", "shop", object));
        alarm
    }

    #[test]
    fn alarms_of_one_hour_are_read_for_together() {
        let alarms = [
            alarm(0, "a"),
            alarm(20, "b"),
            alarm(44, "a"),
            alarm(46, "c"),
            alarm(300, "a"),
        ];
        let found = groups(&[0, 1, 2, 3, 4], &alarms);
        assert_eq!(found, [vec![0, 1, 2], vec![3], vec![4]]);
        let some: Vec<&Alarm> = alarms[..3].iter().collect();
        let window = around_all(&some);
        assert_eq!(window.names, ["a", "b"]);
        assert_eq!(window.from_ms, alarms[0].first_ms - BEFORE_MS);
        assert!(window.to_ms > alarms[2].first_ms);
    }
}
