// node server.mjs [--only fanout-4,cold] [--peers hocuspocus,ref] [--quick] [--build DIR] [--out DIR] [--memory DIR]
//
// The sync server under load beside its peers, in turns: ours with its store on the disk, ours with its store in memory, Hocuspocus,
// y-websocket, the wire kit's server, each started afresh for each measure. Prints one table in Markdown, which also goes to
// OUT/server.md, and all that was measured to OUT/server.json. Exit code 1 if ours lost, doubled or refused anything; a goal that is
// missed is a line in the table.
//
// Ours tells nobody of an update before it is on the disk; no peer waits for that. What a sync costs on this disk is measured and
// said. The folder in memory (a tmpfs) shows what is left when syncing costs nothing: the same program, the same calls.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { contenders } from './server/contenders.mjs'
import { machine, syncCost } from './server/machine.mjs'
import { measures } from './server/measures.mjs'
import { digits, table } from './server/tables.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    peers: { type: 'string', default: 'hocuspocus,y-websocket,ref' },
    quick: { type: 'boolean', default: false },
    build: { type: 'string', default: path.join(here, '../../build/release') },
    client: { type: 'string' },
    out: { type: 'string', default: path.join(here, '../../build/bench') },
    memory: { type: 'string', default: '/dev/shm' }
  }
})
const build = path.resolve(options.build)
const client = options.client ?? path.join(build, 'bench_load')
const out = path.resolve(options.out)
const only = options.only?.split(',') ?? Object.keys(measures)
const peers = options.peers.split(',').filter((name) => name !== '' && name !== 'none')
for (const name of only) if (!measures[name]) throw new Error(`no such measure: ${name}; there are ${Object.keys(measures).join(', ')}`)
fs.mkdirSync(out, { recursive: true })
const disk = fs.mkdtempSync(path.join(out, 'server-'))
const memory = fs.existsSync(options.memory) ? fs.mkdtempSync(path.join(options.memory, 'diaryx-bench-')) : undefined
process.on('exit', () => [disk, memory].forEach((folder) => folder && fs.rmSync(folder, { recursive: true, force: true })))
process.on('SIGINT', () => process.exit(130))

const all = contenders(build, peers)
const rows = all.flatMap((contender) => {
  const onDisk = { name: contender.name, contender, folder: disk, title: contender.title() }
  if (contender.name !== 'diaryx') return [onDisk]
  return memory ? [onDisk, { ...onDisk, name: 'diaryx-memory', folder: memory, title: 'the same in memory' }] : [onDisk]
})
for (const { contender, name } of rows) if (!contender.installed()) throw new Error(`${name} is not installed`)

const results = []
let wrong = false
const complain = (what) => {
  wrong = true
  console.error(what)
}

async function measure(name, row, round) {
  const run = {
    contender: row.contender,
    client,
    where: path.join(row.folder, `${name}-${row.name}-${round}`),
    scratch: disk,
    quick: options.quick,
    seconds: options.quick ? 1 : 4,
    complain
  }
  const result = await measures[name].run(run).catch((error) => ({ good: false, error: error.message }))
  fs.rmSync(run.where, { recursive: true, force: true })
  results.push({ measure: name, contender: row.name, round, load_average: os.loadavg()[0], ...result })
  if (!result.good && !result.none) {
    const why = result.error ?? result.first_failure ?? result.wrong?.join('; ') ?? `lost ${result.lost}, doubled ${result.duplicates}`
    if (row.contender.name === 'diaryx') complain(`${name}: ${row.name}: ${why}`)
    else console.error(`${name}: ${row.name}: ${why}`)
  }
}

const before = syncCost(disk)
for (const name of only) {
  process.stderr.write(`${name} `)
  for (let round = 0; round < (options.quick ? 1 : measures[name].rounds); ++round) {
    for (const row of rows) {
      if (measures[name].onlyOurs && row.contender.name !== 'diaryx') continue
      await measure(name, row, round)
    }
  }
}
process.stderr.write('\n')
const after = syncCost(disk)
const sync = { before, after, in_memory: memory && syncCost(memory) }

const facts = { ...machine(), sync, load_average: os.loadavg()[0] }
const text = [
  `On ${facts.processor}, ${facts.cores} cores, ${facts.memory_gb} GiB, node ${facts.node}.`,
  `A sync of this disk (4 KiB appended, fdatasync) took ${digits(before.p50_ms)} ms (p99 ${digits(before.p99_ms)}) before the run and ` +
    `${digits(after.p50_ms)} ms (p99 ${digits(after.p99_ms)}) after it. Ours waits for one before it tells anybody; no peer does.`,
  table(results, rows.map(({ name }) => name), Object.fromEntries(rows.map(({ name, title }) => [name, title])))
].join('\n\n')
fs.writeFileSync(path.join(out, 'server.md'), `${text}\n`)
fs.writeFileSync(path.join(out, 'server.json'), `${JSON.stringify({ machine: facts, results }, null, 1)}\n`)
console.log(text)
process.exit(wrong ? 1 : 0)
