// trash: what was deleted in an editor is listed, comes back with its text, and goes for good only when that is asked for.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import { exists, run, runJson, serve, until } from '../support/binary.mjs'
import { Client, records } from '../support/client.mjs'
import { folder, read, write } from '../support/folders.mjs'

const note = '---\ntitle:   A   # a comment of mine\n---\ntext\n'
const notes = { 'README.md': '---\ntitle: Home\ncontents:\n  - "[A](/notes/a.md)"\n---\nhello\n', 'notes/a.md': note }

async function deleted_note(t) {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  t.after(() => client.drop())
  const workspace = await client.workspace()
  const { id } = records(workspace).find((record) => record.path === 'notes/a.md')
  workspace.files.get(id).set('deleted', true)
  await until(() => !exists(path.join(dir, 'notes/a.md')), 'the file to go')
  return { dir, server, workspace, id }
}

test('a note that was deleted comes back while serve runs: the same file, the same id, the same text', async (t) => {
  const { dir, server, workspace, id } = await deleted_note(t)
  const listed = await runJson(['trash', 'list', '-C', dir])
  assert.equal(listed.code, 0, listed.stderr)
  assert.equal(listed.json.files.length, 1)
  const [entry] = listed.json.files
  assert.equal(entry.path, 'notes/a.md')
  assert.equal(entry.size, note.length)
  assert.ok(Math.abs(entry.deleted_ms - Date.now()) < 60_000)
  assert.match((await run(['trash', 'list', '-C', dir])).stdout, /^\d{4}-\d\d-\d\d \d\d:\d\d +\d+ B {2}\S+\/notes\/a\.md\n$/)
  const done = await runJson(['trash', 'restore', 'notes/a.md', '-C', dir])
  assert.equal(done.code, 0, done.stderr)
  assert.deepEqual(done.json.restored, [{ name: entry.name, path: 'notes/a.md' }])
  assert.equal(read(dir, 'notes/a.md'), note)
  await until(() => records(workspace).some((record) => record.id === id), 'the record to live again')
  await server.flush()
  assert.equal(read(dir, 'notes/a.md'), note)
  assert.deepEqual((await runJson(['trash', 'list', '-C', dir])).json.files, [])
})

test('without a server too, and to another place', async (t) => {
  const { dir, server } = await deleted_note(t)
  await server.stop()
  const done = await run(['trash', 'restore', 'notes/a.md', '--to', 'old/plan.md', '-C', dir])
  assert.equal(done.code, 0, done.stderr)
  assert.equal(read(dir, 'old/plan.md'), note)
  assert.equal((await run(['init', '-C', dir])).code, 0)
  assert.equal(read(dir, 'old/plan.md'), note)
})

test('never over another file; what is not there is said, and then nothing is moved', async (t) => {
  const { dir, server } = await deleted_note(t)
  await server.stop()
  write(dir, 'notes/a.md', 'another\n')
  const over = await run(['trash', 'restore', 'notes/a.md', '-C', dir])
  assert.equal(over.code, 3)
  assert.match(over.stderr, /notes\/a\.md: there is a file of that name; restore it under another with --to/)
  assert.equal(read(dir, 'notes/a.md'), 'another\n')
  fs.rmSync(path.join(dir, 'notes/a.md'))
  assert.equal((await run(['trash', 'restore', 'notes/a.md', 'notes/b.md', '-C', dir])).code, 3)
  assert.ok(!exists(path.join(dir, 'notes/a.md')))
  assert.equal((await run(['trash', 'restore', 'notes/a.md', '--to', '../out.md', '-C', dir])).code, 3)
  assert.equal((await run(['trash', 'restore', '-C', dir])).code, 2)
  assert.equal((await run(['trash', '-C', dir])).code, 2)
})

test('empty removes for good, and only what is old enough', async (t) => {
  const { dir } = await deleted_note(t)
  assert.deepEqual((await runJson(['trash', 'empty', '--older-than', '1d', '-C', dir])).json, { removed: 0, bytes: 0 })
  assert.deepEqual((await runJson(['trash', 'empty', '-C', dir])).json, { removed: 1, bytes: note.length })
  assert.match((await run(['trash', 'list', '-C', dir])).stdout, /^the trash is empty\n$/)
})
