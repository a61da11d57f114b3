// Takes away from a program what is not needed for `fails(program)` to stay true.

// Up to the step that shows the difference.
async function firstPart(program, fails) {
  let [works, broken] = [0, program.steps.length]
  while (broken - works > 1) {
    const middle = (works + broken) >> 1
    if (await fails({ ...program, steps: program.steps.slice(0, middle) })) broken = middle
    else works = middle
  }
  return { ...program, steps: program.steps.slice(0, broken) }
}

async function withoutParts(list, fails) {
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = list.length - size; from > -size; from -= size) {
      const start = Math.max(from, 0)
      const rest = [...list.slice(0, start), ...list.slice(from + size)]
      if (rest.length < list.length && await fails(rest)) list = rest
    }
  }
  return list
}

// Simpler forms of a value, simplest first.
function * simpler(value) {
  if (typeof value === 'string' && value.length > 1) yield * ['a', value.slice(0, Math.ceil(value.length / 2)), value.slice(1)].filter((text) => text.isWellFormed())
  if (typeof value === 'number' && value > 0) { yield 0; yield Math.floor(value / 2); yield value - 1 }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; ++i) yield [...value.slice(0, i), ...value.slice(i + 1)]
    for (let i = 0; i < value.length; ++i) for (const element of simpler(value[i])) yield value.with(i, element)
  } else if (value !== null && typeof value === 'object') {
    if ('$' in value) { yield 'a'; yield 1 }
    for (const key of Object.keys(value)) {
      if (key === '$') continue
      const { [key]: _, ...rest } = value
      yield rest
      for (const member of simpler(value[key])) yield { ...value, [key]: member }
    }
  }
}

async function simplify(value, fails, tries = { left: 400 }) {
  for (let again = true; again;) {
    again = false
    for (const candidate of simpler(value)) {
      if (--tries.left < 0) return value
      if (await fails(candidate)) {
        value = candidate
        again = true
        break
      }
    }
  }
  return value
}

export async function shrink(program, stillFails, seconds = 120) {
  const end = Date.now() + seconds * 1000
  const fails = async (candidate) => Date.now() < end && stillFails(candidate)
  const whole = (change) => ({ ...program, ...change })
  const failsWith = (change) => fails(whole(change))
  program = await firstPart(program, fails)
  for (let before = ''; before !== JSON.stringify(program);) {
    before = JSON.stringify(program)
    program = whole({ steps: await withoutParts(program.steps, (steps) => failsWith({ steps })) })
    for (const [i, step] of program.steps.entries()) {
      const withStep = (change) => ({ steps: program.steps.with(i, { ...step, ...change }) })
      if (step.op === 'transact') {
        const ops = await withoutParts(step.ops, (list) => failsWith(withStep({ ops: list })))
        program = whole(withStep({ ops }))
        for (let k = 0; k < ops.length; ++k) {
          const { do: name, at } = ops[k]
          const put = (op) => ({ steps: program.steps.with(i, { ...step, ops: program.steps[i].ops.with(k, { ...op, do: name, at }) }) })
          const op = await simplify(ops[k], async (candidate) => candidate !== null && typeof candidate === 'object' && failsWith(put(candidate)))
          program = whole(put(op))
        }
      } else if (step.op === 'deliver') {
        for (const how of ['each', 'merge']) if (step.how !== how && await failsWith(withStep({ how }))) { program = whole(withStep({ how })); break }
        const { how } = program.steps[i]
        const updates = await withoutParts(step.updates, (list) => failsWith(withStep({ how, updates: list })))
        program = whole(withStep({ how, updates }))
      }
    }
    const used = new Set(program.steps.flatMap((step) => [step.replica, step.from, step.to]))
    const replicas = program.replicas.filter(({ id }) => used.has(id))
    if (await failsWith({ replicas })) program = whole({ replicas })
    const names = await withoutParts(Object.entries(program.roots), (list) => failsWith({ roots: Object.fromEntries(list) }))
    program = whole({ roots: Object.fromEntries(names) })
  }
  return program
}
