import { fc, test as property } from '@fast-check/vitest'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../kernel/index.ts'
import { contextFor, itemsOf, numberOf, runWith } from '../testing/context.ts'
import { type ScriptedGateway, type ScriptedVersion, scriptedGateway } from '../testing/scripted-gateway.ts'
import { analyseAccuracy } from './analyse.ts'
import { accuracyCheck } from './check.ts'
import { accuracyPlan, planAccuracy } from './plan.ts'
import type { ScoredItem } from './raw.ts'

const opened: ScriptedGateway[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()))
})

/** Items of which `fixed` only the candidate has right, `broken` only the champion, `both` both, `neither` none. */
function items(counts: {
  both?: number
  fixed?: number
  broken?: number
  neither?: number
  unscored?: number
}) {
  const made: ScoredItem[] = []
  const add = (count = 0, champion: string | null, candidate: string | null) => {
    for (let index = 0; index < count; index++)
      made.push({ id: `i${made.length}`, label: 'spam', champion, candidate })
  }
  add(counts.both, 'spam', 'spam')
  add(counts.fixed, 'ham', 'spam')
  add(counts.broken, 'spam', 'ham')
  add(counts.neither, 'ham', 'ham')
  add(counts.unscored, 'spam', null)
  return made
}

function judged(made: ScoredItem[], goal: 'accuracy' | 'cost' = 'accuracy', margin = 0.01) {
  const context = contextFor({
    gatewayUrl: 'http://127.0.0.1:1',
    items: itemsOf(made.length),
    goal,
    margins: { accuracy: margin },
  })
  return analyseAccuracy(accuracyPlan.parse(planAccuracy(context).plan), [{ items: made }])
}

describe('the judgement', () => {
  test.each<[string, Parameters<typeof items>[0], 'accuracy' | 'cost', number, string, string]>([
    ['many fixed', { both: 1800, fixed: 334, broken: 1, neither: 94 }, 'accuracy', 0.01, 'pass', 'superior'],
    ['ten fixed, two broken', { both: 500, fixed: 10, broken: 2 }, 'accuracy', 0.01, 'pass', 'superior'],
    ['equal, goal elsewhere', { both: 2000, fixed: 3, broken: 3 }, 'cost', 0.01, 'pass', 'non-inferior'],
    [
      'equal, goal accuracy',
      { both: 2000, fixed: 3, broken: 3 },
      'accuracy',
      0.01,
      'inconclusive',
      'non-inferior',
    ],
    ['many broken', { both: 500, broken: 60 }, 'cost', 0.01, 'fail', 'inferior'],
    ['few items', { both: 50, fixed: 2, broken: 3 }, 'cost', 0.01, 'inconclusive', 'inconclusive'],
    [
      'a better estimate is no verdict',
      { both: 95, fixed: 3, broken: 2 },
      'accuracy',
      0.01,
      'inconclusive',
      'inconclusive',
    ],
    ['a wide margin', { both: 480, fixed: 10, broken: 12 }, 'cost', 0.05, 'pass', 'non-inferior'],
  ])('%s', (_, counts, goal, margin, status, verdict) => {
    const judgement = judged(items(counts), goal, margin)
    expect(judgement.status).toBe(status)
    expect(judgement.measurements[0]).toMatchObject({
      axis: 'accuracy',
      verdict,
      unit: 'pp',
      better: 'higher',
    })
    if (verdict === 'inconclusive') expect(judgement.measurements[0]!.needs).toMatch(/golden items/)
  })

  test('unscored answers are neither right nor wrong, and bound the difference on both sides', () => {
    const judgement = judged(items({ both: 960, fixed: 10, unscored: 30 }))
    expect(judgement.details).toMatchObject({ paired: 970, unscored: { candidate: { unknown: 30 } } })
    expect(judgement.details.bounds).toEqual({ worst: (10 - 30) / 1000, best: 10 / 1000 })
    expect(judgement.summary).toMatch(/30 unscored/)
  })

  test.each<[string, ScoredItem[], RegExp]>([
    ['fewer than 95 % paired', items({ both: 94, unscored: 6 }), /94 of 100 items have both/],
    ['an id twice', [...items({ both: 10 }), ...items({ both: 10 })], /share an id/],
    ['nothing at all', [], /Only 0 of 0/],
  ])('%s is refused', (_, made, reason) => {
    const judgement = judged(made)
    expect(judgement.status).toBe('invalid')
    expect(judgement.summary).toMatch(reason)
  })

  test('a block left out is refused', () => {
    const made = items({ both: 90, fixed: 10 })
    const plan = accuracyPlan.parse(
      planAccuracy(contextFor({ gatewayUrl: 'http://127.0.0.1:1', items: 100 })).plan,
    )
    expect(analyseAccuracy(plan, [{ items: made.slice(10) }]).status).toBe('invalid')
  })

  const counts = fc.record({
    both: fc.nat(200),
    fixed: fc.nat(60),
    broken: fc.nat(60),
    neither: fc.nat(60),
  })
  property.prop([counts])('swapping the versions mirrors the difference', (made) => {
    fc.pre(made.both + made.fixed + made.broken + made.neither > 0)
    const there = judged(items(made), 'cost').measurements[0]!
    const back = judged(items({ ...made, fixed: made.broken, broken: made.fixed }), 'cost').measurements[0]!
    expect(back.estimate! + there.estimate!).toBeCloseTo(0, 9)
    expect(back.lower! + there.upper!).toBeCloseTo(0, 5)
    expect(there.lower!).toBeLessThanOrEqual(there.estimate!)
  })
})

describe('the measurement', () => {
  async function measured(
    v1: ScriptedVersion,
    v2: ScriptedVersion,
    options: { items?: number; key?: string; stored?: Map<number, unknown>; stopAfter?: number } = {},
  ) {
    const gateway = await scriptedGateway({ v1, v2 }, { key: 'good' })
    opened.push(gateway)
    const context = contextFor({
      gatewayUrl: gateway.url,
      key: options.key ?? 'good',
      items: options.items ?? 250,
      goal: 'accuracy',
    })
    const check = accuracyCheck(systemClock)
    const plan = await check.plan(context)
    const stop = new AbortController()
    const { run, stored, told } = runWith({
      signal: stop.signal,
      ...(options.stored === undefined ? {} : { stored: options.stored }),
    })
    const put = run.blocks.put.bind(run.blocks)
    run.blocks.put = async (index, block) => {
      await put(index, block)
      if (index === options.stopAfter) stop.abort(new Error('stopped by hand'))
    }
    const raw = await check.measure(context, plan, run)
    return { judgement: check.analyse(plan.plan, raw), raw, stored, told, gateway }
  }
  const right: ScriptedVersion = { answer: (row) => ({ label: numberOf(row) % 2 }) }
  /** Wrong on every tenth item. */
  const wrongish: ScriptedVersion = {
    answer: (row) => ({ label: numberOf(row) % 10 === 0 ? 1 : numberOf(row) % 2 }),
  }

  test('finds the items that were fixed, with their text', async () => {
    const { judgement, told, raw } = await measured(wrongish, right)
    const scored = (raw.blocks as { items: { excerpt?: string }[] }[]).flatMap((block) => block.items)
    expect(scored.filter(({ excerpt }) => excerpt !== undefined)).toHaveLength(25)
    expect(judgement.status).toBe('pass')
    expect(judgement.measurements[0]).toMatchObject({ estimate: 0.1, verdict: 'superior', from: '250 pairs' })
    expect(judgement.details).toMatchObject({ fixed: 25, broken: 0, champion: { estimate: 0.9 } })
    const flips = judgement.details.flips as { id: string; kind: string; text: string }[]
    expect(flips).toHaveLength(25)
    expect(flips.find(({ id }) => id === 'item-10')).toMatchObject({
      kind: 'fixed',
      text: expect.stringContaining('number 10 '),
    })
    expect(judgement.details.slices).toContainEqual(
      expect.objectContaining({ slice: 'label=ham', n: 125, fixed: 25 }),
    )
    expect(told[0]).toEqual({ done: 0, total: 250, unit: 'items', etaMs: null })
    expect(told.at(-1)).toEqual({ done: 250, total: 250, unit: 'items', etaMs: 0 })
  })

  test('asks each version once per item', async () => {
    const { gateway } = await measured(right, right)
    expect(gateway.taken).toEqual({ v1: 250, v2: 250 })
  })

  test('a failing candidate leaves items unscored with their reason', async () => {
    const { judgement } = await measured(right, {
      ...right,
      status: (request) => (request % 5 === 0 ? 502 : undefined),
    })
    expect(judgement.status).toBe('invalid')
    expect(judgement.details.unscored).toEqual({ champion: {}, candidate: { 'status 502': 50 } })
  })

  test('an overloaded gateway is asked again', async () => {
    const { judgement } = await measured(
      { ...right, status: (request) => (request % 50 === 0 ? 503 : undefined) },
      right,
    )
    expect(judgement.details).toMatchObject({ paired: 250 })
  })

  test('stopped and taken up again it asks only what is left and judges the same', async () => {
    const stored = new Map<number, unknown>()
    const whole = await measured(wrongish, right)
    await expect(measured(wrongish, right, { stored, stopAfter: 0 })).rejects.toThrow('stopped by hand')
    expect([...stored.keys()]).toEqual([0])
    const rest = await measured(wrongish, right, { stored })
    expect(rest.gateway.taken).toEqual({ v1: 150, v2: 150 })
    expect(rest.raw).toEqual(whole.raw)
    expect(rest.judgement).toEqual(whole.judgement)
  })

  test.each<[string, Parameters<typeof measured>, RegExp]>([
    ['the key is refused', [right, right, { key: 'bad' }], /does not accept the key.*401/],
    [
      'another version answers',
      [right, { ...right, saysItIs: (request) => (request > 99 ? 'v1' : 'v2') }],
      /v1 answered where v2/,
    ],
    [
      'everything fails',
      [right, { ...right, status: () => 500 }, { items: 500 }],
      /Only 0 of 500 items have both/,
    ],
    ['the rate is limited', [{ ...right, status: () => 429 }, right], /rate limit/],
  ])('says so when %s', async (_, given, reason) => {
    const outcome = measured(...given).then(({ judgement }) => {
      throw new Error(judgement.summary)
    })
    await expect(outcome).rejects.toThrow(reason)
  })

  test('says so when nothing listens', async () => {
    const context = contextFor({ gatewayUrl: 'http://127.0.0.1:9', items: 20 })
    const check = accuracyCheck(systemClock)
    const { run } = runWith()
    await expect(check.measure(context, await check.plan(context), run)).rejects.toMatchObject({
      code: 'check_failed',
      message: expect.stringMatching(/cannot be reached/),
    })
  })
})

test.each<[string, number, 'accuracy' | 'cost', RegExp | undefined]>([
  ['an empty set', 0, 'accuracy', /empty/],
  ['too few for the margin', 500, 'cost', /too few to show/],
  ['enough for a gain', 500, 'accuracy', undefined],
  ['too few for any gain', 20, 'accuracy', /cannot show/],
])('the plan says before it spends: %s', (_, count, goal, reason) => {
  const { impossible } = planAccuracy(contextFor({ gatewayUrl: 'http://127.0.0.1:1', items: count, goal }))
  if (reason === undefined) expect(impossible).toEqual([])
  else expect(impossible.join()).toMatch(reason)
})
