//! The morning by itself: robots behind the gateway announce that yesterday's report is there.
//!
//! In: an owner's store, now. Out: woken robots. Always true: each robot is told once a day, and not when it was asked to be quiet, nor
//! when it has offered or told the report already; a robot that was busy or away is tried again for two hours.

use super::{
    Teller,
    teller::{WAKEUP, line},
};
use crate::{
    model::{Day, Moment, report::Report},
    store::{self, Outcome, Store},
    voice::{self, Ask},
};

/// The report is announced within this time, or not that day.
const ANNOUNCED_MS: i128 = 2 * 3600 * 1000;

impl Teller {
    /// Whether the report is to be announced by now.
    fn is_morning(&self, now: Moment) -> bool {
        let late = |at| now.civil().time().duration_since(at).as_millis();
        let at = self.tools().broadcast_at;
        at.is_some_and(|at| (0..ANNOUNCED_MS).contains(&late(at)))
    }

    /// Wakes the owner's robots with yesterday's headline.
    pub(super) async fn morning(&self, store: &Store, now_ms: i64) -> Result<(), store::Error> {
        let tools = self.tools();
        let (lang, now) = (tools.lang, Moment::new(now_ms, &tools.zone));
        let Some(gateway) = tools.gateway.as_ref().filter(|_| self.is_morning(now)) else {
            return Ok(());
        };
        let today = Day::of(now_ms, &tools.zone);
        let report = store.report(today.plus(-1)).await?;
        // What was pulled for one question is no report of the day.
        let Some(report) = report.filter(Report::tells_the_day) else {
            return Ok(());
        };
        let headline = voice::headline(&report, &Ask::new(now, lang));
        let headline = headline.unwrap_or_else(|| {
            lang.pick("昨天没有发现问题", "yesterday nothing was wrong")
                .to_owned()
        });
        let text = lang.pick(
            format!("昨天的日志日报好了，{headline}。要不要开始播报？"),
            format!("Yesterday's report is ready, {headline}. Shall I begin?"),
        );
        for device in self.devices(store.owner()) {
            let id = device.id.clone();
            if store.is_spared(&device.mac(), today).await? {
                continue;
            }
            let subject = format!("day:{}", report.date);
            let line = line(WAKEUP, &id, &subject, now_ms, &text);
            if store.claim_told_line(line).await? {
                let outcome = gateway.wake(&id, &text, now_ms).await;
                store.close_told_line(subject, WAKEUP, id, outcome).await?;
                if matches!(outcome, Outcome::Said | Outcome::Unsure) {
                    let offered = store.put_quiet(device.mac(), today, "offered".to_owned());
                    offered.await?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        alerts::house::{MINUTE, house},
        model::sample,
        store,
    };

    #[tokio::test]
    async fn the_morning_is_announced_once() {
        let house = house(None, false).await;
        let ten = sample::morning().ms;
        for (at_ms, times) in [
            (ten - 60 * MINUTE, 0),
            (ten, 1),
            (ten + MINUTE, 1),
            (ten + 300 * MINUTE, 1),
        ] {
            house.tend(at_ms).await;
            assert_eq!(house.spoken().await.len(), times);
        }
        let spoken = house.spoken().await;
        assert!(
            spoken.len() == 1 && spoken[0].ends_with("要不要开始播报？"),
            "{spoken:?}"
        );
    }

    #[tokio::test]
    async fn who_asked_for_quiet_or_was_told_already_is_not_woken_in_the_morning() {
        let today: crate::model::Day = "2026-11-22".parse().expect("day");
        let robot = "robot\u{1f}device\u{1f}aa:bb:cc:00:11:22";
        for (device, why, spared) in [
            (robot, "asked", true),
            // Somebody whose robot does not say which one it is.
            ("robot", "asked", true),
            // The context source was first.
            ("aa:bb:cc:00:11:22", "offered", true),
            ("robot\u{1f}device\u{1f}aa:bb:cc:00:11:33", "asked", false),
            ("aa:bb:cc:00:11:33", "offered", false),
        ] {
            let house = house(None, false).await;
            let quiet = house
                .store
                .put_quiet(device.to_owned(), today, why.to_owned());
            quiet.await.expect("quiet");
            house.tend(sample::morning().ms).await;
            assert_eq!(house.spoken().await.is_empty(), spared, "{device} {why}");
        }
        let house = house(None, false).await;
        let told = store::Told {
            day: today.plus(-1),
            incident: "i1".to_owned(),
            listed: Vec::new(),
            part: 4,
            revision: 2,
            at_ms: 1,
        };
        house
            .store
            .put_told(robot.to_owned(), told)
            .await
            .expect("told");
        house.tend(sample::morning().ms).await;
        assert!(house.spoken().await.is_empty());
    }
}
