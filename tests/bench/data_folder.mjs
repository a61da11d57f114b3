// Where the benchmark data is: unpacked in the folder that was given, packed (.gz) in it or in its data/, or nowhere, and then it
// is generated.
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { generate } from './peers/generate.mjs'

const has = (dir, name) => fs.existsSync(path.join(dir, name))

function unpack(from, to) {
  fs.mkdirSync(to, { recursive: true })
  for (const name of fs.readdirSync(from)) {
    const file = path.join(to, name.slice(0, -3))
    if (!name.endsWith('.gz') || fs.existsSync(file)) continue
    fs.writeFileSync(`${file}.part`, zlib.gunzipSync(fs.readFileSync(path.join(from, name))))
    fs.renameSync(`${file}.part`, file)
  }
  return to
}

// `cache` is a folder of ours. Returns { dir, what }.
export function dataFolder(given, cache) {
  for (const dir of given === undefined ? [] : [given, path.join(given, 'data-raw')]) {
    if (has(dir, 'b4.trace')) return { dir, what: 'the data that was given' }
  }
  for (const dir of given === undefined ? [] : [given, path.join(given, 'data')]) {
    if (has(dir, 'b4.trace.gz')) return { dir: unpack(dir, path.join(cache, 'unpacked')), what: 'the data that was given' }
  }
  const dir = path.join(cache, 'generated')
  if (!has(dir, 'b4.trace')) {
    console.error('no data: generating some of the same shape, once')
    generate(dir)
  }
  return { dir, what: 'generated data' }
}
