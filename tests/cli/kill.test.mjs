// kill -9 of whole commands, at random moments, again and again: whatever they were doing, the files are whole, the next run works
// and finishes what was begun, and nothing half-made stays. (crash.test.mjs kills a server with its clients.)
//   DIARYX_SEED and DIARYX_ROUNDS choose another run; the seed is printed.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import test from 'node:test'

import { binary, exists, run, runJson, serve, sleep, until } from '../support/binary.mjs'
import { contents, folder, read, snapshot, tempDir, vault, write } from '../support/folders.mjs'
import { fsck, git, repositoryAt } from '../support/git.mjs'
import { random } from '../support/random.mjs'
import { unzip } from '../support/unzip.mjs'

const seed = Number(process.env.DIARYX_SEED ?? Date.now() % 1_000_000)
const rounds = Number(process.env.DIARYX_ROUNDS ?? 6)
const kNotes = 80

// Starts the command and kills it after so many ms; true if that was before its end.
function killed(args, ms) {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, { stdio: 'ignore' })
    const timer = setTimeout(() => child.kill('SIGKILL'), ms)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve(signal === 'SIGKILL')
    })
  })
}

// How long it takes when nobody disturbs it.
async function duration(args) {
  const start = Date.now()
  const done = await run(args)
  assert.equal(done.code, 0, done.stderr)
  return Date.now() - start
}

// Below `dir`, but for the trash. Links are not followed.
function temporaryFiles(dir, below = '') {
  const out = []
  for (const entry of fs.readdirSync(path.join(dir, below), { withFileTypes: true })) {
    const name = path.join(below, entry.name)
    if (entry.isDirectory() && name !== '.diaryx/trash') out.push(...temporaryFiles(dir, name))
    if (/\.diaryx-[\w-]{16}\.tmp/.test(entry.name)) out.push(name)
  }
  return out
}

test(`init, killed ${rounds} times, seed ${seed}`, { timeout: 200_000 }, async (t) => {
  const chance = random(seed)
  const dir = vault(t, kNotes)
  const before = snapshot(dir)
  const takes = await duration(['init', dir])
  const whole = (await runJson(['init', dir])).json.files
  let early = 0
  for (let round = 0; round < rounds; ++round) {
    fs.rmSync(path.join(dir, '.diaryx'), { recursive: true })
    // Once, or several times over what is left.
    for (let again = 1 + chance(3); again > 0; --again) if (await killed(['init', dir], chance(takes * 1.2))) ++early
    const looked = await run(['validate', dir, '--json'])
    assert.ok([0, 1, 3].includes(looked.code), `validate: ${looked.code} ${looked.stderr}`)
    const report = JSON.parse(looked.stdout)
    assert.ok(looked.code !== 1 || report.issues.every(({ kind }) => kind !== 'DamagedDocument'), looked.stdout)
    const done = await runJson(['init', dir])
    assert.equal(done.code, 0, done.stderr)
    assert.equal(done.json.files, whole, `round ${round}`)
    assert.deepEqual(snapshot(dir), before, `round ${round}: no file was touched`)
    assert.deepEqual(temporaryFiles(dir), [])
    const out = path.join(tempDir(t), 'out')
    assert.equal((await run(['materialise', '-C', dir, '--out', out])).code, 0)
    assert.equal(Object.values(contents(out)).filter((what) => what.startsWith('file')).length > whole / 2, true)
  }
  assert.ok(early > 0, 'some of them before their end')
  t.diagnostic(`${early} were killed before their end`)
})

test(`commit, killed ${rounds} times, seed ${seed}`, { timeout: 200_000 }, async (t) => {
  const chance = random(seed)
  const dir = vault(t, kNotes)
  repositoryAt(dir)
  await run(['init', dir])
  const takes = await duration(['commit', dir, '--skip-validation', '-m', 'first'])
  const notes = git(dir, 'ls-files', '-z')
    .split('\0')
    .filter((name) => name.endsWith('.md') && !name.startsWith('odd/'))
  assert.ok(notes.length > 50)
  let early = 0
  for (let round = 0; round < rounds; ++round) {
    const changed = new Map()
    for (let i = 0; i < 20; ++i) {
      const name = notes[chance(notes.length)]
      fs.appendFileSync(path.join(dir, name), `\nround ${round}\n`)
      changed.set(name, read(dir, name))
    }
    if (await killed(['commit', dir, '--skip-validation', '-m', `round ${round}`], chance(takes * 0.7))) ++early
    fsck(dir)
    // git itself would refuse to go on over a lock that a killed git left, and say so; and so do we.
    for (const lock of ['index.lock', 'HEAD.lock', 'refs/heads/main.lock']) {
      const file = path.join(dir, '.git', lock)
      if (!exists(file)) continue
      const refused = await run(['commit', dir, '--skip-validation', '-m', 'locked'])
      assert.equal(refused.code, 3)
      assert.match(refused.stderr, /lock/)
      fs.rmSync(file)
    }
    const done = await run(['commit', dir, '--skip-validation', '-m', `round ${round} again`])
    assert.equal(done.code, 0, done.stderr)
    fsck(dir)
    for (const [name, text] of changed) {
      assert.equal(git(dir, 'show', `HEAD:${name}`), text, `round ${round}: ${name} is committed`)
      assert.equal(read(dir, name), text, `round ${round}: ${name} is as it was saved`)
    }
    assert.deepEqual(temporaryFiles(dir), [])
  }
  assert.ok(early > 0, 'some of them before their end')
  t.diagnostic(`${early} were killed before their end`)
})

test(`materialise, killed ${rounds} times, seed ${seed}`, { timeout: 200_000 }, async (t) => {
  const chance = random(seed)
  const dir = vault(t, kNotes)
  const base = tempDir(t)
  await run(['init', dir])
  const before = snapshot(dir)
  const whole = path.join(base, 'whole')
  const takes = await duration(['materialise', '-C', dir, '--out', whole])
  const expected = contents(whole)
  const out = path.join(base, 'out')
  const zip = path.join(base, 'notes.zip')
  for (let round = 0; round < rounds; ++round) {
    await killed(['materialise', '-C', dir, '--out', out], chance(takes * 1.2))
    // Nothing in it is half a file.
    for (const [name, what] of Object.entries(exists(out) ? contents(out) : {})) {
      if (/\.diaryx-.*\.tmp$/.test(name)) continue
      assert.equal(what, expected[name], `round ${round}: ${name}`)
    }
    await killed(['materialise', '-C', dir, '--zip', zip, '--force'], chance(takes * 1.2))
    if (exists(zip)) assert.ok(unzip(fs.readFileSync(zip)).size > kNotes, 'a ZIP file that is there is whole')
    assert.deepEqual(snapshot(dir), before, 'nothing of the workspace was touched')
    const again = await run(['materialise', '-C', dir, '--out', out, '--force'])
    assert.equal(again.code, 0, again.stderr)
    const found = contents(out)
    for (const [name, what] of Object.entries(expected)) assert.equal(found[name], what, `round ${round}: ${name}`)
    fs.rmSync(out, { recursive: true })
    fs.rmSync(zip, { force: true })
  }
})

test('an upload that was killed in the middle is gone at the next start', async (t) => {
  const dir = folder(t, { 'a.md': 'text\n' })
  let server = await serve(t, dir)
  const socket = net.connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `PUT /api/attachments/pictures/p.bin HTTP/1.1\r\nHost: localhost:${server.port}\r\nAuthorization: Bearer ${server.token}\r\n` +
      `Content-Length: 1000000\r\nIf-None-Match: *\r\n\r\n${'x'.repeat(200_000)}`
  )
  await until(() => temporaryFiles(dir).length === 1, 'the upload to begin')
  await sleep(50)
  await server.kill()
  socket.destroy()
  assert.equal(temporaryFiles(dir).length, 1, 'a killed process cannot tidy up')
  server = await serve(t, dir)
  assert.deepEqual(temporaryFiles(dir), [])
  assert.ok(!exists(path.join(dir, 'pictures/p.bin')))
  assert.equal((await server.stop()).code, 0)
  assert.match(server.stderr, /unfinished/)
})

test(`files that are written while the server is killed, ${rounds} times, seed ${seed}`, { timeout: 200_000 }, async (t) => {
  const chance = random(seed)
  const names = Array.from({ length: 12 }, (_, n) => `n${n}.md`)
  const filler = 'A line that is long enough to take some time to write.\n'.repeat(2_000)
  const text = (name, round) => `---\ntitle: ${name}\n---\nround ${round}\n${filler}`
  const dir = folder(t, Object.fromEntries(names.map((name) => [name, text(name, 0)])))
  await run(['init', dir])
  for (let round = 1; round <= rounds; ++round) {
    const server = await serve(t, dir)
    const answers = []
    for (const name of names) {
      answers.push(
        fetch(`${server.base}/api/raw/${name}`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${server.token}`, 'if-match': '*' },
          body: text(name, round)
        }).then(
          ({ status }) => status === 200 || status === 204,
          () => false
        )
      )
    }
    const flushed = server.request('POST', '/api/flush', {}).catch(() => {})
    await sleep(chance(150))
    await server.kill()
    const saved = await Promise.all(answers)
    await flushed
    for (const name of names) {
      const found = read(dir, name)
      assert.ok(found === text(name, round) || found === text(name, round - 1), `round ${round}: ${name} is old or new, not ${found.slice(0, 60)}`)
    }
    const done = await run(['init', dir])
    assert.equal(done.code, 0, done.stderr)
    assert.deepEqual(temporaryFiles(dir), [])
    names.forEach((name, n) => {
      if (saved[n]) assert.equal(read(dir, name), text(name, round), `round ${round}: ${name} was answered as saved`)
      write(dir, name, text(name, round))
    })
    assert.equal((await run(['init', dir])).code, 0)
  }
})
