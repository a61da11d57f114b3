// The engine_driver process: a batch of requests in, as many answers out.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export class Engine {
  constructor(binary) {
    this.binary = binary
  }

  start() {
    this.process = spawn(this.binary, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.complaint = ''
    this.process.stderr.on('data', (chunk) => { this.complaint = (this.complaint + chunk).slice(0, 4000) })
    this.process.stdin.on('error', () => {}) // It died: the end of its output says so.
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]()
  }

  // Answers in order; the last one is { error } if the engine died or hung over it.
  async ask(requests, seconds = 120) {
    if (!this.process) this.start()
    this.process.stdin.write(requests.map((request) => `${JSON.stringify(request)}\n`).join(''))
    const answers = []
    let hung = false
    const timer = setTimeout(() => { hung = true; this.process.kill('SIGKILL') }, seconds * 1000)
    while (answers.length < requests.length) {
      const { value, done } = await this.lines.next()
      if (done) {
        answers.push({ error: hung ? `no answer within ${seconds} s` : `the engine died: ${this.complaint}` })
        this.process = null
        break
      }
      answers.push(JSON.parse(value))
    }
    clearTimeout(timer)
    return answers
  }

  stop() {
    this.process?.stdin.end()
    this.process = null
  }
}
