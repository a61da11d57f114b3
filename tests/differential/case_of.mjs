// A program as a case of the conformance corpus, with what Yjs says as expectations: corpus_check runs it.
import { difference } from './values.mjs'
import { YjsSide } from './yjs_side.mjs'

// What a `check` expects. Where Yjs leaves neighbouring GC structs apart, the joined form stands beside.
function checkOf({ plain, joined }) {
  const { emits: _, pending, ...expect } = plain.expect
  if (plain.quiet && pending) return { ...expect, pending: {} }
  for (const format of ['v1', 'v2']) if (expect[format] !== joined.expect[format]) expect[`${format}_gcnorm`] = joined.expect[format]
  return expect
}

const emitsOf = ({ joined }) => ({ emits: joined.expect.emits })
const bytesOf = ({ joined }) => joined.expect

// `modes`: what Yjs answers without cleaning formats and with it, each plain and with joined gaps.
function withExpectations(step, expectationOf, [bare, clean]) {
  const expect = expectationOf(clean)
  const other = expectationOf(bare)
  return difference(expect, other) ? { ...step, expect, expect_nocleanup: other } : { ...step, expect }
}

function stepsOf(request, modes) {
  if (request.op === 'encode') return modes.every(({ joined }) => joined) ? [withExpectations(request, bytesOf, modes)] : []
  if (!request.replica) return [{ ...request, expect: modes[0].plain.expect }]
  const check = withExpectations({ op: 'check', replica: request.replica }, checkOf, modes)
  if (request.op === 'declare') return [request, check]
  if (request.op === 'transact') return [withExpectations(request, emitsOf, modes), check]
  if (modes.some(({ plain }) => plain.quiet)) return [request, check]
  return [withExpectations({ ...request, emits: true }, emitsOf, modes), check]
}

// The updates that are applied are those of the mode in which the difference was found.
export function caseOf(program, { name, description, mode }) {
  const side = new YjsSide(program, mode)
  const found = program.steps.flatMap((step) => side.run(step))
  const answers = [false, true].map((clean) => [false, true].map((joined) => {
    const other = new YjsSide(program, { clean, joined })
    return found.map((exchange) => (exchange.request.replica ? other.again(exchange.request) : exchange))
  }))
  const steps = found.flatMap(({ request }, i) => stepsOf(request, answers.map(([plain, joined]) => ({ plain: plain[i], joined: joined[i] }))))
  return { format: 1, kind: 'script', name, description, yjs: '13.6.33', roots: program.roots, replicas: program.replicas, steps }
}
