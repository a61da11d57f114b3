// The server's WebSocket against RFC 6455, octet by octet: what it must answer, and with which code it must close.
import assert from 'node:assert/strict'
import test from 'node:test'

import { serve, until } from '../support/binary.mjs'
import { folder } from '../support/folders.mjs'
import { frame, RawSocket } from '../support/raw_socket.mjs'

const kText = 1
const kBinary = 2
const kClose = 8
const kPing = 9
const kPong = 10

const notes = { 'README.md': '---\ntitle: Home\n---\nhello\n' }
const code = (number) => Buffer.of(number >> 8, number & 255)
const control = (frames) => frames.filter((each) => each.opcode === kText).map((each) => JSON.parse(each.payload))

let server
let suite // The test that all the others are parts of.

// A SyncStep1 with nothing known, of the one note.
const question = () => {
  const id = Buffer.from(`body:${server.workspace_id}/README.md`)
  return Buffer.concat([Buffer.of(id.length), id, Buffer.of(0, 0, 1, 0)])
}

async function answers(name, frames, wanted) {
  await suite.test(name, async () => {
    const socket = await RawSocket.open(server)
    socket.send(...frames())
    await until(() => wanted(socket.frames), `an answer to: ${name}`, 5000)
    assert.equal(socket.ended ?? socket.sawClose, undefined, 'it stays open')
    socket.close()
  })
}

async function closes(name, frames, codes) {
  await suite.test(name, async () => {
    const socket = await RawSocket.open(server)
    socket.send(...frames())
    await until(() => socket.sawClose ?? socket.ended, `the end of: ${name}`, 10_000)
    assert.ok(codes.includes(socket.sawClose ?? socket.ended), `${name}: ${socket.sawClose ?? socket.ended}, not ${codes}`)
    // And the server, too, ends the connection.
    await until(() => socket.ended, 'the end of the connection', 10_000)
    socket.close()
  })
}

test('RFC 6455', async (t) => {
  server = await serve(t, folder(t, notes))
  suite = t
  await t.test('the key is answered as the RFC says', async () => {
    const socket = await RawSocket.open(server)
    assert.match(socket.head, /^HTTP\/1\.1 101 /)
    assert.match(socket.head, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i)
    assert.doesNotMatch(socket.head, /Sec-WebSocket-Extensions/i)
    socket.close()
  })

  const pong = (text) => (frames) => frames.some((each) => each.opcode === kPong && each.payload.toString() === text)
  const step2 = (frames) => frames.some((each) => each.opcode === kBinary && each.payload.at(each.payload[0] + 2) === 1)
  const complained = (word) => (frames) => control(frames).some((each) => each.type === 'error' && JSON.stringify(each).includes(word))

  await answers('a ping comes back as a pong', () => [frame(kPing, 'hey')], pong('hey'))
  await answers('an empty ping too', () => [frame(kPing)], pong(''))
  await answers('an unasked pong is passed over', () => [frame(kPong, 'x'), frame(kPing, 'still here')], pong('still here'))
  await answers('a binary message is heard', () => [frame(kBinary, question())], step2)
  await answers(
    'fragments are one message, and a ping between them is answered',
    () => {
      const whole = question()
      return [frame(kBinary, whole.subarray(0, 5), { fin: false }), frame(kPing, 'p'), frame(0, whole.subarray(5, 9), { fin: false }), frame(0, whole.subarray(9))]
    },
    (frames) => pong('p')(frames) && step2(frames)
  )
  await answers('octet by octet', () => [...frame(kBinary, question())].map((octet) => Buffer.of(octet)), step2)
  await answers('empty fragments are fragments', () => [frame(kBinary, '', { fin: false }), frame(0, question(), { fin: false }), frame(0, '')], step2)
  await answers(
    'a character that is cut by a fragment is whole again',
    () => {
      const text = Buffer.from('{"type":"é"}')
      return [frame(kText, text.subarray(0, 10), { fin: false }), frame(0, text.subarray(10))]
    },
    complained('')
  )

  await closes('text that is no UTF-8', () => [frame(kText, Buffer.of(0xff, 0xfe))], [1007])
  await closes('text that ends inside a character', () => [frame(kText, Buffer.of(0xc3))], [1007])
  await closes('a frame without a mask', () => [frame(kBinary, 'x', { masked: false })], [1002])
  for (const opcode of [3, 7, 11, 15]) await closes(`reserved opcode ${opcode}`, () => [frame(opcode, 'x')], [1002])
  for (const rsv of [1, 2, 4]) await closes(`reserved bit ${rsv}`, () => [frame(kBinary, 'x', { rsv })], [1002])
  await closes('a ping of 126 octets', () => [frame(kPing, 'x'.repeat(126))], [1002])
  await closes('a ping in fragments', () => [frame(kPing, 'x', { fin: false })], [1002])
  await closes('a continuation of nothing', () => [frame(0, 'x')], [1002])
  await closes('a new message inside another', () => [frame(kText, 'a', { fin: false }), frame(kText, 'b')], [1002])
  await closes('a length in a longer form than it needs', () => [frame(kBinary, 'x', { form: 16 })], [1002])
  await closes('a length of 2^62', () => [frame(kBinary, 'abcd', { length: 1n << 62n, form: 64 })], [1009])
  await closes('a length of 2^63', () => [frame(kBinary, 'abcd', { length: 1n << 63n, form: 64 })], [1002])
  await closes('a message of 17 MiB', () => [frame(kBinary, Buffer.alloc(17 << 20))], [1009])
  await closes(
    '17 fragments of 1 MiB',
    () => [frame(kBinary, Buffer.alloc(1 << 20), { fin: false }), ...Array.from({ length: 16 }, () => frame(0, Buffer.alloc(1 << 20), { fin: false }))],
    [1009]
  )

  await closes('1000 is answered by 1000', () => [frame(kClose, code(1000))], [1000])
  await closes('a close without a code', () => [frame(kClose)], [1005, 1000])
  await closes('a close of one octet', () => [frame(kClose, 'x')], [1002])
  for (const wrong of [0, 999, 1004, 1005, 1006, 1015, 2999]) await closes(`code ${wrong} is nobody's to send`, () => [frame(kClose, code(wrong))], [1002])
  await closes('a reason that is no UTF-8', () => [frame(kClose, Buffer.concat([code(1000), Buffer.of(0xff)]))], [1007])
})
