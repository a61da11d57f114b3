// The first promise: what we need not change stays as it is. init, serve for a while, stop: not one octet, inode or time of any
// file is different, over the example and over a generated vault with every oddity that we could think of.
import assert from 'node:assert/strict'
import test from 'node:test'

import { run, serve, sleep } from '../support/binary.mjs'
import { Client, records } from '../support/client.mjs'
import { journal, snapshot, vault } from '../support/folders.mjs'

const seed = Number(process.env.DIARYX_SEED ?? 1)
const files = Number(process.env.DIARYX_VAULT_FILES ?? 300)

for (const [name, make] of [
  ['the example', (t) => journal(t)],
  [`a vault of ${files} files, seed ${seed}`, (t) => vault(t, files, seed)]
]) {
  test(`${name}: init, serve, look at every note, stop, and again: nothing has changed`, async (t) => {
    const dir = make(t)
    const before = snapshot(dir)
    const init = await run(['init', dir])
    assert.equal(init.code, 0, init.stderr)
    assert.deepEqual(snapshot(dir), before)
    for (let round = 0; round < 2; ++round) {
      const server = await serve(t, dir)
      const client = await Client.connect(server)
      for (const record of records(await client.workspace())) await client.body(record.id)
      await sleep(2500)
      await client.close()
      assert.deepEqual(await server.stop(), { code: 0, signal: null })
      assert.deepEqual(snapshot(dir), before)
    }
    await run(['validate', dir])
    assert.equal((await run(['init', dir])).code, 0)
    assert.deepEqual(snapshot(dir), before)
  })
}
