// init --import-db: what a Diaryx 1.4 database holds becomes notes of ours, with their history; nothing of it or of the files on disk is
// lost; the database is never changed, whatever it holds.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import * as Y from 'yjs'

import { run, runJson, serve, exists } from '../support/binary.mjs'
import { Client } from '../support/client.mjs'
import { blob, logged, metadata, records, schema, snapshotRow, sql, text, typed, updateRow } from '../support/diaryx_database.mjs'
import { folder, read, snapshot, tempDir, write } from '../support/folders.mjs'

const kOld = 1_700_000_000_000

function database(t, ...rows) {
  const file = path.join(tempDir(t), 'notes.db')
  sql(file, schema + rows.flat(Infinity).join('\n'))
  return file
}

// The result, and that FILE and its folder are as they were.
async function importInto(dir, file, code = 0) {
  const before = snapshot(path.dirname(file))
  const done = await runJson(['init', '--import-db', file, dir])
  assert.equal(done.code, code, done.stdout + done.stderr)
  assert.deepEqual(snapshot(path.dirname(file)), before, 'the database is left alone')
  return done.json
}

async function checkSound(dir, code = 0) {
  const looked = await runJson(['validate', dir])
  assert.equal(looked.code, code, looked.stdout)
  return looked.json.issues
}

const three = () => [
  records({
    'README.md': metadata('README.md', { title: 'Home', contents: ['journal/day.md', 'gone.md'], extra: { mood: 'fine', tags: ['a', 'b'] } }),
    'journal/day.md': metadata('day.md', { title: 'A day', part_of: 'README.md', audience: ['family'], modified_at: kOld + 5 }),
    'gone.md': metadata('gone.md', { title: 'Gone', deleted: true })
  }).rows,
  typed('body:w1/README.md', ['Welcome', ' home', '.\n']).rows,
  typed('body:w1/journal/day.md', ['It rained.\n', 'Then it did not.\n']).rows,
  typed('body:w1/gone.md', ['Nobody needs this.\n']).rows
]

test('into an empty folder: notes are written, deleted ones are not, and the history is there', async (t) => {
  const dir = folder(t)
  const file = database(t, three())
  const done = await importInto(dir, file)
  assert.deepEqual(done.imported, { notes: 2, deleted: 1, known: 0, documents: 3, updates: 6, left_out: [], kept_aside: [] })
  assert.equal(done.files, 2)
  assert.deepEqual(Object.keys(snapshot(dir)).sort(), ['README.md', 'journal', 'journal/day.md'])
  assert.match(read(dir, 'journal/day.md'), /title: A day[\s\S]*part_of: .*README\.md[\s\S]*family[\s\S]*---\nIt rained\.\nThen it did not\.\n$/)
  assert.match(read(dir, 'README.md'), /title: Home[\s\S]*journal\/day\.md[\s\S]*mood: fine[\s\S]*Welcome home\.\n$/)
  const status = await runJson(['status', dir])
  assert.equal(status.json.deleted, 1)
  assert.deepEqual(status.json.pending, [])

  // A peer that holds the old history merges with what is served.
  const old = new Y.Doc()
  const { doc } = typed('x', ['Welcome', ' home', '.\n'])
  assert.equal(doc.getText('body').toString(), 'Welcome home.\n')
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  const note = await client.body('README.md')
  assert.equal(note.text.toString(), 'Welcome home.\n')
  assert.equal(Y.decodeStateVector(Y.encodeStateVector(note.doc)).size, 1, 'one writer: the one of the database')
  await client.close()
  assert.equal((await server.stop()).code, 0)
  old.destroy()
})

test('a second run changes nothing, and takes in what has come since', async (t) => {
  const dir = folder(t)
  const day = typed('body:w1/journal/day.md', ['It rained.\n'])
  const home = records({ 'journal/day.md': metadata('day.md', { title: 'A day' }) })
  const file = database(t, home.rows, day.rows)
  await importInto(dir, file)
  const before = snapshot(dir)
  const again = await importInto(dir, file)
  assert.deepEqual(again.imported, { notes: 0, deleted: 0, known: 1, documents: 0, updates: 0, left_out: [], kept_aside: [] })
  assert.deepEqual(snapshot(dir), before)

  write(dir, 'journal/day.md', read(dir, 'journal/day.md') + 'On disk.\n')
  const rows = []
  day.doc.on('update', (update) => rows.push(updateRow('body:w1/journal/day.md', update)))
  day.doc.getText('body').insert(0, 'In Diaryx.\n')
  home.doc.on('update', (update) => rows.push(updateRow('workspace:w1', update)))
  home.doc.getMap('files').set('journal/day.md', metadata('day.md', { title: 'A long day', modified_at: Date.now() + 1000 }))
  sql(file, rows.join('\n'))
  const third = await importInto(dir, file)
  assert.equal(third.imported.documents, 1)
  assert.match(read(dir, 'journal/day.md'), /title: A long day[\s\S]*---\nIn Diaryx\.\nIt rained\.\nOn disk\.\n$/)
  await checkSound(dir)
})

test('files on disk win over what the database never knew, and lose nothing to it', async (t) => {
  const notes = ['older', 'same', 'other', 'more']
  const header = (name, more = '') => `---\n# by hand\ntitle: ${name}\n${more}---\n`
  const files = {
    // As it was once in the database: Diaryx has gone on since.
    'older.md': header('older') + 'One.\n',
    'same.md': header('same') + 'One.\nTwo.\n',
    'other.md': header('other', 'own: mine\n') + 'Nothing like it.\n',
    // Everything that the database has, and a line of its own.
    'more.md': header('more') + 'One.\nAnd a half.\nTwo.\n',
    'untold.md': header('untold') + 'Not in the database.\n',
    'risen.md': header('risen') + 'Back again.\n'
  }
  const dir = folder(t, files)
  const file = database(
    t,
    records({
      ...Object.fromEntries(notes.map((name) => [`${name}.md`, metadata(`${name}.md`, { title: name })])),
      'risen.md': metadata('risen.md', { title: 'risen', deleted: true })
    }).rows,
    notes.map((name) => typed(`body:w1/${name}.md`, ['One.\n', 'Two.\n']).rows),
    typed('body:w1/risen.md', ['Buried.\n']).rows
  )
  const done = await importInto(dir, file)
  assert.deepEqual(done.imported.kept_aside, ['other.md'])
  assert.equal(read(dir, '.diaryx/imported/other.md'), 'One.\nTwo.\n')
  assert.equal(read(dir, 'older.md'), header('older') + 'One.\nTwo.\n')
  for (const name of ['same.md', 'other.md', 'more.md', 'untold.md', 'risen.md']) assert.equal(read(dir, name), files[name], name)
  assert.equal(done.files, 6)
  await checkSound(dir)
  await importInto(dir, file)
  assert.deepEqual(fs.readdirSync(path.join(dir, '.diaryx/imported')), ['other.md'], 'kept once')
  for (const name of ['same.md', 'other.md', 'more.md', 'untold.md', 'risen.md']) assert.equal(read(dir, name), files[name], name)
})

test('a field that only the database has stays if it was changed there after the file, else it goes', async (t) => {
  const dir = folder(t, { 'new.md': '---\ntitle: new\n---\nOne.\n', 'old.md': '---\ntitle: old\n---\nOne.\n' })
  const file = database(
    t,
    records({
      'new.md': metadata('new.md', { title: 'new', description: 'Said later', modified_at: Date.now() + 3_600_000 }),
      'old.md': metadata('old.md', { title: 'old', description: 'Said before' })
    }).rows,
    ['new', 'old'].map((name) => typed(`body:w1/${name}.md`, ['One.\n']).rows)
  )
  await importInto(dir, file)
  assert.match(read(dir, 'new.md'), /^---\ntitle: new\ndescription: Said later\n---\nOne\.\n$/)
  assert.equal(read(dir, 'old.md'), '---\ntitle: old\n---\nOne.\n')
})

test('a workspace that is one already keeps its texts', async (t) => {
  const dir = folder(t, { 'a.md': 'Mine.\n', 'b.md': 'The same.\n' })
  assert.equal((await run(['init', dir])).code, 0)
  const file = database(
    t,
    records({ 'a.md': metadata('a.md'), 'b.md': metadata('b.md'), 'c.md': metadata('c.md') }).rows,
    typed('body:w1/a.md', ['Theirs.\n']).rows,
    typed('body:w1/b.md', ['The same.\n']).rows,
    typed('body:w1/c.md', ['New here.\n']).rows
  )
  for (let round = 0; round < 2; ++round) {
    const done = await importInto(dir, file)
    assert.equal(done.imported.known, round === 0 ? 2 : 3)
    assert.deepEqual(done.imported.kept_aside, ['a.md'])
    assert.equal(read(dir, 'a.md'), 'Mine.\n')
    assert.equal(read(dir, 'b.md'), 'The same.\n')
    assert.match(read(dir, 'c.md'), /New here\.\n$/)
    assert.equal(read(dir, '.diaryx/imported/a.md'), 'Theirs.\n')
  }
  await checkSound(dir)
})

test('what a killed Diaryx left in a write-ahead log or a journal counts', async (t) => {
  for (const mode of ['WAL', 'DELETE']) {
    const dir = folder(t)
    const file = database(t, three())
    const late = typed('body:w1/late.md', ['In the log.\n']).rows.join('\n')
    const record = logged('workspace:w1', [(doc) => doc.getMap('files').set('late.md', metadata('late.md'))]).rows.join('\n')
    // The journal undoes what was not committed; the log holds what was.
    if (mode === 'WAL') sql(file, `PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; BEGIN; ${late} ${record} COMMIT;`, { killed: true })
    else sql(file, `PRAGMA cache_size = 1; BEGIN; ${late} UPDATE updates SET data = zeroblob(100000); PRAGMA cache_spill = ON;`, { killed: true })
    assert.ok(exists(file + (mode === 'WAL' ? '-wal' : '-journal')), mode)
    const done = await importInto(dir, file)
    assert.equal(done.files, mode === 'WAL' ? 3 : 2)
    assert.equal(exists(path.join(dir, 'late.md')), mode === 'WAL')
    if (mode === 'WAL') assert.match(read(dir, 'late.md'), /In the log\.\n$/)
    assert.match(read(dir, 'journal/day.md'), /Then it did not\.\n$/)
  }
})

test('ids instead of paths: where a note is follows from its parents, and from the files', async (t) => {
  const id = (n) => `00000000-0000-4000-8000-00000000000${n}`
  const dir = folder(t, { 'work/deep/plan.md': '---\ntitle: Plan\n---\nThe plan.\n' })
  const file = database(
    t,
    records({
      [id(1)]: metadata('README.md', { title: 'Home', contents: [id(2), id(3), id(4)] }),
      [id(2)]: metadata('trip.md', { title: 'Trip', part_of: id(1) }),
      [id(3)]: metadata('plan.md', { title: 'Plan', part_of: id(1) }),
      [id(4)]: metadata('folder', { part_of: null }),
      [id(5)]: metadata('leaf.md', { title: 'Leaf', part_of: id(4) })
    }, 'workspace').rows,
    typed(id(2), ['Away.\n']).rows,
    typed(id(3), ['The plan.\n']).rows,
    typed('folder/leaf.md', ['A leaf.\n']).rows
  )
  const done = await importInto(dir, file, 1)
  assert.deepEqual(done.imported.left_out.map((row) => row.what), [id(4)])
  assert.match(read(dir, 'trip.md'), /Away\.\n$/)
  assert.match(read(dir, 'folder/leaf.md'), /A leaf\.\n$/)
  assert.equal(read(dir, 'work/deep/plan.md'), '---\ntitle: Plan\n---\nThe plan.\n', 'the only file of that name')
  assert.match(read(dir, 'README.md'), /trip\.md[\s\S]*work\/deep\/plan\.md/)
  assert.equal(done.files, 4)
})

test('snapshots, bare names, long logs and CRLF', async (t) => {
  const crlf = typed('x', ['One.\r\nTwo.\r\n'])
  const long = typed('long.md', Array.from({ length: 200 }, (_, n) => `Line ${n}.\n`))
  const both = typed('body:w1/both.md', ['First.\n', 'Second.\n'])
  const dir = folder(t, { 'crlf.md': '---\r\ntitle: C\r\n---\r\nOne.\r\nTwo.\r\nThree.\r\n' })
  const file = database(
    t,
    records({ 'crlf.md': metadata('crlf.md', { title: 'C' }), './long.md': metadata('long.md'), 'both.md': metadata('both.md') }, 'workspace').rows,
    snapshotRow('crlf.md', crlf.doc),
    long.rows,
    // A snapshot that already holds its log.
    snapshotRow('body:w1/both.md', both.doc),
    both.rows
  )
  const done = await importInto(dir, file)
  assert.deepEqual(done.imported.kept_aside, [])
  assert.equal(read(dir, 'crlf.md'), '---\r\ntitle: C\r\n---\r\nOne.\r\nTwo.\r\nThree.\r\n')
  assert.match(read(dir, 'long.md'), /Line 0\.\n[\s\S]*Line 199\.\n$/)
  assert.match(read(dir, 'both.md'), /First\.\nSecond\.\n$/)
  await checkSound(dir)
})

test('two texts of one note: those with one history become one, another one is kept aside', async (t) => {
  const old = typed('body:w1/a.md', ['Shared.\n'])
  const grown = new Y.Doc()
  Y.applyUpdate(grown, Y.encodeStateAsUpdate(old.doc))
  grown.getText('body').insert(8, 'Grown.\n')
  const dir = folder(t)
  const file = database(
    t,
    records({ 'a.md': metadata('a.md'), 'b.md': metadata('b.md') }).rows,
    old.rows,
    snapshotRow('a.md', grown, kOld + 100),
    typed('body:w1/b.md', ['Newer.\n'], { time: kOld + 100 }).rows,
    typed('b.md', ['Older.\n']).rows
  )
  const done = await importInto(dir, file)
  assert.match(read(dir, 'a.md'), /Shared\.\nGrown\.\n$/)
  assert.match(read(dir, 'b.md'), /Newer\.\n$/)
  assert.deepEqual(done.imported.kept_aside, ['b.md'])
  assert.equal(read(dir, '.diaryx/imported/b.md'), 'Older.\n')
})

test('texts without a record wait for it; without any records a path is enough', async (t) => {
  const bodies = [typed('body:w1/lonely.md', ['Alone.\n']).rows, typed('body:w1/../up.md', ['Out.\n']).rows]
  const waits = folder(t)
  await importInto(waits, database(t, records({ 'a.md': metadata('a.md') }).rows, bodies), 1)
  assert.deepEqual(Object.keys(snapshot(waits)), ['a.md'])
  assert.deepEqual((await checkSound(waits, 1)).map((issue) => issue.kind), ['OrphanBodyDoc'])

  const found = folder(t, { 'lonely.md': 'Alone.\nOn disk.\n' })
  await importInto(found, database(t, records({ 'a.md': metadata('a.md') }).rows, bodies), 1)
  assert.equal(read(found, 'lonely.md'), 'Alone.\nOn disk.\n')
  await checkSound(found)

  const none = folder(t)
  const done = await importInto(none, database(t, bodies), 1)
  assert.equal(read(none, 'lonely.md'), 'Alone.\n')
  assert.deepEqual(done.imported.left_out.map((row) => row.what), ['body:w1/../up.md'])
})

test('what is broken or hostile is told of and left out; the rest is taken over', async (t) => {
  // What climbs two folders up would still be seen.
  const outside = tempDir(t)
  const dir = path.join(outside, 'deep/notes')
  fs.mkdirSync(dir, { recursive: true })
  const good = typed('body:w1/good.md', ['Good.\n'])
  const partly = typed('body:w1/partly.md', ['Kept.\n', 'Lost.\n'])
  const nested = logged('workspace:w1', [
    (doc) => doc.getMap('files').set('good.md', metadata('good.md')),
    (doc) => doc.getMap('files').set('partly.md', metadata('partly.md')),
    (doc) => doc.getMap('files').set('../../evil.md', metadata('evil.md')),
    (doc) => doc.getMap('files').set('.diaryx/store.md', metadata('store.md')),
    (doc) => doc.getMap('files').set('/etc/passwd', metadata('passwd')),
    (doc) => doc.getMap('files').set('map.md', new Y.Map([['path', 'map.md']])),
    (doc) => doc.getMap('files').set('broken.md', '{"filename": "broken'),
    (doc) => doc.getMap('files').set('deep.md', '['.repeat(100_000)),
    (doc) => doc.getMap('files').set('a\u001b[31m.md', metadata('a.md'))
  ])
  const notText = logged('body:w1/array.md', [(doc) => doc.getArray('body').insert(0, [1, 2, 3])])
  const file = database(
    t,
    nested.rows,
    good.rows,
    partly.rows[0],
    updateRow('body:w1/partly.md', Buffer.from('ff'.repeat(40), 'hex')),
    updateRow('body:w1/wild.md', Buffer.from('01ffffffffffffffff7f00', 'hex')),
    updateRow('workspace:w1', Buffer.alloc(0)),
    typed('body:w1/../../evil.md', ['Evil.\n']).rows,
    notText.rows,
    `INSERT INTO documents VALUES (x'ff00', ${blob([0, 0])}, x'00', 1);`,
    `INSERT INTO documents VALUES ('text.md', 'not octets', x'00', 1);`,
    `INSERT INTO updates (doc_name, data, origin, timestamp) VALUES ('', x'0000', 'whatever', 'yesterday');`
  )
  const done = await importInto(dir, file, 1)
  assert.deepEqual(Object.keys(snapshot(dir)).sort(), ['good.md', 'partly.md'])
  assert.match(read(dir, 'good.md'), /Good\.\n$/)
  assert.match(read(dir, 'partly.md'), /Kept\.\n$/)
  const told = new Map(done.imported.left_out.map((row) => [row.what, row.reason]))
  for (const what of ['../../evil.md', '.diaryx/store.md', '/etc/passwd', 'map.md', 'broken.md', 'deep.md', 'a\u001b[31m.md', 'body:w1/../../evil.md', 'text.md: a snapshot', 'a snapshot'])
    assert.ok([...told.keys()].some((key) => key === what || key === what.replace(/^\//, '')), `${what} in ${[...told.keys()]}`)
  assert.ok([...told.keys()].some((key) => /^body:w1\/partly\.md: update \d+$/.test(key)))
  assert.ok([...told.keys()].some((key) => /^body:w1\/wild\.md: update \d+$/.test(key)))
  for (const reason of told.values()) assert.ok(reason.length > 5)
  assert.deepEqual([fs.readdirSync(outside), fs.readdirSync(path.dirname(dir))], [['deep'], ['notes']])
  const said = await run(['init', '--import-db', file, folder(t)])
  assert.equal(said.code, 1)
  assert.ok(!said.stdout.includes('\u001b'), 'a key does not drive the terminal')
})

test('no database of Diaryx: an error that says why, and nothing is made', async (t) => {
  const text1 = path.join(tempDir(t), 'text.db')
  fs.writeFileSync(text1, 'not a database, but long enough to be looked at as if it were one\n'.repeat(20))
  const empty = path.join(tempDir(t), 'empty.db')
  fs.writeFileSync(empty, '')
  const strange = path.join(tempDir(t), 'strange.db')
  sql(strange, 'CREATE TABLE contacts (name TEXT);')
  const view = path.join(tempDir(t), 'view.db')
  sql(view, `CREATE TABLE t (x); CREATE VIEW documents AS SELECT 1 AS name, 2 AS state, 3 AS updated_at; CREATE VIEW updates AS SELECT 1;`)
  const version = path.join(tempDir(t), 'version.db')
  sql(version, schema + 'PRAGMA user_version = 7;')
  const columns = path.join(tempDir(t), 'columns.db')
  sql(columns, 'CREATE TABLE documents (name TEXT, content TEXT, updated_at INTEGER); CREATE TABLE updates (id INTEGER, doc_name TEXT, data BLOB, origin TEXT, timestamp INTEGER);')
  const torn = database(t, three())
  fs.truncateSync(torn, 4096 * 3)
  const ours = folder(t, { 'a.md': 'a\n' })
  assert.equal((await run(['init', ours])).code, 0)
  const cases = [
    [text1, 'malformed', /not a database/],
    [empty, 'malformed', /no tables/],
    [strange, 'malformed', /no tables/],
    [view, 'malformed', /no tables/],
    [version, 'unsupported', /schema version 7/],
    [columns, 'malformed', /"documents" lacks/],
    [torn, 'malformed', /malformed/],
    [path.join(ours, '.diaryx/store.db'), 'invalid_argument', /store of diaryx-sync/],
    [path.join(ours, 'nothing.db'), 'not_found', /nothing\.db/],
    [ours, 'not_allowed', /not a regular file/]
  ]
  for (const [file, code, message] of cases) {
    const dir = folder(t)
    const done = await runJson(['init', '--import-db', file, dir])
    assert.ok(done.code === 3 || done.code === 2, `${file}: ${done.code}`)
    assert.equal(done.json.error.code, code, done.stdout)
    assert.match(done.json.error.message, message)
    assert.ok(done.json.error.message.includes(path.basename(file)), done.json.error.message)
    assert.deepEqual(fs.readdirSync(dir), [], file)
  }
})

test('a journal that names other files has none of them removed', async (t) => {
  const file = database(t, three())
  const victim = write(tempDir(t), 'victim.md', 'Dear to somebody.\n')
  sql(file, `PRAGMA cache_size = 1; BEGIN; UPDATE updates SET data = zeroblob(100000);`, { killed: true })
  const name = Buffer.from(victim)
  const sum = name.reduce((all, octet) => all + octet, 0)
  const tail = Buffer.alloc(4 + name.length + 16)
  tail.writeUInt32BE(1, 0)
  name.copy(tail, 4)
  tail.writeUInt32BE(name.length, 4 + name.length)
  tail.writeUInt32BE(sum, 8 + name.length)
  Buffer.from('d9d505f920a163d7', 'hex').copy(tail, 12 + name.length)
  fs.appendFileSync(file + '-journal', tail)
  const done = await runJson(['init', '--import-db', file, folder(t)])
  assert.equal(done.code, 3)
  assert.equal(done.json.error.code, 'unsupported')
  assert.ok(exists(victim))
})

test('not while a server runs', async (t) => {
  const dir = folder(t, { 'a.md': 'a\n' })
  const file = database(t, three())
  const server = await serve(t, dir)
  const done = await runJson(['init', '--import-db', file, dir])
  assert.equal(done.code, 3)
  assert.equal(done.json.error.code, 'busy')
  assert.equal((await server.stop()).code, 0)
})

test('killed at any moment, it is done or not, and the next run does it', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`n${n}.md`, metadata(`n${n}.md`, { title: `Note ${n}` })]))
  const file = database(t, records(many).rows, Object.keys(many).map((name) => typed(`body:w1/${name}`, ['One.\n', `Of ${name}.\n`]).rows))
  for (const ms of [5, 20, 40, 80, 160]) {
    const dir = folder(t)
    await run(['init', '--import-db', file, dir], { timeoutMs: ms }).catch(() => {})
    const done = await importInto(dir, file)
    assert.equal(done.files, 150)
    for (const name of Object.keys(many)) assert.equal(read(dir, name), `---\ntitle: Note ${name.slice(1, -3)}\n---\nOne.\nOf ${name}.\n`, `${name} after ${ms} ms`)
    await checkSound(dir)
  }
})
