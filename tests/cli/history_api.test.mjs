// git over HTTP: what was committed, of the workspace or of one file, page by page; and to commit beside a running server.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import { runJson, serve } from '../support/binary.mjs'
import { call } from '../support/api.mjs'
import { Client } from '../support/client.mjs'
import { folder, write } from '../support/folders.mjs'
import { git, lines, repositoryAt } from '../support/git.mjs'

const get = async (server, query = '') => (await call(server, 'GET', `/api/history${query}`)).json

test('without a repository, and without a commit, there is no history', async (t) => {
  const dir = folder(t, { 'a.md': 'x\n' })
  const server = await serve(t, dir)
  assert.deepEqual(await get(server), { branch: '', commits: [], next: null })
  repositoryAt(dir)
  assert.deepEqual(await get(server), { branch: '', commits: [], next: null })
  const first = await call(server, 'POST', '/api/commit', { body: { message: 'first' } })
  assert.equal(first.json.files, 1)
  assert.deepEqual((await get(server)).commits.map(({ message }) => message.trim()), ['first'])
  await server.stop()
})

test('the same commits as git log tells, also of one file, page by page', async (t) => {
  const dir = folder(t, { 'a.md': 'a\n', 'b.md': 'b\n', 'sub/c d.md': 'c\n' })
  repositoryAt(dir)
  const server = await serve(t, dir)
  for (let n = 0; n < 12; n++) {
    write(dir, n % 3 === 0 ? 'a.md' : n % 3 === 1 ? 'b.md' : 'sub/c d.md', `version ${n} ü\n`)
    git(dir, 'add', '-A')
    git(dir, 'commit', '-q', '-m', `number ${n}`, '--date', `2024-01-0${1 + (n % 9)}T00:00:00Z`)
  }
  git(dir, 'checkout', '-q', '-b', 'side', 'HEAD~3')
  write(dir, 'b.md', 'on the side\n')
  git(dir, 'commit', '-q', '-am', 'on the side')
  git(dir, 'checkout', '-q', 'main')
  git(dir, 'merge', '-q', '--no-edit', '-X', 'ours', 'side')
  const all = await get(server)
  assert.equal(all.branch, 'main')
  assert.equal(all.next, null)
  // A merge that is as one of its parents is left out.
  const told = new Set(all.commits.map(({ commit }) => commit))
  const wanted = lines(git(dir, 'log', '--no-merges', '--format=%H'))
  for (const commit of wanted) assert.ok(told.has(commit), commit)
  for (const commit of all.commits) {
    const [hash, parents, name, mail, time] = git(dir, 'log', '-1', '--format=%H%n%P%n%an%n%ae%n%ct', commit.commit).split('\n')
    assert.deepEqual([commit.commit, commit.parents.join(' '), commit.author.name, commit.author.mail, commit.time_ms], [hash, parents, name, mail, Number(time) * 1000])
  }
  for (const file of ['a.md', 'b.md', 'sub/c d.md', 'none.md']) {
    const mine = (await get(server, `?path=${encodeURIComponent(file)}`)).commits.map(({ commit }) => commit)
    assert.deepEqual([...mine].sort(), lines(git(dir, 'log', '--full-history', '--no-merges', '--format=%H', '--', file)).sort(), file)
  }
  const pages = []
  for (let before; ; ) {
    const page = await get(server, `?limit=4${before ? `&before=${before}` : ''}`)
    assert.ok(page.commits.length <= 4)
    pages.push(...page.commits)
    before = page.next
    if (before === null) break
  }
  assert.deepEqual(pages, all.commits)
  for (const query of ['?limit=0', '?limit=501', '?limit=x', '?before=x', `?before=${'0'.repeat(40)}`]) {
    assert.equal((await call(server, 'GET', `/api/history${query}`)).status, 400, query)
  }
  await server.stop()
})

test('a workspace that is a part of a repository has the history of that part', async (t) => {
  const top = folder(t, { 'other.txt': 'x\n', 'notes/a.md': 'a\n' })
  repositoryAt(top)
  git(top, 'add', '-A')
  git(top, 'commit', '-q', '-m', 'both')
  write(top, 'other.txt', 'y\n')
  git(top, 'commit', '-q', '-am', 'elsewhere')
  const server = await serve(t, path.join(top, 'notes'))
  assert.deepEqual((await get(server)).commits.map(({ message }) => message.trim()), ['both'])
  assert.deepEqual((await get(server, '?path=a.md')).commits.length, 1)
  assert.equal((await call(server, 'GET', '/api/history?path=../other.txt')).status, 403)
  await server.stop()
})

test('a commit over HTTP has what was typed a moment ago, and is the same as the command makes', async (t) => {
  const dir = folder(t, { 'a.md': 'text\n' })
  repositoryAt(dir)
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  ;(await client.body('a.md')).text.insert(0, 'typed ')
  write(dir, 'b.md', 'by another program\n')
  const done = await call(server, 'POST', '/api/commit', { body: { message: 'mine\n\n\n', author: 'Ada <ada@example.org>' } })
  assert.equal(done.status, 200)
  assert.deepEqual([done.json.files, done.json.changed, done.json.branch], [2, 2, 'main'])
  assert.equal(git(dir, 'show', 'HEAD:a.md'), 'typed text\n')
  assert.equal(git(dir, 'show', 'HEAD:b.md'), 'by another program\n')
  assert.equal(git(dir, 'log', '-1', '--format=%an <%ae>: %B').trim(), 'Ada <ada@example.org>: mine')
  assert.equal(git(dir, 'status', '--porcelain').trim(), '')
  assert.equal((await call(server, 'POST', '/api/commit')).json.commit, null, 'nothing had changed')
  assert.equal((await runJson(['commit', dir])).json.commit, null)
  write(dir, 'bad.md', '---\ncontents: [none.md]\n---\n')
  const held = await call(server, 'POST', '/api/commit')
  assert.deepEqual([held.status, held.json.error, held.json.issues[0].kind], [422, 'invalid', 'MissingChild'])
  assert.equal((await call(server, 'POST', '/api/commit', { body: { skip_validation: true } })).json.changed, 1)
  const both = await Promise.all([call(server, 'POST', '/api/commit'), call(server, 'POST', '/api/commit')])
  assert.deepEqual(both.map(({ status }) => status), [422, 422])
  assert.ok(!fs.existsSync(path.join(dir, '.git/index.lock')))
  await client.close()
  await server.stop()
})
