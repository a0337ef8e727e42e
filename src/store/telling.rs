//! What was said unasked, to whom, over which way: noted before it is said, so that nothing is said twice.
//!
//! A line is claimed, said, and closed with what became of it. A process that dies between claim and close leaves
//! [`Outcome::Trying`], which counts as said: silence can be mended by asking, a robot that repeats itself cannot.

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{
    Error, Store,
    codec::{from_name, name},
};

/// A robot that is being woken for so long hears nothing any more: the process that woke it is gone.
const WAKING_MS: i64 = 60_000;

/// Something to be said unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldLine {
    /// `context`, `wakeup`, `chat`.
    pub way: String,
    pub device: String,
    /// The alarm or the day's broadcast: `alarm:17`, `day:2026-11-21`.
    pub subject: String,
    pub at_ms: i64,
    pub text: String,
}

/// What became of saying it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Trying,
    Said,
    /// It may have been heard: the answer did not come in time.
    Unsure,
    /// Not said; may be tried again.
    Busy,
    Offline,
    Failed,
}

impl Store {
    /// Notes what is about to be said. False when it was said, or may have been, that way to that device before.
    pub async fn claim_told_line(&self, line: ToldLine) -> Result<bool, Error> {
        self.change(move |tx| {
            let n = tx
                .prepare_cached(
                    "INSERT INTO told_log (way, device, subject, at_ms, outcome, text) VALUES (?1,?2,?3,?4,'trying',?5)
                     ON CONFLICT (subject, way, device) DO UPDATE SET at_ms = excluded.at_ms, outcome = 'trying', text = excluded.text
                       WHERE outcome IN ('busy','offline','failed')",
                )?
                .execute(params![line.way, line.device, line.subject, line.at_ms, line.text])?;
            Ok(n == 1)
        })
        .await
    }

    /// The same for a line about an alarm that still fires and that nobody has heard of: `even_told` where another way of telling it is no
    /// hindrance. What has changed since the alarm was looked up counts.
    pub async fn claim_alarm_line(
        &self,
        line: ToldLine,
        alarm: i64,
        even_told: bool,
    ) -> Result<bool, Error> {
        self.change(move |tx| {
            let n = tx
                .prepare_cached(
                    "INSERT INTO told_log (way, device, subject, at_ms, outcome, text) SELECT ?1,?2,?3,?4,'trying',?5
                       WHERE EXISTS (SELECT 1 FROM alarms WHERE id = ?6 AND recovered_ms IS NULL AND (state = 'unread' OR ?7 AND state = 'told'))
                     ON CONFLICT (subject, way, device) DO UPDATE SET at_ms = excluded.at_ms, outcome = 'trying', text = excluded.text
                       WHERE outcome IN ('busy','offline','failed')",
                )?
                .execute(params![line.way, line.device, line.subject, line.at_ms, line.text, alarm, even_told])?;
            Ok(n == 1)
        })
        .await
    }

    /// Unread alarms for which a robot is being woken just now, or was: it says them itself.
    pub async fn alarms_waking(&self, now_ms: i64) -> Result<Vec<i64>, Error> {
        self.ask(move |c| {
            let mut find = c.prepare_cached(
                "SELECT id FROM alarms WHERE state = 'unread' AND EXISTS (
                   SELECT 1 FROM told_log WHERE subject = 'alarm:' || alarms.id AND way = 'wakeup'
                     AND (outcome IN ('said','unsure') OR outcome = 'trying' AND at_ms > ?1))",
            )?;
            let rows = find.query_map([now_ms - WAKING_MS], |r| r.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Marks what nobody had heard of as told; what was heard in full meanwhile stays so.
    pub async fn mark_told(&self, alarms: Vec<i64>) -> Result<(), Error> {
        self.change(move |tx| {
            let mut mark = tx.prepare_cached(
                "UPDATE alarms SET state = 'told' WHERE id = ?1 AND state = 'unread'",
            )?;
            for id in alarms {
                mark.execute([id])?;
            }
            Ok(())
        })
        .await
    }

    /// Says a line about an alarm that is unread, and marks it and `others`, which the line counts, as told: all or nothing, so that no
    /// killed process leaves a claim behind. False when somebody was told of it meanwhile, a robot is being woken for it, or it was, or
    /// may have been, said this way to this device before.
    pub async fn tell_alarm(
        &self,
        line: ToldLine,
        alarm: i64,
        others: Vec<i64>,
    ) -> Result<bool, Error> {
        self.change(move |tx| {
            let said = tx
                .prepare_cached(
                    "INSERT INTO told_log (way, device, subject, at_ms, outcome, text) SELECT ?1,?2,?3,?4,'said',?5
                       WHERE EXISTS (SELECT 1 FROM alarms WHERE id = ?6 AND state = 'unread')
                         AND NOT EXISTS (SELECT 1 FROM told_log WHERE subject = ?3 AND way = 'wakeup'
                           AND (outcome IN ('said','unsure') OR outcome = 'trying' AND at_ms > ?7))
                     ON CONFLICT (subject, way, device) DO UPDATE SET at_ms = excluded.at_ms, outcome = 'said', text = excluded.text
                       WHERE outcome IN ('busy','offline','failed')",
                )?
                .execute(params![line.way, line.device, line.subject, line.at_ms, line.text, alarm, line.at_ms - WAKING_MS])?;
            if said == 0 {
                return Ok(false);
            }
            let mut mark = tx.prepare_cached(
                "UPDATE alarms SET state = 'told' WHERE id = ?1 AND state = 'unread'",
            )?;
            for id in others.into_iter().chain([alarm]) {
                mark.execute([id])?;
            }
            Ok(true)
        })
        .await
    }

    /// Takes [`tell_alarm`](Self::tell_alarm) back: nobody heard it. What was told another way meanwhile stays told.
    pub async fn untell_alarm(&self, line: ToldLine, alarms: Vec<i64>) -> Result<(), Error> {
        self.change(move |tx| {
            tx.prepare_cached(
                "UPDATE told_log SET outcome = 'failed' WHERE subject = ?1 AND way = ?2 AND device = ?3",
            )?
            .execute(params![line.subject, line.way, line.device])?;
            let mut mark = tx.prepare_cached(
                "UPDATE alarms SET state = 'unread' WHERE id = ?1 AND state = 'told' AND NOT EXISTS (
                   SELECT 1 FROM told_log WHERE subject = 'alarm:' || ?1 AND way != 'chat' AND outcome IN ('trying','said','unsure'))",
            )?;
            for id in alarms {
                mark.execute([id])?;
            }
            Ok(())
        })
        .await
    }

    /// Says what became of a claimed line.
    pub async fn close_told_line(
        &self,
        subject: String,
        way: &'static str,
        device: String,
        outcome: Outcome,
    ) -> Result<(), Error> {
        self.change(move |tx| {
            tx.prepare_cached(
                "UPDATE told_log SET outcome = ?4 WHERE subject = ?1 AND way = ?2 AND device = ?3",
            )?
            .execute(params![subject, way, device, name(&outcome)?])?;
            Ok(())
        })
        .await
    }

    /// What became of a line; `None` when it was never tried.
    pub async fn told_outcome(
        &self,
        subject: String,
        way: &'static str,
        device: String,
    ) -> Result<Option<Outcome>, Error> {
        self.ask(move |c| {
            let found: Option<String> = c
                .prepare_cached(
                    "SELECT outcome FROM told_log WHERE subject = ?1 AND way = ?2 AND device = ?3",
                )?
                .query_row(params![subject, way, device], |r| r.get(0))
                .optional()?;
            found.map(|o| from_name(&o)).transpose()
        })
        .await
    }

    /// Lines that were to be said since an instant, newest first, with what became of each.
    pub async fn told_lines(
        &self,
        since_ms: i64,
        limit: u32,
    ) -> Result<Vec<(ToldLine, Outcome)>, Error> {
        self.ask(move |c| {
            let mut find = c.prepare_cached(
                "SELECT way, device, subject, at_ms, text, outcome FROM told_log WHERE at_ms >= ?1 ORDER BY at_ms DESC, id DESC LIMIT ?2",
            )?;
            let mut rows = find.query(params![since_ms, limit])?;
            let mut lines = Vec::new();
            while let Some(row) = rows.next()? {
                let line = ToldLine {
                    way: row.get(0)?,
                    device: row.get(1)?,
                    subject: row.get(2)?,
                    at_ms: row.get(3)?,
                    text: row.get(4)?,
                };
                lines.push((line, from_name(&row.get::<_, String>(5)?)?));
            }
            Ok(lines)
        })
        .await
    }

    /// The alarm that a robot spoke of last, since an instant.
    pub async fn last_told_alarm(&self, since_ms: i64) -> Result<Option<i64>, Error> {
        self.ask(move |c| {
            let subject: Option<String> = c
                .prepare_cached(
                    "SELECT subject FROM told_log WHERE at_ms >= ?1 AND subject LIKE 'alarm:%' AND way IN ('wakeup','context')
                       AND outcome IN ('said','unsure') ORDER BY at_ms DESC, id LIMIT 1",
                )?
                .query_row([since_ms], |r| r.get(0))
                .optional()?;
            Ok(subject.and_then(|s| s.strip_prefix("alarm:")?.parse().ok()))
        })
        .await
    }

    /// How many times something was said that way since an instant, or tried; what was said together counts once.
    pub async fn times_told(&self, way: &'static str, since_ms: i64) -> Result<u32, Error> {
        self.ask(move |c| {
            Ok(c.prepare_cached(
                "SELECT count(DISTINCT at_ms) FROM told_log WHERE way = ?1 AND at_ms > ?2",
            )?
            .query_row(params![way, since_ms], |r| r.get(0))?)
        })
        .await
    }

    /// When something was last said that way to that device, as far as it was, or may have been, heard.
    pub async fn last_told_ms(
        &self,
        way: &'static str,
        device: String,
    ) -> Result<Option<i64>, Error> {
        self.ask(move |c| {
            Ok(c.prepare_cached(
                "SELECT max(at_ms) FROM told_log WHERE way = ?1 AND device = ?2 AND outcome IN ('trying','said','unsure')",
            )?
            .query_row(params![way, device], |r| r.get(0))?)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::open;

    #[tokio::test]
    async fn what_may_have_been_heard_is_not_said_again() {
        let dir = tempfile::tempdir().expect("dir");
        let store = open(dir.path());
        let line = |at_ms| ToldLine {
            way: "wakeup".to_owned(),
            device: "r1".to_owned(),
            subject: "alarm:7".to_owned(),
            at_ms,
            text: "磁盘满了".to_owned(),
        };
        for (at_ms, claimed, outcome) in [
            (1, true, Outcome::Busy),
            (2, true, Outcome::Offline),
            (3, true, Outcome::Unsure),
            (4, false, Outcome::Unsure),
        ] {
            let won = store.claim_told_line(line(at_ms)).await.expect("claim");
            assert_eq!(won, claimed, "{at_ms}");
            let (subject, device) = ("alarm:7".to_owned(), "r1".to_owned());
            store
                .close_told_line(subject.clone(), "wakeup", device.clone(), outcome)
                .await
                .expect("close");
            let found = store.told_outcome(subject, "wakeup", device).await;
            assert_eq!(found.expect("ask"), Some(outcome));
        }
        let last = store.last_told_ms("wakeup", "r1".to_owned()).await;
        assert_eq!(last.expect("ask"), Some(3));
        for (since_ms, alarm) in [(0, Some(7)), (4, None)] {
            let told = store.last_told_alarm(since_ms).await.expect("ask");
            assert_eq!(told, alarm);
        }
        let other = store.last_told_ms("wakeup", "r2".to_owned()).await;
        assert_eq!(other.expect("ask"), None);
    }
}
