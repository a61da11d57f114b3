// node driver.mjs PEER WORKLOAD DATA_DIR CACHE_DIR [LIMIT_S] [BUDGET_MS]: one workload on one peer, one JSON line with the names of
// bench_engine. Workloads are those of tests/bench/workloads.h.
//
// Milliseconds are medians of the warm peer: at least one repetition and 1.5 s of them go before, and the garbage collector runs
// when it wants to (forcing it makes V8 drop what it compiled). Then at least five repetitions and a second of them, as far as
// LIMIT_S lets us: `reps` tells. With a BUDGET_MS that is what they take in all, and warming up one and a half times as long. A peer without such a call prints ms_median null; a wrong result is exit code 1.
import fs from 'node:fs'
import path from 'node:path'
import { peers } from './adapters.mjs'
import { hasFile, readFile, readList, readPairs, readText, readTrace, writeList } from './files.mjs'

const [peerName, workload, dataDir, cacheDir, limit = '120', budget = '1000'] = process.argv.slice(2)
const kWriter = 1234567890
const kReader = 7
const deadline = performance.now() + Number(limit) * 1000
const peer = await peers[peerName]()
const load = peer.load ?? peer.apply

function report(result) {
  console.log(JSON.stringify({ peer: peerName, version: peer.version, workload, ...result }))
  process.exit(0)
}

function need(...methods) {
  if (methods.some((method) => peer[method] === null)) report({ ms_median: null, cpu_median: null, reps: 0, bytes: 0, peak_rss_kb: 0 })
}

function expectEqual(got, wanted, what) {
  if (got === wanted) return
  console.error(`${peerName} ${workload}: wrong result: ${what}`)
  process.exit(1)
}

// --- time and memory ---

// Milliseconds that the main thread was on the processor.
function processorMs() {
  try {
    return Number(fs.readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6
  } catch {
    return Number.NaN
  }
}

function peakKb() {
  const line = /VmHWM:\s+(\d+)/.exec(fs.readFileSync('/proc/self/status', 'latin1'))
  return line === null ? 0 : Number(line[1])
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  const value = sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
  return Math.round(value * 1e4) / 1e4
}

// The kernel counts in ticks of some milliseconds: of shorter repetitions only the mean is worth something.
function processorMedian(wall, processor) {
  if (processor.some(Number.isNaN)) return null
  if (median(wall) > 50) return median(processor)
  return Math.round((processor.reduce((a, b) => a + b) / processor.length) * 1e4) / 1e4
}

// `prepare` makes what `body` gets, not timed; what `body` returns goes to `release` and, of the last repetition, to `check`.
function measure({ prepare = () => undefined, body, release = () => undefined, check, bytes }) {
  const wall = []
  const processor = []
  let result
  const once = () => {
    if (result !== undefined) release(result)
    const input = prepare()
    const processorStart = processorMs()
    const start = performance.now()
    result = body(input)
    const ms = performance.now() - start
    return { ms, processor: processorMs() - processorStart }
  }
  let warming = 0
  for (let i = 0; i === 0 || (warming < 1.5 * Number(budget) && i < 2000 && performance.now() < deadline); ++i) warming += once().ms
  for (let spent = 0; wall.length < 5 || (spent < Number(budget) && wall.length < 1000); ) {
    const time = once()
    wall.push(time.ms)
    processor.push(time.processor)
    spent += time.ms
    if (performance.now() > deadline) break
  }
  const peak = peakKb()
  check(result)
  report({
    ms_median: median(wall),
    cpu_median: processorMedian(wall, processor),
    reps: wall.length,
    bytes: bytes(result),
    peak_rss_kb: peak
  })
}

const releaseDocument = (doc) => peer.dispose?.(doc)

// --- input ---

// What the peer itself makes, once, for one that does not read what Yjs writes.
function own(name, make) {
  const file = `${peerName}-${peer.version}-${path.basename(dataDir)}-${name}`
  if (!hasFile(cacheDir, file)) {
    fs.mkdirSync(cacheDir, { recursive: true })
    writeList(cacheDir, `${file}.${process.pid}`, make())
    fs.renameSync(path.join(cacheDir, `${file}.${process.pid}`), path.join(cacheDir, file))
  }
  return readList(cacheDir, file)
}

function typedDocument() {
  const doc = peer.create(kWriter)
  if (peer.slowTyping) load(doc, readFile(dataDir, 'b4.v1'))
  else peer.type(doc, readTrace(dataDir, 'b4.trace'))
  return doc
}

function recordDocument(again) {
  const doc = peer.create(kWriter)
  peer.setAll(doc, readPairs(dataDir, 'w7a.kv'))
  if (again) peer.setAll(doc, readPairs(dataDir, 'w7b.kv'))
  return doc
}

function textUpdates() {
  if (peer.speaksYjs) return readList(dataDir, 'b4.updates')
  return own('b4.updates', () => {
    const updates = []
    const doc = peer.create(kWriter)
    peer.onUpdate(doc, (update) => updates.push(Uint8Array.from(update)))
    peer.type(doc, readTrace(dataDir, 'b4.trace'))
    return updates
  })
}

const state = (name, encode, make) => (peer.speaksYjs ? readFile(dataDir, name) : own(name, () => [encode(make())])[0])

// --- results ---

const checkText = (doc) => expectEqual(peer.text(doc), readText(dataDir, 'b4.final.txt'), 'the text')

const canonical = (value) =>
  Array.isArray(value) || value === null || typeof value !== 'object'
    ? JSON.stringify(value)
    : JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))

function checkRecords(doc, again) {
  const expected = new Map([...readPairs(dataDir, 'w7a.kv'), ...(again ? readPairs(dataDir, 'w7b.kv') : [])])
  expectEqual(canonical(peer.files(doc)), canonical(Object.fromEntries(expected)), 'the records')
}

function checkHistory(doc, name) {
  if (hasFile(dataDir, `${name}.final.txt`)) {
    expectEqual(peer.text(doc), readText(dataDir, `${name}.final.txt`), 'the text')
    return
  }
  const got = peer.roots(doc)
  for (const [root, value] of Object.entries(JSON.parse(readText(dataDir, `${name}.final.json`)))) {
    expectEqual(canonical(got[root]), canonical(value), root)
  }
}

// --- workloads ---

function typeText(observed) {
  const trace = readTrace(dataDir, 'b4.trace')
  let bytes = 0
  measure({
    body() {
      const doc = peer.create(kWriter)
      bytes = 0
      if (observed) peer.onUpdate(doc, (update) => { bytes += update.length })
      peer.type(doc, trace)
      return doc
    },
    release: releaseDocument,
    check: checkText,
    bytes: () => bytes
  })
}

function encodeText(encode, apply) {
  const doc = typedDocument()
  measure({
    body: () => encode(doc),
    check(encoded) {
      const copy = peer.create(kReader)
      apply(copy, encoded)
      checkText(copy)
    },
    bytes: (encoded) => encoded.length
  })
}

function loadText(update, apply) {
  let text
  measure({
    body() {
      const doc = peer.create(kReader)
      apply(doc, update)
      text = peer.text(doc)
      return doc
    },
    release: releaseDocument,
    check: () => expectEqual(text, readText(dataDir, 'b4.final.txt'), 'the text'),
    bytes: () => update.length
  })
}

function receive(updates, check) {
  measure({
    body() {
      const doc = peer.create(kReader)
      for (const update of updates) peer.apply(doc, update)
      return doc
    },
    release: releaseDocument,
    check,
    bytes: () => updates.reduce((sum, update) => sum + update.length, 0)
  })
}

// Merging very many updates at once takes yjs quadratic time: it gets them in groups of 256.
function mergeInGroups(updates) {
  let level = updates
  while (level.length > 1) {
    const merged = []
    for (let i = 0; i < level.length; i += 256) merged.push(peer.merge(level.slice(i, i + 256)))
    level = merged
  }
  return level[0]
}

function checkMerged(...updates) {
  const doc = peer.create(kReader)
  for (const update of updates) peer.apply(doc, update)
  checkText(doc)
}

function encodeSince() {
  const trace = readTrace(dataDir, 'b4.trace')
  let doc
  let mark
  if (peer.speaksYjs) {
    doc = typedDocument()
    mark = readFile(dataDir, 'b4.half.sv')
  } else {
    doc = peer.create(kWriter)
    peer.type(doc, trace.slice(0, trace.length >> 1))
    mark = peer.mark(doc)
    peer.type(doc, trace.slice(trace.length >> 1))
  }
  measure({
    body: () => peer.encodeSince(doc, mark),
    check(rest) {
      if (peer.speaksYjs) checkMerged(readFile(dataDir, 'b4.half.v1'), rest)
    },
    bytes: (rest) => rest.length
  })
}

function setRecords(again) {
  const first = readPairs(dataDir, 'w7a.kv')
  const pairs = again ? readPairs(dataDir, 'w7b.kv') : first
  let bytes = 0
  measure({
    prepare() {
      const doc = peer.create(kWriter)
      if (again) peer.setAll(doc, first)
      bytes = 0
      peer.onUpdate(doc, (update) => { bytes += update.length })
      return doc
    },
    body(doc) {
      peer.setAll(doc, pairs)
      return doc
    },
    release: releaseDocument,
    check: (doc) => checkRecords(doc, again),
    bytes: () => bytes
  })
}

function loadRecords(again) {
  const update = state(again ? 'w7b.v1' : 'w7a.v1', peer.encode, () => recordDocument(again))
  let count
  measure({
    body() {
      const doc = peer.create(kReader)
      load(doc, update)
      count = peer.fileCount(doc)
      return doc
    },
    release: releaseDocument,
    check: (doc) => checkRecords(doc, again),
    bytes: () => update.length
  })
}

const workloads = {
  W1: () => typeText(true),
  W1b: () => typeText(false),
  W2v1: () => encodeText(peer.encode, load),
  W2v2: () => (need('encodeV2'), encodeText(peer.encodeV2, peer.applyV2)),
  W3v1: () => loadText(state('b4.v1', peer.encode, typedDocument), load),
  W3v2: () => (need('encodeV2'), loadText(state('b4.v2', peer.encodeV2, typedDocument), peer.applyV2)),
  W4: () => receive(textUpdates(), checkText),
  W5b() {
    need('merge')
    const updates = readList(dataDir, 'b4.updates')
    measure({ body: () => mergeInGroups(updates), check: checkMerged, bytes: (merged) => merged.length })
  },
  W5c() {
    need('diff')
    const merged = readFile(dataDir, 'b4.merged.v1')
    const mark = readFile(dataDir, 'b4.half.sv')
    measure({
      body: () => peer.diff(merged, mark),
      check: (rest) => checkMerged(readFile(dataDir, 'b4.half.v1'), rest),
      bytes: (rest) => rest.length
    })
  },
  W5d() {
    need('merge')
    const halves = [readFile(dataDir, 'b4.half.v1'), readFile(dataDir, 'b4.diff.v1')]
    measure({ body: () => peer.merge(halves), check: checkMerged, bytes: (merged) => merged.length })
  },
  W8: encodeSince
}
for (const history of ['ff', 'cs', 'nn', 'gm', 'b31', 'b34', 'b35', 'c20']) {
  workloads[`W6${history}`] = () => {
    need('roots') // The histories are updates of Yjs.
    receive(readList(dataDir, `${history}.updates`), (doc) => checkHistory(doc, history))
  }
}
for (const again of [false, true]) {
  const name = again ? 'W7b' : 'W7a'
  workloads[`${name}-set`] = () => setRecords(again)
  workloads[`${name}-enc`] = () => {
    const doc = recordDocument(again)
    measure({ body: () => peer.encode(doc), check: () => checkRecords(doc, again), bytes: (encoded) => encoded.length })
  }
  workloads[`${name}-load`] = () => loadRecords(again)
}
if (!(workload in workloads)) {
  console.error(`no workload ${workload}`)
  process.exit(2)
}
workloads[workload]()
