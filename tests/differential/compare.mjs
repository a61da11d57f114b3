// A program on both: where the engine says something else than Yjs.
import { difference } from './values.mjs'
import { YjsSide } from './yjs_side.mjs'

export function beginRequest(program, { clean }) {
  return { op: 'begin', replicas: program.replicas, roots: program.roots, clean_formats: clean }
}

// The first difference, as { at: index of the exchange, what }, or null.
export async function compare(engine, program, exchanges, mode) {
  const answers = await engine.ask([beginRequest(program, mode), ...exchanges.map(({ request }) => request)])
  if (answers[0].error) return { at: -1, what: answers[0].error }
  const waits = new Map() // Replica → something waits in the engine.
  for (const [at, { request, expect, replica, quiet }] of exchanges.entries()) {
    const answer = answers[at + 1]
    if (answer.error || answer.broken) return { at, what: answer.error ?? `broken: ${answer.broken}` }
    const waited = waits.get(replica) ?? false
    if (replica !== undefined && 'pending' in answer) waits.set(replica, answer.pending)
    const wanted = { ...expect }
    if (quiet || waited || answer.pending) {
      // How much was applied while parts were missing is everybody's own business; that something still is, is not.
      delete wanted.emits
      if (wanted.pending || answer.pending) {
        if (wanted.pending !== answer.pending) return { at, what: `pending: ${answer.pending} instead of ${wanted.pending} (${request.op})` }
        continue
      }
    }
    const got = Object.fromEntries(Object.keys(wanted).map((key) => [key, answer[key]]))
    const what = difference(wanted, got)
    if (what) return { at, what: `${request.op}${what}` }
  }
  return null
}

// The same for a program whose answers from Yjs are not known yet; undefined if it is none, or makes Yjs throw.
export async function tryProgram(engine, program, mode) {
  const exchanges = []
  try {
    const side = new YjsSide(program, mode)
    for (const step of program.steps) exchanges.push(...side.run(step))
  } catch {
    return undefined
  }
  const found = await compare(engine, program, exchanges, mode)
  return found?.what.startsWith('the request is broken') ? undefined : found
}
