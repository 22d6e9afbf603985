import type { Evidence } from '../contracts/index.ts'
import { digestOf } from '../kernel/index.ts'
import type { CheckContext, CheckPlan, Judgement } from './lab.ts'

/** Evidence with its hashes. What is in it is plain JSON: the hash is over its canonical form without `hash`. */
export function makeEvidence(
  context: Pick<CheckContext, 'change' | 'champion' | 'candidate'>,
  plan: Pick<CheckPlan, 'check' | 'plan'>,
  raw: Record<string, unknown>,
  judgement: Judgement,
  times: { readonly startedAt: number; readonly finishedAt: number },
): Evidence {
  const unsigned = {
    change: context.change.id,
    check: plan.check,
    champion: { label: context.champion.label, id: context.champion.id },
    candidate: { label: context.candidate.label, id: context.candidate.id },
    plan: plan.plan,
    planHash: digestOf(plan.plan),
    status: judgement.status,
    summary: judgement.summary,
    measurements: judgement.measurements,
    details: judgement.details,
    raw,
    startedAt: Math.round(times.startedAt),
    finishedAt: Math.round(times.finishedAt),
  }
  // Through JSON once, so that members that are undefined are gone from the value as they are from the hash.
  const plain = JSON.parse(JSON.stringify(unsigned)) as Omit<Evidence, 'hash'>
  return { ...plain, hash: digestOf(plain) }
}
