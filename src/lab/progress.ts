import type { Clock } from '../kernel/index.ts'
import type { BlockStore, CheckRun } from './lab.ts'

/**
 * Tells how far a check is and when it will end, from the pace of this run alone: blocks that an earlier run finished
 * say nothing about it.
 */
export function trackProgress(run: CheckRun, clock: Clock, planned: number, unit: string) {
  const startedMs = clock.monotonicMs()
  let total = planned
  let done = 0
  let resumed = 0
  const tell = () => {
    const fresh = done - resumed
    const elapsedMs = clock.monotonicMs() - startedMs
    const etaMs = fresh <= 0 ? null : Math.round((elapsedMs / fresh) * Math.max(0, total - done))
    run.onProgress({ done, total, unit, etaMs })
  }
  tell()
  return {
    /** `wasFinished`: by an earlier run. */
    advance(by: number, wasFinished = false): void {
      done += by
      if (wasFinished) resumed += by
      tell()
    },
    grow(by: number): void {
      total += by
      tell()
    },
  }
}

/**
 * Runs the blocks 0..count − 1 in order, each once: finished ones are taken from the store, new ones are stored before
 * the next begins, so that an interrupted run goes on where it stopped and gives the same raw blocks.
 */
export async function runBlocks<Block>(options: {
  readonly blocks: BlockStore
  readonly signal: AbortSignal
  readonly count: number
  /** Reads what the store has; throws when it is not such a block. */
  readonly read: (stored: unknown) => Block
  readonly measure: (index: number) => Promise<Block>
  readonly onBlock: (block: Block, wasFinished: boolean, index: number) => void
  readonly first?: number
}): Promise<Block[]> {
  const finished = await options.blocks.finished()
  const first = options.first ?? 0
  const result: Block[] = []
  for (let index = first; index < first + options.count; index++) {
    options.signal.throwIfAborted()
    const stored = finished.get(index)
    const block = stored === undefined ? await options.measure(index) : options.read(stored)
    if (stored === undefined) await options.blocks.put(index, block)
    options.onBlock(block, stored !== undefined, index)
    result.push(block)
  }
  return result
}
