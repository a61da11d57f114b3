// node --test engine.test.mjs: the benchmark of the engine on data that is generated for it, tiny. Times are not looked at: what is
// measured is checked, and what is wrong is found.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { titles } from './goals.mjs'
import { generate } from './peers/generate.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const build = path.resolve(process.env.DIARYX_BUILD ?? path.join(here, '../../build/release'))
const engine = process.env.DIARYX_BENCH_ENGINE ?? path.join(build, 'bench_engine') // A .js is one for node.
const isWasm = engine.endsWith('.js')
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'diaryx-bench-'))
const data = path.join(scratch, 'data')
generate(data, 0.002)
test.after(() => fs.rmSync(scratch, { recursive: true, force: true }))

function bench(dir, workload, ...more) {
  const call = ['--data', dir, '--workload', workload, '--json', '--budget-ms', '1', ...more]
  if (isWasm) return spawnSync(process.execPath, [engine, ...call], { encoding: 'utf8' })
  return spawnSync(engine, call, { encoding: 'utf8' })
}

// A copy of the data with one file changed.
function copyWith(name, change) {
  const dir = fs.mkdtempSync(path.join(scratch, 'copy-'))
  for (const file of fs.readdirSync(data)) fs.linkSync(path.join(data, file), path.join(dir, file))
  fs.unlinkSync(path.join(dir, name))
  fs.writeFileSync(path.join(dir, name), change(fs.readFileSync(path.join(data, name))))
  return dir
}

// One letter or digit is another, or one octet if there is none.
function spoil(octets) {
  let at = octets.length >> 1
  while (at + 1 < octets.length && !/[0-9a-f]/.test(String.fromCharCode(octets[at]))) ++at
  octets[at] ^= 1
  return octets
}

test('every workload prints its line', () => {
  for (const workload of Object.keys(titles)) {
    const done = bench(data, workload)
    assert.equal(done.status, 0, `${workload}: ${done.stderr}`)
    const line = JSON.parse(done.stdout)
    const names = ['peer', 'version', 'workload', 'ms_median', 'cpu_median', 'reps', 'bytes', 'peak_rss_kb']
    assert.deepEqual(Object.keys(line), names)
    assert.equal(line.peer, isWasm ? 'diaryx-wasm' : 'diaryx')
    assert.equal(line.workload, workload)
    assert.ok(line.reps >= 5)
    assert.ok(line.bytes > 0 || workload === 'W1b')
  }
})

test('the floor is measured', () => {
  for (const workload of Object.keys(titles)) {
    const done = bench(data, workload, '--floor')
    assert.equal(done.status, 0, `${workload}: ${done.stderr}`)
    if (workload !== 'W3v2') assert.equal(JSON.parse(done.stdout).peer, 'floor')
  }
})

test('a result other than yjs has is found, and is no time', () => {
  const expected = {
    W1: ['b4.updates', 'b4.final.txt', 'b4.v1'],
    W1b: ['b4.final.txt'],
    W2v1: ['b4.v1'],
    W2v2: ['b4.v2'],
    W3v1: ['b4.final.txt'],
    W3v2: ['b4.final.txt', 'b4.v1'],
    W4: ['b4.final.txt', 'b4.v1'],
    W5b: ['b4.final.txt', 'b4.v1'],
    W5c: ['b4.final.txt'],
    W5d: ['b4.final.txt', 'b4.v1'],
    W6ff: ['ff.final.txt', 'ff.v1', 'ff.v2'],
    W6gm: ['gm.final.txt', 'gm.v1'],
    W6b31: ['b31.final.json', 'b31.v1'],
    W6b34: ['b34.final.json', 'b34.v1'],
    W6b35: ['b35.final.json', 'b35.v1'],
    W6c20: ['c20.final.json', 'c20.v1', 'c20.v2'],
    'W7a-set': ['w7a.v1', 'w7a.v2'],
    'W7a-enc': ['w7a.v1'],
    'W7a-load': ['w7a.kv'],
    'W7b-set': ['w7b.final.json', 'w7b.v1'],
    'W7b-enc': ['w7b.v1'],
    'W7b-load': ['w7b.final.json'],
    W8: ['b4.diff.v1']
  }
  for (const [workload, files] of Object.entries(expected)) {
    for (const file of files) {
      const done = bench(copyWith(file, spoil), workload)
      assert.equal(done.status, 1, `${workload} with another ${file}: ${done.stderr}`)
      assert.match(done.stderr, /wrong result/)
      assert.equal(done.stdout, '')
    }
  }
})

test('data that is missing or cut off, and a workload that nobody knows, are wrong calls', () => {
  assert.equal(bench(copyWith('b4.trace', (octets) => octets.subarray(0, 3000)), 'W1b').status, 2)
  assert.equal(bench(copyWith('b4.updates', (octets) => octets.subarray(0, 3000)), 'W4').status, 2)
  assert.equal(bench(path.join(scratch, 'nothing'), 'W4').status, 2)
  assert.equal(bench(data, 'W9').status, 2)
})

test('the whole benchmark makes a table', { skip: isWasm && 'it wants the native program' }, () => {
  const out = path.join(scratch, 'out')
  const call = ['--data', data, '--out', out, '--build', build, '--peers', 'yjs', '--quick', '--budget-ms', '1']
  const only = 'W1,W2v2,W3v1,W4,W5b,W5c,W6c20,W7b-set,W7b-load,W8'
  const done = spawnSync(process.execPath, [path.join(here, 'engine.mjs'), ...call, '--only', only], { encoding: 'utf8' })
  assert.equal(done.status, 0, done.stderr)
  const rows = done.stdout.split('\n')
  for (const workload of only.split(',')) {
    const row = rows.find((line) => line.startsWith(`| ${workload} |`))
    assert.match(row, /\*\*[0-9.]+\*\*/, row)
    assert.doesNotMatch(row, /wrong|\?/, row)
  }
  assert.equal(fs.readFileSync(path.join(out, 'engine.md'), 'utf8'), done.stdout)
  const { results } = JSON.parse(fs.readFileSync(path.join(out, 'engine.json'), 'utf8'))
  assert.deepEqual([...new Set(results.map((r) => r.peer))], ['diaryx', 'yjs', 'floor'])
})
