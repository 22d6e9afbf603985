import { expect, test } from 'vitest'
import type { Change, ChangeEvent, ChangeEventType, Rollout } from '../contracts/index.ts'
import { decide } from './decide.ts'
import { defaultPolicy } from './policy.ts'
import type { View } from './step.ts'
import { proposalOf } from './testing/world.ts'

const NOW = 1_000_000
const version = (label: string) => ({ label, id: `sha256:${'a'.repeat(64)}` })
const change = (state: Change['state']): Change => ({
  id: 'c-7f3a',
  proposal: proposalOf(),
  state,
  reason: 'errors are worse',
  champion: version('v1'),
  candidate: version('v2'),
  author: 'ada',
  createdAt: 0,
  updatedAt: 0,
  verdict: null,
  checks: [],
  rolloutId: 'ro-1',
})
const event = (
  type: ChangeEventType,
  at = NOW,
  data: Record<string, unknown> = {},
  actor = 'judge',
): ChangeEvent => ({
  change: 'c-7f3a',
  sequence: 0,
  at,
  actor,
  type,
  data,
  previousHash: null,
  hash: `sha256:${'b'.repeat(64)}`,
})
const rollout = (state: Rollout['state'], step = 0): Rollout => ({
  id: 'ro-1',
  changeId: 'c-7f3a',
  model: 'spam_filter',
  champion: 'v1',
  candidate: 'v2',
  plan: proposalOf().rollout,
  guards: [],
  forecast: [],
  state,
  step,
  reason: 'why',
  startedAt: 0,
  stepStartedAt: 0,
  finishedAt: null,
  rollbackMs: null,
})
const view = (state: Change['state'], said: Partial<View>): View => ({
  change: change(state),
  events: [],
  evidence: [],
  signOffs: [],
  rollout: undefined,
  otherRollout: undefined,
  championNow: 'v1',
  candidateShare: 0,
  incidentExists: false,
  nowMs: NOW,
  ...said,
})
const until = NOW + 1_000
const checking = event('checking-started', 0, {
  attempt: 1,
  policy: defaultPolicy,
  plans: [],
  kept: [],
  mayDeploy: true,
})
const waived = (from: 'blocked' | 'inconclusive'): ChangeEvent => ({
  ...event('change-waived', 0, { until, why: 'known', key: 'k1', from, was: 'HOLD: why', checks: [] }, 'bo'),
  sequence: 5,
})
const back = (at: number) => [event('traffic-rolled-back', at), event('incident-opened', at)]
const stepped = event('step-promoted', NOW, { step: 0 })

test.each<[string, View, Record<string, unknown>]>([
  ['a proposal waits for a person', view('proposed', {}), { kind: 'rest' }],
  [
    'a canary without a rollout starts one',
    view('canary', { events: [event('canary-started')] }),
    { kind: 'start-rollout' },
  ],
  [
    'one that cannot be started is given up after a minute',
    view('canary', { events: [event('canary-started', NOW - 60_000)] }),
    { kind: 'write', draft: { type: 'traffic-rolled-back' } },
  ],
  [
    'the first split is logged with the rollout',
    view('canary', { rollout: rollout('pending') }),
    { kind: 'write', draft: { type: 'step-promoted', data: { rollout: 'ro-1', step: 0, sharePercent: 1 } } },
  ],
  [
    'steps are logged one by one',
    view('canary', { rollout: rollout('progressing', 2), events: [stepped] }),
    { draft: { data: { step: 1, sharePercent: 50 } } },
  ],
  [
    'the judge’s pause is logged with its reason',
    view('canary', { rollout: rollout('paused'), events: [stepped] }),
    { draft: { type: 'canary-paused', data: { reason: 'why' } } },
  ],
  [
    'a logged pause waits',
    view('canary', { rollout: rollout('paused'), events: [stepped, event('canary-paused')] }),
    { kind: 'wait', why: 'why' },
  ],
  [
    'a pause that the judge lifted is logged',
    view('canary', { rollout: rollout('progressing'), events: [stepped, event('canary-paused')] }),
    { draft: { type: 'canary-resumed' } },
  ],
  [
    'a person’s pause that got lost is carried out',
    view('canary', {
      rollout: rollout('progressing'),
      events: [stepped, event('canary-paused', NOW, {}, 'bo')],
    }),
    { kind: 'pause-rollout' },
  ],
  [
    'going back is told when the traffic is back',
    view('canary', {
      rollout: rollout('aborting'),
      candidateShare: 0,
      events: [stepped, event('gate-decided', NOW, { gate: 'canary', result: 'fail' })],
    }),
    { draft: { type: 'traffic-rolled-back', data: { reason: 'why' } } },
  ],
  [
    'and not before',
    view('canary', { rollout: rollout('aborting'), candidateShare: 1, events: [stepped] }),
    { kind: 'wait' },
  ],
  [
    'all traffic is not yet live while the split is older',
    view('canary', {
      rollout: rollout('promoting', 2),
      candidateShare: 50,
      events: [event('step-promoted', NOW, { step: 2 })],
    }),
    { kind: 'wait' },
  ],
  [
    'all traffic is live',
    view('canary', {
      rollout: rollout('promoting', 2),
      candidateShare: 100,
      events: [event('step-promoted', NOW, { step: 2 })],
    }),
    { draft: { type: 'gate-decided', data: { gate: 'canary', result: 'pass' } } },
  ],
  [
    'a live one waits while the old version is kept',
    view('live', { rollout: rollout('promoting', 2), candidateShare: 100 }),
    { kind: 'wait', why: 'v1 is kept ready' },
  ],
  [
    'then the champion is replaced',
    view('live', { rollout: rollout('done', 2), candidateShare: 100 }),
    { draft: { type: 'champion-replaced', data: { champion: 'v2', before: 'v1' } } },
  ],
  [
    'a person’s way back that got lost is carried out',
    view('rolled-back', { rollout: rollout('progressing'), events: [event('traffic-rolled-back')] }),
    { kind: 'abort-rollout', reason: 'errors are worse' },
  ],
  [
    'also when the rollout was over',
    view('rolled-back', { rollout: rollout('done', 2), candidateShare: 100, events: back(NOW) }),
    { kind: 'abort-rollout' },
  ],
  [
    'the incident is logged first',
    view('rolled-back', { rollout: rollout('rolled-back'), events: [event('traffic-rolled-back')] }),
    { draft: { type: 'incident-opened', data: { incident: 'i-7f3a' } } },
  ],
  [
    'then opened',
    view('rolled-back', { rollout: rollout('rolled-back'), events: back(NOW) }),
    { kind: 'open-incident' },
  ],
  [
    'the last failed requests are waited for',
    view('rolled-back', { rollout: rollout('rolled-back'), incidentExists: true, events: back(NOW - 2_999) }),
    { kind: 'wait', untilMs: NOW + 1 },
  ],
  [
    'and the rollout’s own end',
    view('rolled-back', { rollout: rollout('aborting'), incidentExists: true, events: back(NOW - 60_000) }),
    { kind: 'wait' },
  ],
  [
    'then it is put away',
    view('rolled-back', { rollout: rollout('rolled-back'), incidentExists: true, events: back(NOW - 3_000) }),
    { kind: 'settle' },
  ],
  [
    'once',
    view('rolled-back', {
      rollout: rollout('rolled-back'),
      incidentExists: true,
      events: [...back(NOW - 3_000), event('change-closed')],
    }),
    { kind: 'rest' },
  ],
  [
    'a waiver in force leads on',
    view('waived', { events: [checking, waived('blocked')] }),
    { kind: 'write', draft: { type: 'staging-started' } },
  ],
  ...(['waived', 'staging', 'sign-off'] as const).flatMap((state) =>
    (['blocked', 'inconclusive'] as const).map((from): [string, View, Record<string, unknown>] => [
      `one that ended in ${state} falls back to ${from}`,
      view(state, { events: [checking, waived(from)], nowMs: until }),
      {
        draft: {
          type: `change-${from}`,
          data: { reason: expect.stringMatching(/^the waiver by bo ended .*; before it: HOLD: why$/) },
        },
      },
    ]),
  ),
  [
    'a signer is waited for until it ends',
    view('sign-off', {
      change: { ...change('sign-off'), proposal: proposalOf({ risk: 'new-provider' }) },
      events: [checking, waived('blocked')],
    }),
    { kind: 'wait', untilMs: until },
  ],
  [
    'one that ended takes traffic back',
    view('canary', {
      rollout: rollout('progressing'),
      events: [checking, waived('blocked'), stepped],
      nowMs: until,
    }),
    { draft: { type: 'traffic-rolled-back', data: { rollout: 'ro-1' } } },
  ],
  [
    'not from a change that has everything by then',
    view('canary', {
      rollout: rollout('promoting', 2),
      candidateShare: 100,
      events: [checking, waived('blocked'), event('step-promoted', NOW, { step: 2 })],
      nowMs: until,
    }),
    { draft: { type: 'gate-decided', data: { gate: 'canary', result: 'pass' } } },
  ],
  [
    'nor twice',
    view('canary', {
      rollout: rollout('aborting'),
      candidateShare: 1,
      events: [checking, waived('blocked'), stepped],
      nowMs: until,
    }),
    { kind: 'wait' },
  ],
  ['a blocked one keeps no candidate running', view('blocked', {}), { kind: 'stop-candidate' }],
])('%s', (_, given, step) => expect(decide(given)).toMatchObject(step))
