-- As it was released; see `store/schema.rs`. Never edited.
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
