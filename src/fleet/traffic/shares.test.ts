import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { TrafficRow } from '../../store/index.ts'
import { largestShare, ROLLBACK_REASON, rollbackTarget, shiftedTo, wholeShares } from './shares.ts'

/** Splits over a to e in steps of 0.01 %. */
const split = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 5 }).map((weights) => {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const steps = weights.map((weight) => Math.floor((weight / total) * 10_000))
  steps[0] = (steps[0] ?? 0) + 10_000 - steps.reduce((sum, step) => sum + step, 0)
  return Object.fromEntries(steps.map((step, index) => ['abcde'[index] ?? '', step / 100]))
})

describe('a shift', () => {
  test.prop([split, fc.constantFrom('a', 'b', 'new'), fc.integer({ min: 0, max: 10_000 })])(
    'gives exactly what was asked, stays whole, and keeps the others in proportion',
    (shares, version, hundredths) => {
      const percent = hundredths / 100
      const after = shiftedTo(shares, version, percent)
      expect(() => wholeShares(after)).not.toThrow()
      const others = Object.keys(shares).filter((label) => label !== version)
      expect(after[version] ?? 0).toBe(others.length === 0 ? 100 : percent)
      const before = others.reduce((sum, label) => sum + (shares[label] ?? 0), 0)
      for (const label of others) {
        const proportional = ((shares[label] ?? 0) / before) * (100 - percent)
        expect(Math.abs((after[label] ?? 0) - proportional)).toBeLessThan(0.01 * others.length + 1e-9)
      }
    },
  )
})

test.each([
  [{ a: 60, b: 40 }, 'a'],
  [{ a: 50, b: 50 }, 'a'],
  [{ b: 50, a: 50 }, 'a'],
  [{ a: 0, b: 0 }, undefined],
  [{}, undefined],
])('the champion of %j is %s', (shares, champion) =>
  expect(largestShare(shares as Record<string, number>, (left, right) => left < right)).toBe(champion),
)

function history(...splits: [shares: Record<string, number>, reason?: string][]): TrafficRow[] {
  return splits.map(([shares, reason = 'person'], index) => ({
    model: 'spam',
    revision: splits.length - index,
    shares,
    slices: [],
    reason,
    updatedAt: 0,
  }))
}

describe('going back, from the newest split on', () => {
  test.each([
    ['the middle of a canary', history([{ a: 75, b: 25 }], [{ a: 95, b: 5 }], [{ a: 100 }]), 'a'],
    ['past the middle', history([{ a: 25, b: 75 }], [{ a: 75, b: 25 }], [{ a: 100 }]), 'a'],
    ['a finished canary', history([{ b: 100 }], [{ a: 25, b: 75 }], [{ a: 100 }]), 'a'],
    ['a rollback: stays', history([{ a: 100 }, `${ROLLBACK_REASON}x`], [{ b: 100 }], [{ a: 100 }]), 'a'],
    ['the second release', history([{ c: 100 }], [{ b: 50, c: 50 }], [{ b: 100 }], [{ a: 100 }]), 'b'],
    ['the first split ever', history([{ a: 100 }]), 'a'],
    ['a split that never was whole', history([{ a: 50, b: 50 }]), undefined],
    ['nothing', [], undefined],
  ])('%s', (_says, splits, target) => expect(rollbackTarget(splits)).toBe(target))
})
