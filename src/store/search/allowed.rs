//! Which texts a question may find at all.
//!
//! In: the filters of a question. Out: a condition on the ids of texts that both sides of a search ask. A narrow filter is answered once,
//! by a list; of a wide one the list would be nearly everything, and each text that either side considers is looked at instead.

use rusqlite::{Connection, ToSql};
use rustc_hash::FxHashSet;

use super::filter::{Filter, borrowed};
use crate::store::{Error, codec::to_json};

/// Texts that are looked at to tell a wide filter from a narrow one.
const SAMPLE: i64 = 64;

pub(in crate::store) enum Allowed<'f> {
    All,
    /// Most texts, about.
    Most(&'f Filter),
    Few {
        texts: FxHashSet<i64>,
        json: String,
    },
}

impl<'f> Allowed<'f> {
    pub(in crate::store) fn by(c: &Connection, filter: &'f Filter) -> Result<Self, Error> {
        if filter.is_empty() {
            return Ok(Self::All);
        }
        if lets_most_through(c, filter)? {
            return Ok(Self::Most(filter));
        }
        let mut find =
            c.prepare_cached(&format!("SELECT text FROM docs WHERE {}", filter.condition))?;
        let named = filter.named(&[]);
        let rows = find.query_map(borrowed(&named).as_slice(), |r| r.get(0))?;
        let texts: FxHashSet<i64> = rows.collect::<Result<_, _>>()?;
        let json = to_json(&texts)?;
        Ok(Self::Few { texts, json })
    }

    /// The condition that the text named by `id` is allowed. Its values are those of [`Self::named`].
    pub(in crate::store) fn condition(&self, id: &str) -> String {
        match self {
            Self::All => "1".to_owned(),
            Self::Most(filter) => filter.on_text(id),
            // The plus keeps SQLite from asking the other side of the statement once for each that is allowed.
            Self::Few { .. } => format!("+{id} IN (SELECT value FROM json_each(:allowed))"),
        }
    }

    pub(in crate::store) fn named<'a>(
        &'a self,
        more: &[(&'a str, &'a dyn ToSql)],
    ) -> Vec<(String, &'a dyn ToSql)> {
        let mut named: Vec<(String, &dyn ToSql)> = match self {
            Self::All => Vec::new(),
            Self::Most(filter) => filter.named(&[]),
            Self::Few { json, .. } => vec![(":allowed".to_owned(), json)],
        };
        named.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), *value)),
        );
        named
    }
}

/// Whether at least half of some texts, taken from all over the table, are let through.
fn lets_most_through(c: &Connection, filter: &Filter) -> Result<bool, Error> {
    let last: i64 = c
        .prepare_cached("SELECT coalesce(max(id), 0) FROM texts")?
        .query_row([], |r| r.get(0))?;
    let spread: Vec<i64> = (1..=SAMPLE)
        .map(|n| (last * n).div_euclid(SAMPLE))
        .collect();
    let spread = to_json(&spread)?;
    let named = filter.named(&[(":spread", &spread)]);
    let mut find = c.prepare_cached(&format!(
        "SELECT count(*) <= 2 * total(passes) FROM (SELECT {} AS passes FROM json_each(:spread))",
        filter.on_text("value")
    ))?;
    Ok(find.query_row(borrowed(&named).as_slice(), |r| r.get(0))?)
}
