// What other programs and the system do to a folder that is served: noticed soon, whatever it is; said in plain words, once, for as
// long as it lasts; nothing lost, and nothing taken for deleted that is only out of reach.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'

import { binary, isRoot, run, runJson, serve, sleep, until } from '../support/binary.mjs'
import { Client } from '../support/client.mjs'
import { contents, folder, read, tempDir, write } from '../support/folders.mjs'

const statusOf = async (server) => (await server.request('GET', '/api/status')).json()
const notesOf = async (server) => (await (await server.request('GET', '/api/files')).json()).files.filter(({ deleted }) => !deleted)
const pathsOf = async (server) => (await notesOf(server)).map(({ path }) => path).sort()
const rawOf = async (server, name) => (await server.request('GET', `/api/raw/${name}`)).text()
const count = (text, what) => text.split(what).length - 1
const sees = (server, name, text, ms) => until(async () => (await rawOf(server, name)) === text, `${name} to be seen`, ms)
const paths = (...names) => names.sort()

// A fresh folder; what is mounted on `name` in it goes first when the test ends.
function mountDir(t, name) {
  const top = tempDir()
  t.after(() => {
    spawnSync('umount', ['-l', path.join(top, name)], { stdio: 'ignore' })
    fs.rmSync(top, { recursive: true, force: true, maxRetries: 3 })
  })
  return top
}

const mount = (...args) => spawnSync('mount', args, { stdio: 'ignore' }).status === 0

// The server in a user namespace of its own, where inotify has limits that we set. Nothing if there are no such namespaces here.
async function serveWithLimits(t, dir, limits) {
  const set = Object.entries(limits).map(([name, value]) => `echo ${value} > /proc/sys/user/max_inotify_${name}`).join(' && ')
  if (spawnSync('unshare', ['--user', '--map-root-user', 'sh', '-c', set], { stdio: 'ignore' }).status !== 0) return undefined
  const wrapper = path.join(tempDir(t), 'diaryx-sync')
  fs.writeFileSync(wrapper, `#!/bin/sh\nexec unshare --user --map-root-user sh -c '${set} && exec "$0" "$@"' ${binary} "$@"\n`, { mode: 0o755 })
  const server = await serve(t, dir, [], { program: wrapper })
  server.setLimit = (name, value) =>
    execFileSync('nsenter', ['--user', '--preserve-credentials', '--target', String(server.pid), 'sh', '-c', `echo ${value} > /proc/sys/user/max_inotify_${name}`])
  return server
}

test('20,000 folders: ready soon, small, and what is made while it starts is not missed', async (t) => {
  // In memory where there is such a place: making and removing so many takes a disk longer than all the rest.
  const dir = fs.mkdtempSync(path.join(fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'diaryx-test-'))
  t.after(() => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 3 }))
  write(dir, 'README.md', 'hello\n')
  const name = (n) => `a${n % 20}/b${Math.floor(n / 20) % 33}/c${n}`
  for (let n = 0; n < 20_000; ++n) fs.mkdirSync(path.join(dir, name(n)), { recursive: true })
  let made = 0
  const maker = setInterval(() => write(dir, `${name(made * 37 % 20_000)}/new${made}/n.md`, `note ${made++}\n`), 2)
  const server = await serve(t, dir)
  await sleep(300)
  clearInterval(maker)
  assert.ok(made > 20, `${made} notes made meanwhile`)
  await until(async () => (await pathsOf(server)).length === made + 1, `all of ${made} notes`, 20_000)
  write(dir, `${name(19_999)}/late.md`, 'late\n')
  await sees(server, `${name(19_999)}/late.md`, 'late\n', 2000)
  assert.equal((await statusOf(server)).watching.mode, 'events')
  const kilobytes = Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1])
  assert.ok(kilobytes < 100_000, `${kilobytes} KB`)
  assert.equal((await server.stop()).code, 0)
})

test('more events than the queue holds, while the server could not look: it looks at everything afterwards', async (t) => {
  const limit = Number(fs.readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'))
  if (limit > 50_000) return t.skip('the queue is too long to overflow it here')
  const dir = folder(t, { 'README.md': 'hello\n', 'a.md': 'a\n', 'gone.md': 'gone\n', 'old/b.md': 'b\n', 'twin1.txt': '', 'twin2.txt': '' })
  const server = await serve(t, dir)
  const before = Object.fromEntries((await notesOf(server)).map(({ path, id }) => [path, id]))
  process.kill(server.pid, 'SIGSTOP')
  // In turn: equal events that follow each other are merged.
  for (let n = 0; n < limit + 100; ++n) fs.utimesSync(path.join(dir, n % 2 ? 'twin1.txt' : 'twin2.txt'), n, n)
  write(dir, 'a.md', 'a, changed\n')
  write(dir, 'new/deep/c.md', 'c\n')
  fs.rmSync(path.join(dir, 'gone.md'))
  fs.renameSync(path.join(dir, 'old'), path.join(dir, 'moved'))
  process.kill(server.pid, 'SIGCONT')
  await sees(server, 'a.md', 'a, changed\n')
  await until(async () => (await pathsOf(server)).join() === paths('README.md', 'a.md', 'moved/b.md', 'new/deep/c.md').join(), 'all to be as it is')
  assert.equal((await notesOf(server)).find(({ path }) => path === 'moved/b.md').id, before['old/b.md'])
  // And new folders are watched.
  for (const name of ['new/deep/c.md', 'moved/b.md']) {
    write(dir, name, 'again\n')
    await sees(server, name, 'again\n', 2000)
  }
  await server.stop()
})

test('the watch limit: said with its remedy, looked at by time instead, watched again when there are more', async (t) => {
  const dir = folder(t, { 'README.md': 'hello\n' })
  for (let n = 0; n < 50; ++n) write(dir, `d${n}/n.md`, `note ${n}\n`)
  const server = await serveWithLimits(t, dir, { watches: 20 })
  if (!server) return t.skip('needs user namespaces')
  const client = await Client.connect(server)
  const { watching } = await statusOf(server)
  assert.equal(watching.mode, 'polling')
  assert.match(watching.message, /31 of 51 folders cannot be watched.*max_inotify_watches is 20/)
  assert.match(watching.hint, /sudo sysctl user\.max_inotify_watches=\d+/)
  const shown = await run(['status', dir])
  assert.match(shown.stdout, /watching: 31 of 51 folders.*sudo sysctl/)
  assert.deepEqual((await runJson(['status', dir])).json.watching, watching)
  assert.equal(count(server.stderr, 'cannot be watched'), 1, server.stderr)
  for (let n = 0; n < 50; ++n) write(dir, `d${n}/n.md`, `NOTE ${n}\n`)
  for (let n = 0; n < 50; ++n) await sees(server, `d${n}/n.md`, `NOTE ${n}\n`, 20_000)
  const note = await client.body('d49/n.md')
  note.text.insert(0, 'typed ')
  await until(() => read(dir, 'd49/n.md') === 'typed NOTE 49\n', 'the way to the disk')
  server.setLimit('watches', 1000)
  await until(async () => (await statusOf(server)).watching.mode === 'events', 'the watch to be whole again', 40_000)
  assert.deepEqual((await statusOf(server)).watching, { mode: 'events', message: null, hint: null })
  for (let n = 0; n < 50; ++n) write(dir, `d${n}/in/n.md`, `new ${n}\n`)
  for (let n = 0; n < 50; ++n) await sees(server, `d${n}/in/n.md`, `new ${n}\n`, 2000)
  assert.equal(count(server.stderr, 'cannot be watched'), 1, server.stderr)
  await client.close()
  await server.stop()
})

test('no inotify at all: everything is looked at by time, and cheaply', async (t) => {
  const dir = folder(t, { 'README.md': 'hello\n', 'sub/a.md': 'a\n' })
  const server = await serveWithLimits(t, dir, { instances: 0 })
  if (!server) return t.skip('needs user namespaces')
  assert.match((await statusOf(server)).watching.message, /the folder cannot be watched.*max_inotify_instances is 0/)
  write(dir, 'sub/a.md', 'changed\n')
  await sees(server, 'sub/a.md', 'changed\n', 20_000)
  write(dir, 'sub/new/b.md', 'new\n')
  await sees(server, 'sub/new/b.md', 'new\n', 20_000)
  fs.rmSync(path.join(dir, 'sub/a.md'))
  await until(async () => !(await pathsOf(server)).includes('sub/a.md'), 'the deleted one to go', 20_000)
  const ticks = () => fs.readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(' ').slice(13, 15).reduce((a, b) => a + Number(b), 0)
  const start = ticks()
  await sleep(3000)
  assert.ok(ticks() - start <= 30, `${ticks() - start} ticks of ten milliseconds in three seconds`)
  await server.stop()
})

for (const [how, take, giveBack] of [
  ['moved away', (dir) => fs.renameSync(dir, dir + '-away'), (dir) => fs.renameSync(dir + '-away', dir)],
  [
    'replaced by another folder',
    (dir) => {
      fs.renameSync(dir, dir + '-away')
      write(dir, 'README.md', 'of somebody else\n')
    },
    (dir) => {
      assert.deepEqual(fs.readdirSync(dir), ['README.md'], 'nothing was written there')
      fs.rmSync(dir, { recursive: true })
      fs.renameSync(dir + '-away', dir)
    }
  ],
  ['unmounted', (dir) => execFileSync('umount', ['-l', dir]), (dir) => execFileSync('mount', ['--bind', dir + '-real', dir])]
]) {
  test(`a root that is ${how}, and back: nothing counts as deleted, and it goes on`, async (t) => {
    const dir = path.join(mountDir(t, 'notes'), 'notes')
    const files = { 'README.md': 'hello\n', 'sub/a.md': 'a\n', 'sub/b.md': 'b\n' }
    if (how === 'unmounted') {
      if (!isRoot) return t.skip('needs to mount')
      for (const [name, text] of Object.entries(files)) write(dir + '-real', name, text)
      fs.mkdirSync(dir)
      if (!mount('--bind', dir + '-real', dir)) return t.skip('needs to mount')
    } else {
      for (const [name, text] of Object.entries(files)) write(dir, name, text)
    }
    const server = await serve(t, dir)
    const client = await Client.connect(server)
    const note = await client.body('sub/a.md')
    for (let round = 0; round < 2; ++round) {
      take(dir)
      const gone = await until(async () => {
        const { watching } = await statusOf(server)
        return watching.mode === 'gone' && watching
      }, 'it to be noticed')
      assert.match(gone.message, how.startsWith('replaced') ? /another folder/ : /no longer there|another folder/)
      await server.request('POST', '/api/reconcile', {})
      await sleep(500)
      assert.equal((await statusOf(server)).files, 3)
      assert.equal((await pathsOf(server)).length, 3)
      giveBack(dir)
      await until(async () => (await statusOf(server)).watching.mode === 'events', 'it to be back')
      fs.appendFileSync(path.join(dir, 'sub/b.md'), `round ${round}\n`)
      await until(async () => (await rawOf(server, 'sub/b.md')).endsWith(`round ${round}\n`), 'a change after it was back', 3000)
      note.text.insert(0, `typed ${round} `)
      await until(() => read(dir, 'sub/a.md').startsWith(`typed ${round} `), 'the way to the disk')
    }
    await until(async () => (await statusOf(server)).troubles.length === 0, 'nothing to be wrong any more')
    assert.ok(count(server.stderr, '\n') <= 8, server.stderr)
    const settled = contents(dir)
    assert.equal(Object.keys(settled).filter((name) => name.endsWith('.md')).length, 3)
    assert.ok(!fs.existsSync(path.join(dir, '.diaryx/trash')))
    await client.close()
    await server.stop()
  })
}

test('a file system that comes and goes below the root is noticed', async (t) => {
  const dir = mountDir(t, 'disk')
  write(dir, 'README.md', 'hello\n')
  fs.mkdirSync(path.join(dir, 'disk'))
  const server = await serve(t, dir)
  const inner = folder(t, { 'c.md': 'c\n' })
  if (!mount('--bind', inner, path.join(dir, 'disk'))) return t.skip('needs to mount')
  await sees(server, 'disk/c.md', 'c\n', 2000)
  write(dir, 'disk/c.md', 'changed\n')
  await sees(server, 'disk/c.md', 'changed\n', 2000)
  execFileSync('umount', ['-l', path.join(dir, 'disk')])
  await until(async () => (await statusOf(server)).troubles.some((trouble) => trouble.path === 'disk'), 'it to be away', 5000)
  assert.deepEqual(await pathsOf(server), paths('README.md', 'disk/c.md'))
  fs.rmdirSync(path.join(dir, 'disk'))
  await until(async () => (await pathsOf(server)).join() === 'README.md', 'what was given up to go', 5000)
  assert.equal(read(inner, 'c.md'), 'changed\n')
  await server.stop()
})

test('a file system below the root that is unmounted takes no note with it, also over a restart', async (t) => {
  const dir = mountDir(t, 'disk')
  write(dir, 'README.md', 'hello\n')
  const disk = path.join(dir, 'disk')
  fs.mkdirSync(disk)
  if (!isRoot || !mount('-t', 'tmpfs', 'none', disk)) return t.skip('needs to mount')
  const kept = path.join(mountDir(t, 'kept'), 'kept')  // So that the tmpfs outlives its being unmounted.
  fs.mkdirSync(kept)
  if (!mount('--bind', disk, kept)) return t.skip('needs to mount')
  write(dir, 'disk/a.md', 'a\n')
  write(dir, 'disk/sub/b.md', 'b\n')
  let server = await serve(t, dir)
  const all = paths('README.md', 'disk/a.md', 'disk/sub/b.md')
  assert.deepEqual(await pathsOf(server), all)
  execFileSync('umount', ['-l', disk])
  const trouble = await until(async () => (await statusOf(server)).troubles.find(({ path }) => path === 'disk'), 'it to be told', 5000)
  assert.match(trouble.message, /is away; its 2 notes do not count as deleted/)
  await server.request('POST', '/api/reconcile', {})
  assert.deepEqual(await pathsOf(server), all)
  assert.match((await run(['status', dir])).stdout, /disk: the file system that was mounted there is away/)
  await server.stop()
  assert.equal((await run(['init', dir])).code, 0)
  server = await serve(t, dir)
  assert.deepEqual(await pathsOf(server), all)
  const client = await Client.connect(server)
  const note = await client.body('disk/a.md')
  note.text.insert(0, 'typed ')
  await sleep(1500)
  assert.deepEqual(fs.readdirSync(disk), [], 'nothing is written into the empty folder')
  assert.ok(mount('--bind', kept, disk))
  await until(() => read(dir, 'disk/a.md') === 'typed a\n', 'what was typed to be written', 10_000)
  await until(async () => (await statusOf(server)).troubles.length === 0, 'the trouble to be over')
  fs.rmSync(path.join(disk, 'sub/b.md'))
  await until(async () => (await pathsOf(server)).join() === paths('README.md', 'disk/a.md').join(), 'a deletion to be one', 5000)
  await client.close()
  assert.equal((await server.stop()).code, 0)
})

// Somebody for whom permissions count: root may do everything. The program lies where that one can reach it.
async function serveAsNobody(t, dir) {
  if (!isRoot) return serve(t, dir)
  const program = path.join(tempDir(t), 'diaryx-sync')
  fs.copyFileSync(binary, program)
  fs.chmodSync(program, 0o755)
  fs.chmodSync(path.dirname(program), 0o755)
  execFileSync('chown', ['-R', '65534:65534', dir])
  return serve(t, dir, [], { program, user: { uid: 65534, gid: 65534 }, env: { HOME: '/nonexistent' } })
}

for (const [what, close, open] of [
  ['a read-only file', (dir) => fs.chmodSync(path.join(dir, 'sub/a.md'), 0o444), (dir) => fs.chmodSync(path.join(dir, 'sub/a.md'), 0o644)],
  ['a read-only folder', (dir) => fs.chmodSync(path.join(dir, 'sub'), 0o555), (dir) => fs.chmodSync(path.join(dir, 'sub'), 0o755)]
]) {
  test(`${what}: one message with the path, tried again, told as long as it lasts, written then`, async (t) => {
    const dir = folder(t, { 'README.md': 'hello\n', 'sub/a.md': 'a\n', 'b.md': 'b\n' })
    const server = await serveAsNobody(t, dir)
    const client = await Client.connect(server)
    const note = await client.body('sub/a.md')
    close(dir)
    note.text.insert(0, 'typed ')
    const [trouble] = await until(async () => {
      const { troubles } = await statusOf(server)
      return troubles.length > 0 && troubles
    }, 'the trouble to be told')
    assert.equal(trouble.path, 'sub/a.md')
    assert.equal(trouble.unsaved, true)
    assert.match(trouble.message, /permission denied|read-only/)
    assert.doesNotMatch(trouble.message, /sub\/a\.md/, 'the path is told once')
    const shown = await run(['status', dir])
    assert.match(shown.stdout, /troubles: 1\n {2}sub\/a\.md: cannot be written: /)
    assert.deepEqual((await runJson(['status', dir])).json.troubles, [trouble])
    await sleep(4000)
    assert.equal(count(server.stderr, 'sub/a.md'), 1, server.stderr)
    assert.equal(read(dir, 'sub/a.md'), 'a\n')
    ;(await client.body('b.md')).text.insert(0, 'typed ')
    await until(() => read(dir, 'b.md') === 'typed b\n', 'others to be written')
    open(dir)
    await until(() => read(dir, 'sub/a.md') === 'typed a\n', 'it to be written', 10_000)
    await until(async () => (await statusOf(server)).troubles.length === 0, 'the trouble to be over')
    assert.doesNotMatch((await run(['status', dir])).stdout, /troubles/)
    await client.close()
    assert.equal((await server.stop()).code, 0)
  })
}

test('files and folders that may not be read for a while: told, not taken for deleted, and read again at once', async (t) => {
  const dir = folder(t, { 'README.md': 'hello\n', 'sub/a.md': 'a\n', 'sub/deep/b.md': 'b\n', 'c.md': 'c\n' })
  const server = await serveAsNobody(t, dir)
  t.after(() => fs.existsSync(dir) && fs.chmodSync(path.join(dir, 'sub'), 0o755))
  for (let round = 0; round < 2; ++round) {
    fs.chmodSync(path.join(dir, 'c.md'), 0)
    fs.chmodSync(path.join(dir, 'sub'), 0)
    const troubles = await until(async () => {
      const { troubles } = await statusOf(server)
      return troubles.length === 2 && troubles
    }, 'both to be told')
    assert.deepEqual(troubles.map(({ path, unsaved }) => [path, unsaved]), [['c.md', false], ['sub', false]])
    assert.ok(troubles.every(({ message }) => /permission denied/.test(message)))
    await server.request('POST', '/api/reconcile', {})
    assert.equal((await pathsOf(server)).length, 4)
    fs.chmodSync(path.join(dir, 'c.md'), 0o644)
    fs.chmodSync(path.join(dir, 'sub'), 0o755)
    await until(async () => (await statusOf(server)).troubles.length === 0, 'it to be over', 5000)
    write(dir, 'sub/deep/b.md', `round ${round}\n`)
    await sees(server, 'sub/deep/b.md', `round ${round}\n`, 2000)
  }
  assert.equal((await pathsOf(server)).length, 4)
  await server.stop()
})

test('a full disk: said once, told as long as it lasts, no busy retries; nothing lost, and all written once there is room', async (t) => {
  const dir = path.join(mountDir(t, 'notes'), 'notes')
  fs.mkdirSync(dir)
  // The notes lie on a disk of their own, the store does not: what is typed is safe, only the files cannot follow.
  if (!isRoot || !mount('-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dir)) return t.skip('needs to mount a tmpfs')
  t.after(() => spawnSync('umount', ['-l', path.join(dir, 'sub')]))
  write(dir, 'README.md', 'hello\n')
  fs.mkdirSync(path.join(dir, 'sub'))
  assert.ok(mount('-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path.join(dir, 'sub')))
  for (let n = 0; n < 20; ++n) write(dir, `sub/n${n}.md`, `note ${n}\n`)
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  fs.writeFileSync(path.join(dir, 'sub/filler.bin'), '')
  try {
    for (;;) fs.appendFileSync(path.join(dir, 'sub/filler.bin'), Buffer.alloc(4096, 1))
  } catch (error) {
    assert.equal(error.code, 'ENOSPC')
  }
  for (let n = 0; n < 20; ++n) (await client.body(`sub/n${n}.md`)).text.insert(0, 'typed '.repeat(1000))
  const { troubles } = await until(async () => {
    const status = await statusOf(server)
    return status.troubles.length === 20 && status
  }, 'all to be told')
  assert.ok(troubles.every(({ path, message, unsaved }) => /^sub\/n\d+\.md$/.test(path) && /no space left/.test(message) && unsaved), JSON.stringify(troubles))
  assert.match((await run(['status', dir])).stdout, /sub\/n1\.md: cannot be written: .*no space left/)
  await sleep(4000)
  assert.ok(count(server.stderr, '\n') <= 12, server.stderr)
  assert.match(server.stderr, /sub\/n\d+\.md: [^\n]*no space left[^\n]*free some space/)
  for (let n = 0; n < 20; ++n) assert.equal(read(dir, `sub/n${n}.md`), `note ${n}\n`)
  fs.rmSync(path.join(dir, 'sub/filler.bin'))
  for (let n = 0; n < 20; ++n) await until(() => read(dir, `sub/n${n}.md`) === 'typed '.repeat(1000) + `note ${n}\n`, `note ${n}`, 15_000)
  await until(async () => (await statusOf(server)).troubles.length === 0, 'the trouble to be over')
  await client.close()
  await server.stop()
})

test('a store that cannot be written: said once, told by status, tried again without haste, and over when there is room', async (t) => {
  const dir = path.join(mountDir(t, 'notes'), 'notes')
  fs.mkdirSync(dir)
  if (!isRoot || !mount('-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dir)) return t.skip('needs to mount a tmpfs')
  write(dir, 'README.md', 'hello\n')
  const server = await serve(t, dir)
  const filler = path.join(dir, 'filler.bin')
  fs.writeFileSync(filler, '')
  for (const size of [65536, 4096, 1]) {
    try {
      for (;;) fs.appendFileSync(filler, Buffer.alloc(size, 1))
    } catch (error) {
      assert.equal(error.code, 'ENOSPC')
    }
  }
  let typed = ''
  let last
  await until(async () => {
    if (!last || last.closed) last = await Client.connect(server)
    const text = `${'x'.repeat(30_000)}\n`
    ;(await last.body('README.md')).text.insert(0, text)
    await sleep(100)
    return (await statusOf(server)).troubles.some(({ path }) => path === '.diaryx/store.db')
  }, 'the store to be full')
  const ticks = () => fs.readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(' ').slice(13, 15).reduce((a, b) => a + Number(b), 0)
  const start = ticks()
  await sleep(3000)
  assert.ok(ticks() - start < 100, `${ticks() - start} ticks of ten milliseconds in three seconds`)
  assert.ok(count(server.stderr, '\n') <= 6, server.stderr)
  assert.match((await run(['status', dir])).stdout, /\.diaryx\/store\.db: cannot be written: /)
  fs.rmSync(filler)
  const client = await Client.connect(server)
  const note = await client.body('README.md')
  note.text.insert(0, (typed = 'there is room\n'))
  await until(() => read(dir, 'README.md').startsWith(typed), 'it to be written', 10_000)
  assert.equal(read(dir, 'README.md'), note.text.toString())
  assert.ok(note.text.toString().endsWith('hello\n'))
  await until(async () => (await statusOf(server)).troubles.length === 0, 'the trouble to be over')
  await client.close()
  assert.equal((await server.stop()).code, 0)
})

test('folders and files moved in, out, within, swapped, and to another case: followed, nothing lost or doubled', async (t) => {
  const outside = folder(t, { 'in/x.md': 'x\n', 'in/deep/y.md': 'y\n' })
  const dir = folder(t, { 'README.md': 'hello\n' })
  for (const top of ['one', 'two', 'three']) for (let n = 0; n < 5; ++n) write(dir, `${top}/sub/${n}.md`, `${top} ${n}\n`)
  write(dir, 'Case.md', 'case\n')
  const server = await serve(t, dir)
  const idOf = async (name) => (await notesOf(server)).find(({ path }) => path === name)?.id
  const before = new Map((await notesOf(server)).map(({ id, path }) => [path, id]))
  const now = () => Object.keys(contents(dir)).filter((name) => name.endsWith('.md')).sort()
  const settled = async (what) => {
    await until(async () => {
      const listed = await pathsOf(server)
      if (listed.join() !== now().join()) return false
      for (const name of listed) if ((await rawOf(server, name)) !== read(dir, name)) return false
      return true
    }, what)
    await sleep(700) // Nothing is written back that is not there any more.
    assert.deepEqual(await pathsOf(server), now(), what)
  }
  const move = (from, to) => fs.renameSync(path.join(dir, from), path.join(dir, to))

  move('one', 'uno')
  await settled('within')
  for (let n = 0; n < 5; ++n) assert.equal(await idOf(`uno/sub/${n}.md`), before.get(`one/sub/${n}.md`))
  fs.mkdirSync(path.join(dir, 'below'))
  move('uno', 'below/uno')
  await settled('below')
  for (let n = 0; n < 5; ++n) assert.equal(await idOf(`below/uno/sub/${n}.md`), before.get(`one/sub/${n}.md`))
  fs.renameSync(path.join(outside, 'in'), path.join(dir, 'in'))
  await settled('in')
  fs.renameSync(path.join(dir, 'in'), path.join(outside, 'out'))
  await settled('out')
  move('two', 'swapping')
  move('three', 'two')
  move('swapping', 'three')
  await settled('swapped')
  assert.equal(read(dir, 'two/sub/3.md'), 'three 3\n')
  assert.equal(read(dir, 'three/sub/3.md'), 'two 3\n')
  const twice = (await notesOf(server)).map(({ id }) => id)
  assert.equal(new Set(twice).size, twice.length)
  move('Case.md', 'case.md')
  await settled('another case')
  assert.equal(await idOf('case.md'), before.get('Case.md'))
  const two = await idOf('two/sub/1.md')
  move('two', 'Two')
  await settled('a folder in another case')
  assert.equal(await idOf('Two/sub/1.md'), two)
  // Renamed twice in one breath, and into a folder that is made in the same breath.
  move('Two', 'Zwei')
  move('Zwei', 'deux')
  fs.mkdirSync(path.join(dir, 'fresh'))
  move('deux', 'fresh/deux')
  await settled('twice')
  assert.equal(await idOf('fresh/deux/sub/1.md'), two)
  write(dir, 'fresh/deux/sub/1.md', 'written where it went\n')
  await sees(server, 'fresh/deux/sub/1.md', 'written where it went\n', 2000)
  await server.stop()
})

test('times that jump, and a change that keeps size and time: the text counts', async (t) => {
  const dir = folder(t, { 'README.md': 'hello\n', 'a.md': 'text 0\n' })
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  const note = await client.body('a.md')
  const file = path.join(dir, 'a.md')
  const dates = ['1970-01-01', '1901-12-14', '2038-01-20', '2100-01-01', '2000-02-29']
  for (const [n, date] of dates.entries()) {
    write(dir, 'a.md', `text ${n + 1}\n`)
    execFileSync('touch', ['-d', date, file])
    await until(() => note.text.toString() === `text ${n + 1}\n`, `the text of ${date}`, 3000)
    note.text.insert(0, 'typed ')
    await until(() => read(dir, 'a.md') === `typed text ${n + 1}\n`, `what was typed, over the file of ${date}`, 5000)
    // The file is back as it was when it was last in step, to the nanosecond.
    const { atimeMs, mtimeMs } = fs.statSync(file)
    write(dir, 'a.md', `TYPED text ${n + 1}\n`)
    fs.utimesSync(file, atimeMs / 1000, mtimeMs / 1000)
    await until(() => note.text.toString() === `TYPED text ${n + 1}\n`, 'a change without a trace', 3000)
  }
  for (const date of dates) execFileSync('touch', ['-d', date, file])
  await sleep(1500)
  assert.equal(read(dir, 'a.md'), `TYPED text ${dates.length}\n`)
  assert.equal((await statusOf(server)).pending.length, 0)
  await client.close()
  await server.stop()
})
