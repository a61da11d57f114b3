// Real Markdown, of any folders: DIARYX_VAULTS=folder:folder. Each is copied; init, serve while every note is looked at, a commit's
// worth of quiet, and not one octet is different; what materialise writes is what is there.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import { runJson, serve, sleep } from '../support/binary.mjs'
import { Client, records } from '../support/client.mjs'
import { snapshot, tempDir } from '../support/folders.mjs'

const vaults = (process.env.DIARYX_VAULTS ?? '').split(':').filter((dir) => dir !== '')

if (vaults.length === 0) test('real vaults', (t) => t.skip('DIARYX_VAULTS names no folder'))

for (const vault of vaults) {
  test(`${path.basename(vault)}: every octet stays`, { timeout: 600_000 }, async (t) => {
    const dir = path.join(tempDir(t), 'vault')
    const hidden = /(^|\/)\.(git|diaryx)(\/|$)/
    fs.cpSync(vault, dir, { recursive: true, preserveTimestamps: true, filter: (from) => !hidden.test(path.relative(vault, from)) })
    const before = snapshot(dir)
    const init = await runJson(['init', dir], { timeoutMs: 300_000 })
    assert.equal(init.code, 0, init.stderr)
    assert.deepEqual(snapshot(dir), before, 'init')
    const server = await serve(t, dir, [], { readyMs: 120_000 })
    const client = await Client.connect(server)
    for (const record of records(await client.workspace())) await client.body(record.id)
    await sleep(3000)
    await client.close()
    assert.equal((await server.stop()).code, 0)
    assert.deepEqual(snapshot(dir), before, 'serve')
    const out = path.join(tempDir(t), 'out')
    const done = await runJson(['materialise', dir, '--out', out], { timeoutMs: 300_000 })
    assert.equal(done.code, 0, done.stderr)
    const written = fs.readdirSync(out, { recursive: true }).filter((name) => name.endsWith('.md') && fs.statSync(path.join(out, name)).isFile())
    for (const name of written) assert.ok(fs.readFileSync(path.join(out, name)).equals(fs.readFileSync(path.join(dir, name))), name)
    const skipped = init.json.skipped.map((entry) => entry.path)
    const expected = Object.keys(before).filter((name) => /\.md$/i.test(name) && before[name].startsWith('file')).map((name) => Buffer.from(name, 'latin1').toString())
    const missing = expected.filter((name) => !written.includes(name) && !skipped.includes(name) && !/(^|\/)\./.test(name) && name.endsWith('.md'))
    assert.deepEqual(missing, [], 'notes that are neither written nor named as skipped')
    t.diagnostic(`${written.length} notes, ${skipped.length} skipped`)
  })
}
