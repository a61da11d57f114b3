// Records what Yjs does as a case of the corpus (corpus/README.md has the format): every method of Case does something
// with real Yjs documents and writes down the step, with what came of it.
import * as Y from 'yjs'

const CLASSES = { text: Y.Text, array: Y.Array, map: Y.Map, xmlfragment: Y.XmlFragment }
const base64 = (bytes) => Buffer.from(bytes).toString('base64')
const octets = (text) => new Uint8Array(Buffer.from(text, 'base64'))

export function kindOf(type) {
  if (type instanceof Y.XmlText) return 'xmltext'
  if (type instanceof Y.Text) return 'text'
  if (type instanceof Y.XmlHook) return 'xmlhook'
  if (type instanceof Y.Map) return 'map'
  if (type instanceof Y.Array) return 'array'
  return type instanceof Y.XmlElement ? 'xmlelement' : 'xmlfragment'
}

// --- Values: from JavaScript to the corpus' form, and back ---

const showText = (text) => (text.isWellFormed() ? text : { $: 'utf16', v: Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)) })

export function show(value) {
  if (value === undefined) return { $: 'undefined' }
  if (typeof value === 'bigint') return { $: 'bigint', v: `${value}` }
  if (typeof value === 'string') return showText(value)
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return { $: 'f64', v: '-0' }
    return Number.isFinite(value) ? value : { $: 'f64', v: Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf' }
  }
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Uint8Array) return { $: 'bytes', v: base64(value) }
  if (value instanceof Y.Doc) return { $: 'doc', guid: value.guid }
  if (value instanceof Y.AbstractType) return { $: 'type', kind: kindOf(value), json: show(value.toJSON()) }
  if (Array.isArray(value)) return value.map(show)
  const entries = Object.entries(value).map(([key, member]) => [key, show(member)])
  const plain = entries.every(([key]) => key !== '$' && key !== '__proto__' && key.isWellFormed())
  return plain ? Object.fromEntries(entries) : { $: 'obj', v: entries.map(([key, member]) => [showText(key), member]) }
}

const FORMS = {
  undefined: () => undefined,
  f64: (form) => ({ nan: NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 })[form.v],
  bigint: (form) => BigInt(form.v),
  bytes: (form) => octets(form.v),
  utf16: (form) => String.fromCharCode(...form.v),
  ydoc: ({ $, ...options }) => new Y.Doc(options),
  ytext: (form) => fillText(new Y.Text(), form),
  yxmltext: (form) => fillText(new Y.XmlText(), form),
  yarray: (form) => Y.Array.from((form.items ?? []).map(read)),
  ymap: (form) => new Y.Map((form.entries ?? []).map(([key, value]) => [key, read(value)])),
  yxmlelement: (form) => {
    const element = new Y.XmlElement(form.name)
    for (const [key, value] of form.attrs ?? []) element.setAttribute(key, read(value))
    if (form.children?.length) element.insert(0, form.children.map(read))
    return element
  },
}

function fillText(text, form) {
  if ('insert' in form) text.insert(0, read(form.insert))
  if ('delta' in form) text.applyDelta(read(form.delta))
  return text
}

export function read(form) {
  if (form === null || typeof form !== 'object') return form
  if (Array.isArray(form)) return form.map(read)
  if ('$' in form) return FORMS[form.$](form)
  return Object.fromEntries(Object.entries(form).map(([key, value]) => [key, read(value)]))
}

// --- How a document looks ---

const attributes = (type, name) => (Object.keys(type.getAttributes()).length ? { [name]: show(type.getAttributes()) } : {})

function tree(type) {
  const kind = kindOf(type)
  if (kind === 'text' || kind === 'xmltext') return { [kind]: show(type.toDelta()), ...attributes(type, 'attrs') }
  if (kind === 'map' || kind === 'array') return { [kind]: show(type.toJSON()) }
  if (kind === 'xmlhook') return { hook: type.hookName, json: show(type.toJSON()) }
  const children = type.toArray().map((child) => (child instanceof Y.AbstractType ? tree(child) : show(child)))
  if (kind === 'xmlfragment') return { fragment: children }
  return { el: type.nodeName, ...attributes(type, 'attrs'), ...(children.length ? { children } : {}) }
}

function viewRoot(type) {
  const kind = kindOf(type)
  if (kind === 'text') {
    return { string: showText(type.toString()), delta: show(type.toDelta()), length: type.length, ...attributes(type, 'attrs') }
  }
  if (kind === 'map') return { json: show(type.toJSON()) }
  if (kind === 'array') return { json: show(type.toJSON()), length: type.length }
  const text = type.toString()
  return { tree: tree(type), length: type.length, ...(text.includes('[object Object]') ? {} : { string: showText(text) }) }
}

const clocks = (vector) => Object.fromEntries([...vector].map(([client, clock]) => [`${client}`, clock]))

// The store with all neighbouring GC structs of a client as one; null if it is so already.
function withGapsJoined(store) {
  let joined = false
  const clients = new Map()
  for (const [client, structs] of store.clients) {
    const list = []
    for (const struct of structs) {
      const last = list.at(-1)
      if (struct instanceof Y.GC && last instanceof Y.GC) {
        list[list.length - 1] = new Y.GC(last.id, last.length + struct.length)
        joined = true
      } else list.push(struct)
    }
    clients.set(client, list)
  }
  return joined ? clients : null
}

function view(doc, roots) {
  const vector = Y.encodeStateVector(doc)
  const seen = {
    roots: Object.fromEntries(Object.keys(roots).map((name) => [name, viewRoot(doc.get(name, CLASSES[roots[name]]))])),
    sv: clocks(Y.decodeStateVector(vector)),
    sv_bytes: base64(vector),
    v1: base64(Y.encodeStateAsUpdate(doc)),
    v2: base64(Y.encodeStateAsUpdateV2(doc)),
  }
  const joined = withGapsJoined(doc.store)
  if (joined) {
    const original = doc.store.clients
    doc.store.clients = joined
    seen.v1_gcnorm = base64(Y.encodeStateAsUpdate(doc))
    seen.v2_gcnorm = base64(Y.encodeStateAsUpdateV2(doc))
    doc.store.clients = original
  }
  const { pendingStructs, pendingDs } = doc.store
  if (pendingStructs || pendingDs) {
    seen.pending = { ...(pendingStructs ? { missing: clocks(pendingStructs.missing) } : {}), ...(pendingDs ? { deletes: true } : {}) }
  }
  return seen
}

// --- Places in a document ---

function childAt(type, step) {
  if (typeof step === 'string') return type instanceof Y.Map ? type.get(step) : type.getAttribute(step)
  let index = step
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted || !item.countable) continue
    if (index < item.length) return item.content.getContent()[index]
    index -= item.length
  }
  throw new Error(`nothing at ${step}`)
}

const indexOf = (item) => {
  let index = 0
  for (let left = item.left; left !== null; left = left.left) index += left.deleted || !left.countable ? 0 : left.length
  return index
}

function pathOf(doc, type) {
  const path = []
  for (; type._item !== null; type = type._item.parent) {
    const item = type._item
    path.unshift(item.parentSub ?? (item.deleted ? { deleted: true } : indexOf(item)))
  }
  return [[...doc.share].find(([, root]) => root === type)[0], ...path]
}

// --- Edits, as `transact` has them ---

const EDITS = {
  'text.insert': (t, op) => ('attrs' in op ? t.insert(op.index, read(op.text), read(op.attrs)) : t.insert(op.index, read(op.text))),
  'text.delete': (t, op) => t.delete(op.index, op.len),
  'text.format': (t, op) => t.format(op.index, op.len, read(op.attrs)),
  'text.embed': (t, op) => t.insertEmbed(op.index, read(op.value), read(op.attrs ?? {})),
  'text.applyDelta': (t, op) => t.applyDelta(read(op.delta)),
  'text.setAttr': (t, op) => t.setAttribute(op.key, read(op.value)),
  'text.removeAttr': (t, op) => t.removeAttribute(op.key),
  'array.insert': (t, op) => t.insert(op.index, op.values.map(read)),
  'array.push': (t, op) => t.push(op.values.map(read)),
  'array.delete': (t, op) => t.delete(op.index, op.len),
  'xml.insert': (t, op) => t.insert(op.index, op.values.map(read)),
  'xml.push': (t, op) => t.push(op.values.map(read)),
  'xml.delete': (t, op) => t.delete(op.index, op.len),
  'xml.insertAfter': (t, op) => t.insertAfter(op.ref === null ? null : t.get(op.ref), op.values.map(read)),
  'xml.setAttr': (t, op) => t.setAttribute(op.key, read(op.value)),
  'xml.removeAttr': (t, op) => t.removeAttribute(op.key),
  'map.set': (t, op) => t.set(op.key, read(op.value)),
  'map.delete': (t, op) => t.delete(op.key),
  'map.clear': (t) => t.clear(),
}

const decodeSnapshot = (bytes) => (bytes === null ? undefined : Y.decodeSnapshot(octets(bytes)))

export class Case {
  // replicas: [{ id, client, gc }]. With `clean` false, documents leave useless format marks alone.
  constructor(name, description, roots, replicas, clean = true) {
    this.json = { format: 1, kind: 'more', name, description, yjs: '13.6.33', roots, replicas, steps: [] }
    this.roots = roots
    this.clean = clean
    this.replicas = new Map()
    for (const { id, client, gc } of replicas) this.replicas.set(id, this.replica(client, gc !== false))
  }

  replica(client, gc) {
    const doc = new Y.Doc({ gc, guid: `guid-${client}` })
    doc.clientID = client
    for (const name of Object.keys(this.roots)) doc.get(name, CLASSES[this.roots[name]])
    if (!this.clean) doc.on('afterTransaction', (transaction) => { transaction._needFormattingCleanup = false })
    const emitted = []
    doc.on('update', (v1) => emitted.push({ v1: base64(v1) }))
    doc.on('updateV2', (v2) => { emitted.find((update) => !('v2' in update)).v2 = base64(v2) })
    return { doc, emitted }
  }

  doc(id) { return this.replicas.get(id).doc }
  type(id, path) { return path.slice(1).reduce(childAt, this.doc(id).get(path[0], CLASSES[this.roots[path[0]]])) }
  add(step) { this.json.steps.push(step) }

  // One transaction of the edits that next() gives, until it gives nothing.
  transact(replica, next) {
    const { doc, emitted } = this.replicas.get(replica)
    const ops = []
    doc.transact(() => {
      for (let op = next(); op; op = next()) {
        EDITS[op.do](this.type(replica, op.at), op)
        ops.push(op)
      }
    })
    this.add({ op: 'transact', replica, ops, expect: { emits: emitted.splice(0) } })
  }
  edit(replica, ...ops) { this.transact(replica, () => ops.shift()) }

  // What `to` lacks of `from`: { enc, update }.
  send(from, to, enc = 'v1') {
    const vector = Y.encodeStateVector(this.doc(to))
    const update = enc === 'v2' ? Y.encodeStateAsUpdateV2(this.doc(from), vector) : Y.encodeStateAsUpdate(this.doc(from), vector)
    this.apply(to, update, enc)
    return { enc, update: base64(update) }
  }
  // The same as one step, with the bytes expected. `full`: all that `from` has.
  sync(from, to, enc, full) {
    const { doc, emitted } = this.replicas.get(to)
    const vector = full ? undefined : Y.encodeStateVector(doc)
    const update = enc === 'v2' ? Y.encodeStateAsUpdateV2(this.doc(from), vector) : Y.encodeStateAsUpdate(this.doc(from), vector)
    if (enc === 'v2') Y.applyUpdateV2(doc, update)
    else Y.applyUpdate(doc, update)
    this.add({ op: 'sync', from, to, enc, full, expect: { update: base64(update), emits: emitted.splice(0) } })
  }
  apply(replica, update, enc = 'v1') {
    const { doc, emitted } = this.replicas.get(replica)
    if (enc === 'v2') Y.applyUpdateV2(doc, update)
    else Y.applyUpdate(doc, update)
    emitted.length = 0
    this.add({ op: 'apply', replica, enc, update: base64(update) })
  }
  check(replica) { this.add({ op: 'check', replica, expect: view(this.doc(replica), this.roots) }) }

  position(replica, at, index, assoc) {
    const position = Y.createRelativePositionFromTypeIndex(this.type(replica, at), index, assoc)
    const bytes = base64(Y.encodeRelativePosition(position))
    this.add({ op: 'relpos.create', replica, at, index, assoc, expect: { bytes, json: Y.relativePositionToJSON(position) } })
    return bytes
  }
  resolve(replica, bytes) {
    const doc = this.doc(replica)
    const place = Y.createAbsolutePositionFromRelativePosition(Y.decodeRelativePosition(octets(bytes)), doc)
    const pos = place && { type: pathOf(doc, place.type), index: place.index, assoc: place.assoc }
    this.add({ op: 'relpos.resolve', replica, bytes, expect: { pos } })
  }
  fromJson(json) {
    const bytes = base64(Y.encodeRelativePosition(Y.createRelativePositionFromJSON(json)))
    this.add({ op: 'relpos.fromJson', json, expect: { bytes } })
    return bytes
  }

  take(replica) {
    const snapshot = Y.snapshot(this.doc(replica))
    const expect = { v1: base64(Y.encodeSnapshot(snapshot)), v2: base64(Y.encodeSnapshotV2(snapshot)) }
    this.add({ op: 'snapshot.take', replica, expect })
    return expect.v1
  }
  // A snapshot with the deletes of one and the clocks of another.
  mix(deletes, known) {
    return base64(Y.encodeSnapshot(Y.createSnapshot(decodeSnapshot(deletes).ds, decodeSnapshot(known).sv)))
  }
  restore(replica, snapshot, enc = 'v1') {
    const bytes = enc === 'v1' ? snapshot : base64(Y.encodeSnapshotV2(decodeSnapshot(snapshot)))
    const { doc: restored } = this.replica(900004, true)
    Y.createDocFromSnapshot(this.doc(replica), decodeSnapshot(snapshot), restored)
    this.replicas.get(replica).emitted.length = 0
    this.add({ op: 'snapshot.restore', replica, enc, bytes, expect: view(restored, this.roots) })
  }
  delta(replica, at, snapshot, prev) {
    const delta = show(this.type(replica, at).toDelta(decodeSnapshot(snapshot), decodeSnapshot(prev)))
    this.add({ op: 'snapshot.delta', replica, at, snapshot, prev, expect: { delta } })
  }
  map(replica, at, snapshot) {
    const json = show(Y.typeMapGetAllSnapshot(this.type(replica, at), decodeSnapshot(snapshot)))
    this.add({ op: 'snapshot.map', replica, at, snapshot, expect: { json } })
  }
  array(replica, at, snapshot) {
    const json = show(Y.typeListToArraySnapshot(this.type(replica, at), decodeSnapshot(snapshot)))
    this.add({ op: 'snapshot.array', replica, at, snapshot, expect: { json } })
  }
  contains(snapshot, { enc, update }) {
    const v1 = enc === 'v2' ? Y.convertUpdateFormatV2ToV1(octets(update)) : octets(update)
    const value = Y.snapshotContainsUpdate(decodeSnapshot(snapshot), v1)
    this.add({ op: 'snapshot.contains', snapshot, enc, update, expect: { value } })
  }
  equal(a, b) {
    this.add({ op: 'snapshot.equal', a, b, expect: { value: Y.equalSnapshots(decodeSnapshot(a), decodeSnapshot(b)) } })
  }
}
