import type { DatasetItem } from '../../contracts/index.ts'
import { type Clock, seededRandom } from '../../kernel/index.ts'
import { eachBounded } from '../bounded.ts'
import { answerOf } from '../client/answer-of.ts'
import { type Asker, createAsker } from '../client/asker.ts'
import { withGatewayClient } from '../client/with-client.ts'
import type { CheckContext, CheckRun } from '../lab.ts'
import { runBlocks, trackProgress } from '../progress.ts'
import { shuffled } from '../shuffled.ts'
import { perturbed } from './perturb.ts'
import type { StabilityPlan } from './plan.ts'
import {
  type NoiseBlock,
  type NoisyItem,
  noiseBlock,
  type RepeatBlock,
  repeatBlock,
  type StabilityRaw,
} from './raw.ts'

type Ask = (version: string, rows: readonly DatasetItem['inputs'][]) => Promise<(string | null)[]>

/** Noise blocks first, then one block per repeat of all repeated items. */
export async function measureStability(
  context: CheckContext,
  plan: StabilityPlan,
  run: CheckRun,
  clock: Clock,
): Promise<StabilityRaw> {
  const more = { connections: Math.max(plan.concurrency, ...plan.repeats.concurrencies), keepBodies: true }
  return withGatewayClient(context, plan, more, run.signal, async (client) => {
    const asker = createAsker({ check: 'stability', client, clock, signal: run.signal })
    return await measureBlocks(context, plan, run, clock, labelsOf(context, asker))
  })
}

/** Answers as labels, null where a row has none. */
function labelsOf(context: CheckContext, asker: Asker): Ask {
  const read = answerOf(context.model)
  return async (version, rows) => {
    const { outputs } = await asker.ask(version, rows)
    return rows.map((_, index) => (outputs === null ? null : (read(outputs[index]!) ?? null)))
  }
}

async function measureBlocks(
  context: CheckContext,
  plan: StabilityPlan,
  run: CheckRun,
  clock: Clock,
  ask: Ask,
): Promise<StabilityRaw> {
  const order = shuffled(context.golden.items, seededRandom(plan.seed))
  const { blockItems } = plan.noise
  const noiseBlocks = Math.ceil(plan.noise.items / blockItems)
  const repeats = plan.repeats.concurrencies
  const progress = trackProgress(run, clock, plan.noise.items + repeats.length * plan.repeats.items, 'items')
  const noise = await runBlocks({
    blocks: run.blocks,
    signal: run.signal,
    count: noiseBlocks,
    read: (stored) => noiseBlock.parse(stored),
    measure: (index) =>
      measureNoise(
        context,
        plan,
        ask,
        order.slice(index * blockItems, Math.min(plan.noise.items, (index + 1) * blockItems)),
        index,
      ),
    onBlock: (block, wasFinished) => progress.advance(block.items.length, wasFinished),
  })
  const repeated = order.slice(0, plan.repeats.items)
  const runs = await runBlocks({
    blocks: run.blocks,
    signal: run.signal,
    first: noiseBlocks,
    count: repeats.length,
    read: (stored) => repeatBlock.parse(stored),
    measure: (index) => measureRepeat(plan, ask, repeated, repeats[index - noiseBlocks]!, run.signal),
    onBlock: (block, wasFinished) => progress.advance(block.ids.length, wasFinished),
  })
  return { noise, repeats: runs }
}

/** An item and its noisy copies travel in one request, so that nothing but the noise differs between them. */
async function measureNoise(
  context: CheckContext,
  plan: StabilityPlan,
  ask: Ask,
  items: readonly DatasetItem[],
  index: number,
): Promise<NoiseBlock> {
  const random = seededRandom(plan.seed + 1 + index)
  const rows = items.map(({ inputs }) => [
    inputs,
    ...plan.noise.kinds.map((kind) => perturbed(inputs, context.model.contract, kind, random)),
  ])
  const measured: NoisyItem[] = new Array(items.length)
  await eachBounded(items, plan.concurrency, async (item, position) => {
    const [championClean, ...championNoisy] = await ask(plan.champion.label, rows[position]!)
    const [candidateClean, ...candidateNoisy] = await ask(plan.candidate.label, rows[position]!)
    measured[position] = {
      id: item.id,
      champion: { clean: championClean ?? null, noisy: championNoisy },
      candidate: { clean: candidateClean ?? null, noisy: candidateNoisy },
    }
  })
  return { kind: 'noise', items: measured }
}

async function measureRepeat(
  plan: StabilityPlan,
  ask: Ask,
  items: readonly DatasetItem[],
  concurrency: number,
  signal: AbortSignal,
): Promise<RepeatBlock> {
  const answers = async (version: string) => {
    const labels: (string | null)[] = new Array(items.length).fill(null)
    await eachBounded(items, concurrency, async (item, position) => {
      signal.throwIfAborted()
      labels[position] = (await ask(version, [item.inputs]))[0] ?? null
    })
    return labels
  }
  const champion = await answers(plan.champion.label)
  const candidate = await answers(plan.candidate.label)
  return { kind: 'repeat', concurrency, ids: items.map(({ id }) => id), champion, candidate }
}
