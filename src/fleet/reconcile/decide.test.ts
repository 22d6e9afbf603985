import { describe, expect, test } from 'vitest'
import type { ReplicaStatus } from '../../contracts/index.ts'
import type { DeploymentRow, TrafficRow } from '../../store/index.ts'
import type { ObservedReplica } from '../fleet.ts'
import { type Action, decide, defaultTimings, type ReconcileMemory } from './decide.ts'

const NOW = 1_000_000

function wish(
  status: DeploymentRow['status'],
  replicas: number,
  reason: string | null = null,
): DeploymentRow {
  const fixed = { id: 'd-1', model: 'spam', version: 'v1', gpuType: null, trafficPercent: 0, createdAtMs: 0 }
  return { ...fixed, status, reason, replicas }
}

function replica(
  replicaId: string,
  phase: ReplicaStatus['phase'],
  more: {
    alive?: boolean
    ageMs?: number
    failure?: string
    wasReady?: boolean
    label?: string
    own?: Pick<ReplicaStatus, 'progress' | 'startTimeoutMs'>
  } = {},
): ObservedReplica {
  const startedAt = NOW - (more.ageMs ?? 10_000)
  const loadMs = phase === 'ready' || more.wasReady === true ? 100 : null
  const failure = more.failure === undefined ? null : { code: more.failure, detail: 'as told' }
  const address = `unix:/run/${replicaId}`
  const status = { replicaId, pid: 1, phase, address, httpUrl: null, startedAt, loadMs, failure, ...more.own }
  const label = more.label ?? 'v1'
  return {
    replicaId,
    model: 'spam',
    label,
    versionId: `sha256:${'0'.repeat(64)}`,
    status,
    alive: more.alive ?? true,
  }
}

const dead = (id: string, more: Parameters<typeof replica>[2] = {}) =>
  replica(id, 'starting', { alive: false, ...more })

function split(shares: TrafficRow['shares']): TrafficRow[] {
  return [{ model: 'spam', revision: 1, shares, slices: [], reason: '', updatedAt: 0 }]
}

const nothing: ReconcileMemory = {
  drainingSinceMs: new Map(),
  heardFromMs: 0,
  starting: [],
  failedStarts: new Map(),
}
const marked = (agesMs: Record<string, number>): ReconcileMemory => ({
  ...nothing,
  drainingSinceMs: new Map(Object.entries(agesMs).map(([id, ageMs]) => [id, NOW - ageMs])),
})

const start: Action = { kind: 'start', model: 'spam', label: 'v1' }
const stop = (replicaId: string): Action => ({ kind: 'stop', replicaId })
const drain = (replicaId: string): Action => ({ kind: 'drain', replicaId })
const undrain = (replicaId: string): Action => ({ kind: 'undrain', replicaId })
const status = (to: DeploymentRow['status'], reason: string | null = null): Action => ({
  kind: 'set-status',
  model: 'spam',
  label: 'v1',
  status: to,
  reason,
})

interface Case {
  says: string
  wish?: DeploymentRow
  replicas?: ObservedReplica[]
  shares?: TrafficRow['shares']
  memory?: ReconcileMemory
  expected: Action[]
}

function run({ wish: row, replicas = [], shares, memory = nothing }: Case): Action[] {
  const traffic = shares === undefined ? [] : split(shares)
  return decide(row === undefined ? [] : [row], replicas, traffic, memory, NOW)
}

describe('starting', () => {
  test.each<Case>([
    { says: 'two are wanted, none is there', wish: wish('deploying', 2), expected: [start, start] },
    {
      says: 'a start under way counts',
      wish: wish('deploying', 2),
      memory: { ...nothing, starting: ['spam/v1'] },
      expected: [start],
    },
    {
      says: 'a start of another version does not',
      wish: wish('deploying', 1),
      memory: { ...nothing, starting: ['spam/v2'] },
      expected: [start],
    },
    {
      says: 'one that starts counts',
      wish: wish('deploying', 1),
      replicas: [replica('a', 'starting')],
      expected: [],
    },
    {
      says: 'all are ready: active',
      wish: wish('deploying', 1),
      replicas: [replica('a', 'ready')],
      expected: [status('active')],
    },
    {
      says: 'not all are ready: not yet active, and it says how many are',
      wish: wish('deploying', 2),
      replicas: [replica('a', 'ready'), replica('b', 'starting')],
      expected: [status('deploying', '1 of 2 replicas are ready')],
    },
    {
      says: 'all is as wished',
      wish: wish('active', 2),
      replicas: [replica('a', 'ready'), replica('b', 'ready')],
      expected: [],
    },
    {
      says: 'one that somebody else told to stop is replaced, not stopped twice as hard',
      wish: wish('active', 1),
      replicas: [replica('a', 'draining')],
      shares: { v1: 100 },
      expected: [stop('a'), start, status('deploying', null)],
    },
  ])('$says', (each) => expect(run(each)).toEqual(each.expected))
})

describe('ends', () => {
  const word = 'ended without a word; see its log'
  test.each<Case>([
    {
      says: 'the first end is answered at once, and it stays active',
      wish: wish('active', 2),
      replicas: [replica('a', 'ready'), dead('b', { ageMs: 200, wasReady: true })],
      shares: { v1: 100 },
      expected: [start, status('active', `1 of 2 replicas are ready; ended once: ${word}`)],
    },
    {
      says: 'the second end waits',
      wish: wish('deploying', 1, `ended 2 times, last: ${word}`),
      replicas: [dead('a', { ageMs: 5_000 }), dead('b', { ageMs: 600 })],
      expected: [],
    },
    {
      says: 'until its wait is over',
      wish: wish('deploying', 1, `ended 2 times, last: ${word}`),
      replicas: [dead('a', { ageMs: 5_000 }), dead('b', { ageMs: 1_000 })],
      expected: [start],
    },
    {
      says: 'an artifact that cannot be read fails the version at once',
      wish: wish('deploying', 1),
      replicas: [dead('a', { failure: 'artifact_unreadable' })],
      expected: [status('failed', 'artifact_unreadable: as told')],
    },
    {
      says: 'and while its server is about to end nobody hurries it, or its word would be lost',
      wish: wish('deploying', 1),
      replicas: [replica('a', 'failed', { failure: 'artifact_unreadable' })],
      expected: [status('failed', 'artifact_unreadable: as told')],
    },
    {
      says: 'five ends before ready fail the version',
      wish: wish('deploying', 1),
      replicas: ['a', 'b', 'c', 'd', 'e'].map((id) => dead(id, { failure: 'internal' })),
      expected: [status('failed', 'ended 5 times before it was ready, last: internal: as told')],
    },
    {
      says: 'but not a version that ran once',
      wish: wish('deploying', 1, `ended 5 times, last: ${word}`),
      replicas: ['a', 'b', 'c', 'd', 'e'].map((id) => dead(id, { wasReady: true, ageMs: 60_000 })),
      expected: [start],
    },
    {
      says: 'nor one that has traffic',
      wish: wish('deploying', 1, `artifact_unreadable: as told`),
      replicas: [dead('a', { failure: 'artifact_unreadable' })],
      shares: { v1: 1, v2: 99 },
      expected: [start],
    },
    { says: 'failed stays failed', wish: wish('failed', 2, 'why'), expected: [] },
    {
      says: 'a start that got nowhere fails the version when its artifact is missing',
      wish: wish('deploying', 1),
      memory: {
        ...nothing,
        failedStarts: new Map([['spam/v1', { code: 'artifact_missing', detail: 'gone', atMs: NOW }]]),
      },
      expected: [status('failed', 'artifact_missing: gone')],
    },
    {
      says: 'one that named a time of its own gets that, and a while to say why it was not enough',
      wish: wish('deploying', 1),
      replicas: [replica('a', 'starting', { ageMs: 914_000, own: { startTimeoutMs: 900_000 } })],
      expected: [],
    },
    {
      says: 'one that named a time of its own and does not end by itself is given up after it',
      wish: wish('deploying', 1),
      replicas: [replica('a', 'starting', { ageMs: 915_001, own: { startTimeoutMs: 900_000 } })],
      expected: [stop('a'), status('failed', 'did not become ready in time')],
    },
    {
      says: 'what one that starts says that it does is told',
      wish: wish('deploying', 1),
      replicas: [replica('a', 'starting', { own: { progress: 'loading 1 of 4' } })],
      expected: [status('deploying', 'loading 1 of 4')],
    },
    {
      says: 'so it is beside one that is ready, and with why another one ended',
      wish: wish('deploying', 2),
      replicas: [
        replica('a', 'ready'),
        replica('b', 'starting', { own: { progress: 'loading 1 of 4' } }),
        dead('c', { failure: 'engine_ended' }),
      ],
      expected: [
        status('deploying', '1 of 2 replicas are ready; ended once: engine_ended: as told; loading 1 of 4'),
      ],
    },
    {
      says: 'settings that a server refuses are final at once',
      wish: wish('deploying', 1),
      replicas: [dead('a', { failure: 'engine_refused' })],
      expected: [status('failed', 'engine_refused: as told')],
    },
    {
      says: 'too slow a start is final at once',
      wish: wish('deploying', 1),
      replicas: [dead('a', { failure: 'engine_too_slow' })],
      expected: [status('failed', 'engine_too_slow: as told')],
    },
    {
      says: 'want of memory may be chance',
      wish: wish('deploying', 1),
      replicas: [dead('a', { failure: 'engine_out_of_memory' })],
      expected: [start, status('deploying', 'ended once: engine_out_of_memory: as told')],
    },
    {
      says: 'one that never gets ready is given up',
      wish: wish('deploying', 1),
      replicas: [replica('a', 'starting', { ageMs: defaultTimings.startTimeoutMs + 1 })],
      expected: [stop('a'), status('failed', 'did not become ready in time')],
    },
    {
      says: 'history is cleared when a replica has run for a while',
      wish: wish('active', 1),
      replicas: [replica('a', 'ready', { ageMs: 120_000 }), dead('b')],
      expected: [stop('b')],
    },
    {
      says: 'and never grows beyond what it is good for',
      wish: wish('failed', 1, 'why'),
      replicas: [1, 2, 3, 4, 5, 6].map((age) => dead(`r${age}`, { ageMs: age * 1000 })),
      expected: [stop('r6')],
    },
  ])('$says', (each) => expect(run(each)).toEqual(each.expected))
})

describe('leaving', () => {
  const two = [replica('old', 'ready', { ageMs: 20_000 }), replica('new', 'ready')]
  test.each<Case>([
    {
      says: 'too many: the newest is marked first, and not stopped',
      wish: wish('active', 1),
      replicas: two,
      expected: [drain('new')],
    },
    {
      says: 'gateways have not had their time yet',
      wish: wish('active', 1),
      replicas: two,
      memory: marked({ new: 500 }),
      expected: [],
    },
    {
      says: 'gateways had their time',
      wish: wish('active', 1),
      replicas: two,
      memory: marked({ new: defaultTimings.noticeMs }),
      expected: [stop('new')],
    },
    {
      says: 'but not when control has just come back and they may not have found it yet',
      wish: wish('active', 1),
      replicas: two,
      memory: { ...marked({ new: defaultTimings.noticeMs }), heardFromMs: NOW - 10 },
      expected: [],
    },
    {
      says: 'wanted again meanwhile',
      wish: wish('active', 2),
      replicas: two,
      memory: marked({ new: 500 }),
      expected: [undrain('new')],
    },
    {
      says: 'the marked one stays when the other one dies',
      wish: wish('active', 1),
      replicas: [replica('new', 'ready'), dead('old', { wasReady: true })],
      memory: marked({ new: 500 }),
      expected: [undrain('new')],
    },
    {
      says: 'one that still starts leaves before one that serves',
      wish: wish('active', 1),
      replicas: [replica('older', 'starting', { ageMs: 20_000 }), replica('new', 'ready')],
      expected: [drain('older')],
    },
    {
      says: 'a stopped deployment: all are marked',
      wish: wish('draining', 2),
      replicas: two,
      expected: [drain('old'), drain('new')],
    },
    {
      says: 'none left: stopped, and its remains are cleared',
      wish: wish('draining', 2),
      replicas: [dead('a')],
      expected: [stop('a'), status('stopped')],
    },
    {
      says: 'scaled to nothing is stopped',
      wish: wish('active', 0),
      replicas: [],
      expected: [status('stopped')],
    },
    {
      says: 'draining, but it has traffic: it serves',
      wish: wish('draining', 1),
      replicas: [replica('a', 'ready')],
      shares: { v1: 5, v2: 95 },
      expected: [status('active')],
    },
    {
      says: 'nobody wishes it: it leaves, by the same notice',
      replicas: [replica('a', 'ready'), dead('b')],
      expected: [drain('a'), stop('b')],
    },
    {
      says: 'each version is decided on its own',
      wish: wish('active', 1),
      replicas: [replica('a', 'ready'), replica('b', 'ready', { label: 'v2' })],
      memory: marked({ b: 5_000 }),
      expected: [stop('b')],
    },
  ])('$says', (each) => expect(run(each)).toEqual(each.expected))
})
