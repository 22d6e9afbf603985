import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { settlesAt, verdictOf } from './index.ts'

/** Intervals of the gain of accuracy, in points; the margin is 2. */
test.each([
  ['wholly above 0', 1, 5, 'superior'],
  ['above −margin, across 0', -1, 3, 'non-inferior'],
  ['wholly below 0, wholly above −margin', -1.5, -0.5, 'non-inferior'],
  ['touching 0 is not above it', 0, 3, 'non-inferior'],
  ['across −margin', -3, 1, 'inconclusive'],
  ['touching −margin decides nothing', -2, 1, 'inconclusive'],
  ['touching −margin from below decides nothing', -4, -2, 'inconclusive'],
  ['wholly below −margin', -5, -3, 'inferior'],
  ['no width at all', -2, -2, 'inconclusive'],
] as const)('%s', (_, lower, upper, verdict) => {
  const estimate = (lower + upper) / 2
  expect(verdictOf({ estimate, lower, upper, margin: 2, betterIs: 'higher' })).toBe(verdict)
  const mirrored = {
    estimate: -estimate,
    lower: -upper,
    upper: -lower,
    margin: 2,
    betterIs: 'lower',
  } as const
  expect(verdictOf(mirrored)).toBe(verdict)
})

const sixtyFourths = (min: number, max: number) =>
  fc.integer({ min: 64 * min, max: 64 * max }).map((value) => value / 64)

const difference = fc
  .record({
    estimate: sixtyFourths(-10, 10),
    below: sixtyFourths(0, 5),
    above: sixtyFourths(0, 5),
    margin: sixtyFourths(0, 5),
    betterIs: fc.constantFrom('lower' as const, 'higher' as const),
  })
  .map(({ estimate, below, above, ...rest }) => ({
    estimate,
    lower: estimate - below,
    upper: estimate + above,
    ...rest,
  }))

const RANK = { inferior: 0, inconclusive: 1, 'non-inferior': 2, superior: 3 }

test.prop([difference, sixtyFourths(0, 5)])('a growing margin never worsens a verdict', (given, more) => {
  const lax = verdictOf({ ...given, margin: given.margin + more })
  expect(RANK[lax]).toBeGreaterThanOrEqual(RANK[verdictOf(given)])
})

test.prop([difference, fc.integer({ min: 1, max: 1000 })])(
  'the size that settles a difference settles it',
  (given, n) => {
    const needed = settlesAt(given, n)
    if (needed === undefined) return
    const shrink = Math.sqrt(n / needed)
    const { estimate, lower, upper } = given
    const then = {
      ...given,
      lower: estimate - (estimate - lower) * shrink,
      upper: estimate + (upper - estimate) * shrink,
    }
    expect(verdictOf(then)).not.toBe('inconclusive')
    if (verdictOf(given) !== 'inconclusive') expect(needed).toBe(n)
  },
)

test('an estimate on the margin itself is never settled', () => {
  expect(
    settlesAt({ estimate: -2, lower: -3, upper: -1, margin: 2, betterIs: 'higher' }, 100),
  ).toBeUndefined()
})

test('half the width takes four times the data', () => {
  expect(settlesAt({ estimate: 0, lower: -2, upper: 2, margin: 1, betterIs: 'higher' }, 100)).toBe(401)
})

test.each([
  [{ estimate: 3, lower: 0, upper: 2, margin: 1 }, /must hold its estimate/],
  [{ estimate: Number.NaN, lower: 0, upper: 2, margin: 1 }, /must hold its estimate/],
  [{ estimate: 1, lower: 0, upper: 2, margin: -1 }, /margin/],
])('refuses nonsense: %o', (given, message) => {
  expect(() => verdictOf({ ...given, betterIs: 'higher' })).toThrow(message)
})
