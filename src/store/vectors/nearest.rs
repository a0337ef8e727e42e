//! The nearest texts to a question.
//!
//! In: a question's vector and a filter. Out: texts with the cosine of their angle to it, the nearest first. The signs of all vectors say
//! which ones may be near, and exact distances decide among these.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{bytes, embed_query, signs::Likeness};
use crate::store::{
    Error, Store,
    codec::to_json,
    search::{Allowed, Filter, Query, borrowed},
};

/// Texts that signs put forward before exact distances decide. Measured by `benches/search.rs`: of the ten nearest it finds .98 with so
/// many, .96 with a quarter of them.
const COARSE: usize = 1600;
/// Of a short list, one in so many, and at least [`FEWEST`].
const ONE_IN: usize = 8;
const FEWEST: usize = 400;

/// Cosine distance from which on two texts have nothing to do with each other: a word that nobody wrote finds nothing.
pub(in crate::store) const FAR: f64 = 0.8;

/// The nearest `k` texts among the allowed ones; none that is [`FAR`].
pub(in crate::store) fn nearest(
    c: &Connection,
    query: &[f32],
    k: usize,
    allowed: &Allowed<'_>,
) -> Result<Vec<(i64, f64)>, Error> {
    let dimension: Option<u32> = c
        .prepare_cached("SELECT dimension FROM embedder")?
        .query_row([], |r| r.get(0))
        .optional()?;
    if dimension != u32::try_from(query.len()).ok() || query.iter().all(|x| *x == 0.0) {
        return Ok(Vec::new());
    }
    let put_forward = put_forward(c, query, k, allowed)?;
    let mut measure = c.prepare_cached(
        "SELECT id, vec_distance_cosine(v, ?1) AS away FROM vectors WHERE id IN (SELECT value FROM json_each(?2)) ORDER BY away, id",
    )?;
    let rows = measure.query_map(params![bytes(query), to_json(&put_forward)?], |r| {
        Ok((r.get(0)?, r.get(1)?))
    })?;
    let near = rows.filter(|row| row.as_ref().map_or(true, |(_, away)| *away < FAR));
    near.take(k)
        .map(|row| {
            row.map(|(id, away): (i64, f64)| (id, 1.0 - away))
                .map_err(Error::from)
        })
        .collect()
}

/// The texts among which the nearest `k` are, as far as their signs tell.
fn put_forward(
    c: &Connection,
    query: &[f32],
    k: usize,
    allowed: &Allowed<'_>,
) -> Result<Vec<i64>, Error> {
    let mut all = Likeness::to(c, query)?;
    let limit = COARSE.max(k);
    match allowed {
        Allowed::All => Ok(all.best(limit)),
        Allowed::Few { texts, .. } => {
            let enough = (texts.len() / ONE_IN).clamp(FEWEST, COARSE).max(k);
            Ok(all.keep(|id| texts.contains(&id)).best(enough))
        }
        Allowed::Most(filter) => {
            let mut looked = 2 * limit;
            loop {
                let best = all.best(looked);
                let through = let_through(c, &best, limit, filter)?;
                if through.len() == limit || best.len() < looked {
                    return Ok(through);
                }
                looked *= 8;
            }
        }
    }
}

/// The first `limit` of `texts` that the filter lets through, in their order.
fn let_through(
    c: &Connection,
    texts: &[i64],
    limit: usize,
    filter: &Filter,
) -> Result<Vec<i64>, Error> {
    let (texts, limit) = (to_json(&texts)?, i64::try_from(limit).unwrap_or(i64::MAX));
    let named = filter.named(&[(":texts", &texts), (":limit", &limit)]);
    let mut find = c.prepare_cached(&format!(
        "SELECT value FROM json_each(:texts) WHERE {} LIMIT :limit",
        filter.on_text("value")
    ))?;
    let rows = find.query_map(borrowed(&named).as_slice(), |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Store {
    /// Share of the `k` nearest texts by exact distances that are found by way of the signs, over some questions: what `benches/search.rs`
    /// prints.
    pub async fn coarse_recall(&self, questions: Vec<Query>, k: usize) -> Result<f64, Error> {
        self.ask(move |c| {
            let (mut found, mut wanted) = (0_usize, 0_usize);
            for question in questions {
                let Some(vector) = embed_query(c, &question.text)? else {
                    continue;
                };
                let filter = Filter::of(&question)?;
                let allowed = Allowed::by(c, &filter)?;
                let near = nearest(c, &vector, k, &allowed)?;
                let (blob, k) = (bytes(&vector), i64::try_from(k).unwrap_or(i64::MAX));
                let named = allowed.named(&[(":query", &blob), (":far", &FAR), (":k", &k)]);
                let mut exact = c.prepare_cached(&format!(
                    "SELECT id FROM (SELECT id, vec_distance_cosine(v, :query) AS away FROM vectors WHERE {})
                     WHERE away < :far ORDER BY away, id LIMIT :k",
                    allowed.condition("id")
                ))?;
                let rows = exact.query_map(borrowed(&named).as_slice(), |r| r.get(0))?;
                for id in rows {
                    wanted += 1;
                    let id: i64 = id?;
                    found += usize::from(near.iter().any(|(near, _)| *near == id));
                }
            }
            Ok(found as f64 / wanted.max(1) as f64)
        })
        .await
    }
}
