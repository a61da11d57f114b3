// Running the real diaryx-sync: one-shot commands, and `serve` until it is stopped.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
export const binary = process.env.DIARYX_SYNC ?? path.join(repository, 'build/release/diaryx-sync')

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// Waits until `condition` (which may be async) returns something true, and returns that. `what` completes "timed out waiting for".
export async function until(condition, what, ms = 10_000) {
  const end = Date.now() + ms
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > end) throw new Error(`timed out after ${ms} ms waiting for ${what}`)
    await sleep(20)
  }
}

// Runs a program to its end. Never throws on an exit code: tests look at it.
export function execute(program, args, { cwd, env = {}, timeoutMs = 60_000, user } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], ...user })
    const out = []
    const err = []
    child.stdout.on('data', (data) => out.push(data))
    child.stderr.on('data', (data) => err.push(data))
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() })
    })
  })
}

export const run = (args, options) => execute(binary, args, options)

// A command with --json: standard output must be one JSON document and nothing else.
export async function runJson(args, options) {
  const done = await run([...args, '--json'], options)
  try {
    return { ...done, json: JSON.parse(done.stdout) }
  } catch {
    throw new Error(`not one JSON document: ${JSON.stringify(done)}`)
  }
}

export class Server {
  constructor(child, ready) {
    this.child = child
    Object.assign(this, ready) // event, url, port, token, workspace_id, epoch, pid
    this.stderr = ''
    this.exited = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })))
  }

  get base() {
    return `http://127.0.0.1:${this.port}`
  }

  get syncUrl() {
    return `ws://127.0.0.1:${this.port}/sync2?token=${encodeURIComponent(this.token)}`
  }

  request(method, pathname, body) {
    return fetch(this.base + pathname, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body)
    })
  }

  async flush() {
    const answer = await this.request('POST', '/api/flush', {})
    if (!answer.ok) throw new Error(`flush: ${answer.status} ${await answer.text()}`)
  }

  // Ends it in order, and returns how it ended: {code, signal}.
  async stop(signal = 'SIGTERM') {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal)
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 20_000)
    const ended = await this.exited
    clearTimeout(timer)
    return ended
  }

  kill() {
    return this.stop('SIGKILL')
  }
}

// Starts `serve --json` on a free port and waits for its ready line. `test` (a node test context) ends it if the test does not.
export function serve(test, dir, args = [], { env = {}, readyMs = 30_000, program = binary, user } = {}) {
  const child = spawn(program, ['serve', dir, '--json', '--port', '0', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user
  })
  test?.after(() => child.kill('SIGKILL'))
  return new Promise((resolve, reject) => {
    let out = ''
    let err = ''
    let server
    const fail = (why) => {
      child.kill('SIGKILL')
      reject(new Error(`serve: ${why}; stdout: ${out}; stderr: ${err}`))
    }
    const timer = setTimeout(() => fail(`not ready after ${readyMs} ms`), readyMs)
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      if (!server) fail(`ended with ${code ?? signal} before it was ready`)
    })
    child.stderr.on('data', (data) => {
      err += data
      if (server) server.stderr += data
    })
    child.stdout.on('data', (data) => {
      out += data
      if (server || !out.includes('\n')) return
      clearTimeout(timer)
      try {
        server = new Server(child, JSON.parse(out.slice(0, out.indexOf('\n'))))
      } catch (error) {
        return fail(error.message)
      }
      server.stderr = err
      resolve(server)
    })
  })
}

export const isRoot = process.getuid() === 0
export const exists = (file) => fs.existsSync(file)
