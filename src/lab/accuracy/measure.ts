import type { DatasetItem } from '../../contracts/index.ts'
import { type Clock, seededRandom } from '../../kernel/index.ts'
import { eachBounded } from '../bounded.ts'
import { answerOf } from '../client/answer-of.ts'
import { type Asker, createAsker } from '../client/asker.ts'
import { withGatewayClient } from '../client/with-client.ts'
import type { CheckContext, CheckRun } from '../lab.ts'
import { runBlocks, trackProgress } from '../progress.ts'
import { shuffled } from '../shuffled.ts'
import type { AccuracyPlan } from './plan.ts'
import { type AccuracyBlock, accuracyBlock, type ScoredItem } from './raw.ts'

const EXCERPT_CHARS = 300

/** Both versions answer every golden item in one run; which of the two is asked first is a coin per item. */
export async function measureAccuracy(
  context: CheckContext,
  plan: AccuracyPlan,
  run: CheckRun,
  clock: Clock,
): Promise<{ blocks: AccuracyBlock[] }> {
  const more = { connections: plan.concurrency, keepBodies: true }
  return withGatewayClient(context, plan, more, run.signal, async (client) => {
    const asker = createAsker({ check: 'accuracy', client, clock, signal: run.signal })
    const order = shuffled(context.golden.items, seededRandom(plan.seed))
    const progress = trackProgress(run, clock, order.length, 'items')
    const blocks = await runBlocks({
      blocks: run.blocks,
      signal: run.signal,
      count: Math.ceil(order.length / plan.blockItems),
      read: (stored) => accuracyBlock.parse(stored),
      measure: (index) =>
        measureBlock(
          context,
          plan,
          asker,
          order.slice(index * plan.blockItems, (index + 1) * plan.blockItems),
          index,
        ),
      onBlock: (block, wasFinished) => progress.advance(block.items.length, wasFinished),
    })
    return { blocks }
  })
}

async function measureBlock(
  context: CheckContext,
  plan: AccuracyPlan,
  asker: Asker,
  items: readonly DatasetItem[],
  index: number,
): Promise<AccuracyBlock> {
  const random = seededRandom(plan.seed + 1 + index)
  const championFirst = items.map(() => random() < 0.5)
  const read = answerOf(context.model)
  const scored: ScoredItem[] = new Array(items.length)
  const answer = async (version: string, item: DatasetItem) => {
    const { outputs, unscored } = await asker.ask(version, [item.inputs])
    const label = outputs === null ? undefined : read(outputs[0]!)
    return {
      answer: label ?? null,
      unscored: label === undefined ? (unscored ?? 'no class in answer') : null,
    }
  }
  await eachBounded(items, plan.concurrency, async (item, position) => {
    const { champion, candidate } = plan
    const order = championFirst[position] ? [champion, candidate] : [candidate, champion]
    const first = await answer(order[0]!.label, item)
    const second = await answer(order[1]!.label, item)
    const [ofChampion, ofCandidate] = championFirst[position] ? [first, second] : [second, first]
    const label = String(item.label)
    const isFlip =
      ofChampion.answer !== null &&
      ofCandidate.answer !== null &&
      (ofChampion.answer === label) !== (ofCandidate.answer === label)
    scored[position] = {
      id: item.id,
      label,
      champion: ofChampion.answer,
      candidate: ofCandidate.answer,
      ...(ofChampion.unscored === null ? {} : { championUnscored: ofChampion.unscored }),
      ...(ofCandidate.unscored === null ? {} : { candidateUnscored: ofCandidate.unscored }),
      ...(item.slice === undefined ? {} : { slice: item.slice }),
      ...(isFlip ? { excerpt: excerptOf(item.inputs) } : {}),
    }
  })
  return { items: scored }
}

/** The first text of an item, or its inputs as JSON, cut for people. */
function excerptOf(inputs: DatasetItem['inputs']): string {
  const text = Object.values(inputs).find((value) => typeof value === 'string')
  // Cut by code points, so that no half of a pair is left.
  return Array.from((text ?? JSON.stringify(inputs)).slice(0, EXCERPT_CHARS * 2))
    .slice(0, EXCERPT_CHARS)
    .join('')
    .toWellFormed()
}
