// The wire kit against the real server, and bodies of notes that do not exist yet.
import assert from 'node:assert/strict'
import path from 'node:path'
import test from 'node:test'

import { execute, exists, repository, runJson, serve, sleep, until } from '../support/binary.mjs'
import { Client, Y } from '../support/client.mjs'
import { folder, journal, read } from '../support/folders.mjs'

test('every scenario of the wire kit passes', { timeout: 500_000 }, async (t) => {
  const server = await serve(t, journal(t))
  const kit = path.join(repository, 'tests/wire/run.mjs')
  const done = await execute(process.execPath, [kit, '--url', server.syncUrl, '--ws', server.workspace_id], { timeoutMs: 480_000 })
  for (const line of done.stdout.trim().split('\n')) t.diagnostic(line)
  assert.match(done.stdout, /^(9|[1-9]\d+) passed, 0 failed$/m, done.stderr)
  assert.equal(done.code, 0)
  assert.equal((await server.stop()).code, 0)
})

test('a body without a note is kept, reported, and becomes a file when its record appears', async (t) => {
  const dir = folder(t, { 'README.md': '---\ntitle: Home\n---\n' })
  let server = await serve(t, dir)
  let client = await Client.connect(server)
  ;(await client.body('later/note.md')).text.insert(0, 'early words\n')
  const other = await Client.connect(server)
  const seen = await other.body('later/note.md')
  await until(() => seen.text.toString() === 'early words\n', 'the other client to be shown the text')
  await sleep(1000)
  assert.ok(!exists(path.join(dir, 'later/note.md')))
  const report = await runJson(['validate', dir])
  assert.equal(report.code, 1)
  assert.deepEqual(report.json.issues.map(({ kind }) => kind), ['OrphanBodyDoc'])
  assert.match(report.json.issues[0].key + report.json.issues[0].path, /later\/note\.md/)

  await server.kill()
  server = await serve(t, dir)
  client = await Client.connect(server)
  assert.equal((await client.body('later/note.md')).text.toString(), 'early words\n', 'kept over a crash')
  const workspace = await client.workspace()
  workspace.doc.transact(() => {
    const record = new Y.Map()
    workspace.files.set('bGF0ZXItbm90ZQ', record)
    record.set('path', 'later/note.md')
    record.set('title', 'Later')
  })
  await until(() => exists(path.join(dir, 'later/note.md')) && read(dir, 'later/note.md').endsWith('early words\n'), 'the file', 5000)
  assert.equal(read(dir, 'later/note.md'), '---\ntitle: Later\n---\nearly words\n')
  assert.equal((await runJson(['validate', dir])).json.issues.filter(({ kind }) => kind === 'OrphanBodyDoc').length, 0)
  await client.close()
  await server.stop()
})
