import type { Measurement } from '../../contracts/index.ts'
import {
  benjaminiHochberg,
  mcnemar,
  pairedDifference,
  pairedItemsForMargin,
  pairedItemsNeeded,
  wilson,
} from '../../stats/index.ts'
import { grouped, intervalText, measured, percent, rounded, statusOf } from '../judging.ts'
import type { Judgement } from '../lab.ts'
import type { AccuracyPlan } from './plan.ts'
import type { AccuracyBlock, ScoredItem } from './raw.ts'

interface Tally {
  readonly n: number
  readonly championRight: number
  readonly candidateRight: number
  readonly gained: ScoredItem[]
  readonly lost: ScoredItem[]
}

/** Pure: the same plan and blocks give the same judgement, offline too. */
export function analyseAccuracy(plan: AccuracyPlan, blocks: readonly AccuracyBlock[]): Judgement {
  const items = blocks.flatMap((block) => block.items)
  const paired = items.filter((item) => item.champion !== null && item.candidate !== null)
  const tally = tallyOf(paired)
  const unscored = unscoredOf(items)
  const details = {
    items: items.length,
    paired: paired.length,
    unscored,
    ...(paired.length === 0 ? {} : pairDetails(plan, tally, paired)),
    ...(items.length === 0 ? {} : { bounds: boundsOf(items) }),
  }
  const refusal = refusalOf(plan, items, paired)
  if (refusal !== undefined)
    return { status: 'invalid', summary: refusal, measurements: [measurementOf(plan, null)], details }
  const measurement = measurementOf(plan, tally)
  return {
    status: statusOf([measurement], plan.goal),
    summary: summaryOf(plan, measurement, tally, items.length - paired.length),
    measurements: [measurement],
    details,
  }
}

function refusalOf(plan: AccuracyPlan, items: readonly ScoredItem[], paired: readonly ScoredItem[]) {
  if (new Set(items.map(({ id }) => id)).size !== items.length)
    return 'Two items share an id, so answers cannot be paired.'
  if (items.length !== plan.items)
    return `${grouped(items.length)} items were measured where ${grouped(plan.items)} were planned.`
  if (items.length === 0 || paired.length / items.length < plan.leastPaired)
    return `Only ${grouped(paired.length)} of ${grouped(items.length)} items have both answers; ${percent(plan.leastPaired, 0)} are needed.`
  return undefined
}

function tallyOf(paired: readonly ScoredItem[]): Tally {
  const gained: ScoredItem[] = []
  const lost: ScoredItem[] = []
  let bothRight = 0
  for (const item of paired) {
    const championRight = item.champion === item.label
    const candidateRight = item.candidate === item.label
    if (championRight && candidateRight) bothRight++
    else if (candidateRight) gained.push(item)
    else if (championRight) lost.push(item)
  }
  return {
    n: paired.length,
    championRight: bothRight + lost.length,
    candidateRight: bothRight + gained.length,
    gained,
    lost,
  }
}

function measurementOf(plan: AccuracyPlan, tally: Tally | null): Measurement {
  const interval =
    tally === null
      ? null
      : pairedDifference(
          { gained: tally.gained.length, lost: tally.lost.length, n: tally.n },
          plan.confidence,
        )
  return measured({
    axis: 'accuracy',
    measure: 'right answers',
    unit: 'pp',
    better: 'higher',
    interval,
    confidence: plan.confidence,
    margin: plan.margin,
    from: tally === null ? 'too few pairs' : `${grouped(tally.n)} pairs`,
    n: tally?.n ?? 1,
    needs: (n) =>
      n === undefined || tally === null
        ? 'Answers from both versions for at least 95 % of the items.'
        : `≈ ${grouped(n)} golden items (${grouped(n - tally.n)} more) would settle it if the difference stays where it is.`,
  })
}

/** With unscored items counted wholly against and wholly for the candidate: the truth lies between. */
function boundsOf(items: readonly ScoredItem[]) {
  let worst = 0
  let best = 0
  for (const item of items) {
    const champion = item.champion === null ? undefined : item.champion === item.label
    const candidate = item.candidate === null ? undefined : item.candidate === item.label
    worst += Number(candidate ?? false) - Number(champion ?? true)
    best += Number(candidate ?? true) - Number(champion ?? false)
  }
  return { worst: rounded(worst / items.length), best: rounded(best / items.length) }
}

function unscoredOf(items: readonly ScoredItem[]) {
  const reasons = { champion: {} as Record<string, number>, candidate: {} as Record<string, number> }
  for (const item of items) {
    if (item.champion === null) count(reasons.champion, item.championUnscored ?? 'unknown')
    if (item.candidate === null) count(reasons.candidate, item.candidateUnscored ?? 'unknown')
  }
  return reasons
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

function pairDetails(plan: AccuracyPlan, tally: Tally, paired: readonly ScoredItem[]) {
  const { midP, exact } = mcnemar(tally.gained.length, tally.lost.length)
  const rate = (right: number) => {
    const { estimate, lower, upper } = wilson(right, tally.n, plan.confidence)
    return { estimate: rounded(estimate), lower: rounded(lower), upper: rounded(upper) }
  }
  const discordant = (tally.gained.length + tally.lost.length) / tally.n
  return {
    champion: rate(tally.championRight),
    candidate: rate(tally.candidateRight),
    mcnemar: { midP: rounded(midP, 9), exact: rounded(exact, 9) },
    fixed: tally.gained.length,
    broken: tally.lost.length,
    discordant: rounded(discordant),
    flips: [...tally.lost, ...tally.gained].slice(0, plan.excerpts).map(flipOf),
    slices: slicesOf(plan, paired),
  }
}

function flipOf(item: ScoredItem) {
  return {
    id: item.id,
    kind: item.candidate === item.label ? 'fixed' : 'broken',
    label: item.label,
    champion: item.champion,
    candidate: item.candidate,
    ...(item.slice === undefined ? {} : { slice: item.slice }),
    text: item.excerpt ?? '',
  }
}

/** Per slice value: difference, interval and McNemar's mid-p adjusted over all slices (Benjamini, Hochberg). */
function slicesOf(plan: AccuracyPlan, paired: readonly ScoredItem[]) {
  const members = new Map<string, ScoredItem[]>()
  const all = paired.flatMap((item) =>
    Object.entries({ label: item.label, ...item.slice }).map(([name, value]) => ({
      key: `${name}=${value}`,
      item,
    })),
  )
  for (const { key, item } of all) {
    const slice = members.get(key)
    if (slice === undefined) members.set(key, [item])
    else slice.push(item)
  }
  const rows = [...members].sort(([left], [right]) => (left < right ? -1 : 1))
  const tallies = rows.map(([slice, items]) => ({ slice, tally: tallyOf(items) }))
  const adjusted = benjaminiHochberg(
    tallies.map(({ tally }) => mcnemar(tally.gained.length, tally.lost.length).midP),
  )
  return tallies.map(({ slice, tally }, index) => {
    const interval = pairedDifference(
      { gained: tally.gained.length, lost: tally.lost.length, n: tally.n },
      plan.confidence,
    )
    return {
      slice,
      n: tally.n,
      fixed: tally.gained.length,
      broken: tally.lost.length,
      difference: rounded(interval.estimate),
      lower: rounded(interval.lower),
      upper: rounded(interval.upper),
      adjustedP: rounded(adjusted[index]!, 9),
    }
  })
}

function summaryOf(plan: AccuracyPlan, measurement: Measurement, tally: Tally, unscored: number): string {
  const parts = [
    `${intervalText(measurement)} ${measurement.verdict}`,
    `${grouped(tally.gained.length)} fixed, ${grouped(tally.lost.length)} broken of ${grouped(tally.n)}`,
  ]
  if (unscored > 0) parts.push(`${grouped(unscored)} unscored`)
  if (plan.goal === 'accuracy' && measurement.verdict === 'non-inferior')
    parts.push(`no gain shown: ${gainNeeds(tally)}`)
  if (measurement.needs !== null) parts.push(neededFor(plan, measurement, tally))
  return parts.join('; ')
}

function gainNeeds(tally: Tally): string {
  const difference = (tally.gained.length - tally.lost.length) / tally.n
  const discordant = (tally.gained.length + tally.lost.length) / tally.n
  if (difference <= 0 || discordant >= 1) return 'the estimate is no gain'
  return `≈ ${grouped(pairedItemsNeeded(difference, discordant))} items would show a gain of this size four times in five`
}

function neededFor(plan: AccuracyPlan, measurement: Measurement, tally: Tally): string {
  const discordant = (tally.gained.length + tally.lost.length) / tally.n
  if (discordant <= plan.margin || discordant >= 1) return measurement.needs ?? ''
  const equal = pairedItemsForMargin(plan.margin, discordant, { alpha: (1 - plan.confidence) / 2 })
  return `${measurement.needs} Equal versions are shown to be no worse by ≈ ${grouped(equal)} items.`
}
