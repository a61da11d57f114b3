// Several processes at one workspace: a server, three that commit, two that validate, one that takes in, each in a loop, while a
// browser types and another editor saves files. Nobody is told of a lock, and nothing that was written is lost: in the end all of it is
// in the documents, in the files and in git, once.
//   DIARYX_TOGETHER_S: for how long (default 12); DIARYX_SEED: another run.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import { run, serve, sleep, until } from '../support/binary.mjs'
import { Client } from '../support/client.mjs'
import { folder, read } from '../support/folders.mjs'
import { fsck, git, lines, repositoryAt } from '../support/git.mjs'
import { random } from '../support/random.mjs'

const seed = Number(process.env.DIARYX_SEED ?? Date.now() % 1_000_000)
const seconds = Number(process.env.DIARYX_TOGETHER_S ?? 12)
const kNotes = 6

const names = Array.from({ length: kNotes }, (_, n) => `n${n}.md`)
const count = (text, mark) => text.split(mark).length - 1

// Adds a line as an editor does: a new file in the place of the old, unless somebody has changed it since it was read.
function save(dir, name, mark) {
  const file = path.join(dir, name)
  const seen = fs.readFileSync(file, 'utf8')
  const draft = path.join(dir, `.draft-${name}`)
  fs.writeFileSync(draft, seen + mark + '\n')
  if (fs.readFileSync(file, 'utf8') !== seen) return false
  fs.renameSync(draft, file)
  return true
}

async function storm(t, served) {
  const chance = random(seed)
  const dir = folder(t, Object.fromEntries(names.map((name) => [name, `---\ntitle: ${name}\n---\nBegun.\n`])))
  repositoryAt(dir)
  assert.equal((await run(['init', dir])).code, 0)
  const end = Date.now() + seconds * 1000
  const told = [] // What the commands complained of.
  const done = {}
  const marks = []

  const loop = async (label, args, good) => {
    while (Date.now() < end) {
      const ended = await run(typeof args === 'function' ? args() : args)
      done[label] = (done[label] ?? 0) + 1
      if (!good.includes(ended.code) || /lock|busy|held by/i.test(ended.stderr + ended.stdout)) {
        told.push(`${label}: ${ended.code} ${ended.stdout} ${ended.stderr}`)
      }
      await sleep(chance(30))
    }
  }
  const work = [
    ...[1, 2, 3].map((n) => loop(`commit ${n}`, ['commit', dir, '-m', `by ${n}`], [0])),
    ...[1, 2].map((n) => loop(`validate ${n}`, ['validate', dir], [0])),
    loop('init', ['init', dir], [0])
  ]

  // A server that is stopped and started again now and then, in order or not, and a browser that comes back with what it has.
  let client
  let server
  const serving = async () => {
    while (Date.now() < end) {
      server = await serve(t, dir)
      if (client) await client.reconnect(server)
      else client = await Client.connect(server)
      const open = await Promise.all(names.map((name) => client.body(name)))
      const until = Math.min(end, Date.now() + 2000 + chance(2000))
      for (let n = 0; Date.now() < until; ++n) {
        const mark = `<typed-${marks.length}>`
        open[chance(kNotes)].text.insert(0, mark + '\n')
        marks.push(mark)
        await sleep(10 + chance(60))
      }
      if (chance(2) === 0) {
        await server.kill()
        client.drop()
      } else {
        await server.stop()
      }
      await sleep(chance(300))
    }
  }
  const saving = async () => {
    while (Date.now() < end) {
      const mark = `<saved-${marks.length}>`
      if (save(dir, names[chance(kNotes)], mark)) marks.push(mark)
      await sleep(50 + chance(200))
    }
  }
  await Promise.all([...work, saving(), ...(served ? [serving()] : [])])
  assert.deepEqual(told, [])

  if (served) {
    server = await serve(t, dir)
    await client.reconnect(server)
    // A word after all the others, that comes back by the file.
    client.documents.get([...client.documents.keys()][0]).text.insert(0, '<last>\n')
    await until(() => names.some((name) => read(dir, name).includes('<last>')), 'the last word to be in a file')
    await server.flush()
    await client.close()
    assert.equal((await server.stop()).code, 0)
  }
  assert.equal((await run(['commit', dir, '-m', 'last'])).code, 0)
  const looked = await run(['validate', dir])
  assert.equal(looked.code, 0, looked.stdout)
  const files = names.map((name) => read(dir, name)).join('')
  const committed = names.map((name) => git(dir, 'show', `HEAD:${name}`)).join('')
  for (const mark of marks) {
    assert.equal(count(files, mark), 1, `${mark} in the files`)
    assert.equal(count(committed, mark), 1, `${mark} in git`)
  }
  fsck(dir)
  assert.equal(lines(git(dir, 'status', '--porcelain')).length, 0, 'everything is committed, and nothing lies about')
  t.diagnostic(`seed ${seed}: ${marks.length} lines written; ${JSON.stringify(done)}`)
}

test(`a server, three commits, two validates, an init, ${seconds} s, seed ${seed}`, { timeout: (seconds + 120) * 1000 }, (t) => storm(t, true))

test(`the same without a server: they take turns, seed ${seed}`, { timeout: (seconds + 120) * 1000 }, (t) => storm(t, false))
