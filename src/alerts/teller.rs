//! Works on what has arrived: analyses every new alarm, and tells it in the chat and through the robot.
//!
//! In: an owner whose [`Bell`](super::Bell) rang. Out: analyses in the store, messages, woken robots. Always true: what is to be said is noted before it is said, so a killed process says nothing twice and leaves nothing unanalysed; what was
//! told one way is still told the other: a robot that spoke is no reason to leave the chat without its message; a storm is one message; a robot is woken at most every [`LEAST_MS`], outside of quiet hours, and never by a recovery.

use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::{civil::Time, tz::TimeZone};

use super::{
    Alarm, Conclusion, Look, analyse,
    inbox::{self, analysis_of},
    notify::{Chats, Gateway, QuietHours},
};
use crate::{
    diagnosis::faults::Catalogue,
    model::{Lang, Moment, OwnerAlias, Severity},
    round::around::ReadAround,
    store::{self, AlarmRow, Outcome, Store, ToldLine},
    voice::{self, Ask, Detail},
};

/// Between two wake-ups of a robot; what comes meanwhile is told together.
pub const LEAST_MS: i64 = 5 * 60 * 1000;
/// Alarms analysed in one go; in a storm the gravest come first and the rest a minute later, or when they are asked for.
const AT_ONCE: usize = 20;
/// Messages to the chat in a minute; in a storm the rest waits and is written together. WeCom takes twenty of all its senders.
const CHATS_A_MINUTE: u32 = 3;
/// Alarms written out in one chat message.
const MOST_WRITTEN: usize = 5;
/// An analysis is told within a minute of its alarm; logs that take longer than this are looked at when it is asked for.
pub const LOGS_WAIT: Duration = Duration::from_secs(40);
/// Tells the time in Unix milliseconds.
pub type Now<'a> = &'a (dyn Fn() -> i64 + Send + Sync);

pub(super) const WAKEUP: &str = "wakeup";
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

impl Device {
    /// The MAC address as a robot names itself when it wakes: `aa:bb:cc:00:11:22`.
    #[must_use]
    pub fn mac(&self) -> String {
        let own = self.id.split("@@@").nth(1).unwrap_or(&self.id);
        own.to_lowercase().replace(['_', '-'], ":")
    }
}

/// With what, and when.
#[derive(Clone)]
pub struct Tools {
    /// Reads the logs around an alarm; without it, what is stored must do.
    pub logs: Option<Arc<ReadAround>>,
    pub chats: Chats,
    pub gateway: Option<Gateway>,
    pub devices: Vec<Device>,
    pub quiet: Option<QuietHours>,
    /// When robots announce the day's report.
    pub broadcast_at: Option<Time>,
    pub zone: TimeZone,
    pub lang: Lang,
}

impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tools")
            .field("devices", &self.devices)
            .field("quiet", &self.quiet)
            .field("broadcast_at", &self.broadcast_at)
            .finish_non_exhaustive()
    }
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
    pub(super) fn tools(&self) -> &Tools {
        &self.0.tools
    }

    #[must_use]
    pub fn new(tools: Tools, catalogue: Arc<Catalogue>) -> Self {
        Self(Arc::new(Inner { tools, catalogue }))
    }

    /// Does for one owner all that is due. True when something changed that a subscriber may want to read.
    pub async fn tend(&self, store: &Store, now: Now<'_>) -> Result<bool, store::Error> {
        let began_ms = now();
        self.morning(store, began_ms).await?;
        // What comes while the logs are read is for the next time, when it is analysed, too.
        let (unwritten, unread) = due(store, began_ms).await?;
        let known: HashSet<i64> = unwritten.iter().chain(&unread).map(|row| row.id).collect();
        let analysed = self.analyse(store, began_ms - inbox::NEWS_MS).await?;
        // Reading takes its time: what has ended or was heard meanwhile is not told.
        let (mut unwritten, mut unread) = due(store, now()).await?;
        for rows in [&mut unwritten, &mut unread] {
            rows.retain(|row| known.contains(&row.id));
        }
        let wrote = self.write(store, &unwritten, now()).await?;
        let woke = self.wake(store, unread, now()).await?;
        Ok(analysed || wrote || woke)
    }

    /// Analyses what was not, the gravest first, whether somebody was told of it or not. False when there was nothing.
    async fn analyse(&self, store: &Store, since_ms: i64) -> Result<bool, store::Error> {
        let tools = &self.0.tools;
        let mut new = store
            .alarms_unanalysed(since_ms, inbox::MOST_UNREAD)
            .await?;
        new.sort_by_key(|row| {
            (
                std::cmp::Reverse(inbox::alarm_of(row).severity()),
                std::cmp::Reverse(row.what.last_ms),
            )
        });
        new.truncate(AT_ONCE);
        if new.is_empty() {
            return Ok(false);
        }
        let alarms: Vec<Alarm> = new.iter().map(inbox::alarm_of).collect();
        let look = Look {
            read: tools.logs.clone(),
            patience: LOGS_WAIT,
            zone: tools.zone.clone(),
            lang: tools.lang,
        };
        let looked = look.at_all(store, &alarms).await?;
        for ((row, alarm), looked) in new.iter().zip(&alarms).zip(looked) {
            let analysis = analyse(alarm, &looked.around, &self.0.catalogue, tools.lang);
            let value = serde_json::to_value(&analysis).unwrap_or_default();
            store.put_analysis(row.id, value).await?;
        }
        Ok(true)
    }

    /// One chat message for all alarms that none was written about.
    async fn write(
        &self,
        store: &Store,
        unwritten: &[AlarmRow],
        now_ms: i64,
    ) -> Result<bool, store::Error> {
        let (owner, chats) = (store.owner(), &self.0.tools.chats);
        if !chats.reaches(owner) {
            return Ok(false);
        }
        if store.times_told(CHAT, now_ms - 60_000).await? >= CHATS_A_MINUTE {
            return Ok(false);
        }
        let claimed = self.claim(store, unwritten, CHAT, "", "", now_ms).await?;
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
        mut worth: Vec<AlarmRow>,
        now_ms: i64,
    ) -> Result<bool, store::Error> {
        let tools = &self.0.tools;
        let Some(gateway) = &tools.gateway else {
            return Ok(false);
        };
        let now = Moment::new(now_ms, &tools.zone);
        worth.retain(is_worth_waking);
        // The first one noted is the one spoken of: "详细说说" means it.
        worth.sort_by_key(|row| std::cmp::Reverse(rank(row)));
        if worth.is_empty() || tools.quiet.is_some_and(|hours| hours.contains(now)) {
            return Ok(false);
        }
        let mut heard = Vec::new();
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
                heard.extend(claimed.iter().map(|row| row.id));
            }
        }
        let said = !heard.is_empty();
        // Not before every robot was woken: a claim is for what nobody has heard of.
        store.mark_told(heard).await?;
        Ok(said)
    }

    pub(super) fn devices(&self, owner: &OwnerAlias) -> impl Iterator<Item = &Device> {
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
            if store.claim_alarm_line(line, row.id, way == CHAT).await? {
                claimed.push(row.clone());
            }
        }
        Ok(claimed)
    }
}

pub(super) fn line(way: &str, device: &str, subject: &str, at_ms: i64, text: &str) -> ToldLine {
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

/// What is to be written and what nobody was told of.
async fn due(store: &Store, now_ms: i64) -> Result<(Vec<AlarmRow>, Vec<AlarmRow>), store::Error> {
    let since_ms = now_ms - inbox::NEWS_MS;
    let unwritten = store.alarms_untold(CHAT, since_ms, inbox::MOST_UNREAD);
    let unwritten = alive(unwritten.await?);
    Ok((unwritten, alive(inbox::unread(store, now_ms).await?)))
}

/// What is over is told when it is asked for.
fn alive(mut rows: Vec<AlarmRow>) -> Vec<AlarmRow> {
    rows.retain(|row| row.what.recovered_ms.is_none());
    rows
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
        Some(Conclusion::Signs | Conclusion::Change) => 2,
        Some(Conclusion::Nothing | Conclusion::Unseen) | None => 1,
        Some(Conclusion::Policy) => 0,
    };
    (explained, inbox::alarm_of(row).severity(), row.what.last_ms)
}

#[cfg(test)]
#[path = "teller_tests.rs"]
mod tests;
