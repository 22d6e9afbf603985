import { z } from 'zod'
import type { ModelFacts } from '../../artifacts/index.ts'

const tensor = z.object({
  name: z.string(),
  dtype: z.string(),
  shape: z.array(z.number().nullable()).nullable(),
})

/** `ModelFacts` as it is kept in evidence; its type holds the two together. */
export const modelFacts: z.ZodType<ModelFacts> = z.object({
  format: z.enum([
    'onnx',
    'gguf',
    'safetensors',
    'config',
    'xgboost',
    'lightgbm',
    'torchscript',
    'exported-program',
    'saved-model',
  ]),
  architecture: z.string().nullable(),
  name: z.string().nullable(),
  parameters: z.number().nullable(),
  activeParameters: z.number().nullable(),
  isEstimated: z.boolean(),
  weightBytes: z.number().nullable(),
  precision: z
    .object({
      name: z.string(),
      method: z.string().nullable(),
      bitsPerWeight: z.number().nullable(),
      byType: z.record(z.string(), z.number()),
    })
    .nullable(),
  layers: z.number().nullable(),
  hiddenSize: z.number().nullable(),
  attention: z
    .object({
      kind: z.enum(['MHA', 'GQA', 'MQA', 'MLA', 'none']),
      heads: z.number(),
      kvHeads: z.number(),
      keyDim: z.number(),
      valueDim: z.number(),
      latent: z.object({ rank: z.number(), ropeDim: z.number() }).nullable(),
      fullLayers: z.number(),
      window: z.object({ tokens: z.number(), layers: z.number() }).nullable(),
    })
    .nullable(),
  experts: z.object({ total: z.number(), active: z.number(), shared: z.number() }).nullable(),
  predictLayers: z.number(),
  contextTokens: z.number().nullable(),
  rope: z
    .object({ base: z.number().nullable(), scaling: z.string().nullable(), factor: z.number().nullable() })
    .nullable(),
  vocabulary: z.number().nullable(),
  chatTemplate: z.string().nullable(),
  specialTokens: z.record(z.string(), z.object({ id: z.number().nullable(), text: z.string().nullable() })),
  adapter: z
    .object({
      kind: z.string(),
      rank: z.number().nullable(),
      alpha: z.number().nullable(),
      targets: z.array(z.string()),
      base: z.string().nullable(),
    })
    .nullable(),
  table: z
    .object({
      trees: z.number().nullable(),
      features: z.number().nullable(),
      featureNames: z.array(z.string()),
      classes: z.number().nullable(),
      objective: z.string().nullable(),
    })
    .nullable(),
  signature: z.object({ inputs: z.array(tensor), outputs: z.array(tensor) }).nullable(),
  notes: z.array(z.string()),
})
