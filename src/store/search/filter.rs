//! The filters of a question as SQL.
//!
//! In: a [`Query`]. Out: a condition on `docs` with its values. Always true: what was typed is a value and never part of the statement.

use rusqlite::ToSql;

use super::Query;
use crate::store::{Error, What, codec::name};

/// The filters as a condition on `docs`, with its values as `:f0`, `:f1`, ...
#[derive(Default)]
pub(super) struct Filter {
    pub(super) condition: String,
    pub(super) values: Vec<Box<dyn ToSql>>,
}

impl Filter {
    pub(super) fn of(query: &Query) -> Result<Self, Error> {
        let mut filter = Self::default();
        if let Some(kind) = query.kind {
            filter.and("kind = ?", kind.as_str());
        }
        if let Some((first, last)) = query.days {
            filter.and("day >= ?", first.to_string());
            filter.and("day <= ?", last.to_string());
        }
        if let Some((from, to)) = query.time {
            filter.and("last_ms >= ?", from);
            filter.and("first_ms < ?", to);
        }
        if let Some(namespace) = &query.namespace {
            filter.and("namespace = ?", namespace.clone());
        }
        if let Some(object) = &query.object {
            filter.and("instr(object, ?) > 0", object.clone());
        }
        if query.embedded {
            // The plus keeps SQLite from going through all vectors to find those of a day.
            filter.and_plain("+text IN (SELECT id FROM vectors)");
        }
        if let Some(severity) = query.severity {
            filter.and("severity >= ?", severity as i64);
        }
        let what: Vec<&What> = query.what.iter().filter(|w| **w != What::Record).collect();
        if !query.what.is_empty() {
            let names: Result<Vec<String>, Error> = what.into_iter().map(name).collect();
            // Our own words, no input.
            let list = names?.join("','");
            filter.and_plain(&format!("what IN ('{list}')"));
        }
        Ok(filter)
    }

    fn and(&mut self, condition: &str, value: impl ToSql + 'static) {
        let place = format!(":f{}", self.values.len());
        self.and_plain(&condition.replace('?', &place));
        self.values.push(Box::new(value));
    }

    fn and_plain(&mut self, condition: &str) {
        if !self.condition.is_empty() {
            self.condition.push_str(" AND ");
        }
        self.condition.push_str(condition);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.condition.is_empty()
    }

    /// The condition that the text of number `id` has a document which passes. `id` must say its table: a bare name may be one of `docs`.
    pub(super) fn on_text(&self, id: &str) -> String {
        format!(
            "EXISTS (SELECT 1 FROM docs INDEXED BY docs_by_text WHERE docs.text = {id} {})",
            self.with_and()
        )
    }

    /// A condition that starts with AND, or nothing.
    pub(super) fn with_and(&self) -> String {
        if self.is_empty() {
            String::new()
        } else {
            format!("AND {}", self.condition)
        }
    }

    pub(super) fn named<'a>(
        &'a self,
        more: &[(&'a str, &'a dyn ToSql)],
    ) -> Vec<(String, &'a dyn ToSql)> {
        let own = self
            .values
            .iter()
            .enumerate()
            .map(|(i, v)| (format!(":f{i}"), v.as_ref()));
        own.chain(more.iter().map(|(n, v)| ((*n).to_owned(), *v)))
            .collect()
    }
}

/// Named parameters as rusqlite takes them.
pub(super) fn borrowed<'a>(named: &'a [(String, &'a dyn ToSql)]) -> Vec<(&'a str, &'a dyn ToSql)> {
    named.iter().map(|(n, v)| (n.as_str(), *v)).collect()
}
