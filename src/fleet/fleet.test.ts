import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { changeProposal, rolloutPlan, type Snapshot } from '../contracts/index.ts'
import { silentLogger, systemClock } from '../kernel/index.ts'
import type { Store } from '../store/index.ts'
import { openTestStore } from '../store/testing.ts'
import { createFleet } from './create-fleet.ts'
import type { Fleet } from './fleet.ts'
import { createFakeBackend, type FakeBackend } from './testing/fake-backend.ts'
import { echoSpec } from './testing/local-place.ts'

const MODEL = 'spam'
let store: Store
let backend: FakeBackend
let fleet: Fleet

function control(): Fleet {
  return createFleet({
    store,
    backend,
    windowSource: { windows: async () => [], recentRate: () => 0 },
    clock: systemClock,
    logger: silentLogger(),
    timings: { noticeMs: 50 },
    intervalMs: 50,
  })
}

beforeEach(async () => {
  store = await openTestStore()
  backend = createFakeBackend({ clock: systemClock, readyAtOnce: true })
  const base = { description: '', owner: '', task: '', framework: '', captureFailures: true }
  await store.models.create({ model: MODEL, contract: echoSpec.contract, ...base })
  for (const [index, label] of ['v1', 'v2', 'v3'].entries())
    await store.versions.register(MODEL, label, { ...echoSpec, threads: index + 1 })
  fleet = control()
})
afterEach(async () => {
  await fleet.close()
  await store.close()
})

const signal = () => AbortSignal.timeout(10_000)

async function deploy(version: string, replicas = 1, trafficPercent = 0): Promise<void> {
  await fleet.deploy({ model: MODEL, version, replicas, gpuType: null, trafficPercent })
  await fleet.whenReady(MODEL, version, signal())
}

async function shares(expected: Record<string, number>): Promise<void> {
  await until(
    async () => JSON.stringify((await store.traffic.get(MODEL))?.shares) === JSON.stringify(expected),
  )
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  const limit = signal()
  while (!(await holds())) {
    limit.throwIfAborted()
    await systemClock.sleep(10)
  }
}

async function storeChange(id: string): Promise<void> {
  const { id: versionId } = await store.versions.get(MODEL, 'v1')
  const named = { label: 'v1', id: versionId }
  const proposal = changeProposal.parse({
    model: MODEL,
    to: { label: 'v2' },
    hypothesis: 'better',
    goal: 'accuracy',
    data: { golden: 'late' },
  })
  await store.changes.create(
    {
      id,
      proposal,
      state: 'canary',
      reason: null,
      champion: named,
      candidate: named,
      author: 'somebody',
      createdAt: 1,
      updatedAt: 1,
      verdict: null,
      checks: [],
      rolloutId: null,
    },
    { at: 1, actor: 'somebody', type: 'change-proposed', data: {} },
  )
}

function versionIn(snapshot: Snapshot, label: string) {
  return snapshot.models[0]?.versions.find((version) => version.label === label)
}

describe('traffic', () => {
  test('the first version that is ready takes everything', async () => {
    await deploy('v1', 2)
    await shares({ v1: 100 })
    expect(await fleet.championOf(MODEL)).toBe('v1')
    await until(() => versionIn(fleet.snapshot(), 'v1')?.replicas.length === 2)
    await until(() => fleet.snapshot().models[0]?.slices.length === 1)
    expect(fleet.snapshot().models[0]).toMatchObject({
      model: MODEL,
      slices: [{ version: 'v1', from: 0, to: 2 ** 32 }],
    })
  })

  test('a later one takes none, or the share it was promised, from the others in proportion', async () => {
    await deploy('v1')
    await shares({ v1: 100 })
    await deploy('v2')
    await fleet.setTraffic(MODEL, { v1: 75, v2: 25 }, 'person')
    await deploy('v3', 1, 20)
    await shares({ v1: 60, v2: 20, v3: 20 })
    expect((await store.deployments.find(MODEL, 'v3'))?.trafficWhenActive).toBeUndefined()
  })

  test('a promise outlives the control process that gave it', async () => {
    await deploy('v1')
    await shares({ v1: 100 })
    await fleet.close()
    await store.deployments.upsert({
      model: MODEL,
      version: 'v2',
      replicas: 1,
      gpuType: null,
      trafficWhenActive: 10,
    })
    fleet = control()
    await shares({ v1: 90, v2: 10 })
  })

  test.each([
    ['less than all', { v1: 50, v2: 49.99 }, 'traffic_not_whole'],
    ['more than all', { v1: 100, v2: 0.01 }, 'traffic_not_whole'],
    ['nothing', {}, 'traffic_not_whole'],
    ['an unknown version', { v1: 50, v9: 50 }, 'unknown_version'],
    ['a version that is not deployed', { v1: 50, v3: 50 }, 'traffic_inactive'],
  ])('%s is refused', async (_says, wanted, code) => {
    await deploy('v1')
    await deploy('v2')
    await shares({ v1: 100 })
    await expect(fleet.setTraffic(MODEL, wanted, 'person')).rejects.toMatchObject({ code })
    await shares({ v1: 100 })
  })

  test('thirds are whole', async () => {
    await deploy('v1')
    await deploy('v2')
    await deploy('v3')
    await fleet.setTraffic(MODEL, { v1: 33.33, v2: 33.33, v3: 33.34 }, 'person')
    await expect(fleet.setTraffic('nothing', { v1: 100 }, 'person')).rejects.toMatchObject({
      code: 'unknown_model',
    })
  })

  test('a split that somebody else changed meanwhile is not overwritten', async () => {
    await deploy('v1')
    await deploy('v2')
    await shares({ v1: 100 })
    const { revision } = await fleet.setTraffic(MODEL, { v1: 90, v2: 10 }, 'one')
    await fleet.setTraffic(MODEL, { v1: 80, v2: 20 }, 'two', revision)
    await expect(fleet.setTraffic(MODEL, { v1: 100 }, 'three', revision)).rejects.toMatchObject({
      code: 'etag_mismatch',
    })
  })

  test('the older version is the champion in a tie', async () => {
    await deploy('v2')
    await shares({ v2: 100 })
    await deploy('v1')
    await fleet.setTraffic(MODEL, { v2: 50, v1: 50 }, 'person')
    expect(await fleet.championOf(MODEL)).toBe('v1')
  })
})

describe('going back', () => {
  async function promoteInSteps(): Promise<void> {
    await deploy('v1')
    await shares({ v1: 100 })
    await deploy('v2')
    for (const v2 of [5, 75]) await fleet.setTraffic(MODEL, { v1: 100 - v2, v2 }, 'step')
  }

  test('from the middle of a split is one write to the one that had everything', async () => {
    await promoteInSteps()
    const before = (await store.traffic.get(MODEL))?.revision ?? 0
    const after = await fleet.rollback(MODEL, 'it is bad')
    expect(after).toMatchObject({ shares: { v1: 100 }, revision: before + 1, reason: 'rollback: it is bad' })
  })

  test('from a finished promotion too; and twice is once', async () => {
    await promoteInSteps()
    await fleet.setTraffic(MODEL, { v2: 100 }, 'step')
    const first = await fleet.rollback(MODEL, 'one')
    expect(first.shares).toEqual({ v1: 100 })
    expect(await fleet.rollback(MODEL, 'two')).toEqual(first)
  })

  test('to a version that was stopped since starts it again, and then gives it everything', async () => {
    await promoteInSteps()
    await fleet.setTraffic(MODEL, { v2: 100 }, 'step')
    await fleet.stop(MODEL, 'v1')
    await until(async () => (await store.deployments.find(MODEL, 'v1'))?.status === 'stopped')
    expect(await fleet.rollback(MODEL, 'it is bad')).toMatchObject({ shares: { v2: 100 }, pending: 'v1' })
    await shares({ v1: 100 })
  })

  test('without anything to go back to leaves things as they are', async () => {
    await deploy('v1')
    await shares({ v1: 100 })
    expect((await fleet.rollback(MODEL, 'why not')).shares).toEqual({ v1: 100 })
    await expect(fleet.rollback('nothing', '')).rejects.toMatchObject({ code: 'unknown_model' })
  })
})

describe('deployments', () => {
  test('a failure is told to who waits, and deploying again is a fresh chance', async () => {
    const started = backend.start
    let isBroken = true
    backend.start = async (spec) => {
      await started(spec)
      if (isBroken) backend.fail(spec.replicaId, 'artifact_unreadable', 'not a model')
    }
    await expect(deploy('v1')).rejects.toMatchObject({
      code: 'deployment_failed',
      message: 'spam v1 could not be started: artifact_unreadable: not a model.',
    })
    const starts = backend.started.length
    await systemClock.sleep(300)
    expect(backend.started.length).toBe(starts)
    isBroken = false
    await deploy('v1')
  })

  test('stopping is refused while there is traffic, and then drains', async () => {
    await deploy('v1')
    await deploy('v2')
    await shares({ v1: 100 })
    await expect(fleet.stop(MODEL, 'v1')).rejects.toMatchObject({ code: 'conflict' })
    await expect(fleet.scale(MODEL, 'v1', 0)).rejects.toMatchObject({ code: 'conflict' })
    expect((await fleet.stop(MODEL, 'v2')).status).toBe('draining')
    await until(async () => (await store.deployments.find(MODEL, 'v2'))?.status === 'stopped')
    expect((await backend.list()).map((replica) => replica.label)).toEqual(['v1'])
    await until(() => versionIn(fleet.snapshot(), 'v2') === undefined)
  })

  test('scaling down tells gateways first', async () => {
    await deploy('v1', 2)
    const told: boolean[][] = []
    fleet.onSnapshot((snapshot) =>
      told.push(versionIn(snapshot, 'v1')?.replicas.map((replica) => replica.draining) ?? []),
    )
    await fleet.scale(MODEL, 'v1', 1)
    await until(async () => (await backend.list()).length === 1)
    await until(() => versionIn(fleet.snapshot(), 'v1')?.replicas.length === 1)
    expect(told.some((draining) => draining.filter(Boolean).length === 1 && draining.length === 2)).toBe(true)
    expect(told.every((draining) => draining.includes(false))).toBe(true)
  })

  test('a killed replica is replaced; with none left the version stays in the snapshot, empty', async () => {
    await deploy('v1')
    await shares({ v1: 100 })
    const seen: number[] = []
    fleet.onSnapshot((snapshot) => seen.push(versionIn(snapshot, 'v1')?.replicas.length ?? -1))
    backend.kill(backend.started[0]?.replicaId ?? '')
    await until(async () => (await backend.list()).some((replica) => replica.alive))
    await until(() => versionIn(fleet.snapshot(), 'v1')?.replicas.length === 1)
    expect(seen).not.toContain(-1)
  })
})

describe('snapshots', () => {
  test('come only when something changed, with growing revisions, also across a restart', async () => {
    await deploy('v1')
    await shares({ v1: 100 })
    await until(() => (fleet.snapshot().models[0]?.slices.length ?? 0) === 1)
    const before = fleet.snapshot()
    let told = 0
    fleet.onSnapshot(() => told++)
    await systemClock.sleep(300)
    expect(told).toBe(0)
    await fleet.close()
    fleet = control()
    await until(() => fleet.snapshot().models.length === 1)
    const { revision, createdAt, ...content } = fleet.snapshot()
    expect(revision).toBeGreaterThan(before.revision)
    expect(createdAt).toBeGreaterThanOrEqual(before.createdAt)
    const { revision: _, createdAt: __, ...same } = before
    expect(content).toEqual(same)
  })

  test('a key that is made or revoked reaches gateways', async () => {
    const key = { publicId: 'abcd1234', mac: 'ff', name: 'n', tenant: 't', expiresAt: null }
    const limits = { requestsPerSecond: null, concurrency: null }
    await store.keys.create({ ...key, scopes: ['predict'], limits })
    await until(() => fleet.snapshot().keys.some((each) => each.publicId === 'abcd1234'))
    await store.keys.revoke('abcd1234', systemClock.nowMs())
    await until(() => fleet.snapshot().keys.length === 0)
  })
})

describe('rollouts', () => {
  test('start writes the first split, and a rollback by hand aborts', async () => {
    await deploy('v1')
    await shares({ v1: 100 })
    const plan = {
      strategy: 'canary' as const,
      steps: [10, 100],
      guards: ['errors' as const],
      guardMargins: {},
      windowMs: 1000,
      alphaAbort: 0.01,
      alphaPromote: 0.05,
      scaleDownDelayMs: 1000,
    }
    const wish = { model: MODEL, champion: 'v1', candidate: 'v2', plan, changeId: null }
    await expect(fleet.rollouts.start(wish)).rejects.toMatchObject({ code: 'traffic_inactive' })
    await deploy('v2')
    const started = await fleet.rollouts.start(wish)
    expect(started.state).toBe('progressing')
    await shares({ v1: 90, v2: 10 })
    await expect(fleet.rollouts.start(wish)).rejects.toMatchObject({ code: 'conflict' })
    expect((await fleet.rollback(MODEL, 'no')).shares).toEqual({ v1: 100 })
    expect(await store.rollouts.get(started.id)).toMatchObject({ state: 'aborting', reason: 'no' })
    const again = await fleet.rollback(MODEL, 'no, really')
    expect(again.shares).toEqual({ v1: 100 })
  })

  test('a change that asks twice gets the rollout that it started', async () => {
    await deploy('v1')
    await shares({ v1: 100 })
    await deploy('v2')
    const plan = rolloutPlan.parse({ steps: [10, 100], guards: ['errors'] })
    await storeChange('c-7f3a')
    const wish = { model: MODEL, champion: 'v1', candidate: 'v2', plan, changeId: 'c-7f3a' }
    const { id } = await fleet.rollouts.start(wish)
    expect((await fleet.rollouts.start(wish)).id).toBe(id)
    expect(await store.rollouts.listOpen()).toHaveLength(1)
  })
})
