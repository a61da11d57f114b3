// What was sent, as a load's --dump tells it, beside what a real Yjs client is given when it opens the documents.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import WebSocket from 'ws'
import * as sync from 'y-protocols/sync'
import * as Y from 'yjs'

const kSync = 0
const kAuth = 2
const kSettleMs = 300 // y-websocket sends what it has stored after its answer.

// As bench_load types it.
const charAt = (client, clock) => String.fromCharCode(97 + ((clock * 7 + Math.floor(clock / 26) + client) % 26))

function typed(client, from, to) {
  let out = ''
  for (let clock = from; clock < to; ++clock) out += charAt(client, clock)
  return out
}

function open(dialect, url, name) {
  const doc = new Y.Doc()
  const id = Buffer.from(name)
  const socket = new WebSocket(dialect === 'yws' ? `${url.replace(/\/?$/, '/')}${name}` : url, { perMessageDeflate: false, maxPayload: 1 << 30 })
  const send = (fill) => {
    const encoder = encoding.createEncoder()
    if (dialect === 'mux8') {
      encoding.writeUint8(encoder, id.length)
      encoding.writeUint8Array(encoder, id)
    } else if (dialect !== 'yws') {
      encoding.writeVarString(encoder, name)
    }
    fill(encoder)
    socket.send(encoding.toUint8Array(encoder))
  }
  socket.on('open', () => {
    if (dialect === 'hocuspocus') {
      send((encoder) => {
        encoding.writeVarUint(encoder, kAuth)
        encoding.writeVarUint(encoder, 0)
        encoding.writeVarString(encoder, 'load')
        encoding.writeVarString(encoder, '4.7.0')
      })
    }
    send((encoder) => {
      encoding.writeVarUint(encoder, kSync)
      sync.writeSyncStep1(encoder, doc)
    })
  })
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('close', (code) => reject(new Error(`${name}: closed with ${code}`)))
    socket.on('message', (data, binary) => {
      if (!binary) return
      const decoder = decoding.createDecoder(new Uint8Array(data))
      if (dialect === 'mux8') decoding.readUint8Array(decoder, decoding.readUint8(decoder))
      else if (dialect !== 'yws') decoding.readVarString(decoder)
      if (decoding.readVarUint(decoder) !== kSync) return
      const kind = sync.readSyncMessage(decoder, encoding.createEncoder(), doc, null)
      if (kind !== sync.messageYjsSyncStep2) return
      setTimeout(() => {
        socket.close()
        resolve(doc)
      }, kSettleMs)
    })
  })
}

// One line for each document that is not what was sent. Concurrent writers' texts stand in the order of their client ids, none
// mixed.
export async function diverged(dump, dialect, url) {
  const out = []
  for (const { name, writers } of dump.docs) {
    const doc = await open(dialect, url, name)
    const text = doc.getText(dump.text).toString()
    const expected = writers.map(({ client, updates }) => {
      if (!dump.alternate) return typed(client, 0, updates * dump.chars)
      return Array.from({ length: updates }, (_, i) => typed(client + (i % 2), (i >> 1) * dump.chars, ((i >> 1) + 1) * dump.chars)).join('')
    })
    if (text !== expected.join('')) out.push(`${name}: ${text.length} characters, not the ${expected.join('').length} that were sent`)
    if (doc.store.pendingStructs || doc.store.pendingDs) out.push(`${name}: something is missing`)
  }
  return out
}
