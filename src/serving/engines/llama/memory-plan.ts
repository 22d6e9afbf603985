/**
 * Does it fit? Asked before anything is loaded: llama.cpp lays the model and its context out without taking memory, so these are its
 * own figures. KV is taken whole at load, for all sequences, so no request can bring the process to its limit later.
 */
export interface MemoryPlan {
  /** Tokens of one sequence. */
  readonly contextTokens: number
  readonly sequences: number
  /** Weights of the model, of the draft model and of all adapters. */
  readonly weightsBytes: number
  readonly kvBytes: number
  /** What a batch needs while it is computed. */
  readonly bufferBytes: number
}

/** What it would take, in words, where that is more than there is; undefined: it fits. */
export function memoryRefusal(
  plan: MemoryPlan,
  limitBytes: number,
  limitName: 'maxMemoryBytes' | 'free memory',
): string | undefined {
  const { weightsBytes, kvBytes, bufferBytes, contextTokens, sequences } = plan
  const wholeBytes = weightsBytes + kvBytes + bufferBytes
  if (wholeBytes <= limitBytes) return
  const needed =
    `weights ${mega(weightsBytes)}, KV of ${sequences} × ${contextTokens} tokens ${mega(kvBytes)} and ` +
    `buffers ${mega(bufferBytes)} are ${mega(wholeBytes)}, and ${limitName} is ${mega(limitBytes)}`
  const forKv = limitBytes - weightsBytes - bufferBytes
  const perSequence = kvBytes / sequences
  const fewer = Math.floor(forKv / perSequence)
  if (fewer >= 1) return `${needed}; ${fewer} ${fewer === 1 ? 'sequence' : 'sequences'} would fit`
  const shorter = Math.floor(((forKv / perSequence) * contextTokens) / 256) * 256
  return shorter >= 256 ? `${needed}; one sequence of ${shorter} tokens would fit` : needed
}

function mega(bytes: number): string {
  return `${(Math.max(0, bytes) / 1e6).toFixed(1)} MB`
}
