import { seededRandom } from '../../kernel/index.ts'
import { quantile } from '../../stats/index.ts'
import { rounded } from '../judging.ts'
import { isPastKnee, kneeOf } from '../latency/ladder.ts'
import type { Arm, Rung } from '../latency/raw.ts'
import type { Block, HalfStep, Step } from './block.ts'
import { atFloor, failuresOf, valuesOf } from './metrics.ts'
import type { TrialPlan } from './plan.ts'

/**
 * Which block comes after those there are; null: none. Pure, so a run that was interrupted goes on where it stopped,
 * and judging can tell whether all was measured. Looks at knees and at the instrument, never at which target is faster.
 */
export function nextStep(plan: TrialPlan, blocks: readonly Block[]): Step | null {
  return nextRung(plan, blocks) ?? nextCell(plan, blocks) ?? nextHalf(plan, blocks)
}

const armOf = (target: number): Arm => (target === 0 ? 'champion' : 'candidate')

export function rungsOf(blocks: readonly Block[]): Rung[] {
  return blocks.flatMap(({ step, rows, lastedMs }) => {
    if (step.kind !== 'rung') return []
    const answered = rows.filter(({ failure }) => failure === null)
    const sorted = valuesOf(answered, 'e2e')
    return [
      {
        arm: armOf(step.target),
        concurrency: step.concurrency,
        requests: rows.length,
        goodPerSecond: rounded((answered.length / Math.max(1, lastedMs)) * 1000, 2),
        p50Ms: atFloor(sorted, 0.5),
        p95Ms: atFloor(sorted, 0.95),
        failures: failuresOf(rows),
      },
    ]
  })
}

/** Answers a second before the knee; null: already one request at a time is past it. */
export function kneeOfTarget(plan: TrialPlan, blocks: readonly Block[], target: number): number | null {
  return kneeOf(rungsOf(blocks), armOf(target), plan.ladder)
}

function nextRung(plan: TrialPlan, blocks: readonly Block[]): Step | null {
  const rungs = rungsOf(blocks)
  for (const concurrency of plan.ladder.concurrencies) {
    for (const target of plan.targets.keys()) {
      const climbed = rungs.filter(({ arm }) => arm === armOf(target))
      if (climbed.some((rung) => rung.concurrency === concurrency)) continue
      if (!isPastKnee(climbed, plan.ladder)) return { kind: 'rung', target, concurrency }
    }
  }
  return null
}

function nextCell(plan: TrialPlan, blocks: readonly Block[]): Step | null {
  if (plan.cellRequests === 0) return null
  for (const { name } of plan.classes) {
    for (const target of plan.targets.keys()) {
      const isDone = blocks.some(
        ({ step }) => step.kind === 'cell' && step.class === name && step.target === target,
      )
      if (!isDone) return { kind: 'cell', target, class: name }
    }
  }
  return null
}

function nextHalf(plan: TrialPlan, blocks: readonly Block[]): Step | null {
  const rate = rateOf(plan, blocks)
  if (rate === null) return null
  if (plan.targets.length === 1) {
    const pair = halvesIn(blocks, 'single').length
    const sound = halvesIn(blocks, 'single').filter((half) => halfFault(plan, half) === undefined).length
    if (sound >= plan.pairs || pair - sound > plan.sparePairs) return null
    return { kind: 'half', phase: 'single', pair, place: 0, side: 'base', target: 0, rate }
  }
  return nextOfPair(plan, blocks, 'aa', rate) ?? nextOfPair(plan, blocks, 'ab', rate)
}

function nextOfPair(
  plan: TrialPlan,
  blocks: readonly Block[],
  phase: 'aa' | 'ab',
  rate: number,
): HalfStep | null {
  const halves = halvesIn(blocks, phase)
  const pair = Math.floor(halves.length / 2)
  const place = halves.length % 2
  if (place === 0) {
    const sound = soundPairs(plan, blocks, phase).length
    const wanted = phase === 'aa' ? plan.aaPairs : plan.pairs
    if (sound >= wanted || pair - sound > plan.sparePairs) return null
  }
  const isBase = seededRandom(plan.seed + pair * 7919 + (phase === 'aa' ? 1 : 2))() < 0.5 === (place === 0)
  // An A/A pair is one target against itself: each target in turn.
  const target = phase === 'aa' ? pair % 2 : isBase ? 0 : 1
  return { kind: 'half', phase, pair, place, side: isBase ? 'base' : 'other', target, rate }
}

/** Load of the halves: as planned, or a share of the lower knee; null when some target has no knee to take it from. */
export function rateOf(plan: TrialPlan, blocks: readonly Block[]): number | null {
  if (plan.rate !== null) return plan.rate
  const knees = plan.targets.map((_, target) => kneeOfTarget(plan, blocks, target))
  if (knees.some((knee) => knee === null || knee <= 0)) return null
  return rounded(plan.kneeShare * Math.min(...(knees as number[])), 3)
}

export type Half = Block & { readonly step: HalfStep }

export function halvesIn(blocks: readonly Block[], phase: HalfStep['phase']): Half[] {
  return blocks.filter((each): each is Half => each.step.kind === 'half' && each.step.phase === phase)
}

export interface Pair {
  readonly base: Half
  readonly other: Half
}

/** Pairs in whose halves the client was in time. */
export function soundPairs(plan: TrialPlan, blocks: readonly Block[], phase: 'aa' | 'ab'): Pair[] {
  const halves = halvesIn(blocks, phase)
  const pairs: Pair[] = []
  for (let first = 0; first + 1 < halves.length; first += 2) {
    const both = [halves[first]!, halves[first + 1]!]
    if (both.some((half) => halfFault(plan, half) !== undefined)) continue
    pairs.push({
      base: both.find(({ step }) => step.side === 'base')!,
      other: both.find(({ step }) => step.side === 'other')!,
    })
  }
  return pairs
}

/** Why a stretch tells of the client and not of the target. */
export function halfFault(plan: TrialPlan, half: Block): 'late' | 'rate' | 'empty' | undefined {
  if (half.rows.length === 0) return 'empty'
  const { mostLagMs, mostLagOfMedian, leastAchieved } = plan.instrument
  const lags = half.rows.map(({ sentMs }) => sentMs).sort((left, right) => left - right)
  const lagMs = quantile(lags, 0.99)
  const medianMs = quantile(valuesOf(half.rows, 'e2e'), 0.5)
  if (lagMs > mostLagMs && !(lagMs <= mostLagOfMedian * medianMs && Number.isFinite(medianMs))) return 'late'
  return half.achieved < leastAchieved ? 'rate' : undefined
}
