import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import {
  detectableRatio,
  itemsForHalfWidth,
  itemsPerArm,
  pairedDetectable,
  pairedItemsForMargin,
  pairedItemsNeeded,
  pairsForMargin,
  pairsNeeded,
  ratioHalfWidth,
  wilson,
} from './index.ts'

test.each([
  [0.02, 0.05, 773],
  [0.02, 0.1, 1546],
  [0.02, 0.2, 3092],
  [0.05, 0.05, 124],
  [0.05, 0.1, 248],
  [0.05, 0.2, 495],
])('"no worse by %f" with %f discordant needs %i items', (margin, discordant, items) => {
  expect(pairedItemsForMargin(margin, discordant)).toBe(items)
})

test.each([
  [200, 0.05, 0.044],
  [400, 0.1, 0.044],
  [400, 0.2, 0.062],
  [1000, 0.05, 0.02],
  [2000, 0.2, 0.028],
])('%i items with %f discordant find a difference of %f', (n, discordant, difference) => {
  expect(pairedDetectable(n, discordant)).toBeCloseTo(difference, 3)
})

test('too few items find not even everything going one way', () => {
  expect(pairedDetectable(20, 0.05)).toBeUndefined()
})

test('one arm against another: 1 → 5 % takes 285 an arm', () => {
  expect(itemsPerArm(0.01, 0.05)).toBe(285)
})

const level = fc.record({ alpha: fc.constantFrom(0.01, 0.05), power: fc.constantFrom(0.5, 0.8, 0.95) })

describe('plans agree with each other', () => {
  test.prop([
    fc.double({ min: 0.02, max: 0.6, noNaN: true }),
    fc.double({ min: 0.1, max: 0.9, noNaN: true }),
    level,
  ])('the items needed for a difference find that difference', (discordant, part, given) => {
    const difference = discordant * part
    const n = pairedItemsNeeded(difference, discordant, given)
    expect(pairedDetectable(n, discordant, given)!).toBeLessThanOrEqual(difference * (1 + 1e-9))
    if (n > 2) {
      const fewer = pairedDetectable(n - 1, discordant, given)
      if (fewer !== undefined) expect(fewer).toBeGreaterThan(difference * (1 - 1e-9))
    }
  })

  test.prop([
    fc.double({ min: 0.01, max: 0.5, noNaN: true }),
    fc.double({ min: 0.02, max: 0.5, noNaN: true }),
    level,
  ])('the pairs needed for a ratio find that ratio, one pair fewer does not', (sd, change, given) => {
    const pairs = pairsNeeded(change, sd, given)!
    expect(detectableRatio(pairs, sd, given)).toBeLessThanOrEqual(change)
    if (pairs > 2) expect(detectableRatio(pairs - 1, sd, given)).toBeGreaterThan(change)
    expect(pairsForMargin(change, sd, given)!).toBeLessThanOrEqual(pairs)
  })

  test.prop([fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0.01, max: 0.3, noNaN: true })])(
    'the items for a half-width reach it',
    (rate, halfWidth) => {
      const n = itemsForHalfWidth(rate, halfWidth)
      const { lower, upper } = wilson(Math.round(rate * n), n)
      expect((upper - lower) / 2).toBeLessThanOrEqual(halfWidth)
    },
  )

  test.prop([fc.double({ min: 0.01, max: 0.5, noNaN: true }), fc.integer({ min: 2, max: 200 })])(
    'more pairs narrow a ratio',
    (sd, pairs) => {
      expect(ratioHalfWidth(pairs + 1, sd)).toBeLessThan(ratioHalfWidth(pairs, sd))
    },
  )
})

test('out of reach is undefined, not a huge number', () => {
  expect(pairsNeeded(1e-6, 1)).toBeUndefined()
})

test.each([
  [() => pairedItemsNeeded(0.1, 0.05), /at least as many discordant/],
  [() => pairedDetectable(0, 0.05), /n must be/],
  [() => itemsPerArm(0.1, 0.1), /equal rates/],
  [() => itemsForHalfWidth(1.1, 0.1), /rate/],
  [() => ratioHalfWidth(1, 0.1), /2 pairs/],
  [() => detectableRatio(1, 0.1), /2 pairs/],
  [() => pairsNeeded(-0.1, 0.1), /change/],
  [() => pairsForMargin(0.1, 0.1, { power: 1 }), /power/],
])('refuses nonsense: %s', (act, message) => {
  expect(act).toThrow(RangeError)
  expect(act).toThrow(message)
})
