// A program that edits with real Yjs: one WebSocket to /sync2, many documents, the Files-Ready handshake, and a log of what it
// has been shown by the server.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as sync from 'y-protocols/sync'
import WebSocket from 'ws'
import * as Y from 'yjs'

import { until } from './binary.mjs'

export { Y }

const kSync = 0
const kAwareness = 1

class Document {
  constructor(client, id) {
    this.client = client
    this.id = id
    this.doc = new Y.Doc()
    this.synced = false
    this.doc.on('update', (update, origin) => {
      if (origin === this) return
      this.#send((encoder) => sync.writeUpdate(encoder, update))
    })
  }

  get text() {
    return this.doc.getText('body')
  }

  get files() {
    return this.doc.getMap('files')
  }

  open() {
    this.synced = false
    this.#send((encoder) => sync.writeSyncStep1(encoder, this.doc))
    return this
  }

  receive(payload) {
    const decoder = decoding.createDecoder(payload)
    while (decoding.hasContent(decoder)) {
      const type = decoding.readVarUint(decoder)
      if (type === kAwareness) {
        decoding.readVarUint8Array(decoder)
        continue
      }
      if (type !== kSync) throw new Error(`message type ${type} was not expected`)
      const encoder = encoding.createEncoder()
      encoding.writeVarUint(encoder, kSync)
      const kind = sync.readSyncMessage(decoder, encoder, this.doc, this)
      if (encoding.length(encoder) > 1) this.client.send(this.id, encoding.toUint8Array(encoder))
      if (kind === sync.messageYjsSyncStep2) this.synced = true
    }
  }

  #send(fill) {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, kSync)
    fill(encoder)
    this.client.send(this.id, encoding.toUint8Array(encoder))
  }
}

export class Client {
  constructor(server) {
    this.server = server
    this.documents = new Map()
    this.messages = [] // Control messages, parsed.
    this.closed = undefined // {code, reason} once closed.
  }

  static async connect(server) {
    const client = new Client(server)
    await client.#connect()
    return client
  }

  // To a server that was started again, with the documents as they are: what it lacks is sent, what we lack is fetched.
  async reconnect(server) {
    this.server = server
    this.closed = undefined
    await this.#connect()
    for (const document of this.documents.values()) document.open()
    await until(() => [...this.documents.values()].every((document) => document.synced), 'all documents to be synced')
  }

  #connect() {
    this.socket = new WebSocket(this.server.syncUrl, { perMessageDeflate: false, maxPayload: 256 << 20 })
    this.socket.binaryType = 'nodebuffer'
    this.socket.on('message', (data, binary) => (binary ? this.#frame(data) : this.#control(String(data))))
    this.socket.on('close', (code, reason) => (this.closed = { code, reason: String(reason) }))
    return new Promise((resolve, reject) => {
      this.socket.once('open', resolve)
      this.socket.once('error', reject)
      // After the opening, a server that was killed is part of the test.
      this.socket.on('error', () => {})
    })
  }

  #frame(data) {
    const length = data[0]
    const id = data.toString('utf8', 1, 1 + length)
    this.documents.get(id)?.receive(new Uint8Array(data.buffer, data.byteOffset + 1 + length, data.length - 1 - length))
  }

  #control(text) {
    const message = JSON.parse(text)
    this.messages.push(message)
    if (message.type === 'file_manifest') this.socket.send('{"type":"FilesReady"}')
  }

  send(id, payload) {
    if (this.socket.readyState !== WebSocket.OPEN) return
    const name = Buffer.from(id)
    this.socket.send(Buffer.concat([Buffer.of(name.length), name, payload]))
  }

  #open(id) {
    let document = this.documents.get(id)
    if (!document) {
      document = new Document(this, id)
      this.documents.set(id, document)
      document.open()
    }
    return until(() => document.synced && document, `${id} to be synced`)
  }

  // The workspace's document: its `files` map holds a record per file.
  workspace() {
    return this.#open(`workspace:${this.server.workspace_id}`)
  }

  // The body of the note at a path, or of a file id.
  body(name) {
    return this.#open(`body:${this.server.workspace_id}/${name}`)
  }

  // Drops the connection without a word.
  drop() {
    this.socket.terminate()
  }

  async close() {
    if (this.socket.readyState === WebSocket.CLOSED) return
    this.socket.close(1000)
    await until(() => this.closed, 'the connection to close')
  }
}

// The live records as plain objects: [{id, path, title, …}].
export function records(workspace) {
  const out = []
  for (const [id, record] of workspace.files) {
    const plain = record instanceof Y.AbstractType ? record.toJSON() : record
    if (!plain.deleted) out.push({ id, ...plain })
  }
  return out
}
