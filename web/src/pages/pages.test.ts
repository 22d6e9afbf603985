import { describe, expect, test } from 'vitest'
import type {
  Change,
  ChangeEvent,
  Evidence,
  Incident,
  Measurement,
  ModelSummary,
  Rollout,
} from '../../../src/contracts/index.ts'
import { absentWords, axisRows } from './change/axis-rows.ts'
import { accuracyDetails, type Flip, planLines, rawBlockCount, readDetails } from './change/details.ts'
import { eventWords, isMinor } from './change/event-words.ts'
import { inTurn } from './change/flips.ts'
import { neededRequests, neededWords, plainReason } from './change/guard-words.ts'
import { headlineOf, isOpen, stateWords } from './change/states.ts'
import { inputWords } from './failure-words.ts'
import { glance } from './home/glance.ts'

const measurement = (patch: Partial<Measurement> = {}): Measurement => ({
  axis: 'latency',
  measure: 'p95 end to end',
  unit: 'ratio',
  better: 'lower',
  estimate: 0.01,
  lower: -0.02,
  upper: 0.04,
  confidence: 0.95,
  margin: 0.1,
  verdict: 'non-inferior',
  from: '12 AB/BA pairs',
  needs: null,
  ...patch,
})
const change = (patch: Partial<Change> = {}): Change => ({
  id: 'c-7f3a',
  proposal: { model: 'spam_filter', goal: 'accuracy', hypothesis: 'better' } as Change['proposal'],
  state: 'proposed',
  reason: null,
  champion: { label: 'v1', id: 'sha256:1' },
  candidate: { label: 'v2', id: 'sha256:2' },
  author: 'noor',
  createdAt: 0,
  updatedAt: 0,
  verdict: null,
  checks: [],
  rolloutId: null,
  ...patch,
})
const verdict = (sentence: string, table: Measurement[] = []) =>
  ({ recommendation: 'adopt', sentence, table, evidenceHash: 'sha256:e' }) satisfies Change['verdict']
const running = {
  check: 'accuracy',
  status: 'running',
  done: 1240,
  total: 2229,
  unit: 'items',
  etaMs: 9000,
  summary: null,
} as const

describe('the heading of a change', () => {
  test.each<[Partial<Change>, string]>([
    [{}, 'Proposed: v2 instead of v1, nothing measured yet.'],
    [{ state: 'checking', checks: [running] }, 'Measuring v2 against v1: accuracy, 1,240 of 2,229 items.'],
    [{ state: 'checking' }, 'Measuring v2 against v1.'],
    [{ state: 'canary', verdict: verdict('ADOPT: faster by 3 %.') }, 'Adopt: faster by 3 %.'],
    [
      { state: 'rolled-back', reason: 'latencyP99 rose by 2.97 pp', verdict: verdict('ADOPT: cheaper.') },
      'Rolled back to v1: latency p99 rose by 2.97 pp.',
    ],
    [
      { state: 'blocked', verdict: verdict('REJECT: 3 points less accurate.') },
      'Reject: 3 points less accurate.',
    ],
    [{ state: 'blocked', reason: 'v3 took the place of v1.' }, 'Blocked: v3 took the place of v1.'],
    [{ state: 'inconclusive', reason: 'The plan cannot decide' }, 'Not settled: The plan cannot decide.'],
    [
      {
        state: 'inconclusive',
        verdict: verdict('HOLD: a long story.', [
          measurement({ verdict: 'inconclusive' }),
          measurement({ axis: 'accuracy', verdict: 'superior' }),
          measurement({ axis: 'security', verdict: 'inconclusive', from: 'not measured' }),
        ]),
      },
      'Hold: latency is not settled; accuracy is better.',
    ],
    [{ state: 'inconclusive', verdict: verdict('HOLD: no gain shown.') }, 'Hold: no gain shown.'],
    [{ state: 'withdrawn', reason: null }, 'Withdrawn.'],
  ])('%j', (patch, expected) => expect(headlineOf(change(patch))).toBe(expected))
})

describe('where a change stands', () => {
  const rollout = { state: 'progressing', step: 2, plan: { steps: [1, 5, 25] } } as Rollout
  test.each<[Partial<Change>, Parameters<typeof stateWords>[1], string, string]>([
    [{ state: 'canary' }, {}, 'canary', 'busy'],
    [{ state: 'canary' }, { sharePercent: 25 }, 'canary 25 %', 'busy'],
    [{ state: 'canary' }, { rollout }, 'canary 25 % · on track', 'good'],
    [{ state: 'canary' }, { rollout: { ...rollout, state: 'paused' } }, 'canary 25 % · paused', 'poor'],
    [{ state: 'checking', checks: [running] }, {}, 'checking · 0 of 1 done', 'busy'],
    [{ state: 'watched' }, {}, 'live', 'good'],
    [{ state: 'withdrawn' }, {}, 'withdrawn', 'plain'],
  ])('%j %j', (patch, known, words, tone) =>
    expect(stateWords(change(patch), known)).toEqual({ words, tone }),
  )
  test('what rests wants nothing more', () => {
    expect(isOpen({ state: 'sign-off' })).toBe(true)
    expect(isOpen({ state: 'blocked' })).toBe(false)
  })
})

describe('the five axes', () => {
  const evidence = (measurements: Measurement[]) =>
    ({ check: 'latency', measurements, details: {}, raw: {} }) as unknown as Evidence

  test('are always five, and say what nobody measured', () => {
    const rows = axisRows(change(), [])
    expect(rows.map(({ axis }) => axis)).toEqual(['accuracy', 'stability', 'latency', 'cost', 'security'])
    expect(rows.map(absentWords)).toEqual(new Array(5).fill('not measured'))
  })
  test('show the worst finding of an axis while there is no verdict', () => {
    const bad = measurement({ verdict: 'inferior', measure: 'p99' })
    const row = axisRows(change(), [evidence([measurement(), bad])])[2]!
    expect(row.measurement?.measure).toBe('p99')
  })
  test('follow the verdict once it is there', () => {
    const told = verdict('ADOPT.', [measurement({ verdict: 'superior' })])
    expect(axisRows(change({ verdict: told }), [evidence([measurement()])])[2]!.measurement?.verdict).toBe(
      'superior',
    )
  })
  test('an axis that the verdict calls not measured has no estimate', () => {
    const told = verdict('ADOPT.', [measurement({ axis: 'security', estimate: null, from: 'not measured' })])
    expect(axisRows(change({ verdict: told }), [])[4]!.measurement).toBeNull()
  })
  test('say what is running and what waits', () => {
    const checks = [running, { ...running, check: 'latency' as const, status: 'waiting' as const }]
    const rows = axisRows(change({ checks }), [])
    expect([absentWords(rows[0]!), absentWords(rows[2]!)]).toEqual(['measuring', 'waiting'])
  })
})

describe('the log', () => {
  const event = (type: ChangeEvent['type'], data: Record<string, unknown> = {}, actor = 'judge') => ({
    type,
    actor,
    data,
  })
  test.each([
    [
      event('change-proposed', { proposal: { hypothesis: 'retrained' } }, 'noor'),
      'noor: proposed: “retrained”',
    ],
    [
      event('check-finished', { check: 'latency', status: 'pass', summary: 'p95 −1 %; failed 0' }, 'slipway'),
      'slipway: latency pass: p95 −1 %',
    ],
    [event('verdict-reached', { verdict: { sentence: 'ADOPT: it is.' } }), 'judge: verdict: Adopt: it is.'],
    [event('step-promoted', { step: 0, sharePercent: 1 }), 'judge: canary started at 1 %'],
    [event('step-promoted', { step: 2, sharePercent: 25 }), 'judge: promoted to 25 %'],
    [event('traffic-rolled-back', { reason: 'latencyP99 rose' }), 'judge: rolled back: latency p99 rose'],
    [
      event('staging-finished', { probe: { sent: 20, failures: [] } }),
      'judge: staging finished: 20 requests answered',
    ],
    [event('sign-off-requested', { wanted: 2 }), 'judge: asks for 2 sign-offs of'],
    [event('change-closed', { failureCases: 24 }), 'judge: closed, 24 failing requests kept'],
    [event('canary-resumed'), 'judge: resumed'],
    [
      event('holdout-read', { check: 'accuracy', dataset: 'late', reads: 3, judged: 2, warnAbove: 5 }),
      'judge: read held-out data late for accuracy, reading 3',
    ],
    [
      event('holdout-read', { check: 'accuracy', dataset: 'late', reads: 30, judged: 21, warnAbove: 20 }),
      'judge: read held-out data late for accuracy, reading 30: judged by 21 changes, more than 20',
    ],
    [
      event('deploy-requested', { reason: 'needs a key with deploy' }),
      'judge: waits for a key that may deploy: needs a key with deploy',
    ],
    [event('deploy-allowed', { reason: null }), 'judge: allowed to deploy it'],
    [
      event('change-waived', { until: 0, why: 'the fix ships on Monday', checks: ['cost'], reason: 'long' }),
      /^judge: waived cost until 1970-01-01 .*: the fix ships on Monday$/,
    ],
  ] as [ReturnType<typeof event>, string | RegExp][])('%j', (told, expected) =>
    typeof expected === 'string'
      ? expect(eventWords(told).trim()).toBe(expected)
      : expect(eventWords(told).trim()).toMatch(expected),
  )

  test('an event without the facts still reads as a sentence', () => {
    for (const type of [
      'gate-decided',
      'incident-opened',
      'champion-replaced',
      'change-waived',
      'holdout-read',
      'deploy-requested',
      'deploy-allowed',
    ] as const)
      expect(eventWords(event(type))).not.toMatch(/undefined|null|\[object/)
  })
  test('a gate that passed repeats the verdict, one that failed does not', () => {
    expect(isMinor(event('gate-decided', { result: 'pass' }))).toBe(true)
    expect(isMinor(event('gate-decided', { result: 'hold', gate: 'cost' }))).toBe(true)
    expect(isMinor(event('gate-decided', { result: 'fail', gate: 'staging' }))).toBe(false)
  })
})

describe('evidence', () => {
  test('details of another form are not shown, and break nothing', () => {
    expect(
      readDetails(accuracyDetails, { details: { flips: 'many' } } as unknown as Evidence),
    ).toBeUndefined()
    expect(readDetails(accuracyDetails, { details: {} } as Evidence)).toEqual({})
    expect(readDetails(accuracyDetails, undefined)).toBeUndefined()
  })
  test('a plan reads as lines', () => {
    const hash = `sha256:6b1e${'0'.repeat(56)}c02f`
    expect(planLines({ a: 1, ladder: { rungs: [1, 2] }, of: { id: hash } })).toEqual([
      ['a', '1'],
      ['ladder.rungs', '1, 2'],
      ['of.id', '6b1e…c02f'],
    ])
  })
  test('raw blocks of all kinds are counted', () => {
    expect(rawBlockCount({ raw: { ladder: {}, aa: [1, 2], ab: [1, 2, 3] } })).toBe(6)
  })
  test('fixed and broken come by turns until one runs out', () => {
    const flip = (id: string, kind: Flip['kind']) => ({ id, kind }) as Flip
    const mixed = inTurn([
      flip('b1', 'broken'),
      flip('f1', 'fixed'),
      flip('f2', 'fixed'),
      flip('f3', 'fixed'),
    ])
    expect(mixed.map(({ id }) => id)).toEqual(['f1', 'b1', 'f2', 'f3'])
  })
  test.each([
    [null, 'Not to be said yet how much more is needed'],
    [0, 'Enough is known'],
    [18_000.4, '≈ 18,000 more requests on v2'],
  ])('%s more requests', (needsRequests, expected) =>
    expect(neededRequests({ needsRequests }, 'v2')).toBe(expected),
  )
  test('guards are told in words', () => {
    const guard = (name: string, decision: string) => ({ name, decision }) as never
    expect(neededWords([guard('errors', 'promote'), guard('latencyP99', 'continue')])).toBe(
      'errors settled, latency p99 open',
    )
    expect(plainReason('not decided yet: errors, latencyP95')).toBe('not decided yet: errors, latency p95')
  })
})

describe('at one glance', () => {
  const model = { model: 'spam_filter' } as ModelSummary
  const incident = (closedAt: number | null) => ({ closedAt }) as Incident
  test.each([
    [[], [], [], 'Nothing is served yet.'],
    [[model], [change({ state: 'done' })], [incident(5)], 'All is well, nothing is moving.'],
    [[model], [change({ state: 'canary' })], [], 'All is well; 1 change on the way.'],
    [
      [model],
      [change({ state: 'canary' }), change({ state: 'sign-off' })],
      [incident(null)],
      'Look here: 1 open incident, 1 change waiting for a signature and 1 change on the way.',
    ],
  ])('case %#', (models, changes, incidents, expected) =>
    expect(glance(models, changes, incidents)).toBe(expected),
  )
})

test.each([
  ['{"text":"Subject: hello\\n\\n  world"}', 'Subject: hello world'],
  ['[{"text":"first"},{"text":"second"}]', 'first'],
  ['{"pixels":[1,2]}', '{"pixels":[1,2]}'],
  ['{"text":"cut at its lim', '{"text":"cut at its lim'],
])('a kept input %s reads %s', (input, expected) => expect(inputWords(input)).toBe(expected))
