// node engine.mjs [--data DIR] [--only W1,W3v1] [--peers yjs,ywasm] [--quick] [--build DIR] [--wasm FILE] [--out DIR]
//   [--budget-ms N]
//
// The engine beside its peers, one process a peer and workload, in turns (ours, yjs, ours, yjs, …), so that what else the machine
// does hits all of them. Of several processes of one peer the fastest median counts. Prints tables in Markdown, which also go to
// OUT/engine.md, and all that was measured to OUT/engine.json. Exit code 1 if a result of ours was wrong; a goal that is missed is
// a line in the table.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { dataFolder } from './data_folder.mjs'
import { titles } from './goals.mjs'
import { memoryTable, timeTable } from './tables.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    only: { type: 'string' },
    peers: { type: 'string', default: 'yjs,ywasm,loro,automerge' },
    quick: { type: 'boolean', default: false },
    build: { type: 'string', default: path.join(here, '../../build/release') },
    wasm: { type: 'string' },
    'budget-ms': { type: 'string', default: '1000' },
    out: { type: 'string', default: path.join(here, '../../build/bench') }
  }
})
const out = path.resolve(options.out)
const data = dataFolder(options.data && path.resolve(options.data), path.join(out, 'data'))
const binary = path.resolve(options.build, 'bench_engine')
const peers = options.peers.split(',').filter((name) => name !== '')
const only = options.only?.split(',')
const rounds = options.quick ? 1 : 3
const limitSeconds = options.quick ? 20 : 90
const budget = options['budget-ms']
const results = []
let wrong = false

const ours = (workload) => ['--data', data.dir, '--workload', workload, '--json', '--budget-ms', budget]
// Those with `each` run in every round, the others once.
const contenders = [
  { peer: 'diaryx', each: true, call: (w) => [binary, ...ours(w), '--memory'] },
  ...peers.map((peer) => ({
    peer,
    each: peer === 'yjs',
    call: (w) => [process.execPath, path.join(here, 'peers/driver.mjs'), peer, w, data.dir, path.join(out, 'cache'), String(limitSeconds), budget]
  })),
  ...(options.wasm === undefined
    ? []
    : [{ peer: 'diaryx-wasm', each: true, call: (w) => [process.execPath, options.wasm, ...ours(w)] }]),
  { peer: 'floor', each: false, call: (w) => [binary, ...ours(w), '--floor'] }
]

function run({ peer, call }, workload, round) {
  const [command, ...args] = call(workload)
  const done = spawnSync(command, args, { encoding: 'utf8', timeout: 2 * limitSeconds * 1000, maxBuffer: 1 << 20 })
  if (done.error?.code === 'ETIMEDOUT') return results.push({ peer, workload, round, beyond_s: 2 * limitSeconds })
  if (done.status !== 0) {
    process.stderr.write(done.stderr ?? '')
    console.error(`${peer} ${workload}: exit code ${done.status ?? done.signal}`)
    if (peer.startsWith('diaryx')) wrong = true
    return results.push({ peer, workload, round, failed: true })
  }
  if (done.stdout.trim() !== '') results.push({ ...JSON.parse(done.stdout), peer, round })
}

for (const workload of Object.keys(titles)) {
  if (only !== undefined && !only.includes(workload)) continue
  process.stderr.write(`${workload} `)
  for (let round = 0; round < rounds; ++round) {
    for (const contender of contenders) {
      // What did not end in time, or cannot, will not do so in the next round either.
      const before = results.find((r) => r.peer === contender.peer && r.workload === workload)
      if (round > 0 && (!contender.each || before?.ms_median === undefined)) continue
      run(contender, workload, round)
    }
  }
}
process.stderr.write('\n')

const machine = { processor: os.cpus()[0]?.model ?? '?', cores: os.cpus().length, node: process.version }
const text = [
  `On ${machine.processor}, ${machine.cores} cores, node ${machine.node}; ${data.what}.`,
  timeTable(results, contenders.map(({ peer }) => peer)),
  memoryTable(results, contenders.map(({ peer }) => peer))
].join('\n\n')
fs.mkdirSync(out, { recursive: true })
fs.writeFileSync(path.join(out, 'engine.md'), `${text}\n`)
fs.writeFileSync(path.join(out, 'engine.json'), `${JSON.stringify({ machine, data: data.what, results }, null, 1)}\n`)
console.log(text)
process.exit(wrong ? 1 : 0)
