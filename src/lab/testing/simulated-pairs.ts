import { countInto, type Histogram, type Random, seededRandom } from '../../kernel/index.ts'
import type { LatencyPlan } from '../latency/plan.ts'
import type { Arm, Half, LatencyRaw, PairBlock } from '../latency/raw.ts'
import { wantsAnother } from '../latency/sequence.ts'

/** A machine whose speed drifts between halves, and requests that resemble their neighbours (AR(1)). */
export interface SimulatedMachine {
  readonly ratio: number
  readonly requests: number
  readonly correlation: number
  /** Standard deviation of the log of a request, and of the machine's drift from half to half. */
  readonly sigma: number
  readonly drift: number
  /** Share of the candidate's requests that fail. */
  readonly failing?: number
  readonly lagMs?: number
}

/** Raw blocks as the latency check would have measured them there, by the rule of when to stop. */
export function simulatedRaw(plan: LatencyPlan, machine: SimulatedMachine, seed: number): LatencyRaw {
  const random = seededRandom(seed)
  const pairs = (kind: 'aa' | 'ab') => {
    const planned = kind === 'aa' ? plan.aaPairs : plan.pairs
    const measured = Array.from({ length: planned }, () => simulatedPair(machine, kind, random))
    while (wantsAnother(plan, kind, measured)) measured.push(simulatedPair(machine, kind, random))
    return measured
  }
  return { ladder: { kind: 'ladder', rungs: [], ratePerSecond: 300 }, aa: pairs('aa'), ab: pairs('ab') }
}

export function simulatedPair(machine: SimulatedMachine, kind: 'aa' | 'ab', random: Random): PairBlock {
  const firstIs = random() < 0.5 ? 'base' : 'other'
  const other: Arm = kind === 'aa' ? 'champion' : 'candidate'
  const order: [Arm, Arm] = firstIs === 'base' ? ['champion', other] : [other, 'champion']
  const half = (arm: Arm) => simulatedHalf(machine, arm, random)
  return { kind, firstIs, halves: [half(order[0]), half(order[1])] }
}

function simulatedHalf(machine: SimulatedMachine, arm: Arm, random: Random): Half {
  const { correlation, sigma } = machine
  const level =
    Math.log(8) + machine.drift * normal(random) + (arm === 'candidate' ? Math.log(machine.ratio) : 0)
  const innovation = Math.sqrt(1 - correlation ** 2)
  let state = normal(random)
  let failed = 0
  const latencyMs = Array.from({ length: machine.requests }, () => {
    state = correlation * state + innovation * normal(random)
    if (arm === 'candidate' && machine.failing !== undefined && random() < machine.failing) {
      failed++
      return null
    }
    return Math.exp(level + sigma * state)
  })
  const sendLag: Histogram = {}
  countInto(sendLag, machine.lagMs ?? 0.3, machine.requests)
  return {
    arm,
    latencyMs,
    failures: failed === 0 ? {} : { 'status 502': failed },
    sendLag,
    achieved: 1,
    capped: 0,
    loopDelayMs: 1,
    queueMs: 1,
    computeMs: 1,
  }
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
