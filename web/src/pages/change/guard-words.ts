import type { GuardLook, GuardName, RolloutLook } from '../../../../src/contracts/index.ts'
import { grouped, listed } from '../../format/numbers.ts'

export const guardNames: Record<GuardName, string> = {
  errors: 'errors',
  timeouts: 'timeouts',
  refusals: 'refusals',
  latencyP95: 'latency p95',
  latencyP99: 'latency p99',
}

/** The judge's reasons name guards as the change file does; people read them as words. */
export function plainReason(reason: string): string {
  return reason.replace(/\blatencyP(\d+)\b/g, 'latency p$1')
}

export function guardState(look: GuardLook | undefined): string {
  if (look === undefined) return 'no look yet'
  return { promote: 'settled', abort: 'worse', continue: 'open', inconclusive: 'too little data' }[
    look.decision
  ]
}

/** "≈ 18,000 more requests on v2", where it can be said. */
export function neededRequests(
  { needsRequests }: Pick<RolloutLook, 'needsRequests'>,
  candidate: string,
): string {
  if (needsRequests === null) return 'Not to be said yet how much more is needed'
  return needsRequests <= 0 ? 'Enough is known' : `≈ ${grouped(needsRequests)} more requests on ${candidate}`
}

/** "errors settled, latency p99 open". */
export function neededWords(guards: readonly GuardLook[]): string {
  const states = ['promote', 'continue', 'inconclusive', 'abort'] as const
  return states
    .flatMap((decision) => {
      const of = guards.filter((guard) => guard.decision === decision)
      return of.length === 0 ? [] : `${listed(of.map(({ name }) => guardNames[name]))} ${guardState(of[0])}`
    })
    .join(', ')
}
