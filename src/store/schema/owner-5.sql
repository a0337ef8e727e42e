-- As it was released; see `store/schema.rs`. Never edited.
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
CREATE VIRTUAL TABLE texts_fts USING fts5(body, sounds, concepts, content='', contentless_delete=1, tokenize='unicode61');
-- Which embedder the vectors are of; `texts` is how many texts its weights were learned from. The coarse table `vectors_bit`
-- is made with the first vectors, since its width is the embedder's: see `vectors.rs`.
CREATE TABLE embedder (
  one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, dimension INTEGER NOT NULL, texts INTEGER NOT NULL, weights BLOB NOT NULL);
CREATE TABLE vectors (id INTEGER PRIMARY KEY REFERENCES texts(id), v BLOB NOT NULL);
-- An object of one of several clusters; of one cluster alone the name is empty, as before.
CREATE TABLE states_2 (
  cluster TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, day TEXT NOT NULL, at_ms INTEGER NOT NULL,
  body BLOB NOT NULL, PRIMARY KEY (cluster, kind, namespace, name, day)) WITHOUT ROWID;
INSERT INTO states_2 SELECT '', kind, namespace, name, day, at_ms, body FROM states;
DROP TABLE states;
ALTER TABLE states_2 RENAME TO states;
CREATE INDEX states_by_day ON states(day);

CREATE TABLE embedded (model TEXT NOT NULL, hash INTEGER NOT NULL, v BLOB NOT NULL, PRIMARY KEY (model, hash)) WITHOUT ROWID;
ALTER TABLE marks ADD COLUMN a_day REAL;
CREATE TABLE signs (block INTEGER PRIMARY KEY, ids BLOB NOT NULL, bits BLOB NOT NULL);
CREATE INDEX docs_by_day ON docs(day, kind, what, text);
CREATE INDEX docs_by_text ON docs(text, day, kind, what, severity, namespace);
CREATE INDEX docs_by_what ON docs(what, day, text);
