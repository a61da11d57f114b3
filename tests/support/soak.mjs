// node soak.mjs BUILD_DIR MINUTES: the tests that draw from a seed with fresh seeds, in turn, until the time is over: the promises of the binary,
// the simulations, and the engine beside Yjs. Stops at the first failure and says how to see it again.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const [build, minutes] = [process.argv[2], Number(process.argv[3])]
if (!build || !(minutes > 0)) {
  console.error('usage: node soak.mjs BUILD_DIR MINUTES')
  process.exit(2)
}
const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const built = (name) => path.resolve(build, name)
const found = path.resolve(build, 'soak')
mkdirSync(found, { recursive: true })
const end = Date.now() + minutes * 60_000

const node = process.execPath
const promise = (name) => ({
  name,
  command: [node, '--test', `tests/cli/${name}.test.mjs`],
  settings: (seed) => ({ DIARYX_SEED: String(seed), DIARYX_ROUNDS: '10' }),
})
const jobs = [
  promise('crash'),
  // Each seed is a world of its own: a turn tries several hundred.
  { name: 'replicas', command: [built('replicas')], settings: (seed) => ({ DIARYX_SEED: String(seed * 1000), DIARYX_SEEDS: '500' }) },
  promise('unchanged'),
  {
    name: 'differential',
    command: [node, 'tests/differential/run.mjs', built('engine_driver'), '--seconds', '30', '--found', found],
    settings: () => ({}),
    more: (seed) => ['--seed', String(seed * 1000)],
  },
]

let passed = 0
for (let seed = Date.now() % 1_000_000; Date.now() < end; ++seed) {
  for (const { name, command, settings, more = () => [] } of jobs) {
    if (Date.now() >= end) break
    const chosen = settings(seed)
    const [program, ...args] = [...command, ...more(seed)]
    const done = spawnSync(program, args, {
      cwd: repository,
      env: { ...process.env, ...chosen, DIARYX_SYNC: built('diaryx-sync'), DIARYX_MAKE_VAULT: built('make_vault') },
      encoding: 'utf8',
    })
    if (done.status !== 0) {
      process.stdout.write(done.stdout + done.stderr)
      const words = [...Object.entries(chosen).map(([key, value]) => `${key}=${value}`), program, ...args]
      console.log(`${name} failed; again: ${words.join(' ')}`)
      process.exit(1)
    }
    console.log(`seed ${seed}: ${name} passed`)
    ++passed
  }
}
console.log(`${passed} passed, 0 failed`)
