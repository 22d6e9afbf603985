import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { seededRandom } from '../../kernel/index.ts'
import { arrivalsWithin, poissonArrivals } from './arrivals.ts'

test.prop([fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 10_000 }), fc.nat()])(
  'arrivals ascend, end with the stretch, and are the same for the same seed',
  (count, durationMs, seed) => {
    const offsets = arrivalsWithin(durationMs, count, seededRandom(seed))
    expect(offsets).toHaveLength(count)
    expect(offsets.at(-1)).toBeCloseTo(durationMs, 6)
    expect([...offsets]).toEqual([...offsets].sort((left, right) => left - right))
    expect(offsets).toEqual(arrivalsWithin(durationMs, count, seededRandom(seed)))
  },
)

test('Poisson gaps have the mean and the spread of an exponential', () => {
  const offsets = poissonArrivals(20_000, 200, seededRandom(5))
  const gaps = [...offsets].map((offset, index) => offset - (offsets[index - 1] ?? 0))
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
  const spread = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length)
  // Standard errors are .7 % and 1.2 %.
  expect(Math.abs(mean / 5 - 1)).toBeLessThan(0.03)
  expect(Math.abs(spread / 5 - 1)).toBeLessThan(0.05)
})
