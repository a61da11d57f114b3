// The second promise: nothing is lost. Clients type, the server is killed without warning at random moments and started again:
// everything that some other client had been shown is there, once; and after a flush files and documents agree.
//   DIARYX_SEED and DIARYX_ROUNDS choose another run; the seed is printed.
import assert from 'node:assert/strict'
import path from 'node:path'
import test from 'node:test'

import { run, serve, sleep, until } from '../support/binary.mjs'
import { Client, records } from '../support/client.mjs'
import { contents, journal, read, tempDir } from '../support/folders.mjs'
import { random } from '../support/random.mjs'

const seed = Number(process.env.DIARYX_SEED ?? Date.now() % 1_000_000)
const rounds = Number(process.env.DIARYX_ROUNDS ?? 6)
const kWriters = 4
const kNotes = 6

const marks = (text) => text.match(/<\d+\.[s\d]\.\d+>/g) ?? []

// Types a line of its own at the start of some line, every few milliseconds, until told to stop.
async function type(client, notes, name, chance, typed) {
  for (let n = 0; !client.stopped; ++n) {
    const note = notes[chance(notes.length)]
    const text = note.text.toString()
    const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
    const mark = `<${name}.${n}>`
    note.text.insert(starts[chance(starts.length)], mark + '\n')
    typed.push({ id: note.id, mark })
    await sleep(2 + chance(15))
  }
}

// From now on, what this client is shown by the server goes into `shown`: document id → marks.
function watch(note, shown) {
  note.text.observe((event, transaction) => {
    if (transaction.local) return
    for (const { insert } of event.delta) {
      if (typeof insert === 'string') for (const mark of marks(insert)) shown.add(`${note.id}\t${mark}`)
    }
  })
}

async function openAll(client, paths) {
  return Promise.all(paths.map((name) => client.body(name)))
}

test(`kill -9 under load, ${rounds} times, seed ${seed}`, { timeout: 300_000 }, async (t) => {
  const chance = random(seed)
  const dir = journal(t)
  const shown = new Set()
  let epoch
  let paths
  let survivor // One writer keeps its documents over the crash, as a browser does, and comes back with them.
  const survivorTyped = []

  for (let round = 0; round < rounds; ++round) {
    const server = await serve(t, dir)
    epoch ??= server.epoch
    assert.equal(server.epoch, epoch, 'the store was not rebuilt')

    const checker = await Client.connect(server)
    paths ??= records(await checker.workspace())
      .map((record) => record.path)
      .slice(0, kNotes)
    const found = new Map((await openAll(checker, paths)).map((note) => [note.id, marks(note.text.toString())]))
    for (const entry of shown) {
      const [id, mark] = entry.split('\t')
      assert.equal(found.get(id).filter((m) => m === mark).length, 1, `round ${round}: ${entry} was shown, and is there once`)
    }
    await checker.close()

    const writers = []
    for (let w = 0; w < kWriters; ++w) {
      const client = await Client.connect(server)
      const notes = await openAll(client, paths)
      notes.forEach((note) => watch(note, shown))
      writers.push(client)
      if (w > 0) void type(client, notes, `${round}.${w}`, chance, [])
    }
    if (survivor) await survivor.reconnect(server)
    else survivor = await Client.connect(server)
    survivor.stopped = false
    const typing = type(survivor, await openAll(survivor, paths), `${round}.s`, chance, survivorTyped)

    await sleep(300 + chance(1500))
    await server.kill()
    writers.forEach((client) => {
      client.stopped = true
      client.drop()
    })
    // The survivor goes on typing while nobody listens.
    await sleep(50 + chance(100))
    survivor.stopped = true
    await typing
  }

  const server = await serve(t, dir)
  await survivor.reconnect(server)
  const checker = await Client.connect(server)
  const notes = await openAll(checker, paths)
  const last = survivorTyped.at(-1)
  await until(() => notes.some((note) => note.id === last.id && note.text.toString().includes(last.mark)), 'the last line typed offline')
  for (const note of notes) {
    const all = marks(note.text.toString())
    assert.equal(new Set(all).size, all.length, `nothing is doubled in ${note.id}`)
    for (const { id, mark } of survivorTyped) if (id === note.id) assert.ok(all.includes(mark), `${mark} in ${id}`)
    for (const entry of shown) {
      const [id, mark] = entry.split('\t')
      if (id === note.id) assert.ok(all.includes(mark), `${entry} was shown, and is there`)
    }
  }
  assert.ok(shown.size > rounds * 10, `a real load: ${shown.size} lines were shown`)

  await server.flush()
  for (const [n, name] of paths.entries()) {
    const file = read(dir, name).replaceAll('\r\n', '\n')
    assert.ok(file.endsWith(notes[n].text.toString().replaceAll('\r\n', '\n')), `${name} holds what its document says`)
  }
  const out = path.join(tempDir(t), 'out')
  assert.equal((await run(['materialise', dir, '--out', out])).code, 0)
  const onDisk = contents(dir)
  for (const [name, what] of Object.entries(contents(out))) {
    if (what.startsWith('file')) assert.equal(what.split(' ').slice(2).join(' '), onDisk[name]?.split(' ').slice(2).join(' '), name)
  }
  await survivor.close()
  await checker.close()
  assert.equal((await server.stop()).code, 0)
  t.diagnostic(`seed ${seed}: ${shown.size} lines shown, ${survivorTyped.length} by the survivor`)
})
