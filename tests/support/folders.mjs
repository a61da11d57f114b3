// Folders of notes for tests: fresh ones, copies of the example, generated vaults, and what is in them to the last octet.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

import { repository } from './binary.mjs'

// A fresh folder, gone with all that is in it when the test ends.
export function tempDir(test) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'diaryx-test-'))
  test?.after(() => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 3 }))
  return dir
}

export function write(dir, name, content) {
  const file = path.join(dir, name)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, content)
  return file
}

export const read = (dir, name) => fs.readFileSync(path.join(dir, name), 'utf8')

// A small workspace: files given as {name: content}.
export function folder(test, files = {}) {
  const dir = tempDir(test)
  for (const [name, content] of Object.entries(files)) write(dir, name, content)
  return dir
}

export function journal(test) {
  const dir = tempDir(test)
  fs.cpSync(path.join(repository, 'examples/journal'), dir, { recursive: true, preserveTimestamps: true })
  return dir
}

// A vault with every oddity that make_vault knows; the same for the same seed.
export function vault(test, files, seed = 1) {
  const dir = tempDir(test)
  const program = process.env.DIARYX_MAKE_VAULT ?? path.join(repository, 'build/release/make_vault')
  execFileSync(program, [dir, '--files', String(files), '--seed', String(seed), '--odd'], { stdio: ['ignore', 'ignore', 'inherit'] })
  return dir
}

// Every file, link and folder below `dir` but .diaryx (and .git, unless asked for): path → what it is, to the octet.
// Two snapshots are deepEqual exactly if nothing was changed, touched, added or removed.
export function snapshot(dir, { git = false, times = true } = {}) {
  const out = {}
  const visit = (relative) => {
    // Names as octets: a vault may hold names that are no UTF-8.
    for (const name of fs.readdirSync(Buffer.concat([Buffer.from(dir), Buffer.from('/'), relative]), { encoding: 'buffer' })) {
      const inside = relative.length ? Buffer.concat([relative, Buffer.from('/'), name]) : name
      const key = inside.toString('latin1')
      if (key === '.diaryx' || (key === '.git' && !git)) continue
      const full = Buffer.concat([Buffer.from(dir + '/'), inside])
      const stat = fs.lstatSync(full, { bigint: true })
      if (stat.isDirectory()) {
        out[key] = `folder ${stat.mode.toString(8)}`
        visit(inside)
      } else if (stat.isSymbolicLink()) {
        out[key] = `link ${fs.readlinkSync(full)}`
      } else if (!stat.isFile()) {
        out[key] = `special ${stat.mode.toString(8)}` // A pipe would be read for ever.
      } else {
        let content
        try {
          content = createHash('sha256').update(fs.readFileSync(full)).digest('hex')
        } catch (error) {
          content = error.code
        }
        out[key] = `file ${stat.mode.toString(8)} ${stat.size} ${content}` + (times ? ` ${stat.ino} ${stat.mtimeNs}` : '')
      }
    }
  }
  visit(Buffer.alloc(0))
  return out
}

// The same without inodes and times: what a copy elsewhere must have in common.
export const contents = (dir) => snapshot(dir, { times: false })
