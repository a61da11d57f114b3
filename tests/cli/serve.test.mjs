// serve: from its ready line to its clean end; edits flow both ways; who may come in.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import test from 'node:test'
import WebSocket from 'ws'

import { binary, exists, run, runJson, serve, sleep, until } from '../support/binary.mjs'
import { Client, records, Y } from '../support/client.mjs'
import { contents, folder, journal, read, snapshot, write } from '../support/folders.mjs'

const header = '---\n# a comment\ntitle:   "Home"   # odd, and ours to keep\ncontents:\n  - "[A](/a.md)"\n---\n'
const notes = {
  'README.md': header + 'hello\n',
  'a.md': "---\ntitle: 'A'\npart_of: '[Home](/README.md)'\n---\ntext\n"
}

// A request with headers of one's own choice, Host included, which fetch() forbids.
function rawGet(server, pathname, headers) {
  return new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port: server.port, path: pathname, headers }, (answer) => {
        let body = ''
        answer.on('data', (data) => (body += data))
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body }))
      })
      .on('error', reject)
  })
}

// How a WebSocket that should not be let in ends: an HTTP status, or a close code.
function refusal(url, headers) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { headers })
    socket.on('unexpected-response', (_, answer) => resolve(answer.statusCode))
    socket.on('close', (code) => resolve(code))
    socket.on('error', () => {})
    socket.on('open', () => setTimeout(() => resolve('open'), 1000))
  })
}

test('the ready line has the promised fields, and the server answers at once', async (t) => {
  const server = await serve(t, folder(t, notes))
  for (const key of ['event', 'url', 'port', 'token', 'workspace_id', 'epoch', 'pid']) assert.ok(server[key], key)
  assert.equal(server.event, 'ready')
  assert.equal(server.pid, server.child.pid)
  assert.ok(server.token.length >= 22, 'at least 128 bits')
  const page = await fetch(server.url)
  assert.equal(page.status, 200)
  assert.match(page.headers.get('content-type'), /text\/html/)
  const status = await (await server.request('GET', '/api/status')).json()
  assert.equal(status.workspace_id, server.workspace_id)
  assert.equal(status.epoch, server.epoch)
  assert.equal((await (await server.request('GET', '/api/files')).json()).files.length, 2)
  await server.stop()
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  test(`${signal} ends it in order: flushed, exit code 0, nothing left behind`, async (t) => {
    const dir = folder(t, notes)
    const server = await serve(t, dir)
    const info = path.join(dir, '.diaryx/server.json')
    assert.equal(fs.statSync(info).mode & 0o777, 0o600)
    const [writer, reader] = [await Client.connect(server), await Client.connect(server)]
    const shown = await reader.body('a.md')
    ;(await writer.body('a.md')).text.insert(0, 'last words ')
    await until(() => shown.text.toString().startsWith('last words'), 'the other client to be shown the text')
    assert.deepEqual(await server.stop(signal), { code: 0, signal: null })
    assert.equal(read(dir, 'a.md'), "---\ntitle: 'A'\npart_of: '[Home](/README.md)'\n---\nlast words text\n")
    assert.ok(!exists(info))
    assert.ok(!exists(path.join(dir, '.diaryx/store.db-wal')), 'the store is closed')
  })
}

test('the default port or one of the next; a port that was asked for, or none', async (t) => {
  const first = await serve(t, folder(t, notes))
  const taken = await run(['serve', folder(t, notes), '--port', String(first.port)])
  assert.equal(taken.code, 3, taken.stderr)
  assert.match(taken.stderr, new RegExp(`^diaryx-sync: [^\\n]*${first.port}[^\\n]*\\n$`))

  // --port given last wins over the helper's --port 0 only if it is not given: start these by hand.
  const start = (dir) =>
    new Promise((resolve, reject) => {
      const child = spawn(binary, ['serve', dir, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
      t.after(() => child.kill('SIGKILL'))
      child.stdout.once('data', (line) => resolve({ child, ...JSON.parse(line) }))
      child.once('exit', (code) => reject(new Error(`ended with ${code}`)))
    })
  const a = await start(folder(t, notes))
  const b = await start(folder(t, notes))
  for (const { port } of [a, b]) assert.ok(port >= 7962 && port <= 7962 + 20, `port ${port}`)
  assert.notEqual(a.port, b.port)
})

test('without --json a person gets the address; -q says nothing', async (t) => {
  const child = spawn(binary, ['serve', folder(t, notes), '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  let out = ''
  child.stdout.on('data', (data) => (out += data))
  await until(() => /http:\/\/(localhost|127\.0\.0\.1):\d+\/#\S+/.test(out), 'the address')
  assert.doesNotMatch(out, /[A-Z0-9]{8}-[A-Z0-9]{8}/, 'nobody is let in unasked')
  child.kill('SIGINT')
  assert.equal(await new Promise((resolve) => child.on('exit', resolve)), 0)
})

test('browser → disk: the text is in the file, the header keeps every octet', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  const note = await client.body('README.md')
  assert.equal(note.text.toString(), 'hello\n')
  note.text.insert(5, ' 🌍')
  await until(() => read(dir, 'README.md') === header + 'hello 🌍\n', 'the file to hold the text', 5000)
  assert.equal(read(dir, 'a.md'), notes['a.md'])
  await client.close()
  await server.stop()
})

test('disk → browser: an edit by another program, as a small change', async (t) => {
  const dir = folder(t, { 'README.md': header + 'one\ntwo\nthree\n' })
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  const note = await client.body('README.md')
  const deltas = []
  note.text.observe((event) => deltas.push(event.delta))
  const file = path.join(dir, 'README.md')
  fs.writeFileSync(file + '.new', header + 'one\nTWO!\nthree\n')
  fs.renameSync(file + '.new', file)
  await until(() => note.text.toString() === 'one\nTWO!\nthree\n', 'the edit to arrive', 5000)
  const inserted = deltas.flat().reduce((sum, { insert }) => sum + (insert?.length ?? 0), 0)
  assert.ok(inserted <= 5, `a minimal edit, not ${inserted} characters`)
  await sleep(1000)
  assert.equal(read(dir, 'README.md'), header + 'one\nTWO!\nthree\n', 'no echo')
  await client.close()
  await server.stop()
})

test('both at once: neither loses its text', async (t) => {
  const dir = folder(t, { 'README.md': 'top\nmiddle\nend\n' })
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  const note = await client.body('README.md')
  for (let i = 0; i < 10; ++i) {
    note.text.insert(0, `typed ${i}\n`)
    // What an editor does that had read the file just before: it adds a line, and replaces the file.
    const file = path.join(dir, 'README.md')
    fs.writeFileSync(file + '.new', read(dir, 'README.md').replace('end\n', `end\nsaved ${i}\n`))
    fs.renameSync(file + '.new', file)
    await until(() => note.text.toString().includes(`saved ${i}\n`), `saved ${i} to arrive`, 5000)
  }
  await server.flush()
  const file = read(dir, 'README.md')
  for (let i = 0; i < 10; ++i) {
    for (const line of [`typed ${i}\n`, `saved ${i}\n`]) assert.equal(file.split(line).length, 2, `${line} once in ${file}`)
  }
  assert.equal(note.text.toString(), file)
  await client.close()
  await server.stop()
})

test('created, renamed and deleted by a client: files follow, links follow, the deleted one is in the trash', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  const workspace = await client.workspace()
  const id = records(workspace).find(({ path }) => path === 'a.md').id

  workspace.doc.transact(() => workspace.files.get(id).set('path', 'sub/b.md'))
  await until(() => exists(path.join(dir, 'sub/b.md')) && !exists(path.join(dir, 'a.md')), 'the file to move', 5000)
  await until(() => read(dir, 'README.md').includes('/sub/b.md'), 'the link to follow', 5000)
  assert.equal(read(dir, 'README.md'), notes['README.md'].replace('/a.md', '/sub/b.md'))

  const record = new Y.Map()
  workspace.doc.transact(() => {
    workspace.files.set('bmV3LW5vdGUtaWQ', record)
    record.set('path', 'new.md')
    record.set('title', 'New')
    record.set('deleted', false)
  })
  ;(await client.body('bmV3LW5vdGUtaWQ')).text.insert(0, 'fresh\n')
  await until(() => exists(path.join(dir, 'new.md')) && read(dir, 'new.md').endsWith('fresh\n'), 'the new file', 5000)
  assert.match(read(dir, 'new.md'), /^---\ntitle: New\n---\n/)

  workspace.doc.transact(() => workspace.files.get(id).set('deleted', true))
  await until(() => !exists(path.join(dir, 'sub/b.md')), 'the file to go', 5000)
  const trash = fs.readdirSync(path.join(dir, '.diaryx/trash'), { recursive: true }).join('\n')
  assert.match(trash, /b/)
  await client.close()
  await server.stop()
})

test('--no-write-back: documents change, not one file does', async (t) => {
  const dir = folder(t, notes)
  const before = snapshot(dir)
  const server = await serve(t, dir, ['--no-write-back'])
  const client = await Client.connect(server)
  ;(await client.body('README.md')).text.insert(0, 'typed ')
  await sleep(1500)
  await client.close()
  assert.equal((await server.stop()).code, 0)
  assert.deepEqual(snapshot(dir), before)
})

test('what was typed under --no-write-back is written by the next serve', async (t) => {
  const dir = folder(t, notes)
  const first = await serve(t, dir, ['--no-write-back'])
  const [writer, reader] = [await Client.connect(first), await Client.connect(first)]
  const shown = await reader.body('a.md')
  ;(await writer.body('a.md')).text.insert(0, 'typed ')
  await until(() => shown.text.toString().startsWith('typed'), 'the other client to be shown the text')
  await first.stop()
  const second = await serve(t, dir)
  await second.flush()
  assert.match(read(dir, 'a.md'), /\ntyped text\n$/)
  await second.stop()
})

test('one server per workspace: the second is told of the first', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const second = await run(['serve', dir, '--port', '0'])
  assert.equal(second.code, 3)
  assert.match(second.stderr, new RegExp(`pid ${server.pid}`))
  assert.ok(!second.stderr.includes(server.token))
  await server.stop()
})

test('without the token nobody gets in, and the token is in no log', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir, ['-v'])
  const ws = `ws://127.0.0.1:${server.port}/sync2`
  for (const url of [ws, `${ws}?token=wrong`]) {
    const how = await refusal(url)
    assert.ok(how === 401 || how === 4401, `${url}: ${how}`)
  }
  for (const api of ['/api/status', '/api/files']) {
    assert.equal((await fetch(server.base + api)).status, 401, api)
    assert.equal((await fetch(server.base + api, { headers: { authorization: 'Bearer wrong' } })).status, 401, api)
  }
  assert.equal((await fetch(server.base + '/api/flush', { method: 'POST' })).status, 401)
  const client = await Client.connect(server)
  await client.body('a.md')
  await client.close()
  await server.stop()
  assert.ok(!server.stderr.includes(server.token))
})

test('a foreign Host or Origin is refused, a page of ours is not', async (t) => {
  const server = await serve(t, folder(t, notes))
  const authorization = `Bearer ${server.token}`
  for (const host of ['evil.example', `evil.example:${server.port}`, '127.0.0.1.evil.example', 'localhost.evil.example']) {
    assert.equal((await rawGet(server, '/api/status', { host, authorization })).status, 403, host)
  }
  for (const host of [`localhost:${server.port}`, `127.0.0.1:${server.port}`]) {
    assert.equal((await rawGet(server, '/api/status', { host, authorization })).status, 200, host)
  }
  const foreign = await refusal(server.syncUrl, { origin: 'http://evil.example' })
  assert.ok(foreign === 403 || foreign === 4403, String(foreign))
  assert.equal(await refusal(server.syncUrl, { origin: `http://127.0.0.1:${server.port}` }), 'open')
  const answer = await rawGet(server, '/api/status', { host: `localhost:${server.port}`, authorization, origin: 'http://evil.example' })
  assert.equal(answer.status, 403)
  await server.stop()
})

test('a path that leaves the workspace is refused, whoever asks', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  const workspace = await client.workspace()
  const before = contents(path.dirname(dir) === dir ? dir : dir)
  const paths = ['../escape.md', '/tmp/escape.md', '.diaryx/escape.md', '.git/hooks/escape.md', 'a/../../escape.md', 'x\u0000.md']
  workspace.doc.transact(() => {
    paths.forEach((where, n) => {
      const record = new Y.Map()
      workspace.files.set(`ZXNjYXBl${n}`, record)
      record.set('path', where)
      record.set('title', 'escape')
    })
  })
  await sleep(1500)
  await server.flush()
  assert.ok(!exists(path.join(dir, '../escape.md')))
  assert.ok(!exists('/tmp/escape.md'))
  assert.ok(!exists(path.join(dir, '.diaryx/escape.md')))
  assert.deepEqual(contents(dir), before)
  const { json } = await runJson(['validate', dir])
  assert.ok(json.issues.filter(({ kind }) => kind === 'InvalidPath').length >= paths.length)
  await client.close()
  await server.stop()
})

test('half a request, and a connection that says nothing, disturb nobody', async (t) => {
  const server = await serve(t, folder(t, notes))
  const sockets = [net.connect(server.port, '127.0.0.1'), net.connect(server.port, '127.0.0.1')]
  sockets[0].write('GET /api/status HT')
  t.after(() => sockets.forEach((socket) => socket.destroy()))
  const start = Date.now()
  assert.equal((await server.request('GET', '/api/status')).status, 200)
  assert.ok(Date.now() - start < 1000)
  sockets.forEach((socket) => socket.on('error', () => {}))
  assert.equal((await server.stop()).code, 0)
})

test('the example, served: every note can be opened by path and has the text of its file', async (t) => {
  const dir = journal(t)
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  const all = records(await client.workspace())
  assert.ok(all.length >= 15)
  for (const record of all) {
    const note = await client.body(record.path)
    const file = read(dir, record.path).replace(/^\ufeff/, '')
    const body = record.eol === 'crlf' ? file.replaceAll('\r\n', '\n') : file
    assert.ok(body.endsWith(note.text.toString()), record.path)
  }
  await client.close()
  await server.stop()
})
