import { z } from 'zod'
import {
  batchChange,
  draftSpeculation,
  echoScript,
  engineName,
  llamaSettings,
  lookupSpeculation,
  loraAdapter,
  textFields,
  versionLabel,
} from '../contracts/index.ts'

/** Values with units as people write them. A message says the reason, then after ` → ` what to write. */

/** `1pp`, `0.5 pp` → 0.01, 0.005: a difference of shares. */
export const percentagePoints = withUnit('pp', 'percentage points', 'Write 1pp for one percentage point.')

/** `10%` → 0.10: a relative change. */
export const percent = withUnit('%', 'percent', 'Write 10% for a tenth.')

function withUnit(unit: string, words: string, hint: string) {
  // What an editor checks by; the transformation below says more.
  const anything = z.unknown().meta({ type: 'string', pattern: `^(\\d+(\\.\\d+)?|\\.\\d+) *${unit}$` })
  return anything.transform((written, context): number => {
    const text = typeof written === 'string' ? written.trim() : written
    const parts = typeof text === 'string' ? /^(\d+(?:\.\d+)?|\.\d+)\s*(\S*)$/.exec(text) : null
    if (parts === null || parts[2] !== unit) {
      const found = typeof written === 'number' ? 'has no unit' : `is not in ${words}`
      const message = `${JSON.stringify(written)} ${found}; it is counted in ${words} → ${hint}`
      context.issues.push({ code: 'custom', message, input: written })
      return z.NEVER
    }
    const fraction = Number(parts[1]) / 100
    if (fraction <= 0) {
      context.issues.push({ code: 'custom', message: `it must be above zero → ${hint}`, input: written })
      return z.NEVER
    }
    return fraction
  })
}

/** A file next to the one that names it. */
export const relativePath = z
  .string('it must be the path of a file → Write it relative to this file: ./model.onnx')
  .min(1, 'it must be the path of a file → Write it relative to this file: ./model.onnx')
  .max(1024)

const written = { artifact: relativePath }

/** Settings of the `llama` engine, with paths in place of digests. */
export const llamaFileForm = llamaSettings.extend({
  speculation: z.discriminatedUnion('kind', [draftSpeculation.extend(written), lookupSpeculation]).optional(),
  loras: z.array(loraAdapter.extend(written)).max(16).default([]),
})

/** What both files say of a version; paths in place of digests. */
export const versionFields = {
  label: versionLabel,
  engine: engineName.optional(),
  artifact: relativePath.optional(),
  preprocess: relativePath.optional(),
  batching: batchChange.optional(),
  threads: z.number().int().min(1).max(64).optional(),
  echo: echoScript.optional(),
  provider: textFields.provider,
  modelName: textFields.modelName,
  /** The words themselves, or the path of a file that holds them: `./answer.md`. */
  prompt: textFields.prompt,
  sampling: textFields.sampling,
  guardrails: textFields.guardrails,
  llama: llamaFileForm.optional(),
  vllm: textFields.vllm,
}

/** Whether a prompt is written as the path of a file. */
export function isPromptPath(prompt: string | undefined): prompt is string {
  return prompt !== undefined && /^\.{0,2}\/[^\n]{1,1024}$/.test(prompt)
}
