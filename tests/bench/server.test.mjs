// node --test server.test.mjs: the load client, and the benchmark with it, tiny. Times are not looked at: what is lost, doubled or
// never answered must be seen.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { WebSocketServer } from 'ws'
import { judge } from './server/tables.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const build = path.resolve(process.env.DIARYX_BUILD ?? path.join(here, '../../build/release'))
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'diaryx-load-'))
test.after(() => fs.rmSync(scratch, { recursive: true, force: true }))

// A server that answers SyncStep1 with nothing and passes on what else comes, `times(n)` times for the n-th message.
async function relay(times) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  let count = 0
  server.on('connection', (socket) =>
    socket.on('message', (data) => {
      const name = 1 + data[0]
      if (data[name + 1] === 0) return socket.send(Buffer.concat([data.subarray(0, name), Buffer.of(0, 1, 2, 0, 0)]))
      if (data[name + 1] !== 2) return
      for (let n = times(++count); n > 0; --n) for (const other of server.clients) if (other !== socket) other.send(data)
    })
  )
  await new Promise((resolve) => server.on('listening', resolve))
  return server
}

async function loadOn(server, ...args) {
  const url = `ws://127.0.0.1:${server.address().port}/`
  const child = spawn(path.join(build, 'bench_load'), ['--url', url, '--dialect', 'mux8', '--readers', '3', '--rate', '400', '--seconds', '0.5', '--grace', '0.3', ...args])
  let out = ''
  child.stdout.on('data', (data) => (out += data))
  const code = await new Promise((resolve) => child.on('close', resolve))
  server.close()
  server.clients.forEach((client) => client.terminate())
  return { code, ...JSON.parse(out) }
}

test('what everybody got once is good', async () => {
  const result = await loadOn(await relay(() => 1))
  assert.equal(result.code, 0)
  assert.ok(result.sent > 100)
  assert.equal(result.deliveries, 3 * result.sent)
})

test('what is not passed on is lost, and what is passed on twice is doubled', async () => {
  const lossy = await loadOn(await relay((n) => (n % 20 === 0 ? 0 : 1)))
  assert.equal(lossy.code, 1)
  assert.equal(lossy.lost, 3 * Math.floor(lossy.sent / 20))
  const doubling = await loadOn(await relay((n) => (n % 20 === 0 ? 2 : 1)))
  assert.equal(doubling.code, 1)
  assert.equal(doubling.duplicates, 3 * Math.floor(doubling.sent / 20))
})

test('a server that closes a slow reader is not at fault, one that closes another is', async () => {
  const closing = await relay(() => 1)
  closing.on('connection', (socket) => setTimeout(() => socket.close(4408), 200))
  const result = await loadOn(closing, '--stopped', '1')
  assert.equal(result.code, 1)
  assert.equal(result.failed_sockets, 4)
  assert.equal(result.first_failure, 'code 4408')
  assert.equal(result.slow[0].end, 'code 4408')
})

test('every measure on ours, tiny', { timeout: 240_000 }, () => {
  const args = [path.join(here, 'server.mjs'), '--quick', '--peers', 'none', '--build', build, '--out', scratch]
  const only = process.env.DIARYX_MEASURES ?? 'fanout-4,fanout-64,fanout-200,typists,rooms,idle,cold,slow'
  const done = spawnSync(process.execPath, [...args, '--only', only, '--memory', '/nowhere'], { encoding: 'utf8' })
  assert.equal(done.status, 0, done.stderr + done.stdout)
  const { machine, results } = JSON.parse(fs.readFileSync(path.join(scratch, 'server.json'), 'utf8'))
  assert.ok(machine.sync.before.p50_ms > 0)
  assert.deepEqual(results.map((r) => r.measure).join(','), only)
  for (const result of results) assert.ok(result.good, result.measure)
})

test('a goal is judged beside the best peer, and not without one', () => {
  const figure = { goal: { says: '≥ 2 ×', met: (ours, peer) => ours >= 2 * peer } }
  assert.deepEqual(judge(figure, 21, 10), ['2.1 ×', 'met'])
  assert.deepEqual(judge(figure, 19, 10), ['1.9 ×', '**missed**'])
  assert.deepEqual(judge(figure, 19, undefined), ['', '?'])
})
