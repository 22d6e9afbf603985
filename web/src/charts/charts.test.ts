import { describe, expect, test } from 'vitest'
import type {
  Measurement,
  Rollout,
  RolloutLook,
  Traffic,
  TrafficWindow,
} from '../../../src/contracts/index.ts'
import { intervalGeometry } from './interval.ts'
import { lookPoints, stepChanges, stepStates, topOf } from './looks.ts'
import {
  bandPath,
  csvOf,
  labelRows,
  linear,
  linePath,
  logarithmic,
  logTicks,
  nearestIndex,
  niceTicks,
  thinned,
  timeTicks,
} from './scale.ts'
import { heldBetween, historyCsv, tellingSpan } from './split-history.ts'
import { championFirst, seriesOf, vitalsOf } from './windows.ts'

describe('scales', () => {
  test('linear runs from end to end, upwards too', () => {
    expect([0, 5, 10].map(linear([0, 10], [200, 100]))).toEqual([200, 150, 100])
  })
  test('a flat domain divides by nothing', () => expect(linear([3, 3], [0, 10])(3)).toBe(0))
  test('equal factors take equal space', () => {
    const scale = logarithmic([1, 100], [0, 10])
    expect(scale(10)).toBeCloseTo(5)
    expect(Number.isFinite(scale(0))).toBe(true)
  })
  test.each([
    [0, 0.06, 4, [0, 0.02, 0.04, 0.06]],
    [0, 1, 4, [0, 0.5, 1]],
    [-7, 12, 4, [-5, 0, 5, 10]],
    [0, 0, 4, [0]],
  ])('ticks from %d to %d', (from, to, about, expected) =>
    expect(niceTicks(from, to, about)).toEqual(expected),
  )
  test('logarithmic ticks are 1, 2, 5', () => expect(logTicks(0.8, 12)).toEqual([1, 2, 5, 10]))
  test('a gap lifts the pen', () => {
    expect(
      linePath([
        [0, 1],
        [1, null],
        [2, 3],
        [3, 4],
      ]),
    ).toBe('M0 1M2 3L3 4')
  })
  test('a band goes there and back', () =>
    expect(
      bandPath([
        [0, 1, 2],
        [5, 1, 3],
      ]),
    ).toBe('M0 1L5 1L5 3L0 2Z'))
  test('thinning keeps the newest', () => {
    const kept = thinned(
      Array.from({ length: 1001 }, (_, index) => index),
      100,
    )
    expect(kept.length).toBeLessThanOrEqual(100)
    expect(kept.at(-1)).toBe(1000)
  })
  test('labels of neighbouring lines do not touch', () => {
    expect(labelRows([0, 100, 130, 290], 60, 300)).toEqual([
      { isLeft: false, row: 0 },
      { isLeft: false, row: 0 },
      { isLeft: false, row: 1 },
      { isLeft: true, row: 0 },
    ])
  })
  test('time ticks are round and few', () => {
    expect(timeTicks(61_000, 301_000, 5)).toEqual([120_000, 180_000, 240_000, 300_000])
    expect(timeTicks(0, 0)).toEqual([0])
  })
  test('nearest', () => expect(nearestIndex([0, 10, 20], 14)).toBe(1))
  test('a mail subject cannot become a formula or a new column', () => {
    expect(
      csvOf(
        ['text', 'n'],
        [
          ['=1+1', 1],
          ['a "b", c', null],
        ],
      ),
    ).toBe('text,n\r\n\'=1+1,1\r\n"a ""b"", c",')
  })
})

describe('intervals', () => {
  const measurement = (patch: Partial<Measurement>): Measurement => ({
    axis: 'accuracy',
    measure: 'right answers',
    unit: 'pp',
    better: 'higher',
    estimate: 0.1,
    lower: 0.08,
    upper: 0.12,
    confidence: 0.95,
    margin: 0.02,
    verdict: 'superior',
    from: '',
    needs: null,
    ...patch,
  })
  test('more of a good thing lies left of zero, low end first', () => {
    const drawn = intervalGeometry(measurement({}))!
    expect(drawn.point).toBeLessThan(0)
    expect(drawn.low).toBeLessThan(drawn.high)
    expect(drawn.margin).toBeGreaterThan(0)
  })
  test('more of a bad thing lies right of zero', () => {
    expect(intervalGeometry(measurement({ better: 'lower' }))!.point).toBeGreaterThan(0)
  })
  test.each([{}, { margin: 0.9 }, { lower: -0.7 }, { estimate: 0, lower: 0, upper: 0, margin: 0 }])(
    'all of it is inside the picture: %j',
    (patch) => {
      for (const value of Object.values(intervalGeometry(measurement(patch))!)) {
        expect(Math.abs(value)).toBeLessThanOrEqual(1)
      }
    },
  )
  test('what was not measured is not drawn', () =>
    expect(intervalGeometry(measurement({ estimate: null }))).toBeNull())
})

const look = (sequence: number, step: number, sharePercent: number, requests: number): RolloutLook => ({
  rolloutId: 'r',
  sequence,
  at: sequence * 1000,
  step,
  sharePercent,
  windows: sequence,
  windowEndMs: sequence * 1000,
  guards: [
    {
      name: 'errors',
      champion: { requests: 1000, events: 10 },
      candidate: { requests, events: 3 },
      difference: 0.002,
      lower: -0.03,
      upper: 0.034,
      margin: 0.01,
      decision: 'continue',
    },
  ],
  decision: 'continue',
  reason: '',
  needsRequests: 300,
  needsMs: null,
})

describe('looks', () => {
  const looks = [look(1, 0, 1, 40), look(2, 0, 1, 100), look(3, 1, 5, 150), look(4, 1, 5, 200)]
  const rollout = (patch: Partial<Rollout>) =>
    ({ plan: { steps: [1, 5, 25] }, step: 1, state: 'progressing', ...patch }) as Rollout

  test('the band lies on the champion’s rate and not below zero', () => {
    const [point] = lookPoints(looks, 'errors')
    expect(point).toMatchObject({ champion: 0.01, lower: 0, limit: 0.02 })
    expect(point!.candidate).toBeCloseTo(0.012)
    expect(point!.upper).toBeCloseTo(0.044)
    expect(lookPoints(looks, 'latencyP99')).toEqual([])
  })
  test('no requests are no rate', () => {
    const silent = structuredClone(looks[0]!)
    silent.guards[0]!.champion.requests = 0
    silent.guards[0]!.difference = null
    silent.guards[0]!.candidate.requests = 0
    expect(lookPoints([silent], 'errors')[0]).toMatchObject({ champion: null, candidate: null, limit: null })
    expect(Number.isFinite(topOf(lookPoints([silent], 'errors')))).toBe(true)
  })
  test('steps count their own requests and say how far they are', () => {
    expect(stepStates(rollout({}), looks)).toEqual([
      { sharePercent: 1, state: 'done', requests: 100, progress: 1 },
      { sharePercent: 5, state: 'now', requests: 100, progress: 0.25 },
      { sharePercent: 25, state: 'ahead', requests: null, progress: 0 },
    ])
  })
  test.each([
    ['done' as const, 2, ['done', 'done', 'done']],
    ['promoting' as const, 2, ['done', 'done', 'done']],
    ['rolled-back' as const, 1, ['done', 'failed', 'ahead']],
  ])('a rollout that is %s', (state, step, expected) => {
    expect(stepStates(rollout({ state, step }), looks).map((one) => one.state)).toEqual(expected)
  })
  test('a change of share is drawn where it shows', () => {
    expect(stepChanges(looks)).toEqual([{ at: 3000, from: 1, to: 5 }])
  })
  test('a wide band does not press the lines flat', () => {
    const points = lookPoints(looks, 'errors').map((point) => ({ ...point, upper: 5 }))
    expect(topOf(points)).toBeLessThan(0.1)
  })
})

describe('windows', () => {
  const window = (version: string, startMs: number, requests: number, errors = 0): TrafficWindow => ({
    model: 'm',
    version,
    startMs,
    sizeMs: 1000,
    requests,
    errors,
    timeouts: 0,
    refusals: 0,
    rows: requests,
    computeMs: 0,
    latency: { 100: requests },
  })
  const windows = [window('v1', 4000, 100), window('v2', 5000, 10, 1), window('v1', 8000, 50)]
  const at = { sizeMs: 1000, spanMs: 4000, nowMs: 10_500 }

  test('silence is zero, and what still grows is left out', () => {
    const [v1, v2] = seriesOf(windows, at)
    expect(v1!.bins.map(({ startMs }) => startMs)).toEqual([4000, 5000, 6000, 7000])
    expect(v1!.bins.map(({ perSecond }) => perSecond)).toEqual([100, 0, 0, 0])
    expect(v2!.bins.map(({ failed }) => failed)).toEqual([0, 1, 0, 0])
  })
  test('a percentile below its floor is not told', () => {
    expect(vitalsOf(windows, at)).toMatchObject({
      requests: 110,
      perSecond: 27.5,
      failedShare: 1 / 110,
      p99Ms: null,
    })
    expect(vitalsOf([window('v1', 5000, 500)], at).p99Ms).toBeCloseTo(0.01 * 2 ** (100 / 16))
  })
  test('one version alone, and nothing at all', () => {
    expect(vitalsOf(windows, { ...at, version: 'v2' }).requests).toBe(10)
    expect(vitalsOf([], at)).toMatchObject({ requests: 0, failedShare: null, p50Ms: null })
  })
  test('v10 comes after v9, the champion before both', () => {
    const sorted = championFirst([{ version: 'v10' }, { version: 'v9' }, { version: 'v1' }], 'v9')
    expect(sorted.map(({ version }) => version)).toEqual(['v9', 'v1', 'v10'])
  })
})

describe('splits over time', () => {
  const split = (updatedAt: number, v1: number): Traffic => ({
    model: 'm',
    revision: updatedAt,
    shares: { v1, v2: 100 - v1 },
    reason: 'set by "mira"',
    updatedAt,
  })
  const history = [split(300, 50), split(200, 90), split(100, 100)]
  const told = (fromMs: number, toMs: number) =>
    heldBetween(history, fromMs, toMs).map(({ split: { shares }, from, to }) => [shares.v1, from, to])

  test.each([
    [
      'from before the first',
      0,
      400,
      [
        [100, 100, 200],
        [90, 200, 300],
        [50, 300, 400],
      ],
    ],
    ['between two', 210, 290, [[90, 210, 290]]],
    [
      'over a change',
      250,
      350,
      [
        [90, 250, 300],
        [50, 300, 350],
      ],
    ],
    ['before all', 0, 90, []],
  ])('%s', (_, fromMs, toMs, expected) => expect(told(fromMs, toMs)).toEqual(expected))

  test('the first span that shows two changes is shown, else the longest', () => {
    expect(tellingSpan(history, 400, [50, 150, 250, 1000])).toBe(250)
    expect(tellingSpan(history.slice(2), 400, [50, 150])).toBe(150)
  })

  test('its table has a row for each version', () => {
    expect(historyCsv([history[1]!]).split('\r\n')).toEqual([
      'revision,at,version,percent,reason',
      '200,1970-01-01T00:00:00.200Z,v1,90,"set by ""mira"""',
      '200,1970-01-01T00:00:00.200Z,v2,10,"set by ""mira"""',
    ])
  })
})
