import { afterEach, describe, expect, test } from 'vitest'
import { seededRandom, systemClock } from '../../kernel/index.ts'
import { contextFor, numberOf, runWith } from '../testing/context.ts'
import { type ScriptedGateway, type ScriptedVersion, scriptedGateway } from '../testing/scripted-gateway.ts'
import { type SimulatedMachine, simulatedRaw } from '../testing/simulated-pairs.ts'
import { analyseLatency } from './analyse.ts'
import { latencyCheck } from './check.ts'
import { kneeOf } from './ladder.ts'
import { latencyPlan, planLatency } from './plan.ts'
import type { LatencyRaw, Rung } from './raw.ts'

const opened: ScriptedGateway[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()))
})

const planned = (goal: 'cost' | 'latency' = 'cost') =>
  latencyPlan.parse(planLatency(contextFor({ gatewayUrl: 'http://127.0.0.1:1', goal }), {}).plan)

const machine: SimulatedMachine = { ratio: 1, requests: 600, correlation: 0.8, sigma: 0.4, drift: 0.05 }

describe('the judgement', () => {
  test.each<[string, Partial<SimulatedMachine>, 'cost' | 'latency', string, string]>([
    ['equal versions are non-inferior', { drift: 0.02 }, 'cost', 'pass', 'non-inferior'],
    ['half as slow again is inferior', { ratio: 1.5 }, 'cost', 'fail', 'inferior'],
    ['a third faster is superior', { ratio: 0.67 }, 'latency', 'pass', 'superior'],
    [
      'equal is not what a goal of latency promised',
      { drift: 0.02 },
      'latency',
      'inconclusive',
      'non-inferior',
    ],
    ['a machine that drifts wildly decides nothing', { drift: 0.6 }, 'cost', 'inconclusive', 'inconclusive'],
    ['a late client is invalid, not slow', { ratio: 1.5, lagMs: 30 }, 'cost', 'invalid', 'inconclusive'],
  ])('%s', (_, change, goal, status, verdict) => {
    const plan = planned(goal)
    const judgement = analyseLatency(plan, simulatedRaw(plan, { ...machine, ...change }, 2))
    expect(judgement.status).toBe(status)
    expect(judgement.measurements[0]).toMatchObject({ axis: 'latency', verdict })
    expect(judgement.measurements[0]!.needs === null).toBe(verdict !== 'inconclusive')
  })

  test('failing answers fail the check though the rest is as fast', () => {
    const plan = planned()
    const judgement = analyseLatency(plan, simulatedRaw(plan, { ...machine, failing: 0.03 }, 2))
    expect(judgement.status).toBe('fail')
    expect(judgement.measurements[1]).toMatchObject({ measure: 'failed requests', verdict: 'inferior' })
  })

  test('a p95 among the unanswered is no number', () => {
    const plan = planned()
    const judgement = analyseLatency(plan, simulatedRaw(plan, { ...machine, failing: 0.2 }, 3))
    expect(judgement.status).toBe('fail')
    expect(judgement.measurements[0]).toMatchObject({ estimate: null, upper: null, verdict: 'inconclusive' })
  })

  test('a percentile below its floor is not told', () => {
    const plan = { ...planned(), pairs: 2, mostPairs: 2, aaPairs: 2, leastRequests: 20 }
    const { details } = analyseLatency(plan, simulatedRaw(plan, { ...machine, requests: 50 }, 4))
    const told = (details.percentiles as { champion: object[] }).champion
    expect(told).toMatchObject([
      { p: 0.5 },
      { p: 0.9 },
      { p: 0.95 },
      { p: 0.99, ms: null, needs: 368 },
      { p: 0.999, ms: null, needs: 3688 },
    ])
    expect(told[2]).toHaveProperty('lowerMs')
  })

  test.each<[string, (raw: LatencyRaw) => LatencyRaw, RegExp]>([
    ['a pair left out', (raw) => ({ ...raw, ab: raw.ab.slice(1) }), /fewer than planned/],
    ['a pair added', (raw) => ({ ...raw, ab: [...raw.ab, raw.ab[0]!] }), /more than planned/],
    [
      'halves exchanged',
      (raw) => ({
        ...raw,
        ab: raw.ab.map((pair) => ({
          ...pair,
          firstIs: pair.firstIs === 'base' ? ('other' as const) : ('base' as const),
        })),
      }),
      /other versions/,
    ],
    ['an A/A pair as AB pair', (raw) => ({ ...raw, ab: [...raw.ab.slice(1), raw.aa[0]!] }), /other versions/],
  ])('evidence with %s is invalid', (_, tamper, reason) => {
    const plan = planned()
    const raw = simulatedRaw(plan, { ...machine, drift: 0.02 }, 5)
    const judgement = analyseLatency(plan, tamper(raw))
    expect(judgement.status).toBe('invalid')
    expect(judgement.summary).toMatch(reason)
  })

  test('a spoilt pair is replaced by a spare one', () => {
    const plan = planned()
    const raw = simulatedRaw(plan, { ...machine, drift: 0.02 }, 6)
    const late = simulatedRaw(plan, { ...machine, ratio: 9, lagMs: 40 }, 7).ab[0]!
    const judgement = analyseLatency(plan, { ...raw, ab: [late, ...raw.ab] })
    expect(judgement.status).toBe('pass')
    expect(judgement.details.instrument).toMatchObject({ spoilt: 1, why: { late: 2 } })
  })

  /** Nominal 5 %; with 300 runs the standard error is 1.3 %. The sizes grow by the spread here, so that is tried too. */
  test('equal versions on a drifting machine are told apart in one run of twenty', {
    timeout: 60_000,
  }, () => {
    const plan = { ...planned(), aaPairs: 2 }
    let alarms = 0
    let grown = 0
    const runs = 300
    for (let seed = 0; seed < runs; seed++) {
      const raw = simulatedRaw(plan, { ...machine, requests: 80, drift: 0.08 }, seed)
      const { lower, upper } = analyseLatency({ ...plan, leastRequests: 80 }, raw).measurements[0]!
      if (lower! > 0 || upper! < 0) alarms++
      if (raw.ab.length > plan.pairs) grown++
    }
    expect(grown / runs).toBeGreaterThan(0.2)
    expect(alarms / runs).toBeLessThan(0.09)
    expect(alarms / runs).toBeGreaterThan(0.012)
  })

  test('at the margin itself few runs say non-inferior', { timeout: 60_000 }, () => {
    const plan = { ...planned(), aaPairs: 2, leastRequests: 80 }
    let wrong = 0
    for (let seed = 0; seed < 150; seed++) {
      const raw = simulatedRaw(plan, { ...machine, ratio: 1.1, requests: 80, drift: 0.05 }, seed)
      const { verdict } = analyseLatency(plan, raw).measurements[0]!
      if (verdict === 'non-inferior' || verdict === 'superior') wrong++
    }
    // Nominal 2.5 %: the upper end of a 95 % interval decides.
    expect(wrong / 150).toBeLessThan(0.07)
  })
})

describe('the knee', () => {
  const rung = (concurrency: number, goodPerSecond: number, p95Ms: number, failed = 0): Rung => ({
    arm: 'champion',
    concurrency,
    requests: 100,
    goodPerSecond,
    p50Ms: p95Ms / 2,
    p95Ms,
    failures: failed === 0 ? {} : { 'status 503': failed },
  })
  const { ladder } = planned()
  test.each<[string, Rung[], number | null]>([
    ['throughput of the last rung before it', [rung(1, 100, 10), rung(2, 190, 12), rung(4, 250, 31)], 190],
    ['the highest, where none is past it', [rung(1, 100, 10), rung(2, 190, 12)], 190],
    ['failures count like slowness', [rung(1, 100, 10), rung(2, 190, 12, 11)], 100],
    ['no rung is good', [rung(1, 100, 10, 50)], null],
  ])('%s', (_, rungs, knee) => expect(kneeOf(rungs, 'champion', ladder)).toBe(knee))
})

describe('the measurement', () => {
  /** Sizes below the rules of the plan, so that it ends in seconds; the analysis is told of them. */
  async function measured(
    v1: ScriptedVersion,
    v2: ScriptedVersion,
    stored = new Map<number, unknown>(),
    signal?: AbortSignal,
    interleaveBelow = 0.1,
  ) {
    const gateway = await scriptedGateway({ v1, v2 }, { key: 'good' })
    opened.push(gateway)
    const context = contextFor({ gatewayUrl: gateway.url, key: 'good' })
    const check = latencyCheck(systemClock)
    const whole = await check.plan(context)
    const small = {
      ...whole.plan,
      ladder: { ...planned().ladder, concurrencies: [1, 32], rungMs: 50, mostRungMs: 500, leastRequests: 10 },
      aaPairs: 2,
      pairs: 5,
      mostPairs: 5,
      sparePairs: 1,
      // The machine that runs tests is shared; only the client that is held up on purpose shall be late.
      instrument: { mostLagMs: 150, mostLagOfMedian: 0.02, leastAchieved: 0.8 },
      halfMs: 300,
      leastRequests: 40,
      washoutMs: 30,
      mostPerSecond: 200,
      interleaveBelow,
    }
    const { run, told } = runWith({ stored, ...(signal === undefined ? {} : { signal }) })
    const raw = await check.measure(context, { ...whole, plan: small }, run)
    return { judgement: check.analyse(small, raw), raw, told, gateway }
  }
  const jittered = (ms: number) => {
    const random = seededRandom(ms)
    return () => ms * (0.8 + 0.4 * random())
  }

  test('finds a candidate that takes twice as long', { retry: 3 }, async () => {
    const { judgement, told } = await measured({ latencyMs: jittered(80) }, { latencyMs: jittered(160) })
    expect(judgement.measurements[0]).toMatchObject({ verdict: 'inferior' })
    expect(Math.abs(judgement.measurements[0]!.estimate! - 1)).toBeLessThan(0.35)
    expect(judgement.status).toBe('fail')
    expect(told.at(-1)).toMatchObject({ done: told.at(-1)!.total, unit: 'blocks', etaMs: 0 })
  })

  const noting = (list: number[]): ScriptedVersion => ({
    answer: (row) => {
      list.push(numberOf(row))
      return { label: 0 }
    },
  })

  test('far below the knee both versions are asked at once, in turn, with the same items', async () => {
    const sequence: string[] = []
    const telling = (name: string): ScriptedVersion => ({
      answer: (row) => {
        sequence.push(`${name} ${numberOf(row)}`)
        return { label: 0 }
      },
    })
    const { raw, judgement } = await measured(telling('v1'), telling('v2'))
    expect(judgement.measurements[0]?.from).toBe('5 pairs in turn')
    // The tail is of the last pair; sockets may exchange neighbours, so order is counted, not compared one by one.
    const tail = sequence.slice(-60)
    const itemsOf = (name: string) =>
      tail.filter((asked) => asked.startsWith(name)).map((asked) => asked.split(' ')[1])
    const [v1, v2] = [itemsOf('v1'), itemsOf('v2')]
    expect(Math.abs(v1.length - v2.length)).toBeLessThan(9)
    expect(v1.filter((item) => v2.includes(item)).length).toBeGreaterThan(22)
    // In halves there is one change of version, in strict turn 59, by a coin about 45.
    const changes = tail.filter(
      (asked, at) => at > 0 && asked.slice(0, 2) !== tail[at - 1]?.slice(0, 2),
    ).length
    expect(changes).toBeGreaterThan(25)
    expect(changes).toBeLessThan(57)
    for (const { halves } of raw.ab as { halves: { latencyMs: unknown[] }[] }[])
      expect(Math.abs((halves[0]?.latencyMs.length ?? 0) - (halves[1]?.latencyMs.length ?? 0))).toBeLessThan(
        4,
      )
    // A spare pair follows where the client was late in one.
    expect(
      (raw.aa as { halves: { arm: string }[] }[])
        .slice(0, 2)
        .map(({ halves }) => halves.map(({ arm }) => arm)),
    ).toEqual([
      ['champion', 'champion'],
      ['candidate', 'candidate'],
    ])
  })

  test('in halves both get the same requests, and the order is a coin', async () => {
    const asked = { v1: [] as number[], v2: [] as number[] }
    const { raw } = await measured(noting(asked.v1), noting(asked.v2), undefined, undefined, 0)
    const firsts = (raw.ab as { firstIs: string }[]).map(({ firstIs }) => firstIs)
    expect(new Set(firsts).size).toBe(2)
    // The last half of each version is of the last pair; sockets may exchange neighbours.
    const left = asked.v1.slice(-40)
    const right = asked.v2.slice(-40)
    expect(left.filter((item) => right.includes(item)).length).toBeGreaterThan(34)
    expect(new Set(left).size).toBeGreaterThan(20)
  })

  test('a client that is held up is invalid', async () => {
    const holdUp = setInterval(() => {
      const untilMs = performance.now() + 250
      while (performance.now() < untilMs);
    }, 300)
    const { judgement } = await measured({ latencyMs: () => 2 }, { latencyMs: () => 2 }).finally(() =>
      clearInterval(holdUp),
    )
    expect(judgement.status).toBe('invalid')
    expect(judgement.summary).toMatch(/not in time/)
  })

  test.each<[string, ScriptedVersion, ScriptedVersion, RegExp]>([
    [
      'another version answers',
      {},
      { saysItIs: (request) => (request > 30 ? 'v1' : 'v2') },
      /v1 answered where v2 was pinned/,
    ],
    ['the key is limited', {}, { status: (request) => (request % 3 === 0 ? 429 : undefined) }, /rate limit/],
    ['the champion fails', { status: () => 500 }, {}, /champion itself fails.*status 500/],
  ])('is refused with the reason when %s', async (_, v1, v2, reason) => {
    await expect(measured(v1, v2)).rejects.toMatchObject({
      code: 'check_failed',
      message: expect.stringMatching(reason),
    })
  })

  test('stopped and taken up again it keeps its finished blocks', { retry: 2 }, async () => {
    const stop = new AbortController()
    const stored = new Map<number, unknown>()
    const first = measured({ latencyMs: () => 3 }, { latencyMs: () => 3 }, stored, stop.signal)
    setTimeout(() => stop.abort(new Error('stopped by hand')), 1800)
    await expect(first).rejects.toThrow('stopped by hand')
    const before = new Map(stored)
    expect(before.size).toBeGreaterThan(0)
    const { raw } = await measured({ latencyMs: () => 3 }, { latencyMs: () => 3 }, stored)
    const blocks = [raw.ladder, ...(raw.aa as unknown[]), ...(raw.ab as unknown[])]
    for (const [index, block] of before) expect(blocks[index]).toEqual(block)
  })
})

test('sizes below the rules are refused', () => {
  const context = contextFor({ gatewayUrl: 'http://127.0.0.1:1' })
  expect(() => planLatency(context, { pairs: 6 })).toThrow()
  expect(() => planLatency(context, { halfMs: 500 })).toThrow()
  expect(() => planLatency(context, { leastRequests: 80 })).toThrow()
  expect(planLatency(context, { pairs: 16 }).plan).toMatchObject({ pairs: 16, mostPairs: 24 })
})
