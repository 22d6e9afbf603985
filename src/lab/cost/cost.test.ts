import { afterEach, describe, expect, test } from 'vitest'
import { seededRandom, systemClock } from '../../kernel/index.ts'
import { contextFor, runWith } from '../testing/context.ts'
import { type ScriptedGateway, type ScriptedVersion, scriptedGateway } from '../testing/scripted-gateway.ts'
import { analyseCost } from './analyse.ts'
import { costCheck } from './check.ts'
import { costPlan, planCost } from './plan.ts'
import type { CostBlock } from './raw.ts'

const opened: ScriptedGateway[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()))
})

const context = contextFor({ gatewayUrl: 'http://127.0.0.1:1', goal: 'accuracy' })
const plan = costPlan.parse(planCost(context, {}).plan)

/** Groups of 32 rows, 2 ms a row and some more than others; now and then the machine is taken away for 50 ms. */
function blocks(
  ratio: number,
  options: { stolen?: number; failed?: number; spread?: number } = {},
  seed = 1,
): CostBlock[] {
  const random = seededRandom(seed)
  return Array.from({ length: 24 }, () => {
    const level = 1 + (options.spread ?? 0) * (random() - 0.5)
    const sizes = Array.from({ length: 12 }, () => 64 * (0.5 + random()))
    const half = (arm: 'champion' | 'candidate') => {
      const factor = arm === 'candidate' ? ratio * level : 1
      const computeMs = Array.from({ length: 60 }, (_, index) => {
        if (arm === 'candidate' && index < (options.failed ?? 0)) return null
        const stolenMs = random() < (options.stolen ?? 0) ? 50 : 0
        return factor * sizes[index % 12]! * (0.95 + 0.1 * random()) + stolenMs
      })
      return { arm, computeMs }
    }
    return { halves: [half('champion'), half('candidate')] }
  })
}

describe('the judgement', () => {
  test.each<[string, CostBlock[], string, string]>([
    ['equal', blocks(1, {}, 3), 'pass', 'non-inferior'],
    ['a third more', blocks(1.33), 'fail', 'inferior'],
    ['a third less', blocks(0.67), 'pass', 'superior'],
    ['stolen time is not the model', blocks(1, { stolen: 0.05 }, 3), 'pass', 'non-inferior'],
    ['failing cheaply is not cheap', blocks(0.5, { failed: 20 }), 'invalid', 'inconclusive'],
    ['a pair left out', blocks(1).slice(1), 'invalid', 'inconclusive'],
    [
      'one side missing',
      blocks(1).map(({ halves }) => ({ halves: [halves[0], halves[0]] })) as CostBlock[],
      'invalid',
      'inconclusive',
    ],
  ])('%s', (_, measured, status, verdict) => {
    const judgement = analyseCost(plan, measured)
    expect(judgement.status).toBe(status)
    expect(judgement.measurements).toMatchObject([{ axis: 'cost', unit: 'ratio', better: 'lower', verdict }])
  })

  test('the estimate is the ratio of the means', () => {
    const { measurements, details } = analyseCost(plan, blocks(1.2))
    expect(measurements[0]!.estimate).toBeCloseTo(0.2, 1)
    expect(details).toMatchObject({ usdPer1000: null, price: expect.stringContaining('no price given') })
    const seconds = details.computeSecondsPer1000 as { champion: number; candidate: number }
    // Groups differ in size, and a low quantile lies a little below the mean.
    expect(Math.abs(seconds.champion / 2 - 1)).toBeLessThan(0.1)
    expect(Math.abs(seconds.candidate / 2.4 - 1)).toBeLessThan(0.1)
  })

  test('money comes from a given price alone', () => {
    const { details } = analyseCost({ ...plan, pricePerCoreHourUsd: 0.036 }, blocks(1))
    // 2 s per 1,000 answers at 0.00001 USD a second.
    const usd = details.usdPer1000 as { champion: number }
    expect(Math.abs(usd.champion / 0.00002 - 1)).toBeLessThan(0.1)
  })

  test('pairs that differ widely ask for more of them', () => {
    const judgement = analyseCost({ ...plan, mostPairs: 24 }, blocks(1.04, { spread: 0.6 }))
    expect(judgement.status).toBe('inconclusive')
    expect(judgement.measurements[0]!.needs).toMatch(/pairs would settle it/)
  })

  test('what 24 pairs of a busy machine leave open is settled by half as many again, and not judged before', () => {
    const noisy = { spread: 0.25 }
    const all = [5, 6, 7, 8].flatMap((seed) => blocks(1, noisy, seed))
    const statuses = [24, 30, 36, 54, 81].map((pairs) => analyseCost(plan, all.slice(0, pairs)).status)
    expect(statuses.filter((status) => status !== 'invalid')).toEqual(['pass'])
    expect(statuses[0]).toBe('invalid')
    expect(analyseCost(plan, all.slice(0, 24)).summary).toContain('asks for 36')
  })
})

describe('the measurement', () => {
  async function measured(v1: ScriptedVersion, v2: ScriptedVersion) {
    const gateway = await scriptedGateway({ v1, v2 })
    opened.push(gateway)
    const check = costCheck(systemClock)
    const here = contextFor({ gatewayUrl: gateway.url, items: 50, goal: 'accuracy' })
    const whole = await check.plan(here)
    const small = { ...whole.plan, pairs: 6, mostPairs: 6 }
    const { run } = runWith()
    return check.analyse(small, await check.measure(here, { ...whole, plan: small }, run))
  }

  test('reads what the replicas say, whatever the wall clock does', async () => {
    const judgement = await measured(
      { computeMs: (request) => 1 + (request % 3) / 10, latencyMs: () => 9 },
      { computeMs: (request) => 1.5 + (request % 3) / 10 },
    )
    expect(judgement.measurements[0]).toMatchObject({ verdict: 'inferior' })
    expect(judgement.measurements[0]!.estimate).toBeCloseTo(1.6 / 1.1 - 1, 1)
    const seconds = judgement.details.computeSecondsPer1000 as { champion: number }
    expect(seconds.champion).toBeCloseTo(1.1 / 32, 2)
  })

  test('says so when another version answers', async () => {
    await expect(measured({}, { saysItIs: () => 'v1' })).rejects.toThrow(/v1 answered where v2/)
  })
})
