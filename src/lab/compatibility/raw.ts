import { z } from 'zod'
import { modelFacts } from './facts-form.ts'

const onnxValue = z.object({
  name: z.string(),
  dtype: z.string(),
  shape: z.array(z.number().nullable()).nullable(),
})

const fileReading = z.union([
  z.object({
    kind: z.literal('onnx'),
    bytes: z.number(),
    header: z.object({
      irVersion: z.number(),
      producer: z.string(),
      opsets: z.record(z.string(), z.number()),
      inputs: z.array(onnxValue),
      outputs: z.array(onnxValue),
      operators: z.record(z.string(), z.number()),
      parameters: z.number(),
      externalData: z.array(z.string()),
    }),
  }),
  z.object({ kind: z.literal('model'), bytes: z.number(), facts: modelFacts }),
  z.object({ kind: z.literal('unreadable'), bytes: z.number(), reason: z.string() }),
  /** The engine runs no file. */
  z.object({ kind: z.literal('none') }),
])
export type FileReading = z.infer<typeof fileReading>

const probe = z.union([
  z.object({ kind: z.literal('skipped'), reason: z.string() }),
  z.object({ kind: z.literal('failed'), reason: z.string() }),
  z.object({
    kind: z.literal('answered'),
    /** Form of each output of the one row: `number`, `string`, `boolean`, with the sizes of its nesting. */
    outputs: z.record(z.string(), z.object({ type: z.string(), shape: z.array(z.number()) })),
  }),
])
export type Probe = z.infer<typeof probe>

export const compatibilityRaw = z.object({
  champion: fileReading,
  candidate: fileReading,
  /** Of the candidate, where its settings name them. */
  draft: fileReading.optional(),
  adapters: z.array(z.object({ name: z.string(), reading: fileReading })).optional(),
  probe,
})
export type CompatibilityRaw = z.infer<typeof compatibilityRaw>
