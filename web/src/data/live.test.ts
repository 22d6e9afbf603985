import { expect, test } from 'vitest'
import { applyEvent } from './live.ts'
import type { QueryCache } from './query-cache.ts'

const KNOWN = [
  'models',
  'model:spam_filter',
  'model:spam',
  'changes',
  'change:c-7f3a',
  'change-events:c-7f3a',
  'evidence:c-7f3a',
  'evidence:c-9b21',
  'rollout:c-7f3a',
  'windows:spam_filter:5000',
  'windows:spam:5000',
  'requests:spam_filter:::',
  'deployments:spam_filter',
  'traffic-history:spam_filter:100',
  'incidents',
  'failure-cases',
]

test.each([
  ['hello', {}, KNOWN],
  ['windows', { model: 'spam' }, ['windows:spam:5000']],
  ['windows', { model: 'spam_filter' }, ['windows:spam_filter:5000', 'requests:spam_filter:::']],
  ['evidence', { change: 'c-7f3a' }, ['evidence:c-7f3a']],
  ['rollout', { rolloutId: 'r-1' }, ['rollout:c-7f3a']],
  [
    'traffic',
    { model: 'spam_filter' },
    ['models', 'model:spam_filter', 'deployments:spam_filter', 'traffic-history:spam_filter:100'],
  ],
  ['incidents', {}, ['models', 'model:spam_filter', 'model:spam', 'incidents', 'failure-cases']],
  ['an event of a newer server', {}, []],
])('%s %j makes stale what it is about', (event, data, expected) => {
  const stale: string[] = []
  applyEvent(recorder(stale, []), { event, data, id: undefined })
  expect(stale.sort()).toEqual([...expected].sort())
})

test('a change carries its new state', () => {
  const put: unknown[] = []
  const stale: string[] = []
  applyEvent(recorder(stale, put), { event: 'change', data: { id: 'c-7f3a', state: 'live' }, id: undefined })
  expect(put).toEqual([['change:c-7f3a', { id: 'c-7f3a', state: 'live' }]])
  expect(stale).toContain('changes')
  expect(stale).not.toContain('evidence:c-7f3a')
})

function recorder(stale: string[], put: unknown[]): QueryCache {
  return {
    subscribe: () => () => undefined,
    peek: () => ({ data: undefined, error: undefined }),
    invalidate: (matches) => void stale.push(...KNOWN.filter(matches)),
    put: (key, data) => void put.push([key, data]),
  }
}
