// Files that are no notes: streamed up and down, whole or not at all, never a script in a browser, never out of the workspace.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import test from 'node:test'

import { exists, serve, sleep, until } from '../support/binary.mjs'
import { call } from '../support/api.mjs'
import { contents, folder, read, write } from '../support/folders.mjs'

const notes = { 'README.md': '---\ntitle: Home\n---\n' }
const rss = (server) => Number(/VmRSS:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1])

// A PUT whose body comes as it is given: chunks, pauses and all.
function putSlowly(server, target, size, headers = '') {
  const socket = net.connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`PUT ${target} HTTP/1.1\r\nHost: localhost:${server.port}\r\nAuthorization: Bearer ${server.token}\r\nContent-Length: ${size}\r\n${headers}\r\n`)
  return socket
}
const answerOf = (socket) =>
  new Promise((resolve) => {
    let text = ''
    socket.on('data', (data) => (text += data))
    socket.on('close', () => resolve(text))
  })

test('a large file goes up and comes down octet for octet, and the server does not grow with it', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const size = 200 << 20
  const block = randomBytes(1 << 20)
  const before = rss(server)
  let highest = before
  const watch = setInterval(() => (highest = Math.max(highest, rss(server))), 20)
  async function* body() {
    for (let sent = 0; sent < size; sent += block.length) yield block
  }
  const put = await fetch(`${server.base}/api/attachments/film/big.mp4`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${server.token}` },
    body: body(),
    duplex: 'half'
  })
  assert.equal(put.status, 201)
  const told = await put.json()
  const hash = createHash('sha256')
  for (let sent = 0; sent < size; sent += block.length) hash.update(block)
  const wanted = hash.digest('hex')
  assert.deepEqual(told, { path: 'film/big.mp4', size, hash: wanted, content_type: 'video/mp4' })
  const down = await fetch(`${server.base}/api/attachments/film/big.mp4`, { headers: { authorization: `Bearer ${server.token}` } })
  assert.equal(down.headers.get('content-length'), String(size))
  const got = createHash('sha256')
  for await (const chunk of down.body) got.update(chunk)
  assert.equal(got.digest('hex'), wanted)
  clearInterval(watch)
  t.diagnostic(`resident: ${before} kB before, ${highest} kB at most`)
  assert.ok(highest - before < 40_000, `${highest - before} kB more`)
  const part = await call(server, 'GET', '/api/attachments/film/big.mp4', { headers: { range: `bytes=${size - 5}-` } })
  assert.deepEqual([part.status, part.body.equals(block.subarray(-5))], [206, true])
  assert.equal(part.headers.get('content-range'), `bytes ${size - 5}-${size - 1}/${size}`)
  assert.equal((await call(server, 'GET', '/api/attachments/film/big.mp4', { headers: { range: `bytes=${size}-` } })).status, 416)
  await server.stop()
})

test('who writes over a file says which one; the old one is in the trash, as is a deleted one', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const target = '/api/attachments/pictures/dot%20%C3%A9.png'
  const first = await call(server, 'PUT', target, { body: 'one', headers: { 'if-none-match': '*' } })
  assert.equal(first.status, 201)
  assert.equal(read(dir, 'pictures/dot é.png'), 'one')
  fs.chmodSync(path.join(dir, 'pictures/dot é.png'), 0o640)
  const etag = first.headers.get('etag')
  assert.equal((await call(server, 'PUT', target, { body: 'two' })).status, 428)
  assert.equal((await call(server, 'PUT', target, { body: 'two', headers: { 'if-none-match': '*' } })).status, 412)
  assert.equal((await call(server, 'PUT', target, { body: 'two', headers: { 'if-match': '"x"' } })).status, 412)
  assert.equal(read(dir, 'pictures/dot é.png'), 'one')
  const second = await call(server, 'PUT', target, { body: 'two', headers: { 'if-match': etag } })
  assert.equal(second.status, 200)
  assert.equal(read(dir, 'pictures/dot é.png'), 'two')
  assert.equal(fs.statSync(path.join(dir, 'pictures/dot é.png')).mode & 0o777, 0o640)
  assert.equal((await call(server, 'PUT', target, { body: 'three', headers: { 'if-match': etag } })).status, 412)
  const shown = await call(server, 'GET', target)
  assert.equal(shown.headers.get('etag'), second.headers.get('etag'))
  assert.equal((await call(server, 'GET', target, { headers: { 'if-none-match': shown.headers.get('etag') } })).status, 304)
  assert.deepEqual((await call(server, 'GET', '/api/attachments')).json.attachments.map(({ path: where, size }) => [where, size]), [['pictures/dot é.png', 3]])
  assert.equal((await call(server, 'DELETE', target, { headers: { 'if-match': etag } })).status, 412)
  const gone = await call(server, 'DELETE', target)
  assert.equal(gone.status, 200)
  assert.equal(fs.readFileSync(path.join(dir, '.diaryx/trash', gone.json.trash), 'utf8'), 'two')
  const trash = fs.readdirSync(path.join(dir, '.diaryx/trash'), { recursive: true }).filter((name) => name.endsWith('.png'))
  assert.equal(trash.length, 2, 'the replaced one, and the deleted one')
  assert.equal((await call(server, 'GET', target)).status, 404)
  assert.equal((await call(server, 'DELETE', target)).status, 404)
  assert.equal((await call(server, 'PUT', '/api/attachments/empty.bin', { body: '' })).status, 201)
  assert.equal(fs.statSync(path.join(dir, 'empty.bin')).size, 0)
  await server.stop()
})

test('notes, hidden files, what lies outside, and what a link leads to: refused, up, down and away', async (t) => {
  const dir = folder(t, { ...notes, 'real.png': 'x' })
  const outside = folder(t, { 'secret.png': 'confidential' })
  fs.symlinkSync(path.join(outside, 'secret.png'), path.join(dir, 'link.png'))
  fs.symlinkSync(outside, path.join(dir, 'away'))
  fs.mkdirSync(path.join(dir, 'folder.png'))
  const server = await serve(t, dir)
  const before = contents(dir)
  const names = [
    'README.md', 'new.md', '.hidden.png', '.diaryx/store.db', '.diaryx/x.png', '.git/config', '.git/x.png', '../x.png', 'a/../../x.png', '/etc/x.png',
    'link.png', 'away/secret.png', 'away/new.png', 'folder.png', 'real.png/x.png', 'a%00.png', 'a%0a.png', 'x'.repeat(201) + '.png'
  ]
  for (const name of names) {
    const target = `/api/attachments/${name.includes('%') ? name : encodeURIComponent(name)}`
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await call(server, method, target, { body: method === 'PUT' ? 'mine' : undefined, headers: method === 'PUT' ? { 'if-match': '*' } : {} })
      assert.ok([400, 403, 404, 409, 412, 413].includes(answer.status), `${method} ${name}: ${answer.status} ${answer.text}`)
      assert.ok(!answer.text.includes('confidential'), name)
    }
    const made = await call(server, 'PUT', target, { body: 'mine' })
    assert.ok([400, 403, 404, 409, 412, 413].includes(made.status), `PUT ${name}: ${made.status} ${made.text}`)
  }
  assert.deepEqual(contents(dir), before)
  assert.deepEqual(fs.readdirSync(outside), ['secret.png'])
  assert.equal(read(outside, 'secret.png'), 'confidential')
  await server.stop()
})

test('nothing that is shown can run a script', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  for (const name of ['page.html', 'image.svg', 'paper.pdf', 'code.js', 'data.xml', 'no-extension', 'x.xhtml', 'photo.png', 'text.txt', 'data.json']) {
    assert.equal((await call(server, 'PUT', `/api/attachments/${name}`, { body: '<script>alert(1)</script>', headers: { 'content-type': 'text/html' } })).status, 201)
    const shown = await call(server, 'GET', `/api/attachments/${name}`)
    const type = shown.headers.get('content-type')
    assert.match(type, /^(image\/png|text\/plain; charset=utf-8|application\/octet-stream|application\/pdf)$/, name)
    const inline = shown.headers.get('content-disposition').startsWith('inline')
    assert.equal(inline, /^(photo\.png|text\.txt|data\.json)$/.test(name), name)
    assert.equal(shown.headers.get('x-content-type-options'), 'nosniff')
    assert.match(shown.headers.get('content-security-policy'), /default-src 'none'.*sandbox/)
    assert.equal(shown.headers.get('cross-origin-resource-policy'), 'same-origin')
  }
  await server.stop()
})

test('an upload that breaks off, is too large, or stops half way leaves nothing; others are served meanwhile', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const before = contents(dir)
  const half = putSlowly(server, '/api/attachments/deep/half.bin', 1000)
  half.write('x'.repeat(500))
  await until(() => exists(path.join(dir, 'deep')), 'the first octets to be written')
  const waiting = Array.from({ length: 20 }, (_, n) => putSlowly(server, `/api/attachments/wait${n}.bin`, 10))
  for (const socket of waiting) socket.write('x')
  assert.equal((await call(server, 'GET', '/api/status')).status, 200, 'handlers are free while senders are slow')
  half.destroy()
  await until(() => !exists(path.join(dir, 'deep')), 'the half file and its folder to go')
  const large = putSlowly(server, '/api/attachments/large.bin', (1 << 30) + 1)
  assert.match(await answerOf(large), /^HTTP\/1\.1 413 /)
  const stranger = net.connect(server.port, '127.0.0.1')
  stranger.write(`PUT /api/attachments/s.bin HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Length: 1000000\r\n\r\n`)
  assert.match(await answerOf(stranger), /^HTTP\/1\.1 401 /)
  const expecting = putSlowly(server, '/api/attachments/expected.bin', 3, 'Expect: 100-continue\r\n')
  expecting.once('data', (data) => {
    assert.match(String(data), /^HTTP\/1\.1 100 /)
    expecting.write('abc')
    expecting.once('data', (more) => expecting.end())
  })
  await until(() => exists(path.join(dir, 'expected.bin')), 'the file that was waited for')
  for (const socket of waiting) socket.destroy()
  await until(() => fs.readdirSync(dir).filter((name) => name.endsWith('.tmp')).length === 0, 'no temporary file to be left')
  assert.deepEqual(Object.keys(contents(dir)).filter((name) => !(name in before)), ['expected.bin'])
  const many = Array.from({ length: 33 }, (_, n) => putSlowly(server, `/api/attachments/many${n}.bin`, 10))
  const answers = many.map(answerOf)
  assert.match(await Promise.race(answers), /^HTTP\/1\.1 503 /)
  for (const socket of many) socket.destroy()
  await sleep(50)
  assert.equal((await server.stop()).code, 0)
})

test('a file is there whole or not at all, whenever the server is killed', async (t) => {
  const dir = folder(t, notes)
  let server = await serve(t, dir)
  await call(server, 'PUT', '/api/attachments/f.bin', { body: 'old' })
  const body = Buffer.alloc(8 << 20, 'n')
  for (let round = 0; round < 6; round++) {
    const put = call(server, 'PUT', '/api/attachments/f.bin', { body, headers: { 'if-match': '*' } }).catch(() => null)
    await sleep(round * 6)
    await server.kill()
    const answer = await put
    const now = fs.readFileSync(path.join(dir, 'f.bin'))
    assert.ok(now.equals(body) || now.toString() === 'old', `${now.length} octets`)
    if (answer?.status === 200) assert.ok(now.equals(body))
    server = await serve(t, dir)
    fs.writeFileSync(path.join(dir, 'f.bin'), 'old')
  }
  await server.stop()
})

test('the list says what an attached file is, once it has been read, and again when it changed', async (t) => {
  const digest = (bytes) => createHash('sha256').update(bytes).digest('hex')
  const dir = folder(t, { 'a.md': '---\nattachments:\n  - pictures/a.bin\n---\nLook.\n' })
  const first = Buffer.alloc(40 << 20, 'film')
  write(dir, 'pictures/a.bin', first)
  write(dir, 'pictures/b.bin', 'nobody has it')
  const server = await serve(t, dir)
  const hashes = async () => Object.fromEntries((await call(server, 'GET', '/api/attachments')).json.attachments.map((row) => [row.path, row.hash]))
  await until(async () => (await hashes())['pictures/a.bin'] === digest(first), 'the file to be read')
  assert.equal((await hashes())['pictures/b.bin'], undefined)
  write(dir, 'pictures/a.bin', 'Another.')
  assert.notEqual((await hashes())['pictures/a.bin'], digest(first), 'never of what it was')
  await until(async () => (await hashes())['pictures/a.bin'] === digest('Another.'), 'the change to be read')
  assert.equal((await server.stop()).code, 0)
})

test('the ETag of an attached file is its hash: a touch does not change it, and who has the old kind may go on', async (t) => {
  const digest = (bytes) => createHash('sha256').update(bytes).digest('hex')
  const dir = folder(t, { 'a.md': '---\ntitle: A\n---\nLook.\n' })
  write(dir, 'pictures/a.bin', 'picture')
  const server = await serve(t, dir)
  const target = '/api/attachments/pictures/a.bin'
  const tag = async () => (await call(server, 'GET', target)).headers.get('etag')
  const first = await tag()
  assert.notEqual(first, `"${digest('picture')}"`, 'nobody has attached it')
  write(dir, 'a.md', '---\ntitle: A\nattachments:\n  - pictures/a.bin\n---\nLook.\n')
  await until(async () => (await tag()) === `"${digest('picture')}"`, 'the attached file to be read, by no rescan')
  assert.equal((await call(server, 'GET', target, { headers: { 'if-none-match': first } })).status, 304)
  fs.utimesSync(path.join(dir, 'pictures/a.bin'), 1_700_000_000, 1_700_000_000)
  await until(async () => (await tag()) === `"${digest('picture')}"`, 'the touched file to be known again')
  assert.equal((await call(server, 'GET', target, { headers: { 'if-none-match': first } })).status, 200, 'that one was of the stat')
  const status = (await call(server, 'GET', '/api/status')).json
  assert.deepEqual(status.attachments, { files: 1, bytes: 7, not_indexed: 0 })
  const replaced = await call(server, 'PUT', target, { body: 'another one', headers: { 'if-match': `"${digest('picture')}"` } })
  assert.equal(replaced.status, 200)
  assert.equal((await call(server, 'PUT', target, { body: 'lost', headers: { 'if-match': `"${digest('picture')}"` } })).status, 412)
  await until(async () => (await tag()) === `"${digest('another one')}"`, 'the new one to be read')
  assert.equal((await call(server, 'DELETE', target, { headers: { 'if-match': replaced.headers.get('etag') } })).status, 200)
  await until(async () => (await call(server, 'GET', '/api/status')).json.attachments.files === 0, 'it to be gone')
  assert.equal((await server.stop()).code, 0)
})
