import { describe, expect, test } from 'vitest'
import type { TextStats } from '../../../../../src/contracts/index.ts'
import { delaySeries } from '../../../charts/delay-series.ts'
import {
  codeWords,
  costWords,
  dollarsText,
  headroomWords,
  hitShare,
  monthOf,
  outcomeWords,
} from './text-words.ts'

test.each([
  ['0', '$0'],
  ['0.000000004', '$0.000000004'],
  ['0.0000123456', '$0.0000123'],
  ['0.0643', '$0.0643'],
  ['0.1', '$0.100'],
  ['4.2', '$4.20'],
  ['1204.7', '$1,205'],
])('%s dollars are %s', (costUsd, text) => expect(dollarsText(costUsd)).toBe(text))

test('what is unknown is requests, never an amount', () => {
  const costs = [
    { state: 'exact', requests: 3, costUsd: '0.5' },
    { state: 'unknown', requests: 2, costUsd: null },
  ] as const
  expect(costWords({ costs: [...costs] }).map(({ text }) => text)).toEqual([
    '$0.500 exact',
    'unknown for 2 requests',
  ])
})

test('how requests ended, and by which codes', () => {
  expect(outcomeWords({ requests: 0, outcomes: {} })).toBe('none asked')
  expect(outcomeWords({ requests: 10, outcomes: { error: 1, ok: 9 } })).toBe('answered 90 %, failed 10 %')
  expect(codeWords({ a: 1, b: 5, c: 2 }, 2)).toBe('b 5, c 2, others 1')
  expect(codeWords({})).toBe('')
})

test.each([
  [[], 'not told'],
  [[{ what: 'input-tokens', remaining: 4000, limit: 5000 }], '4,000 of 5,000 input tokens'],
  [[{ what: '', remaining: 3, limit: null }], '3 requests'],
])('headroom %j is %s', (headroom, text) => expect(headroomWords(headroom)).toBe(text))

test('a cache that nobody asked has no share of hits', () => {
  const cache = { hit: 0, stale: 0, semantic: 0, miss: 0, savedUsd: '0' }
  expect(hitShare({ cache })).toBeNull()
  expect(hitShare({ cache: { ...cache, hit: 1, stale: 1, miss: 2 } })).toBe(0.5)
})

test('months of all gateways add up', () => {
  const gateway = (answers: number) => ({ ladders: [{ month: { answers, degraded: 1 } }] })
  expect(monthOf([gateway(10), gateway(5)] as unknown as TextStats['gateways'])).toEqual({
    answers: 15,
    degraded: 2,
  })
})

describe('delays over time', () => {
  const point = { version: 'v1', requests: 1, outputTokens: 1, itlP50Ms: null, itlP95Ms: null }
  const stats = {
    fromMs: 30_000,
    toMs: 180_000,
    sizeMs: 60_000,
    versions: [{ version: 'v1' }, { version: 'v2' }],
    series: [{ ...point, startMs: 120_000, ttftP50Ms: 5, ttftP95Ms: null }],
  } as unknown as TextStats

  test('every point of the span is there, with a gap where nothing was', () => {
    expect(delaySeries(stats, 'ttft')).toEqual([
      {
        version: 'v1',
        points: [
          { startMs: 0, p50Ms: null, p95Ms: null },
          { startMs: 60_000, p50Ms: null, p95Ms: null },
          { startMs: 120_000, p50Ms: 5, p95Ms: null },
        ],
      },
    ])
  })
  test('a version without any is not drawn', () => expect(delaySeries(stats, 'itl')).toEqual([]))
})
