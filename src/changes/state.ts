import type { ChangeEventType, ChangeState } from '../contracts/index.ts'

/**
 * draft ──propose──▶ proposed ──start──▶ checking ──judge──▶ verdict ──▶ staging ──▶ sign-off ──▶ canary ──▶ live
 *       ──champion replaced──▶ watched ──close──▶ done
 *
 * - `sign-off` is left out when the policy asks for none: then staging leads to the canary.
 * - Checks need a key that may check, traffic one that may deploy: where the first key may not, the change waits in
 *   `verdict` (or `waived`) until one that may allows it.
 * - Until traffic moves, a change may fall to `blocked` (a gate failed), `inconclusive` (a gate needs more) or
 *   `withdrawn` (a person stopped it). An inconclusive one may be checked again; a person may waive what
 *   holds it, for a while: a change that is not live by then falls back, with its traffic if there is any.
 * - Once traffic moves there are two ways out: live, or `rolled-back`; also from live, while the old version is kept.
 * - `done`, `rolled-back` and `withdrawn` are the end. What is left to put away there is told by events that do not
 *   change the state, the last of them `change-closed`.
 *
 * Only `next` changes a state, only an event makes it do so, and every event is written before its effect.
 */
export function next(state: ChangeState, event: ChangeEventType): ChangeState | Refusal {
  const follows = TABLE[state][event]
  return follows ?? { refused: `a change that is ${state} has no ${event}` }
}

export interface Refusal {
  readonly refused: string
}

export function isRefusal(answer: ChangeState | Refusal): answer is Refusal {
  return typeof answer === 'object'
}

export const FINAL_STATES: readonly ChangeState[] = ['done', 'rolled-back', 'withdrawn']

const STOPS = {
  'change-blocked': 'blocked',
  'change-inconclusive': 'inconclusive',
  'change-withdrawn': 'withdrawn',
} as const

const TABLE: Readonly<Record<ChangeState, Partial<Record<ChangeEventType, ChangeState>>>> = {
  draft: { 'change-proposed': 'proposed', 'change-withdrawn': 'withdrawn' },
  proposed: { ...STOPS, 'checking-started': 'checking' },
  checking: {
    ...STOPS,
    'check-started': 'checking',
    'holdout-read': 'checking',
    'check-finished': 'checking',
    'gate-decided': 'checking',
    'verdict-reached': 'verdict',
    'deploy-allowed': 'checking',
  },
  verdict: {
    ...STOPS,
    'gate-decided': 'verdict',
    'deploy-requested': 'verdict',
    'deploy-allowed': 'verdict',
    'staging-started': 'staging',
  },
  staging: {
    ...STOPS,
    'staging-finished': 'staging',
    'gate-decided': 'staging',
    'sign-off-given': 'staging',
    'sign-off-requested': 'sign-off',
    'canary-started': 'canary',
  },
  'sign-off': {
    ...STOPS,
    'sign-off-given': 'sign-off',
    'gate-decided': 'sign-off',
    'canary-started': 'canary',
  },
  canary: {
    'step-promoted': 'canary',
    'canary-paused': 'canary',
    'canary-resumed': 'canary',
    'gate-decided': 'canary',
    'canary-finished': 'live',
    'traffic-rolled-back': 'rolled-back',
  },
  live: {
    'gate-decided': 'live',
    'champion-replaced': 'watched',
    'traffic-rolled-back': 'rolled-back',
  },
  watched: { 'change-closed': 'done' },
  done: {},
  blocked: { 'change-waived': 'waived', 'change-withdrawn': 'withdrawn' },
  inconclusive: {
    'checking-started': 'checking',
    'change-waived': 'waived',
    'change-withdrawn': 'withdrawn',
  },
  waived: {
    ...STOPS,
    'deploy-requested': 'waived',
    'deploy-allowed': 'waived',
    'staging-started': 'staging',
  },
  'rolled-back': { 'incident-opened': 'rolled-back', 'change-closed': 'rolled-back' },
  withdrawn: { 'change-closed': 'withdrawn' },
}
