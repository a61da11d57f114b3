// The server in a bad world, for as long as one likes: typists with real Yjs behind a shaking network, connections that break, another
// editor on the disk, kill -9 and a new start in between. What was shown to anybody is there after each start; in the end all replicas
// and the disk say the same, and the server has not grown.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { serve, sleep, until } from '../../support/binary.mjs'
import { Client, records } from '../../support/client.mjs'
import { read } from '../../support/folders.mjs'
import { random } from '../../support/random.mjs'
import { ShakyProxy } from './proxy.mjs'
import { Typist, marks } from './typist.mjs'

const kTypists = 6
const kNotes = 6
const kDiskMarks = 40 // As many lines the other editor puts at the end of each note.

// What is known of every mark: shown to somebody other than its writer (so it is durable), deleted by its writer, or uncertain: its
// writer was a browser that is gone, perhaps before it could say so.
class Ledger {
  constructor() {
    this.all = new Map() // `${note}\t${mark}` → {shown, deleted}
    this.showings = 0
  }

  #entry(note, mark) {
    const key = `${note}\t${mark}`
    if (!this.all.has(key)) this.all.set(key, { shown: false, deleted: false })
    return this.all.get(key)
  }

  typed(note, mark) {
    this.#entry(note, mark)
  }
  shown(note, mark) {
    ++this.showings
    this.#entry(note, mark).shown = true
  }
  deleted(note, mark) {
    this.#entry(note, mark).deleted = true
  }
  forgotten(mine) {
    for (const { note, mark } of mine) this.#entry(note.id, mark).uncertain = true
  }

  // What `texts` (note → text) lack of what must be there, or have twice.
  faults(texts, { whole = false } = {}) {
    const out = []
    const found = new Map([...texts].map(([note, text]) => [note, marks(text)]))
    for (const [note, all] of found) if (new Set(all).size !== all.length) out.push(`${note}: something is there twice`)
    for (const [key, { shown, deleted, uncertain }] of this.all) {
      const [note, mark] = key.split('\t')
      const there = found.get(note)?.includes(mark)
      if (!deleted && !there && (shown || (whole && !uncertain))) out.push(`${mark} is not in ${note}${shown ? ', and was shown' : ''}`)
      if (deleted && there && whole && !uncertain) out.push(`${mark} was deleted, and is in ${note}`)
    }
    return out
  }
}

const rssMb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1000

// `dir` is a workspace of at least kNotes notes. Lives last `lifeMs` each; the whole takes about `ms`.
export async function soak({ test, dir, seed, ms, lifeMs, say = () => {} }) {
  const chance = random(seed)
  const ledger = new Ledger()
  const proxy = new ShakyProxy(chance)
  const proxyPort = await proxy.listen()
  let server = await serve(test, dir)
  const via = () => ({ syncUrl: server.syncUrl.replace(`:${server.port}/`, `:${proxyPort}/`), workspace_id: server.workspace_id })
  let paths
  let over = false
  const rss = []
  const lives = []

  // Somebody new, who comes straight to the server: what it says is what it has.
  const texts = async () => {
    const checker = await Client.connect(server)
    paths ??= records(await checker.workspace())
      .map((record) => record.path)
      .filter((name) => !name.includes('README'))
      .slice(0, kNotes)
    const notes = await Promise.all(paths.map((name) => checker.body(name)))
    const out = new Map(notes.map((note) => [note.id, note.text.toString()]))
    await checker.close()
    return out
  }
  await texts()
  assert.equal(paths.length, kNotes)

  const typists = Array.from({ length: kTypists }, (_, i) => new Typist(`w${i}`, { via, paths, chance, ledger }))
  const runs = typists.map((typist) => typist.run())
  let diskEdits = 0
  const editor = (async () => {
    while (!over) {
      await sleep(500 + chance(1500))
      if (diskEdits < kDiskMarks * kNotes) fs.appendFileSync(path.join(dir, paths[chance(kNotes)]), `<disk.${diskEdits++}>\n`)
    }
  })()
  const breaker = (async () => {
    while (!over) {
      await sleep(300 + chance(3000))
      proxy.breakOne()
    }
  })()

  test.after(() => {
    over = true
    for (const typist of typists) {
      typist.over = true
      typist.client?.drop()
    }
    proxy.close()
  })

  const end = Date.now() + ms
  for (;;) {
    proxy.target = server.port
    const life = Math.min(lifeMs * (0.8 + chance(40) / 100), end - Date.now())
    await sleep(Math.max(life, 1000))
    rss.push(rssMb(server.pid))
    lives.push(ledger.showings)
    say(`life ${lives.length}: ${ledger.all.size} typed, ${ledger.showings} shown, ${proxy.broken} connections broken, ${rss.at(-1).toFixed(1)} MB`)
    if (Date.now() >= end) break
    proxy.target = undefined
    await server.kill()
    proxy.breakAll()
    server = await serve(test, dir)
    // Before anybody comes back who could bring what was lost.
    assert.deepEqual(ledger.faults(await texts()), [], `after kill -9 number ${lives.length}`)
  }

  over = true
  await Promise.all([editor, breaker])
  proxy.shaking = false
  // All come back once more, with what they typed while nobody listened.
  for (const typist of typists) typist.over = true
  await Promise.all(runs)
  for (const typist of typists) {
    if (!typist.client) continue
    typist.client.drop()
    await typist.client.reconnect(via())
  }
  const replicas = () => typists.filter((t) => t.client).map((t) => new Map(t.notes.map((note) => [note.id, note.text.toString()])))
  let last = 'nothing was compared yet'
  const same = async () => {
    await server.flush()
    const expected = await texts()
    for (const replica of replicas()) {
      for (const [id, text] of expected) if (replica.get(id) !== text) return void (last = `a replica of ${id} differs from the server's`)
    }
    for (const [n, text] of [...expected.values()].entries()) {
      const file = read(dir, paths[n]).replaceAll('\r\n', '\n')
      if (!file.endsWith(text.replaceAll('\r\n', '\n'))) return void (last = `${paths[n]} on disk differs from its document`)
      for (let i = 0; i < diskEdits; ++i) if (file.split(`<disk.${i}>`).length > 2) return void (last = `<disk.${i}> is there twice`)
    }
    const onDisk = [...expected.values()].flatMap(marks).filter((mark) => mark.startsWith('<disk.')).length
    if (onDisk !== diskEdits) return void (last = `${onDisk} of ${diskEdits} lines of the other editor`)
    const faults = ledger.faults(expected, { whole: true })
    if (faults.length > 0) return void (last = faults.slice(0, 5).join('; '))
    return true
  }
  await until(same, 'all replicas and the disk to be equal', 30_000).catch((error) => {
    throw new Error(`${error.message}: ${last}`)
  })
  for (const typist of typists) await typist.client?.close()
  proxy.close()
  assert.equal((await server.stop()).code, 0)

  // Each life begins anew; at its end it holds what those before held, as far as what it holds is not a leak.
  if (rss.length >= 4) {
    const half = rss.length >> 1
    const [first, then] = [Math.max(...rss.slice(0, half)), Math.max(...rss.slice(half))]
    assert.ok(then <= first * 1.25 + 5, `RSS grew from ${first} to ${then} MB`)
  }
  return { typed: ledger.all.size, shown: ledger.showings, lives: lives.length, broken: proxy.broken, diskEdits, rss }
}
