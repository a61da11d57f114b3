// node run.mjs ENGINE_DRIVER [--seed N] [--programs N] [--seconds N] [--steps N] [--found DIR] [--keep-going]
//
// Random programs on Yjs and on the engine: every update, state, state vector and view must be the same, down to the bytes.
// The first difference is made small and written to DIR (default: .) as a case that corpus_check runs. Exit code 1 then.
// A seed stands for one program: --seed N --programs 1 shows it again.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { caseOf } from './case_of.mjs'
import { compare, tryProgram } from './compare.mjs'
import { Engine } from './engine.mjs'
import { Generator } from './generate.mjs'
import { shrink } from './shrink.mjs'

const number = (text) => (text === undefined ? undefined : Number(text))
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, programs: { type: 'string' }, seconds: { type: 'string' }, steps: { type: 'string' }, found: { type: 'string', default: '.' }, 'keep-going': { type: 'boolean', default: false } },
})
if (positionals.length !== 1) {
  console.error('usage: node run.mjs ENGINE_DRIVER [--seed N] [--programs N] [--seconds N] [--steps N] [--found DIR] [--keep-going]')
  process.exit(2)
}
const firstSeed = number(options.seed) ?? Date.now() % 1_000_000_000
const programs = number(options.programs) ?? Infinity
const end = Date.now() + (number(options.seconds) ?? (programs === Infinity ? 10 : 1e9)) * 1000
const engine = new Engine(positionals[0])
console.log(`seed ${firstSeed}`)
// Yjs tells of its displeasure on the console; the comparison says all that counts.
const log = console.log
for (const name of ['log', 'warn', 'error']) console[name] = () => {}

function makeProgram(seed) {
  const clean = seed % 3 === 0
  const generator = new Generator(seed, { clean })
  const steps = number(options.steps) ?? (seed % 40 === 0 ? 120 : 6 + (seed % 7) * 5)
  generator.run(steps)
  return { generator, mode: { clean } }
}

async function report(seed, { program }, mode, first) {
  log(`seed ${seed}${mode.clean ? ' (cleaning formats)' : ''}: ${first.what}`)
  const fails = async (candidate) => Boolean(await tryProgram(engine, candidate, mode))
  if (!(await fails(program))) return log('which did not happen again')
  const small = await shrink(program, fails)
  const found = await tryProgram(engine, small, mode)
  const name = `seed-${seed}`
  const kase = caseOf(small, { name, description: `Random program ${seed}${mode.clean ? ', cleaning formats' : ''}: ${found.what.slice(0, 200)}`, mode })
  const file = path.join(options.found, `${name}.json`)
  writeFileSync(file, `${JSON.stringify(kase)}\n`)
  log(`made small: ${small.steps.length} steps, ${found.what}`)
  const shown = JSON.stringify(small.steps)
  if (shown.length < 4000) log(shown)
  log(`written to ${file}; again: node run.mjs ENGINE_DRIVER --seed ${seed} --programs 1${options.steps ? ` --steps ${options.steps}` : ''}`)
}

let count = 0
let exchanged = 0
let failed = 0
let thrown = 0
for (let seed = firstSeed; count < programs && Date.now() < end; ++seed, ++count) {
  let made
  try {
    made = makeProgram(seed)
  } catch (error) {
    // There is nothing to compare with.
    log(`seed ${seed}: Yjs threw ${error.stack}`)
    ++thrown
    continue
  }
  const { generator, mode } = made
  exchanged += generator.exchanges.length
  const first = await compare(engine, generator.program, generator.exchanges, mode)
  if (!first) continue
  ++failed
  await report(seed, generator, mode, first)
  if (!options['keep-going']) break
}
engine.stop()
log(`${count} programs, ${exchanged} exchanges, ${failed} with a difference, ${thrown} that Yjs could not run`)
process.exit(failed === 0 ? 0 : 1)
