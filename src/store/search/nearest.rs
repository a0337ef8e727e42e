//! The side of a search that goes by likeness: the nearest texts to a question.
//!
//! In: a question's vector, and which texts are allowed. Out: texts with the cosine of their angle to it, the nearest first. The signs of
//! all vectors say which ones may be near, and exact distances decide among these.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    Query,
    allowed::Allowed,
    filter::{Filter, borrowed},
};
use crate::store::{
    Error, Store,
    codec::to_json,
    vectors::{self, Likeness, bytes},
};

/// Texts that signs put forward before exact distances decide. Measured by `benches/search.rs`: of the ten nearest it finds .98 with so
/// many, .96 with a quarter of them.
const COARSE: usize = 1600;
/// The least of them, of few texts.
const FEWEST: usize = 400;
/// Of a list that a narrow filter left, one in so many.
const ONE_IN: usize = 12;

/// Cosine distance from which on two texts have nothing to do with each other: a word that nobody wrote finds nothing.
pub(super) const FAR: f64 = 0.8;

/// The nearest `k` texts among the allowed ones; none that is [`FAR`], and none whose vector points nowhere.
pub(super) fn nearest(
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
    let texts = to_json(&put_forward(c, query, k, allowed)?)?;
    let mut measure = c.prepare_cached(
        "WITH near AS MATERIALIZED (
           SELECT id, vec_distance_cosine(v, ?1) AS away FROM vectors WHERE id IN (SELECT value FROM json_each(?2)))
         SELECT id, 1.0 - away FROM near WHERE away < ?3 ORDER BY away, id LIMIT ?4",
    )?;
    let k = i64::try_from(k).unwrap_or(i64::MAX);
    let rows = measure.query_map(params![bytes(query), texts, FAR, k], |r| {
        Ok((r.get(0)?, r.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The texts among which the nearest `k` are, as far as their signs tell.
fn put_forward(
    c: &Connection,
    query: &[f32],
    k: usize,
    allowed: &Allowed<'_>,
) -> Result<Vec<i64>, Error> {
    let mut all = Likeness::to(c, query)?;
    let (filter, share) = match allowed {
        Allowed::All => return Ok(all.best(COARSE.max(k))),
        Allowed::Few { texts, .. } => {
            let enough = (texts.len() / ONE_IN).clamp(FEWEST, COARSE).max(k);
            return Ok(all.keep(|id| texts.contains(&id)).best(enough));
        }
        Allowed::Many(filter, share) => (*filter, *share),
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a small number, and a few times it"
    )]
    let part = |of: usize, share: f64| (of as f64 * share) as usize;
    // Fewer texts have fewer near ones, though not in proportion. A few more are looked at than should be needed to find so many that pass.
    let enough = part(COARSE, share.sqrt()).max(FEWEST).max(k);
    let mut looked = part(enough, 1.1 / share);
    loop {
        let best = all.best(looked);
        let through = let_through(c, &best, enough, filter)?;
        if through.len() == enough || best.len() < looked {
            return Ok(through);
        }
        looked *= 4;
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
        "SELECT one.value FROM json_each(:texts) AS one WHERE {} ORDER BY one.key LIMIT :limit",
        filter.on_text("one.value")
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
                let Some(vector) = vectors::embed_query(c, &question.text)? else {
                    continue;
                };
                let filter = Filter::of(&question)?;
                let near = nearest(c, &vector, k, &Allowed::by(c, &filter)?)?;
                for id in exactly_nearest(c, &vector, k, &filter)? {
                    wanted += 1;
                    found += usize::from(near.iter().any(|(near, _)| *near == id));
                }
            }
            Ok(found as f64 / wanted.max(1) as f64)
        })
        .await
    }
}

/// What [`nearest`] would find if it measured every vector.
fn exactly_nearest(
    c: &Connection,
    query: &[f32],
    k: usize,
    filter: &Filter,
) -> Result<Vec<i64>, Error> {
    let (blob, k) = (bytes(query), i64::try_from(k).unwrap_or(i64::MAX));
    let named = filter.named(&[(":query", &blob), (":far", &FAR), (":k", &k)]);
    let mut exact = c.prepare_cached(&format!(
        "WITH near AS MATERIALIZED (
           SELECT id, vec_distance_cosine(v, :query) AS away FROM vectors
           WHERE id IN (SELECT docs.text FROM docs WHERE 1 {}))
         SELECT id FROM near WHERE away < :far ORDER BY away, id LIMIT :k",
        filter.with_and()
    ))?;
    let rows = exact.query_map(borrowed(&named).as_slice(), |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
