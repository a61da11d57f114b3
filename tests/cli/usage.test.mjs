// What holds for every command: help, version, exit codes, one line on standard error, one JSON document on standard output.
import assert from 'node:assert/strict'
import path from 'node:path'
import test from 'node:test'

import { run, runJson } from '../support/binary.mjs'
import { folder, tempDir, write } from '../support/folders.mjs'

const commands = ['init', 'serve', 'materialise', 'validate', 'commit', 'status']

test('--help and --version are answered on standard output with exit code 0', async () => {
  const help = await run(['--help'])
  assert.equal(help.code, 0)
  assert.equal(help.stderr, '')
  for (const command of commands) {
    assert.match(help.stdout, new RegExp(`^ *${command}`, 'm'))
    const own = await run([command, '--help'])
    assert.equal(own.code, 0, command)
    assert.match(own.stdout, /Examples:/, command)
  }
  const version = await run(['--version'])
  assert.equal(version.code, 0)
  assert.match(version.stdout, /^diaryx-sync \d+\.\d+\.\d+\n$/)
})

test('a command line that makes no sense is exit code 2 and one line on standard error', async () => {
  for (const args of [[], ['frobnicate'], ['init', '--frobnicate'], ['init', 'a', 'b'], ['-C', 'a', 'init', 'b'], ['materialise']]) {
    const done = await run(args)
    assert.equal(done.code, 2, args.join(' '))
    assert.equal(done.stdout, '')
    assert.match(done.stderr, /^diaryx-sync: [^\n]+; see diaryx-sync --help\n$/)
  }
})

test('with --json an error is a JSON document too', async (t) => {
  const usage = await runJson(['frobnicate'])
  assert.equal(usage.code, 2)
  assert.equal(usage.json.error.code, 'usage')
  const failed = await runJson(['init', path.join(tempDir(t), 'nowhere')])
  assert.equal(failed.code, 3)
  assert.deepEqual(Object.keys(failed.json.error), ['code', 'message', 'hint'])
  assert.match(failed.json.error.message, /nowhere: no such folder/)
})

test('what needs a workspace says how to make one, and makes none', async (t) => {
  const dir = folder(t, { 'a.md': 'hello\n' })
  for (const args of [['validate'], ['commit'], ['materialise', '--out', path.join(dir, 'x')]]) {
    const done = await run([...args, '-C', dir])
    assert.equal(done.code, 3, args.join(' '))
    assert.match(done.stderr, /^diaryx-sync: [^\n]*diaryx-sync init[^\n]*\n$/)
  }
  assert.deepEqual((await runJson(['status', dir])).json.workspace_id, null)
})

test('without -C the workspace is the nearest parent with .diaryx', async (t) => {
  const dir = folder(t, { 'README.md': '---\ntitle: Top\ncontents: []\n---\n', 'deep/er/note.md': 'x\n' })
  await run(['init', dir])
  const done = await runJson(['status'], { cwd: path.join(dir, 'deep/er') })
  assert.equal(done.json.root, dir)
  const named = await runJson(['status', path.join(dir, 'deep')])
  assert.equal(named.json.workspace_id, null, 'a folder that is named is the workspace itself')
})

test('-q leaves standard output empty', async (t) => {
  const dir = folder(t, { 'a.md': 'hello\n' })
  const done = await run(['init', '-q', dir])
  assert.deepEqual(done, { code: 0, signal: null, stdout: '', stderr: '' })
  assert.equal((await run(['status', '-q', dir])).stdout, '')
})

test('a file name cannot drive the terminal', async (t) => {
  const dir = folder(t, { 'ok.md': 'x\n' })
  write(dir, 'evil\x1b[2J.md', 'x\n')
  const done = await run(['init', dir])
  assert.equal(done.code, 0)
  assert.doesNotMatch(done.stdout + done.stderr, /\x1b/)
  assert.match(done.stderr, /evil\\x1b\[2J\.md/)
})
