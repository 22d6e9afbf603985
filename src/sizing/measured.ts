import { factsOf, type ModelFacts, sourceOf } from '../artifacts/index.ts'
import { findGpu } from './gpus.ts'
import { decodeSpeed, prefillMs } from './roofline.ts'

/** Models of the measurements, by their published configurations. */
const llama = (
  layers: number,
  hidden: number,
  inner: number,
  heads: number,
  kvHeads: number,
  vocabulary: number,
) => ({
  model_type: 'llama',
  num_hidden_layers: layers,
  hidden_size: hidden,
  intermediate_size: inner,
  num_attention_heads: heads,
  num_key_value_heads: kvHeads,
  vocab_size: vocabulary,
})
const configs = {
  'Llama 2 7B': llama(32, 4096, 11_008, 32, 32, 32_000),
  'Llama 2 70B': llama(80, 8192, 28_672, 64, 8, 32_000),
  'Llama 3 8B': llama(32, 4096, 14_336, 32, 8, 128_256),
  'Llama 3 70B': llama(80, 8192, 28_672, 64, 8, 128_256),
  'Mixtral 8x7B': { ...llama(32, 4096, 14_336, 32, 8, 32_000), num_local_experts: 8, num_experts_per_tok: 2 },
} as const
export type MeasuredModel = keyof typeof configs

/** Bits a weight as stored: groups of 32 with a 16-bit scale and zero for int4; Q4_K_M as the files weigh. */
const precisions = {
  bf16: { method: null, bits: 16 },
  int8: { method: 'int8', bits: 8 },
  int4: { method: 'int4', bits: 5 },
  fp8: { method: 'fp8', bits: 8 },
  q4_k_m: { method: 'gguf', bits: 4.9 },
} as const
type MeasuredPrecision = keyof typeof precisions

export interface Measurement {
  readonly model: MeasuredModel
  readonly precision: MeasuredPrecision
  readonly gpu: string
  readonly gpus: number
  /** Tokens a second of all sequences while decoding, over a run with its prompts, or milliseconds to a first token. */
  readonly kind: 'decode' | 'run' | 'first-token'
  readonly batch: number
  readonly promptTokens: number
  readonly outputTokens: number
  /** Tokens a second, or milliseconds for `first-token`. */
  readonly measured: number
  /** The shares of peaks in roofline.ts were fitted to it; the others were held out. */
  readonly isFitted: boolean
  readonly engine: string
  readonly source: string
}

const GPT_FAST =
  'https://github.com/pytorch-labs/gpt-fast/blob/0f925b5d4ce457b89a7ca6c9ce50f42bf2576945/README.md'
const LLAMA_CPP = 'https://github.com/XiongjieDai/GPU-Benchmarks-on-LLM-Inference'
const TRT_LLM =
  'https://github.com/NVIDIA/TensorRT-LLM/blob/138f96d45f90b9667426f7c47297d8c06bafac73/docs/source/performance.md'
const SGLANG =
  'https://github.com/sgl-project/sglang/blob/067ad4d335bbd6da15d4a83a6f257cfa9e0f6be0/docs/advanced_features/speculative_decoding.md'

type Row = readonly [
  MeasuredModel,
  MeasuredPrecision,
  gpu: string,
  gpus: number,
  kind: Measurement['kind'],
  batch: number,
  promptTokens: number,
  outputTokens: number,
  measured: number,
  isFitted: boolean,
]

function rowsOf(engine: string, source: string, rows: readonly Row[]): Measurement[] {
  return rows.map(
    ([model, precision, gpu, gpus, kind, batch, promptTokens, outputTokens, measured, isFitted]) => ({
      model,
      precision,
      gpu,
      gpus,
      kind,
      batch,
      promptTokens,
      outputTokens,
      measured,
      isFitted,
      engine,
      source,
    }),
  )
}

/** What others measured and published. gpt-fast ran its A100s at 330 W, prompts of five tokens. */
// biome-ignore format: one row a measurement reads as the table it is
export const measurements: readonly Measurement[] = [
  ...rowsOf('gpt-fast', GPT_FAST, [
    ['Llama 2 7B', 'bf16', 'a100-80', 1, 'decode', 1, 5, 200, 104.9, true],
    ['Llama 2 7B', 'int8', 'a100-80', 1, 'decode', 1, 5, 200, 155.58, true],
    ['Llama 2 7B', 'int4', 'a100-80', 1, 'decode', 1, 5, 200, 196.8, false],
    ['Llama 2 70B', 'int8', 'a100-80', 1, 'decode', 1, 5, 200, 19.13, false],
    ['Llama 2 70B', 'int4', 'a100-80', 1, 'decode', 1, 5, 200, 25.25, false],
    ['Llama 2 7B', 'bf16', 'a100-80', 2, 'decode', 1, 5, 200, 168.84, true],
    ['Llama 2 7B', 'bf16', 'a100-80', 4, 'decode', 1, 5, 200, 254.02, false],
    ['Llama 2 70B', 'bf16', 'a100-80', 4, 'decode', 1, 5, 200, 38.01, false],
    ['Llama 2 70B', 'bf16', 'a100-80', 8, 'decode', 1, 5, 200, 62.5, false],
    ['Mixtral 8x7B', 'bf16', 'a100-80', 2, 'decode', 1, 5, 200, 96.67, false],
    ['Mixtral 8x7B', 'int8', 'a100-80', 1, 'decode', 1, 5, 200, 97.92, false],
  ]),
  ...rowsOf('llama.cpp, May 2024', LLAMA_CPP, [
    ['Llama 3 8B', 'bf16', 'rtx-4090', 1, 'decode', 1, 1, 1024, 54.34, true],
    ['Llama 3 8B', 'q4_k_m', 'rtx-4090', 1, 'decode', 1, 1, 1024, 127.74, true],
    ['Llama 3 8B', 'bf16', 'rtx-3090', 1, 'decode', 1, 1, 1024, 46.51, true],
    ['Llama 3 8B', 'q4_k_m', 'rtx-3090', 1, 'decode', 1, 1, 1024, 111.74, false],
    ['Llama 3 8B', 'bf16', 'rtx-a6000', 1, 'decode', 1, 1, 1024, 40.25, false],
    ['Llama 3 8B', 'q4_k_m', 'l40s', 1, 'decode', 1, 1, 1024, 113.6, false],
    ['Llama 3 8B', 'bf16', 'l40s', 1, 'decode', 1, 1, 1024, 43.42, false],
    ['Llama 3 70B', 'q4_k_m', 'rtx-6000-ada', 1, 'decode', 1, 1, 1024, 18.36, false],
    ['Llama 3 8B', 'bf16', 'a100-80-pcie', 1, 'decode', 1, 1, 1024, 54.56, false],
  ]),
  ...rowsOf('SGLang', SGLANG, [['Llama 3 8B', 'bf16', 'h100', 1, 'decode', 1, 256, 256, 158.34, false]]),
  ...rowsOf('TensorRT-LLM 0.5, 0.6', TRT_LLM, [
    ['Llama 2 7B', 'bf16', 'a100-80', 1, 'run', 60, 128, 2048, 1928, true],
    ['Llama 2 7B', 'bf16', 'a100-80', 1, 'run', 52, 2048, 128, 591, false],
    ['Llama 2 7B', 'fp8', 'l40s', 1, 'run', 64, 128, 2048, 1622, true],
    ['Llama 2 7B', 'fp8', 'l40s', 1, 'run', 64, 128, 128, 3240, false],
    ['Llama 2 7B', 'fp8', 'h100', 1, 'run', 112, 128, 2048, 6818, false],
    ['Llama 2 7B', 'fp8', 'h100', 1, 'run', 48, 2048, 2048, 2740, false],
    ['Llama 2 70B', 'fp8', 'h100', 2, 'run', 64, 2048, 2048, 1094, false],
    ['Llama 2 7B', 'fp8', 'h100', 1, 'first-token', 1, 2048, 1, 36, true],
    ['Llama 2 7B', 'bf16', 'a100-80', 1, 'first-token', 1, 2048, 1, 133, true],
    ['Llama 2 7B', 'fp8', 'l40s', 1, 'first-token', 1, 2048, 1, 73, false],
    ['Llama 2 70B', 'fp8', 'h100', 4, 'first-token', 1, 2048, 1, 109, false],
    ['Llama 2 70B', 'bf16', 'a100-80', 4, 'first-token', 1, 2048, 1, 377, false],
    ['Llama 2 7B', 'fp8', 'h100', 1, 'first-token', 1, 128, 1, 7, false],
    ['Llama 2 7B', 'bf16', 'a100-80', 1, 'first-token', 1, 128, 1, 16, false],
  ]),
]

/** The model of a measurement, in the precision it was measured in. */
export function measuredFacts(model: MeasuredModel, precision: MeasuredPrecision): ModelFacts {
  const facts = factsOf(sourceOf(Buffer.from(JSON.stringify(configs[model])), 'config.json'))
  const { method, bits } = precisions[precision]
  return { ...facts, precision: { name: precision, method, bitsPerWeight: bits, byType: {} } }
}

/** What the roofline says of it, in the unit of `measured`. */
export function predicted(row: Measurement): number {
  const facts = measuredFacts(row.model, row.precision)
  const { gpus, batch, promptTokens, outputTokens } = row
  const common = {
    facts,
    gpu: findGpu(row.gpu),
    gpus,
    batch,
    kvType: row.precision === 'fp8' ? 'fp8' : 'fp16',
  } as const
  const promptMs = prefillMs({ ...common, promptTokens })!
  if (row.kind === 'first-token') return promptMs
  // The context grows evenly while a run decodes, so its middle gives the mean step.
  const decode = decodeSpeed({ ...common, contextTokens: promptTokens + outputTokens / 2 })!
  if (row.kind === 'decode') return decode.totalTokensPerS
  return (1000 * batch * outputTokens) / (promptMs + outputTokens * decode.stepMs)
}

export interface KnownError {
  /** Of held-out rows: half of the predictions are within this factor of what was measured. */
  readonly medianFactor: number
  /** Nine of ten are within this one. */
  readonly ninetiethFactor: number
  readonly rows: number
}

/** How far off the roofline is on measurements it was not fitted to. */
export function knownError(
  kinds: readonly Measurement['kind'][] = ['decode', 'run', 'first-token'],
): KnownError {
  const factors = measurements
    .filter(({ isFitted, kind }) => !isFitted && kinds.includes(kind))
    .map((row) => Math.exp(Math.abs(Math.log(predicted(row) / row.measured))))
    .toSorted((left, right) => left - right)
  const at = (share: number) =>
    factors[Math.min(factors.length - 1, Math.ceil(share * factors.length) - 1)] ?? 1
  return { medianFactor: at(0.5), ninetiethFactor: at(0.9), rows: factors.length }
}
