import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import {
  bucketEdgeMs,
  bucketOf,
  canonicalJson,
  countInto,
  countSlowerThan,
  digestOf,
  type Histogram,
  histogramQuantileMs,
  holdsScope,
  macOfSecret,
  mergeInto,
  newKeySecret,
  parseKey,
  RingQueue,
  requestIdSource,
  SlipwayError,
  sameMac,
  seededRandom,
  toProblem,
} from './index.ts'

describe('canonical JSON, RFC 8785', () => {
  test.each([
    // The example of RFC 8785, section 3.2.3.
    [
      {
        '€': 'Euro Sign',
        '\r': 'Carriage Return',
        '1': 'One',
        '😀': 'Emoji: Grinning Face',
        '\u0080': 'Control',
        ö: 'Latin Small Letter O With Diaeresis',
        '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      },
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    ],
    [
      [1 / 3 + 333333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      '[333333333.3333333,1e+30,4.5,0.002,1e-27]',
    ],
    [{ b: undefined, a: [null, true, -0] }, '{"a":[null,true,0]}'],
  ])('%j', (value, expected) => expect(canonicalJson(value)).toBe(expected))

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 1n, Symbol('x')])('%s has no form', (value) => {
    expect(() => canonicalJson({ value })).toThrow(TypeError)
  })

  property.prop([fc.jsonValue()])('the order of keys does not matter, any other difference does', (value) => {
    const turned = JSON.parse(JSON.stringify(value), (_, member) =>
      member !== null && typeof member === 'object' && !Array.isArray(member)
        ? Object.fromEntries(Object.entries(member).reverse())
        : member,
    )
    expect(canonicalJson(turned)).toBe(canonicalJson(value))
    expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
    expect(digestOf({ value, more: 1 })).not.toBe(digestOf({ value, more: 2 }))
  })
})

describe('keys', () => {
  test('a key is found by its id and proven by its secret under the pepper', () => {
    const pepper = Buffer.from('pepper')
    const { key, publicId, secret } = newKeySecret()
    expect(parseKey(key)).toEqual({ publicId, secret })
    const mac = macOfSecret(secret, pepper)
    expect(sameMac(mac, macOfSecret(secret, pepper))).toBe(true)
    expect(sameMac(mac, macOfSecret(newKeySecret().secret, pepper))).toBe(false)
    expect(sameMac(mac, macOfSecret(secret, Buffer.from('other')))).toBe(false)
  })

  test.each([
    '',
    'slw_abc',
    'slw_abcdef_short',
    'Bearer slw_a_b',
    `slw_ABCD_${'a'.repeat(43)}`,
    `slw_abcd_${'a'.repeat(44)}`,
  ])('%j is no key', (text) => {
    expect(parseKey(text)).toBeUndefined()
  })

  test.each(['', 'zz', '00'])('a broken MAC %j is never the same', (mac) =>
    expect(sameMac(mac, '')).toBe(false),
  )

  test('admin holds every scope but internal', () => {
    expect(holdsScope(['admin'], 'deploy')).toBe(true)
    expect(holdsScope(['admin'], 'internal')).toBe(false)
    expect(holdsScope(['read'], 'deploy')).toBe(false)
  })
})

describe('histogram', () => {
  const latencies = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 200 })
  const of = (values: readonly number[]) => {
    const histogram: Histogram = {}
    for (const value of values) countInto(histogram, value)
    return histogram
  }

  property.prop([fc.double({ min: 0, max: 1e7, noNaN: true })])('a value lies in its bucket', (value) => {
    const bucket = bucketOf(value)
    if (bucket > 0) expect(value).toBeGreaterThan(bucketEdgeMs(bucket - 1) * (1 - 1e-9))
    if (bucket < 479) expect(value).toBeLessThanOrEqual(bucketEdgeMs(bucket) * (1 + 1e-9))
  })

  property.prop([latencies, latencies])('merging is counting all at once', (left, right) => {
    const merged = of(left)
    mergeInto(merged, of(right))
    expect(merged).toEqual(of([...left, ...right]))
  })

  property.prop([latencies, fc.integer({ min: 0, max: 479 })])(
    'exceedances of an edge are exact',
    (values, bucket) => {
      const edge = bucketEdgeMs(bucket)
      expect(countSlowerThan(of(values), edge)).toBe(
        values.filter((value) => bucketOf(value) > bucket).length,
      )
      expect(bucketOf(edge)).toBe(bucket)
    },
  )

  test('quantiles are edges; of nothing there is none', () => {
    expect(histogramQuantileMs({}, 0.5)).toBeNull()
    const histogram = of(Array.from({ length: 100 }, (_, index) => index + 1))
    expect(histogramQuantileMs(histogram, 0.5)).toBeGreaterThanOrEqual(50)
    expect(histogramQuantileMs(histogram, 0.5)).toBeLessThan(50 * 1.05)
    expect(histogramQuantileMs(histogram, 1)).toBeGreaterThanOrEqual(100)
  })
})

describe('ring queue', () => {
  property.prop([
    fc.array(fc.oneof(fc.integer(), fc.constant('shift' as const))),
    fc.integer({ min: 1, max: 8 }),
  ])('is a bounded queue', (steps, capacity) => {
    const queue = new RingQueue<number>(capacity)
    const model: number[] = []
    for (const step of steps) {
      if (step === 'shift') expect(queue.shift()).toBe(model.shift())
      else if (queue.push(step)) model.push(step)
      else expect(model).toHaveLength(capacity)
      expect(queue.length).toBe(model.length)
    }
    expect(queue.take(capacity)).toEqual(model)
  })
})

describe('errors', () => {
  test('a known error tells what, where and what to do', () => {
    const problem = toProblem(new SlipwayError('traffic_not_whole', { sum: 90 }, { pointer: '/v1' }), 'r-1')
    expect(problem).toMatchObject({
      status: 422,
      code: 'traffic_not_whole',
      detail: 'Traffic adds up to 90 %, not 100 %.',
      pointer: '/v1',
      requestId: 'r-1',
    })
    expect(problem.hint).not.toBe('')
  })

  test('an unknown one tells nothing of the inside', () => {
    const problem = toProblem(new Error('password=hunter2'))
    expect(problem).toMatchObject({ status: 500, code: 'internal' })
    expect(JSON.stringify(problem)).not.toContain('hunter2')
  })
})

test('seeded randomness repeats, spreads, and differs by seed', () => {
  const draw = (seed: number) => Array.from({ length: 1000 }, seededRandom(seed))
  expect(draw(7)).toEqual(draw(7))
  expect(draw(7)).not.toEqual(draw(8))
  const mean = draw(7).reduce((sum, value) => sum + value, 0) / 1000
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.05)
})

test('request ids do not repeat', () => {
  const next = requestIdSource()
  expect(new Set(Array.from({ length: 10_000 }, next)).size).toBe(10_000)
})
