import { fc, test as property } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import type { RequestRecord, TrafficWindow } from '../contracts/index.ts'
import { sampleRecord } from './testing/samples.ts'
import { rebin, windowsOf } from './windows.ts'

const AT = 1_000_000

test.each<[string, Partial<RequestRecord>, Partial<TrafficWindow> | undefined]>([
  ['an answered request', {}, { requests: 1, errors: 0, timeouts: 0, refusals: 0, rows: 1 }],
  ['a failed one', { outcome: 'error' }, { requests: 1, errors: 1 }],
  ['a timed out one', { outcome: 'timeout' }, { requests: 1, timeouts: 1, errors: 0 }],
  ['a refused one', { outcome: 'refused' }, { requests: 1, refusals: 1, errors: 0 }],
  ['one that the client spoiled', { outcome: 'client_error' }, { requests: 1, errors: 0, refusals: 0 }],
  ['one that the client left', { outcome: 'cancelled' }, { requests: 1, errors: 0 }],
  ['rows and compute', { rows: 32, computeMs: 4.5 }, { rows: 32, computeMs: 4.5 }],
  ['a pinned one does not count', { assignment: 'pinned' }, undefined],
  ['one without a version does not count', { version: null }, undefined],
])('%s', (_, fields, expected) => {
  const [window, ...more] = windowsOf([sampleRecord({ at: AT + 999, ...fields })])
  expect(more).toEqual([])
  if (expected === undefined) expect(window).toBeUndefined()
  else expect(window).toMatchObject({ startMs: AT, sizeMs: 1000, ...expected })
})

const records = fc.array(
  fc
    .record({
      at: fc.integer({ min: AT, max: AT + 5000 }),
      version: fc.constantFrom('v1', 'v2', null),
      model: fc.constantFrom('a', 'b'),
      assignment: fc.constantFrom('split' as const, 'pinned' as const),
      outcome: fc.constantFrom('ok' as const, 'error' as const, 'timeout' as const, 'refused' as const),
      latencyMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
      // Sums of powers of two are exact in any order.
      computeMs: fc.constantFrom(0.25, 0.5, 1, 8),
      rows: fc.integer({ min: 1, max: 64 }),
    })
    .map((fields) => sampleRecord(fields)),
  { maxLength: 60 },
)

property.prop([records, fc.array(fc.nat({ max: 59 }), { maxLength: 6 }), fc.boolean()])(
  'any cutting into batches, in any order, gives the same windows',
  (all, cuts, isReversed) => {
    const edges = [
      0,
      ...cuts.filter((cut) => cut < all.length).sort((left, right) => left - right),
      all.length,
    ]
    const batches = edges.slice(1).map((end, index) => all.slice(edges[index], end))
    const ordered = isReversed ? batches.toReversed() : batches
    expect(
      rebin(
        ordered.flatMap((batch) => windowsOf(batch)),
        1000,
      ),
    ).toEqual(rebin(windowsOf(all), 1000))
  },
)

property.prop([records, records, records])('merging is associative and commutative', (a, b, c) => {
  const [x, y, z] = [windowsOf(a), windowsOf(b), windowsOf(c)]
  const merge = (...parts: TrafficWindow[][]) => rebin(parts.flat(), 1000)
  expect(merge(merge(x, y), z)).toEqual(merge(x, merge(y, z)))
  expect(merge(x, y)).toEqual(merge(y, x))
})

property.prop([records, fc.constantFrom(1000, 2000, 5000)])(
  'no request is lost or counted twice',
  (all, sizeMs) => {
    const counted = all.filter((record) => record.assignment === 'split' && record.version !== null)
    const windows = rebin(windowsOf(all), sizeMs)
    const sum = (of: (window: TrafficWindow) => number) =>
      windows.reduce((total, window) => total + of(window), 0)
    expect(sum((window) => window.requests)).toBe(counted.length)
    expect(sum((window) => window.errors)).toBe(counted.filter(({ outcome }) => outcome === 'error').length)
    expect(sum((window) => window.rows)).toBe(counted.reduce((total, { rows }) => total + rows, 0))
    for (const window of windows)
      expect(Object.values(window.latency).reduce((total, count) => total + count, 0)).toBe(window.requests)
  },
)
