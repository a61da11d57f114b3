// node disk.mjs [--notes 10000] [--rounds 5] [--browsers 3] [--quick] [--growth 1000,10000,100000] [--build DIR] [--out DIR]
//
// A large folder of notes of 1 to 20 KB with headers: what each command takes beside git, cp and the goals, in one run, in turns, the
// page cache warm. Prints one table in Markdown, which also goes to OUT/disk.md, and all that was measured to OUT/disk.json. Exit code
// 1 if something went wrong; a goal that is missed is a line in the table.
//
// With --growth: ours alone, for folders of so many notes each.
import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { MuxClient, until } from '../wire/client.mjs'
import { measurer, median } from './measuring.mjs'
import { machine, syncCost } from './server/machine.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const { values: options } = parseArgs({
  options: {
    notes: { type: 'string' },
    rounds: { type: 'string' },
    browsers: { type: 'string', default: '3' },
    quick: { type: 'boolean', default: false },
    growth: { type: 'string' },
    build: { type: 'string', default: path.join(here, '../../build/release') },
    out: { type: 'string', default: path.join(here, '../../build/bench') }
  }
})
const notes = Number(options.notes ?? (options.quick ? 1000 : 10000))
const rounds = Number(options.rounds ?? (options.quick ? 1 : 5))
const build = path.resolve(options.build)
const binary = path.join(build, 'diaryx-sync')
const out = path.resolve(options.out)
fs.mkdirSync(out, { recursive: true })
const scratch = fs.mkdtempSync(path.join(out, 'disk-'))
process.on('exit', () => fs.rmSync(scratch, { recursive: true, force: true }))
process.on('SIGINT', () => process.exit(130))

const measure = measurer(build)
const place = () => fs.mkdtempSync(path.join(scratch, 'run-'))

function makeVault(count) {
  const dir = path.join(scratch, `vault-${count}`)
  execFileSync(path.join(build, 'make_vault'), [dir, '--files', String(count)], { stdio: ['ignore', 'ignore', 'inherit'] })
  return dir
}
function copy(from) {
  const to = path.join(place(), 'notes')
  execFileSync('cp', ['-a', from, to])
  return to
}

class Served {
  async start(dir) {
    const from = process.hrtime.bigint()
    this.child = spawn(binary, ['serve', dir, '--json', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const line = await new Promise((resolve, reject) => {
      let text = ''
      this.child.stdout.on('data', (data) => {
        text += data
        if (text.includes('\n')) resolve(text)
      })
      this.child.once('exit', (code) => reject(new Error(`serve ended with ${code}`)))
    })
    this.ms = Number(process.hrtime.bigint() - from) / 1e6
    this.ready = JSON.parse(line)
    return this
  }
  kb(field = 'VmRSS') {
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(fs.readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))[1])
  }
  async stop() {
    this.child.removeAllListeners('exit')
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill('SIGTERM')
    await ended
  }
}

// A script rewrites files while browsers have them open: until all of them show it, and what each was sent for each file.
async function rewritten(dir, count) {
  const served = await new Served().start(dir)
  const { port, token, workspace_id: workspace } = served.ready
  const paths = fs
    .readdirSync(dir, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.md') && !name.startsWith('.'))
    .sort()
  const step = Math.max(1, Math.floor(paths.length / count))
  const chosen = paths.filter((_, i) => i % step === 0).slice(0, count)
  const clients = []
  for (let n = 0; n < Number(options.browsers); ++n) {
    const client = await new MuxClient(`ws://127.0.0.1:${port}/sync2?token=${token}`, { name: `browser ${n}` }).connect()
    const handles = chosen.map((name) => client.open(`body:${workspace}/${name}`))
    await until(() => handles.every((handle) => handle.synced), 'all notes to be open', 120_000)
    clients.push({ client, handles })
  }
  // The client answers each SyncStep1 of the server; let that end before anything is counted.
  await new Promise((resolve) => setTimeout(resolve, 500))
  for (const { handles } of clients) for (const handle of handles) handle.received.sync = 0
  const from = performance.now()
  for (const name of chosen) fs.appendFileSync(path.join(dir, name), 'A line by the script.\n')
  const scriptMs = performance.now() - from
  await until(
    () => clients.every(({ handles }) => handles.every((handle) => handle.text().toString().endsWith('A line by the script.\n'))),
    () => {
      const missing = clients.flatMap(({ handles }) => handles.filter((handle) => !handle.text().toString().endsWith('script.\n')))
      return `the line in all browsers; ${missing.length} lack it`
    },
    120_000
  )
  const ms = performance.now() - from
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const pushes = clients.flatMap(({ handles }) => handles.map((handle) => handle.received.sync))
  const result = { ms, scriptMs, files: chosen.length, mostPushes: Math.max(...pushes), leastPushes: Math.min(...pushes), kb: served.kb('VmHWM') }
  for (const { client } of clients) await client.close()
  await served.stop()
  return result
}

const results = {}
const note = (name, value) => (results[name] ??= []).push(value)

async function ours(vault, round) {
  const dir = copy(vault)
  note('init', measure(binary, 'init', '-q', dir))
  note('init again', measure(binary, 'init', '-q', dir))
  note('validate', measure(binary, 'validate', '-q', dir))
  const target = path.join(place(), 'out')
  note('materialise', measure(binary, 'materialise', '-q', '--out', target, dir))
  fs.rmSync(path.dirname(target), { recursive: true })
  const served = await new Served().start(dir)
  note('serve', { ms: served.ms, kb: served.kb('VmHWM') })
  await served.stop()
  if (round === 0) note('rewritten', await rewritten(dir, Math.min(1000, notes)))
  fs.rmSync(path.dirname(dir), { recursive: true })
}

function git(vault) {
  const dir = copy(vault)
  note('git commit', measure('sh', '-c', 'cd "$1" && git init -q && git add -A && git commit -q -m bench', 'sh', dir))
  measure('git', '-C', dir, 'status')
  for (let n = 0; n < 3; ++n) note('git status', measure('git', '-C', dir, 'status'))
  fs.rmSync(path.dirname(dir), { recursive: true })
  const target = path.join(place(), 'out')
  note('cp', measure('cp', '-r', vault, target))
  fs.rmSync(path.dirname(target), { recursive: true })
}

const ms = (name) => median(results[name].map((result) => result.ms))
const mb = (name) => median(results[name].map((result) => result.kb)) / 1024
const digits = (value) => (value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(value >= 10 ? 3 : 2))
const verdict = (good) => (good ? 'met' : '**missed**')

function report() {
  const rows = []
  const row = (...cells) => rows.push(`| ${cells.join(' | ')} |`)
  row('', 'ours', 'beside', '', 'ratio', 'goal', '')
  row('---', '--:', '---', '--:', '--:', '---', '---')
  const beside = (title, name, other, most, extra = 0) => {
    const ratio = ms(name) / ms(other)
    const goal = extra === 0 ? `≤ ${most} ×` : `≤ ${most} × + ${extra / 1000} s`
    row(title, `${digits(ms(name))} ms`, other, `${digits(ms(other))} ms`, `${digits(ratio)} ×`, goal, verdict(ms(name) <= most * ms(other) + extra))
  }
  const alone = (title, value, unit, most) => row(title, `${digits(value)} ${unit}`, '', '', '', `≤ ${most} ${unit}`, verdict(value <= most))
  beside('first `init`', 'init', 'git commit', 1)
  beside('second `init`, nothing changed', 'init again', 'git status', 2)
  beside('`serve` until ready, nothing changed', 'serve', 'git status', 2)
  alone('… its memory', mb('serve'), 'MB', 60)
  const [change] = results.rewritten
  alone(`${change.files} files rewritten → in ${options.browsers} browsers`, change.ms / 1000, 's', 5)
  alone('… pushes for a file, at most', change.mostPushes, '', 1)
  beside('`materialise --out`', 'materialise', 'cp', 1, 1000)
  alone('`validate`', ms('validate') / 1000, 's', 1)
  return rows.join('\n')
}

function growthRows(counts) {
  const rows = ['| notes | first `init` | again | `serve` until ready | its memory | `validate` | `materialise` |', '| --: | --: | --: | --: | --: | --: | --: |']
  for (const count of counts) {
    const of = results[count]
    const cell = (name) => `${digits(median(of[name].map((result) => result.ms)))} ms`
    rows.push(`| ${count.toLocaleString('en-US')} | ${cell('init')} | ${cell('init again')} | ${cell('serve')} | ${digits(median(of.serve.map((r) => r.kb)) / 1024)} MB | ${cell('validate')} | ${cell('materialise')} |`)
  }
  return rows.join('\n')
}

const on = machine()
const head = [`On ${on.processor}, ${on.cores} cores, ${on.memory_gb} GiB, node ${on.node}.`]
if (options.growth) {
  const counts = options.growth.split(',').map(Number)
  for (const count of counts) {
    const vault = makeVault(count)
    for (const name of Object.keys(results)) if (!Number(name)) delete results[name]
    for (let round = 0; round < rounds; ++round) await ours(vault, 1)
    results[count] = Object.fromEntries(Object.entries(results).filter(([name]) => !Number(name)))
    fs.rmSync(vault, { recursive: true })
  }
  head.push(growthRows(counts))
} else {
  const vault = makeVault(notes)
  const before = syncCost(scratch)
  for (let round = 0; round < rounds; ++round) {
    git(vault)
    await ours(vault, round)
  }
  head.push(`${notes.toLocaleString('en-US')} notes, median of ${rounds}; a sync of this disk took ${digits(before.p50_ms)} ms before it.`, report())
}
const text = head.join('\n\n') + '\n'
console.log(text)
fs.writeFileSync(path.join(out, options.growth ? 'disk-growth.md' : 'disk.md'), text)
fs.writeFileSync(path.join(out, 'disk.json'), JSON.stringify({ machine: on, notes, rounds, load: os.loadavg(), results }, null, 1) + '\n')
