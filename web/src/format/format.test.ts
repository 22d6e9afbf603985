import { describe, expect, test } from 'vitest'
import type { Measurement } from '../../../src/contracts/index.ts'
import {
  calmSentence,
  estimateText,
  intervalText,
  marginText,
  shortHash,
  verdictWord,
} from './measurements.ts'
import { duration, grouped, listed, milliseconds, percent, perSecond, sharePercent } from './numbers.ts'
import { ago, clockTime } from './times.ts'

describe('numbers', () => {
  test.each([
    [grouped, 0, '0'],
    [grouped, 999, '999'],
    [grouped, 22_702, '22,702'],
    [grouped, -1_234_567, '−1,234,567'],
    [percent, 0, '0 %'],
    [percent, 0.000_34, '0.03 %'],
    [percent, 0.008, '0.8 %'],
    [percent, 0.0213, '2.1 %'],
    [percent, 0.9661, '97 %'],
    [percent, -0.004, '−0.4 %'],
    [sharePercent, 25, '25 %'],
    [sharePercent, 0.5, '0.5 %'],
    [perSecond, 0, '0'],
    [perSecond, 3.25, '3.3'],
    [perSecond, 1523.6, '1,524'],
    [milliseconds, 0.712, '0.71 ms'],
    [milliseconds, 12.345, '12.3 ms'],
    [milliseconds, 340.4, '340 ms'],
    [milliseconds, 1240, '1.2 s'],
    [duration, 850, '850 ms'],
    [duration, 12_300, '12 s'],
    [duration, 240_000, '4 min'],
    [duration, 7_200_000, '2 h'],
    [duration, 7_500_000, '2 h 5 min'],
    [duration, 3 * 86_400_000, '3 d'],
  ])('%o of %d reads %s', (say, value, expected) => expect(say(value)).toBe(expected))

  test('words are listed as people list them', () => {
    expect([listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'])]).toEqual([
      '',
      'a',
      'a and b',
      'a, b and c',
    ])
  })
})

describe('times', () => {
  test('a clock that runs ahead gives no negative time', () => expect(ago(1000, 0)).toBe('just now'))
  test('a minute and more is told in minutes', () => expect(ago(0, 600_000)).toBe('10 min ago'))
  test('hours and minutes have two digits', () => {
    expect(clockTime(new Date(2026, 10, 25, 9, 5, 7).getTime())).toBe('09:05')
    expect(clockTime(new Date(2026, 10, 25, 9, 5, 7).getTime(), true)).toBe('09:05:07')
  })
})

describe('measurements', () => {
  const base: Measurement = {
    axis: 'accuracy',
    measure: 'right answers',
    unit: 'pp',
    better: 'higher',
    estimate: 0.139,
    lower: 0.124,
    upper: 0.153,
    confidence: 0.95,
    margin: 0.02,
    verdict: 'superior',
    from: '2,421 pairs',
    needs: null,
  }
  const of = (patch: Partial<Measurement>) => ({ ...base, ...patch })

  test.each([
    ['points with one digit', base, '+13.9 pp', '[12.4, 15.3]'],
    [
      'a ratio is percent, with a true minus',
      of({ unit: 'ratio', estimate: -0.012, lower: -0.04, upper: 0.03 }),
      '−1.2 %',
      '[−4.0, 3.0]',
    ],
    [
      'a narrow interval shows two digits',
      of({ estimate: 0.0002, lower: -0.0001, upper: 0.0004 }),
      '+0.02 pp',
      '[−0.01, 0.04]',
    ],
    [
      'a wide one shows none',
      of({ unit: 'ratio', estimate: 0.31, lower: 0.2, upper: 0.44 }),
      '+31 %',
      '[20, 44]',
    ],
    ['zero has no sign', of({ estimate: -0.000_01, lower: -0.01, upper: 0.01 }), '0.0 pp', '[−1.0, 1.0]'],
    ['not measured', of({ estimate: null, lower: null, upper: null }), undefined, ''],
  ])('%s', (_, measurement, estimate, interval) => {
    expect(estimateText(measurement)).toBe(estimate)
    expect(intervalText(measurement)).toBe(interval)
  })

  test('an axis that nothing looked at is not called inconclusive', () => {
    const unseen = of({ estimate: null, from: 'not measured', verdict: 'inconclusive' })
    expect(verdictWord(unseen)).toBe('not measured')
    expect(verdictWord(of({ estimate: null, from: 'too few pairs', verdict: 'inconclusive' }))).toBe(
      'inconclusive',
    )
  })

  test('margin and hash', () => {
    expect(marginText(of({ margin: 0.05, unit: 'ratio' }))).toBe('5 %')
    expect(shortHash(`sha256:6b1e${'0'.repeat(56)}c02f`)).toBe('6b1e…c02f')
  })

  test.each([
    ['ADOPT: faster by 3 %.', 'Adopt: faster by 3 %.'],
    ['ADOPT WITH CONDITIONS: but cost.', 'Adopt with conditions: but cost.'],
    ['An ONNX model: fine.', 'An ONNX model: fine.'],
  ])('%s', (told, calm) => expect(calmSentence(told)).toBe(calm))
})
