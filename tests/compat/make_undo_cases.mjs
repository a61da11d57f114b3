// Makes cases for the UndoManager and for events: random programs that yjs runs, with what it did.
//
//   node tests/compat/make_undo_cases.mjs [--seeds FIRST COUNT] DIR     (needs tests/node_modules: npm ci in tests)
//
// Each case goes to DIR/undo or DIR/events. Its steps are described in undo_steps.h. A case depends on its
// number only. Without --seeds: those that are in tests/compat/more.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

let now = 1000
Date.now = () => now // Before yjs is loaded: its UndoManager asks this clock.
const Y = await import('yjs')
const { show, read, kindOf } = await import('./yjs_case.mjs')

const kinds = { t: 'text', a: 'array', m: 'map', x: 'xmlfragment' }
const constructors = { text: Y.Text, array: Y.Array, map: Y.Map, xmlfragment: Y.XmlFragment }
const base64 = octets => Buffer.from(octets).toString('base64')

const fingerprint = octets => {
  let hash = 0xcbf29ce484222325n
  for (const octet of octets) hash = BigInt.asUintN(64, (hash ^ BigInt(octet)) * 0x100000001b3n)
  return { len: octets.length, fnv1a64: hash.toString(16).padStart(16, '0') }
}

const randomFrom = seed => {
  let state = seed >>> 0
  const next = () => { // mulberry32
    state = (state + 0x6d2b79f5) >>> 0
    let x = state
    x = Math.imul(x ^ (x >>> 15), x | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296
  }
  const below = n => Math.floor(next() * n)
  return { below, chance: p => next() < p, pick: list => list[below(list.length)] }
}

// --- How events look in a case ---

const eventForm = event => {
  const form = { path: event.path, kind: kindOf(event.target) }
  const keys = Object.fromEntries([...event.keys].map(([key, change]) =>
    [key, change.action === 'add' ? { action: 'add' } : { action: change.action, old: show(change.oldValue) }]))
  if (Object.keys(keys).length > 0) form.keys = keys
  const delta = show(event.delta)
  if (delta.length > 0) form.delta = delta
  const values = items => [...items].flatMap(item => item.content.getContent()).map(show)
  const added = values(event.changes.added)
  const deleted = values(event.changes.deleted)
  if (added.length > 0) form.added = added
  if (deleted.length > 0) form.deleted = deleted
  return form
}

// --- Making and running the edits of a case ---

const follow = (doc, path) => path.slice(1).reduce((type, step) => {
  if (typeof step === 'string') return type instanceof Y.Map ? type.get(step) : type.getAttribute(step)
  return type instanceof Y.Text ? embedsOf(type).find(embed => embed.index === step).value : type.get(step)
}, doc.get(path[0], constructors[kinds[path[0]]]))

const embedsOf = text => {
  const embeds = []
  let index = 0
  for (let item = text._start; item !== null; item = item.right) {
    if (item.deleted || !item.countable) continue
    if (item.content instanceof Y.ContentType) embeds.push({ index, value: item.content.type })
    index += item.length
  }
  return embeds
}

const perform = (doc, op) => {
  const type = follow(doc, op.at)
  switch (op.do) {
    case 'text.insert': return 'attrs' in op ? type.insert(op.index, op.text, op.attrs) : type.insert(op.index, op.text)
    case 'text.delete': return type.delete(op.index, op.len)
    case 'text.format': return type.format(op.index, op.len, op.attrs)
    case 'text.embed': return type.insertEmbed(op.index, read(op.value), op.attrs)
    case 'text.setAttr': case 'xml.setAttr': return type.setAttribute(op.key, read(op.value))
    case 'text.removeAttr': case 'xml.removeAttr': return type.removeAttribute(op.key)
    case 'array.insert': case 'xml.insert': return type.insert(op.index, op.values.map(read))
    case 'array.delete': case 'xml.delete': return type.delete(op.index, op.len)
    case 'map.set': return type.set(op.key, read(op.value))
    case 'map.delete': return type.delete(op.key)
    case 'map.clear': return type.clear()
  }
  throw new Error(op.do)
}

// All live types of a document, with their paths.
const typesOf = doc => {
  const found = []
  const visit = (type, path) => {
    found.push({ type, path })
    if (path.length > 4) return
    if (type instanceof Y.Text) embedsOf(type).forEach(({ index, value }) => visit(value, [...path, index]))
    else if (type instanceof Y.Array || type instanceof Y.XmlFragment) {
      type.toArray().forEach((value, index) => { if (value instanceof Y.AbstractType) visit(value, [...path, index]) })
    }
    for (const [key, item] of type._map) {
      if (!item.deleted && item.content instanceof Y.ContentType) visit(item.content.type, [...path, key])
    }
  }
  for (const name of Object.keys(kinds)) visit(doc.get(name, constructors[kinds[name]]), [name])
  return found
}

const words = ['a', 'be', 'cat', 'dawn', 'eagle', 'fig leaf', 'größe', '日本', 'x\ny', '\n']
const styles = [{ bold: true }, { bold: null }, { italic: true }, { italic: null }, { color: 'red' }, { color: 'blue' }, { bold: true, italic: true }, { link: { to: 'here' } }, { link: { to: 'there' } }, { bold: null, color: null }]

class Editor {
  constructor (random, options) {
    this.random = random
    this.options = options
    this.documents = 0
  }

  text () { return this.options.pairs && this.random.chance(0.1) ? 'p😀q' : this.random.pick(words) }
  plain () {
    return this.random.pick([
      () => this.random.below(1000), () => this.text(), () => this.random.chance(0.5), () => null,
      () => ({ q: this.random.below(9), list: [1, 'two'] }), () => [this.random.below(9)], () => 1.5
    ])()
  }

  value (depth = 0) {
    const { random } = this
    if (this.options.subdocuments && random.chance(0.3)) {
      const form = { $: 'ydoc', guid: `sub-${++this.documents}` }
      return random.chance(0.4) ? { ...form, autoLoad: true } : form
    }
    if (depth > 2 || random.chance(0.65)) return this.plain()
    return random.pick([
      () => ({ $: 'ytext', insert: this.text() }),
      () => ({ $: 'yarray', items: [this.plain(), this.value(depth + 1)].slice(0, random.below(3)) }),
      () => ({ $: 'ymap', entries: [['k1', this.value(depth + 1)], ['k2', this.plain()]].slice(0, random.below(3)) }),
      () => this.node(depth + 1)
    ])()
  }

  node (depth = 0) {
    const { random } = this
    if (depth > 2 || random.chance(0.4)) return { $: 'yxmltext', insert: this.text() }
    const children = Array.from({ length: random.below(3) }, () => this.node(depth + 1))
    return { $: 'yxmlelement', name: random.pick(['p', 'h1', 'li']), attrs: random.chance(0.4) ? [['class', this.text()]] : [], children }
  }

  op (doc) {
    const { random } = this
    const candidates = typesOf(doc).filter(({ path }) => this.options.roots.includes(path[0]))
    const { type, path: at } = random.pick(candidates)
    const span = length => { const index = random.below(length); return { index, len: 1 + random.below(Math.min(6, length - index)) } }
    const place = length => random.chance(0.4) ? length : random.below(length + 1)
    if (type instanceof Y.Text) {
      const length = type.length
      const choice = random.below(100)
      if (length === 0 || choice < 40) {
        const op = { do: 'text.insert', at, index: place(length), text: this.text() }
        return random.chance(this.options.formats ? 0.3 : 0) ? { ...op, attrs: random.pick([{}, ...styles]) } : op
      }
      if (choice < 65) return { do: 'text.delete', at, ...span(length) }
      if (choice < 88 && this.options.formats) return { do: 'text.format', at, ...span(length), attrs: random.pick(styles) }
      if (choice < 94) {
        const value = random.chance(0.6) ? { img: this.text() } : { $: 'ymap', entries: [['k', this.plain()]] }
        return { do: 'text.embed', at, index: place(length), value, attrs: random.chance(0.5) && this.options.formats ? random.pick(styles) : {} }
      }
      return random.chance(0.7) ? { do: 'text.setAttr', at, key: random.pick(['lang', 'dir']), value: this.plain() } : { do: 'text.removeAttr', at, key: random.pick(['lang', 'dir']) }
    }
    if (type instanceof Y.Array) {
      if (type.length > 0 && random.chance(0.4)) return { do: 'array.delete', at, ...span(type.length) }
      return { do: 'array.insert', at, index: place(type.length), values: Array.from({ length: 1 + random.below(3) }, () => this.value()) }
    }
    if (type instanceof Y.XmlFragment) {
      const element = type instanceof Y.XmlElement
      if (element && random.chance(0.3)) {
        return random.chance(0.7) ? { do: 'xml.setAttr', at, key: random.pick(['id', 'class']), value: this.text() } : { do: 'xml.removeAttr', at, key: random.pick(['id', 'class']) }
      }
      if (type.length > 0 && random.chance(0.4)) return { do: 'xml.delete', at, ...span(type.length) }
      return { do: 'xml.insert', at, index: place(type.length), values: Array.from({ length: 1 + random.below(2) }, () => this.node()) }
    }
    const key = random.pick(['one', 'two', 'three', '7'])
    const choice = random.below(100)
    if (choice < 65) return { do: 'map.set', at, key, value: this.value() }
    return choice < 97 ? { do: 'map.delete', at, key } : { do: 'map.clear', at }
  }
}

// --- One case ---

const hasNeighbouringGaps = update => {
  const { structs } = Y.decodeUpdate(update)
  return structs.some((struct, i) => i > 0 && struct instanceof Y.GC && structs[i - 1] instanceof Y.GC && struct.id.client === structs[i - 1].id.client)
}

// The state with neighbouring GC structs merged, as the engine has them.
const encodeMerged = doc => {
  const clients = doc.store.clients
  doc.store.clients = new Map([...clients].map(([client, structs]) => {
    const merged = []
    for (const struct of structs) {
      const last = merged[merged.length - 1]
      if (struct instanceof Y.GC && last instanceof Y.GC) merged[merged.length - 1] = new Y.GC(last.id, last.length + struct.length)
      else merged.push(struct)
    }
    return [client, merged]
  }))
  try { return Y.encodeStateAsUpdate(doc) } finally { doc.store.clients = clients }
}

const kEcho = 5 // The origin of what an observer edits.

class Recorder {
  constructor (description, roots, cleanFormats) {
    this.doc = new Y.Doc({ guid: 'case', gc: description.gc })
    this.doc.clientID = description.client
    for (const name of Object.keys(roots)) this.doc.get(name, constructors[roots[name]])
    if (!cleanFormats) this.doc.on('afterTransaction', transaction => { transaction._needFormattingCleanup = false })
    this.emits = []
    this.calls = []
    this.log = []
    this.told = new Set()
    this.doc.on('update', update => this.emits.push(hasNeighbouringGaps(update) ? null : base64(update)))
  }

  watchDocuments () {
    this.doc.on('subdocs', ({ added, removed, loaded }) => {
      // A removed sub-document is destroyed, which yjs tells as another removal: once is enough.
      const fresh = [...removed].filter(document => !this.told.has(document))
      fresh.forEach(document => this.told.add(document))
      const names = set => [...set].map(document => document.guid).sort()
      if (fresh.length + added.size + loaded.size > 0) this.calls.push({ documents: { added: names(added), removed: names(fresh), loaded: names(loaded) } })
    })
  }

  take () {
    const result = {}
    if (this.emits.length > 0) result.emits = this.emits
    if (this.calls.length > 0) result.calls = this.calls
    if (this.log.length > 0) result.log = this.log
    result.state = fingerprint(encodeMerged(this.doc))
    this.emits = []
    this.calls = []
    this.log = []
    return result
  }
}

const makeCase = seed => {
  const random = randomFrom(seed * 7919 + 13)
  now = 1000
  const events = random.chance(0.4)
  const subdocuments = events && random.chance(0.25)
  const formats = random.chance(0.7)
  const options = { formats, subdocuments, pairs: random.chance(0.15), roots: random.chance(0.5) ? Object.keys(kinds) : [random.pick(Object.keys(kinds))] }
  // What yjs' delta of a text cleans up, it cleans always: without clean-up nobody may ask for one.
  const cleanFormats = events || random.chance(0.5)
  const editor = new Editor(random, options)
  const replicas = Array.from({ length: 1 + random.below(3) }, (_, i) => ({ id: 'ABC'[i], client: [11, 5, 42][i], gc: random.chance(0.85) }))
  const recorders = Object.fromEntries(replicas.map(replica => [replica.id, new Recorder(replica, kinds, cleanFormats)]))
  const managers = {}
  const steps = []

  const add = (step, replica, action, extra) => {
    const recorder = recorders[replica]
    const result = action(recorder.doc)
    steps.push({ ...step, expect: { ...(extra ? extra(result) : {}), ...recorder.take() } })
  }
  const edit = (replica, origin, count) => {
    const ops = []
    const own = Object.keys(managers).filter(id => managers[id].replica === replica)
    add({ op: 'undo.edit', replica, now, origin, ops }, replica, doc => doc.transact(() => {
      for (let i = 0; i < count; i++) {
        if (own.length > 0 && random.chance(0.04)) { // Undone inside, and captured as any other edit.
          const op = { do: random.chance(0.7) ? 'undo' : 'redo', manager: random.pick(own) }
          ops.push(op)
          managers[op.manager].manager[op.do]()
          continue
        }
        const op = editor.op(doc)
        ops.push(structuredClone(op)) // Yjs writes into the attributes that it is given.
        perform(doc, structuredClone(op))
      }
    }, origin === 0 ? null : origin))
  }
  const sync = (from, to, origin) => {
    const update = Y.encodeStateAsUpdate(recorders[from].doc, Y.encodeStateVector(recorders[to].doc))
    add({ op: 'undo.sync', from, to, now, origin }, to, doc => Y.applyUpdate(doc, update, origin))
  }
  const addManager = (replica, id) => {
    const doc = recorders[replica].doc
    const whole = !subdocuments && random.chance(0.25)
    const candidates = typesOf(doc).filter(({ path }) => options.roots.includes(path[0]))
    const scope = whole ? [] : Array.from({ length: 1 + random.below(2) }, () => random.pick(candidates).path)
    const step = { op: 'undo.new', replica, id, timeout: random.pick([0, 500, 500]), origins: random.pick([[0], [0, 1], [1], [0, 9], [0, kEcho]]), ignoreRemote: random.chance(0.2) }
    if (!whole) step.scope = scope
    const manager = new Y.UndoManager(whole ? doc : scope.map(path => follow(doc, path)), {
      captureTimeout: step.timeout, trackedOrigins: new Set(step.origins.map(origin => origin === 0 ? null : origin)), ignoreRemoteMapChanges: step.ignoreRemote
    })
    const log = what => event => recorders[replica].log.push(`${id} ${what} ${event.type}`)
    manager.on('stack-item-added', log('added'))
    manager.on('stack-item-updated', log('updated'))
    manager.on('stack-item-popped', log('popped'))
    manager.on('stack-cleared', ({ undoStackCleared, redoStackCleared }) => recorders[replica].log.push(`${id} cleared ${undoStackCleared} ${redoStackCleared}`))
    managers[id] = { manager, replica }
    steps.push(step)
  }
  const popStep = (id, what) => {
    const { manager, replica } = managers[id]
    add({ op: `undo.${what}`, manager: id, now }, replica, () => manager[what](),
      step => ({ done: step !== null, stacks: [manager.undoStack.length, manager.redoStack.length] }))
  }

  for (const { id } of replicas) {
    if (random.chance(0.7)) edit(id, 0, 1 + random.below(4))
  }
  if (events) {
    for (const { id } of replicas) {
      const recorder = recorders[id]
      for (const { path, type } of typesOf(recorder.doc)) {
        if (path.length === 1 ? !random.chance(0.9) : !random.chance(0.3)) continue
        const deep = random.chance(0.8)
        const step = { op: 'events.observe', replica: id, at: path, deep }
        const number = steps.length
        if (deep) type.observeDeep(list => recorder.calls.push({ observer: number, events: list.map(eventForm) }))
        else type.observe(event => recorder.calls.push({ observer: number, events: [eventForm(event)] }))
        steps.push(step)
      }
      if (random.chance(0.25)) {
        const root = random.pick(options.roots)
        let count = 0
        recorder.doc.get(root, constructors[kinds[root]]).observeDeep((_, transaction) => {
          if (transaction.origin !== kEcho) recorder.doc.transact(() => recorder.doc.getMap('m').set('echo', ++count), kEcho)
        })
        steps.push({ op: 'events.echo', replica: id, at: [root], origin: kEcho })
      }
      if (subdocuments) {
        recorder.watchDocuments()
        steps.push({ op: 'events.documents', replica: id })
      }
    }
  }
  if (!events || random.chance(0.5)) {
    replicas.forEach(({ id }, i) => { if (i === 0 || random.chance(0.4)) addManager(id, `u${id}`) })
    if (random.chance(0.2)) addManager(replicas[0].id, 'second')
  }
  const count = 12 + random.below(30)
  for (let i = 0; i < count; i++) {
    now += random.pick([0, 100, 400, 1000])
    const replica = random.pick(replicas).id
    const choice = random.below(100)
    const ids = Object.keys(managers)
    if (ids.length > 0 && choice < 40) {
      popStep(random.pick(ids), random.chance(0.6) ? 'undo' : 'redo')
    } else if (ids.length > 0 && choice < 42) {
      const id = random.pick(ids)
      const { manager } = managers[id]
      const step = random.pick([{ op: 'undo.stop', manager: id }, { op: 'undo.clear', manager: id, undo: random.chance(0.7), redo: random.chance(0.7) }])
      add({ ...step, now }, managers[id].replica, () => step.op === 'undo.stop' ? manager.stopCapturing() : manager.clear(step.undo, step.redo))
    } else if (ids.length > 0 && choice < 44) {
      const id = random.pick(ids)
      const { path, type } = random.pick(typesOf(recorders[managers[id].replica].doc))
      managers[id].manager.addToScope(type)
      steps.push({ op: 'undo.scope', manager: id, at: path })
    } else if (replicas.length > 1 && choice < 65) {
      const other = random.pick(replicas.filter(({ id }) => id !== replica)).id
      sync(replica, other, random.pick([7, 7, 7, 1]))
    } else {
      edit(replica, random.pick([0, 0, 0, 1, 9]), 1 + random.below(3))
    }
  }
  return {
    format: 1,
    kind: events ? 'events' : 'undo',
    name: `random-${String(seed).padStart(4, '0')}`,
    description: 'a random program with observers and UndoManagers, as yjs runs it',
    yjs: '13.6.33',
    clean_formats: cleanFormats,
    roots: kinds,
    replicas,
    steps
  }
}

const kKept = [1, 40]
const args = process.argv.slice(2)
const seeds = args[0] === '--seeds' ? args.splice(0, 3).slice(1).map(Number) : kKept
const folder = args[0]
// Yjs 13.6 throws where a step wants what was collected since; the engine does not, and has no oracle there.
console.error = () => {}
for (let seed = seeds[0]; seed < seeds[0] + seeds[1]; seed++) {
  let made
  try {
    made = makeCase(seed)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    console.log(`seed ${seed}: yjs throws: ${error.message}`)
    continue
  }
  mkdirSync(join(folder, made.kind), { recursive: true })
  writeFileSync(join(folder, made.kind, `${made.name}.json`), JSON.stringify(made) + '\n')
}
