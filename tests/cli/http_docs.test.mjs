// The examples of docs/http-api.md, run as they stand, say what stands below them.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import { execute, repository, serve } from '../support/binary.mjs'
import { call } from '../support/api.mjs'
import { folder, tempDir } from '../support/folders.mjs'
import { parseMetrics } from '../support/prometheus.mjs'

const page = fs.readFileSync(path.join(repository, 'docs/http-api.md'), 'utf8')

// [{command, output}], in order.
function examples() {
  const found = []
  for (const [, block] of page.matchAll(/^```console\n(.*?)^```$/gms)) {
    for (const line of block.trimEnd().split('\n')) {
      if (line.startsWith('$ ')) found.push({ command: line.slice(2), output: '' })
      else found.at(-1).output += line + '\n'
    }
  }
  return found
}

// "…" stands for anything.
const pattern = (text) => new RegExp('^' + text.trimEnd().split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^]*') + '\\s*$')

test('every example says what the page says', { timeout: 100_000 }, async (t) => {
  const dir = folder(t, {
    'README.md': '---\ntitle: Home\ncontents:\n  - "[A](/a.md)"\n---\n',
    'a.md': '---\ntitle: A\npart_of: "[Home](/README.md)"\n---\nLine one.\n'
  })
  const server = await serve(t, dir)
  const all = examples()
  assert.ok(all.length > 20)
  const mark = '---next-example---'
  const script = all.map(({ command }) => `${command}\nprintf '%s\\n' '${mark}'`).join('\n')
  const done = await execute('bash', ['-c', script], { cwd: tempDir(t), env: { URL: server.base, TOKEN: server.token } })
  assert.equal(done.stderr, '')
  const outputs = done.stdout.split(mark + '\n').slice(0, -1)
  assert.equal(outputs.length, all.length)
  all.forEach(({ command, output }, n) => assert.match(outputs[n], pattern(output), command))
  t.diagnostic(`${all.length} examples`)
  await server.stop()
})

test('every metric and every reason is on the page', async (t) => {
  const server = await serve(t, folder(t, { 'a.md': 'x\n' }))
  const families = parseMetrics((await call(server, 'GET', '/api/metrics')).text)
  for (const [name, { samples }] of families) {
    const short = name.replace(/_bytes_total$/, '_total')
    assert.ok(page.includes(`\`${name}`) || page.includes(`\`${short}\`, \`…_bytes_total\``), name)
    for (const { labels } of samples) if (labels.reason) assert.ok(page.includes(`\`${labels.reason}\``), labels.reason)
  }
  for (const [, name] of page.matchAll(/`((?:diaryx|process)_\w+)/g)) assert.ok(families.has(name), `${name} is not there`)
  await server.stop()
})
