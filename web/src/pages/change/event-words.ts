import type { ChangeEvent } from '../../../../src/contracts/index.ts'
import { calmSentence, shortHash } from '../../format/measurements.ts'
import { grouped } from '../../format/numbers.ts'
import { absolute } from '../../format/times.ts'
import { plainReason } from './guard-words.ts'

type Facts = Record<string, unknown>

/** One line of the log: who did what, and why where it was said. Facts that an event does not carry are left out. */
export function eventWords({ type, actor, data }: Pick<ChangeEvent, 'type' | 'actor' | 'data'>): string {
  return `${actor}: ${plainReason(WORDS[type]?.(data) ?? type.replaceAll('-', ' '))}`
}

/** Gates whose decision no other link tells. */
const LATE_GATES = new Set(['staging', 'sign-off'])

/** Links that only repeat what the next one says: shown with the whole chain. */
export function isMinor({ type, data }: Pick<ChangeEvent, 'type' | 'data'>): boolean {
  return (
    type === 'check-started' ||
    type === 'staging-started' ||
    type === 'canary-started' ||
    (type === 'gate-decided' && (data.result === 'pass' || !LATE_GATES.has(text(data.gate))))
  )
}

const WORDS: Partial<Record<ChangeEvent['type'], (data: Facts) => string>> = {
  'change-proposed': ({ proposal }) => `proposed${quoted((proposal as Facts | undefined)?.hypothesis)}`,
  'checking-started': () => 'started the checks',
  'check-started': (data) => `${text(data.check)} started`,
  'check-finished': (data) =>
    `${text(data.check)} ${text(data.status)}${because(text(data.summary).split(';')[0])}`,
  'holdout-read': (data) =>
    `read held-out data ${text(data.dataset)} for ${text(data.check)}${holdoutReads(data)}`,
  'deploy-requested': (data) => `waits for a key that may deploy${because(data.reason)}`,
  'deploy-allowed': (data) => `allowed to deploy it${because(data.reason)}`,
  'gate-decided': (data) => `gate ${text(data.gate)}: ${text(data.result)}${reasons(data)}`,
  'verdict-reached': ({ verdict }) =>
    `verdict${because(calmSentence(cut((verdict as Facts | undefined)?.sentence)))}`,
  'staging-started': () => 'staging started',
  'staging-finished': ({ probe }) => `staging finished${answered(probe as Facts | undefined)}`,
  'sign-off-requested': (data) =>
    `asks for ${text(data.wanted) || 'a'} sign-off${Number(data.wanted) > 1 ? 's' : ''} of${hash(data)}`,
  'sign-off-given': (data) => `signed the evidence${hash(data)}${because(data.note)}`,
  'canary-started': (data) => `canary started${because(data.says)}`,
  'step-promoted': (data) =>
    `${data.step === 0 ? 'canary started at' : 'promoted to'} ${text(data.sharePercent)} %`,
  'canary-paused': (data) => `paused${because(data.reason)}`,
  'canary-resumed': () => 'resumed',
  'canary-finished': (data) => `canary finished${because(data.reason)}`,
  'traffic-rolled-back': (data) => `rolled back${because(data.reason)}`,
  'incident-opened': (data) => `incident ${text(data.incident ?? data.title)} opened${kept(data.cases)}`,
  'change-blocked': (data) => `blocked${because(calmSentence(cut(data.reason)))}`,
  'change-inconclusive': (data) =>
    `inconclusive${data.gate === 'verdict' ? '' : because(calmSentence(cut(data.reason)))}`,
  'change-waived': waived,
  'change-withdrawn': (data) => `withdrew it${because(data.reason)}`,
  'champion-replaced': (data) =>
    `${text(data.candidate ?? data.champion) || 'the candidate'} is the champion now`,
  'change-closed': (data) => `closed${kept(data.failureCases)}`,
}

/** Who waived stands before it already. */
function waived({ checks, reason, until, why }: Facts): string {
  if (typeof until !== 'number' || text(why) === '') return `waived${because(reason)}`
  const open = Array.isArray(checks) && checks.length > 0 ? ` ${checks.map(text).join(', ')}` : ''
  return `waived${open} until ${absolute(until)}: ${text(why)}`
}

/** Each reading makes it a little less unseen; beyond the limit that is said. */
function holdoutReads({ judged, reads, warnAbove }: Facts): string {
  if (typeof reads !== 'number') return ''
  const isWorn = typeof judged === 'number' && typeof warnAbove === 'number' && judged > warnAbove
  return `, reading ${grouped(reads)}${isWorn ? `: judged by ${grouped(judged)} changes, more than ${grouped(warnAbove)}` : ''}`
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** A long reason stands whole on the page; the log is for its beginning. */
function cut(value: unknown): string {
  const whole = text(value)
  return whole.length <= 160 ? whole : `${whole.slice(0, whole.lastIndexOf(' ', 160))} …`
}

function because(value: unknown): string {
  return text(value) === '' ? '' : `: ${text(value)}`
}

function quoted(value: unknown): string {
  return text(value) === '' ? '' : `: “${text(value)}”`
}

function hash({ evidenceHash }: Facts): string {
  return text(evidenceHash) === '' ? '' : ` ${shortHash(text(evidenceHash))}`
}

function answered(probe: Facts | undefined): string {
  const failures = Array.isArray(probe?.failures) ? probe.failures.length : 0
  if (typeof probe?.sent !== 'number') return ''
  return failures === 0
    ? `: ${probe.sent} requests answered`
    : `: ${failures} of ${probe.sent} requests failed`
}

function kept(cases: unknown): string {
  return typeof cases === 'number' && cases > 0 ? `, ${grouped(cases)} failing requests kept` : ''
}

function reasons({ reasons: given }: Facts): string {
  return Array.isArray(given) && given.length > 0 ? `: ${given.map(text).join('; ')}` : ''
}
