// A program run on Yjs. Each step gives the requests for the engine (see engine_driver.cc) and what Yjs says to them.
//
// A program is { roots, replicas, steps }, as a case of the corpus has them, but updates are named by the step that made them, so that steps
// can be taken out of it:
//   { id, op: 'transact', replica, ops }
//   { id, op: 'deliver', to, updates: [[step id, n]…], enc, how }   the n-th update that a step emitted;
//       how: 'each' one by one, 'merge' merged into one, 'diff' what the receiver lacks of that, 'convert' by way of the other format
//   { id, op: 'sync', from, to, enc, full }
//   { id, op: 'declare', replica, roots }
import * as Y from 'yjs'
import { base64, fromBase64, showRoot, toInput } from './values.mjs'

const constructors = { text: Y.Text, array: Y.Array, map: Y.Map, xmlfragment: Y.XmlFragment, xmlelement: Y.XmlElement, xmltext: Y.XmlText }

// A program asks for what cannot be done, such as an index behind the end: it is none.
export class Invalid extends Error {}
const demand = (condition, what) => { if (!condition) throw new Invalid(what) }

// Yjs leaves some neighbouring GC structs apart, the engine never does. Nothing else depends on it.
function joinGaps(doc) {
  for (const structs of doc.store.clients.values()) {
    let kept = 0
    for (let i = 1; i < structs.length; ++i) {
      if (structs[i] instanceof Y.GC && structs[kept] instanceof Y.GC) structs[kept].mergeWith(structs[i])
      else structs[++kept] = structs[i]
    }
    if (structs.length > 0) structs.length = kept + 1
  }
}

export function atIndex(type, index) {
  if (!(type instanceof Y.Text)) return type.get(index)
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted || !item.countable) continue
    if (index < item.length) return item.content.getContent()[index]
    index -= item.length
  }
}

const v1 = { apply: Y.applyUpdate, encode: Y.encodeStateAsUpdate, merge: Y.mergeUpdates, diff: Y.diffUpdate, convert: Y.convertUpdateFormatV1ToV2, sv: Y.encodeStateVectorFromUpdate, meta: Y.parseUpdateMeta }
const v2 = { apply: Y.applyUpdateV2, encode: Y.encodeStateAsUpdateV2, merge: Y.mergeUpdatesV2, diff: Y.diffUpdateV2, convert: Y.convertUpdateFormatV2ToV1, sv: Y.encodeStateVectorFromUpdateV2, meta: Y.parseUpdateMetaV2 }
const formats = { v1, v2 }

function clocks(map) {
  return Object.fromEntries([...map].map(([client, clock]) => [String(client), clock]))
}

export class YjsSide {
  // joined: neighbouring GC structs are merged after each transaction.
  constructor(program, { clean, joined = true }) {
    this.program = program
    this.emitted = new Map() // Step id → updates of its transactions.
    this.replicas = new Map()
    for (const description of program.replicas) {
      const doc = new Y.Doc({ guid: description.id, gc: description.gc !== false })
      doc.clientID = description.client
      const replica = { doc, client: description.client, roots: {}, emits: [], pending: false }
      if (description.declare !== false) this.declareRoots(replica, program.roots)
      if (!clean) doc.on('afterTransaction', (transaction) => { transaction._needFormattingCleanup = false })
      if (joined) doc.on('afterTransactionCleanup', () => joinGaps(doc))
      doc.on('update', (update) => replica.emits.push({ v1: update }))
      doc.on('updateV2', (update) => { replica.emits.at(-1).v2 = update })
      this.replicas.set(description.id, replica)
    }
  }

  declareRoots(replica, roots) {
    for (const [name, kind] of Object.entries(roots)) replica.doc.get(name, constructors[kind])
    Object.assign(replica.roots, roots)
  }

  // [{ request, expect, replica?, quiet? }…]; `quiet`: what waits may have come in by halves, so that only the end result counts.
  run(step) {
    this.exchanges = []
    this.step = step
    this.emitted.set(step.id, [])
    if (step.op === 'transact') this.transact(step)
    else if (step.op === 'deliver') this.deliver(step)
    else if (step.op === 'sync') this.sync(step)
    else this.declare(step)
    return this.exchanges
  }

  // What Yjs says to a request that was made before, maybe in another mode; nothing if there is no telling.
  again(request) {
    this.exchanges = []
    this.step = { id: 'again' }
    this.emitted.set('again', [])
    if (request.op === 'transact') this.transact(request)
    else if (request.op === 'apply') this.apply(request.replica, request.enc, fromBase64(request.update))
    else if (request.op === 'declare') this.declare(request)
    else if (request.op === 'encode') this.encode(request.replica, fromBase64(request.sv))
    return this.exchanges[0]
  }

  transact({ replica: id, ops }) {
    const replica = this.replica(id)
    demand(!replica.pending, 'an edit where something waits')
    replica.doc.transact(() => { for (const op of ops) this.edit(replica, op) }, 'local')
    this.changed(id, { op: 'transact', replica: id, ops })
  }

  replica(id) {
    const replica = this.replicas.get(id)
    demand(replica, `no replica ${id}`)
    return replica
  }

  declare({ replica: id, roots }) {
    this.declareRoots(this.replica(id), roots)
    this.changed(id, { op: 'declare', replica: id, roots })
  }

  deliver({ to, updates, enc, how }) {
    const list = updates.map(([step, n]) => this.emitted.get(step)?.[n])
    demand(list.every(Boolean), 'an update that was never made')
    let pieces = list.map((update) => update[enc])
    if (how === 'each') {
      for (const piece of pieces) this.apply(to, enc, piece)
      return
    }
    const format = formats[enc]
    const merged = format.merge(pieces)
    this.ask({ op: 'mergeUpdates', enc, inputs: pieces.map(base64) }, { bytes: base64(merged) })
    this.ask({ op: 'svFromUpdate', enc, update: base64(merged) }, { bytes: base64(format.sv(merged)) })
    const meta = format.meta(merged)
    this.ask({ op: 'updateMeta', enc, update: base64(merged) }, { from: clocks(meta.from), to: clocks(meta.to) })
    if (how === 'diff') {
      const known = Y.encodeStateVector(this.replica(to).doc)
      const lacking = format.diff(merged, known)
      this.ask({ op: 'diffUpdate', enc, update: base64(merged), sv: base64(known) }, { bytes: base64(lacking) })
      this.apply(to, enc, lacking)
    } else if (how === 'convert') {
      const converted = format.convert(merged)
      this.ask({ op: enc === 'v1' ? 'convertV1toV2' : 'convertV2toV1', update: base64(merged) }, { bytes: base64(converted) })
      this.apply(to, enc === 'v1' ? 'v2' : 'v1', converted)
    } else {
      this.apply(to, enc, merged)
    }
  }

  sync({ from, to, enc, full }) {
    const known = full ? new Uint8Array([0]) : Y.encodeStateVector(this.replica(to).doc)
    this.apply(to, enc, this.encode(from, known)[enc])
  }

  encode(id, known) {
    const { doc, pending } = this.replica(id)
    const encoded = { v1: Y.encodeStateAsUpdate(doc, known), v2: Y.encodeStateAsUpdateV2(doc, known) }
    if (!pending) this.ask({ op: 'encode', replica: id, sv: base64(known) }, { v1: base64(encoded.v1), v2: base64(encoded.v2) }, id)
    return encoded
  }

  apply(to, enc, update) {
    formats[enc].apply(this.replica(to).doc, update, 'remote')
    this.changed(to, { op: 'apply', replica: to, enc, update: base64(update) })
  }

  ask(request, expect, replica) {
    this.exchanges.push({ request, expect, replica, quiet: false })
  }

  changed(id, request) {
    const replica = this.replica(id)
    const { doc } = replica
    demand(doc.clientID === replica.client, 'a client id was used twice')
    const emits = replica.emits.splice(0)
    this.emitted.get(this.step.id).push(...emits)
    const pending = doc.store.pendingStructs !== null || doc.store.pendingDs !== null
    const expect = {
      emits: emits.map((update) => ({ v1: base64(update.v1), v2: base64(update.v2) })),
      roots: Object.fromEntries(Object.keys(replica.roots).map((name) => [name, showRoot(doc.get(name, constructors[replica.roots[name]]))])),
      sv_bytes: base64(Y.encodeStateVector(doc)),
      v1: base64(Y.encodeStateAsUpdate(doc)),
      v2: base64(Y.encodeStateAsUpdateV2(doc)),
      pending,
    }
    this.exchanges.push({ request, expect, replica: id, quiet: pending || replica.pending })
    replica.pending = pending
  }

  resolve(replica, path) {
    const kind = replica.roots[path[0]]
    demand(kind, 'no such root')
    let type = replica.doc.get(path[0], constructors[kind])
    for (const step of path.slice(1)) {
      if (typeof step === 'string') type = type instanceof Y.Map ? type.get(step) : type.getAttribute?.(step)
      else type = type instanceof Y.Map || type.length <= step ? undefined : atIndex(type, step)
      demand(type instanceof Y.AbstractType, 'no such path')
    }
    return type
  }

  edit(replica, op) {
    const type = this.resolve(replica, op.at)
    const edit = edits[op.do]
    demand(edit && edit.on.some((constructor) => type instanceof constructor), `no ${op.do} here`)
    if ('index' in op) demand(op.index <= type.length, 'an index behind the end')
    edit.run(type, op)
  }
}

const sequences = [Y.Array, Y.XmlFragment]
const attributed = [Y.XmlElement, Y.Text]
const erase = { on: sequences, run: (type, op) => { demand(op.index + op.len <= type.length, 'a range behind the end'); type.delete(op.index, op.len) } }
const insert = { on: sequences, run: (type, op) => type.insert(op.index, op.values.map(toInput)) }
const push = { on: sequences, run: (type, op) => type.push(op.values.map(toInput)) }
const setAttribute = { on: attributed, run: (type, op) => type.setAttribute(op.key, toInput(op.value)) }
const removeAttribute = { on: attributed, run: (type, op) => type.removeAttribute(op.key) }

function checkDelta(type, delta) {
  let rest = type.length
  for (const op of delta) {
    rest -= (op.retain ?? 0) + (op.delete ?? 0)
    demand(rest >= 0, 'a delta that is longer than its text')
  }
}

const edits = {
  'text.insert': { on: [Y.Text], run: (type, op) => ('attrs' in op ? type.insert(op.index, toInput(op.text), toInput(op.attrs)) : type.insert(op.index, toInput(op.text))) },
  'text.delete': { on: [Y.Text], run: (type, op) => type.delete(op.index, op.len) },
  'text.format': { on: [Y.Text], run: (type, op) => type.format(op.index, op.len, toInput(op.attrs)) },
  'text.embed': { on: [Y.Text], run: (type, op) => ('attrs' in op ? type.insertEmbed(op.index, toInput(op.value), toInput(op.attrs)) : type.insertEmbed(op.index, toInput(op.value))) },
  'text.applyDelta': { on: [Y.Text], run: (type, op) => { checkDelta(type, op.delta); type.applyDelta(toInput(op.delta), op.sanitize === false ? { sanitize: false } : undefined) } },
  'text.setAttr': setAttribute,
  'text.removeAttr': removeAttribute,
  'xml.setAttr': setAttribute,
  'xml.removeAttr': removeAttribute,
  'array.insert': insert,
  'xml.insert': insert,
  'array.push': push,
  'xml.push': push,
  'array.delete': erase,
  'xml.delete': erase,
  'xml.insertAfter': {
    on: [Y.XmlFragment],
    run: (type, op) => {
      const left = op.ref === null ? null : type.get(op.ref)
      demand(left === null || left instanceof Y.AbstractType, 'no such child')
      type.insertAfter(left, op.values.map(toInput))
    },
  },
  'map.set': { on: [Y.Map], run: (type, op) => type.set(op.key, toInput(op.value)) },
  'map.delete': { on: [Y.Map], run: (type, op) => type.delete(op.key) },
  'map.clear': { on: [Y.Map], run: (type) => type.clear() },
}
