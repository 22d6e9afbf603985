import { expect, test } from 'vitest'
import { addWindow, type CanaryWindow, DEFAULT_GUARD, judgeGuard, NO_WINDOWS } from '../index.ts'

const plan = { margin: 0.01, ...DEFAULT_GUARD }

function windows(count: number, na: number, ea: number, nb: number, eb: number): CanaryWindow[] {
  return Array.from({ length: count }, () => ({ a: { n: na, events: ea }, b: { n: nb, events: eb } }))
}

test.each([
  ['no traffic at all', [], 'hold', 'no-data'],
  ['the candidate alone has traffic', windows(50, 0, 0, 100, 0), 'hold', 'no-data'],
  ['three windows', windows(3, 100, 1, 100, 1), 'continue', 'too-early'],
  ['nothing certain yet', windows(20, 100, 1, 100, 1), 'continue', 'undecided'],
  ['equal for long', windows(100, 100, 1, 100, 1), 'promote', 'within-margin'],
  ['better for long', windows(100, 100, 3, 100, 1), 'promote', 'within-margin'],
  ['plainly worse', windows(20, 100, 1, 100, 9), 'abort', 'worse'],
  [
    'worse for certain, by less than the margin for certain',
    windows(400, 10_000, 100, 10_000, 130),
    'hold',
    'worse-within-margin',
  ],
] as const)('%s', (_, seen, decision, reason) => {
  expect(judgeGuard(seen.reduce(addWindow, NO_WINDOWS), plan)).toMatchObject({ decision, reason })
})
