import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { foreignSupport } from '../../src/contracts/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { foreignMetrics } from '../../src/serving/foreign/foreign-metrics.ts'
import { Health } from '../../src/serving/health.ts'

interface Facts {
  readonly settings: Readonly<Record<string, { flag?: string; off?: string; environment?: string }>>
}

const page = readFileSync('docs/vllm.md', 'utf8')
const factsOf = (server: string): Facts =>
  JSON.parse(readFileSync(`test/foreign/facts/${server}.json`, 'utf8'))

/** Columns of the row of one setting. */
function rowOf(setting: string): string[] {
  const line = page.split('\n').find((each) => each.startsWith(`| \`${setting}\` |`))
  return (line ?? '').split('|').map((cell) => cell.trim())
}

test.each(Object.keys(foreignSupport.vllm))('the page says what %s is to each server', (setting) => {
  const [, , vllm = '', tgi = ''] = rowOf(setting)
  for (const [cell, server] of [
    [vllm, 'vllm'],
    [tgi, 'tgi'],
  ] as const) {
    const support = foreignSupport[server][setting as keyof typeof foreignSupport.vllm]
    const { environment, flag, off } = factsOf(server).settings[setting] ?? {}
    if (typeof support === 'string') expect(cell).toMatch(/^refused: /)
    for (const word of [environment, flag, off]) if (word !== undefined) expect(cell).toContain(word)
    if (typeof support !== 'string')
      for (const [value, since] of Object.entries(support.valuesSince ?? {}))
        expect(cell).toContain(`\`${value}\` since ${since}`)
  }
})

test('and which end is which error', () => {
  const { length } = [
    'engine_refused',
    'engine_too_slow',
    'engine_out_of_memory',
    'engine_ended',
    'engine_silent',
  ].filter((code) => page.includes(`\`${code}\``))
  expect(length).toBe(5)
})

test('every metric that a foreign server can have is on the page, and no other', async () => {
  const names = [
    'running',
    'waiting',
    'kvCacheShare',
    'prefixQueriedTokens',
    'prefixHitTokens',
    'inputTokens',
  ]
  const more = ['outputTokens', 'preemptions', 'draftedTokens', 'acceptedTokens']
  const gauges = Object.fromEntries([...names, ...more].map((name) => [name, 1]))
  const { metrics } = foreignMetrics({
    labels: { model: 'm' },
    health: new Health(systemClock, () => 0),
    scrape: async () => ({ gauges, firstToken: { buckets: [], sum: 0, count: 0 } }),
  })
  const given = [...(await metrics()).matchAll(/^# TYPE (\w+) (\w+)/gm)].map(([, name, kind]) => [name, kind])
  const documented = [...page.matchAll(/^\| `(slipway_\w+)` \| (\w+)/gm)].map(([, name, kind]) => [
    name,
    kind,
  ])
  expect(given.filter(([name]) => name?.includes('_text_'))).toEqual(documented)
})
