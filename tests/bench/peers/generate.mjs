// node generate.mjs DIR [SCALE] [SEED]: benchmark data of the shape that the real one has, for whoever has none. What is expected
// of each workload is what yjs makes of it. SCALE 1 is as large as the real data, 0.002 is for a test.
//
//   b4.*        one author: bursts of typing, backspaces, jumps; 260,000 edits of one character
//   ff, cs      two and three authors at once, who see each other's edits a little later
//   nn, gm      branches: several authors go on alone from a common state, then all is merged
//   b31,34,35   1,540 clients that know nothing of each other: one map key, one place in an array, one place in a text
//   c20         20 clients, a text and a map, synchronised now and then
//   w7a, w7b    a map of 10,000 records
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import * as Y from 'yjs'
import { random } from '../../support/random.mjs'
import { writeList, writeTrace } from './files.mjs'

// Chance in the forms that are needed here.
function chanceOf(seed) {
  const below = random(seed)
  const share = () => below(2 ** 30) / 2 ** 30
  return {
    below,
    happens: (probability) => share() < probability,
    // 1 and up, on average `mean`.
    run: (mean) => 1 + Math.floor(-Math.log(1 - share()) * (mean - 1)),
    pick: (list) => list[below(list.length)]
  }
}

const kWords = 'the a of tree branch letter draft we then often river where light stone paper under list open day note line'.split(' ')

// Somebody who writes: knows where the cursor is and what comes next.
class Author {
  constructor(chance) {
    this.chance = chance
    this.cursor = 0
    this.left = 0 // Of this burst.
    this.deleting = false
    this.word = ''
  }
  character() {
    if (this.word === '') this.word = this.chance.pick(kWords) + (this.chance.happens(0.08) ? '.\n' : ' ')
    const next = this.word[0]
    this.word = this.word.slice(1)
    return next
  }
  // The next edit of a text of that length.
  edit(length, characters = 1) {
    const { chance } = this
    if (this.left === 0) {
      this.deleting = length > 40 && chance.happens(0.42)
      this.left = chance.run(this.deleting ? 9 : 16)
      if (chance.happens(0.25)) {
        const near = this.cursor + chance.below(400) - 200
        this.cursor = chance.happens(0.7) ? near : chance.below(length + 1)
      }
    }
    --this.left
    this.cursor = Math.max(0, Math.min(length, this.cursor))
    if (this.deleting && this.cursor > 0) {
      const deleted = Math.min(characters, this.cursor)
      this.cursor -= deleted
      return { position: this.cursor, deleted, insert: '' }
    }
    let insert = ''
    for (let i = 0; i < characters; ++i) insert += this.character()
    this.cursor += insert.length
    return { position: this.cursor - insert.length, deleted: 0, insert }
  }
}

function newDoc(client) {
  const doc = new Y.Doc()
  doc.clientID = client
  return doc
}

function perform(doc, { position, deleted, insert }) {
  const text = doc.getText('text')
  doc.transact(() => {
    if (deleted > 0) text.delete(position, deleted)
    if (insert !== '') text.insert(position, insert)
  })
}

function writeState(dir, name, doc) {
  fs.writeFileSync(path.join(dir, `${name}.v1`), Y.encodeStateAsUpdate(doc))
  fs.writeFileSync(path.join(dir, `${name}.v2`), Y.encodeStateAsUpdateV2(doc))
}

function mergeInGroups(updates) {
  let level = updates
  while (level.length > 1) {
    const merged = []
    for (let i = 0; i < level.length; i += 256) merged.push(Y.mergeUpdates(level.slice(i, i + 256)))
    level = merged
  }
  return level[0]
}

function typedText(dir, chance, count) {
  const doc = newDoc(1234567890)
  const author = new Author(chance)
  const trace = []
  const updates = []
  let length = 0
  let half
  doc.on('update', (update) => updates.push(update))
  for (let i = 0; i < count; ++i) {
    if (i === count >> 1) half = { v1: Y.encodeStateAsUpdate(doc), sv: Y.encodeStateVector(doc) }
    const edit = author.edit(length)
    length += edit.insert.length - edit.deleted
    trace.push(edit)
    perform(doc, edit)
  }
  const merged = mergeInGroups(updates)
  writeTrace(dir, 'b4.trace', trace)
  writeList(dir, 'b4.updates', updates)
  writeState(dir, 'b4', doc)
  const files = {
    'b4.final.txt': doc.getText('text').toString(),
    'b4.sv': Y.encodeStateVector(doc),
    'b4.half.v1': half.v1,
    'b4.half.sv': half.sv,
    'b4.diff.v1': Y.encodeStateAsUpdate(doc, half.sv),
    'b4.merged.v1': merged,
    'b4.merged.diff.v1': Y.diffUpdate(merged, half.sv)
  }
  for (const [name, octets] of Object.entries(files)) fs.writeFileSync(path.join(dir, name), octets)
}

// Authors with a document each; what one writes goes into the log, and the others catch up with the log.
class Authors {
  constructor(chance, count) {
    this.chance = chance
    this.log = []
    this.all = Array.from({ length: count }, (_, i) => {
      const author = { doc: newDoc(100003 * (i + 1)), writer: new Author(chance), seen: 0 }
      author.doc.on('update', (update, origin) => {
        if (origin !== 'log') this.log.push({ update, author })
      })
      return author
    })
  }
  // Up to that entry of the log.
  catchUp(author, end = this.log.length) {
    for (; author.seen < end; ++author.seen) {
      const entry = this.log[author.seen]
      if (entry.author !== author) Y.applyUpdate(author.doc, entry.update, 'log')
    }
  }
  write(author, characters) {
    perform(author.doc, author.writer.edit(author.doc.getText('text').length, characters))
  }
  get updates() {
    return this.log.map((entry) => entry.update)
  }
}

function atOnce(chance, count, edits) {
  const authors = new Authors(chance, count)
  for (let i = 0; i < edits; ++i) {
    const author = chance.pick(authors.all)
    authors.catchUp(author, Math.max(author.seen, authors.log.length - chance.below(12)))
    authors.write(author, 1)
  }
  return authors.updates
}

function inBranches(chance, count, edits, burst, characters) {
  const authors = new Authors(chance, count)
  for (let written = 0; written < edits; ) {
    const branches = authors.all.filter(() => chance.happens(0.5))
    for (const author of branches) authors.catchUp(author)
    for (const author of branches) {
      for (let i = chance.run(burst); i > 0; --i, ++written) authors.write(author, chance.run(characters))
    }
  }
  return authors.updates
}

function nowAndThen(chance, count, edits) {
  const authors = new Authors(chance, count)
  for (let i = 0; i < edits; ++i) {
    const author = chance.pick(authors.all)
    if (chance.happens(0.05)) authors.catchUp(author)
    if (chance.happens(0.3)) {
      author.doc.getMap('map').set(`k${chance.below(170)}`, chance.happens(0.5) ? chance.below(1e9) : `s${chance.below(1e9)}`)
    } else authors.write(author, chance.run(4))
  }
  return authors.updates
}

// Each client writes once into an empty document.
function strangers(chance, count, write) {
  return Array.from({ length: count }, (_, i) => {
    const doc = newDoc(7919 * (i + 1))
    write(doc, i)
    return Y.encodeStateAsUpdate(doc)
  })
}

function writeHistory(dir, name, updates, json) {
  const doc = newDoc(7)
  for (const update of updates) Y.applyUpdate(doc, update)
  const text = doc.getText('text').toString()
  writeList(dir, `${name}.updates`, updates)
  writeState(dir, name, doc)
  if (!json) return fs.writeFileSync(path.join(dir, `${name}.final.txt`), text)
  const roots = { text, map: doc.getMap('map').toJSON(), array: doc.getArray('array').toJSON() }
  fs.writeFileSync(path.join(dir, `${name}.final.json`), JSON.stringify(roots))
}

function record(chance, index) {
  const words = (count) => Array.from({ length: count }, () => chance.pick(kWords)).join(' ')
  return JSON.stringify({
    id: index,
    path: `notes/${index % 97}/${chance.pick(kWords)}-${index}.md`,
    size: chance.below(300000),
    modified: 1700000000000 + chance.below(1e9),
    title: words(6),
    body: words(50)
  })
}

function records(dir, chance, count) {
  const doc = newDoc(1234567890)
  const files = doc.getMap('files')
  const key = (index) => `file_${String(index).padStart(8, '0')}`
  const write = (name, indexes) => {
    const pairs = indexes.map((index) => [key(index), record(chance, index)])
    for (const [k, v] of pairs) files.set(k, v)
    writeList(dir, `${name}.kv`, pairs.flat().map((text) => Buffer.from(text)))
    writeState(dir, name, doc)
  }
  write('w7a', Array.from({ length: count }, (_, i) => i))
  write('w7b', Array.from({ length: count }, () => chance.below(count)))
  fs.writeFileSync(path.join(dir, 'w7b.final.json'), JSON.stringify(files.toJSON()))
}

export function generate(dir, scale = 1, seed = 4) {
  const chance = chanceOf(seed)
  const size = (full) => Math.max(20, Math.round(full * scale))
  const unfinished = `${dir}.${process.pid}`
  fs.rmSync(unfinished, { recursive: true, force: true })
  fs.mkdirSync(unfinished, { recursive: true })
  const history = (name, updates, json = false) => writeHistory(unfinished, name, updates, json)
  typedText(unfinished, chance, size(260000))
  history('ff', atOnce(chance, 2, size(26000)))
  history('cs', atOnce(chance, 3, size(23000)))
  history('nn', inBranches(chance, 8, size(45000), 200, 2))
  history('gm', inBranches(chance, 20, size(22000), 30, 20))
  history('b31', strangers(chance, size(1540), (doc, i) => doc.getMap('map').set('v', i)), true)
  history('b34', strangers(chance, size(1540), (doc, i) => doc.getArray('array').insert(0, [i])), true)
  history('b35', strangers(chance, size(1540), (doc, i) => doc.getText('text').insert(0, String(i))), true)
  history('c20', nowAndThen(chance, 20, size(20000)), true)
  records(unfinished, chance, size(10000))
  fs.rmSync(dir, { recursive: true, force: true })
  fs.renameSync(unfinished, dir)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [dir, scale = '1', seed = '4'] = process.argv.slice(2)
  generate(dir, Number(scale), Number(seed))
}
