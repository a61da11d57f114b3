// What is measured. Each measure runs the load client on a freshly started server, and says which figures of it count, and what ours
// have to reach beside the best peer's of the same run.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { sleep } from './contenders.mjs'
import { cpuTicks, rssMb } from './machine.mjs'
import { diverged } from './verify.mjs'

const kPrefix = 'load-'
const kMeasureLimitMs = 300_000

// Runs the load client to its end.
function load(run, server, docs, args) {
  const { client, contender } = run
  const all = [...server.load, '--pid', String(server.pid), ...contender.docs(kPrefix, server.where), '--docs', String(docs), ...args.map(String)]
  return new Promise((resolve) => {
    const child = spawn(client, all, { stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.on('data', (data) => (out += data))
    child.stderr.on('data', (data) => (err += data))
    const timer = setTimeout(() => child.kill('SIGKILL'), kMeasureLimitMs)
    child.on('close', (code) => {
      clearTimeout(timer)
      try {
        resolve({ ...JSON.parse(out), good: code === 0 })
      } catch {
        resolve({ good: false, error: (err || `ended with ${code}`).trim() })
      }
    })
  })
}

async function onFresh(run, docs, work) {
  run.contender.prepare(run.where, kPrefix, docs)
  const server = await run.contender.start(run.where)
  await sleep(500) // What it does after its start should not be in the figures.
  try {
    const result = await work(server)
    return { ...result, server_alive: server.child.exitCode === null && server.child.signalCode === null }
  } finally {
    const ended = await server.stop()
    if (run.contender.name === 'diaryx' && ended.code !== 0) run.complain(`serve ended with ${ended.code ?? ended.signal}: ${server.log}`)
  }
}

const simple = (docs, args) => (run) => onFresh(run, docs(run), (server) => load(run, server, docs(run), args(run)))

// Until the server has done nothing for a second and a half.
async function quiet(server, limitMs = 120_000) {
  const start = Date.now()
  for (let still = 0, last = cpuTicks(server.pid); still < 3 && Date.now() - start < limitMs; ) {
    await sleep(500)
    const now = cpuTicks(server.pid)
    still = now - last <= 2 ? still + 1 : 0
    last = now
  }
}

async function typists(run) {
  const dump = path.join(run.scratch, 'typists.json')
  return onFresh(run, 1, async (server) => {
    const result = await load(run, server, 1, ['--writers', run.quick ? 10 : 50, '--readers', 0, '--bytes', 30, '--rate', 4, '--seconds', run.seconds, '--dump', dump])
    const address = server.load[1] + (server.load[4] === '--query' ? `?${server.load[5]}` : '')
    const wrong = result.good ? await diverged(JSON.parse(fs.readFileSync(dump, 'utf8')), run.contender.dialect, address) : ['no dump']
    return { ...result, good: result.good && wrong.length === 0, wrong }
  })
}

// RSS before, and when all is unloaded again: our documents are unloaded ten seconds after the last one has left.
async function manyDocuments(run) {
  const docs = run.quick ? 1_000 : 10_000
  return onFresh(run, docs, async (server) => {
    await quiet(server)
    const before = rssMb(server.pid)
    const result = await load(run, server, docs, ['--writers', 0, '--readers', 1, '--sockets', 1, '--seconds', 0])
    const open = rssMb(server.pid)
    await sleep(14_000)
    await quiet(server)
    const after = rssMb(server.pid)
    return { ...result, rss_mb_before: before, rss_mb_open: open, rss_mb_after: after, times_before: after / before }
  })
}

// Filled through the server, which is killed before it compacts anything; opened after a start, and once more after it was compacted.
async function coldOpen(run) {
  if (!run.contender.hasStore) return { none: 'no store' }
  const updates = run.quick ? 10_000 : 250_000
  const chars = 8
  const fill = ['--writers', 1, '--readers', 1, '--bytes', 30, '--alternate', '--window', 256, '--updates', updates, '--seconds', 170, '--client-base', 64_000_000]
  const open = ['--writers', 0, '--readers', 1, '--seconds', 0, '--expect', updates * chars]
  const { contender, where } = run
  contender.prepare(where, kPrefix, 1)
  let server = await contender.start(where)
  const filled = await load(run, server, 1, fill)
  await quiet(server)
  // A peer that stores in its own time must be let; ours has stored before it told anybody.
  await server.stop(contender.name === 'diaryx' ? 'SIGKILL' : 'SIGTERM')
  const kept = `${where}-kept`
  fs.cpSync(where, kept, { recursive: true })
  const once = async () => {
    server = await contender.start(where)
    await quiet(server)
    return load(run, server, 1, open)
  }
  const rounds = []
  const compacted = []
  for (let i = 0; i < (run.quick ? 1 : 3); ++i) {
    fs.rmSync(where, { recursive: true })
    fs.cpSync(kept, where, { recursive: true })
    rounds.push(await once())
    await sleep(contender.name === 'diaryx' ? 13_000 : 1_000) // Unloaded after ten seconds, and compacted then.
    await server.stop()
    if (i > 0) continue
    compacted.push(await once())
    await server.stop()
  }
  fs.rmSync(kept, { recursive: true })
  // What was not there in the end took no time, but for ever.
  const median = (all) => all.map((r) => (r.open_to_content?.n > 0 ? r.open_to_content.max_ms : NaN)).sort((a, b) => a - b)[all.length >> 1]
  return {
    good: filled.good && [...rounds, ...compacted].every((r) => r.good),
    error: [filled, ...rounds, ...compacted].find((r) => r.error)?.error,
    filled,
    rounds,
    compacted,
    open_ms: median(rounds),
    open_compacted_ms: median(compacted)
  }
}

// 200 MB pushed at five readers, one that stops reading and one that drips; each update replaces the one before, so that the
// document stays small and what is held is held for the slow ones. (10 MB/s: a reader whose process gets no processor for 0.4 s is a slow
// one, too; the quick one is a fifth of that.)
const slow = simple(
  () => 1,
  (run) => ['--writers', 1, '--readers', 5, '--stopped', 1, '--drips', 1, '--bytes', 20_000, '--rate', run.quick ? 100 : 500, '--seconds', run.quick ? 3 : 20, '--grace', 5, '--alternate', '--replace']
)

const fanOut = (...how) => simple(() => 1, (run) => ['--writers', 1, '--readers', run.quick ? 50 : 200, '--bytes', 200, '--seconds', run.seconds, ...how])

const p99 = (r) => r.latency?.p99_ms
const perSecond = (r) => r.deliveries_per_s
const cpu = (r) => r.server_cpu_us_per_delivery

// `more`: larger is better. A goal is met by (ours, best peer's).
const atLeast = (times) => ({ says: `≥ ${times} ×`, met: (ours, peer) => ours >= times * peer })
const atMost = (part, says) => ({ says, met: (ours, peer) => ours <= part * peer })
const below = (limit, unit) => ({ says: `≤ ${limit} ${unit}`, met: (ours) => ours <= limit })

export const measures = {
  'fanout-4': {
    title: '1 writer → 200 readers, 4 in flight',
    rounds: 3,
    run: fanOut('--window', 4),
    figures: [
      { name: 'deliveries/s', of: perSecond, more: true, goal: atLeast(2) },
      { name: 'CPU µs each', of: cpu, goal: atMost(1 / 2, '≤ 1/2') }
    ]
  },
  'fanout-64': {
    title: 'the same, 64 in flight',
    rounds: 3,
    run: fanOut('--window', 64),
    figures: [
      { name: 'deliveries/s', of: perSecond, more: true, goal: atLeast(8) },
      { name: 'CPU µs each', of: cpu, goal: atMost(1 / 6, '≤ 1/6') }
    ]
  },
  'fanout-200': {
    title: 'the same, 200 updates/s',
    rounds: 3,
    run: fanOut('--rate', 200),
    figures: [
      { name: 'p99 ms', of: p99, goal: below(4, 'ms') },
      { name: 'p50 ms', of: (r) => r.latency?.p50_ms }
    ]
  },
  typists: {
    title: '50 typists in one document, 4 updates/s each',
    rounds: 3,
    run: typists,
    figures: [{ name: 'p99 ms', of: p99, goal: atMost(1, 'below each peer’s') }]
  },
  // Long enough that ours writes each note's file, and more than once.
  rooms: {
    title: '1,000 documents over 50 sockets, 10 updates/s each',
    rounds: 1,
    run: simple(
      (run) => (run.quick ? 100 : 1_000),
      (run) => ['--writers', 1, '--readers', 1, '--sockets', 50, '--bytes', 60, '--rate', 10, '--seconds', run.quick ? 1 : 25, '--grace', 15]
    ),
    figures: [
      { name: 'deliveries/s', of: perSecond, more: true },
      { name: 'p99 ms', of: p99, goal: below(10, 'ms') },
      { name: 'CPU µs each', of: cpu, goal: atMost(1 / 4, '≤ 1/4') }
    ]
  },
  idle: {
    title: '5,000 idle connections on 50 documents',
    rounds: 1,
    run: simple(
      () => 50,
      (run) => ['--writers', 0, '--readers', run.quick ? 10 : 100, '--seconds', 0]
    ),
    figures: [{ name: 'KB each', of: (r) => r.server_rss_kb_per_socket, goal: below(9, 'KB') }]
  },
  many: {
    title: '10,000 documents opened over one socket, and unloaded',
    rounds: 1,
    onlyOurs: true,
    run: manyDocuments,
    figures: [
      { name: 'RSS after / before', of: (r) => r.times_before, goal: below(1.2, '') },
      { name: 'MB while open', of: (r) => r.rss_mb_open }
    ]
  },
  cold: {
    title: 'cold open of 250,000 stored updates',
    rounds: 1,
    run: coldOpen,
    figures: [
      { name: 'ms, as it was left', of: (r) => r.open_ms, goal: atMost(1 / 10, '≤ 1/10') },
      { name: 'ms, compacted', of: (r) => r.open_compacted_ms, goal: atMost(1 / 10, '≤ 1/10') }
    ]
  },
  slow: {
    title: '200 MB pushed, one reader stops, one drips',
    rounds: 1,
    run: slow,
    figures: [
      { name: 'RSS max MB', of: (r) => r.server_rss_mb_max, goal: below(60, 'MB') },
      { name: 'the others’ p99 ms', of: p99 },
      { name: 'slow ones dropped', of: (r) => r.slow?.filter(({ end }) => end !== 'still open').length, more: true }
    ]
  }
}
