/**
 * Canaries in simulation: what the judge's law decides on traffic whose truth is known. Pure and seeded; the law, the
 * tests it is compared with and the planner are the ones that run in production.
 */
import {
  addWindow,
  type CanarySums,
  type CanaryWindow,
  canaryLaw,
  countEValue,
  NO_WINDOWS,
  type Random,
  readLaw,
} from '../../src/stats/index.ts'
import { binomialDraw } from './random.ts'

export const MARGIN = 0.01
export const ALPHA_ABORT = 0.01
export const ALPHA_PROMOTE = 0.05

/** Bad requests per champion request: 1 %, .5 → 3 % in a line, 1 % then 6 %, or a fixed rate. */
export type Base = 'flat' | 'rising' | 'jumping' | number

export interface World {
  /** Requests of both arms in one window. */
  readonly requests: number
  /** The candidate's share, or its steps of equal length over the run. */
  readonly shares: readonly number[]
  readonly base: Base
  /** Chance that an arm has a burst in a window, independently of the other arm. */
  readonly bursts: number
}

/** In a burst this share of an arm's requests fails, whatever its version: a dependency stalls, a node dies. */
export const BURST_RATE = 0.3

/** Every combination of rate, share, base and bursts: a superset of the 32 cells of the published table. */
export function worlds(): World[] {
  const all: World[] = []
  for (const requests of [100, 1000])
    for (const shares of [[0.01], [0.05], [0.5], [0.01, 0.05, 0.25, 0.5]])
      for (const base of ['flat', 'rising', 'jumping'] as const)
        for (const bursts of [0, 0.02]) all.push({ requests, shares, base, bursts })
  return all
}

export function describe(world: World): string {
  const share = world.shares.map((value) => value * 100).join('-')
  return `${world.requests}/window, ${share} %, ${world.base}${world.bursts > 0 ? ', bursts' : ''}`
}

/** First window (1-based) at which each rule decided; undefined: never within the run. */
export interface Decisions {
  readonly abort?: number
  readonly promote?: number
  /** Abort by the pooled counts (conditional beta-binomial e-value at 1/α). */
  readonly countTest?: number
  /** Abort by pooled rates: the same bound, but over all requests as if they were one window. */
  readonly pooledRates?: number
}

export interface Run {
  readonly world: World
  /** The candidate's true rate minus the champion's. */
  readonly rise: number
  readonly windows: number
  /** Rules to be followed; the run ends when all have decided. */
  readonly rules: readonly (keyof Decisions)[]
}

export function simulate(run: Run, random: Random): Decisions {
  const decisions: { -readonly [rule in keyof Decisions]: Decisions[rule] } = {}
  let sums = NO_WINDOWS
  let open = run.rules
  for (let index = 0; index < run.windows && open.length > 0; index += 1) {
    sums = addWindow(sums, draw(run, index, random))
    for (const rule of open) {
      if (!RULES[rule](sums)) continue
      decisions[rule] = index + 1
      open = open.filter((other) => other !== rule)
    }
  }
  return decisions
}

const RULES: { readonly [rule in keyof Decisions]-?: (sums: CanarySums) => boolean } = {
  abort: (sums) => readLaw(sums, { mode: 'abort', margin: MARGIN, alpha: ALPHA_ABORT }).isDecided,
  promote: (sums) => readLaw(sums, { mode: 'promote', margin: MARGIN, alpha: ALPHA_PROMOTE }).isDecided,
  countTest({ requestsA, requestsB, eventsA, eventsB }) {
    const share = requestsB / (requestsA + requestsB)
    return share > 0 && share < 1 && countEValue(eventsB, eventsA + eventsB, share) >= 1 / ALPHA_ABORT
  },
  pooledRates(sums) {
    if (sums.windows < 10 || sums.eventsB < 8) return false
    const whole = {
      a: { n: sums.requestsA, events: sums.eventsA },
      b: { n: sums.requestsB, events: sums.eventsB },
    }
    return canaryLaw([whole], { mode: 'abort', margin: MARGIN, alpha: ALPHA_ABORT }).lower > 0
  },
}

function draw({ world, rise, windows }: Run, index: number, random: Random): CanaryWindow {
  const progress = index / windows
  const share = world.shares[Math.floor(progress * world.shares.length)]!
  const base = baseRate(world.base, progress)
  const requestsB = binomialDraw(world.requests, share, random)
  const requestsA = world.requests - requestsB
  const rate = (usual: number) => (world.bursts > 0 && random() < world.bursts ? BURST_RATE : usual)
  return {
    a: { n: requestsA, events: binomialDraw(requestsA, rate(base), random) },
    b: { n: requestsB, events: binomialDraw(requestsB, rate(base + rise), random) },
  }
}

function baseRate(base: Base, progress: number): number {
  if (typeof base === 'number') return base
  if (base === 'flat') return 0.01
  if (base === 'rising') return 0.005 + 0.025 * progress
  return progress < 0.5 ? 0.01 : 0.06
}
