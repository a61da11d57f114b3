// node commands.mjs BUILD_DIR: time and memory of init, the start of serve, and commit, on the example and on a folder of 3,000
// notes, beside `git add -A && git commit` on the same folder in the same run. Medians; DIARYX_BENCH_RUNS of each (default 5).
import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { measurer, median } from './measuring.mjs'

const build = path.resolve(process.argv[2] ?? 'build/release')
const runs = Number(process.env.DIARYX_BENCH_RUNS ?? 5)
const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const binary = path.join(build, 'diaryx-sync')
const measure = measurer(build)

// From the start of the process to its ready line; memory once it is ready.
async function serveStart(dir) {
  const start = process.hrtime.bigint()
  const child = spawn(binary, ['serve', dir, '--json', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve)
    child.once('exit', (code) => reject(new Error(`serve ended with ${code}`)))
  })
  const ms = Number(process.hrtime.bigint() - start) / 1e6
  const status = fs.readFileSync(`/proc/${child.pid}/status`, 'utf8')
  const kb = Number(/VmHWM:\s+(\d+)/.exec(status)[1])
  child.removeAllListeners('exit')
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
  return { ms, kb }
}

async function repeat(rows, name, once) {
  const results = []
  for (let n = 0; n < runs; ++n) results.push(await once(n))
  const figures = { ms: median(results.map((r) => r.ms)), worst: Math.max(...results.map((r) => r.ms)), kb: median(results.map((r) => r.kb)) }
  rows.push([name, figures.ms.toFixed(1), figures.worst.toFixed(1), (figures.kb / 1024).toFixed(1)])
}

function table(title, rows) {
  console.log(`\n${title} (median of ${runs})`)
  const all = [['', 'ms', 'worst ms', 'MiB'], ...rows]
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)))
  for (const row of all) console.log('  ' + row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  '))
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'diaryx-bench-'))

async function bench(title, make) {
  const source = path.join(scratch, 'source')
  make(source)
  const notes = () => {
    const dir = fs.mkdtempSync(path.join(scratch, 'run-'))
    fs.cpSync(source, dir, { recursive: true, preserveTimestamps: true })
    return dir
  }
  const rows = []
  await repeat(rows, 'init, the first', () => measure(binary, 'init', '-q', notes()))
  const dir = notes()
  measure(binary, 'init', '-q', dir)
  await repeat(rows, 'init, nothing changed', () => measure(binary, 'init', '-q', dir))
  await repeat(rows, 'serve, until it is ready', () => serveStart(dir))
  const firstCommit = () => {
    const fresh = notes()
    measure(binary, 'init', '-q', fresh)
    return measure(binary, 'commit', '-q', '--skip-validation', '-C', fresh)
  }
  await repeat(rows, 'commit, the first', firstCommit)
  measure(binary, 'commit', '-q', '--skip-validation', '-C', dir)
  const target = fs.readdirSync(dir, { recursive: true }).map(String).filter((name) => name.endsWith('.md')).sort()[0]
  await repeat(rows, 'commit, one note edited', (n) => {
    fs.appendFileSync(path.join(dir, target), `line ${n}\n`)
    return measure(binary, 'commit', '-q', '--skip-validation', '-C', dir)
  })
  await repeat(rows, 'commit, nothing changed', () => measure(binary, 'commit', '-q', '--skip-validation', '-C', dir))
  const git = 'cd "$1" && git init -q 2>/dev/null; git add -A && git commit -q -m bench'
  await repeat(rows, 'git add -A && commit, the first', () => measure('sh', '-c', git, 'sh', notes()))
  const byGit = notes()
  measure('sh', '-c', git, 'sh', byGit)
  await repeat(rows, 'git add -A && commit, one edited', (n) => {
    fs.appendFileSync(path.join(byGit, target), `line ${n}\n`)
    return measure('sh', '-c', git, 'sh', byGit)
  })
  table(title, rows)
  for (const entry of fs.readdirSync(scratch)) fs.rmSync(path.join(scratch, entry), { recursive: true, force: true })
}

try {
  await bench('examples/journal', (dir) => fs.cpSync(path.join(repository, 'examples/journal'), dir, { recursive: true }))
  const count = Number(process.env.DIARYX_BENCH_NOTES ?? 3000)
  await bench(`a folder of ${count} notes`, (dir) => {
    fs.mkdirSync(dir)
    execFileSync(path.join(build, 'make_vault'), [dir, '--files', String(count)], { stdio: ['ignore', 'ignore', 'inherit'] })
  })
} finally {
  fs.rmSync(scratch, { recursive: true, force: true })
}
