import type { Change, ChangeEvent, ChangeEventType } from '../contracts/index.ts'

/** What an event says about its change beyond the state. Stored with it, and replayed from the chain to verify. */
export type Folded = Partial<Pick<Change, 'reason' | 'verdict' | 'rolloutId'>>

export function foldOf({ type, data }: Pick<ChangeEvent, 'type' | 'data'>): Folded {
  const reason = REASONS.has(type)
    ? { reason: textOf(data.reason) }
    : CLEARS.has(type)
      ? { reason: null }
      : {}
  const verdict =
    VERDICTS.has(type) && data.verdict != null ? { verdict: data.verdict as Change['verdict'] } : {}
  const rolloutId = type === 'step-promoted' ? { rolloutId: textOf(data.rollout) } : {}
  return { ...reason, ...verdict, ...rolloutId }
}

const REASONS = new Set<ChangeEventType>([
  'change-blocked',
  'change-inconclusive',
  'change-withdrawn',
  'change-waived',
  'deploy-requested',
  'deploy-allowed',
  'canary-paused',
  'traffic-rolled-back',
])
const CLEARS = new Set<ChangeEventType>([
  'checking-started',
  'verdict-reached',
  'canary-resumed',
  'canary-finished',
])
const VERDICTS = new Set<ChangeEventType>(['verdict-reached', 'change-blocked', 'change-inconclusive'])

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
