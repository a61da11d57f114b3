// What was measured, as Markdown: a row for each figure; ours on the disk and in memory, the peers, and what ours are beside the best
// of them.
import { measures } from './measures.mjs'

export function digits(value) {
  if (value === undefined || Number.isNaN(value)) return '-'
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toPrecision(value >= 10 ? 3 : 2)
}

const row = (cells) => `| ${cells.join(' | ')} |`

// The median of a contender's rounds.
function valueOf(results, contender, measure, figure) {
  const values = results
    .filter((r) => r.contender === contender && r.measure === measure)
    .map((r) => figure.of(r))
    .filter((value) => Number.isFinite(value))
    .sort((a, b) => a - b)
  return values[values.length >> 1]
}

function best(values, more) {
  const known = values.filter((value) => value !== undefined)
  if (known.length === 0) return undefined
  return more ? Math.max(...known) : Math.min(...known)
}

const isWrong = (results, contender, measure) => results.some((r) => r.contender === contender && r.measure === measure && !r.good && !r.none)

// [ours / best peer, the verdict]
export function judge(figure, ours, peer) {
  const ratio = ours === undefined || peer === undefined || peer === 0 ? '' : `${digits(ours / peer)} ×`
  if (!figure.goal || ours === undefined) return [ratio, '']
  if (peer === undefined && figure.goal.met.length > 1) return [ratio, '?']
  return [ratio, figure.goal.met(ours, peer) ? 'met' : '**missed**']
}

export function table(results, names, titles) {
  const peers = names.filter((name) => !name.startsWith('diaryx'))
  const ours = names.filter((name) => name.startsWith('diaryx'))
  const rows = []
  for (const [measure, { title, figures }] of Object.entries(measures)) {
    if (!results.some((r) => r.measure === measure)) continue
    figures.forEach((figure, i) => {
      const values = Object.fromEntries(names.map((name) => [name, valueOf(results, name, measure, figure)]))
      const peer = best(peers.map((name) => values[name]), figure.more)
      const cell = (name) => `${digits(values[name])}${isWrong(results, name, measure) ? ' (wrong)' : ''}`
      rows.push([
        i === 0 ? title : '',
        figure.name,
        ...ours.flatMap((name) => [`**${cell(name)}**`, ...judge(figure, values[name], peer)]),
        figure.goal?.says ?? '',
        ...peers.map(cell)
      ])
    })
  }
  const head = ['', '', ...ours.flatMap((name) => [titles[name], '/ best', '']), 'goal', ...peers.map((name) => titles[name])]
  return [row(head), row(head.map((_, i) => (i < 2 ? '---' : '--:'))), ...rows.map(row)].join('\n')
}
