-- The store, version 2: .diaryx/store.db. Documents are opaque octets here; who writes what, and when, is in store.h.
--
-- PRAGMA application_id = 0x64797873 ("dyxs") says that the file is ours, PRAGMA user_version which version of this
-- schema it has (as does a row of meta). All three are set in the transaction that makes the tables. WAL (but for the first, large transaction of a
-- fresh file), synchronous = FULL.

-- One row for each document that has a snapshot or an update.
CREATE TABLE documents (
  id        INTEGER PRIMARY KEY,  -- Stays the same when the document is renamed.
  name      TEXT NOT NULL UNIQUE, -- "workspace", "body/<file id>", "path/<path>"
  seq_floor INTEGER NOT NULL      -- No seq up to and including this one is given out again. Raised by a fold, not by
                                  -- an append: the newest seq is the larger of this and the largest in `updates`.
) STRICT;

-- The log: what came after the snapshot, ascending. WITHOUT ROWID, so that the log of a document lies together.
-- A row may be packed (packed.h): then it holds several updates, and its seq is that of the last one. The rows of doc 0 are
-- no document's but turns, each packed with what one append said of many documents; before a turn goes, what it holds of
-- each document is in a row of that document. What is in both counts once.
CREATE TABLE updates (
  doc     INTEGER NOT NULL,       -- documents.id; 0: a turn
  seq     INTEGER NOT NULL,       -- From 1, strictly increasing within a document, gaps allowed, never used twice.
  time_ms INTEGER NOT NULL,       -- Since 1970-01-01 UTC.
  origin  INTEGER NOT NULL,       -- enum UpdateOrigin: 0 local, 1 remote, 2 sync, 3 disk, 4 import; 255: packed
  crc     INTEGER NOT NULL,       -- CRC-32C of this row's other columns (checksum.h): a flipped bit is found.
  data    BLOB NOT NULL,          -- One update, or several.
  PRIMARY KEY (doc, seq)
) STRICT, WITHOUT ROWID;

-- At most one for each document. The state is in a table of its own, so that listing documents reads little; and in a
-- rowid table, because large rows are slow in a WITHOUT ROWID one.
CREATE TABLE snapshots (
  doc        INTEGER PRIMARY KEY, -- documents.id
  covers_seq INTEGER NOT NULL,    -- The state holds every update up to and including this one; the log has none of them.
  size       INTEGER NOT NULL,    -- Of the state, in octets.
  sha256     BLOB NOT NULL        -- Of the state: 32 octets.
) STRICT;

CREATE TABLE snapshot_states (
  doc   INTEGER PRIMARY KEY,      -- documents.id
  state BLOB NOT NULL             -- The whole document as one update.
) STRICT;

-- What disk and documents last agreed on, one row for each file. The large texts are in tables of their own, so that
-- looking at ten thousand rows reads little.
CREATE TABLE ledger (
  id        INTEGER PRIMARY KEY,
  file_id   TEXT NOT NULL UNIQUE,
  path      TEXT NOT NULL,        -- Relative to the root. Empty: the two never agreed; there is only a pending write.
  base_hash BLOB NOT NULL,        -- SHA-256 of the base: 32 octets.
  size      INTEGER NOT NULL,     -- Octets,
  mtime_ns  INTEGER NOT NULL,     --   nanoseconds since 1970, and
  inode     INTEGER NOT NULL      --   inode number (as a signed 64-bit number) of the file when it was like the base.
) STRICT;

CREATE TABLE ledger_bases (
  id   INTEGER PRIMARY KEY,       -- ledger.id
  base BLOB NOT NULL              -- The whole file, octet for octet.
) STRICT;

-- Files that we are about to write, or were writing when the process stopped.
CREATE TABLE ledger_pending (
  id     INTEGER PRIMARY KEY,     -- ledger.id
  path   TEXT NOT NULL,           -- Where the text goes.
  sha256 BLOB NOT NULL,           -- Of `text`: 32 octets.
  text   BLOB NOT NULL            -- The whole new file.
) STRICT;

-- A few named values: workspace id, epoch, … "schema_version" is the number of the header once more, so that a flipped bit in
-- either is found, and not taken for a newer program's store. Stores that were made before there was this row lack it.
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
