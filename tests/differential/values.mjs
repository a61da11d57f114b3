// The values of the conformance corpus in JavaScript: JSON that also holds what JSON cannot (tests/compat/corpus/README.md, "Values").
import * as Y from 'yjs'

export const base64 = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
export const fromBase64 = (text) => new Uint8Array(Buffer.from(text, 'base64'))

const specials = new Map([['nan', NaN], ['inf', Infinity], ['-inf', -Infinity], ['-0', -0]])

// --- What a program says → what Yjs is given ---

function textOf(form) {
  const text = form.$ === 'ytext' ? new Y.Text() : new Y.XmlText()
  if ('insert' in form) text.insert(0, toInput(form.insert))
  if ('delta' in form) text.applyDelta(toInput(form.delta))
  for (const [key, value] of form.attrs ?? []) text.setAttribute(key, toInput(value))
  return text
}

function entriesInto(map, entries = []) {
  for (const [key, value] of entries) map.set(key, toInput(value))
  return map
}

function childrenInto(node, children = []) {
  if (children.length > 0) node.insert(0, children.map(toInput))
  return node
}

const makers = {
  undefined: () => undefined,
  f64: (form) => specials.get(form.v),
  bigint: (form) => BigInt(form.v),
  bytes: (form) => fromBase64(form.v),
  utf16: (form) => String.fromCharCode(...form.v),
  ytext: textOf,
  yxmltext: textOf,
  yarray: (form) => childrenInto(new Y.Array(), form.items),
  ymap: (form) => entriesInto(new Y.Map(), form.entries),
  yxmlhook: (form) => entriesInto(new Y.XmlHook(form.name), form.entries),
  yxmlfragment: (form) => childrenInto(new Y.XmlFragment(), form.children),
  yxmlelement: (form) => {
    const element = childrenInto(new Y.XmlElement(form.name), form.children)
    for (const [key, value] of form.attrs ?? []) element.setAttribute(key, toInput(value))
    return element
  },
  ydoc: (form) => {
    const options = { guid: form.guid }
    for (const name of ['gc', 'autoLoad', 'meta']) if (name in form) options[name] = toInput(form[name])
    return new Y.Doc(options)
  },
}

export function toInput(value) {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(toInput)
  if ('$' in value) return makers[value.$](value)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toInput(member)]))
}

// --- What Yjs shows → what a case expects ---

function showText(text) {
  if (text.isWellFormed()) return text
  return { $: 'utf16', v: Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)) }
}

function showNumber(number) {
  for (const [name, special] of specials) if (Object.is(number, special)) return { $: 'f64', v: name }
  return number
}

export const kindOf = (type) =>
  type instanceof Y.XmlText ? 'xmltext'
    : type instanceof Y.Text ? 'text'
      : type instanceof Y.Array ? 'array'
        : type instanceof Y.XmlHook ? 'xmlhook'
          : type instanceof Y.Map ? 'map'
            : type instanceof Y.XmlElement ? 'xmlelement'
              : type instanceof Y.XmlFragment ? 'xmlfragment'
                : 'untyped'

export function show(value) {
  if (value === undefined) return { $: 'undefined' }
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return showNumber(value)
  if (typeof value === 'string') return showText(value)
  if (typeof value === 'bigint') return { $: 'bigint', v: String(value) }
  if (Array.isArray(value)) return value.map(show)
  if (value instanceof Uint8Array) return { $: 'bytes', v: base64(value) }
  if (value instanceof Y.Doc) return { $: 'doc', guid: value.guid }
  if (value instanceof Y.AbstractType) return { $: 'type', kind: kindOf(value), json: show(value.toJSON()) }
  const keys = Object.keys(value)
  if (keys.some((key) => key === '$' || key === '__proto__' || !key.isWellFormed())) return { $: 'obj', v: keys.map((key) => [showText(key), show(value[key])]) }
  return Object.fromEntries(keys.map((key) => [key, show(value[key])]))
}

function showAttributes(type, view) {
  const attributes = type.getAttributes()
  if (Object.keys(attributes).length > 0) view.attrs = show(attributes)
  return view
}

function showNode(node) {
  if (!(node instanceof Y.AbstractType)) return show(node)
  const kind = kindOf(node)
  if (kind === 'text' || kind === 'xmltext') return showAttributes(node, { [kind]: show(node.toDelta()) })
  if (kind === 'xmlhook') return { hook: node.hookName, json: show(node.toJSON()) }
  if (kind === 'map' || kind === 'array') return { [kind]: show(node.toJSON()) }
  const children = node.toArray().map(showNode)
  if (kind === 'xmlfragment') return { fragment: children }
  const view = showAttributes(node, { el: node.nodeName })
  if (children.length > 0) view.children = children
  return view
}

export function showRoot(type) {
  const kind = kindOf(type)
  if (kind === 'text' || kind === 'xmltext') {
    const view = showAttributes(type, { delta: show(type.toDelta()), length: type.length })
    if (kind === 'text') view.string = showText(type.toString())
    return view
  }
  if (kind === 'array') return { json: show(type.toJSON()), length: type.length }
  if (kind === 'map') return { json: show(type.toJSON()) }
  const view = { tree: showNode(type), length: type.length }
  const text = type.toString()
  if (!text.includes('[object Object]')) view.string = showText(text)
  return view
}

// Where two values differ, or nothing. The order of keys does not count.
export function difference(expected, got, at = '') {
  if (Object.is(expected, got)) return null
  const objects = expected !== null && got !== null && typeof expected === 'object' && typeof got === 'object'
  if (!objects || Array.isArray(expected) !== Array.isArray(got)) return `${at}: ${brief(got)} instead of ${brief(expected)}`
  for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) {
    if (!(key in got)) return `${at}.${key}: missing, expected ${brief(expected[key])}`
    if (!(key in expected)) return `${at}.${key}: unexpected ${brief(got[key])}`
    const found = difference(expected[key], got[key], `${at}.${key}`)
    if (found) return found
  }
  return null
}

const brief = (value) => (JSON.stringify(value) ?? 'undefined').slice(0, 300)
