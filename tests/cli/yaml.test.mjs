// What we read in a header is what another reader of YAML 1.2 reads in it. The differences, all of them: an alias is kept as its text,
// keys are texts, a number that a double cannot hold stays a text, and U+0085 in a text is a line break, as it was in YAML 1.1.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import test from 'node:test'
import { isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml'

import { repository } from '../support/binary.mjs'

const program = process.env.DIARYX_READ_HEADERS ?? path.join(repository, 'build/release/read_headers')

const number = (value) => (Number.isNaN(value) ? '<nan>' : value === Infinity ? '<inf>' : value === -Infinity ? '<-inf>' : value)

// Keys are texts, whatever they look like.
const keyOf = (key) => (isScalar(key) ? (key.type === 'PLAIN' ? (key.source ?? '') : String(key.value)) : String(key))

function plain(node) {
  if (node === null) return null
  if (isAlias(node)) return `*${node.source}` // Not expanded.
  if (isSeq(node)) return node.items.map(plain)
  if (isMap(node)) return Object.fromEntries(node.items.map(({ key, value }) => [keyOf(key), plain(value)]))
  if (typeof node.value === 'string') return node.value.replaceAll('\x85', ' ')
  if (node.value instanceof Uint8Array) return node.source // Binary is none of the core schema's tags.
  if (typeof node.value !== 'number') return node.value
  const isSaid = Number.isSafeInteger(node.value) || !Number.isInteger(node.value)
  return isSaid && (Number.isFinite(node.value) || !/\d/.test(node.source)) ? number(node.value === 0 ? 0 : node.value) /* JSON knows no -0 */ : node.source
}

test('2,500 odd headers, read by us and by another', (t) => {
  const seed = process.env.DIARYX_SEED ?? '1'
  const lines = execFileSync(program, ['2500', seed], { maxBuffer: 1 << 28 }).toString().trimEnd().split('\n')
  assert.equal(lines.length, 2500)
  let entries = 0
  for (const line of lines) {
    const ours = JSON.parse(line)
    // "..." ends the document; what follows it is the fence.
    const document = parseDocument(ours.inner.replace(/\r?\n?\.\.\.\r?\n$/, '\n'), { version: '1.2', schema: 'core', merge: false, uniqueKeys: false, logLevel: 'silent' })
    assert.deepEqual(document.errors.map(({ message }) => message), [], ours.inner)
    const theirs = document.contents === null ? [] : document.contents.items.map(({ key, value }) => [keyOf(key), plain(value)])
    assert.deepEqual(ours.entries, theirs, ours.inner)
    entries += theirs.length
  }
  t.diagnostic(`${entries} entries`)
  assert.ok(entries > 5000)
})
