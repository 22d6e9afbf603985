import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../kernel/index.ts'
import { type ArrivalShape, arrivals, gapsOf, segmentsOf } from './arrivals.ts'
import { askOf, drawClass, sizeMatrix } from './asks.ts'
import { readRecording } from './recording.ts'

const shapes: ArrivalShape[] = ['constant', 'poisson', 'gamma', 'step', 'ramp', 'spike']
const drawn = (shape: ArrivalShape, rate: number, durationMs: number, seed: number) =>
  arrivals(segmentsOf(shape, rate, durationMs), gapsOf(shape, seededRandom(seed)))

describe('arrivals', () => {
  property.prop([fc.constantFrom(...shapes), fc.double({ min: 0.5, max: 500, noNaN: true }), fc.nat()])(
    'never go back, stay within the duration, and are the same for the same seed',
    (shape, rate, seed) => {
      const offsets = drawn(shape, rate, 5000, seed)
      expect(offsets.every((at, index) => at >= 0 && at <= 5000 && at >= (offsets[index - 1] ?? 0))).toBe(
        true,
      )
      expect(drawn(shape, rate, 5000, seed)).toEqual(offsets)
    },
  )

  /** Mean of counts: rate times duration by the factor of the shape; gaps of variation 2 spread the gamma's count. */
  test.each([
    ['constant', 1, 0.001],
    ['poisson', 1, 0.02],
    ['gamma', 1, 0.03],
    ['step', 0.625, 0.02],
    ['ramp', 0.5, 0.02],
    ['spike', 1.3, 0.02],
  ] as const)('%s has its rate', (shape, factor, tolerance) => {
    const { length } = drawn(shape, 1000, 100_000, 5)
    expect(Math.abs(length / (100_000 * factor) - 1)).toBeLessThan(tolerance)
  })

  test.each([
    ['poisson', 1],
    ['gamma', 2],
  ] as const)('gaps of %s vary as they should', (shape, variation) => {
    const offsets = drawn(shape, 1000, 100_000, 11)
    const gaps = Array.from(offsets).map((at, index) => at - (offsets[index - 1] ?? 0))
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    const squares = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0)
    expect(Math.abs(Math.sqrt(squares / gaps.length) / mean / variation - 1)).toBeLessThan(0.05)
  })

  test('a ramp has a quarter of its arrivals in its first half', () => {
    const offsets = drawn('ramp', 1000, 100_000, 3)
    expect(offsets.findIndex((at) => at > 50_000) / offsets.length).toBeCloseTo(0.25, 2)
  })
})

describe('a recording', () => {
  test.each([
    ['ours', '{"at_ms":5,"input_tokens":3,"output_tokens":4}\n{"at_ms":25}\n', [0, 20]],
    [
      'Azure',
      'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:47.1805900,1,2\n',
      [0, 500],
    ],
    [
      'BurstGPT',
      'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n45,ChatGPT,1,2,3,API log\n',
      [0, 40_000],
    ],
    [
      'Mooncake',
      '{"timestamp":27482,"input_length":6955,"output_length":52}\n{"timestamp":30535,"input_length":1,"output_length":2}\n',
      [0, 3053],
    ],
  ])('of %s', (_, text, atMs) => {
    const recorded = readRecording(text, 'trace')
    expect(recorded.map((each) => each.atMs)).toEqual(atMs)
    expect(recorded[0]!.inputTokens).toBeGreaterThan(0)
    expect(recorded[0]!.outputTokens).toBeGreaterThan(0)
  })

  test.each([
    ['{"at_ms":5}\n{"at_ms":4}', 'trace:2: time goes back'],
    ['{"at_ms":5}\n{"at_ms"', 'trace:2: it is not JSON'],
    ['{"at_ms":"soon"}', 'trace:1: at_ms is neither'],
    ['{"when":1}', 'trace:1: it has no time'],
    ['{"at_ms":1,"input_tokens":-1}', 'trace:1: input_tokens is no number'],
    ['', 'trace:1: it holds no arrival'],
  ])('%j is refused with its line', (text, told) => {
    expect(() => readRecording(text, 'trace')).toThrow(told)
  })
})

test('classes are drawn by their weight, and prompts have the words and tokens asked for', () => {
  const random = seededRandom(2)
  const classes = [
    { ...sizeMatrix[0]!, weight: 3 },
    { ...sizeMatrix[8]!, weight: 1 },
  ]
  const names = Array.from({ length: 4000 }, () => drawClass(classes, random).name)
  expect(names.filter((name) => name === 'short/short').length / 4000).toBeCloseTo(0.75, 1)
  const ask = askOf(sizeMatrix[8]!, random)
  expect(ask.turns[0]!.text.split(' ')).toHaveLength(2048)
  expect(ask.outputTokens).toBe(512)
})
