import type { Attention } from '../artifacts/index.ts'

/** Bytes of one stored number; quantised ones with their scales (ggml blocks of 32). */
export const kvTypes = {
  fp32: 4,
  fp16: 2,
  bf16: 2,
  fp8: 1,
  int8: 1,
  q8_0: 34 / 32,
  q5_1: 24 / 32,
  q4_0: 18 / 32,
} as const
export type KvType = keyof typeof kvTypes

/**
 * Bytes that one more token adds, all layers that keep every token together: keys and values of each KV head, or for
 * MLA the compressed vector and the shared rotary part (DeepSeek-V2, arXiv 2405.04434 §2.1). Layers with a window are
 * not in it: they stop growing.
 */
export function kvBytesPerToken(attention: Attention, type: KvType = 'fp16', shards = 1): number {
  return attention.fullLayers * layerBytes(attention, type, shards)
}

/** Bytes of one sequence of so many tokens in blocks of `blockTokens`; windows hold no more than their size. */
export function kvBytesOfSequence(
  attention: Attention,
  tokens: number,
  options: { readonly type?: KvType; readonly blockTokens?: number; readonly shards?: number } = {},
): number {
  const { type = 'fp16', blockTokens = 1, shards = 1 } = options
  const inBlocks = (count: number) => Math.ceil(count / blockTokens) * blockTokens
  const { window } = attention
  const windowed =
    window === null
      ? 0
      : window.layers * inBlocks(Math.min(tokens, window.tokens)) * layerBytes(attention, type, shards)
  return kvBytesPerToken(attention, type, shards) * inBlocks(tokens) + windowed
}

/**
 * Heads are dealt to the GPUs of a tensor-parallel group; with more GPUs than KV heads each holds one, so that the group
 * holds copies. The compressed vector of MLA has no heads: each GPU holds all of it.
 */
function layerBytes(attention: Attention, type: KvType, shards: number): number {
  const { latent, kvHeads, keyDim, valueDim, kind } = attention
  if (kind === 'none') return 0
  const numbers =
    latent !== null ? latent.rank + latent.ropeDim : Math.ceil(kvHeads / shards) * (keyDim + valueDim)
  return numbers * kvTypes[type]
}
