import type { ModelFacts } from '../artifacts/index.ts'
import type { Gpu } from './gpus.ts'
import { type KvType, kvBytesOfSequence } from './kv-cache.ts'

export interface SpeedQuestion {
  readonly facts: ModelFacts
  readonly gpu: Gpu
  readonly gpus: number
  /** Sequences decoded together. */
  readonly batch: number
  /** Tokens of each that are already there, prompt included. */
  readonly contextTokens: number
  readonly kvType?: KvType
}

export interface DecodeEstimate {
  readonly stepMs: number
  /** Of one sequence. */
  readonly tokensPerS: number
  readonly totalTokensPerS: number
  readonly bound: 'memory' | 'compute'
}

/**
 * The roofline (Williams, Waterman, Patterson 2009): a step takes as long as its bytes or its operations, whichever is
 * longer, plus what starting layers and gathering sums over GPUs costs. The shares of the printed peaks that are reached
 * are fitted to the rows marked `fitted` of measured.ts; the other rows there show how far off it is, see
 * `errorFactor`.
 */
const REACHED = {
  /** Of the bandwidth, reading weights in the type they are computed in. */
  weights: 0.85,
  /** Of the bandwidth, where integers are unpacked on the way. */
  packedWeights: 0.65,
  /** Of the bandwidth, by attention over a cache in blocks. */
  cache: 0.75,
  /** Of the dense 16-bit peak, prompts of about 2,000 tokens. */
  fp16: 0.63,
  /** Of the dense fp8 peak. */
  fp8: 0.42,
} as const
const LAYER_MS = 0.025
/** Two sums over the group a layer: latency by kind of link. */
const SUM_MS = { nvlink: 0.02, pcie: 0.05 } as const

/** null where the file does not say enough. */
export function decodeSpeed(question: SpeedQuestion): DecodeEstimate | null {
  const { facts, gpu, gpus, batch, contextTokens, kvType = 'fp16' } = question
  const weightBytes = readWeightBytes(facts, batch)
  const { layers, activeParameters } = facts
  if (weightBytes === null || layers === null || activeParameters === null) return null
  const cacheBytes =
    facts.attention === null
      ? 0
      : kvBytesOfSequence(facts.attention, contextTokens, { type: kvType, shards: gpus }) * batch
  const memoryMs =
    1000 *
    (weightBytes / gpus / (gpu.bandwidthBytesPerS * weightShare(facts)) +
      cacheBytes / (gpu.bandwidthBytesPerS * REACHED.cache))
  const computeMs = (1000 * 2 * activeParameters * batch) / (gpus * reachedFlops(facts, gpu))
  const stepMs = Math.max(memoryMs, computeMs) + layers * LAYER_MS + gatherMs(facts, gpu, gpus, batch)
  return {
    stepMs,
    tokensPerS: 1000 / stepMs,
    totalTokensPerS: (1000 * batch) / stepMs,
    bound: memoryMs >= computeMs ? 'memory' : 'compute',
  }
}

/** Milliseconds until the prompts of one pass are read, without waiting for others; null where too little is known. */
export function prefillMs(
  question: Omit<SpeedQuestion, 'contextTokens'> & { readonly promptTokens: number },
): number | null {
  const { facts, gpu, gpus, batch, promptTokens } = question
  const weightBytes = readWeightBytes(facts, batch * promptTokens)
  const { layers, activeParameters } = facts
  if (weightBytes === null || layers === null || activeParameters === null) return null
  const heads = facts.attention === null ? 0 : facts.attention.heads * facts.attention.keyDim
  // Scores and weighted sums over the half of the square that a causal mask leaves.
  const attention = 2 * layers * heads * promptTokens * promptTokens
  const operations = batch * (2 * activeParameters * promptTokens + attention)
  const computeMs = (1000 * operations) / (gpus * reachedFlops(facts, gpu))
  const memoryMs = (1000 * weightBytes) / gpus / (gpu.bandwidthBytesPerS * weightShare(facts))
  return Math.max(computeMs, memoryMs) + layers * LAYER_MS + gatherMs(facts, gpu, gpus, batch * promptTokens)
}

/** Of a mixture, the experts that so many tokens wake: each misses one with 1 − active/total. */
function readWeightBytes(facts: ModelFacts, tokens: number): number | null {
  const { experts, parameters, activeParameters } = facts
  const bytes =
    facts.weightBytes ??
    (parameters === null ? null : (parameters * (facts.precision?.bitsPerWeight ?? 16)) / 8)
  if (bytes === null || experts === null || parameters === null || activeParameters === null) return bytes
  const routed = (parameters - activeParameters) / (1 - experts.active / experts.total)
  const woken = 1 - (1 - experts.active / experts.total) ** tokens
  return bytes * ((parameters - routed + routed * woken) / parameters)
}

function isFp8(facts: ModelFacts): boolean {
  return facts.precision?.method === 'fp8' || facts.precision?.name === 'fp8'
}

function weightShare(facts: ModelFacts): number {
  const isPacked = facts.precision?.method != null && !isFp8(facts)
  return isPacked ? REACHED.packedWeights : REACHED.weights
}

/** Weight-only quantisation computes in 16 bits; fp8 does in fp8 where the GPU can. */
function reachedFlops(facts: ModelFacts, gpu: Gpu): number {
  return isFp8(facts) && gpu.flops.fp8 !== null ? gpu.flops.fp8 * REACHED.fp8 : gpu.flops.fp16 * REACHED.fp16
}

function gatherMs(facts: ModelFacts, gpu: Gpu, gpus: number, tokens: number): number {
  if (gpus === 1) return 0
  const isLink = gpu.interconnect.startsWith('NVLink') || gpu.interconnect.startsWith('Infinity')
  const bytes = 2 * tokens * (facts.hiddenSize ?? 0) * ((2 * (gpus - 1)) / gpus)
  // The printed bandwidth counts both directions.
  const moveMs = (1000 * bytes) / (gpu.interconnectBytesPerS / 2)
  return 2 * (facts.layers ?? 0) * ((isLink ? SUM_MS.nvlink : SUM_MS.pcie) + moveMs)
}
