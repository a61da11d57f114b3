// The peers behind one interface. A method that is null has no counterpart in that API, and its workload is a `-` in the table.
//
//   create(client), dispose(doc)      dispose is null where the garbage collector does it
//   onUpdate(doc, take)               take(bytes) after each local transaction
//   type(doc, edits)                  one transaction an edit
//   setAll(doc, pairs)                the map `files`, one transaction a pair
//   text(doc), files(doc), fileCount(doc), roots(doc) → { text, map, array }
//   apply(doc, update), encode(doc)   v1, or what the peer has instead; applyV2, encodeV2 the same for its denser format
//   load(doc, state)                  only where what encode() gives is not for apply()
//   mark(doc), encodeSince(doc, mark) what came after mark() was taken; a Yjs peer takes a state vector for a mark
//   merge(updates), diff(update, stateVector)
//
// speaksYjs: reads and writes the updates of Yjs, so it gets the files as they are. slowTyping: a document to encode is loaded
// from b4.v1 instead of typed.
import { createRequire } from 'node:module'
import fs from 'node:fs'
import path from 'node:path'

// Not every package lets its package.json be imported: look for it from where its code is.
function versionOf(name) {
  const main = createRequire(import.meta.url).resolve(name)
  for (let dir = path.dirname(main); dir !== path.dirname(dir); dir = path.dirname(dir)) {
    const file = path.join(dir, 'package.json')
    if (!fs.existsSync(file)) continue
    const description = JSON.parse(fs.readFileSync(file, 'utf8'))
    if (description.name === name) return description.version
  }
  return '?'
}

async function yjs() {
  const Y = await import('yjs')
  return {
    version: versionOf('yjs'),
    speaksYjs: true,
    create(client) {
      const doc = new Y.Doc()
      doc.clientID = client
      return doc
    },
    dispose: null,
    onUpdate: (doc, take) => doc.on('update', take),
    type(doc, edits) {
      const text = doc.getText('text')
      for (const { position, deleted, insert } of edits) {
        if (deleted > 0 && insert !== '') {
          doc.transact(() => {
            text.delete(position, deleted)
            text.insert(position, insert)
          })
        } else if (deleted > 0) text.delete(position, deleted)
        else text.insert(position, insert)
      }
    },
    setAll(doc, pairs) {
      const files = doc.getMap('files')
      for (const [key, value] of pairs) files.set(key, value)
    },
    text: (doc) => doc.getText('text').toString(),
    files: (doc) => doc.getMap('files').toJSON(),
    fileCount: (doc) => doc.getMap('files').size,
    roots: (doc) => ({
      text: doc.getText('text').toString(),
      map: doc.getMap('map').toJSON(),
      array: doc.getArray('array').toJSON()
    }),
    apply: (doc, update) => Y.applyUpdate(doc, update),
    applyV2: (doc, update) => Y.applyUpdateV2(doc, update),
    encode: (doc) => Y.encodeStateAsUpdate(doc),
    encodeV2: (doc) => Y.encodeStateAsUpdateV2(doc),
    mark: null,
    encodeSince: (doc, stateVector) => Y.encodeStateAsUpdate(doc, stateVector),
    merge: (updates) => Y.mergeUpdates(updates),
    diff: (update, stateVector) => Y.diffUpdate(update, stateVector)
  }
}

async function ywasm() {
  const Y = (await import('ywasm')).default
  const plain = (value) => (value instanceof Map ? Object.fromEntries(value) : value)
  return {
    version: versionOf('ywasm'),
    speaksYjs: true,
    slowTyping: true,
    create: (client) => new Y.YDoc({ clientID: client }),
    dispose: (doc) => doc.free(),
    onUpdate(doc, take) {
      doc.subscription = doc.onUpdate(take) // Collected, it would stop listening.
    },
    type(doc, edits) {
      const text = doc.getText('text')
      for (const { position, deleted, insert } of edits) {
        if (deleted > 0 && insert !== '') {
          const transaction = doc.beginTransaction(null)
          text.delete(position, deleted, transaction)
          text.insert(position, insert, undefined, transaction)
          transaction.commit()
          transaction.free()
        } else if (deleted > 0) text.delete(position, deleted, undefined)
        else text.insert(position, insert, undefined, undefined)
      }
    },
    setAll(doc, pairs) {
      const files = doc.getMap('files')
      for (const [key, value] of pairs) files.set(key, value, undefined)
    },
    text: (doc) => doc.getText('text').toString(undefined),
    files: (doc) => plain(doc.getMap('files').toJson(undefined)),
    fileCount: (doc) => doc.getMap('files').length(undefined),
    roots: (doc) => ({
      text: doc.getText('text').toString(undefined),
      map: plain(doc.getMap('map').toJson(undefined)),
      array: doc.getArray('array').toJson(undefined)
    }),
    apply: (doc, update) => Y.applyUpdate(doc, update, null),
    applyV2: (doc, update) => Y.applyUpdateV2(doc, update, null),
    encode: (doc) => Y.encodeStateAsUpdate(doc),
    encodeV2: (doc) => Y.encodeStateAsUpdateV2(doc),
    mark: null,
    encodeSince: (doc, stateVector) => Y.encodeStateAsUpdate(doc, stateVector),
    merge: null,
    diff: null
  }
}

async function loro() {
  const { LoroDoc } = await import('loro-crdt')
  return {
    version: versionOf('loro-crdt'),
    speaksYjs: false,
    create(client) {
      const doc = new LoroDoc()
      doc.setPeerId(BigInt(client))
      return doc
    },
    dispose: (doc) => doc.free(),
    onUpdate: (doc, take) => doc.subscribeLocalUpdates(take),
    type(doc, edits) {
      const text = doc.getText('text')
      for (const { position, deleted, insert } of edits) {
        if (deleted > 0) text.delete(position, deleted)
        if (insert !== '') text.insert(position, insert)
        doc.commit()
      }
    },
    setAll(doc, pairs) {
      const files = doc.getMap('files')
      for (const [key, value] of pairs) {
        files.set(key, value)
        doc.commit()
      }
    },
    text: (doc) => doc.getText('text').toString(),
    files: (doc) => doc.getMap('files').toJSON(),
    fileCount: (doc) => doc.getMap('files').size,
    roots: null,
    apply: (doc, update) => doc.import(update),
    applyV2: (doc, snapshot) => doc.import(snapshot),
    encode: (doc) => doc.export({ mode: 'update' }),
    encodeV2: (doc) => doc.export({ mode: 'snapshot' }),
    mark: (doc) => doc.version(),
    encodeSince: (doc, version) => doc.export({ mode: 'update', from: version }),
    merge: null,
    diff: null
  }
}

// Its documents are values: `doc` is a box that holds the newest one.
async function automerge() {
  const A = await import('@automerge/automerge')
  const change = (doc, edit) => {
    doc.value = A.change(doc.value, edit)
    doc.take?.(A.getLastLocalChange(doc.value))
  }
  return {
    version: versionOf('@automerge/automerge'),
    speaksYjs: false,
    create: (client) => ({ value: A.init({ actor: client.toString(16).padStart(8, '0') }), take: null }),
    dispose: (doc) => A.free(doc.value),
    onUpdate(doc, take) {
      doc.take = take
    },
    type(doc, edits) {
      if (!('text' in doc.value)) change(doc, (root) => { root.text = '' })
      for (const { position, deleted, insert } of edits) {
        change(doc, (root) => A.splice(root, ['text'], position, deleted, insert))
      }
    },
    setAll(doc, pairs) {
      if (!('files' in doc.value)) change(doc, (root) => { root.files = {} })
      for (const [key, value] of pairs) change(doc, (root) => { root.files[key] = value })
    },
    text: (doc) => doc.value.text,
    files: (doc) => A.toJS(doc.value).files,
    fileCount: (doc) => Object.keys(doc.value.files).length,
    roots: null,
    load(doc, state) {
      doc.value = A.load(state)
    },
    apply(doc, update) {
      doc.value = A.applyChanges(doc.value, [update])[0]
    },
    applyV2: null,
    encode: (doc) => A.save(doc.value),
    encodeV2: null,
    mark: (doc) => A.getHeads(doc.value),
    encodeSince: (doc, heads) => A.saveSince(doc.value, heads),
    merge: null,
    diff: null
  }
}

export const peers = { yjs, ywasm, loro, automerge }
