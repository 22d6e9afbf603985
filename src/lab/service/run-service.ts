import type { Clock } from '../../kernel/index.ts'
import { battery } from './battery.ts'
import { judgeService, type ServiceJudgement, type ServiceRaw } from './judge-service.ts'
import { probeContract } from './probe-contract.ts'
import type { RecordedRequest } from './records.ts'
import type { ServiceTarget } from './service-target.ts'
import { countTokens } from './token-counts.ts'

export interface ServicePlan {
  /** Requests of each probe to each target. */
  readonly repeats: number
  readonly timeoutMs: number
  /** Recorded requests that are asked, evenly taken from all; caches are computed over all. */
  readonly mostAsked: number
  /** Tokens of prompt and answer, where they are known. */
  readonly windows: { readonly before: number | null; readonly after: number | null }
}

export interface ServiceRun {
  readonly tookMs: number
  readonly requests: number
  readonly raw: ServiceRaw
  readonly judgement: ServiceJudgement
}

/** Probes both targets, asks them the recorded requests, and judges what they said. Throws only when it is stopped. */
export async function runService(
  targets: readonly [ServiceTarget, ServiceTarget],
  records: readonly RecordedRequest[],
  plan: ServicePlan,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<ServiceRun> {
  const startMs = clock.monotonicMs()
  const { timeoutMs, repeats } = plan
  const observations = await probeContract(targets, battery, { repeats, timeoutMs, signal })
  const asked = evenly(records, plan.mostAsked)
  const counted = await countTokens(targets, asked, { timeoutMs, signal })
  const raw = { observations, counted }
  return {
    tookMs: clock.monotonicMs() - startMs,
    requests: 2 * (battery.length * repeats + asked.length),
    raw,
    judgement: judgeService(raw, records, plan.windows),
  }
}

function evenly<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items]
  return Array.from({ length: most }, (_, index) => items[Math.floor((index * items.length) / most)]!)
}
