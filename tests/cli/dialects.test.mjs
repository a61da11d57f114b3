// The clients of the field on one server: the npm providers of y-websocket and Hocuspocus as they are, a client of the first
// Diaryx protocol, and the editor's own. A body that is open by several of them is one document, and one file.
import assert from 'node:assert/strict'
import test from 'node:test'
import { HocuspocusProvider as Hocuspocus2, HocuspocusProviderWebsocket as Socket2 } from 'hocuspocus-provider-2'
import { HocuspocusProvider as Hocuspocus3, HocuspocusProviderWebsocket as Socket3 } from 'hocuspocus-provider-3'
import { HocuspocusProvider as Hocuspocus4, HocuspocusProviderWebsocket as Socket4 } from 'hocuspocus-provider-4'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import WebSocket from 'ws'
import * as sync from 'y-protocols/sync'
import { WebsocketProvider as Rooms2 } from 'y-websocket-2'
import { WebsocketProvider as Rooms3 } from 'y-websocket-3'

import { run, runJson, serve, sleep, until } from '../support/binary.mjs'
import { Client, Y } from '../support/client.mjs'
import { folder, read } from '../support/folders.mjs'

const notes = { 'README.md': '---\ntitle: Home\ncontents:\n  - "[A](/notes/a.md)"\n---\nhello\n', 'notes/a.md': '---\ntitle: A\n---\ntext\n' }
const rooms = [
  ['y-websocket 2', Rooms2],
  ['y-websocket 3', Rooms3]
]
const hocuspocus = [
  ['@hocuspocus/provider 2', Hocuspocus2, Socket2],
  ['@hocuspocus/provider 3', Hocuspocus3, Socket3],
  ['@hocuspocus/provider 4', Hocuspocus4, Socket4]
]

const body = (server, path) => `body:${server.workspace_id}/${path}`
const text = (doc) => doc.getText('body')
const origin = (server) => `ws://127.0.0.1:${server.port}`

function room(t, Provider, server, document, params = { token: server.token }) {
  const doc = new Y.Doc()
  const provider = new Provider(`${origin(server)}/ws`, document, doc, { params, WebSocketPolyfill: WebSocket, disableBc: true })
  t.after(() => end(provider, doc))
  return { doc, provider, awareness: provider.awareness }
}

// Providers leave the timer of their presences running.
function end(provider, doc) {
  const awareness = provider.awareness
  provider.destroy()
  awareness?.destroy()
  doc.destroy()
}

function socketOf(Socket, server, query = '') {
  const url = `${origin(server)}/hocuspocus${query}`
  const socket = new Socket({ url, WebSocketPolyfill: WebSocket, delay: 100, minDelay: 100, maxDelay: 500 })
  return socket
}

function document(t, Provider, socket, name, options) {
  const doc = new Y.Doc()
  // The documents first, then their socket: it would come back for them.
  const provider = new Provider({ websocketProvider: socket, name, document: doc, ...options })
  provider.attach?.()
  t.after(() => {
    end(provider, doc)
    socket.connect = async () => {} // Version 3 would come back from a timer that it forgets.
    socket.destroy()
  })
  return { doc, provider, awareness: provider.awareness }
}

// The first protocol, many bodies on one socket.
class FirstDiaryx {
  constructor(server, query) {
    this.docs = new Map()
    this.texts = []
    this.socket = new WebSocket(`${origin(server)}/sync?${query}`)
    this.socket.binaryType = 'arraybuffer'
    this.opened = new Promise((resolve, reject) => {
      this.socket.on('open', () => resolve(this))
      this.socket.on('unexpected-response', (_, answer) => reject(new Error(String(answer.statusCode))))
      this.socket.on('error', () => {})
    })
    this.socket.on('message', (data, binary) => (binary ? this.#receive(new Uint8Array(data)) : this.texts.push(JSON.parse(String(data)))))
  }

  open(path) {
    const doc = new Y.Doc()
    this.docs.set(path, doc)
    doc.on('update', (update, from) => from !== this && this.#send(path, (encoder) => sync.writeUpdate(encoder, update)))
    this.#send(path, (encoder) => sync.writeSyncStep1(encoder, doc))
    return doc
  }

  #send(path, fill) {
    const encoder = encoding.createEncoder()
    encoding.writeVarString(encoder, path)
    encoding.writeVarUint(encoder, 0)
    fill(encoder)
    this.socket.send(encoding.toUint8Array(encoder))
  }

  #receive(octets) {
    const decoder = decoding.createDecoder(octets)
    const path = decoding.readVarString(decoder)
    while (decoding.hasContent(decoder)) {
      assert.equal(decoding.readVarUint(decoder), 0, 'only y-sync messages: no presences')
      const encoder = encoding.createEncoder()
      sync.readSyncMessage(decoder, encoder, this.docs.get(path), this)
      if (encoding.length(encoder) === 0) continue
      const answer = encoding.createEncoder()
      encoding.writeVarString(answer, path)
      encoding.writeVarUint(answer, 0)
      encoding.writeUint8Array(answer, encoding.toUint8Array(encoder))
      this.socket.send(encoding.toUint8Array(answer))
    }
  }
}

for (const [name, Provider] of rooms) {
  test(`${name}: edits, presences, and the file on disk`, async (t) => {
    const dir = folder(t, notes)
    const server = await serve(t, dir)
    const a = room(t, Provider, server, body(server, 'notes/a.md'))
    const b = room(t, Provider, server, body(server, 'notes/a.md'))
    await until(() => a.provider.synced && b.provider.synced, 'the first sync')
    assert.equal(text(a.doc).toString(), 'text\n')
    a.awareness.setLocalStateField('user', { name: 'Ada' })
    text(a.doc).insert(0, 'more ')
    await until(() => text(b.doc).toString() === 'more text\n', 'the edit')
    await until(() => b.awareness.getStates().get(a.doc.clientID)?.user?.name === 'Ada', 'the presence')
    await server.flush()
    assert.equal(read(dir, 'notes/a.md'), '---\ntitle: A\n---\nmore text\n')
    a.provider.disconnect()
    await until(() => !b.awareness.getStates().has(a.doc.clientID), 'the presence to go')
    text(a.doc).insert(0, 'offline ')
    text(b.doc).insert(text(b.doc).length, 'meanwhile')
    a.provider.connect()
    await until(() => text(a.doc).toString() === 'offline more text\nmeanwhile', 'both edits here')
    await until(() => text(b.doc).toString() === 'offline more text\nmeanwhile', 'both edits there')
  })

  test(`${name}: a wrong token, and a document that cannot be, end with their close codes`, async (t) => {
    const server = await serve(t, folder(t, notes))
    for (const [id, params, code] of [
      [body(server, 'notes/a.md'), { token: 'wrong' }, 4401],
      ['body:elsewhere/notes/a.md', { token: server.token }, 4404],
      [body(server, 'notes/../../a.md'), { token: server.token }, 4404]
    ]) {
      const { provider } = room(t, Provider, server, id, params)
      const event = await new Promise((resolve) => provider.once('connection-close', resolve))
      assert.equal((event?.[0] ?? event).code, code, id)
      provider.disconnect()
    }
  })
}

for (const [name, Provider, Socket] of hocuspocus) {
  test(`${name}: token in the message, two documents on a socket, told what is saved`, async (t) => {
    const dir = folder(t, notes)
    const server = await serve(t, dir)
    const socket = socketOf(Socket, server)
    const a = document(t, Provider, socket, body(server, 'notes/a.md'), { token: server.token })
    const home = document(t, Provider, socket, body(server, 'README.md'), { token: server.token })
    const other = document(t, Provider, socketOf(Socket, server, `?token=${server.token}`), body(server, 'notes/a.md'))
    await until(() => a.provider.synced && home.provider.synced && other.provider.synced, 'the first sync')
    assert.equal(text(a.doc).toString(), 'text\n')
    assert.equal(text(home.doc).toString(), 'hello\n')
    await until(() => !a.provider.hasUnsyncedChanges, 'nothing unsaved')
    text(a.doc).insert(0, 'more ')
    assert.ok(a.provider.hasUnsyncedChanges)
    await until(() => !a.provider.hasUnsyncedChanges, 'the word that it is saved')
    await until(() => text(other.doc).toString() === 'more text\n', 'the edit')
    a.awareness.setLocalStateField('user', { name: 'Ada' })
    await until(() => other.awareness.getStates().get(a.doc.clientID)?.user?.name === 'Ada', 'the presence')
    await server.flush()
    assert.equal(read(dir, 'notes/a.md'), '---\ntitle: A\n---\nmore text\n')
    home.provider.destroy()
    text(other.doc).insert(0, 'still ')
    await until(() => text(a.doc).toString() === 'still more text\n', 'the other document to live on')
  })

  test(`${name}: a wrong token is denied; a share's code is one, and says how far it goes`, async (t) => {
    const server = await serve(t, folder(t, notes))
    const denied = await new Promise((resolve) => {
      document(t, Provider, socketOf(Socket, server), body(server, 'notes/a.md'), {
        token: 'wrong',
        onAuthenticationFailed: ({ reason }) => resolve(reason)
      })
    })
    assert.match(denied, /token/)
    const share = await (await server.request('POST', '/api/share/sessions', { read_only: true })).json()
    const scopes = []
    const reader = document(t, Provider, socketOf(Socket, server), body(server, 'notes/a.md'), {
      token: share.code.toLowerCase(),
      onAuthenticated: (event) => scopes.push(event?.scope ?? reader.provider.authorizedScope)
    })
    await until(() => reader.provider.synced, 'the first sync')
    assert.equal(reader.provider.authorizedScope, 'readonly')
    const owner = await Client.connect(server)
    t.after(() => owner.drop())
    const file = await owner.body('notes/a.md')
    text(reader.doc).insert(0, 'not mine to write ')
    await sleep(300)
    assert.ok(reader.provider.hasUnsyncedChanges, 'it was not saved, and is not said to be')
    assert.equal(file.text.toString(), 'text\n')
    await server.request('PATCH', `/api/share/sessions/${share.code}`, { read_only: false })
    await until(() => reader.provider.authorizedScope === 'read-write', 'the right to write')
  })
}

test('one document through every dialect at once, and one file', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const id = body(server, 'notes/a.md')
  const first = await new FirstDiaryx(server, `doc=workspace:${server.workspace_id}&token=${server.token}&multiplexed=true`).opened
  t.after(() => first.socket.terminate())
  const docs = [
    ...rooms.map(([, Provider]) => room(t, Provider, server, id).doc),
    ...hocuspocus.map(([, Provider, Socket]) => document(t, Provider, socketOf(Socket, server), id, { token: server.token }).doc),
    first.open('notes/a.md')
  ]
  await until(() => docs.every((doc) => text(doc).toString() === 'text\n'), 'the first sync')
  for (const [i, doc] of docs.entries()) {
    for (const word of `from ${i}; `) {
      text(doc).insert(text(doc).length, word)
      await sleep(2)
    }
  }
  await until(() => new Set(docs.map((doc) => text(doc).toString())).size === 1 && text(docs[0]).length === 5 + docs.length * 8, 'all to agree')
  await server.flush()
  assert.equal(read(dir, 'notes/a.md'), '---\ntitle: A\n---\n' + text(docs[0]).toString())
})

test('the first protocol answers with HTTP statuses before it opens a socket', async (t) => {
  const server = await serve(t, folder(t, notes))
  const ws = `workspace:${server.workspace_id}`
  for (const [query, status] of [
    ['', 400],
    [`doc=${ws}`, 400],
    [`token=${server.token}`, 400],
    [`doc=${ws}&token=wrong`, 401],
    [`doc=workspace:other&token=${server.token}`, 404],
    ['session=AAAAAAAA-AAAAAAAA', 404]
  ]) {
    await assert.rejects(new FirstDiaryx(server, query).opened, new RegExp(`^Error: ${status}$`), query)
  }
  const share = await (await server.request('POST', '/api/share/sessions', {})).json()
  const guest = await new FirstDiaryx(server, `session=${share.code}&guest_id=ada`).opened
  await until(() => guest.texts.some((message) => message.type === 'file_manifest'), 'the manifest')
  assert.deepEqual(guest.texts[0], { type: 'session_joined', joinCode: share.code, workspaceId: server.workspace_id, readOnly: false })
  const closed = new Promise((resolve) => guest.socket.on('close', resolve))
  assert.equal((await server.request('DELETE', `/api/share/sessions/${share.code}`)).status, 204)
  assert.equal(await closed, 4403)
  assert.equal(guest.texts.at(-1).type, 'session_ended')
})

test('share: a code and a link from the command line, listed, kept over a restart, ended', async (t) => {
  const dir = folder(t, notes)
  let server = await serve(t, dir)
  const made = await runJson(['share', '--read-only', '--expires', '2h', '-C', dir])
  assert.equal(made.code, 0, made.stderr)
  assert.match(made.json.code, /^[A-Z0-9]{8}-[A-Z0-9]{8}$/)
  assert.equal(made.json.url, `http://127.0.0.1:${server.port}/#session=${made.json.code}`)
  assert.equal(made.json.read_only, true)
  assert.ok(Math.abs(made.json.expires_ms - Date.now() - 7_200_000) < 60_000)
  const said = await run(['share', '-C', dir])
  assert.match(said.stdout, /Guests may read and write until it is ended\n {2}code {3}\S{17}\n {2}open {3}http:\S+#session=/)
  await server.stop()
  const alone = await run(['share', '-C', dir])
  assert.equal(alone.code, 3)
  assert.match(alone.stderr, /no server is running here/)
  server = await serve(t, dir)
  const listed = await runJson(['share', '--list', '-C', dir])
  assert.equal(listed.json.sessions.length, 2)
  assert.ok(listed.json.sessions.some((share) => share.code === made.json.code && share.guests === 0))
  assert.equal((await run(['share', '--end', made.json.code.toLowerCase(), '-C', dir])).code, 0)
  assert.equal((await run(['share', '--end', made.json.code, '-C', dir])).code, 3)
  assert.equal((await runJson(['share', '--list', '-C', dir])).json.sessions.length, 1)
  for (const bad of [['--expires', '2x'], ['--expires', '0s'], ['--expires', '9999999d'], ['--list', '--read-only']]) {
    assert.equal((await run(['share', ...bad, '-C', dir])).code, 2, bad.join(' '))
  }
})
