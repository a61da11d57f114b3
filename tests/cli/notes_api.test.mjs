// Notes over HTTP: listed, made, moved, deleted, written whole; parents, links, open editors and the disk follow.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import path from 'node:path'
import test from 'node:test'

import { exists, serve, until } from '../support/binary.mjs'
import { call } from '../support/api.mjs'
import { Client } from '../support/client.mjs'
import { folder, read, write } from '../support/folders.mjs'

const notes = {
  'README.md': '---\n# a comment\ntitle:   "Home"   # ours to keep\ncontents:\n  - "[A](/a.md)"\n---\nhello\n',
  'a.md': "---\ntitle: 'A'\npart_of: '[Home](/README.md)'\n---\nLine one.\nLine two.\n",
  'sub/b c.md': '---\r\ntitle: B\r\n---\r\ncrlf\r\n'
}
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex')

test('the list has every note with its title and the hash of its octets, also before they are on disk', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const list = async () => Object.fromEntries((await call(server, 'GET', '/api/files')).json.files.map((file) => [file.path, file]))
  let files = await list()
  assert.deepEqual(Object.keys(files).sort(), Object.keys(notes).sort())
  for (const [name, bytes] of Object.entries(notes)) assert.equal(files[name].hash, sha(bytes), name)
  assert.equal(files['a.md'].title, 'A')
  const client = await Client.connect(server)
  ;(await client.body('a.md')).text.insert(0, 'typed ')
  const wanted = notes['a.md'].replace('Line one', 'typed Line one')
  await until(async () => (await list())['a.md'].hash === sha(wanted), 'the hash to follow at once')
  const raw = await call(server, 'GET', '/api/raw/a.md')
  assert.equal(raw.text, wanted)
  assert.equal(raw.headers.get('etag'), `"${sha(wanted)}"`)
  await server.flush()
  assert.equal((await list())['a.md'].hash, sha(wanted))
  assert.equal(read(dir, 'a.md'), wanted)
  await client.close()
  await server.stop()
})

test('a note is found by id and by path, and its octets by either', async (t) => {
  const server = await serve(t, folder(t, notes))
  const byPath = await call(server, 'GET', '/api/files/by-path/sub/b%20c.md')
  assert.equal(byPath.status, 200)
  const byId = await call(server, 'GET', `/api/files/${byPath.json.id}`)
  assert.deepEqual(byId.json, byPath.json)
  for (const target of ['/api/raw/sub/b%20c.md', '/api/raw/sub%2fb%20c.md', `/api/files/${byId.json.id}/raw`]) {
    const raw = await call(server, 'GET', target)
    assert.equal(raw.text, notes['sub/b c.md'], target)
    assert.equal(raw.headers.get('content-type'), 'text/markdown; charset=utf-8')
    assert.equal(raw.headers.get('etag'), `"${sha(notes['sub/b c.md'])}"`)
    const head = await call(server, 'HEAD', target)
    assert.deepEqual([head.status, head.body.length, head.headers.get('etag')], [200, 0, raw.headers.get('etag')])
    for (const tag of [raw.headers.get('etag'), `W/${raw.headers.get('etag')}`, `"x", ${raw.headers.get('etag')}`, '*']) {
      const again = await call(server, 'GET', target, { headers: { 'if-none-match': tag } })
      assert.deepEqual([again.status, again.body.length], [304, 0], tag)
    }
    assert.equal((await call(server, 'GET', target, { headers: { 'if-none-match': '"x"' } })).status, 200)
    const part = await call(server, 'GET', target, { headers: { range: 'bytes=5-9' } })
    assert.deepEqual([part.status, part.text], [206, notes['sub/b c.md'].slice(5, 10)])
  }
  for (const target of ['/api/files/nobody', '/api/files/by-path/none.md', '/api/raw/none.md', '/api/files/nobody/raw', '/api/raw/..%2f..%2fetc%2fpasswd', '/api/raw/.diaryx/store.db', '/api/raw/.git/config', '/api/raw/a%00.md']) {
    const missing = await call(server, 'GET', target)
    assert.equal(missing.status, 404, target)
    assert.equal(missing.json.error, 'not_found', target)
  }
  await server.stop()
})

test('made, renamed, moved, put under another parent, deleted and brought back: links and the disk follow', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const home = (await call(server, 'GET', '/api/files/by-path/README.md')).json
  const made = await call(server, 'POST', '/api/files', { body: { title: 'New Day', body: 'words\n' } })
  assert.equal(made.status, 201)
  assert.equal(made.headers.get('location'), `/api/files/${made.json.id}`)
  assert.equal(made.json.path, 'new-day.md')
  assert.equal(made.json.metadata.part_of, 'README.md')
  await server.flush()
  assert.equal(read(dir, 'new-day.md'), "---\ntitle: New Day\npart_of: \"[Home](/README.md)\"\n---\nwords\n")
  assert.match(read(dir, 'README.md'), /# a comment\ntitle: {3}"Home" {3}# ours to keep\n[^]*\[New Day\]\(\/new-day\.md\)/)

  const target = `/api/files/${made.json.id}`
  const moved = await call(server, 'PATCH', target, { body: { path: 'deep/day.md', title: 'Day' } })
  assert.deepEqual([moved.status, moved.json.path, moved.json.title], [200, 'deep/day.md', 'Day'])
  await server.flush()
  assert.ok(!exists(path.join(dir, 'new-day.md')))
  assert.match(read(dir, 'deep/day.md'), /^---\ntitle: Day\n/)
  assert.match(read(dir, 'README.md'), /\(\/deep\/day\.md\)/)

  const a = (await call(server, 'GET', '/api/files/by-path/a.md')).json
  assert.equal((await call(server, 'PATCH', target, { body: { parent: a.id } })).json.metadata.part_of, 'a.md')
  assert.deepEqual((await call(server, 'GET', `/api/files/${a.id}`)).json.metadata.contents, ['deep/day.md'])
  assert.deepEqual((await call(server, 'GET', `/api/files/${home.id}`)).json.metadata.contents, ['a.md'])
  assert.equal((await call(server, 'PATCH', `/api/files/${a.id}`, { body: { parent: made.json.id } })).status, 422)

  const stale = { headers: { 'if-match': '"stale"' } }
  assert.equal((await call(server, 'DELETE', target, stale)).status, 412)
  assert.equal((await call(server, 'PATCH', target, { ...stale, body: { title: 'x' } })).status, 412)
  const gone = await call(server, 'DELETE', target)
  assert.deepEqual([gone.status, gone.json.deleted], [200, true])
  await server.flush()
  assert.ok(!exists(path.join(dir, 'deep/day.md')))
  assert.equal((await call(server, 'GET', `${target}/raw`)).status, 404)
  assert.equal((await call(server, 'GET', '/api/files?include_deleted=1')).json.files.filter(({ deleted }) => deleted).length, 1)
  assert.deepEqual((await call(server, 'GET', `/api/files/${a.id}`)).json.metadata.contents, [])
  assert.equal((await call(server, 'POST', `${target}/restore`)).status, 200)
  await server.flush()
  assert.match(read(dir, 'deep/day.md'), /words\n$/)
  assert.deepEqual((await call(server, 'GET', `/api/files/${a.id}`)).json.metadata.contents, ['deep/day.md'])
  assert.ok((await call(server, 'GET', '/api/validate')).json.ok)
  await server.stop()
})

test('octets that are PUT are the note, octet for octet, if the client has seen what it replaces', async (t) => {
  const dir = folder(t, notes)
  const server = await serve(t, dir)
  const target = '/api/raw/a.md'
  const seen = (await call(server, 'GET', target)).headers.get('etag')
  const next = '---\nnew: header # kept\n---\nLine ONE.\nLine two.\n'
  assert.equal((await call(server, 'PUT', target, { body: next })).status, 428)
  assert.equal((await call(server, 'PUT', target, { body: next, headers: { 'if-match': '"other"' } })).status, 412)
  assert.equal((await call(server, 'PUT', target, { body: next, headers: { 'if-match': `W/${seen}` } })).status, 412)
  assert.equal((await call(server, 'PUT', target, { body: next, headers: { 'if-none-match': '*' } })).status, 412)
  assert.equal((await call(server, 'GET', target)).text, notes['a.md'], 'nothing was written')

  const client = await Client.connect(server)
  const open = await client.body('a.md')
  const deltas = []
  open.text.observe(({ delta }) => deltas.push(...delta))
  const put = await call(server, 'PUT', target, { body: next, headers: { 'if-match': `"x", ${seen}` } })
  assert.deepEqual([put.status, put.headers.get('etag'), put.json.hash], [200, `"${sha(next)}"`, sha(next)])
  await until(() => open.text.toString() === 'Line ONE.\nLine two.\n', 'the open editor to be told')
  assert.ok(deltas.reduce((sum, { insert }) => sum + (insert?.length ?? 0), 0) <= 3, JSON.stringify(deltas))
  await server.flush()
  assert.equal(read(dir, 'a.md'), next)
  assert.equal((await call(server, 'PUT', target, { body: next, headers: { 'if-match': seen } })).status, 412, 'the old version is gone')

  const fresh = Buffer.from('\ufeff---\r\ntitle: Fresh\r\n---\r\n🌍\r\n')
  const made = await call(server, 'PUT', '/api/raw/made/by%20put.md', { body: fresh, headers: { 'if-none-match': '*' } })
  assert.equal(made.status, 201)
  assert.equal(made.headers.get('location'), `/api/files/${made.json.id}`)
  await server.flush()
  assert.equal(read(dir, 'made/by put.md'), fresh.toString())
  assert.equal((await call(server, 'PUT', `/api/files/${made.json.id}/raw`, { body: 'x\n', headers: { 'if-match': '*' } })).status, 200)
  assert.equal((await call(server, 'PUT', '/api/files/nobody/raw', { body: 'x\n' })).status, 404)
  assert.equal((await call(server, 'PUT', '/api/raw/none.md', { body: 'x\n', headers: { 'if-match': '*' } })).status, 412)

  const refused = [
    ['/api/raw/x.md', Buffer.from([0xff]), 400],
    ['/api/raw/x.md', 'nul \0', 400],
    ['/api/raw/x.txt', 'x', 400],
    ['/api/raw/.hidden.md', 'x', 400],
    ['/api/raw/..%2fx.md', 'x', 403],
    ['/api/raw/.git/x.md', 'x', 403],
    ['/api/raw/.diaryx/x.md', 'x', 403],
    ['/api/raw/A.md', 'x', 409],
    ['/api/raw/big.md', Buffer.alloc((16 << 20) + 1, 'x'), 413]
  ]
  for (const [where, body, status] of refused) assert.equal((await call(server, 'PUT', where, { body })).status, status, where)
  await client.close()
  await server.stop()
})

test('writers who race with preconditions: one wins each time, and no typed word is lost', async (t) => {
  const dir = folder(t, { 'a.md': 'start\n' })
  const server = await serve(t, dir)
  const client = await Client.connect(server)
  const open = await client.body('a.md')
  let won = 0
  const writer = async (name) => {
    for (let i = 0; i < 10; i++) {
      for (;;) {
        const seen = await call(server, 'GET', '/api/raw/a.md')
        const put = await call(server, 'PUT', '/api/raw/a.md', {
          body: `${seen.text}${name}${i}\n`,
          headers: { 'if-match': seen.headers.get('etag') }
        })
        if (put.status === 200) break
        assert.equal(put.status, 412)
      }
      won++
      open.text.insert(0, `typed ${name}${i}\n`)
    }
  }
  await Promise.all([writer('p'), writer('q')])
  assert.equal(won, 20)
  await until(async () => (await call(server, 'GET', '/api/raw/a.md')).text === open.text.toString(), 'all to agree')
  for (const name of ['p', 'q']) {
    for (let i = 0; i < 10; i++) {
      for (const line of [`${name}${i}\n`, `typed ${name}${i}\n`]) assert.equal(`\n${open.text}`.split(`\n${line}`).length, 2, line)
    }
  }
  await server.flush()
  assert.equal(read(dir, 'a.md'), open.text.toString())
  await client.close()
  await server.stop()
})

test('what was answered is there after kill -9', async (t) => {
  const dir = folder(t, notes)
  let server = await serve(t, dir)
  const made = (await call(server, 'POST', '/api/files', { body: { title: 'Kept' } })).json
  await call(server, 'PUT', `/api/files/${made.id}/raw`, { body: 'kept words\n', headers: { 'if-match': '*' } })
  const a = (await call(server, 'GET', '/api/files/by-path/a.md')).json
  await call(server, 'DELETE', `/api/files/${a.id}`)
  await server.kill()
  server = await serve(t, dir)
  assert.equal((await call(server, 'GET', `/api/files/${made.id}/raw`)).text, 'kept words\n')
  assert.equal((await call(server, 'GET', '/api/raw/a.md')).status, 404)
  await server.flush()
  assert.ok(!exists(path.join(dir, 'a.md')))
  await server.stop()
})

test('an edit on disk that nobody has seen yet is merged with what is PUT', async (t) => {
  const dir = folder(t, { 'a.md': 'one\ntwo\nthree\n' })
  const server = await serve(t, dir)
  const etag = (await call(server, 'GET', '/api/raw/a.md')).headers.get('etag')
  write(dir, 'a.md', 'one\ntwo\nTHREE\n')
  await call(server, 'PUT', '/api/raw/a.md', { body: 'ONE\ntwo\nthree\n', headers: { 'if-match': etag } })
  await call(server, 'POST', '/api/reconcile', { body: {} })
  const text = (await call(server, 'GET', '/api/raw/a.md')).text
  assert.ok(text === 'ONE\ntwo\nTHREE\n' || text === 'one\ntwo\nTHREE\n', text)
  assert.equal(read(dir, 'a.md'), text)
  await server.stop()
})

test('a guest may read with the code of the session, and nothing else; others may not even that', async (t) => {
  const dir = folder(t, { ...notes, 'pic.png': 'png' })
  const server = await serve(t, dir)
  const code = (await call(server, 'POST', '/api/share/sessions', { body: { read_only: true } })).json.code
  const a = (await call(server, 'GET', '/api/files/by-path/a.md')).json
  const readable = ['/api/files', `/api/files/${a.id}`, '/api/files/by-path/a.md', '/api/raw/a.md', `/api/files/${a.id}/raw`, '/api/attachments', '/api/attachments/pic.png', '/attachments/pic.png']
  for (const target of readable) {
    assert.equal((await call(server, 'GET', `${target}?session=${code}`, { token: '' })).status, 200, target)
    assert.equal((await call(server, 'GET', target, { token: '' })).status, 401, target)
    assert.equal((await call(server, 'GET', `${target}?session=AAAAAAAA-AAAAAAAA`, { token: '' })).status, 401, target)
  }
  const closed = [
    ['GET', '/api/status'], ['GET', '/api/validate'], ['POST', '/api/files'], ['PATCH', `/api/files/${a.id}`], ['DELETE', `/api/files/${a.id}`],
    ['PUT', '/api/raw/a.md'], ['PUT', '/api/attachments/x.png'], ['DELETE', '/api/attachments/pic.png'], ['POST', `/api/files/${a.id}/restore`], ['POST', '/api/flush']
  ]
  for (const [method, target] of closed) {
    const answer = await call(server, method, `${target}?session=${code}`, { token: '', body: method === 'GET' ? undefined : '{}' })
    assert.equal(answer.status, 401, `${method} ${target}`)
  }
  assert.equal(read(dir, 'a.md'), notes['a.md'])
  await server.stop()
})
