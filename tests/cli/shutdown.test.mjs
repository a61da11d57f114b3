// SIGTERM and SIGINT: what was typed is on disk, everybody is told 1001, exit code 0 within five seconds, whatever clients do.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import test from 'node:test'
import WebSocket from 'ws'

import { exists, serve, sleep, until } from '../support/binary.mjs'
import { call } from '../support/api.mjs'
import { Client } from '../support/client.mjs'
import { folder, read } from '../support/folders.mjs'

const notes = { 'README.md': '---\ntitle: Home\n---\n', 'a.md': 'text\n' }
const mostMs = 5_000

async function stopInTime(server, signal = 'SIGTERM') {
  const start = Date.now()
  const ended = await server.stop(signal)
  const ms = Date.now() - start
  assert.deepEqual(ended, { code: 0, signal: null }, server.stderr)
  assert.ok(ms < mostMs, `${ms} ms`)
  return ms
}

function raw(server, t, text) {
  const socket = net.connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  socket.write(text)
  return socket
}
const head = (server, method, target, more = '') =>
  `${method} ${target} HTTP/1.1\r\nHost: localhost:${server.port}\r\nAuthorization: Bearer ${server.token}\r\n${more}\r\n`

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} with clients of every kind: told 1001, all written`, async (t) => {
    const dir = folder(t, notes)
    const server = await serve(t, dir)
    const client = await Client.connect(server)
    const open = await client.body('a.md')
    const codes = []
    for (const target of ['/sync2', '/hocuspocus', `/ws/${encodeURIComponent(`body:${server.workspace_id}/a.md`)}`]) {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}${target}?token=${server.token}`)
      socket.on('error', () => {})
      await new Promise((resolve) => socket.on('open', resolve))
      socket.on('close', (code) => codes.push(code))
    }
    open.text.insert(0, 'last words ')
    await call(server, 'PUT', '/api/raw/put.md', { body: 'put just now\n' })
    const ms = await stopInTime(server, signal)
    t.diagnostic(`${ms} ms`)
    assert.equal(read(dir, 'a.md'), 'last words text\n')
    assert.equal(read(dir, 'put.md'), 'put just now\n')
    await until(() => codes.length === 3, 'the sockets to close')
    assert.deepEqual(codes, [1001, 1001, 1001])
    assert.ok(!exists(path.join(dir, '.diaryx/server.json')))
    assert.ok(!exists(path.join(dir, '.diaryx/store.db-wal')))
  })
}

test('a client that never answers, one that never reads, one that is half way through a request', async (t) => {
  const dir = folder(t, notes)
  fs.writeFileSync(path.join(dir, 'big.bin'), Buffer.alloc(64 << 20))
  const server = await serve(t, dir)
  const upgrade = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const dumb = raw(server, t, head(server, 'GET', '/sync2', upgrade))
  const octets = []
  dumb.on('data', (data) => octets.push(data))
  await until(() => octets.length > 0, 'the upgrade')
  const deaf = raw(server, t, head(server, 'GET', '/sync2', upgrade))
  deaf.pause()
  const download = raw(server, t, head(server, 'GET', '/api/attachments/big.bin'))
  download.pause()
  raw(server, t, 'GET /api/status HTTP/1.1\r\nHo')
  raw(server, t, head(server, 'PUT', '/api/raw/half.md', 'Content-Length: 100\r\n') + 'half')
  await sleep(200)
  const client = await Client.connect(server)
  ;(await client.body('a.md')).text.insert(0, 'last words ')
  await sleep(50)
  t.diagnostic(`${await stopInTime(server)} ms`)
  assert.equal(read(dir, 'a.md'), 'last words text\n')
  assert.ok(!exists(path.join(dir, 'half.md')))
  const frames = Buffer.concat(octets).toString('latin1')
  assert.ok(frames.includes('\x88') && frames.includes('\x03\xe9'), 'a close frame with 1001')
})

test('uploads that run: given up, and nothing of them is left', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const uploads = Array.from({ length: 6 }, (_, n) => raw(server, t, head(server, 'PUT', `/api/attachments/up${n}/f.bin`, 'Content-Length: 100000000\r\n')))
  let sent = 0
  const timer = setInterval(() => uploads.slice(0, 3).forEach((socket) => socket.writable && (sent += socket.write(Buffer.alloc(64 << 10)))), 1)
  uploads.slice(3).forEach((socket) => socket.write('some'))
  await until(() => [0, 1, 2, 3, 4, 5].every((n) => exists(path.join(dir, `up${n}`))), 'the uploads to begin')
  t.diagnostic(`${await stopInTime(server)} ms`)
  clearInterval(timer)
  assert.deepEqual(fs.readdirSync(dir).sort(), ['.diaryx', 'README.md', 'a.md'])
})

test('many requests at once while it stops: each is answered whole, or not at all', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const kept = []
  let stopping = false
  const worker = async (n) => {
    for (let i = 0; !stopping || i < 1; i++) {
      const body = `worker ${n} note ${i}\n`
      const answer = await call(server, 'PUT', `/api/raw/w${n}-${i}.md`, { body }).catch(() => null)
      if (answer === null) return
      if (answer.status === 201) kept.push([`w${n}-${i}.md`, body])
      else assert.equal(answer.status, 503)
    }
  }
  const workers = Array.from({ length: 8 }, (_, n) => worker(n))
  await sleep(300)
  t.diagnostic(`${await stopInTime(server)} ms`)
  stopping = true
  await Promise.all(workers)
  assert.ok(kept.length > 0)
  const again = await serve(t, dir)
  for (const [name, body] of kept) assert.equal((await call(again, 'GET', `/api/raw/${name}`)).text, body, name)
  await again.flush()
  for (const [name, body] of kept) assert.equal(read(dir, name), body)
  await stopInTime(again)
})
