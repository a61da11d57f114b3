// init: a folder becomes a workspace; a second run takes in what has changed and resets nothing.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import { exists, run, runJson, serve } from '../support/binary.mjs'
import { folder, journal, read, snapshot, tempDir, write } from '../support/folders.mjs'

const notes = {
  'README.md': '---\ntitle: Home\ncontents:\n  - "[A](/a.md)"\n---\n# Home\n',
  'a.md': '---\ntitle: A\npart_of: "[Home](/README.md)"\n---\ntext\n',
  'loose.md': 'no header, in no list\n'
}

test('the JSON has the promised fields, in order', async (t) => {
  const dir = folder(t, notes)
  const done = await runJson(['init', dir])
  assert.equal(done.code, 0, done.stderr)
  assert.deepEqual(Object.keys(done.json), ['workspace_id', 'epoch', 'files', 'updated', 'deleted', 'skipped', 'elapsed_ms'])
  assert.equal(done.json.files, 3)
  assert.equal(done.json.updated, 3)
  assert.equal(done.json.deleted, 0)
  assert.deepEqual(done.json.skipped, [])
  assert.ok(done.json.workspace_id.length > 0)
  assert.ok(done.json.epoch.length > 0)
})

test('.diaryx holds the store and hides itself from git', async (t) => {
  const dir = folder(t, notes)
  await run(['init', dir])
  assert.ok(exists(path.join(dir, '.diaryx/store.db')))
  assert.equal(read(dir, '.diaryx/.gitignore').trim(), '*')
})

test('a second run finds nothing to do and keeps the epoch', async (t) => {
  const dir = folder(t, notes)
  const first = await runJson(['init', dir])
  const second = await runJson(['init', dir])
  assert.equal(second.code, 0)
  assert.equal(second.json.epoch, first.json.epoch)
  assert.equal(second.json.workspace_id, first.json.workspace_id)
  assert.deepEqual([second.json.files, second.json.updated, second.json.deleted], [3, 0, 0])
})

test('changed, new and vanished files are counted, and renamed ones keep their text', async (t) => {
  const dir = folder(t, notes)
  await run(['init', dir])
  write(dir, 'a.md', notes['a.md'] + 'more\n')
  write(dir, 'new.md', 'new\n')
  fs.rmSync(path.join(dir, 'loose.md'))
  const done = await runJson(['init', dir])
  assert.deepEqual([done.json.files, done.json.updated, done.json.deleted], [3, 2, 1])
  const out = path.join(tempDir(t), 'out')
  await run(['materialise', dir, '--out', out])
  assert.equal(read(out, 'a.md'), notes['a.md'] + 'more\n')
  assert.ok(!exists(path.join(out, 'loose.md')))
})

test('a folder without a root index is a workspace too', async (t) => {
  const dir = folder(t, { '2024/01.md': 'one\n', '2024/02.md': 'two\n', 'x.md': 'x\n' })
  const done = await runJson(['init', dir])
  assert.equal(done.code, 0, done.stderr)
  assert.equal(done.json.files, 3)
})

test('an empty folder is a workspace of no notes', async (t) => {
  const done = await runJson(['init', tempDir(t)])
  assert.equal(done.code, 0, done.stderr)
  assert.equal(done.json.files, 0)
})

test('the example comes in whole and is not touched', async (t) => {
  const dir = journal(t)
  const before = snapshot(dir)
  const done = await runJson(['init', dir])
  assert.equal(done.code, 0, done.stderr)
  assert.ok(done.json.files >= 15)
  assert.deepEqual(snapshot(dir), before)
})

test('what is left alone is listed with its reason', async (t) => {
  const dir = folder(t, { 'good.md': 'x\n' })
  fs.symlinkSync('good.md', path.join(dir, 'link.md'))
  write(dir, 'binary.md', Buffer.from([0xff, 0xfe, 0x00, 0x80]))
  const done = await runJson(['init', dir])
  assert.equal(done.code, 0)
  assert.equal(done.json.files, 1)
  const skipped = Object.fromEntries(done.json.skipped.map(({ path, reason }) => [path, reason]))
  assert.match(skipped['link.md'], /symbolic link/)
  assert.match(skipped['binary.md'], /utf-8/i)
})

test('a file in place of the folder, or no folder, is refused', async (t) => {
  const dir = folder(t, { 'a.md': 'x' })
  assert.equal((await run(['init', path.join(dir, 'a.md')])).code, 2)
  assert.equal((await run(['init', path.join(dir, 'nope')])).code, 3)
  assert.ok(!exists(path.join(dir, 'nope')))
})

test('beside a running serve, it is the server that takes in what has changed', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  write(dir, 'a.md', notes['a.md'] + 'beside\n')
  const done = await runJson(['init', dir])
  assert.equal(done.code, 0, done.stderr)
  assert.equal(done.json.epoch, server.epoch)
  assert.equal(done.json.files, 3)
  const out = path.join(tempDir(t), 'out')
  await run(['materialise', dir, '--out', out])
  assert.equal(read(out, 'a.md'), notes['a.md'] + 'beside\n')
  await server.stop()
})
