import type { ModelFacts } from '../artifacts/index.ts'
import type { EngineProfile } from './engines.ts'
import type { Gpu } from './gpus.ts'
import { type KvType, kvBytesOfSequence } from './kv-cache.ts'

export interface FitQuestion {
  readonly facts: ModelFacts
  readonly gpu: Pick<Gpu, 'memoryBytes'>
  readonly engine: EngineProfile
  /** GPUs of one tensor-parallel group. */
  readonly gpus: number
  readonly contextTokens: number
  /** Sequences held at once, each with its whole context. */
  readonly concurrency: number
  readonly kvType?: KvType
  /** Instead of the engine's own. */
  readonly memoryShare?: number
}

/** All bytes are of one GPU of the group. */
export interface Fit {
  readonly gpus: number
  readonly needs: {
    readonly weights: number
    readonly kv: number
    readonly activations: number
    readonly reserve: number
    readonly total: number
  }
  readonly usableBytes: number
  /** Below zero: so much is missing. */
  readonly headroomBytes: number
  readonly risk: 'fits' | 'tight' | 'out-of-memory'
  /** Whole contexts that the memory left beside weights, activations and reserve holds; null: nothing grows, no limit. */
  readonly mostSequences: number | null
  /** Longest context of so many sequences, at most what the model says it takes; null: no limit. */
  readonly mostContextTokens: number | null
  /** What had to be guessed. */
  readonly guesses: readonly string[]
}

/** Memory is never quite what the box says, and fragments: this much of it is no safety. */
const TIGHT_SHARE = 0.05
/** Widest layers of a gated MLP hold about 3.5 × hidden twice, beside queries, keys and values; all in 16 bits. */
const ACTIVATION_HIDDENS = 14
const BYTES_OF_ACTIVATION = 2
/** Logits are computed for the last token of each sequence, in 32 bits. */
const BYTES_OF_LOGIT = 4
/** Buffers of the collectives of a tensor-parallel group. */
const COLLECTIVE_BYTES = 512 * 2 ** 20

/** Weights + KV + activations + reserve against what one GPU has. null where the file does not say enough. */
export function fitOf(question: FitQuestion): Fit | null {
  const { facts, engine, gpus, contextTokens, concurrency } = question
  const guesses: string[] = []
  const weightBytes = weightBytesOf(facts, guesses)
  if (weightBytes === null) return null
  const usableBytes = question.gpu.memoryBytes * (question.memoryShare ?? engine.memoryShare)
  const weights = weightBytes / gpus
  const activations = activationBytes(facts, engine, concurrency, gpus, guesses)
  const reserve = engine.reserveBytes + (gpus > 1 ? COLLECTIVE_BYTES : 0)
  const perSequence = (tokens: number) => sequenceBytes(question, tokens)
  if (facts.attention === null && facts.layers !== null)
    guesses.push('attention is not described, so no cache is counted')
  const kv = perSequence(contextTokens) * concurrency
  const left = usableBytes - weights - activations - reserve
  const total = weights + kv + activations + reserve
  return {
    gpus,
    needs: { weights, kv, activations, reserve, total },
    usableBytes,
    headroomBytes: usableBytes - total,
    risk: riskOf(usableBytes, total),
    mostSequences:
      perSequence(contextTokens) === 0 ? null : Math.max(0, Math.floor(left / perSequence(contextTokens))),
    mostContextTokens: longestContext(left / Math.max(1, concurrency), perSequence, facts.contextTokens),
    guesses,
  }
}

/**
 * Sizes of a tensor-parallel group that divide the attention heads, and whose KV heads can be dealt or copied evenly.
 * MLA copies its cache, so only its query heads matter.
 */
export function tensorParallelSizes(facts: ModelFacts, most = 16): number[] {
  const { attention } = facts
  if (attention === null) return [1]
  return [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16].filter(
    (size) =>
      size <= most &&
      attention.heads % size === 0 &&
      (attention.latent !== null || attention.kvHeads % size === 0 || size % attention.kvHeads === 0),
  )
}

/** The same question for every group that divides the heads, up to eight GPUs. */
export function fitsByGroup(question: Omit<FitQuestion, 'gpus'>): Fit[] {
  return tensorParallelSizes(question.facts, 8)
    .filter((size) => [1, 2, 4, 8].includes(size))
    .map((gpus) => fitOf({ ...question, gpus }))
    .filter((fit) => fit !== null)
}

function weightBytesOf(facts: ModelFacts, guesses: string[]): number | null {
  if (facts.weightBytes !== null) return facts.weightBytes
  if (facts.parameters === null) return null
  const bits = facts.precision?.bitsPerWeight ?? 16
  guesses.push(`weights are computed: ${(facts.parameters / 1e9).toFixed(2)} B parameters of ${bits} bits`)
  return (facts.parameters * bits) / 8
}

function activationBytes(
  facts: ModelFacts,
  engine: EngineProfile,
  concurrency: number,
  gpus: number,
  guesses: string[],
): number {
  if (facts.hiddenSize === null) {
    guesses.push('the hidden size is not described, so activations are not counted')
    return 0
  }
  const hidden = facts.hiddenSize * (1 + ACTIVATION_HIDDENS / gpus)
  const logits = concurrency * (facts.vocabulary ?? 0) * BYTES_OF_LOGIT
  return engine.passTokens * hidden * BYTES_OF_ACTIVATION + logits
}

function sequenceBytes({ facts, engine, gpus, kvType = 'fp16' }: FitQuestion, tokens: number): number {
  if (facts.attention === null) return 0
  return kvBytesOfSequence(facts.attention, tokens, {
    type: kvType,
    blockTokens: engine.blockTokens,
    shards: gpus,
  })
}

function riskOf(usableBytes: number, total: number): Fit['risk'] {
  if (total > usableBytes) return 'out-of-memory'
  return usableBytes - total < usableBytes * TIGHT_SHARE ? 'tight' : 'fits'
}

/** By halving; what a window keeps makes it no straight line. */
function longestContext(
  bytes: number,
  perSequence: (tokens: number) => number,
  mostTokens: number | null,
): number | null {
  if (perSequence(1) === 0) return mostTokens
  let low = 0
  let high = mostTokens ?? 16_777_216
  if (perSequence(high) <= bytes) return high
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (perSequence(middle) <= bytes) low = middle
    else high = middle
  }
  return low
}
