// Makes cases of presence that comes and goes with time: random programs that y-protocols runs, with what it did.
//
//   node tests/compat/make_awareness_cases.mjs [--seeds FIRST COUNT] DIR     (needs tests/node_modules)
//
// The steps are in awareness_steps.h. Without --seeds: those that are in tests/compat/more/awareness.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

let now = 0
let timers = []
Date.now = () => now // Before the library is loaded: it asks this clock, and sets one timer per instance.
globalThis.setInterval = action => { timers.push(action); return timers.length }
const Y = await import('yjs')
const protocol = await import('y-protocols/awareness')

const makeCase = seed => {
  let state = (seed * 2654435761) >>> 0
  const below = n => { // xorshift32
    state ^= state << 13; state >>>= 0
    state ^= state >>> 17
    state ^= state << 5; state >>>= 0
    return state % n
  }
  const pick = list => list[below(list.length)]
  now = 1000
  timers = []
  const steps = []
  const clients = {}
  for (const [id, client] of [['A', 7], ['B', 3], ['C', 900]]) {
    const doc = new Y.Doc()
    doc.clientID = client
    const awareness = new protocol.Awareness(doc)
    const heard = { update: [], change: [] }
    awareness.on('update', change => heard.update.push(change))
    awareness.on('change', change => heard.change.push(change))
    clients[id] = { client, awareness, heard, timer: timers.at(-1) }
    steps.push({ op: 'awareness.new', id, client, now })
  }
  // Who is found to be silent at the same time is told in no particular order.
  const sorted = change => change && { added: change.added, updated: change.updated, removed: [...change.removed].sort((a, b) => a - b) }
  const take = ({ heard }) => {
    const result = { update: heard.update[0] ?? null, change: heard.change[0] ?? null }
    heard.update = []
    heard.change = []
    return result
  }
  // The timer may tell of two things, one after the other: that it renewed, and whom it removed.
  const tick = id => {
    const entry = clients[id]
    entry.timer()
    const renewed = { update: entry.heard.update.find(change => change.updated.length > 0) ?? null, change: null }
    const removed = {
      update: sorted(entry.heard.update.find(change => change.removed.length > 0)) ?? null,
      change: sorted(entry.heard.change.find(change => change.removed.length > 0)) ?? null
    }
    entry.heard.update = []
    entry.heard.change = []
    steps.push({ op: 'awareness.tick', id, now, expect: { renewed, removed } })
  }
  for (let i = 0; i < 60; ++i) {
    now += pick([0, 500, 3000, 3000, 7000, 15000])
    const id = pick(['A', 'B', 'C'])
    const entry = clients[id]
    const choice = below(10)
    if (choice < 4) {
      tick(id)
    } else if (choice < 6) {
      const value = pick([null, { n: below(3) }, { n: below(3), at: [1, 2] }, 0, 'here'])
      entry.awareness.setLocalState(value)
      steps.push({ op: 'awareness.setLocal', id, state: value, now, expect: take(entry) })
    } else {
      const to = pick(['A', 'B', 'C'].filter(other => other !== id))
      const known = [...entry.awareness.meta.keys()]
      const update = protocol.encodeAwarenessUpdate(entry.awareness, known.filter(() => below(3) > 0))
      protocol.applyAwarenessUpdate(clients[to].awareness, update, 'remote')
      steps.push({ op: 'awareness.apply', id: to, update: Buffer.from(update).toString('base64'), now, expect: take(clients[to]) })
    }
    if (i % 10 === 9) {
      const { awareness } = entry
      steps.push({
        op: 'awareness.check',
        id,
        expect: {
          states: Object.fromEntries(awareness.states),
          clocks: Object.fromEntries([...awareness.meta].map(([client, meta]) => [client, meta.clock]))
        }
      })
    }
  }
  return { format: 1, kind: 'awareness', name: `time-${seed}`, description: 'presence of three clients who renew and miss each other', yjs: '13.6.33', steps }
}

const args = process.argv.slice(2)
const [first, count] = args[0] === '--seeds' ? args.splice(0, 3).slice(1).map(Number) : [1, 5]
const folder = join(args[0], 'awareness')
mkdirSync(folder, { recursive: true })
for (let seed = first; seed < first + count; ++seed) {
  const made = makeCase(seed)
  writeFileSync(join(folder, `${made.name}.json`), JSON.stringify(made) + '\n')
}
