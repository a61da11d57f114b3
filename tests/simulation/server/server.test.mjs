// The server in a bad world: see soak.mjs. A minute of it; DIARYX_SEED, DIARYX_MINUTES and DIARYX_LIFE (seconds between two kill -9)
// choose another run. The seed is printed; the threads' and the network's turns are not its to choose.
import test from 'node:test'

import { journal } from '../../support/folders.mjs'
import { soak } from './soak.mjs'

const seed = Number(process.env.DIARYX_SEED ?? Date.now() % 1_000_000)
const minutes = Number(process.env.DIARYX_MINUTES ?? 1)
const life = Number(process.env.DIARYX_LIFE ?? 10)

test(`typists, a bad network, another editor and kill -9 for ${minutes} min, seed ${seed}`, { timeout: (minutes + 2) * 60_000 }, async (t) => {
  const result = await soak({
    test: t,
    dir: journal(t),
    seed,
    ms: minutes * 60_000,
    lifeMs: life * 1000,
    say: (line) => t.diagnostic(line)
  })
  t.diagnostic(`seed ${seed}: ${JSON.stringify(result)}`)
})
