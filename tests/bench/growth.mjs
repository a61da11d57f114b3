// node growth.mjs [--build DIR] [--out FILE.svg] [--lines FILE] [-- ARGS]: runs bench_growth and draws what it says, seconds over size,
// both logarithmic, so that n^k is a straight line of slope k. ARGS go to bench_growth; --lines takes its output from a file.
//
// The drawing is one SVG without script or font, readable on light and dark pages: its greys and colours have contrast with both.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = path.dirname(fileURLToPath(import.meta.url))
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    build: { type: 'string', default: path.join(here, '../../build/release') },
    out: { type: 'string', default: path.join(here, '../../docs/img/growth.svg') },
    lines: { type: 'string' }
  }
})

const curves = {
  load_s: { name: 'load all', colour: '#d9730d' },
  encode_s: { name: 'encode all', colour: '#2f9e44' },
  insert_s: { name: 'insert one word', colour: '#3b82f6' },
  receive_s: { name: 'receive one', colour: '#b065e0' }
}
const panels = [
  { kind: 'text', title: 'A text of n characters' },
  { kind: 'fragments', title: 'n fragments written at once' }
]

const height = 420
const panel = { left: 62, width: 268, top: 46, bottom: 366 }
const gap = 500
const width = 2 * gap + 14

// The exponent of the power of n that fits best.
export function slope(points) {
  const logs = points.map(([n, s]) => [Math.log(n), Math.log(s)])
  const mean = (i) => logs.reduce((sum, point) => sum + point[i], 0) / logs.length
  const [x, y] = [mean(0), mean(1)]
  const across = logs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0)
  return across / logs.reduce((sum, [a]) => sum + (a - x) ** 2, 0)
}

const seconds = { '-8': '10 ns', '-7': '100 ns', '-6': '1 µs', '-5': '10 µs', '-4': '100 µs', '-3': '1 ms', '-2': '10 ms', '-1': '100 ms', 0: '1 s', 1: '10 s' }
const superscript = (n) => [...String(n)].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[digit]).join('')
const round = (value) => Math.round(value * 10) / 10

function text(x, y, content, attributes = '') {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${content}</text>`
}

// Labels at the ends of the curves, moved apart where they would lie on each other.
function apart(labels) {
  labels.sort((a, b) => a.y - b.y)
  for (let i = 1; i < labels.length; ++i) labels[i].y = Math.max(labels[i].y, labels[i - 1].y + 15)
  return labels
}

function drawPanel({ kind, title }, offset, lines, low, high) {
  const rows = lines.filter((line) => line.kind === kind)
  const from = Math.log10(Math.min(...rows.map((row) => row.n)))
  const to = Math.log10(Math.max(...rows.map((row) => row.n)))
  const left = offset + panel.left
  const x = (n) => left + ((Math.log10(n) - from) / Math.max(to - from, 0.1)) * panel.width
  const y = (s) => panel.bottom - ((Math.log10(s) - low) / (high - low)) * (panel.bottom - panel.top)
  const parts = [text(left, panel.top - 20, title, 'class="title"')]
  for (let power = low; power <= high; ++power) {
    const at = round(y(10 ** power))
    parts.push(`<path class="grid" d="M${left} ${at}h${panel.width}"/>`)
    parts.push(text(left - 8, at + 4, seconds[power], 'text-anchor="end"'))
  }
  for (let power = Math.ceil(from); power <= to + 1e-9; ++power) {
    const at = round(x(10 ** power))
    parts.push(`<path class="grid" d="M${at} ${panel.top}V${panel.bottom}"/>`)
    parts.push(text(at, panel.bottom + 20, `10${superscript(power)}`, 'text-anchor="middle"'))
  }
  // What grows with n runs along the dashed lines.
  for (const start of [rows[0].load_s, rows[0].encode_s, rows[0].encode_s / 100]) {
    const stop = Math.min(to, from + high - Math.log10(start))
    if (Math.log10(start) < low) continue
    parts.push(`<path class="linear" d="M${round(x(rows[0].n))} ${round(y(start))}L${round(x(10 ** stop))} ${round(y(start * 10 ** (stop - from)))}"/>`)
  }
  const labels = []
  for (const [key, { name, colour }] of Object.entries(curves)) {
    const points = rows.filter((row) => row[key] > 0).map((row) => [row.n, row[key]])
    if (points.length === 0) continue
    const places = points.map(([n, s]) => [round(x(n)), round(y(s))])
    parts.push(`<path class="curve" stroke="${colour}" d="M${places.map((place) => place.join(' ')).join('L')}"/>`)
    for (const [cx, cy] of places) parts.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`)
    const growth = points.length > 1 ? slope(points).toFixed(2) : '?'
    labels.push({ y: places.at(-1)[1] + 4, colour, words: `${name} ∝ n<tspan dy="-5" font-size="10">${growth}</tspan>` })
  }
  for (const label of apart(labels)) parts.push(text(left + panel.width + 8, label.y, label.words, `fill="${label.colour}" class="name"`))
  return parts.join('\n')
}

export function draw(lines) {
  const all = lines.flatMap((line) => Object.keys(curves).map((key) => line[key]).filter((s) => s > 0))
  const low = Math.floor(Math.log10(Math.min(...all)))
  const high = Math.ceil(Math.log10(Math.max(...all)))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>How the engine's time grows with the document</title>
<style>
text { font: 12px system-ui, sans-serif; fill: #7d8590 }
.title { font-size: 14px; font-weight: 600 }
.name { font-weight: 600 }
${Object.values(curves).map(({ colour }) => `.name[fill="${colour}"] { fill: ${colour} }`).join('\n')}
.grid { stroke: #7d8590; stroke-opacity: .25 }
.linear { stroke: #7d8590; stroke-opacity: .6; stroke-dasharray: 2 4 }
.curve { fill: none; stroke-width: 2 }
</style>
${panels.map((one, i) => drawPanel(one, i * gap, lines, low, high)).join('\n')}
</svg>
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const output =
    options.lines === undefined
      ? execFileSync(path.join(path.resolve(options.build), 'bench_growth'), positionals, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
      : fs.readFileSync(options.lines, 'utf8')
  process.stdout.write(output)
  fs.mkdirSync(path.dirname(path.resolve(options.out)), { recursive: true })
  fs.writeFileSync(options.out, draw(output.trim().split('\n').map((line) => JSON.parse(line))))
}
