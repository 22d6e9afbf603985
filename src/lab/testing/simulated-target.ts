import type { Random } from '../../kernel/index.ts'
import type { ExchangeRow } from '../load/exchange-row.ts'
import type { Exchange, Target } from '../target/target.ts'
import type { Block, Step } from '../trial/block.ts'
import type { TrialPlan } from '../trial/plan.ts'
import { nextStep } from '../trial/sequence.ts'
import type { simulatedWorld } from './simulation.ts'

/** An exchange that was sent at that time and took so long. */
export function exchangeAfter(sentMs: number, tookMs: number, more: Partial<Exchange> = {}): Exchange {
  const endMs = sentMs + tookMs
  return {
    sentMs,
    firstByteMs: endMs,
    contentMs: [endMs],
    endMs,
    status: 200,
    failure: null,
    reason: '',
    inputTokens: null,
    outputTokens: null,
    answeredBy: null,
    ...more,
  }
}

/** A target in a simulated world; `answer` gives the time it takes and what else is told, by how many came before. */
export function simulatedTarget(
  world: ReturnType<typeof simulatedWorld>,
  name: string,
  answer: (index: number, sentMs: number) => readonly [tookMs: number, more?: Partial<Exchange>],
): Target {
  let count = 0
  return {
    name,
    streams: false,
    send(_ask, done) {
      const sentMs = world.clock.monotonicMs()
      const [tookMs, more] = answer(count++, sentMs)
      world.at(sentMs + tookMs, () => done(exchangeAfter(sentMs, tookMs, more)))
    },
    close: async () => {},
  }
}

/** A time in ms of one request of a target. */
export type DelayLaw = (target: number, random: Random) => number

/** Whole blocks as a machine would give whose speed drifts from stretch to stretch by that share. */
export function simulatedBlocks(
  plan: TrialPlan,
  law: DelayLaw,
  drift: number,
  random: Random,
  lagMs = 0.2,
): Block[] {
  const blocks: Block[] = []
  for (let step = nextStep(plan, blocks); step !== null; step = nextStep(plan, blocks))
    blocks.push(simulatedBlock(plan, step, law, Math.exp(drift * normal(random)), random, lagMs))
  return blocks
}

function simulatedBlock(
  plan: TrialPlan,
  step: Step,
  law: DelayLaw,
  speed: number,
  random: Random,
  lagMs: number,
): Block {
  const count =
    step.kind === 'half' ? Math.round((step.rate * plan.halfMs) / 1000) : plan.ladder.leastRequests
  const rows = Array.from({ length: count }, (_, index): ExchangeRow => {
    const tookMs = law(step.target, random) * speed
    return {
      class: 'c',
      atMs: index,
      sentMs: lagMs,
      firstByteMs: tookMs,
      firstMs: tookMs,
      gapsMs: [],
      endMs: tookMs,
      status: 200,
      failure: null,
      inputTokens: null,
      outputTokens: null,
    }
  })
  return { step, rows, achieved: 1, lastedMs: 1000, loopDelayP99Ms: 0, answeredBy: null }
}

export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log1p(-random())) * Math.cos(2 * Math.PI * random())
}
