import { expect, test } from 'vitest'
import { brakes, type CanaryWindow } from '../index.ts'

function second(na: number, ea: number, nb: number, eb: number): CanaryWindow {
  return { a: { n: na, events: ea }, b: { n: nb, events: eb } }
}

const failing = second(100, 1, 10, 5)

test.each([
  ['half of 30 failing, champion well', [failing, failing, failing], true],
  ['older seconds do not matter', [second(100, 0, 10, 0), failing, failing, failing], true],
  ['two seconds only', [failing, failing], false],
  ['29 requests', [failing, failing, second(100, 1, 9, 9)], false],
  ['one second just below half', [failing, second(100, 1, 11, 5), failing], false],
  ['recovered in the last second', [failing, failing, failing, second(100, 1, 10, 0)], false],
  ['a second without candidate requests', [failing, second(100, 1, 0, 0), failing, failing], false],
  ['champion at 5 % too', [second(100, 5, 10, 9), second(100, 5, 10, 9), second(100, 5, 10, 9)], false],
  ['champion just below 5 %', [second(100, 5, 10, 9), second(100, 5, 10, 9), second(100, 4, 10, 9)], true],
  ['champion silent', [second(0, 0, 20, 20), second(0, 0, 20, 20), second(0, 0, 20, 20)], true],
  ['nothing', [], false],
])('%s', (_, seconds, expected) => {
  expect(brakes(seconds)).toBe(expected)
})

test('refuses counts that are none', () => {
  expect(() => brakes([failing, failing, second(1, Number.NaN, 10, 10)])).toThrow(RangeError)
})
