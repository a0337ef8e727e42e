//! Makes hits of documents and of kept lines.
//!
//! In: texts with scores, or lines. Out: [`Hit`]s. Of each sort a text's newest day speaks for the others; a line that several namespaces
//! wrote on that day is a hit in each of them.

use rusqlite::{Connection, Row};
use rustc_hash::FxHashMap;

use super::{
    Hit, Query,
    filter::{Filter, borrowed},
};
use crate::{
    model::{Day, Moment, record::Kept},
    store::{
        Error, What,
        codec::{from_name, to_json},
    },
};

const DOC: &str =
    "ref, kind, what, count, first_ms, last_ms, day, namespace, object, docs.text AS text_id";

/// The documents that have one of these texts and pass the filter, with the scores of the texts.
pub(super) fn with_texts(
    c: &Connection,
    query: &Query,
    filter: &Filter,
    scores: &[(i64, f64)],
) -> Result<Vec<Hit>, Error> {
    let ids = to_json(&scores.iter().map(|(id, _)| id).collect::<Vec<_>>())?;
    let named = filter.named(&[(":texts", &ids)]);
    let scores: FxHashMap<i64, f64> = scores.iter().copied().collect();
    let mut find = c.prepare_cached(&format!(
        "SELECT {DOC} FROM docs INDEXED BY docs_by_text WHERE docs.text IN (SELECT value FROM json_each(:texts)) {}
         ORDER BY docs.text, what, day DESC, id",
        filter.with_and()
    ))?;
    let mut rows = find.query(borrowed(&named).as_slice())?;
    let mut newest = (0, String::new(), String::new());
    let mut hits = Vec::new();
    while let Some(row) = rows.next()? {
        let text: i64 = row.get("text_id")?;
        let [what, day] = ["what", "day"].map(|name| row.get_ref(name));
        let (what, day) = (as_str(what?)?, as_str(day?)?);
        if (newest.0, &*newest.1) != (text, what) {
            newest = (text, what.to_owned(), day.to_owned());
        }
        if newest.2 == day {
            let score = scores.get(&text).copied().unwrap_or_default();
            hits.push(read(c, row, query, score)?);
        }
    }
    Ok(hits)
}

/// What the filter lets through, the newest day first and on it the most severe.
pub(super) fn listed(c: &Connection, query: &Query, filter: &Filter) -> Result<Vec<Hit>, Error> {
    let limit = i64::try_from(query.candidates()).unwrap_or(i64::MAX);
    let named = filter.named(&[(":limit", &limit)]);
    let mut find = c.prepare_cached(&format!(
        "SELECT {DOC} FROM docs WHERE 1 {} ORDER BY day DESC, severity DESC, count DESC, id LIMIT :limit",
        filter.with_and()
    ))?;
    let mut rows = find.query(borrowed(&named).as_slice())?;
    let mut hits = Vec::new();
    while let Some(row) = rows.next()? {
        let rank = hits.len() as f64;
        hits.push(read(c, row, query, 1.0 / (rank + 1.0))?);
    }
    Ok(hits)
}

fn read(c: &Connection, row: &Row<'_>, query: &Query, score: f64) -> Result<Hit, Error> {
    let mut text = c.prepare_cached("SELECT text FROM texts WHERE id = ?1")?;
    let text_id: i64 = row.get("text_id")?;
    Ok(Hit {
        id: row.get("ref")?,
        kind: from_name(as_str(row.get_ref("kind")?)?)?,
        what: from_name(as_str(row.get_ref("what")?)?)?,
        score,
        text: text.query_row([text_id], |r| r.get(0))?,
        count: row.get::<_, i64>("count")?.cast_unsigned(),
        first_seen: Moment::new(row.get("first_ms")?, &query.zone),
        last_seen: Moment::new(row.get("last_ms")?, &query.zone),
        date: from_name(as_str(row.get_ref("day")?)?)?,
        namespace: row.get("namespace")?,
        object: row.get("object")?,
        evidence: None,
    })
}

fn as_str(value: rusqlite::types::ValueRef<'_>) -> Result<&str, Error> {
    Ok(value.as_str().map_err(rusqlite::Error::from)?)
}

pub(super) fn of_record(query: &Query, day: Day, kept: Kept, score: f64) -> Hit {
    let at = Moment::new(kept.ts_ms, &query.zone);
    Hit {
        id: kept.id.to_string(),
        kind: kept.kind(),
        what: What::Record,
        score,
        text: kept.text,
        count: 1,
        first_seen: at,
        last_seen: at,
        date: day,
        namespace: kept.namespace,
        object: kept.object,
        evidence: Some(kept.id),
    }
}
