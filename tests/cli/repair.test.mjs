// repair: whatever is broken in the store, validate (or whoever meets it) says so, and afterwards everything that is on disk is there,
// the workspace is sound and can be served, and the damaged store is kept.
//   DIARYX_SEED and DIARYX_ROUNDS choose another run; the seed is printed.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import { call } from '../support/api.mjs'
import { exists, run, runJson, serve, until } from '../support/binary.mjs'
import { Client } from '../support/client.mjs'
import { folder, read, snapshot, tempDir, write } from '../support/folders.mjs'
import { git, repositoryAt } from '../support/git.mjs'
import { random } from '../support/random.mjs'

const seed = Number(process.env.DIARYX_SEED ?? Date.now() % 1_000_000)
const rounds = Number(process.env.DIARYX_ROUNDS ?? 25)
const kPage = 4096

function notes(count = 12) {
  const names = Array.from({ length: count }, (_, n) => `n${n}.md`)
  return {
    'README.md': `---\ntitle: Home\ncontents:\n${names.map((name) => `  - "[${name}](/${name})"`).join('\n')}\n---\nWelcome.\n`,
    ...Object.fromEntries(
      names.map((name, n) => [name, `---\n# kept\ntitle: ${name}\npart_of: "[Home](/README.md)"\nmood: ${n}\n---\n${`Line of ${name}.\n`.repeat(20 + 40 * n)}`])
    )
  }
}

// A workspace that has been lived in: notes from disk, typing of a peer, a note made there.
async function livedIn(t) {
  const dir = folder(t, notes())
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  for (const name of ['n0.md', 'n3.md', 'n11.md']) {
    const note = await client.body(name)
    for (let i = 0; i < 40; ++i) note.text.insert(0, `typed ${i}\n`)
  }
  assert.equal((await call(server, 'POST', '/api/files', { body: { title: 'Made here', body: 'By hand.\n' } })).status, 201)
  await until(() => read(dir, 'n11.md').includes('typed 39'), 'the typing to be on disk')
  await server.flush()
  await client.close()
  assert.equal((await server.stop()).code, 0)
  return dir
}

const storeOf = (dir) => path.join(dir, '.diaryx/store.db')
const noteFiles = (dir) => Object.fromEntries(fs.readdirSync(dir).filter((name) => name.endsWith('.md')).map((name) => [name, read(dir, name)]))

// Sound, served, and not one octet of the notes changed.
async function checkWhole(t, dir, before, what) {
  assert.deepEqual(noteFiles(dir), before, `${what}: the files`)
  const looked = await runJson(['validate', dir])
  assert.equal(looked.code, 0, `${what}: ${looked.stdout}`)
  const out = path.join(tempDir(t), 'out')
  assert.equal((await run(['materialise', '-C', dir, '--out', out])).code, 0)
  assert.deepEqual(noteFiles(out), before, `${what}: the documents`)
}

test('a healthy store is left alone, unless it is forced', async (t) => {
  const dir = await livedIn(t)
  const before = snapshot(dir)
  const store = fs.readFileSync(storeOf(dir))
  const epoch = (await runJson(['status', dir])).json.epoch
  const done = await run(['repair', dir])
  assert.equal(done.code, 0)
  assert.match(done.stdout, /healthy/)
  assert.deepEqual(fs.readFileSync(storeOf(dir)), store, 'to the last octet')
  assert.equal((await runJson(['repair', dir])).json.repaired, false)
  const forced = await runJson(['repair', dir, '--force'])
  assert.equal(forced.code, 0)
  assert.equal(forced.json.repaired, true)
  assert.notEqual(forced.json.epoch, epoch)
  assert.deepEqual(forced.json.rebuilt, [])
  assert.deepEqual(fs.readFileSync(forced.json.kept_as), store)
  assert.deepEqual(snapshot(dir), before)
  await checkWhole(t, dir, noteFiles(dir), 'forced')
})

test('nothing to repair, and a server that runs', async (t) => {
  const none = await runJson(['repair', tempDir(t)])
  assert.equal(none.code, 3)
  assert.equal(none.json.error.code, 'not_found')
  const dir = folder(t, notes(2))
  const server = await serve(t, dir)
  const refused = await runJson(['repair', dir, '--force'])
  assert.equal(refused.code, 3)
  assert.equal(refused.json.error.code, 'busy')
  assert.match(refused.json.error.hint, /stop it first/)
  assert.equal((await server.stop()).code, 0)
})

test(`octets changed in many places, ${rounds} times, seed ${seed}`, { timeout: 240_000 }, async (t) => {
  const chance = random(seed)
  const dir = await livedIn(t)
  const before = noteFiles(dir)
  const whole = fs.readFileSync(storeOf(dir))
  let found = 0
  for (let round = 0; round < rounds; ++round) {
    const damaged = Buffer.from(whole)
    const how = ['bits', 'page', 'zeros', 'header', 'cut', 'empty', 'noise'][round % 7]
    if (how === 'bits') for (let i = 1 + chance(40); i > 0; --i) damaged[chance(damaged.length)] ^= 1 << chance(8)
    const page = chance(damaged.length / kPage) * kPage
    if (how === 'page') for (let i = 0; i < kPage; ++i) damaged[page + i] = chance(256)
    if (how === 'zeros') damaged.fill(0, page, page + kPage)
    if (how === 'header') for (let i = 0; i < 30; ++i) damaged[chance(200)] = chance(256)
    if (how === 'noise') for (let i = 0; i < damaged.length; i += 1 + chance(2000)) damaged[i] = chance(256)
    fs.rmSync(path.join(dir, '.diaryx'), { recursive: true })
    write(dir, '.diaryx/store.db', how === 'cut' ? damaged.subarray(0, chance(damaged.length)) : how === 'empty' ? '' : damaged)
    const what = `round ${round}, ${how}`
    const looked = await runJson(['validate', dir])
    assert.ok(looked.code === 0 || looked.code === 1, `${what}: ${looked.stdout}`)
    if (looked.code === 1) {
      ++found
      assert.ok(looked.json.issues.some(({ kind }) => kind === 'DamagedStore'), `${what}: ${looked.stdout}`)
    }
    const done = await runJson(['repair', dir])
    assert.equal(done.code, 0, `${what}: ${JSON.stringify(done.json.rebuilt)} ${done.stdout} ${done.stderr}`)
    if (looked.code === 1) assert.equal(done.json.repaired, true, what)
    await checkWhole(t, dir, before, what)
    if (round % 7 === 0 && done.json.repaired) {
      assert.ok(exists(done.json.kept_as))
      const server = await serve(t, dir)
      assert.equal((await call(server, 'GET', '/api/raw/n3.md')).text, before['n3.md'])
      assert.equal((await server.stop()).code, 0)
    }
  }
  assert.ok(found > rounds / 2, `${found} of ${rounds} were found`)
  t.diagnostic(`${found} of ${rounds} were found damaged; the others made no difference`)
})

test('what disk has not is taken from git, and what nobody has is told as lost', async (t) => {
  const dir = folder(t, notes(3))
  repositoryAt(dir)
  await run(['init', dir])
  assert.equal((await run(['commit', dir, '-m', 'all'])).code, 0)
  const committed = read(dir, 'n1.md')
  write(dir, 'extra.md', 'never committed\n')
  await run(['init', dir])
  const store = storeOf(dir)
  const damaged = fs.readFileSync(store)
  // Whatever holds the two texts: update, ledger, the lot.
  for (const needle of ['Line of n1.md.', 'never committed'])
    for (let at = damaged.indexOf(needle); at >= 0; at = damaged.indexOf(needle, at + 1)) damaged[at] ^= 0x20
  fs.writeFileSync(store, damaged)
  fs.rmSync(path.join(dir, 'n1.md'))
  fs.rmSync(path.join(dir, 'extra.md'))
  const done = await runJson(['repair', dir])
  assert.equal(done.code, 1, done.stdout)
  assert.equal(read(dir, 'n1.md'), committed)
  assert.equal(done.json.rebuilt.find((row) => row.path === 'n1.md').source, 'git')
  assert.equal(done.json.rebuilt.find((row) => row.path === 'extra.md').source, 'nothing')
  git(dir, 'status')
})

test('a log that is damaged in its middle is not cut short in silence', async (t) => {
  const dir = folder(t, notes(3))
  await run(['init', dir])
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  const note = await client.body('n0.md')
  for (let i = 0; i < 10; ++i) {
    note.text.insert(0, `typed ${i}\n`)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  await until(() => read(dir, 'n0.md').includes('typed 9'), 'the file')
  const log = `${storeOf(dir)}-wal`
  const size = fs.statSync(log).size
  client.drop()
  await server.kill()
  const before = noteFiles(dir)
  const octets = fs.readFileSync(log)
  octets[32 + Math.floor(size / 3)] ^= 4
  fs.writeFileSync(log, octets)
  const refused = await runJson(['init', dir])
  assert.equal(refused.code, 3)
  assert.equal(refused.json.error.code, 'corrupt')
  assert.match(refused.json.error.hint, /repair/)
  const looked = await runJson(['validate', dir])
  assert.equal(looked.code, 1)
  assert.ok(looked.json.issues.some(({ kind }) => kind === 'DamagedStore'), looked.stdout)
  const done = await runJson(['repair', dir])
  assert.equal(done.code, 0, done.stdout)
  assert.ok(exists(`${done.json.kept_as}-wal`))
  await checkWhole(t, dir, before, 'after the repair')
})

test('a peer of the old epoch keeps its copy, and nothing is doubled', async (t) => {
  const dir = await livedIn(t)
  const before = noteFiles(dir)
  let server = await serve(t, dir)
  const client = await Client.connect(server)
  await client.workspace()
  const old = server.epoch
  client.drop()
  await server.kill()
  const damaged = fs.readFileSync(storeOf(dir))
  for (let at = damaged.indexOf('Line of n3.md.'); at >= 0; at = damaged.indexOf('Line of n3.md.', at + 1)) damaged[at] ^= 1
  fs.writeFileSync(storeOf(dir), damaged)
  assert.equal((await run(['repair', dir])).code, 0)
  server = await serve(t, dir)
  assert.notEqual(server.epoch, old, 'a page sees that by the manifest, and does not merge')
  await server.flush()
  assert.deepEqual(noteFiles(dir), before)
  assert.equal((await server.stop()).code, 0)
})

test('a repair that was interrupted is begun again, and nothing else opens the workspace before', async (t) => {
  const dir = folder(t, notes(3))
  await run(['init', dir])
  const before = noteFiles(dir)
  const kept = 'store.db.damaged-20260101T000000Z'
  fs.renameSync(storeOf(dir), path.join(dir, '.diaryx', kept))
  write(dir, '.diaryx/store.db', 'half')
  write(dir, '.diaryx/repair', `${kept}\n`)
  const refused = await runJson(['init', dir])
  assert.equal(refused.code, 3)
  assert.match(refused.stderr, /interrupted/)
  const done = await runJson(['repair', dir])
  assert.equal(done.code, 0, done.stdout)
  assert.equal(path.basename(done.json.kept_as), kept)
  assert.ok(!exists(path.join(dir, '.diaryx/repair')))
  await checkWhole(t, dir, before, 'afterwards')
})
