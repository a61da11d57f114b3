// node --test standalone.test.mjs: the CRDT library alone. It is configured without the rest, built from no other headers than its
// own, those of the compiler and fmt's, installed, and used by a project that knows only what was installed.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const repository = path.resolve(here, '../..')
const scratch = path.join(path.resolve(process.env.DIARYX_BUILD ?? path.join(repository, 'build/release')), 'standalone')
const build = path.join(scratch, 'library')
const prefix = path.join(scratch, 'prefix')
const example = path.join(repository, 'examples/crdt/ten_lines.cc')

const run = (command, ...args) => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

test('it is built with nothing else', () => {
  const switches = ['-DDIARYX_ONLY_CRDT=ON', '-DDIARYX_TESTS=OFF', '-DCMAKE_BUILD_TYPE=Debug', '-DCMAKE_VERIFY_INTERFACE_HEADER_SETS=ON']
  run('cmake', '-S', repository, '-B', build, '-G', 'Ninja', ...switches)
  // Each public header also compiles by itself.
  run('cmake', '--build', build, '--target', 'diaryx_crdt', 'all_verify_interface_header_sets')
})

test('it includes nothing but itself, the standard library and fmt', () => {
  const lines = run('ninja', '-C', build, '-t', 'deps').split('\n')
  const mine = lines.filter((line) => line.startsWith('    ')).map((line) => path.resolve(build, line.trim()))
  assert.ok(mine.length > 100)
  const inside = mine.filter((file) => file.startsWith(`${repository}/`) && !file.startsWith(`${build}/`))
  const strangers = inside.filter((file) => !/^engine\/(codec\/|crdt\/|base\/(bytes|check|keyed_hash|result|standard|utf)\.)/.test(path.relative(repository, file)))
  assert.deepEqual([...new Set(strangers)], [])
  const thirdParty = /\/(nlohmann|sqlite3|git2|yaml|zip|openssl|wslay|asio|httplib|CLI|boost)(\/|\.h)/
  assert.deepEqual(mine.filter((file) => thirdParty.test(file)), [])
})

test('it is installed, found and used', () => {
  fs.rmSync(prefix, { recursive: true, force: true })
  run('cmake', '--install', build, '--component', 'crdt', '--prefix', prefix)
  const consumer = path.join(scratch, 'consumer')
  fs.rmSync(consumer, { recursive: true, force: true })
  const settings = [`-DCMAKE_PREFIX_PATH=${prefix}`, `-DEXAMPLE=${example}`]
  run('cmake', '-S', path.join(here, 'consumer'), '-B', consumer, '-G', 'Ninja', ...settings)
  run('cmake', '--build', consumer)
  assert.equal(run(path.join(consumer, 'consumer')), 'Monday. Dear diary\n')
  // What the project included came from what was installed.
  const deps = run('ninja', '-C', consumer, '-t', 'deps')
  assert.match(deps, /prefix\/include\/engine\/crdt\/doc\.h/)
  assert.doesNotMatch(deps, new RegExp(`${repository}/engine/`))
})

test('the document quotes the example as it is', () => {
  const text = fs.readFileSync(path.join(repository, 'docs/crdt.md'), 'utf8')
  assert.ok(text.includes(`\`\`\`cpp\n${fs.readFileSync(example, 'utf8')}\`\`\``))
})
