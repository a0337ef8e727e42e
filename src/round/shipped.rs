//! Whether all of a day lies in the bucket, as the shipping tasks of CLS tell it.
//!
//! In: a day that is over. Out: per kind [`Shipping`], with the tasks behind it. Always true: what the service no longer knows (it keeps
//! three days) was told by an earlier report or is not told at all; who may not be asked makes no day incomplete.

use std::collections::BTreeMap;

use super::{live::Live, run::Round};
use crate::{
    intake::shipping::Shipped,
    model::{
        Day, Lang, LogKind,
        report::{Coverage, Shipping},
        shapes::ObjectProblem,
    },
};

/// What is known of a kind's shipping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Of {
    pub state: Option<Shipping>,
    /// Shipping tasks that have not written all of the day.
    pub tasks: Vec<(String, Shipped)>,
}

impl Of {
    fn from_tasks(tasks: Vec<(String, Shipped)>) -> Self {
        let any = |wanted| tasks.iter().any(|(_, shipped)| *shipped == wanted);
        let state = if any(Shipped::Failed) {
            Some(Shipping::Failed)
        } else if any(Shipped::Pending) {
            Some(Shipping::Pending)
        } else if tasks.is_empty() || any(Shipped::Unknown) {
            None
        } else {
            Some(Shipping::Whole)
        };
        let open = |(_, shipped): &(String, Shipped)| {
            matches!(shipped, Shipped::Failed | Shipped::Pending)
        };
        Self {
            state,
            tasks: tasks.into_iter().filter(open).collect(),
        }
    }

    /// Says in a kind's coverage what is missing in the bucket itself.
    pub(super) fn tell(&self, coverage: &mut Coverage, lang: Lang) {
        coverage.shipping = self.state;
        for (task, shipped) in &self.tasks {
            coverage.complete = false;
            coverage.problems.push(ObjectProblem {
                key: task.clone(),
                reason: sentence(*shipped, lang).to_owned(),
            });
        }
    }
}

fn sentence(shipped: Shipped, lang: Lang) -> &'static str {
    match shipped {
        Shipped::Failed => lang.pick(
            "投递任务有失败的批次，这一天的日志没有全部写进 COS。请在日志服务控制台 → 投递至 COS → 投递任务管理里重试，之后会自动补读",
            "a run of this shipping task failed, so not all of the day lies in COS; retry it in the CLS console under Ship to COS, the rest is then read by itself",
        ),
        Shipped::Pending | Shipped::Whole | Shipped::Unknown => lang.pick(
            "投递任务还没有把这一天的日志全部写进 COS，写完后会自动补读",
            "this shipping task has not written all of the day to COS yet; the rest is read by itself when it has",
        ),
    }
}

impl Round {
    /// What is known of each kind. Empty where nobody can be asked.
    pub(super) async fn shipping(&self, day: Day) -> BTreeMap<LogKind, Of> {
        let Some(live) = &self.live else {
            return BTreeMap::new();
        };
        let earlier = self.store.report(day).await.ok().flatten();
        let mut known = BTreeMap::new();
        for kind in LogKind::ALL.into_iter().filter(|kind| live.has(*kind)) {
            let mut of = Of::from_tasks(self.tasks(live, day, kind).await);
            if of.state.is_none() {
                let told = earlier.as_ref().and_then(|r| r.coverage.get(&kind));
                of.state = told
                    .and_then(|c| c.shipping)
                    .filter(|s| *s == Shipping::Whole);
            }
            known.insert(kind, of);
        }
        known
    }

    async fn tasks(&self, live: &Live, day: Day, kind: LogKind) -> Vec<(String, Shipped)> {
        let range = day.range(&self.judge.zone);
        match live.shipped(kind, &range).await {
            Ok(tasks) => tasks,
            Err(error) => {
                tracing::debug!(owner = %self.store.owner(), %kind, %error, "nobody says whether a day is shipped");
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_whole_when_every_task_says_so() {
        let check = |tasks: &[Shipped], expected| {
            let tasks = tasks.iter().map(|s| ("s-1".to_owned(), *s)).collect();
            let of = Of::from_tasks(tasks);
            assert_eq!(of.state, expected);
            let mut coverage = Coverage {
                complete: true,
                ..Coverage::default()
            };
            of.tell(&mut coverage, Lang::Zh);
            let is_open = matches!(expected, Some(Shipping::Pending | Shipping::Failed));
            assert_eq!(
                (coverage.complete, coverage.problems.is_empty()),
                (!is_open, !is_open)
            );
        };
        check(&[], None);
        check(&[Shipped::Whole, Shipped::Whole], Some(Shipping::Whole));
        check(&[Shipped::Whole, Shipped::Unknown], None);
        check(&[Shipped::Whole, Shipped::Pending], Some(Shipping::Pending));
        check(&[Shipped::Failed, Shipped::Pending], Some(Shipping::Failed));
    }
}
