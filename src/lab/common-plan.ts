import { z } from 'zod'
import { axis, type CheckName, checkName, digest, versionLabel } from '../contracts/index.ts'
import type { CheckContext } from './lab.ts'

/** What every plan says. Confidence is two-sided; its upper or lower end alone decides at (1 − confidence)/2. */
export const commonPlan = z.object({
  check: checkName,
  change: z.string(),
  model: z.string(),
  champion: z.object({ label: versionLabel, id: digest }),
  candidate: z.object({ label: versionLabel, id: digest }),
  goal: axis,
  dataset: z.object({ name: z.string(), digest, items: z.number().int().nonnegative() }),
  seed: z.number().int(),
  confidence: z.number().min(0.8).max(0.999),
})
export type CommonPlan = z.infer<typeof commonPlan>

export function planFor(context: CheckContext, check: CheckName): CommonPlan {
  return {
    check,
    change: context.change.id,
    model: context.model.model,
    champion: { label: context.champion.label, id: context.champion.id },
    candidate: { label: context.candidate.label, id: context.candidate.id },
    goal: context.change.proposal.goal,
    dataset: {
      name: context.golden.name,
      digest: context.golden.digest,
      items: context.golden.items.length,
    },
    seed: context.seed,
    confidence: 0.95,
  }
}
