import type {
  Change,
  ChangeState,
  ChangeVerdict,
  Measurement,
  Rollout,
  RolloutLook,
} from '../../../../src/contracts/index.ts'
import { calmSentence } from '../../format/measurements.ts'
import { grouped, listed, sharePercent } from '../../format/numbers.ts'
import { plainReason } from './guard-words.ts'

const OVER: ReadonlySet<ChangeState> = new Set([
  'live',
  'watched',
  'done',
  'blocked',
  'rolled-back',
  'withdrawn',
])

/** Something is still to be done about it, by the machine or by a person. */
export function isOpen({ state }: Pick<Change, 'state'>): boolean {
  return !OVER.has(state)
}

/** The one sentence that a page about the change starts with. */
export function headlineOf(change: Change): string {
  const { champion, candidate, verdict, reason } = change
  switch (change.state) {
    case 'draft':
    case 'proposed':
      return `Proposed: ${candidate.label} instead of ${champion.label}, nothing measured yet.`
    case 'checking':
      return `Measuring ${candidate.label} against ${champion.label}${runningPart(change)}.`
    case 'rolled-back':
      return `Rolled back to ${champion.label}${because(reason)}`
    case 'blocked':
      return verdict === null ? `Blocked${because(reason)}` : calmSentence(verdict.sentence)
    case 'withdrawn':
      return `Withdrawn${because(reason)}`
    case 'inconclusive':
      return verdict === null ? `Not settled${because(reason)}` : holdSentence(verdict)
    default:
      return verdict === null
        ? `${candidate.label} instead of ${champion.label}.`
        : calmSentence(verdict.sentence)
  }
}

/** What is open, without the details: those stand right below. */
function holdSentence({ table, sentence }: ChangeVerdict): string {
  const open = openAxes(table).map(({ axis }) => axis ?? '')
  if (open.length === 0) return calmSentence(sentence)
  const gained = table.filter(({ verdict }) => verdict === 'superior').map(({ axis }) => axis ?? '')
  const so = gained.length === 0 ? '' : `; ${listed(gained)} ${gained.length === 1 ? 'is' : 'are'} better`
  return `Hold: ${listed(open)} ${open.length === 1 ? 'is' : 'are'} not settled${so}.`
}

/** Axes that were measured and left open. */
export function openAxes(table: readonly Measurement[]): Measurement[] {
  return table.filter(({ verdict, from }) => verdict === 'inconclusive' && from !== 'not measured')
}

function runningPart({ checks }: Change): string {
  const running = checks.find(({ status }) => status === 'running')
  if (running === undefined) return ''
  return `: ${running.check}, ${grouped(running.done)} of ${grouped(running.total)} ${running.unit}`
}

function because(reason: string | null): string {
  return reason === null ? '.' : `: ${plainReason(reason).replace(/\.$/, '')}.`
}

export interface StateWords {
  readonly words: string
  /** `good`, `poor` and `busy` are tinted; `plain` is not. The words say it too. */
  readonly tone: 'good' | 'poor' | 'busy' | 'plain'
}

/** What a page knows of the canary: the rollout itself, or only the candidate's share of the traffic. */
export interface CanaryView {
  readonly rollout?: Rollout | null
  readonly look?: RolloutLook | undefined
  readonly sharePercent?: number | undefined
}

function canaryWords({ rollout, look, sharePercent: split }: CanaryView): StateWords {
  if (rollout == null)
    return { words: split === undefined ? 'canary' : `canary ${sharePercent(split)}`, tone: 'busy' }
  const share = sharePercent(rollout.plan.steps[rollout.step] ?? 100)
  if (rollout.state === 'paused') return { words: `canary ${share} · paused`, tone: 'poor' }
  return {
    words: `canary ${share} · ${look?.decision === 'hold' ? 'waits for traffic' : 'on track'}`,
    tone: 'good',
  }
}

/** Where it stands, in a few words: "canary 25 % · on track". */
export function stateWords(change: Change, known: CanaryView = {}): StateWords {
  switch (change.state) {
    case 'canary':
      return canaryWords(known)
    case 'checking': {
      const done = change.checks.filter(({ status }) => status !== 'waiting' && status !== 'running').length
      return { words: `checking · ${done} of ${change.checks.length} done`, tone: 'busy' }
    }
    case 'live':
    case 'watched':
      return { words: 'live', tone: 'good' }
    case 'done':
      return { words: 'live · done', tone: 'good' }
    case 'sign-off':
      return { words: 'waits for a sign-off', tone: 'poor' }
    case 'blocked':
      return { words: 'blocked', tone: 'poor' }
    case 'rolled-back':
      return { words: 'rolled back', tone: 'poor' }
    case 'inconclusive':
      return { words: 'inconclusive', tone: 'poor' }
    case 'staging':
    case 'verdict':
      return { words: change.state, tone: 'busy' }
    default:
      return { words: change.state, tone: 'plain' }
  }
}
