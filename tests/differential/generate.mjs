// Random programs (their form: yjs_side.mjs). Each step is made for the state that Yjs is in, so that most of what it asks for can be done.
import * as Y from 'yjs'
import { random as seeded } from '../support/random.mjs'
import { atIndex, Invalid, YjsSide } from './yjs_side.mjs'
import { kindOf } from './values.mjs'

const words = ['a', 'b', 'xyz', ' ', 'hello ', 'é', '漢字', '😀', 'a😀b', '😀😀', '\n', 'line\n', '\u0000', '"\\', '\u2028', 'ﬁ', '']
const loneSurrogates = [{ $: 'utf16', v: [0xd83d] }, { $: 'utf16', v: [0x61, 0xde00] }, { $: 'utf16', v: [0xde00, 0xd83d, 0x62] }]
const numbers = [0, 1, -1, 42, 63, 64, -64, 128, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53, 0.5, 0.1, -1.75, 1e21, 1e-7, 1.5e300, 5e-324, 3.4028234663852886e38, 123456789.125]
const oddities = [{ $: 'undefined' }, { $: 'f64', v: 'nan' }, { $: 'f64', v: 'inf' }, { $: 'f64', v: '-inf' }, { $: 'f64', v: '-0' }, { $: 'bytes', v: 'AQID' }, { $: 'bytes', v: '' }]
const marks = ['b', 'i', 'link', 'c', '1', '0']
const markValues = [true, true, null, null, false, 0, 'red', '', { href: 'x' }, { href: 'x' }, { a: { b: 1 } }, [1], 1.5]
const keys = ['a', 'b', 'c', 'k', 'ü', '10', '9', '', 'length']
const names = ['p', 'div', 'H1', 'span']
const clientIds = [1, 2, 3, 7, 100, 127, 128, 16383, 16384, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5, 2 ** 53 - 1]

export class Generator {
  // clean: Yjs' clients delete needless format marks after remote transactions.
  constructor(seed, { clean }) {
    this.n = seeded(seed)
    this.clean = clean
    this.program = { roots: this.roots(), replicas: [], steps: [] }
    const clients = this.some(clientIds, 2 + this.n(clean ? 2 : 4))
    const gc = this.n(4) // 0: off, 1: mixed, else on.
    clients.forEach((client, i) => {
      const replica = { id: String.fromCharCode(65 + i), client }
      if (gc === 0 || (gc === 1 && this.n(2) === 0)) replica.gc = false
      if (this.n(12) === 0) replica.declare = false
      this.program.replicas.push(replica)
    })
    this.side = new YjsSide(this.program, { clean })
    this.todo = new Map(this.program.replicas.map(({ id }) => [id, []])) // What each could still be given.
    this.exchanges = []
    // A struct that comes again makes Yjs cut its neighbours once more, to no effect but one: where the cut goes through a character of two
    // units that is deleted but not collected, both its halves become U+FFFD. The engine does not cut then.
    this.words = gc <= 1 ? words.filter((word) => !/[\ud800-\udfff]/.test(word)) : words
    // Few places and few kinds of edits at a time make rivals meet.
    this.favourite = this.n(3) === 0 ? this.pick(Object.keys(this.program.roots)) : null
  }

  pick(list) { return list[this.n(list.length)] }
  chance(percent) { return this.n(100) < percent }
  some(list, count) {
    const rest = [...list]
    return Array.from({ length: count }, () => rest.splice(this.n(rest.length), 1)[0])
  }

  roots() {
    const all = [['t', 'text'], ['t2', 'text'], ['a', 'array'], ['m', 'map'], ['x', 'xmlfragment'], ['xt', 'xmltext'], ['é', 'map'], ['xe', 'xmlelement']]
    return Object.fromEntries(this.some(all, 1 + this.n(all.length)))
  }

  run(steps) {
    // Where a text is declared after formats came, Yjs forgets that there are any, and what is typed inherits none: declare texts at once.
    const texts = Object.fromEntries(Object.entries(this.program.roots).filter(([, kind]) => kind === 'text' || kind === 'xmltext'))
    for (const { id, declare } of this.program.replicas) if (declare === false) this.add({ op: 'declare', replica: id, roots: texts })
    for (let i = 0; i < steps; ++i) {
      if (!this.step()) return this
      if (this.clean && [...this.side.replicas.values()].some(({ pending }) => pending)) return this
    }
    this.settle()
    return this
  }

  // False if it could not be done: the program ends before it, for half of it may have been.
  // `ops`: what yields the edits of a transaction while it runs, so that each is made for the state that those before it left.
  add(step, ops = step.ops) {
    step.id = this.program.steps.length
    this.program.steps.push(step)
    try {
      const exchanges = this.side.run({ ...step, ops })
      for (const { request } of exchanges) if (request.op === 'transact') request.ops = step.ops
      this.exchanges.push(...exchanges)
    } catch (error) {
      if (!(error instanceof Invalid)) throw error
      this.program.steps.pop()
      return false
    }
    // Local updates go to all others; what a remote one brought may be passed on too.
    if (step.op !== 'transact' && !this.chance(30)) return true
    for (const [id, waiting] of this.todo) {
      if (id !== (step.replica ?? step.to)) this.side.emitted.get(step.id).forEach((_, n) => waiting.push([step.id, n]))
    }
    return true
  }

  step() {
    const id = this.pick([...this.todo.keys()])
    const replica = this.side.replicas.get(id)
    const undeclared = Object.keys(this.program.roots).filter((name) => !(name in replica.roots))
    if (undeclared.length > 0 && this.chance(30)) return this.add({ op: 'declare', replica: id, roots: Object.fromEntries(this.some(undeclared, 1).map((name) => [name, this.program.roots[name]])) })
    const choice = this.n(100)
    if (choice < 60 && !replica.pending && Object.keys(replica.roots).length > 0) return this.transact(id, replica)
    if (choice < 90 && this.todo.get(id).length > 0) return this.deliver(id)
    const from = this.pick([...this.todo.keys()])
    if (from === id) return true
    return this.add({ op: 'sync', from, to: id, enc: this.enc(), full: this.chance(10) })
  }

  enc() { return this.chance(50) ? 'v1' : 'v2' }

  deliver(to) {
    const waiting = this.todo.get(to)
    const inOrder = this.clean || this.chance(60)
    const count = Math.min(waiting.length, 1 + (this.chance(40) ? this.n(5) : 0))
    const updates = inOrder ? waiting.slice(0, count) : this.some(waiting, count)
    if (!this.chance(5)) for (const update of updates) waiting.splice(waiting.indexOf(update), 1)
    const how = this.chance(50) ? 'each' : this.pick(['merge', 'merge', 'diff', 'convert'])
    return this.add({ op: 'deliver', to, updates, enc: this.enc(), how })
  }

  // All that anybody has, to everybody.
  settle() {
    const ids = [...this.todo.keys()]
    for (const id of ids) for (const from of ids) if (from !== id) this.add({ op: 'sync', from, to: id, enc: this.enc(), full: this.chance(20) })
    for (const id of ids) if (id !== ids.at(-1)) this.add({ op: 'sync', from: ids.at(-1), to: id, enc: this.enc(), full: false })
  }

  // --- Edits ---

  transact(id, replica) {
    const wanted = this.chance(10) ? 2 + this.n(12) : 1 + this.n(3)
    const step = { op: 'transact', replica: id, ops: [] }
    const make = (function * (generator) {
      for (let i = 0; i < wanted; ++i) {
        const op = generator.edit(replica)
        if (op === null) continue
        step.ops.push(op)
        yield op
      }
    })(this)
    return this.add(step, make)
  }

  edit(replica) {
    const declared = Object.keys(replica.roots)
    const name = this.favourite in replica.roots && this.chance(80) ? this.favourite : this.pick(declared)
    let at = [name]
    let type = this.side.resolve(replica, at)
    while (at.length < 6 && this.chance(60)) {
      const inner = this.childrenOf(type)
      if (inner.length === 0) break
      at = [...at, this.pick(inner)]
      type = this.side.resolve(replica, at)
    }
    const kind = kindOf(type)
    if (kind === 'text' || kind === 'xmltext') return this.editText(at, type)
    if (kind === 'map' || kind === 'xmlhook') return this.editMap(at, type)
    return this.editList(at, type, kind)
  }

  // Path steps to the types inside.
  childrenOf(type) {
    const found = []
    const consider = (step, value) => { if (value instanceof Y.AbstractType) found.push(step) }
    if (type instanceof Y.Map) type.forEach((value, key) => consider(key, value))
    else {
      if (type instanceof Y.Text) { for (let i = 0; i < type.length; ++i) consider(i, atIndex(type, i)) } else type.toArray().forEach((value, i) => consider(i, value))
      if (type instanceof Y.Text || type instanceof Y.XmlElement) for (const [key, value] of Object.entries(type.getAttributes())) consider(key, value)
    }
    return found
  }

  place(length) {
    const choice = this.n(4)
    return choice === 0 ? 0 : choice === 1 ? length : this.n(length + 1)
  }

  editText(at, type) {
    const { length } = type
    const index = this.place(length)
    const rest = length - index
    const len = this.chance(70) ? this.n(Math.min(rest, 5) + 1) : this.n(rest + 1)
    switch (this.n(12)) {
      case 0: case 1: case 2: return { do: 'text.insert', at, index, text: this.text() }
      case 3: case 4: return { do: 'text.insert', at, index, text: this.text(), attrs: this.attributes() }
      case 5: case 6: return { do: 'text.delete', at, index, len }
      case 7: case 8: return { do: 'text.format', at, index, len: this.chance(4) ? rest + 1 + this.n(3) : len, attrs: this.attributes() }
      case 9: {
        const op = { do: 'text.embed', at, index, value: this.chance(40) ? this.type(at.length) : this.embed() }
        if (this.chance(60)) op.attrs = this.attributes()
        return op
      }
      case 10: return { do: 'text.applyDelta', at, delta: this.delta(length), ...(this.chance(30) ? { sanitize: false } : {}) }
      default: return this.chance(70) ? { do: 'text.setAttr', at, key: this.pick(keys), value: this.value(2) } : { do: 'text.removeAttr', at, key: this.pick(keys) }
    }
  }

  text() { return this.chance(4) ? this.pick(loneSurrogates) : this.chance(3) ? 'long '.repeat(1 + this.n(40)) : this.pick(this.words) }

  attributes() {
    return Object.fromEntries(this.some(marks, this.chance(15) ? 0 : 1 + this.n(2)).map((key) => [key, this.pick(markValues)]))
  }

  embed() { return this.chance(80) ? { image: this.pick(['x', 'y']), ...(this.chance(20) ? { n: this.plain(2) } : {}) } : this.plainObject(2) }

  delta(length) {
    const delta = []
    let rest = length
    for (let n = 1 + this.n(4); n > 0; --n) {
      const amount = 1 + this.n(5)
      const attributes = this.chance(40) ? { attributes: this.attributes() } : {}
      const choice = this.n(4)
      if (choice < 2) delta.push({ insert: choice === 0 && this.chance(50) ? this.embed() : this.pick(this.words.slice(0, -1)), ...attributes })
      else if (amount <= rest) {
        rest -= amount
        delta.push(choice === 2 ? { retain: amount, ...attributes } : { delete: amount })
      }
    }
    return delta
  }

  // No lone surrogates: Yjs shows them as they are until it has read its own bytes again, where they are U+FFFD. So does the engine, but at once.
  plain(depth) {
    const choice = this.n(depth > 0 ? 9 : 7)
    if (choice < 2) return this.pick(this.words)
    if (choice < 4) return this.pick(numbers)
    if (choice === 4) return this.pick([true, false, null])
    if (choice === 5) return this.chance(30) ? this.pick(oddities) : 7
    if (choice === 6) return 'w'
    return choice === 7 ? Array.from({ length: this.n(3) }, () => this.plain(depth - 1)) : this.plainObject(depth - 1)
  }

  plainObject(depth) {
    return Object.fromEntries(this.some(keys, this.n(3)).map((key) => [key, this.plain(depth)]))
  }

  value(depth) {
    return this.chance(4) ? { $: 'bigint', v: this.pick(['0', '-1', '9223372036854775807', '-9223372036854775808', '123456789012']) } : this.plain(depth)
  }

  document() {
    const document = { $: 'ydoc', guid: this.pick(['g1', 'g2', 'ü']) }
    if (this.chance(30)) document.gc = this.chance(50)
    if (this.chance(30)) document.autoLoad = this.chance(50)
    if (this.chance(30)) document.meta = this.value(2)
    return document
  }

  type(depth) {
    const kind = this.pick(['ytext', 'yarray', 'ymap', 'yxmlelement', 'yxmltext', 'yxmlfragment', 'yxmlhook'])
    if (kind.startsWith('yxml')) return this.node(depth, kind)
    if (kind === 'ytext') return { $: kind, ...this.textContent() }
    const more = depth < 5 && this.chance(60)
    if (kind === 'yarray') return more ? { $: kind, items: this.values(depth + 1) } : { $: kind }
    return more ? { $: kind, entries: this.entries(depth + 1) } : { $: kind }
  }

  textContent() {
    const choice = this.n(3)
    if (choice === 0) return {}
    return choice === 1 ? { insert: this.pick(this.words) } : { delta: [{ insert: this.pick(this.words.slice(0, -1)), attributes: this.attributes() }, { insert: 'z' }] }
  }

  node(depth, kind = this.pick(['yxmlelement', 'yxmlelement', 'yxmltext', 'yxmltext', 'yxmlhook', 'yxmlfragment'])) {
    if (kind === 'yxmltext') return { $: kind, ...this.textContent(), ...(this.chance(20) ? { attrs: [[this.pick(keys), this.pick(this.words)]] } : {}) }
    if (kind === 'yxmlhook') return { $: kind, name: this.pick(names), ...(this.chance(50) ? { entries: this.entries(depth + 1) } : {}) }
    const node = { $: kind }
    if (kind === 'yxmlelement') {
      node.name = this.pick(names)
      if (this.chance(40)) node.attrs = [[this.pick(keys), this.chance(80) ? this.pick(this.words) : this.plain(1)]]
    }
    if (depth < 5 && this.chance(40)) node.children = this.nodes(depth + 1)
    return node
  }

  nodes(depth) { return Array.from({ length: 1 + this.n(2) }, () => this.node(depth)) }

  entries(depth) {
    return this.some(keys, 1 + this.n(3)).map((key) => [key, this.anything(depth)])
  }

  anything(depth) { return this.chance(25) ? this.type(depth) : this.chance(6) ? this.document() : this.value(2) }

  // Yjs takes neither undefined nor big integers for elements of an array.
  values(depth) {
    const wanted = Array.from({ length: 1 + this.n(3) }, () => this.anything(depth))
    return wanted.map((value) => (value?.$ === 'undefined' || value?.$ === 'bigint' ? null : value))
  }

  editMap(at) {
    const choice = this.n(20)
    if (choice === 0) return { do: 'map.clear', at }
    if (choice < 5) return { do: 'map.delete', at, key: this.pick(keys) }
    return { do: 'map.set', at, key: this.pick(keys), value: this.anything(at.length) }
  }

  editList(at, type, kind) {
    const { length } = type
    const prefix = kind === 'array' ? 'array' : 'xml'
    const values = prefix === 'array' ? this.values(at.length) : this.nodes(at.length)
    const index = this.place(length)
    switch (this.n(kind === 'xmlelement' ? 12 : prefix === 'xml' ? 10 : 9)) {
      case 0: case 1: case 2: case 3: return { do: `${prefix}.insert`, at, index, values }
      case 4: case 5: return { do: `${prefix}.push`, at, values: values.filter((value) => value?.$ !== 'ydoc') }
      case 6: case 7: case 8: return index < length ? { do: `${prefix}.delete`, at, index, len: 1 + this.n(Math.min(3, length - index)) } : null
      case 9: return { do: 'xml.insertAfter', at, ref: length === 0 || this.chance(30) ? null : this.n(length), values }
      case 10: return { do: 'xml.setAttr', at, key: this.pick(keys), value: this.chance(80) ? this.pick(this.words) : this.anything(at.length) }
      default: return { do: 'xml.removeAttr', at, key: this.pick(keys) }
    }
  }
}
