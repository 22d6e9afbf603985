import { z } from 'zod'
import {
  artifactRef,
  batchPolicy,
  engineName,
  llamaSettings,
  modelContract,
  vllmSettings,
} from '../../contracts/index.ts'
import { commonPlan, planFor } from '../common-plan.ts'
import type { CheckContext, CheckPlan } from '../lab.ts'
import { llamaRuntime } from './llama-runtime.ts'
import { onnxSupport } from './onnx-support.ts'

const judgedSpec = z.object({
  engine: engineName,
  contract: modelContract,
  preprocess: artifactRef.optional(),
  batching: batchPolicy,
  llama: llamaSettings.optional(),
  vllm: vllmSettings.optional(),
})

export const compatibilityPlan = commonPlan.extend({
  check: z.literal('compatibility'),
  runtime: z.string(),
  specs: z.object({ champion: judgedSpec, candidate: judgedSpec }),
  timeoutMs: z.number().positive(),
})
export type CompatibilityPlan = z.infer<typeof compatibilityPlan>

export function planCompatibility(context: CheckContext): CheckPlan {
  const specOf = ({
    engine,
    contract,
    preprocess,
    batching,
    llama,
    vllm,
  }: typeof context.candidate.spec) => ({
    engine,
    contract,
    ...(preprocess === undefined ? {} : { preprocess }),
    batching,
    ...(llama === undefined ? {} : { llama }),
    ...(vllm === undefined ? {} : { vllm }),
  })
  const plan: CompatibilityPlan = {
    ...planFor(context, 'compatibility'),
    check: 'compatibility',
    runtime: runtimeOf(context.candidate.spec.engine),
    specs: { champion: specOf(context.champion.spec), candidate: specOf(context.candidate.spec) },
    timeoutMs: 10_000,
  }
  return {
    check: 'compatibility',
    plan,
    expectedMs: 500,
    says: [
      'Reads the file of the candidate, runs nothing of it, and compares it with its contract, what its engine can do, and the champion.',
      'One request pinned to the candidate must be answered in the promised form.',
    ],
    impossible: [],
  }
}

/** What the file is held against; engines that run elsewhere are known by their tables alone. */
function runtimeOf(engine: string): string {
  if (engine === 'llama') return `${llamaRuntime.name} ${llamaRuntime.version}`
  return engine === 'onnx' ? onnxSupport.runtime : engine
}
