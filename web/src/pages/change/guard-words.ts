import type { GuardLook, GuardName } from '../../../../src/contracts/index.ts'
import { listed } from '../../format/numbers.ts'

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
