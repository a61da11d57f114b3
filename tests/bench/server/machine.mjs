// What the machine is, and what it costs there to know that octets are on the disk.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

export function machine() {
  return { processor: os.cpus()[0]?.model ?? '?', cores: os.cpus().length, memory_gb: Math.round(os.totalmem() / 2 ** 30), node: process.version }
}

// A page appended and synced, `times` times: milliseconds.
export function syncCost(folder, times = 100) {
  fs.mkdirSync(folder, { recursive: true })
  const file = path.join(folder, 'sync-cost')
  const page = Buffer.alloc(4096, 1)
  const took = []
  const fd = fs.openSync(file, 'w')
  for (let i = 0; i < times; ++i) {
    fs.writeSync(fd, page)
    const before = performance.now()
    fs.fdatasyncSync(fd)
    took.push(performance.now() - before)
  }
  fs.closeSync(fd)
  fs.unlinkSync(file)
  took.sort((a, b) => a - b)
  const at = (part) => Number(took[Math.min(times - 1, Math.floor(part * times))].toFixed(3))
  return { p50_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99) }
}

// Of a process, from /proc.
export function rssMb(pid) {
  const pages = Number(fs.readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
  return (pages * 4096) / 1e6
}

export function cpuTicks(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ')
  return Number(fields[11]) + Number(fields[12])
}
