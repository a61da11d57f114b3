// node soak.mjs BUILD_DIR MINUTES: the tests of the promises with fresh seeds, one after the other, until the time is over.
// Stops at the first failure and says how to see it again.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const [build, minutes] = [process.argv[2], Number(process.argv[3])]
if (!build || !(minutes > 0)) {
  console.error('usage: node soak.mjs BUILD_DIR MINUTES')
  process.exit(2)
}
const tests = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../cli')
const end = Date.now() + minutes * 60_000
let passed = 0
for (let seed = Date.now() % 1_000_000; Date.now() < end; ++seed) {
  for (const name of ['crash', 'unchanged']) {
    const settings = { DIARYX_SEED: String(seed), DIARYX_ROUNDS: '10', DIARYX_SYNC: path.resolve(build, 'diaryx-sync'), DIARYX_MAKE_VAULT: path.resolve(build, 'make_vault') }
    const done = spawnSync(process.execPath, ['--test', path.join(tests, `${name}.test.mjs`)], { env: { ...process.env, ...settings }, encoding: 'utf8' })
    if (done.status !== 0) {
      process.stdout.write(done.stdout + done.stderr)
      console.log(`${name} failed; again: DIARYX_SEED=${seed} DIARYX_ROUNDS=10 node --test tests/cli/${name}.test.mjs`)
      process.exit(1)
    }
    console.log(`seed ${seed}: ${name} passed`)
    ++passed
  }
}
console.log(`${passed} passed, 0 failed`)
