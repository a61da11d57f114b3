// Peers that mean harm, one after the other: each is refused as docs/sync.md says, while two others edit a note together, and
// neither their text nor their patience suffers.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import test from 'node:test'
import * as encoding from 'lib0/encoding'

import { serve, sleep, until } from '../support/binary.mjs'
import { Client, Y } from '../support/client.mjs'
import { folder, read } from '../support/folders.mjs'
import { frame, RawSocket } from '../support/raw_socket.mjs'

const kText = 1
const kBinary = 2
const notes = { 'README.md': '---\ntitle: Home\n---\nhello\n', 'a.md': '---\ntitle: A\n---\n', 'b.md': '---\ntitle: B\n---\n' }

// What the honest ones see. On a busy machine a keystroke may be late, but none may be this late.
const kPatienceMs = 3000
const kMostMegabytes = 150

const octets = (fill) => {
  const encoder = encoding.createEncoder()
  fill(encoder)
  return Buffer.from(encoding.toUint8Array(encoder))
}
const named = (id, payload) => {
  const name = Buffer.from(id)
  return Buffer.concat([Buffer.of(name.length), name, Buffer.from(payload)])
}
const update = (content) => octets((encoder) => {
  encoding.writeVarUint(encoder, 0)
  encoding.writeVarUint(encoder, 2)
  encoding.writeVarUint8Array(encoder, content)
})
const numbers = (...list) => octets((encoder) => list.forEach((each) => encoding.writeVarUint(encoder, each)))
const residentMegabytes = (pid) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024

// Two who type in turn into one note until they are told to stop.
class Honest {
  static async begin(server) {
    const honest = new Honest()
    honest.server = server
    honest.peers = [await Client.connect(server), await Client.connect(server)]
    honest.notes = [await honest.peers[0].body('a.md'), await honest.peers[1].body('a.md')]
    honest.typed = 0
    honest.latest = 0
    honest.running = honest.#type()
    return honest
  }

  async #type() {
    while (!this.stopped) {
      const writer = this.notes[this.typed % 2]
      const reader = this.notes[(this.typed + 1) % 2]
      writer.text.insert(writer.text.length, `${this.typed},`)
      ++this.typed
      const length = writer.text.length
      const began = performance.now()
      await until(() => reader.text.length === length, `keystroke ${this.typed} to arrive`, 20_000)
      this.latest = Math.max(this.latest, performance.now() - began)
      await sleep(5)
    }
  }

  // How late the latest keystroke was since the last time.
  takeLatest() {
    const latest = this.latest
    this.latest = 0
    return latest
  }

  async end() {
    this.stopped = true
    await this.running
    const text = Array.from({ length: this.typed }, (_, i) => `${i},`).join('')
    for (const note of this.notes) assert.equal(note.text.toString(), text)
    for (const peer of this.peers) assert.equal(peer.closed, undefined)
    for (const peer of this.peers) await peer.close()
    return text
  }
}

// Concurrent items that each have to pass all the others: an hour's work of a few megabytes.
function crowd(items) {
  return octets((encoder) => {
    const number = (value) => encoding.writeVarUint(encoder, value)
    number(2)
    number(items)
    number(6)
    number(0)
    for (let i = 0; i < items; ++i) {
      encoding.writeUint8(encoder, 0x84)
      number(5)
      number(2 * (items - i) - 2)
      encoding.writeVarString(encoder, 'x')
    }
    number(1)
    number(5)
    number(0)
    encoding.writeUint8(encoder, 4)
    number(1)
    encoding.writeVarString(encoder, 'body')
    encoding.writeVarString(encoder, 'a'.repeat(2 * items))
    number(0)
  })
}

test('hostile peers', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const ours = (path) => `body:${server.workspace_id}/${path}`
  const honest = await Honest.begin(server)
  t.after(() => (honest.stopped = true))

  // One attack: what is sent, and then either the code that it is closed with, or the word of the error that it is told.
  async function attack(name, send, { code, told, target, open = RawSocket.open }) {
    await t.test(name, async () => {
      const socket = await open(server, target)
      await send(socket)
      if (code !== undefined) {
        await until(() => socket.sawClose ?? socket.ended, `the refusal of: ${name}`, 60_000)
        const got = socket.sawClose ?? socket.ended
        assert.ok([code].flat().includes(got), `closed with ${got}, not ${code}`)
      }
      if (told !== undefined) {
        const heard = () => socket.frames.filter((each) => each.opcode === kText).map((each) => JSON.parse(each.payload))
        await until(() => heard().some((each) => each.type === 'error'), `the error of: ${name}`, 60_000)
        const codes = heard().filter((each) => each.type === 'error').map((each) => each.code)
        assert.ok(codes.some((each) => [told].flat().includes(each)), `told ${codes}, not ${told}`)
      }
      socket.close()
      await sleep(50)
      const [late, megabytes] = [honest.takeLatest(), residentMegabytes(server.pid)]
      if (process.env.DIARYX_TEST_TIMES) t.diagnostic(`${name}: ${Math.round(late)} ms, ${Math.round(megabytes)} MB`)
      assert.ok(late < kPatienceMs, `the others waited ${Math.round(late)} ms`)
      assert.ok(megabytes < kMostMegabytes, `the server holds ${Math.round(megabytes)} MB`)
    })
  }
  const message = (payload) => (socket) => socket.send(frame(kBinary, payload))

  // Frames that are none.
  await attack('an empty message', message(''), { code: 4400 })
  await attack('a name that goes on behind the end', message(Buffer.of(200, 1, 2)), { code: 4400 })
  await attack('a name and nothing else', message(named(ours('b.md'), '')), { code: 4400 })
  await attack('a name that is no UTF-8', message(Buffer.of(2, 0xff, 0xfe, 0, 0, 1, 0)), { code: 4400 })
  await attack('a message of unknown kind', message(named(ours('b.md'), [77, 1, 2])), { code: 4400 })
  await attack('a length beyond the end', message(named(ours('b.md'), [0, 2, 0xff, 0xff, 0xff, 0x7f])), { code: 4400 })
  await attack('a number without end', message(named(ours('b.md'), Buffer.alloc(1000, 0x80))), { code: 4400 })

  // Updates that are none, in frames that are good.
  for (const [name, content] of Object.entries({
    'an empty update': [],
    'more clients than there can be': numbers(2 ** 53 - 1),
    'more structs than there can be': numbers(1, 2 ** 53 - 1, 5, 0),
    'a string longer than the update': numbers(1, 1, 5, 0, 4, 1, 1, 97, 2 ** 40),
    'a clock beyond all': numbers(1, 1, 5, 2 ** 53 - 1, 0, 5, 0),
    'a struct of no kind': numbers(1, 1, 5, 0, 31),
    'more deletes than there can be': numbers(0, 1, 5, 2 ** 50),
    'an update that goes on': [...numbers(0, 0), 1]
  })) {
    await attack(name, message(named(ours('b.md'), update(Buffer.from(content)))), { code: 4400 })
  }
  await attack('a state vector that is none', message(named(ours('b.md'), [0, 0, 2, 5, 1])), { code: 4400 })
  await attack('presences beyond count', message(named(ours('b.md'), [1, 8, ...numbers(2 ** 49)])), { code: 4400 })
  await attack('an update of very much work', message(named(ours('b.md'), update(crowd(300_000)))), { code: 4413 })

  // Documents that are not theirs, or nobody's.
  const question = [0, 0, 1, 0]
  await attack('a foreign workspace', message(named('workspace:someone-elses', question)), { code: 4404 })
  await attack('a foreign body', message(named('body:someone-elses/a.md', question)), { code: 4404 })
  for (const [name, id] of Object.entries({
    'no name': '',
    'a name of no kind': 'secret:x',
    'a path that leaves': ours('../../etc/passwd'),
    'a path that leaves in the middle': ours('x/../../y.md'),
    'a path from the root': ours('/etc/passwd'),
    'a NUL': ours('a\0.md'),
    'a line end': ours('a\n.md'),
    'a backslash': ours('..\\a.md'),
    'a hidden folder': ours('.diaryx/store.db'),
    'the workspace as a path': `workspace:${server.workspace_id}/..`,
    'a path of 255 octets': ours('x').padEnd(255, '/')
  })) {
    await attack(`${name}, as a document`, message(named(id, question)), { told: ['invalid_argument', 'malformed', 'not_found', 'not_allowed', 'limit_exceeded'] })
  }
  await attack('a name of 600 octets', message(Buffer.concat([numbers(600), Buffer.alloc(600, 0x61), Buffer.from(question)])), {
    code: 4400,
    target: `/sync?multiplexed=true&doc=${server.workspace_id}&token=${encodeURIComponent(server.token)}`
  })

  // Very much of very little.
  await attack('a message of four million questions', message(named(ours('b.md'), Buffer.alloc(16 << 20 >> 1, Buffer.from(question)))), { code: [4400, 4429] })
  await attack('a message of twenty questions', message(named(ours('b.md'), Buffer.alloc(80, Buffer.from(question)))), { code: 4429 })
  await attack(
    'a million tiny messages',
    async (socket) => {
      const tiny = frame(kBinary, named(ours('b.md'), [3]))
      const many = Buffer.concat(Array.from({ length: 10_000 }, () => tiny))
      for (let i = 0; i < 100; ++i) {
        if (!socket.socket.write(many)) await new Promise((resolve) => socket.socket.once('drain', resolve))
      }
      socket.send(frame(kBinary, named(ours('b.md'), question)))
      await until(() => socket.frames.some((each) => each.opcode === kBinary), 'the last one to be answered', 60_000)
    },
    {}
  )
  await attack(
    'a million empty fragments',
    async (socket) => {
      socket.send(frame(kBinary, '', { fin: false }))
      const many = Buffer.concat(Array.from({ length: 10_000 }, () => frame(0, '', { fin: false })))
      for (let i = 0; i < 100; ++i) {
        if (!socket.socket.write(many)) await new Promise((resolve) => socket.socket.once('drain', resolve))
      }
      socket.send(frame(0, named(ours('b.md'), question)))
      await until(() => socket.frames.some((each) => each.opcode === kBinary), 'it to be answered', 60_000)
    },
    {}
  )
  await attack('questions whose answers nobody reads', async (socket) => {
    const large = new Y.Doc()
    large.getText('body').insert(0, 'x'.repeat(1 << 20))
    socket.send(frame(kBinary, named(ours('b.md'), update(Y.encodeStateAsUpdate(large)))))
    await sleep(300)
    socket.socket.pause()
    const tiny = frame(kBinary, named(ours('b.md'), question))
    socket.send(Buffer.concat(Array.from({ length: 5000 }, () => tiny)))
    await sleep(2000)
  }, {})

  // Texts that are no control messages.
  for (const [name, text] of Object.entries({
    'no JSON': '{"type":',
    'JSON of the wrong kind': '[1,2,3]',
    'JSON a hundred thousand deep': '['.repeat(100_000),
    'an object of very many members': `{${Array.from({ length: 200_000 }, (_, i) => `"${i}":1`)}}`,
    'an unknown word': '{"type":"sudo"}',
    'files that are none': '{"type":"focus","files":[1,{}]}'
  })) {
    await attack(name, (socket) => socket.send(frame(kText, text)), { told: ['malformed', 'unsupported', 'invalid_argument', 'limit_exceeded'] })
  }

  // Before the upgrade.
  const plain = async () => {
    const socket = await RawSocket.plain(server)
    const raw = { socket, frames: [], answer: '', close: () => socket.destroy() }
    socket.on('data', (data) => (raw.answer += data)).on('error', () => {})
    socket.on('close', () => (raw.ended = Number(/^HTTP\/1\.1 (\d+)/.exec(raw.answer)?.[1] ?? 0)))
    return raw
  }
  const host = `Host: 127.0.0.1:${server.port}\r\n`
  for (const [name, head, status] of [
    ['noise', Buffer.alloc(4096, 0x16), 400],
    ['two lengths', `POST /api/status HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`, 400],
    ['a length and chunks', `POST /api/status HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['a head without end', `GET / HTTP/1.1\r\n${host}X: ${'x'.repeat(20_000)}`, 431],
    ['very many fields', `GET / HTTP/1.1\r\n${host}${'X: y\r\n'.repeat(200)}\r\n`, 431],
    ['a target of 8 KiB', `GET /${'x'.repeat(8192)} HTTP/1.1\r\n${host}\r\n`, 414],
    ['another host', 'GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n', [400, 403, 421]]
  ]) {
    await attack(`${name}, as HTTP`, (raw) => raw.socket.write(head), { code: status, open: plain })
  }

  await t.test('five hundred who begin and say nothing', async () => {
    const silent = []
    for (let i = 0; i < 500; ++i) {
      const socket = await RawSocket.plain(server).catch(() => undefined)
      if (!socket) break
      socket.on('error', () => {})
      socket.write('GET / HT')
      silent.push(socket)
    }
    const late = await Client.connect(server)
    await late.body('a.md')
    await late.close()
    assert.ok(honest.takeLatest() < kPatienceMs, 'the others did not notice')
    for (const socket of silent) socket.destroy()
  })

  await t.test('and all the while the two wrote what they meant to', async () => {
    const text = await honest.end()
    assert.ok(honest.typed > 100, `${honest.typed} keystrokes`)
    await until(() => read(dir, 'a.md').endsWith(text), 'the file to be written')
    assert.equal(read(dir, 'a.md'), `---\ntitle: A\n---\n${text}`)
    assert.deepEqual(await server.stop(), { code: 0, signal: null })
  })
})
