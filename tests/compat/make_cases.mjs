// node make_cases.mjs DIR [FIRST-SEED COUNT [LENGTH]]: writes cases that say what Yjs does with relative positions and snapshots,
// beyond what corpus/ holds. Without seeds: the cases that more/ keeps. The same call writes the same bytes. LENGTH says
// how many times as many edits a case is to have.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as Y from 'yjs'
import { random } from '../support/random.mjs'
import { Case, kindOf } from './yjs_case.mjs'

const [dir, first, count, length = 1] = process.argv.slice(2)
const ROOTS = { t: 'text', a: 'array', m: 'map', x: 'xmlfragment' }
const WORDS = ['a', 'bc', 'def', 'ghijkl', '😀', 'x😀', 'é', 'e\u0301', '\n', 'two words', '👩‍👩‍👧', '0']
const KEYS = ['k', 'l', '7', 'ychange']
const ATTRIBUTES = [{ bold: true }, { bold: null }, { i: 1, u: null }, { link: { href: 'x' } }, { i: null }, { ychange: 'mine' }]

// --- Random edits ---

class Writer {
  constructor(kase, seed) {
    this.kase = kase
    this.below = random(seed)
  }

  pick(list) { return list[this.below(list.length)] }

  // All live types of a replica: [path, type].
  types(id) {
    const found = []
    const visit = (path, type) => {
      found.push([path, type])
      let index = 0
      for (let item = type._start; item !== null; item = item.right) {
        if (item.deleted || !item.countable) continue
        if (item.content instanceof Y.ContentType) visit([...path, index], item.content.type)
        index += item.length
      }
      for (const [key, item] of type._map) {
        if (!item.deleted && item.content instanceof Y.ContentType) visit([...path, key], item.content.type)
      }
    }
    for (const name of Object.keys(this.kase.roots)) visit([name], this.kase.type(id, [name]))
    return found
  }

  value() { return this.pick([1, -3, 2.5, true, null, 'text', '😀', [1, [2]], { b: 1, a: { c: 'd' } }, { $: 'bytes', v: 'AQID' }]) }
  // A map also takes what an array does not.
  mapValue() { return this.below(6) ? this.value() : this.pick([{ $: 'undefined' }, { $: 'bigint', v: '12345678901' }]) }
  newType() {
    switch (this.below(7)) {
      case 0: return { $: 'ytext', insert: this.pick(WORDS) }
      case 1: return { $: 'yarray', items: [this.value(), this.value()] }
      case 2: return { $: 'ymap', entries: [[this.pick(KEYS), this.mapValue()]] }
      case 3: return { $: 'yarray', items: [{ $: 'ymap', entries: [['in', { $: 'ytext', insert: 'deep' }]] }, 5] }
      case 4: return { $: 'ytext', delta: [{ insert: 'b', attributes: { bold: true } }, { insert: 'plain' }] }
      case 5: return this.newNode()
      default: return { $: 'ydoc', guid: `sub-${this.below(9)}` }
    }
  }
  newNode() {
    if (this.below(2)) return { $: 'yxmltext', insert: this.pick(WORDS) }
    const children = this.below(2) ? [{ $: 'yxmltext', insert: 'in' }, { $: 'yxmlelement', name: 'b' }] : []
    return { $: 'yxmlelement', name: this.pick(['p', 'div', 'H1']), attrs: this.below(2) ? [['id', 'v']] : [], children }
  }
  // A place and a length within `units`, both sometimes at the end.
  range(units) {
    const index = this.below(units)
    return { index, len: 1 + this.below(Math.min(units - index, 1 + this.below(6))) }
  }

  textEdit(at, type) {
    const index = this.below(type.length + 1)
    if (type.length > 0 && this.below(3) === 0) return { do: 'text.delete', at, ...this.range(type.length) }
    switch (this.below(9)) {
      case 0: return type.length ? { do: 'text.format', at, ...this.range(type.length), attrs: this.pick(ATTRIBUTES) } : null
      case 1: return { do: 'text.embed', at, index, value: this.below(2) ? { img: 'u' } : { $: 'ymap', entries: [['e', 1]] } }
      case 2: return { do: 'text.insert', at, index, text: this.pick(WORDS), attrs: this.pick(ATTRIBUTES) }
      case 3: return { do: 'text.setAttr', at, key: this.pick(KEYS), value: this.pick([1, 'v', true]) }
      case 4: {
        const insert = this.below(3) ? this.pick(WORDS) : { $: 'yarray', items: [1] }
        return { do: 'text.applyDelta', at, delta: [...(index ? [{ retain: index, attributes: this.pick(ATTRIBUTES) }] : []), { insert }] }
      }
      default: return { do: 'text.insert', at, index, text: this.pick(WORDS) }
    }
  }
  arrayEdit(at, type) {
    if (type.length > 0 && this.below(3) === 0) return { do: 'array.delete', at, ...this.range(type.length) }
    const values = [this.value(), ...(this.below(2) ? [this.newType()] : [this.value(), this.value()])]
    return this.below(3) ? { do: 'array.insert', at, index: this.below(type.length + 1), values } : { do: 'array.push', at, values }
  }
  mapEdit(at, type) {
    const key = this.pick(KEYS)
    if (type.has(key) && this.below(3) === 0) return { do: 'map.delete', at, key }
    return { do: 'map.set', at, key, value: this.below(3) ? this.mapValue() : this.newType() }
  }
  xmlEdit(at, type) {
    if (type.length > 0 && this.below(3) === 0) return { do: 'xml.delete', at, ...this.range(type.length) }
    if (type instanceof Y.XmlElement && this.below(3) === 0) {
      const key = this.pick(['id', 'class'])
      return type.hasAttribute(key) && this.below(2) ? { do: 'xml.removeAttr', at, key } : { do: 'xml.setAttr', at, key, value: this.pick(['1', 'two']) }
    }
    if (this.below(4) === 0) return { do: 'xml.insertAfter', at, ref: type.length ? this.below(type.length) : null, values: [this.newNode()] }
    return { do: 'xml.insert', at, index: this.below(type.length + 1), values: [this.newNode()] }
  }
  anyEdit(id) {
    const [at, type] = this.pick(this.types(id))
    switch (kindOf(type)) {
      case 'text': case 'xmltext': return this.textEdit(at, type)
      case 'array': return this.arrayEdit(at, type)
      case 'map': case 'xmlhook': return this.mapEdit(at, type)
      default: return this.xmlEdit(at, type)
    }
  }
  edit(id) {
    let left = 1 + this.below(4)
    this.kase.transact(id, () => {
      for (let op = null; left-- > 0;) if ((op = this.anyEdit(id))) return op
      return null
    })
  }
  send(from, to) { return this.kase.send(from, to, this.pick(['v1', 'v2'])) }
}

function randomPositions(kase, seed) {
  const writer = new Writer(kase, seed)
  const ids = kase.json.replicas.map((replica) => replica.id)
  const known = []
  for (let round = 0; round < 30 * length; ++round) {
    const id = writer.pick(ids)
    writer.edit(id)
    for (let i = writer.below(3); i > 0; --i) {
      const [at, type] = writer.pick(writer.types(id))
      known.push(kase.position(id, at, writer.below((type.length ?? 0) + 3), writer.pick([-1, -1, 0, 0, 1, -5, 70])))
    }
    if (writer.below(2)) writer.send(id, writer.pick(ids.filter((other) => other !== id)))
    if (known.length) kase.resolve(writer.pick(ids), writer.pick(known))
  }
  for (const from of ids) for (const to of ids) if (from !== to) kase.sync(from, to, writer.pick(['v1', 'v2']), writer.below(2) === 0)
  for (const bytes of known) for (const id of ids) kase.resolve(id, bytes)
  for (const id of ids) kase.check(id)
}

function randomSnapshots(kase, seed) {
  const writer = new Writer(kase, seed)
  const snapshots = [kase.take('A')]
  const updates = []
  for (let round = 0; round < 18 * length; ++round) {
    const id = writer.pick(['A', 'A', 'B'])
    writer.edit(id)
    if (writer.below(2)) updates.push(writer.send('B', 'A'))
    if (writer.below(3) === 0) writer.send('A', 'B')
    if (writer.below(3) === 0) snapshots.push(kase.take('A'))
  }
  for (let i = 0; i < 6; ++i) {
    const snapshot = writer.pick(snapshots)
    kase.restore('A', snapshot, writer.pick(['v1', 'v2']))
    kase.equal(snapshot, writer.pick(snapshots))
  }
  for (let i = 0; i < 16; ++i) {
    const [at, type] = writer.pick(writer.types('A'))
    let snapshot = writer.pick(snapshots)
    if (writer.below(5) === 0) snapshot = kase.mix(writer.pick(snapshots), snapshot)
    const kind = kindOf(type)
    if (kind.endsWith('text') && writer.below(4)) kase.delta('A', at, writer.pick([snapshot, snapshot, null]), writer.pick([...snapshots, null]))
    else if (kind === 'map' || writer.below(3) === 0) kase.map('A', at, snapshot)
    else kase.array('A', at, snapshot)
  }
  for (const update of updates.slice(0, 4)) kase.contains(writer.pick(snapshots), update)
  kase.check('A')
  kase.check('B')
}

// --- Cases that chance seldom makes ---

const insert = (at, index, text, rest = {}) => ({ do: 'text.insert', at, index, text, ...rest })
const half = (unit) => ({ $: 'utf16', v: [unit] })

const CRAFTED = {
  'relpos-map-values': ['Places at map values and attributes, named by hand.', (kase) => {
    kase.edit('A', { do: 'map.set', at: ['m'], key: 'k', value: 1 }, { do: 'map.set', at: ['m'], key: 'k', value: 2 })
    kase.edit('A', { do: 'map.set', at: ['m'], key: 'l', value: { $: 'yarray', items: [1, 2, 3] } })
    kase.edit('A', { do: 'xml.insert', at: ['x'], index: 0, values: [{ $: 'yxmlelement', name: 'p', attrs: [['id', '1']], children: [{ $: 'yxmltext', insert: 'in' }] }] })
    kase.send('A', 'B')
    for (let clock = 0; clock < 13; ++clock) {
      for (const assoc of [0, -1]) {
        const bytes = kase.fromJson({ item: { client: 1, clock }, assoc })
        kase.resolve('A', bytes)
        kase.resolve('B', bytes)
        kase.resolve('A', kase.fromJson({ type: { client: 1, clock }, assoc }))
      }
    }
  }],
  'relpos-collected': ['A type is deleted on a replica that collects and on one that does not.', (kase) => {
    kase.edit('A', { do: 'map.set', at: ['m'], key: 'k', value: { $: 'yarray', items: [1, { $: 'ytext', insert: 'deep' }, 3] } })
    kase.edit('A', { do: 'text.embed', at: ['t'], index: 0, value: { $: 'ytext', insert: 'embedded' } })
    kase.send('A', 'B')
    const known = [['m', 'k'], ['m', 'k', 1], ['t', 0]].flatMap((at) => [0, 1, 9].flatMap((index) => [0, -1].map((assoc) => kase.position('A', at, index, assoc))))
    for (const bytes of known) for (const id of ['A', 'B']) kase.resolve(id, bytes)
    kase.edit('A', { do: 'array.delete', at: ['m', 'k'], index: 1, len: 1 })
    kase.send('A', 'B')
    for (const bytes of known) for (const id of ['A', 'B']) kase.resolve(id, bytes)
    kase.edit('B', { do: 'map.delete', at: ['m'], key: 'k' }, { do: 'text.delete', at: ['t'], index: 0, len: 1 })
    kase.send('B', 'A')
    for (const bytes of known) for (const id of ['A', 'B']) kase.resolve(id, bytes)
  }],
  'relpos-pairs': ['Places inside surrogate pairs, also in ones typed by halves, and what cutting the pair does to them.', (kase) => {
    kase.edit('A', insert(['t'], 0, 'a😀b'))
    kase.edit('A', insert(['t'], 4, half(0xd83d)))
    kase.edit('A', insert(['t'], 5, half(0xde00)))
    kase.edit('A', { do: 'text.format', at: ['t'], index: 1, len: 2, attrs: { bold: true } })
    kase.send('A', 'B')
    const known = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((index) => [0, -1].map((assoc) => kase.position('A', ['t'], index, assoc)))
    kase.edit('B', insert(['t'], 2, 'X'))
    kase.send('B', 'A')
    kase.edit('A', { do: 'text.delete', at: ['t'], index: 0, len: 2 })
    kase.send('A', 'B')
    for (const bytes of known) for (const id of ['A', 'B']) kase.resolve(id, bytes)
  }],
  'relpos-roots': ['Roots of all kinds, and one that nobody has declared.', (kase) => {
    kase.edit('A', insert(['t'], 0, 'text'), { do: 'array.push', at: ['a'], values: [1, 2] })
    kase.edit('A', { do: 'xml.push', at: ['x'], values: [{ $: 'yxmltext', insert: 'in' }] })
    kase.send('A', 'B', 'v2')
    for (const name of Object.keys(ROOTS)) for (const index of [0, 1, 9]) for (const assoc of [-1, 0]) kase.resolve('B', kase.position('A', [name], index, assoc))
    kase.resolve('B', kase.fromJson({ tname: 'nobody', assoc: 3 }))
    kase.resolve('B', kase.fromJson({ tname: '', assoc: -3 }))
    kase.fromJson({ type: { client: 1, clock: 3 }, tname: 't', item: null })
    kase.fromJson({ type: { client: 9007199254740991, clock: 9007199254740991 }, assoc: null })
    kase.fromJson({ tname: 't', assoc: -9007199254740991 })
  }],
  'snapshot-joined-array': ['Values that were joined after the snapshot: Yjs shows the whole run.', (kase) => {
    kase.edit('A', { do: 'array.push', at: ['a'], values: [1, 2] })
    const two = kase.take('A')
    kase.edit('A', { do: 'array.push', at: ['a'], values: [3, 'four'] })
    const four = kase.take('A')
    kase.edit('A', { do: 'array.delete', at: ['a'], index: 1, len: 2 })
    for (const snapshot of [two, four, kase.take('A'), kase.mix(four, two)]) {
      kase.array('A', ['a'], snapshot)
      kase.restore('A', snapshot)
    }
    kase.check('A')
  }],
  'snapshot-borders': ['Every border of one snapshot lies inside items of the other.', (kase) => {
    kase.edit('A', insert(['t'], 0, 'abcdefgh'))
    const first = kase.take('A')
    kase.edit('A', insert(['t'], 8, 'ijklmnop'))
    const second = kase.take('A')
    kase.edit('A', insert(['t'], 16, 'qrst'))
    kase.edit('A', { do: 'text.delete', at: ['t'], index: 2, len: 3 }, { do: 'text.delete', at: ['t'], index: 4, len: 6 })
    const third = kase.take('A')
    kase.edit('A', { do: 'text.delete', at: ['t'], index: 1, len: 9 })
    const all = [first, second, third, kase.take('A'), kase.mix(third, first), null]
    for (const a of all) for (const b of all) kase.delta('A', ['t'], a, b)
    kase.check('A')
  }],
  'snapshot-own-ychange': ['The text has a format called ychange itself.', (kase) => {
    kase.edit('A', insert(['t'], 0, 'one two'))
    const first = kase.take('A')
    kase.edit('A', { do: 'text.format', at: ['t'], index: 1, len: 4, attrs: { ychange: { type: 'added', user: 1 } } })
    kase.edit('A', insert(['t'], 3, 'X'), { do: 'text.embed', at: ['t'], index: 2, value: { e: 1 } })
    const second = kase.take('A')
    kase.edit('A', { do: 'text.delete', at: ['t'], index: 0, len: 4 })
    const all = [first, second, kase.take('A'), null]
    for (const a of all) for (const b of all) kase.delta('A', ['t'], a, b)
  }],
  'snapshot-from-collector': ['What a collecting peer sends has gaps: they show as nothing.', (kase) => {
    kase.edit('B', { do: 'map.set', at: ['m'], key: 'k', value: { $: 'ytext', insert: 'gone' } }, insert(['t'], 0, 'hello'))
    const empty = kase.take('A')
    kase.edit('B', { do: 'map.set', at: ['m'], key: 'k', value: 1 }, { do: 'text.delete', at: ['t'], index: 1, len: 3 })
    kase.send('B', 'A')
    const first = kase.take('A')
    kase.edit('A', { do: 'map.set', at: ['m'], key: 'k', value: 2 })
    for (const snapshot of [empty, first, kase.take('A')]) {
      kase.restore('A', snapshot)
      kase.map('A', ['m'], snapshot)
      kase.delta('A', ['t'], snapshot, empty)
    }
    kase.map('B', ['m'], kase.mix(empty, first))
    kase.check('A')
  }],
  'snapshot-documents': ['Sub-documents and octets in maps and arrays.', (kase) => {
    kase.edit('A', { do: 'map.set', at: ['m'], key: 'd', value: { $: 'ydoc', guid: 'one', autoLoad: true } })
    kase.edit('A', { do: 'array.push', at: ['a'], values: [{ $: 'ydoc', guid: 'two' }, { $: 'bytes', v: 'AQID' }, 1] })
    const first = kase.take('A')
    kase.edit('A', { do: 'map.set', at: ['m'], key: 'd', value: { $: 'undefined' } }, { do: 'array.delete', at: ['a'], index: 0, len: 2 })
    for (const snapshot of [first, kase.take('A')]) {
      kase.map('A', ['m'], snapshot)
      kase.array('A', ['a'], snapshot)
      kase.restore('A', snapshot, 'v2')
    }
  }],
  'snapshot-waiting': ['Parts of an update wait: a snapshot knows only what is there.', (kase) => {
    kase.edit('B', insert(['t'], 0, 'one'))
    const lost = Y.encodeStateAsUpdate(kase.doc('B'))
    const vector = Y.encodeStateVector(kase.doc('B'))
    kase.edit('B', insert(['t'], 1, 'two'), { do: 'text.delete', at: ['t'], index: 0, len: 2 })
    kase.apply('A', Y.encodeStateAsUpdate(kase.doc('B'), vector))
    const before = kase.take('A')
    kase.apply('A', lost)
    const after = kase.take('A')
    kase.restore('A', before)
    kase.restore('A', after)
    kase.delta('A', ['t'], after, before)
    kase.equal(before, after)
    kase.check('A')
  }],
}

// --- Writing ---

const BOTH = [{ id: 'A', client: 1, gc: true }, { id: 'B', client: 2, gc: false }]
const KEEPER = [{ id: 'A', client: 1, gc: false }, { id: 'B', client: 2, gc: true }]

function replicasFor(name, seed) {
  if (seed === undefined) return name.startsWith('relpos') ? BOTH : KEEPER
  const below = random(seed + 7919)
  const client = () => 1 + below(0xffffffff)
  const replicas = [{ id: 'A', client: client(), gc: false }, { id: 'B', client: client(), gc: below(3) > 0 }]
  if (name.startsWith('relpos') && below(2)) replicas.push({ id: 'C', client: client(), gc: true })
  return replicas
}

function make(name, description, body, seed) {
  const run = (clean) => {
    const kase = new Case(name, description, ROOTS, replicasFor(name, seed), clean)
    body(kase, seed)
    return kase.json
  }
  const cleaned = text(run(true))
  // A case where the clean-up of formats matters would need two expectations.
  return cleaned === text(run(false)) ? cleaned : null
}

// A line a step.
function text({ steps, ...rest }) {
  const lines = steps.map((step) => JSON.stringify(step))
  return `${JSON.stringify(rest).slice(0, -1)},"steps":[\n${lines.join(',\n')}\n]}\n`
}

const write = (name, json) => {
  if (json) writeFileSync(join(dir, `${name}.json`), json)
  else console.log(`left out ${name}: cleaning formats makes a difference`)
}
if (first === undefined) {
  for (const [name, [description, body]] of Object.entries(CRAFTED)) write(name, make(name, description, body))
}
// In 28 a peer is sent gaps that Yjs left apart.
const kept = [1, 2, 3, 4, 5, 6, 7, 28]
for (const seed of first === undefined ? kept : Array.from({ length: Number(count) }, (_, i) => Number(first) + i)) {
  const positions = `relpos-random-${seed}`
  write(positions, make(positions, 'Random edits of all types; places are taken now and then and resolved everywhere.', randomPositions, seed))
  const snapshots = `snapshot-random-${seed}`
  write(snapshots, make(snapshots, 'Random edits of all types; snapshots are taken now and then, restored and looked at.', randomSnapshots, seed))
}
