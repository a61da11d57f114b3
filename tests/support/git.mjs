// git, as a person would use it, untouched by the settings of whoever runs the tests.
import { execFileSync } from 'node:child_process'

const environment = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'Tess',
  GIT_AUTHOR_EMAIL: 'tess@example.org',
  GIT_COMMITTER_NAME: 'Tess',
  GIT_COMMITTER_EMAIL: 'tess@example.org'
}

export function git(dir, ...args) {
  return execFileSync('git', ['-C', dir, ...args], { env: environment, encoding: 'utf8', maxBuffer: 64 << 20 })
}

export const lines = (text) => text.split('\n').filter((line) => line !== '')

// Throws if the repository is damaged.
export const fsck = (dir) => git(dir, 'fsck', '--strict', '--no-dangling')

export function repositoryAt(dir) {
  git(dir, 'init', '-q', '-b', 'main')
  git(dir, 'config', 'user.name', 'Tess')
  git(dir, 'config', 'user.email', 'tess@example.org')
}
