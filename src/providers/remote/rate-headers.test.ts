import { describe, expect, test } from 'vitest'
import {
  ANTHROPIC_RATES,
  headroomOf,
  OPENAI_RATES,
  PLAIN_RATES,
  resetIn,
  retryAfterOf,
  usedUpFor,
} from './rate-headers.ts'
import { RetryBudget } from './retry-budget.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')

test.each<[string, Record<string, string>, number | null]>([
  ['seconds', { 'retry-after': '2' }, 2000],
  ['parts of a second', { 'retry-after': '0.5' }, 500],
  ['a date', { 'retry-after': 'Sun, 01 Mar 2026 12:00:30 GMT' }, 30_000],
  ['a date that is over', { 'retry-after': 'Sun, 01 Mar 2026 11:00:00 GMT' }, 0],
  ['ms, which are more exact', { 'retry-after-ms': '1250', 'retry-after': '2' }, 1250],
  ['nonsense', { 'retry-after': 'soon' }, null],
  ['less than nothing', { 'retry-after': '-5', 'retry-after-ms': '-1' }, null],
  ['nothing', {}, null],
])('come back after: %s', (_, headers, ms) => expect(retryAfterOf(headers, NOW)).toBe(ms))

test.each([
  ['60ms', 60],
  ['1s', 1000],
  ['6m0s', 360_000],
  ['2m59.56s', 179_560],
  ['1h2m3s', 3_723_000],
  ['1d', 86_400_000],
  ['12', 12_000],
  ['2026-03-01T12:01:00Z', 60_000],
  [String(NOW + 5000), 5000],
  [String(NOW / 1000 + 5), 5000],
  ['', null],
  ['later', null],
])('a reset of %j is in %j ms', (text, ms) => expect(resetIn(text, NOW)).toBe(ms))

describe('what is used up', () => {
  test.each<[string, Record<string, string>, typeof OPENAI_RATES, number | null]>([
    [
      'nothing',
      { 'x-ratelimit-remaining-requests': '1', 'x-ratelimit-reset-requests': '1s' },
      OPENAI_RATES,
      null,
    ],
    [
      'requests',
      { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s' },
      OPENAI_RATES,
      1000,
    ],
    [
      'both: the longer one',
      {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '1s',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '6m0s',
      },
      OPENAI_RATES,
      360_000,
    ],
    [
      'tokens in, at a time of day',
      {
        'anthropic-ratelimit-input-tokens-remaining': '0',
        'anthropic-ratelimit-input-tokens-reset': '2026-03-01T12:00:20Z',
      },
      ANTHROPIC_RATES,
      20_000,
    ],
    ['in seconds', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '3' }, PLAIN_RATES, 3000],
    ['nobody knows how long', { 'x-ratelimit-remaining': '0' }, PLAIN_RATES, null],
    ['an empty header', { 'x-ratelimit-remaining': '', 'x-ratelimit-reset': '3' }, PLAIN_RATES, null],
  ])('%s', (_, headers, names, ms) => expect(usedUpFor(headers, names, NOW)).toBe(ms))
})

describe('the budget of retries', () => {
  const spent = (budget: RetryBudget, nowMs: number) => {
    let count = 0
    while (budget.take(nowMs)) count++
    return count
  }

  test('is a share of the requests of the last ten seconds', () => {
    const budget = new RetryBudget(0.2)
    for (let index = 0; index < 100; index++) budget.request(index * 50)
    expect(spent(budget, 5000)).toBe(20)
    expect(spent(budget, 9999)).toBe(0)
    expect([budget.allowed, budget.refused]).toEqual([20, 2])
  })

  test('comes back when the requests and retries fall out of the window', () => {
    const budget = new RetryBudget(0.5)
    for (let index = 0; index < 100; index++) budget.request(0)
    expect(spent(budget, 0)).toBe(50)
    for (let index = 0; index < 10; index++) budget.request(10_000)
    expect(spent(budget, 10_000)).toBe(5)
  })

  test('has a few for a provider that is hardly asked, and none at a share of 0', () => {
    expect(spent(new RetryBudget(0.2), 0)).toBe(3)
    expect(spent(new RetryBudget(0), 0)).toBe(0)
  })

  test('stands still when the clock does, however far it jumped', () => {
    const budget = new RetryBudget(1)
    for (let index = 0; index < 8; index++) budget.request(1e9)
    expect(spent(budget, 1e9)).toBe(8)
    expect(spent(budget, 1e9 + 60_000)).toBe(3)
  })
})

test.each([
  [
    'OpenAI tells requests and tokens',
    {
      'x-ratelimit-remaining-requests': '9',
      'x-ratelimit-limit-requests': '10',
      'x-ratelimit-remaining-tokens': '100',
    },
    OPENAI_RATES,
    [
      { what: 'requests', remaining: 9, limit: 10 },
      { what: 'tokens', remaining: 100, limit: null },
    ],
  ],
  [
    'Anthropic puts the kind before',
    {
      'anthropic-ratelimit-input-tokens-remaining': '40000',
      'anthropic-ratelimit-input-tokens-limit': '50000',
    },
    ANTHROPIC_RATES,
    [{ what: 'input-tokens', remaining: 40_000, limit: 50_000 }],
  ],
  [
    'one limit has no name',
    { 'x-ratelimit-remaining': '3', 'x-ratelimit-limit': '60' },
    PLAIN_RATES,
    [{ what: '', remaining: 3, limit: 60 }],
  ],
  ['what is no number is not told', { 'x-ratelimit-remaining': 'plenty' }, PLAIN_RATES, []],
  ['nobody says', {}, OPENAI_RATES, []],
])('what is left: %s', (_, headers, rates, left) => {
  expect(headroomOf(headers, rates)).toEqual(left)
})
