import { z } from 'zod'
import {
  type Change,
  type ChangeEvent,
  type CheckName,
  changeState,
  type GateResult,
  type Waiver,
} from '../contracts/index.ts'
import { SlipwayError } from '../kernel/index.ts'
import { authorOf, isSame, type Signer } from './actor.ts'
import { type CheckingRun, checkingRun, gateDecided } from './facts.ts'
import { checksOf, type Policy } from './policy.ts'
import { dateOf } from './words.ts'

/** No debt is taken on for longer. */
export const LONGEST_WAIVER_MS = 30 * 86_400_000

/** A waiver as `change-waived` holds it, with the state that it lifted and will fall back to. */
export interface Waived extends Waiver {
  readonly sequence: number
  readonly at: number
  readonly by: Signer
  readonly from: 'blocked' | 'inconclusive'
  /** Why it was in that state. */
  readonly was: string
  /** Checks whose gate did not pass, or was never asked. */
  readonly checks: readonly CheckName[]
}

const waivedData = z.object({
  until: z.number(),
  why: z.string(),
  key: z.string(),
  from: changeState.extract(['blocked', 'inconclusive']),
  was: z.string(),
  checks: z.array(z.string()),
})

/** The waiver that holds the change up; undefined when there is none, it fell back, or the checks ran again. */
export function waiverOf(events: readonly ChangeEvent[]): Waived | undefined {
  const event = events.findLast(({ type }) => ENDS.has(type) || type === 'change-waived')
  return event?.type === 'change-waived' ? waivedOf(event) : undefined
}
const ENDS = new Set<ChangeEvent['type']>(['change-blocked', 'change-inconclusive', 'checking-started'])

export function waivedOf({ sequence, at, actor, data }: ChangeEvent): Waived {
  const { key, checks, ...said } = waivedData.parse(data)
  return { ...said, checks: checks as CheckName[], sequence, at, by: { name: actor, key } }
}

/** In one line, for the reason of a change that goes on by it. */
export function waiverWords({ by, until, why }: Pick<Waived, 'by' | 'until' | 'why'>): string {
  return `waived by ${by.name} until ${dateOf(until)}: ${why}`
}

export function endWords({ by, until }: Waived): string {
  return `the waiver by ${by.name} ended ${dateOf(until)}`
}

/**
 * What `change-waived` says. A waiver speaks for the checks of a change that has a verdict; staging, sign-offs and the
 * canary are asked as ever. Throws `invalid_request` for its bounds, `waiver_refused` for who asks, `change_conflict`
 * where there is nothing to waive.
 */
export function waiverDraft(
  { change, events }: { readonly change: Change; readonly events: readonly ChangeEvent[] },
  wanted: Waiver,
  by: Signer,
  nowMs: number,
): Record<string, unknown> {
  const refused = (action: string) =>
    new SlipwayError('change_conflict', { change: change.id, state: change.state, action })
  if (change.state !== 'blocked' && change.state !== 'inconclusive') throw refused('be waived')
  const run = checkingRun(events)
  if (run === undefined || !hasVerdict(events, run))
    throw refused('be waived, since there is no verdict that could be: its checks did not come that far')
  if (wanted.until <= nowMs || wanted.until > nowMs + LONGEST_WAIVER_MS)
    throw new SlipwayError(
      'invalid_request',
      { reason: `A waiver ends within 30 days from now, not ${dateOf(wanted.until)}.` },
      { pointer: '/until' },
    )
  if (run.policy.signOff.notTheAuthor && isSame(by, authorOf(change, events)))
    throw new SlipwayError('waiver_refused', { reason: `this key proposed ${change.id}` })
  const data = {
    ...wanted,
    key: by.key,
    from: change.state,
    was: change.reason ?? change.state,
    checks: openChecks(events, run, change.proposal.risk),
  }
  return { ...data, reason: waiverWords({ by, ...wanted }) }
}

/** What is wrong with the waivers of a log, for whoever verifies it. */
export function waiverProblems(
  change: Pick<Change, 'author' | 'proposal'>,
  events: readonly ChangeEvent[],
): string[] {
  return events
    .filter(({ type }) => type === 'change-waived')
    .flatMap((event) => {
      const waiver = waivedOf(event)
      const before = events.slice(0, event.sequence)
      const run = checkingRun(before)
      const name = `the waiver of event ${event.sequence}`
      const problems: string[] = []
      if (waiver.until <= event.at || waiver.until > event.at + LONGEST_WAIVER_MS)
        problems.push(`${name} is longer than a waiver may be`)
      if (waiver.why.trim() === '') problems.push(`${name} gives no reason`)
      if (event.data.reason !== waiverWords(waiver)) problems.push(`${name} is told otherwise`)
      const lifted = before.findLast(
        ({ type }) => type === 'change-blocked' || type === 'change-inconclusive',
      )
      if (lifted?.type !== `change-${waiver.from}` || (lifted.data.reason ?? waiver.from) !== waiver.was)
        problems.push(`${name} lifts something else than what held the change`)
      if (run === undefined) return [...problems, `${name} comes before any check`]
      if (run.policy.signOff.notTheAuthor && isSame(waiver.by, authorOf(change, events)))
        problems.push(`${name} is the author's own`)
      if (waiver.checks.join() !== openChecks(before, run, change.proposal.risk).join())
        problems.push(`${name} names other checks than those that were open`)
      const moved = events.find(
        ({ type, sequence }) => type === 'canary-started' && sequence > event.sequence,
      )
      const isItsOwn =
        moved !== undefined && waiverOf(events.slice(0, moved.sequence))?.sequence === event.sequence
      if (isItsOwn && moved.at >= waiver.until) problems.push(`traffic moved after ${name} had ended`)
      return problems
    })
}

function hasVerdict(events: readonly ChangeEvent[], run: CheckingRun): boolean {
  return events.some(({ sequence, data }) => sequence > run.sequence && data.verdict != null)
}

function openChecks(
  events: readonly ChangeEvent[],
  run: CheckingRun,
  risk: keyof Policy['tiers'],
): CheckName[] {
  const passed = (gate: GateResult | undefined) => gate?.result === 'pass'
  return checksOf(run.policy, risk).filter((check) => !passed(gateDecided(events, run, check)))
}
