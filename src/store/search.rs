//! Finding by words and by likeness at once.
//!
//! In: a question with filters. Out: hits, best first, in the shape of `gengfu search --json`. Full text and vectors each give
//! their best candidates among the documents that the filters allow, and [`fuse`] joins the two. Kept lines of the day join by full
//! text alone.

mod allowed;
mod filter;
mod fuse;
mod hits;
mod lines;
mod literal;
mod nearest;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use rusqlite::Connection;
use serde::Serialize;

use super::{Error, Store, What, baseline, vectors};
use crate::model::{Day, EvidenceId, LogKind, Moment, Severity, record::Kept};
use allowed::Allowed;
use filter::Filter;
use words::by_words;

/// Candidates of each side, unless more are asked for.
const CANDIDATES: usize = 100;

/// A question with filters; all of them must hold.
#[derive(Debug, Clone)]
pub struct Query {
    /// Empty: everything the filters allow, most severe first.
    pub text: String,
    /// Empty: everything but records.
    pub what: Vec<What>,
    pub kind: Option<LogKind>,
    /// First and last day; records are searched on the last one.
    pub days: Option<(Day, Day)>,
    /// Documents that occurred in `from_ms <= t < to_ms`.
    pub time: Option<(i64, i64)>,
    pub namespace: Option<String>,
    /// Name of the object, or a part of it.
    pub object: Option<String>,
    /// At least this severe.
    pub severity: Option<Severity>,
    /// Vector of `text` by the external embedder, when one is in use.
    pub vector: Option<Vec<f32>>,
    /// Only documents whose text stands in the vector table.
    pub embedded: bool,
    pub limit: usize,
    /// How times are written.
    pub zone: TimeZone,
}

impl Query {
    /// A question without filters, ten hits.
    #[must_use]
    pub fn new(text: impl Into<String>, zone: TimeZone) -> Self {
        Self {
            text: text.into(),
            what: Vec::new(),
            kind: None,
            days: None,
            time: None,
            namespace: None,
            object: None,
            severity: None,
            vector: None,
            embedded: false,
            limit: 10,
            zone,
        }
    }

    /// How many each side gives: whoever leafs on finds what one side alone found late.
    fn candidates(&self) -> usize {
        self.limit.max(CANDIDATES)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Hits {
    pub hits: Vec<Hit>,
    /// Candidates before the limit was applied.
    pub total: usize,
    /// A side brought as many candidates as it may: how many there are nobody counted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    pub id: String,
    pub kind: LogKind,
    pub what: What,
    /// From 1 (the best of both sides) down; comparable within one answer only.
    pub score: f64,
    pub text: String,
    pub count: u64,
    pub first_seen: Moment,
    pub last_seen: Moment,
    pub date: Day,
    pub namespace: String,
    pub object: String,
    /// A kept line that shows it; `None` where there is none, or none any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceId>,
}

/// Which sides take part; an answer uses both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sides {
    Words,
    Vectors,
    Both,
}

impl Store {
    /// What answers a question, best first.
    pub async fn search(&self, query: Query) -> Result<Hits, Error> {
        let wants_records = query.what.contains(&What::Record);
        let day = match query.days {
            Some((_, last)) => Some(last),
            None => self.stored_days()?.pop(),
        };
        let records = match day.filter(|_| wants_records) {
            Some(day) => {
                let query = query.clone();
                let found = self
                    .ask_day(day, move |c| lines::by_words(c, &query))
                    .await?
                    .unwrap_or_default();
                let ranked = found.into_iter();
                ranked.map(|(kept, score)| (day, kept, score)).collect()
            }
            None => Vec::new(),
        };
        let mut found = self
            .ask(move |c| search(c, &query, Sides::Both, records))
            .await?;
        self.forget_lines_that_are_gone(&mut found.hits).await?;
        Ok(found)
    }

    async fn forget_lines_that_are_gone(&self, hits: &mut [Hit]) -> Result<(), Error> {
        let mut named: BTreeMap<Day, Vec<EvidenceId>> = BTreeMap::new();
        for hit in hits.iter() {
            if let Some(id) = hit.evidence {
                named.entry(hit.date).or_default().push(id);
            }
        }
        for (day, ids) in named {
            let kept: BTreeSet<EvidenceId> =
                self.kept(day, ids).await?.iter().map(|k| k.id).collect();
            for hit in hits.iter_mut().filter(|h| h.date == day) {
                hit.evidence = hit.evidence.filter(|id| kept.contains(id));
            }
        }
        Ok(())
    }
}

pub(super) fn search(
    c: &Connection,
    query: &Query,
    sides: Sides,
    records: Vec<(Day, Kept, f64)>,
) -> Result<Hits, Error> {
    let filter = Filter::of(query)?;
    let cut;
    let mut hits = if query.text.trim().is_empty() {
        let listed = hits::listed(c, query, &filter)?;
        cut = listed.len() >= query.candidates();
        listed
    } else {
        let allowed = Allowed::by(c, &filter)?;
        let words = if sides == Sides::Vectors {
            Vec::new()
        } else {
            by_words(c, query, &allowed)?
        };
        let vectors = if sides == Sides::Words {
            Vec::new()
        } else {
            by_vector(c, query, &allowed)?
        };
        cut = words.len().max(vectors.len()) >= query.candidates();
        let mut hits = hits::with_texts(c, query, &filter, &fuse::fuse(&words, &vectors))?;
        prefer_recent_incidents(&mut hits);
        hits
    };
    for (day, kept, score) in records {
        hits.push(hits::of_record(query, day, kept, score));
    }
    literal::prefer(&query.text, &mut hits);
    hits.sort_by(|a, b| {
        (b.score.total_cmp(&a.score))
            .then(b.date.cmp(&a.date))
            .then(a.what.cmp(&b.what))
            .then(a.id.cmp(&b.id))
    });
    let total = hits.len();
    hits.truncate(query.limit);
    for hit in &mut hits {
        hit.evidence = match hit.what {
            What::Template => baseline::line_of_template(c, hit)?,
            What::Change | What::Record => hit.id.parse().ok(),
            What::Finding | What::Incident => None,
        };
    }
    Ok(Hits { hits, total, cut })
}

/// Incidents that fit nearly as well as the best one: this share of its score.
const NEARLY: f64 = 0.8;

/// "Was it like this the last time?" asks for the last time: of incidents that fit nearly alike the newest goes first. One that fits
/// clearly better does however old it is, and none falls behind those that fit worse.
fn prefer_recent_incidents(hits: &mut [Hit]) {
    let incidents = hits.iter().filter(|h| h.what == What::Incident);
    let enough = NEARLY * incidents.map(|h| h.score).fold(0.0, f64::max);
    let near = |h: &Hit| h.what == What::Incident && h.score >= enough;
    let alike = hits.iter().filter(|h| near(h));
    let Some(newest) = alike.map(|h| h.date.date()).max() else {
        return;
    };
    for hit in hits.iter_mut().filter(|h| near(h)) {
        let recency = fuse::recency((newest - hit.date.date()).get_days());
        hit.score = (hit.score * recency).max(enough);
    }
}

fn by_vector(
    c: &Connection,
    query: &Query,
    allowed: &Allowed<'_>,
) -> Result<Vec<(i64, f64)>, Error> {
    let vector = match &query.vector {
        Some(v) => Some(v.clone()),
        None => vectors::embed_query(c, &query.text)?,
    };
    let Some(vector) = vector else {
        return Ok(Vec::new());
    };
    nearest::nearest(c, &vector, query.candidates(), allowed)
}

#[cfg(test)]
mod filter_tests;
#[cfg(test)]
mod tests;
