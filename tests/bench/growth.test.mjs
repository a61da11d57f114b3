// node --test growth.test.mjs: small documents are measured and drawn. How long it took is not looked at.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { slope } from './growth.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const build = path.resolve(process.env.DIARYX_BUILD ?? path.join(here, '../../build/release'))

test('documents of growing size are measured and drawn', () => {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'diaryx-growth-'))
  const svg = path.join(scratch, 'growth.svg')
  const sizes = ['--text', '31623', '--fragments', '316', '--budget-ms', '1']
  const call = [path.join(here, 'growth.mjs'), '--build', build, '--out', svg, '--', ...sizes]
  const lines = execFileSync(process.execPath, call, { encoding: 'utf8' }).trim().split('\n').map((line) => JSON.parse(line))
  const drawing = fs.readFileSync(svg, 'utf8')
  fs.rmSync(scratch, { recursive: true })
  assert.deepEqual(lines.map(({ kind, n }) => [kind, n]), [['text', 10000], ['text', 31623], ['fragments', 100], ['fragments', 316]])
  for (const line of lines) {
    for (const name of ['octets', 'insert_s', 'encode_s', 'load_s']) assert.ok(line[name] > 0, name)
    assert.equal(line.receive_s > 0, line.kind === 'fragments')
  }
  assert.equal(drawing.match(/class="curve"/g).length, 7)
  assert.doesNotMatch(drawing, /NaN|undefined|Infinity/)
})

test('the slope is the exponent', () => {
  const points = [10, 100, 1000]
  assert.equal(slope(points.map((n) => [n, 3 * n])).toFixed(6), '1.000000')
  assert.equal(slope(points.map((n) => [n, n * n])).toFixed(6), '2.000000')
  assert.equal(slope(points.map((n) => [n, 5])).toFixed(6), '0.000000')
})
