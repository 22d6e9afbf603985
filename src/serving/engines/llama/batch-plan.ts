/**
 * Which tokens go through the model together?
 *
 * Every running sequence that is past its question gets its next token (and its proposals) into each batch, so that nobody's
 * answer stalls while a long question is read; questions share the rest of the batch in pieces, first come first. One batch
 * has one adapter, so adapters take turns.
 */
export interface RunningSequence {
  readonly id: number
  readonly adapter: string | undefined
  /** Tokens not yet read; of a sequence in its answer, the last token and what is proposed after it. */
  readonly unreadTokens: number
  readonly isAnswering: boolean
  readonly isPaused: boolean
  /** Number of the batch that last had it. */
  readonly lastBatch: number
}

export interface BatchShare {
  readonly id: number
  readonly tokens: number
}

export interface BatchPlan {
  readonly adapter: string | undefined
  readonly shares: readonly BatchShare[]
}

export function planBatch(running: readonly RunningSequence[], batchTokens: number): BatchPlan | undefined {
  const able = running.filter((sequence) => !sequence.isPaused && sequence.unreadTokens > 0)
  const group = longestUnserved(able)
  if (group === undefined) return undefined
  const ordered = [
    ...group.filter((sequence) => sequence.isAnswering),
    ...group.filter((sequence) => !sequence.isAnswering),
  ]
  const shares: BatchShare[] = []
  let left = batchTokens
  for (const sequence of ordered) {
    const tokens = Math.min(sequence.unreadTokens, left)
    if (tokens === 0) break
    // An answer's tokens go together or not at all: half of its proposals cannot be judged.
    if (sequence.isAnswering && tokens < sequence.unreadTokens) continue
    shares.push({ id: sequence.id, tokens })
    left -= tokens
  }
  return { adapter: group[0]?.adapter, shares }
}

/** By when any of it was last in a batch, so that one that found no room does not win its adapter every turn. */
function longestUnserved(able: readonly RunningSequence[]): RunningSequence[] | undefined {
  const groups = Map.groupBy(able, ({ adapter }) => adapter)
  const last = (group: readonly RunningSequence[]) => Math.max(...group.map(({ lastBatch }) => lastBatch))
  return [...groups.values()].sort((left, right) => last(left) - last(right))[0]
}
