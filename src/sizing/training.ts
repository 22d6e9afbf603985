import type { ModelFacts } from '../artifacts/index.ts'
import { adapterParameters } from './adapters.ts'
import type { Gpu } from './gpus.ts'

export type TrainingKind = 'full' | 'lora' | 'qlora'

export interface TrainingQuestion {
  readonly facts: ModelFacts
  readonly gpu: Gpu
  readonly kind: TrainingKind
  /** Tokens of the whole training, all epochs together. */
  readonly tokens: number
  readonly sequenceTokens: number
  /** Sequences of one GPU's step. */
  readonly batch: number
  /** Of the adapter. */
  readonly rank: number
  /** null: not known, so no money. */
  readonly usdPerHour: number | null
}

export interface TrainingNeed {
  readonly kind: TrainingKind
  readonly trainedParameters: number
  /** Of all GPUs together, weights and optimiser split over them; activations are of each. */
  readonly needs: {
    readonly frozen: number
    readonly trained: number
    readonly activations: number
    readonly total: number
  }
  /** Least number of these GPUs. */
  readonly gpus: number
  readonly hours: number
  readonly costUsd: number | null
}

/**
 * Mixed precision with AdamW: 2 bytes weight, 2 gradient, 4 master copy, 8 moments (ZeRO, arXiv 1910.02054 §3.1).
 * QLoRA holds 4 bits and .127 bits of doubly quantised constants a frozen weight (arXiv 2305.14314 §3).
 */
const TRAINED_BYTES = 16
const FROZEN_BYTES = { full: 0, lora: 2, qlora: (4 + 0.127) / 8 } as const
/**
 * Operations a parameter and token: 2 forward, 2 backward for what goes through, 2 for gradients of trained weights; one
 * more forward pass where activations are computed again instead of kept.
 */
const OPERATIONS = { full: 8, lora: 6, qlora: 6 } as const
/** Part of the dense 16-bit peak that trainings reach; 30 to 50 % is what is reported. Unpacking 4 bits costs more. */
const REACHED = { full: 0.4, lora: 0.4, qlora: 0.3 } as const
/** Bytes a token and hidden unit of one layer that is computed again (arXiv 2205.05198 eq. 2, attention not kept). */
const LAYER_BYTES = 34
const USABLE = 0.92

/** null where the file does not say enough. */
export function trainingNeed(question: TrainingQuestion): TrainingNeed | null {
  const { facts, gpu, kind, tokens } = question
  const { parameters, activeParameters, layers, hiddenSize } = facts
  if (parameters === null || activeParameters === null || layers === null || hiddenSize === null) return null
  const trainedParameters = kind === 'full' ? parameters : adapterParameters(facts, question.rank)
  if (trainedParameters === null) return null
  const frozen = parameters * FROZEN_BYTES[kind]
  const trained = trainedParameters * TRAINED_BYTES
  const perStep = question.batch * question.sequenceTokens
  const kept = layers * perStep * hiddenSize * 2
  const logits = perStep * (facts.vocabulary ?? 0) * 8
  const activations = kept + perStep * hiddenSize * LAYER_BYTES + logits
  const usable = gpu.memoryBytes * USABLE - activations
  if (usable <= 0) return null
  const gpus = Math.max(1, Math.ceil((frozen + trained) / usable))
  const operations = tokens * activeParameters * OPERATIONS[kind]
  const hours = operations / (gpus * gpu.flops.fp16 * REACHED[kind]) / 3600
  return {
    kind,
    trainedParameters,
    needs: { frozen, trained, activations, total: frozen + trained + activations * gpus },
    gpus,
    hours,
    costUsd: question.usdPerHour === null ? null : hours * gpus * question.usdPerHour,
  }
}
