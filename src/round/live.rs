//! Logs that are not in the bucket yet, asked of CLS: today's, the last minutes', the quarter hour around an alarm.
//!
//! In: a kind, a window, how much of it is wanted. Out: [`Logs`], whose records have the identities and the redaction that they will
//! have when they are shipped. Always true: what was cut is said with what there was; the topics of one process are never asked
//! more than `cls::MOST_QUERIES` things at once, however many [`Live`]s there are, since all share one [`Shared`]. Stores nothing.
//!
//! # How to use it
//! - `app.live(&owner)` gives the handle, or `None` for an owner without key, region or topics.
//! - A window of a kind: [`Live::search`]; of the [`Logs`], [`Logs::kept`] are the lines to look at and [`Logs::digest`] is what a day
//!   would count of them.
//! - What stands around a line: [`Live::beside`].
//! - A question about a day: `Round::lines` and `Round::fresh` add what is not shipped yet by themselves; `Round::around` does for an alarm.

mod logs;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::try_join_all;

use super::beside::Beside;
use crate::{
    intake::{
        cls::{Cls, Meta, Page, Query, Turns, beside::Place},
        discover::Shipper,
        shipping::{self, Shipped},
        tc3::{Api, Error},
    },
    model::{DayRange, LogKind, record::Kept, with_cluster},
};

pub use logs::{Cut, Logs};

/// Business lines that are read of a window; more of them say nothing more about it.
pub const MOST_BUSINESS: usize = 10_000;
/// Events and audit records are wanted whole; this many a cluster writes in an hour when much is wrong with it.
pub const MOST_OTHERS: usize = 20_000;
/// A window is read in parts side by side: each page of a part waits for the one before it.
const PARTS: i64 = 6;
/// A part shorter than this is not worth a query of its own.
const SHORTEST_PART_MS: i64 = 60_000;
/// CLS ships after at most 15 minutes; where nobody may ask how far it is, twice that is taken for not shipped.
const LATE_MS: i64 = 30 * 60_000;
/// What was collected late is shipped late: read a little twice rather than lose a line. Identities tell the same record.
const OVERLAP_MS: i64 = 5 * 60_000;
/// How far shipping has come is asked again after this long.
const FRESH_MS: i64 = 60_000;

/// What all [`Live`]s of a process share. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    turns: Turns,
    /// Up to when a topic is shipped, and when that was asked.
    shipped: Arc<Mutex<HashMap<String, (i64, i64)>>>,
    /// What a topic's shipping task writes beside a log.
    meta: Arc<Mutex<HashMap<String, Meta>>>,
}

/// One owner's topics. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Live {
    api: Api,
    cls: Cls,
    topics: Arc<BTreeMap<LogKind, Vec<String>>>,
    /// Whose a topic is, where an owner has several clusters.
    clusters: Arc<BTreeMap<String, String>>,
    shared: Shared,
}

/// How much of a window is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Whole,
    /// Of the audit log, the requests that may change something.
    Writes,
    /// The whole window when it is small enough; else its earliest lines, and all that hold these words.
    Words(Vec<String>),
    /// The whole window when it is small enough, else only what holds these words: for who looks for trouble, not for a sentence.
    Around(Vec<String>),
}

/// What to read: `from_ms <= t < to_ms`, Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    pub kind: LogKind,
    pub from_ms: i64,
    pub to_ms: i64,
    pub scope: Scope,
    pub most: usize,
}

impl Look {
    /// As much as is sensible to read of a kind.
    #[must_use]
    pub fn of(kind: LogKind, from_ms: i64, to_ms: i64, scope: Scope) -> Self {
        let most = match kind {
            LogKind::Business => MOST_BUSINESS,
            LogKind::Event | LogKind::Audit => MOST_OTHERS,
        };
        Self {
            kind,
            from_ms,
            to_ms,
            scope,
            most,
        }
    }
}

impl Live {
    /// `None` without a topic. A topic may say its cluster, as in `topic;cluster=cls-1a2b3c4d`.
    #[must_use]
    pub fn new(api: Api, topics: &BTreeMap<LogKind, Vec<String>>, shared: Shared) -> Option<Self> {
        let mut ids: BTreeMap<LogKind, Vec<String>> = BTreeMap::new();
        let mut clusters = BTreeMap::new();
        for (kind, topic) in topics
            .iter()
            .flat_map(|(k, t)| t.iter().map(move |t| (*k, t)))
        {
            let (topic, cluster) = with_cluster(topic);
            ids.entry(kind).or_default().push(topic.to_owned());
            clusters.extend(cluster.map(|c| (topic.to_owned(), c.to_owned())));
        }
        (!ids.is_empty()).then(|| Self {
            cls: Cls::new(api.clone(), shared.turns.clone()),
            api,
            topics: Arc::new(ids),
            clusters: Arc::new(clusters),
            shared,
        })
    }

    /// Whether a kind can be asked for at all.
    #[must_use]
    pub fn has(&self, kind: LogKind) -> bool {
        self.topics.get(&kind).is_some_and(|t| !t.is_empty())
    }

    /// The logs of a window, oldest first.
    pub async fn search(&self, look: &Look) -> Result<Logs, Error> {
        if let Scope::Around(words) = &look.scope
            && let Some(total) = self.count(look).await.filter(|n| *n > look.most as u64)
            && let Ok(mut held) = self.read(look, &quoted(words)).await
        {
            let read = held.len() as u64;
            let of = Some(total);
            held.cut = Some(Cut { read, of });
            return Ok(held);
        }
        let text = match look.scope {
            Scope::Whole | Scope::Words(_) | Scope::Around(_) => EVERYTHING,
            Scope::Writes => WRITES,
        };
        let mut logs = match self.read(look, text).await {
            // An index without the verb, or none: then everything is read.
            Err(Error::Service { .. }) if text != EVERYTHING => self.read(look, EVERYTHING).await?,
            other => other?,
        };
        if let (Some(cut), Scope::Words(words) | Scope::Around(words)) =
            (&mut logs.cut, &look.scope)
        {
            cut.of = self.count(look).await;
            let text = quoted(words);
            if !text.is_empty() {
                match self.read(look, &text).await {
                    Ok(held) => logs.add(held),
                    // A topic without a full-text index: then its earliest lines are what there is, and that is said.
                    Err(error) => tracing::debug!(%error, "words could not be asked for"),
                }
            }
        } else if let Some(cut) = &mut logs.cut {
            cut.of = self.count(look).await;
        }
        Ok(logs)
    }

    /// Up to `each` lines on each side of one in the file it was collected from; none of a line that is not of these topics.
    pub async fn beside(&self, line: &Kept, each: usize) -> Result<Beside, Error> {
        let kind = line.kind();
        let is_ours = |place: &Place| {
            self.topics
                .get(&kind)
                .is_some_and(|t| t.contains(&place.topic))
        };
        let Some(place) = Place::of(&line.origin).filter(is_ours) else {
            return Ok(Beside::default());
        };
        let meta = self.meta(&place.topic).await;
        let found = self.cls.beside(&place, each, &meta).await?;
        let kept = |found: Vec<_>| {
            let page = Page { found, cut: false };
            let most = page.found.len();
            let mut kept = Logs::new(kind, vec![page], most).kept();
            kept.retain(|k| k.id != line.id);
            kept
        };
        Ok(Beside {
            before: kept(found.before),
            after: kept(found.after),
        })
    }

    /// The first instant that may not lie in the bucket yet; `now_ms` when a kind cannot be asked for.
    pub async fn unshipped_from(&self, kind: LogKind, now_ms: i64) -> i64 {
        let mut from_ms = now_ms;
        for topic in self.topics.get(&kind).into_iter().flatten() {
            from_ms = from_ms.min(self.topic_unshipped_from(topic, now_ms).await);
        }
        from_ms
    }

    async fn topic_unshipped_from(&self, topic: &str, now_ms: i64) -> i64 {
        let known = self.lock().get(topic).copied();
        if let Some((from_ms, asked_ms)) = known
            && (asked_ms..asked_ms + FRESH_MS).contains(&now_ms)
        {
            return from_ms;
        }
        let from_ms = match shipping::until(&self.api, topic, now_ms).await {
            Ok(Some(until_ms)) => until_ms - OVERLAP_MS,
            // Nothing of it will ever lie in the bucket.
            Ok(None) => i64::MIN,
            Err(error) => {
                tracing::debug!(%error, "how far shipping is cannot be asked");
                now_ms - LATE_MS
            }
        };
        self.lock().insert(topic.to_owned(), (from_ms, now_ms));
        from_ms
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (i64, i64)>> {
        let shipped = &self.shared.shipped;
        shipped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether each shipping task of a kind has written all of a day.
    pub async fn shipped(
        &self,
        kind: LogKind,
        day: &DayRange,
    ) -> Result<Vec<(String, Shipped)>, Error> {
        let topics = self.topics.get(&kind).map_or(&[][..], Vec::as_slice);
        let mut told = Vec::new();
        for shipper in shipping::of_topics(&self.api, topics).await? {
            let shipped = shipping::of_day(&self.api, &shipper.shipper_id, day).await?;
            told.push((shipper.shipper_id, shipped));
        }
        Ok(told)
    }

    /// Every topic of the kind, each window in parts.
    async fn read(&self, look: &Look, text: &str) -> Result<Logs, Error> {
        let mut queries = Vec::new();
        for topic in self.topics.get(&look.kind).into_iter().flatten() {
            let meta = self.meta(topic).await;
            queries.extend(
                parts(look.from_ms, look.to_ms).map(|(from_ms, to_ms)| Query {
                    topic: topic.clone(),
                    from_ms,
                    to_ms,
                    text: text.to_owned(),
                    limit: look.most,
                    meta: meta.clone(),
                }),
            );
        }
        let pages = try_join_all(queries.iter().map(|query| self.cls.search(query))).await?;
        Ok(Logs::new(look.kind, pages, look.most).of_clusters(self.clusters.clone()))
    }

    /// What lies in the bucket beside a log of this topic; where nobody may ask, all that may.
    async fn meta(&self, topic: &String) -> Meta {
        let shared = &self.shared.meta;
        let known = || shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(meta) = known().get(topic) {
            return meta.clone();
        }
        let asked = shipping::of_topics(&self.api, std::slice::from_ref(topic)).await;
        let Ok(shippers) = asked else {
            return Meta::default();
        };
        let meta = shippers.first().map_or_else(Meta::default, Shipper::meta);
        known().insert(topic.clone(), meta.clone());
        meta
    }

    /// How many lines the window has; `None` when that cannot be asked.
    async fn count(&self, look: &Look) -> Option<u64> {
        let mut total = 0;
        for topic in self.topics.get(&look.kind).into_iter().flatten() {
            let query = Query {
                topic: topic.clone(),
                from_ms: look.from_ms,
                to_ms: look.to_ms,
                text: EVERYTHING.to_owned(),
                limit: 0,
                meta: Meta::default(),
            };
            let bars = self.cls.histogram(&query, SHORTEST_PART_MS).await.ok()?;
            total += bars.iter().map(|bar| bar.1).sum::<u64>();
        }
        Some(total)
    }
}

const EVERYTHING: &str = "*";
/// Requests that may change something; what they changed is found out from the record.
const WRITES: &str =
    "verb:create OR verb:update OR verb:patch OR verb:delete OR verb:deletecollection";

/// Words as CQL: each a phrase, all of them; of `a|b` one is enough. Signs that CQL reads as its own are left out.
fn quoted(words: &[String]) -> String {
    let phrase = |word: &str| {
        let plain: String = word
            .chars()
            .map(|c| {
                if matches!(c, '"' | '\\' | '*' | '?') || c.is_control() {
                    ' '
                } else {
                    c
                }
            })
            .collect();
        let plain = plain.trim();
        (!plain.is_empty()).then(|| format!("\"{plain}\""))
    };
    let any_of = |group: &String| {
        let phrases: Vec<String> = group.split('|').filter_map(phrase).collect();
        match &phrases[..] {
            [] => None,
            [one] => Some(one.clone()),
            many => Some(format!("({})", many.join(" OR "))),
        }
    };
    let groups: Vec<String> = words.iter().filter_map(any_of).collect();
    groups.join(" AND ")
}

/// A window in parts of equal length.
fn parts(from_ms: i64, to_ms: i64) -> impl Iterator<Item = (i64, i64)> {
    let whole = (to_ms - from_ms).max(0);
    let n = (whole / SHORTEST_PART_MS).clamp(1, PARTS);
    (0..n).map(move |i| (from_ms + whole * i / n, from_ms + whole * (i + 1) / n))
}

#[cfg(test)]
mod tests;
