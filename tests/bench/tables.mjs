// What was measured, as Markdown.
import { mostKbAfterLoading, mostTimesLoading, timesYjs, titles } from './goals.mjs'

const isOurs = (peer) => peer.startsWith('diaryx') || peer === 'floor'
// Ours, also in node, and the floor on the processor, which is what one thread takes; the peers on the wall.
const timeOf = (result) => (isOurs(result.peer) ? result.cpu_median : result.ms_median)

function fastest(results, peer, workload) {
  const of = results.filter((r) => r.peer === peer && r.workload === workload)
  const timed = of.filter((r) => typeof r.ms_median === 'number')
  if (timed.length === 0) return of[0]
  return timed.reduce((a, b) => (timeOf(b) < timeOf(a) ? b : a))
}

const isTime = (result) => typeof result?.ms_median === 'number'

export function digits(value) {
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toPrecision(value >= 10 ? 3 : 2)
}

function cell(result) {
  if (result === undefined || result.ms_median === null) return '-'
  if (result.beyond_s !== undefined) return `> ${result.beyond_s} s`
  if (result.failed) return 'wrong'
  return digits(timeOf(result)) + (result.reps < 5 ? '*' : '')
}

function row(cells) {
  return `| ${cells.join(' | ')} |`
}

function table(head, rows) {
  return [row(head), row(head.map((_, i) => (i < 2 ? '---' : '--:'))), ...rows.map(row)].join('\n')
}

const workloadsOf = (results) => Object.keys(titles).filter((w) => results.some((r) => r.workload === w))

function name(results, peer) {
  const version = results.find((r) => r.peer === peer && r.version)?.version
  if (peer === 'diaryx') return '**diaryx**'
  if (peer === 'diaryx-wasm') return 'diaryx (wasm)'
  return version === undefined || peer === 'floor' ? peer : `${peer} ${version}`
}

function goal(workload, ratio) {
  const wanted = timesYjs[workload]
  if (wanted === undefined) return ['', '']
  return [`≥ ${wanted}`, ratio === undefined ? '?' : ratio >= wanted ? 'met' : '**missed**']
}

export function timeTable(results, peers) {
  const others = peers.filter((peer) => peer !== 'diaryx')
  const rows = workloadsOf(results).map((workload) => {
    const ours = fastest(results, 'diaryx', workload)
    const yjs = fastest(results, 'yjs', workload)
    const both = isTime(ours) && isTime(yjs)
    const ratio = both ? yjs.ms_median / ours.cpu_median : undefined
    const onProcessor = both && typeof yjs.cpu_median === 'number' ? digits(yjs.cpu_median / ours.cpu_median) : ''
    return [
      workload,
      titles[workload],
      `**${cell(ours)}**`,
      ratio === undefined ? '' : digits(ratio),
      onProcessor,
      ...goal(workload, ratio),
      ...others.map((peer) => cell(fastest(results, peer, workload)))
    ]
  })
  const head = ['', 'ms', name(results, 'diaryx'), '× yjs', 'both on-CPU', 'goal', '', ...others.map((peer) => name(results, peer))]
  return `${table(head, rows)}\n
Ours and the floor: time on the processor; the others: on the wall, warm. \`*\`: fewer than five repetitions. The floor is what
reading and writing the same octets costs without a CRDT.`
}

const mb = (kb) => (kb / 1000).toFixed(1)

export function memoryTable(results, peers) {
  const shown = peers.filter((peer) => peer !== 'floor')
  const least = (peer, workload) => {
    const all = results.filter((r) => r.peer === peer && r.workload === workload && r.peak_rss_kb > 0)
    return all.length === 0 ? undefined : all.reduce((a, b) => (b.peak_rss_kb < a.peak_rss_kb ? b : a))
  }
  const rows = workloadsOf(results).map((workload) => [
    workload,
    titles[workload],
    ...shown.map((peer) => {
      const result = least(peer, workload)
      return result === undefined ? '-' : mb(result.peak_rss_kb * 1.024)
    }),
    mb((least('diaryx', workload)?.rss_before_kb ?? 0) * 1.024)
  ])
  const load = least('diaryx', 'W3v1')
  const live = least('diaryx', 'W4')
  const goals = []
  if (load !== undefined) {
    const met = load.peak_rss_kb * 1.024 <= mostKbAfterLoading
    goals.push(`After W3v1 ${mb(load.peak_rss_kb * 1.024)} MB, at most ${mb(mostKbAfterLoading)}: ${met ? 'met' : '**missed**'}.`)
  }
  if (load !== undefined && live !== undefined) {
    const times = live.peak_rss_kb / load.peak_rss_kb
    goals.push(`W4 takes ${times.toFixed(2)} times that, at most ${mostTimesLoading}: ${times <= mostTimesLoading ? 'met' : '**missed**'}.`)
  }
  const head = ['', 'MB resident at most', ...shown.map((peer) => name(results, peer)), 'of ours before the first repetition']
  return `${table(head, rows)}\n
${goals.join(' ')} The highest resident size of the whole process until the last repetition, libraries and input included.`
}
