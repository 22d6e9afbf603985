import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import {
  addWindow,
  type CanaryWindow,
  canaryLaw,
  type LawOptions,
  NO_WINDOWS,
  readLaw,
  windowsNeeded,
} from '../index.ts'

const abort: LawOptions = { mode: 'abort', margin: 0.01, alpha: 0.01 }
const promote: LawOptions = { mode: 'promote', margin: 0.01, alpha: 0.05 }

const arm = fc
  .tuple(fc.integer({ min: 0, max: 200 }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([n, share]) => ({ n, events: Math.round(n * share) }))
const windows = fc.array(fc.record({ a: arm, b: arm }), { minLength: 1, maxLength: 40 })
const options = fc.constantFrom(abort, promote)

function window(na: number, ea: number, nb: number, eb: number): CanaryWindow {
  return { a: { n: na, events: ea }, b: { n: nb, events: eb } }
}

function repeated(count: number, one: CanaryWindow): CanaryWindow[] {
  return Array.from({ length: count }, () => one)
}

describe('what the law decides', () => {
  test.each([
    ['nothing seen', [], abort, false, false],
    ['a catastrophe too young to tell', repeated(9, window(50, 0, 50, 50)), abort, false, false],
    ['the same, one window later', repeated(10, window(50, 0, 50, 50)), abort, true, true],
    [
      'seven events are too few',
      [...repeated(7, window(99, 0, 1, 1)), ...repeated(9, window(99, 0, 1, 0))],
      abort,
      false,
      false,
    ],
    [
      'the eighth lets it speak, though it has nothing to say yet',
      [...repeated(8, window(99, 0, 1, 1)), ...repeated(9, window(99, 0, 1, 0))],
      abort,
      true,
      false,
    ],
    ['equal arms are not aborted', repeated(500, window(50, 1, 50, 1)), abort, true, false],
    ['equal arms are promoted in the end', repeated(60, window(100, 1, 100, 1)), promote, true, true],
    ['but not at once', repeated(12, window(100, 1, 100, 1)), promote, true, false],
    [
      'few requests cannot promote, however clean',
      repeated(70, window(100, 0, 10, 0)),
      promote,
      false,
      false,
    ],
    ['worse by the margin is not promoted', repeated(500, window(100, 1, 100, 2)), promote, true, false],
    ['a silent champion compares nothing', repeated(50, window(0, 0, 100, 100)), abort, false, false],
  ] as const)('%s', (_, seen, question, isReady, isDecided) => {
    expect(canaryLaw(seen, question)).toMatchObject({ isReady, isDecided })
  })

  test('before any window the bound is infinite, not zero', () => {
    expect(canaryLaw([], promote)).toMatchObject({
      difference: 0,
      halfWidth: Number.POSITIVE_INFINITY,
      windows: 0,
    })
  })

  test('neither a moving base rate nor a growing share looks like an effect', () => {
    // Pooled, the candidate looks four times as bad: it had most of its traffic when everything was bad.
    const early = repeated(300, window(990, 10, 10, 0))
    const late = repeated(300, window(500, 30, 500, 30))
    const reading = canaryLaw([...early, ...late], abort)
    expect(reading.isDecided).toBe(false)
    expect(Math.abs(reading.difference)).toBeLessThan(0.001)
    const merged = canaryLaw([window(447_000, 12_000, 153_000, 9000)], abort)
    expect(merged.lower).toBeGreaterThan(0.02)
  })

  test('bursts widen the bound far beyond the binomial one', () => {
    const calm = repeated(100, window(50, 1, 50, 1))
    const bursts = Array.from({ length: 100 }, (_, index) =>
      index % 20 === 0
        ? window(50, 20, 50, 0)
        : index % 20 === 10
          ? window(50, 0, 50, 20)
          : window(50, 0, 50, 0),
    )
    const wide = canaryLaw(bursts, abort).halfWidth
    expect(wide).toBeGreaterThan(1.8 * canaryLaw(calm, abort).halfWidth)
  })
})

describe('laws of the law', () => {
  test.prop([windows, options])(
    'one window at a time gives the same reading, to the bit',
    (seen, question) => {
      const sums = seen.reduce(addWindow, NO_WINDOWS)
      expect(readLaw(sums, question)).toEqual(canaryLaw(seen, question))
    },
  )

  test.prop([windows, options])('the order of the windows does not matter', (seen, question) => {
    const [forth, back] = [canaryLaw(seen, question), canaryLaw([...seen].reverse(), question)]
    expect(back.difference).toBeCloseTo(forth.difference, 9)
    if (forth.windows > 0) expect(back.halfWidth / forth.halfWidth).toBeCloseTo(1, 6)
  })

  test.prop([windows, options, fc.nat(500)])(
    'a window with one silent arm changes nothing',
    (seen, question, n) => {
      expect(canaryLaw([...seen, window(n, 0, 0, 0), window(0, 0, n, n)], question)).toEqual(
        canaryLaw(seen, question),
      )
    },
  )

  test.prop([windows])('exchanging the arms turns the difference round', (seen) => {
    const exchanged = seen.map(({ a, b }) => ({ a: b, b: a }))
    expect(canaryLaw(exchanged, abort).difference).toBeCloseTo(-canaryLaw(seen, abort).difference, 9)
  })

  test.prop([
    windows,
    fc.double({ min: 0.002, max: 0.2, noNaN: true }),
    fc.double({ min: 1.01, max: 5, noNaN: true }),
  ])('a smaller alpha never narrows the bound', (seen, alpha, factor) => {
    const wide = canaryLaw(seen, { ...abort, alpha: alpha / factor }).halfWidth
    expect(wide).toBeGreaterThanOrEqual(canaryLaw(seen, { ...abort, alpha }).halfWidth)
  })
})

describe('what an undecided canary still needs', () => {
  test('the forecast is met when nothing changes', () => {
    const one = window(100, 1, 100, 1)
    const needed = windowsNeeded(repeated(12, one).reduce(addWindow, NO_WINDOWS), promote)!
    expect(canaryLaw(repeated(12 + needed + 1, one), promote).isDecided).toBe(true)
    expect(canaryLaw(repeated(12 + Math.floor(needed * 0.9), one), promote).isDecided).toBe(false)
  })

  test.each([
    ['decided already', repeated(60, window(100, 1, 100, 1)), promote, 0],
    ['no window yet', [], promote, undefined],
    ['worse than the margin will not be promoted', repeated(20, window(100, 1, 100, 9)), promote, undefined],
    ['better will not be aborted', repeated(20, window(100, 9, 100, 1)), abort, undefined],
    ['the floor of ten windows', repeated(4, window(500, 0, 500, 400)), abort, 6],
  ] as const)('%s', (_, seen, question, expected) => {
    expect(windowsNeeded(seen.reduce(addWindow, NO_WINDOWS), question)).toBe(expected)
  })
})

test.each([
  [() => addWindow(NO_WINDOWS, window(5, 6, 5, 0)), /6 events cannot come from 5/],
  [() => addWindow(NO_WINDOWS, window(5.5, 0, 5, 0)), /a.n must be a count/],
  [() => canaryLaw([], { ...abort, alpha: 0.5 }), /one-sided/],
  [() => canaryLaw([], { ...abort, margin: 0 }), /margin must be positive/],
  [() => canaryLaw([], { ...abort, delta: -0.1 }), /delta/],
])('refuses nonsense: %s', (act, message) => {
  expect(act).toThrow(RangeError)
  expect(act).toThrow(message)
})
