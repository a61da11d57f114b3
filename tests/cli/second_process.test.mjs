// A second process that writes to the store of a running server: the commands do not, and if something does all the same, nothing is lost.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import test from 'node:test'

import { repository, run, runJson, serve, until } from '../support/binary.mjs'
import { call } from '../support/api.mjs'
import { Client, Y } from '../support/client.mjs'
import { folder, read, write } from '../support/folders.mjs'
import { repositoryAt } from '../support/git.mjs'

const append = process.env.DIARYX_APPEND_UPDATE ?? path.join(repository, 'build/release/append_update')

test('commands beside a server leave its store alone: they ask it, or only read', async (t) => {
  const dir = folder(t, { 'a.md': 'text\n' })
  repositoryAt(dir)
  const server = await serve(t, dir, ['-v'])
  const client = await Client.connect(server)
  const open = await client.body('a.md')
  open.text.insert(0, 'typed ')
  write(dir, 'b.md', 'from another program\n')
  for (const args of [['init', dir], ['status', dir], ['validate', dir], ['commit', dir, '-m', 'x'], ['materialise', '-C', dir, '--out', `${dir}-copy`]]) {
    const done = await run(args)
    assert.equal(done.code, 0, `${args}: ${done.stderr}`)
  }
  t.after(() => import('node:fs').then(({ rmSync }) => rmSync(`${dir}-copy`, { recursive: true, force: true })))
  assert.equal((await call(server, 'GET', '/api/raw/b.md')).text, 'from another program\n')
  assert.equal((await runJson(['status', dir])).json.files, 2)
  await client.close()
  await new Promise((resolve) => setTimeout(resolve, 4_500))
  await server.stop()
  assert.ok(!server.stderr.includes('another process wrote'), server.stderr)
})

test('what is appended behind its back reaches those who have the note open, the disk, and the next start', async (t) => {
  const dir = folder(t, { 'a.md': 'text\n' })
  let server = await serve(t, dir)
  const client = await Client.connect(server)
  const open = await client.body('a.md')
  const { id } = (await call(server, 'GET', '/api/files/by-path/a.md')).json
  // A copy that is edited elsewhere.
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(open.doc))
  const known = Y.encodeStateVector(copy)
  copy.getText('body').insert(0, 'elsewhere ')
  open.text.insert(open.text.length, 'here\n')
  const done = spawnSync(append, [path.join(dir, '.diaryx/store.db'), `body/${id}`], { input: Y.encodeStateAsUpdate(copy, known) })
  assert.equal(done.status, 0, String(done.stderr))
  await until(() => open.text.toString() === 'elsewhere text\nhere\n', 'the open note to be told', 8000)
  await until(() => read(dir, 'a.md') === 'elsewhere text\nhere\n', 'the file', 5000)
  await client.close()
  await server.stop()
  assert.match(server.stderr, /another process wrote to the store: taken in/)
  server = await serve(t, dir)
  assert.equal((await call(server, 'GET', '/api/raw/a.md')).text, 'elsewhere text\nhere\n')
  await server.stop()
})
