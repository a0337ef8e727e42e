//! The schema of both files, with versions and migrations. The only place that creates or alters tables.
//!
//! `owner.db`, one per owner: the template dictionary, what each day counted, last known object states, report revisions,
//! incidents, what the user marked, what was told, alarms, tasks, and the search index (`docs` say what occurred when, `texts`
//! hold each distinct text once, `texts_fts`, `vectors` and `signs` make texts findable).
//!
//! `days/<date>.db`, one per day: the manifest of bucket objects, what each contributed, and the kept lines with full text.
//!
//! # Invariants
//! - `PRAGMA user_version` is the number of migrations that have run. A released migration is never edited.
//! - Everything that depends on a day can be replaced as a whole, so that doing it again heals whatever a crash left.
//! - Days are ISO text (`2026-11-21`), instants Unix milliseconds, 64-bit hashes their two's complement.

use rusqlite::{Connection, TransactionBehavior};

use super::Error;

/// A database file: its name in errors, and how it came to its present shape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema {
    pub(super) name: &'static str,
    migrations: &'static [&'static str],
}

pub(super) const OWNER: Schema = Schema {
    name: "owner.db",
    migrations: &[OWNER_1, OWNER_2, OWNER_3, OWNER_4, OWNER_5],
};

pub(super) const DAY: Schema = Schema {
    name: "day file",
    migrations: &[DAY_1],
};

impl Schema {
    pub(super) fn version(self) -> u32 {
        u32::try_from(self.migrations.len()).unwrap_or(u32::MAX)
    }

    /// Brings the file to the present version; each step is a transaction, so a killed upgrade goes on where it stopped.
    pub(super) fn migrate(self, conn: &mut Connection) -> Result<(), Error> {
        let found = self.check(conn)?;
        for version in found..self.version() {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Another process may have been faster.
            if read_version(&tx)? == version {
                tx.execute_batch(self.migrations[version as usize])?;
                tx.pragma_update(None, "user_version", version + 1)?;
            }
            tx.commit()?;
        }
        Ok(())
    }

    /// The version found, which is at most ours.
    pub(super) fn check(self, conn: &Connection) -> Result<u32, Error> {
        let (found, known) = (read_version(conn)?, self.version());
        if found > known {
            return Err(Error::TooNew {
                file: self.name.to_owned(),
                found,
                known,
            });
        }
        Ok(found)
    }
}

fn read_version(conn: &Connection) -> Result<u32, Error> {
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

const OWNER_1: &str = "
-- What an earlier day counted (DayCounts, packed). One row per day that was run to its end.
CREATE TABLE days (day TEXT PRIMARY KEY, counts BLOB NOT NULL) WITHOUT ROWID;

-- Template dictionary; `id` is the hash of `text`.
CREATE TABLE templates (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
-- A template in one service over one day; `body` packs cells, samples and key fields.
CREATE TABLE template_days (
  template INTEGER NOT NULL REFERENCES templates(id), day TEXT NOT NULL,
  cluster TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, container TEXT NOT NULL,
  level TEXT NOT NULL, count INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (template, day, cluster, namespace, name, container)) WITHOUT ROWID;
CREATE INDEX template_days_by_day ON template_days(day, count);

-- Last known state of each object on each day it was seen; an earlier day can be run again without seeing the future.
CREATE TABLE states (
  kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, day TEXT NOT NULL, at_ms INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (kind, namespace, name, day)) WITHOUT ROWID;
CREATE INDEX states_by_day ON states(day);

-- Report revisions as JSON. `content` is a hash over what makes two reports the same.
CREATE TABLE revisions (
  day TEXT NOT NULL, revision INTEGER NOT NULL, stage TEXT NOT NULL, content INTEGER NOT NULL, report TEXT NOT NULL,
  PRIMARY KEY (day, revision)) WITHOUT ROWID;
-- Incidents of the newest revision of each day, as JSON.
CREATE TABLE incidents (
  day TEXT NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL, identity TEXT NOT NULL, cause TEXT NOT NULL,
  start_ms INTEGER NOT NULL, end_ms INTEGER, body TEXT NOT NULL,
  PRIMARY KEY (day, id)) WITHOUT ROWID;
CREATE INDEX incidents_by_identity ON incidents(identity, day);

-- Manifests of days whose file has gone: their objects are not read again.
CREATE TABLE past_objects (
  day TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, etag TEXT NOT NULL, size INTEGER NOT NULL,
  from_ms INTEGER, to_ms INTEGER, counts TEXT NOT NULL, problem TEXT,
  PRIMARY KEY (day, kind, key)) WITHOUT ROWID;

-- What the user said about an incident.
CREATE TABLE marks (
  id INTEGER PRIMARY KEY, identity TEXT NOT NULL, verdict TEXT NOT NULL, note TEXT NOT NULL, at_ms INTEGER NOT NULL,
  day TEXT NOT NULL, incident TEXT NOT NULL, title TEXT NOT NULL, rate REAL NOT NULL, undone_ms INTEGER);
CREATE INDEX marks_by_identity ON marks(identity);

-- What was last told to a caller (token and device, or session).
CREATE TABLE told (
  caller TEXT PRIMARY KEY, day TEXT NOT NULL, incident TEXT NOT NULL, listed TEXT NOT NULL, part INTEGER NOT NULL,
  revision INTEGER NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
-- Devices that want no unasked broadcast on a day, or had it.
CREATE TABLE quiet (device TEXT NOT NULL, day TEXT NOT NULL, why TEXT NOT NULL, PRIMARY KEY (device, day, why)) WITHOUT ROWID;
-- Small things other rooms remember.
CREATE TABLE facts (room TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (room, name)) WITHOUT ROWID;

-- Alarms as received. `dedup` says which notifications are one alarm.
CREATE TABLE alarms (
  id INTEGER PRIMARY KEY, source TEXT NOT NULL, dedup TEXT NOT NULL UNIQUE, policy TEXT NOT NULL, object TEXT NOT NULL,
  severity TEXT NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, recovered_ms INTEGER,
  times INTEGER NOT NULL, state TEXT NOT NULL, alarm TEXT NOT NULL, raw BLOB NOT NULL, analysis TEXT);
CREATE INDEX alarms_by_state ON alarms(state, last_ms);
-- What was said unasked, to whom, over which way; `subject` is an alarm or a day's broadcast.
CREATE TABLE told_log (
  id INTEGER PRIMARY KEY, way TEXT NOT NULL, device TEXT NOT NULL, subject TEXT NOT NULL, at_ms INTEGER NOT NULL,
  outcome TEXT NOT NULL, text TEXT NOT NULL);
CREATE UNIQUE INDEX told_once ON told_log(subject, way, device);
-- Background work that must survive a restart.
CREATE TABLE tasks (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, arguments TEXT NOT NULL, state TEXT NOT NULL, progress TEXT NOT NULL,
  made_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX tasks_by_state ON tasks(state, made_ms);

-- Search. A text is stored once however often it occurs; `docs` say on which day it was what.
-- `subject` is what is indexed beside the text: object, cause codes, key values.
CREATE TABLE texts (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL UNIQUE, subject TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE docs (
  id INTEGER PRIMARY KEY, day TEXT NOT NULL, what TEXT NOT NULL, kind TEXT NOT NULL, ref TEXT NOT NULL,
  text INTEGER NOT NULL REFERENCES texts(id), namespace TEXT NOT NULL, object TEXT NOT NULL, severity INTEGER NOT NULL,
  count INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL);
CREATE INDEX docs_by_day ON docs(day);
CREATE INDEX docs_by_text ON docs(text);
CREATE VIRTUAL TABLE texts_fts USING fts5(body, sounds, concepts, content='', contentless_delete=1, tokenize='unicode61');
-- Which embedder the vectors are of; `texts` is how many texts its weights were learned from. The coarse table `vectors_bit`
-- is made with the first vectors, since its width is the embedder's: see `vectors.rs`.
CREATE TABLE embedder (
  one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, dimension INTEGER NOT NULL, texts INTEGER NOT NULL, weights BLOB NOT NULL);
CREATE TABLE vectors (id INTEGER PRIMARY KEY REFERENCES texts(id), v BLOB NOT NULL);
";

const OWNER_2: &str = "
-- An object of one of several clusters; of one cluster alone the name is empty, as before.
CREATE TABLE states_2 (
  cluster TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, day TEXT NOT NULL, at_ms INTEGER NOT NULL,
  body BLOB NOT NULL, PRIMARY KEY (cluster, kind, namespace, name, day)) WITHOUT ROWID;
INSERT INTO states_2 SELECT '', kind, namespace, name, day, at_ms, body FROM states;
DROP TABLE states;
ALTER TABLE states_2 RENAME TO states;
CREATE INDEX states_by_day ON states(day);
";

const OWNER_3: &str = "
-- Vectors that an external model made, by the hash of the text: a model that failed for a night, or a day that is run again, does not
-- have them paid for twice.
CREATE TABLE embedded (model TEXT NOT NULL, hash INTEGER NOT NULL, v BLOB NOT NULL, PRIMARY KEY (model, hash)) WITHOUT ROWID;
";

const OWNER_4: &str = "
-- How often a marked incident happens in a day, beside how often in an hour; of earlier marks nobody knows.
ALTER TABLE marks ADD COLUMN a_day REAL;
";

const OWNER_5: &str = "
-- Signs of the vectors, many in a row: ids as little-endian 64-bit numbers, and one bit for each number of each vector.
-- Those of vectors that are there are packed at the next opening.
DROP TABLE IF EXISTS vectors_bit;
CREATE TABLE signs (block INTEGER PRIMARY KEY, ids BLOB NOT NULL, bits BLOB NOT NULL);
-- Whether a text passes a wide filter, without a look at its documents; the texts of a day; those of one sort on all days.
DROP INDEX docs_by_text;
DROP INDEX docs_by_day;
CREATE INDEX docs_by_day ON docs(day, kind, what, text);
CREATE INDEX docs_by_text ON docs(text, day, kind, what, severity, namespace);
CREATE INDEX docs_by_what ON docs(what, day, text);
";

const DAY_1: &str = "
-- The manifest: one row per bucket object that was read.
CREATE TABLE objects (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, etag TEXT NOT NULL, size INTEGER NOT NULL,
  from_ms INTEGER, to_ms INTEGER, counts TEXT NOT NULL, problem TEXT, UNIQUE (kind, key));
-- What the object contributed: identities as little-endian 64-bit numbers, the digest packed without them and without kept lines.
CREATE TABLE contents (object INTEGER PRIMARY KEY REFERENCES objects(id), identities BLOB NOT NULL, digest BLOB NOT NULL);
-- Kept lines, redacted; `origin` is JSON.
CREATE TABLE kept (
  id INTEGER PRIMARY KEY, object INTEGER NOT NULL REFERENCES objects(id), kind TEXT NOT NULL, hash INTEGER NOT NULL,
  ts_ms INTEGER NOT NULL, origin TEXT NOT NULL, sha256 TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
  text TEXT NOT NULL, line TEXT NOT NULL);
CREATE INDEX kept_by_hash ON kept(hash);
CREATE INDEX kept_by_object ON kept(object);
CREATE INDEX kept_by_time ON kept(kind, ts_ms);
CREATE VIRTUAL TABLE kept_fts USING fts5(body, sounds, concepts, content='', contentless_delete=1, tokenize='unicode61');
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::vec_extension;

    /// The files as each version left them: number and SQL. A schema that changes gets a new entry here with its migration.
    const RELEASED: [(Schema, &[&str]); 2] = [
        (
            OWNER,
            &[
                include_str!("schema/owner-1.sql"),
                include_str!("schema/owner-2.sql"),
                include_str!("schema/owner-3.sql"),
                include_str!("schema/owner-4.sql"),
                include_str!("schema/owner-5.sql"),
            ],
        ),
        (DAY, &[include_str!("schema/day-1.sql")]),
    ];

    fn empty() -> Connection {
        vec_extension::register();
        Connection::open_in_memory().expect("memory")
    }

    /// Every table, index and trigger, without comments and layout.
    fn shape(conn: &Connection) -> Vec<String> {
        let mut find = conn
            .prepare("SELECT coalesce(sql, name) FROM sqlite_master ORDER BY type, name")
            .expect("sql");
        let rows = find.query_map([], |r| r.get::<_, String>(0)).expect("rows");
        let plain = |sql: String| {
            let lines = sql
                .lines()
                .map(|l| l.split("--").next().unwrap_or_default());
            lines
                .flat_map(str::split_whitespace)
                .collect::<Vec<_>>()
                .join(" ")
        };
        rows.map(|sql| plain(sql.expect("text"))).collect()
    }

    #[test]
    fn a_file_of_every_version_becomes_what_a_new_one_is() {
        for (schema, released) in RELEASED {
            assert_eq!(
                released.len(),
                schema.migrations.len(),
                "{}: a version without its file",
                schema.name
            );
            let mut fresh = empty();
            schema.migrate(&mut fresh).expect("migrate");
            for (version, sql) in (1_u32..).zip(released) {
                let mut old = empty();
                old.execute_batch(sql).expect("as released");
                old.pragma_update(None, "user_version", version)
                    .expect("version");
                schema.migrate(&mut old).expect("upgrade");
                assert_eq!(shape(&old), shape(&fresh), "{} {version}", schema.name);
                assert_eq!(read_version(&old).expect("version"), schema.version());
            }
        }
    }

    #[test]
    fn an_upgrade_keeps_what_was_there() {
        let mut old = empty();
        old.execute_batch(RELEASED[0].1[0]).expect("as released");
        old.pragma_update(None, "user_version", 1).expect("version");
        // As an embedder made it beside the schema.
        old.execute_batch("CREATE VIRTUAL TABLE vectors_bit USING vec0(v bit[8])")
            .expect("a table of sqlite-vec");
        old.execute(
            "INSERT INTO marks (identity, verdict, note, at_ms, day, incident, title, rate) VALUES ('x','normal','n',1,'2026-11-21','i1','t',2.0)",
            [],
        )
        .expect("a mark");
        OWNER.migrate(&mut old).expect("upgrade");
        let marks: u32 = old
            .query_row("SELECT count(*) FROM marks", [], |r| r.get(0))
            .expect("count");
        assert_eq!(marks, 1);
        let of_sqlite_vec: u32 = old
            .query_row(
                "SELECT count(*) FROM sqlite_master WHERE name LIKE 'vectors_bit%'",
                [],
                |r| r.get(0),
            )
            .expect("count");
        assert_eq!(of_sqlite_vec, 0);
    }

    #[test]
    fn a_released_migration_is_never_edited() {
        // The first file is the first migration itself; an edit would leave users with another schema than newcomers.
        for (schema, released) in RELEASED {
            let (now, then) = (empty(), empty());
            now.execute_batch(schema.migrations[0]).expect("migration");
            then.execute_batch(released[0]).expect("as released");
            assert_eq!(shape(&now), shape(&then), "{}", schema.name);
        }
    }
}
