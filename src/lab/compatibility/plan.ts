import { z } from 'zod'
import { artifactRef, batchPolicy, engineName, modelContract } from '../../contracts/index.ts'
import { commonPlan, planFor } from '../common-plan.ts'
import type { CheckContext, CheckPlan } from '../lab.ts'
import { onnxSupport } from './onnx-support.ts'

const judgedSpec = z.object({
  engine: engineName,
  contract: modelContract,
  preprocess: artifactRef.optional(),
  batching: batchPolicy,
})

export const compatibilityPlan = commonPlan.extend({
  check: z.literal('compatibility'),
  runtime: z.string(),
  specs: z.object({ champion: judgedSpec, candidate: judgedSpec }),
  timeoutMs: z.number().positive(),
})
export type CompatibilityPlan = z.infer<typeof compatibilityPlan>

export function planCompatibility(context: CheckContext): CheckPlan {
  const specOf = ({ engine, contract, preprocess, batching }: typeof context.candidate.spec) => ({
    engine,
    contract,
    ...(preprocess === undefined ? {} : { preprocess }),
    batching,
  })
  const plan: CompatibilityPlan = {
    ...planFor(context, 'compatibility'),
    check: 'compatibility',
    runtime: onnxSupport.runtime,
    specs: { champion: specOf(context.champion.spec), candidate: specOf(context.candidate.spec) },
    timeoutMs: 10_000,
  }
  return {
    check: 'compatibility',
    plan,
    expectedMs: 500,
    says: [
      'Reads the file of the candidate, runs nothing of it, and compares it with its contract and the champion.',
      'One request pinned to the candidate must be answered in the promised form.',
    ],
    impossible: [],
  }
}
