//! What can be searched for: templates, findings, incidents and folded changes of a day, as documents.
//!
//! In: a day's report and shapes. Out: rows that say what occurred when, each pointing at a text that is stored, indexed and
//! embedded once, however many days it comes back on. A day's documents are replaced as a whole.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{Error, Store, codec::name, embed::Analyzer, vectors};
use crate::model::{
    Day, Level, LogKind, Severity, report::Report, shapes::DayShapes, workload_name,
};

/// What a hit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    Template,
    Finding,
    Incident,
    /// Writes of one user to one object, folded.
    Change,
    /// A kept line.
    Record,
}

/// Something to be found.
#[derive(Debug, Clone, PartialEq)]
pub struct Doc {
    /// Template id in hex, `f1`, `i1`, or an evidence id.
    pub id: String,
    pub what: What,
    pub kind: LogKind,
    /// What is shown.
    pub text: String,
    /// What is indexed beside the text: object, cause codes, key values.
    pub subject: String,
    pub namespace: String,
    pub object: String,
    pub severity: Severity,
    pub count: u64,
    pub first_ms: i64,
    pub last_ms: i64,
}

impl Store {
    /// Replaces a day's documents. Texts that are new are indexed, and embedded unless an external embedder is set.
    pub async fn replace_docs(&self, day: Day, docs: Vec<Doc>) -> Result<(), Error> {
        self.change(move |tx| {
            tx.prepare_cached("DELETE FROM docs WHERE day = ?1")?
                .execute([day.to_string()])?;
            for doc in &docs {
                insert(tx, day, doc)?;
            }
            vectors::keep_up(tx)
        })
        .await
    }
}

fn insert(tx: &Transaction<'_>, day: Day, doc: &Doc) -> Result<(), Error> {
    let text = text_id(tx, &doc.subject, &doc.text)?;
    tx.prepare_cached(
        "INSERT INTO docs (day, what, kind, ref, text, namespace, object, severity, count, first_ms, last_ms)
         VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
    )?
    .execute(params![
        day.to_string(),
        name(&doc.what)?,
        doc.kind.as_str(),
        doc.id,
        text,
        doc.namespace,
        doc.object,
        doc.severity as i64,
        doc.count.cast_signed(),
        doc.first_ms,
        doc.last_ms
    ])?;
    Ok(())
}

fn text_id(tx: &Transaction<'_>, subject: &str, text: &str) -> Result<i64, Error> {
    let hash = xxh3_64(format!("{subject}\0{text}").as_bytes()).cast_signed();
    let known = tx
        .prepare_cached("SELECT id FROM texts WHERE hash = ?1")?
        .query_row([hash], |r| r.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    tx.prepare_cached("INSERT INTO texts (hash, subject, text) VALUES (?1,?2,?3)")?
        .execute(params![hash, subject, text])?;
    let id = tx.last_insert_rowid();
    index(tx, id, subject, text)?;
    Ok(id)
}

/// Makes a text findable by its words.
pub(super) fn index(tx: &Transaction<'_>, id: i64, subject: &str, text: &str) -> Result<(), Error> {
    let indexed = Analyzer::built_in().index(&[subject, text]);
    tx.prepare_cached(
        "INSERT INTO texts_fts (rowid, body, sounds, concepts) VALUES (?1,?2,?3,?4)",
    )?
    .execute(params![id, indexed.body, indexed.sounds, indexed.concepts])?;
    Ok(())
}

/// The documents of a day.
#[must_use]
pub fn docs_of(report: &Report, shapes: &DayShapes) -> Vec<Doc> {
    let mut docs: Vec<Doc> = shapes
        .templates
        .iter()
        .map(|t| Doc {
            id: format!("{:016x}", t.id.0),
            what: What::Template,
            kind: LogKind::Business,
            text: t.text.clone(),
            subject: t.service.name.clone(),
            namespace: t.service.namespace.clone(),
            object: t.service.name.clone(),
            severity: match t.level {
                Level::Debug | Level::Info => Severity::Info,
                Level::Warn => Severity::Warning,
                Level::Error | Level::Fatal => Severity::Error,
            },
            count: t.count(),
            first_ms: t.first_ms,
            last_ms: t.last_ms,
        })
        .collect();
    docs.extend(findings(report));
    docs.extend(incidents(report));
    docs.extend(changes(shapes));
    docs
}

fn findings(report: &Report) -> impl Iterator<Item = Doc> {
    report.findings.iter().map(|f| {
        let mut subject = format!("{} {}", f.object, f.cause);
        if let Some(detail) = &f.detail {
            subject = format!("{subject} {detail}");
        }
        for field in &f.key_fields {
            subject = format!("{subject} {}", field.value);
        }
        Doc {
            id: f.id.clone(),
            what: What::Finding,
            kind: f.kind,
            text: f.title.clone(),
            subject,
            namespace: f.object.namespace.clone(),
            object: f.object.name.clone(),
            severity: f.severity,
            count: f.count,
            first_ms: f.first_seen.ms,
            last_ms: f.last_seen.ms,
        }
    })
}

fn incidents(report: &Report) -> impl Iterator<Item = Doc> {
    report.incidents.iter().map(|i| {
        let detail = i.root.detail.as_deref().unwrap_or_default();
        let of_incident = || {
            report
                .findings
                .iter()
                .filter(|f| i.findings.contains(&f.id))
        };
        Doc {
            id: i.id.clone(),
            what: What::Incident,
            kind: i.chain.first().map_or(LogKind::Event, |link| link.kind),
            text: i.title.clone(),
            subject: format!("{} {} {detail}", i.root.object, i.root.cause),
            namespace: i.root.object.namespace.clone(),
            object: i.root.object.name.clone(),
            severity: i.severity,
            count: of_incident().map(|f| f.count).sum(),
            first_ms: i.start.ms,
            last_ms: i
                .end
                .map(|m| m.ms)
                .or_else(|| of_incident().map(|f| f.last_seen.ms).max())
                .unwrap_or(i.start.ms),
        }
    })
}

/// Allowed writes folded by user, verb and object, generated names folded too.
fn changes(shapes: &DayShapes) -> impl Iterator<Item = Doc> {
    let mut folded: BTreeMap<(&str, &str, &str, &str, &str), Doc> = BTreeMap::new();
    for w in shapes.writes.iter().filter(|w| w.allowed()) {
        let object = workload_name(&w.object.name);
        let key = (
            w.actor.user.as_str(),
            w.verb.as_str(),
            w.object.kind.as_str(),
            w.object.namespace.as_str(),
            object,
        );
        folded
            .entry(key)
            .and_modify(|d| {
                d.count += 1;
                d.last_ms = d.last_ms.max(w.ts_ms);
            })
            .or_insert_with(|| Doc {
                id: w.id.to_string(),
                what: What::Change,
                kind: LogKind::Audit,
                text: format!("{} {} {} {}/{object}", key.0, key.1, key.2, key.3),
                subject: w.subresource.clone(),
                namespace: key.3.to_owned(),
                object: object.to_owned(),
                severity: Severity::Info,
                count: 1,
                first_ms: w.ts_ms,
                last_ms: w.ts_ms,
            });
    }
    folded.into_values()
}
