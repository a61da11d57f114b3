// A strict reader of Prometheus' text format, version 0.0.4: throws at the first thing that a scraper might not like.
import assert from 'node:assert/strict'

const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? ([0-9.eE+-]+|\+Inf|NaN)$/

// family → {type, help, samples: [{name, labels, value}]}
export function parseMetrics(text) {
  assert.ok(text.endsWith('\n'), 'the last line ends, too')
  assert.ok(!text.includes('\r'))
  const families = new Map()
  const seen = new Set()
  let current
  let help
  for (const line of text.slice(0, -1).split('\n')) {
    assert.ok(line !== '', 'no empty lines')
    if (line.startsWith('# HELP ')) {
      const [, metric, what] = /^# HELP (\S+) (\S.*)$/.exec(line)
      assert.match(metric, name)
      assert.ok(!families.has(metric), `${metric} comes twice`)
      help = { metric, what }
      continue
    }
    if (line.startsWith('# TYPE ')) {
      const [, metric, type] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line)
      assert.equal(metric, help?.metric, 'TYPE follows its HELP')
      current = { metric, type, help: help.what, samples: [] }
      families.set(metric, current)
      continue
    }
    assert.ok(!line.startsWith('#'), `a comment: ${line}`)
    const match = sample.exec(line)
    assert.ok(match, `no sample: ${line}`)
    const [, metric, labelText = '', value] = match
    assert.ok(!labelText.endsWith(','), line)
    const labels = Object.fromEntries([...labelText.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text]))
    assert.ok(current, `a sample without a family: ${line}`)
    const ending = metric.slice(current.metric.length)
    assert.ok(metric.startsWith(current.metric) && (current.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']).includes(ending), `${metric} stands below ${current.metric}`)
    const key = `${metric}{${Object.entries(labels).sort().join()}}`
    assert.ok(!seen.has(key), `${key} comes twice`)
    seen.add(key)
    const number = value === '+Inf' ? Infinity : Number(value)
    assert.ok(!Number.isNaN(number), line)
    if (current.type !== 'gauge') assert.ok(number >= 0, line)
    if (current.type === 'counter') assert.match(current.metric, /_total$/)
    current.samples.push({ name: metric, labels, value: number })
  }
  for (const { metric, type, samples } of families.values()) {
    assert.ok(samples.length > 0, `${metric} has no sample`)
    if (type !== 'histogram') continue
    const buckets = samples.filter((one) => one.name.endsWith('_bucket'))
    const bounds = buckets.map(({ labels }) => (labels.le === '+Inf' ? Infinity : Number(labels.le)))
    assert.deepEqual(bounds, [...bounds].sort((a, b) => a - b), metric)
    assert.equal(bounds.at(-1), Infinity)
    for (let i = 1; i < buckets.length; i++) assert.ok(buckets[i].value >= buckets[i - 1].value, `${metric} is summed up`)
    assert.equal(samples.find((one) => one.name.endsWith('_count')).value, buckets.at(-1).value)
    assert.ok(samples.find((one) => one.name.endsWith('_sum')))
  }
  return families
}

export const value = (families, metric, labels = {}) =>
  families.get(metric)?.samples.find((one) => Object.entries(labels).every(([key, text]) => one.labels[key] === text) && !one.name.endsWith('_bucket'))?.value
