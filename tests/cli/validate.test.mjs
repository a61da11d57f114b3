// validate: what is wrong with a workspace, as text, as JSON, and as an exit code. It changes nothing.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import { run, runJson, serve } from '../support/binary.mjs'
import { folder, snapshot, write } from '../support/folders.mjs'

const sound = {
  'README.md': '---\ntitle: Home\ncontents:\n  - "[A](/a.md)"\n---\n',
  'a.md': '---\ntitle: A\npart_of: "[Home](/README.md)"\n---\ntext\n'
}

async function initialised(t, files) {
  const dir = folder(t, files)
  const done = await run(['init', dir])
  assert.equal(done.code, 0, done.stderr)
  return dir
}

const kinds = (report) => report.issues.map((issue) => issue.kind)

test('a sound workspace: exit code 0, and the promised fields', async (t) => {
  const dir = await initialised(t, sound)
  const done = await runJson(['validate', dir])
  assert.equal(done.code, 0, done.stdout)
  assert.deepEqual(done.json, { ok: true, files: 2, bodies: 1, issues: [] }, 'README.md has no text')
})

test('findings: exit code 1, and each has its five fields', async (t) => {
  const dir = await initialised(t, { ...sound, 'b.md': '---\npart_of: "[Gone](/gone.md)"\n---\n' })
  const done = await runJson(['validate', dir])
  assert.equal(done.code, 1)
  assert.equal(done.json.ok, false)
  const issue = done.json.issues.find(({ kind }) => kind === 'BrokenParentChain')
  assert.ok(issue, done.stdout)
  assert.deepEqual(Object.keys(issue), ['kind', 'severity', 'path', 'key', 'message'])
  assert.equal(issue.path, 'b.md')
  assert.match(issue.severity, /^(error|warning)$/)
  assert.match(issue.message, /gone/)
  const text = await run(['validate', dir])
  assert.equal(text.code, 1)
  assert.match(text.stdout, /b\.md: .*gone.* \[BrokenParentChain\]/)
})

test('a child that is not there, a cycle, a header that is no YAML, a file that is no text', async (t) => {
  const dir = await initialised(t, {
    'README.md': '---\ntitle: Home\ncontents:\n  - "[Gone](/gone.md)"\n---\n',
    'x.md': '---\npart_of: "[Y](/y.md)"\ncontents:\n  - "[Y](/y.md)"\n---\n',
    'y.md': '---\npart_of: "[X](/x.md)"\ncontents:\n  - "[X](/x.md)"\n---\n',
    'broken.md': '---\ntitle: "never closed\n---\nbody\n',
    'binary.md': Buffer.from([0, 1, 2, 0xff])
  })
  const done = await runJson(['validate', dir])
  assert.equal(done.code, 1)
  for (const kind of ['MissingChild', 'LinkCycle', 'UnreadableHeader', 'UnreadableFile']) {
    assert.ok(kinds(done.json).includes(kind), `${kind} in ${kinds(done.json)}`)
  }
})

test('it changes nothing, and works beside a running serve', async (t) => {
  const dir = await initialised(t, { ...sound, 'b.md': '---\npart_of: "[Gone](/gone.md)"\n---\n' })
  const before = snapshot(dir)
  const server = await serve(t, dir)
  const [first, second] = await Promise.all([runJson(['validate', dir]), runJson(['validate', dir])])
  assert.equal(first.code, 1)
  assert.deepEqual(first.json, second.json)
  await server.stop()
  assert.deepEqual(snapshot(dir), before)
})

test('mending what was found makes it sound again', async (t) => {
  const dir = await initialised(t, { ...sound, 'b.md': '---\npart_of: "[Gone](/gone.md)"\n---\n' })
  assert.equal((await run(['validate', dir])).code, 1)
  write(dir, 'b.md', '---\npart_of: "[Home](/README.md)"\n---\n')
  await run(['init', dir])
  assert.equal((await run(['validate', dir])).code, 0)
})

test('edits that are not taken in yet are notes: said, and no reason for an exit code', async (t) => {
  const dir = folder(t, { 'README.md': '---\ntitle: Home\ncontents:\n  - a.md\n  - b.md\n---\n', 'a.md': 'one\n', 'b.md': 'two\n' })
  assert.equal((await run(['init', '-C', dir])).code, 0)
  write(dir, 'a.md', 'one, and more\n')
  fs.rmSync(path.join(dir, 'b.md'))
  const done = await runJson(['validate', '-C', dir])
  assert.equal(done.code, 0, done.stderr)
  assert.equal(done.json.ok, true)
  assert.deepEqual(
    done.json.issues.map(({ kind, severity, path }) => [kind, severity, path]),
    [
      ['NotTakenIn', 'note', 'a.md'],
      ['NotTakenIn', 'note', 'b.md']
    ]
  )
  assert.match((await run(['validate', '-C', dir])).stdout, /a\.md: note: "a\.md" was changed on disk, which is not taken in yet \[NotTakenIn\]/)
  assert.equal((await run(['init', '-C', dir])).code, 0)
  const after = await runJson(['validate', '-C', dir])
  assert.deepEqual(after.json.issues.map(({ kind }) => kind), ['MissingChild'], 'b.md is deleted now, and still listed')
})

// A note that a second one lists, and one that was deleted and is still listed.
const tangled = {
  'README.md': '---\ntitle: Home\ncontents:\n  - gone.md\n  - "[I](/i.md)" # first\n  - a.md\n---\n',
  'i.md': '---\ntitle: I\npart_of: README.md\ncontents: [a.md]\n---\n',
  'a.md': '---\ntitle: A\npart_of: i.md\n---\ntext\n',
  'gone.md': 'going\n'
}

for (const beside of ['alone', 'beside a running serve']) {
  test(`--fix mends what is safe, says so, and --undo gives every octet back (${beside})`, async (t) => {
    const dir = await initialised(t, tangled)
    fs.rmSync(path.join(dir, 'gone.md'))
    const server = beside === 'alone' ? undefined : await serve(t, dir)
    const before = snapshot(dir)
    const trial = await runJson(['validate', '--dry-run', dir])
    assert.equal(trial.code, 1)
    assert.deepEqual(trial.json.fixed.map(({ kind, path }) => [kind, path]), [['TwoParents', 'a.md'], ['MissingChild', 'README.md']])
    assert.deepEqual(snapshot(dir), before)

    const done = await runJson(['validate', '--fix', dir])
    assert.equal(done.code, 0, done.stdout)
    assert.deepEqual(done.json.fixed, trial.json.fixed)
    assert.deepEqual(done.json.issues, [])
    assert.equal(fs.readFileSync(path.join(dir, 'README.md'), 'utf8'), '---\ntitle: Home\ncontents:\n  - "[I](/i.md)" # first\n---\n')
    const again = await run(['validate', '--fix', dir])
    assert.equal(again.code, 0)
    assert.doesNotMatch(again.stdout, /mended/)

    const undone = await runJson(['validate', '--undo', dir])
    assert.equal(undone.code, 0, undone.stdout)
    assert.deepEqual(undone.json.undone, ['README.md'])
    for (const name of ['README.md', 'i.md', 'a.md']) assert.equal(fs.readFileSync(path.join(dir, name), 'utf8'), tangled[name])
    const none = await run(['validate', '--undo', dir])
    assert.equal(none.code, 3)
    assert.match(none.stderr, /nothing was mended/)
    await server?.stop()
    assert.equal((await run(['validate', dir])).code, 1)
  })
}

test('--fix says what it did, a line each; --undo and --fix at once are a slip', async (t) => {
  const dir = await initialised(t, tangled)
  const done = await run(['validate', '--fix', dir])
  assert.match(done.stdout, /^a\.md: mended: "a\.md" is listed by "i\.md" only, .* \[TwoParents\]$/m)
  assert.equal((await run(['validate', '--fix', '--undo', dir])).code, 2)
  assert.equal((await run(['validate', '--fix', '--dry-run', dir])).code, 2)
})

for (const beside of ['alone', 'beside a running serve']) {
  test(`commits held back three times in a row: the advice changes (${beside})`, async (t) => {
    const dir = await initialised(t, { ...sound, 'b.md': '---\npart_of: "[Gone](/gone.md)"\n---\n' })
    const server = beside === 'alone' ? undefined : await serve(t, dir)
    for (const n of [1, 2, 3]) {
      const held = await runJson(['commit', dir])
      assert.equal(held.code, 1)
      assert.equal(held.json.failed_in_a_row, n)
      assert.equal(/has failed 3 times in a row: `diaryx-sync validate --fix`/.test(held.stderr), n === 3, held.stderr)
    }
    write(dir, 'b.md', '---\npart_of: "[Home](/README.md)"\n---\n')
    assert.equal((await run(['commit', dir])).code, 0)
    write(dir, 'b.md', '---\npart_of: "[Gone](/gone.md)"\n---\n')
    assert.equal((await runJson(['commit', dir])).json.failed_in_a_row, 1)
    await server?.stop()
  })
}
