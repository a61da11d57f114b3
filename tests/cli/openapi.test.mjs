// docs/openapi.json is the contract: every operation and every answer that it names, from the real server.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import test from 'node:test'

import { execute, serve, until } from '../support/binary.mjs'
import { call } from '../support/api.mjs'
import { api, check, checkSafe, operations } from '../support/contract.mjs'
import { folder } from '../support/folders.mjs'

const notes = {
  'README.md': '---\ntitle: Home\ncontents:\n  - "[A](/a.md)"\n  - "[B](/b.md)"\n---\nhello\n',
  'a.md': '---\ntitle: A\npart_of: "[Home](/README.md)"\nattachments: [pic.png]\n---\nText.\n',
  'b.md': '---\ntitle: B\npart_of: "[Home](/README.md)"\n---\n',
  'pic.png': 'not a picture',
  'page.html': '<script></script>'
}
const git = (dir, ...args) => execute('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], { cwd: dir })

// 33 uploads that do not end: one too many.
function holdUploads(server, t) {
  const sockets = Array.from({ length: 32 }, (_, n) => {
    const socket = net.connect(server.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`PUT /api/attachments/held${n}.bin HTTP/1.1\r\nHost: localhost:${server.port}\r\nAuthorization: Bearer ${server.token}\r\nContent-Length: 9\r\n\r\nx`)
    t.after(() => socket.destroy())
    return socket
  })
  return () => sockets.forEach((socket) => socket.destroy())
}

// How to get each documented answer. A case is [target, options], or a function that makes the call. 401 of what needs a token, and
// 304 of what has an ETag, are the same everywhere and done below.
function casesFor(server, dir, t) {
  const id = async (where) => (await call(server, 'GET', `/api/files/by-path/${where}`)).json.id
  const ask = (method, target, options) => call(server, method, target, options)
  const any = { headers: { 'if-match': '*' } }
  const stale = { headers: { 'if-match': '"stale"' } }
  const big = Buffer.alloc((16 << 20) + 1, 'x')
  const session = async () => (await ask('POST', '/api/share/sessions', { body: {} })).json.code
  const large = (target) =>
    new Promise((resolve) => {
      const socket = net.connect(server.port, '127.0.0.1')
      let text = ''
      socket.on('error', () => {})
      socket.on('data', (data) => (text += data))
      socket.on('close', () => {
        const [head, body] = text.split('\r\n\r\n')
        const headers = new Headers(head.split('\r\n').slice(1).map((line) => line.split(/: (.*)/s).slice(0, 2)))
        resolve({ status: Number(head.split(' ')[1]), headers, body: Buffer.from(body), text: body, json: JSON.parse(body) })
      })
      socket.write(`PUT ${target} HTTP/1.1\r\nHost: localhost:${server.port}\r\nAuthorization: Bearer ${server.token}\r\nContent-Length: ${(1 << 30) + 1}\r\n\r\n`)
    })
  const rawById = (options) => async (method) => ask(method, `/api/files/${await id('a.md')}/raw`, options)
  const shares = (prefix) => ({
    [`GET ${prefix}`]: { 200: [prefix] },
    [`POST ${prefix}`]: { 200: [prefix, { body: { read_only: true, expires_in_s: 60 } }], 400: [prefix, { body: { read_only: 1 } }], 403: [prefix, { body: { workspace_id: 'other' } }] },
    [`GET ${prefix}/{code}`]: { 200: async () => ask('GET', `${prefix}/${await session()}`, { token: '' }), 404: [`${prefix}/AAAAAAAA-AAAAAAAA`] },
    [`PATCH ${prefix}/{code}`]: {
      200: async () => ask('PATCH', `${prefix}/${await session()}`, { body: { read_only: true } }),
      400: [`${prefix}/AAAAAAAA-AAAAAAAA`, { body: {} }],
      404: [`${prefix}/AAAAAAAA-AAAAAAAA`, { body: { read_only: true } }]
    },
    [`DELETE ${prefix}/{code}`]: { 204: async () => ask('DELETE', `${prefix}/${await session()}`), 404: [`${prefix}/AAAAAAAA-AAAAAAAA`] }
  })
  const readAttachment = (prefix) => ({
    200: [`${prefix}/pic.png`], 206: [`${prefix}/pic.png`, { headers: { range: 'bytes=0-2' } }], 416: [`${prefix}/pic.png`, { headers: { range: 'bytes=99-' } }],
    403: [`${prefix}/link.png`], 404: [`${prefix}/none.png`]
  })
  return {
    'GET /': { 200: ['/', { token: '' }] },
    'GET /index.html': { 200: ['/index.html', { token: '' }] },
    'GET /editor.js': { 200: ['/editor.js', { token: '' }] },
    'GET /editor.css': { 200: ['/editor.css', { token: '' }] },
    'GET /icon.svg': { 200: ['/icon.svg', { token: '' }] },
    'GET /sync': { 426: ['/sync', { token: '' }] },
    'GET /sync2': { 426: ['/sync2', { token: '' }] },
    'GET /hocuspocus': { 426: ['/hocuspocus', { token: '' }] },
    'GET /ws/{document}': { 426: ['/ws/some', { token: '' }] },
    'GET /api/health': { 200: ['/api/health', { token: '' }] },
    'GET /api/openapi.json': { 200: ['/api/openapi.json', { token: '' }] },
    'POST /api/login': {
      200: ['/api/login', { token: '', body: { token: server.token } }],
      400: ['/api/login', { token: '', body: { token: 1 } }],
      401: ['/api/login', { token: '', body: { token: 'wrong' } }],
      413: ['/api/login', { token: '', body: 'x'.repeat(5000) }]
    },
    'POST /api/logout': { 200: ['/api/logout', { token: '' }] },
    'GET /api/status': { 200: ['/api/status'] },
    'GET /api/metrics': { 200: ['/api/metrics'] },
    'GET /api/files': { 200: ['/api/files?include_deleted=1'] },
    'POST /api/files': {
      201: ['/api/files', { body: { title: 'Made', body: 'x\n', place: 0, parent: null } }],
      400: ['/api/files', { body: { titel: 'x' } }],
      403: ['/api/files', { body: { path: '../x.md' } }],
      404: ['/api/files', { body: { title: 'x', parent: 'nobody' } }],
      409: ['/api/files', { body: { path: 'A.md' } }],
      413: ['/api/files', { body: big }]
    },
    'GET /api/files/by-path/{path}': { 200: ['/api/files/by-path/a.md'], 404: ['/api/files/by-path/none.md'] },
    'GET /api/files/{id}': { 200: async () => ask('GET', `/api/files/${await id('a.md')}`), 404: ['/api/files/nobody'] },
    'PATCH /api/files/{id}': {
      200: async () => ask('PATCH', `/api/files/${await id('b.md')}`, { body: { title: null, path: 'b.md' } }),
      400: async () => ask('PATCH', `/api/files/${await id('b.md')}`, { body: {} }),
      403: async () => ask('PATCH', `/api/files/${await id('b.md')}`, { body: { path: '.git/x.md' } }),
      404: ['/api/files/nobody', { body: { title: 'x' } }],
      409: async () => ask('PATCH', `/api/files/${await id('b.md')}`, { body: { path: 'a.md' } }),
      412: async () => ask('PATCH', `/api/files/${await id('b.md')}`, { body: { title: 'x' }, ...stale }),
      422: async () => ask('PATCH', `/api/files/${await id('b.md')}`, { body: { parent: await id('b.md') } })
    },
    'DELETE /api/files/{id}': {
      200: async () => ask('DELETE', `/api/files/${(await ask('POST', '/api/files', { body: { title: 'Gone' } })).json.id}`),
      404: ['/api/files/nobody'],
      412: async () => ask('DELETE', `/api/files/${await id('b.md')}`, stale)
    },
    'POST /api/files/{id}/restore': {
      200: async () => {
        const { json } = await ask('POST', '/api/files', { body: { title: 'Back' } })
        await ask('DELETE', `/api/files/${json.id}`)
        return ask('POST', `/api/files/${json.id}/restore`)
      },
      404: ['/api/files/nobody/restore']
    },
    'GET /api/files/{id}/raw': { 200: rawById(), 206: rawById({ headers: { range: 'bytes=0-2' } }), 404: ['/api/files/nobody/raw'], 416: rawById({ headers: { range: 'bytes=9999-' } }) },
    'PUT /api/files/{id}/raw': { 200: rawById({ body: notes['a.md'], ...any }), 400: rawById({ body: 'a\0', ...any }), 404: ['/api/files/nobody/raw', { body: 'x' }], 412: rawById({ body: 'x', ...stale }), 413: rawById({ body: big, ...any }), 428: rawById({ body: 'x' }) },
    'GET /api/raw/{path}': { 200: ['/api/raw/a.md'], 206: ['/api/raw/a.md', { headers: { range: 'bytes=-3' } }], 404: ['/api/raw/none.md'], 416: ['/api/raw/a.md', { headers: { range: 'bytes=9999-' } }] },
    'PUT /api/raw/{path}': {
      200: ['/api/raw/a.md', { body: notes['a.md'], ...any }],
      201: ['/api/raw/put.md', { body: 'x\n' }],
      400: ['/api/raw/x.txt', { body: 'x' }],
      403: ['/api/raw/..%2fx.md', { body: 'x' }],
      409: ['/api/raw/README.MD', { body: 'x' }],
      412: ['/api/raw/a.md', { body: 'x', ...stale }],
      413: ['/api/raw/big.md', { body: big }],
      428: ['/api/raw/a.md', { body: 'x' }]
    },
    'GET /attachments/{path}': readAttachment('/attachments'),
    'GET /api/attachments': { 200: ['/api/attachments'] },
    'GET /api/attachments/{path}': readAttachment('/api/attachments'),
    'PUT /api/attachments/{path}': {
      201: ['/api/attachments/new.bin', { body: 'x' }],
      200: ['/api/attachments/pic.png', { body: notes['pic.png'], ...any }],
      400: ['/api/attachments/x.md', { body: 'x' }],
      403: ['/api/attachments/..%2fx.png', { body: 'x' }],
      412: ['/api/attachments/pic.png', { body: 'x', ...stale }],
      413: () => large('/api/attachments/large.bin'),
      428: ['/api/attachments/pic.png', { body: 'x' }],
      503: async () => {
        const release = holdUploads(server, t)
        const answer = await until(async () => {
          const got = await ask('PUT', '/api/attachments/more.bin', { body: 'x', ...any })
          return got.status === 503 && got
        }, 'the limit of uploads')
        release()
        return answer
      }
    },
    'DELETE /api/attachments/{path}': { 200: ['/api/attachments/page.html'], 400: ['/api/attachments/x.md'], 403: ['/api/attachments/link.png'], 404: ['/api/attachments/none.png'], 412: ['/api/attachments/pic.png', stale] },
    ...shares('/api/share/sessions'),
    ...shares('/api/sessions'),
    'GET /api/validate': { 200: ['/api/validate'] },
    'POST /api/validate/fix': { 200: ['/api/validate/fix', { body: { dry_run: false } }], 400: ['/api/validate/fix', { body: { dry_run: 'yes' } }] },
    'POST /api/validate/undo': {
      200: async () => {
        // Two notes list it: that can be mended, and taken back.
        const { json } = await ask('POST', '/api/files', { body: { title: 'Twice' } })
        const held = await ask('PUT', '/api/raw/holder.md', { body: '---\ncontents:\n  - "[Twice](/twice.md)"\n---\n' })
        assert.equal(held.status, 201)
        const mended = await ask('POST', '/api/validate/fix')
        assert.ok(mended.json.fixed.some(({ kind }) => kind === 'TwoParents'), mended.text)
        const undone = await ask('POST', '/api/validate/undo')
        await ask('DELETE', `/api/files/${json.id}`)
        return undone
      },
      404: async () => {
        for (;;) {
          const answer = await ask('POST', '/api/validate/undo')
          if (answer.status !== 200) return answer
        }
      }
    },
    'POST /api/validate/outcome': { 200: ['/api/validate/outcome', { body: { good: true } }], 400: ['/api/validate/outcome', { body: {} }] },
    'POST /api/reconcile': { 200: ['/api/reconcile'] },
    'POST /api/flush': { 200: ['/api/flush'] },
    'GET /api/history': { 200: ['/api/history?limit=2'], 400: ['/api/history?limit=0'], 403: ['/api/history?path=../x.md'] },
    'POST /api/commit': {
      200: ['/api/commit', { body: { message: 'from the API', author: 'A <a@example.org>' } }],
      400: ['/api/commit', { body: { author: 'nonsense' } }],
      403: async () => {
        fs.writeFileSync(path.join(dir, '.git/MERGE_HEAD'), `${(await git(dir, 'rev-parse', 'HEAD')).stdout.trim()}\n`)
        fs.writeFileSync(path.join(dir, 'a.md'), notes['a.md'] + 'changed\n')
        const answer = await ask('POST', '/api/commit', { body: {} })
        fs.rmSync(path.join(dir, '.git/MERGE_HEAD'))
        return answer
      },
      422: async () => {
        const { json } = await ask('PUT', '/api/raw/bad.md', { body: '---\ncontents: [none.md]\n---\n' })
        const answer = await ask('POST', '/api/commit', { body: {} })
        assert.equal(answer.json.issues[0].kind, 'MissingChild')
        await ask('DELETE', `/api/files/${json.id}`)
        return answer
      },
      503: async () => {
        fs.writeFileSync(path.join(dir, '.git/index.lock'), '')
        fs.writeFileSync(path.join(dir, 'a.md'), notes['a.md'] + 'changed again\n')
        const answer = await ask('POST', '/api/commit', { body: {} })
        fs.rmSync(path.join(dir, '.git/index.lock'))
        return answer
      }
    }
  }
}

test('every documented answer of every documented operation', { timeout: 200_000 }, async (t) => {
  const dir = folder(t, notes)
  fs.symlinkSync('/etc/hostname', path.join(dir, 'link.png'))
  await git(dir, 'init', '-q', '-b', 'main')
  await git(dir, 'add', '-A')
  await git(dir, 'commit', '-q', '-m', 'first')
  const server = await serve(t, dir)
  const cases = casesFor(server, dir, t)
  let done = 0
  for (const { method, template, operation } of operations) {
    const mine = cases[`${method} ${template}`]
    assert.ok(mine, `${method} ${template}: no case`)
    const codes = Object.keys(operation.responses)
    for (const code of [...codes].sort()) {
      if (code === '429') continue // Below: it locks this address out.
      let answer
      if (code === '304') {
        const [target, options] = Array.isArray(mine[200]) ? mine[200] : [null]
        const first = target ? await call(server, method, target, options) : await mine[200](method)
        const url = target ?? `/api/files/${(await call(server, 'GET', '/api/files/by-path/a.md')).json.id}/raw`
        answer = await call(server, method, url, { ...options, headers: { 'if-none-match': first.headers.get('etag') } })
      } else if (code === '401' && !mine[401]) {
        const target = template.replace('{path}', 'a.md').replace(/\{\w+\}/, 'AAAAAAAA-AAAAAAAA')
        answer = await call(server, method, target, { token: '', body: method === 'GET' ? undefined : '{}' })
      } else {
        const one = mine[code]
        assert.ok(one, `${method} ${template}: no case for ${code}`)
        answer = Array.isArray(one) ? await call(server, method, ...one) : await one(method)
      }
      assert.equal(answer.status, Number(code), `${method} ${template} (${code}): ${answer.status} ${answer.text.slice(0, 300)}`)
      check(method, template, answer)
      done++
    }
    for (const code of Object.keys(mine)) assert.ok(codes.includes(code), `${method} ${template}: a case for ${code}, which is not documented`)
  }
  t.diagnostic(`${operations.length} operations, ${done} answers`)
  for (const key of Object.keys(cases)) assert.ok(operations.some(({ method, template }) => key === `${method} ${template}`), `${key} is not documented`)
  await server.stop()
})

test('a path answers to the documented methods and to no others', async (t) => {
  const server = await serve(t, folder(t, notes))
  for (const [template, methods] of Object.entries(api.paths)) {
    const known = Object.keys(methods).map((method) => method.toUpperCase())
    const allowed = [...known, ...(known.includes('GET') ? ['HEAD'] : [])].sort()
    const target = template.replace('{path}', 'none.png').replace(/\{\w+\}/, 'AAAAAAAA-AAAAAAAA')
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((method) => !allowed.includes(method))) {
      const answer = await call(server, method, target, { body: ['GET', 'HEAD'].includes(method) ? undefined : '{}' })
      // An upload's place is judged by its head, before its method's route is looked for.
      assert.equal(answer.status, 405, `${method} ${target}`)
      assert.deepEqual(answer.headers.get('allow').split(', ').sort(), allowed, `${method} ${target}`)
      checkSafe(answer, `${method} ${target}`)
    }
  }
  for (const target of ['/api', '/api/', '/api/nothing', '/nothing', '/api/files/a/b/c', '/..%2f', '/.diaryx/store.db', '/.git/config', '/README.md', '/pic.png', '//api/status', '/api/status/']) {
    const answer = await call(server, 'GET', target)
    assert.equal(answer.status, 404, target)
    assert.equal(answer.json.error, 'not_found')
    checkSafe(answer, target)
  }
  await server.stop()
})

test('the server hands out this very document, and it is whole', async (t) => {
  const server = await serve(t, folder(t, notes))
  assert.deepEqual((await call(server, 'GET', '/api/openapi.json', { token: '' })).json, api)
  await server.stop()
  const text = JSON.stringify(api)
  for (const [, name] of text.matchAll(/#\/components\/schemas\/(\w+)/g)) assert.ok(api.components.schemas[name], name)
  for (const name of Object.keys(api.components.schemas)) assert.ok(text.includes(`#/components/schemas/${name}"`), `${name} is used by nobody`)
  for (const { method, template, operation } of operations) {
    const named = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name)
    assert.deepEqual(named, [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name), `${method} ${template}`)
    assert.ok(operation.summary && Object.keys(operation.responses).length > 0)
  }
})

test('wrong tokens and codes run out: 429 with Retry-After, and the right token still opens', async (t) => {
  const server = await serve(t, folder(t, notes))
  const wrong = [
    ['POST', '/api/login', '/api/login', { token: '', body: { token: 'wrong' } }],
    ['GET', '/api/share/sessions/{code}', '/api/share/sessions/AAAAAAAA-AAAAAAAA', { token: '' }],
    ['GET', '/api/sessions/{code}', '/api/sessions/AAAAAAAA-AAAAAAAA', { token: '' }]
  ]
  for (const [method, template, target, options] of wrong) {
    const answer = await until(async () => {
      const got = await call(server, method, target, options)
      return got.status === 429 && got
    }, `${target} to answer 429`)
    check(method, template, answer)
    assert.ok(Number(answer.headers.get('retry-after')) > 0)
  }
  for (const options of [{ token: 'wrong' }, { token: '', headers: { cookie: `diaryx_${server.port}=x` } }]) {
    const answer = await call(server, 'GET', '/api/status', options)
    assert.equal(answer.status, options.token ? 429 : 401)
    checkSafe(answer, 'status')
    if (options.token) assert.ok(Number(answer.headers.get('retry-after')) > 0)
  }
  assert.equal((await call(server, 'GET', '/api/raw/a.md?session=AAAAAAAA-AAAAAAAA', { token: '' })).status, 429)
  assert.equal((await call(server, 'GET', '/api/status')).status, 200)
  await server.stop()
})
