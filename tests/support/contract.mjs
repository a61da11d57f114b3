// Answers held against docs/openapi.json.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import Ajv from 'ajv/dist/2020.js'

import { repository } from './binary.mjs'

export const api = JSON.parse(fs.readFileSync(path.join(repository, 'docs/openapi.json'), 'utf8'))

const ajv = new Ajv({ strict: false, allErrors: true })
ajv.addSchema({ $id: 'api', ...api })
const pointer = (keys) => 'api#/' + keys.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')

// Every operation: {method, template, operation}.
export const operations = Object.entries(api.paths).flatMap(([template, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), template, operation }))
)

// What every answer carries, page or error.
export const safeHeaders = {
  'x-content-type-options': /^nosniff$/,
  'referrer-policy': /^no-referrer$/,
  'x-frame-options': /^DENY$/,
  'content-security-policy': /default-src 'none'.*frame-ancestors 'none'/,
  'cross-origin-opener-policy': /^same-origin$/,
  'cross-origin-resource-policy': /^same-origin$/,
  'cache-control': /^(no-store|no-cache|private, no-cache)$/
}
export function checkSafe(answer, what) {
  for (const [name, wanted] of Object.entries(safeHeaders)) {
    const value = answer.headers.get(name)
    assert.ok(value !== null && wanted.test(value), `${what}: ${name}: ${value}`)
    assert.ok(!value.includes(', ' + value), `${what}: ${name} twice`)
  }
  assert.equal(answer.headers.get('access-control-allow-origin'), null, what)
}

// Status, type, schema and headers of `answer` are those that are documented.
export function check(method, template, answer) {
  const what = `${method} ${template} → ${answer.status} ${answer.text.slice(0, 200)}`
  const responses = api.paths[template][method.toLowerCase()].responses
  const documented = responses[answer.status]
  assert.ok(documented, `${what}: not documented`)
  checkSafe(answer, what)
  for (const name of Object.keys(documented.headers ?? {})) {
    const mayMiss = name === 'ETag' && method === 'PUT'
    assert.ok(mayMiss || answer.headers.get(name) !== null, `${what}: no ${name}`)
  }
  if (documented.content === undefined) return assert.equal(answer.body.length, 0, what)
  const [wanted] = Object.keys(documented.content)
  const type = answer.headers.get('content-type') ?? ''
  assert.ok(wanted === '*/*' || type.split(';')[0] === wanted, `${what}: ${type}`)
  if (wanted !== 'application/json') return
  const validate = ajv.getSchema(pointer(['paths', template, method.toLowerCase(), 'responses', String(answer.status), 'content', wanted, 'schema']))
  assert.ok(validate(answer.json), `${what}: ${JSON.stringify(validate.errors)}`)
}
