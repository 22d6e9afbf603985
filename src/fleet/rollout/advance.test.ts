import { describe, expect, test } from 'vitest'
import type { Rollout, RolloutLook } from '../../contracts/index.ts'
import { defaultPlan } from '../testing/rollout-world.ts'
import { type ArmState, advance, type Move, type RolloutWorld } from './advance.ts'

const NOW = 1_000_000

const guards = [{ name: 'errors' as const, margin: 0.01, thresholdMs: null }]
const base: Rollout = {
  id: 'ro-1',
  changeId: null,
  model: 'spam',
  champion: 'v1',
  candidate: 'v2',
  plan: { ...defaultPlan, steps: [5, 50, 100], guards: ['errors'] },
  guards,
  forecast: [],
  state: 'progressing',
  step: 0,
  reason: null,
  startedAt: NOW - 100_000,
  stepStartedAt: NOW - 100_000,
  finishedAt: null,
  rollbackMs: null,
}
const up: ArmState = { status: 'active', wanted: 4, ready: 4, unreadyForMs: 0, isSilent: false }
const look: RolloutLook = {
  rolloutId: 'ro-1',
  sequence: 7,
  at: NOW,
  step: 0,
  sharePercent: 5,
  windows: 90,
  windowEndMs: NOW - 2_000,
  guards: [],
  decision: 'continue',
  reason: 'because',
  needsRequests: 1,
  needsMs: 1,
}
const world: RolloutWorld = {
  shares: { v1: 95, v2: 5 },
  splitAtMs: NOW - 100_000,
  champion: up,
  candidate: up,
  guards: { guards },
  look,
  isLookDue: false,
  candidateAnsweredAtMs: null,
}

const wait: Move = { kind: 'wait' }
const split = (candidatePercent: number, reason: string): Move => ({
  kind: 'split',
  candidatePercent,
  reason,
})
const aborting = (reason: string) => ({ state: 'aborting', reason, stepStartedAt: NOW })
const said = (decision: RolloutLook['decision'], more: Partial<RolloutLook> = {}) => ({
  look: { ...look, decision, ...more },
})

type Case = [says: string, rollout: Partial<Rollout>, world: Partial<RolloutWorld>, expected: object]

function check([, rollout, around, expected]: Case): void {
  expect(advance({ ...base, ...rollout }, { ...world, ...around }, NOW)).toMatchObject(expected)
}

describe('pending', () => {
  const pending = { state: 'pending' as const }
  const start = { shares: { v1: 100 }, look: undefined }
  test.each<Case>([
    ['writes the first split', pending, start, split(5, 'step 1')],
    [
      'then goes on',
      pending,
      { look: undefined },
      { kind: 'update', patch: { state: 'progressing', stepStartedAt: NOW } },
    ],
    [
      'says what is missing for its thresholds',
      pending,
      { ...start, guards: { missingRequests: 40 } },
      { kind: 'update', patch: { reason: expect.stringMatching(/^inconclusive: 40 more/) } },
    ],
    [
      'stores its thresholds before the first split',
      pending,
      { ...start, guards: { guards: [{ ...guards[0]!, thresholdMs: 20 }] } },
      { kind: 'update', patch: { startedAt: NOW, stepStartedAt: NOW } },
    ],
    [
      'a plan of one step goes straight to the watch',
      { ...pending, plan: { ...base.plan, steps: [100] } },
      { shares: { v2: 100 }, look: undefined },
      { kind: 'update', patch: { state: 'promoting' } },
    ],
    [
      'a candidate that failed is not begun with',
      pending,
      { ...start, candidate: { ...up, status: 'failed', ready: 0 } },
      { kind: 'update', patch: { state: 'aborting' } },
    ],
  ])('%s', (...each) => check(each))
})

describe('progressing', () => {
  test.each<Case>([
    ['nothing decided, nothing due', {}, {}, wait],
    ['nothing decided, a look is due', {}, { isLookDue: true }, { kind: 'look', patch: {} }],
    [
      'promote',
      {},
      said('promote'),
      { kind: 'look', patch: { state: 'promoting', step: 1, stepStartedAt: NOW } },
    ],
    ['abort', {}, said('abort'), { kind: 'look', patch: aborting('because') }],
    ['brake', {}, said('brake'), { kind: 'look', patch: aborting('because') }],
    ['no data for a moment', {}, said('hold'), wait],
    [
      'no data for long',
      {},
      said('hold', { windowEndMs: NOW - 31_000 }),
      { kind: 'look', patch: { state: 'paused', reason: 'inconclusive: because' } },
    ],
    [
      'a split that is not ours',
      {},
      { shares: { v1: 90, v2: 10 } },
      { kind: 'update', patch: { state: 'paused', reason: 'manual: the traffic was set by hand' } },
    ],
    [
      'the candidate was given up',
      {},
      { candidate: { ...up, status: 'failed', ready: 0 } },
      { kind: 'look', look: { decision: 'abort' }, patch: aborting('the candidate failed and was given up') },
    ],
    ['the candidate is away for a moment', {}, { candidate: { ...up, ready: 0, unreadyForMs: 4_000 } }, wait],
    [
      'the candidate does not come back',
      {},
      { candidate: { ...up, ready: 0, unreadyForMs: 5_000 } },
      { kind: 'look', patch: aborting('the candidate has had no ready replica for 5 s') },
    ],
  ])('%s', (...each) => check(each))
})

describe('paused', () => {
  const manual = { state: 'paused' as const, reason: 'manual: lunch' }
  const doubt = { state: 'paused' as const, reason: 'inconclusive: no traffic' }
  test.each<Case>([
    ['by a person: is not promoted', manual, said('promote'), wait],
    ['by a person: is aborted', manual, said('abort'), { patch: aborting('because') }],
    ['by a person: brakes', manual, said('brake'), { patch: aborting('because') }],
    ['by a person: any split is theirs', manual, { shares: { v1: 50, v2: 50 } }, wait],
    [
      'by doubt: goes on when there is something to judge by',
      doubt,
      {},
      { patch: { state: 'progressing', reason: null } },
    ],
    ['by doubt: stays while there is not', doubt, said('hold'), wait],
    [
      'by doubt: is promoted when that is what comes of it',
      doubt,
      said('promote'),
      { patch: { state: 'promoting' } },
    ],
  ])('%s', (...each) => check(each))
})

describe('promoting', () => {
  const promoting = { state: 'promoting' as const, step: 1 }
  test.each<Case>([
    ['writes the next split', promoting, {}, split(50, 'step 2')],
    [
      'but not before the candidate has the replicas for it',
      promoting,
      { candidate: { ...up, wanted: 1, ready: 1 } },
      { kind: 'scale-candidate', replicas: 2 },
    ],
    [
      'ready ones',
      promoting,
      { candidate: { ...up, wanted: 2, ready: 1 } },
      { kind: 'update', patch: { reason: 'waiting for the candidate: 1 of 2 replicas are ready' } },
    ],
    [
      'then judges that step',
      promoting,
      { shares: { v1: 50, v2: 50 } },
      { kind: 'update', patch: { state: 'progressing', stepStartedAt: NOW, reason: null } },
    ],
    ['may still abort while it waits', promoting, said('abort'), { patch: aborting('because') }],
  ])('%s', (...each) => check(each))
})

describe('at full traffic', () => {
  const full = { state: 'promoting' as const, step: 2 }
  const shares = { v2: 100 }
  const silent = { ...up, isSilent: true }
  const after = NOW - defaultPlan.scaleDownDelayMs
  test.each<Case>([
    ['watches', full, { shares, splitAtMs: after + 1 }, wait],
    ['goes back', full, { shares, splitAtMs: after + 1, ...said('abort') }, { patch: aborting('because') }],
    [
      'stops the champion after the delay',
      full,
      { shares, splitAtMs: after, champion: silent },
      { kind: 'stop', version: 'v1' },
    ],
    [
      'not while nobody sees how the candidate does',
      full,
      { shares, splitAtMs: after, champion: silent, ...said('hold') },
      { kind: 'update', patch: { reason: 'inconclusive: because' } },
    ],
    ['not while it is seen to answer', full, { shares, splitAtMs: after, champion: up }, wait],
    [
      'not while nothing at all is heard, as after a restart',
      full,
      { shares, splitAtMs: after, champion: silent, candidate: silent },
      wait,
    ],
    [
      'is done',
      full,
      { shares, splitAtMs: after, champion: { ...silent, status: 'draining' } },
      { kind: 'update', patch: { state: 'done', finishedAt: NOW } },
    ],
  ])('%s', (...each) => check(each))
})

describe('aborting', () => {
  const back = { state: 'aborting' as const, reason: 'bad', stepStartedAt: NOW - 6_000 }
  const shares = { v1: 100 }
  const settled = { shares, splitAtMs: NOW - 5_900 }
  const silent = { ...up, isSilent: true }
  test.each<Case>([
    ['writes the split first', back, {}, split(0, 'bad')],
    ['whatever state the candidate is in', back, { candidate: { ...up, status: 'failed' } }, split(0, 'bad')],
    ['waits for silence', back, settled, wait],
    ['and for telemetry to settle', back, { shares, splitAtMs: NOW - 3_000, candidate: silent }, wait],
    [
      'and for the champion to be heard: after a restart gateways may still deal by the split before',
      back,
      { ...settled, candidate: silent, champion: silent },
      wait,
    ],
    ['then stops the candidate', back, { ...settled, candidate: silent }, { kind: 'stop', version: 'v2' }],
    [
      'and says how long the last answer took',
      back,
      { ...settled, candidate: { ...silent, status: 'draining' }, candidateAnsweredAtMs: NOW - 5_800 },
      { kind: 'update', patch: { state: 'rolled-back', finishedAt: NOW, rollbackMs: 200 } },
    ],
    [
      'does not wait for ever, and does not invent a figure',
      { ...back, stepStartedAt: NOW - 40_000 },
      { shares, splitAtMs: NOW - 40_000, candidate: { ...up, status: 'stopped' } },
      { kind: 'update', patch: { state: 'rolled-back', rollbackMs: null } },
    ],
  ])('%s', (...each) => check(each))
})

test.each(['done', 'rolled-back'] as const)('%s is the end', (state) => check(['', { state }, {}, wait]))
