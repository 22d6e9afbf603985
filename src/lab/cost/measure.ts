import { type Clock, seededRandom } from '../../kernel/index.ts'
import { eachBounded } from '../bounded.ts'
import { checkFailed, fatalReason } from '../client/failures.ts'
import type { GatewayClient } from '../client/gateway-client.ts'
import { pinnedBody } from '../client/requests.ts'
import { withGatewayClient } from '../client/with-client.ts'
import { rounded } from '../judging.ts'
import type { CheckContext, CheckRun } from '../lab.ts'
import { runBlocks, trackProgress } from '../progress.ts'
import type { CostPlan } from './plan.ts'
import { costPairsWanted } from './ratio.ts'
import { type CostBlock, costBlock } from './raw.ts'

type Arm = 'champion' | 'candidate'

/** Asks both versions in turn; nothing is timed here, the replicas count their compute. */
export async function measureCost(
  context: CheckContext,
  plan: CostPlan,
  run: CheckRun,
  clock: Clock,
): Promise<{ blocks: CostBlock[] }> {
  const more = { connections: plan.concurrency, keepBodies: false }
  return withGatewayClient(context, plan, more, run.signal, async (client) => {
    const progress = trackProgress(run, clock, plan.pairs, 'pairs')
    const pairs = (first: number, count: number) =>
      runBlocks({
        blocks: run.blocks,
        signal: run.signal,
        first,
        count,
        read: (stored) => costBlock.parse(stored),
        measure: (index) => measurePair(context, plan, client, index, run.signal),
        onBlock: (_, wasFinished) => progress.advance(1, wasFinished),
      })
    const blocks = await pairs(0, plan.pairs)
    while (costPairsWanted(plan, blocks) > blocks.length) {
      const more = costPairsWanted(plan, blocks) - blocks.length
      progress.grow(more)
      blocks.push(...(await pairs(blocks.length, more)))
    }
    return { blocks }
  })
}

/**
 * Each group is asked of both versions one right after the other, which first by a coin: what takes the machine away for
 * longer than an answer meets both. In halves of a fifth of a second it met one, and equal versions were 5 to 10 % apart.
 */
async function measurePair(
  context: CheckContext,
  plan: CostPlan,
  client: GatewayClient,
  index: number,
  signal: AbortSignal,
): Promise<CostBlock> {
  const random = seededRandom(plan.seed + index)
  const { items } = context.golden
  const groups = Array.from({ length: plan.groups }, () =>
    Array.from({ length: plan.rowsPerRequest }, () => items[Math.floor(random() * items.length)]!.inputs),
  )
  const body = (arm: Arm) => groups.map((rows) => pinnedBody(plan[arm].label, rows))
  const bodies = { champion: body('champion'), candidate: body('candidate') }
  // The same group again only after all others, so that one disturbance does not meet all its askings.
  const askings = Array.from({ length: plan.repeats * plan.groups }, (_, position) => ({
    position,
    group: position % plan.groups,
    order: random() < 0.5 ? (['champion', 'candidate'] as const) : (['candidate', 'champion'] as const),
  }))
  const unanswered = () => new Array<number | null>(askings.length).fill(null)
  const computeMs = { champion: unanswered(), candidate: unanswered() }
  await eachBounded(askings, plan.concurrency, async ({ position, group, order }) => {
    for (const arm of order)
      computeMs[arm][position] = await ask(client, bodies[arm][group]!, plan[arm].label, signal)
  })
  return {
    halves: [
      { arm: 'champion', computeMs: computeMs.champion },
      { arm: 'candidate', computeMs: computeMs.candidate },
    ],
  }
}

/** What the replica says it computed, ms; null without a good answer. */
async function ask(
  client: GatewayClient,
  body: Uint8Array,
  label: string,
  signal: AbortSignal,
): Promise<number | null> {
  signal.throwIfAborted()
  const outcome = await client.ask(body)
  signal.throwIfAborted()
  const fatal = fatalReason(outcome, label) ?? hopeless(outcome.kind, outcome.status)
  if (fatal !== undefined) throw checkFailed('cost', fatal)
  if (outcome.kind !== 'answered') return null
  if (outcome.computeMs === null) throw checkFailed('cost', 'answers do not say how long they were computed')
  return rounded(outcome.computeMs, 4)
}

function hopeless(kind: string, status: number): string | undefined {
  if (kind === 'unreachable') return 'the gateway cannot be reached'
  return status === 429 ? 'the rate limit of the key is in the way (429)' : undefined
}
