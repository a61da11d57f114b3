// Somebody who types in all notes, deletes some of it again, loses the connection and comes back; with the documents as they are, or
// as somebody new.
import { sleep } from '../../support/binary.mjs'
import { Client } from '../../support/client.mjs'

export const marks = (text) => text.match(/<[a-z]+\d*\.\d+>/g) ?? []

const kKept = 60 // Marks of one typist that stay; older ones are deleted again, so that the notes stay small.

export class Typist {
  // `ledger` is told what was typed, deleted and shown. `via()` leads to the server of the moment: {syncUrl, workspace_id}.
  constructor(name, { via, paths, chance, ledger }) {
    Object.assign(this, { name, via, paths, chance, ledger })
    this.typed = 0
    this.mine = []
    this.taken = [] // Deleted again.
    this.over = false
    this.client = undefined
    this.notes = []
  }

  async run() {
    while (!this.over) {
      try {
        await this.#come()
      } catch {
        this.client?.drop() // The network, or no server at the moment: once more.
        await sleep(100 + this.chance(400))
        continue
      }
      while (!this.over && !this.client.closed) {
        this.#type()
        await sleep(10 + this.chance(60))
      }
      // Nobody listens, and the typing goes on.
      for (let n = this.chance(5); n > 0; --n) this.#type()
      if (!this.over && this.chance(4) === 0) this.#forget()
    }
  }

  async #come() {
    if (this.client) return this.client.reconnect(this.via())
    const client = await Client.connect(this.via())
    try {
      const notes = await Promise.all(this.paths.map((path) => client.body(path)))
      notes.forEach((note) => this.#watch(note))
      Object.assign(this, { client, notes })
    } catch (error) {
      client.drop()
      throw error
    }
  }

  // A new browser: what was typed and never shown to anybody is gone with the old one.
  #forget() {
    this.client.drop()
    // Whether the last of it arrived nobody knows.
    this.ledger.forgotten([...this.mine, ...this.taken])
    Object.assign(this, { client: undefined, notes: [], mine: [], taken: [] })
  }

  #watch(note) {
    note.text.observe((event, transaction) => {
      if (transaction.local) return
      for (const { insert } of event.delta) {
        if (typeof insert === 'string') for (const mark of marks(insert)) this.ledger.shown(note.id, mark)
      }
    })
  }

  #type() {
    if (this.notes.length === 0) return
    const note = this.notes[this.chance(this.notes.length)]
    const text = note.text.toString()
    const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
    const mark = `<${this.name}.${this.typed++}>`
    note.text.insert(starts[this.chance(starts.length)], `${mark}\n`)
    this.mine.push({ note, mark })
    this.ledger.typed(note.id, mark)
    if (this.mine.length <= kKept) return
    const old = this.mine.shift()
    const at = old.note.text.toString().indexOf(`${old.mark}\n`)
    if (at < 0) return
    this.taken.push(old)
    this.ledger.deleted(old.note.id, old.mark)
    old.note.text.delete(at, old.mark.length + 1)
  }
}
