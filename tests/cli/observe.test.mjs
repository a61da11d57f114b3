// What an operator sees: metrics that Prometheus can read, logs that a program can read, and no secret in either.
import assert from 'node:assert/strict'
import net from 'node:net'
import test from 'node:test'
import WebSocket from 'ws'

import { run, serve, sleep, until } from '../support/binary.mjs'
import { call } from '../support/api.mjs'
import { Client } from '../support/client.mjs'
import { folder, write } from '../support/folders.mjs'
import { parseMetrics, value } from '../support/prometheus.mjs'

const notes = { 'README.md': '---\ntitle: Home\n---\nhello\n', 'a.md': 'words that are nobody\'s business\n' }
const metrics = async (server) => parseMetrics((await call(server, 'GET', '/api/metrics')).text)

test('the metrics are of the owner alone, and in the form that Prometheus asks for', async (t) => {
  const server = await serve(t, folder(t, notes))
  assert.equal((await call(server, 'GET', '/api/metrics', { token: '' })).status, 401)
  const answer = await call(server, 'GET', '/api/metrics')
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  const families = parseMetrics(answer.text)
  assert.ok(families.size >= 25)
  assert.ok(!answer.text.includes(server.token))
  for (const { help } of families.values()) assert.match(help, /\.$/)
  await server.stop()
})

test('what happens is counted: connections, updates, octets, appends, refusals, disk tasks', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const before = await metrics(server)
  const grown = async (metric, labels) => value(await metrics(server), metric, labels) - value(before, metric, labels)
  const clients = [await Client.connect(server), await Client.connect(server), await Client.connect(server)]
  const open = await Promise.all(clients.map((client) => client.body('a.md')))
  for (let i = 0; i < 20; i++) {
    open[0].text.insert(0, 'x')
    await until(() => open[2].text.length === open[0].text.length, 'the others to be told')
  }
  let now = await metrics(server)
  assert.equal(value(now, 'diaryx_connections', { kind: 'websocket' }), 3)
  assert.ok(value(now, 'diaryx_documents_loaded') >= 2)
  assert.equal(value(now, 'diaryx_documents_open'), 1)
  assert.equal(value(now, 'diaryx_notes'), 2)
  assert.ok((await grown('diaryx_updates_taken_total')) >= 20)
  assert.ok((await grown('diaryx_updates_taken_bytes_total')) > 20 * 10)
  assert.ok((await grown('diaryx_updates_relayed_total')) >= 40, 'each to two others')
  assert.ok((await grown('diaryx_messages_total')) >= 20)
  assert.ok((await grown('diaryx_received_bytes_total')) > 20 * 10)
  assert.ok((await grown('diaryx_sent_bytes_total')) > 40 * 10)
  const appends = now.get('diaryx_append_seconds').samples.find((one) => one.name.endsWith('_count')).value
  assert.ok(appends >= 20)
  await server.flush()
  assert.ok((await grown('diaryx_disk_tasks_total', { result: 'done' })) >= 1)
  now = await metrics(server)
  assert.equal(value(now, 'diaryx_disk_tasks_waiting'), 0)
  assert.ok(value(now, 'process_resident_memory_bytes') > 1 << 20)
  assert.ok(value(now, 'process_cpu_seconds_total') > 0)
  assert.ok(Math.abs(value(now, 'process_start_time_seconds') - Date.now() / 1000) < 600)

  await call(server, 'GET', '/api/status', { token: 'wrong' })
  await call(server, 'GET', '/api/status', { headers: { origin: 'http://evil.example' } })
  assert.equal(await grown('diaryx_refused_total', { reason: 'not_authenticated' }), 1)
  assert.equal(await grown('diaryx_refused_total', { reason: 'origin' }), 1)
  const garbage = net.connect(server.port, '127.0.0.1')
  garbage.end('this is no HTTP\r\n\r\n')
  await until(async () => (await grown('diaryx_refused_total', { reason: 'malformed' })) === 1, 'the garbage to be counted')
  const elsewhere = new WebSocket(`ws://127.0.0.1:${server.port}/nowhere`)
  elsewhere.on('error', () => {})
  await until(async () => (await grown('diaryx_refused_total', { reason: 'no_endpoint' })) === 1, 'the wrong address to be counted')
  assert.ok((await grown('diaryx_http_requests_total', { status: '2xx' })) > 5)
  assert.ok((await grown('diaryx_http_requests_total', { status: '4xx' })) >= 1)
  for (const client of clients) await client.close()
  await until(async () => value(await metrics(server), 'diaryx_connections', { kind: 'websocket' }) === 0, 'the sockets to be gone')
  await server.stop()
})

test('documents that are read over HTTP leave memory again, though nobody is connected', async (t) => {
  const dir = folder(t, Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`n${n}.md`, `note ${n}\n`])))
  const server = await serve(t, dir)
  for (let n = 0; n < 50; n++) await call(server, 'GET', `/api/raw/n${n}.md`)
  assert.ok(value(await metrics(server), 'diaryx_documents_loaded') > 50)
  await until(async () => value(await metrics(server), 'diaryx_documents_loaded') === 1, 'all but the workspace to be unloaded', 25_000)
  await server.stop()
})

// Everything a client can do that has a secret in it.
async function useSecrets(server, t) {
  const { code } = (await call(server, 'POST', '/api/share/sessions', { body: {} })).json
  await call(server, 'GET', `/api/status?token=${server.token}`, { token: '', headers: { referer: `http://127.0.0.1/?token=${server.token}` } })
  await call(server, 'GET', `/api/share/sessions/${code}`, { token: '' })
  await call(server, 'GET', `/api/raw/a.md?session=${code}`, { token: '' })
  await call(server, 'POST', '/api/login', { token: '', body: { token: server.token } })
  await call(server, 'GET', '/api/status', { token: 'a-wrong-token-that-somebody-typed' })
  await call(server, 'GET', `/nothing/${server.token}`)
  const client = await Client.connect(server)
  ;(await client.body('a.md')).text.insert(0, 'secret words ')
  const guest = new WebSocket(`ws://127.0.0.1:${server.port}/sync2?session=${code}&guest_id=gus`)
  await new Promise((resolve) => guest.on('open', resolve))
  guest.close()
  const wrong = new WebSocket(`ws://127.0.0.1:${server.port}/sync2?token=another-wrong-token`)
  await new Promise((resolve) => wrong.on('close', resolve))
  await server.flush()
  await call(server, 'DELETE', `/api/share/sessions/${code}`)
  await client.close()
  await sleep(100)
  return [server.token, code, 'a-wrong-token-that-somebody-typed', 'another-wrong-token', 'secret words', 'nobody\'s business']
}

test('--log-json: one object a line, with time, level and event; in detail with -v; and no secret in any', async (t) => {
  const server = await serve(t, folder(t, notes), ['--log-json', '-v'])
  const secrets = await useSecrets(server, t)
  assert.equal((await server.stop()).code, 0)
  const lines = server.stderr.trimEnd().split('\n').map((line) => JSON.parse(line))
  for (const line of lines) {
    assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.ok(Math.abs(new Date(line.time) - Date.now()) < 60_000)
    assert.match(line.level, /^(debug|info|warning|error)$/)
    assert.match(line.event, /^[a-z_]+$/)
    assert.equal(typeof line.message, 'string')
  }
  const answered = lines.filter(({ event, message }) => event === 'http' && message === 'answered')
  assert.ok(answered.length >= 7)
  for (const { method, status, duration_us, connection, route } of answered) {
    assert.match(method, /^(GET|POST|DELETE)$/)
    assert.ok(Number.isInteger(status) && Number.isInteger(duration_us) && Number.isInteger(connection) && typeof route === 'string')
  }
  const opened = lines.find(({ event, message, user }) => event === 'ws' && message === 'opened' && user === 'owner')
  assert.equal(opened.endpoint, '/sync2')
  assert.ok(lines.find(({ event, message, connection, duration_ms }) => event === 'ws' && message === 'closed' && connection === opened.connection && duration_ms >= 0))
  assert.ok(lines.some(({ event, message, reason }) => event === 'ws' && message === 'turned away' && reason === 'not_authenticated'))
  assert.ok(lines.some(({ event, document }) => event === 'document' && /^body\//.test(document)))
  for (const secret of secrets) assert.ok(!server.stderr.includes(secret), secret)
})

test('-v: the same for people; without it, and without trouble, nothing; the token is in no log', async (t) => {
  const loud = await serve(t, folder(t, notes), ['-v'])
  const secrets = await useSecrets(loud, t)
  await loud.stop()
  for (const secret of secrets) assert.ok(!loud.stderr.includes(secret), secret)
  assert.match(loud.stderr, /^diaryx-sync: debug: http: answered \(connection=\d+ method=GET route=\S+ status=200 owner=1 duration_us=\d+\)$/m)
  const still = await serve(t, folder(t, notes))
  await useSecrets(still, t)
  await still.stop()
  assert.equal(still.stderr, '')
  const normal = await serve(t, folder(t, notes), ['--log-json'])
  await useSecrets(normal, t)
  await normal.stop()
  const levels = new Set(normal.stderr.trimEnd().split('\n').map((line) => JSON.parse(line).level))
  assert.deepEqual([...levels], ['info'])
})

test('--log-json: an error that ends the command is a line of JSON, too', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const second = await run(['serve', dir, '--port', '0', '--log-json'])
  assert.equal(second.code, 3)
  const line = JSON.parse(second.stderr)
  assert.deepEqual([line.level, line.event, line.code], ['error', 'cli', 'busy'])
  assert.match(line.message, new RegExp(`pid ${server.pid}`))
  await server.stop()
})
