import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type Clock, type Random, seededRandom } from '../../kernel/index.ts'
import { checkFailed } from '../client/failures.ts'
import { itemBodies } from '../client/requests.ts'
import { withGatewayClient } from '../client/with-client.ts'
import { rounded } from '../judging.ts'
import type { CheckContext, CheckRun } from '../lab.ts'
import { arrivalsWithin } from '../load/arrivals.ts'
import { openLoop } from '../load/open-loop.ts'
import { runBlocks, trackProgress } from '../progress.ts'
import { shuffled } from '../shuffled.ts'
import { type Bench, refuseHopeless } from './bench.ts'
import { isInterleaved, measureLadder } from './ladder.ts'
import type { LatencyPlan } from './plan.ts'
import {
  type Arm,
  type Half,
  type LadderBlock,
  type LatencyRaw,
  ladderBlock,
  type PairBlock,
  pairBlock,
} from './raw.ts'
import { wantsAnother } from './sequence.ts'

/** Bodies are encoded once and kept, so that encoding is no part of a measured request; so many at most. */
const MOST_ITEMS = 2000

/** Ladder, then A/A pairs, then AB pairs; each is a durable block. */
export async function measureLatency(
  context: CheckContext,
  plan: LatencyPlan,
  run: CheckRun,
  clock: Clock,
): Promise<LatencyRaw> {
  const more = { connections: plan.connections, keepBodies: false }
  return withGatewayClient(context, plan, more, run.signal, async (client) => {
    const items = shuffled(context.golden.items, seededRandom(plan.seed)).slice(0, MOST_ITEMS)
    const body = {
      champion: itemBodies(plan.champion.label, items),
      candidate: itemBodies(plan.candidate.label, items),
    }
    return await measureBlocks({ plan, client, clock, signal: run.signal, body }, run)
  })
}

async function measureBlocks(bench: Bench, run: CheckRun): Promise<LatencyRaw> {
  const { plan } = bench
  const progress = trackProgress(run, bench.clock, 1 + plan.aaPairs + plan.pairs, 'blocks')
  const common = {
    blocks: run.blocks,
    signal: run.signal,
    onBlock: (_block: unknown, wasFinished: boolean) => progress.advance(1, wasFinished),
  }
  const [ladder] = await runBlocks({
    ...common,
    count: 1,
    read: (stored) => ladderBlock.parse(stored),
    measure: () => measureLadder(bench),
  })
  const pairs = async (kind: 'aa' | 'ab', first: number) => {
    const measured: PairBlock[] = []
    const planned = kind === 'aa' ? plan.aaPairs : plan.pairs
    while (wantsAnother(plan, kind, measured)) {
      if (measured.length >= planned) progress.grow(1)
      const [pair] = await runBlocks({
        ...common,
        first: first + measured.length,
        count: 1,
        read: (stored) => pairBlock.parse(stored),
        measure: (index) => measurePair(bench, armsOf(kind, index), ladder!, plan.seed + index),
      })
      measured.push(pair!)
    }
    return measured
  }
  const aa = await pairs('aa', 1)
  const ab = await pairs('ab', 1 + aa.length)
  return { ladder: ladder!, aa, ab }
}

/**
 * A/A pairs take turns between the versions: were all of them champions, it would come to the comparison with thousands
 * of requests more behind it, and a process gets faster with use (seen: 8 % at the p95 over the first 5,000).
 */
function armsOf(kind: 'aa' | 'ab', index: number): Arms {
  if (kind === 'ab') return { kind, base: 'champion', other: 'candidate' }
  const arm = index % 2 === 1 ? 'champion' : 'candidate'
  return { kind, base: arm, other: arm }
}

interface Arms {
  readonly kind: 'aa' | 'ab'
  readonly base: Arm
  readonly other: Arm
}

function measurePair(bench: Bench, arms: Arms, ladder: LadderBlock, seed: number): Promise<PairBlock> {
  const measure = isInterleaved(bench.plan, ladder) ? measureInTurn : measureOneByOne
  return measure(bench, arms, ladder.ratePerSecond, seededRandom(seed))
}

/** Both halves get the same requests at the same offsets; which version comes first is a coin. */
async function measureOneByOne(
  bench: Bench,
  arms: Arms,
  ratePerSecond: number,
  random: Random,
): Promise<PairBlock> {
  const firstIs = random() < 0.5 ? 'base' : 'other'
  const load = drawLoad(bench.plan, ratePerSecond, random)
  const order: Arm[] = firstIs === 'base' ? [arms.base, arms.other] : [arms.other, arms.base]
  const first = await measureHalf(bench, order[0]!, load)
  const second = await measureHalf(bench, order[1]!, load)
  return { kind: arms.kind, firstIs, halves: [first, second] }
}

/**
 * One stretch as long as two halves: of each two arrivals that follow each other one goes to either version, by a coin,
 * with the same item. So both get the same items at the same load, and whatever befalls the machine befalls both.
 */
async function measureInTurn(
  bench: Bench,
  arms: Arms,
  ratePerSecond: number,
  random: Random,
): Promise<PairBlock> {
  const twice = { ...bench.plan, leastRequests: 2 * bench.plan.leastRequests }
  const whole = drawLoad(twice, ratePerSecond, random, 2)
  const couples = whole.offsetsMs.length >> 1
  const base = emptyLoad(couples)
  const other = emptyLoad(couples)
  for (let couple = 0; couple < couples; couple++) {
    const baseAt = 2 * couple + (random() < 0.5 ? 0 : 1)
    base.offsetsMs[couple] = whole.offsetsMs[baseAt]!
    other.offsetsMs[couple] = whole.offsetsMs[4 * couple + 1 - baseAt]!
    base.items[couple] = whole.items[2 * couple]!
    other.items[couple] = whole.items[2 * couple]!
  }
  const halves = await Promise.all([
    measureHalf(bench, arms.base, base),
    measureHalf(bench, arms.other, other),
  ])
  return { kind: arms.kind, firstIs: 'base', halves }
}

function emptyLoad(count: number): Load {
  return { offsetsMs: new Float64Array(count), items: new Uint32Array(count) }
}

interface Load {
  readonly offsetsMs: Float64Array
  readonly items: Uint32Array
}

function drawLoad(
  plan: Pick<LatencyPlan, 'halfMs' | 'leastRequests' | 'washoutMs'>,
  ratePerSecond: number,
  random: Random,
  halves = 1,
): Load {
  // A tenth more than the least, since the washout takes a random number of arrivals.
  const countedMs = Math.max(halves * plan.halfMs, (1.1 * plan.leastRequests * 1000) / ratePerSecond)
  const durationMs = plan.washoutMs + countedMs
  const count = Math.max(1, Math.round((durationMs * ratePerSecond) / 1000))
  return {
    offsetsMs: arrivalsWithin(durationMs, count, random),
    items: Uint32Array.from({ length: count }, () => Math.floor(random() * MOST_ITEMS)),
  }
}

async function measureHalf(bench: Bench, arm: Arm, load: Load): Promise<Half> {
  const { plan, client, clock, signal } = bench
  const loop = monitorEventLoopDelay({ resolution: 5 })
  loop.enable()
  try {
    const result = await openLoop({
      client,
      clock,
      signal,
      version: plan[arm].label,
      offsetsMs: load.offsetsMs,
      body: (arrival) => bench.body[arm](load.items[arrival]!),
      washoutMs: plan.washoutMs,
      timeoutMs: plan.timeoutMs,
      spinMs: plan.spinMs,
      connections: plan.connections,
    })
    refuseHopeless(arm, result.failures, result.latencyMs.length)
    return { arm, ...result, loopDelayMs: rounded(Math.max(0, loop.percentile(99) / 1e6 - 5), 2) }
  } catch (error) {
    throw signal.aborted ? signal.reason : checkFailed('latency', (error as Error).message, error)
  } finally {
    loop.disable()
  }
}
