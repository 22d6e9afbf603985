/**
 * Does the canary law keep its promises? `node bench/judge/run.ts` simulates 1,000 canaries of 600 windows in each of
 * 48 worlds (a minute on one core); `--full` ten times as many; `--runs N` any number. Writes `bench/results/judge.json`.
 */
import { parseArgs } from 'node:util'
import {
  detectableRise,
  detectionTime,
  newcombe,
  promotionTime,
  quantile,
  quantileInterval,
  wilson,
} from '../../src/stats/index.ts'
import { type BenchRow, report } from '../result.ts'
import { seeded } from './random.ts'
import {
  ALPHA_ABORT,
  ALPHA_PROMOTE,
  type Decisions,
  describe,
  MARGIN,
  type Run,
  simulate,
  type World,
  worlds,
} from './simulate.ts'

const WINDOWS = 600
/** What the law was published with: the worst cell of 1,000 runs each, and medians. */
const PUBLISHED = { runs: 1000, falseAborts: 6, falsePromotions: 36 }
const PUBLISHED_MEDIANS = [
  { requests: 100, share: 0.5, found: 12, foundByCounts: 9, promoted: 44 },
  { requests: 100, share: 0.05, found: 98, foundByCounts: 37, promoted: 273 },
  { requests: 1000, share: 0.01, found: 48, foundByCounts: 20, promoted: 132 },
]

const { values } = parseArgs({ options: { full: { type: 'boolean' }, runs: { type: 'string' } } })
const runs = Number(values.runs ?? (values.full ? 10_000 : 1000))
let nextSeed = 1

const falseDecisions = judgeWorlds()
const medians = PUBLISHED_MEDIANS.map(measureMedians)
const plans = checkPlans()
const powers = checkPowers()

report('judge', [...falseRows(), ...medianRows(), ...planRows()], {
  runs,
  windows: WINDOWS,
  falseDecisions,
  medians: medians.map(({ raw }) => raw),
  plans,
  powers,
})

/** Runs one situation many times; every run has its own seed, so any of them can be repeated alone. */
function repeat(run: Run, times: number): Decisions[] {
  const decisions: Decisions[] = []
  for (let index = 0; index < times; index += 1) {
    decisions.push(simulate(run, seeded(Math.imul(nextSeed, 0x9e3779b1))))
    nextSeed += 1
  }
  return decisions
}

function judgeWorlds() {
  return worlds().map((world) => {
    const equal = repeat(
      { world, rise: 0, windows: WINDOWS, rules: ['abort', 'countTest', 'pooledRates'] },
      runs,
    )
    const atMargin = repeat({ world, rise: MARGIN, windows: WINDOWS, rules: ['promote'] }, runs)
    const count = (decisions: Decisions[], rule: keyof Decisions) =>
      decisions.filter((decision) => decision[rule] !== undefined).length
    return {
      world: describe(world),
      falseAborts: count(equal, 'abort'),
      falsePromotions: count(atMargin, 'promote'),
      falseByCounts: count(equal, 'countTest'),
      falseByPooledRates: count(equal, 'pooledRates'),
    }
  })
}

function falseRows(): BenchRow[] {
  const worst = (key: 'falseAborts' | 'falsePromotions' | 'falseByCounts' | 'falseByPooledRates') =>
    Math.max(...falseDecisions.map((cell) => cell[key]))
  const row = (what: string, count: number, nominal: number, published: number, others = {}): BenchRow => {
    const noise = newcombe({ successes: published, n: PUBLISHED.runs }, { successes: count, n: runs }, 0.999)
    return {
      what,
      unit: '%',
      ours: percent(count),
      others: { published: (100 * published) / PUBLISHED.runs, ...others },
      goal: `≤ ${100 * nominal} % nominal, published within noise`,
      holds: wilson(count, runs, 0.999).lower <= nominal && noise.lower <= 0,
    }
  }
  return [
    row(
      'equal canaries aborted in 600 looks, worst of 48 worlds',
      worst('falseAborts'),
      ALPHA_ABORT,
      PUBLISHED.falseAborts,
      {
        countTest: percent(worst('falseByCounts')),
        pooledRates: percent(worst('falseByPooledRates')),
      },
    ),
    row(
      'canaries worse by the margin promoted in 600 looks, worst of 48 worlds',
      worst('falsePromotions'),
      ALPHA_PROMOTE,
      PUBLISHED.falsePromotions,
    ),
  ]
}

function percent(count: number): number {
  return (100 * count) / runs
}

function measureMedians(published: (typeof PUBLISHED_MEDIANS)[number]) {
  const world: World = {
    requests: published.requests,
    shares: [published.share],
    base: 'flat',
    bursts: 0,
  }
  const worse = repeat({ world, rise: 0.04, windows: WINDOWS, rules: ['abort', 'countTest'] }, PUBLISHED.runs)
  const equal = repeat({ world, rise: 0, windows: WINDOWS * 3, rules: ['promote'] }, PUBLISHED.runs)
  const raw = {
    world: describe(world),
    found: sortedWindows(worse, 'abort'),
    foundByCounts: sortedWindows(worse, 'countTest'),
    promoted: sortedWindows(equal, 'promote'),
  }
  return { published, raw }
}

function sortedWindows(decisions: readonly Decisions[], rule: keyof Decisions): number[] {
  return decisions.map((decision) => decision[rule] ?? WINDOWS * 100).sort((left, right) => left - right)
}

function medianRows(): BenchRow[] {
  return medians.flatMap(({ published, raw }) => {
    const row = (what: string, sample: number[], expected: number, others = {}): BenchRow => {
      // Both medians come from 1,000 runs; a 99.999 % interval of one covers the noise of two.
      const interval = quantileInterval(sample, 0.5, 0.99999)!
      return {
        what: `${what}, ${raw.world}: median`,
        unit: 'windows',
        ours: interval.estimate,
        others: { published: expected, ...others },
        goal: `published within ${interval.lower}–${interval.upper}`,
        holds: interval.lower <= expected && expected <= interval.upper,
      }
    }
    return [
      row('errors 1 → 5 % found', raw.found, published.found, {
        countTest: quantile(raw.foundByCounts, 0.5),
      }),
      row('equal canary promoted', raw.promoted, published.promoted),
    ]
  })
}

interface PlanCheck {
  readonly requests: number
  readonly share: number
  readonly baseRate: number
  readonly rise: number
  readonly power: number
  readonly planned: number
  readonly simulated: number
}

/** The planner's promised windows against simulated ones, over the traffic that a canary may meet. */
function checkPlans(): PlanCheck[] {
  const checks: PlanCheck[] = []
  for (const requests of [100, 1000])
    for (const share of [0.01, 0.05, 0.25, 0.5])
      for (const baseRate of [0.01, 0.03])
        for (const rise of [0, 0.02, 0.04, 0.1]) {
          const plan = [0.5, 0.8].map((power) => planned(requests, share, baseRate, rise, power))
          if (plan.some((windows) => windows === undefined || windows > 2500)) continue
          const decided = passageTimes(requests, share, baseRate, rise, 3 * plan[1]!)
          for (const [index, power] of [0.5, 0.8].entries())
            checks.push({
              requests,
              share,
              baseRate,
              rise,
              power,
              planned: plan[index]!,
              simulated: decided[Math.floor(power * decided.length)]!,
            })
        }
  return checks
}

/** At the smallest rise that the planner calls detectable within so many windows, how often is it detected? */
function checkPowers() {
  return [60, 300].flatMap((windows) =>
    [0.05, 0.25, 0.5].flatMap((share) =>
      [0.5, 0.8].flatMap((power) => {
        const rise = detectableRise(traffic(1000, share, 0.01), windows, power)
        if (rise === undefined) return []
        const decided = passageTimes(1000, share, 0.01, rise, windows)
        const found = decided.filter((window) => window <= windows).length
        return [{ windows, share, power, rise, simulated: found / decided.length }]
      }),
    ),
  )
}

function traffic(requests: number, share: number, baseRate: number) {
  return {
    requestsPerSecond: requests,
    windowSeconds: 1,
    share,
    baseRate,
    margin: MARGIN,
    alphaAbort: ALPHA_ABORT,
    alphaPromote: ALPHA_PROMOTE,
  }
}

function planned(requests: number, share: number, baseRate: number, rise: number, power: number) {
  const options = traffic(requests, share, baseRate)
  const duration = rise > 0 ? detectionTime(options, rise, power) : promotionTime(options, power)
  return duration?.windows
}

function passageTimes(
  requests: number,
  share: number,
  baseRate: number,
  rise: number,
  windows: number,
): number[] {
  const rule = rise > 0 ? 'abort' : 'promote'
  const world: World = { requests, shares: [share], base: baseRate, bursts: 0 }
  return sortedWindows(repeat({ world, rise, windows, rules: [rule] }, 1000), rule)
}

function planRows(): BenchRow[] {
  const worst = (checks: readonly PlanCheck[]) =>
    Math.max(...checks.map(({ planned: plan, simulated }) => 100 * Math.abs(plan / simulated - 1)))
  const row = (what: string, checks: readonly PlanCheck[]): BenchRow => ({
    what: `${what}: planned against simulated windows, worst of ${checks.length}`,
    unit: '%',
    ours: worst(checks),
    others: {},
    goal: '≤ 20 %',
    holds: worst(checks) <= 20,
  })
  const farthest = Math.max(...powers.map(({ power, simulated }) => 100 * Math.abs(simulated - power)))
  return [
    row(
      'promotion',
      plans.filter(({ rise }) => rise === 0),
    ),
    row(
      'detection',
      plans.filter(({ rise }) => rise > 0),
    ),
    {
      what: `power at the rise called detectable (.5 and .8), worst of ${powers.length}`,
      unit: 'points off',
      ours: farthest,
      others: {},
      goal: '≤ 10 points',
      holds: farthest <= 10,
    },
  ]
}
