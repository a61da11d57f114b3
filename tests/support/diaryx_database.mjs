// Databases as Diaryx 1.4 wrote them: its SQL, and updates that a real Yjs made.
import { execFileSync } from 'node:child_process'
import path from 'node:path'

import * as Y from 'yjs'

import { repository } from './binary.mjs'

const program = process.env.DIARYX_RUN_SQL ?? path.join(repository, 'build/release/run_sql')

// `killed`: the log or the journal stays beside the file.
export function sql(file, statements, { killed = false } = {}) {
  execFileSync(program, [file, ...(killed ? ['--killed'] : [])], { input: statements, stdio: ['pipe', 'ignore', 'inherit'] })
}

export const schema = `
CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, state BLOB NOT NULL, state_vector BLOB NOT NULL, updated_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS updates (id INTEGER PRIMARY KEY AUTOINCREMENT, doc_name TEXT NOT NULL, data BLOB NOT NULL, origin TEXT NOT NULL,
  timestamp INTEGER NOT NULL, device_id TEXT, device_name TEXT);
CREATE INDEX IF NOT EXISTS idx_updates_doc_id ON updates(doc_name, id);
CREATE TABLE IF NOT EXISTS file_index (path TEXT PRIMARY KEY, title TEXT, part_of TEXT, deleted INTEGER NOT NULL DEFAULT 0, modified_at INTEGER NOT NULL);
`

export const blob = (bytes) => `x'${Buffer.from(bytes).toString('hex')}'`
export const text = (value) => `'${value.replaceAll("'", "''")}'`

export const updateRow = (name, data, { origin = 'local', time = 1_700_000_000_000 } = {}) =>
  `INSERT INTO updates (doc_name, data, origin, timestamp) VALUES (${text(name)}, ${blob(data)}, '${origin}', ${time});`
export const snapshotRow = (name, doc, time = 1_700_000_000_000) =>
  `INSERT OR REPLACE INTO documents VALUES (${text(name)}, ${blob(Y.encodeStateAsUpdate(doc))}, ${blob(Y.encodeStateVector(doc))}, ${time});`

// A record with all ten fields, in their order.
export function metadata(filename, fields = {}) {
  return JSON.stringify({
    filename, title: null, part_of: null, contents: null, attachments: [], deleted: false, audience: null, description: null, extra: {}, modified_at: 1_700_000_000_000,
    ...fields
  })
}

// A document whose every transaction becomes a row of the log. `edit` gets the document.
export function logged(name, edits, options = {}) {
  const doc = new Y.Doc()
  const rows = []
  doc.on('update', (update) => rows.push(updateRow(name, update, { ...options, time: (options.time ?? 1_700_000_000_000) + rows.length })))
  for (const edit of edits) doc.transact(() => edit(doc))
  return { doc, rows }
}

// Files as {key: record JSON}, in the log of the workspace document.
export const records = (files, name = 'workspace:w1', options = {}) =>
  logged(name, Object.entries(files).map(([key, json]) => (doc) => doc.getMap('files').set(key, json)), options)
// A body that was typed in steps, one row each.
export const typed = (name, pieces, options = {}) =>
  logged(name, pieces.map((piece) => (doc) => doc.getText('body').insert(doc.getText('body').length, piece)), options)
