import type { Rollout, RolloutLook, RolloutPlan } from '../../contracts/index.ts'
import { silentLogger } from '../../kernel/index.ts'
import { createJudge, type Judge } from '../rollout/judge.ts'
import { writeTraffic } from '../traffic/traffic-writer.ts'
import { createFakeBackend, type FakeBackend } from './fake-backend.ts'
import { createMemoryStore, type MemoryStore } from './memory-store.ts'
import { type Behaviour, createSimulatedTraffic, type SimulatedTraffic } from './simulated-traffic.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'

export const defaultPlan: RolloutPlan = {
  strategy: 'canary',
  steps: [1, 5, 25, 50, 100],
  guards: ['errors', 'timeouts', 'latencyP99'],
  guardMargins: {},
  windowMs: 1000,
  alphaAbort: 0.01,
  alphaPromote: 0.05,
  scaleDownDelayMs: 30_000,
}

export interface RolloutWorldOptions {
  readonly seed?: number
  readonly requestsPerSecond?: number
  readonly plan?: Partial<RolloutPlan>
  readonly behaviour?: (version: string, second: number) => Behaviour
  /** Seconds of champion traffic before the start. */
  readonly warmUpSeconds?: number
}

/** A champion `v1` with traffic, a candidate `v2` that is ready, a judge, and seconds that pass when told. */
export interface RolloutWorld {
  readonly clock: VirtualClock
  readonly store: MemoryStore
  readonly traffic: SimulatedTraffic
  readonly backend: FakeBackend
  judge: Judge
  readonly id: () => string
  start(): Promise<Rollout>
  rollout(): Promise<Rollout>
  looks(): Promise<RolloutLook[]>
  seconds(count: number): Promise<void>
  /** Until the rollout is in one of the states; the seconds it took, or undefined when it did not get there. */
  until(states: readonly Rollout['state'][], limitSeconds: number): Promise<number | undefined>
  restartControl(): void
}

const MODEL = 'spam'

export async function createRolloutWorld(options: RolloutWorldOptions = {}): Promise<RolloutWorld> {
  const clock = createVirtualClock()
  const store = createMemoryStore(clock)
  const backend = createFakeBackend({ clock, readyAtOnce: true })
  const traffic = createSimulatedTraffic({
    clock,
    model: MODEL,
    seed: options.seed ?? 1,
    requestsPerSecond: options.requestsPerSecond ?? 200,
    behaviour: options.behaviour ?? (() => ({ errorRate: 0.01 })),
  })
  store.addModel(MODEL, ['v1', 'v2'])
  for (const version of ['v1', 'v2']) await deployReady(store, backend, version)
  await store.traffic.set(MODEL, { shares: { v1: 100 }, slices: [], reason: 'first version' })
  let id = ''

  function newJudge(): Judge {
    return createJudge({
      store,
      windowSource: traffic,
      clock,
      logger: silentLogger(),
      replicas: () => backend.list(),
      setTraffic: async (model, shares, reason) =>
        writeTraffic(store, await backend.list(), { model, shares, reason }),
      scale: async (model, version, replicas) => {
        await store.deployments.setReplicas(model, version, replicas)
        await startReplica(store, backend, version, replicas)
      },
      stop: (model, version) => store.deployments.setStatus(model, version, 'draining', null),
    })
  }

  const world: RolloutWorld = {
    clock,
    store,
    traffic,
    backend,
    judge: newJudge(),
    id: () => id,
    async start() {
      const plan = { ...defaultPlan, ...options.plan }
      const wish = { model: MODEL, champion: 'v1', candidate: 'v2', plan, changeId: null }
      const started = await world.judge.start(wish)
      id = started.id
      return started
    },
    rollout: async () => (await store.rollouts.get(id)) as Rollout,
    looks: () => store.rollouts.looks(id),
    async seconds(count) {
      for (let second = 0; second < count; second++) {
        const shares = (await store.traffic.get(MODEL))?.shares ?? {}
        await clock.advance(1000)
        traffic.second(shares)
        await world.judge.lookAtAll()
      }
    },
    async until(states, limitSeconds) {
      for (let second = 0; second <= limitSeconds; second++) {
        if (states.includes((await world.rollout()).state)) return second
        await world.seconds(1)
      }
      return undefined
    },
    restartControl() {
      world.judge = newJudge()
    },
  }
  await world.seconds(options.warmUpSeconds ?? 30)
  return world
}

async function deployReady(store: MemoryStore, backend: FakeBackend, version: string): Promise<void> {
  await store.deployments.upsert({ model: MODEL, version, replicas: 1, gpuType: null })
  await startReplica(store, backend, version, 1)
  await store.deployments.setStatus(MODEL, version, 'active', null)
}

async function startReplica(
  store: MemoryStore,
  backend: FakeBackend,
  label: string,
  nth: number,
): Promise<void> {
  const { id: versionId, spec } = await store.versions.get(MODEL, label)
  const paths = { files: {}, drainTimeoutMs: 30_000 }
  await backend.start({ replicaId: `${label}-${nth}`, model: MODEL, label, versionId, spec, ...paths })
}
