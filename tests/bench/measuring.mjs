// Whole commands, measured: how long they take and how much memory.
import { execFileSync } from 'node:child_process'
import path from 'node:path'

// git as it is by itself, whoever runs the bench.
export const environment = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Bench',
  GIT_AUTHOR_EMAIL: 'bench@example.org',
  GIT_COMMITTER_NAME: 'Bench',
  GIT_COMMITTER_EMAIL: 'bench@example.org'
}

export const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]

// `measure` of the folder `build` runs a command: milliseconds, and KB resident at most.
export function measurer(build) {
  return (...command) => {
    const done = JSON.parse(execFileSync(path.join(build, 'measure'), command, { encoding: 'utf8', env: environment, maxBuffer: 1 << 28 }))
    return { ms: done.ms, kb: done.max_rss_kb }
  }
}
