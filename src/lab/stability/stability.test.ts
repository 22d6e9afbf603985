import { fc, test as property } from '@fast-check/vitest'
import { afterEach, describe, expect, test } from 'vitest'
import type { ModelContract } from '../../contracts/index.ts'
import { seededRandom, systemClock } from '../../kernel/index.ts'
import { contextFor, numberOf, runWith } from '../testing/context.ts'
import { type ScriptedGateway, type ScriptedVersion, scriptedGateway } from '../testing/scripted-gateway.ts'
import { analyseStability } from './analyse.ts'
import { stabilityCheck } from './check.ts'
import { noiseKinds, noisyText, perturbed } from './perturb.ts'
import { planStability, stabilityPlan } from './plan.ts'
import type { NoisyItem, StabilityRaw } from './raw.ts'

const opened: ScriptedGateway[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()))
})

const context = contextFor({ gatewayUrl: 'http://127.0.0.1:1', items: 1000 })
const plan = stabilityPlan.parse(planStability(context, {}).plan)

/** `flips` noisy copies per hundred items flip; each on an item of its own, or `bunched` five to an item. */
function raw(
  flips: { champion: number; candidate: number },
  options: { bunched?: boolean; unstable?: number } = {},
): StabilityRaw {
  const side = (index: number, count: number) => {
    const per = options.bunched ? 5 : 1
    const isFlipping = index % 100 < count / per
    return {
      clean: 'ham',
      noisy: plan.noise.kinds.map((_, kind) => (isFlipping && kind < per ? 'spam' : 'ham')),
    }
  }
  const items: NoisyItem[] = Array.from({ length: 1000 }, (_, index) => ({
    id: `i${index}`,
    champion: side(index, flips.champion),
    // Other items than the champion's.
    candidate: side(99 - (index % 100), flips.candidate),
  }))
  const ids = Array.from({ length: 400 }, (_, index) => `i${index}`)
  const repeats = plan.repeats.concurrencies.map((concurrency, run) => ({
    kind: 'repeat' as const,
    concurrency,
    ids,
    champion: ids.map(() => 'ham'),
    candidate: ids.map((_, index) => (run === 4 && index < (options.unstable ?? 0) ? 'spam' : 'ham')),
  }))
  return { noise: [{ kind: 'noise', items }], repeats }
}

describe('the judgement', () => {
  test.each<[string, StabilityRaw, string, string]>([
    ['no flips at all', raw({ champion: 0, candidate: 0 }), 'pass', 'non-inferior'],
    ['as many as before', raw({ champion: 5, candidate: 5 }), 'pass', 'non-inferior'],
    ['ten times as many', raw({ champion: 2, candidate: 20 }), 'fail', 'inferior'],
    ['hardly any more', raw({ champion: 30, candidate: 2 }), 'pass', 'superior'],
    [
      'the answer changes under load',
      raw({ champion: 0, candidate: 0 }, { unstable: 20 }),
      'fail',
      'non-inferior',
    ],
  ])('%s', (_, measured, status, verdict) => {
    const judgement = analyseStability(plan, measured)
    expect(judgement.status).toBe(status)
    expect(judgement.measurements[0]).toMatchObject({
      axis: 'stability',
      measure: 'flips under noise',
      verdict,
    })
  })

  test('copies of one item are one voice: bunched flips widen the interval', () => {
    const spread = analyseStability(plan, raw({ champion: 10, candidate: 10 })).measurements[0]!
    const bunched = analyseStability(plan, raw({ champion: 10, candidate: 10 }, { bunched: true }))
      .measurements[0]!
    expect(bunched.estimate).toBeCloseTo(spread.estimate!, 6)
    expect(bunched.upper! - bunched.lower!).toBeGreaterThan(2 * (spread.upper! - spread.lower!))
  })

  test('no disagreement in few items is not certainty', () => {
    const few = { ...plan, noise: { ...plan.noise, items: 10 } }
    const measured = raw({ champion: 0, candidate: 0 })
    const judgement = analyseStability(few, {
      ...measured,
      noise: [{ kind: 'noise', items: measured.noise[0]!.items.slice(0, 10) }],
    })
    expect(judgement.measurements[0]).toMatchObject({ verdict: 'inconclusive', estimate: 0 })
    expect(judgement.measurements[0]!.upper).toBeGreaterThan(0.1)
  })

  test('it tells at which load the answers parted', () => {
    const { details } = analyseStability(plan, raw({ champion: 0, candidate: 0 }, { unstable: 3 }))
    expect(details.repeats).toMatchObject({
      firstDifference: { champion: {}, candidate: { 'run 5, 32 at once': 3 } },
    })
  })

  test.each<[string, (measured: StabilityRaw) => StabilityRaw]>([
    ['noise left out', (measured) => ({ ...measured, noise: [] })],
    ['a repeat left out', (measured) => ({ ...measured, repeats: measured.repeats.slice(1) })],
    [
      'other items repeated',
      (measured) => ({
        ...measured,
        repeats: measured.repeats.map((block, run) =>
          run === 2 ? { ...block, ids: block.ids.toReversed() } : block,
        ),
      }),
    ],
    [
      'answers missing',
      (measured) => ({
        ...measured,
        repeats: measured.repeats.map((block) => ({
          ...block,
          candidate: block.candidate.map((answer, index) => (index < 30 ? null : answer)),
        })),
      }),
    ],
  ])('%s is refused', (_, tamper) => {
    expect(analyseStability(plan, tamper(raw({ champion: 0, candidate: 0 }))).status).toBe('invalid')
  })
})

describe('noise', () => {
  const text = fc
    .array(fc.stringMatching(/^[a-zA-Z]{1,12}$/), { minLength: 1, maxLength: 80 })
    .map((words) => words.join(' '))
  const kinds = fc.constantFrom(...noiseKinds)

  property.prop([text, kinds, fc.nat()])('is small, and the same for the same seed', (given, kind, seed) => {
    const noisy = noisyText(given, kind, seededRandom(seed))
    expect(noisyText(given, kind, seededRandom(seed))).toBe(noisy)
    const words = given.split(' ').length
    const moved = Math.abs(noisy.split(/\s+/).filter(Boolean).length - words)
    expect(moved).toBeLessThanOrEqual(Math.max(1, Math.round(words / 30)))
  })

  property.prop([fc.string(), kinds, fc.nat()])('takes any text', (given, kind, seed) => {
    expect(typeof noisyText(given, kind, seededRandom(seed))).toBe('string')
  })

  test('floats move a little, names of things do not', () => {
    const contract: ModelContract = {
      inputs: [
        { name: 'size', dtype: 'float32', shape: [2] },
        { name: 'colour', dtype: 'int64', shape: [] },
      ],
      outputs: [{ name: 'label', dtype: 'int64', shape: [] }],
    }
    const row = perturbed({ size: [100, -50], colour: 3 }, contract, 'typos', seededRandom(1))
    expect(row.colour).toBe(3)
    const [first, second] = row.size as [number, number]
    expect(first).not.toBe(100)
    expect(Math.abs(first - 100)).toBeLessThanOrEqual(1)
    expect(Math.abs(second + 50)).toBeLessThanOrEqual(0.5)
  })
})

describe('the measurement', () => {
  async function measured(v1: ScriptedVersion, v2: ScriptedVersion) {
    const gateway = await scriptedGateway({ v1, v2 })
    opened.push(gateway)
    const check = stabilityCheck(systemClock, { noiseItems: 120, repeatItems: 60 })
    const here = contextFor({ gatewayUrl: gateway.url, items: 120 })
    const planned = await check.plan(here)
    const { run, stored, told } = runWith()
    const evidence = await check.measure(here, planned, run)
    return { judgement: check.analyse(planned.plan, evidence), stored, told, planned }
  }
  const steady: ScriptedVersion = { answer: (row) => ({ label: numberOf(row) % 2 }) }
  /** Reads capitals as spam. */
  const nervous: ScriptedVersion = {
    answer: (row) => ({ label: /\b[A-Z]{2,}\b/.test(String(row.text)) ? 1 : 0 }),
  }

  test('finds the kind of noise that a version cannot bear', { timeout: 60_000 }, async () => {
    const { judgement, told, planned } = await measured(steady, nervous)
    const byKind = (judgement.details.noise as { byKind: { kind: string; candidate: number }[] }).byKind
    const flips = Object.fromEntries(byKind.map(({ kind, candidate }) => [kind, candidate]))
    expect(flips.case).toBeGreaterThan(90)
    expect(flips['doubled word']).toBe(0)
    expect(judgement.status).toBe('fail')
    expect(told.at(-1)).toMatchObject({ done: 120 + 5 * 60, total: 120 + 5 * 60 })
    expect(planned.impossible.join()).toMatch(/60 repeated items are too few/)
  })

  test('finds answers that depend on chance', { timeout: 60_000 }, async () => {
    const random = seededRandom(4)
    const { judgement } = await measured(steady, { answer: () => ({ label: random() < 0.5 ? 0 : 1 }) })
    expect(judgement.measurements[1]).toMatchObject({ verdict: 'inferior' })
  })
})
