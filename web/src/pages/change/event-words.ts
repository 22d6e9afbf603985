import type { ChangeEvent } from '../../../../src/contracts/index.ts'
import { shortHash } from '../../format/measurements.ts'
import { grouped } from '../../format/numbers.ts'

type Facts = Record<string, unknown>

/** One line of the log: who did what, and why where it was said. Facts that an event does not carry are left out. */
export function eventWords({ type, actor, data }: Pick<ChangeEvent, 'type' | 'actor' | 'data'>): string {
  return `${actor}: ${WORDS[type]?.(data) ?? type.replaceAll('-', ' ')}`
}

const WORDS: Partial<Record<ChangeEvent['type'], (data: Facts) => string>> = {
  'change-proposed': (data) => `proposed${quoted(data.hypothesis)}`,
  'checking-started': () => 'started the checks',
  'check-started': (data) => `${text(data.check)} started`,
  'check-finished': (data) => `${text(data.check)} finished${because(data.summary ?? data.status)}`,
  'gate-decided': (data) => `gate ${text(data.gate)}: ${text(data.result)}${reasons(data)}`,
  'verdict-reached': (data) => `verdict${because(data.sentence ?? data.recommendation)}`,
  'staging-started': () => 'staging started',
  'staging-finished': (data) => `staging finished${because(data.summary ?? data.result)}`,
  'sign-off-requested': (data) => `asks for a sign-off${hash(data)}`,
  'sign-off-given': (data) => `signed the evidence${hash(data)}${because(data.note)}`,
  'canary-started': (data) => `canary started${because(data.says)}`,
  'step-promoted': (data) => `promoted ${step(data)}${because(data.reason)}`,
  'canary-paused': (data) => `paused${because(data.reason)}`,
  'canary-resumed': () => 'resumed',
  'canary-finished': (data) => `canary finished${because(data.reason)}`,
  'traffic-rolled-back': (data) => `rolled back${because(data.reason)}`,
  'incident-opened': (data) => `incident ${text(data.incident ?? data.title)} opened${kept(data.cases)}`,
  'change-blocked': (data) => `blocked${because(data.reason)}`,
  'change-inconclusive': (data) => `inconclusive${because(data.reason)}`,
  'change-waived': (data) => `waived${because(data.reason)}`,
  'change-withdrawn': (data) => `withdrew it${because(data.reason)}`,
  'champion-replaced': (data) =>
    `${text(data.candidate ?? data.champion) || 'the candidate'} is the champion now`,
  'change-closed': () => 'closed',
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
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

function step({ from, to }: Facts): string {
  return text(to) === '' ? '' : text(from) === '' ? `to ${text(to)} %` : `${text(from)} → ${text(to)} %`
}

function kept(cases: unknown): string {
  return typeof cases === 'number' ? `, ${grouped(cases)} failing requests kept` : ''
}

function reasons({ reasons: given }: Facts): string {
  return Array.isArray(given) && given.length > 0 ? `: ${given.map(text).join('; ')}` : ''
}
