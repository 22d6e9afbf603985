/**
 * Which sequence takes a request, and how much of its KV is there already?
 *
 * A sequence is a fixed stretch of KV cache, counted in blocks. Once its request is done it keeps what it holds, as
 * long as nobody needs the place, so that a request that begins alike starts further on:
 *
 * - what cannot fit into any sequence is refused, for ever; what finds all of them busy waits;
 * - the longest common beginning wins, of idle and of busy sequences; a last token is always read anew, since its
 *   logits are needed;
 * - a beginning is taken in place where little else would be lost, and otherwise copied to an empty sequence or to the
 *   one idle longest, so that both stay (a copy within memory is cheap beside reading tokens again);
 * - KV made with another adapter is no beginning of anything.
 */
export interface KvSequence {
  readonly id: number
  /** Tokens whose KV is held, in order. */
  readonly tokens: readonly number[]
  /** Adapter that they were read with; undefined for none. */
  readonly adapter: string | undefined
  /** Tokens that its running request may come to; 0 when idle. */
  readonly neededTokens: number
  /** When its last request ended; grows. */
  readonly idleSince: number
}

export interface KvShape {
  /** Tokens that one sequence holds. */
  readonly sequenceTokens: number
  readonly blockTokens: number
}

export interface KvNeed {
  readonly input: readonly number[]
  readonly maxOutputTokens: number
  readonly adapter: string | undefined
}

export type KvDecision =
  | { readonly kind: 'refuse'; readonly neededTokens: number }
  | { readonly kind: 'wait' }
  | {
      readonly kind: 'take'
      readonly sequence: number
      /** Whose beginning is copied over first; undefined: its own. */
      readonly copyFrom: number | undefined
      /** Tokens of the beginning that are kept. */
      readonly reusedTokens: number
      readonly neededTokens: number
    }

export function decideKv(sequences: readonly KvSequence[], need: KvNeed, shape: KvShape): KvDecision {
  const neededTokens = need.input.length + need.maxOutputTokens
  if (neededTokens > shape.sequenceTokens) return { kind: 'refuse', neededTokens }
  const idle = sequences.filter((sequence) => sequence.neededTokens === 0)
  const longestIdle = leastMissed(idle)
  if (longestIdle === undefined) return { kind: 'wait' }
  const take = (sequence: number, reusedTokens: number, copyFrom?: number): KvDecision => ({
    kind: 'take',
    sequence,
    copyFrom,
    reusedTokens,
    neededTokens,
  })
  const source = bestBeginning(sequences, need)
  if (source === undefined) return take(longestIdle.id, 0)
  const { sequence, shared } = source
  if (sequence.neededTokens > 0) {
    // Less than a block is not worth a copy of a whole sequence.
    return shared < shape.blockTokens
      ? take(longestIdle.id, sharedWith(longestIdle, need))
      : take(longestIdle.id, shared, sequence.id)
  }
  const target = leastMissed(idle.filter((other) => other.id !== sequence.id))
  const lost = sequence.tokens.length - shared
  const isInPlace = lost < shape.blockTokens || shared < shape.blockTokens || target === undefined
  return isInPlace ? take(sequence.id, shared) : take(target.id, shared, sequence.id)
}

/** Blocks that are spoken for: all that running requests may come to, and what idle sequences keep. */
export function usedBlocks(sequences: readonly KvSequence[], shape: KvShape): number {
  return sequences.reduce(
    (sum, sequence) => sum + blocksOf(Math.max(sequence.neededTokens, sequence.tokens.length), shape),
    0,
  )
}

export function blocksOf(tokens: number, { blockTokens }: KvShape): number {
  return Math.ceil(tokens / blockTokens)
}

export function commonBeginning(left: readonly number[], right: readonly number[]): number {
  const end = Math.min(left.length, right.length)
  let at = 0
  while (at < end && left[at] === right[at]) at++
  return at
}

/** The longest; of equal ones an idle one, which needs no copy. */
function bestBeginning(
  sequences: readonly KvSequence[],
  need: KvNeed,
): { sequence: KvSequence; shared: number } | undefined {
  let best: { sequence: KvSequence; shared: number } | undefined
  for (const sequence of sequences) {
    const shared = sharedWith(sequence, need)
    if (shared === 0) continue
    const isBetter =
      best === undefined ||
      shared > best.shared ||
      (shared === best.shared && best.sequence.neededTokens > 0 && sequence.neededTokens === 0)
    if (isBetter) best = { sequence, shared }
  }
  return best
}

function sharedWith(sequence: KvSequence, { input, adapter }: KvNeed): number {
  if (sequence.adapter !== adapter) return 0
  return Math.min(commonBeginning(sequence.tokens, input), input.length - 1)
}

/** Empty ones first, then the one idle longest. */
function leastMissed(idle: readonly KvSequence[]): KvSequence | undefined {
  return [...idle].sort(
    (left, right) =>
      Number(left.tokens.length > 0) - Number(right.tokens.length > 0) || left.idleSince - right.idleSince,
  )[0]
}
