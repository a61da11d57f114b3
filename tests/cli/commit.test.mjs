// commit: the workspace's notes into git, like `git commit --only` on them, and nothing else with them.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import { exists, run, runJson, serve, until } from '../support/binary.mjs'
import { Client } from '../support/client.mjs'
import { folder, journal, read, write } from '../support/folders.mjs'
import { fsck, git, lines, repositoryAt } from '../support/git.mjs'

const notes = {
  'README.md': '---\ntitle: Home\ncontents:\n  - "[A](/a.md)"\n---\n',
  'a.md': '---\ntitle: A\npart_of: "[Home](/README.md)"\n---\ntext\n'
}
// Nothing of the person who runs the tests; committer for libgit2 is the repository's own or ours.
const env = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_AUTHOR_NAME: '', GIT_AUTHOR_EMAIL: '', HOME: '/nonexistent' }
const commit = (dir, ...args) => runJson(['commit', dir, ...args], { env })

async function initialised(t, files = notes) {
  const dir = folder(t, files)
  const done = await run(['init', dir])
  assert.equal(done.code, 0, done.stderr)
  return dir
}

test('a folder without a repository gets one, and .diaryx stays out of it', async (t) => {
  const dir = await initialised(t)
  const done = await commit(dir, '-m', 'first')
  assert.equal(done.code, 0, done.stderr + done.stdout)
  assert.deepEqual(Object.keys(done.json), ['commit', 'files', 'changed', 'branch'])
  assert.match(done.json.commit, /^[0-9a-f]{40}$/)
  assert.equal(done.json.files, 2)
  assert.equal(done.json.changed, 2)
  assert.equal(git(dir, 'rev-parse', 'HEAD').trim(), done.json.commit)
  assert.equal(git(dir, 'symbolic-ref', '--short', 'HEAD').trim(), done.json.branch)
  assert.deepEqual(lines(git(dir, 'ls-tree', '-r', '--name-only', 'HEAD')), ['README.md', 'a.md'])
  assert.equal(git(dir, 'log', '-1', '--format=%s').trim(), 'first')
  assert.equal(git(dir, 'status', '--porcelain'), '')
  fsck(dir)
})

test('nothing changed: no commit, exit code 0', async (t) => {
  const dir = await initialised(t)
  const first = await commit(dir)
  const second = await commit(dir)
  assert.equal(second.code, 0)
  assert.equal(second.json.commit, null)
  assert.equal(second.json.changed, 0)
  assert.equal(git(dir, 'rev-parse', 'HEAD').trim(), first.json.commit)
  assert.match((await run(['commit', dir], { env })).stdout, /^nothing to commit/)
})

test('the default message says when, and --author and the environment say who', async (t) => {
  const dir = await initialised(t)
  await commit(dir, '--author', 'Ada Lovelace <ada@example.org>')
  assert.match(git(dir, 'log', '-1', '--format=%s'), /^Workspace snapshot at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n$/)
  assert.equal(git(dir, 'log', '-1', '--format=%an <%ae>').trim(), 'Ada Lovelace <ada@example.org>')
  write(dir, 'a.md', notes['a.md'] + 'more\n')
  await runJson(['commit', dir], { env: { ...env, GIT_AUTHOR_NAME: 'Grace', GIT_AUTHOR_EMAIL: 'grace@example.org' } })
  assert.equal(git(dir, 'log', '-1', '--format=%an <%ae>').trim(), 'Grace <grace@example.org>')
  write(dir, 'a.md', notes['a.md'])
  assert.equal((await run(['commit', dir, '--author', 'no mail'], { env })).code, 2)
})

test('what is on disk is what is committed: edited, new and removed notes', async (t) => {
  const dir = await initialised(t, { ...notes, 'old.md': 'old\n' })
  await commit(dir)
  write(dir, 'a.md', notes['a.md'] + 'edited\n')
  write(dir, 'new/b.md', 'new\n')
  fs.rmSync(path.join(dir, 'old.md'))
  const done = await commit(dir)
  assert.equal(done.json.changed, 3, done.stdout)
  assert.deepEqual(lines(git(dir, 'ls-tree', '-r', '--name-only', 'HEAD')), ['README.md', 'a.md', 'new/b.md'])
  assert.equal(git(dir, 'show', 'HEAD:a.md'), notes['a.md'] + 'edited\n')
  assert.equal(git(dir, 'status', '--porcelain'), '')
})

test('errors hold a commit back, warnings do not, --skip-validation commits all the same', async (t) => {
  const dir = await initialised(t, { ...notes, 'b.md': '---\npart_of: "[A](/a.md)"\ncontents:\n  - "[B](/b.md)"\n---\n' })
  write(dir, 'x.md', '---\npart_of: "[Y](/y.md)"\ncontents: ["[Y](/y.md)"]\n---\n')
  write(dir, 'y.md', '---\npart_of: "[X](/x.md)"\ncontents: ["[X](/x.md)"]\n---\n')
  await run(['init', dir])
  const { json: found } = await runJson(['validate', dir])
  assert.ok(found.issues.some(({ severity }) => severity === 'error'), JSON.stringify(found))
  const held = await commit(dir)
  assert.equal(held.code, 1)
  assert.equal(held.json.commit, null)
  assert.ok(held.json.issues.every(({ severity }) => severity === 'error'))
  assert.match(held.stderr, /not committed: .*--skip-validation/)
  assert.ok(!exists(path.join(dir, '.git')))
  const done = await commit(dir, '--skip-validation')
  assert.equal(done.code, 0, done.stderr)
  assert.match(done.json.commit, /^[0-9a-f]{40}$/)
})

test('foreign files, staged work and half-staged notes stay as the person left them', async (t) => {
  const dir = await initialised(t)
  repositoryAt(dir)
  write(dir, 'program.c', 'int main() { return 0; }\n')
  write(dir, 'photo.jpg', Buffer.from([0xff, 0xd8, 1, 2, 3]))
  write(dir, '.gitignore', '*.tmp\n')
  git(dir, 'add', 'program.c', 'photo.jpg', '.gitignore')
  git(dir, 'commit', '-q', '-m', 'by hand')
  // Staged, half staged, removed from the index, untracked: none of it is ours.
  write(dir, 'staged.c', 'staged\n')
  git(dir, 'add', 'staged.c')
  write(dir, 'program.c', 'int main() { return 1; }\n')
  git(dir, 'add', 'program.c')
  write(dir, 'program.c', 'int main() { return 2; }\n')
  git(dir, 'rm', '-q', '--cached', 'photo.jpg')
  write(dir, 'untracked.c', 'untracked\n')
  const before = git(dir, 'status', '--porcelain', '--', '*.c', '*.jpg', '.gitignore')

  const done = await commit(dir)
  assert.equal(done.code, 0, done.stderr + done.stdout)
  assert.equal(git(dir, 'status', '--porcelain'), before)
  assert.deepEqual(lines(git(dir, 'diff-tree', '-r', '--name-only', '--no-commit-id', 'HEAD')), ['README.md', 'a.md'])
  assert.equal(git(dir, 'show', ':program.c'), 'int main() { return 1; }\n')
  assert.equal(git(dir, 'show', 'HEAD:program.c'), 'int main() { return 0; }\n')
  assert.equal(read(dir, 'program.c'), 'int main() { return 2; }\n')

  // The person's own next commit holds what was staged, and all notes are still there.
  git(dir, 'commit', '-q', '-m', 'by hand again')
  assert.deepEqual(lines(git(dir, 'ls-tree', '-r', '--name-only', 'HEAD')).sort(), ['.gitignore', 'README.md', 'a.md', 'program.c', 'staged.c'])
  fsck(dir)
})

test('two commits with an edit in between, while serve runs', async (t) => {
  const dir = journal(t)
  repositoryAt(dir)
  write(dir, 'Makefile', 'all:\n')
  git(dir, 'add', 'Makefile')
  git(dir, 'commit', '-q', '-m', 'by hand')
  write(dir, 'Makefile', 'all: more\n')
  git(dir, 'add', 'Makefile')
  const server = await serve(t, dir)
  const client = await Client.connect(server)

  const first = await commit(dir, '-m', 'one', '--skip-validation')
  assert.equal(first.code, 0, first.stderr + first.stdout)
  const note = await client.body('README.md')
  const other = await (await Client.connect(server)).body('README.md')
  note.text.insert(note.text.length, '\ntyped just before the commit\n')
  await until(() => other.text.toString().includes('just before'), 'the other client to be shown the text')
  const second = await commit(dir, '-m', 'two', '--skip-validation')
  assert.equal(second.code, 0, second.stderr + second.stdout)

  assert.notEqual(first.json.commit, second.json.commit)
  assert.deepEqual(lines(git(dir, 'log', '--format=%s')), ['two', 'one', 'by hand'])
  assert.deepEqual(lines(git(dir, 'diff-tree', '-r', '--name-only', '--no-commit-id', 'HEAD')), ['README.md'])
  assert.match(git(dir, 'show', 'HEAD:README.md'), /typed just before the commit\n$/)
  assert.equal(git(dir, 'show', 'HEAD:README.md'), read(dir, 'README.md'))
  assert.equal(git(dir, 'show', 'HEAD:Makefile'), 'all:\n')
  assert.equal(git(dir, 'status', '--porcelain', '-uno'), 'M  Makefile\n')
  fsck(dir)
  await server.stop()
  fsck(dir)
})

test('a workspace in a folder of a larger repository commits there', async (t) => {
  const top = folder(t, { 'code.c': 'int x;\n' })
  repositoryAt(top)
  git(top, 'add', '-A')
  git(top, 'commit', '-q', '-m', 'by hand')
  for (const [name, text] of Object.entries(notes)) write(top, `diary/${name}`, text)
  const dir = path.join(top, 'diary')
  await run(['init', dir])
  const done = await commit(dir)
  assert.equal(done.code, 0, done.stderr)
  assert.ok(!exists(path.join(dir, '.git')))
  assert.deepEqual(lines(git(top, 'ls-tree', '-r', '--name-only', 'HEAD')), ['code.c', 'diary/README.md', 'diary/a.md'])
})

test('an index that somebody else holds is waited for or named, never broken', async (t) => {
  const dir = await initialised(t)
  await commit(dir)
  write(dir, 'a.md', notes['a.md'] + 'more\n')
  write(dir, '.git/index.lock', '')
  const done = await run(['commit', dir], { env })
  assert.equal(done.code, 3, done.stdout)
  assert.match(done.stderr, /index/)
  assert.ok(exists(path.join(dir, '.git/index.lock')))
  fs.rmSync(path.join(dir, '.git/index.lock'))
  const again = await commit(dir)
  assert.equal(again.code, 0)
  assert.equal(git(dir, 'status', '--porcelain'), '')
  fsck(dir)
})
