// What the world throws at us: a clear message each, the rest works, nothing is lost.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import { binary, execute, exists, isRoot, run, runJson, serve, sleep, until } from '../support/binary.mjs'
import { Client } from '../support/client.mjs'
import { sql } from '../support/diaryx_database.mjs'
import { contents, folder, read, snapshot, tempDir, write } from '../support/folders.mjs'

const good = { 'README.md': '---\ntitle: Home\n---\nhello\n' }

// The rest works: a client can edit the good note, and its file follows.
async function restWorks(t, dir) {
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  const note = await client.body('README.md')
  const line = `still alive ${Date.now()}\n`
  note.text.insert(note.text.length, line)
  await until(() => read(dir, 'README.md').endsWith(line), 'the good note to be written', 5000)
  await client.close()
  assert.equal((await server.stop()).code, 0)
}

const skippedReason = (json, name) => json.skipped.find((entry) => entry.path === name)?.reason

test('a header that is no YAML: reported, kept octet for octet, its body lives', async (t) => {
  const header = '---\ntitle: "never closed\nlist: [1, 2\n\t- tab\n---\n'
  const dir = folder(t, { ...good, 'broken.md': header + 'body\n' })
  const before = snapshot(dir)
  assert.equal((await run(['init', dir])).code, 0)
  assert.deepEqual(snapshot(dir), before)
  const report = await runJson(['validate', dir])
  assert.equal(report.code, 1)
  const issue = report.json.issues.find(({ kind }) => kind === 'UnreadableHeader')
  assert.equal(issue?.path, 'broken.md')
  assert.match(issue.message, /line|column|\d/)
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  ;(await client.body('broken.md')).text.insert(0, 'edited ')
  await until(() => read(dir, 'broken.md') === header + 'edited body\n', 'the body to be written', 5000)
  await client.close()
  await server.stop()
  await restWorks(t, dir)
})

test('binary in .md: left alone and named', async (t) => {
  const binaryNote = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0xff, 0xfe, 0xc3, 0x28])
  const dir = folder(t, { ...good, 'image.md': binaryNote, 'latin1.md': Buffer.from('J\xe4nner\n', 'latin1') })
  const init = await runJson(['init', dir])
  assert.equal(init.code, 0, init.stderr)
  assert.match(skippedReason(init.json, 'image.md') ?? '', /utf-8/i)
  assert.match(skippedReason(init.json, 'latin1.md') ?? '', /utf-8/i)
  const report = await runJson(['validate', dir])
  assert.ok(report.json.issues.some(({ kind, path }) => kind === 'UnreadableFile' && path === 'image.md'), report.stdout)
  await restWorks(t, dir)
  assert.deepEqual(fs.readFileSync(path.join(dir, 'image.md')), binaryNote)
})

test('a file of 100 MB: left alone, at once', async (t) => {
  const dir = folder(t, good)
  const line = 'a line of an enormous note\n'
  write(dir, 'huge.md', Buffer.alloc(100_000_000, line))
  const start = Date.now()
  const init = await runJson(['init', dir])
  assert.equal(init.code, 0, init.stderr)
  assert.ok(Date.now() - start < 5000, `${Date.now() - start} ms`)
  assert.match(skippedReason(init.json, 'huge.md') ?? '', /larger than 16 MiB/)
  await restWorks(t, dir)
  assert.equal(fs.statSync(path.join(dir, 'huge.md')).size, 100_000_000)
})

test('files and folders that may not be read: named, and no reason to think that they were deleted', async (t) => {
  const dir = folder(t, { ...good, 'secret.md': 'secret\n', 'closed/in.md': 'inside\n' })
  // Root reads everything: be somebody else.
  const program = path.join(tempDir(t), 'diaryx-sync')
  fs.copyFileSync(binary, program)
  fs.chmodSync(program, 0o755)
  fs.chmodSync(path.dirname(program), 0o755)
  const nobody = isRoot ? { uid: 65534, gid: 65534 } : {}
  if (isRoot) execFileSync('chown', ['-R', '65534:65534', dir])
  const as = async (...args) => {
    const done = await execute(program, [...args, '--json'], { user: nobody, env: { HOME: '/nonexistent' } })
    return { ...done, json: JSON.parse(done.stdout) }
  }
  assert.equal((await as('init', dir)).json.files, 3)
  fs.chmodSync(path.join(dir, 'secret.md'), 0)
  fs.chmodSync(path.join(dir, 'closed'), 0)
  t.after(() => fs.existsSync(dir) && fs.chmodSync(path.join(dir, 'closed'), 0o755))
  const init = await as('init', dir)
  assert.equal(init.code, 0, init.stderr)
  assert.equal(init.json.deleted, 0, 'what cannot be read is not gone')
  assert.match(skippedReason(init.json, 'secret.md') ?? '', /permission/)
  assert.match(skippedReason(init.json, 'closed') ?? skippedReason(init.json, 'closed/') ?? '', /permission/)
  fs.chmodSync(path.join(dir, 'secret.md'), 0o644)
  fs.chmodSync(path.join(dir, 'closed'), 0o755)
  assert.deepEqual([(await as('init', dir)).json.files, read(dir, 'secret.md'), read(dir, 'closed/in.md')], [3, 'secret\n', 'inside\n'])
})

test('symbolic links, loops of them and ways out of the root: not followed, named', async (t) => {
  const outside = folder(t, { 'private.md': 'private\n', 'sub/more.md': 'private\n' })
  const dir = folder(t, good)
  fs.symlinkSync('.', path.join(dir, 'loop'))
  fs.symlinkSync('b.md', path.join(dir, 'a.md'))
  fs.symlinkSync('a.md', path.join(dir, 'b.md'))
  fs.symlinkSync(path.join(outside, 'private.md'), path.join(dir, 'out.md'))
  fs.symlinkSync(outside, path.join(dir, 'way-out'))
  const before = snapshot(dir)
  const init = await runJson(['init', dir])
  assert.equal(init.code, 0, init.stderr)
  assert.equal(init.json.files, 1)
  for (const name of ['loop', 'a.md', 'b.md', 'out.md', 'way-out']) {
    assert.match(skippedReason(init.json, name) ?? '', /symbolic link/, name)
  }
  const copy = path.join(tempDir(t), 'out')
  await run(['materialise', dir, '--out', copy])
  assert.deepEqual(Object.keys(contents(copy)), ['README.md'])
  assert.deepEqual(snapshot(dir), before)
  await restWorks(t, dir)
})

test('a contents link out of the root: a finding, not a file', async (t) => {
  const dir = folder(t, {
    'README.md': '---\ntitle: Home\ncontents:\n  - "[Out](../outside.md)"\n  - "[Passwords](/../../etc/passwd)"\n---\nhello\n'
  })
  const before = snapshot(dir)
  const init = await runJson(['init', dir])
  assert.equal(init.code, 0, init.stderr)
  assert.equal(init.json.files, 1)
  const report = await runJson(['validate', dir])
  assert.equal(report.code, 1)
  assert.ok(report.json.issues.length >= 2, report.stdout)
  assert.ok(report.json.issues.every(({ path }) => path === 'README.md'))
  assert.deepEqual(snapshot(dir), before)
  await restWorks(t, dir)
})

// A file system of its own, small enough to fill. Nothing if we may not mount.
function smallDisk(t, megabytes) {
  if (!isRoot) return undefined
  const dir = tempDir()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', dir], { stdio: 'ignore' })
  } catch {
    fs.rmdirSync(dir)
    return undefined
  }
  t.after(() => {
    execFileSync('umount', ['-l', dir])
    fs.rmdirSync(dir)
  })
  return dir
}

// Leaves no room at all; removing the file gives it back.
function fill(dir) {
  const filler = path.join(dir, 'filler.bin')
  const file = fs.openSync(filler, 'w')
  try {
    for (let size = 1 << 20; size >= 1; size >>= 1) {
      try {
        for (;;) fs.writeSync(file, Buffer.alloc(size, 1))
      } catch (error) {
        if (error.code !== 'ENOSPC') throw error
      }
    }
  } finally {
    fs.closeSync(file)
  }
  return filler
}

test('a full disk: init says so, changes nothing, and works once there is room', async (t) => {
  const dir = smallDisk(t, 4)
  if (!dir) return t.skip('needs to mount a tmpfs')
  for (const [name, text] of Object.entries(good)) write(dir, name, text)
  const before = contents(dir)
  const filler = fill(dir)
  const full = await runJson(['init', dir])
  assert.equal(full.code, 3, full.stdout)
  assert.equal(full.json.error.code, 'no_space')
  assert.match(full.stderr, /^diaryx-sync: [^\n]+; [^\n]+\n$/)
  fs.rmSync(filler)
  assert.deepEqual(contents(dir), before)
  assert.equal((await runJson(['init', dir])).json.files, 1)
})

test('a disk that fills while serve runs: nothing that was shown is lost, and it goes on once there is room', async (t) => {
  const dir = smallDisk(t, 8)
  if (!dir) return t.skip('needs to mount a tmpfs')
  for (const [name, text] of Object.entries(good)) write(dir, name, text)
  const server = await serve(t, dir)
  let [writer, reader] = [await Client.connect(server), await Client.connect(server)]
  let shown = await reader.body('README.md')
  let note = await writer.body('README.md')
  note.text.insert(0, 'before\n')
  await until(() => shown.text.toString().startsWith('before'), 'the text to be shown')
  await server.flush()
  const filler = fill(dir)
  // Types until something gives: the store cannot append, so the clients are closed and told why.
  for (let n = 0; n < 400 && !writer.closed; ++n) {
    note.text.insert(0, `line ${n} ${'x'.repeat(20_000)}\n`)
    await sleep(5)
  }
  const wasShown = shown.text.toString()
  assert.ok(writer.closed, 'the store could not take it, and the client was told')
  assert.equal(writer.closed.code, 1011)
  assert.notEqual(writer.closed.reason, '')
  assert.equal((await server.request('GET', '/api/status')).status, 200, 'the server lives')
  assert.match(read(dir, 'README.md'), /hello\n$/, 'the file is whole')
  fs.rmSync(filler)

  await writer.reconnect(server)
  const fresh = await Client.connect(server)
  const again = await fresh.body('README.md')
  await until(() => again.text.toString() === note.text.toString(), 'the client that comes back to bring what the disk lacked')
  for (const line of wasShown.split('\n')) assert.ok(again.text.toString().includes(line))
  await server.flush()
  assert.ok(read(dir, 'README.md').endsWith(again.text.toString()))
  await writer.close()
  await fresh.close()
  reader.drop()
  assert.equal((await server.stop()).code, 0)
})

test('a store of a newer diaryx-sync: every command says so and leaves it alone', async (t) => {
  const dir = folder(t, good)
  await run(['init', dir])
  const store = path.join(dir, '.diaryx/store.db')
  assert.ok(!exists(store + '-wal'), 'closed in order, so that the file is all of it')
  sql(store, "PRAGMA user_version = 1002; UPDATE meta SET value = '1002' WHERE key = 'schema_version'")
  const before = fs.readFileSync(store)
  for (const args of [['init'], ['serve', '--port', '0'], ['validate'], ['status'], ['commit'], ['materialise', '--out', path.join(tempDir(t), 'x')]]) {
    const done = await runJson([...args, '-C', dir])
    assert.equal(done.code, 3, args[0])
    assert.equal(done.json.error.code, 'too_new', done.stdout)
    assert.match(done.stderr, /newer/)
  }
  assert.deepEqual(fs.readFileSync(store), before)
  assert.equal(read(dir, 'README.md'), good['README.md'])
})

test('a damaged version number is damage, and no newer program: repair mends it', async (t) => {
  const dir = folder(t, good)
  const { json: made } = await runJson(['init', dir])
  const store = path.join(dir, '.diaryx/store.db')
  sql(store, 'PRAGMA user_version = 34')
  const found = await runJson(['validate', dir])
  assert.equal(found.code, 1, found.stderr)
  assert.match(found.stdout, /schema version 34 in its header, 2 in its table/)
  assert.equal((await runJson(['init', dir])).json.error.code, 'corrupt')
  const mended = await runJson(['repair', dir])
  assert.equal(mended.code, 0, mended.stderr)
  const after = await runJson(['status', dir])
  assert.equal(after.code, 0, after.stderr)
  assert.equal(after.json.workspace_id, made.workspace_id)
  assert.equal((await runJson(['validate', dir])).code, 0)
  assert.equal(read(dir, 'README.md'), good['README.md'])
})

test('a store that is damaged is an error, never an empty workspace', async (t) => {
  const dir = folder(t, good)
  await run(['init', dir])
  const store = path.join(dir, '.diaryx/store.db')
  fs.writeFileSync(store, Buffer.alloc(8192, 0x5a))
  const before = snapshot(dir)
  for (const args of [['init'], ['materialise', '--out', `${dir}-out`], ['status']]) {
    const done = await runJson([...args, '-C', dir])
    assert.equal(done.code, 3, args[0])
    assert.equal(done.json.error.code, 'corrupt', done.stdout)
  }
  const looked = await runJson(['validate', '-C', dir])
  assert.equal(looked.code, 1)
  assert.deepEqual(looked.json.issues.map(({ kind }) => kind), ['DamagedStore'])
  assert.deepEqual(fs.readFileSync(store), Buffer.alloc(8192, 0x5a))
  assert.deepEqual(snapshot(dir), before)
})
