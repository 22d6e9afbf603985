import type { ModelFacts } from '../artifacts/index.ts'

/**
 * Parameters of a LoRA of this rank on every linear layer of attention and MLP: rank × (in + out) each (arXiv 2106.09685).
 * The MLP's width is taken from what the layers hold beside attention. null where the file does not say enough.
 */
export function adapterParameters(facts: ModelFacts, rank: number): number | null {
  const { attention, layers, hiddenSize, parameters } = facts
  if (attention === null || layers === null || hiddenSize === null || parameters === null) return null
  const queries = attention.heads * attention.keyDim
  const keys = attention.kvHeads * attention.keyDim
  const values = attention.kvHeads * attention.valueDim
  const inAttention =
    hiddenSize * (queries + keys + values) + attention.heads * attention.valueDim * hiddenSize
  const outputs = attention.heads * attention.valueDim
  const sides = 4 * hiddenSize + queries + keys + values + outputs
  // Of a mixture adapters go on the attention alone: each expert would need one of its own.
  if (facts.experts !== null) return layers * rank * sides
  const inLayer = (parameters - 2 * (facts.vocabulary ?? 0) * hiddenSize) / layers
  const norms = 2 * hiddenSize
  const inner = Math.max(0, Math.round((inLayer - inAttention - norms) / (3 * hiddenSize)))
  return layers * rank * (sides + 3 * (hiddenSize + inner))
}

/** Bytes of such an adapter on a GPU, in 16 bits. */
export function adapterBytes(facts: ModelFacts, rank: number): number | null {
  const parameters = adapterParameters(facts, rank)
  return parameters === null ? null : parameters * 2
}
