//! Works on what has arrived: analyses every new alarm, and tells it in the chat and through the robot.
//!
//! In: an owner whose [`Bell`](super::Bell) rang, and a tick each minute. Out: analyses in the store, messages, woken robots. Always
//! true: what is to be said is noted before it is said, so a killed process says nothing twice and leaves nothing unanalysed; a
//! storm is one message; a robot is woken at most every [`LEAST_MS`], outside of quiet hours, and never by a recovery.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use jiff::{civil::Time, tz::TimeZone};
use tokio_util::sync::CancellationToken;

use super::{
    Analysis, Conclusion, Ear, analyse, gather, inbox,
    notify::{Chats, Gateway, QuietHours},
};
use crate::{
    diagnosis::faults::Catalogue,
    model::{Day, Lang, Moment, OwnerAlias, Severity},
    store::{self, AlarmRow, AlarmState, Outcome, Store, ToldLine},
    voice::{self, Ask, Detail},
};

/// Between two wake-ups of a robot; what comes meanwhile is told together.
pub const LEAST_MS: i64 = 5 * 60 * 1000;
/// The report is announced within this time, or not that day.
const ANNOUNCED_MS: i128 = 2 * 3600 * 1000;
/// Alarms analysed in one go; in a storm the gravest come first and the rest when they are asked for.
const AT_ONCE: usize = 20;
/// Alarms written out in one chat message.
const MOST_WRITTEN: usize = 5;
/// How often a robot that was busy or away is tried again, and lost rings are found.
const TICK: Duration = Duration::from_mins(1);
const WAKEUP: &str = "wakeup";
const CHAT: &str = "chat";

/// A robot behind the gateway.
#[derive(Debug, Clone)]
pub struct Device {
    /// MAC address or the gateway's client id.
    pub id: String,
    pub name: String,
    /// `None`: everybody's.
    pub owner: Option<OwnerAlias>,
}

/// With what, and when.
#[derive(Debug, Clone)]
pub struct Tools {
    pub chats: Chats,
    pub gateway: Option<Gateway>,
    pub devices: Vec<Device>,
    pub quiet: Option<QuietHours>,
    /// When robots announce the day's report.
    pub broadcast_at: Option<Time>,
    pub zone: TimeZone,
    pub lang: Lang,
}

/// See the module's head. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Teller(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tools: Tools,
    catalogue: Arc<Catalogue>,
}

impl Teller {
    #[must_use]
    pub fn new(tools: Tools, catalogue: Arc<Catalogue>) -> Self {
        Self(Arc::new(Inner { tools, catalogue }))
    }

    /// Does for one owner all that is due. True when something changed that a subscriber may want to read.
    pub async fn tend(&self, store: &Store, now_ms: i64) -> Result<bool, store::Error> {
        if self.is_morning(now_ms) {
            self.morning(store, now_ms).await?;
        }
        let mut unread = inbox::unread(store, now_ms).await?;
        if unread.is_empty() {
            return Ok(false);
        }
        let analysed = self.analyse(store, &mut unread).await?;
        let alive: Vec<AlarmRow> = unread
            .into_iter()
            .filter(|row| row.what.recovered_ms.is_none())
            .collect();
        let wrote = self.write(store, &alive, now_ms).await?;
        let woke = self.wake(store, &alive, now_ms).await?;
        Ok(analysed || wrote || woke)
    }

    /// Analyses what was not, the gravest first.
    async fn analyse(&self, store: &Store, unread: &mut [AlarmRow]) -> Result<bool, store::Error> {
        let (zone, lang) = (&self.0.tools.zone, self.0.tools.lang);
        unread.sort_by_key(|row| {
            (
                std::cmp::Reverse(inbox::alarm_of(row).severity()),
                std::cmp::Reverse(row.what.last_ms),
            )
        });
        let new = unread.iter_mut().filter(|row| row.analysis.is_none());
        let mut any = false;
        for row in new.take(AT_ONCE) {
            let alarm = inbox::alarm_of(row);
            let around = gather(store, &alarm, zone).await?;
            let analysis = analyse(&alarm, &around, &self.0.catalogue, lang);
            let value = serde_json::to_value(&analysis).unwrap_or_default();
            row.analysis = Some(value.clone());
            store.put_analysis(row.id, value).await?;
            any = true;
        }
        Ok(any)
    }

    /// One chat message for all alarms that none was written about.
    async fn write(
        &self,
        store: &Store,
        alive: &[AlarmRow],
        now_ms: i64,
    ) -> Result<bool, store::Error> {
        let (owner, chats) = (store.owner(), &self.0.tools.chats);
        if !chats.reaches(owner) {
            return Ok(false);
        }
        let claimed = self.claim(store, alive, CHAT, "", "", now_ms).await?;
        if claimed.is_empty() {
            return Ok(false);
        }
        let outcome = match chats.send(owner, &self.page(&claimed), now_ms).await {
            Ok(_) => Outcome::Said,
            Err(error) => {
                tracing::warn!(owner = %owner, %error, "could not write alarms to the chat; trying again in a minute");
                Outcome::Failed
            }
        };
        close(store, &claimed, CHAT, "", outcome).await?;
        Ok(true)
    }

    /// Wakes each robot of the owner that is due, with the gravest alarm and the number of the others.
    async fn wake(
        &self,
        store: &Store,
        alive: &[AlarmRow],
        now_ms: i64,
    ) -> Result<bool, store::Error> {
        let tools = &self.0.tools;
        let now = Moment::new(now_ms, &tools.zone);
        let mut worth: Vec<AlarmRow> = alive
            .iter()
            .filter(|row| is_worth_waking(row))
            .cloned()
            .collect();
        // The first one noted is the one spoken of: "详细说说" means it.
        worth.sort_by_key(|row| std::cmp::Reverse(rank(row)));
        let Some(gateway) = &tools.gateway else {
            return Ok(false);
        };
        if worth.is_empty() || tools.quiet.is_some_and(|hours| hours.contains(now)) {
            return Ok(false);
        }
        let mut said = false;
        for device in self.devices(store.owner()) {
            let last = store.last_told_ms(WAKEUP, device.id.clone()).await?;
            if last.is_some_and(|last| now_ms - last < LEAST_MS) {
                continue;
            }
            let Some(text) = self.sentence(&worth, now) else {
                continue;
            };
            let claimed = self
                .claim(store, &worth, WAKEUP, &device.id, &text, now_ms)
                .await?;
            let Some(text) = self.sentence(&claimed, now) else {
                continue;
            };
            let outcome = gateway.wake(&device.id, &text, now_ms).await;
            close(store, &claimed, WAKEUP, &device.id, outcome).await?;
            tracing::info!(owner = %store.owner(), device = device.name, ?outcome, alarms = claimed.len(), "woke a robot for alarms");
            if matches!(outcome, Outcome::Said | Outcome::Unsure) {
                said = true;
                let ids = claimed.iter().map(|row| row.id).collect();
                store.set_alarm_states(ids, AlarmState::Told).await?;
            }
        }
        Ok(said)
    }

    /// Whether the report is to be announced by now. A robot that was busy or away is tried again meanwhile.
    fn is_morning(&self, now_ms: i64) -> bool {
        let now = Moment::new(now_ms, &self.0.tools.zone).civil().time();
        let late = |at: Time| now.duration_since(at).as_millis();
        self.0
            .tools
            .broadcast_at
            .is_some_and(|at| (0..ANNOUNCED_MS).contains(&late(at)))
    }

    /// Wakes the owner's robots with yesterday's headline, once a day.
    async fn morning(&self, store: &Store, now_ms: i64) -> Result<bool, store::Error> {
        let tools = &self.0.tools;
        let (lang, now) = (tools.lang, Moment::new(now_ms, &tools.zone));
        let today = Day::of(now_ms, &tools.zone);
        let (Some(gateway), Some(report)) = (&tools.gateway, store.report(today.plus(-1)).await?)
        else {
            return Ok(false);
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
        let mut said = false;
        for device in self.devices(store.owner()) {
            if !store.quiet(device.id.clone(), today).await?.is_empty() {
                continue;
            }
            let (subject, id) = (format!("day:{}", report.date), device.id.clone());
            let line = line(WAKEUP, &id, &subject, now_ms, &text);
            if store.claim_told_line(line).await? {
                let outcome = gateway.wake(&id, &text, now_ms).await;
                store
                    .close_told_line(subject, WAKEUP, id.clone(), outcome)
                    .await?;
                if matches!(outcome, Outcome::Said | Outcome::Unsure) {
                    store.put_quiet(id, today, "offered".to_owned()).await?;
                    said = true;
                }
            }
        }
        Ok(said)
    }

    fn devices(&self, owner: &OwnerAlias) -> impl Iterator<Item = &Device> {
        let devices = &self.0.tools.devices;
        devices
            .iter()
            .filter(move |d| d.owner.as_ref().is_none_or(|o| o == owner))
    }

    fn sentence(&self, rows: &[AlarmRow], now: Moment) -> Option<String> {
        let lang = self.0.tools.lang;
        let (_, said) = lead_of(rows, &Ask::new(now, lang).detail(Detail::Brief))?;
        Some(match rows.len() {
            1 => said,
            n => lang.pick(
                format!("一共{n}条告警。{said}"),
                format!("{n} alarms. {said}"),
            ),
        })
    }

    /// The alarms for a screen.
    fn page(&self, rows: &[AlarmRow]) -> String {
        let lang = self.0.tools.lang;
        let mut page: Vec<String> = rows
            .iter()
            .take(MOST_WRITTEN)
            .map(|row| match analysis_of(row) {
                Some(analysis) => analysis.page(lang),
                None => format!("**{}**", voice::clean(&inbox::alarm_of(row).name, lang)),
            })
            .collect();
        if rows.len() > MOST_WRITTEN {
            let more = rows.len() - MOST_WRITTEN;
            page.push(lang.pick(
                format!("还有{more}条告警没有列出。"),
                format!("{more} more alarms are not listed."),
            ));
        }
        page.join("\n\n")
    }

    async fn claim(
        &self,
        store: &Store,
        rows: &[AlarmRow],
        way: &'static str,
        device: &str,
        text: &str,
        now_ms: i64,
    ) -> Result<Vec<AlarmRow>, store::Error> {
        let mut claimed = Vec::new();
        for row in rows {
            let line = line(way, device, &subject(row), now_ms, text);
            if store.claim_told_line(line).await? {
                claimed.push(row.clone());
            }
        }
        Ok(claimed)
    }
}

fn line(way: &str, device: &str, subject: &str, at_ms: i64, text: &str) -> ToldLine {
    ToldLine {
        way: way.to_owned(),
        device: device.to_owned(),
        subject: subject.to_owned(),
        at_ms,
        text: text.to_owned(),
    }
}

async fn close(
    store: &Store,
    rows: &[AlarmRow],
    way: &'static str,
    device: &str,
    outcome: Outcome,
) -> Result<(), store::Error> {
    for row in rows {
        store
            .close_told_line(subject(row), way, device.to_owned(), outcome)
            .await?;
    }
    Ok(())
}

fn subject(row: &AlarmRow) -> String {
    format!("alarm:{}", row.id)
}

fn analysis_of(row: &AlarmRow) -> Option<Analysis> {
    serde_json::from_value(row.analysis.clone()?).ok()
}

/// A wrong policy is worth waking somebody for once, not every day.
fn is_worth_waking(row: &AlarmRow) -> bool {
    analysis_of(row).is_none_or(|a| a.conclusion != Conclusion::Policy || a.past.is_empty())
}

/// The alarm to speak of, and what to say: what an incident explains before what nothing explains, then the gravest, then the newest.
pub(super) fn lead_of<'r>(rows: &'r [AlarmRow], ask: &Ask) -> Option<(&'r AlarmRow, String)> {
    let lead = rows.iter().max_by_key(|row| rank(row))?;
    let said = match analysis_of(lead) {
        Some(analysis) => analysis.spoken(ask),
        None => super::analyse::unseen(&inbox::alarm_of(lead), ask),
    };
    Some((lead, said))
}

fn rank(row: &AlarmRow) -> (u8, Severity, i64) {
    let explained = match analysis_of(row).map(|a| a.conclusion) {
        Some(Conclusion::Incident) => 3,
        Some(Conclusion::Signs) => 2,
        Some(Conclusion::Nothing | Conclusion::Unseen) | None => 1,
        Some(Conclusion::Policy) => 0,
    };
    (explained, inbox::alarm_of(row).severity(), row.what.last_ms)
}

/// Opens an owner's store.
pub type OpenStore =
    dyn Fn(OwnerAlias) -> BoxFuture<'static, Result<Store, store::Error>> + Send + Sync;

/// Tends owners when their bell rings, and all of them once a minute, until stopped. `owners`: who there is; `changed`: called for an
/// owner whose alarms changed.
pub async fn watch(
    teller: Teller,
    mut ear: Ear,
    open: Arc<OpenStore>,
    owners: impl Fn() -> Vec<OwnerAlias> + Send,
    now_ms: impl Fn() -> i64 + Send,
    changed: impl Fn(OwnerAlias) + Send,
    stop: CancellationToken,
) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let due: HashSet<OwnerAlias> = tokio::select! {
            () = stop.cancelled() => return,
            Some(owner) = ear.next() => HashSet::from([owner]),
            _ = tick.tick() => owners().into_iter().collect(),
        };
        for owner in due {
            let tended = match open(owner.clone()).await {
                Ok(store) if store.is_writer() => teller.tend(&store, now_ms()).await,
                // Another process writes this owner's data, and tells its alarms.
                Ok(_) => Ok(false),
                Err(error) => Err(error),
            };
            match tended {
                Ok(true) => changed(owner),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(owner = %owner, %error, "could not work on alarms; trying again in a minute");
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "teller_tests.rs"]
mod tests;
