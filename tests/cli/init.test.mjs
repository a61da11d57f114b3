// init: a folder becomes a workspace; a second run takes in what has changed and resets nothing.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import { execute, exists, run, runJson, serve, until } from '../support/binary.mjs'
import { folder, journal, read, snapshot, tempDir, write } from '../support/folders.mjs'

const notes = {
  'README.md': '---\ntitle: Home\ncontents:\n  - "[A](/a.md)"\n---\n# Home\n',
  'a.md': '---\ntitle: A\npart_of: "[Home](/README.md)"\n---\ntext\n',
  'loose.md': 'no header, in no list\n'
}

test('the JSON has the promised fields, in order', async (t) => {
  const dir = folder(t, notes)
  const done = await runJson(['init', dir])
  assert.equal(done.code, 0, done.stderr)
  assert.deepEqual(Object.keys(done.json), ['workspace_id', 'epoch', 'files', 'updated', 'deleted', 'left_out', 'skipped', 'elapsed_ms'])
  assert.equal(done.json.files, 3)
  assert.equal(done.json.updated, 3)
  assert.equal(done.json.deleted, 0)
  assert.deepEqual(done.json.skipped, [])
  assert.ok(done.json.workspace_id.length > 0)
  assert.ok(done.json.epoch.length > 0)
})

test('.diaryx holds the store and hides itself from git', async (t) => {
  const dir = folder(t, notes)
  await run(['init', dir])
  assert.ok(exists(path.join(dir, '.diaryx/store.db')))
  assert.equal(read(dir, '.diaryx/.gitignore').trim(), '*')
})

test('a second run finds nothing to do and keeps the epoch', async (t) => {
  const dir = folder(t, notes)
  const first = await runJson(['init', dir])
  const second = await runJson(['init', dir])
  assert.equal(second.code, 0)
  assert.equal(second.json.epoch, first.json.epoch)
  assert.equal(second.json.workspace_id, first.json.workspace_id)
  assert.deepEqual([second.json.files, second.json.updated, second.json.deleted], [3, 0, 0])
})

test('changed, new and vanished files are counted, and renamed ones keep their text', async (t) => {
  const dir = folder(t, notes)
  await run(['init', dir])
  write(dir, 'a.md', notes['a.md'] + 'more\n')
  write(dir, 'new.md', 'new\n')
  fs.rmSync(path.join(dir, 'loose.md'))
  const done = await runJson(['init', dir])
  assert.deepEqual([done.json.files, done.json.updated, done.json.deleted], [3, 2, 1])
  const out = path.join(tempDir(t), 'out')
  await run(['materialise', dir, '--out', out])
  assert.equal(read(out, 'a.md'), notes['a.md'] + 'more\n')
  assert.ok(!exists(path.join(out, 'loose.md')))
})

test('a folder without a root index is a workspace too', async (t) => {
  const dir = folder(t, { '2024/01.md': 'one\n', '2024/02.md': 'two\n', 'x.md': 'x\n' })
  const done = await runJson(['init', dir])
  assert.equal(done.code, 0, done.stderr)
  assert.equal(done.json.files, 3)
})

test('an empty folder is a workspace of no notes', async (t) => {
  const done = await runJson(['init', tempDir(t)])
  assert.equal(done.code, 0, done.stderr)
  assert.equal(done.json.files, 0)
})

test('the example comes in whole and is not touched', async (t) => {
  const dir = journal(t)
  const before = snapshot(dir)
  const done = await runJson(['init', dir])
  assert.equal(done.code, 0, done.stderr)
  assert.ok(done.json.files >= 15)
  assert.deepEqual(snapshot(dir), before)
})

test('what is left alone is listed with its reason', async (t) => {
  const dir = folder(t, { 'good.md': 'x\n' })
  fs.symlinkSync('good.md', path.join(dir, 'link.md'))
  write(dir, 'binary.md', Buffer.from([0xff, 0xfe, 0x00, 0x80]))
  const done = await runJson(['init', dir])
  assert.equal(done.code, 0)
  assert.equal(done.json.files, 1)
  const skipped = Object.fromEntries(done.json.skipped.map(({ path, reason }) => [path, reason]))
  assert.match(skipped['link.md'], /symbolic link/)
  assert.match(skipped['binary.md'], /utf-8/i)
})

test('a file in place of the folder, or no folder, is refused', async (t) => {
  const dir = folder(t, { 'a.md': 'x' })
  assert.equal((await run(['init', path.join(dir, 'a.md')])).code, 2)
  assert.equal((await run(['init', path.join(dir, 'nope')])).code, 3)
  assert.ok(!exists(path.join(dir, 'nope')))
})

test('beside a running serve, it is the server that takes in what has changed', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  write(dir, 'a.md', notes['a.md'] + 'beside\n')
  const done = await runJson(['init', dir])
  assert.equal(done.code, 0, done.stderr)
  assert.equal(done.json.epoch, server.epoch)
  assert.equal(done.json.files, 3)
  const out = path.join(tempDir(t), 'out')
  await run(['materialise', dir, '--out', out])
  assert.equal(read(out, 'a.md'), notes['a.md'] + 'beside\n')
  await server.stop()
})

// --- which files become notes ---

async function notesOf(dir) {
  const out = path.join(dir, '..', `out-${path.basename(dir)}-${Math.random().toString(36).slice(2)}`)
  const done = await run(['materialise', '--out', out, dir])
  assert.equal(done.code, 0, done.stderr)
  const all = Object.keys(snapshot(out)).filter((name) => name.endsWith('.md')).sort()
  fs.rmSync(out, { recursive: true })
  return all
}

const family = {
  'README.md': '---\ntitle: Home\naudience: [Family]\nexclude:\n  - drafts/\n  - "*.bak.md"\ncontents:\n  - fam/a.md\n  - me.md\n  - drafts/d.md\n---\n',
  'fam/a.md': '---\npart_of: ../README.md\n---\nfor the family\n',
  'me.md': '---\npart_of: README.md\naudience: [me]\ncontents: [deep.md]\n---\n',
  'deep.md': '---\npart_of: me.md\naudience: family\n---\n',
  'drafts/d.md': 'a draft\n',
  'x.bak.md': 'backup\n',
  'loose.md': 'in no list, for nobody\n'
}

test('the patterns of the root index keep files out, and never put one away', async (t) => {
  const dir = folder(t, family)
  const before = snapshot(dir)
  const done = await runJson(['init', dir])
  assert.equal(done.json.left_out, 2)
  assert.deepEqual(await notesOf(dir), ['README.md', 'deep.md', 'fam/a.md', 'loose.md', 'me.md'])
  for (const name of Object.keys(before).filter((name) => name.endsWith('.md'))) assert.equal(snapshot(dir)[name], before[name])
  const checked = await run(['validate', dir])
  assert.equal(checked.code, 0, checked.stdout + checked.stderr)
  // A pattern that comes later: what is a note stays one, and is kept the same as its file.
  write(dir, 'README.md', family['README.md'].replace('drafts/', 'loose.md'))
  await run(['init', dir])
  write(dir, 'loose.md', 'changed on disk\n')
  const again = await runJson(['init', dir])
  assert.equal(again.json.updated, 1)
  assert.deepEqual(await notesOf(dir), ['README.md', 'deep.md', 'drafts/d.md', 'fam/a.md', 'loose.md', 'me.md'])
})

test('--audience: only what it may read, and what lies below what it may; kept until it is taken back', async (t) => {
  const dir = folder(t, family)
  const done = await runJson(['init', '--audience', 'FAMILY', dir])
  assert.equal(done.json.files, 2, done.stdout)
  assert.deepEqual(await notesOf(dir), ['README.md', 'fam/a.md'])
  write(dir, 'fam/b.md', '---\npart_of: a.md\n---\n')
  write(dir, 'fam/c.md', '---\npart_of: a.md\naudience: [nobody]\n---\n')
  await run(['init', dir])
  assert.deepEqual(await notesOf(dir), ['README.md', 'fam/a.md', 'fam/b.md'])
  const server = await serve(t, dir)
  const refused = await run(['init', '--audience', '*', dir])
  assert.equal(refused.code, 3)
  assert.match(refused.stderr, /a server is running/)
  write(dir, 'fam/live.md', '---\npart_of: a.md\naudience: nobody\n---\n')
  write(dir, 'fam/live2.md', '---\npart_of: a.md\n---\n')
  await run(['init', dir])
  await server.stop()
  assert.deepEqual(await notesOf(dir), ['README.md', 'fam/a.md', 'fam/b.md', 'fam/live2.md'])
  const all = await runJson(['init', '--audience', '*', dir])
  assert.equal(all.json.left_out, 2, 'the patterns still hold')
  assert.ok((await notesOf(dir)).includes('me.md'))
})

test('--audience without a root that says one, and default_audience', async (t) => {
  const none = folder(t, { 'README.md': '---\ncontents: [a.md]\n---\n', 'a.md': '---\npart_of: README.md\naudience: family\n---\n' })
  assert.equal((await runJson(['init', '--audience', 'family', none])).json.files, 0, 'a private root hides all below it')
  const some = folder(t, {
    'README.md': '---\nworkspace_config:\n  default_audience: [public]\ncontents: [a.md]\n---\n',
    'a.md': '---\npart_of: README.md\naudience: [family, public]\n---\n',
    'b.md': 'loose, and so public\n',
    'c.md': '---\naudience: ["*"]\n---\n',
    'd.md': '---\naudience: family\n---\n'
  })
  await run(['init', '--audience', 'public', some])
  assert.deepEqual(await notesOf(some), ['README.md', 'a.md', 'b.md', 'c.md'])
})

test('--gitignore: what git ignores stays out, also while serve runs', async (t) => {
  const dir = folder(t, { ...notes, '.gitignore': 'build/\n*.tmp.md\n', 'build/x.md': 'x\n', 'y.tmp.md': 'y\n' })
  await execute('git', ['init', '-q', dir])
  const done = await runJson(['init', '--gitignore', dir])
  assert.equal(done.json.left_out, 2)
  const server = await serve(t, dir)
  write(dir, 'z.tmp.md', 'z\n')
  write(dir, 'z.md', 'z\n')
  const listed = await until(async () => {
    const answer = await fetch(`${server.base}/api/files`, { headers: { authorization: `Bearer ${server.token}` } })
    const paths = (await answer.json()).files.map((file) => file.path)
    return paths.includes('z.md') && paths
  }, 'z.md to be a note')
  assert.deepEqual(listed.sort(), ['README.md', 'a.md', 'loose.md', 'z.md'])
  await server.stop()
  assert.equal((await runJson(['init', '--no-gitignore', dir])).json.files, 7)
})

test('nothing changed: the same is said without a look into the documents; whatever changes is seen', async (t) => {
  const dir = folder(t, { ...notes, 'scan.md': Buffer.from([0xff, 0xfe]), 'pic.png': 'x' })
  const first = await runJson(['init', dir])
  assert.equal(first.json.updated, 3)
  const facts = ({ files, updated, deleted, left_out, skipped }) => ({ files, updated, deleted, left_out, skipped })
  const level = { files: 3, updated: 0, deleted: 0, left_out: 0, skipped: first.json.skipped }
  assert.equal(level.skipped.length, 1)
  const same = async () => assert.deepEqual(facts((await runJson(['init', dir])).json), level)
  await same()
  await same()
  // Each of these is a change that a look at the store alone, or at the names alone, would miss.
  write(dir, 'scan.md', 'text now\n')
  let next = await runJson(['init', dir])
  assert.deepEqual(facts(next.json), { ...level, files: 4, updated: 1, skipped: [] })
  fs.renameSync(path.join(dir, 'loose.md'), path.join(dir, 'moved.md'))
  next = await runJson(['init', dir])
  assert.equal(next.json.files, 4)
  assert.equal(next.json.deleted, 0)
  const stat = fs.statSync(path.join(dir, 'a.md'))
  fs.writeFileSync(path.join(dir, 'a.md'), notes['a.md'].replace('text', 'TEXT'))
  fs.utimesSync(path.join(dir, 'a.md'), stat.atime, stat.mtime)
  next = await runJson(['init', dir])
  assert.equal(next.json.updated, 1, 'same size; only the finer part of its time tells')
  fs.rmSync(path.join(dir, 'a.md'))
  next = await runJson(['init', dir])
  assert.equal(next.json.deleted, 1)
  fs.chmodSync(path.join(dir, 'moved.md'), 0)
  next = await runJson(['init', dir])
  assert.equal(next.json.skipped.length, process.getuid() === 0 ? 0 : 1)
  fs.chmodSync(path.join(dir, 'moved.md'), 0o644)
  // An edit of a document that was not written to its file.
  const server = await serve(t, dir, ['--no-write-back'])
  const { files } = await (await fetch(`${server.base}/api/files`, { headers: { authorization: `Bearer ${server.token}` } })).json()
  const { id } = files.find((file) => file.path === 'moved.md')
  await fetch(`${server.base}/api/files/${id}`, { method: 'PATCH', headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' }, body: '{"title":"New"}' })
  await server.stop()
  await run(['init', dir])
  assert.match(read(dir, 'moved.md'), /title: New/)
})
