// The servers that are measured: how each is started on an empty store, and how the load client talks to it.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const peersFolder = path.join(here, '../peers')
const wireKit = path.join(here, '../../wire')
const kNoFile = { ASAN_OPTIONS: 'abort_on_error=1', TSAN_OPTIONS: 'halt_on_error=1' }

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

async function listening(port, child, ms) {
  for (const end = Date.now() + ms; Date.now() < end && child.exitCode === null; await sleep(20)) {
    const open = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
    if (open) return
  }
  throw new Error(`nothing listens on port ${port}`)
}

function versionOf(name) {
  return JSON.parse(fs.readFileSync(path.join(peersFolder, 'node_modules', name, 'package.json'), 'utf8')).version
}

// A server that runs. `load` are the arguments that lead the load client to it; `where` is its store.
class Running {
  constructor(child, where) {
    Object.assign(this, { child, where, pid: child.pid, log: '' })
    child.stderr?.on('data', (data) => (this.log = (this.log + data).slice(-8_000)))
    this.exited = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })))
  }

  async stop(signal = 'SIGTERM') {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal)
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 60_000)
    const ended = await this.exited
    clearTimeout(timer)
    return ended
  }
}

function nodePeer(title, packageName, { args, env = () => ({}), cwd = peersFolder, dialect, pathname, hasStore, name }) {
  return {
    title: () => `${title}${packageName ? ` ${versionOf(packageName)}` : ''}`,
    dialect,
    hasStore,
    installed: () => packageName === undefined || fs.existsSync(path.join(peersFolder, 'node_modules', packageName)),
    prepare: (where) => fs.mkdirSync(where, { recursive: true }),
    docs: (prefix) => ['--doc-prefix', prefix],
    async start(where) {
      const port = await freePort()
      const child = spawn(process.execPath, args(port, where), {
        cwd,
        env: { ...process.env, ...env(port, where) },
        stdio: ['ignore', 'ignore', 'pipe']
      })
      const running = new Running(child, where)
      await listening(port, child, 10_000)
      running.load = ['--url', `ws://127.0.0.1:${port}${pathname}`, '--dialect', dialect]
      return running
    },
    name
  }
}

// diaryx-sync on a folder of real notes, which it also writes to. `build` is where the binary is.
function diaryx(build) {
  const binary = path.join(build, 'diaryx-sync')
  const ids = new Map() // Folder → the workspace's id.
  return {
    name: 'diaryx',
    title: () => spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout.trim(),
    dialect: 'mux8',
    hasStore: true,
    installed: () => fs.existsSync(binary),
    // A note for each document that the load will open.
    prepare(where, prefix, count) {
      fs.mkdirSync(where, { recursive: true })
      const names = Array.from({ length: count }, (_, i) => `${prefix}${i}.md`)
      fs.writeFileSync(path.join(where, 'README.md'), `---\ntitle: Load\ncontents:\n${names.map((n) => `  - ${n}\n`).join('')}---\n`)
      for (const name of names) fs.writeFileSync(path.join(where, name), `---\ntitle: ${name}\npart_of: README.md\n---\n`)
      const done = spawnSync(binary, ['init', where], { encoding: 'utf8', env: { ...process.env, ...kNoFile } })
      if (done.status !== 0) throw new Error(`init: ${done.stderr}`)
    },
    docs: (prefix, where) => ['--doc-prefix', `body:${ids.get(where)}/${prefix}`, '--doc-suffix', '.md'],
    async start(where) {
      const child = spawn(binary, ['serve', where, '--json', '--port', '0'], {
        env: { ...process.env, ...kNoFile },
        stdio: ['ignore', 'pipe', 'pipe']
      })
      const running = new Running(child, where)
      const ready = await new Promise((resolve, reject) => {
        let out = ''
        child.stdout.on('data', (data) => {
          out += data
          if (out.includes('\n')) resolve(JSON.parse(out.slice(0, out.indexOf('\n'))))
        })
        child.on('exit', (code) => reject(new Error(`serve ended with ${code}: ${running.log}`)))
      })
      ids.set(where, ready.workspace_id)
      running.load = ['--url', `ws://127.0.0.1:${ready.port}/sync2`, '--dialect', 'mux8', '--query', `token=${ready.token}`]
      return running
    }
  }
}

// Ours on the disk, ours in memory, then the peers that were asked for.
export function contenders(build, peers) {
  const all = {
    hocuspocus: nodePeer('Hocuspocus', '@hocuspocus/server', {
      name: 'hocuspocus',
      args: (port, where) => ['hocuspocus.mjs', String(port), path.join(where, 'docs.sqlite')],
      dialect: 'hocuspocus',
      pathname: '/',
      hasStore: true
    }),
    'y-websocket': nodePeer('y-websocket-server', '@y/websocket-server', {
      name: 'y-websocket',
      args: () => ['node_modules/@y/websocket-server/src/server.js'],
      env: (port, where) => ({ HOST: '127.0.0.1', PORT: String(port), YPERSISTENCE: path.join(where, 'ldb') }),
      dialect: 'yws',
      pathname: '/',
      hasStore: true
    }),
    ref: nodePeer('ref-server', undefined, {
      name: 'ref',
      cwd: wireKit,
      args: (port) => ['ref-server.mjs', '--port', String(port), '--path', '/ws'],
      dialect: 'mux8',
      pathname: '/ws',
      hasStore: false
    })
  }
  for (const name of peers) if (all[name] === undefined) throw new Error(`no such peer: ${name}; there are ${Object.keys(all).join(', ')}`)
  return [diaryx(build), ...peers.map((name) => all[name])]
}
