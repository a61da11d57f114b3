// A bad network between clients and a server: TCP connections whose octets come late, in pieces or not at all, and that break.
import net from 'node:net'

import { sleep } from '../../support/binary.mjs'

export class ShakyProxy {
  // `chance(n)` is in 0 … n-1. `target` is a port, or undefined: then nobody gets through.
  constructor(chance) {
    this.chance = chance
    this.target = undefined
    this.shaking = true
    this.broken = 0
    this.pairs = new Set()
    this.server = net.createServer((client) => this.#accept(client))
  }

  async listen() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    return this.server.address().port
  }

  close() {
    this.breakAll()
    this.server.close()
  }

  breakAll() {
    for (const pair of this.pairs) this.#break(pair)
  }

  // Breaks some connection, if there is one.
  breakOne() {
    const all = [...this.pairs]
    if (all.length === 0) return
    ++this.broken
    this.#break(all[this.chance(all.length)])
  }

  #break(pair) {
    this.pairs.delete(pair)
    for (const socket of pair) socket.destroy()
  }

  #accept(client) {
    if (this.target === undefined) return client.destroy()
    const server = net.connect(this.target, '127.0.0.1')
    const pair = [client, server]
    this.pairs.add(pair)
    for (const [from, to] of [pair, [server, client]]) {
      let last = Promise.resolve()
      from.setNoDelay(true)
      from.on('data', (octets) => (last = last.then(() => this.#pass(octets, to))))
      // What is on its way arrives before the end does.
      from.on('end', () => (last = last.then(() => to.end())))
      from.on('error', () => this.#break(pair))
      from.on('close', () => void last.then(() => this.#break(pair)))
    }
  }

  async #pass(octets, to) {
    if (this.shaking && this.chance(4) === 0) await sleep(this.chance(60))
    if (this.shaking && this.chance(400) === 0) await sleep(1000 + this.chance(2000))
    for (let rest = octets; rest.length > 0; ) {
      const size = this.shaking && this.chance(3) === 0 ? 1 + this.chance(rest.length) : rest.length
      if (!to.writable) return
      to.write(rest.subarray(0, size))
      rest = rest.subarray(size)
      if (rest.length > 0) await sleep(this.chance(5))
    }
  }
}
