import { fc, test as prop } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { isSameSplit, moveWords, shifted, splitWords } from './split-draft.ts'

test.each([
  ['to the left', { v1: 75, v2: 25 }, -12, { v1: 63, v2: 37 }],
  ['to the right', { v1: 75, v2: 25 }, 5, { v1: 80, v2: 20 }],
  ['past the end', { v1: 75, v2: 25 }, 40, { v1: 100, v2: 0 }],
  ['past the start', { v1: 75, v2: 25 }, -900, { v1: 0, v2: 100 }],
  ['to a version that has nothing', { v1: 100 }, -0.5, { v1: 99.5, v2: 0.5 }],
  ['less than a step', { v1: 75, v2: 25 }, 0.004, { v1: 75, v2: 25 }],
])('a handle moved %s', (_, shares, by, expected) =>
  expect(shifted(shares, ['v1', 'v2'], by)).toEqual(expected),
)

const steps = fc.integer({ min: 0, max: 10_000 })
prop.prop([steps, steps, fc.array(fc.tuple(fc.boolean(), fc.double({ min: -150, max: 150, noNaN: true })))])(
  'however the handles are moved, the split stays whole and in steps of 0.01 %',
  (one, other, moves) => {
    const [low, high] = [Math.min(one, other), Math.max(one, other)]
    const start = { v1: low / 100, v2: (high - low) / 100, v3: (10_000 - high) / 100 }
    const end = moves.reduce<Record<string, number>>(
      (shares, [isFirst, by]) => shifted(shares, isFirst ? ['v1', 'v2'] : ['v2', 'v3'], by),
      start,
    )
    expect(Object.values(end).reduce((sum, share) => sum + Math.round(share * 100), 0)).toBe(10_000)
    expect(Object.values(end).every((share) => share >= 0 && share <= 100)).toBe(true)
  },
)

test.each([
  [{ v1: 75, v2: 25 }, { v1: 63, v2: 37 }, '12 % of units move from v1 to v2.'],
  [{ v1: 100 }, { v1: 80, v2: 15, v3: 5 }, '15 % of units move from v1 to v2 and 5 % from v1 to v3.'],
  [
    { v1: 50, v2: 50 },
    { v1: 30, v2: 40, v3: 30 },
    '20 % of units move from v1 to v3 and 10 % from v2 to v3.',
  ],
  [
    { v1: 60, v2: 40 },
    { v1: 50, v2: 30, v3: 15, v4: 5 },
    '10 % away from v1 and 10 % away from v2 of units move, 15 % to v3 and 5 % to v4.',
  ],
  [{ v1: 100 }, { v1: 100, v2: 0 }, 'Nothing moves.'],
])('%j to %j: %s', (before, after, words) => expect(moveWords(before, after)).toBe(words))

test('a version without traffic makes no other split, and is not named', () => {
  expect(isSameSplit({ v1: 100 }, { v1: 100, v2: 0 })).toBe(true)
  expect(isSameSplit({ v1: 100 }, { v1: 99.99, v2: 0.01 })).toBe(false)
  expect(splitWords({ v1: 99.5, v2: 0.5, v3: 0 })).toBe('v1 99.5 %, v2 0.5 %')
})
