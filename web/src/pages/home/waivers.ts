import type { Change, ChangeEvent, ModelSummary } from '../../../../src/contracts/index.ts'

/** Each costs a read of its log; a page that had to look at more would say less. */
const MOST = 20

/**
 * Changes whose waiver may be a debt now: those that wait on one, and those that serve: where what a waiver let pass went
 * live, it stays owed until another change takes its place.
 */
export function mayOwe(changes: readonly Change[], models: readonly ModelSummary[]): Change[] {
  const champions = new Map(models.map(({ champion, model }) => [model, champion]))
  const seen = new Set<string>()
  return changes
    .filter((change) => {
      const { candidate, proposal, state } = change
      if (state === 'waived') return true
      if (!LIVE.has(state) || champions.get(proposal.model) !== candidate.label) return false
      // Newest first: an older change of the same candidate owes nothing that this one does not.
      if (seen.has(proposal.model)) return false
      seen.add(proposal.model)
      return true
    })
    .slice(0, MOST)
}

const LIVE: ReadonlySet<Change['state']> = new Set([
  'staging',
  'sign-off',
  'canary',
  'live',
  'watched',
  'done',
])

export interface OwedWaiver {
  readonly until: number
  readonly by: string
  readonly why: string
  readonly checks: readonly string[]
}

/** The waiver by which a change went on, where its time is over; undefined where nothing is owed. */
export function overdueWaiver(
  events: readonly Pick<ChangeEvent, 'type' | 'actor' | 'data'>[],
  nowMs: number,
): OwedWaiver | undefined {
  const last = events.findLast(({ type }) => ENDS.has(type) || type === 'change-waived')
  if (last?.type !== 'change-waived') return undefined
  const { checks, until, why } = last.data
  if (typeof until !== 'number' || until >= nowMs) return undefined
  return {
    until,
    by: last.actor,
    why: typeof why === 'string' ? why : '',
    checks: Array.isArray(checks) ? checks.filter((check) => typeof check === 'string') : [],
  }
}

/** After them the waiver holds nothing up any more: the change fell back, or its checks ran again. */
const ENDS: ReadonlySet<string> = new Set(['change-blocked', 'change-inconclusive', 'checking-started'])
