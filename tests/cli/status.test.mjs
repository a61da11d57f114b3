// status: what is here, what is served, what is pending.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import { run, runJson, serve, until } from '../support/binary.mjs'
import { Client } from '../support/client.mjs'
import { folder, snapshot, tempDir } from '../support/folders.mjs'

const notes = { 'README.md': '---\ntitle: Home\n---\nhello\n', 'gone.md': 'x\n' }

test('a folder that is no workspace: said, not made into one', async (t) => {
  const dir = tempDir(t)
  const done = await runJson(['status', dir])
  assert.equal(done.code, 0)
  assert.deepEqual(done.json, { root: dir, workspace_id: null, epoch: null, files: 0, deleted: 0, attachments: { files: 0, bytes: 0, not_indexed: 0 }, pending: [], server: null, watching: null, troubles: [] })
  assert.deepEqual(fs.readdirSync(dir), [])
})

test('a workspace at rest', async (t) => {
  const dir = folder(t, notes)
  const { json: init } = await runJson(['init', dir])
  fs.rmSync(path.join(dir, 'gone.md'))
  await run(['init', dir])
  const before = snapshot(dir)
  const done = await runJson(['status', dir])
  assert.equal(done.code, 0, done.stderr)
  assert.deepEqual(done.json, {
    root: dir,
    workspace_id: init.workspace_id,
    epoch: init.epoch,
    files: 1,
    deleted: 1,
    attachments: { files: 0, bytes: 0, not_indexed: 0 },
    pending: [],
    server: null,
    watching: null,
    troubles: []
  })
  const text = await run(['status', dir])
  assert.match(text.stdout, /served: no/)
  assert.match(text.stdout, /pending: nothing/)
  assert.deepEqual(snapshot(dir), before)
})

test('a served workspace: where, by whom, and what waits to be written', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir, ['--no-write-back'])
  const client = await Client.connect(server)
  const note = await client.body('README.md')
  note.text.insert(0, 'typed ')
  const done = await until(async () => {
    const status = await runJson(['status', dir])
    return status.json.pending.length > 0 && status
  }, 'README.md to be pending')
  assert.deepEqual(done.json.pending, ['README.md'])
  assert.equal(done.json.server.pid, server.pid)
  assert.equal(done.json.server.url, `http://127.0.0.1:${server.port}/`)
  assert.equal(done.json.server.reachable, true)
  assert.ok(!done.stdout.includes(server.token), 'the token is not shown')
  await client.close()
  await server.stop()
  assert.equal((await runJson(['status', dir])).json.server, null)
})

test('a server that was killed is not shown as running', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  await server.kill()
  assert.equal((await runJson(['status', dir])).json.server, null)
})

test('attachments: how many, how many octets, and which have not been read since they changed', async (t) => {
  const dir = folder(t, { 'a.md': '---\nattachments: [p.png, q.png, none.png]\n---\n', 'p.png': 'four', 'q.png': 'sixsix', 'r.png': 'nobody has it' })
  fs.utimesSync(path.join(dir, 'p.png'), 1_700_000_000, 1_700_000_000)
  fs.utimesSync(path.join(dir, 'q.png'), 1_700_000_000, 1_700_000_000)
  await run(['init', dir])
  assert.deepEqual((await runJson(['status', dir])).json.attachments, { files: 2, bytes: 10, not_indexed: 0 })
  fs.writeFileSync(path.join(dir, 'q.png'), 'sevenis')
  assert.deepEqual((await runJson(['status', dir])).json.attachments, { files: 2, bytes: 11, not_indexed: 1 })
  assert.match((await run(['status', dir])).stdout, /attachments: 2, 11 octets; 1 not yet indexed/)
  const server = await serve(t, dir)
  await until(async () => (await runJson(['status', dir])).json.attachments.not_indexed === 0, 'it to be read')
  assert.match((await run(['status', dir])).stdout, /attachments: 2, 11 octets\n/)
  await server.stop()
})
