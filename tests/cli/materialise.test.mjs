// materialise: the documents as files, attachments along with them; the same octets as the folder when nothing is pending.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import { exists, run, runJson, serve } from '../support/binary.mjs'
import { Client } from '../support/client.mjs'
import { contents, folder, journal, read, tempDir, write } from '../support/folders.mjs'
import { unzip } from '../support/unzip.mjs'

async function initialised(t) {
  const dir = journal(t)
  assert.equal((await run(['init', dir])).code, 0)
  return dir
}

// Only files: an export has no empty folders, and none of the hidden files.
const files = (tree) =>
  Object.fromEntries(
    Object.entries(tree)
      .filter(([name, what]) => what.startsWith('file') && !name.split('/').some((part) => part.startsWith('.')))
      .map(([name, what]) => [name, what.split(' ').slice(2).join(' ')])
  )

test('--out: every file of the example, octet for octet', async (t) => {
  const dir = await initialised(t)
  const out = path.join(tempDir(t), 'deep/out')
  const done = await runJson(['materialise', dir, '--out', out])
  assert.equal(done.code, 0, done.stderr)
  assert.deepEqual(files(contents(out)), files(contents(dir)))
  assert.equal(done.json.files + done.json.others, Object.keys(files(contents(dir))).length)
})

test('the other spelling does the same', async (t) => {
  const dir = await initialised(t)
  const out = tempDir(t)
  assert.equal((await run(['materialize', dir, '--out', out])).code, 0)
  assert.deepEqual(files(contents(out)), files(contents(dir)))
})

test('--zip: the same files in a ZIP file', async (t) => {
  const dir = await initialised(t)
  const zip = path.join(tempDir(t), 'journal.zip')
  const done = await run(['materialise', dir, '--zip', zip])
  assert.equal(done.code, 0, done.stderr)
  const out = tempDir(t)
  for (const [name, content] of unzip(fs.readFileSync(zip))) write(out, name, content)
  assert.deepEqual(files(contents(out)), files(contents(dir)))
})

test('a folder that is not empty and a ZIP file that exists are refused without --force', async (t) => {
  const dir = await initialised(t)
  const out = folder(t, { 'mine.txt': 'mine' })
  const refused = await run(['materialise', dir, '--out', out])
  assert.equal(refused.code, 3)
  assert.match(refused.stderr, /not empty.*--force/)
  assert.deepEqual(fs.readdirSync(out), ['mine.txt'])
  assert.equal((await run(['materialise', dir, '--out', out, '--force'])).code, 0)
  assert.equal(read(out, 'mine.txt'), 'mine')
  assert.ok(exists(path.join(out, 'README.md')))

  const zip = write(out, 'x.zip', 'precious')
  assert.equal((await run(['materialise', dir, '--zip', zip])).code, 3)
  assert.equal(read(out, 'x.zip'), 'precious')
  assert.equal((await run(['materialise', dir, '--zip', zip, '--force'])).code, 0)
  assert.ok(unzip(fs.readFileSync(zip)).has('README.md'))
})

test('a target inside of the workspace is refused: the next init would take it in', async (t) => {
  const dir = await initialised(t)
  const done = await run(['materialise', dir, '--out', path.join(dir, 'copy')])
  assert.equal(done.code, 3)
  assert.match(done.stderr, /inside/)
  assert.ok(!exists(path.join(dir, 'copy')))
})

test('beside a running serve it has what was typed, before it is in the file', async (t) => {
  const dir = folder(t, { 'README.md': '---\ntitle: Home\n---\nhello\n' })
  const server = await serve(t, dir, ['--no-write-back'])
  const [writer, reader] = [await Client.connect(server), await Client.connect(server)]
  const seen = await reader.body('README.md')
  ;(await writer.body('README.md')).text.insert(0, 'typed ')
  const shown = new Promise((resolve) => seen.text.observe(() => resolve()))
  if (!seen.text.toString().startsWith('typed')) await shown
  const out = path.join(tempDir(t), 'out')
  assert.equal((await run(['materialise', dir, '--out', out])).code, 0)
  assert.equal(read(out, 'README.md'), '---\ntitle: Home\n---\ntyped hello\n')
  assert.equal(read(dir, 'README.md'), '---\ntitle: Home\n---\nhello\n')
  await Promise.all([writer.close(), reader.close()])
  await server.stop()
})
