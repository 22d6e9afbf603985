import { z } from 'zod'
import { artifactRef } from './artifact-ref.ts'
import { foreignServers, refusedSettings } from './foreign-support.ts'

/** An adapter on the version's weights, chosen by a request through its name. */
export const loraAdapter = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/),
  artifact: artifactRef,
  scale: z.number().min(0).max(10).default(1),
})
export type LoraAdapter = z.infer<typeof loraAdapter>

/** Guesses by a smaller model of the same vocabulary. */
export const draftSpeculation = z.strictObject({
  kind: z.literal('draft'),
  artifact: artifactRef,
  maxTokens: z.number().int().min(1).max(32).default(8),
})

/** Guesses by what followed the last words where they stood before. */
export const lookupSpeculation = z.strictObject({
  kind: z.literal('prompt-lookup'),
  minMatch: z.number().int().min(1).max(16).default(3),
  maxTokens: z.number().int().min(1).max(32).default(8),
})

/** How the `llama` engine runs a GGUF file. */
export const llamaSettings = z.strictObject({
  /** Tokens that one sequence may hold, question and answer together. */
  contextTokens: z.number().int().min(64).max(1_048_576).default(4096),
  /** Sequences that are decoded together. */
  sequences: z.number().int().min(1).max(64).default(4),
  /** Tokens of a block of the KV budget. */
  kvBlockTokens: z.number().int().min(8).max(1024).default(64),
  /** Bytes that weights, KV cache and buffers may take together; left out: planned from the file and checked against the machine. */
  maxMemoryBytes: z.number().int().positive().optional(),
  /** A question and answer that outgrow the context are refused, or the oldest turns are dropped and that is said. */
  contextShift: z.enum(['refuse', 'drop-oldest']).default('refuse'),
  /** Speculation by a smaller model of the same vocabulary, or by looking the next words up in the prompt. */
  speculation: z.discriminatedUnion('kind', [draftSpeculation, lookupSpeculation]).optional(),
  loras: z.array(loraAdapter).max(16).default([]),
  /** Vectors instead of texts. */
  embeddings: z.boolean().default(false),
})
export type LlamaSettings = z.infer<typeof llamaSettings>

const foreignFields = {
  server: z.enum(foreignServers).default('vllm'),
  /** Its release, `0.10.2`: what that one does not have yet is refused before anything is started. */
  serverVersion: z
    .string()
    .regex(/^\d+\.\d+(\.\d+)?([.a-z0-9+-]{0,30})$/)
    .optional(),
  /** Argument vector before ours, such as `["vllm", "serve"]` or a path; flags that have no setting here may follow. */
  command: z.array(z.string().min(1).max(500)).min(1).max(20).optional(),
  /** Name or folder of the weights; for `triton-trtllm` the folder of the model repository. */
  weights: z
    .string()
    .min(1)
    .max(500)
    .regex(/^[^-]/, 'A name of weights that begins with - would be read as a flag.'),
  dtype: z.enum(['auto', 'half', 'float16', 'bfloat16', 'float', 'float32']).optional(),
  quantization: z.string().max(40).optional(),
  kvCacheDtype: z.string().max(40).optional(),
  tensorParallel: z.number().int().min(1).max(128).optional(),
  pipelineParallel: z.number().int().min(1).max(128).optional(),
  maxModelTokens: z.number().int().min(1).optional(),
  maxSequences: z.number().int().min(1).optional(),
  gpuMemoryShare: z.number().positive().max(1).optional(),
  prefixCaching: z.boolean().optional(),
  chunkedPrefill: z.boolean().optional(),
  speculative: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  loras: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/),
        path: z.string().regex(/^[^-,=][^,=]{0,499}$/),
      }),
    )
    .max(64)
    .default([]),
  /** How long the weights may take to load. */
  startTimeoutMs: z.number().int().min(1000).max(7_200_000).default(900_000),
}

/**
 * How a model server of another project is started and supervised; names follow that project's own flags. A setting
 * that the server does not have is refused by name.
 */
export const vllmSettings = z.strictObject(foreignFields).superRefine((settings, context) => {
  for (const { path, reason } of refusedSettings(settings))
    context.addIssue({ code: 'custom', path: [...path], message: reason })
})
export type VllmSettings = z.infer<typeof vllmSettings>
