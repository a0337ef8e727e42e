//! What days counted, so that later days can be compared with them without reading their logs again.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::{
    Error, Hit, Store,
    codec::{from_name, name, pack, unpack},
    states,
};
use crate::{
    mining::{novel::Before, templates::KnownTemplate},
    model::{
        Day, EvidenceId, Service,
        shapes::{Baseline, Cells, DayCounts, KeyField, Sample, States, TemplateDay, TemplateId},
    },
};

/// What a template's row of a day holds beside its columns.
type Body = (Cells, Vec<Sample>, Vec<KeyField>);

impl Store {
    /// Replaces everything `owner.db` holds of what a day counted: its counts, its templates, the last states it saw.
    pub async fn replace_day(
        &self,
        counts: DayCounts,
        templates: Vec<TemplateDay>,
        states: States,
    ) -> Result<(), Error> {
        self.change(move |tx| replace(tx, &counts, &templates, &states))
            .await
    }

    /// The same, unless the day was counted to the end meanwhile.
    pub async fn replace_unfinished_day(
        &self,
        counts: DayCounts,
        templates: Vec<TemplateDay>,
        states: States,
    ) -> Result<(), Error> {
        self.change(move |tx| {
            if counted(tx, counts.day)?.is_some_and(|c| c.is_whole()) {
                return Ok(());
            }
            replace(tx, &counts, &templates, &states)
        })
        .await
    }

    /// What a day counted; `None` until it was read.
    pub async fn counts(&self, day: Day) -> Result<Option<DayCounts>, Error> {
        self.ask(move |c| counted(c, day)).await
    }

    /// The `n` counted days before `day`, of at most as many calendar days, newest last.
    pub async fn baseline(&self, before: Day, n: u32) -> Result<Baseline, Error> {
        self.ask(move |c| {
            let first = before.plus(-i32::try_from(n).unwrap_or(i32::MAX));
            let mut find = c.prepare_cached(
                "SELECT counts FROM days WHERE day >= ?1 AND day < ?2 ORDER BY day",
            )?;
            let mut rows = find.query(params![first.to_string(), before.to_string()])?;
            let mut days: Vec<DayCounts> = Vec::new();
            while let Some(row) = rows.next()? {
                days.push(unpack(
                    row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?,
                )?);
            }
            let partial = days.len() < n as usize;
            Ok(Baseline {
                of: n,
                days,
                partial,
            })
        })
        .await
    }

    /// Days that were counted to the end, oldest first.
    pub async fn counted_days(&self) -> Result<Vec<Day>, Error> {
        self.ask(|c| {
            let mut find = c.prepare_cached("SELECT counts FROM days ORDER BY day")?;
            let mut rows = find.query([])?;
            let mut days = Vec::new();
            while let Some(row) = rows.next()? {
                let counts: DayCounts =
                    unpack(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
                days.extend(counts.is_whole().then_some(counts.day));
            }
            Ok(days)
        })
        .await
    }

    /// Templates seen on any day before `day`, of each service and level, in a stable order.
    pub async fn known_templates(&self, before: Day) -> Result<Vec<KnownTemplate>, Error> {
        self.ask(move |c| {
            let mut find = c.prepare_cached(
                "SELECT DISTINCT d.namespace, d.name, d.level, t.text FROM template_days d JOIN templates t ON t.id = d.template
                 WHERE d.day < ?1 ORDER BY d.namespace, d.name, d.level, t.text",
            )?;
            let mut rows = find.query([before.to_string()])?;
            let mut known = Vec::new();
            while let Some(row) = rows.next()? {
                let (namespace, name, level): (String, String, String) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                known.push(KnownTemplate {
                    service: format!("{namespace}/{name}"),
                    level: from_name(&level)?,
                    text: row.get(3)?,
                });
            }
            Ok(known)
        })
        .await
    }

    /// What stood at the places of failing templates on the `n` days before `day`.
    pub async fn values_before(&self, day: Day, n: u32) -> Result<Before, Error> {
        self.ask(move |c| {
            let first = day.plus(-i32::try_from(n).unwrap_or(i32::MAX));
            let mut find = c.prepare_cached(
                "SELECT template, namespace, name, body FROM template_days
                 WHERE day >= ?1 AND day < ?2 AND level IN ('warn', 'error', 'fatal')",
            )?;
            let mut rows = find.query(params![first.to_string(), day.to_string()])?;
            let mut before = Before::default();
            while let Some(row) = rows.next()? {
                let (namespace, name): (String, String) = (row.get(1)?, row.get(2)?);
                let template = TemplateId(row.get::<_, i64>(0)?.cast_unsigned());
                let (_, _, fields): Body =
                    unpack(row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?)?;
                before.add(format!("{namespace}/{name}"), template, fields);
            }
            Ok(before)
        })
        .await
    }

    /// The texts of templates, as far as they are in the dictionary.
    pub async fn template_texts(
        &self,
        ids: Vec<TemplateId>,
    ) -> Result<BTreeMap<TemplateId, String>, Error> {
        self.ask(move |c| {
            let mut find = c.prepare_cached("SELECT text FROM templates WHERE id = ?1")?;
            let mut texts = BTreeMap::new();
            for id in ids {
                let text: Option<String> = find
                    .query_row([id.0.cast_signed()], |r| r.get(0))
                    .optional()?;
                texts.extend(text.map(|text| (id, text)));
            }
            Ok(texts)
        })
        .await
    }

    /// The templates of a day as they were put, most frequent first.
    pub async fn templates(&self, day: Day) -> Result<Vec<TemplateDay>, Error> {
        self.ask(move |c| templates(c, day)).await
    }
}

fn replace(
    tx: &Transaction<'_>,
    counts: &DayCounts,
    templates: &[TemplateDay],
    states: &States,
) -> Result<(), Error> {
    let day = counts.day;
    tx.prepare_cached("INSERT OR REPLACE INTO days VALUES (?1, ?2)")?
        .execute(params![day.to_string(), pack(counts)?])?;
    put_templates(tx, day, templates)?;
    states::put(tx, day, states)
}

fn counted(c: &Connection, day: Day) -> Result<Option<DayCounts>, Error> {
    let packed: Option<Vec<u8>> = c
        .prepare_cached("SELECT counts FROM days WHERE day = ?1")?
        .query_row([day.to_string()], |r| r.get(0))
        .optional()?;
    packed.map(|counts| unpack(&counts)).transpose()
}

fn put_templates(tx: &Transaction<'_>, day: Day, templates: &[TemplateDay]) -> Result<(), Error> {
    let day = day.to_string();
    tx.prepare_cached("DELETE FROM template_days WHERE day = ?1")?
        .execute([&day])?;
    let mut word = tx.prepare_cached("INSERT OR IGNORE INTO templates VALUES (?1, ?2)")?;
    let mut row = tx.prepare_cached(
        "INSERT OR REPLACE INTO template_days VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
    )?;
    let mut seen = HashSet::new();
    for t in templates {
        let id = t.id.0.cast_signed();
        if seen.insert(id) {
            word.execute(params![id, t.text])?;
        }
        row.execute(params![
            id,
            day,
            t.service.cluster,
            t.service.namespace,
            t.service.name,
            t.service.container,
            name(&t.level)?,
            t.count().cast_signed(),
            t.first_ms,
            t.last_ms,
            pack(&(&t.cells, &t.samples, &t.fields))?,
        ])?;
    }
    Ok(())
}

/// The first line that shows a template as it was found on a day.
pub(super) fn line_of_template(c: &Connection, hit: &Hit) -> Result<Option<EvidenceId>, Error> {
    let Ok(id) = u64::from_str_radix(&hit.id, 16) else {
        return Ok(None);
    };
    let mut find = c.prepare_cached(
        "SELECT body FROM template_days WHERE day = ?1 AND template = ?2 AND namespace = ?3 AND name = ?4
         ORDER BY count DESC, cluster, container",
    )?;
    let mut rows = find.query(params![
        hit.date.to_string(),
        id.cast_signed(),
        hit.namespace,
        hit.object
    ])?;
    while let Some(row) = rows.next()? {
        let (_, samples, _): Body =
            unpack(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
        if let Some(first) = samples.first() {
            return Ok(Some(first.id));
        }
    }
    Ok(None)
}

fn templates(c: &Connection, day: Day) -> Result<Vec<TemplateDay>, Error> {
    let mut find = c.prepare_cached(
        "SELECT t.id, t.text, d.cluster, d.namespace, d.name, d.container, d.level, d.first_ms, d.last_ms, d.body
         FROM template_days d JOIN templates t ON t.id = d.template WHERE d.day = ?1
         ORDER BY d.count DESC, t.id, d.cluster, d.namespace, d.name, d.container",
    )?;
    let mut rows = find.query([day.to_string()])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let level: String = row.get(6)?;
        let (cells, samples, fields): Body =
            unpack(row.get_ref(9)?.as_blob().map_err(rusqlite::Error::from)?)?;
        out.push(TemplateDay {
            id: TemplateId(row.get::<_, i64>(0)?.cast_unsigned()),
            text: row.get(1)?,
            service: Service {
                cluster: row.get(2)?,
                namespace: row.get(3)?,
                name: row.get(4)?,
                container: row.get(5)?,
            },
            level: from_name(&level)?,
            cells,
            first_ms: row.get(7)?,
            last_ms: row.get(8)?,
            samples,
            fields,
        });
    }
    Ok(out)
}
