import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import type { Slice, TrafficShares } from '../contracts/index.ts'
import { assign, BUCKETS, resplit } from './index.ts'
import { murmur3 } from './murmur3.ts'

describe('murmur3', () => {
  // SMHasher and the vectors collected with it for MurmurHash3_x86_32.
  test.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['\0\0\0\0', 0, 0x2362f9de],
    ['aaaa', 0x9747b28c, 0x5a97808a],
    ['aaa', 0x9747b28c, 0x283e0130],
    ['aa', 0x9747b28c, 0x5d211726],
    ['a', 0x9747b28c, 0x7fa09ea6],
    ['abcd', 0x9747b28c, 0xf0478627],
    ['abc', 0x9747b28c, 0xc84a62dd],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['ππππππππ', 0x9747b28c, 0xd58063c1],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ])('%j with seed %d', (text, seed, hash) => expect(murmur3(text, seed)).toBe(hash))
})

const labels = ['v1', 'v2', 'v3', 'v4']

/** Shares in steps of 0.01 that add up to 100. */
const shares = fc
  .array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 3 })
  .map((cuts): TrafficShares => {
    const edges = [0, ...cuts.toSorted((left, right) => left - right), 10_000]
    const entries = edges
      .slice(1)
      .map((edge, index): [string, number] => [
        labels[index] as string,
        (edge - (edges[index] as number)) / 100,
      ])
    return Object.fromEntries(entries)
  })

const sizeOf = (slices: readonly Slice[], version: string): number =>
  slices.filter((slice) => slice.version === version).reduce((sum, slice) => sum + slice.to - slice.from, 0)

/** Buckets owned by `from` before and by `to` after. */
const moved = (before: readonly Slice[], after: readonly Slice[], from: string, to: string): number => {
  let size = 0
  for (const old of before.filter((slice) => slice.version === from))
    for (const now of after.filter((slice) => slice.version === to))
      size += Math.max(0, Math.min(old.to, now.to) - Math.max(old.from, now.from))
  return size
}

describe('resplit', () => {
  property.prop([fc.array(shares, { minLength: 1, maxLength: 6 })])(
    'any series of splits covers the space, keeps proportions and moves as little as it can',
    (series) => {
      let slices: Slice[] = []
      for (const [step, wanted] of series.entries()) {
        const next = resplit(slices, wanted)
        let reached = 0
        for (const slice of next) {
          expect(slice.from).toBe(reached)
          expect(slice.to).toBeGreaterThan(slice.from)
          reached = slice.to
        }
        expect(reached).toBe(BUCKETS)
        for (const label of labels) {
          expect(Math.abs(sizeOf(next, label) - ((wanted[label] ?? 0) / 100) * BUCKETS)).toBeLessThan(1.01)
          if (step === 0) continue
          const kept = moved(slices, next, label, label)
          expect(kept).toBe(Math.min(sizeOf(slices, label), sizeOf(next, label)))
        }
        slices = next
      }
    },
  )

  property.prop([fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 2, maxLength: 8 })])(
    'growing a canary moves units only to it, shrinking only back, and slices stay two',
    (steps) => {
      let slices = resplit([], { champion: 100 })
      for (const hundredths of steps) {
        const next = resplit(slices, { champion: 100 - hundredths / 100, candidate: hundredths / 100 })
        const grows = sizeOf(next, 'candidate') >= sizeOf(slices, 'candidate')
        expect(moved(slices, next, 'candidate', 'champion') === 0 || !grows).toBe(true)
        expect(moved(slices, next, 'champion', 'candidate') === 0 || grows).toBe(true)
        expect(next.length).toBeLessThanOrEqual(2)
        slices = next
      }
    },
  )

  test('a canary that goes back and up again meets the same units', () => {
    const at5 = resplit(resplit([], { a: 100 }), { a: 95, b: 5 })
    const back = resplit(resplit(at5, { a: 99, b: 1 }), { a: 95, b: 5 })
    expect(back).toEqual(at5)
  })

  test('a version grows at its own edge where it can, so that slices stay few', () => {
    const at = (share: number) => (share / 100) * BUCKETS
    const before = [
      { version: 'a', from: 0, to: at(25) },
      { version: 'b', from: at(25), to: at(50) },
      { version: 'c', from: at(50), to: at(75) },
      { version: 'a', from: at(75), to: BUCKETS },
    ]
    const after = resplit(before, { a: 37.5, b: 37.5, c: 25 })
    expect(after.map(({ version, to }) => [version, to / BUCKETS])).toEqual([
      ['a', 0.125],
      ['b', 0.5],
      ['c', 0.75],
      ['a', 1],
    ])
  })

  test('shares that do not add up are refused', () => {
    expect(() => resplit([], { a: 60, b: 30 })).toThrow(
      expect.objectContaining({ code: 'traffic_not_whole' }),
    )
  })

  test('nothing but zeros owns nothing', () => expect(resplit([], { a: 0 })).toEqual([]))
})

describe('assign', () => {
  const model = { experiment: 'spam_filter/1', slices: resplit([], { v1: 50, v2: 30, v3: 20 }) }

  test('a unit keeps its version', () => {
    expect(assign(model, 'user-7')).toEqual(assign(model, 'user-7'))
  })

  test('another experiment deals anew', () => {
    const units = Array.from({ length: 1000 }, (_, index) => `user-${index}`)
    const other = { ...model, experiment: 'spam_filter/2' }
    const same = units.filter((unit) => assign(model, unit)?.version === assign(other, unit)?.version)
    // Independent deals agree on .5² + .3² + .2² = 38 % of units.
    expect(same.length / 1000).toBeCloseTo(0.38, 1)
  })

  test('units of any spelling land in proportion', () => {
    const count = 100_000
    const seen = new Map<string, number>()
    for (let index = 0; index < count; index++) {
      const version = assign(model, `ünit ${index}`)?.version ?? 'none'
      seen.set(version, (seen.get(version) ?? 0) + 1)
    }
    // χ² with 2 degrees of freedom; 13.8 is p = 0.001, and the hash is fixed, so this cannot flake.
    const expected = { v1: 0.5, v2: 0.3, v3: 0.2 }
    const chi2 = Object.entries(expected).reduce(
      (sum, [version, share]) => sum + ((seen.get(version) ?? 0) - share * count) ** 2 / (share * count),
      0,
    )
    expect(chi2).toBeLessThan(13.8)
  })

  test('a bucket nobody owns has no version', () => {
    expect(assign({ experiment: 'e', slices: [] }, 'user')).toBeUndefined()
  })
})
