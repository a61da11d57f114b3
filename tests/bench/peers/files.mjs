// The files of the benchmark data, as tests/bench/data.h describes them.
import fs from 'node:fs'
import path from 'node:path'

const kTrace = 0x43525450
const kList = 0x44505550

export const readFile = (dir, name) => new Uint8Array(fs.readFileSync(path.join(dir, name)))
export const readText = (dir, name) => fs.readFileSync(path.join(dir, name), 'utf8')
export const hasFile = (dir, name) => fs.existsSync(path.join(dir, name))

class Cursor {
  constructor(dir, name, magic) {
    this.bytes = fs.readFileSync(path.join(dir, name))
    this.at = 0
    if (this.u32() !== magic || this.u32() !== 1) throw new Error(`${name} has another format`)
    this.count = this.u32()
  }
  u32() {
    this.at += 4
    return this.bytes.readUInt32LE(this.at - 4)
  }
  take(size) {
    this.at += size
    if (this.at > this.bytes.length) throw new Error('a file is cut off')
    return this.bytes.subarray(this.at - size, this.at)
  }
}

// [{ position, deleted, insert }]
export function readTrace(dir, name) {
  const cursor = new Cursor(dir, name, kTrace)
  return Array.from({ length: cursor.count }, () => ({
    position: cursor.u32(),
    deleted: cursor.u32(),
    insert: cursor.take(cursor.u32()).toString()
  }))
}

// Arrays of their own: a peer must not see the file behind them.
export function readList(dir, name) {
  const cursor = new Cursor(dir, name, kList)
  return Array.from({ length: cursor.count }, () => new Uint8Array(cursor.take(cursor.u32())))
}

// [[key, value]]
export function readPairs(dir, name) {
  const texts = readList(dir, name).map((entry) => Buffer.from(entry).toString())
  return Array.from({ length: texts.length / 2 }, (_, i) => [texts[2 * i], texts[2 * i + 1]])
}

function header(magic, count) {
  const octets = Buffer.alloc(12)
  octets.writeUInt32LE(magic, 0)
  octets.writeUInt32LE(1, 4)
  octets.writeUInt32LE(count, 8)
  return octets
}

function u32s(...values) {
  const octets = Buffer.alloc(4 * values.length)
  values.forEach((value, i) => octets.writeUInt32LE(value, 4 * i))
  return octets
}

export function writeTrace(dir, name, edits) {
  const parts = [header(kTrace, edits.length)]
  for (const { position, deleted, insert } of edits) {
    const text = Buffer.from(insert)
    parts.push(u32s(position, deleted, text.length), text)
  }
  fs.writeFileSync(path.join(dir, name), Buffer.concat(parts))
}

export function writeList(dir, name, entries) {
  const parts = [header(kList, entries.length)]
  for (const entry of entries) parts.push(u32s(entry.length), entry)
  fs.writeFileSync(path.join(dir, name), Buffer.concat(parts))
}
