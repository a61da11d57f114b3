// A WebSocket client that keeps no rule: it opens a TCP connection, upgrades it, and then sends whatever octets it is given.
import { randomBytes } from 'node:crypto'
import net from 'node:net'

// One frame as RFC 6455 draws it, or with what is wrong about it. `length`: claimed instead of the true one.
export function frame(opcode, payload = '', { fin = true, masked = true, rsv = 0, length, form } = {}) {
  const octets = Buffer.from(payload)
  const said = BigInt(length ?? octets.length)
  const wide = form ?? (said < 126n ? 7 : said < 65536n ? 16 : 64)
  const head = [Buffer.of((fin ? 0x80 : 0) | (rsv << 4) | opcode)]
  const mask = masked ? 0x80 : 0
  if (wide === 7) head.push(Buffer.of(mask | Number(said)))
  else if (wide === 16) head.push(Buffer.of(mask | 126, Number(said >> 8n), Number(said & 255n)))
  else {
    const size = Buffer.alloc(9)
    size[0] = mask | 127
    size.writeBigUInt64BE(said, 1)
    head.push(size)
  }
  if (!masked) return Buffer.concat([...head, octets])
  const key = randomBytes(4)
  return Buffer.concat([...head, key, octets.map((octet, i) => octet ^ key[i & 3])])
}

export class RawSocket {
  constructor(socket) {
    this.socket = socket
    this.frames = [] // {opcode, payload}, as they come.
    this.ended = undefined // A close code, or 'EOF' without one.
    this.sawClose = undefined
    this.pending = Buffer.alloc(0)
    socket.on('data', (data) => this.#take(data))
    socket.on('error', () => {})
    socket.on('close', () => (this.ended ??= this.sawClose ?? 'EOF'))
  }

  // Nothing but TCP.
  static async plain(server) {
    const socket = net.connect(server.port, '127.0.0.1')
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return socket
  }

  static async open(server, target = `/sync2?token=${encodeURIComponent(server.token)}`) {
    const socket = await RawSocket.plain(server)
    socket.setNoDelay(true)
    socket.write(
      `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'
    )
    let head = Buffer.alloc(0)
    while (!head.includes('\r\n\r\n')) {
      const chunk = await new Promise((resolve, reject) => socket.once('data', resolve).once('close', () => reject(new Error('closed'))))
      head = Buffer.concat([head, chunk])
    }
    const end = head.indexOf('\r\n\r\n') + 4
    const raw = new RawSocket(socket)
    raw.head = head.subarray(0, end).toString()
    raw.#take(head.subarray(end))
    return raw
  }

  send(...octets) {
    for (const piece of octets) if (this.socket.writable) this.socket.write(piece)
    return this
  }

  close() {
    this.socket.destroy()
  }

  #take(data) {
    this.pending = Buffer.concat([this.pending, data])
    for (;;) {
      const { pending } = this
      if (pending.length < 2) return
      let length = pending[1] & 127
      let at = 2
      if (length === 126) {
        if (pending.length < 4) return
        length = pending.readUInt16BE(2)
        at = 4
      } else if (length === 127) {
        if (pending.length < 10) return
        length = Number(pending.readBigUInt64BE(2))
        at = 10
      }
      if (pending.length < at + length) return
      const payload = Buffer.from(pending.subarray(at, at + length))
      const opcode = pending[0] & 15
      this.pending = pending.subarray(at + length)
      if (opcode === 8) this.sawClose = length >= 2 ? payload.readUInt16BE(0) : 1005
      else this.frames.push({ opcode, payload })
    }
  }
}
